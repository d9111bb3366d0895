/** Putting one mutant into the sandbox and asking its check; and asking all checks about the code as it is. */
import type { Check } from "./check.ts";
import { checkText } from "./check.ts";
import { mutatedText, runCheck, withText, type Sandbox } from "./sandbox.ts";
import type { Mutant } from "./table.ts";

export interface Outcome {
  readonly check: Check;
  readonly caught: boolean;
  /** What the check said. */
  readonly fact: string;
  readonly seconds: number;
}

/** What each check of a mutant says of it. */
export function catchMutant(sandbox: Sandbox, mutant: Mutant): Promise<Outcome[]> {
  const text = mutatedText(mutant.file, mutant.find, mutant.replace);
  return withText(sandbox, mutant.file, text, async () => {
    const outcomes: Outcome[] = [];
    for (const check of mutant.checks) {
      const startedMs = performance.now();
      const fact = await runCheck(sandbox, check);
      const seconds = (performance.now() - startedMs) / 1_000;
      const meant = fact !== undefined && (check.by === "test" || new RegExp(check.says).test(fact));
      outcomes.push({ check, caught: meant, fact: fact ?? "nothing noticed", seconds });
    }
    return outcomes;
  });
}

/** What the checks of these mutants find in the code as it is; each check is asked once. */
export async function soundnessOf(sandbox: Sandbox, mutants: readonly Mutant[]): Promise<string[]> {
  const checks = new Map<string, Check>();
  for (const check of mutants.flatMap((mutant) => mutant.checks)) {
    checks.set(JSON.stringify(check.by === "test" ? check : { ...check, says: "" }), check);
  }
  const faults: string[] = [];
  for (const check of checks.values()) {
    const fact = await runCheck(sandbox, check);
    if (fact !== undefined) faults.push(`${checkText(check)}: ${fact}`);
  }
  return faults;
}
