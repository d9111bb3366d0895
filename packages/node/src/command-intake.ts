/**
 * Commands on their way into the mempool: offered, checked on the signature pool, admitted, and sent on to the other
 * validators at once when they came from a client; a client that gives a command to all of them says so, and then it is sent
 * on only if it still waits after a while. Who offered a command gets exactly one answer.
 */
import type { AdmissionRefusal } from "@stoa/protocol/door";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { Checker } from "./checker.ts";
import type { Mempool } from "./mempool.ts";
import type { Verdict } from "./verdict.ts";

export interface IntakeParts {
  readonly mempool: Mempool;
  readonly checker: Checker;
  readonly wallMs: () => number;
  /** Commands that other validators should have; `known` tells which of them had it already. */
  readonly forward: (encoded: Uint8Array, knownBy: ReadonlySet<ValidatorIndex>) => void;
  /** Commands have entered the mempool. */
  readonly arrived: () => void;
}

export interface Intake {
  /** `toAll`: the client gives the command to every validator itself. */
  readonly fromClient: (encoded: Uint8Array, toAll: boolean, answer: (refusal: AdmissionRefusal) => void) => void;
  readonly fromPeer: (from: ValidatorIndex, encoded: Uint8Array) => void;
  /** To be called a few times a second: sends on what others should have had from the client and is still not final. */
  readonly tick: () => void;
}

interface Pending {
  readonly answers: ((refusal: AdmissionRefusal) => void)[];
  readonly knownBy: Set<ValidatorIndex>;
  /** Whether to send it on when it is admitted: never, later if it must be, or at once. */
  forward: "never" | "later" | "now";
}

/** How long a command that its client gave to all validators may wait before it is sent on all the same. */
const patienceMs = 500;

export function createIntake(parts: IntakeParts): Intake {
  const { mempool, checker } = parts;
  const pending = new Map<string, Pending>();
  /** Oldest first. */
  const later = new Map<string, { readonly encoded: Uint8Array; readonly sinceMs: number }>();

  const judged = (name: string, encoded: Uint8Array, verdict: Verdict): void => {
    const one = pending.get(name)!;
    pending.delete(name);
    const refusal = mempool.judged(name, verdict);
    if (refusal === "none") {
      if (one.forward === "now") parts.forward(encoded, one.knownBy);
      else if (one.forward === "later") later.set(name, { encoded, sinceMs: parts.wallMs() });
      parts.arrived();
    }
    for (const answer of one.answers) answer(refusal);
  };

  const take = (
    encoded: Uint8Array,
    from: ValidatorIndex | undefined,
    forward: Pending["forward"],
    answer: ((refusal: AdmissionRefusal) => void) | undefined,
  ): void => {
    const offer = mempool.offer(encoded, parts.wallMs());
    if (offer.kind === "refused") return answer?.(offer.refusal);
    const before = pending.get(offer.name);
    if (offer.kind === "known" && before === undefined) return answer?.("none");
    const one = before ?? { answers: [], knownBy: new Set(), forward };
    if (answer !== undefined) one.answers.push(answer);
    if (from !== undefined) one.knownBy.add(from);
    if (forward === "now" || one.forward === "never") one.forward = forward;
    if (before !== undefined) return;
    pending.set(offer.name, one);
    checker.check(offer.name, encoded, false, (verdict) => judged(offer.name, encoded, verdict));
  };

  return {
    fromClient: (encoded, toAll, answer) => take(encoded, undefined, toAll ? "later" : "now", answer),
    fromPeer: (from, encoded) => take(encoded, from, "never", undefined),
    tick() {
      const nowMs = parts.wallMs();
      for (const [name, { encoded, sinceMs }] of later) {
        if (mempool.holds(name) && nowMs < sinceMs + patienceMs) break;
        later.delete(name);
        if (mempool.holds(name)) parts.forward(encoded, new Set());
      }
    },
  };
}
