/** What holds for every option, whatever its numbers: the closed forms against laws and against each other. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { geometricAsian } from "@stoa/pricing/asian";
import { bachelier, bachelierHigherGreeks, bachelierPrice } from "@stoa/pricing/bachelier";
import { barrier } from "@stoa/pricing/barrier";
import { blackScholes, blackScholesPrice } from "@stoa/pricing/black-scholes";
import { black76, black76Price } from "@stoa/pricing/black76";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { black76HigherGreeks, blackScholesHigherGreeks } from "@stoa/pricing/higher-greeks";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { inverse, inverseHigherGreeks, inversePrice } from "@stoa/pricing/inverse";
import { normalImpliedVolatility } from "@stoa/pricing/normal-implied-volatility";
import { differenceOf } from "./differences.ts";

const real = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const type = fc.constantFrom("call" as const, "put" as const);

/** Any option of Black-76, the strike within twelve deviations of the forward. */
const anyOption = fc
  .record({
    ...{ type, scale: real(-9, 9), deviations: real(-12, 12), years: real(-8, 3), volatility: real(-4, 1.5) },
    rate: real(-0.1, 0.3),
  })
  .map(({ type, scale, deviations, years: logYears, volatility: logVolatility, rate }) => {
    const years = Math.exp(logYears);
    const volatility = Math.exp(logVolatility);
    const distance = Math.max(-30, Math.min(30, deviations * volatility * Math.sqrt(years)));
    const forward = Math.exp(scale);
    return {
      type,
      forward,
      strike: forward * Math.exp(distance),
      years,
      volatility,
      discount: Math.exp(-rate * years),
    };
  });
/** One near the money, where every derivative has digits. */
const nearOption = fc.record({
  ...{
    type,
    forward: real(50, 200),
    strike: real(70, 140),
    years: real(0.1, 3),
    volatility: real(0.2, 1.2),
    rate: real(-0.05, 0.15),
  },
  dividendYield: real(-0.05, 0.1),
});
/** The same on a spot price. */
const spotOption = nearOption.map((option) => ({ ...option, spot: option.forward }));
type Near = typeof nearOption extends fc.Arbitrary<infer T> ? T : never;
type Spot = Near & { readonly spot: number };

const runs = { numRuns: 300, seed: 20_261_122 };
const unit = 2.3e-16;

describe("put and call", () => {
  test("of Black-76 and Black-Scholes differ by the forward contract (PRICE-090)", () => {
    const check = fc.property(anyOption, real(-0.1, 0.1), (option, dividendYield) => {
      const { forward, strike, years, discount } = option;
      const [call, put] = (["call", "put"] as const).map((type) => black76Price({ ...option, type })) as [
        number,
        number,
      ];
      const size = discount * (forward + strike);
      expect(Math.abs(call - put - discount * (forward - strike))).toBeLessThan(4 * unit * size);
      const rate = -Math.log(discount) / years;
      const terms = { spot: forward, strike, years, volatility: option.volatility, rate, dividendYield };
      const [spotCall, spotPut] = (["call", "put"] as const).map((type) => blackScholesPrice({ ...terms, type })) as [
        number,
        number,
      ];
      const [asset, cash] = [forward * Math.exp(-dividendYield * years), strike * Math.exp(-rate * years)];
      expect(Math.abs(spotCall - spotPut - (asset - cash))).toBeLessThan(2e-14 * (asset + cash));
    });
    fc.assert(check, runs);
  });

  test("of Bachelier, of coins, and of digitals too; knock-in and knock-out make the option (PRICE-090)", () => {
    const check = fc.property(nearOption, real(60, 160), (option, level) => {
      const { forward, strike, years, rate, dividendYield } = option;
      const discount = Math.exp(-rate * years);
      const of = <T>(price: (type: "call" | "put") => T) => [price("call"), price("put")] as [T, T];
      const [call, put] = of((type) => bachelierPrice({ ...option, type, volatility: 50, discount }));
      expect(Math.abs(call - put - discount * (forward - strike))).toBeLessThan(1e-13 * 400);
      const [coinCall, coinPut] = of((type) => inversePrice({ ...option, type, discount }));
      expect(Math.abs(coinCall - coinPut - discount * (1 - strike / forward))).toBeLessThan(1e-14 * 4);
      const terms = { ...option, spot: forward };
      const [cashCall, cashPut] = of((type) => cashOrNothing({ ...terms, type, cash: 1 }).price);
      expect(Math.abs(cashCall + cashPut - discount)).toBeLessThan(1e-14);
      const [assetCall, assetPut] = of((type) => assetOrNothing({ ...terms, type }).price);
      expect(Math.abs(assetCall + assetPut - forward * Math.exp(-dividendYield * years))).toBeLessThan(1e-12);
      const vanilla = blackScholesPrice(terms);
      expect(Math.abs(assetCall - strike * cashCall - blackScholesPrice({ ...terms, type: "call" }))).toBeLessThan(
        1e-12,
      );
      const side = level < forward ? "down" : "up";
      const [inside, outside] = (["in", "out"] as const).map(
        (way) => barrier({ ...terms, knock: `${side}-and-${way}`, barrier: level }).price,
      );
      expect(Math.abs(inside! + outside! - vanilla)).toBeLessThan(1e-11);
    });
    fc.assert(check, runs);
  });
});

