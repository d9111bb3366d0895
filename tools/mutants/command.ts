/**
 * Breaks the protocol in every way of the table and shows who noticed: `npm run verify:mutants`, or with words after `--` only
 * the mutants whose name holds one of them. First the checks must find nothing in the code as it is. A mutant that nobody
 * notices ends the command with an error.
 */
import { checkText } from "./check.ts";
import { catchMutant, soundnessOf } from "./catch.ts";
import { createSandbox } from "./sandbox.ts";
import { mutants } from "./table.ts";

const words = process.argv.slice(2);
const chosen = mutants.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const sandbox = createSandbox();
process.on("exit", sandbox.remove);
process.on("SIGINT", () => process.exit(130));

let survivorsCount = 0;
for (const fault of await soundnessOf(sandbox, chosen)) {
  console.log(`NOT SOUND  ${fault}`);
  process.exitCode = 1;
}
for (const mutant of chosen) {
  const outcomes = await catchMutant(sandbox, mutant);
  if (!outcomes.every(({ caught }) => caught)) survivorsCount++;
  for (const { check, caught, fact, seconds } of outcomes) {
    const columns = [mutant.rule, mutant.name, checkText(check), `${seconds.toFixed(1)} s`, fact.slice(0, 160)];
    console.log(`${caught ? "caught  " : "SURVIVED"}  ${columns.join("  |  ")}`);
  }
}
console.log(`${chosen.length - survivorsCount} of ${chosen.length} mutants caught`);
if (0 < survivorsCount || chosen.length === 0) process.exitCode = 1;
