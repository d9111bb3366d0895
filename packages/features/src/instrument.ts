/**
 * What a tick and a lot of an instrument are worth, and, for options, what is written in the contract. The scale is kept as two
 * integers, so that a price of 1924 quarters is 481 exactly and 3 ticks of 0.0005 are the double nearest to 0.0015.
 */
import { FeatureRefusal } from "./refusal.ts";

/** A decimal step as a fraction of integers: 0.0005 is 1 / 2000, 25 is 25 / 1. */
export interface Scale {
  readonly multiply: number;
  readonly divide: number;
}

export interface OptionTerms {
  readonly type: "call" | "put";
  /** In the currency of the underlying's price. */
  readonly strike: number;
  /** Nanoseconds since 1970 UTC. */
  readonly expiryNs: bigint;
  /** `coin`: premium and payoff in the underlying coin (inverse); `currency`: in the currency of the strike. */
  readonly unit: "coin" | "currency";
}

export interface Instrument {
  readonly name: string;
  readonly kind: "spot" | "perpetual" | "future" | "option" | "equity" | "other";
  /** Price of one tick, in the currency of quotation. */
  readonly tick: Scale;
  /** Quantity of one lot, in the unit in which the venue states sizes. */
  readonly lot: Scale;
  /** What one unit of size controls, in units of the underlying: 1 where size is in coins or shares, 50 for an E-mini. */
  readonly multiplier: number;
  readonly option?: OptionTerms;
}

/** `parseScale("0.25")` is a quarter. Refuses what is not a positive decimal of at most 15 digits. */
export function parseScale(text: string, argument = "scale"): Scale {
  const match = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text);
  if (match === null) throw new FeatureRefusal({ argument, value: text, wanted: "a positive decimal, like 0.25" });
  const [, whole = "0", fraction = ""] = match;
  const digits = Number(whole + fraction);
  if (digits === 0 || !Number.isSafeInteger(digits)) {
    throw new FeatureRefusal({ argument, value: text, wanted: "a positive decimal of at most 15 digits" });
  }
  let power = 1;
  for (let place = 0; place < fraction.length; place++) power *= 10;
  const divisor = greatestCommonDivisor(digits, power);
  return { multiply: digits / divisor, divide: power / divisor };
}

/** The number that `steps` of a scale are. */
export const scaled = (scale: Scale, steps: number): number => (steps * scale.multiply) / scale.divide;

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
