import { describe, expect, test } from "vitest";
import { geometricAsian } from "@stoa/pricing/asian";
import { bachelier, bachelierHigherGreeks, bachelierPrice } from "@stoa/pricing/bachelier";
import { barrier, knocks } from "@stoa/pricing/barrier";
import { black76, black76Price } from "@stoa/pricing/black76";
import { blackScholes, blackScholesPrice } from "@stoa/pricing/black-scholes";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { black76HigherGreeks, blackScholesHigherGreeks } from "@stoa/pricing/higher-greeks";
import { inverse, inverseHigherGreeks, inversePrice } from "@stoa/pricing/inverse";
import {
  forwardDelta,
  inverseVenueConventions,
  quotedGreeks,
  spotDelta,
  type QuoteConventions,
} from "@stoa/pricing/quoted-greeks";
import { PricingRefusal } from "@stoa/pricing/refusal";

const forward = { type: "call", forward: 100, strike: 90, years: 0.5, volatility: 0.4, discount: 0.95 } as const;
const spot = {
  type: "call",
  spot: 100,
  strike: 90,
  years: 0.5,
  volatility: 0.4,
  rate: 0.1,
  dividendYield: 0.02,
} as const;
const level = { ...spot, knock: "down-and-out", barrier: 80, rebate: 5 } as const;
const put = "put" as const;

describe("without time or volatility (PRICE-013)", () => {
  test("a value is exercise, and its derivatives those of exercise", () => {
    for (const edge of [{ years: 0 }, { volatility: 0 }]) {
      expect(bachelier({ ...forward, ...edge })).toMatchObject({ price: 9.5, delta: 0.95, gamma: 0, vega: 0 });
      expect(bachelier({ ...forward, ...edge, strike: 100 })).toMatchObject({
        price: 0,
        delta: 0.475,
        dualDelta: -0.475,
      });
      expect(inverse({ ...forward, ...edge, discount: 1 })).toMatchObject({
        price: 0.1,
        delta: expect.closeTo(0.009, 15),
        vega: 0,
      });
      for (const higher of [black76HigherGreeks, bachelierHigherGreeks]) {
        const { charm, ...rest } = higher({ ...forward, ...edge });
        expect(Object.values(rest).every((value) => value === 0)).toBe(true);
        expect(charm).toBeCloseTo("years" in edge ? 0 : (-Math.log(0.95) / 0.5) * 0.95, 14);
      }
    }
    const { price, delta, theta, rho, yieldRho } = blackScholes({ ...spot, volatility: 0 });
    expect(price).toBeCloseTo(100 * Math.exp(-0.01) - 90 * Math.exp(-0.05), 12);
    expect(delta).toBeCloseTo(Math.exp(-0.01), 14);
    expect(theta).toBeCloseTo(2 * Math.exp(-0.01) - 9 * Math.exp(-0.05), 12);
    expect([rho, yieldRho]).toEqual(
      [0.5 * 90 * Math.exp(-0.05), -50 * Math.exp(-0.01)].map((x) => expect.closeTo(x, 11)),
    );
  });

  test("a digital pays on its side of the strike, and half on it", () => {
    const flat = { ...spot, rate: 0, dividendYield: 0, volatility: 0 };
    for (const strike of [90, 100, 110]) {
      const part = strike === 90 ? 1 : strike === 100 ? 0.5 : 0;
      expect(cashOrNothing({ ...flat, strike, cash: 7 })).toMatchObject({ price: 7 * part, delta: 0, gamma: 0 });
      expect(assetOrNothing({ ...flat, strike, years: 0 })).toMatchObject({ price: 100 * part, delta: part });
      expect(cashOrNothing({ ...flat, strike, type: put }).price).toBe(1 - part);
    }
  });

  test("a barrier is touched by the one path or it is not", () => {
    // The spot drifts from 100 to its forward of 104.08.
    const still = { ...level, volatility: 0 };
    const vanilla = blackScholesPrice(still);
    expect(barrier(still).price).toBe(vanilla);
    expect(barrier({ ...still, knock: "down-and-in" }).price).toBeCloseTo(5 * Math.exp(-0.05), 12);
    const above = { ...still, barrier: 103 };
    expect(barrier({ ...above, knock: "up-and-in" }).price).toBe(vanilla);
    const touch = Math.log(1.03) / 0.08;
    const out = (change: object) => barrier({ ...above, knock: "up-and-out", ...change });
    expect(out({}).price).toBeCloseTo(5 * Math.exp(-0.1 * touch), 12);
    const slope = (key: "spot" | "rate" | "dividendYield", h: number) =>
      (out({ [key]: above[key] + h }).price - out({ [key]: above[key] - h }).price) / (2 * h);
    expect(slope("spot", 1e-4)).toBeCloseTo(out({}).delta, 7);
    expect(slope("rate", 1e-6)).toBeCloseTo(out({}).rho, 6);
    expect(slope("dividendYield", 1e-6)).toBeCloseTo(out({}).yieldRho, 6);
  });
});

