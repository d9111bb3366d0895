/**
 * How often the true value lies within one, two and three standard errors of an estimate, over the 200 sets of parameters of
 * `tools/reference/monte_carlo.py`: for the test and for `npm run verify:monte-carlo`.
 */
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import type { Partial } from "@stoa/pricing/monte-carlo/partial";
import type { PathRange, Work } from "@stoa/pricing/monte-carlo/work";
import { references, workOf, type Case } from "./price.ts";

export type Coverage = {
  readonly name: string;
  readonly caseCount: number;
  /** Cases within 1, 2 and 3 standard errors. */
  readonly within: readonly [number, number, number];
  /** The mean of the error over the standard error: near 0 when nothing is biased. */
  readonly bias: number;
  /** The root of the mean of its square: near 1 when standard errors are right. */
  readonly spread: number;
  readonly worst: number;
};

/** The work of a case; each has a seed of its own. */
export function workOfCase({ model, payoff, steps }: Case, index: number): Work {
  return workOf(model, payoff, { stepsPerObservation: steps }, BigInt(1_000 + index));
}

/** Errors over standard errors of all cases, each on `pathCount` paths. */
export async function measureCoverage(
  pathCount: number,
  simulate: (work: Work, range: PathRange) => Partial | Promise<Partial>,
): Promise<readonly Coverage[]> {
  const scores = new Map<string, number[]>();
  for (const [index, one] of references.cases.entries()) {
    const work = workOfCase(one, index);
    const { mean, standardError } = estimate(work, await simulate(work, { firstPath: 0, pathCount })).value;
    const name = one.model.kind === "black-scholes" ? `${one.model.kind}, ${one.payoff.kind}` : one.model.kind;
    const score = (mean - one.value) / standardError;
    scores.set(name, [...(scores.get(name) ?? []), score]);
  }
  return [...scores, ["all", [...scores.values()].flat()] as const].map(([name, values]) => coverageOf(name, values));
}

function coverageOf(name: string, values: readonly number[]): Coverage {
  const inside = (limit: number): number => values.filter((value) => Math.abs(value) <= limit).length;
  return {
    name,
    caseCount: values.length,
    within: [inside(1), inside(2), inside(3)],
    bias: values.reduce((sum, value) => sum + value, 0) / values.length,
    spread: Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length),
    worst: Math.max(...values.map(Math.abs)),
  };
}
