/** Greeks of the models and payoffs beyond European options of Black-Scholes: against closed forms, a grid, and differences of prices. */
import { describe, expect, test } from "vitest";
import { barrier as barrierFormula } from "@stoa/pricing/barrier";
import { black76 } from "@stoa/pricing/black76";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import type { Estimate, Estimates } from "@stoa/pricing/monte-carlo/estimate";
import type { BasketModel, KouModel, MertonModel } from "@stoa/pricing/monte-carlo/model";
import type { AmericanPayoff, BarrierPayoff, Payoff } from "@stoa/pricing/monte-carlo/payoff";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import { blackScholes, call, priceOf, workOf } from "./price.ts";

// The bits are those of the TypeScript form (wasm/same-bits.test.ts); the paths take a quarter of the time.
activeKernel();

const { spot, rate, dividendYield, volatility } = blackScholes;
const paths = 65_536;

function expectWithin(found: Estimate, exact: number, name: string): void {
  expect(Math.abs(found.mean - exact), `${name}: ${found.mean}, not ${exact}`).toBeLessThan(3 * found.standardError);
}

describe("by likelihood ratio, a barrier that is watched always", () => {
  test.each<[BarrierPayoff["direction"], BarrierPayoff["knock"], BarrierPayoff["type"], number, number]>([
    ["down", "out", "call", 85, 1],
    ["down", "in", "put", 85, 6],
    ["up", "out", "put", 120, 6],
    ["up", "in", "call", 120, 1],
    ["up", "out", "call", 140, 6],
  ])("has the greeks of the closed form: %s and %s %s at %d, %d steps (PRICE-057)", (...given) => {
    const [direction, knock, type, level, observations] = given;
    // A knock-out's rebate is paid at the barrier in closed form, and at expiry in the simulation.
    const rebate = knock === "in" ? 2 : 0;
    const terms = { type, strike: 100, years: 1, barrier: level, rebate };
    const payoff: BarrierPayoff = {
      ...{ kind: "barrier", ...terms, direction, knock, monitoring: "continuous", observations },
    };
    const found = priceOf(workOf(blackScholes, payoff, { greeks: "likelihood-ratio" }), paths);
    const market = { spot, rate, dividendYield, volatility };
    const exact = barrierFormula({ ...terms, ...market, knock: `${direction}-and-${knock}` });
    expectWithin(found.value, exact.price, "value");
    expectWithin(found.delta!, exact.delta, "delta");
    expectWithin(found.vega!, exact.vega, "vega");
    expectWithin(found.gamma!, exact.gamma, "gamma");
    expect(found.vega!.standardError).toBeLessThan(0.15 * Math.abs(exact.vega));
  });

  test("has none beside the path once it is knocked before it begins", () => {
    const payoff: BarrierPayoff = {
      ...{
        kind: "barrier",
        type: "call",
        strike: 100,
        years: 1,
        direction: "up",
        knock: "out",
        barrier: 90,
        rebate: 0,
      },
      ...{ monitoring: "continuous", observations: 4 },
    };
    const { value, delta, vega, gamma } = priceOf(workOf(blackScholes, payoff, { greeks: "likelihood-ratio" }), 512);
    expect([value.mean, delta!.mean, vega!.mean, gamma!.mean]).toEqual([0, 0, 0, 0]);
  });
});

describe("pathwise, an American put", () => {
  const american: AmericanPayoff = {
    ...{ kind: "american", type: "put", strike: 100, years: 1, exercises: 20, regressionBlocks: 8 },
  };

  test("has the delta, vega and gamma of a grid, its rule held fixed (PRICE-057)", () => {
    const found = priceOf(workOf(blackScholes, american, { greeks: "pathwise" }), 32_768);
    const grid = (sigma: number) =>
      vanillaByFiniteDifferences({
        ...{ type: "put", exercise: "american", spot, strike: 100, years: 1, volatility: sigma, rate, dividendYield },
      });
    const exact = grid(volatility);
    const vega = (grid(volatility + 0.005).price - grid(volatility - 0.005).price) / 0.01;
    // Twenty dates and a learnt rule are worth up to half a percent less than exercise at any time by the best one.
    const slack = 0.005;
    const near = ({ mean, standardError }: Estimate, value: number, name: string): void =>
      expect(Math.abs(mean - value), name).toBeLessThan(3 * standardError + slack * Math.abs(value));
    near(found.delta!, exact.delta, "delta");
    near(found.vega!, vega, "vega");
    near(found.gamma!, exact.gamma, "gamma");
    expect(found.delta!.standardError).toBeLessThan(0.006);
    expect(found.gamma!.standardError).toBeLessThan(0.1 * exact.gamma);
  });

  test("that is never exercised early is the European one", () => {
    const still = { ...blackScholes, rate: 0, dividendYield: 0.05 };
    const found = priceOf(workOf(still, { ...american, exercises: 4 }, { greeks: "pathwise" }), paths);
    const discount = Math.exp(-0.05);
    const exact = black76({
      type: "put",
      forward: 100 * discount,
      strike: 100,
      years: 1,
      volatility: 0.3,
      discount: 1,
    });
    expectWithin(found.delta!, exact.delta * discount, "delta");
    expectWithin(found.vega!, exact.vega, "vega");
  });
});

