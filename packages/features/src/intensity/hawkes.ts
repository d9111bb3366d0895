/**
 * The Hawkes process with an exponential kernel, lambda(t) = mu + alpha sum_{t_i < t} e^{-beta (t - t_i)}: its likelihood (Ozaki, "Maximum
 * likelihood estimation of Hawkes' self-exciting point processes", Annals of the Institute of Statistical Mathematics 31, 1979), the
 * fit, the increments that are exponential if the model is right, and simulation by thinning (Ogata, "On Lewis' simulation method
 * for point processes", IEEE Transactions on Information Theory 27(1), 1981). Over lists of times in seconds, for research; what runs online is in `hawkes-features.ts`.
 */
import { exp, log } from "@stoa/base/exact";
import { FeatureRefusal, positiveNumber } from "../refusal.ts";

/** All in 1/s. The branching ratio is alpha / beta: how many points one point causes; the process is stationary below 1. */
export interface HawkesParameters {
  readonly mu: number;
  readonly alpha: number;
  readonly beta: number;
}

export interface HawkesFit extends HawkesParameters {
  readonly branchingRatio: number;
  readonly logLikelihood: number;
  /** Of the Poisson process with the same number of points: what excitement explains is the difference. */
  readonly poissonLogLikelihood: number;
  /** The best beta is an end of the range: then it says nothing. */
  readonly isAtBound: boolean;
}

/** Refuses times that are not in (0, duration] and strictly ascending: with two points at one time the likelihood has no maximum. */
function checkedTimes(times: Float64Array, duration: number): void {
  positiveNumber("hawkes.duration", duration);
  let before = 0;
  for (const time of times) {
    if (!(time > before && time <= duration)) {
      throw new FeatureRefusal({
        argument: "hawkes.times",
        value: time,
        wanted: "strictly ascending seconds above 0 and up to the duration (merge points of one instant)",
      });
    }
    before = time;
  }
}

/**
 * sum ln(mu + alpha A_i) - mu T - (alpha/beta) sum (1 - e^{-beta (T - t_i)}) with A_i = e^{-beta (t_i - t_{i-1})} (1 + A_{i-1}), A_1 = 0.
 * Seconds from the beginning of the observation, which lasts `duration`.
 */
export function hawkesLogLikelihood(times: Float64Array, duration: number, parameters: HawkesParameters): number {
  checkedTimes(times, duration);
  const { mu, alpha, beta } = parameters;
  const excitement = new Float64Array(times.length);
  const spent = excite(times, duration, beta, excitement);
  let sum = 0;
  for (const value of excitement) sum += log(mu + alpha * value);
  return sum - mu * duration - alpha * spent;
}

/** Fills A_i and returns (1/beta) sum (1 - e^{-beta (T - t_i)}). */
function excite(times: Float64Array, duration: number, beta: number, into: Float64Array): number {
  let spent = 0;
  let value = 0;
  for (let index = 0; index < times.length; index++) {
    const time = times[index] as number;
    value = index === 0 ? 0 : exp(-beta * (time - (times[index - 1] as number))) * (1 + value);
    into[index] = value;
    spent += 1 - exp(-beta * (duration - time));
  }
  return spent / beta;
}

/**
 * The parameters of greatest likelihood. For a given beta the likelihood is concave in mu and alpha, and at its top mu T + alpha C = N, so
 * that one equation in alpha is left, which bisection solves; over ln beta a grid of `gridCount` and then golden sections, always the same
 * steps. Refuses fewer than ten points. PERF: O(N) per step, about 60 x (N exponentials + 60 N divisions).
 *
 * @example
 * const { branchingRatio } = fitHawkes(times, 3600);
 */
export function fitHawkes(
  times: Float64Array,
  duration: number,
  range: { readonly betaMin?: number; readonly betaMax?: number } = {},
): HawkesFit {
  checkedTimes(times, duration);
  if (times.length < 10)
    throw new FeatureRefusal({ argument: "hawkes.times", value: times.length, wanted: "at least ten points" });
  const betaMin = positiveNumber("hawkes.betaMin", range.betaMin ?? 4 / duration);
  const betaMax = positiveNumber("hawkes.betaMax", range.betaMax ?? (1000 * times.length) / duration);
  if (betaMax <= betaMin)
    throw new FeatureRefusal({ argument: "hawkes.betaMax", value: betaMax, wanted: `more than ${betaMin}` });
  const scratch = new Float64Array(times.length);
  const low = log(betaMin);
  const step = (log(betaMax) - low) / (gridCount - 1);
  const likelihoodAt = (logBeta: number): number => best(times, duration, exp(logBeta), scratch).logLikelihood;
  let bestIndex = 0;
  let bestValue = -Infinity;
  for (let index = 0; index < gridCount; index++) {
    const value = likelihoodAt(low + index * step);
    if (value > bestValue) [bestValue, bestIndex] = [value, index];
  }
  const logBeta = goldenMaximum(
    likelihoodAt,
    low + Math.max(bestIndex - 1, 0) * step,
    low + Math.min(bestIndex + 1, gridCount - 1) * step,
  );
  const beta = exp(logBeta);
  const { mu, alpha, logLikelihood } = best(times, duration, beta, scratch);
  const rate = times.length / duration;
  return {
    mu,
    alpha,
    beta,
    branchingRatio: alpha / beta,
    logLikelihood,
    poissonLogLikelihood: times.length * (log(rate) - 1),
    isAtBound: logBeta - low < step / 100 || low + (gridCount - 1) * step - logBeta < step / 100,
  };
}

