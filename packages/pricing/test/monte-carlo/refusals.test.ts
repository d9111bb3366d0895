/** What is no work: each argument that is out of its domain is refused by its name (PRICE-002). */
import { describe, expect, test } from "vitest";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import { plainMethod } from "@stoa/pricing/monte-carlo/method";
import { simulate } from "@stoa/pricing/monte-carlo/simulation";
import type { Work } from "@stoa/pricing/monte-carlo/work";
import { blackScholes, call, workOf } from "./price.ts";

const base = { spot: 100, rate: 0.02, dividendYield: 0 };
const heston = {
  kind: "heston",
  ...base,
  variance: 0.04,
  meanReversion: 1,
  longVariance: 0.04,
  volatilityOfVariance: 0.5,
  correlation: 0,
};
const kou = { kind: "kou", ...base, volatility: 0.2, jumpsPerYear: 1, upProbability: 0.5, upRate: 10, downRate: 10 };
const merton = { kind: "merton", ...base, volatility: 0.2, jumpsPerYear: 1, jumpMean: 0, jumpDeviation: 0.1 };
const asset = { spot: 100, dividendYield: 0, volatility: 0.2 };
const basket = {
  kind: "black-scholes-basket",
  rate: 0,
  assets: [asset, asset, asset],
  correlations: [[], [0.5], [0.5, 0.5]],
};
const basketCall = { kind: "basket", type: "call", strike: 100, years: 1, weights: [1, 1, 1] };
const asian = { kind: "asian", averaging: "arithmetic", type: "call", strike: 100, years: 1, fixings: 4 };
const barrier = {
  ...{ kind: "barrier", type: "call", strike: 100, years: 1, direction: "up", knock: "out", barrier: 120 },
  ...{ rebate: 0, monitoring: "discrete", observations: 4 },
};
const american = { kind: "american", type: "put", strike: 100, years: 1, exercises: 4, regressionBlocks: 1 };

function refusalOf(run: () => unknown): readonly [string, string] | string {
  try {
    run();
  } catch (error) {
    if (error instanceof PricingRefusal) return [error.argument, error.reason];
    throw error;
  }
  return "no refusal";
}

/** Changes to a work of Black-Scholes and a European call that is fine as it stands. */
function refusal(model: object, payoff: object, method: object, more: object = {}): ReturnType<typeof refusalOf> {
  const whole = { ...workOf(blackScholes, call), firstPath: 0, pathCount: 8_192 };
  const unit = {
    ...whole,
    model: "kind" in model ? model : { ...whole.model, ...model },
    payoff: "kind" in payoff ? payoff : { ...whole.payoff, ...payoff },
    method: { ...plainMethod, ...method },
    ...more,
  };
  return refusalOf(() => simulate(unit as Parameters<typeof simulate>[0]));
}

describe("the model", () => {
  test.each<[object, string, string]>([
    [{ kind: "bates" }, "model.kind", "unknown"],
    [{ spot: 0 }, "model.spot", "not-positive"],
    [{ spot: NaN }, "model.spot", "not-a-number"],
    [{ spot: Infinity }, "model.spot", "not-finite"],
    [{ rate: NaN }, "model.rate", "not-a-number"],
    [{ dividendYield: -Infinity }, "model.dividendYield", "not-finite"],
    [{ volatility: 0 }, "model.volatility", "not-positive"],
    [{ volatility: undefined }, "model.volatility", "not-a-number"],
    [{ ...heston, variance: -1 }, "model.variance", "negative"],
    [{ ...heston, meanReversion: 0 }, "model.meanReversion", "not-positive"],
    [{ ...heston, longVariance: 0 }, "model.longVariance", "not-positive"],
    [{ ...heston, volatilityOfVariance: 0 }, "model.volatilityOfVariance", "not-positive"],
    [{ ...heston, correlation: -1.01 }, "model.correlation", "outside-range"],
    [{ ...merton, jumpsPerYear: -1 }, "model.jumpsPerYear", "negative"],
    [{ ...merton, jumpsPerYear: 1e4 }, "model.jumpsPerYear", "outside-range"],
    [{ ...merton, jumpDeviation: -0.1 }, "model.jumpDeviation", "negative"],
    [{ ...kou, upProbability: 1.5 }, "model.upProbability", "outside-range"],
    [{ ...kou, upRate: 1 }, "model.upRate", "outside-range"],
    [{ ...kou, downRate: 0 }, "model.downRate", "not-positive"],
  ])("%j", (model, argument, reason) => {
    expect(refusal(model, {}, {})).toEqual([argument, reason]);
  });

  test.each<[object, string, string]>([
    [{ assets: [] }, "model.assets", "empty"],
    [{ assets: [asset, { ...asset, volatility: -1 }, asset] }, "model.assets[1].volatility", "not-positive"],
    [{ correlations: [[], [0.5]] }, "model.correlations", "lengths-differ"],
    [{ correlations: [[], [0.5], [0.5]] }, "model.correlations[2]", "lengths-differ"],
    [{ correlations: [[], [0.5], [0.5, 2]] }, "model.correlations[2][1]", "outside-range"],
    [{ correlations: [[], [0.9], [0.9, -0.9]] }, "model.correlations[2]", "outside-range"],
    [{ correlations: [[], [1], [0.5, 0.4]] }, "model.correlations[2]", "outside-range"],
  ])("basket %j", (change, argument, reason) => {
    expect(refusal({ ...basket, ...change }, basketCall, {})).toEqual([argument, reason]);
  });
});

