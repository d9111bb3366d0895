/**
 * The value of an out-of-the-money option under Black's model to full double accuracy over the whole domain: near the money
 * with tiny deviations, in wings down to the subnormals, under huge deviations. It works on pairs of doubles (`high + low`,
 * some 105 bits) from `@stoa/base/exact/pairs` and rounds once. It knows nothing of calls, puts, discounts or time.
 *
 * With L <= H the lower and the higher of forward and strike, x = ln(H/L) the distance, s = volatility sqrt(years) the
 * deviation, h = x/s, t = s/2, a = h - t, b = h + t, and m(u) = Phi(-u) exp(u^2/2) the Mills ratio over sqrt(2 pi), the value
 * L Phi(-a) - H Phi(-b) is L exp(-a^2/2) (m(a) - m(b)), because L phi(a) = H phi(b) (P. Jaeckel, "Let's be rational",
 * Wilmott, January 2015, uses the same form with erfcx). Three formulas share the domain, so that none cancels more than nine
 * of the spare bits:
 * - s small: m(a) - m(b) by Taylor's series in s around h, whose terms are all positive;
 * - a >= 0: the difference itself, as pairs;
 * - a < 0: L (1 - exp(-a^2/2) (m(-a) + m(b))).
 */
import { powerOfTwo, productError, scalePair, sumError, upperBits } from "@stoa/base/exact/error-free";
import {
  at,
  expPair,
  leave,
  logOfParts,
  logOnePlusPair,
  millsPair,
  multiplyPair,
  result,
} from "@stoa/base/exact/pairs";
import { densityAtZero } from "@stoa/base/exact/tables";

/**
 * The value L Phi(-a) - H Phi(-b), undiscounted, for positive `low` and `high` = L and H (in either role: the call over the
 * forward, the put under it) and a `deviation` >= 0, Infinity allowed, in the unit of the two. Its rest `deviationRest`, when
 * the deviation is known to more than a double, counts too. Error: below 0.85 units in the last place, subnormals included;
 * at least 0, at most `low`.
 */
export function outOfTheMoneyValue(low: number, high: number, deviation: number, deviationRest = 0): number {
  logMoneyness(low, high, distancePair);
  return timeValueOfPair(low, at(distancePair, 0), at(distancePair, 1), deviation, deviationRest);
}

/**
 * The same value for a distance ln(H/L) >= 0 and a deviation that are given as pairs: `low` times a function of the two,
 * rounded once.
 */
export function timeValueOfPair(
  low: number,
  distance: number,
  distanceLow: number,
  deviation: number,
  deviationLow: number,
): number {
  if (!(0 < deviation)) return 0;
  if (deviation < tinyDeviation) return distance === 0 ? proportional(low, deviation, deviationLow) : 0;
  const quantile = distance / deviation - 0.5 * deviation;
  if (worthlessQuantile < quantile) return 0;
  if (quantile < -fullQuantile) return low;
  const exponent = valueRatio(distance, distanceLow, deviation, deviationLow);
  return timesPower(low, at(result, 0), at(result, 1), exponent);
}

/**
 * value / L = (the `result` of `@stoa/base/exact/pairs`) * 2^(returned exponent), for a deviation of at least `tinyDeviation`
 * at which |a| is below 60. Leaves in `factors` the bracket of the formula used and the exp(-a^2/2) before it.
 */
export function valueRatio(x: number, xLow: number, s: number, sLow: number): number {
  fillQuantiles(x, xLow, s, sLow);
  const h = at(quantiles, 0);
  if (s < smallDeviation * (2 + h)) {
    differenceBySeries(h, at(quantiles, 1), s, sLow);
    return timesDensity(at(result, 0), at(result, 1));
  }
  if (at(quantiles, 2) < 0) {
    const exponent = missingPair();
    const scale = powerOfTwo(exponent);
    const missing = at(result, 0) * scale;
    const value = 1 - missing;
    leave(value, sumError(1, -missing, value) - at(result, 1) * scale);
    return 0;
  }
  millsPair(at(quantiles, 2), at(quantiles, 3));
  const first = at(result, 0);
  const firstLow = at(result, 1);
  millsPair(at(quantiles, 4), at(quantiles, 5));
  const difference = first - at(result, 0);
  return timesDensity(difference, sumError(first, -at(result, 0), difference) + (firstLow - at(result, 1)));
}

/** 1 - value / L in the same form, for a < 0: what `low` still has above the value. */
export function missingRatio(x: number, xLow: number, s: number, sLow: number): number {
  fillQuantiles(x, xLow, s, sLow);
  return missingPair();
}