describe("at the other edges", () => {
  test("a price in the normal model is the volatility times sqrt(T / (2 pi)), up to the largest doubles", () => {
    const option = { type: "call", forward: 100, strike: 110, years: 0.25 } as const;
    for (const volatility of [1e200, 1e299, 1e300, 1e305, 1e308]) {
      const { price, delta } = bachelier({ ...option, volatility });
      expect(price / volatility).toBeCloseTo(Math.sqrt(0.25 / (2 * Math.PI)), 14);
      expect(delta).toBe(0.5);
    }
  });

  test("what is knocked is a vanilla option, or its rebate", () => {
    for (const knock of knocks)
      for (const spotPrice of [80, knock.startsWith("down") ? 70 : 90]) {
        const { price, delta } = barrier({ ...level, knock, spot: spotPrice });
        const vanilla = blackScholes({ ...spot, spot: spotPrice });
        expect([price, delta]).toEqual(knock.endsWith("in") ? [vanilla.price, vanilla.delta] : [5, 0]);
      }
  });

  test("a barrier that is out of reach leaves the vanilla option", () => {
    for (const [knock, far] of [
      ["down-and-out", 1e-6],
      ["up-and-out", 1e8],
    ] as const) {
      const far0 = { ...level, knock, barrier: far, rebate: 0 };
      expect(barrier(far0).price / blackScholesPrice(spot)).toBeCloseTo(1, 13);
      expect(barrier({ ...far0, knock: knock === "up-and-out" ? "up-and-in" : "down-and-in" }).price).toBe(0);
    }
  });

  test("barriers and averages give numbers from the smallest volatility to large ones", () => {
    for (const knock of knocks)
      for (const volatility of [5e-324, 1e-160, 1e-101, 1e-99, 1e-12, 1e-3, 1, 30])
        for (const away of [1e-12, 0.03, 0.9]) {
          const distance = knock.startsWith("down") ? 1 - away : 1 + away;
          const option = { ...level, knock, volatility, barrier: 100 * distance };
          const values = [...Object.values(barrier(option)), ...Object.values(geometricAsian(option))];
          expect(values.every(Number.isFinite), JSON.stringify(option)).toBe(true);
          expect(barrier(option).price).toBeLessThanOrEqual(blackScholesPrice(option) + 5.000001);
        }
  });

  test("a barrier option whose every term is below the normal doubles keeps its digits", () => {
    // The truths are those of tools/accuracy/closed_forms.py, 50 digits.
    const valuesIn = (unit: number) =>
      barrier({
        ...{ type: put, knock: "up-and-in", years: 4.675691814064466, volatility: 0.01195078448596284 },
        ...{ rate: 0.1739158133999154, dividendYield: -0.044380116092615995, rebate: 0.0027115784883460494 * unit },
        ...{ spot: 0.004029063362833503 * unit, strike: 0.004171820613247254 * unit },
        barrier: 0.004029175306574462 * unit,
      });
    // In a unit of money in which the results are normal doubles again, though no distribution is one.
    const { price, vega, theta, rho, yieldRho } = valuesIn(2 ** 300);
    for (const [value, truth] of [
      [price, 3.91587708025787691e-234],
      [vega, 4.77884109310911815e-229],
      [theta, 6.53246742478655078e-232],
      [rho, -2.7076721195660783e-230],
      [yieldRho, 2.70584117612517386e-230],
    ] as const)
      expect(value / truth).toBeCloseTo(1, 14);
    // These are subnormal whatever the unit, or in this one: as near as such doubles lie.
    const { delta, gamma } = valuesIn(1);
    expect(delta / 5e-324).toBeCloseTo(-7.05104727953835653e-319 / 5e-324, 0);
    expect(gamma / 5e-324).toBeCloseTo(2.58626726536455585e-313 / 5e-324, 0);
  });

  test("a rebate at the touch passes smoothly where the two roots of its exponent meet", () => {
    // volatility^2 / 2 is the carry and the rate is zero: the root is none, and a little beside it is a little.
    const meeting = { ...level, rate: 0, dividendYield: -0.03125, volatility: 0.25 };
    const at = barrier(meeting);
    for (const key of ["rate", "dividendYield", "volatility"] as const)
      for (const step of [1e-13, 1e-11, 1e-9, 1e-7]) {
        const beside = barrier({ ...meeting, [key]: meeting[key] + step });
        for (const name of ["price", "delta", "gamma", "vega", "theta", "rho", "yieldRho"] as const)
          expect(Math.abs(beside[name] / at[name] - 1), `${name} at ${key} + ${step}`).toBeLessThan(1e-10 + 1e3 * step);
      }
  });

  test("an average of one observation is the option on the spot; of very many, the continuous one", () => {
    const one = geometricAsian({ ...spot, observationsCount: 1 });
    const european = blackScholes(spot);
    for (const [name, value] of Object.entries(one))
      expect(value, name).toBeCloseTo(european[name as keyof typeof european], 11);
    const many = geometricAsian({ ...spot, observationsCount: 10_000_000 });
    const continuous = geometricAsian(spot);
    for (const [name, value] of Object.entries(many))
      expect(value, name).toBeCloseTo(continuous[name as keyof typeof continuous], 5);
  });

  test("far strikes, tiny and huge times and volatilities give numbers within their bounds, and no NaN", () => {
    let seen = 0;
    for (const strike of [1e-150, 1e-9, 1, 99.99999999999999, 100, 1e5, 1e150])
      for (const years of [0, 1e-300, 1e-12, 1, 1e6])
        for (const volatility of [0, 1e-300, 1e-9, 0.3, 50, 1e6, 1e100]) {
          const market = { strike, years, volatility };
          const values = [
            ...[black76, inverse, bachelier].map((f) => f({ ...forward, ...market })),
            ...[black76HigherGreeks, inverseHigherGreeks, bachelierHigherGreeks].map((f) =>
              f({ ...forward, ...market }),
            ),
            ...[blackScholes, blackScholesHigherGreeks, cashOrNothing, assetOrNothing].map((f) =>
              f({ ...spot, rate: 1e-5, dividendYield: -1e-5, ...market }),
            ),
          ];
          for (const [index, value] of values.entries())
            for (const [name, number] of Object.entries(value))
              if (number !== number) expect.fail(`${name} of model ${index} is NaN at ${JSON.stringify(market)}`);
          const price = black76Price({ ...forward, ...market });
          expect(0.95 * Math.max(0, 100 - strike) <= price && price <= 95).toBe(true);
          expect(inversePrice({ ...forward, ...market })).toBeLessThanOrEqual(0.95);
          seen++;
        }
    expect(seen).toBe(245);
  });

  test("forwards and times at either end of the doubles give no NaN, in coin or in currency", () => {
    for (const type of ["call", "put"] as const)
      for (const price of [5e-324, 1e-310, 1e-300, 1e-150, 1, 1e300])
        for (const strike of [1, price, price * 0.5, price * 1e100].filter((x) => 0 < x && x < Infinity))
          for (const years of [1e-310, 1e-100, 0.1, 10])
            for (const volatility of [1e-10, 0.8, 20])
              for (const discount of [1, 0.9]) {
                const option = { type, forward: price, strike, years, volatility, discount };
                for (const f of [inverse, inverseHigherGreeks, black76, black76HigherGreeks])
                  for (const [name, value] of Object.entries(f(option)))
                    if (value !== value) expect.fail(`${name} of ${f.name} is NaN at ${JSON.stringify(option)}`);
              }
    // The strike over the forward is no double, the greeks of the call are (50 digits of tools/accuracy/closed_forms.py).
    const wide = inverse({ type: "call", forward: 1e-309, strike: 1, years: 1, volatility: 60 });
    expect(wide).toMatchObject({ price: 1, gamma: -Infinity, rho: -1 });
    expect(wide.delta / 3.2449454906433197e235).toBeCloseTo(1, 12);
    expect(wide.dualDelta / -3.2449454906433258e-74).toBeCloseTo(1, 12);
  });

  test("prices alone are those that come with the greeks", () => {
    expect(bachelierPrice(forward)).toBe(bachelier(forward).price);
    expect(inversePrice(forward)).toBe(inverse(forward).price);
    expect(blackScholesPrice(spot)).toBe(blackScholes(spot).price);
  });
});

