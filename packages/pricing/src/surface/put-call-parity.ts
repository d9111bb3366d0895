/**
 * The forward of one expiry from the difference of its calls and puts. With D the discount factor of the unit in which
 * options are quoted,
 *
 *   currency:  C - P = D (F - K)          coin:  c - p = D (1 - K/F),
 *
 * so the difference of mid prices is a line in the strike and F is where it crosses zero. The line is fitted by weighted least
 * squares, each pair weighted by the inverse square of its half-spread and, in a fixed number of rounds, by Tukey's biweight
 * of its residual, which takes weight from stale and wrong quotes until they have none. Its other parameter, D, is taken from the
 * quotes only where they determine it well; else it is what the caller says. The bounds that whoever trades the synthetic
 * forward at the quotes could lock in come with it.
 *
 * H. Stoll, "The relationship between put and call option prices", Journal of Finance 24 (1969); A. Beaton and J. Tukey,
 * Technometrics 16 (1974), for the biweight.
 */
import { notNegative, positive } from "../refusal.ts";
import { checkQuotes, quoteSettings, quoteState, type OptionQuote, type QuoteSettings } from "./chain.ts";
import { weightedMedian } from "./robust.ts";

export type ParitySettings = QuoteSettings & {
  /** The discount factor where it is known; undefined: from the quotes where they determine it, else 1. */
  readonly discount?: number | undefined;
  /** The largest standard error at which a discount factor from the quotes is taken; it must also lie three of them from 1. */
  readonly discountErrorMax: number;
};

/** Standard error, as a rate per year, up to which chains take discount factors from their quotes: a day's quotes tell no rate. */
export const rateErrorMax = 0.01;

export const paritySettings: ParitySettings = { ...quoteSettings, discountErrorMax: 0.002 };

export type ImpliedForward = {
  readonly forward: number;
  /** Standard error of the forward, in its unit. */
  readonly forwardError: number;
  readonly discount: number;
  /** Standard error of the discount factor where it is from the quotes; undefined where it was given or could not be told. */
  readonly discountError: number | undefined;
  /** Strikes with both a call and a put quoted on both sides, and those of them that kept weight. */
  readonly pairCount: number;
  readonly usedCount: number;
  /** What the quotes allow without cost: the largest forward that can be sold and the smallest that can be bought. */
  readonly forwardBid: number;
  readonly forwardAsk: number;
};

/** Why the quotes determine no forward. */
export const parityRefusals = ["no-pairs", "forward-not-positive"] as const;
export type ParityRefusal = (typeof parityRefusals)[number];

/** A strike with the difference of mid prices, call minus put, its half-spread, and the difference at which it trades. */
type Pair = { readonly strike: number; readonly mid: number; readonly half: number };

/**
 * The forward that put-call parity gives, or why it gives none. `settings.unit` says in what the quotes are.
 *
 * @example impliedForward(quotes, { ...paritySettings, unit: "coin" })
 */
export function impliedForward(
  quotes: readonly OptionQuote[],
  settings: ParitySettings = paritySettings,
): ImpliedForward | ParityRefusal {
  const { unit, discount: given } = settings;
  if (given !== undefined) positive("discount", given);
  notNegative("settings.discountErrorMax", settings.discountErrorMax);
  checkQuotes("quotes", quotes, settings);
  const pairs = pairsOf(quotes, settings);
  if (pairs.length === 0) return "no-pairs";
  const line = pairs.length < 3 || given !== undefined ? undefined : lineThrough(pairs);
  const level = line === undefined ? undefined : discountOf(line, unit);
  const determined = level !== undefined && isDetermined(level, settings);
  const discount = determined ? level.discount : (given ?? 1);
  const result = forwardAt(pairs, discount, unit);
  if (!(0 < result.forward)) return "forward-not-positive";
  return { ...result, discountError: determined ? level.error : undefined, pairCount: pairs.length };
}

/** Known well, positive, and told from 1: what noise alone could have made of 1 is 1. */
function isDetermined({ discount, error }: Level, { discountErrorMax }: ParitySettings): boolean {
  return error <= discountErrorMax && 0 < discount && 3 * error < Math.abs(discount - 1);
}

