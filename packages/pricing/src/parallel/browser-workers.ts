/**
 * Workers of browsers for `worker-pool.ts`: module workers that run `browser-worker.ts`. A bundler that must see the worker's file to
 * pack it is given a function that starts it: `browserWorkerPool(4, () => new Worker(new URL(...), { type: "module" }))`.
 */
import type { Answer, Task } from "./messages.ts";
import { createWorkerPool, workersCountMax, type WorkerPool } from "./worker-pool.ts";

/** What of a browser's `Worker` is needed. */
export interface BrowserWorker {
  readonly postMessage: (task: Task) => void;
  readonly terminate: () => void;
  onmessage: ((event: { readonly data: Answer }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
}

type BrowserScope = {
  readonly Worker: new (url: URL, options: { readonly type: "module" }) => BrowserWorker;
  readonly navigator: { readonly hardwareConcurrency: number };
};

/** A pool of workers, one per core when no count is given. Browsers do not say when a worker dies of anything but an error. */
export function browserWorkerPool(
  workerCount: number = Math.min(browserScope().navigator.hardwareConcurrency, workersCountMax),
  startOne: () => BrowserWorker = startFromHere,
): WorkerPool {
  return createWorkerPool(({ onAnswer, onDeath }) => {
    const worker = startOne();
    let gone = false;
    worker.onmessage = ({ data }) => (gone ? undefined : onAnswer(data));
    worker.onerror = ({ message }) => {
      if (gone) return;
      gone = true;
      worker.terminate();
      onDeath(message ?? "it could not be started");
    };
    return {
      post: (task) => worker.postMessage(task),
      async end() {
        gone = true;
        worker.terminate();
      },
    };
  }, workerCount);
}

function startFromHere(): BrowserWorker {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const { Worker } = browserScope();
  return new Worker(new URL(`./browser-worker.${extension}`, import.meta.url), { type: "module" });
}

function browserScope(): BrowserScope {
  return globalThis as unknown as BrowserScope;
}
