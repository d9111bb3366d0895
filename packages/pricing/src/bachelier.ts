/**
 * Bachelier's model of 1900 for a European option on a forward whose changes are normal: the value and its derivatives, in
 * doubles, the same to the bit on every engine. Forward and strike may be zero or negative, as spreads, rates and once oil
 * have been. It knows nothing of coins, calendars or rounding to money.
 *
 * Conventions are those of Black-76 with one difference: `volatility` is in units of the forward per square-root year (100
 * for a forward at 5 000 that moves 2 % of itself), and `vega` is per 1 of that unit.
 *
 * L. Bachelier, "Théorie de la spéculation", Annales scientifiques de l'École normale supérieure 17 (1900).
 */
import { log, logPair } from "@stoa/base/exact";
import { sumError } from "@stoa/base/exact/error-free";
import { optionTypes, type OptionType } from "./black76.ts";
import { zeroHigherGreeks as zeros, type HigherGreeks } from "./higher-greeks.ts";
import { addPairs, lowPart, multiplyPairs } from "./pair.ts";
import { finite, notNegative, oneOf, positive } from "./refusal.ts";
import { densityAt, distributionAt, excessAt, scratch, standardiseNormal, type Standardised } from "./standardised.ts";

export type BachelierArguments = {
  readonly type: OptionType;
  /** Of any sign, like the strike. */
  readonly forward: number;
  readonly strike: number;
  /** At 0 the option is worth what exercise brings. */
  readonly years: number;
  /** In units of the forward per square-root year. */
  readonly volatility: number;
  /** Positive; 1 when absent. */
  readonly discount?: number;
};

export type BachelierValues = {
  readonly price: number;
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
  readonly dualDelta: number;
};

/**
 * The value of an option, never below what exercise brings. Error: about two units in the last place.
 *
 * @example bachelierPrice({ type: "call", forward: -3, strike: 0, years: 0.25, volatility: 20 })
 */
export function bachelierPrice(option: BachelierArguments): number {
  const discount = checkedDiscount(option);
  return priceOf(option.type, discount, standardisedOf(option));
}

/**
 * The value of an option with its first derivatives and gamma. With D the discount, s = volatility sqrt(T) and
 * d = (F - K)/s, for a call:
 *
 *   price = D ((F - K) N(d) + s n(d))
 *   delta = D N(d)                per 1 of the forward
 *   gamma = D n(d) / s            per 1 of the forward, twice
 *   vega  = D n(d) sqrt(T)        per 1 of volatility
 *   theta = -vega volatility / (2 T) - price ln(D) / T       per year that passes, the rate in D held fixed
 *   rho   = -T price              per 1.00 of the rate in D, the forward held fixed
 *   dualDelta = -D N(d)           per 1 of the strike
 *
 * A put has -N(-d) and +N(-d) instead. Without time or volatility the derivatives are those of exercise: delta half the
 * discount on the strike, gamma and vega zero, theta at expiry zero.
 *
 * Error: a few units in the last place each, in the deep wings too (`docs/pricing/accuracy.md`); theta with a discount other
 * than 1 is a sum of two terms of opposite sign, and its error is relative to the larger.
 */
export function bachelier(option: BachelierArguments): BachelierValues {
  const discount = checkedDiscount(option);
  const { type, years, volatility } = option;
  const standard = standardisedOf(option);
  const { d1, d1Low, root, deviation } = standard;
  const price = priceOf(type, discount, standard);
  const side = type === "call" ? 1 : -1;
  const chance = distributionAt(side * d1, side * d1Low, upper);
  const delta = side * discount * chance.value * chance.coarse * chance.fine;
  const interest = discount === 1 || years === 0 || price === 0 ? 0 : price * (log(discount) / years);
  const rho = -years * price + 0; // the zero keeps -0 away
  const dualDelta = -delta;
  if (deviation === 0) return { price, delta, gamma: 0, vega: 0, theta: -interest + 0, rho, dualDelta };
  const { value, coarse, fine } = densityAt(d1, d1Low, discount);
  return {
    price,
    delta,
    gamma: (value / deviation) * coarse * fine,
    vega: value * root * coarse * fine,
    theta: ((-0.5 * value * volatility) / root) * coarse * fine - interest + 0,
    rho,
    dualDelta,
  };
}

