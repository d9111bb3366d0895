/**
 * Checks commands on worker threads. Requests queue here and go out in batches, one batch per idle worker: while one batch
 * is checked the next one grows, so load makes batches large and idleness keeps them small. What a final block waits for
 * goes before what merely wants to be admitted.
 */
import type { Worker } from "node:worker_threads";
import { startThread } from "./worker-thread.ts";
import type { CheckRequest } from "./signature-worker.ts";
import type { Verdict } from "./verdict.ts";

export interface SignaturePool {
  /** Calls back with the verdict, in some later turn; never when `settled` says, as its turn comes, that nobody waits. */
  readonly check: (
    encoded: Uint8Array,
    urgent: boolean,
    done: (verdict: Verdict) => void,
    settled?: () => boolean,
  ) => void;
  /** Commands that wait or are being checked. */
  readonly backlog: () => number;
  readonly stop: () => Promise<void>;
}

interface Request {
  readonly encoded: Uint8Array;
  readonly done: (verdict: Verdict) => void;
  readonly settled: (() => boolean) | undefined;
}

const batchCountMax = 128;

export function startSignaturePool(workersCount: number, onFailure: (error: unknown) => void): SignaturePool {
  const urgent = createQueue();
  const ordinary = createQueue();
  const idle: Worker[] = [];
  const workers: Worker[] = [];
  const running = new Map<Worker, readonly Request[]>();
  let scheduled = false;
  let stopped = false;

  const dispatch = (): void => {
    scheduled = false;
    while (0 < idle.length) {
      const batch = urgent.take(batchCountMax);
      if (batch.length < batchCountMax) batch.push(...ordinary.take(batchCountMax - batch.length));
      if (batch.length === 0) return;
      const worker = idle.pop()!;
      running.set(worker, batch);
      const request = requestOf(batch);
      worker.postMessage(request, [request.bytes.buffer as ArrayBuffer, request.ends.buffer as ArrayBuffer]);
    }
  };

  for (let index = 0; index < workersCount; index++) {
    const worker = startThread("signature-worker", undefined);
    workers.push(worker);
    idle.push(worker);
    worker.on("message", (verdicts: Uint32Array) => {
      const batch = running.get(worker)!;
      running.delete(worker);
      idle.push(worker);
      dispatch();
      batch.forEach(({ done }, position) => done(verdicts[position] as Verdict));
    });
    worker.on("error", onFailure);
    worker.on("exit", (code) => {
      if (!stopped) onFailure(new Error(`a signature worker ended with code ${code}`));
    });
  }

  return {
    check(encoded, isUrgent, done, settled) {
      (isUrgent ? urgent : ordinary).put({ encoded, done, settled });
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

function requestOf(batch: readonly Request[]): CheckRequest {
  const bytes = new Uint8Array(batch.reduce((sum, { encoded }) => sum + encoded.length, 0));
  const ends = new Uint32Array(batch.length);
  let end = 0;
  for (const [index, { encoded }] of batch.entries()) {
    bytes.set(encoded, end);
    end += encoded.length;
    ends[index] = end;
  }
  return { bytes, ends };
}

interface Queue {
  readonly put: (request: Request) => void;
  readonly take: (countMax: number) => Request[];
  readonly count: () => number;
}

/** PERF: taking moves an index; the array is cut when half of it has been taken. */
function createQueue(): Queue {
  let requests: Request[] = [];
  let taken = 0;
  return {
    put: (request) => void requests.push(request),
    take(countMax) {
      const batch: Request[] = [];
      while (batch.length < countMax && taken < requests.length) {
        const request = requests[taken++]!;
        if (request.settled?.() !== true) batch.push(request);
      }
      if (requests.length <= 2 * taken) {
        requests = requests.slice(taken);
        taken = 0;
      }
      return batch;
    },
    count: () => requests.length - taken,
  };
}