describe("deltas and greeks as they are quoted (PRICE-012)", () => {
  test("each delta is what its name says", () => {
    for (const type of ["call", "put"] as const) {
      const option = { ...forward, type };
      const { price, delta } = black76(option);
      expect(forwardDelta(option, "discounted")).toBeCloseTo(delta, 15);
      expect(forwardDelta(option, "forward")).toBeCloseTo(delta / 0.95, 14);
      expect(forwardDelta(option, "premium-adjusted")).toBeCloseTo((delta - price / 100) / 0.95, 13);
      expect((forwardDelta(option, "premium-adjusted") * 0.95) / 100).toBeCloseTo(inverse(option).delta, 15);

      const asset = { ...spot, type };
      const values = blackScholes(asset);
      expect(spotDelta(asset, "spot")).toBeCloseTo(values.delta, 15);
      expect(spotDelta(asset, "spot-premium-adjusted")).toBeCloseTo(values.delta - values.price / 100, 13);
      expect(spotDelta(asset, "forward")).toBeCloseTo(values.delta * Math.exp(0.01), 14);
      expect(spotDelta(asset, "discounted")).toBeCloseTo(values.delta * Math.exp(-0.04), 14);
      const growth = Math.exp(0.04);
      const adjusted = (values.delta - values.price / 100) * Math.exp(0.01);
      expect(spotDelta(asset, "premium-adjusted")).toBeCloseTo(adjusted, 13);
      expect(growth).toBeGreaterThan(1);
    }
  });

  test("gamma is the slope of the delta that is quoted; steps and units are as named", () => {
    const plain: QuoteConventions = { ...inverseVenueConventions, step: "one", time: "year", rho: "forward" };
    for (const delta of ["forward", "discounted", "premium-adjusted"] as const) {
      const at = (price: number) => forwardDelta({ ...forward, forward: price }, delta);
      const slope = (8 * (at(100.1) - at(99.9)) - (at(100.2) - at(99.8))) / 1.2;
      expect(quotedGreeks(forward, { ...plain, delta }).gamma).toBeCloseTo(slope, 10);
    }
    const values = black76(forward);
    const coins = quotedGreeks(forward, { ...plain, greeks: "coin" });
    expect(coins).toMatchObject({ price: values.price / 100, vega: values.vega / 100, rho: values.rho / 100 });
    const points = quotedGreeks(forward, { ...plain, price: "currency", step: "percent", time: "day" });
    expect(points).toMatchObject({ price: values.price, vega: values.vega / 100, theta: values.theta / 365 });
  });
});