/** Call and put of each strike, both quoted on both sides, by strike; of several quotes of one option the last. */
function pairsOf(quotes: readonly OptionQuote[], settings: QuoteSettings): Pair[] {
  const calls = new Map<number, OptionQuote>();
  const puts = new Map<number, OptionQuote>();
  for (const quote of quotes) {
    if (quoteState(quote, settings) === "two-sided") (quote.type === "call" ? calls : puts).set(quote.strike, quote);
  }
  const pairs: Pair[] = [];
  for (const [strike, call] of calls) {
    const put = puts.get(strike);
    if (put === undefined) continue;
    const callBid = call.bid as number;
    const callAsk = call.ask as number;
    const high = callAsk - (put.bid as number);
    const low = callBid - (put.ask as number);
    // Two locked quotes have no spread: a millionth of the prices keeps the weight finite.
    const half = Math.max(0.5 * (high - low), 1e-6 * (callAsk + (put.ask as number)));
    pairs.push({ strike, mid: 0.5 * (high + low), half });
  }
  return pairs.sort((one, other) => one.strike - other.strike);
}

type Line = {
  readonly intercept: number;
  readonly slope: number;
  readonly covariance: readonly [number, number, number];
};

const roundsCount = 8;
/** Residuals of this many robust standard deviations have no weight. */
const biweightReach = 4.685;

/** mid = intercept + slope strike by biweight regression. The first weights are those of a line of medians. */
function lineThrough(pairs: readonly Pair[]): Line | undefined {
  const trust = new Float64Array(pairs.length).fill(1);
  const residuals = new Float64Array(pairs.length);
  startTrust(pairs, trust, residuals);
  let line = weightedLine(pairs, trust);
  for (let round = 0; round < roundsCount && line !== undefined; round++) {
    for (const [index, { strike, mid, half }] of pairs.entries()) {
      residuals[index] = (mid - line.intercept - line.slope * strike) / half;
    }
    updateTrust(residuals, trust);
    line = weightedLine(pairs, trust);
  }
  return line;
}

/** Trust from residuals against a line of medians, between the lower and the upper half of the strikes: a wrong pair cannot tilt it. */
function startTrust(pairs: readonly Pair[], trust: Float64Array, residuals: Float64Array): void {
  const low = pairs.slice(0, pairs.length >> 1);
  const high = pairs.slice(pairs.length >> 1);
  // The slope through pairs of pairs, one of each half, then the level: medians throughout.
  const count = Math.min(low.length, high.length);
  const slopes: number[] = [];
  const weights: number[] = [];
  for (let index = 0; index < count; index++) {
    const one = low[index] as Pair;
    const other = high[index] as Pair;
    slopes.push((other.mid - one.mid) / (other.strike - one.strike));
    weights.push((other.strike - one.strike) / (one.half + other.half));
  }
  const slope = weightedMedian(slopes, weights);
  const level = weightedMedian(
    pairs.map(({ mid, strike }) => mid - slope * strike),
    pairs.map(({ half }) => 1 / half),
  );
  for (const [index, { strike, mid, half }] of pairs.entries()) {
    residuals[index] = (mid - level - slope * strike) / half;
  }
  updateTrust(residuals, trust);
}

/** Tukey's biweight over the median absolute residual, which is taken as at least a tenth of a half-spread. */
function updateTrust(residuals: Float64Array, trust: Float64Array): void {
  const sizes = Array.from(residuals, (residual) => Math.abs(residual));
  const scale = Math.max(
    0.1,
    1.4826 *
      weightedMedian(
        sizes,
        sizes.map(() => 1),
      ),
  );
  for (let index = 0; index < residuals.length; index++) {
    const share = (residuals[index] as number) / (biweightReach * scale);
    const rest = 1 - share * share;
    trust[index] = rest <= 0 ? 0 : rest * rest;
  }
}