describe("pathwise, the vega of jump models", () => {
  const jumps = { spot, rate, dividendYield, volatility: 0.2, jumpsPerYear: 0.7 };
  const merton: MertonModel = { kind: "merton", ...jumps, jumpMean: -0.1, jumpDeviation: 0.15 };
  const kou: KouModel = { kind: "kou", ...jumps, upProbability: 0.4, upRate: 12, downRate: 8 };

  test("is that of Merton's series (PRICE-057)", () => {
    const found = priceOf(workOf(merton, call, { greeks: "pathwise" }), paths);
    const exact = { vega: 0, delta: 0 };
    let weight = Math.exp(-merton.jumpsPerYear);
    const growth = Math.exp(merton.jumpMean + merton.jumpDeviation ** 2 / 2);
    for (let count = 0; count < 30; count++) {
      const deviation = Math.hypot(merton.volatility, merton.jumpDeviation * Math.sqrt(count));
      const ratio = Math.exp(rate - dividendYield - merton.jumpsPerYear * (growth - 1)) * growth ** count;
      const term = black76({
        ...{ type: "call", forward: spot * ratio, strike: 105, years: 1, volatility: deviation },
        discount: Math.exp(-rate),
      });
      exact.vega += (weight * term.vega * merton.volatility) / deviation;
      exact.delta += weight * term.delta * ratio;
      weight *= merton.jumpsPerYear / (count + 1);
    }
    expectWithin(found.vega!, exact.vega, "vega");
    expectWithin(found.delta!, exact.delta, "delta");
    expect(found.vega!.standardError).toBeLessThan(0.02 * exact.vega);
  });

  const asian = { kind: "asian", type: "put", strike: 100, years: 1, fixings: 4 } as const;
  test.each<[string, MertonModel | KouModel, Payoff, boolean]>([
    ["European call of Kou", kou, call, false],
    ["arithmetic Asian put of Kou, mirrored", kou, { ...asian, averaging: "arithmetic" }, true],
    ["geometric Asian put of Merton", merton, { ...asian, averaging: "geometric" }, false],
  ])("is that of differences of prices on the same paths: %s", (_, model, payoff, antithetic) => {
    const count = 16_384;
    const found = priceOf(workOf(model, payoff, { greeks: "pathwise", antithetic }), count);
    const price = (sigma: number) => priceOf(workOf({ ...model, volatility: sigma }, payoff, { antithetic }), count);
    const slope = (price(0.201).value.mean - price(0.199).value.mean) / 0.002;
    expect(Math.abs(found.vega!.mean / slope - 1)).toBeLessThan(0.002);
  });
});

describe("pathwise, a basket", () => {
  const basket: BasketModel = {
    kind: "black-scholes-basket",
    rate: 0.03,
    assets: [
      { spot: 100, dividendYield: 0.01, volatility: 0.2 },
      { spot: 90, dividendYield: 0, volatility: 0.4 },
    ],
    correlations: [[], [0.5]],
  };

  test("has a delta and a vega for each asset: those of Margrabe where one is exchanged for another (PRICE-057)", () => {
    const exchange: Payoff = { kind: "basket", type: "call", strike: 1e-9, years: 0.75, weights: [1, -1] };
    const found = priceOf(workOf(basket, exchange, { greeks: "pathwise" }), paths);
    // W. Margrabe (1978): Black-76 of one asset in units of the other.
    const together = Math.sqrt(0.2 ** 2 + 0.4 ** 2 - 0.2 * 0.4);
    const forward = 100 * Math.exp(-0.0075);
    const exact = black76({
      ...{ type: "call", forward, strike: 90, years: 0.75, volatility: together, discount: 1 },
    });
    expectWithin(found.value, exact.price, "value");
    expectWithin(found.deltas![0]!, exact.delta * Math.exp(-0.0075), "delta of the first");
    expectWithin(found.deltas![1]!, (exact.price - forward * exact.delta) / 90, "delta of the second");
    expectWithin(found.vegas![0]!, (exact.vega * (0.2 - 0.5 * 0.4)) / together, "vega of the first");
    expectWithin(found.vegas![1]!, (exact.vega * (0.4 - 0.5 * 0.2)) / together, "vega of the second");
    expect(found.vegas![1]!.standardError).toBeLessThan(0.05 * found.vegas![1]!.mean);
  });

  test("of as many assets as there may be has all of them, and its weights in them", () => {
    const asset = { spot: 100, dividendYield: 0.02, volatility: 0.3 };
    const many: BasketModel = {
      ...{ kind: "black-scholes-basket", rate, assets: Array.from({ length: 64 }, () => asset) },
      correlations: Array.from({ length: 64 }, (_, row) => Array.from({ length: row }, () => 0.999_999_999)),
    };
    const payoff: Payoff = {
      kind: "basket",
      type: "call",
      strike: 105,
      years: 1,
      weights: many.assets.map(() => 1 / 64),
    };
    const found: Estimates = priceOf(workOf(many, payoff, { greeks: "pathwise" }), 2_048);
    const one = priceOf(workOf(blackScholes, call, { greeks: "pathwise" }), 2_048);
    expect(found.deltas!.length).toBe(64);
    for (const { mean } of found.deltas!) expect(64 * mean).toBeCloseTo(one.delta!.mean, 3);
    for (const { mean } of found.vegas!) expect(64 * mean).toBeCloseTo(one.vega!.mean, 1);
  });
});
