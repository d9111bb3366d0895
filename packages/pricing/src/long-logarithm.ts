/**
 * ln(asset / strike) to some 90 bits, for sums in which it cancels: against a drift of (r - q) T an ordinary pair (66 bits)
 * would lose its spare digits. It reduces as `log` of `@stoa/base/exact` does, by its tables, and sums the series of
 * ln(1 + z) in pairs up to the fourth term.
 */
import { productError, upperBits, withUpperBits } from "@stoa/base/exact/error-free";
import { logOfTwo, logTable } from "@stoa/base/exact/tables";
import { addPairs, lowPart, multiplyPairs } from "./pair.ts";

/**
 * ln(ratio) + ln(1 + rest) for a normal `ratio` within 2^±400 and a rest of at most 2^-52: returns the high part, the low
 * part by `lowPart()`. Error: below 2^-88 of the larger of the result and 2^-7.
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
  const powers = exponent * (logOfTwo[0] as number);
  const powersLow = exponent * (logOfTwo[1] as number);
  const coarse = addPairs(powers, powersLow, logTable[entry + 1] as number, logTable[entry + 2] as number);
  return addPairs(coarse, lowPart(), series, seriesLow);
}

/** ln(1 + z) = z (1 + z (-1/2 + z (1/3 + z (-1/4 + ...)))), the terms named as pairs and the rest, below 2^-30, as a double. */
function logarithmSeries(z: number, zLow: number): number {
  const rest = 1 / 5 - z * (1 / 6 - z * (1 / 7 - z * (1 / 8 - z * (1 / 9 - z * (1 / 10 - z * (1 / 11 - z / 12))))));
  let high = addPairs(-0.25, 0, z * rest, 0);
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(1 / 3, thirdLow, high, lowPart());
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(-0.5, 0, high, lowPart());
  high = multiplyPairs(z, zLow, high, lowPart());
  high = addPairs(1, 0, high, lowPart());
  return multiplyPairs(z, zLow, high, lowPart());
}

/** What the double 1/3 leaves out of it. */
const thirdLow = 1.850371707708594e-17;