const gridCount = 25;

/** The best mu and alpha for a beta. */
function best(
  times: Float64Array,
  duration: number,
  beta: number,
  excitement: Float64Array,
): { mu: number; alpha: number; logLikelihood: number } {
  const spent = excite(times, duration, beta, excitement);
  const count = times.length;
  /** d/d alpha of the likelihood along mu = (N - alpha C) / T; it falls. */
  const slope = (alpha: number): number => {
    const mu = (count - alpha * spent) / duration;
    let sum = 0;
    for (const value of excitement) sum += (value - spent / duration) / (mu + alpha * value);
    return sum;
  };
  let low = 0;
  let high = count / spent;
  if (slope(0) <= 0) high = 0;
  for (let step = 0; step < 60 && high - low > 1e-13 * high; step++) {
    const middle = (low + high) / 2;
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
  const alpha = (low + high) / 2;
  const mu = (count - alpha * spent) / duration;
  let logLikelihood = -count;
  for (const value of excitement) logLikelihood += log(mu + alpha * value);
  return { mu, alpha, logLikelihood };
}

/** Where a function with one top between `low` and `high` has it, to 1e-8. */
function goldenMaximum(value: (x: number) => number, low: number, high: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [from, to] = [low, high];
  let [left, right] = [to - golden * (to - from), from + golden * (to - from)];
  let [atLeft, atRight] = [value(left), value(right)];
  while (to - from > 1e-8) {
    if (atLeft < atRight) {
      from = left;
      [left, atLeft] = [right, atRight];
      right = from + golden * (to - from);
      atRight = value(right);
    } else {
      to = right;
      [right, atRight] = [left, atLeft];
      left = to - golden * (to - from);
      atLeft = value(left);
    }
  }
  return (from + to) / 2;
}

/** Integral of lambda from each point to the next, the first from 0: independent and exponential with mean 1 if the model is right (time rescaling). */
export function hawkesIncrements(times: Float64Array, { mu, alpha, beta }: HawkesParameters): Float64Array {
  const increments = new Float64Array(times.length);
  let excitement = 0;
  for (let index = 0; index < times.length; index++) {
    const wait = (times[index] as number) - (index === 0 ? 0 : (times[index - 1] as number));
    const left = exp(-beta * wait);
    increments[index] = mu * wait + (alpha / beta) * excitement * (1 - left);
    excitement = excitement * left + 1;
  }
  return increments;
}

/**
 * Kolmogorov-Smirnov distance of values from the exponential distribution with mean 1; sorts them in place. NaN of none.
 */
export function exponentialDistance(values: Float64Array): number {
  values.sort();
  const count = values.length;
  let distance = count > 0 ? 0 : NaN;
  for (let index = 0; index < count; index++) {
    const probability = 1 - exp(-(values[index] as number));
    distance = Math.max(distance, probability - index / count, (index + 1) / count - probability);
  }
  return distance;
}

/**
 * How probable a distance of at least this size is when the distribution is right: Kolmogorov's series at (sqrt n + 0.12 + 0.11 / sqrt n)
 * D (Stephens 1970). Too large when the parameters were fitted to the same points.
 */
export function kolmogorovProbability(distance: number, count: number): number {
  const root = Math.sqrt(count);
  const scaled = (root + 0.12 + 0.11 / root) * distance;
  if (scaled < 0.2) return 1;
  let sum = 0;
  for (let term = 1; term <= 100; term++) sum += (term % 2 === 1 ? 2 : -2) * exp(-2 * term * term * scaled * scaled);
  return Math.min(1, Math.max(0, sum));
}

/**
 * Points of a Hawkes process over `duration` seconds, by thinning: candidates from the intensity after the last point, which only
 * falls until the next, are kept with the probability of what it has fallen to. `random` has uniform numbers in [0, 1). Refuses a
 * branching ratio of 1 or more, whose number of points has no bound.
 */
export function simulateHawkes(
  { mu, alpha, beta }: HawkesParameters,
  duration: number,
  random: { nextFloat(): number },
): Float64Array {
  positiveNumber("hawkes.mu", mu);
  positiveNumber("hawkes.beta", beta);
  if (!(alpha >= 0 && alpha < beta))
    throw new FeatureRefusal({ argument: "hawkes.alpha", value: alpha, wanted: `from 0 to below beta, ${beta}` });
  const times: number[] = [];
  let time = 0;
  let excitement = 0;
  for (;;) {
    const bound = mu + alpha * excitement;
    const wait = -log(1 - random.nextFloat()) / bound;
    time += wait;
    if (time > duration) return Float64Array.from(times);
    excitement *= exp(-beta * wait);
    if (random.nextFloat() * bound >= mu + alpha * excitement || time === times.at(-1)) continue;
    times.push(time);
    excitement += 1;
  }
}
