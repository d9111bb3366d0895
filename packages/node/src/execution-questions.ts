/** What the main thread asks of the execution thread, where the logs and the state live; each question is answered once. */
import { present } from "@stoa/base/assert";
import type { Digest } from "@stoa/base/hash";
import type { ChangesAnswer, ChangesRequest } from "@stoa/protocol/changes";
import type { ExecutionToMain, MainToExecution, ReceiptAnswer, SnapshotAnswer } from "./thread-message.ts";
import { createThreadRequests } from "./thread-request.ts";

type ReadAnswer = Extract<ExecutionToMain, { kind: "read" }>;
type Answer = Extract<ExecutionToMain, { readonly id: number } | { kind: "proved" }>;

export interface ExecutionQuestions {
  readonly receipt: (command: Digest, answer: (found: ReceiptAnswer) => void, asker: number) => void;
  /** Stored blocks from `from` on, encoded, and the lowest stored height. */
  readonly readBlocks: (from: number, countMax: number) => Promise<ReadAnswer>;
  /** An encoded door request for a proof; the answer is the encoded reply. */
  readonly prove: (request: Uint8Array, answer: (reply: Uint8Array) => void, asker: number) => void;
  /** `undefined`: there is no time for it now. */
  readonly changes: (wanted: ChangesRequest, answer: (found: ChangesAnswer | undefined) => void, asker: number) => void;
  /** The same for this node itself, which is always answered. */
  readonly ownChanges: (wanted: ChangesRequest) => Promise<ChangesAnswer>;
  readonly snapshot: () => Promise<SnapshotAnswer>;
  /** `undefined` when there is no such chunk here. */
  readonly chunk: (manifest: Digest, index: number) => Promise<Uint8Array | undefined>;
  readonly answered: (answer: Answer) => void;
}

export function createExecutionQuestions(ask: (question: MainToExecution) => void): ExecutionQuestions {
  const reads = createThreadRequests<ReadAnswer>();
  const receipts = createThreadRequests<ReceiptAnswer>();
  const changes = createThreadRequests<ChangesAnswer | undefined>();
  const proofs = createThreadRequests<Uint8Array>();
  const snapshots = createThreadRequests<SnapshotAnswer>();
  const chunks = createThreadRequests<Uint8Array | undefined>();
  return {
    receipt: (digest, answer, asker) => ask({ kind: "receipt", id: receipts.open(answer), digest, asker }),
    readBlocks: (from, countMax) =>
      new Promise((resolve) => ask({ kind: "read", id: reads.open(resolve), from, countMax })),
    prove: (request, answer, asker) => ask({ kind: "prove", id: proofs.open(answer), request, asker }),
    changes: (wanted, answer, asker) => ask({ kind: "changes", id: changes.open(answer), wanted, asker }),
    ownChanges: (wanted) =>
      new Promise((resolve) => {
        const id = changes.open((found) => resolve(present(found, "what this node asks itself is answered")));
        ask({ kind: "changes", id, wanted, asker: undefined });
      }),
    snapshot: () => new Promise((resolve) => ask({ kind: "snapshot", id: snapshots.open(resolve) })),
    chunk: (manifest, index) =>
      new Promise((resolve) => ask({ kind: "chunk", id: chunks.open(resolve), manifest, index })),
    answered(answer) {
      switch (answer.kind) {
        case "read":
          return reads.answered(answer.id, answer);
        case "receipt":
          return receipts.answered(answer.id, answer.answer);
        case "changes":
          return changes.answered(answer.id, answer.answer);
        case "snapshot":
          return snapshots.answered(answer.id, answer.answer);
        case "chunk":
          return chunks.answered(answer.id, answer.bytes);
        case "proved":
          for (const { id, reply } of answer.replies) proofs.answered(id, reply);
          return;
      }
    },
  };
}
