/**
 * The payoffs that can be simulated, as plain objects with bytes, and the check of their arguments. Times are in years from now,
 * amounts in the currency of the strike, per unit of the underlying, and paid at expiry except where exercise is earlier. Dates
 * of observation are equally spaced and end at expiry: the i-th of n is at years * i / n.
 */
import { list, oneOf as wordOf, u8, u32, union, type Decoded } from "@stoa/base/codec";
import { finite, integer, notNegative, oneOf, positive, PricingRefusal } from "../refusal.ts";
import { float64 } from "./float64.ts";
import { assetsCountMax } from "./model.ts";

/** As many dates of observation as a payoff may have. */
export const observationsCountMax = 10_000;
/** As many blocks of 4,096 paths as a regression may take. */
export const regressionBlocksMax = 64;

const optionTypes = ["call", "put"] as const;
const terms = { type: wordOf(optionTypes), strike: float64, years: float64 };

export const payoffCodec = union({
  /** max(S - K, 0), or max(K - S, 0) of a put, with S at expiry. */
  european: { tag: 0, fields: terms },
  /** The same with the mean of S at `fixings` dates in place of S. */
  asian: { tag: 1, fields: { ...terms, averaging: wordOf(["arithmetic", "geometric"]), fixings: u32 } },
  /**
   * A European option that comes to life ("in") or dies ("out") when S has been at the barrier or beyond it: at one of the
   * `observations` dates ("discrete"), or at any time ("continuous"), for which the dates are the steps between which a Brownian
   * bridge gives the probability. Whoever is left without the option gets the rebate at expiry.
   */
  barrier: {
    tag: 2,
    fields: {
      ...terms,
      direction: wordOf(["up", "down"]),
      knock: wordOf(["in", "out"]),
      barrier: float64,
      rebate: float64,
      monitoring: wordOf(["discrete", "continuous"]),
      observations: u32,
    },
  },
  /** A European option on the sum of `weights[i]` of asset i. */
  basket: { tag: 3, fields: { ...terms, weights: list(float64, assetsCountMax) } },
  /**
   * An option that may be exercised at each of the `exercises` dates (not now), by the rule of Longstaff and Schwartz (2001); the
   * rule is learnt on `regressionBlocks` blocks of 4,096 paths of their own.
   */
  american: { tag: 4, fields: { ...terms, exercises: u32, regressionBlocks: u8 } },
});

export type Payoff = Decoded<typeof payoffCodec>;
export type AsianPayoff = Extract<Payoff, { kind: "asian" }>;
export type BarrierPayoff = Extract<Payoff, { kind: "barrier" }>;
export type BasketPayoff = Extract<Payoff, { kind: "basket" }>;
export type AmericanPayoff = Extract<Payoff, { kind: "american" }>;

/** Returns the payoff, or throws a {@link PricingRefusal} that names the argument, as in `payoff.strike`. */
export function checkedPayoff(payoff: Payoff): Payoff {
  oneOf("payoff.kind", payoff.kind, ["european", "asian", "barrier", "basket", "american"] as const);
  oneOf("payoff.type", payoff.type, optionTypes);
  positive("payoff.strike", payoff.strike);
  positive("payoff.years", payoff.years);
  switch (payoff.kind) {
    case "european":
      return payoff;
    case "asian":
      oneOf("payoff.averaging", payoff.averaging, ["arithmetic", "geometric"] as const);
      integer("payoff.fixings", payoff.fixings, 1, observationsCountMax);
      return payoff;
    case "barrier":
      oneOf("payoff.direction", payoff.direction, ["up", "down"] as const);
      oneOf("payoff.knock", payoff.knock, ["in", "out"] as const);
      oneOf("payoff.monitoring", payoff.monitoring, ["discrete", "continuous"] as const);
      positive("payoff.barrier", payoff.barrier);
      notNegative("payoff.rebate", payoff.rebate);
      integer("payoff.observations", payoff.observations, 1, observationsCountMax);
      return payoff;
    case "basket":
      if (payoff.weights.length === 0) throw new PricingRefusal("payoff.weights", "empty", 0);
      for (const [index, weight] of payoff.weights.entries()) finite(`payoff.weights[${index}]`, weight);
      return payoff;
    case "american":
      integer("payoff.exercises", payoff.exercises, 1, observationsCountMax);
      integer("payoff.regressionBlocks", payoff.regressionBlocks, 1, regressionBlocksMax);
      return payoff;
    default:
      return payoff satisfies never;
  }
}

/** On how many dates the payoff looks at the path. */
export function observationCount(payoff: Payoff): number {
  switch (payoff.kind) {
    case "european":
    case "basket":
      return 1;
    case "asian":
      return payoff.fixings;
    case "barrier":
      return payoff.observations;
    case "american":
      return payoff.exercises;
    default:
      return payoff satisfies never;
  }
}
