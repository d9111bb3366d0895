/**
 * The node's side of lanes (consensus/src/lane.ts has the replica's): which commands of clients go into this validator's lane,
 * and what becomes of the commands in batches that are kept here. They are checked ahead of the block that orders them, and the
 * mempool gives them to no leader.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Effect } from "@stoa/consensus/effect";
import type { Header } from "@stoa/protocol/finality/header";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { LaneChoice } from "./command-intake.ts";
import { homeOf, wayMsMax } from "./command-way.ts";
import type { Mempool } from "./mempool.ts";
import { createLaneSwitch, createOwnLane, type LaneUse } from "./own-lane.ts";
import { payloadCommands, type KnownDigests, type PayloadCommands } from "./payload-names.ts";

/** A validator may have no lane for now, or mean no good: then its commands go by others for so long. */
const distrustMs = 60_000;

export type LaneEffect = Extract<Effect, { kind: "laneRoom" | "batchHeld" | "batchDropped" }>;

export interface LanesParts {
  readonly mode: LaneUse;
  readonly self: ValidatorIndex;
  readonly validatorsCount: number;
  readonly mempool: Pick<Mempool, "size" | "inLane" | "outOfLane" | "expectNothing">;
  /** Whether the links of this validator do not carry the blocks that it makes. */
  readonly isLinkShort: () => boolean;
  readonly wallMs: () => number;
  /** A batch for this validator's lane. */
  readonly seal: (payload: Uint8Array) => void;
  /** Starts checking the commands of a payload. */
  readonly anticipate: (payload: Uint8Array) => void;
}

export interface Lanes {
  readonly choice: LaneChoice;
  readonly observe: (effect: LaneEffect) => void;
  /** The commands of a payload; those of batches that are kept here are not hashed again. */
  readonly commandsOf: (payload: Uint8Array) => PayloadCommands;
  /** A block has become final: the batches that it orders need not be remembered. */
  readonly ordered: (header: Header) => void;
  /** Whether a validator is connected: what belongs to one that is not goes to another. */
  readonly setHere: (peer: ValidatorIndex, isHere: boolean) => void;
}

export function createLanes({ mode, self, mempool, wallMs, ...parts }: LanesParts): Lanes {
  const { validatorsCount } = parts;
  const isHere: boolean[] = Array.from({ length: validatorsCount }, (_, index) => index === self);
  /** Until when nobody is at home with a validator that let something lie. */
  const distrustedMs = new Float64Array(validatorsCount);
  let lastDistrustMs = -Infinity;
  const home = (encoded: Uint8Array): ValidatorIndex =>
    homeOf(encoded, validatorsCount, (index) => isHere[index]! && distrustedMs[index]! <= wallMs());
  const own = createOwnLane({ seal: parts.seal, after: (delayMs, action) => void setTimeout(action, delayMs) });
  /** Batches that are kept and not final, by their places, with the digests of their commands. */
  const held = new Map<string, { readonly batch: Uint8Array; readonly packedDigests: Uint8Array }>();
  const nameOf = (lane: number, sequence: number): string => `${lane}/${sequence}`;
  const knownDigests: KnownDigests = (lane, sequence, bytes) => {
    const found = held.get(nameOf(lane, sequence));
    return found !== undefined && equalBytes(found.batch, bytes) ? found.packedDigests : undefined;
  };

  return {
    choice: {
      isOn: createLaneSwitch(mode, { waitingSize: mempool.size, isLinkShort: parts.isLinkShort }),
      isHome: (encoded) => home(encoded) === self,
      missed(encoded) {
        // What is found to lie in the next seconds was expected of those who were homes before.
        if (wallMs() < lastDistrustMs + 2 * wayMsMax.expected) return;
        const missing = home(encoded);
        if (missing === self) return;
        lastDistrustMs = wallMs();
        distrustedMs[missing] = wallMs() + distrustMs;
      },
      put: own.put,
    },
    observe(effect) {
      switch (effect.kind) {
        case "laneRoom":
          return own.setRoom(effect.count);
        case "batchHeld": {
          const { packedDigests } = payloadCommands(effect.payload);
          held.set(nameOf(effect.lane, effect.sequence), { batch: effect.payload, packedDigests });
          mempool.inLane(packedDigests, wallMs());
          // Its own commands this validator has checked when they came.
          return effect.lane === self ? undefined : parts.anticipate(effect.payload);
        }
        case "batchDropped":
          held.delete(nameOf(effect.lane, effect.sequence));
          return mempool.outOfLane(payloadCommands(effect.payload).packedDigests, wallMs());
      }
    },
    commandsOf: (payload) => payloadCommands(payload, { knownDigests }),
    ordered({ tips, ranges }) {
      for (const { lane, count } of ranges) {
        for (let index = 0; index < count; index++) held.delete(nameOf(lane, tips[lane]!.sequence - index));
        if (lane === self) own.ordered(count);
      }
    },
    setHere(peer, here) {
      isHere[peer] = here;
      if (!here) mempool.expectNothing(wallMs());
    },
  };
}