describe("the payoff", () => {
  test.each<[object, string, string]>([
    [{ kind: "lookback" }, "payoff.kind", "unknown"],
    [{ type: "straddle" }, "payoff.type", "unknown"],
    [{ strike: -1 }, "payoff.strike", "not-positive"],
    [{ years: 0 }, "payoff.years", "not-positive"],
    [{ ...asian, averaging: "harmonic" }, "payoff.averaging", "unknown"],
    [{ ...asian, fixings: 0 }, "payoff.fixings", "outside-range"],
    [{ ...asian, fixings: 2.5 }, "payoff.fixings", "not-an-integer"],
    [{ ...barrier, barrier: 0 }, "payoff.barrier", "not-positive"],
    [{ ...barrier, rebate: -1 }, "payoff.rebate", "negative"],
    [{ ...barrier, direction: "left" }, "payoff.direction", "unknown"],
    [{ ...barrier, observations: 1e9 }, "payoff.observations", "outside-range"],
    [{ ...american, exercises: 0 }, "payoff.exercises", "outside-range"],
    [{ ...american, regressionBlocks: 0 }, "payoff.regressionBlocks", "outside-range"],
    [{ ...american, exercises: 9_000, regressionBlocks: 64 }, "payoff.regressionBlocks", "outside-range"],
    [basketCall, "model.kind", "outside-range"],
  ])("%j", (payoff, argument, reason) => {
    expect(refusal({}, payoff, {})).toEqual([argument, reason]);
  });

  test("has a weight for each asset, and only a basket goes with several", () => {
    expect(refusal(basket, { ...basketCall, weights: [1, 1] }, {})).toEqual(["payoff.weights", "lengths-differ"]);
    expect(refusal(basket, { ...basketCall, weights: [] }, {})).toEqual(["payoff.weights", "empty"]);
    expect(refusal(basket, { ...basketCall, weights: [1, NaN, 1] }, {})).toEqual(["payoff.weights[1]", "not-a-number"]);
    expect(refusal(basket, call, {})).toEqual(["payoff.kind", "outside-range"]);
  });
});

describe("the method", () => {
  test.each<[object, object, object, string]>([
    [{}, {}, { stepsPerObservation: 0 }, "method.stepsPerObservation"],
    [{}, asian, { stepsPerObservation: 50_000 }, "method.stepsPerObservation"],
    [{}, {}, { replicates: 2 }, "method.replicates"],
    [{}, {}, { points: "sobol", replicates: 1 }, "method.replicates"],
    [{}, {}, { points: "sobol", replicates: 4, antithetic: true }, "method.antithetic"],
    [{}, {}, { antithetic: "yes" }, "method.antithetic"],
    [{}, {}, { momentMatching: undefined }, "method.momentMatching"],
    [{}, {}, { points: "sobol", replicates: 4, momentMatching: true }, "method.momentMatching"],
    [{}, { ...asian, fixings: 257 }, { points: "sobol", replicates: 2 }, "method.points"],
    [kou, {}, { points: "sobol", replicates: 4 }, "method.points"],
    [{}, {}, { control: "closed-form" }, "method.control"],
    [heston, american, { control: "closed-form" }, "method.control"],
    [{}, barrier, { greeks: "pathwise" }, "method.greeks"],
    [heston, {}, { greeks: "likelihood-ratio" }, "method.greeks"],
    [{}, american, { greeks: "likelihood-ratio" }, "method.greeks"],
    [heston, { ...barrier, monitoring: "continuous" }, {}, "payoff.monitoring"],
  ])("%j %j %j", (model, payoff, method, argument) => {
    expect(refusal(model, payoff, method)).toEqual([argument, "outside-range"]);
  });
});

describe("the range, the seed and the sums", () => {
  test.each<[object, object, string, string]>([
    [{}, { firstPath: -1 }, "firstPath", "outside-range"],
    [{}, { firstPath: 0.5 }, "firstPath", "not-an-integer"],
    [{}, { firstPath: 2 ** 48 }, "firstPath", "outside-range"],
    [{}, { pathCount: 0 }, "pathCount", "outside-range"],
    [{ momentMatching: true }, { firstPath: 100 }, "firstPath", "outside-range"],
    [{ momentMatching: true }, { pathCount: 4_097 }, "pathCount", "outside-range"],
    [{ points: "sobol", replicates: 2 }, { pathCount: 100 }, "pathCount", "outside-range"],
    [{}, { seed: -1n }, "seed", "outside-range"],
    [{}, { seed: 1n << 64n }, "seed", "outside-range"],
    [{}, { seed: 7 }, "seed", "outside-range"],
  ])("%j %s", (method, more, argument, reason) => {
    expect(refusal({}, {}, method, more)).toEqual([argument, reason]);
  });

  test("paths beyond the largest double are no sum", () => {
    expect(refusal({ rate: 8 }, { years: 100 }, {})).toEqual(["model", "not-finite"]);
  });

  test("an estimate needs samples enough, and as many of each replicate", () => {
    const estimateOf = (work: Work, pathCount: number) =>
      refusalOf(() => estimate(work, simulate({ ...work, firstPath: 0, pathCount })));
    expect(estimateOf(workOf(blackScholes, call), 1)).toEqual(["partial", "outside-range"]);
    expect(estimateOf(workOf(blackScholes, call, { control: "spot" }), 2)).toEqual(["partial", "outside-range"]);
    expect(estimateOf(workOf(blackScholes, call, { momentMatching: true }), 4_096)).toEqual([
      "partial",
      "outside-range",
    ]);
    const sobol = workOf(blackScholes, call, { points: "sobol", replicates: 4 });
    expect(estimateOf(sobol, 512)).toEqual(["partial", "lengths-differ"]);
    expect(estimateOf(sobol, 1_024)).toBe("no refusal");
  });
});
