/**
 * The deviation s = volatility sqrt(years) at which the normalised Black value of `normalised-black.ts` takes a given value, to
 * full double accuracy over the whole domain, by a fixed number of steps: a guess in closed form, one step of Householder's
 * method of third order in plain doubles, and one on pairs of doubles. The guess is within 21 %, after the first step the
 * error is below 1e-5 and the second, which raises it to the fourth power, leaves that of the last rounding
 * (P. Jaeckel, "Let's be rational", Wilmott, January 2015, showed that a good guess and two such steps suffice; guess and
 * regions here are our own). It knows nothing of calls, puts, discounts or time, and refuses nothing.
 *
 * With beta = value / L and the notation of `normalised-black.ts`, s_c = sqrt(2 x) is the inflection of beta in s, where a = 0.
 * What each region solves is close to linear there:
 * - below it ln(beta). Guess for x < 1.5: beta e^(-x/2) / x is Bachelier's phi(h)/h - Phi(-h), inverted for h = x/s by a fit;
 *   else Phi(-a) = beta / (1 - m(b)/m(a)), iterated twice from a = 0;
 * - above it and beta < 0.1, beta itself. Guess: s/sqrt(2 pi) + x^2/(s sqrt(8 pi)) = beta + x/2, the series in s near the
 *   money (C. Corrado and T. Miller, Journal of Banking & Finance 20, 1996);
 * - else ln(1 - beta). Guess: 1 - beta = Phi(a) (1 + m(b)/m(-a)), the bracket as at a = 0.
 */
import { exp, log } from "./kernel/functions.ts";
import { at, leave, result } from "@stoa/base/exact/pairs";
import {
  densityTop,
  excess,
  householder,
  inversePi,
  logOfExcess,
  logOfTwo,
  mills,
  normalDistanceOfLog,
  proportional,
} from "./inversion.ts";
import { factors, missingRatio, scaled, valueRatio } from "./normalised-black.ts";

/**
 * The deviation, as a pair into `pair`, at which an option over the distance x = ln(H/L) (a pair, 0 <= x < 1500) is worth
 * `value`, a share of L made by `shareOf`, above 0 and below 1; `missing` is 1 - value, which holds more than the value does
 * where that is close to 1. PERF: three logarithms, a polynomial or two for the guess; some 300 ns; no allocation.
 */
export function impliedDeviation(
  x: number,
  xLow: number,
  value: Float64Array,
  missing: Float64Array,
  pair: Float64Array,
): void {
  const edge = Math.sqrt(2 * x);
  const edgeRatio = mills(edge);
  const ratio = scaled(at(value, 0), at(value, 2));
  if (ratio < tinyRatio && x === 0) return proportional(value, pair);
  if (ratio < (edge < 0.01 ? edge * densityTop : 0.5 - edgeRatio)) {
    const target = log(at(value, 0)) + at(value, 2) * logOfTwo;
    const guess = below(edge, x < 1.5 ? guessNormal(x, target) : guessTail(x, target, edgeRatio));
    const start = below(edge, stepOfLog(x, guess, target));
    progress[0] = guess;
    progress[1] = start;
    lastStepOfLog(x, xLow, start, value, pair);
  } else if (ratio < 0.1) {
    const straddle = ratio + 0.5 * x;
    const discriminant = straddle * straddle - x * x * inversePi;
    const guess = above(edge, (straddle + Math.sqrt(0 < discriminant ? discriminant : 0)) * halfRootTwoPi);
    const start = above(edge, stepOfValue(x, guess, ratio));
    progress[0] = guess;
    progress[1] = start;
    lastStepOfValue(x, xLow, start, value, pair);
  } else {
    const target = log(at(missing, 0)) + at(missing, 2) * logOfTwo;
    const weighted = target - log(1 + 2 * edgeRatio);
    const quantile = quantileOfLog(weighted < -logOfTwo ? weighted : -logOfTwo);
    const guess = above(edge, quantile + Math.sqrt(quantile * quantile + 2 * x));
    const start = above(edge, stepOfMissing(x, guess, target));
    progress[0] = guess;
    progress[1] = start;
    lastStepOfMissing(x, xLow, start, missing, pair);
  }
}

const tinyRatio = 1e-50;
const halfRootTwoPi = 1.2533141373155003;

/** The guess of the latest inversion, and what its first step made of it: for whoever checks the bounds of the head. */
export const progress = new Float64Array(2);

/** Starts stay on their side of the inflection, a hair off it: the formulas of each side end there. */
function below(edge: number, s: number): number {
  const border = edge * 0.999999999;
  return s < border ? s : border;
}

