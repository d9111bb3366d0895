/**
 * Exponential, logarithm, normal density and normal distribution, the same to the bit on every engine: from `+ - * /` on
 * doubles and moves of bits alone, because ECMAScript leaves `Math.exp` and its kin to the engine.
 *
 * Each result is computed as an unevaluated sum of two doubles with a relative error below 2^-66 and rounded once, so it
 * is within 0.5001 units in the last place. Where the spacing of exact values at neighbouring arguments is finer than that
 * error (near the flat places) the formula is a chain of monotone operations instead; so each function is monotone where
 * its exact form is. Algorithms, bounds and arguments: `docs/decisions/0201-exact-functions.md`.
 *
 * Nothing here may change by a bit without a new protocol version: prices, margins and state hashes follow from it.
 */
import { powerOfTwo, productError, scalePair, sumError, upperBits, withUpperBits } from "./exact/error-free.ts";
import { addPair, at, expPair, leave, logOfParts, multiplyPair, result, tailPair } from "./exact/pairs.ts";
import { centerSeries, densityAtZero } from "./exact/tables.ts";

/**
 * e to the power `x`. exp(±0) = 1, exp(-Infinity) = 0, exp(NaN) = NaN; above 709.7827 it is Infinity, below -745.133 it
 * is 0, and between that and -708.4 a subnormal.
 */
export function exp(x: number): number {
  if (x !== x) return x;
  if (710 < x) return Infinity;
  if (x < -746) return 0;
  if (-smallExp < x && x < smallExp) return 1 + x;
  const exponent = expPair(x, 0);
  return scalePair(at(result, 0), at(result, 1), exponent);
}

/** The natural logarithm. log(1) = 0, log(±0) = -Infinity, log(Infinity) = Infinity; NaN below zero and of NaN. */
export function log(x: number): number {
  if (!(0 < x)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  logParts(x);
  return at(result, 0) + at(result, 1);
}

/**
 * Writes log(x) and what it leaves out, a pair within 2^-66 of ln(x), to `pair[0]` and `pair[1]`; for 0 < x < Infinity. For
 * whoever divides or subtracts logarithms and needs more than the rounded one.
 */
export function logPair(x: number, pair: Float64Array): void {
  logParts(x);
  leave(at(result, 0), at(result, 1));
  pair[0] = at(result, 0);
  pair[1] = at(result, 1);
}

/** ln(x) for 0 < x < Infinity as the result pair, not yet normalised. */
function logParts(x: number): void {
  const subnormal = x < smallestNormal;
  const normal = subnormal ? x * 18014398509481984 : x; // 2^54
  const upper = upperBits(normal);
  // Exponent such that the fraction lies in [1/sqrt 2, sqrt 2): results near zero then come from fractions near one.
  const shifted = upper + (0x3ff00000 - 0x3fe6a09e);
  const exponent = (shifted >>> 20) - 1023 - (subnormal ? 54 : 0);
  const fraction = withUpperBits(normal, upper - ((shifted >>> 20) - 1023) * 0x100000);
  logOfParts(exponent, fraction);
}

/** The standard normal density exp(-x^2/2)/sqrt(2 pi). Even; 0 beyond |x| = 38.57 and at ±Infinity, NaN of NaN. */
export function normalDensity(x: number): number {
  if (x !== x) return x;
  const distance = x < 0 ? -x : x;
  if (39 < distance) return 0;
  if (distance < smallDensity)
    return at(densityAtZero, 0) + (at(densityAtZero, 1) - distance * distance * (at(densityAtZero, 0) * 0.5));
  if (distance < 0.015625) return densityNearZero(distance);
  const square = distance * distance;
  const exponent = expPair(-0.5 * square, -0.5 * productError(distance, distance, square));
  multiplyPair(at(densityAtZero, 0), at(densityAtZero, 1));
  return scalePair(at(result, 0), at(result, 1), exponent);
}

/**
 * The standard normal distribution function: the probability of a value below `x`. Its relative error holds in the left
 * tail down to subnormals (x near -38.47), so the complement is `normalDistribution(-x)`, never `1 - normalDistribution(x)`.
 * 0 at -Infinity, 1 at Infinity and from x = 8.2924 on, NaN of NaN.
 */
export function normalDistribution(x: number): number {
  if (x !== x) return x;
  if (8.5 < x) return 1;
  if (x < -39) return 0;
  const distance = x < 0 ? -x : x;
  if (distance < smallDistribution) return 0.5 + x * at(densityAtZero, 0);
  if (distance < 0.5) return distributionNearZero(x);
  const exponent = tailPair(distance);
  if (x < 0) return scalePair(at(result, 0), at(result, 1), exponent);
  const scale = powerOfTwo(exponent);
  const tail = at(result, 0) * scale;
  const high = 1 - tail;
  return high + (sumError(1, -tail, high) - at(result, 1) * scale);
}

// Below these the first terms of the series suffice, each formula a chain of roundings that are themselves monotone.
const smallExp = 9.094947017729282e-13; // 2^-40
const smallDensity = 9.5367431640625e-7; // 2^-20
const smallDistribution = 9.313225746154785e-10; // 2^-30
const smallestNormal = 2.2250738585072014e-308;

/** The density for 2^-20 <= x < 2^-6: c - c x^2 (1/2 - x^2/8 + ...), the product as a pair of relative error 2^-68. */
function densityNearZero(x: number): number {
  const c = at(densityAtZero, 0);
  const square = x * x;
  const squareLow = productError(x, x, square);
  const factor = 0.5 * c;
  const factorLow =
    0.5 * at(densityAtZero, 1) -
    square * c * (0.125 - square * (0.020833333333333332 - square * 0.0026041666666666665));
  const drop = square * factor;
  const dropLow = productError(square, factor, drop) + (square * factorLow + squareLow * factor);
  const high = c - drop;
  return high + (sumError(c, -drop, high) + (at(densityAtZero, 1) - dropLow));
}

/** Phi(x) = 1/2 + x g(x^2) for |x| < 1/2, with g by its Taylor series: three terms as pairs, the rest below 2^-14. */
function distributionNearZero(x: number): number {
  const square = x * x;
  const squareLow = productError(x, x, square);
  let rest = at(centerSeries, 16);
  for (let index = 15; 6 <= index; index--) rest = at(centerSeries, index) + square * rest;
  leave(square * rest, 0);
  addPair(at(centerSeries, 4), at(centerSeries, 5));
  multiplyPair(square, squareLow);
  addPair(at(centerSeries, 2), at(centerSeries, 3));
  multiplyPair(square, squareLow);
  addPair(at(centerSeries, 0), at(centerSeries, 1));
  multiplyPair(x, 0);
  const rise = at(result, 0);
  const high = 0.5 + rise;
  return high + (sumError(0.5, rise, high) + at(result, 1));
}
