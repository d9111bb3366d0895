/**
 * The functions of `exact.ts` before their one rounding: as unevaluated pairs of doubles, for what must add, multiply or
 * cancel them first. Every function leaves its pair in `result` (a return value that allocates nothing), so a caller reads
 * both doubles before it calls the next. Bounds and arguments: `docs/decisions/0201-exact-functions.md`.
 */
import { productError, sumError, upperBits, withUpperBits } from "./error-free.ts";
import { densityAtZero, expStep, expTable, logOfTwo, logTable, tailTable } from "./tables.ts";

/** The pair that the functions below leave behind: a return value that allocates nothing. */
export const result = new Float64Array(2);

/**
 * exp(x + xLow) = (result pair) * 2^(returned exponent), the pair within [0.98, 2.03) and 2^-74 of the truth. With
 * k = round(32 x / ln 2) and r = x - k ln2/32, |r| < 0.0109: 2^(k/32) from the table, times 1 + r + r^2/2 as pairs and the
 * rest of the series, below 2^-22, as a double.
 */
export function expPair(x: number, xLow: number): number {
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
export function logOfParts(exponent: number, fraction: number): void {
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

/** ln(1 + z + zLow) for |z| < 2^-7 as the result pair, within 2^-67 of it: the series of `logOfParts` without its table. */
export function logOnePlusPair(z: number, zLow: number): void {
  const square = z * z;
  const series =
    0.3333333333333333 -
    z *
      (0.25 -
        z *
          (0.2 -
            z * (0.16666666666666666 - z * (0.14285714285714285 - z * (0.125 - z * (0.1111111111111111 - z * 0.1))))));
  const high = z - 0.5 * square;
  leave(
    high,
    sumError(z, -0.5 * square, high) + (zLow - z * zLow - 0.5 * productError(z, z, square) + z * square * series),
  );
}

/**
 * Phi(-t) = (result pair) * 2^(returned exponent) for t in [1/2, 39]: exp(-t^2/2), its argument exact as a pair, times the
 * Mills ratio over sqrt(2 pi) by a polynomial around the middle of t's eighth of an octave.
 */
export function tailPair(t: number): number {
  const upper = upperBits(t);
  const cell = (upper >>> 17) - 8176; // 0x3fe00000 >>> 17: the cell that begins at 1/2
  const offset = t - withUpperBits(0, (upper & 0xfffe0000) | 0x10000);
  cellPair(cell, offset);
  const ratio = at(result, 0);
  const ratioLow = at(result, 1);
  const square = t * t;
  const exponent = expPair(-0.5 * square, -0.5 * productError(t, t, square));
  multiplyPair(ratio, ratioLow);
  return exponent;
}

/**
 * Phi(-t) exp(t^2/2) for t + tLow with t in [0, 128), as the result pair, within 2^-64: the Mills ratio (1 - Phi(t)) / phi(t)
 * over sqrt(2 pi), which is also erfcx(t / sqrt 2) / 2. A polynomial around the middle of t's eighth of an octave, below
 * 1/2 of its eighth of a unit; `tLow`, of t's last place, enters by the derivative t m(t) - 1/sqrt(2 pi).
 */
export function millsPair(t: number, tLow: number): void {
  if (t < 0.5) {
    const cell = Math.floor(8 * t);
    const middle = 0.125 * cell + 0.0625;
    const offset = t - middle;
    // Nothing is lost like this in the cells of an octave, whose places match their middles'.
    millsOfCell(20 * (64 + cell), offset, t, tLow + sumError(t, -middle, offset));
  } else {
    const upper = upperBits(t);
    millsOfCell(20 * ((upper >>> 17) - 8176), t - withUpperBits(0, (upper & 0xfffe0000) | 0x10000), t, tLow);
  }
}

/**
 * The polynomial of the cell whose coefficients begin at `first`: the upper thirteen in doubles and by Estrin's scheme, whose
 * operations do not wait for one another, the lower three as pairs. |offset| is at most 1/16 of what the coefficients' quotients
 * need, so each sum has the larger term first and Dekker's short form of its error.
 */
function millsOfCell(first: number, offset: number, t: number, tLow: number): void {
  const square = offset * offset;
  const fourth = square * square;
  const a = at(tailTable, first + 6) + offset * at(tailTable, first + 8);
  const b = at(tailTable, first + 9) + offset * at(tailTable, first + 10);
  const c = at(tailTable, first + 11) + offset * at(tailTable, first + 12);
  const d = at(tailTable, first + 13) + offset * at(tailTable, first + 14);
  const e = at(tailTable, first + 15) + offset * at(tailTable, first + 16);
  const f = at(tailTable, first + 17) + offset * at(tailTable, first + 18);
  const upper =
    a + square * b + fourth * (c + square * d + fourth * (e + square * f + fourth * at(tailTable, first + 19)));

  const spread = 134217729 * offset;
  const offsetHigh = spread - (spread - offset);
  const offsetLow = offset - offsetHigh;
  const third = offset * upper;
  const secondSum = at(tailTable, first + 4) + third;
  const secondLow = at(tailTable, first + 4) - secondSum + third + at(tailTable, first + 5);
  const second = secondSum * offset;
  const secondSpread = 134217729 * secondSum;
  const secondHigh = secondSpread - (secondSpread - secondSum);
  const secondRest = secondSum - secondHigh;
  const secondError =
    secondRest * offsetLow -
    (second - secondHigh * offsetHigh - secondRest * offsetHigh - secondHigh * offsetLow) +
    secondLow * offset;
  const firstSum = at(tailTable, first + 2) + second;
  const firstLow = at(tailTable, first + 2) - firstSum + second + (at(tailTable, first + 3) + secondError);
  const product = firstSum * offset;
  const firstSpread = 134217729 * firstSum;
  const firstHigh = firstSpread - (firstSpread - firstSum);
  const firstRest = firstSum - firstHigh;
  const productLow =
    firstRest * offsetLow -
    (product - firstHigh * offsetHigh - firstRest * offsetHigh - firstHigh * offsetLow) +
    firstLow * offset;
  const sum = at(tailTable, first) + product;
  const low = at(tailTable, first) - sum + product + (at(tailTable, first + 1) + productLow);
  leave(sum, low + tLow * (t * sum - at(densityAtZero, 0)));
}

/**
 * The polynomial of one cell of the table as the result pair, `offset` from the cell's middle. It is multiplyPair and addPair
 * four times over, in local numbers.
 */
function cellPair(cell: number, offset: number): void {
  const first = cell * 20;
  let rest = at(tailTable, first + 19);
  for (let index = first + 18; first + 8 <= index; index--) rest = at(tailTable, index) + offset * rest;
  const spread = 134217729 * offset;
  const offsetHigh = spread - (spread - offset);
  const offsetLow = offset - offsetHigh;

  let product = offset * rest;
  let productLow = 0;
  let high = 0;
  let low = 0;
  for (let index = first + 6; first <= index; index -= 2) {
    const coefficient = at(tailTable, index);
    const sum = coefficient + product;
    const other = sum - coefficient;
    const sumLow = coefficient - (sum - other) + (product - other) + (at(tailTable, index + 1) + productLow);
    high = sum + sumLow;
    low = sumLow - (high - sum);
    if (index === first) break;
    const coarse = high * offset;
    const highSpread = 134217729 * high;
    const highHigh = highSpread - (highSpread - high);
    const highLow = high - highHigh;
    const fine =
      highLow * offsetLow -
      (coarse - highHigh * offsetHigh - highLow * offsetHigh - highHigh * offsetLow) +
      low * offset;
    product = coarse + fine;
    productLow = fine - (product - coarse);
  }
  result[0] = high;
  result[1] = low;
}

/** The result pair, times another pair. */
export function multiplyPair(high: number, low: number): void {
  const mine = at(result, 0);
  const product = mine * high;
  leave(product, productError(mine, high, product) + (mine * low + at(result, 1) * high));
}

/** The result pair, plus another pair. */
export function addPair(high: number, low: number): void {
  const mine = at(result, 0);
  const sum = high + mine;
  leave(sum, sumError(high, mine, sum) + (low + at(result, 1)));
}

/** Normalises: the high part becomes the double nearest to the whole. */
export function leave(high: number, low: number): void {
  const sum = high + low;
  result[0] = sum;
  result[1] = low - (sum - high);
}

export function at(table: Float64Array, index: number): number {
  return table[index] as number;
}
