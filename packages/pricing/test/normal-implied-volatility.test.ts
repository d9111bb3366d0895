import { describe, expect, test } from "vitest";
import { normalDensity, normalDistribution } from "@stoa/base/exact";
import { bachelier, bachelierPrice } from "@stoa/pricing/bachelier";
import { normalDistanceOfLog } from "@stoa/pricing/inversion";
import { normalImpliedVolatility } from "@stoa/pricing/normal-implied-volatility";

// Against 50-digit values it stands in accuracy.test.ts.
const call = { type: "call", forward: 0.02, strike: 0.015, years: 2, discount: 0.95 } as const;

describe("the volatility that a price was made with comes back", () => {
  test("for either sign of forward and strike, in and out of the money, at and far from it", () => {
    let compared = 0;
    for (const type of ["call", "put"] as const)
      for (const forward of [-0.01, 0, 0.03, 4_000])
        for (const reach of [-30, -3, -0.01, 0, 1e-9, 0.5, 4, 25])
          for (const volatility of [1e-5, 0.007, 0.3, 800])
            for (const years of [1 / 8760, 0.3, 10]) {
              const strike = forward + reach * volatility * Math.sqrt(years);
              const option = { type, forward, strike, years, discount: 0.9 };
              const { price, vega } = bachelier({ ...option, volatility });
              const implied = normalImpliedVolatility({ ...option, price });
              const open = (2e-16 * price) / vega + 4e-16 * volatility;
              if (!(open < 1e-6 * volatility)) continue;
              expect(Math.abs((implied as number) - volatility)).toBeLessThanOrEqual(open);
              compared++;
            }
    expect(compared).toBeGreaterThan(400);
  });

  test("and gives the price again", () => {
    for (const price of [0.004750001, 0.005, 0.1, 1e5]) {
      const volatility = normalImpliedVolatility({ ...call, price }) as number;
      expect(Math.abs(bachelierPrice({ ...call, volatility }) / price - 1)).toBeLessThan(5e-16);
    }
    for (const price of [5e-324, 1e-310, 1e-200, 1e-5]) {
      const option = { ...call, type: "put", discount: 1 } as const;
      const volatility = normalImpliedVolatility({ ...option, price }) as number;
      expect(Math.abs(bachelierPrice({ ...option, volatility }) - price)).toBeLessThanOrEqual(5e-324 + 2e-13 * price);
    }
  });
});

test("a price whose rest above exercise lies below its own last place has the volatility of that rest", () => {
  const option = { type: "call", forward: 0.071523018948786, strike: -4.4923190229026275 } as const;
  const terms = { years: 0.007071759641561153, price: 0.22925240648580766, discount: 0.05023232714531173 };
  // 6.4161215258379057178 to 50 digits (tools/accuracy/normal.py); a rest rounded at the place of the price is 1.6 units off.
  expect(normalImpliedVolatility({ ...option, ...terms })).toBe(6.416121525837906);
});

test("the largest prices have a volatility, which may be beyond doubles", () => {
  const option = { type: "call", forward: -1, strike: 2, price: 1.5e308 } as const;
  const volatility = normalImpliedVolatility({ ...option, years: 16 }) as number;
  expect(volatility / (1.5e308 * (Math.sqrt(2 * Math.PI) / 4))).toBeCloseTo(1, 14);
  expect(normalImpliedVolatility({ ...option, years: 1 })).toBe(Infinity);
});

test("two steps are enough everywhere: the guess is within 0.35 %", () => {
  let worst = 0;
  for (let step = 0; step < 4_000; step++) {
    const h = Math.exp(-20 + (step / 4_000) * (20 + Math.log(36)));
    const share = normalDensity(h) / h - normalDistribution(-h);
    worst = Math.max(worst, Math.abs(normalDistanceOfLog(Math.log(share)) / h - 1));
  }
  expect(worst).toBeLessThan(0.0035);
  expect(worst).toBeGreaterThan(0.0005);
});

describe("what has no answer is refused", () => {
  test.each([
    [{ price: 0.004749 }, "price-below-exercise"],
    [{ price: -1 }, "price-below-exercise"],
    [{ type: "put", price: -5e-324 }, "price-below-exercise"],
    [{ years: 0, price: 1 }, "expired"],
  ] as const)("%j: %s", (change, reason) => {
    expect(normalImpliedVolatility({ ...call, ...change })).toBe(reason);
  });

  test("a price without time value is explained by zero", () => {
    expect(normalImpliedVolatility({ ...call, discount: 1, price: call.forward - call.strike })).toBe(0);
    expect(normalImpliedVolatility({ ...call, type: "put", price: 0 })).toBe(0);
    expect(normalImpliedVolatility({ ...call, strike: call.forward, price: 0 })).toBe(0);
  });

  test.each([
    [{ price: NaN }, "price", "not-a-number"],
    [{ price: Infinity }, "price", "not-finite"],
    [{ years: -1 }, "years", "negative"],
    [{ forward: NaN }, "forward", "not-a-number"],
    [{ strike: -Infinity }, "strike", "not-finite"],
    [{ discount: 0 }, "discount", "not-positive"],
    [{ forward: 1.7e308, strike: -1.7e308 }, "forward - strike", "not-finite"],
  ])("an argument outside its domain throws: %j", (change, argument, reason) => {
    expect(() => normalImpliedVolatility({ ...call, price: 1, ...change })).toThrow(
      expect.objectContaining({ name: "PricingRefusal", argument, reason }),
    );
  });
});
