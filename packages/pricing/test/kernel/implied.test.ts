/**
 * Implied volatilities of a chain against the scalar function, which is right to its last place: how far they are apart, that
 * the price of the volatility is the price, and what rows without a volatility are told.
 */
import { describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { black76Price } from "../../src/black76.ts";
import { blackVolatility } from "../../src/implied-volatility.ts";
import { rowStatuses } from "../../src/kernel/columns.ts";
import { impliedChain } from "../../src/kernel/implied.ts";
import { blackColumns, randomOptions, type Row } from "./chains.ts";

function volatilitiesOf(rows: readonly Row[], price: Float64Array) {
  const out = { volatility: new Float64Array(rows.length), status: new Uint8Array(rows.length) };
  const refusedCount = impliedChain({ ...blackColumns(rows), price }, out);
  return { ...out, refusedCount };
}

const argumentsOf = ([sign, forward, strike, years, discount, volatility]: Row) =>
  ({ type: sign === 1 ? "call" : "put", forward, strike, years, discount, volatility }) as const;

describe("implied volatilities of a chain", () => {
  test("are those of the scalar function, out of the money to some units in the last place (PRICE-062)", () => {
    const rows = randomOptions(createPrng("implied"), 30_000).filter(
      ([sign, forward, strike]) => forward === strike || (sign === 1) === forward < strike,
    );
    const prices = Float64Array.from(rows, (row) => black76Price(argumentsOf(row)));
    const { volatility, status } = volatilitiesOf(rows, prices);
    let compared = 0;
    for (const [row, [sign, forward, strike, years, discount]] of rows.entries()) {
      const truth = blackVolatility(sign === 1, forward, strike, years, prices[row]!, discount);
      const share = prices[row]! / discount / Math.min(forward, strike);
      if (share < 1e-290 || 1 - 1e-12 < share) continue;
      compared++;
      expect(status[row]).toBe(0);
      // Where little is missing to the maximum, half a unit of the quotient price / discount moves the volatility.
      const allowed = 1.2e-16 * (40 + 2 / (1 - share));
      expect(Math.abs(volatility[row]! / truth - 1), `row ${rows[row]!.join(" ")}`).toBeLessThanOrEqual(allowed);
    }
    expect(compared).toBeGreaterThan(13_000);
  });

  test("price to the price again, in the money too", () => {
    const rows = randomOptions(createPrng("again"), 20_000);
    const prices = Float64Array.from(rows, (row) => black76Price(argumentsOf(row)));
    const { volatility, status } = volatilitiesOf(rows, prices);
    for (const [row, option] of rows.entries()) {
      if (status[row] !== 0) continue;
      const again = black76Price({ ...argumentsOf(option), volatility: volatility[row]! });
      const [, forward, strike, , discount] = option;
      // In units of what was added up: the price, and the maximum that it was taken from.
      const unit =
        1.2e-16 *
        (prices[row]! + discount * Math.min(forward, strike) * (prices[row]! < 0.1 * discount * forward ? 0 : 1));
      const wing = Math.log(forward / strike) ** 2 / (volatility[row]! ** 2 * option[3] || 1);
      expect(Math.abs(again - prices[row]!), `row ${option.join(" ")}`).toBeLessThanOrEqual(
        unit * (60 + 10 * wing) + 1e-290,
      );
    }
  });

  test("are refused by name where the price or a term allows none", () => {
    const cases: [Row, number, (typeof rowStatuses)[number]][] = [
      [[1, 100, 110, 0.5, 1, 0], 5, "ok"],
      [[1, 100, 90, 0.5, 1, 0], 10, "ok"],
      [[0, 100, 110, 0.5, 1, 0], 5, "sign"],
      [[1, 0, 110, 0.5, 1, 0], 5, "forward"],
      [[1, 100, Infinity, 0.5, 1, 0], 5, "strike"],
      [[1, 100, 110, -1, 1, 0], 5, "years"],
      [[1, 100, 110, 0.5, NaN, 0], 5, "discount"],
      [[1, 100, 110, 0.5, 1, 0], NaN, "price"],
      [[1, 100, 110, 0.5, 1, 0], Infinity, "price"],
      [[1, 100, 110, 0, 1, 0], 5, "expired"],
      [[1, 100, 90, 0.5, 1, 0], 9.999, "price-below-exercise"],
      [[-1, 100, 90, 0.5, 1, 0], -0.001, "price-below-exercise"],
      [[1, 100, 110, 0.5, 1, 0], 100, "price-above-maximum"],
      [[-1, 100, 110, 0.5, 0.5, 0], 55.1, "price-above-maximum"],
      // Maxima whose quotient by the discount rounds to less.
      [[-1, 97.1, 74, 0.5, 0.914, 0], 0.914 * 74, "price-above-maximum"],
      [[1, 93, 72.9, 0.5, 0.903, 0], 0.903 * 93, "price-above-maximum"],
      [[1, 100, 110, 0.5, 1, 0], 1e-300, "price-too-small"],
      [[1, 100, 110, 0.5, 1, 0], 5e-324, "price-too-small"],
      [[-1, 100, 90, 0.5, 1, 0], 5e-324, "price-too-small"],
    ];
    const prices = Float64Array.from(cases, ([, price]) => price);
    const { volatility, status, refusedCount } = volatilitiesOf(
      cases.map(([row]) => row),
      prices,
    );
    expect([...status].map((code) => rowStatuses[code])).toEqual(cases.map(([, , name]) => name));
    expect(refusedCount).toBe(cases.length - 2);
    expect(volatility[0]).toBeGreaterThan(0.2);
    expect(volatility[1]).toBe(0);
    for (let row = 2; row < cases.length; row++) expect(volatility[row]).toBeNaN();
  });
});
