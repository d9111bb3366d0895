/**
 * How peers stand: what each has provably done wrong, and until when it is cut off for that. Only what no honest validator can
 * do counts (a frame that is no message, a forged signature, a second proposal); what is merely useless, slow or late never
 * does. A cut ends by itself and is short beside the patience of an operator: a validator that was faulty and is repaired must
 * count again without anybody's help, because a quorum may need its votes.
 */
import type { ValidatorIndex } from "@stoa/protocol/primitives";

export interface Standing {
  /** Notes an offence; returns for how long the peer is cut off. One that is cut off already is not punished twice. */
  readonly offended: (peer: ValidatorIndex, nowMs: number) => number;
  /** How long the peer is still cut off, 0 when it is not. */
  readonly restMs: (peer: ValidatorIndex, nowMs: number) => number;
  readonly banned: (nowMs: number) => ValidatorIndex[];
  /** Of all peers, since the start. */
  readonly offencesCount: () => number;
}

export const banMsMin = 1_000;
export const banMsMax = 60_000;
/** After this long without an offence the next one is a first one. */
const forgetMs = 10 * 60_000;

export function createStanding(): Standing {
  const peers = new Map<ValidatorIndex, { banMs: number; untilMs: number }>();
  let offencesCount = 0;
  const restMs = (peer: ValidatorIndex, nowMs: number): number =>
    Math.max(0, (peers.get(peer)?.untilMs ?? -Infinity) - nowMs);
  return {
    offended(peer, nowMs) {
      const before = peers.get(peer);
      const rest = restMs(peer, nowMs);
      if (0 < rest) return rest;
      offencesCount++;
      const isFirst = before === undefined || before.untilMs + forgetMs < nowMs;
      const banMs = isFirst ? banMsMin : Math.min(banMsMax, 2 * before.banMs);
      peers.set(peer, { banMs, untilMs: nowMs + banMs });
      return banMs;
    },
    restMs,
    banned: (nowMs) => [...peers.keys()].filter((peer) => 0 < restMs(peer, nowMs)),
    offencesCount: () => offencesCount,
  };
}
