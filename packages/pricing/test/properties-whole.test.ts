/** What holds across parts of the library: surfaces against prices, partials against splits, methods against each other. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode } from "@stoa/base/codec";
import { black76Price } from "@stoa/pricing/black76";
import { heston } from "@stoa/pricing/heston";
import { plainMethod } from "@stoa/pricing/monte-carlo/method";
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import { mergePartials, partialCodec, type Partial } from "@stoa/pricing/monte-carlo/partial";
import { createSimulation } from "@stoa/pricing/monte-carlo/simulation";
import type { Work } from "@stoa/pricing/monte-carlo/work";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import { fitSurface } from "@stoa/pricing/surface/fit-surface";
import { surfaceVariance, type Surface } from "@stoa/pricing/surface/surface";
import { makeWorld, quoteWorld } from "./surface/chains.ts";

const share = fc.double({ min: 0, max: 0.15, noNaN: true });

/** The call at a strike, forward 1 and undiscounted, as the surface says. */
function callOn(surface: Surface, strike: number, years: number): number {
  const volatility = Math.sqrt(surfaceVariance(surface, Math.log(strike), years) / years);
  return black76Price({ type: "call", forward: 1, strike, years, volatility });
}

describe("a fitted surface (PRICE-096)", () => {
  test("has no butterfly and no calendar that costs less than nothing, at and between expiries, whatever was quoted", () => {
    const faults = fc.record({
      ...{ crossed: share, bidOnly: share, askOnly: share, stale: share, wrong: share },
      ...{ noise: fc.double({ min: 0, max: 3, noNaN: true }), strikes: fc.integer({ min: 5, max: 25 }) },
    });
    const check = fc.property(fc.nat(100_000), faults, (seed, wanted) => {
      const fit = fitSurface(quoteWorld(makeWorld(seed, 4), seed, wanted), { staleAfterSeconds: 600 });
      if ("refusal" in fit) throw new Error(fit.refusal);
      const { surface } = fit;
      const expiries = surface.slices.map(({ years }) => years);
      const times = expiries.flatMap((years, index) => [years, 0.5 * (years + (expiries[index + 1] ?? 1.5 * years))]);
      const deviation = Math.sqrt(surfaceVariance(surface, 0, times.at(-1)!));
      const strikes = Array.from({ length: 81 }, (_, index) => Math.exp(((index - 40) / 10) * deviation));
      let before = strikes.map((strike) => Math.max(0, 1 - strike));
      for (const years of times) {
        const calls = strikes.map((strike) => callOn(surface, strike, years));
        for (let index = 0; index < strikes.length; index++) {
          expect(calls[index]! - before[index]!, `calendar at ${strikes[index]}, ${years}`).toBeGreaterThan(-1e-15);
          if (index === 0 || index === strikes.length - 1) continue;
          const [low, strike, high] = strikes.slice(index - 1, index + 2) as [number, number, number];
          const part = (high - strike) / (high - low);
          const spread = part * calls[index - 1]! + (1 - part) * calls[index + 1]! - calls[index]!;
          expect(spread, `butterfly at ${strike}, ${years}`).toBeGreaterThan(-1e-15);
        }
        before = calls;
      }
    });
    fc.assert(check, { numRuns: 25, seed: 3, endOnFailure: true });
  });
});