function above(edge: number, s: number): number {
  const border = edge * 1.000000001;
  return border < s ? s : border;
}

/** Bachelier's guess from ln(beta), within 8 % for x < 1.5. */
function guessNormal(x: number, target: number): number {
  const logValue = target - log(x) - 0.5 * x;
  return x / normalDistanceOfLog(logValue);
}

/** The guess for x >= 1.5 below the inflection, within 12 %. */
function guessTail(x: number, target: number, edgeRatio: number): number {
  const first = quantileOfLog(target - log(1 - 2 * edgeRatio));
  const a0 = 0 < first ? first : 0;
  const rest = 1 - mills(Math.sqrt(a0 * a0 + 2 * x)) / mills(a0);
  const second = quantileOfLog(target - log(rest));
  const a = 0 < second ? second : 0;
  return (2 * x) / (a + Math.sqrt(a * a + 2 * x));
}

/**
 * -Phi^-1(p) from ln(p) for p <= 1/2, within 4.5e-4 (M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 1964,
 * 26.2.23, by C. Hastings).
 */
function quantileOfLog(logarithm: number): number {
  const t = Math.sqrt(logarithm < 0 ? -2 * logarithm : 0);
  return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

/** beta''/beta' = x^2/s^3 - s/4. */
function bend(x: number, s: number): number {
  const h = x / s;
  return (h * h) / s - 0.25 * s;
}

/** beta'''/beta' from that. */
function bendOfBend(x: number, s: number, second: number): number {
  const steep = x / (s * s);
  return second * second - 3 * steep * steep - 0.25;
}

/** The step for ln(beta), which has the derivative phi(a)/beta = 1/(sqrt(2 pi) bracket) = `slope`. */
function stepForLog(x: number, s: number, difference: number, slope: number): number {
  const q = bend(x, s);
  const r = bendOfBend(x, s, q);
  return householder(-difference / slope, q - slope, r - 3 * slope * q + 2 * slope * slope);
}

function stepOfLog(x: number, s: number, target: number): number {
  const h = x / s;
  const a = h - 0.5 * s;
  const bracket = difference(h, s);
  return s + stepForLog(x, s, log(bracket) - 0.5 * a * a - target, densityTop / bracket);
}

function stepOfMissing(x: number, s: number, target: number): number {
  const a = 0.5 * s - x / s;
  const bracket = mills(a) + mills(x / s + 0.5 * s);
  return s + stepForLog(x, s, log(bracket) - 0.5 * a * a - target, -densityTop / bracket);
}

function stepOfValue(x: number, s: number, target: number): number {
  const h = x / s;
  const a = h - 0.5 * s;
  const density = exp(-0.5 * a * a);
  const ratio = s < 0.01 * (2 + h) ? density * difference(h, s) : 1 - density * (mills(-a) + mills(h + 0.5 * s));
  const q = bend(x, s);
  return s + householder((target - ratio) / (density * densityTop), q, bendOfBend(x, s, q));
}

/** m(h - s/2) - m(h + s/2) in doubles; for small s the first term of its series and most of the second. */
function difference(h: number, s: number): number {
  if (0.01 * (2 + h) <= s) return mills(h - 0.5 * s) - mills(h + 0.5 * s);
  return s * (densityTop - h * mills(h)) * (1 + (0.25 * s * s) / (h * h + 3));
}

/** The last steps: the difference to the goal from pairs, so that only its own rounding is left in s. */
function lastStepOfLog(x: number, xLow: number, s: number, goal: Float64Array, pair: Float64Array): void {
  const exponent = valueRatio(x, xLow, s, 0);
  const step = stepForLog(x, s, logOfExcess(exponent, goal), densityTop / at(factors, 0));
  finish(s, step, pair);
}

function lastStepOfMissing(x: number, xLow: number, s: number, goal: Float64Array, pair: Float64Array): void {
  const exponent = missingRatio(x, xLow, s, 0);
  const step = stepForLog(x, s, logOfExcess(exponent, goal), -densityTop / at(factors, 0));
  finish(s, step, pair);
}

function lastStepOfValue(x: number, xLow: number, s: number, goal: Float64Array, pair: Float64Array): void {
  const exponent = valueRatio(x, xLow, s, 0);
  const newton = (-excess(exponent, goal) * scaled(at(goal, 0), at(goal, 2))) / (at(factors, 1) * densityTop);
  const q = bend(x, s);
  finish(s, householder(newton, q, bendOfBend(x, s, q)), pair);
}

function finish(s: number, step: number, pair: Float64Array): void {
  leave(s, step);
  pair[0] = at(result, 0);
  pair[1] = at(result, 1);
}
