/**
 * What the simulator does with one core: simulated seconds per second, seeds per hour and blocks finalised, over the same seeds
 * again and again, with everything that can go wrong; and whether its memory stays flat over one long world with crashes and
 * partitions, in which nodes keep the last thousand blocks.
 *
 * `npm run bench -- bench/simulator.ts`, or with the blocks of the long world, and of nothing but it: `npm run bench -- bench/simulator.ts 1000000 --memory`
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { toyApplication, type Application, type ApplicationContext } from "@stoa/simulator/application";
import { simulate } from "@stoa/simulator/run";
import { withSpread } from "./statistics.ts";

const seedsCount = 40;
const runsCount = 3;
const blocksGoal = Number(process.argv[2] ?? 20_000);
const samplesCount = 20;

setFlagsFromString("--expose-gc");
/** A full collection, done when it returns: what is in memory afterwards is held by somebody. */
const collectGarbage = runInNewContext("gc") as () => void;

interface Speed {
  readonly simulatedPerSecond: number;
  readonly seedsPerHour: number;
  readonly blocksPerSecond: number;
}

function measureSpeed(): Speed {
  const startMs = performance.now();
  let simulatedMs = 0;
  let blocksCount = 0;
  for (let seed = 1; seed <= seedsCount; seed++) {
    const report = simulate({ seed });
    if (report.failures.length !== 0) throw new Error(`seed ${seed}: ${report.failures[0]}`);
    simulatedMs += report.simulatedMs;
    blocksCount += report.blocksCount;
  }
  const tookMs = performance.now() - startMs;
  return {
    simulatedPerSecond: simulatedMs / tookMs,
    seedsPerHour: (3_600_000 * seedsCount) / tookMs,
    blocksPerSecond: (1_000 * blocksCount) / tookMs,
  };
}

/** One long world; prints the memory that it holds at twenty heights, without garbage, when it is there: a million blocks take an hour. */
function measureMemory(): { readonly blocksCount: number; readonly tookMs: number } {
  const every = Math.ceil(blocksGoal / samplesCount);
  let sampled = 0;
  const sample = (height: number): void => {
    sampled = height;
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    console.log(`  height ${String(height).padStart(8)}  ${((heapUsed + arrayBuffers) / 2 ** 20).toFixed(1)} MiB`);
  };
  const watched = (context: ApplicationContext): Application => {
    const sound = toyApplication(context);
    return {
      ...sound,
      open(saved) {
        const exchange = sound.open(saved);
        return {
          ...exchange,
          execute(block) {
            if (block.height % every === 0 && sampled < block.height) sample(block.height);
            return exchange.execute(block);
          },
        };
      },
    };
  };
  const startMs = performance.now();
  const report = simulate({
    seed: 1,
    nodesCount: 4,
    faulty: [],
    faultKinds: ["crash", "partition", "pause"],
    faultsEveryMs: 20_000,
    faultsMs: blocksGoal * blockMs,
    commandsEveryMs: 10,
    weather: { delayUsMin: 1_000, delayUsMean: 3_000, lossPermille: 1, doublePermille: 1, slowPermille: 0 },
    application: watched,
    retentionBlocks: 1_000,
  });
  if (report.failures.length !== 0) throw new Error(report.failures[0]);
  return { blocksCount: report.blocksCount, tookMs: performance.now() - startMs };
}

function printSpeed(): void {
  measureSpeed();
  const speeds = Array.from({ length: runsCount }, measureSpeed);
  console.log(`${seedsCount} seeds, ${runsCount} runs after a warm-up, one core`);
  console.log(
    `simulated seconds per second  ${withSpread(
      speeds.map((one) => one.simulatedPerSecond),
      0,
    )}`,
  );
  console.log(
    `seeds per hour                ${withSpread(
      speeds.map((one) => one.seedsPerHour),
      0,
    )}`,
  );
  console.log(
    `blocks final per second       ${withSpread(
      speeds.map((one) => one.blocksPerSecond),
      0,
    )}`,
  );
}

/** About how long a block takes in that world, simulated. */
const blockMs = 15;

if (!process.argv.includes("--memory")) printSpeed();
console.log("one long world, four nodes");
const { blocksCount, tookMs } = measureMemory();
console.log(`  ${blocksCount.toLocaleString("en")} blocks in ${Math.round(tookMs / 1_000)} s`);
