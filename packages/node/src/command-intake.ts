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
  /** The answer to the client that offered a command under `id`. */
  readonly answer: (id: number, refusal: AdmissionRefusal) => void;
  /** A command that other validators should have, good for this turn only; `knownBy` had it already. */
  readonly forward: (encoded: Uint8Array, knownBy: readonly ValidatorIndex[]) => void;
  /** Commands have entered the mempool. */
  readonly arrived: () => void;
}

export interface Intake {
  /** `toAll`: the client gives the command to every validator itself. */
  readonly fromClient: (id: number, encoded: Uint8Array, toAll: boolean) => void;
  readonly fromPeer: (from: ValidatorIndex, encoded: Uint8Array) => void;
  /** To be called a few times a second: sends on what others should have had from the client and is still not final. */
  readonly tick: () => void;
}

/** Whether to send a command on when it is admitted: never, later if it must be, or at once. */
type Forward = "never" | "later" | "now";

/** A command that is being checked. */
interface Pending {
  readonly ids: number[];
  readonly knownBy: ValidatorIndex[];
  forward: Forward;
}

/** How long a command that its client gave to all validators may wait before it is sent on all the same. */
const patienceMs = 500;

export function createIntake(parts: IntakeParts): Intake {
  const { mempool, checker } = parts;
  /** By the command's number in the mempool. */
  const pending: (Pending | undefined)[] = [];
  /** Numbers of commands that are sent on if they wait for long; of those that have left, until another has the number. */
  const isLater: boolean[] = [];

  const judged = (number: number, verdict: Verdict): void => {
    const { ids, knownBy, forward } = pending[number]!;
    pending[number] = undefined;
    const refusal = mempool.judged(number, verdict, parts.wallMs());
    if (refusal === "none") {
      isLater[number] = forward === "later";
      if (forward === "now" && mempool.waits(number)) parts.forward(mempool.encodedOf(number), knownBy);
      parts.arrived();
    }
    for (const id of ids) parts.answer(id, refusal);
  };

  /** Takes an offer of a client, under its id, or of a peer. */
  const take = (encoded: Uint8Array, forward: Forward, id: number | undefined, from: ValidatorIndex | undefined) => {
    const number = mempool.offer(encoded, parts.wallMs());
    if (typeof number !== "number") {
      if (id !== undefined) parts.answer(id, number === "known" ? "none" : number);
      return;
    }
    const before = pending[number];
    const one = before ?? { ids: [], knownBy: [], forward };
    if (id !== undefined) one.ids.push(id);
    if (from !== undefined) one.knownBy.push(from);
    if (forward === "now" || one.forward === "never") one.forward = forward;
    if (before !== undefined) return;
    pending[number] = one;
    checker.check(mempool.digestOf(number), mempool.encodedOf(number), false, (verdict) => judged(number, verdict));
  };

  return {
    fromClient: (id, encoded, toAll) => take(encoded, toAll ? "later" : "now", id, undefined),
    fromPeer: (from, encoded) => take(encoded, "never", undefined, from),
    tick() {
      mempool.forEachSince(parts.wallMs() - patienceMs, (number) => {
        if (isLater[number] !== true) return;
        isLater[number] = false;
        parts.forward(mempool.encodedOf(number), []);
      });
    },
  };
}
