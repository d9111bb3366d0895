/**
 * An option on a grid, computed twice, the second time with half the spacing in price and in time. The scheme is of second
 * order, so a third of the difference is added as a correction (Richardson). The whole difference is the error that is stated:
 * it covers the finer grid also where the order is only the first, as where a drift outruns the diffusion. Where both grids
 * answer exercise they do not differ, and beside the boundary of exercise the error is what a cell may hide (`exerciseError`). It
 * relies on the grid, the march and the interpolation beside it; what is an admissible option its callers check.
 */
import { exp, log } from "@stoa/base/exact";
import type { OptionType } from "../black76.ts";
import { strikeGrid, type Grid } from "./grid.ts";
import { derivativesAt } from "./interpolation.ts";
import { marchBack } from "./march.ts";

/** Per unit of the underlying, in the currency of the strike: delta and gamma in the spot, theta per year that passes. */
export type GridValues = {
  readonly price: number;
  readonly delta: number;
  readonly gamma: number;
  readonly theta: number;
};

export type GridEstimate = GridValues & {
  /**
   * For each value the difference between the two grids, not negative; four times that where there is a barrier. Beside the boundary
   * of early exercise, which a grid knows to a part of a cell, what that may hide is added; where exercise is optimal for a cell
   * around nothing is.
   */
  readonly error: GridValues;
};

export type GridProblem = {
  readonly type: OptionType;
  readonly american: boolean;
  readonly spot: number;
  readonly strike: number;
  readonly years: number;
  readonly volatility: number;
  readonly rate: number;
  readonly dividendYield: number;
  /** ln(barrier / strike) where the option ends worthless, below or above. */
  readonly knockOut?: { readonly side: "low" | "high"; readonly x: number };
};

export type GridSteps = { readonly price: number; readonly time: number };

/** Price, delta, gamma and theta, extrapolated from `steps` and twice as many. */
export function estimateOnGrid(problem: GridProblem, steps: GridSteps): GridEstimate {
  const coarse = valuesOnGrid(problem, steps, 1);
  const fine = valuesOnGrid(problem, steps, 2);
  const doubt = problem.knockOut === undefined ? 1 : doubtOfBarrier;
  const price = extrapolated(coarse.price, fine.price, doubt);
  const delta = extrapolated(coarse.delta, fine.delta, doubt);
  const gamma = extrapolated(coarse.gamma, fine.gamma, doubt);
  const theta = extrapolated(coarse.theta, fine.theta, doubt);
  const exercise = exerciseValue(problem.type, problem.spot, problem.strike);
  const least = problem.american ? exercise : 0;
  const value = price.value < least ? least : price.value;
  // An answer that is exercise may have been cut off there, and two grids that both exercise do not differ.
  const hidden = exerciseError(problem, value === least ? fine.hiddenWidth : 0);
  const error = {
    price: price.error + hidden.price,
    delta: delta.error + hidden.delta,
    gamma: gamma.error + hidden.gamma,
    theta: theta.error + hidden.theta,
  };
  return { price: value, delta: delta.value, gamma: gamma.value, theta: theta.value, error };
}

type GridAnswer = GridValues & {
  /** Of an American option: how far in ln(spot) a boundary of exercise may be off that lies within a cell, else 0. */
  readonly hiddenWidth: number;
};

/** The values of the grid of `steps`, each cut into `refinement` parts, as they are. Where exercise is optimal price is exercise, delta +-1, gamma and theta 0. */
function valuesOnGrid(problem: GridProblem, steps: GridSteps, refinement: number): GridAnswer {
  const { type, american, spot, strike, years, volatility, rate, dividendYield, knockOut } = problem;
  const grid = gridFor(problem, steps.price, refinement);
  const payoff = exerciseOn(problem, grid)(0);
  if (knockOut?.side === "low") payoff[0] = 0;
  if (knockOut?.side === "high") payoff[payoff.length - 1] = 0;
  const values = marchBack({
    grid,
    diffusion: { volatility, rate, drift: rate - dividendYield - carryOf(problem) },
    years,
    steps: refinement * steps.time,
    payoff,
    ...(american ? { exercise: exerciseOn(problem, grid) } : {}),
    boundary: { low: boundaryValue(problem, grid, "low"), high: boundaryValue(problem, grid, "high") },
  });
  const { value, first, second } = derivativesAt(grid.x, values, placeOf(problem));
  const price = strike * value;
  const exercise = exerciseValue(type, spot, strike);
  const hiddenWidth = american && 0 < exercise ? hiddenWidthOf(problem, grid, values, refinement) : 0;
  if (american && 0 < exercise && price - exercise <= exerciseTolerance * strike)
    return { price: exercise, delta: type === "call" ? 1 : -1, gamma: 0, theta: 0, hiddenWidth };
  const delta = (strike * first) / spot;
  const gamma = (strike * (second - first)) / (spot * spot);
  const deviation = volatility * spot;
  const theta = rate * price - (rate - dividendYield) * spot * delta - 0.5 * deviation * deviation * gamma;
  return { price, delta, gamma, theta, hiddenWidth };
}

