/**
 * Black's model of 1976 for a European option on a forward, undiscounted forward given: the value and its first
 * derivatives, in doubles, the same to the bit on every engine. It relies on `@stoa/base/exact` and knows nothing of
 * coins, contract sizes, calendars or rounding to money.
 *
 * Conventions, all per unit of the underlying and in the currency of the strike:
 * - `volatility` per square-root year, 0.5 for 50 %; `years` to expiry; `discount` = exp(-r years), 1 when rates are zero;
 * - `delta` and `gamma` are with respect to the forward; `vega` per 1.00 of volatility; `theta` per year that passes;
 *   `rho` per 1.00 of the rate r in the discount, the forward held fixed.
 *
 * F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).
 */
import { assert } from "@stoa/base/assert";
import { exp, log, normalDensity, normalDistribution } from "@stoa/base/exact";

export type OptionType = "call" | "put";

export type OptionTerms = {
  readonly type: OptionType;
  /** Positive, like the strike. */
  readonly forward: number;
  readonly strike: number;
  /** At 0 the option is worth what exercise brings. */
  readonly years: number;
};

export type Black76Arguments = OptionTerms & {
  readonly volatility: number;
  /** Positive; 1 when absent. */
  readonly discount?: number;
};

export type Black76Values = {
  readonly price: number;
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
};

/**
 * The value of an option, never below what exercise brings nor above the discounted forward (call) or strike (put).
 *
 * @example black76Price({ type: "call", forward: 100_000, strike: 110_000, years: 0.25, volatility: 0.6 })
 */
export function black76Price(option: Black76Arguments): number {
  const discount = checkedDiscount(option);
  const { type, forward, strike, years, volatility } = option;
  return discount * (exercise(type, forward, strike) + timeValue(forward, strike, volatility * Math.sqrt(years)));
}

/**
 * The value of an option with its derivatives. Where volatility or time is zero the value has a kink at the strike: delta
 * there is half the discount, and gamma and vega are zero everywhere; theta at expiry is zero.
 */
export function black76(option: Black76Arguments): Black76Values {
  const discount = checkedDiscount(option);
  const { type, forward, strike, years, volatility } = option;
  const root = Math.sqrt(years);
  const deviation = volatility * root;
  const price = discount * (exercise(type, forward, strike) + timeValue(forward, strike, deviation));
  const d1 = upperQuantile(forward, strike, deviation);
  const delta = discount * (type === "call" ? normalDistribution(d1) : -normalDistribution(-d1));
  const density = deviation === 0 ? 0 : discount * normalDensity(d1);
  const decay = years === 0 ? 0 : (-0.5 * density * forward * volatility) / root - (price * log(discount)) / years;
  return {
    price,
    delta,
    gamma: density === 0 ? 0 : density / (forward * deviation),
    vega: density * forward * root,
    theta: decay,
    rho: -years * price + 0, // the zero keeps -0 away
  };
}

/** What immediate exercise against the forward brings, never negative; undiscounted. */
export function exercise(type: OptionType, forward: number, strike: number): number {
  const gain = type === "call" ? forward - strike : strike - forward;
  return 0 < gain ? gain : 0;
}

/**
 * The undiscounted value above exercise, which call and put share: that of whichever of the two is out of the money.
 * `deviation` = volatility * sqrt(years).
 */
export function timeValue(forward: number, strike: number, deviation: number): number {
  if (deviation === 0) return 0;
  const low = forward < strike ? forward : strike;
  const high = forward < strike ? strike : forward;
  // A put under the strike is the call with forward and strike exchanged: one formula, without cancelling exercise.
  const distance = log(high / low) / deviation;
  const value =
    low * normalDistribution(0.5 * deviation - distance) - high * normalDistribution(-0.5 * deviation - distance);
  return value < 0 ? 0 : low < value ? low : value;
}

/** d1 of the formula; at zero deviation its limit: infinite beside the strike and 0 on it. */
function upperQuantile(forward: number, strike: number, deviation: number): number {
  if (deviation !== 0) return log(forward / strike) / deviation + 0.5 * deviation;
  return forward === strike ? 0 : forward < strike ? -Infinity : Infinity;
}

/** The discount factor exp(-rate * years) of a continuously compounded rate. */
export function discountFactor(rate: number, years: number): number {
  return exp(-rate * years);
}

function checkedDiscount({ forward, strike, years, volatility, discount = 1 }: Black76Arguments): number {
  assert(0 < forward && forward < Infinity, () => `a forward is positive: ${forward}`);
  assert(0 < strike && strike < Infinity, () => `a strike is positive: ${strike}`);
  assert(0 <= years && years < Infinity, () => `a time to expiry is not negative: ${years}`);
  assert(0 <= volatility && volatility < Infinity, () => `a volatility is not negative: ${volatility}`);
  assert(0 < discount && discount < Infinity, () => `a discount factor is positive: ${discount}`);
  return discount;
}
