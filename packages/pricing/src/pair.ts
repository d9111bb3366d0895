/**
 * Sums, products and quotients of pairs: unevaluated sums high + low of two doubles that hold about 104 bits. Each function
 * returns the high part and leaves the low part to be fetched by `lowPart()` before the next call: a second return value that
 * allocates nothing. Magnitudes stay within 2^±400 (or are zero), as in `@stoa/base/exact/error-free`.
 */
import { productError, sumError } from "@stoa/base/exact/error-free";

const rest = new Float64Array(1);

/** The low part of the pair that the latest function of this file returned the high part of. */
export function lowPart(): number {
  return rest[0] as number;
}

/** (a + aLow) + (b + bLow). */
export function addPairs(a: number, aLow: number, b: number, bLow: number): number {
  const sum = a + b;
  return normalised(sum, sumError(a, b, sum) + (aLow + bLow));
}

/** (a + aLow) * (b + bLow). */
export function multiplyPairs(a: number, aLow: number, b: number, bLow: number): number {
  const product = a * b;
  return normalised(product, productError(a, b, product) + (a * bLow + aLow * b));
}

/** (a + aLow) / (b + bLow). */
export function dividePairs(a: number, aLow: number, b: number, bLow: number): number {
  const quotient = a / b;
  const product = quotient * b;
  // The remainder is exact: a and the product agree to a unit in the last place.
  const remainder = a - product - productError(quotient, b, product);
  return normalised(quotient, (remainder + aLow - quotient * bLow) / b);
}

function normalised(high: number, low: number): number {
  const sum = high + low;
  rest[0] = low - (sum - high);
  return sum;
}
