import { describe, expect, test } from "vitest";
import { black76, black76Price } from "@stoa/pricing/black76";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";

describe("the volatility that a price was made with comes back", () => {
  test("over minutes to ten years, 1 % to 1,000 %, strikes from a hundredth to a hundred forwards", () => {
    let sharp = 0;
    for (const years of [1 / 525_600, 1 / 8760, 1 / 365, 0.02, 0.1, 0.5, 1, 5, 10]) {
      for (const volatility of [0.01, 0.05, 0.2, 0.5, 1, 2, 5, 10]) {
        for (const moneyness of [0.01, 0.1, 0.5, 0.8, 0.95, 0.9999, 1, 1.0001, 1.05, 1.3, 2, 5, 20, 100]) {
          for (const type of ["call", "put"] as const) {
            const option = { type, forward: 1000, strike: 1000 * moneyness, years };
            const { price, vega } = black76({ ...option, volatility });
            const implied = impliedVolatility({ ...option, price });
            if (typeof implied === "string") {
              // The value came so close to its ceiling that doubles cannot tell them apart.
              expect(implied).toBe("price-above-maximum");
              expect(price).toBe(Math.max(type === "call" ? 1000 : 1000 * moneyness, price));
              continue;
            }
            const again = black76Price({ ...option, volatility: implied });
            expect(Math.abs(again - price)).toBeLessThanOrEqual(1e-11 * price);
            // What half a unit in the last place of the price, or of the exercise it contains, leaves open.
            const open = (2e-16 * (1000 + 1000 * moneyness)) / vega + 1e-11 * volatility;
            if (!(open < 1e-3)) continue;
            expect(Math.abs(implied - volatility)).toBeLessThanOrEqual(open);
            sharp++;
          }
        }
      }
    }
    expect(sharp).toBeGreaterThan(1_000);
  });

  test("from out-of-the-money prices as small as doubles go", () => {
    for (const volatility of [0.05, 0.1, 0.2]) {
      for (const strike of [150, 200, 300, 500]) {
        const option = { type: "call", forward: 100, strike, years: 0.1 } as const;
        const price = black76Price({ ...option, volatility });
        if (price < 1e-300) continue;
        expect(impliedVolatility({ ...option, price })).toBeCloseTo(volatility, 10);
      }
    }
  });

  test("under a discount factor", () => {
    const option = { type: "put", forward: 4_000, strike: 4_400, years: 0.75, discount: 0.93 } as const;
    const price = black76Price({ ...option, volatility: 0.62 });
    expect(impliedVolatility({ ...option, price })).toBeCloseTo(0.62, 13);
  });
});

describe("a price that no volatility explains is refused", () => {
  const call = { type: "call", forward: 100, strike: 80, years: 0.5, discount: 0.9 } as const;
  const put = { ...call, type: "put", strike: 120 } as const;

  test.each([
    [{ ...call, price: 17.99 }, "price-below-exercise"],
    [{ ...call, price: -1 }, "price-below-exercise"],
    [{ ...call, price: 90 }, "price-above-maximum"],
    [{ ...call, price: Infinity }, "price-above-maximum"],
    [{ ...put, price: 108 }, "price-above-maximum"],
    [{ ...put, price: 17.9 }, "price-below-exercise"],
    [{ ...call, years: 0, price: 18 }, "expired"],
  ] as const)("%j: %s", (option, reason) => {
    expect(impliedVolatility(option)).toBe(reason);
  });

  test.each([
    [{ price: NaN }, "price", "not-a-number"],
    [{ years: -1 }, "years", "negative"],
    [{ years: NaN }, "years", "not-a-number"],
    [{ forward: 0 }, "forward", "not-positive"],
    [{ strike: Infinity }, "strike", "not-finite"],
    [{ discount: -1 }, "discount", "not-positive"],
  ])("an argument outside its domain throws: %j", (change, argument, reason) => {
    expect(() => impliedVolatility({ ...call, price: 20, ...change })).toThrow(
      expect.objectContaining({ name: "PricingRefusal", argument, reason }),
    );
  });

  test("but a price without time value is explained by zero", () => {
    expect(impliedVolatility({ ...call, price: 18 })).toBe(0);
    expect(impliedVolatility({ ...call, strike: 120, price: 0 })).toBe(0);
  });

  test("and nothing inside the bounds fails to end, be it a unit in the last place from them", () => {
    for (const strike of [1e-3, 50, 99.9999, 100, 130, 1e5]) {
      for (const type of ["call", "put"] as const) {
        const floor = Math.max(0, type === "call" ? 100 - strike : strike - 100);
        const ceiling = type === "call" ? 100 : strike;
        for (const part of [1e-300, 1e-30, 1e-15, 1e-9, 0.1, 0.5, 0.9, 1 - 1e-9, 1 - 2e-16]) {
          const price = floor + part * (ceiling - floor);
          const implied = impliedVolatility({ type, forward: 100, strike, years: 1, price });
          if (price === ceiling) continue;
          expect(implied, `${type} ${strike} ${part}`).toBeTypeOf("number");
          expect(Number.isFinite(implied) && 0 <= (implied as number)).toBe(true);
        }
      }
    }
  });
});