describe("a sum of partials (PRICE-097)", () => {
  test("is the same to the byte for every split and every order of merging", () => {
    const model = { kind: "black-scholes", spot: 100, rate: 0.02, dividendYield: 0, volatility: 0.4 } as const;
    const jumps = { ...model, kind: "kou", jumpsPerYear: 1, upProbability: 0.5, upRate: 9, downRate: 7 } as const;
    const terms = { type: "put", strike: 95, years: 0.5 } as const;
    const works: Work[] = [
      {
        model,
        payoff: { kind: "european", ...terms },
        method: { ...plainMethod, antithetic: true, greeks: "pathwise" },
        seed: 1n,
      },
      {
        model: jumps,
        payoff: { kind: "asian", ...terms, averaging: "arithmetic", fixings: 3 },
        method: plainMethod,
        seed: 2n,
      },
    ];
    for (const work of works) {
      const simulation = createSimulation(work);
      const pathCount = 1_500;
      const whole = encode(partialCodec, simulation.run({ firstPath: 10, pathCount }));
      const cuts = fc.uniqueArray(fc.integer({ min: 1, max: pathCount - 1 }), { minLength: 1, maxLength: 8 });
      const check = fc.property(cuts, fc.array(fc.nat(1_000), { minLength: 9, maxLength: 9 }), (places, order) => {
        const ends = [0, ...places.sort((a, b) => a - b), pathCount];
        const parts: Partial[] = ends.slice(1).map((end, index) => {
          const start = ends[index]!;
          return simulation.run({ firstPath: 10 + start, pathCount: end - start });
        });
        // Two of what is left are merged, until there is one.
        for (let step = 0; 1 < parts.length; step++) {
          const [one] = parts.splice(order[step]! % parts.length, 1) as [Partial];
          const place = (order[step]! >> 3) % parts.length;
          parts[place] = mergePartials(one, parts[place]!);
        }
        expect(encode(partialCodec, parts[0]!)).toEqual(whole);
      });
      fc.assert(check, { numRuns: 25, seed: 7 });
    }
  });
});

describe("two ways to one price (PRICE-098)", () => {
  test("American options: Longstaff and Schwartz beside finite differences", () => {
    const exercises = 50;
    for (const [spot, volatility, years] of [
      [36, 0.2, 1],
      [40, 0.4, 1],
      [44, 0.2, 2],
    ] as const) {
      const terms = { type: "put", strike: 40, years } as const;
      const work: Work = {
        model: { kind: "black-scholes", spot, rate: 0.06, dividendYield: 0, volatility },
        payoff: { kind: "american", ...terms, exercises, regressionBlocks: 4 },
        method: { ...plainMethod, antithetic: true },
        seed: 11n,
      };
      const { mean, standardError } = estimate(
        work,
        createSimulation(work).run({ firstPath: 0, pathCount: 8_192 }),
      ).value;
      const grid = vanillaByFiniteDifferences({ ...terms, exercise: "american", spot, volatility, rate: 0.06 }).price;
      // The rule of the simulation is not quite the best one, and it may exercise on fifty dates alone.
      expect(mean).toBeLessThan(grid + 3 * standardError);
      expect(mean).toBeGreaterThan(grid - 3 * standardError - 0.02 * grid);
    }
  });

  test("Heston: the integral beside the paths of the quadratic-exponential scheme", () => {
    const spot = { spot: 100, rate: 0.03, dividendYield: 0.01 };
    const sets = [
      [1, { variance: 0.04, meanReversion: 1.5, longVariance: 0.06, volatilityOfVariance: 0.6, correlation: -0.7 }],
      [0.25, { variance: 0.3, meanReversion: 4, longVariance: 0.5, volatilityOfVariance: 1.5, correlation: 0.3 }],
      [2, { variance: 0.09, meanReversion: 1, longVariance: 0.09, volatilityOfVariance: 1, correlation: -0.3 }],
    ] as const;
    for (const [years, model] of sets)
      for (const [type, strike] of [
        ["call", 100],
        ["put", 85],
      ] as const) {
        const terms = { type, strike, years };
        const work: Work = {
          model: { kind: "heston", ...spot, ...model },
          payoff: { kind: "european", ...terms },
          method: { ...plainMethod, stepsPerObservation: 16, antithetic: true },
          seed: 5n,
        };
        const { mean, standardError } = estimate(
          work,
          createSimulation(work).run({ firstPath: 0, pathCount: 8_192 }),
        ).value;
        const { price } = heston({ ...terms, ...spot, ...model });
        expect(Math.abs(mean - price), JSON.stringify({ ...terms, ...model })).toBeLessThan(3.5 * standardError);
        expect(standardError).toBeLessThan(0.03 * price);
      }
  });
});