/**
 * The derivatives of second and third order, named and signed as those of Black-76. With g = D n(d) / s and v = D n(d) sqrt(T):
 *
 *   gamma = dualGamma = g            vanna = -D n(d) d / volatility        volga  = v d^2 / volatility
 *   speed = -g d / s                 zomma = g (d^2 - 1) / volatility      ultima = v d^2 (d^2 - 3) / volatility^2
 *   charm = -ln(D)/T delta + D n(d) d / (2 T)
 *   veta  = -v (1 + d^2 + 2 ln D) / (2 T)       colour = g (1 - d^2 - 2 ln D) / (2 T)
 *
 * Without time or volatility all are zero but charm, which is what the rate does to delta. Error: a few units in the last
 * place; charm with a discount is a sum of two terms and its error relative to the larger.
 */
export function bachelierHigherGreeks(option: BachelierArguments): HigherGreeks {
  const discount = checkedDiscount(option);
  const { type, years, volatility } = option;
  const { d1: d, d1Low: dLow, root, deviation } = standardisedOf(option);
  const side = type === "call" ? 1 : -1;
  logPair(discount, pair);
  const rateYears = -(pair[0] as number);
  const chance = distributionAt(side * d, side * dLow, upper);
  const rate = discount === 1 || years === 0 ? 0 : rateYears / years;
  const interest = rate * side * discount * chance.value * chance.coarse * chance.fine;
  const density = densityAt(d, dLow, discount);
  const { coarse, fine } = density;
  const value = deviation === 0 ? 0 : density.value;
  const gamma = value === 0 ? 0 : value / deviation;
  const vega = value * root;
  if (value === 0) return { ...zeros, charm: interest + 0 };

  const square = multiplyPairs(d, dLow, d, dLow);
  const squareLow = lowPart();
  const lessOne = addPairs(square, squareLow, -1, 0);
  const lessThree = addPairs(square, squareLow, -3, 0);
  // d^2 - 2 r T.
  const passing = addPairs(square, squareLow, -2 * rateYears, 2 * (pair[1] as number));
  const passingLow = lowPart();
  const twiceYears = 2 * years;
  return {
    gamma: gamma * coarse * fine,
    vanna: ((-value * d) / volatility) * coarse * fine + 0,
    volga: ((vega * square) / volatility) * coarse * fine,
    charm: interest + ((value * d) / twiceYears) * coarse * fine,
    veta: ((-vega * addPairs(passing, passingLow, 1, 0)) / twiceYears) * coarse * fine,
    speed: ((-gamma * d) / deviation) * coarse * fine + 0,
    zomma: ((gamma * lessOne) / volatility) * coarse * fine,
    colour: ((gamma * -addPairs(passing, passingLow, -1, 0)) / twiceYears) * coarse * fine,
    ultima: ((vega * square * lessThree) / volatility / volatility) * coarse * fine + 0,
    dualGamma: gamma * coarse * fine,
  };
}

const pair = new Float64Array(2);
const upper = scratch();

function standardisedOf({ forward, strike, years, volatility }: BachelierArguments): Readonly<Standardised> {
  return standardiseNormal(forward, strike, years, volatility);
}

/** Exercise plus the time value s (n(t) - t N(-t)), t = |d|, which call and put share; added as pairs. */
function priceOf(type: OptionType, discount: number, standard: Readonly<Standardised>): number {
  const { distance, distanceLow, deviation, d1, d1Low } = standard;
  const side = d1 < 0 ? -1 : 1;
  const value = deviation === 0 ? 0 : excessAt(side * d1, side * d1Low, deviation);
  const gain = type === "call" ? distance : -distance;
  if (gain <= 0) return discount * value;
  const sum = gain + value;
  const rest = sumError(gain, value, sum) + (type === "call" ? distanceLow : -distanceLow);
  const price = discount * sum + discount * rest;
  // Rounding exercise and discounting it may end a place higher than rounding once: a price is never below that.
  const floor = discount * gain;
  return price < floor ? floor : price;
}

function checkedDiscount({ type, forward, strike, years, volatility, discount = 1 }: BachelierArguments): number {
  oneOf("type", type, optionTypes);
  finite("forward", forward);
  finite("strike", strike);
  notNegative("years", years);
  notNegative("volatility", volatility);
  return positive("discount", discount);
}
