/**
 * What the inversions of the Black and the Bachelier value share: goals as pairs of doubles with an exponent of their own, the
 * Mills ratio in plain doubles for first steps, Householder's step, and the way from a deviation to a volatility. It knows
 * nothing of the models.
 */
import { exp, log } from "./kernel/functions.ts";
import { powerOfTwo, productError, sumError, upperBits, withUpperBits } from "@stoa/base/exact/error-free";
import { at, result } from "@stoa/base/exact/pairs";
import { tailTable } from "@stoa/base/exact/tables";
import { exponentOf, scaled } from "./normalised-black.ts";

export const logOfTwo = 0.6931471805599453;
export const inversePi = 0.3183098861837907;
export const densityTop = 0.3989422804014327;
const rootTwoPi = 2.5066282746310007;
const rootTwoPiLow = -1.8328579980459167e-16;

/**
 * (part + partLow) / (low + lowRest) into `share`: (share[0] + share[1]) 2^share[2], the high part within [1/2, 2). Both
 * positive, of any magnitude.
 */
export function shareOf(part: number, partLow: number, low: number, lowRest: number, share: Float64Array): void {
  const lowExponent = exponentOf(low);
  const exponent = exponentOf(part);
  const divisor = scaled(low, -lowExponent);
  const high = scaled(part, -exponent);
  const quotient = high / divisor;
  const product = quotient * divisor;
  const rest = high - product - productError(quotient, divisor, product);
  share[0] = quotient;
  share[1] = (rest + (scaled(partLow, -exponent) - quotient * scaled(lowRest, -lowExponent))) / divisor;
  share[2] = exponent - lowExponent;
}

/** sqrt(2 pi) times a share, into `pair`: the deviation of a value on the strike, where it is tiny in Black's model. */
export function proportional(value: Float64Array, pair: Float64Array): void {
  const share = at(value, 0);
  const product = share * rootTwoPi;
  const rest = productError(share, rootTwoPi, product) + share * rootTwoPiLow + at(value, 1) * rootTwoPi;
  pair[0] = scaled(product, at(value, 2));
  pair[1] = scaled(rest, at(value, 2));
}

/** (the result pair times 2^exponent) / goal - 1, without cancelling. */
export function excess(exponent: number, goal: Float64Array): number {
  const scale = powerOfTwo(exponent - at(goal, 2));
  const difference = at(result, 0) * scale - at(goal, 0);
  return (
    (difference + (sumError(at(result, 0) * scale, -at(goal, 0), difference) + (at(result, 1) * scale - at(goal, 1)))) /
    at(goal, 0)
  );
}

/** ln(1 + excess) with its full relative precision (W. Kahan's way). */
export function logOfExcess(exponent: number, goal: Float64Array): number {
  const e = excess(exponent, goal);
  if (-0.001 < e && e < 0.001) return e * (1 - e * (0.5 - e * (0.3333333333333333 - e * (0.25 - e * 0.2))));
  const whole = 1 + e;
  return (log(whole) * e) / (whole - 1);
}

/**
 * Householder's step of third order for a function g, given Newton's step -g/g', g''/g' and g'''/g' (A. Householder, The
 * Numerical Treatment of a Single Nonlinear Equation, 1970).
 */
export function householder(newton: number, second: number, third: number): number {
  return (newton * (1 + 0.5 * second * newton)) / (1 + newton * (second + (third * newton) / 6));
}

/** The Mills ratio m(u) for u >= 0 in doubles, by the first ten coefficients of the exact one: within 1e-11 of it. */
export function mills(u: number): number {
  let first: number;
  let offset: number;
  if (u < 0.5) {
    const cell = Math.floor(8 * u);
    first = 20 * (64 + cell);
    offset = u - (0.125 * cell + 0.0625);
  } else {
    if (127 < u) return densityTop / u;
    const upper = upperBits(u);
    first = 20 * ((upper >>> 17) - 8176);
    offset = u - withUpperBits(0, (upper & 0xfffe0000) | 0x10000);
  }
  const square = offset * offset;
  const fourth = square * square;
  const a = at(tailTable, first) + offset * at(tailTable, first + 2);
  const b = at(tailTable, first + 4) + offset * at(tailTable, first + 6);
  const c = at(tailTable, first + 8) + offset * at(tailTable, first + 9);
  const d = at(tailTable, first + 10) + offset * at(tailTable, first + 11);
  const e = at(tailTable, first + 12) + offset * at(tailTable, first + 13);
  return a + square * b + fourth * (c + square * d + fourth * e);
}

/**
 * The h > 0 at which phi(h)/h - Phi(-h) has the logarithm `logValue`, within 0.3 %: near the money by the series
 * 1/(h sqrt(2 pi)) - 1/2 + h/(2 sqrt(2 pi)), else by a fit in sqrt(-2 ln) for h up to 60.
 */
export function normalDistanceOfLog(logValue: number): number {
  if (-0.929 < logValue) {
    const sum = exp(logValue) + 0.5;
    return (2 * densityTop) / (sum + Math.sqrt(sum * sum - inversePi));
  }
  const q = Math.sqrt(-2 * logValue);
  return (
    (0.10318817616930848 + q * (0.4019613506594224 + q * (-0.31310755995218514 + q * 0.165260195971411))) /
    (1 + q * (-0.24350176307712576 + q * 0.16428506272540305))
  );
}

/**
 * price - discount (gain + gainLow) as a pair into `pair`. What is left may lie below the last place of the price, so each of the
 * products is taken with its error, and the four parts are added from the largest down without losing what is between them.
 */
export function lessExercise(price: number, gain: number, gainLow: number, discount: number, pair: Float64Array): void {
  const product = discount * gain;
  const small = discount * gainLow;
  const first = price - product;
  const firstRest = sumError(price, -product, first);
  const productRest = productError(discount, gain, product);
  const smallRest = gainLow === 0 ? 0 : productError(discount, gainLow, small);
  const second = first - productRest;
  const secondRest = sumError(first, -productRest, second);
  const third = second - small;
  const low = sumError(second, -small, third) + (secondRest + (firstRest - smallRest));
  pair[0] = third + low;
  pair[1] = low - (third + low - third);
}

/**
 * (deviation + rest) / sqrt(years), rounded once; the rest of a root is its remainder over twice the root. Magnitudes at which
 * the remainders would leave the range of doubles are brought nearer first.
 */
export function overRoot(deviation: number, rest: number, years: number): number {
  const yearsShift = years < 1e-200 ? 600 : 1e200 < years ? -600 : 0;
  const shift = deviation < 1e-200 ? 600 : 1e200 < deviation ? -600 : 0;
  const time = scaled(years, yearsShift);
  const root = Math.sqrt(time);
  const square = root * root;
  const rootLow = (time - square - productError(root, root, square)) / (2 * root);
  const high = scaled(deviation, shift);
  const quotient = high / root;
  const product = quotient * root;
  const remainder = high - product - productError(quotient, root, product);
  const volatility = quotient + (remainder + scaled(rest, shift) - quotient * rootLow) / root;
  return scaled(volatility, 0.5 * yearsShift - shift);
}
