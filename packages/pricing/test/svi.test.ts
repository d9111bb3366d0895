import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { normalDensity } from "@stoa/base/exact";
import { black76Price } from "@stoa/pricing/black76";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { sviRefusal } from "@stoa/pricing/surface/butterfly-check";
import { sviDensityFactor, sviVariance, sviVolatility, type SviSlice } from "@stoa/pricing/svi";

const slice: SviSlice = { a: 0.02, b: 0.12, rho: -0.3, m: 0.02, s: 0.15 };
// Vogt's slice, the published example of a smile that looks sound and is not (Gatheral and Jacquier 2014, example 3.1).
const vogt: SviSlice = { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, s: 0.4153 };

interface Fixture {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly number[])[];
}
const quantlib = JSON.parse(readFileSync(new URL("fixtures/svi.json", import.meta.url), "utf8")) as Fixture;

describe("an SVI slice", () => {
  test("has the variance and the volatility that QuantLib gives it, on 324 points of six slices", () => {
    expect(quantlib.columns.join(" ")).toBe("a b rho m s forward strike years variance volatility");
    expect(quantlib.rows).toHaveLength(324);
    const distance = (own: number, theirs: number): number => Math.abs(own / theirs - 1);
    let worst = 0;
    for (const row of quantlib.rows) {
      const [a, b, rho, m, s, forward, strike, years, variance, volatility] = row as [
        ...[number, number, number, number, number],
        ...[number, number, number, number, number],
      ];
      const example = { a, b, rho, m, s };
      const own = sviVariance(example, Math.log(strike / forward)).variance;
      worst = Math.max(
        worst,
        distance(own, variance),
        distance(sviVolatility(example, forward, strike, years), volatility),
      );
    }
    // A few units in the last place; where the tilt takes most of the wing away, the difference magnifies them.
    expect(worst).toBeLessThan(1e-13);
  });

  test("has the variance of its formula, and the slope and curvature of that", () => {
    for (const k of [-1, -0.2, 0, 0.02, 0.5, 2]) {
      const { variance, slope, curvature } = sviVariance(slice, k);
      expect(variance).toBeCloseTo(0.02 + 0.12 * (-0.3 * (k - 0.02) + Math.hypot(k - 0.02, 0.15)), 15);
      const h = 1e-5;
      expect(slope).toBeCloseTo((sviVariance(slice, k + h).variance - sviVariance(slice, k - h).variance) / (2 * h), 8);
      expect(curvature).toBeCloseTo((sviVariance(slice, k + h).slope - sviVariance(slice, k - h).slope) / (2 * h), 7);
    }
  });

  test("gives the volatility of its variance over the time", () => {
    expect(sviVolatility(slice, 100, 110, 0.25)).toBeCloseTo(
      Math.sqrt(sviVariance(slice, Math.log(1.1)).variance / 0.25),
      14,
    );
  });

  test("has the density factor that its own prices have: their second derivative in the strike", () => {
    for (const example of [slice, vogt]) {
      for (let k = -1; k < 1.5; k += 0.1) {
        const price = (strike: number): number =>
          black76Price({
            type: "call",
            forward: 1,
            strike,
            years: 1,
            volatility: sviVolatility(example, 1, strike, 1),
          });
        const strike = Math.exp(k);
        const h = 1e-3 * strike;
        const butterfly = (price(strike + h) - 2 * price(strike) + price(strike - h)) / (h * h);
        const deviation = Math.sqrt(sviVariance(example, k).variance);
        const density = normalDensity(-k / deviation - deviation / 2) / (strike * deviation);
        expect(butterfly / density, `at ${k}`).toBeCloseTo(sviDensityFactor(example, k), 3);
      }
    }
  });

  test.each([
    [slice, undefined],
    [vogt, "butterfly"],
    [{ ...slice, b: -0.1 }, "parameters-outside-domain"],
    [{ ...slice, rho: 1 }, "parameters-outside-domain"],
    [{ ...slice, s: 0 }, "parameters-outside-domain"],
    [{ ...slice, a: NaN }, "parameters-outside-domain"],
    [{ ...slice, m: Infinity }, "parameters-outside-domain"],
    [{ ...slice, a: -0.02 }, "variance-negative"],
    [{ ...slice, b: 1.6 }, "wings-too-steep"],
  ] as const)("%j is judged: %s", (example, reason) => {
    expect(sviRefusal(example)).toBe(reason);
  });

  test("a parameter that is no number is refused by its name, before anything is judged", () => {
    for (const name of ["a", "b", "rho", "m", "s"] as const)
      for (const value of ["0.1", undefined, null]) {
        const wrong = { ...slice, [name]: value } as unknown as typeof slice;
        expect(() => sviRefusal(wrong)).toThrow(new PricingRefusal(`slice.${name}`, "not-a-number", value));
      }
  });
});
