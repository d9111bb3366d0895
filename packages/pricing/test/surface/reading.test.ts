import { describe, expect, test } from "vitest";
import { black76, black76Price } from "@stoa/pricing/black76";
import {
  atTheMoney,
  butterfly,
  deltaAt,
  riskReversal,
  strikeAtDelta,
  termStructure,
  volatilityAtDelta,
} from "@stoa/pricing/surface/delta";
import { checkSurface, localVolatility, surfaceDensityFactor } from "@stoa/pricing/surface/surface-check";
import {
  makeSurface,
  surfaceDiscount,
  surfaceForward,
  surfaceRules,
  surfaceVariance,
  surfaceVolatility,
  type Surface,
  type SurfaceRules,
} from "@stoa/pricing/surface/surface";
import { sviDensityFactor, sviVariance } from "@stoa/pricing/svi";
import { makeWorld } from "./chains.ts";

function surfaceOf(seed: string, rules: Partial<SurfaceRules> = {}): Surface {
  const { years, slices, forwards } = makeWorld(seed, 6);
  return makeSurface(
    years.map((length, index) => ({
      years: length,
      forward: forwards[index]!,
      discount: Math.exp(-0.03 * length),
      svi: slices[index]!,
    })),
    { ...surfaceRules, ...rules },
  );
}

test.each([
  ["slices[0].svi.a", { a: NaN }],
  ["slices[0].svi.a", { a: -1 }],
  ["slices[0].svi.b", { b: -0.1 }],
  ["slices[0].svi.rho", { rho: 1 }],
  ["slices[0].svi.m", { m: Infinity }],
  ["slices[0].svi.s", { s: 0 }],
])("a slice is refused by the name of %s (PRICE-002)", (argument, change) => {
  const svi = { a: 0.01, b: 0.1, rho: -0.3, m: 0, s: 0.2, ...change };
  expect(() => makeSurface([{ years: 1, forward: 100, discount: 1, svi }])).toThrow(`${argument} `);
});

describe("a surface between, before and after its expiries (PRICE-035)", () => {
  const surface = surfaceOf("rules");
  const [first, second, third] = surface.slices;
  const last = surface.slices.at(-1)!;

  test("total variance, the logarithms of forward and discount are linear in time", () => {
    const years = second!.years + 0.3 * (third!.years - second!.years);
    for (const k of [-0.3, 0, 0.2]) {
      const between = 0.7 * sviVariance(second!.svi, k).variance + 0.3 * sviVariance(third!.svi, k).variance;
      expect(surfaceVariance(surface, k, years)).toBeCloseTo(between, 14);
    }
    expect(surfaceForward(surface, years)).toBeCloseTo(second!.forward ** 0.7 * third!.forward ** 0.3, 6);
    expect(surfaceDiscount(surface, years)).toBeCloseTo(second!.discount ** 0.7 * third!.discount ** 0.3, 12);
  });

  test("at an expiry it is its slice, under every rule", () => {
    for (const between of ["total-variance", "price"] as const) {
      for (const { years, forward, discount, svi } of surface.slices) {
        const same = { ...surface, rules: { ...surface.rules, between } };
        expect(surfaceVariance(same, 0.1, years)).toBe(sviVariance(svi, 0.1).variance);
        expect(surfaceForward(same, years)).toBeCloseTo(forward, 9);
        expect(surfaceDiscount(same, years)).toBeCloseTo(discount, 12);
      }
    }
  });

  test("prices are linear in time under the rule that says so", () => {
    const priced: Surface = { ...surface, rules: { ...surface.rules, between: "price" } };
    const price = (of: Surface, k: number, years: number): number =>
      black76Price({
        type: "put",
        forward: 1,
        strike: Math.exp(k),
        years: 1,
        volatility: Math.sqrt(surfaceVariance(of, k, years)),
      });
    const years = 0.5 * (second!.years + third!.years);
    for (const k of [-0.2, 0.001, 0.1]) {
      const middle = 0.5 * (price(surface, k, second!.years) + price(surface, k, third!.years));
      expect(price(priced, k, years)).toBeCloseTo(middle, 12);
    }
    // So far out that both prices are 0 in doubles the variance still lies between its neighbours.
    const far = surfaceVariance(priced, 40, years);
    expect(far).toBeGreaterThanOrEqual(sviVariance(second!.svi, 40).variance);
    expect(far).toBeLessThanOrEqual(sviVariance(third!.svi, 40).variance);
  });

  test("volatility is constant before the first and after the last, or its forward variance is", () => {
    for (const k of [-0.2, 0, 0.3]) {
      const early = Math.sqrt(surfaceVariance(surface, k, 0.25 * first!.years) / (0.25 * first!.years));
      expect(early).toBeCloseTo(Math.sqrt(sviVariance(first!.svi, k).variance / first!.years), 12);
      const late = Math.sqrt(surfaceVariance(surface, k, 2 * last.years) / (2 * last.years));
      expect(late).toBeCloseTo(Math.sqrt(sviVariance(last.svi, k).variance / last.years), 12);
    }
    const growing = surfaceOf("rules", { after: "constant-forward-variance" });
    const before = surface.slices.at(-2)!;
    const rate =
      (sviVariance(last.svi, 0).variance - sviVariance(before.svi, 0).variance) / (last.years - before.years);
    for (const k of [-0.2, 0, 0.3]) {
      const rise = surfaceVariance(growing, k, last.years + 0.5) - sviVariance(last.svi, k).variance;
      expect(rise).toBeCloseTo(0.5 * rate, 13);
    }
    expect(surfaceForward(surface, 9)).toBe(last.forward);
    expect(Math.log(surfaceDiscount(surface, 9)) / 9).toBeCloseTo(-0.03, 12);
  });

  test("before the first expiry no butterfly appears, as the rule promises", () => {
    for (const part of [0.01, 0.2, 0.9]) {
      for (let k = -1; k <= 1; k += 0.01) {
        expect(surfaceDensityFactor(surface, k, part * first!.years)).toBeGreaterThan(0);
      }
    }
  });
});