describe("prices", () => {
  test("scale with forward and strike: to the bit by powers of two, to a few units by others (PRICE-091)", () => {
    const check = fc.property(
      anyOption,
      fc.integer({ min: -40, max: 40 }),
      real(0.1, 10),
      (option, exponent, factor) => {
        const price = black76Price(option);
        const scaled = (by: number) =>
          black76Price({ ...option, forward: by * option.forward, strike: by * option.strike });
        const power = 2 ** exponent;
        expect(scaled(power)).toBe(power * price);
        // The strike is rounded anew: as much as its own derivative makes of a unit in the last place.
        const slack = 4 * unit * (option.forward + option.strike) * factor * option.discount;
        expect(Math.abs(scaled(factor) - factor * price)).toBeLessThanOrEqual(slack);
        const { volatility } = option;
        const normal = { ...option, volatility: 30 * volatility };
        expect(
          Math.abs(
            bachelierPrice({ ...normal, forward: option.forward + 1, strike: option.strike + 1 }) -
              bachelierPrice(normal),
          ),
        ).toBeLessThan(
          1e-14 *
            (1 + option.forward + option.strike + normal.volatility * Math.sqrt(option.years)) *
            option.discount *
            10,
        );
      },
    );
    fc.assert(check, runs);
  });

  test("lie between exercise and the whole of what is delivered (PRICE-092)", () => {
    const check = fc.property(anyOption, (option) => {
      const { type, forward, strike, discount } = option;
      const price = black76Price(option);
      const exercise = discount * Math.max(0, type === "call" ? forward - strike : strike - forward);
      expect(price).toBeGreaterThanOrEqual(exercise * (1 - 2 * unit));
      expect(price).toBeLessThanOrEqual(discount * (type === "call" ? forward : strike) * (1 + 2 * unit));
    });
    fc.assert(check, { ...runs, numRuns: 1_000 });
  });

  test("rise with volatility and time, with the forward for calls, and bend upwards in strike and forward (PRICE-093)", () => {
    const check = fc.property(anyOption, real(1e-3, 0.5), (option, step) => {
      const { forward, strike, years, volatility, discount } = option;
      const price = black76Price(option);
      const slack = 4 * unit * discount * (forward + strike);
      const more = (change: Partial<typeof option>) => black76Price({ ...option, ...change }) - price;
      expect(more({ volatility: volatility * (1 + step) })).toBeGreaterThanOrEqual(-slack);
      expect(more({ years: years * (1 + step) })).toBeGreaterThanOrEqual(-slack);
      const sign = option.type === "call" ? 1 : -1;
      expect(sign * more({ forward: forward * (1 + step) })).toBeGreaterThanOrEqual(-2 * slack);
      expect(-sign * more({ strike: strike * (1 + step) })).toBeGreaterThanOrEqual(-2 * slack);
      for (const name of ["strike", "forward"] as const) {
        const at = option[name];
        expect(more({ [name]: at * (1 + step) }) + more({ [name]: at * (1 - step) })).toBeGreaterThanOrEqual(
          -6 * slack,
        );
      }
    });
    fc.assert(check, { ...runs, numRuns: 1_000 });
  });

  test("give back the volatility that made them, and it the price (PRICE-095)", () => {
    let exact = 0;
    const check = fc.property(anyOption, (option) => {
      const { volatility, ...terms } = option;
      const price = black76Price(option);
      const found = impliedVolatility({ ...terms, price });
      if (typeof found === "string") {
        expect(["price-below-exercise", "price-above-maximum"]).toContain(found);
        return;
      }
      const again = black76Price({ ...option, volatility: found });
      const size = option.discount * Math.max(option.forward, option.strike);
      expect(Math.abs(again - price)).toBeLessThanOrEqual(4 * unit * (price + size * (price < 1e-3 * size ? 1e-3 : 1)));
      // As far as the price tells: what half a unit of the price makes of the volatility.
      const { vega } = black76(option);
      const resolution =
        (3 * unit * Math.max(price, option.discount * Math.abs(option.forward - option.strike))) / vega;
      expect(Math.abs(found - volatility)).toBeLessThanOrEqual(4 * unit * volatility + resolution);
      if (found === volatility) exact++;
    });
    fc.assert(check, { ...runs, numRuns: 1_000 });
    expect(exact).toBeGreaterThan(100);
    const normal = fc.property(nearOption, (near) => {
      const option = { ...near, volatility: 100 * near.volatility };
      const { price, vega } = bachelier(option);
      const { volatility, ...terms } = option;
      const found = normalImpliedVolatility({ ...terms, price }) as number;
      expect(Math.abs(found - volatility)).toBeLessThanOrEqual(4 * unit * volatility + (3 * unit * price) / vega);
    });
    fc.assert(normal, runs);
  });
});

