/**
 * Fits one SVI slice to the observations of an expiry: weighted least squares in total variance, in which observations that
 * contradict the others lose their weight, bounds count only when they are broken, and butterflies and crossings of given
 * floors and ceilings are penalised. The penalties steer; that nothing is left to arbitrage is checked afterwards, elsewhere.
 *
 * The slice is written by its wings, w = a + p (r + x)/2 + q (r - x)/2 with x = k - m and r = sqrt(x^2 + s^2), where
 * p = b (1 + rho) and q = b (1 - rho) are the slopes of the right and the left wing; and scaled, k by the square root of a
 * variance near the money and w by it, so that all five parameters are of the order of one. Given m and s the curve is linear
 * in the rest: the search starts from the best of a fixed set of (m, s).
 */
import type { SviSlice } from "../svi.ts";
import { Equations, minimise, NormalEquations, solveDamped, substitute, type Problem } from "./least-squares.ts";
import type { Observations } from "./observations.ts";
import { weightedMedian } from "./robust.ts";

/** Slopes of total variance far to the right and to the left, b (1 + rho) and b (1 - rho), each within its range. */
export type WingRanges = {
  readonly rightMin: number;
  readonly rightMax: number;
  readonly leftMin: number;
  readonly leftMax: number;
};

/** Lee's bound is 2; a little below it the whole half-line can be checked. */
export const wingMax = 1.96;

export const freeWings: WingRanges = { rightMin: 0, rightMax: wingMax, leftMin: 0, leftMax: wingMax };

/** Total variances between which the curve should stay at given log-moneynesses. */
export type Corridor = {
  readonly k: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** The relative violation that counts as much as one standard error of an observation; ten times that beyond |k| = 3. */
  readonly tolerance: number;
};

export type SliceTask = {
  readonly observations: Observations;
  readonly wings: WingRanges;
  readonly corridor: Corridor | undefined;
  /** Where the observations say nothing the parameters stay near these; absent: near a shallow symmetric smile. */
  readonly prior: SviSlice | undefined;
  /** An earlier fit: a second place to start from, beside the best of a fixed set, and the weights of the observations. */
  readonly earlier: SliceFit | undefined;
  /** A curve to start from instead of the fixed set: then the first weights are those that it gives the observations. */
  readonly shape?: SviSlice;
};

export type SliceFit = {
  readonly slice: SviSlice;
  /** Root of the mean squared residual in standard errors, over the observations that kept weight. */
  readonly residual: number;
  /** Two-sided observations that lost all weight because the others contradict them. */
  readonly outlierCount: number;
  /** Between 0, all two-sided observations on the curve, and 1, all farther than eight standard errors. */
  readonly distance: number;
  /** The variance of the fitted total variance at a log-moneyness. */
  readonly varianceOf: (k: number) => number;
  /** The root of the weight that each observation has beside that of its error. */
  readonly trust: Float64Array;
};

/** Rounds whose weights are those of least absolute residuals, then rounds with the biweight. */
const absoluteRoundsCount = 2;
const roundsCountMax = 8;
const stepsPerRound = 12;
const stepsOfRefit = 60;
const biweightReach = 4.685;
const distanceReach = 8;
/** Residuals up to this many standard errors count in squares while absolute residuals are minimised. */
const absoluteReach = 1.5;

export function fitSlice(task: SliceTask): SliceFit {
  const { observations, earlier } = task;
  const scale = varianceNearMoney(observations);
  const trust = earlier?.trust ?? startTrust(observations);
  const problem = problemOf(task, scale, trust);
  const equations = new Equations(5);
  let point: Float64Array;
  if (task.shape === undefined) point = startOf(observations, scale, trust);
  else {
    point = pointOf(task.shape, scale, new Float64Array(5));
    updateTrust(observations, point, scale, trust, true);
  }
  minimise(problem, point, equations, stepsPerRound);
  if (earlier === undefined) fitRobustly(observations, problem, point, scale, trust, equations);
  else fitFrom(earlier.slice, problem, point, scale, equations);
  return resultOf(observations, point, scale, trust, equations);
}

