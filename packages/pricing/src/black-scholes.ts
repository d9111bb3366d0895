/**
 * The model of Black, Scholes and Merton for a European option on a spot price: the value and its first derivatives, in
 * doubles, the same to the bit on every engine. The asset pays or costs a continuous yield: a dividend, a staking reward, a
 * borrowing fee (of the opposite sign), or the foreign rate of a currency pair (Garman and Kohlhagen). It is Black-76 on the
 * forward S exp((r - q) T), but works on the two legs S exp(-q T) and K exp(-r T) and on ln(S/K) + (r - q) T directly, so
 * that nothing is lost on the way to a forward.
 *
 * Conventions, all per unit of the underlying and in the currency of the strike:
 * - `volatility` per square-root year, 0.5 for 50 %; rates continuously compounded per year, 0.05 for 5 %;
 * - `delta` and `gamma` are with respect to the spot; `vega`, `rho` and `yieldRho` per 1.00; `theta` per year that passes.
 *
 * F. Black and M. Scholes, "The pricing of options and corporate liabilities", Journal of Political Economy 81 (1973);
 * R. Merton, "Theory of rational option pricing", Bell Journal of Economics 4 (1973).
 */
import { sumError } from "@stoa/base/exact/error-free";
import { exp } from "@stoa/base/exact";
import { optionTypes, type OptionType } from "./black76.ts";
import { timeValueOfPair } from "./normalised-black.ts";
import { lowPart, multiplyPairs } from "./pair.ts";
import { finite, notNegative, oneOf, positive, PricingRefusal } from "./refusal.ts";
import { densityAt, distributionAt, growthAt, scratch, standardise, type Standardised } from "./standardised.ts";

export type SpotTerms = {
  /** Positive, like the strike. */
  readonly spot: number;
  readonly strike: number;
  /** At 0 the option is worth what exercise brings. */
  readonly years: number;
  readonly volatility: number;
  /** Of money, per year; 0 when absent. */
  readonly rate?: number;
  /** Of the asset, per year: what holding it pays; 0 when absent. */
  readonly dividendYield?: number;
};

export type BlackScholesArguments = SpotTerms & { readonly type: OptionType };

export type BlackScholesValues = {
  readonly price: number;
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
  readonly yieldRho: number;
  readonly dualDelta: number;
};

/**
 * The value of an option, at least what exercise of the forward brings today and at most S exp(-q T) (call) or K exp(-r T)
 * (put). Error: below six units in the last place.
 *
 * @example blackScholesPrice({ type: "put", spot: 100, strike: 95, years: 0.5, volatility: 0.2, rate: 0.03, dividendYield: 0.01 })
 */
export function blackScholesPrice(option: BlackScholesArguments): number {
  oneOf("type", option.type, optionTypes);
  const legs = legsOf(option);
  return priceOf(option.type, legs);
}

/**
 * The value of an option with its first derivatives and gamma. With A = S exp(-q T), B = K exp(-r T), s = volatility sqrt(T)
 * and d1, d2 = (ln(S/K) + (r - q) T ± s^2/2)/s, for a call:
 *
 *   price = A N(d1) - B N(d2)
 *   delta = exp(-q T) N(d1)                              per 1 of the spot
 *   gamma = A n(d1) / (S^2 s)                            per 1 of the spot, twice
 *   vega  = A n(d1) sqrt(T)                              per 1.00 of volatility
 *   theta = -vega volatility/(2 T) + q A N(d1) - r B N(d2)     per year that passes
 *   rho   = T B N(d2),  yieldRho = -T A N(d1)            per 1.00 of the rate, of the yield
 *   dualDelta = -exp(-r T) N(d2)                         per 1 of the strike
 *
 * A put has -N(-d1) and -N(-d2) instead of N(d1) and N(d2). Without time or volatility the derivatives are those of exercise:
 * delta a step, half on the strike of the forward; gamma and vega zero; theta without its first term.
 *
 * Error: a few units in the last place each, in the deep wings too (`docs/pricing/accuracy.md`); theta with rates is a sum of
 * terms of either sign, and its error is relative to the largest.
 */