/** Derivatives by name: the function differenced, the number it is differenced in, and the sign. */
type Derivative<T> = readonly [name: string, f: (option: T) => number, variable: keyof T & string, sign: number];

/** Each analytic greek beside the difference of what it is the derivative of; most differences must be sharp. */
function compare<T extends object>(
  options: fc.Arbitrary<T>,
  greeks: (option: T) => Readonly<Record<string, number>>,
  derivatives: readonly Derivative<T>[],
): void {
  for (const [name, f, variable, sign] of derivatives) {
    let sharp = 0;
    let count = 0;
    const check = fc.property(options, (option) => {
      const at = option[variable as keyof T] as number;
      const step = variable === "rate" || variable === "dividendYield" ? 0.05 : 0.06 * at;
      const { value, error } = differenceOf((moved) => f({ ...option, [variable]: moved }), at, step);
      const ours = greeks(option)[name]!;
      const off = Math.abs(ours - sign * value);
      const size = Math.abs(ours) + 1e-6;
      if (!(off <= 20 * error + 1e-8 * size))
        expect.fail(`${name} ${ours} ${sign * value} ± ${error} ${JSON.stringify(option)}`);
      count++;
      if (error < 1e-6 * size) sharp++;
    });
    fc.assert(check, { numRuns: 60, seed: 5, endOnFailure: true });
    expect(sharp / count, name).toBeGreaterThan(0.85);
  }
}

