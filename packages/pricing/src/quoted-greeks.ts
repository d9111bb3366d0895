/**
 * Deltas and greeks as markets quote them. The files of the models answer with derivatives; a venue's screen shows something
 * else: a delta without discount or less the premium, gamma as the slope of that delta, vega per point of volatility, theta
 * per day, each in the currency or in the coin. Every such convention has a name here and is an argument.
 *
 * Names of deltas follow `surface/delta.ts`. U. Wystup, "FX Options and Structured Products" (2017), section 1.5.
 */
import { black76, checkedDiscount, optionTypes, type Black76Arguments, type OptionType } from "./black76.ts";
import { legsOf, type BlackScholesArguments } from "./black-scholes.ts";
import { oneOf } from "./refusal.ts";
import { densityAt, distributionAt, scratch, standardise, type Standardised } from "./standardised.ts";
import { deltaConventions, type DeltaConvention } from "./surface/delta.ts";

export const spotDeltaConventions = ["spot", "spot-premium-adjusted", ...deltaConventions] as const;
export type SpotDeltaConvention = (typeof spotDeltaConventions)[number];

/**
 * The delta of an option on a forward, with w = 1 for a call and -1 for a put:
 * - "forward":          w N(w d1), per unit of the forward: what Deribit and most coin venues publish;
 * - "discounted":       D w N(w d1), the derivative of the price;
 * - "premium-adjusted": w K/F N(w d2), which is the forward delta less the undiscounted price over F: the coins that hedge an
 *   option whose premium is paid in coin. Over F and times D it is the derivative of the value in coins.
 * Error: about two units in the last place.
 */
export function forwardDelta(option: Black76Arguments, convention: DeltaConvention): number {
  const discount = checkedDiscount(option);
  oneOf("convention", convention, deltaConventions);
  const { type, forward, strike, years, volatility } = option;
  const standard = standardise(forward, strike, 0, 0, years, volatility);
  if (convention === "premium-adjusted") return lower(type, standard, strike / forward);
  return upper(type, standard, convention === "discounted" ? discount : 1);
}

/**
 * The delta of an option on a spot: the forward ones, whose forward is S exp((r - q) T), "discounted" meaning exp(-r T) N(d1), and
 * - "spot":                  w exp(-q T) N(w d1), the derivative of the price;
 * - "spot-premium-adjusted": w exp(-r T) K/S N(w d2), which is the spot delta less price/S.
 */
export function spotDelta(option: BlackScholesArguments, convention: SpotDeltaConvention): number {
  oneOf("type", option.type, optionTypes);
  oneOf("convention", convention, spotDeltaConventions);
  const { asset, cash, assetDiscount, cashDiscount, standard } = legsOf(option);
  const { type, spot } = option;
  if (convention === "premium-adjusted") return lower(type, standard, cash / asset);
  if (convention === "spot-premium-adjusted") return lower(type, standard, cash / spot);
  return upper(type, standard, convention === "spot" ? assetDiscount : convention === "discounted" ? cashDiscount : 1);
}

export const rhoConventions = ["forward", "spot"] as const;
export const units = ["currency", "coin"] as const;

export type QuoteConventions = {
  /** Which delta; gamma is its slope per 1 of the forward. */
  readonly delta: DeltaConvention;
  /** In what the price is given. */
  readonly price: (typeof units)[number];
  /** In what vega, theta and rho are given. A value in coins is that in the currency over the forward. */
  readonly greeks: (typeof units)[number];
  /** Vega and rho per 1.00 ("one") or per 0.01 ("percent") of volatility and rate. */
  readonly step: "one" | "percent";
  /** What a change of the rate leaves alone: the forward (-T price) or the spot (T K times the chance of exercise, discounted). */
  readonly rho: (typeof rhoConventions)[number];
  /** Theta per year or per day of 1/365 year. */
  readonly time: "year" | "day";
};

/** Of the inverse options of Deribit: delta N(d1), the price in coins, greeks in dollars per point and per day. */
export const inverseVenueConventions: QuoteConventions = {
  delta: "forward",
  price: "coin",
  greeks: "currency",
  step: "percent",
  rho: "spot",
  time: "day",
};

/** Of linear options on the same venues: the same but for the price. */
export const linearVenueConventions: QuoteConventions = { ...inverseVenueConventions, price: "currency" };

export type QuotedGreeks = {
  readonly price: number;
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
};

/**
 * Price and greeks of a Black-76 option in the conventions of a venue.
 *
 * @example quotedGreeks({ type: "call", forward: 100_000, strike: 110_000, years: 0.25, volatility: 0.6 }, inverseVenueConventions)
 */
export function quotedGreeks(option: Black76Arguments, conventions: QuoteConventions): QuotedGreeks {
  oneOf("conventions.price", conventions.price, units);
  oneOf("conventions.greeks", conventions.greeks, units);
  oneOf("conventions.step", conventions.step, ["one", "percent"]);
  oneOf("conventions.rho", conventions.rho, rhoConventions);
  oneOf("conventions.time", conventions.time, ["year", "day"]);
  const values = black76(option);
  const spotRho = -option.years * option.strike * values.dualDelta + 0;
  const scale = conventions.greeks === "coin" ? option.forward : 1;
  const step = conventions.step === "percent" ? 100 : 1;
  return {
    price: conventions.price === "coin" ? values.price / option.forward : values.price,
    delta: forwardDelta(option, conventions.delta),
    gamma: slopeOfDelta(option, conventions.delta),
    vega: values.vega / scale / step,
    theta: values.theta / scale / (conventions.time === "day" ? 365 : 1),
    rho: (conventions.rho === "spot" ? spotRho : values.rho) / scale / step,
  };
}

/** The derivative of `forwardDelta` in the forward. A premium-adjusted one is a difference: its error is relative to the larger term. */
function slopeOfDelta(option: Black76Arguments, convention: DeltaConvention): number {
  const { type, forward, strike, years, volatility, discount = 1 } = option;
  const standard = standardise(forward, strike, 0, 0, years, volatility);
  const { d1, d1Low, deviation } = standard;
  const held = convention === "premium-adjusted" ? lower(type, standard, strike / forward) / forward : 0;
  if (deviation === 0) return -held + 0;
  const { value, coarse, fine } = densityAt(d1, d1Low, convention === "discounted" ? discount : 1);
  return (value / deviation / forward) * coarse * fine - held;
}

function upper(type: OptionType, { d1, d1Low }: Readonly<Standardised>, leg: number): number {
  return chance(type === "call" ? 1 : -1, d1, d1Low, leg);
}

function lower(type: OptionType, { d2, d2Low }: Readonly<Standardised>, leg: number): number {
  return chance(type === "call" ? 1 : -1, d2, d2Low, leg);
}

/** w leg N(w d). */
function chance(side: number, d: number, dLow: number, leg: number): number {
  const { value, coarse, fine } = distributionAt(side * d, side * dLow, out);
  return side * leg * value * coarse * fine;
}

const out = scratch();
