/**
 * Black's model of 1976 over columns of options: the price and six greeks of every row, without allocating and without
 * throwing for a row. Conventions are those of `black76.ts`: per unit of the underlying, in the currency of the strike, delta,
 * gamma and vanna with respect to the forward, vega per 1.00 of volatility, theta per year that passes, rho per 1.00 of the
 * rate in the discount with the forward held fixed.
 *
 * With y = ln(K / F), w = volatility^2 years, s = sqrt(w), h = |y| / s, t = s / 2 and low the smaller of forward and strike, the
 * out-of-the-money one of call and put is worth
 *
 *     low N(t - h) - high N(-t - h) = G (R(h - t) - R(h + t)),   G = F sqrt(K / F) exp(-(y^2 / w + w / 4) / 2),
 *
 * R(u) = N(-u) exp(u^2 / 2) being the Mills ratio over sqrt(2 pi): one logarithm and one exponential serve the price and all
 * greeks, for G / sqrt(2 pi) is forward times density of d1, and with 1/w at hand there is little to divide. Where h - t and h + t lie
 * in one cell of the table of R their difference is s times a divided difference of its polynomial, so a small deviation costs
 * no digits.
 *
 * PERF: rows go through four short loops in blocks that stay in the first cache, so that a processor works at several rows at
 * once: one row is a chain of some hundred dependent operations. Ordinary rows, whose numbers cannot overflow, underflow or leave a
 * table, take no other branch than near or far; `extreme.ts` has the others.
 *
 * Error (`npm run verify:pricing -- blackChain`, `docs/pricing/accuracy.md`): on options as they are traded all figures are within 70
 * units in the last place of 50-digit values, out of the money too. Farther out h enters as h^2: a price is within
 * (80 + 5 h^2) units. Where G is a subnormal double, what is taken from it has no more digits than that.
 */
import {
  checkedCount,
  isAmount,
  largestPrice,
  termNames,
  termStatus,
  type BlackColumns,
  type GreekColumns,
} from "./columns.ts";
import { extremePrice, fillExtreme } from "./extreme.ts";
import { boundedExp, logOfQuotient, ratioCell, ratioWidth, signBit, tailRatio } from "./functions.ts";
import { nearDifference } from "./mills-ratio.ts";

/** Fills every row of `out` and returns how many rows were refused. Refuses columns of different lengths. */
export function blackChain(options: BlackColumns, out: GreekColumns): number {
  const count = checkedCount(blackNames, [...blackColumnsOf(options, out), out.status]);
  let refusedCount = 0;
  for (let first = 0; first < count; first += blockRows) {
    const end = Math.min(count, first + blockRows);
    const ordinaryCount = takeOrdinary(options, first, end);
    for (let row = first, index = 0; row < end && ordinaryCount < end - first; row++) {
      if (rows[index] === row) index++;
      else if (markRow(options, out, row)) fillExtreme(options, out, row);
      else refusedCount += refuseRow(out, row);
    }
    fillWeights(ordinaryCount);
    fillDifferences(ordinaryCount);
    fillGreeks(options, out, ordinaryCount);
  }
  return refusedCount;
}