describe("local consistency", () => {
  test("the density factor at an expiry is that of its slice, and the check names what crosses", () => {
    const surface = surfaceOf("local");
    const [first, second] = surface.slices;
    expect(checkSurface(surface).free).toBe(true);
    expect(surfaceDensityFactor(surface, 0.05, second!.years)).toBeCloseTo(sviDensityFactor(second!.svi, 0.05), 10);
    const crossed = makeSurface([
      { ...first!, svi: second!.svi },
      { ...second!, svi: first!.svi },
    ]);
    const check = checkSurface(crossed);
    expect(check).toMatchObject({ free: false, butterflies: [undefined, undefined] });
    expect(check.calendars[0]!.gap).toBeLessThan(0);
  });

  test("local volatility gives back Dupire's formula in prices: 2 dC/dT over K^2 d2C/dK2", () => {
    const surface = surfaceOf("dupire");
    const [, second, third] = surface.slices;
    const price = (strike: number, years: number): number =>
      black76Price({
        type: "call",
        forward: 1,
        strike,
        years: 1,
        volatility: Math.sqrt(surfaceVariance(surface, Math.log(strike), years)),
      });
    const years = 0.5 * (second!.years + third!.years);
    for (const k of [-0.05, 0, 0.04]) {
      const strike = Math.exp(k);
      const h = 2e-3 * strike;
      const dt = 1e-4 * years;
      const time = (price(strike, years + dt) - price(strike, years - dt)) / (2 * dt);
      const bend = (price(strike + h, years) - 2 * price(strike, years) + price(strike - h, years)) / (h * h);
      const dupire = Math.sqrt((2 * time) / (strike * strike * bend));
      expect(localVolatility(surface, k, years) / dupire).toBeCloseTo(1, 3);
    }
  });
});

