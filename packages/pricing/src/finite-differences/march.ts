/**
 * Steps of the Black-Scholes equation backwards from expiry on a grid in x:
 *
 *   dV/dtau = 1/2 sigma^2 (d2V/dx2 - dV/dx) + b dV/dx - r V,   tau = time left.
 *
 * With b = r - q, x is ln(spot / strike); with b = 0 it is ln(forward / strike), the forward being that for expiry.
 *
 * three-point differences in x, Crank-Nicolson in time after a start of implicit half steps, early exercise by penalty. It
 * relies on a grid and knows nothing of options beyond the payoff that it is given.
 *
 * - The step ends lie at tau = years (j / steps)^2: near expiry the exercise boundary moves as the root of the time left, and
 *   steps even in that root keep Crank-Nicolson of second order (Reisinger and Whitley, "The impact of a natural time change on
 *   the convergence of the Crank-Nicolson scheme", IMA Journal of Numerical Analysis 34, 2014).
 * - The kink of the payoff makes Crank-Nicolson ring; four implicit half steps damp it (Rannacher, Numerische Mathematik 43,
 *   1984; Giles and Carter, Journal of Computational Finance 9, 2006).
 * - Where holding is worth less than exercise a penalty pulls the value up to it (Forsyth and Vetzal, SIAM Journal on Scientific
 *   Computing 23, 2002), here in the limit of an infinite one: the equation of such a row is replaced by value = exercise. The
 *   rows that bind are found by repetition, which ends when the same rows bind twice (Reisinger and Witte, "On the use of policy
 *   iteration as an easy way of pricing American options", SIAM Journal on Financial Mathematics 3, 2012).
 *
 * PERF: O(nodes * steps * repetitions), one to four repetitions in a step; buffers are allocated once per march.
 */
import type { Grid } from "./grid.ts";

export type Diffusion = { readonly volatility: number; readonly rate: number; readonly drift: number };

export type March = {
  readonly grid: Grid;
  readonly diffusion: Diffusion;
  readonly years: number;
  readonly steps: number;
  /** The values at expiry, per unit of strike. */
  readonly payoff: Float64Array;
  /** What exercise brings at each node when `tau` years are left, per unit of strike; absent when it is not allowed. */
  readonly exercise?: (tau: number) => Float64Array;
  /** The value at the first and the last node when `tau` years are left. */
  readonly boundary: { readonly low: (tau: number) => number; readonly high: (tau: number) => number };
};

const repetitionsMax = 64;
/** Relative to 1 + exercise: differences of the size of rounding neither bind nor free a row, so that repetition ends. */
const indifference = 1e-14;
const rannacherSteps = 2;

/** The values at all nodes `years` before expiry, per unit of strike. */
export function marchBack(march: March): Float64Array {
  const { grid, years, steps } = march;
  const count = grid.x.length;
  const work: Work = {
    ...operatorOf(grid, march.diffusion),
    values: Float64Array.from(march.payoff),
    right: new Float64Array(count),
    upper: new Float64Array(count),
    binds: new Uint8Array(count),
  };
  for (let step = 1; step <= steps; step++) {
    const from = (years * (step - 1) * (step - 1)) / (steps * steps);
    const to = (years * step * step) / (steps * steps);
    if (step <= rannacherSteps) {
      const middle = 0.5 * (from + to);
      advance(march, work, { from, to: middle, implicit: 1 });
      advance(march, work, { from: middle, to, implicit: 1 });
    } else {
      advance(march, work, { from, to, implicit: 0.5 });
    }
  }
  return work.values;
}

type Operator = { readonly below: Float64Array; readonly centre: Float64Array; readonly above: Float64Array };

type Work = Operator & {
  readonly values: Float64Array;
  readonly right: Float64Array;
  readonly upper: Float64Array;
  readonly binds: Uint8Array;
};

type Step = { readonly from: number; readonly to: number; readonly implicit: number };

