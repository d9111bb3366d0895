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
import { exp, log } from "@stoa/base/exact";
import { sumError } from "@stoa/base/exact/error-free";
import { outOfTheMoneyValue, timeValueOfPair } from "./normalised-black.ts";
import { notNegative, oneOf, positive } from "./refusal.ts";
import { densityAt, distributionAt, scratch, standardise, type Standardised } from "./standardised.ts";

export const optionTypes = ["call", "put"] as const;
export type OptionType = (typeof optionTypes)[number];

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
  readonly dualDelta: number;
};

/**
 * The value of an option, never below what exercise brings nor above the discounted forward (call) or strike (put).
 *
 * @example black76Price({ type: "call", forward: 100_000, strike: 110_000, years: 0.25, volatility: 0.6 })
 */
export function black76Price(option: Black76Arguments): number {
  const discount = checkedDiscount(option);
  const { forward, strike, years, volatility } = option;
  return priceOf(option, discount, standardise(forward, strike, 0, 0, years, volatility));
}

/**
 * The value of an option with its first derivatives and gamma. With D the discount, d1 and d2 = (ln(F/K) ± s^2/2)/s and
 * s = volatility sqrt(years), for a call:
 *
 *   delta = D N(d1)                      per 1 of the forward
 *   gamma = D n(d1) / (F s)              per 1 of the forward, twice
 *   vega  = D F n(d1) sqrt(years)        per 1.00 of volatility
 *   theta = -vega volatility / (2 years) - price ln(D) / years       per year that passes, the rate in D held fixed
 *   rho   = -years price                 per 1.00 of the rate in D, the forward held fixed
 *   dualDelta = -D N(d2)                 per 1 of the strike
 *
 * A put has -N(-d1) and +N(-d2) instead. Where volatility or time is zero the value has a kink at the strike: delta there is
 * half the discount (dualDelta likewise), gamma and vega are zero everywhere, and theta at expiry is zero.
 *
 * Error: a few units in the last place each, in the deep wings too (`docs/pricing/accuracy.md` has the measured ones); theta
 * with a discount other than 1 is a sum of two terms of opposite sign, and its error is relative to the larger.
 */
export function black76(option: Black76Arguments): Black76Values {
  const discount = checkedDiscount(option);
  const { type, forward, strike, years, volatility } = option;
  const standard = standardise(forward, strike, 0, 0, years, volatility);
  const { d1, d1Low, d2, d2Low, root, deviation } = standard;
  const price = priceOf(option, discount, standard);
  const call = type === "call";
  const held = call ? distributionAt(d1, d1Low, upper) : distributionAt(-d1, -d1Low, upper);
  const owed = call ? distributionAt(d2, d2Low, lower) : distributionAt(-d2, -d2Low, lower);
  const side = call ? discount : -discount;
  const delta = side * held.value * held.coarse * held.fine;
  const dualDelta = -side * owed.value * owed.coarse * owed.fine;
  const interest = discount === 1 || years === 0 || price === 0 ? 0 : price * (log(discount) / years);
  const rho = -years * price + 0; // the zero keeps -0 away
  if (deviation === 0) return { price, delta, gamma: 0, vega: 0, theta: -interest + 0, rho, dualDelta };
  const { value, coarse, fine } = densityAt(d1, d1Low, discount * forward);
  const theta = ((-0.5 * value * volatility) / root) * coarse * fine - interest + 0;
  return {
    price,
    delta,
    gamma: value === 0 ? 0 : (value / (forward * deviation) / forward) * coarse * fine,
    vega: value * root * coarse * fine,
    // A moment before expiry both terms may be beyond doubles: then their difference first.
    theta: theta === theta ? theta : (-0.5 * value * volatility * root * coarse * fine - price * log(discount)) / years,
    rho,
    dualDelta,
  };
}

const upper = scratch();
const lower = scratch();

/** Exercise plus time value, added as pairs, so that the sum and the discount round about once each. */
function priceOf(option: OptionTerms, discount: number, standard: Readonly<Standardised>): number {
  const { type, forward, strike } = option;
  const { distance, distanceLow, deviation, deviationLow } = standard;
  const below = forward <= strike;
  const low = below ? forward : strike;
  // A put under the strike is the call with forward and strike exchanged: one formula, without cancelling exercise.
  const side = below ? -1 : 1;
  const value = timeValueOfPair(low, side * distance, side * distanceLow, deviation, deviationLow);
  if (below === (type === "call") || forward === strike) return discount * value;
  const gain = below ? strike - forward : forward - strike;
  const gainLow = below ? sumError(strike, -forward, gain) : sumError(forward, -strike, gain);
  const sum = gain + value;
  const rest = sumError(gain, value, sum) + gainLow;
  const price = discount * sum + discount * rest;
  // Rounding exercise and discounting it may end a place higher than rounding once: a price is never below that.
  const floor = discount * gain;
  return price < floor ? floor : price;
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
  return forward <= strike
    ? outOfTheMoneyValue(forward, strike, deviation)
    : outOfTheMoneyValue(strike, forward, deviation);
}

/** The discount factor exp(-rate * years) of a continuously compounded rate. */
export function discountFactor(rate: number, years: number): number {
  return exp(-rate * years);
}

/** Checks the terms of an option and returns its discount. */
export function checkedDiscount({ type, forward, strike, years, volatility, discount = 1 }: Black76Arguments): number {
  oneOf("type", type, optionTypes);
  positive("forward", forward);
  positive("strike", strike);
  notNegative("years", years);
  notNegative("volatility", volatility);
  return positive("discount", discount);
}
