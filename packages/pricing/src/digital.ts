/**
 * European digital options on a spot under the model of Black, Scholes and Merton: cash-or-nothing, which pays an amount of
 * money if it ends in the money, and asset-or-nothing, which pays the asset. A vanilla call is one asset-or-nothing call less K
 * cash-or-nothing calls. On a forward, give the forward as `spot` and one number as both `rate` and `dividendYield`.
 *
 * Conventions are those of black-scholes.ts. M. Rubinstein and E. Reiner, "Unscrambling the binary code", Risk 4 (1991).
 */
import { optionTypes } from "./black76.ts";
import { legsOf, type BlackScholesArguments, type BlackScholesValues } from "./black-scholes.ts";
import { dividePairs, addPairs, lowPart } from "./pair.ts";
import { notNegative, oneOf } from "./refusal.ts";
import { densityAt, distributionAt, scratch, type Standardised } from "./standardised.ts";

export type CashOrNothingArguments = BlackScholesArguments & {
  /** What it pays in money, not negative; 1 when absent. */
  readonly cash?: number;
};

export type DigitalValues = BlackScholesValues;

/**
 * The value of a cash-or-nothing option with its first derivatives and gamma. With X the cash, Z = X exp(-r T), w = 1 for a
 * call and -1 for a put, s = volatility sqrt(T), u = 2 (r - q) T / s:
 *
 *   price = Z N(w d2)                                 delta = w Z n(d2) / (S s)
 *   gamma = -w Z n(d2) d1 / (S s)^2                   vega  = -w Z n(d2) d1 / volatility
 *   theta = r price - w Z n(d2) (u - d1) / (2 T)      rho   = -T price + w Z n(d2) sqrt(T) / volatility
 *   yieldRho = -w Z n(d2) sqrt(T) / volatility        dualDelta = -w Z n(d2) / (K s)
 *
 * Without time or volatility it pays if the forward is beyond the strike, and half on it; the derivatives are then those of
 * discounting. Error: a few units in the last place; theta and rho are sums whose error is relative to the larger term.
 *
 * @example cashOrNothing({ type: "call", spot: 100, strike: 80, years: 0.75, volatility: 0.35, rate: 0.06, cash: 10 })
 */
export function cashOrNothing(option: CashOrNothingArguments): DigitalValues {
  const { type, spot, strike, years, volatility, rate = 0, cash = 1 } = option;
  oneOf("type", type, optionTypes);
  notNegative("cash", cash);
  const { cashDiscount, standard, drift, driftLow } = legsOf(option);
  const side = type === "call" ? 1 : -1;
  const { d1, d2, d2Low, deviation, root } = standard;
  const leg = cash * cashDiscount;
  const chance = distributionAt(side * d2, side * d2Low, lower);
  const paid = leg * chance.value;
  const price = paid * chance.coarse * chance.fine;
  const waiting = -years * paid * chance.coarse * chance.fine;
  const discounting = { ...flat, price, theta: rate * price + 0, rho: waiting + 0 };
  if (deviation === 0 || leg === 0) return discounting;
  const density = densityAt(d2, d2Low, leg);
  if (density.value === 0) return discounting;
  const passing = changeOf(standard, drift, driftLow, d1, standard.d1Low);
  const { coarse, fine } = density;
  const value = side * density.value;
  const perRate = ((value * root) / volatility) * coarse * fine;
  return {
    price,
    delta: (value / deviation / spot) * coarse * fine,
    gamma: ((-value * d1) / deviation / deviation / spot / spot) * coarse * fine + 0,
    vega: ((-value * d1) / volatility) * coarse * fine + 0,
    theta: rate * price - ((value * passing) / (2 * years)) * coarse * fine,
    rho: waiting + perRate,
    yieldRho: -perRate,
    dualDelta: (-value / deviation / strike) * coarse * fine,
  };
}

/**
 * The value of an asset-or-nothing option with its first derivatives and gamma. With A = S exp(-q T), w = 1 for a call and -1
 * for a put, s = volatility sqrt(T), u = 2 (r - q) T / s:
 *
 *   price = A N(w d1)                                 delta = exp(-q T) (N(w d1) + w n(d1) / s)
 *   gamma = -w A n(d1) d2 / (S s)^2                   vega  = -w A n(d1) d2 / volatility
 *   theta = q price - w A n(d1) (u - d2) / (2 T)      rho   = w A n(d1) sqrt(T) / volatility
 *   yieldRho = -T price - w A n(d1) sqrt(T) / volatility      dualDelta = -w A n(d1) / (K s)
 *
 * Without time or volatility it pays if the forward is beyond the strike, and half on it. Error: a few units in the last
 * place; delta of a put, theta and yieldRho are sums whose error is relative to the larger term.
 *
 * @example assetOrNothing({ type: "put", spot: 70, strike: 65, years: 0.5, volatility: 0.27, rate: 0.07, dividendYield: 0.05 })
 */
export function assetOrNothing(option: BlackScholesArguments): DigitalValues {
  const { type, spot, strike, years, volatility, dividendYield = 0 } = option;
  oneOf("type", type, optionTypes);
  const { asset, assetDiscount, standard, drift, driftLow } = legsOf(option);
  const side = type === "call" ? 1 : -1;
  const { d1, d1Low, d2, deviation, root } = standard;
  const chance = distributionAt(side * d1, side * d1Low, upper);
  const price = asset * chance.value * chance.coarse * chance.fine;
  const held = assetDiscount * chance.value * chance.coarse * chance.fine;
  const waiting = -years * asset * chance.value * chance.coarse * chance.fine;
  const holding = { ...flat, price, delta: held, theta: dividendYield * price + 0, yieldRho: waiting + 0 };
  if (deviation === 0) return holding;
  const density = densityAt(d1, d1Low, asset);
  if (density.value === 0) return holding;
  const passing = changeOf(standard, drift, driftLow, d2, standard.d2Low);
  const { coarse, fine } = density;
  const value = side * density.value;
  const perRate = ((value * root) / volatility) * coarse * fine;
  return {
    price,
    delta: held + (value / deviation / spot) * coarse * fine,
    gamma: ((-value * d2) / deviation / deviation / spot / spot) * coarse * fine + 0,
    vega: ((-value * d2) / volatility) * coarse * fine + 0,
    theta: dividendYield * price - ((value * passing) / (2 * years)) * coarse * fine,
    rho: perRate,
    yieldRho: waiting - perRate,
    dualDelta: (-value / deviation / strike) * coarse * fine,
  };
}

const upper = scratch();
const lower = scratch();
const flat: DigitalValues = { price: 0, delta: 0, gamma: 0, vega: 0, theta: 0, rho: 0, yieldRho: 0, dualDelta: 0 };

/** 2 (r - q) T / s less d1 or d2: 2 T times the change of the other one with time to expiry. */
function changeOf(
  { deviation, deviationLow }: Readonly<Standardised>,
  drift: number,
  driftLow: number,
  d: number,
  dLow: number,
): number {
  if (drift === 0) return -d;
  const carry = dividePairs(2 * drift, 2 * driftLow, deviation, deviationLow);
  return addPairs(carry, lowPart(), -d, -dLow);
}
