/**
 * The long form of the checks of the model (`spec/consensus`): types, scenarios, and random runs of every world. The short form
 * is `model.test.ts`.
 *
 * `npm run verify:model -- [runs of each world] [seed]`
 */
import { runScenarios, runWorld, typecheck, worlds, type QuintAnswer } from "./quint.ts";

const runsCount = Number(process.argv[2] ?? 300);
const seed = Number(process.argv[3] ?? 1);

function report(what: string, answer: QuintAnswer, more: string): void {
  console.log(`${answer.passed ? "holds" : "FAILS"}  ${what}: ${more}`);
  if (answer.passed) return;
  console.log(answer.output);
  process.exitCode = 1;
}

for (const file of ["simplex.qnt", "simplexTest.qnt", "worlds.qnt"]) report(file, await typecheck(file), "types");
const scenarios = await runScenarios();
report("simplexTest.qnt", scenarios, `${scenarios.passedCount} scenarios`);
for (const world of worlds) {
  const startedMs = performance.now();
  const runs = await runWorld(world, runsCount, seed);
  const missed = world.reaches.filter((witness) => runs.reached[witness] === 0);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const reached = Object.entries(runs.reached).map(([witness, count]) => `${witness} ${count}`);
  const bounds = `${runsCount} random runs of ${world.stepsCount} steps, seed ${seed}`;
  const passed = runs.passed && missed.length === 0;
  report(world.name, { ...runs, passed }, `${bounds}; reached: ${reached.join(", ")}; ${seconds} s`);
}