/** dV/dtau at a node = below V(left) + centre V + above V(right). */
function operatorOf({ x }: Grid, { volatility, rate, drift: growth }: Diffusion): Operator {
  const below = new Float64Array(x.length);
  const centre = new Float64Array(x.length);
  const above = new Float64Array(x.length);
  const half = 0.5 * volatility * volatility;
  const drift = growth - half;
  for (let index = 1; index < x.length - 1; index++) {
    const left = at(x, index) - at(x, index - 1);
    const right = at(x, index + 1) - at(x, index);
    // Where the drift outruns the diffusion over a cell, as much diffusion is added as keeps both neighbours' weights from
    // being negative: the upwind difference.
    const least = 0.5 * (drift < 0 ? -drift * left : drift * right);
    const diffusion = half < least ? least : half;
    below[index] = (2 * diffusion - drift * right) / (left * (left + right));
    above[index] = (2 * diffusion + drift * left) / (right * (left + right));
    centre[index] = -(at(below, index) + at(above, index)) - rate;
  }
  return { below, centre, above };
}

/** One step of the scheme: explicit part, then the implicit system, repeated while the rows that bind change. */
function advance(march: March, work: Work, { from, to, implicit }: Step): void {
  const { values, right, below, centre, above } = work;
  const last = values.length - 1;
  const explicitTime = (1 - implicit) * (to - from);
  const implicitTime = implicit * (to - from);
  for (let index = 1; index < last; index++) {
    const change =
      at(below, index) * at(values, index - 1) +
      at(centre, index) * at(values, index) +
      at(above, index) * at(values, index + 1);
    right[index] = at(values, index) + explicitTime * change;
  }
  right[0] = march.boundary.low(to);
  right[last] = march.boundary.high(to);
  const exercise = march.exercise?.(to);
  for (let repetition = 0; repetition < repetitionsMax; repetition++) {
    solve(work, implicitTime, exercise);
    if (exercise === undefined || !rowsChanged(work, implicitTime, exercise)) return;
  }
}

/**
 * Marks the rows in which holding is worth less than exercise: free ones whose value is below it, and bound ones whose
 * equation, at the value of exercise, says that holding loses. Answers whether any mark is new or gone.
 */
function rowsChanged(work: Work, time: number, exercise: Float64Array): boolean {
  const { below, centre, above, values, right, binds } = work;
  let changed = false;
  for (let index = 1; index < values.length - 1; index++) {
    const value = at(values, index);
    const slack = indifference * (1 + at(exercise, index));
    const change =
      at(below, index) * at(values, index - 1) + at(centre, index) * value + at(above, index) * at(values, index + 1);
    const loss = value - time * change - at(right, index);
    const mark = binds[index] === 1 ? (-slack <= loss ? 1 : 0) : value < at(exercise, index) - slack ? 1 : 0;
    if (mark !== binds[index]) changed = true;
    binds[index] = mark;
  }
  return changed;
}

/** Solves (1 - time * operator) values = right, bound rows being values = exercise: Gauss without pivoting, dominant diagonal. */
function solve(work: Work, time: number, exercise: Float64Array | undefined): void {
  const { below, centre, above, values, right, upper, binds } = work;
  const last = values.length - 1;
  values[0] = at(right, 0);
  upper[0] = 0;
  for (let index = 1; index < last; index++) {
    if (exercise !== undefined && binds[index] === 1) {
      upper[index] = 0;
      values[index] = at(exercise, index);
      continue;
    }
    const lower = -time * at(below, index);
    const pivot = 1 - time * at(centre, index) - lower * at(upper, index - 1);
    upper[index] = (-time * at(above, index)) / pivot;
    values[index] = (at(right, index) - lower * at(values, index - 1)) / pivot;
  }
  values[last] = at(right, last);
  for (let index = last - 1; 1 <= index; index--)
    values[index] = at(values, index) - at(upper, index) * at(values, index + 1);
}

function at(array: Float64Array, index: number): number {
  return array[index] as number;
}
