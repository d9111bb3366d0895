/** Whatever is wrong with an argument of a single option is refused by the argument's name. */
import { describe, expect, test } from "vitest";
import { geometricAsian } from "@stoa/pricing/asian";
import { bachelier, bachelierHigherGreeks, bachelierPrice } from "@stoa/pricing/bachelier";
import { barrier } from "@stoa/pricing/barrier";
import { blackScholes, blackScholesPrice } from "@stoa/pricing/black-scholes";
import { black76, black76Price } from "@stoa/pricing/black76";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { barrierByFiniteDifferences } from "@stoa/pricing/finite-differences/barrier";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import { heston } from "@stoa/pricing/heston";
import { black76HigherGreeks, blackScholesHigherGreeks } from "@stoa/pricing/higher-greeks";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { inverse, inverseHigherGreeks, inversePrice } from "@stoa/pricing/inverse";
import { normalImpliedVolatility } from "@stoa/pricing/normal-implied-volatility";
import { inverseVenueConventions, quotedGreeks } from "@stoa/pricing/quoted-greeks";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { volatilityAt } from "@stoa/pricing/smile";
import { calendarGap } from "@stoa/pricing/surface/calendar-check";
import { sviVolatility } from "@stoa/pricing/svi";

type Option = Readonly<Record<string, unknown>>;
type Subject = readonly [name: string, price: (option: never) => unknown, option: Option];

const forward = { type: "call", forward: 100, strike: 95, years: 0.5, volatility: 0.4, discount: 0.98 };
const { forward: _, discount: __, ...shared } = forward;
const spot = { ...shared, spot: 100, rate: 0.03, dividendYield: 0.01 };
const { volatility: ___, ...priced } = { ...forward, price: 13 };
const grid = { ...spot, exercise: "american", priceSteps: 40, timeSteps: 20 };
const variance = { variance: 0.04, meanReversion: 1, longVariance: 0.05, volatilityOfVariance: 0.5, correlation: -0.3 };
const { volatility: ____, ...unvolatile } = spot;

const subjects: readonly Subject[] = [
  ["black76", black76, forward],
  ["black76Price", black76Price, forward],
  ["black76HigherGreeks", black76HigherGreeks, forward],
  ["blackScholes", blackScholes, spot],
  ["blackScholesPrice", blackScholesPrice, spot],
  ["blackScholesHigherGreeks", blackScholesHigherGreeks, spot],
  ["bachelier", bachelier, forward],
  ["bachelierPrice", bachelierPrice, forward],
  ["bachelierHigherGreeks", bachelierHigherGreeks, forward],
  ["inverse", inverse, forward],
  ["inversePrice", inversePrice, forward],
  ["inverseHigherGreeks", inverseHigherGreeks, forward],
  ["quotedGreeks", (option: never) => quotedGreeks(option, inverseVenueConventions), forward],
  ["impliedVolatility", impliedVolatility, priced],
  ["normalImpliedVolatility", normalImpliedVolatility, priced],
  ["cashOrNothing", cashOrNothing, { ...spot, cash: 10 }],
  ["assetOrNothing", assetOrNothing, spot],
  ["barrier", barrier, { ...spot, knock: "down-and-out", barrier: 80, rebate: 1 }],
  ["geometricAsian", geometricAsian, { ...spot, observationsCount: 12 }],
  ["vanillaByFiniteDifferences", vanillaByFiniteDifferences, grid],
  ["barrierByFiniteDifferences", barrierByFiniteDifferences, { ...grid, knockOut: "down-and-out", barrier: 80 }],
  ["heston", heston, { ...unvolatile, ...variance }],
];

/** Arguments that may be negative. */
const signed = ["rate", "dividendYield", "correlation"];

function refusalOf(
  price: (option: never) => unknown,
  option: Option,
): { argument: string; reason: string } | undefined {
  try {
    price(option as never);
    return undefined;
  } catch (error) {
    if (!(error instanceof PricingRefusal)) throw error;
    expect(error.message).toContain(error.argument);
    return { argument: error.argument, reason: error.reason };
  }
}

