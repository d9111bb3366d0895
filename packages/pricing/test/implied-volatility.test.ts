import { describe, expect, test } from "vitest";
import { black76, black76Price } from "@stoa/pricing/black76";
import { progress } from "@stoa/pricing/implied-deviation";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { functions } from "../../../tools/accuracy/black.ts";

/** The distance from `x` to the next double. */
function unitOf(x: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0) - x;
}

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

describe("round trips on 3,000 options of the harshest grid", () => {
  const rows = functions.find(({ name }) => name === "impliedVolatility")!.inputs("round trips", 3_000);
  const cases = rows.map((row) => {
    const [call, forward, strike, years, price, discount, made] = row as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const option = { type: call === 1 ? "call" : "put", forward, strike, years, discount } as const;
    const implied = impliedVolatility({ ...option, price }) as number;
    // How many units in the last place of the price one of the volatility moves.
    const { vega } = black76({ ...option, volatility: implied });
    return { option, price, made, implied, elasticity: (vega * unitOf(implied)) / unitOf(price) };
  });

  test("the price of the implied volatility is the price, to a unit and what rounding the volatility moves", () => {
    for (const { option, price, implied, elasticity } of cases) {
      const again = black76Price({ ...option, volatility: implied });
      const error = Math.abs(again - price) / unitOf(price);
      if (!(error <= 2 + 0.6 * elasticity)) expect.fail(`${error} ${elasticity} ${JSON.stringify({ option, price })}`);
    }
  });

  test("the implied volatility of a price is the volatility, to a unit and what rounding the price moves", () => {
    let sharp = 0;
    for (const { option, price, made, implied, elasticity } of cases) {
      const error = Math.abs(implied - made) / unitOf(made);
      if (elasticity < 1e-6) continue; // the price hardly depends on the volatility: it is no question
      if (!(error <= 1 + 2 / elasticity)) expect.fail(`${error} ${elasticity} ${JSON.stringify({ option, price })}`);
      sharp++;
    }
    expect(sharp).toBeGreaterThan(2_000);
  });
});

test("two steps are enough everywhere: the guess is within 21 %, after the first step 1e-5 is left", () => {
  const rows = functions.find(({ name }) => name === "impliedVolatility")!.inputs("steps", 20_000);
  const worst = [0, 0];
  let compared = 0;
  for (const [call, forward, strike, years, price, discount] of rows as [
    number,
    number,
    number,
    number,
    number,
    number,
  ][]) {
    const type = call === 1 ? "call" : "put";
    progress.fill(NaN);
    const implied = impliedVolatility({ type, forward, strike, years, price, discount }) as number;
    if (Number.isNaN(progress[0]!)) continue; // a tiny value on the strike is in proportion: it takes no step
    for (const step of [0, 1])
      worst[step] = Math.max(worst[step]!, Math.abs(progress[step]! / (implied * Math.sqrt(years)) - 1));
    compared++;
  }
  expect(compared).toBeGreaterThan(15_000);
  expect(worst[0]).toBeLessThan(0.21);
  expect(worst[1]).toBeLessThan(1e-5);
});

describe("at the ends of what doubles hold", () => {
  const option = { type: "call", forward: 100, strike: 150, years: 0.25 } as const;

  test("the smallest price has a volatility, which gives it again", () => {
    for (const price of [5e-324, 1e-323, 3e-310, 2.2250738585072014e-308]) {
      const volatility = impliedVolatility({ ...option, price }) as number;
      const again = black76Price({ ...option, volatility });
      expect(Math.abs(again - price)).toBeLessThanOrEqual(5e-324 + 1e-13 * price);
    }
  });

  test("exercise swaps sides with forward and strike: call over and put under the strike imply the same to the bit", () => {
    for (const price of [1e-300, 1e-9, 1, 40, 99])
      expect(impliedVolatility({ ...option, price })).toBe(
        impliedVolatility({ ...option, type: "put", forward: 150, strike: 100, price }),
      );
  });

  test("the doubles beside a bound are answered, the bounds themselves refused or zero", () => {
    const up = (x: number): number => x * (1 + 2.3e-16);
    const down = (x: number): number => x * (1 - 1.2e-16);
    const inside = { ...option, strike: 60 } as const;
    expect(impliedVolatility({ ...inside, price: 40 })).toBe(0);
    expect(impliedVolatility({ ...inside, price: down(40) })).toBe("price-below-exercise");
    expect(impliedVolatility({ ...inside, price: up(40) })).toBeGreaterThan(0);
    expect(impliedVolatility({ ...inside, price: 100 })).toBe("price-above-maximum");
    expect(impliedVolatility({ ...inside, price: down(100) })).toBeGreaterThan(10);
    expect(impliedVolatility({ ...option, price: 0 })).toBe(0);
    expect(impliedVolatility({ ...option, price: 5e-324 })).toBeGreaterThan(0);
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
