import { describe, expect, test } from "vitest";
import { black76Price } from "@stoa/pricing/black76";
import type { ExpiryQuotes, OptionQuote } from "@stoa/pricing/surface/chain";
import { forwardOf, forwardPoints, makeForwardCurve, type ForwardPoint } from "@stoa/pricing/surface/forward-curve";
import { impliedForward, paritySettings, type ImpliedForward } from "@stoa/pricing/surface/put-call-parity";
import { ascending, weightedMedian } from "@stoa/pricing/surface/robust";
import { indexTerm, surfaceFairVariance, volatilityIndex } from "@stoa/pricing/surface/volatility-index";
import { makeSurface } from "@stoa/pricing/surface/surface";
import { between, makeWorld, normalOf, quoteWorld, uniformOf } from "./chains.ts";

/** Quotes of one expiry under a discount factor, flat volatility and noise in the mids, of which some are wrong or crossed. */
function quotesOf(
  seed: string,
  {
    unit = "currency",
    discount = 1,
    noise = 0,
    wrong = 0,
    crossed = 0,
  }: {
    unit?: "coin" | "currency";
    discount?: number;
    noise?: number;
    wrong?: number;
    crossed?: number;
  },
): OptionQuote[] {
  const uniform = uniformOf(seed);
  const forward = 61_234.5;
  return Array.from({ length: 21 }, (_, index) => 40_000 + 2_000 * index).flatMap((strike) =>
    (["call", "put"] as const).map((type) => {
      const value = black76Price({ type, forward, strike, years: 0.4, volatility: 0.6, discount });
      const half = between(uniform, 20, 80);
      const shift = noise * half * normalOf(uniform) + (uniform() < wrong ? 5_000 : 0);
      const isCrossed = uniform() < crossed;
      const scale = unit === "coin" ? 1 / forward : 1;
      const low = Math.max(1, value + shift - half) * scale;
      const high = (value + shift + half) * scale;
      return isCrossed ? { type, strike, bid: high, ask: low } : { type, strike, bid: low, ask: high };
    }),
  );
}

const found = (quotes: readonly OptionQuote[], settings: Partial<typeof paritySettings> = {}): ImpliedForward => {
  const result = impliedForward(quotes, { ...paritySettings, ...settings });
  if (typeof result === "string") throw new Error(result);
  return result;
};

describe("the forward from put-call parity (PRICE-033)", () => {
  test("is found, with the discount factor where quotes determine it, in currency and in coin", () => {
    for (const unit of ["currency", "coin"] as const) {
      for (const discount of [1, 0.96]) {
        const result = found(quotesOf(`${unit} ${discount}`, { unit, discount }), { unit });
        expect(Math.abs(result.forward / 61_234.5 - 1)).toBeLessThan(2e-4);
        expect(Math.abs(result.discount - discount)).toBeLessThan(2e-3);
        if (discount === 1) expect(result.discount).toBe(1);
        else expect(result.discountError).toBeLessThan(0.002);
        expect(result.forwardBid).toBeLessThanOrEqual(result.forward);
        expect(result.forward).toBeLessThanOrEqual(result.forwardAsk);
      }
    }
  });

  test("lies within four standard errors under noise, and survives wrong and crossed quotes", () => {
    let inside = 0;
    for (let seed = 0; seed < 40; seed++) {
      const quotes = quotesOf(`noise ${seed}`, { noise: 0.5, wrong: 0.06, crossed: 0.1 });
      const { forward, forwardError, usedCount, pairCount } = found(quotes, { discount: 1 });
      if (Math.abs(forward - 61_234.5) < 4 * forwardError) inside++;
      expect(Math.abs(forward - 61_234.5), `seed ${seed}`).toBeLessThan(100);
      expect(usedCount).toBeLessThanOrEqual(pairCount);
    }
    expect(inside).toBeGreaterThanOrEqual(38);
  });

  test("takes the discount factor that is given, and 1 where two strikes determine none", () => {
    const quotes = quotesOf("given", { discount: 0.9 });
    expect(found(quotes, { discount: 0.9 })).toMatchObject({ discount: 0.9, discountError: undefined });
    const two = quotes.filter(({ strike }) => strike === 60_000 || strike === 62_000);
    expect(found(two)).toMatchObject({ discount: 1, discountError: undefined, pairCount: 2 });
  });

  test("says why there is none", () => {
    expect(impliedForward([])).toBe("no-pairs");
    expect(impliedForward([{ type: "call", strike: 1, bid: 1, ask: 2 }])).toBe("no-pairs");
    const call = { type: "call", strike: 100, bid: 1, ask: 2 } as const;
    expect(impliedForward([call, { ...call, type: "put", bid: 200, ask: 201 }])).toBe("forward-not-positive");
    const coin = { ...paritySettings, unit: "coin" } as const;
    expect(
      impliedForward(
        [
          { ...call, bid: 5, ask: 6 },
          { ...call, type: "put" },
        ],
        coin,
      ),
    ).toBe("forward-not-positive");
    expect(() => impliedForward([], { ...paritySettings, discount: -1 })).toThrow("discount must be positive");
    expect(() => impliedForward([{ ...call, bid: NaN }])).toThrow("quotes[0].bid is not a number");
    expect(() => indexTerm({ years: 0.1, forward: 1, quotes: [{ ...call, strike: 0 }] })).toThrow(
      "expiry.quotes[0].strike must be positive",
    );
  });
});

