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
import { centerSeries, densityAtZero, expStep, expTable, logOfTwo, logTable, tailTable } from "./exact/tables.ts";

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

/** The pair that the functions below leave behind: a return value that allocates nothing. */
const result = new Float64Array(2);

/**
 * exp(x + xLow) = (result pair) * 2^(returned exponent), the pair within [0.98, 2.03) and 2^-74 of the truth. With
 * k = round(32 x / ln 2) and r = x - k ln2/32, |r| < 0.0109: 2^(k/32) from the table, times 1 + r + r^2/2 as pairs and the
 * rest of the series, below 2^-22, as a double.
 */
function expPair(x: number, xLow: number): number {
  const k = Math.floor(x * 46.16624130844683 + 0.5);
  const coarse = k * at(expStep, 0);
  const middle = k * at(expStep, 1);
  const first = x - coarse;
  const second = first - middle;
  const rest = sumError(x, -coarse, first) + sumError(first, -middle, second) + (xLow - k * at(expStep, 2));
  const r = second + rest;
  const rLow = rest - (r - second);

  const square = r * r;
  const half = 0.5 * square;
  const series =
    0.16666666666666666 +
    r *
      (0.041666666666666664 +
        r * (0.008333333333333333 + r * (0.001388888888888889 + r * (1.984126984126984e-4 + r * 2.48015873015873e-5))));
  const growth = r + half;
  const growthLow =
    sumError(r, half, growth) + (rLow + r * rLow + 0.5 * productError(r, r, square) + r * square * series);

  const entry = (k & 31) * 2;
  const base = at(expTable, entry);
  const baseLow = at(expTable, entry + 1);
  const product = base * growth;
  const productLow = productError(base, growth, product) + (base * growthLow + baseLow * growth);
  const high = base + product;
  leave(high, sumError(base, product, high) + (baseLow + productLow));
  return k >> 5;
}

/**
 * ln(2^exponent * fraction) for a fraction in [0.707, 1.415). With r from the table, z = fraction * r - 1 is an exact pair
 * and |z| < 2^-7: the sum of exponent ln 2, -ln r, z - z^2/2 (pairs) and the rest of the series, as a double. In the two
 * cells beside one r is 1 and its logarithm 0, so the error is relative to the result there too.
 */
function logOfParts(exponent: number, fraction: number): void {
  const entry = (Math.floor(fraction * 128) - 90) * 3;
  const reciprocal = at(logTable, entry);
  const product = fraction * reciprocal;
  const productLow = productError(fraction, reciprocal, product);
  const near = product - 1; // exact: the product is within [1/2, 2]
  const z = near + productLow;
  const zLow = productLow - (z - near);

  const square = z * z;
  const series =
    0.3333333333333333 -
    z *
      (0.25 -
        z *
          (0.2 -
            z * (0.16666666666666666 - z * (0.14285714285714285 - z * (0.125 - z * (0.1111111111111111 - z * 0.1))))));
  const rest = zLow - z * zLow - 0.5 * productError(z, z, square) + z * square * series;

  const powers = exponent * at(logOfTwo, 0);
  const tableHigh = at(logTable, entry + 1);
  const first = powers + tableHigh;
  const second = first + z;
  const third = second - 0.5 * square;
  const low =
    sumError(powers, tableHigh, first) +
    sumError(first, z, second) +
    sumError(second, -0.5 * square, third) +
    (exponent * at(logOfTwo, 1) + at(logTable, entry + 2) + rest);
  result[0] = third;
  result[1] = low;
}

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

/**
 * Phi(-t) = (result pair) * 2^(returned exponent) for t in [1/2, 39]: exp(-t^2/2), its argument exact as a pair, times the
 * Mills ratio over sqrt(2 pi) by a polynomial around the middle of t's eighth of an octave.
 */
function tailPair(t: number): number {
  const upper = upperBits(t);
  const cell = (upper >>> 17) - 8176; // 0x3fe00000 >>> 17: the cell that begins at 1/2
  const offset = t - withUpperBits(0, (upper & 0xfffe0000) | 0x10000);
  const first = cell * 20;
  let rest = at(tailTable, first + 19);
  for (let index = first + 18; first + 8 <= index; index--) rest = at(tailTable, index) + offset * rest;
  leave(offset * rest, 0);
  addPair(at(tailTable, first + 6), at(tailTable, first + 7));
  for (let index = first + 4; first <= index; index -= 2) {
    multiplyPair(offset, 0);
    addPair(at(tailTable, index), at(tailTable, index + 1));
  }
  const ratio = at(result, 0);
  const ratioLow = at(result, 1);
  const square = t * t;
  const exponent = expPair(-0.5 * square, -0.5 * productError(t, t, square));
  multiplyPair(ratio, ratioLow);
  return exponent;
}

/** The result pair, times another pair. */
function multiplyPair(high: number, low: number): void {
  const mine = at(result, 0);
  const product = mine * high;
  leave(product, productError(mine, high, product) + (mine * low + at(result, 1) * high));
}

/** The result pair, plus another pair. */
function addPair(high: number, low: number): void {
  const mine = at(result, 0);
  const sum = high + mine;
  leave(sum, sumError(high, mine, sum) + (low + at(result, 1)));
}

/** Normalises: the high part becomes the double nearest to the whole. */
function leave(high: number, low: number): void {
  const sum = high + low;
  result[0] = sum;
  result[1] = low - (sum - high);
}

function at(table: Float64Array, index: number): number {
  return table[index] as number;
}
