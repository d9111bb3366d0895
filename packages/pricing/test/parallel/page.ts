/** What the page of `browser.test.ts` runs: a pool of the browser's own workers. */
import { fromHex, toHex } from "@stoa/base/bytes";
import { decodeOrThrow, encode } from "@stoa/base/codec";
import { partialCodec } from "@stoa/pricing/monte-carlo/partial";
import { workUnitCodec } from "@stoa/pricing/monte-carlo/work";
import { browserWorkerPool, type BrowserWorker } from "@stoa/pricing/parallel/browser-workers";

type Scope = {
  readonly Worker: new (url: string) => BrowserWorker;
  simulateInWorkers?: (unit: string, workerCount: number) => Promise<string>;
  simulateWithoutWorkers?: (unit: string) => Promise<string>;
};

const scope = globalThis as unknown as Scope;

scope.simulateInWorkers = async (unit, workerCount) => simulateWith(browserWorkerPool(workerCount), unit);
/** The workers' file does not exist. */
scope.simulateWithoutWorkers = async (unit) =>
  simulateWith(
    browserWorkerPool(2, () => new scope.Worker("/nowhere.js")),
    unit,
  );

async function simulateWith(pool: ReturnType<typeof browserWorkerPool>, hex: string): Promise<string> {
  const unit = decodeOrThrow(workUnitCodec, fromHex(hex)!);
  try {
    return toHex(encode(partialCodec, await pool.simulate(unit, unit)));
  } catch (error) {
    return String(error);
  } finally {
    await pool.end();
  }
}