/** Alternates between the curve and the weights of the observations. */
function fitRobustly(
  observations: Observations,
  problem: Problem,
  point: Float64Array,
  scale: number,
  trust: Float64Array,
  equations: Equations,
): void {
  let converged = false;
  let spread = 0;
  for (let round = 0; round < roundsCountMax; round++) {
    const next = updateTrust(observations, point, scale, trust, round < absoluteRoundsCount);
    if (absoluteRoundsCount < round && converged && Math.abs(next - spread) <= 1e-2 * spread) break;
    spread = next;
    converged = minimise(problem, point, equations, stepsPerRound);
  }
}

/** With known weights: the better of what `point` leads to and what `slice` leads to. */
function fitFrom(slice: SviSlice, problem: Problem, point: Float64Array, scale: number, equations: Equations): void {
  minimise(problem, point, equations, stepsOfRefit);
  const { cost } = equations.here;
  const given = pointOf(slice, scale, new Float64Array(5));
  minimise(problem, given, equations, stepsOfRefit);
  if (equations.here.cost < cost) point.set(given);
  else minimise(problem, point, equations, 1);
}

/** A variance near the money: the median of the five two-sided observations nearest to it, or of what there is. */
function varianceNearMoney({ count, k, variance, side }: Observations): number {
  const order = Array.from({ length: count }, (_, index) => index);
  const rank = (index: number): number => Math.abs(k[index] as number) + (side[index] === 0 ? 0 : 1e3);
  order.sort((one, other) => rank(one) - rank(other) || one - other);
  const near = order.slice(0, 5).map((index) => variance[index] as number);
  return weightedMedian(
    near,
    near.map(() => 1),
  );
}

/** Observations far from the median of their seven neighbours begin without weight: they would bend the first curve. */
function startTrust({ count, variance, error, side }: Observations): Float64Array {
  const trust = new Float64Array(count).fill(1);
  const near = new Float64Array(7);
  for (let index = 0; index < count && 9 <= count; index++) {
    if (side[index] !== 0) continue;
    const from = Math.min(Math.max(0, index - 3), count - 7);
    for (let place = 0; place < 7; place++) near[place] = variance[from + place] as number;
    const middle = near.sort()[3] as number;
    for (let place = 0; place < 7; place++) near[place] = Math.abs((near[place] as number) - middle);
    const spread = near.sort()[3] as number;
    const distance = Math.abs((variance[index] as number) - middle);
    if (8 * Math.max(spread, error[index] as number) < distance) trust[index] = 0;
  }
  return trust;
}

// Parameters by position: 0 a, 1 p (right wing), 2 q (left wing), 3 m, 4 s, all scaled.

/** Scaled log-moneynesses at which butterflies are penalised. */
const butterflyPoints = [-12, -7, -4.5, -3, -2, -1.4, -1, -0.75, -0.5, -0.3, -0.15, 0].flatMap((z) =>
  z === 0 ? [0] : [z, -z],
);
const densityFloor = 0.02;
const densityTolerance = 0.002;
const priorTolerance = [0.5, 0.5, 0.5, 1, 1];

function problemOf(task: SliceTask, scale: number, trust: Float64Array): Problem {
  const root = Math.sqrt(scale);
  const { wings, corridor } = task;
  const prior = pointOf(task.prior ?? { a: 0, b: 0.5 * root, rho: 0, m: 0, s: 2 * root }, scale, new Float64Array(5));
  if (task.prior === undefined) prior[0] = 0;
  const looseness = task.prior === undefined ? 4 : 1;
  return {
    evaluate: (point, equations) => {
      addObservations(task.observations, scale, trust, point, equations);
      addDensities(scale, point, equations);
      if (corridor !== undefined) addCorridor(corridor, scale, point, equations);
      for (let index = 0; index < 5; index++) {
        equations.row.fill(0);
        equations.row[index] = 1;
        const distance = (point[index] as number) - (prior[index] as number);
        equations.add(distance, 1 / (looseness * (priorTolerance[index] as number)));
      }
    },
    project: (point) => {
      point[1] = clamp(point[1] as number, Math.max(1e-4, wings.rightMin / root), wings.rightMax / root);
      point[2] = clamp(point[2] as number, Math.max(1e-4, wings.leftMin / root), wings.leftMax / root);
      point[3] = clamp(point[3] as number, -8, 8);
      point[4] = clamp(point[4] as number, 0.04, 20);
      const bend = (point[4] as number) * Math.sqrt((point[1] as number) * (point[2] as number));
      point[0] = Math.max(point[0] as number, 0.01 - bend);
    },
  };
}