export function blackScholes(option: BlackScholesArguments): BlackScholesValues {
  const { type, spot, years, volatility, rate = 0, dividendYield = 0 } = option;
  oneOf("type", type, optionTypes);
  const legs = legsOf(option);
  const { asset, cash, assetDiscount, cashDiscount } = legs;
  const price = priceOf(type, legs);
  const { d1, d1Low, d2, d2Low, root, deviation } = legs.standard;
  const side = type === "call" ? 1 : -1;
  // What the option holds of the asset and owes of money (a call), or the reverse (a put), today.
  const above = distributionAt(side * d1, side * d1Low, upper);
  const below = distributionAt(side * d2, side * d2Low, lower);
  const held = side * asset * above.value;
  const owed = side * cash * below.value;
  const carry = dividendYield * held * above.coarse * above.fine - rate * owed * below.coarse * below.fine;
  const firsts = {
    price,
    delta: side * assetDiscount * above.value * above.coarse * above.fine,
    gamma: 0,
    vega: 0,
    theta: carry + 0, // the zero keeps -0 away
    rho: years * owed * below.coarse * below.fine + 0,
    yieldRho: -years * held * above.coarse * above.fine + 0,
    dualDelta: -side * cashDiscount * below.value * below.coarse * below.fine,
  };
  if (deviation === 0) return firsts;
  const { value, coarse, fine } = densityAt(d1, d1Low, asset);
  firsts.gamma = value === 0 ? 0 : (value / (spot * deviation) / spot) * coarse * fine;
  firsts.vega = value * root * coarse * fine;
  firsts.theta = ((-0.5 * value * volatility) / root) * coarse * fine + carry + 0;
  return firsts;
}

const upper = scratch();
const lower = scratch();

/** What the formulas of the model stand on: both legs discounted, and the standardised variables between them. */
export type Legs = {
  /** S exp(-q T). */
  readonly asset: number;
  /** K exp(-r T). */
  readonly cash: number;
  readonly assetDiscount: number;
  readonly cashDiscount: number;
  /** (r - q) T, a pair. */
  readonly drift: number;
  readonly driftLow: number;
  /** Read before `standardise` is called again. */
  readonly standard: Readonly<Standardised>;
};

/** Checks the terms of an option but its type, and computes its legs. */
export function legsOf(option: SpotTerms): Legs {
  const { rate = 0, dividendYield = 0 } = option;
  const spot = positive("spot", option.spot);
  const strike = positive("strike", option.strike);
  const years = notNegative("years", option.years);
  const volatility = notNegative("volatility", option.volatility);
  finite("rate", rate);
  finite("dividendYield", dividendYield);
  const cashDiscount = discountOver("rate", rate, years);
  const assetDiscount = discountOver("dividendYield", dividendYield, years);
  let drift = 0;
  let driftLow = 0;
  if (rate !== dividendYield && years !== 0) {
    const carry = rate - dividendYield;
    drift = multiplyPairs(carry, sumError(rate, -dividendYield, carry), years, 0);
    driftLow = lowPart();
  }
  const standard = standardise(spot, strike, drift, driftLow, years, volatility);
  return {
    asset: spot * assetDiscount,
    cash: strike * cashDiscount,
    assetDiscount,
    cashDiscount,
    drift,
    driftLow,
    standard,
  };
}

/** Beyond this a discount factor or its inverse is no double. */
const exponentMax = 700;
const rateMax = 1e100;

/** exp(-rate years), within a unit in the last place: the product is taken as a pair. */
function discountOver(argument: "rate" | "dividendYield", rate: number, years: number): number {
  if (rate === 0 || years === 0) return 1;
  const exponent = rate * years;
  const within = -exponentMax <= exponent && exponent <= exponentMax && -rateMax <= rate && rate <= rateMax;
  if (!within || rateMax < years)
    throw new PricingRefusal(argument, "outside-range", rate, `times years must be within ±${exponentMax}`);
  const high = multiplyPairs(-rate, 0, years, 0);
  return exp(high) * (1 + lowPart());
}

/** Exercise plus time value. */
export function priceOf(
  type: OptionType,
  { asset, cash, standard }: Pick<Legs, "asset" | "cash" | "standard">,
): number {
  const { distance, distanceLow, deviation, deviationLow } = standard;
  const below = distance < 0;
  const side = below ? -1 : 1;
  const value = timeValueOfPair(below ? asset : cash, side * distance, side * distanceLow, deviation, deviationLow);
  if (below === (type === "call") || distance === 0) return value;
  // Legs that are near to each other lose digits in their difference; exp(distance) - 1 does not.
  if (distance < -0.5 || 0.5 < distance) return side * (asset - cash) + value;
  return side * cash * growthAt(distance, distanceLow) + value;
}
