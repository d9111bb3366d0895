/**
 * The exhaustive searches, as a table: every state of a small world, reached through the shipped consensus code
 * (`packages/simulator/src/exhaustive`). A row that must hold and breaks is printed with the way there, and so is a row that
 * must break and holds: the searches that weaken the amnesia rule show that it is not stronger than it has to be.
 *
 * `npm run verify:exhaustive` (all), or `npm run verify:exhaustive -- 2` (rows of two views only).
 */
import { search, type SearchOptions, type SearchReport } from "@stoa/simulator/exhaustive/search";

interface Row {
  readonly name: string;
  readonly options: SearchOptions;
  readonly holds: boolean;
}

const rows: readonly Row[] = [
  { name: "2 views, any knowledge", options: { viewsCount: 2, knowledgeMax: Infinity }, holds: true },
  { name: "2 views, 3 logs lost, floor V+1", options: { viewsCount: 2, knowledgeMax: 2, lossesMax: 3 }, holds: true },
  {
    name: "2 views, 3 logs lost, floor V",
    options: { viewsCount: 2, knowledgeMax: 2, lossesMax: 3, floorSlack: 0 },
    holds: false,
  },
  {
    name: "2 views, 1 log lost, no floor",
    options: { viewsCount: 2, knowledgeMax: 2, lossesMax: 1, floorSlack: -10 },
    holds: false,
  },
  { name: "3 views", options: { viewsCount: 3, knowledgeMax: 2 }, holds: true },
  {
    name: "3 views, 1 log lost, floor V+1",
    options: { viewsCount: 3, knowledgeMax: 2, lossesMax: 1, byMessages: false },
    holds: true,
  },
];

const viewsWanted = process.argv[2] === undefined ? undefined : Number(process.argv[2]);
let asExpected = true;
for (const { name, options, holds } of rows) {
  if (viewsWanted !== undefined && options.viewsCount !== viewsWanted) continue;
  const startedMs = performance.now();
  const report = search(options);
  const seconds = (performance.now() - startedMs) / 1_000;
  const good = holds ? report.complete : report.failure !== undefined;
  asExpected &&= good;
  console.log(`${good ? "as expected" : "NOT AS EXPECTED"}  ${name}: ${describe(report)}; ${seconds.toFixed(1)} s`);
  if (!good) for (const line of report.failure?.trace ?? []) console.log(`    ${line}`);
}
if (!asExpected) process.exitCode = 1;

function describe(report: SearchReport): string {
  const { statesCount, namedStatesCount, finalCount, finalAfterSkipCount, stepsCount, failure, complete } = report;
  const numbers = [statesCount, namedStatesCount, finalCount, finalAfterSkipCount, stepsCount].map((one) =>
    one.toLocaleString("en-US"),
  );
  const [states, named, final, skipped, steps] = numbers;
  const outcome = failure === undefined ? (complete ? "complete, no violation" : "cut off") : `breaks: ${failure.fact}`;
  const memory = `${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`;
  return `${states} states (${named} by name), ${final} with a final block, ${skipped} of them after a skipped view; ${steps} calls of step, ${memory}; ${outcome}`;
}
