/**
 * ln(asset / strike) to all the bits of a pair, for sums in which it cancels: against a drift of (r - q) T a logarithm of 66
 * bits would lose its spare digits. It reduces as `log` of `@stoa/base/exact` does, by its tables, and sums the series of
 * ln(1 + z) in pairs up to the sixth term.
 */
import { productError, upperBits, withUpperBits } from "@stoa/base/exact/error-free";
import { logTable } from "@stoa/base/exact/tables";
import { addPairs, lowPart, multiplyPairs } from "./pair.ts";

/**
 * ln(ratio) + ln(1 + rest) for a normal `ratio` within 2^±400 and a rest of at most 2^-52: returns the high part, the low
 * part by `lowPart()`. Error: below 2^-99 of the larger of the result and 2^-7.
 */
export function longLogarithm(ratio: number, rest: number): number {
  const upper = upperBits(ratio);
  const exponent = ((upper + (0x3ff00000 - 0x3fe6a09e)) >>> 20) - 1023;
  const fraction = withUpperBits(ratio, upper - exponent * 0x100000);
  const entry = (Math.floor(fraction * 128) - 90) * 3;
  const reciprocal = logTable[entry] as number;
  const product = fraction * reciprocal;
  // z = fraction * reciprocal * (1 + rest) - 1; the subtraction is exact, and |z| < 2^-7.
  const z = addPairs(product - 1, 0, productError(fraction, reciprocal, product), rest * product);
  const zLow = lowPart();
  const series = logarithmSeries(z, zLow);
  const seriesLow = lowPart();
  const powers = multiplyPairs(exponent, 0, logOfTwo, logOfTwoLow);
  const powersLow = lowPart();
  const coarse = addPairs(powers, powersLow, logTable[entry + 1] as number, logTable[entry + 2] as number);
  return addPairs(coarse, lowPart(), series, seriesLow);
}

/**
 * ln(1 + z) = z (1 + z (-1/2 + z (1/3 + z (-1/4 + ...)))): the terms up to the sixth as pairs and the rest, below 2^-44, as a
 * double.
 */
function logarithmSeries(z: number, zLow: number): number {
  const rest =
    1 / 7 -
    z * (1 / 8 - z * (1 / 9 - z * (1 / 10 - z * (1 / 11 - z * (1 / 12 - z * (1 / 13 - z * (1 / 14 - z / 15)))))));
  let high = addPairs(-1 / 6, -0.5 * thirdLow, z * rest, 0);
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(0.2, fifthLow, high, lowPart());
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(-0.25, 0, high, lowPart());
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(1 / 3, thirdLow, high, lowPart());
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(-0.5, 0, high, lowPart());
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(1, 0, high, lowPart());
  return multiplyPairs(z, zLow, high, lowPart());
}

/** ln(2) as a pair, in which the pair of the tables, whose first part is short, has 102 bits. */
const logOfTwo = 0.6931471805599453;
const logOfTwoLow = 2.3190468138462996e-17;
/** What the doubles 1/3 and 1/5 leave out. */
const thirdLow = 1.850371707708594e-17;
const fifthLow = -1.1102230246251566e-17;
