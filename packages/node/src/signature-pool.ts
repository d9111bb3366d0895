/**
 * Checks commands on worker threads. Requests queue here and go out in batches, one batch per idle worker: while one batch
 * is checked the next one grows, so load makes batches large and idleness keeps them small. What a final block waits for
 * goes before what merely wants to be admitted.
 *
 * PERF: a request is a number, of which its checker knows the rest. Thousands wait under load, and as objects they lived just
 * long enough to be moved to the old generation, whose collections then were a third of the consensus thread's time.
 */
import type { Worker } from "node:worker_threads";
import { createQueue } from "./queue.ts";
import { startThread } from "./worker-thread.ts";
import type { CheckRequest } from "./signature-worker.ts";
import { judge, type Verdict } from "./verdict.ts";

/** Whose checks these are: it keeps a number until it has been asked for it as often as it put it in. */
export interface Checks {
  /** Its turn has come: the command's bytes, good until `judged`; `undefined` when nobody waits for it, and it is forgotten. */
  readonly take: (number: number) => Uint8Array | undefined;
  readonly judged: (number: number, verdict: Verdict) => void;
}

export interface SignaturePool {
  /** Whom it works for; said once, before the first check. */
  readonly serve: (checks: Checks) => void;
  /** The verdict comes in some later turn. */
  readonly check: (number: number, urgent: boolean) => void;
  /** Commands that wait or are being checked. */
  readonly backlog: () => number;
  readonly stop: () => Promise<void>;
}

const batchCountMax = 128;
/** A lone command is checked in place, at most one in so many milliseconds: handing it over and back takes longer. */
const inPlaceIntervalMs = 1;

export function startSignaturePool(workersCount: number, onFailure: (error: unknown) => void): SignaturePool {
  const urgent = createQueue<number>();
  const ordinary = createQueue<number>();
  const idle: Worker[] = [];
  const workers: Worker[] = [];
  /** The numbers of the batch that each busy worker has. */
  const running = new Map<Worker, readonly number[]>();
  let checks: Checks | undefined;
  let scheduled = false;
  let stopped = false;
  let checkedInPlaceMs = 0;

  /** The next commands to check; their numbers go to `numbers`. */
  const takeBatch = (numbers: number[]): readonly Uint8Array[] => {
    const batch: Uint8Array[] = [];
    while (batch.length < batchCountMax) {
      const number = urgent.take() ?? ordinary.take();
      if (number === undefined) break;
      const encoded = checks!.take(number);
      if (encoded === undefined) continue;
      numbers.push(number);
      batch.push(encoded);
    }
    return batch;
  };

  /** Nothing else is waited for: a worker that is busy would be asked again with more. */
  const mayCheckInPlace = (): boolean => {
    const nowMs = performance.now();
    if (0 < running.size || nowMs < checkedInPlaceMs + inPlaceIntervalMs) return false;
    checkedInPlaceMs = nowMs;
    return true;
  };

  const dispatch = (): void => {
    scheduled = false;
    while (0 < idle.length) {
      const numbers: number[] = [];
      const batch = takeBatch(numbers);
      if (batch.length === 0) return;
      if (batch.length === 1 && mayCheckInPlace()) {
        checks!.judged(numbers[0]!, judge(batch[0]!));
        continue;
      }
      const worker = idle.pop()!;
      running.set(worker, numbers);
      const request = requestOf(batch);
      worker.postMessage(request, [request.bytes.buffer as ArrayBuffer, request.ends.buffer as ArrayBuffer]);
    }
  };

  for (let index = 0; index < workersCount; index++) {
    const worker = startThread("signature-worker", undefined);
    workers.push(worker);
    idle.push(worker);
    worker.on("message", (verdicts: Uint32Array) => {
      const numbers = running.get(worker)!;
      running.delete(worker);
      idle.push(worker);
      dispatch();
      numbers.forEach((number, position) => checks!.judged(number, verdicts[position] as Verdict));
    });
    worker.on("error", onFailure);
    worker.on("exit", (code) => {
      if (!stopped) onFailure(new Error(`a signature worker ended with code ${code}`));
    });
  }

  return {
    serve: (served) => void (checks = served),
    check(number, isUrgent) {
      (isUrgent ? urgent : ordinary).put(number);
      if (scheduled) return;
      scheduled = true;
      // After this turn's other requests, so that they share a batch.
      process.nextTick(dispatch);
    },
    backlog: () =>
      urgent.count() + ordinary.count() + [...running.values()].reduce((sum, batch) => sum + batch.length, 0),
    async stop() {
      stopped = true;
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function requestOf(batch: readonly Uint8Array[]): CheckRequest {
  const bytes = new Uint8Array(batch.reduce((sum, encoded) => sum + encoded.length, 0));
  const ends = new Uint32Array(batch.length);
  let end = 0;
  for (const [index, encoded] of batch.entries()) {
    bytes.set(encoded, end);
    end += encoded.length;
    ends[index] = end;
  }
  return { bytes, ends };
}
