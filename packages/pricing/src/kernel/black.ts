/**
 * Black's model of 1976 over columns of options: the price and six greeks of every row, without allocating and without
 * throwing for a row. Conventions are those of `black76.ts`: per unit of the underlying, in the currency of the strike, delta,
 * gamma and vanna with respect to the forward, vega per 1.00 of volatility, theta per year that passes, rho per 1.00 of the
 * rate in the discount with the forward held fixed.
 *
 * With low <= high the smaller and the larger of forward and strike, s = volatility sqrt(years), h = ln(high / low) / s and
 * t = s / 2, call and put share the time value
 *
 *     low N(t - h) - high N(-t - h) = G (R(h - t) - R(h + t)),   G = sqrt(low high) exp(-(h^2 + t^2) / 2),
 *
 * R(u) = N(-u) exp(u^2 / 2) being the Mills ratio over sqrt(2 pi): one logarithm and one exponential serve the price and all
 * greeks, for G / sqrt(2 pi) is forward times density of d1. Where h - t and h + t lie in one cell of the table of R their
 * difference is s times a divided difference of its polynomial, so a small deviation costs no digits.
 *
 * Error (`npm run verify:pricing -- kernels`, `docs/pricing/accuracy.md`): on options as they are traded all figures are within 90
 * units in the last place of 50-digit values, out of the money too. Farther out h enters as h^2: a price is within
 * (80 + 5 h^2) units. Where G is a subnormal double, what is taken from it has no more digits than that.
 */
import { checkedCount, isAmount, termNames, termStatus, type TermColumns } from "./columns.ts";
import { log, logRatio, ratioCell, ratioCenter, ratioWidth, scaledExp, tailRatio } from "./functions.ts";
import { ratioTable } from "./tables.ts";

export type BlackColumns = TermColumns & { readonly volatility: Float64Array };

export type GreekColumns = {
  readonly price: Float64Array;
  readonly delta: Float64Array;
  readonly gamma: Float64Array;
  readonly vega: Float64Array;
  readonly theta: Float64Array;
  readonly rho: Float64Array;
  readonly vanna: Float64Array;
  /** By row an index of `rowStatuses`; the figures of a row that is not 0 are NaN. */
  readonly status: Uint8Array;
};

/** Fills every row of `out` and returns how many rows were refused. Refuses columns of different lengths. */
export function blackChain(options: BlackColumns, out: GreekColumns): number {
  const count = checkedCount(blackNames, [...blackColumnsOf(options, out), out.status]);
  let refusedCount = 0;
  for (let row = 0; row < count; row++) {
    const terms = termStatus(options, row);
    const status = terms === 0 && !isAmount(options.volatility[row] as number) ? 6 : terms;
    out.status[row] = status;
    if (status === 0) fillRow(options, out, row);
    else refusedCount += refuseRow(out, row);
  }
  return refusedCount;
}

/** The prices alone, with the bits of {@link blackChain}: what scenario tables take, in half the time. */
export function priceChain(options: BlackColumns, out: Pick<GreekColumns, "price" | "status">): number {
  const count = checkedCount(priceNames, [...priceColumnsOf(options, out), out.status]);
  let refusedCount = 0;
  for (let row = 0; row < count; row++) {
    const terms = termStatus(options, row);
    const status = terms === 0 && !isAmount(options.volatility[row] as number) ? 6 : terms;
    out.status[row] = status;
    out.price[row] = status === 0 ? priceOf(options, row) : NaN;
    if (status !== 0) refusedCount++;
  }
  return refusedCount;
}

/** The columns of a call for prices in the order of {@link priceNames}. */
export function priceColumnsOf(options: BlackColumns, out: Pick<GreekColumns, "price">): readonly Float64Array[] {
  const { sign, forward, strike, years, discount, volatility } = options;
  return [sign, forward, strike, years, discount, volatility, out.price];
}

export const priceNames = [...termNames, "volatility", "price", "status"] as const;

/** The columns of a call in the order of {@link blackNames}. */
export function blackColumnsOf(options: BlackColumns, out: GreekColumns): readonly Float64Array[] {
  const { sign, forward, strike, years, discount, volatility } = options;
  const { price, delta, gamma, vega, theta, rho, vanna } = out;
  return [sign, forward, strike, years, discount, volatility, price, delta, gamma, vega, theta, rho, vanna];
}

export const blackNames = [
  ...termNames,
  "volatility",
  "price",
  "delta",
  "gamma",
  "vega",
  "theta",
  "rho",
  "vanna",
  "status",
] as const;

function refuseRow(out: GreekColumns, row: number): 1 {
  out.price[row] = out.delta[row] = out.gamma[row] = out.vega[row] = NaN;
  out.theta[row] = out.rho[row] = out.vanna[row] = NaN;
  return 1;
}

function priceOf(options: BlackColumns, row: number): number {
  const forward = options.forward[row] as number;
  const strike = options.strike[row] as number;
  const isBelow = forward <= strike;
  const deviation = (options.volatility[row] as number) * (Math.sqrt(options.years[row] as number) + 0) + 0;
  const gain = options.sign[row] === 1 ? forward - strike : strike - forward;
  const value = timeValue(isBelow ? forward : strike, isBelow ? strike : forward, deviation);
  return (options.discount[row] as number) * ((0 < gain ? gain : 0) + value);
}