/** What the latest ratio was made of: its bracket, a sum or difference of Mills ratios, and exp(-a^2/2). */
export const factors = new Float64Array(2);

/**
 * ln(high / low) for 0 < low <= high < Infinity as a pair, into `pair`, within 2^-66 of it however near the two are: the
 * quotient is kept with its rest, and beside 1 the logarithm is that of 1 plus the exact difference over `low`.
 */
export function logMoneyness(low: number, high: number, pair: Float64Array): void {
  if (low === high) {
    pair[0] = pair[1] = 0;
    return;
  }
  const lowExponent = exponentOf(low);
  let exponent = exponentOf(high) - lowExponent;
  const lowFraction = scaled(low, -lowExponent);
  let highFraction = scaled(high, -lowExponent - exponent);
  const beside = exponent === 1 ? 2 * highFraction : highFraction;
  if (exponent <= 1 && beside < besideOne * lowFraction) {
    const difference = beside - lowFraction; // exact, the two being within a factor of two
    const z = difference / lowFraction;
    const product = z * lowFraction;
    logOnePlusPair(z, (difference - product - productError(z, lowFraction, product)) / lowFraction);
  } else {
    // Brings the quotient into [1/sqrt 2, sqrt 2), as the logarithm wants it.
    if (Math.SQRT2 * lowFraction <= highFraction) {
      highFraction *= 0.5;
      exponent++;
    } else if (highFraction < Math.SQRT1_2 * lowFraction) {
      highFraction *= 2;
      exponent--;
    }
    const quotient = highFraction / lowFraction;
    const product = quotient * lowFraction;
    const rest = highFraction - product - productError(quotient, lowFraction, product);
    logOfParts(exponent, quotient);
    leave(at(result, 0), at(result, 1) + rest / highFraction);
  }
  pair[0] = at(result, 0);
  pair[1] = at(result, 1);
}

// Below this a time value on the strike is proportional to the deviation; beside the strike it is nothing.
export const tinyDeviation = 1e-60;
/** Beyond this an option is worthless: exp(-56^2/2) times the largest double is no double. */
const worthlessQuantile = 56;
/** Below minus this nothing of `low` is missing: Phi(-8.5) < 2^-56. */
const fullQuantile = 8.5;
const besideOne = 1.0078125; // 1 + 2^-7

const distancePair = new Float64Array(2);

/** The value on the strike of a tiny deviation s: L s / sqrt(2 pi). */
function proportional(low: number, deviation: number, deviationLow: number): number {
  const exponent = exponentOf(deviation);
  leave(at(densityAtZero, 0), at(densityAtZero, 1));
  multiplyPair(scaled(deviation, -exponent), scaled(deviationLow, -exponent));
  return timesPower(low, at(result, 0), at(result, 1), exponent);
}

/** h, a = h - t and b = h + t of the head as pairs: high parts at 0, 2, 4 and rests at 1, 3, 5. */
const quantiles = new Float64Array(6);

function fillQuantiles(x: number, xLow: number, s: number, sLow: number): void {
  const h = x / s;
  const t = 0.5 * s;
  const a = h - t;
  const product = h * s;
  const hLow = (x - product - productError(h, s, product) + (xLow - h * sLow)) / s;
  const b = h + t;
  const tLow = 0.5 * sLow;
  const aRest = sumError(h, -t, a) + (hLow - tLow);
  const bRest = sumError(h, t, b) + (hLow + tLow);
  quantiles[0] = h;
  quantiles[1] = hLow;
  const aHigh = a + aRest;
  quantiles[2] = aHigh;
  quantiles[3] = aRest - (aHigh - a);
  const bHigh = b + bRest;
  quantiles[4] = bHigh;
  quantiles[5] = bRest - (bHigh - b);
}

/** 1 - value / L for a < 0: exp(-a^2/2) (m(-a) + m(b)) = (result pair) * 2^(returned exponent). */
function missingPair(): number {
  millsPair(-at(quantiles, 2), -at(quantiles, 3));
  const first = at(result, 0);
  const firstLow = at(result, 1);
  millsPair(at(quantiles, 4), at(quantiles, 5));
  const sum = first + at(result, 0);
  return timesDensity(sum, sumError(first, at(result, 0), sum) + (firstLow + at(result, 1)));
}