/** A quarter of a cell of the unrefined grid where some nodes around are exercised and some are not. */
function hiddenWidthOf(problem: GridProblem, grid: Grid, values: Float64Array, refinement: number): number {
  const { x } = grid;
  const exercise = exerciseOn(problem, grid)(problem.years);
  const place = placeOf(problem);
  let above = 0;
  while (above < x.length && (x[above] as number) < place) above++;
  const first = Math.max(0, above - 1 - refinement);
  const last = Math.min(x.length - 1, above + refinement);
  let held = 0;
  for (let index = first; index <= last; index++)
    if (exerciseTolerance < (values[index] as number) - (exercise[index] as number)) held++;
  if (0 < held) return (((x[last] as number) - (x[first] as number)) / (last - first)) * (refinement / 4);
  return 0;
}

/**
 * What exercise may leave out where the boundary of exercise, which a grid knows to a cell, is that near: beyond it the value leaves
 * exercise with the curvature at which the value of waiting is none, volatility^2 S^2 gamma / 2 = r K - q S for a put (and the
 * negative for a call), so by gamma (S w)^2 / 2 over a width w in ln S.
 */
function exerciseError(
  { type, spot, strike, volatility, rate, dividendYield }: GridProblem,
  width: number,
): GridValues {
  if (width === 0) return { price: 0, delta: 0, gamma: 0, theta: 0 };
  const interest = rate * strike - dividendYield * spot;
  const lost = type === "put" ? interest : -interest;
  const theta = 0 < lost ? lost : 0;
  const variance = volatility * volatility;
  const bend = (2 * theta) / variance;
  return { price: 0.5 * bend * width * width, delta: (bend * width) / spot, gamma: bend / (spot * spot), theta };
}

/**
 * What the logarithm that the grid is in gains on the spot's, per year. The forward for expiry has no drift for the diffusion to
 * keep up with, and is best where nothing rests in the spot. A barrier does, and almost so the boundary of early exercise: it
 * leaves the spot only where the drift is many times the variance.
 */
function carryOf({ american, volatility, rate, dividendYield, knockOut }: GridProblem): number {
  if (knockOut !== undefined) return 0;
  const drift = rate - dividendYield;
  const size = drift < 0 ? -drift : drift;
  return american && size < 4 * volatility * volatility ? 0 : drift;
}

/** Where on the grid the option is now. */
function placeOf(problem: GridProblem): number {
  return log(problem.spot / problem.strike) + carryOf(problem) * problem.years;
}

/** What interpolation of an exact payoff may leave, per unit of strike. */
const exerciseTolerance = 1e-10;
/** How far the grid reaches beyond strike, spot and drift, in deviations: what is beyond has a chance of 1e-15. */
const reachDeviations = 8;
/** Within this part of a deviation around the strike the nodes are about evenly spaced. */
const widthDeviations = 0.6;

function gridFor(problem: GridProblem, priceSteps: number, refinement: number): Grid {
  const { volatility, rate, dividendYield, years, knockOut } = problem;
  const deviation = volatility * Math.sqrt(years);
  const place = placeOf(problem);
  const drift = (rate - dividendYield - carryOf(problem)) * years;
  const reach = reachDeviations * deviation + 0.5 * deviation * deviation;
  const low = Math.min(0, place) - Math.max(0, drift) - reach;
  const high = Math.max(0, place) + Math.max(0, -drift) + reach;
  const width = widthDeviations * deviation;
  if (knockOut?.side === "low")
    return strikeGrid({ low: knockOut.x, high, width, fixed: "low" }, priceSteps, refinement);
  if (knockOut?.side === "high")
    return strikeGrid({ low, high: knockOut.x, width, fixed: "high" }, priceSteps, refinement);
  return strikeGrid({ low, high, width }, priceSteps, refinement);
}

/** What exercise brings at each node when `tau` years are left, per unit of strike; one array, written anew by each call. */
function exerciseOn(problem: GridProblem, { ratio }: Grid): (tau: number) => Float64Array {
  const values = new Float64Array(ratio.length);
  const carry = carryOf(problem);
  return (tau) => {
    const back = exp(-carry * tau);
    for (let index = 0; index < values.length; index++)
      values[index] = exerciseValue(problem.type, back * (ratio[index] as number), 1);
    return values;
  };
}

/** The value at an end of the grid: nothing at a knock-out, else that of the forward, and for an American one no less than exercise. */
function boundaryValue(problem: GridProblem, { ratio }: Grid, side: "low" | "high"): (tau: number) => number {
  const { type, american, rate, dividendYield, knockOut } = problem;
  if (knockOut?.side === side) return () => 0;
  const place = ratio[side === "low" ? 0 : ratio.length - 1] as number;
  const carry = carryOf(problem);
  return (tau) => {
    const spot = place * exp(-carry * tau);
    const held = exerciseValue(type, spot * exp(-dividendYield * tau), exp(-rate * tau));
    const now = american ? exerciseValue(type, spot, 1) : 0;
    return held < now ? now : held;
  };
}

function exerciseValue(type: OptionType, spot: number, strike: number): number {
  const gain = type === "call" ? spot - strike : strike - spot;
  return 0 < gain ? gain : 0;
}

/** At a barrier a payoff may jump, which costs some of the order: the stated error is that many differences. */
const doubtOfBarrier = 4;

function extrapolated(coarse: number, fine: number, doubt: number): { readonly value: number; readonly error: number } {
  const difference = fine - coarse;
  return { value: fine + difference / 3, error: doubt * (difference < 0 ? -difference : difference) };
}
