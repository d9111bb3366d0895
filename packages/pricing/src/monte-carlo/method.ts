/**
 * How paths are simulated and what is estimated from them, as a plain object with bytes, and the check of its arguments together
 * with those of the model and the payoff: which combinations exist.
 */
import { bool, oneOf as wordOf, record, u16, u32, type Decoded } from "@stoa/base/codec";
import { integer, oneOf, PricingRefusal } from "../refusal.ts";
import type { Model } from "./model.ts";
import { observationCount, type Payoff } from "./payoff.ts";

const controls = ["none", "spot", "closed-form"] as const;
const greekMethods = ["none", "pathwise", "likelihood-ratio"] as const;
const pointSets = ["philox", "sobol"] as const;

export const methodCodec = record({
  /** Steps of the model from one date of the payoff to the next: 1 where the step is exact, more for Heston. */
  stepsPerObservation: u32,
  /** A path is then a pair, with all draws mirrored, and its value their mean. */
  antithetic: bool,
  /** Normals of each step are shifted and scaled to mean 0 and variance 1 in blocks of 4,096 paths; a sample is then the mean of a block. */
  momentMatching: bool,
  /** What the value is regressed on: nothing, the spot (or basket) at expiry, or a payoff with a closed form. */
  control: wordOf(controls),
  greeks: wordOf(greekMethods),
  /** Philox draws, or Sobol points with Owen scrambling and a Brownian bridge. */
  points: wordOf(pointSets),
  /** Independent scramblings, from which the standard error comes; 1 with Philox, at least 2 with Sobol. */
  replicates: u16,
});

export type Method = Decoded<typeof methodCodec>;

/** Independent paths and their mean. */
export const plainMethod: Method = {
  stepsPerObservation: 1,
  antithetic: false,
  momentMatching: false,
  control: "none",
  greeks: "none",
  points: "philox",
  replicates: 1,
};

export const stepsCountMax = 100_000;
export const replicatesCountMax = 256;

/** Returns the method, or throws a {@link PricingRefusal}; model and payoff have been checked by themselves. */
export function checkedMethod(method: Method, model: Model, payoff: Payoff): Method {
  integer("method.stepsPerObservation", method.stepsPerObservation, 1, stepsCountMax);
  integer("method.stepsPerObservation", method.stepsPerObservation * observationCount(payoff), 1, stepsCountMax);
  boolean("method.antithetic", method.antithetic);
  boolean("method.momentMatching", method.momentMatching);
  oneOf("method.control", method.control, controls);
  oneOf("method.greeks", method.greeks, greekMethods);
  oneOf("method.points", method.points, pointSets);
  const sobol = method.points === "sobol";
  integer("method.replicates", method.replicates, sobol ? 2 : 1, sobol ? replicatesCountMax : 1);
  // Scrambled points have their moments, and a mirrored net is no net of the same quality.
  if (sobol && method.antithetic) refuse("method.antithetic", true, "takes philox points");
  if (method.momentMatching && sobol) refuse("method.momentMatching", true, "takes philox points");
  if (sobol && model.kind === "kou")
    refuse("method.points", "sobol", "takes a model with a fixed number of draws, not");
  checkBasket(model, payoff);
  checkControl(method, model, payoff);
  checkGreeks(method, model, payoff);
  if (payoff.kind === "barrier" && payoff.monitoring === "continuous" && model.kind !== "black-scholes") {
    refuse(
      "payoff.monitoring",
      "continuous",
      "takes the black-scholes model, between whose steps lies a Brownian bridge, not",
    );
  }
  return method;
}

function boolean(argument: string, value: boolean): void {
  if (typeof value !== "boolean")
    throw new PricingRefusal(argument, "outside-range", value, "must be true or false, not");
}

function checkBasket(model: Model, payoff: Payoff): void {
  if (model.kind !== "black-scholes-basket") {
    if (payoff.kind === "basket") refuse("model.kind", model.kind, "must be black-scholes-basket for a basket, not");
    return;
  }
  if (payoff.kind !== "basket")
    return refuse("payoff.kind", payoff.kind, "must be basket for a model of several assets, not");
  if (model.assets.length !== payoff.weights.length) {
    throw new PricingRefusal("payoff.weights", "lengths-differ", payoff.weights.length);
  }
}

function checkControl(method: Method, model: Model, payoff: Payoff): void {
  if (method.control !== "closed-form") return;
  if (model.kind !== "black-scholes") refuse("method.control", method.control, "takes the black-scholes model");
  const known =
    payoff.kind === "american" ||
    payoff.kind === "barrier" ||
    (payoff.kind === "asian" && payoff.averaging === "arithmetic");
  if (!known) refuse("method.control", method.control, "takes an arithmetic Asian, barrier or American payoff");
}

function checkGreeks(method: Method, model: Model, payoff: Payoff): void {
  if (method.greeks === "pathwise" && payoff.kind === "barrier") {
    refuse(
      "method.greeks",
      method.greeks,
      "takes a payoff that is continuous along the path, which one with a barrier is not, so not",
    );
  }
  if (method.greeks === "likelihood-ratio") {
    if (model.kind !== "black-scholes") refuse("method.greeks", method.greeks, "takes the black-scholes model");
    // The rule of exercise was learnt with this spot and volatility: it depends on them beside the path.
    if (payoff.kind === "american") refuse("method.greeks", method.greeks, "takes no rule of exercise, so no");
  }
}

function refuse(argument: string, value: unknown, rule: string): never {
  throw new PricingRefusal(argument, "outside-range", value, rule);
}