function fillRow(options: BlackColumns, out: GreekColumns, row: number): void {
  const forward = options.forward[row] as number;
  const strike = options.strike[row] as number;
  const years = options.years[row] as number;
  const volatility = options.volatility[row] as number;
  const discount = options.discount[row] as number;
  const isCall = options.sign[row] === 1;
  const isBelow = forward <= strike;
  const root = Math.sqrt(years) + 0; // a zero that is added makes -0 a 0
  const deviation = volatility * root + 0;
  const gain = isCall ? forward - strike : strike - forward;
  const value = timeValue(isBelow ? forward : strike, isBelow ? strike : forward, deviation);
  const price = discount * ((0 < gain ? gain : 0) + value);

  // N(d1) of a call at or under the strike, N(-d1) of a put above it; then what is left to one, without cancelling.
  const weight = left(weightIndex);
  const tail = (weight / forward) * left(isBelow ? innerRatioIndex : outerRatioIndex);
  const flips = isBelow && left(flipIndex) === 1;
  const isTail = (isCall === isBelow) !== flips;
  const probability = isTail ? tail : 1 - tail;

  const isCertain = deviation === 0;
  const isOver = years === 0;
  const density = isCertain ? 0 : discount * (weight * densityAtZero); // discount * forward * n(d1)
  const perForward = density / forward;
  const d2 = isBelow ? -left(outerIndex) : left(innerIndex);
  const logDiscount = discount === 1 ? 0 : log(discount); // most venues have no discount
  const decay = (-0.5 * density * volatility) / (isOver ? 1 : root) - (price * logDiscount) / (isOver ? 1 : years);
  out.price[row] = price;
  out.delta[row] = discount * (isCall ? probability : -probability) + 0;
  out.gamma[row] = perForward / (forward * (isCertain ? 1 : deviation));
  out.vega[row] = density * root;
  out.theta[row] = isOver ? 0 : decay + 0;
  out.rho[row] = -years * price + 0;
  out.vanna[row] = (perForward * -d2) / (isCertain ? 1 : volatility) + 0;
}

/**
 * The undiscounted value of the out-of-the-money one of call and put, within 0 and `low`, for 0 < low <= high. It leaves
 * behind what the greeks take, to be read by {@link left}: an answer in several numbers that allocates nothing.
 */
export function timeValue(low: number, high: number, deviation: number): number {
  const quotient = logRatio(high, low);
  const ratio = quotient === 0 ? 0 : quotient / deviation;
  const h = ratio < farthest ? ratio : farthest;
  const half = 0.5 * deviation;
  const t = half < farthest ? half : farthest;
  const inner = h - t;
  const outer = h + t;
  const weight = scaledExp(-0.5 * (h * h + t * t), 0, low * Math.sqrt(high / low));
  const cell = ratioCell(h < ratioEnd ? h : ratioEnd);
  const value =
    deviation <= ratioWidth(cell)
      ? weight * (deviation * nearDifference(cell, inner, outer, deviation))
      : farValue(low, weight, inner, outer);
  leftovers[weightIndex] = weight;
  leftovers[innerIndex] = inner;
  leftovers[outerIndex] = outer;
  return value < 0 ? 0 : low < value ? low : value;
}

/** Whether R at h - s/2 and at h + s/2 is taken from one cell. */
export function isNear(h: number, deviation: number): boolean {
  return deviation <= ratioWidth(ratioCell(inTable(h)));
}

/** (R(h - s/2) - R(h + s/2)) / s for two that are near. */
export function nearSlope(h: number, deviation: number): number {
  const cell = ratioCell(inTable(h));
  return nearDifference(cell, h - 0.5 * deviation, h + 0.5 * deviation, deviation);
}

/** R, which is asked for no argument beyond its table: a density there is zero. */
export function boundedRatio(t: number): number {
  return tailRatio(inTable(t));
}

function inTable(t: number): number {
  const above = 0 < t ? t : 0;
  return above < ratioEnd ? above : ratioEnd;
}

/** (R(inner) - R(outer)) / deviation by the polynomial of one cell: Newton's divided difference along Horner's rule. */
function nearDifference(cell: number, inner: number, outer: number, deviation: number): number {
  const center = ratioCenter(cell);
  const first = (inner < ratioEnd ? inner : ratioEnd) - center;
  const second = (outer < ratioEnd ? outer : ratioEnd) - center;
  const row = cell * 12;
  let ratio = ratioTable[row + 11] as number;
  let slope = ratio;
  ratio = ratio * first + (ratioTable[row + 10] as number);
  for (let index = row + 9; row <= index; index--) {
    slope = slope * second + ratio;
    ratio = ratio * first + (ratioTable[index] as number);
  }
  leftovers[innerRatioIndex] = ratio;
  leftovers[outerRatioIndex] = ratio + deviation * slope;
  leftovers[flipIndex] = 0;
  return -slope;
}

/** The value where R is taken from two cells; left of the peak R(inner) is what its mirror image leaves of the whole. */
function farValue(low: number, weight: number, inner: number, outer: number): number {
  const flips = inner < 0;
  const distance = flips ? -inner : inner;
  const first = boundedRatio(distance);
  const second = boundedRatio(outer);
  leftovers[innerRatioIndex] = first;
  leftovers[outerRatioIndex] = second;
  leftovers[flipIndex] = flips ? 1 : 0;
  return flips ? low - weight * (first + second) : weight * (first - second);
}

/** What {@link timeValue} left behind, by the indices below. */
function left(index: number): number {
  return leftovers[index] as number;
}

const leftovers = new Float64Array(6);
/** G; h - t; h + t; R of |h - t| (of h - t where nothing flips); R of h + t; 1 where h - t < 0 was mirrored, else 0. */
const [weightIndex, innerIndex, outerIndex, innerRatioIndex, outerRatioIndex, flipIndex] = [0, 1, 2, 3, 4, 5] as const;

/** Beyond it every density is zero, and so is whatever is multiplied by one. */
const farthest = 1000;
/** The last argument of the table of R; a density there is zero. */
const ratioEnd = 61;
const densityAtZero = 0.3989422804014327;
