/**
 * exp, log, the normal density, distribution and quantile for kernels and Monte Carlo: the same to the bit on every engine,
 * and as fast as doubles without a fused multiply-add allow. `@stoa/base/exact` rounds a pair of doubles once and is within
 * 0.5001 units in the last place; these round a few times, stay within the bounds below and cost a third to a half of it.
 *
 * Every function is one straight line of `+ - * / sqrt`, tables and moves of bits: a branch here only skips work or answers
 * at the ends of the domain, and is a select in the WebAssembly form (`packages/pricing/assembly`), which reads the same
 * tables and gives the same bits. So the order of operations in this file is part of the algorithm, there as here.
 *
 * Largest errors against mpmath, in units in the last place (`tools/reference/kernel_functions.py` prints them):
 *
 *   exp 0.53, log 0.80, normalDensity 1.9, normalDistribution 2.1, inverseNormal 2.1
 *
 * and 0.2 to 0.5 on average. A subnormal result is rounded once more. Tables: P. T. P. Tang, ACM TOMS 15 (1989) and 16 (1990), for exp and log; for the
 * Mills ratio and the quantile polynomials of our own by cells.
 */
import { expStep, expTable } from "@stoa/base/exact/tables";
import { logOfTwo, logTable, quantileTable, tailTable } from "./tables.ts";

/** e to the power `x`: within 0.53 units in the last place. 0 below -745.14, Infinity above 709.79, NaN of NaN. */
export function exp(x: number): number {
  return scaledExp(x, 0, 1);
}

/** The natural logarithm: within 0.80 units. log(±0) = -Infinity, log(Infinity) = Infinity, NaN below zero and of NaN. */
export function log(x: number): number {
  if (!(0 < x && x < Infinity)) return x === 0 ? -Infinity : 0 < x ? x : NaN;
  const isSubnormal = x < smallestNormal;
  const normal = isSubnormal ? x * 18014398509481984 : x; // 2^54
  const shifted = upperBits(normal) - logBegin;
  const exponent = shifted >> 20;
  const row = ((shifted >> 13) & 127) * 4;
  const fraction = normal * at(powersOfTwo, 1074 - exponent);
  const r = at(logTable, row);
  const spread = fraction * 134217729; // Veltkamp's splitting: each half times r is exact
  const high = spread - (spread - fraction);
  const z = high * r - 1 + (fraction - high) * r;
  return logOfParts(isSubnormal ? exponent - 54 : exponent, row, z);
}

/**
 * ln(high / low) without the rounding of the quotient: within 1.1 units, also where the two are neighbours. For normal
 * positive `low <= high` whose quotient is finite.
 */
export function logRatio(high: number, low: number): number {
  return logOfQuotient(high / low, high, low);
}

/** The same for whom the quotient serves too: it names a cell of the table, so its rounding does not count. In either order. */
export function logOfQuotient(quotient: number, high: number, low: number): number {
  const shifted = upperBits(quotient) - logBegin;
  const exponent = shifted >> 20;
  const row = ((shifted >> 13) & 127) * 4;
  const scaled = low * at(powersOfTwo, 1074 + exponent);
  const r = at(logTable, row);
  const spread = high * 134217729;
  const upper = spread - (spread - high);
  // upper * r is exact and near `scaled`, so their difference is exact too.
  const z = (upper * r - scaled + (high - upper) * r) / scaled;
  return logOfParts(exponent, row, z);
}

/** The standard normal density exp(-x^2/2) / sqrt(2 pi): within 1.9 units; 0 at ±Infinity, NaN of NaN. */
export function normalDensity(x: number): number {
  const t = x < 0 ? -x : x;
  return scaledExpOfSquare(40 < t ? 40 : t, densityAtZero);
}

/**
 * The standard normal distribution function: within 2.1 units of its value, in the left tail too (down to subnormals, near
 * x = -38.47). The complement is `normalDistribution(-x)`. 0 at -Infinity, 1 at Infinity, NaN of NaN.
 */
