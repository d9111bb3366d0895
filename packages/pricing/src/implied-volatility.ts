/**
 * The volatility at which Black-76 gives a price, to full double accuracy over the whole domain and the same to the bit on
 * every engine. It works in discounted money on pairs of doubles: what the price holds above exercise and what it lacks to its
 * maximum are exact to some 104 bits, so a price that is nearly all exercise, or nearly the maximum, still says all it knows.
 * The inversion itself is `implied-deviation.ts`. A price that no volatility explains is refused as a value that says which
 * bound was crossed.
 */
import { productError, sumError } from "@stoa/base/exact/error-free";
import { optionTypes, type OptionTerms } from "./black76.ts";
import { impliedDeviation } from "./implied-deviation.ts";
import { lessExercise, overRoot, shareOf } from "./inversion.ts";
import { exponentOf, logMoneyness, scaled } from "./normalised-black.ts";
import { notNegative, oneOf, positive, PricingRefusal } from "./refusal.ts";

/** In the order in which they are checked. */
export const impliedVolatilityRefusals = ["expired", "price-below-exercise", "price-above-maximum"] as const;
export type ImpliedVolatilityRefusal = (typeof impliedVolatilityRefusals)[number];

export type ImpliedVolatilityArguments = OptionTerms & {
  readonly price: number;
  /** Positive; 1 when absent. */
  readonly discount?: number;
};

/**
 * The volatility per square-root year that explains `price`, or why there is none: at expiry; below the discounted exercise
 * value; at or above the discounted forward (call) or strike (put), the limit of infinite volatility. A price equal to the
 * discounted exercise value is explained by 0. Arguments outside their domain throw a `PricingRefusal`.
 *
 * It solves price = black76Price for volatility. Error: below 0.55 units in the last place of the volatility that the given
 * doubles determine, subnormal prices included, by a closed guess and two steps, never more. Method and sources:
 * `implied-deviation.ts`.
 *
 * @example impliedVolatility({ type: "put", forward: 4_000, strike: 3_500, years: 0.1, price: 60 })
 */
export function impliedVolatility(option: ImpliedVolatilityArguments): number | ImpliedVolatilityRefusal {
  const { type, forward, strike, years, price, discount = 1 } = option;
  oneOf("type", type, optionTypes);
  positive("forward", forward);
  positive("strike", strike);
  positive("discount", discount);
  if (notNegative("years", years) === 0) return "expired";
  if (typeof price !== "number" || price !== price) throw new PricingRefusal("price", "not-a-number", price);
  const volatility = blackVolatility(type === "call", forward, strike, years, price, discount);
  if (volatility === belowExercise) return "price-below-exercise";
  return volatility === aboveMaximum ? "price-above-maximum" : volatility;
}

/** What `blackVolatility` answers instead of a volatility: the price is below exercise. */
export const belowExercise = -1;
/** The price is at or above its maximum. */
export const aboveMaximum = -2;

/** The same over plain numbers, which are trusted to be in their domain, years positive; refusals are negative numbers. */
export function blackVolatility(
  call: boolean,
  forward: number,
  strike: number,
  years: number,
  price: number,
  discount: number,
): number {
  const below = forward < strike;
  const low = below ? forward : strike;
  const high = below ? strike : forward;
  const gain = call === below ? 0 : high - low;
  const floor = discount * gain;
  if (price === floor) return 0;
  if (price < floor) return belowExercise;
  if (discount * (call ? forward : strike) <= price) return aboveMaximum;
  // Products with the discount keep their rests only for magnitudes within 2^±400: far prices are brought nearer first.
  const shift = 1e90 < low || low < 1e-90 ? -exponentOf(low) : 0;
  const unit = scaled(price, shift);
  const lowUnit = scaled(low, shift);
  const base = discount * lowUnit;
  const baseLow = productError(discount, lowUnit, base);
  // In the money: less the discounted exercise value, whose difference is itself a pair.
  lessExercise(
    unit,
    gain === 0 ? 0 : scaled(gain, shift),
    scaled(gain === 0 ? 0 : sumError(high, -low, gain), shift),
    discount,
    pair,
  );
  const value = at(0);
  const valueLow = at(1);
  if (value <= 0 && gain !== 0) return 0;
  const difference = base - value;
  const differenceLow = sumError(base, -value, difference) + (baseLow - valueLow);
  const missing = difference + differenceLow;
  if (!(0 < missing)) return aboveMaximum;
  // Out of the money a price far below 2^-1022 of the strike has all its digits in its own unit only.
  if (gain === 0) shareOf(price, 0, base, baseLow, valueShare);
  else shareOf(value, valueLow, base, baseLow, valueShare);
  if (gain === 0) valueShare[2] = (valueShare[2] as number) + shift;
  shareOf(missing, differenceLow - (missing - difference), base, baseLow, missingShare);
  logMoneyness(low, high, pair);
  impliedDeviation(at(0), at(1), valueShare, missingShare, pair);
  return overRoot(at(0), at(1), years);
}

const pair = new Float64Array(2);
const valueShare = new Float64Array(3);
const missingShare = new Float64Array(3);

function at(index: number): number {
  return pair[index] as number;
}