describe("a forward curve (PRICE-034)", () => {
  const points: ForwardPoint[] = [
    { years: 0.1, forward: 100, error: 0, source: "future" },
    { years: 0.3, forward: 104, error: 0, source: "future" },
    { years: 1, forward: 103, error: 0.1, source: "parity" },
  ];

  test("has constant carry between its points, and beyond them what its rules say", () => {
    const flat = makeForwardCurve(points);
    for (const { years, forward } of points) expect(forwardOf(flat, years)).toBe(forward);
    expect(forwardOf(flat, 0.2)).toBeCloseTo(Math.sqrt(100 * 104), 10);
    expect([forwardOf(flat, 0), forwardOf(flat, 5)]).toEqual([100, 103]);
    const carry = makeForwardCurve(points, { before: "constant-carry", after: "constant-carry" });
    expect(forwardOf(carry, 0)).toBeCloseTo(100 * Math.sqrt(100 / 104), 10);
    expect(forwardOf(carry, 1.7)).toBeCloseTo((103 * 103) / 104, 10);
  });

  test("is refused by name when it is none", () => {
    expect(() => makeForwardCurve([])).toThrow("points must not be empty");
    expect(() => makeForwardCurve([points[1]!, points[0]!])).toThrow("points[1].years must ascend");
    expect(() => makeForwardCurve([{ ...points[0]!, forward: NaN }])).toThrow("points[0].forward is not a number");
    expect(() => forwardOf(makeForwardCurve(points), -1)).toThrow("years must not be negative");
  });

  test("of a chain takes futures as they are, parity where there are none, and weighs both by their errors", () => {
    const world = makeWorld("curve", 5);
    const chain = quoteWorld(world, 1, { noise: 0.5 });
    const futures = forwardPoints(chain);
    expect(futures.map(({ forward, source }) => [forward, source])).toEqual(world.forwards.map((f) => [f, "future"]));
    const mixed: ExpiryQuotes[] = chain.map((expiry, index) =>
      index % 2 === 0 ? { years: expiry.years, quotes: expiry.quotes } : expiry,
    );
    expect(forwardPoints(mixed, { discount: 1 }).map(({ source }) => source)).toEqual([
      "parity",
      "future",
      "parity",
      "future",
      "parity",
    ]);
    const high = chain.map((expiry) => ({ ...expiry, forward: expiry.forward! * 1.01 }));
    for (const [index, { forward, error }] of forwardPoints(high, { discount: 1, futureError: 1e-3 }).entries()) {
      expect(forward).toBeGreaterThan(world.forwards[index]! * 0.999);
      expect(forward).toBeLessThan(world.forwards[index]! * 1.01);
      expect(error).toBeLessThan(1e-3 * forward);
    }
    expect(forwardPoints(mixed.map(({ years }) => ({ years, quotes: [] })))).toEqual([]);
  });
});

