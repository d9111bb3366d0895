/** The rule of exercise by itself: what it learns where the value of waiting is known. */
import { describe, expect, test } from "vitest";
import { black76Price } from "@stoa/pricing/black76";
import { exerciseRule, learnExercise } from "@stoa/pricing/monte-carlo/american";
import type { HestonModel } from "@stoa/pricing/monte-carlo/model";
import { philoxUniforms } from "@stoa/pricing/monte-carlo/philox";
import { typescriptPathKernels } from "@stoa/pricing/monte-carlo/path-kernels";
import { blackScholes, priceOf, workOf } from "./price.ts";

const strike = 100;

describe("the value of waiting that the rule learns (PRICE-055)", () => {
  test("is the discounted polynomial where waiting brings one, in the spot and the variance", () => {
    const pathCount = 2_048;
    const [first, second] = [0, 1].map((dimension) => {
      const column = new Float64Array(pathCount);
      philoxUniforms(column, pathCount, 1, 2, 0, 0, dimension, 0);
      return column;
    }) as [Float64Array, Float64Array];
    const gainAt = (spot: number, variance: number): number =>
      3 + 0.2 * (100 - spot) + 20 * variance + variance * spot - 30 * variance * variance;
    const spots = new Float64Array(2 * pathCount);
    const variances = new Float64Array(2 * pathCount);
    for (let path = 0; path < pathCount; path++) {
      spots[path] = 70 + 40 * first[path]!;
      variances[path] = 0.02 + 0.3 * second[path]!;
      spots[pathCount + path] = strike - gainAt(spots[path]!, variances[path]!);
    }
    const paths = { pathCount, dateCount: 2, spots, variances };
    const rule = exerciseRule(learnExercise(paths, { sign: -1, strike, discountPerDate: 0.9 }));
    for (const [spot, variance] of [
      [75, 0.05],
      [90, 0.3],
      [99, 0.1],
    ] as const) {
      expect(rule(0, spot, variance)).toBeCloseTo(0.9 * gainAt(spot, variance), 8);
    }
    // Nobody waits at the last date.
    expect(rule(1, 75, 0.05)).toBe(Infinity);
  });

  test("is the European price one date before the end, and no rule where too few paths are in the money", () => {
    const pathCount = 65_536;
    const [discount, deviation] = [0.97, 0.25];
    const normals = new Float64Array(pathCount);
    const uniforms = new Float64Array(pathCount);
    typescriptPathKernels.fillNormals(normals, pathCount, 1, 2, 0, 0, 0, 0);
    philoxUniforms(uniforms, pathCount, 1, 2, 0, 0, 1, 0);
    const spots = new Float64Array(2 * pathCount);
    for (let path = 0; path < pathCount; path++) {
      spots[path] = 80 + 25 * uniforms[path]!;
      spots[pathCount + path] = (spots[path]! / discount) * Math.exp(deviation * (normals[path]! - 0.5 * deviation));
    }
    const paths = { pathCount, dateCount: 2, spots, variances: undefined };
    const rule = exerciseRule(learnExercise(paths, { sign: -1, strike, discountPerDate: discount }));
    for (const spot of [82, 88, 94, 99]) {
      const price = black76Price({
        type: "put",
        forward: spot / discount,
        strike,
        years: 1,
        volatility: deviation,
        discount,
      });
      // A cubic over all spots is within a per cent of the price; forgetting the discount would be three.
      expect(Math.abs(rule(0, spot, 0) / price - 1)).toBeLessThan(0.012);
    }
    const never = learnExercise(paths, { sign: 1, strike: 104.999, discountPerDate: discount });
    expect(never.rows).toEqual([undefined, undefined]);
  });
});

test("an American call without dividends is the European one, and the put is worth more than it", () => {
  const model = { ...blackScholes, dividendYield: 0 };
  const american = (type: "call" | "put") => {
    const payoff = { kind: "american", type, strike: 105, years: 1, exercises: 10, regressionBlocks: 2 } as const;
    return priceOf(workOf(model, payoff, { control: "closed-form" }), 8_192).value;
  };
  const european = (type: "call" | "put") =>
    black76Price({
      type,
      forward: 100 * Math.exp(0.05),
      strike: 105,
      years: 1,
      volatility: 0.3,
      discount: Math.exp(-0.05),
    });
  const call = american("call");
  expect(call.mean).toBeLessThan(european("call") + 3 * call.standardError);
  expect(call.mean).toBeGreaterThan(0.995 * european("call") - 3 * call.standardError);
  const put = american("put");
  expect(put.mean - european("put")).toBeGreaterThan(5 * put.standardError);
});

test("an American put of Heston is worth more than the European one, and its rule sees the variance", () => {
  const model: HestonModel = {
    kind: "heston",
    spot: 100,
    rate: 0.08,
    dividendYield: 0,
    variance: 0.06,
    meanReversion: 1.5,
    longVariance: 0.05,
    volatilityOfVariance: 0.6,
    correlation: -0.5,
  };
  const terms = { type: "put", strike: 105, years: 1 } as const;
  const changes = { stepsPerObservation: 2, control: "spot" } as const;
  const american = { kind: "american", ...terms, exercises: 12, regressionBlocks: 2 } as const;
  const early = priceOf(workOf(model, american, changes), 8_192).value;
  const late = priceOf(
    workOf(model, { kind: "european", ...terms }, { ...changes, stepsPerObservation: 24 }),
    8_192,
  ).value;
  expect(early.mean - late.mean).toBeGreaterThan(3 * (early.standardError + late.standardError));
  expect(early.mean).toBeLessThan(late.mean + 105 * (1 - Math.exp(-0.08)));
});
