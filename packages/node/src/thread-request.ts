/** Requests that cross to another thread and are answered by number, each once. */
import { Writer } from "@stoa/base/codec";
import { admissionRefusals, type AdmissionRefusal } from "@stoa/protocol/door";
import type { MainToConsensus, SubmitAnswers, SubmittedCommands } from "./thread-message.ts";

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
  /** Takes a copy of the command; `answer` is called once. */
  readonly put: (encoded: Uint8Array, toAll: boolean, answer: (refusal: AdmissionRefusal) => void) => void;
  readonly answered: (answers: SubmitAnswers) => void;
}

/** Submitted commands cross to the consensus thread together with the others of the same turn. */
export function createSubmits(toConsensus: (message: MainToConsensus) => void): Submits {
  const requests = createThreadRequests<AdmissionRefusal>();
  let writer = new Writer();
  let ends: number[] = [];
  let ids: number[] = [];
  let toAlls: number[] = [];
  const flush = (): void => {
    const commands: SubmittedCommands = {
      bytes: writer.finish(),
      ends: Uint32Array.from(ends),
      ids: Float64Array.from(ids),
      toAll: Uint8Array.from(toAlls),
    };
    writer = new Writer();
    ends = [];
    ids = [];
    toAlls = [];
    toConsensus({ kind: "submit", commands });
  };
  return {
    put(encoded, toAll, answer) {
      writer.append(encoded);
      ends.push(writer.size);
      toAlls.push(toAll ? 1 : 0);
      if (ids.push(requests.open(answer)) === 1) setImmediate(flush);
    },
    answered({ ids: answeredIds, refusals }) {
      answeredIds.forEach((id, index) => requests.answered(id, admissionRefusals[refusals[index]!]!));
    },
  };
}