const clamp = (value: number, low: number, high: number): number => (value < low ? low : high < value ? high : value);

/** The derivatives of the curve in the five parameters at offset x with root r go to `row`; returns the curve. */
function curve(point: Float64Array, x: number, r: number, row: Float64Array): number {
  const a = point[0] as number;
  const p = point[1] as number;
  const q = point[2] as number;
  const s = point[4] as number;
  const right = 0.5 * (r + x);
  const left = 0.5 * (r - x);
  const inverse = 1 / r;
  row[0] = 1;
  row[1] = right;
  row[2] = left;
  row[3] = -(p * right - q * left) * inverse;
  row[4] = 0.5 * (p + q) * s * inverse;
  return a + p * right + q * left;
}

function addObservations(
  { count, k, variance, error, side }: Observations,
  scale: number,
  trust: Float64Array,
  point: Float64Array,
  equations: NormalEquations,
): void {
  const root = Math.sqrt(scale);
  const m = point[3] as number;
  const s = point[4] as number;
  for (let index = 0; index < count; index++) {
    const weight = trust[index] as number;
    if (weight === 0) continue;
    const x = (k[index] as number) / root - m;
    const y = curve(point, x, Math.sqrt(x * x + s * s), equations.row);
    const distance = y - (variance[index] as number) / scale;
    if ((side[index] as number) * distance < 0) continue;
    equations.add(distance, (weight * scale) / (error[index] as number));
  }
}

/** Rows for g below its floor at the fixed points; g as in `svi.ts`, in scaled terms 1/w + 1/4 becomes 1/y + scale/4. */
function addDensities(scale: number, point: Float64Array, equations: NormalEquations): void {
  const p = point[1] as number;
  const q = point[2] as number;
  const m = point[3] as number;
  const s = point[4] as number;
  const { row } = equations;
  const sum = 0.5 * (p + q);
  for (let index = 0; index < butterflyPoints.length; index++) {
    const z = butterflyPoints[index] as number;
    const x = z - m;
    const r = Math.sqrt(x * x + s * s);
    const inverse = 1 / r;
    const y = curve(point, x, r, row);
    const slope = -(row[3] as number);
    const bend = s * s * inverse * inverse * inverse;
    const curvature = sum * bend;
    const lean = 1 - (0.5 * z * slope) / y;
    const g = lean * lean - 0.25 * slope * slope * (1 / y + 0.25 * scale) + 0.5 * curvature;
    if (densityFloor <= g) continue;
    const byY = (lean * z * slope) / (y * y) + (0.25 * slope * slope) / (y * y);
    const bySlope = (-lean * z) / y - 0.5 * slope * (1 / y + 0.25 * scale);
    row[0] = byY;
    row[1] = byY * (row[1] as number) + 0.5 * bySlope * (x * inverse + 1) + 0.25 * bend;
    row[2] = byY * (row[2] as number) + 0.5 * bySlope * (x * inverse - 1) + 0.25 * bend;
    row[3] = -byY * slope - bySlope * curvature + 1.5 * curvature * x * inverse * inverse;
    row[4] =
      byY * (row[4] as number) -
      bySlope * sum * x * s * inverse * inverse * inverse +
      sum * s * inverse * inverse * inverse * (1 - 1.5 * s * s * inverse * inverse);
    equations.add(g - densityFloor, 1 / densityTolerance);
  }
}