/** Weighted least squares about the weighted mean strike, with the covariance of intercept and slope; undefined for one strike. */
function weightedLine(pairs: readonly Pair[], trust: Float64Array): Line | undefined {
  let total = 0;
  let strikeSum = 0;
  let midSum = 0;
  let usedCount = 0;
  for (const [index, { strike, mid, half }] of pairs.entries()) {
    const weight = (trust[index] as number) / (half * half);
    total += weight;
    strikeSum += weight * strike;
    midSum += weight * mid;
    if (0 < weight) usedCount++;
  }
  if (usedCount < 3) return undefined;
  const center = strikeSum / total;
  const level = midSum / total;
  let spread = 0;
  let product = 0;
  for (const [index, { strike, mid, half }] of pairs.entries()) {
    const weight = (trust[index] as number) / (half * half);
    spread += weight * (strike - center) * (strike - center);
    product += weight * (strike - center) * (mid - level);
  }
  if (!(0 < spread)) return undefined;
  const slope = product / spread;
  let residualSum = 0;
  for (const [index, { strike, mid, half }] of pairs.entries()) {
    const rest = (mid - level - slope * (strike - center)) / half;
    residualSum += (trust[index] as number) * rest * rest;
  }
  const noise = residualSum / (usedCount - 2);
  const slopeVariance = noise / spread;
  return {
    intercept: level - slope * center,
    slope,
    covariance: [noise / total + slopeVariance * center * center, -slopeVariance * center, slopeVariance],
  };
}

type Level = { readonly discount: number; readonly error: number };

/** In currency D is minus the slope, in coin the intercept. */
function discountOf(line: Line, unit: QuoteSettings["unit"]): Level {
  const coin = unit === "coin";
  return {
    discount: coin ? line.intercept : -line.slope,
    error: Math.sqrt(coin ? line.covariance[0] : line.covariance[2]),
  };
}

/** The forward under a known discount factor: a biweight mean of what each pair says, each with the error that its spread leaves. */
function forwardAt(
  all: readonly Pair[],
  discount: number,
  unit: QuoteSettings["unit"],
): Omit<ImpliedForward, "discountError" | "pairCount"> {
  const one = (strike: number, difference: number): number => {
    if (unit === "currency") return strike + difference / discount;
    return difference < discount ? strike / (1 - difference / discount) : Infinity;
  };
  // A difference of a whole discounted coin says of the forward only that it is far above the strike.
  const pairs = all.filter(({ mid }) => unit === "currency" || mid < discount);
  if (pairs.length === 0)
    return { forward: NaN, forwardError: NaN, discount, usedCount: 0, forwardBid: NaN, forwardAsk: NaN };
  const forwards = pairs.map(({ strike, mid }) => one(strike, mid));
  // dF/d(difference): 1/D in currency, F^2/(K D) in coin.
  const errors = pairs.map(({ strike, half }, index) => {
    const forward = forwards[index] as number;
    return (half / discount) * (unit === "currency" ? 1 : (forward * forward) / strike);
  });
  const residuals = new Float64Array(pairs.length);
  const trust = new Float64Array(pairs.length);
  let forward = weightedMedian(
    forwards,
    errors.map((error) => 1 / error),
  );
  let forwardError = 0;
  let usedCount = 0;
  for (let round = 0; round < roundsCount; round++) {
    for (let index = 0; index < pairs.length; index++) {
      residuals[index] = ((forwards[index] as number) - forward) / (errors[index] as number);
    }
    updateTrust(residuals, trust);
    let total = 0;
    let sum = 0;
    let noise = 0;
    usedCount = 0;
    for (let index = 0; index < pairs.length; index++) {
      const error = errors[index] as number;
      const weight = (trust[index] as number) / (error * error);
      total += weight;
      sum += weight * ((forwards[index] as number) - forward);
      noise += (trust[index] as number) * (residuals[index] as number) * (residuals[index] as number);
      if (0 < weight) usedCount++;
    }
    forward += sum / total;
    forwardError = Math.sqrt((usedCount < 2 ? 1 : noise / (usedCount - 1)) / total);
  }
  const bids = pairs.map(({ strike, mid, half }) => one(strike, mid - half));
  const asks = pairs.map(({ strike, mid, half }) => one(strike, mid + half));
  return { forward, forwardError, discount, usedCount, forwardBid: Math.max(...bids), forwardAsk: Math.min(...asks) };
}