describe("the volatility index (PRICE-037)", () => {
  /** An expiry of flat volatility with dense strikes, quoted without a spread. */
  function flat(years: number, volatility: number, unit: "coin" | "currency" = "currency"): ExpiryQuotes {
    const forward = 100;
    const quotes = Array.from({ length: 381 }, (_, index) => 10 + index).flatMap((strike) =>
      (["call", "put"] as const).map((type) => {
        const price = black76Price({ type, forward, strike, years, volatility }) / (unit === "coin" ? forward : 1);
        return { type, strike, bid: price, ask: price };
      }),
    );
    return { years, forward, quotes };
  }

  test("of one volatility is that volatility, in currency and in coin", () => {
    for (const unit of ["currency", "coin"] as const) {
      const index = volatilityIndex([flat(0.05, 0.6, unit), flat(0.12, 0.6, unit)], { unit });
      expect(index).toMatchObject({ near: { years: 0.05 }, next: { years: 0.12 } });
      expect(Math.abs((index as { volatility: number }).volatility - 0.6)).toBeLessThan(1e-3);
    }
  });

  test("takes total variance linear in time to 30 days", () => {
    const index = volatilityIndex([flat(0.05, 0.5), flat(0.12, 0.7)]) as { volatility: number };
    const target = 30 / 365;
    const near = indexTerm(flat(0.05, 0.5))!.variance * 0.05;
    const next = indexTerm(flat(0.12, 0.7))!.variance * 0.12;
    const total = near + ((target - 0.05) / 0.07) * (next - near);
    expect(index.volatility).toBeCloseTo(Math.sqrt(total / target), 14);
    const exact = volatilityIndex([flat(30 / 365, 0.5)]) as { volatility: number };
    expect(exact.volatility).toBeCloseTo(Math.sqrt(indexTerm(flat(30 / 365, 0.5))!.variance), 14);
  });

  // Three strikes a side, worked by hand from the formula: F 100.5, K0 100, T 0.1.
  test("sums as the methodology says, leaving out what has no bid and all beyond two in a row", () => {
    const quote = (type: "call" | "put", strike: number, mid: number, bid = mid): OptionQuote => ({
      type,
      strike,
      bid,
      ask: 2 * mid - bid,
    });
    const quotes = [
      quote("put", 70, 0.4),
      { type: "put", strike: 75, ask: 0.5 } as const,
      { type: "put", strike: 80, ask: 0.6 } as const,
      quote("put", 90, 1),
      quote("put", 95, 2),
      quote("put", 100, 4),
      quote("call", 100, 4.5),
      quote("call", 105, 2.5),
      { type: "call", strike: 110, ask: 3 } as const,
      quote("call", 120, 0.5),
    ];
    const term = indexTerm({ years: 0.1, forward: 100.5, quotes })!;
    const sum =
      (5 / (90 * 90)) * 1 +
      (5 / (95 * 95)) * 2 +
      (5 / (100 * 100)) * 4.25 +
      (10 / (105 * 105)) * 2.5 +
      (15 / (120 * 120)) * 0.5;
    expect(term).toMatchObject({ middleStrike: 100, strikeCount: 5 });
    expect(term.variance).toBeCloseTo((2 * sum - 0.005 * 0.005) / 0.1, 14);
  });

  test("is the fair variance of a surface when strikes are dense", () => {
    const svi = { a: 0.36 * 0.1, b: 0, rho: 0, m: 0, s: 1 };
    const surface = makeSurface([{ years: 0.1, forward: 100, discount: 1, svi }]);
    expect(surfaceFairVariance(surface, 0.1)).toBeCloseTo(0.36, 7);
    const skewed = makeSurface([
      { years: 0.1, forward: 100, discount: 1, svi: { a: 0.02, b: 0.08, rho: -0.3, m: 0.02, s: 0.15 } },
    ]);
    const quotes = Array.from({ length: 2_000 }, (_, index) => 2 + index).flatMap((strike) => {
      const k = Math.log(strike / 100);
      const x = k - 0.02;
      const volatility = Math.sqrt((0.02 + 0.08 * (-0.3 * x + Math.sqrt(x * x + 0.0225))) / 0.1);
      return (["call", "put"] as const).map((type) => {
        const price = black76Price({ type, forward: 100, strike, years: 0.1, volatility });
        return { type, strike, bid: price, ask: price };
      });
    });
    const term = indexTerm({ years: 0.1, forward: 100, quotes })!;
    expect(Math.abs(term.variance / surfaceFairVariance(skewed, 0.1) - 1)).toBeLessThan(2e-3);
  });

  test("says why there is none", () => {
    expect(volatilityIndex([flat(0.12, 0.6)])).toBe("no-expiry-before");
    expect(volatilityIndex([flat(0.05, 0.6)])).toBe("no-expiry-after");
    expect(volatilityIndex([{ years: 0.05, forward: 100, quotes: [] }, flat(0.12, 0.6)])).toBe("no-expiry-before");
    expect(() => volatilityIndex([])).toThrow("chain must not be empty");
    expect(() => volatilityIndex([flat(0.05, 0.6)], { targetYears: 0 })).toThrow("settings.targetYears");
  });
});

describe("robust statistics", () => {
  test("the weighted median reaches half of the weight", () => {
    expect(weightedMedian([3, 1, 2], [1, 1, 1])).toBe(2);
    expect(weightedMedian([3, 1, 2], [5, 1, 1])).toBe(3);
    expect(weightedMedian([7], [0.1])).toBe(7);
  });

  test("the ascending sequence nearest in squares: no other of many random ones is nearer", () => {
    const uniform = uniformOf("isotonic");
    for (let count = 0; count < 20; count++) {
      const values = Array.from({ length: 6 }, () => between(uniform, 0, 1));
      const weights = values.map(() => between(uniform, 0.1, 3));
      const cost = (candidate: readonly number[]): number =>
        candidate.reduce((sum, value, index) => sum + weights[index]! * (value - values[index]!) ** 2, 0);
      const best = ascending(values, weights);
      expect([...best].sort((one, other) => one - other)).toEqual(best);
      for (let trial = 0; trial < 300; trial++) {
        const near = best.map((value) => value + 0.1 * (uniform() - 0.5)).sort((one, other) => one - other);
        expect(cost(near)).toBeGreaterThanOrEqual(cost(best) - 1e-15);
      }
    }
  });
});