function addCorridor(corridor: Corridor, scale: number, point: Float64Array, equations: NormalEquations): void {
  const root = Math.sqrt(scale);
  const m = point[3] as number;
  const s = point[4] as number;
  for (let index = 0; index < corridor.k.length; index++) {
    const x = (corridor.k[index] as number) / root - m;
    const y = curve(point, x, Math.sqrt(x * x + s * s), equations.row);
    const low = (corridor.low[index] as number) / scale;
    const high = (corridor.high[index] as number) / scale;
    const tolerance = corridor.tolerance * (3 < Math.abs(corridor.k[index] as number) ? 10 : 1);
    if (y < low) equations.add(y - low, 1 / (tolerance * low));
    else if (high < y) equations.add(y - high, 1 / (tolerance * high));
  }
}

/** The weight of each residual; returns the robust standard deviation of the residuals, at least one. */
function updateTrust(
  observations: Observations,
  point: Float64Array,
  scale: number,
  trust: Float64Array,
  absolute: boolean,
): number {
  const residuals = residualsOf(observations, point, scale);
  const sizes: number[] = [];
  for (let index = 0; index < observations.count; index++) {
    if (observations.side[index] === 0) sizes.push(Math.abs(residuals[index] as number));
  }
  const spread = Math.max(1, 1.4826 * median(sizes));
  for (let index = 0; index < observations.count; index++) {
    const size = Math.abs(residuals[index] as number);
    const share = size / (biweightReach * spread);
    // Roots of weights, since rows are multiplied by them: of absolute residuals, or of Tukey's biweight.
    if (absolute) trust[index] = size <= absoluteReach ? 1 : Math.sqrt(absoluteReach / size);
    else trust[index] = Math.max(0, 1 - share * share);
  }
  return spread;
}

/** Where derivatives go that nobody reads. */
const scratchRow = new Float64Array(5);

/** In standard errors; 0 for a bound that is kept. */
function residualsOf(
  { count, k, variance, error, side }: Observations,
  point: Float64Array,
  scale: number,
): Float64Array {
  const root = Math.sqrt(scale);
  const m = point[3] as number;
  const s = point[4] as number;
  const row = scratchRow;
  const residuals = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const x = (k[index] as number) / root - m;
    const y = curve(point, x, Math.sqrt(x * x + s * s), row);
    const distance = (y * scale - (variance[index] as number)) / (error[index] as number);
    residuals[index] = (side[index] as number) * distance < 0 ? 0 : distance;
  }
  return residuals;
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? 0 : (sorted[sorted.length >> 1] as number);
}

/** Pairs of m and s: bends near the money, and wide ones beside it, of smiles that are nearly straight. */
const starts: readonly (readonly [number, number])[] = [
  ...[0, -0.6, 0.6, -1.5, 1.5].flatMap((shift) => [0.25, 0.7, 2].map((width) => [shift, width] as const)),
  [-4, 4],
  [4, 4],
  [0, 5],
];

/** The best of the fixed (m, s), each with the least-squares level and wings, which are linear; negative wings are cut off. */
function startOf(observations: Observations, scale: number, trust: Float64Array): Float64Array {
  const best = new Float64Array([0.5, 0.5, 0.5, 0, 1]);
  let bestCost = Infinity;
  const linear = new NormalEquations(3);
  const solution = new Float64Array(3);
  const factor = new Float64Array(9);
  const point = new Float64Array(5);
  for (const [shift, width] of starts) {
    point.set([0, 0, 0, shift, width]);
    linear.clear();
    addLinear(observations, scale, trust, point, linear);
    if (!solveDamped(linear, 1e-6, solution, factor)) continue;
    const level = -(solution[0] as number);
    point.set([level, Math.max(0.05, -(solution[1] as number)), Math.max(0.05, -(solution[2] as number))]);
    const cost = absoluteSum(observations, point, scale);
    if (cost < bestCost) {
      bestCost = cost;
      best.set(point);
    }
  }
  return best;
}

