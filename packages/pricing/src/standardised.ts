/**
 * The standardised variables of the lognormal model,
 *
 *   distance = ln(asset / strike) + drift,  deviation = volatility sqrt(years),
 *   d1 = distance / deviation + deviation / 2,  d2 = distance / deviation - deviation / 2,
 *
 * each as a pair (high + low, about 66 bits), and the normal distribution and density at such pairs. A distribution value at
 * -30 changes by 900 times the relative change of its argument: with rounded arguments the wings would lose three digits and
 * the greeks as many; with pairs each result is rounded about once. It knows nothing of discounting and of option types.
 */
import { exp, logPair, normalDensity, normalDistribution } from "@stoa/base/exact";
import { productError } from "@stoa/base/exact/error-free";
import { addPairs, dividePairs, lowPart } from "./pair.ts";

export type Standardised = {
  distance: number;
  distanceLow: number;
  /** sqrt(years), rounded. */
  root: number;
  deviation: number;
  deviationLow: number;
  d1: number;
  d1Low: number;
  d2: number;
  d2Low: number;
};

// One object for all calls: it is read before the next call and never kept.
const standing: Standardised = {
  distance: NaN,
  distanceLow: NaN,
  root: NaN,
  deviation: NaN,
  deviationLow: NaN,
  d1: NaN,
  d1Low: NaN,
  d2: NaN,
  d2Low: NaN,
};
const pair = new Float64Array(2);

/**
 * The standardised variables of an asset and a strike (both positive), a drift (a pair; finite), `years` and `volatility`
 * (not negative). Without deviation d1 and d2 are their limits: infinite beside the strike, 0 on it. The object that is
 * returned is the same each time: read it before the next call.
 */
export function standardise(
  asset: number,
  strike: number,
  drift: number,
  driftLow: number,
  years: number,
  volatility: number,
): Readonly<Standardised> {
  measureDistance(asset, strike);
  if (drift !== 0) {
    standing.distance = addPairs(standing.distance, standing.distanceLow, drift, driftLow);
    standing.distanceLow = lowPart();
  }
  measureDeviation(years, volatility);
  const { distance, deviation } = standing;
  const half = 0.5 * deviation;
  const quotient = deviation === 0 ? limitAt(distance) : distance / deviation;
  const plain = !(quotient < steepest && -steepest < quotient && half < steepest);
  if (plain || quotient === 0) {
    standing.d1 = quotient + half;
    standing.d2 = quotient - half;
    standing.d1Low = 0;
    standing.d2Low = 0;
    return standing;
  }
  const high = dividePairs(distance, standing.distanceLow, deviation, standing.deviationLow);
  const low = lowPart();
  const halfLow = 0.5 * standing.deviationLow;
  standing.d1 = addPairs(high, low, half, halfLow);
  standing.d1Low = lowPart();
  standing.d2 = addPairs(high, low, -half, -halfLow);
  standing.d2Low = lowPart();
  return standing;
}

/** Beyond this a distribution value is 0 or 1 whatever the low parts say. */
const steepest = 1e9;
const largeProduct = 2.582249878086909e120; // 2^400
const smallProduct = 3.872591914849318e-121; // 2^-400

function limitAt(distance: number): number {
  return distance === 0 ? 0 : distance < 0 ? -Infinity : Infinity;
}

/** ln(asset / strike) from the quotient and the remainder of the division, so that it holds near 1 too. */
function measureDistance(asset: number, strike: number): void {
  const ratio = asset / strike;
  if (!(smallProduct < ratio && ratio < largeProduct)) return measureFarDistance(asset, strike);
  // Both by one power of two, where the remainder would over- or underflow; neither loses a bit.
  const scale = strike < smallProduct ? 4.149515568880993e180 : largeProduct < strike ? 2.409919865102884e-181 : 1;
  const divisor = strike * scale;
  const product = ratio * divisor;
  const remainder = (asset * scale - product - productError(ratio, divisor, product)) / product;
  logPair(ratio, pair);
  standing.distance = addPairs(pair[0] as number, pair[1] as number, remainder, 0);
  standing.distanceLow = lowPart();
}

/** The same where the quotient itself may over- or underflow: no digits cancel between such logarithms. */
function measureFarDistance(asset: number, strike: number): void {
  logPair(asset, pair);
  const high = pair[0] as number;
  const low = pair[1] as number;
  logPair(strike, pair);
  standing.distance = addPairs(high, low, -(pair[0] as number), -(pair[1] as number));
  standing.distanceLow = lowPart();
}

/** volatility * sqrt(years): the rest of a root is its remainder over twice the root. */
function measureDeviation(years: number, volatility: number): void {
  const root = Math.sqrt(years);
  const deviation = volatility * root;
  standing.root = root;
  standing.deviation = deviation;
  standing.deviationLow = 0;
  if (!(smallProduct < deviation && smallProduct < root && root < largeProduct && volatility < largeProduct)) return;
  const square = root * root;
  const rootLow = (years - square - productError(root, root, square)) / (2 * root);
  standing.deviationLow = productError(volatility, root, deviation) + volatility * rootLow;
}

/**
 * The normal distribution function at d + dLow, within about 0.6 units in the last place. On the left it is multiplied by
 * 1 + dLow n(d)/N(d); Sampford's bound (3t + sqrt(t^2 + 8))/4 with t = -d stands for the ratio n/N, to which it is close
 * enough: dLow is below 2^-53 of d. On the right dLow changes nothing.
 */
export function distributionAt(d: number, dLow: number): number {
  const value = normalDistribution(d);
  return d < 0 && dLow !== 0 ? value + value * dLow * (0.75 * -d + 0.25 * Math.sqrt(d * d + 8)) : value;
}

/**
 * leg * n(d + dLow) for a leg of any positive magnitude, within about 1.5 units in the last place. Where the density alone
 * would be subnormal it is the product of two exponentials of half the exponent, so that a large leg finds all its digits.
 */
export function densityAt(d: number, dLow: number, leg: number): number {
  if (-37 < d && d < 37) return leg * (normalDensity(d) * (1 - d * dLow));
  if (!(-54 < d && d < 54)) return 0;
  const square = d * d;
  const rest = productError(d, d, square) + 2 * d * dLow;
  const root = exp(-0.25 * square) * (1 - 0.25 * rest);
  return leg * root * (root * 0.3989422804014327);
}

/** e to the power high + low, for |low| below 2^-50 of high. */
export function expAt(high: number, low: number): number {
  return exp(high) * (1 + low);
}
