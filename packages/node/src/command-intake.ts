/**
 * Commands on their way into the mempool: offered, checked on the signature pool, admitted, and sent on to the other
 * validators at once when they came from a client. Who offered a command gets exactly one answer.
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
  readonly fromClient: (encoded: Uint8Array, answer: (refusal: AdmissionRefusal) => void) => void;
  readonly fromPeer: (from: ValidatorIndex, encoded: Uint8Array) => void;
}

interface Pending {
  readonly answers: ((refusal: AdmissionRefusal) => void)[];
  readonly knownBy: Set<ValidatorIndex>;
  fromClient: boolean;
}

export function createIntake(parts: IntakeParts): Intake {
  const { mempool, checker } = parts;
  const pending = new Map<string, Pending>();

  const judged = (name: string, encoded: Uint8Array, verdict: Verdict): void => {
    const one = pending.get(name)!;
    pending.delete(name);
    const refusal = mempool.judged(name, verdict);
    if (refusal === "none") {
      if (one.fromClient) parts.forward(encoded, one.knownBy);
      parts.arrived();
    }
    for (const answer of one.answers) answer(refusal);
  };

  const take = (
    encoded: Uint8Array,
    from: ValidatorIndex | undefined,
    answer: ((refusal: AdmissionRefusal) => void) | undefined,
  ): void => {
    const offer = mempool.offer(encoded, parts.wallMs());
    if (offer.kind === "refused") return answer?.(offer.refusal);
    const before = pending.get(offer.name);
    if (offer.kind === "known" && before === undefined) return answer?.("none");
    const one = before ?? { answers: [], knownBy: new Set(), fromClient: false };
    if (answer !== undefined) one.answers.push(answer);
    if (from === undefined) one.fromClient = true;
    else one.knownBy.add(from);
    if (before !== undefined) return;
    pending.set(offer.name, one);
    checker.check(offer.name, encoded, false, (verdict) => judged(offer.name, encoded, verdict));
  };

  return {
    fromClient: (encoded, answer) => take(encoded, undefined, answer),
    fromPeer: (from, encoded) => take(encoded, from, undefined),
  };
}
