/**
 * The volatility at which Bachelier's model gives a price, to full double accuracy over the whole domain, by a guess in closed
 * form and two steps. The time value over the distance d = |forward - strike|, beta = phi(h)/h - Phi(-h) with h = d/s, depends
 * on h alone, so that the inversion is of one variable (P. Jaeckel, "Implied normal volatility", Wilmott, July 2017, uses the
 * same reduction; fit and steps here are our own): h from ln(beta) within 0.3 %, a step of Householder's method of third order
 * in doubles, and one on pairs of doubles. A price that no volatility explains is refused as a value.
 */
import { log } from "./kernel/functions.ts";
import { productError, sumError } from "@stoa/base/exact/error-free";
import { at, expPair, leave, multiplyPair, result } from "@stoa/base/exact/pairs";
import type { BachelierArguments } from "./bachelier.ts";
import { optionTypes } from "./black76.ts";
import {
  densityTop,
  householder,
  lessExercise,
  logOfExcess,
  logOfTwo,
  mills,
  normalDistanceOfLog,
  overRoot,
  proportional,
  shareOf,
} from "./inversion.ts";
import { exponentOf, firstMomentPair, scaled } from "./normalised-black.ts";
import { finite, notNegative, oneOf, positive } from "./refusal.ts";

/** In the order in which they are checked. A price in this model has no maximum. */
export const normalImpliedVolatilityRefusals = ["expired", "price-below-exercise"] as const;
export type NormalImpliedVolatilityRefusal = (typeof normalImpliedVolatilityRefusals)[number];

export type NormalImpliedVolatilityArguments = Omit<BachelierArguments, "volatility"> & { readonly price: number };

/**
 * The volatility, in units of the forward per square-root year, that explains `price` in Bachelier's model, or why there is
 * none: at expiry; below the discounted exercise value. A price equal to that is explained by 0. Forward and strike of any
 * sign. Arguments outside their domain throw a `PricingRefusal`.
 *
 * It solves price = bachelierPrice for volatility. Error: below 0.51 units in the last place of the volatility that the given
 * doubles determine, in two steps; Infinity where it is beyond doubles.
 *
 * @example normalImpliedVolatility({ type: "call", forward: 0.02, strike: 0.03, years: 2, price: 0.001 })
 */
export function normalImpliedVolatility(
  option: NormalImpliedVolatilityArguments,
): number | NormalImpliedVolatilityRefusal {
  const { type, forward, strike, years, price, discount = 1 } = option;
  oneOf("type", type, optionTypes);
  finite("forward", forward);
  finite("strike", strike);
  finite("forward - strike", forward - strike);
  positive("discount", discount);
  finite("price", price);
  if (notNegative("years", years) === 0) return "expired";
  const volatility = normalVolatility(type === "call", forward, strike, years, price, discount);
  return volatility < 0 ? "price-below-exercise" : volatility;
}

/** The same over plain numbers, which are trusted to be in their domain, years positive; -1 for a price below exercise. */
export function normalVolatility(
  call: boolean,
  forward: number,
  strike: number,
  years: number,
  price: number,
  discount: number,
): number {
  const above = strike < forward;
  const distance = above ? forward - strike : strike - forward;
  const inside = call === above && distance !== 0;
  const floor = inside ? discount * distance : 0;
  if (price === floor) return 0;
  if (price < floor) return -1;
  if (discount * distance * nothingBeside <= price) {
    // The distance is nothing beside the deviation: s = sqrt(2 pi) price / discount.
    const shift = 1e300 < price ? 4 : 0; // s may be no double where s / sqrt(years) is one
    shareOf(price, 0, discount, 0, share);
    share[2] = (share[2] as number) - shift;
    proportional(share, pair);
    return scaled(overRoot(pair[0] as number, pair[1] as number, years), shift);
  }
  const distanceLow = above ? sumError(forward, -strike, distance) : sumError(strike, -forward, distance);
  const shift = 1e90 < distance || distance < 1e-90 ? -exponentOf(distance) : 0;
  const unit = scaled(distance, shift);
  const unitLow = scaled(distanceLow, shift);
  const base = discount * unit;
  const baseLow = productError(discount, unit, base) + discount * unitLow;
  if (inside) {
    lessExercise(scaled(price, shift), unit, unitLow, discount, pair);
    if ((pair[0] as number) <= 0) return 0;
    shareOf(pair[0] as number, pair[1] as number, base, baseLow, share);
  } else {
    shareOf(price, 0, base, baseLow, share);
    share[2] = (share[2] as number) + shift;
  }
  solve(share, pair);
  overDistance(unit, unitLow, pair);
  return scaled(overRoot(pair[0] as number, pair[1] as number, years), -shift);
}

const nothingBeside = 1180591620717411303424; // 2^70
const share = new Float64Array(3);
const pair = new Float64Array(2);

/** The h > 0 at which beta(h) is the goal, as a pair. */
function solve(goal: Float64Array, pair: Float64Array): void {
  const target = log(at(goal, 0)) + at(goal, 2) * logOfTwo;
  const guess = normalDistanceOfLog(target);
  const moment = densityTop - guess * mills(guess);
  const h = guess + stepOf(guess, log(moment / guess) - 0.5 * guess * guess - target, moment);

  // beta = exp(-h^2/2) J1(h) / h, as a pair.
  firstMomentPair(h, 0);
  const first = at(result, 0);
  const firstLow = at(result, 1);
  const quotient = first / h;
  const product = quotient * h;
  const quotientLow = (first - product - productError(quotient, h, product) + firstLow) / h;
  const square = h * h;
  const exponent = expPair(-0.5 * square, -0.5 * productError(h, h, square));
  multiplyPair(quotient, quotientLow);
  leave(h, stepOf(h, logOfExcess(exponent, goal), first));
  pair[0] = at(result, 0);
  pair[1] = at(result, 1);
}

/** The step for ln(beta): beta' = -phi(h)/h^2 and beta''/beta' = -h - 2/h, so (ln beta)' = -1/(sqrt(2 pi) h J1). */
function stepOf(h: number, difference: number, moment: number): number {
  const slope = -densityTop / (h * moment);
  const q = -h - 2 / h;
  const r = q * q - 1 + 2 / (h * h);
  return householder(-difference / slope, q - slope, r - 3 * slope * q + 2 * slope * slope);
}

/** (unit + unitLow) / the pair, into the pair. */
function overDistance(unit: number, unitLow: number, pair: Float64Array): void {
  const h = pair[0] as number;
  const quotient = unit / h;
  const product = quotient * h;
  const rest = unit - product - productError(quotient, h, product) + (unitLow - quotient * (pair[1] as number));
  leave(quotient, rest / h);
  pair[0] = at(result, 0);
  pair[1] = at(result, 1);
}
