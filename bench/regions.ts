/**
 * Finality around the world: validators in ten regions, the shipped consensus in the simulator's virtual time, a published table of
 * distances. Milliseconds from a leader's proposal to each validator's final block, beside the least that the distances allow for
 * three message delays; and what it costs when leaders are silent, say different things, or have crashed, with the timeouts that
 * the schedule of leaders says it should cost. Virtual time does not depend on the machine: the same code gives the same figures.
 *
 * `npm run bench -- bench/regions.ts`, or with the sizes of the first table: `npm run bench -- bench/regions.ts 4 16`
 */
import { distanceUs, regions, simulateRegions, widestRoundTripMs, type Leaders } from "@stoa/simulator/regions";
import { percentile } from "./statistics.ts";

/** What a message costs its receiver: about half of a signature check, since votes are checked as one batch and late ones not at all. */
const messageUs = 50;
const commandsEveryMs = 20;
const initialTimeoutMs = widestRoundTripMs;

/** Larger sets have more samples per block, and each block takes the simulator longer. */
const blocksOf: Readonly<Record<number, number>> = { 4: 300, 16: 150, 50: 50, 100: 30 };
const costSizes = [4, 16, 50];
const costBlocksOf: Readonly<Record<number, number>> = { 4: 200, 16: 120, 50: 80 };

const wanted = process.argv.slice(2).map(Number);
const sizes = Object.keys(blocksOf)
  .map(Number)
  .filter((size) => wanted.length === 0 || wanted.includes(size));

const run = (validatorsCount: number, leaders: Leaders, faultyCount: number, blocksGoal: number) => {
  const common = { seed: 1, initialTimeoutMs, messageUs, commandsEveryMs };
  const report = simulateRegions({ ...common, validatorsCount, leaders, faultyCount, blocksGoal });
  if (report.failures.length !== 0) throw new Error(`${validatorsCount} validators, ${leaders}: ${report.failures[0]}`);
  return report;
};
const ms = (value: number): string => value.toFixed(0).padStart(6);
const half = (values: readonly number[]): string => ms(percentile(values, 0.5));
const most = (values: readonly number[]): string => ms(percentile(values, 0.99));

printDistances();
printFinality();
printCosts();

function printDistances(): void {
  console.log("round trips between regions, in milliseconds; validator i lives in region i modulo ten\n");
  regions.forEach((name, row) => {
    const cells = regions.slice(0, row).map((_, column) => ms(distanceUs(row, column) / 500));
    console.log(`${name.padEnd(10)}${cells.join("")}`);
  });
  console.log(
    `\nD ${initialTimeoutMs} ms, ${messageUs} us of processor per message, up to 5 % of jitter, a command each ${commandsEveryMs} ms\n`,
  );
}

function printFinality(): void {
  console.log(
    "proposal to final block, at every validator       bound of three delays    over it   command to final block",
  );
  console.log("validators  blocks      p50    p99                    p50    p99            p50            p50    p99");
  for (const size of sizes) {
    const { finality, commandsMs, blocksCount, timeoutsCount } = run(size, "honest", 0, blocksOf[size]!);
    if (timeoutsCount !== 0) throw new Error(`${timeoutsCount} timeouts with honest leaders`);
    const took = finality.map(({ tookMs }) => tookMs);
    const bound = finality.map(({ boundMs }) => boundMs);
    const over = finality.map(({ tookMs, boundMs }) => tookMs / boundMs);
    const cells = [half(took), most(took), "              ", half(bound), most(bound)].join(" ");
    const ratio = percentile(over, 0.5).toFixed(2).padStart(9);
    console.log(
      `${String(size).padStart(10)} ${String(blocksCount).padStart(7)}   ${cells} ${ratio}      ${half(commandsMs)} ${most(commandsMs)}`,
    );
  }
}

function printCosts(): void {
  console.log(
    `\nleaders that fail; a view costs 2 D = ${2 * initialTimeoutMs} ms when its leader is silent, 3 D = ${3 * initialTimeoutMs} ms when it says different things,`,
  );
  console.log("nothing but the way to the next one once nobody waits for it\n");
  console.log("validators  leaders                  timeouts           view lost after    blocks/s after view 32");
  console.log("                               should      did        p50 ms   p99 ms");
  for (const size of costSizes.filter((one) => sizes.includes(one))) {
    const f = Math.floor((size - 1) / 3);
    const rows = [
      ["honest", 0],
      ["silent", 1],
      ["equivocating", 1],
      ["crashed", f],
    ] as const;
    for (const [leaders, count] of rows) {
      const report = run(size, leaders, count, costBlocksOf[size]!);
      const should = report.viewsExpected.length * report.honestCount;
      const lost =
        report.lostMs.length === 0 ? "       –        –" : ` ${half(report.lostMs)}   ${most(report.lostMs)}`;
      console.log(
        `${String(size).padStart(10)}  ${`${count === 0 ? "" : `${count} `}${leaders}`.padEnd(18)} ${String(should).padStart(6)} ${String(report.timeoutsCount).padStart(8)}      ${lost}    ${report.blocksPerSecond.toFixed(2).padStart(10)}`,
      );
    }
  }
}
