/** Requests that cross to another thread and are answered by number, each once. */
import type { AdmissionRefusal } from "@stoa/protocol/door";
import type { MainToConsensus, SubmittedCommand } from "./thread-message.ts";

export interface ThreadRequests<T> {
  /** The number under which `answer` will be called. */
  readonly open: (answer: (value: T) => void) => number;
  readonly answered: (id: number, value: T) => void;
}

export function createThreadRequests<T>(): ThreadRequests<T> {
  const open = new Map<number, (value: T) => void>();
  let next = 1;
  return {
    open(answer) {
      open.set(next, answer);
      return next++;
    },
    answered(id, value) {
      const answer = open.get(id);
      open.delete(id);
      answer?.(value);
    },
  };
}

export interface Submits {
  readonly put: (encoded: Uint8Array, toAll: boolean, answer: (refusal: AdmissionRefusal) => void) => void;
  readonly answered: (id: number, refusal: AdmissionRefusal) => void;
}

/** Submitted commands cross to the consensus thread together with the others of the same turn. */
export function createSubmits(toConsensus: (message: MainToConsensus) => void): Submits {
  const requests = createThreadRequests<AdmissionRefusal>();
  let batch: SubmittedCommand[] = [];
  return {
    put(encoded, toAll, answer) {
      // Of its own buffer: a view would be copied with all that surrounds it.
      if (batch.push({ id: requests.open(answer), encoded: Uint8Array.from(encoded), toAll }) > 1) return;
      setImmediate(() => {
        const commands = batch;
        batch = [];
        toConsensus({ kind: "submit", commands });
      });
    },
    answered: requests.answered,
  };
}