describe("a surface by deltas (PRICE-036)", () => {
  const surface = surfaceOf("deltas");

  test("the strike at a delta has that delta, as Black-76 sees it, under every convention", () => {
    for (const { years } of surface.slices) {
      const forward = surfaceForward(surface, years);
      const discount = surfaceDiscount(surface, years);
      for (const type of ["call", "put"] as const) {
        for (const delta of [0.05, 0.1, 0.25, 0.4]) {
          for (const convention of ["forward", "discounted", "premium-adjusted"] as const) {
            const point = strikeAtDelta(surface, { type, delta, years, convention });
            if (typeof point === "string") throw new Error(point);
            const { strike, volatility } = point;
            expect(volatility).toBeCloseTo(surfaceVolatility(surface, strike, years), 12);
            const plain = black76({ type, forward, strike, years, volatility });
            const size = {
              forward: Math.abs(plain.delta),
              discounted: Math.abs(plain.delta) * discount,
              "premium-adjusted": Math.abs(plain.delta - plain.price / forward),
            }[convention];
            expect(size).toBeCloseTo(delta, 12);
          }
        }
      }
    }
  });

  test("of two strikes with one premium-adjusted call delta the higher is read; too large a delta is none", () => {
    const { years } = surface.slices[5]!;
    const point = strikeAtDelta(surface, { type: "call", delta: 0.3, years, convention: "premium-adjusted" });
    if (typeof point === "string") throw new Error(point);
    for (let k = point.k + 0.01; k < point.k + 1; k += 0.01) {
      expect(deltaAt(surface, { type: "call", k, years, convention: "premium-adjusted" })).toBeLessThan(0.3);
    }
    expect(strikeAtDelta(surface, { type: "call", delta: 0.999, years, convention: "premium-adjusted" })).toBe(
      "delta-not-reached",
    );
    expect(typeof strikeAtDelta(surface, { type: "call", delta: 0.999, years })).toBe("object");
  });

  test("at the money is the forward, or where call and put have one size of delta", () => {
    const { years, forward } = surface.slices[3]!;
    expect(atTheMoney(surface, years)).toMatchObject({ strike: forward, k: 0 });
    for (const convention of ["forward", "premium-adjusted"] as const) {
      const { k } = atTheMoney(surface, years, "delta-neutral", convention);
      const call = deltaAt(surface, { type: "call", k, years, convention });
      const put = deltaAt(surface, { type: "put", k, years, convention });
      expect(call).toBeCloseTo(put, 12);
      expect(Math.sign(k)).toBe(convention === "forward" ? 1 : -1);
    }
  });

  test("risk reversal and butterfly are what their names say", () => {
    const question = { delta: 0.25, years: 0.1 };
    const call = volatilityAtDelta(surface, { ...question, type: "call" }) as number;
    const put = volatilityAtDelta(surface, { ...question, type: "put" }) as number;
    const middle = atTheMoney(surface, 0.1, "delta-neutral").volatility;
    expect(riskReversal(surface, question)).toBe(call - put);
    expect(butterfly(surface, question)).toBeCloseTo(0.5 * (call + put) - middle, 15);
    const forward = atTheMoney(surface, 0.1, "forward").volatility;
    expect(butterfly(surface, { ...question, money: "forward" })).toBeCloseTo(0.5 * (call + put) - forward, 15);
    expect(riskReversal(surface, { ...question, delta: 0.9999999, convention: "premium-adjusted" })).toBe(
      "delta-not-reached",
    );
  });

  test("the forward volatilities of the term structure add up to its variance", () => {
    const points = termStructure(surface);
    let total = 0;
    let before = 0;
    for (const { years, volatility, forwardVolatility } of points) {
      total += forwardVolatility * forwardVolatility * (years - before);
      before = years;
      expect(total).toBeCloseTo(volatility * volatility * years, 13);
    }
    expect(() => termStructure(surface, [0.2, 0.1])).toThrow("times[1] must ascend");
  });

  test.each([
    [{ type: "call", delta: 0, years: 1 }, "delta must be positive"],
    [{ type: "call", delta: 1, years: 1 }, "delta must be between 0 and 1"],
    [{ type: "kall", delta: 0.2, years: 1 }, "type must be one of"],
    [{ type: "put", delta: 0.2, years: -1 }, "years must be positive"],
    [{ type: "put", delta: 0.2, years: 1, convention: "sticky" }, "convention must be one of"],
  ])("%j is refused", (question, message) => {
    expect(() => strikeAtDelta(surface, question as never)).toThrow(message);
  });
});
