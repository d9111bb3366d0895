/** Workers of Node for `worker-pool.ts`: threads of this process that run `node-worker.ts`. The one file here that Node must run. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Answer } from "./messages.ts";
import { createWorkerPool, workersCountMax, type StartWorker, type WorkerPool } from "./worker-pool.ts";

/**
 * A pool of threads, one per core when no count is given. Call `end` when done: the threads keep the process alive.
 *
 * @example const pool = nodeWorkerPool(); const partial = await pool.simulate(work, { firstPath: 0, pathCount: 1_000_000 }); await pool.end();
 */
export function nodeWorkerPool(workerCount: number = Math.min(availableParallelism(), workersCountMax)): WorkerPool {
  return createWorkerPool(startNodeWorker, workerCount);
}

export const startNodeWorker: StartWorker = ({ onAnswer, onDeath }) => {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./node-worker.${extension}`, import.meta.url), {
    name: "stoa-pricing",
    execArgv: extension === "ts" ? ["--conditions=@stoa/source"] : [],
  });
  let gone = false;
  const die = (reason: string): void => {
    if (gone) return;
    gone = true;
    onDeath(reason);
  };
  worker.on("message", (answer: Answer) => (gone ? undefined : onAnswer(answer)));
  worker.on("error", (error) => die(String(error)));
  worker.on("exit", (code) => die(`it exited with code ${code}`));
  return {
    post: (task) => worker.postMessage(task),
    async end() {
      gone = true;
      await worker.terminate();
    },
  };
};