/** The sum of the sizes of the residuals; cheaper than `residualsOf`, since it is asked for every start. */
function absoluteSum({ count, k, variance, error, side }: Observations, point: Float64Array, scale: number): number {
  const root = Math.sqrt(scale);
  const a = point[0] as number;
  const p = 0.5 * (point[1] as number);
  const q = 0.5 * (point[2] as number);
  const m = point[3] as number;
  const s = point[4] as number;
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const x = (k[index] as number) / root - m;
    const r = Math.sqrt(x * x + s * s);
    const distance = (a + p * (r + x) + q * (r - x)) * scale - (variance[index] as number);
    if ((side[index] as number) * distance < 0) continue;
    sum += Math.abs(distance) / (error[index] as number);
  }
  return sum;
}

/** The rows of the linear problem at a point whose level and wings are zero, with a little weight on moderate ones. */
function addLinear(
  { count, k, variance, error, side }: Observations,
  scale: number,
  trust: Float64Array,
  point: Float64Array,
  equations: NormalEquations,
): void {
  const root = Math.sqrt(scale);
  const m = point[3] as number;
  const s = point[4] as number;
  const { row } = equations;
  for (let index = 0; index < count; index++) {
    if (side[index] !== 0) continue;
    const x = (k[index] as number) / root - m;
    const r = Math.sqrt(x * x + s * s);
    row[0] = 1;
    row[1] = 0.5 * (r + x);
    row[2] = 0.5 * (r - x);
    equations.add(-(variance[index] as number) / scale, ((trust[index] as number) * scale) / (error[index] as number));
  }
  for (let index = 0; index < 3; index++) {
    row.fill(0);
    row[index] = 1;
    equations.add(-0.5, 0.25);
  }
}

/** The scaled parameters of a slice. */
function pointOf({ a, b, rho, m, s }: SviSlice, scale: number, point: Float64Array): Float64Array {
  const root = Math.sqrt(scale);
  point.set([a / scale, (b * (1 + rho)) / root, (b * (1 - rho)) / root, m / root, s / root]);
  return point;
}

function sliceOf(point: Float64Array, scale: number): SviSlice {
  const a = point[0] as number;
  const p = point[1] as number;
  const q = point[2] as number;
  const m = point[3] as number;
  const s = point[4] as number;
  const root = Math.sqrt(scale);
  return { a: a * scale, b: 0.5 * (p + q) * root, rho: (p - q) / (p + q), m: m * root, s: s * root };
}

function resultOf(
  observations: Observations,
  point: Float64Array,
  scale: number,
  trust: Float64Array,
  equations: Equations,
): SliceFit {
  let outlierCount = 0;
  let keptCount = 0;
  let distanceSum = 0;
  const residuals = residualsOf(observations, point, scale);
  for (let index = 0; index < observations.count; index++) {
    if (observations.side[index] !== 0) continue;
    if (trust[index] === 0) outlierCount++;
    else keptCount++;
    const part = (residuals[index] as number) / distanceReach;
    const rest = Math.max(0, 1 - part * part);
    distanceSum += 1 - rest * rest * rest;
  }
  const sum = new NormalEquations(5);
  addObservations(observations, scale, trust, point, sum);
  const residual = Math.sqrt(sum.cost / Math.max(1, keptCount));
  const noise = Math.max(1, residual) * Math.max(1, residual);
  const factor = new Float64Array(25);
  const solution = new Float64Array(5);
  solveDamped(equations.here, 0, solution, factor);
  const root = Math.sqrt(scale);
  const row = new Float64Array(5);
  const varianceAlong = (): number => {
    substitute(factor, 5, row, solution);
    let total = 0;
    for (let index = 0; index < 5; index++) total += (row[index] as number) * (solution[index] as number);
    return noise * total;
  };
  const frozen = Float64Array.from(point);
  return {
    slice: sliceOf(point, scale),
    residual,
    outlierCount,
    distance: distanceSum / Math.max(1, outlierCount + keptCount),
    trust,
    varianceOf: (k) => {
      const x = k / root - (frozen[3] as number);
      curve(frozen, x, Math.sqrt(x * x + (frozen[4] as number) * (frozen[4] as number)), row);
      return scale * scale * varianceAlong();
    },
  };
}
