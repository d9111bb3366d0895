/**
 * The volatility at which Black-76 gives a price, in doubles, the same to the bit on every engine. Prices that no
 * volatility explains are refused as values. It works on the time value of the out-of-the-money option, in logarithms,
 * so that a price of 1e-200 is as good as any: below the inflection of value against deviation ln(value), above it
 * ln(ceiling - value), each by Newton's steps in a bracket that only shrinks.
 */
import { assert } from "@stoa/base/assert";
import { log, normalDensity } from "@stoa/base/exact";
import { exercise, timeValue, type OptionTerms } from "./black76.ts";

/** In the order in which they are checked. */
export const impliedVolatilityRefusals = ["expired", "price-below-exercise", "price-above-maximum"] as const;
export type ImpliedVolatilityRefusal = (typeof impliedVolatilityRefusals)[number];

export type ImpliedVolatilityArguments = OptionTerms & {
  readonly price: number;
  /** Positive; 1 when absent. */
  readonly discount?: number;
};

/**
 * The volatility per square-root year that explains `price`, or why there is none: at or after expiry; below the
 * discounted exercise value; at or above the discounted forward (call) or strike (put). A price without time value is
 * explained by 0.
 *
 * @example impliedVolatility({ type: "put", forward: 4_000, strike: 3_500, years: 0.1, price: 60 })
 */
export function impliedVolatility(option: ImpliedVolatilityArguments): number | ImpliedVolatilityRefusal {
  const { type, forward, strike, years, price, discount = 1 } = option;
  assert(
    0 < forward && forward < Infinity && 0 < strike && strike < Infinity,
    `prices are positive: ${forward} ${strike}`,
  );
  assert(0 < discount && discount < Infinity, () => `a discount factor is positive: ${discount}`);
  if (!(0 < years)) return "expired";
  const floor = discount * exercise(type, forward, strike);
  if (!(floor <= price)) return "price-below-exercise";
  if (price === floor) return 0;
  const value = price / discount - exercise(type, forward, strike);
  if (value <= 0) return 0;
  const ceiling = forward < strike ? forward : strike;
  if (ceiling <= value) return "price-above-maximum";
  return impliedDeviation(forward, strike, value) / Math.sqrt(years);
}

const iterationsCountMax = 200;

/** The volatility * sqrt(years) at which the time value is `value`, which lies strictly between 0 and the ceiling. */
function impliedDeviation(forward: number, strike: number, value: number): number {
  const ceiling = forward < strike ? forward : strike;
  const moneyness = log((forward < strike ? strike : forward) / ceiling);
  const inflection = Math.sqrt(2 * moneyness);
  const rising = value < timeValue(forward, strike, inflection);
  const target = rising ? log(value) : log(ceiling - value);
  let low = rising ? 0 : inflection;
  let high = rising ? inflection : upperBound(forward, strike, value, inflection);
  let deviation = rising ? inflection : low + 0.5 * (high - low);

  for (let iteration = 0; iteration < iterationsCountMax; iteration++) {
    const guess = timeValue(forward, strike, deviation);
    if (guess === value) return deviation;
    if (guess < value) low = deviation;
    else high = deviation;
    const slope = ceiling * normalDensity(0.5 * deviation - moneyness / deviation);
    const rest = rising ? guess : ceiling - guess;
    const step = (((log(rest) - target) * rest) / slope) * (rising ? -1 : 1);
    const next = deviation + step;
    // A step out of the bracket, or one that is no number because value or slope underflowed, halves the bracket instead.
    const inside = low < next && next < high;
    const following = inside ? next : low + 0.5 * (high - low);
    if (following <= low || high <= following) return deviation;
    const change = following < deviation ? deviation - following : following - deviation;
    deviation = following;
    if (inside && change <= 1e-16 * deviation) return deviation;
  }
  return deviation;
}

/** A deviation above the inflection at which the time value has reached `value`. Doubling ends because 64 is the ceiling. */
function upperBound(forward: number, strike: number, value: number, inflection: number): number {
  let deviation = 2 * inflection + 1;
  while (deviation < 1024 && timeValue(forward, strike, deviation) < value) deviation *= 2;
  return deviation;
}
