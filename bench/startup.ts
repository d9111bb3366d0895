/**
 * Start and catch-up. Start: from four `stoa node` processes being started in a new folder to the first final block on all of
 * them, beside four bare processes that start and connect (`floor.ts`). Catch-up: a validator is killed, the others make
 * blocks, and it is started again: time until it has executed them all, per 10,000 blocks, beside `stoa replay` of the same log.
 *
 * `npm run bench -- bench/startup.ts [blocks to catch up with]`
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openDoor } from "@stoa/cli/door-client";
import { folderOf } from "@stoa/cli/devnet/folder";
import { openFloor } from "./floor.ts";
import { createTraders, openMarket, orderCommands, runLoad } from "./load.ts";
import { startNetwork, statusOf, waitForStatus, type Network } from "./network.ts";
import { withSpread } from "./statistics.ts";

const runsCount = 3;
const blocksCount = Number(process.argv[2] ?? 2_000);
const faucetAmount = 500_000_000n;
const absent = 3;

const starts: number[] = [];
const floors: number[] = [];
for (let run = 0; run < runsCount; run++) {
  floors.push(await timed(async () => (await openFloor()).close));
  const { network, seconds } = await startTimed();
  starts.push(seconds);
  if (run < runsCount - 1) await network.stop();
  else await measureCatchUp(network).finally(() => network.stop());
}
console.log(`start to the first final block on four validators, ${runsCount} runs, median [range]`);
console.log(`  stoa          ${withSpread(starts)} s`);
console.log(`  bare processes that connect  ${withSpread(floors)} s`);

/** Seconds until what `start` gives back can be closed, which is not counted. */
async function timed(start: () => Promise<() => Promise<void>>): Promise<number> {
  const startedAt = performance.now();
  const close = await start();
  const seconds = (performance.now() - startedAt) / 1000;
  await close();
  return seconds;
}

async function startTimed(): Promise<{ network: Network; seconds: number }> {
  const startedAt = performance.now();
  const network = await startNetwork();
  try {
    await Promise.all(network.doors.map((door) => waitForStatus(door, ({ height }) => 1 <= height)));
  } catch (error) {
    await network.stop();
    throw error;
  }
  return { network, seconds: (performance.now() - startedAt) / 1000 };
}

async function measureCatchUp(network: Network): Promise<void> {
  const traders = createTraders(8);
  const market = await openMarket(network.doors, network.genesis, traders, faucetAmount);
  await waitForStatus(network.doors[absent]!, ({ executedHeight }) => 3 <= executedHeight);
  const present = network.doors.filter((_, index) => index !== absent);
  await network.validators[absent]!.stop(0);
  const door = await openDoor(present[0]!);
  const from = (await statusOf(door)).height;
  // One command on its way at a time makes a block each.
  while ((await statusOf(door)).height < from + blocksCount) {
    await runLoad(present, orderCommands(market, traders, { count: 200, ordersCount: 1 }), 1);
  }
  const { height } = await statusOf(door);
  const startedAt = performance.now();
  await network.startValidator(absent);
  const upSeconds = (performance.now() - startedAt) / 1000;
  await waitForStatus(network.doors[absent]!, ({ executedHeight }) => height <= executedHeight, {
    patienceMs: 120_000,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  door.close();
  const replaySeconds = await replay(folderOf(network.folder).validator(0));
  const per = (value: number, count: number): string => ((value * 10_000) / count).toFixed(1);
  console.log(`catch-up after ${height - from} blocks of one command each, one run`);
  console.log(
    `  start, recover and catch up   ${seconds.toFixed(2)} s, of it ${upSeconds.toFixed(2)} s until the door opens`,
  );
  console.log(
    `  per 10,000 blocks             ${per(seconds - upSeconds, height - from)} s after the door, ${per(seconds, height - from)} s in all`,
  );
  console.log(`  stoa replay of ${height} blocks     ${per(replaySeconds, height)} s per 10,000`);
}

/** Seconds that `stoa replay` takes for a log. */
async function replay(folder: string): Promise<number> {
  const main = fileURLToPath(import.meta.resolve("@stoa/cli/main"));
  const flags = ["--conditions=@stoa/source", "--disable-warning=ExperimentalWarning"];
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...flags, main, "replay", "--data", folder], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`stoa replay ended with code ${code}`);
  return (performance.now() - startedAt) / 1000;
}
