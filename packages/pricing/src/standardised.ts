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
import { logPair, normalDensity, normalDistribution } from "@stoa/base/exact";
import { powerOfTwo, productError, sumError } from "@stoa/base/exact/error-free";
import { at, expPair, millsPair, result } from "@stoa/base/exact/pairs";
import { densityAtZero } from "@stoa/base/exact/tables";
import { longLogarithm } from "./long-logarithm.ts";
import { logMoneyness } from "./normalised-black.ts";
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
 * The standardised variables of an asset and a strike (both positive), a drift (a pair; finite), `years` (a pair too) and
 * `volatility` (not negative). Without deviation d1 and d2 are their limits: infinite beside the strike, 0 on it. The object that is
 * returned is the same each time: read it before the next call.
 */
export function standardise(
  asset: number,
  strike: number,
  drift: number,
  driftLow: number,
  years: number,
  volatility: number,
  yearsLow = 0,
): Readonly<Standardised> {
  measureDistance(asset, strike, drift, driftLow);
  measureDeviation(years, volatility, yearsLow);
  const { distance, deviation } = standing;
  const half = 0.5 * deviation;
  const quotient = deviation === 0 ? limitAt(distance) : distance / deviation;
  const paired = quotient < steepest && -steepest < quotient && half < steepest;
  if (!paired) {
    standing.d1 = quotient + half;
    standing.d2 = quotient - half;
    standing.d1Low = 0;
    standing.d2Low = 0;
    return standing;
  }
  const high = quotient === 0 ? 0 : dividePairs(distance, standing.distanceLow, deviation, standing.deviationLow);
  const low = quotient === 0 ? 0 : lowPart();
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
/** Products between these still have an exact rest. */
const smallestExact = 1e-270;
const largestExact = 1e298;

function limitAt(distance: number): number {
  return distance === 0 ? 0 : distance < 0 ? -Infinity : Infinity;
}

/**
 * ln(asset / strike) + drift, from the quotient and the remainder of the division, so that it holds near 1 too. A drift may
 * cancel it, so with one the logarithm is a long one.
 */
function measureDistance(asset: number, strike: number, drift: number, driftLow: number): void {
  if (drift === 0) return measurePlainDistance(asset, strike);
  const ratio = asset / strike;
  if (!(smallProduct < ratio && ratio < largeProduct)) return measureFarDistance(asset, strike, drift, driftLow);
  // Both by one power of two, where the remainder would over- or underflow; neither loses a bit.
  const scale = strike < smallProduct ? 4.149515568880993e180 : largeProduct < strike ? 2.409919865102884e-181 : 1;
  const divisor = strike * scale;
  const product = ratio * divisor;
  const remainder = (asset * scale - product - productError(ratio, divisor, product)) / product;
  const logarithm = longLogarithm(ratio, remainder);
  standing.distance = addPairs(logarithm, lowPart(), drift, driftLow);
  standing.distanceLow = lowPart();
}

/** ln(asset / strike), whose relative error holds for neighbouring prices too. */
function measurePlainDistance(asset: number, strike: number): void {
  const sign = asset < strike ? -1 : 1;
  if (asset < strike) logMoneyness(asset, strike, pair);
  else logMoneyness(strike, asset, pair);
  standing.distance = sign * (pair[0] as number) + 0; // the zero keeps -0 away
  standing.distanceLow = sign * (pair[1] as number);
}

/** The same where the quotient itself may over- or underflow: no digits cancel between such logarithms. */
function measureFarDistance(asset: number, strike: number, drift: number, driftLow: number): void {
  logPair(asset, pair);
  const high = pair[0] as number;
  const low = pair[1] as number;
  logPair(strike, pair);
  const distance = addPairs(high, low, -(pair[0] as number), -(pair[1] as number));
  standing.distance = addPairs(distance, lowPart(), drift, driftLow);
  standing.distanceLow = lowPart();
}

/** volatility * sqrt(years): the rest of a root is its remainder over twice the root. */
function measureDeviation(years: number, volatility: number, yearsLow: number): void {
  const root = Math.sqrt(years);
  const deviation = volatility * root;
  standing.root = root;
  standing.deviation = deviation;
  standing.deviationLow = 0;
  if (!(smallestExact < deviation && smallProduct < root && root < largeProduct && volatility < largeProduct)) return;
  const square = root * root;
  const rootLow = (years - square - productError(root, root, square) + yearsLow) / (2 * root);
  standing.deviationLow = productError(volatility, root, deviation) + volatility * rootLow;
}

/**
 * The standardised variables of the normal model: distance = asset - strike (of any sign), deviation = volatility sqrt(years)
 * and d1 = d2 = distance / deviation; the same conventions as `standardise`.
 */
export function standardiseNormal(
  asset: number,
  strike: number,
  years: number,
  volatility: number,
): Readonly<Standardised> {
  const distance = asset - strike;
  standing.distance = distance;
  standing.distanceLow = sumError(asset, -strike, distance);
  measureDeviation(years, volatility, 0);
  const { deviation } = standing;
  const quotient = deviation === 0 ? limitAt(distance) : distance / deviation;
  const paired =
    -steepest < quotient &&
    quotient < steepest &&
    quotient !== 0 &&
    smallProduct < deviation &&
    deviation < largestExact;
  standing.d1 = paired ? dividePairs(distance, standing.distanceLow, deviation, standing.deviationLow) : quotient;
  standing.d1Low = paired ? lowPart() : 0;
  standing.d2 = standing.d1;
  standing.d2Low = standing.d1Low;
  return standing;
}

/** value * coarse * fine: a number whose binary exponent, two powers of two, is kept aside. */
export type Scaled = { value: number; coarse: number; fine: number };

const scaled: Scaled = { value: NaN, coarse: NaN, fine: NaN };

/** Scratch for `distributionAt`: whoever calls it owns one, and reads it before the next call. */
export const scratch = (): Scaled => ({ value: NaN, coarse: NaN, fine: NaN });

/**
 * N(d + dLow), written to `out` and returned; within about 1.2 units in the last place. On the left dLow enters by the factor
 * 1 + dLow n(d)/N(d), where Sampford's bound (3t + sqrt(t^2 + 8))/4 with t = -d stands for n/N: dLow is below 2^-53 of d, so
 * it is close enough. On the right dLow changes nothing. Far out the exponent is kept aside: times a large price the
 * distribution may count where by itself it is no normal double.
 */
export function distributionAt(d: number, dLow: number, out: Scaled): Readonly<Scaled> {
  out.coarse = 1;
  out.fine = 1;
  if (-26 < d) {
    const value = normalDistribution(d);
    out.value = d < 0 ? value + value * (dLow * (0.75 * -d + 0.25 * Math.sqrt(d * d + 8))) : value;
  } else if (d < -farthest) {
    out.value = 0;
  } else {
    millsPair(-d, -dLow);
    const ratio = at(result, 0);
    const power = gaussian(d, dLow);
    out.value = ratio * at(result, 0);
    out.coarse = powerOfTwo(power >> 1);
    out.fine = powerOfTwo(power - (power >> 1));
  }
  return out;
}

/**
 * leg * n(d + dLow) for a leg of any positive magnitude, within about 1.5 units in the last place. Far out the exponent is
 * kept aside: a gamma may be large where the density alone is no normal double. The object that is returned is the same each
 * time: read it before the next call.
 */
export function densityAt(d: number, dLow: number, leg: number): Readonly<Scaled> {
  scaled.coarse = 1;
  scaled.fine = 1;
  if (-26 < d && d < 26 && 1e-100 < leg) {
    scaled.value = leg * (normalDensity(d) * (1 - d * dLow));
  } else if (-farthest < d && d < farthest) {
    const power = gaussian(d, dLow);
    scaled.value = leg * (at(result, 0) * at(densityAtZero, 0));
    scaled.coarse = powerOfTwo(power >> 1);
    scaled.fine = powerOfTwo(power - (power >> 1));
  } else {
    scaled.value = 0;
  }
  return scaled;
}

/** Beyond this the density is below 1e-610: nothing brings that back into the range of doubles. */
const farthest = 53;

/** exp(-(d + dLow)^2 / 2) = (result pair) * 2^(returned exponent). */
function gaussian(d: number, dLow: number): number {
  const square = d * d;
  return expPair(-0.5 * square, -0.5 * productError(d, d, square) - d * dLow);
}

/**
 * leg * (n(t) - t N(-t)) for t + tLow >= 0: what a standard normal variable exceeds t by, on average. It is the density times
 * 1 - t m(t) with the Mills ratio m, a pair that cancels t^2 of its spare bits, so about one rounding is left at t = 40.
 */
export function excessAt(t: number, tLow: number, leg: number): number {
  if (!(t < farthest)) return 0;
  millsPair(t, tLow);
  const ratio = at(result, 0);
  const product = t * ratio;
  const productLow = productError(t, ratio, product) + (t * at(result, 1) + tLow * ratio);
  const first = at(densityAtZero, 0) - product;
  const excess = first + (sumError(at(densityAtZero, 0), -product, first) + (at(densityAtZero, 1) - productLow));
  const power = gaussian(t, tLow);
  return leg * (excess * at(result, 0)) * powerOfTwo(power >> 1) * powerOfTwo(power - (power >> 1));
}

/** exp(x + xLow) - 1 for |x| <= 1/2, within a unit in the last place. */
export function growthAt(x: number, xLow: number): number {
  if (-tinyGrowth < x && x < tinyGrowth) return x + (xLow + x * x * (0.5 + x * (1 / 6 + x / 24)));
  const scale = powerOfTwo(expPair(x, xLow));
  const high = at(result, 0) * scale;
  // Exact but for a bit: the power is within a factor of two of 1.
  const less = high - 1;
  return less + (sumError(high, -1, less) + at(result, 1) * scale);
}

const tinyGrowth = 0.0000152587890625; // 2^-16