/** A pair times exp(-a^2/2) = (result pair) * 2^(returned exponent). */
function timesDensity(high: number, low: number): number {
  const a = at(quantiles, 2);
  const square = a * a;
  const exponent = expPair(-0.5 * square, -0.5 * productError(a, a, square) - a * at(quantiles, 3));
  factors[0] = high;
  factors[1] = -1000 < exponent ? at(result, 0) * powerOfTwo(exponent) : 0;
  multiplyPair(high, low);
  return exponent;
}

/** Under this part of 2 + h the series in s is used: its terms then fall by 2^-17 each. */
const smallDeviation = 0.00390625; // 2^-8

/**
 * m(h - s/2) - m(h + s/2) = s (J1 + s^2/24 J3 + s^4/1920 J5 + s^6/322560 J7 + ...) as the result pair, where Jk is the integral
 * over y > 0 of y^k exp(-y^2/2 - h y), over sqrt(2 pi): J1 = 1/sqrt(2 pi) - h m(h), a pair, good to 2^-66 h^2 of it.
 */
function differenceBySeries(h: number, hLow: number, s: number, sLow: number): void {
  const m = firstMomentPair(h, hLow);
  const j1 = at(result, 0);
  const j1Low = at(result, 1);
  const square = s * s;
  let rest: number;
  if (h < 12) {
    const j2 = m - h * j1;
    const j3 = 2 * j1 - h * j2;
    const j4 = 3 * j2 - h * j3;
    const j5 = 4 * j3 - h * j4;
    const j7 = 6 * j5 - h * (5 * j4 - h * j5);
    rest = square * (j3 / 24 + square * (j5 / 1920 + (square * j7) / 322560));
  } else {
    // Farther out that recurrence cancels; the ratios J(k+1)/Jk = (k+1)/(h + J(k+2)/J(k+1)) from above do not.
    let ratio = 16 / (h + 16 / h);
    for (let k = 15; 8 <= k; k--) ratio = k / (h + ratio);
    const r7 = 7 / (h + ratio);
    const r6 = 6 / (h + r7);
    const r5 = 5 / (h + r6);
    const r4 = 4 / (h + r5);
    const r3 = 3 / (h + r4);
    const r2 = 2 / (h + r3);
    rest = j1 * square * r2 * r3 * (1 / 24 + square * r4 * r5 * (1 / 1920 + (square * r6 * r7) / 322560));
  }
  const sum = j1 + rest;
  leave(sum, sumError(j1, rest, sum) + j1Low);
  multiplyPair(s, sLow);
}

/**
 * J1(h) = 1/sqrt(2 pi) - h m(h) for h >= 0 as the result pair: the value of an option in Bachelier's model, per unit of its
 * deviation and of exp(-h^2/2). Returns m(h).
 */
export function firstMomentPair(h: number, hLow: number): number {
  millsPair(h, hLow);
  const m = at(result, 0);
  const mLow = at(result, 1);
  const product = h * m;
  const productLow = productError(h, m, product) + (h * mLow + hLow * m);
  const first = at(densityAtZero, 0) - product;
  const firstLow = sumError(at(densityAtZero, 0), -product, first) + (at(densityAtZero, 1) - productLow);
  leave(first, firstLow);
  return m;
}

/** `low` times (high + rest) 2^exponent, rounded once. */
function timesPower(low: number, high: number, rest: number, exponent: number): number {
  if (-400 < exponent && 1e-100 < low && low < 1e100 && 1e-60 < high) {
    const product = low * high;
    return (product + (productError(low, high, product) + low * rest)) * powerOfTwo(exponent);
  }
  const lowExponent = exponentOf(low);
  leave(high, rest);
  multiplyPair(scaled(low, -lowExponent), 0);
  const shift = exponentOf(at(result, 0));
  const total = exponent + lowExponent + shift;
  if (total < -1090) return 0;
  return scalePair(scaled(at(result, 0), -shift), scaled(at(result, 1), -shift), total);
}

/** The exponent e of a positive finite x = f 2^e, 1 <= f < 2. */
export function exponentOf(x: number): number {
  const exponent = (upperBits(x) >>> 20) - 1023;
  return exponent === -1023 ? (upperBits(x * 18014398509481984) >>> 20) - 1077 : exponent;
}

/** x 2^exponent, exact for results that are no subnormals. */
export function scaled(x: number, exponent: number): number {
  if (-1000 < exponent && exponent < 1000) return x * powerOfTwo(exponent);
  const part = exponent < 0 ? -1000 : 1000;
  return scaled(x * powerOfTwo(part), exponent - part);
}