describe.each(subjects)("%s (PRICE-002)", (name, price, option) => {
  test("takes what is right", () => {
    expect(refusalOf(price, option)).toBeUndefined();
  });

  test("refuses NaN, infinities and words for numbers by their argument", () => {
    for (const key of Object.keys(option).filter((one) => typeof option[one] === "number")) {
      for (const value of [NaN, "1"]) {
        expect(refusalOf(price, { ...option, [key]: value })?.argument, `${key} ${value}`).toBe(key);
      }
      // An infinite price is above the maximum: the answer of an inversion, and no refusal.
      for (const value of name === "impliedVolatility" && key === "price" ? [] : [Infinity, -Infinity])
        expect(refusalOf(price, { ...option, [key]: value })?.argument, key).toBe(key);
    }
  });

  test("refuses negative numbers where there are none", () => {
    const bachelierHas = name.startsWith("bachelier") || name.startsWith("normal") ? ["forward", "strike"] : [];
    const free = [...signed, ...bachelierHas, ...("price" in option ? ["price"] : [])];
    for (const key of Object.keys(option).filter((one) => typeof option[one] === "number" && !free.includes(one)))
      expect(refusalOf(price, { ...option, [key]: -1 })?.argument, key).toBe(key);
  });

  test("refuses words that it does not know", () => {
    for (const key of Object.keys(option).filter((one) => typeof option[one] === "string"))
      expect(refusalOf(price, { ...option, [key]: "sideways" }), key).toEqual({ argument: key, reason: "unknown" });
  });
});

describe("powers of ten over the whole range of doubles (PRICE-002)", () => {
  // Those whose domain is documented to be smaller refuse the rest; nobody answers with NaN.
  const powers = Array.from({ length: 200 }, (_, index) => Number(`1e${-300 + 3 * index}`));

  test.each(subjects.filter(([, , { priceSteps }]) => priceSteps === undefined))("%s", (_, price, option) => {
    for (const key of ["spot", "strike", "years", "volatility", "variance", "meanReversion", "longVariance"].concat(
      "volatilityOfVariance",
    )) {
      if (typeof option[key] !== "number") continue;
      for (const value of powers) {
        const changed = { ...option, [key]: value };
        if (refusalOf(price, changed) !== undefined) continue;
        const answer = price(changed as never);
        const figures = typeof answer === "object" ? Object.entries(answer!) : [["answer", answer]];
        for (const [name, figure] of figures) expect(figure, `${name} at ${key} ${value}`).not.toBeNaN();
      }
    }
  });
});

describe("smiles and slices (PRICE-002)", () => {
  const nodes = [0.6, 0.5, 0.45, 0.5, 0.6];
  const slice = { a: 0.01, b: 0.1, rho: -0.2, m: 0, s: 0.1 };

  test("an empty smile, and one of the wrong number of nodes", () => {
    expect(refusalOf(() => volatilityAt([], 100, 90, 0.5), {})).toEqual({ argument: "nodes", reason: "empty" });
    expect(refusalOf(() => volatilityAt([0.5], 100, 90, 0.5), {})).toEqual({
      argument: "nodes",
      reason: "lengths-differ",
    });
  });

  test("forwards and strikes that are not positive, times that are negative", () => {
    expect(refusalOf(() => volatilityAt(nodes, 0, 90, 0.5), {})?.argument).toBe("forward");
    expect(refusalOf(() => volatilityAt(nodes, 100, NaN, 0.5), {})?.argument).toBe("strike");
    expect(refusalOf(() => volatilityAt(nodes, 100, 90, -0.5), {})?.argument).toBe("years");
    expect(refusalOf(() => sviVolatility(slice, -1, 90, 0.5), {})?.argument).toBe("forward");
    expect(refusalOf(() => sviVolatility(slice, 100, 0, 0.5), {})?.argument).toBe("strike");
    expect(refusalOf(() => sviVolatility(slice, 100, 90, 0), {})?.argument).toBe("years");
  });

  test("slices that have no variance, or none that can be compared", () => {
    expect(refusalOf(() => sviVolatility({ ...slice, a: -1 }, 100, 90, 0.5), {})?.argument).toBe("slice.variance");
    expect(refusalOf(() => sviVolatility({ ...slice, m: NaN }, 100, 90, 0.5), {})?.argument).toBe("slice.variance");
    expect(refusalOf(() => calendarGap({ ...slice, s: NaN }, slice), {})?.argument).toBe("early.s");
    expect(refusalOf(() => calendarGap(slice, { ...slice, a: NaN }), {})?.argument).toBe("late.a");
  });
});
