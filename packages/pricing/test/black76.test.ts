import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { black76, black76Price, discountFactor, type OptionType } from "@stoa/pricing/black76";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { PricingRefusal } from "@stoa/pricing/refusal";

type Scale = { forward: number; volatility: number; root: number; deviation: number };
type Row = [OptionType, ...number[]];
const grid = JSON.parse(readFileSync(new URL("fixtures/black76.json", import.meta.url), "utf8")) as { rows: Row[] };
const cases = grid.rows.map(
  ([type, forward, strike, years, volatility, discount, price, delta, gamma, vega, theta, rho, implied]) => ({
    option: { type, forward: forward!, strike: strike!, years: years!, volatility: volatility!, discount: discount! },
    expected: { price: price!, delta: delta!, gamma: gamma!, vega: vega!, theta: theta!, rho: rho! },
    implied: implied as number | null,
  }),
);

describe("on a grid of 1,680 options by QuantLib", () => {
  // Each tolerance is a part of the natural scale of the number, the largest that it takes near the money.
  test.each([
    ["price", 1e-15, ({ forward }) => forward],
    ["delta", 1e-13, () => 1],
    ["gamma", 1e-14, ({ forward, deviation }) => 1 / (forward * deviation)],
    ["vega", 1e-14, ({ forward, root }) => forward * root],
    ["theta", 1e-14, ({ forward, volatility, root }) => (forward * volatility) / root],
    ["rho", 1e-15, ({ forward, root }) => forward * root * root],
  ] as [keyof (typeof cases)[number]["expected"], number, (o: Scale) => number][])(
    "%s agrees to %d of its scale",
    (name, tolerance, scaleOf) => {
      expect(cases.length).toBe(1_680);
      for (const { option, expected } of cases) {
        const root = Math.sqrt(option.years);
        const { forward, volatility } = option;
        const scale = scaleOf({ forward, volatility, root, deviation: root * volatility });
        const error = Math.abs(black76(option)[name] - expected[name]) / scale;
        if (!(error <= tolerance)) expect.fail(`${name} ${error} off at ${JSON.stringify(option)}`);
      }
    },
  );

  test("implied volatility agrees wherever the price holds one, as far as the price tells", () => {
    let compared = 0;
    for (const { option, expected, implied } of cases) {
      // Half a unit in the last place of the price is all that either inversion can know.
      const resolution = (1e-15 * option.forward) / expected.vega;
      if (implied === null || !(resolution < 1e-6)) continue;
      const ours = impliedVolatility({ ...option, price: expected.price }) as number;
      if (!(Math.abs(ours - implied) <= resolution + 1e-14))
        expect.fail(`${ours} ${implied} ${JSON.stringify(option)}`);
      compared++;
    }
    expect(compared).toBeGreaterThan(900);
  });
});

const positive = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map((x) => Math.exp(x));
const anyOption = fc.record({
  type: fc.constantFrom<OptionType>("call", "put"),
  forward: positive(0.01, 1e6),
  moneyness: positive(0.02, 50),
  years: positive(1e-5, 10),
  volatility: positive(0.01, 5),
  discount: positive(0.5, 1.5),
});