describe("analytic greeks are derivatives, by extrapolated differences (PRICE-094)", () => {
  const discounted = <T extends { readonly rate: number; readonly years: number }>(option: T) => ({
    ...option,
    discount: Math.exp(-option.rate * option.years),
  });

  test("of Black-76, first and higher", () => {
    const first = (option: Near) => black76(discounted(option));
    const price = (option: Near) => first(option).price;
    compare(nearOption, first, [
      ...([
        ["delta", price, "forward", 1],
        ["vega", price, "volatility", 1],
        ["theta", price, "years", -1],
      ] as const),
      ...([
        ["rho", price, "rate", 1],
        ["dualDelta", price, "strike", 1],
      ] as const),
      ["gamma", (option) => first(option).delta, "forward", 1],
    ]);
    const higher = (option: Near) => black76HigherGreeks(discounted(option));
    compare(nearOption, higher, higherDerivatives(first, higher, "forward"));
  });

  test("of Black-Scholes, first and higher", () => {
    const first = (option: Spot) => blackScholes(option);
    const price = (option: Spot) => first(option).price;
    compare(spotOption, first, firstDerivatives(first, price));
    compare(spotOption, first, [["dualDelta", price, "strike", 1]]);
    const higher = (option: Spot) => blackScholesHigherGreeks(option);
    compare(spotOption, higher, higherDerivatives(first, higher, "spot"));
  });

  test("of Bachelier, first and higher", () => {
    const normal = (option: Near) => ({ ...discounted(option), volatility: 80 * option.volatility });
    const first = (option: Near) => bachelier(normal(option));
    const price = (option: Near) => first(option).price;
    compare(nearOption, first, [
      ...([
        ["delta", price, "forward", 1],
        ["theta", price, "years", -1],
        ["rho", price, "rate", 1],
      ] as const),
      ...([
        ["dualDelta", price, "strike", 1],
        ["gamma", (option: Near) => first(option).delta, "forward", 1],
      ] as const),
    ]);
    compare(nearOption, (option) => ({ vega: 80 * first(option).vega }), [["vega", price, "volatility", 1]]);
    const higher = (option: Near) => bachelierHigherGreeks(normal(option));
    compare(nearOption, higher, [
      ["speed", (option) => first(option).gamma, "forward", 1],
      ["charm", (option) => first(option).delta, "years", -1],
      ["colour", (option) => first(option).gamma, "years", -1],
      ["veta", (option) => first(option).vega, "years", -1],
      ["dualGamma", (option) => first(option).dualDelta, "strike", 1],
    ]);
    const perVolatility = (option: Near) => {
      const { vanna, volga, zomma, ultima } = higher(option);
      return { vanna: 80 * vanna, volga: 80 * volga, zomma: 80 * zomma, ultima: 80 * ultima };
    };
    compare(nearOption, perVolatility, [
      ["vanna", (option) => first(option).delta, "volatility", 1],
      ["volga", (option) => first(option).vega, "volatility", 1],
      ["zomma", (option) => first(option).gamma, "volatility", 1],
      ["ultima", (option) => higher(option).volga, "volatility", 1],
    ]);
  });

  test("of options that are settled in coin, first and higher", () => {
    const first = (option: Near) => inverse(discounted(option));
    const price = (option: Near) => first(option).price;
    compare(nearOption, first, [
      ...([
        ["delta", price, "forward", 1],
        ["vega", price, "volatility", 1],
        ["theta", price, "years", -1],
      ] as const),
      ...([
        ["rho", price, "rate", 1],
        ["gamma", (option: Near) => first(option).delta, "forward", 1],
      ] as const),
    ]);
    const higher = (option: Near) => inverseHigherGreeks(discounted(option));
    compare(nearOption, higher, higherDerivatives(first, higher, "forward").slice(0, 8));
  });

  test("of digitals, barriers and geometric Asians", () => {
    for (const digital of [cashOrNothing, assetOrNothing]) {
      const form = (option: Spot) => digital(option);
      compare(
        spotOption,
        form,
        firstDerivatives(form, (option) => form(option).price),
      );
    }
    const asian = (option: Spot) => geometricAsian({ ...option, observationsCount: 12 });
    compare(
      spotOption,
      asian,
      firstDerivatives(asian, (option) => asian(option).price),
    );
    // The barrier stays half a deviation away from every spot that is looked at.
    for (const knock of ["up-and-in", "up-and-out", "down-and-in", "down-and-out"] as const) {
      const level = knock.startsWith("up") ? 260 : 32;
      // Rates stay above zero: well below, a rebate at the touch has no closed form.
      const form = (option: Spot) => barrier({ ...option, rate: option.rate + 0.11, knock, barrier: level, rebate: 2 });
      compare(
        spotOption,
        form,
        firstDerivatives(form, (option) => form(option).price),
      );
    }
  });
});

function firstDerivatives(
  first: (option: Spot) => { readonly delta: number },
  price: (option: Spot) => number,
): Derivative<Spot>[] {
  return [
    ["delta", price, "spot", 1],
    ["vega", price, "volatility", 1],
    ["theta", price, "years", -1],
    ["rho", price, "rate", 1],
    ["yieldRho", price, "dividendYield", 1],
    ["gamma", (option) => first(option).delta, "spot", 1],
  ];
}

function higherDerivatives<T extends object>(
  first: (option: T) => {
    readonly delta: number;
    readonly gamma: number;
    readonly vega: number;
    readonly dualDelta?: number;
  },
  higher: (option: T) => { readonly volga: number },
  asset: keyof T & string,
): Derivative<T>[] {
  const volatility = "volatility" as keyof T & string;
  const years = "years" as keyof T & string;
  return [
    ["vanna", (option) => first(option).delta, volatility, 1],
    ["volga", (option) => first(option).vega, volatility, 1],
    ["charm", (option) => first(option).delta, years, -1],
    ["veta", (option) => first(option).vega, years, -1],
    ["speed", (option) => first(option).gamma, asset, 1],
    ["zomma", (option) => first(option).gamma, volatility, 1],
    ["colour", (option) => first(option).gamma, years, -1],
    ["ultima", (option) => higher(option).volga, volatility, 1],
    ["dualGamma", (option) => first(option).dualDelta as number, "strike" as keyof T & string, 1],
  ];
}
