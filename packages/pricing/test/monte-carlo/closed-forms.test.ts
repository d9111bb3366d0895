/** The simulation against closed forms and published prices, in standard errors. */
import { describe, expect, test } from "vitest";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import type { KouModel } from "@stoa/pricing/monte-carlo/model";
import type { AmericanPayoff } from "@stoa/pricing/monte-carlo/payoff";
import { simulate } from "@stoa/pricing/monte-carlo/simulation";
import { measureCoverage } from "./coverage.ts";
import { priceOf, references, workOf } from "./price.ts";

// The bits are those of the TypeScript form (wasm/same-bits.test.ts); the paths take a third of the time.
activeKernel();

describe("closed forms", () => {
  test("lie within three standard errors as often as normal errors let them, over 200 sets of parameters (PRICE-053)", async () => {
    const rows = await measureCoverage(8_192, (work, range) => simulate({ ...work, ...range }));
    const all = rows.find(({ name }) => name === "all")!;
    expect(all.caseCount).toBe(200);
    // Expected are 199.46 of 200. Four or more outside have a probability of 0.0024 when errors are normal; bounds of 2 and 1
    // standard errors (190.9 and 136.5 expected) and of bias and spread are four binomial or normal deviations wide.
    expect(all.within[2]).toBeGreaterThanOrEqual(197);
    expect(all.within[1]).toBeGreaterThanOrEqual(180);
    expect(all.within[0]).toBeGreaterThanOrEqual(111);
    expect(Math.abs(all.bias)).toBeLessThan(0.283);
    expect(all.spread).toBeGreaterThan(0.8);
    expect(all.spread).toBeLessThan(1.2);
  });

  test.each(references.andersen)(
    "Andersen's case $case, strike $payoff.strike, within three standard errors (PRICE-054)",
    (row) => {
      expect(Math.abs(row.value - row.published)).toBeLessThan(0.00051);
      // The control leaves a standard error near 0.1; the scheme's own error at 8 steps a year is below it (his figures 3 to 8).
      const work = workOf(row.model, row.payoff, { stepsPerObservation: 8 * row.payoff.years, control: "spot" }, 3n);
      const { mean, standardError } = priceOf(work, 8_192).value;
      expect(Math.abs(mean - row.value)).toBeLessThan(3 * standardError);
      expect(standardError).toBeLessThan(0.01 * row.model.spot);
    },
  );

  test("Kou's published example is met", () => {
    // S. Kou, "A jump-diffusion model for option pricing", Management Science 48 (2002), section 4: 9.14732.
    const kou: KouModel = {
      kind: "kou",
      spot: 100,
      rate: 0.05,
      dividendYield: 0,
      volatility: 0.16,
      jumpsPerYear: 1,
      upProbability: 0.4,
      upRate: 10,
      downRate: 5,
    };
    const payoff = { kind: "european", type: "call", strike: 98, years: 0.5 } as const;
    const { mean, standardError } = priceOf(workOf(kou, payoff, { antithetic: true, control: "spot" }), 65_536).value;
    expect(Math.abs(mean - 9.14732)).toBeLessThan(3 * standardError);
    expect(standardError).toBeLessThan(0.03);
  });

  test("a basket of one asset is that asset, and of two equal ones too when nothing sets them apart", () => {
    const asset = { spot: 100, dividendYield: 0.02, volatility: 0.3 };
    const basket = (count: number, correlation: number) =>
      priceOf(
        workOf(
          {
            kind: "black-scholes-basket",
            rate: 0.05,
            assets: Array.from({ length: count }, () => asset),
            correlations: Array.from({ length: count }, (_, row) => Array.from({ length: row }, () => correlation)),
          },
          {
            kind: "basket",
            type: "call",
            strike: 105,
            years: 1,
            weights: Array.from({ length: count }, () => 1 / count),
          },
        ),
        16_384,
      ).value;
    const alone = basket(1, 0);
    expect(Math.abs(alone.mean - 10.891628956327809)).toBeLessThan(3 * alone.standardError);
    const pair = basket(2, 1);
    expect(Math.abs(pair.mean - 10.891628956327809)).toBeLessThan(3 * pair.standardError);
    // Less correlation is less variance of the mean.
    expect(basket(2, 0).mean).toBeLessThan(pair.mean - 1);
  });
});

describe("American puts of Longstaff and Schwartz", () => {
  test.each(references.american)(
    "spot $spot, volatility $volatility, $years years: at most the loss of the rule below the published value (PRICE-055)",
    ({ spot, volatility, years, published, bermudan }) => {
      // The table's finite-difference values are those of 50 dates of exercise a year, but for the grid of their time.
      expect(Math.abs(bermudan - published)).toBeLessThan(0.006);
      const model = { kind: "black-scholes", spot, rate: 0.06, dividendYield: 0, volatility } as const;
      const payoff: AmericanPayoff = {
        kind: "american",
        type: "put",
        strike: 40,
        years,
        exercises: 50 * years,
        regressionBlocks: 2,
      };
      const { mean, standardError } = priceOf(workOf(model, payoff, { control: "closed-form" }), 2_048).value;
      // The rule is not the best one, so the mean is low: by less than 0.4 % of the value (measured: decision 0214).
      expect(mean - published).toBeLessThan(3 * standardError);
      expect(mean - published).toBeGreaterThan(-3 * standardError - 0.004 * published);
    },
  );
});