/** The prices alone, with the bits of {@link blackChain}: what scenario tables take. */
export function priceChain(options: BlackColumns, out: Pick<GreekColumns, "price" | "status">): number {
  const count = checkedCount(priceNames, [...priceColumnsOf(options, out), out.status]);
  let refusedCount = 0;
  for (let first = 0; first < count; first += blockRows) {
    const end = Math.min(count, first + blockRows);
    const ordinaryCount = takeOrdinary(options, first, end);
    for (let row = first, index = 0; row < end && ordinaryCount < end - first; row++) {
      if (rows[index] === row) {
        index++;
        continue;
      }
      const isGood = markRow(options, out, row);
      out.price[row] = isGood ? extremePrice(options, row) : NaN;
      if (!isGood) refusedCount++;
    }
    fillWeights(ordinaryCount);
    fillDifferences(ordinaryCount);
    fillPrices(options, out, ordinaryCount);
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

/** Writes the status of a row and says whether it has a price. */
function markRow(options: BlackColumns, out: Pick<GreekColumns, "status">, row: number): boolean {
  const terms = termStatus(options, row);
  const status = terms === 0 && !isAmount(options.volatility[row] as number) ? 6 : terms;
  out.status[row] = status;
  return status === 0;
}

function refuseRow(out: GreekColumns, row: number): 1 {
  out.price[row] = out.delta[row] = out.gamma[row] = out.vega[row] = NaN;
  out.theta[row] = out.rho[row] = out.vanna[row] = NaN;
  return 1;
}

/**
 * Finds the ordinary ones of a block of rows and writes, for each in its turn, what depends on no other loop. They are in
 * their domains, the forward within 1e-30 and 1e30, strike over forward and discount within 1e-10 and 1e10, the deviation no less
 * than 1e-12 and h + t no more than 34. Returns how many they are; the row behind the last is -1.
 */
function takeOrdinary(options: BlackColumns, first: number, end: number): number {
  const { sign, forward, strike, years, discount, volatility } = options;
  let count = 0;
  for (let row = first; row < end; row++) {
    const quotient = (strike[row] as number) / (forward[row] as number);
    const time = years[row] as number;
    const sigma = volatility[row] as number;
    const deviation = sigma * Math.sqrt(time);
    const isPriced = isWithin(forward[row] as number, 1e-30, 1e30) && isWithin(quotient, 1e-10, 1e10);
    const isTimed = 1e-12 <= deviation && time <= largestPrice && sigma <= largestPrice;
    if (!(isPriced && isTimed && isWithin(discount[row] as number, 1e-10, 1e10))) continue;
    if (!(sign[row] === 1 || sign[row] === -1)) continue;
    const reciprocal = 1 / (sigma * sigma * time);
    const logarithm = logOfQuotient(quotient, strike[row] as number, forward[row] as number);
    const distance = Math.abs(logarithm) * (deviation * reciprocal);
    if (34 < distance + 0.5 * deviation) continue;
    rows[count] = row;
    quotients[count] = quotient;
    deviations[count] = deviation;
    reciprocals[count] = reciprocal;
    logarithms[count] = logarithm;
    distances[count] = distance;
    count++;
  }
  rows[count] = -1;
  return count;
}

/** sqrt(K / F) exp(-(h^2 + t^2) / 2): the density of d1 over that of zero. */
function fillWeights(count: number): void {
  for (let index = 0; index < count; index++) {
    const logarithm = logarithms[index] as number;
    const deviation = deviations[index] as number;
    const squares = logarithm * logarithm * (reciprocals[index] as number) + 0.25 * deviation * deviation;
    weights[index] = boundedExp(-0.5 * squares, Math.sqrt(quotients[index] as number));
  }
}

/**
 * R(h - t) and R(h + t) and their difference. Where h - t is less than -1/2, what is written is R(t - h), and minus its sum with
 * the other: so much is lacking to the whole, and the row is marked as flipped. Nearer to the peak the whole would cancel.
 */
function fillDifferences(count: number): void {
  for (let index = 0; index < count; index++) {
    const distance = distances[index] as number;
    const deviation = deviations[index] as number;
    const inner = distance - 0.5 * deviation;
    const outer = distance + 0.5 * deviation;
    const cell = ratioCell(distance);
    if (deviation <= ratioWidth(cell)) {
      differences[index] = deviation * nearDifference(cell, inner, outer, deviation, ratios, 2 * index);
      flips[index] = 0;
    } else {
      const isFlipped = inner < flipEnd;
      const first = tailRatio(isFlipped ? -inner : inner);
      const second = tailRatio(outer);
      ratios[2 * index] = first;
      ratios[2 * index + 1] = second;
      flips[index] = isFlipped ? 1 : 0;
      differences[index] = (isFlipped ? -first : first) - second;
    }
  }
}

function fillPrices(options: BlackColumns, out: Pick<GreekColumns, "price" | "status">, count: number): void {
  const { sign, forward, strike, discount } = options;
  const { price, status } = out;
  for (let index = 0; index < count; index++) {
    const row = rows[index] as number;
    const value = valueOf(index, sign[row] as number, forward[row] as number, strike[row] as number);
    status[row] = 0;
    price[row] = (discount[row] as number) * value;
  }
}

/** The undiscounted value: what exercise brings and G times the difference, or what that leaves of the whole. */
function valueOf(index: number, side: number, forward: number, strike: number): number {
  const gain = side * (forward - strike);
  const whole = flips[index] === 1 ? (side === 1 ? forward : strike) : 0 < gain ? gain : 0;
  return whole + forward * (weights[index] as number) * (differences[index] as number);
}

function fillGreeks(options: BlackColumns, out: GreekColumns, count: number): void {
  const { sign, forward, strike, years, discount, volatility } = options;
  const { price, delta, gamma, vega, theta, rho, vanna, status } = out;
  let known = 1; // the options of an expiry have one discount
  let logOfKnown = 0;
  for (let index = 0; index < count; index++) {
    const row = rows[index] as number;
    const side = sign[row] as number;
    const level = forward[row] as number;
    const time = years[row] as number;
    const factor = discount[row] as number;
    const sigma = volatility[row] as number;
    const weight = weights[index] as number;
    const deviation = deviations[index] as number;
    const reciprocal = reciprocals[index] as number;
    const worth = factor * valueOf(index, side, level, strike[row] as number);
    if (factor !== known) {
      known = factor;
      logOfKnown = logOfQuotient(factor, factor, 1);
    }
    // The tail beyond d1 is that of a call under its strike and of a put above; else, and where it was flipped, it lacks to one.
    const isAbove = signBit((strike[row] as number) - level);
    const tail = weight * (ratios[2 * index + isAbove] as number);
    const probability = Math.abs((signBit(side) ^ (isAbove | (flips[index] as number))) - tail);
    const perForward = factor * (weight * densityAtZero);
    const density = perForward * level; // discount * forward * n(d1)
    const root = Math.sqrt(time);
    const variance = sigma * sigma;
    const perDeviation = deviation * reciprocal;
    const d2 = -(logarithms[index] as number) * perDeviation - 0.5 * deviation;
    status[row] = 0;
    price[row] = worth;
    delta[row] = factor * (side * probability);
    gamma[row] = perForward * (perDeviation / level);
    vega[row] = density * root;
    theta[row] = -0.5 * density * (variance * perDeviation) - worth * logOfKnown * (variance * reciprocal);
    rho[row] = -time * worth;
    vanna[row] = -perForward * d2 * (root * perDeviation) + 0;
  }
}

function isWithin(value: number, low: number, high: number): boolean {
  return low <= value && value <= high;
}

/** What the loops hand on, by the turn of an ordinary row in its block. */
const blockRows = 128;
const rows = new Int32Array(blockRows + 1);
const quotients = new Float64Array(blockRows);
const deviations = new Float64Array(blockRows);
/** 1 / w. */
const reciprocals = new Float64Array(blockRows);
const logarithms = new Float64Array(blockRows);
const distances = new Float64Array(blockRows);
const weights = new Float64Array(blockRows);
const ratios = new Float64Array(2 * blockRows);
const differences = new Float64Array(blockRows);
const flips = new Int32Array(blockRows);
const densityAtZero = 0.3989422804014327;
/** Where the table of R begins. */
const flipEnd = -0.5;