test.each([
  [() => blackScholes({ ...spot, spot: 0 }), "spot must be positive: 0"],
  [() => blackScholesPrice({ ...spot, rate: NaN }), "rate is not a number: NaN"],
  [() => blackScholes({ ...spot, rate: 2000 }), "rate times years must be within ±700: 2000"],
  [() => blackScholesHigherGreeks({ ...spot, dividendYield: -2000 }), "dividendYield times years must be within ±700"],
  [() => bachelier({ ...forward, strike: Infinity }), "strike must be finite: Infinity"],
  [() => bachelierHigherGreeks({ ...forward, discount: 0 }), "discount must be positive: 0"],
  [() => inverse({ ...forward, volatility: -1 }), "volatility must not be negative: -1"],
  [() => inverseHigherGreeks({ ...forward, type: "both" as "call" }), "type must be one of call, put: both"],
  [() => cashOrNothing({ ...spot, cash: -1 }), "cash must not be negative: -1"],
  [() => assetOrNothing({ ...spot, years: NaN }), "years is not a number: NaN"],
  [() => barrier({ ...level, barrier: 0 }), "barrier must be positive: 0"],
  [() => barrier({ ...level, rebate: -1 }), "rebate must not be negative: -1"],
  [() => barrier({ ...level, knock: "sideways" as "up-and-in" }), "knock must be one of up-and-in"],
  [
    () => barrier({ ...level, rate: -0.1, dividendYield: -0.18 }),
    "rate is too far below zero for a rebate at the touch: -0.1",
  ],
  [() => geometricAsian({ ...spot, observationsCount: 1.5 }), "observationsCount must be an integer: 1.5"],
  [() => geometricAsian({ ...spot, volatility: 1e6 }), "volatility times sqrt(years) must be at most 100000"],
  [() => forwardDelta(forward, "spot" as "forward"), "convention must be one of forward, discounted"],
  [
    () => quotedGreeks(forward, { ...inverseVenueConventions, time: "week" as "day" }),
    "conventions.time must be one of",
  ],
])("an argument outside its domain is refused by name %#", (work, message) => {
  expect(work).toThrow(PricingRefusal);
  expect(work).toThrow(message);
});
