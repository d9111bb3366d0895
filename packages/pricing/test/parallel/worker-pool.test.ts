/** The pool with real threads: the bits of one thread, refusals, cancelling, and workers that die. */
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { simulate } from "@stoa/pricing/monte-carlo/simulation";
import { nodeWorkerPool, startNodeWorker } from "@stoa/pricing/parallel/node-workers";
import {
  createWorkerPool,
  SimulationCancelled,
  WorkersLost,
  type StartWorker,
  type WorkerPool,
} from "@stoa/pricing/parallel/worker-pool";
import { blackScholes, bytesOf, call, workOf } from "../monte-carlo/price.ts";

const asian = { kind: "asian", averaging: "arithmetic", type: "call", strike: 100, years: 1, fixings: 16 } as const;
const work = workOf(blackScholes, asian, { control: "closed-form", greeks: "pathwise" });
const range = { firstPath: 77, pathCount: 40_000 };
/** Minutes of work: no test waits for it. */
const long = { firstPath: 0, pathCount: 1_000_000_000 };

const pools: WorkerPool[] = [];
function opened(pool: WorkerPool): WorkerPool {
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});

/** A thread whose death the test decides: the ones of the library cannot be reached from outside, which is as it should be. */
function mortal(): { readonly start: StartWorker; readonly kill: (index: number) => Promise<number> } {
  const workers: Worker[] = [];
  const path = new URL("../../src/parallel/node-worker.ts", import.meta.url);
  const start: StartWorker = ({ onAnswer, onDeath }) => {
    const worker = new Worker(path, { execArgv: ["--conditions=@stoa/source"] });
    workers.push(worker);
    worker.on("message", onAnswer);
    worker.once("exit", (code) => onDeath(`exit ${code}`));
    return {
      post: (task) => worker.postMessage(task),
      async end() {
        worker.removeAllListeners("exit");
        await worker.terminate();
      },
    };
  };
  return { start, kill: (index) => workers[index]!.terminate() };
}

describe("a pool of threads", () => {
  test("gives the bytes of one thread, with one worker or three, for several simulations at once (PRICE-052)", async () => {
    const expected = bytesOf(simulate({ ...work, ...range }));
    const other = workOf(blackScholes, call, {}, 5n);
    for (const count of [1, 3]) {
      const pool = opened(nodeWorkerPool(count));
      const [first, second] = await Promise.all([pool.simulate(work, range), pool.simulate(other, range)]);
      expect(bytesOf(first!)).toBe(expected);
      expect(bytesOf(second!)).toBe(bytesOf(simulate({ ...other, ...range })));
    }
  });

  test("passes on a refusal with its argument, before it starts and from within a worker, and goes on (PRICE-052)", async () => {
    const pool = opened(nodeWorkerPool(2));
    const refusalOf = async (promise: Promise<unknown>): Promise<PricingRefusal> => {
      const error = await promise.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(PricingRefusal);
      return error as PricingRefusal;
    };
    const early = await refusalOf(pool.simulate(workOf({ ...blackScholes, spot: -1 }, call), range));
    expect([early.argument, early.reason, early.value]).toEqual(["model.spot", "not-positive", -1]);
    expect((await refusalOf(pool.simulate(work, { firstPath: -5, pathCount: 1 }))).argument).toBe("firstPath");
    // Only the worker finds that these paths have too many dimensions.
    const wide = workOf(blackScholes, { ...asian, fixings: 300 }, { points: "sobol", replicates: 2 });
    const late = await refusalOf(pool.simulate(wide, { firstPath: 0, pathCount: 512 }));
    const alone = await refusalOf((async () => simulate({ ...wide, firstPath: 0, pathCount: 512 }))());
    expect([late.argument, late.reason, late.value, late.message]).toEqual([
      alone.argument,
      alone.reason,
      alone.value,
      alone.message,
    ]);
    expect(bytesOf(await pool.simulate(work, range))).toBe(bytesOf(simulate({ ...work, ...range })));
  });

  test("stops when its signal says so, and serves the next simulation", async () => {
    const pool = opened(nodeWorkerPool(2));
    const abort = new AbortController();
    const running = pool.simulate(work, long, abort.signal);
    setTimeout(() => abort.abort(), 200);
    await expect(running).rejects.toBeInstanceOf(SimulationCancelled);
    await expect(pool.simulate(work, range, abort.signal)).rejects.toBeInstanceOf(SimulationCancelled);
    expect((await pool.simulate(work, { firstPath: 0, pathCount: 10 })).ranges).toEqual([
      { firstPath: 0, pathCount: 10 },
    ]);
  });

  test("ends with its workers, cancelling what runs", async () => {
    const pool = opened(nodeWorkerPool(2));
    const running = pool.simulate(work, long);
    const outcome = expect(running).rejects.toBeInstanceOf(SimulationCancelled);
    await pool.end();
    await outcome;
    await expect(pool.simulate(work, range)).rejects.toBeInstanceOf(SimulationCancelled);
  });
});

describe("a worker that dies", () => {
  test("leaves its unit to the others, and the bytes are the same (PRICE-052)", async () => {
    const { start, kill } = mortal();
    const pool = opened(createWorkerPool(start, 2));
    const wide = { firstPath: 0, pathCount: 150_000 };
    const running = pool.simulate(work, wide);
    setTimeout(() => void kill(0), 250);
    expect(bytesOf(await running)).toBe(bytesOf(simulate({ ...work, ...wide })));
  });

  test("fails the simulation when it was the last one, and every simulation after that (PRICE-052)", async () => {
    const { start, kill } = mortal();
    const pool = opened(createWorkerPool(start, 2));
    const running = pool.simulate(work, long);
    const outcome = expect(running).rejects.toBeInstanceOf(WorkersLost);
    await kill(1);
    await kill(0);
    await outcome;
    await expect(pool.simulate(work, range)).rejects.toBeInstanceOf(WorkersLost);
  });

  test("is noticed when it cannot even start", async () => {
    const broken: StartWorker = ({ onDeath }) => {
      const worker = new Worker("throw new Error('no')", { eval: true });
      worker.on("error", (error) => onDeath(String(error)));
      return { post: (task) => worker.postMessage(task), end: async () => void (await worker.terminate()) };
    };
    const pool = opened(createWorkerPool(broken, 2));
    await expect(pool.simulate(work, range)).rejects.toThrow(/every worker has died; the last one: Error: no/);
  });

  test("is not awaited by those of the library", async () => {
    const deaths: string[] = [];
    const port = startNodeWorker({ onAnswer: () => undefined, onDeath: (reason) => deaths.push(reason) });
    await port.end();
    expect(deaths).toEqual([]);
  });
});

test("a pool has 1 to 256 workers", () => {
  expect(() => nodeWorkerPool(0)).toThrow(PricingRefusal);
  expect(() => nodeWorkerPool(1.5)).toThrow(PricingRefusal);
});
