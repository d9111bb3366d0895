/**
 * How often closed forms lie within one, two and three standard errors of the simulation, over the 200 sets of parameters of
 * tools/reference/monte_carlo.py, on all cores: `npm run verify:monte-carlo -- [paths]`, 262,144 paths when absent. The test
 * `packages/pricing/test/monte-carlo/closed-forms.test.ts` does the same on fewer paths.
 */
import { nodeWorkerPool } from "@stoa/pricing/parallel/node-workers";
import { measureCoverage, type Coverage } from "../../packages/pricing/test/monte-carlo/coverage.ts";

const pathCount = Number(process.argv[2] ?? 262_144);
const pool = nodeWorkerPool();
try {
  const rows = await measureCoverage(pathCount, (work, range) => pool.simulate(work, range));
  console.log(
    `${pathCount} paths each; of normal errors 68.3 %, 95.4 % and 99.7 % are expected within 1, 2 and 3 standard errors`,
  );
  console.log("| model, payoff | sets | within 1 | within 2 | within 3 | mean error | root mean square | worst |");
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const row of rows) console.log(lineOf(row));
} finally {
  await pool.end();
}

/** Errors in units of the standard error. */
function lineOf({ name, caseCount, within, bias, spread, worst }: Coverage): string {
  const shares = within.map((count) => `${((100 * count) / caseCount).toFixed(1)} %`);
  return `| ${[name, caseCount, ...shares, bias.toFixed(2), spread.toFixed(2), worst.toFixed(2)].join(" | ")} |`;
}
