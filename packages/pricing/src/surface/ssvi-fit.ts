/**
 * Fits SSVI with the power law to all expiries at once, inside the region where it is free of static arbitrage: |rho| below 1,
 * eta (1 + |rho|) < 2 and gamma at most 1/2 (Gatheral and Jacquier 2014, remark 4.4), and at-the-money total variances that
 * ascend. It is the surface that a fit of slices falls back on, so it is kept strictly inside.
 */
import { log } from "@stoa/base/exact";
import { Equations, minimise, type NormalEquations, type Problem } from "./least-squares.ts";
import type { Observations } from "./observations.ts";
import { ascending } from "./robust.ts";
import { ssviPhi, ssviVariance, type Ssvi } from "./ssvi.ts";

export type SsviExpiry = {
  readonly observations: Observations;
  /** At-the-money total variance and the weight of that value, the inverse of its variance. */
  readonly theta: number;
  readonly weight: number;
};

export type SsviFit = {
  readonly ssvi: Ssvi;
  /** One per expiry, strictly ascending. */
  readonly thetas: readonly number[];
};

const stepsCountMax = 25;
/** Of residuals beyond this many standard errors only the first power counts (Huber 1964). */
const huberReach = 3;
/** Each expiry has at least this much more at-the-money variance than the one before: no two slices touch. */
const thetaGrowthMin = 1.0001;

export function fitSsvi(expiries: readonly SsviExpiry[]): SsviFit {
  const thetas = strictly(
    ascending(
      expiries.map(({ theta }) => theta),
      expiries.map(({ weight }) => weight),
    ),
  );
  const equations = new Equations(3);
  const point = new Float64Array([-0.1, 1, 0.4]);
  const problem: Problem = {
    evaluate: (at, into) => {
      for (const [index, { observations }] of expiries.entries()) {
        addExpiry(observations, thetas[index] as number, at, into);
      }
      addPrior(at, into);
    },
    project: projectInside,
  };
  minimise(problem, point, equations, stepsCountMax);
  return { ssvi: ssviOf(point), thetas };
}

/**
 * The at-the-money variance at which an SSVI surface goes through the observations of an expiry: the ratio of observed to
 * modelled variance, weighted, repeated a fixed number of times, since phi depends on theta only weakly.
 */
export function thetaOf({ count, k, variance, error, side }: Observations, ssvi: Ssvi, start: number): number {
  let theta = start;
  for (let round = 0; round < 30; round++) {
    let observed = 0;
    let modelled = 0;
    for (let index = 0; index < count; index++) {
      const model = ssviVariance(ssvi, theta, k[index] as number);
      if ((side[index] as number) * (model - (variance[index] as number)) < 0) continue;
      const weight = model / ((error[index] as number) * (error[index] as number));
      observed += weight * (variance[index] as number);
      modelled += weight * model;
    }
    if (modelled === 0) return theta;
    const ratio = observed / modelled;
    theta *= ratio;
    if (Math.abs(ratio - 1) < 1e-10) return theta;
  }
  return theta;
}

function strictly(values: readonly number[]): number[] {
  let before = 0;
  return values.map((value) => (before = Math.max(value, before * thetaGrowthMin)));
}

const ssviOf = (point: Float64Array): Ssvi => ({
  rho: point[0] as number,
  phi: { kind: "power-law", eta: point[1] as number, gamma: point[2] as number },
});

function projectInside(point: Float64Array): void {
  const rho = Math.min(0.95, Math.max(-0.95, point[0] as number));
  point[0] = rho;
  point[1] = Math.min(1.96 / (1 + Math.abs(rho)), Math.max(0.01, point[1] as number));
  point[2] = Math.min(0.5, Math.max(0.01, point[2] as number));
}

/** Rows of total variance against the observations, with derivatives in rho, eta and gamma. */
function addExpiry(
  { count, k, variance, error, side }: Observations,
  theta: number,
  point: Float64Array,
  equations: NormalEquations,
): void {
  const rho = point[0] as number;
  const eta = point[1] as number;
  const phi = ssviPhi(ssviOf(point).phi, theta);
  const byGamma = log(1 + theta) - log(theta);
  const { row } = equations;
  for (let index = 0; index < count; index++) {
    const lift = phi * (k[index] as number);
    const root = Math.sqrt(lift * lift + 2 * rho * lift + 1);
    const distance = 0.5 * theta * (1 + rho * lift + root) - (variance[index] as number);
    if ((side[index] as number) * distance < 0) continue;
    const byLift = 0.5 * theta * (rho + (lift + rho) / root) * lift; // times d ln(phi)
    row[0] = 0.5 * theta * (lift + lift / root);
    row[1] = byLift / eta;
    row[2] = byLift * byGamma;
    const size = Math.abs(distance) / (error[index] as number);
    const trust = size <= huberReach ? 1 : Math.sqrt(huberReach / size);
    equations.add(distance, trust / (error[index] as number));
  }
}

/** Where nothing is quoted beside the money: no tilt, and a bend as in published fits. */
function addPrior(point: Float64Array, equations: NormalEquations): void {
  const center = [0, 1, 0.4];
  for (let index = 0; index < 3; index++) {
    equations.row.fill(0);
    equations.row[index] = 1;
    equations.add((point[index] as number) - (center[index] as number), 1);
  }
}