describe("for any option", () => {
  test("call less put is the discounted forward less strike, to rounding", () => {
    fc.assert(
      fc.property(anyOption, ({ moneyness, ...option }) => {
        const strike = option.forward * moneyness;
        const call = black76Price({ ...option, strike, type: "call" });
        const put = black76Price({ ...option, strike, type: "put" });
        const exact = option.discount * (option.forward - strike);
        expect(Math.abs(call - put - exact)).toBeLessThanOrEqual(4e-16 * (call + put + Math.abs(exact)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("the price keeps within its bounds and does not fall when volatility rises by a hundredth", () => {
    fc.assert(
      fc.property(anyOption, ({ moneyness, ...rest }) => {
        const option = { ...rest, strike: rest.forward * moneyness };
        const { type, forward, strike, discount, volatility } = option;
        const price = black76Price(option);
        const gain = discount * (type === "call" ? forward - strike : strike - forward);
        expect(price).toBeGreaterThanOrEqual(Math.max(0, gain));
        expect(price).toBeLessThanOrEqual(discount * Math.max(type === "call" ? forward : strike) * (1 + 2e-16));
        expect(black76Price({ ...option, volatility: volatility * 1.01 })).toBeGreaterThanOrEqual(price * (1 - 4e-15));
      }),
      { numRuns: 2_000 },
    );
  });

  test("a call falls and a put rises with the strike", () => {
    fc.assert(
      fc.property(anyOption, ({ moneyness, ...rest }) => {
        const strike = rest.forward * moneyness;
        const price = black76Price({ ...rest, strike });
        const next = black76Price({ ...rest, strike: strike * 1.01 });
        const slack = 4e-16 * (rest.forward + strike);
        if (rest.type === "call") expect(next).toBeLessThanOrEqual(price + slack);
        else expect(next).toBeGreaterThanOrEqual(price - slack);
      }),
      { numRuns: 2_000 },
    );
  });

  test("the derivatives are those of the price, by central differences", () => {
    const near = anyOption.filter(({ moneyness }) => 0.5 < moneyness && moneyness < 2);
    fc.assert(
      fc.property(near, ({ moneyness, type, forward, volatility }) => {
        const option = {
          type,
          forward,
          strike: forward * moneyness,
          years: 0.5,
          volatility: volatility / 2 + 0.2,
          discount: 0.95,
        };
        const values = black76(option);
        const slope = (change: (h: number) => Partial<typeof option>, h: number): number =>
          (black76Price({ ...option, ...change(h) }) - black76Price({ ...option, ...change(-h) })) / (2 * h);
        expect(slope((h) => ({ forward: forward + h }), forward * 1e-5)).toBeCloseTo(values.delta, 6);
        expect(slope((h) => ({ volatility: option.volatility + h }), 1e-5) / forward).toBeCloseTo(
          values.vega / forward,
          6,
        );
        const rate = -Math.log(0.95) / 0.5;
        const later = (h: number): Partial<typeof option> => ({
          years: 0.5 - h,
          discount: discountFactor(rate, 0.5 - h),
        });
        expect(slope(later, 1e-5) / forward).toBeCloseTo(values.theta / forward, 6);
        expect(slope((h) => ({ discount: discountFactor(rate + h, 0.5) }), 1e-5) / forward).toBeCloseTo(
          values.rho / forward,
          6,
        );
        const up = black76({ ...option, forward: forward * 1.00001 }).delta;
        const down = black76({ ...option, forward: forward * 0.99999 }).delta;
        expect((up - down) / 0.00002).toBeCloseTo(values.gamma * forward, 5);
      }),
      { numRuns: 200 },
    );
  });
});

describe("at the edges", () => {
  const option = { type: "call", forward: 100, strike: 90, years: 0.5, volatility: 0.5 } as const;

  test("without time or volatility an option is worth its exercise", () => {
    for (const edge of [{ years: 0 }, { volatility: 0 }]) {
      expect(black76({ ...option, ...edge, discount: 0.9 })).toMatchObject({ price: 9, delta: 0.9, gamma: 0, vega: 0 });
      expect(black76({ ...option, ...edge, type: "put" })).toMatchObject({ price: 0, delta: -0, gamma: 0, vega: 0 });
      expect(black76({ ...option, ...edge, strike: 100 })).toMatchObject({ price: 0, delta: 0.5, gamma: 0, vega: 0 });
    }
    expect(black76({ ...option, years: 0 }).theta).toBe(0);
    expect(black76({ ...option, years: 0 }).rho).toBe(0);
  });

  test("far from the money a price fades to zero or becomes the forward, and never turns negative or NaN", () => {
    for (const strike of [1e-300, 1e-10, 1, 1e4, 1e10, 1e300]) {
      for (const volatility of [1e-8, 1e-3, 1, 30, 1e5]) {
        const { price, delta, gamma, vega, theta } = black76({ ...option, strike, volatility });
        expect(price).toBeGreaterThanOrEqual(Math.max(0, 100 - strike));
        expect(price).toBeLessThanOrEqual(100);
        for (const value of [price, delta, gamma, vega, theta]) expect(Number.isFinite(value)).toBe(true);
      }
    }
    expect(black76Price({ ...option, volatility: 1e5 })).toBe(100);
  });

  test.each([
    [{ type: "straddle" as OptionType }, "type must be one of call, put: straddle"],
    [{ forward: 0 }, "forward must be positive: 0"],
    [{ forward: Infinity }, "forward must be finite: Infinity"],
    [{ strike: -1 }, "strike must be positive: -1"],
    [{ years: -1e-9 }, "years must not be negative: -1e-9"],
    [{ volatility: NaN }, "volatility is not a number: NaN"],
    [{ discount: 0 }, "discount must be positive: 0"],
  ])("terms outside their domain are refused by name: %j", (change, message) => {
    for (const work of [black76, black76Price]) {
      expect(() => work({ ...option, ...change })).toThrow(PricingRefusal);
      expect(() => work({ ...option, ...change })).toThrow(message);
    }
  });
});

test("no bit of 10,000 options has changed", () => {
  const prng = createPrng("black76 golden");
  const hash = createHash("sha256");
  for (let index = 0; index < 10_000; index++) {
    const forward = 50_000 + 100_000 * prng.nextFloat();
    const option = {
      type: index % 2 === 0 ? "call" : "put",
      forward,
      strike: forward * (0.3 + 2 * prng.nextFloat()),
      years: 2 * prng.nextFloat() * prng.nextFloat(),
      volatility: 0.05 + 2 * prng.nextFloat(),
      discount: 0.9 + 0.1 * prng.nextFloat(),
    } as const;
    const values = black76(option);
    const implied = impliedVolatility({ ...option, price: values.price });
    hash.update(Float64Array.of(...Object.values(values), typeof implied === "number" ? implied : -1));
  }
  expect(hash.digest("hex")).toBe("40b1caf65bb6bd5fe764037f4af99d391047f5ecb02001e1813a871bf24a0379");
});