export function normalDistribution(x: number): number {
  if (x !== x) return x;
  const distance = x < 0 ? -x : x;
  const t = 40 < distance ? 40 : distance;
  const tail = scaledExpOfSquare(t, tailRatio(t));
  return x < 0 ? tail : 1 - tail;
}

/**
 * The x with normalDistribution(x) = p: within 2.1 units. -Infinity at 0, Infinity at 1, NaN outside and of NaN. Symmetric:
 * `inverseNormal(1 - p)` is `-inverseNormal(p)` wherever 1 - p is exact.
 */
export function inverseNormal(p: number): number {
  const q = p - 0.5;
  const y = p * (1 - p);
  if (centralMin <= y) {
    const cell = (upperBits(y) - centralUpper) >> 16;
    const center = at(cellCenters, cell & 15) * at(powersOfTwo, 1066 + (cell >> 4));
    return q * quantilePolynomial(cell * 10, y - center);
  }
  if (!(0 < p && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : NaN;
  const w = Math.sqrt(-2 * log(q < 0 ? p : 1 - p));
  const cell = (upperBits(w) - 0x40000000) >> 16;
  const value = quantilePolynomial((cell + centralRows) * 10, w - at(cellCenters, cell + 16));
  return q < 0 ? -value : value;
}

/**
 * Phi(-t) / exp(-t^2/2), the Mills ratio over sqrt(2 pi), for t in [-1/2, 62]: within 0.8 units. Kernels take distribution values
 * from it, and differences of two of them from {@link ratioCell}.
 */
export function tailRatio(t: number): number {
  const cell = (upperBits(t + 1) - 0x3fe00000) >> 14;
  const row = cell * 8;
  const x = t - at(tailCenters, cell);
  const square = x * x;
  const slope =
    at(tailTable, row + 2) +
    x * at(tailTable, row + 3) +
    square *
      (at(tailTable, row + 4) +
        x * at(tailTable, row + 5) +
        square * (at(tailTable, row + 6) + x * at(tailTable, row + 7)));
  return at(tailTable, row) + (at(tailTable, row + 1) + x * slope);
}

/** The cell of `ratioTable` in which t lies: four times as wide as those of `tailTable`, and its polynomial reaches beyond it. */
export function ratioCell(t: number): number {
  return (upperBits(t + 1) - 0x3ff00000) >> 16;
}

/** The t around which a cell's polynomial is. */
export function ratioCenter(cell: number): number {
  return at(cellCenters, cell) - 1;
}

/** How wide a cell is: its polynomial holds for so much on both sides of its center. */
export function ratioWidth(cell: number): number {
  return 0.0625 * at(powersOfTwo, 1074 + (cell >> 4));
}

/** factor * exp(x + xLow), scaled last: a result that is subnormal is rounded once more and no oftener. */
export function scaledExp(x: number, xLow: number, factor: number): number {
  const clamped = x < -1400 ? -1400 : 710 < x ? 710 : x; // a factor may be as large as 1e200
  // The sum's last bits hold the nearest integer to 32 x / ln 2.
  const rounded = clamped * 46.16624130844683 + integerShift - integerShift;
  const r = clamped - rounded * at(expStep, 0) - rounded * at(expStep, 1) + xLow;
  const k = rounded | 0;
  const exponent = k >> 5;
  const half = exponent >> 1;
  return expOfParts(k, r) * factor * at(powersOfTwo, 1074 + half) * at(powersOfTwo, 1074 + exponent - half);
}

/** factor * exp(x) for x from -600 to 0 and a factor within 1e-10 and 1e10: nothing is subnormal, so one scaling is enough. */
export function boundedExp(x: number, factor: number): number {
  const rounded = x * 46.16624130844683 + integerShift - integerShift;
  const r = x - rounded * at(expStep, 0) - rounded * at(expStep, 1);
  const k = rounded | 0;
  return expOfParts(k, r) * factor * at(powersOfTwo, 1074 + (k >> 5));
}

/** 2^((k mod 32) / 32) exp(r). */
function expOfParts(k: number, r: number): number {
  const square = r * r;
  const growth =
    r +
    square *
      (0.5 +
        r * 0.16666666666666666 +
        square * (0.041666666666666664 + r * 0.008333333333333333 + square * 0.001388888888888889));
  const row = (k & 31) * 2;
  const high = at(expTable, row);
  return high + (at(expTable, row + 1) + high * growth);
}

/** factor * exp(-t^2/2) for t in [0, 40]: the square is cut in two so that no bit of it is lost. */
function scaledExpOfSquare(t: number, factor: number): number {
  const upper = t + squareShift - squareShift;
  return scaledExp(-0.5 * (upper * upper), -0.5 * ((t - upper) * (t + upper)), factor);
}

/** ln(2^exponent / r * (1 + z)) with r of the table's row and |z| <= 2^-7. */
function logOfParts(exponent: number, row: number, z: number): number {
  const square = z * z;
  const series =
    square *
    (-0.5 +
      z * 0.3333333333333333 +
      square * (-0.25 + z * 0.2 + square * (-0.16666666666666666 + z * 0.14285714285714285 + square * -0.125)));
  const base = exponent * at(logOfTwo, 0) + at(logTable, row + 1); // exact
  return base + (z + (exponent * at(logOfTwo, 1) + at(logTable, row + 2) + series));
}

function quantilePolynomial(row: number, x: number): number {
  const square = x * x;
  const rest =
    at(quantileTable, row + 3) +
    x * at(quantileTable, row + 4) +
    square *
      (at(quantileTable, row + 5) +
        x * at(quantileTable, row + 6) +
        square * (at(quantileTable, row + 7) + x * at(quantileTable, row + 8) + square * at(quantileTable, row + 9)));
  return at(quantileTable, row) + (at(quantileTable, row + 1) + x * (at(quantileTable, row + 2) + x * rest));
}

/** Where p (1 - p) is at least this, the quantile is taken from polynomials in it; and the upper bits of that border. */
const centralMin = 0.00390625;
const centralUpper = 0x3f700000;
const centralRows = 97;
const smallestNormal = 2.2250738585072014e-308;
const densityAtZero = 0.3989422804014327;
/** The upper bits of 0.6875, where the fractions of the logarithm begin. */
const logBegin = 0x3fe60000;
/** 1.5 * 2^52: adding and subtracting it rounds to an integer. */
const integerShift = 6755399441055744;
/** 1.5 * 2^32: the same, to a multiple of 2^-20, whose square is exact below 40. */
const squareShift = 6442450944;

/** 2^k at index k + 1074, for every power of two that a double can be. */
const powersOfTwo = new Float64Array(2098);
for (let index = 0, power = 5e-324; index < powersOfTwo.length; index++, power *= 2) powersOfTwo[index] = power;

/** The middles of the sixteenths of the octaves from 1 to 64. */
const cellCenters = new Float64Array(96);
for (let index = 0; index < cellCenters.length; index++)
  cellCenters[index] = (1 + ((index & 15) + 0.5) / 16) * at(powersOfTwo, 1074 + (index >> 4));

/** The middles of the sixty-fourths of the octaves of t + 1, less one. */
const tailCenters = new Float64Array(448);
for (let index = 0; index < tailCenters.length; index++)
  tailCenters[index] = (1 + ((index & 63) + 0.5) / 64) * at(powersOfTwo, 1073 + (index >> 6)) - 1;

const scratch = new Float64Array(16);
const scratchWords = new Int32Array(scratch.buffer);
const upperWord = new Uint8Array(new Uint16Array([1]).buffer)[0] as number; // 1 where the lower word comes first

/** 1 where x is negative or -0, else 0: a condition that takes no branch. */
export function signBit(x: number): number {
  return upperBits(x) >>> 31;
}

function upperBits(x: number): number {
  scratch[0] = x;
  return scratchWords[upperWord] as number;
}

function at(table: Float64Array, index: number): number {
  return table[index] as number;
}
