import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { heston, type HestonArguments } from "@stoa/pricing/heston";
import { PricingRefusal } from "@stoa/pricing/refusal";

type Row = ["call" | "put", ...(number | boolean | null)[]];
const { rows } = JSON.parse(readFileSync(new URL("fixtures/heston.json", import.meta.url), "utf8")) as { rows: Row[] };

function optionOf(row: Row): HestonArguments {
  const [
    type,
    spot,
    strike,
    days,
    rate,
    dividendYield,
    variance,
    meanReversion,
    longVariance,
    volatility,
    correlation,
  ] = row as ["call", ...number[]];
  const terms = { type, spot: spot!, strike: strike!, years: days! / 365, rate: rate!, dividendYield: dividendYield! };
  const model = { variance: variance!, meanReversion: meanReversion!, longVariance: longVariance! };
  return { ...terms, ...model, volatilityOfVariance: volatility!, correlation: correlation! };
}

const exactRows = rows.filter((row) => row.length === 16);

describe("Heston's model", () => {
  test("agrees with thirty-digit arithmetic as far as the stated error (PRICE-070)", () => {
    expect(exactRows.length).toBeGreaterThanOrEqual(36);
    const off: string[] = [];
    for (const row of exactRows) {
      const option = optionOf(row);
      const [price, delta, gamma] = row.slice(13) as [number, number, number];
      const ours = heston(option);
      if (!(Math.abs(ours.price - price) <= ours.error)) off.push(`${ours.price} ${price} ${JSON.stringify(option)}`);
      if (!(ours.error < 2e-12 * option.spot)) off.push(`error ${ours.error} ${JSON.stringify(option)}`);
      if (!(Math.abs(ours.delta - delta) <= 1e-12)) off.push(`delta ${ours.delta} ${delta} ${JSON.stringify(option)}`);
      const scale = 1 / option.spot / Math.sqrt(option.years);
      if (!(Math.abs(ours.gamma - gamma) <= 1e-11 * scale))
        off.push(`gamma ${ours.gamma} ${gamma} ${JSON.stringify(option)}`);
    }
    expect(off).toEqual([]);
  });

  test("agrees with QuantLib's AnalyticHestonEngine wherever two of its rules agree (PRICE-071)", () => {
    const known = rows.filter((row) => row[11] !== null && row[12]);
    expect(known.length).toBeGreaterThan(150);
    const off = known.filter((row) => !(Math.abs(heston(optionOf(row)).price - (row[11] as number)) < 2e-9));
    expect(off).toEqual([]);
  });

  test("gives the prices of Andersen's cases I to III as published (PRICE-071)", () => {
    // L. Andersen, "Simple and efficient simulation of the Heston stochastic volatility model" (2008).
    const cases = [
      [10, { variance: 0.04, meanReversion: 0.5, longVariance: 0.04, volatilityOfVariance: 1, correlation: -0.9 }],
      [15, { variance: 0.04, meanReversion: 0.3, longVariance: 0.04, volatilityOfVariance: 0.9, correlation: -0.5 }],
    ] as const;
    const published = [
      [44.33, 13.085, 0.296],
      [45.287, 16.649, 5.138],
    ];
    const prices = cases.map(([years, model]) =>
      [60, 100, 140].map((strike) => heston({ type: "call", spot: 100, strike, years, ...model }).price),
    );
    for (const [index, row] of prices.entries())
      for (const [place, price] of row.entries()) expect(price).toBeCloseTo(published[index]![place]!, 3);
  });

  test("is Black and Scholes' where the variance does not move (PRICE-072)", () => {
    for (const strike of [60, 95, 100, 130])
      for (const years of [0.01, 0.5, 8]) {
        const terms = { type: "put", spot: 100, strike, years, rate: 0.04, dividendYield: 0.01 } as const;
        const model = { variance: 0.09, meanReversion: 2, longVariance: 0.09, correlation: -0.4 };
        const { price, delta, gamma } = heston({ ...terms, ...model, volatilityOfVariance: 1e-9 });
        const black = blackScholes({ ...terms, volatility: 0.3 });
        expect(Math.abs(price - black.price)).toBeLessThan(1e-8 * years);
        expect(Math.abs(delta - black.delta)).toBeLessThan(1e-9);
        expect(Math.abs(gamma - black.gamma)).toBeLessThan(1e-9);
      }
  });

  test("keeps parity of put and call, and its delta and gamma are derivatives (PRICE-072)", () => {
    for (const row of exactRows) {
      const option = optionOf(row);
      const { spot, strike, years, rate = 0, dividendYield = 0 } = option;
      const call = heston({ ...option, type: "call" });
      const put = heston({ ...option, type: "put" });
      const forward = spot * Math.exp(-dividendYield * years) - strike * Math.exp(-rate * years);
      expect(Math.abs(call.price - put.price - forward)).toBeLessThan(3e-13 * (spot + strike));
      const step = 0.02 * spot * Math.sqrt(years);
      const at = (steps: number) => heston({ ...option, spot: spot + steps * step }).price;
      const slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
      const { delta } = heston(option);
      const fine = (8 * (at(0.5) - at(-0.5)) - (at(1) - at(-1))) / (6 * step);
      expect(Math.abs(delta - fine)).toBeLessThan(Math.abs(slope - fine) + 1e-9);
    }
  });

  test("refuses what is outside its domain by name (PRICE-002)", () => {
    const good = optionOf(rows[0]!);
    const bad: readonly (readonly [Partial<Record<keyof HestonArguments, unknown>>, string, string])[] = [
      [{ type: "straddle" }, "type", "unknown"],
      [{ spot: 0 }, "spot", "not-positive"],
      [{ strike: -1 }, "strike", "not-positive"],
      [{ years: 0 }, "years", "not-positive"],
      [{ rate: NaN }, "rate", "not-a-number"],
      [{ variance: -0.01 }, "variance", "negative"],
      [{ meanReversion: -1 }, "meanReversion", "negative"],
      [{ longVariance: Infinity }, "longVariance", "not-finite"],
      [{ volatilityOfVariance: 0 }, "volatilityOfVariance", "not-positive"],
      [{ correlation: 1 }, "correlation", "outside-range"],
      [{ rate: 1_000 }, "rate * years", "outside-range"],
    ];
    for (const [change, argument, reason] of bad) {
      let refusal: unknown;
      try {
        heston({ ...good, ...change } as HestonArguments);
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toBeInstanceOf(PricingRefusal);
      expect(refusal).toMatchObject({ argument, reason });
    }
  });
});
