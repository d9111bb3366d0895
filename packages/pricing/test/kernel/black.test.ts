/**
 * The chain kernel against the scalar functions, which are within some units in the last place of the truth: figures over daily
 * and absurd options, the edges of the domain, and rows that are refused.
 */
import { describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import * as exact from "@stoa/base/exact";
import { black76 } from "../../src/black76.ts";
import { standardise } from "../../src/standardised.ts";
import { blackChain } from "../../src/kernel/black.ts";
import { rowStatuses } from "../../src/kernel/columns.ts";
import { blackColumns, greekColumns, greekNames, randomOptions, type Row } from "./chains.ts";

describe("the chain kernel", () => {
  test("gives what the scalar functions give, over daily and absurd options (PRICE-061)", () => {
    const random = createPrng("black");
    const options = blackColumns(randomOptions(random, 20_000));
    const out = greekColumns(20_000);
    expect(blackChain(options, out)).toBe(0);
    for (let row = 0; row < 20_000; row++) {
      const [forward, strike] = [options.forward[row]!, options.strike[row]!];
      const [years, volatility, discount] = [options.years[row]!, options.volatility[row]!, options.discount[row]!];
      const type = options.sign[row] === 1 ? "call" : "put";
      const truth = black76({ type, forward, strike, years, volatility, discount });
      const deviation = volatility * Math.sqrt(years);
      const h = Math.min(40, Math.abs(exact.log(forward / strike) / deviation));
      const unit = 1.2e-16 * (80 + 5 * h * h + deviation * deviation);
      const scales: Record<string, number> = {
        price: truth.price,
        delta: Math.abs(truth.delta),
        gamma: truth.gamma,
        vega: truth.vega,
        theta: (truth.vega * volatility) / (2 * years) + Math.abs((truth.price * exact.log(discount)) / years),
        rho: Math.abs(truth.rho),
      };
      for (const [name, scale] of Object.entries(scales)) {
        const got = out[name as "price"][row]!;
        const wanted = truth[name as "price"];
        const allowed = unit * scale + 1e-307;
        if (!(Math.abs(got - wanted) <= allowed))
          expect.fail(
            `${name} of ${JSON.stringify({ type, forward, strike, years, volatility, discount })}: ${got}, not ${wanted}`,
          );
      }
      // Vanna is what vega loses per unit of the forward: vega d2 / (F s), negated.
      const { d2 } = standardise(forward, strike, 0, 0, years, volatility);
      const vanna = (-truth.vega * d2) / (forward * deviation);
      // An error of d2 of one unit of h counts, though the two halves of d2 may cancel.
      const allowed = unit * (Math.abs(vanna) + (truth.vega * (h + deviation)) / (forward * deviation)) + 1e-307;
      expect(Math.abs(out.vanna[row]! - vanna)).toBeLessThanOrEqual(allowed);
    }
  });

  test("refuses bad rows by the first argument that is wrong and goes on (PRICE-063)", () => {
    const good: Row = [1, 100, 110, 0.5, 0.99, 0.4];
    const bad: [Row, (typeof rowStatuses)[number]][] = [
      [[0, 100, 110, 0.5, 0.99, 0.4], "sign"],
      [[NaN, -1, 110, 0.5, 0.99, 0.4], "sign"],
      [[1, 0, 110, 0.5, 0.99, 0.4], "forward"],
      [[1, NaN, 110, 0.5, 0.99, 0.4], "forward"],
      [[1, Infinity, 110, 0.5, 0.99, 0.4], "forward"],
      [[1, 5e-324, 110, 0.5, 0.99, 0.4], "forward"],
      [[-1, 100, -110, 0.5, 0.99, 0.4], "strike"],
      [[-1, 100, NaN, 0.5, 0.99, 0.4], "strike"],
      [[-1, 100, 110, -1e-9, 0.99, 0.4], "years"],
      [[-1, 100, 110, NaN, 0.99, 0.4], "years"],
      [[1, 100, 110, 0.5, 0, 0.4], "discount"],
      [[1, 100, 110, 0.5, Infinity, 0.4], "discount"],
      [[1, 100, 110, 0.5, 0.99, -0.4], "volatility"],
      [[1, 100, 110, 0.5, 0.99, NaN], "volatility"],
      [[1, 100, 110, 0.5, 0.99, Infinity], "volatility"],
    ];
    const rows = bad.flatMap(([row]) => [good, row, good]);
    const out = greekColumns(rows.length);
    expect(blackChain(blackColumns(rows), out)).toBe(bad.length);
    for (const [index, [, status]] of bad.entries()) {
      expect([rowStatuses[out.status[3 * index + 1]!], index]).toEqual([status, index]);
      for (const name of greekNames) {
        expect(out[name][3 * index + 1]).toBeNaN();
        expect(out[name][3 * index]).toBe(out[name][0]);
        expect(out[name][3 * index + 2]).toBe(out[name][0]);
      }
    }
  });

  test("has the derivatives of exercise where time or volatility is zero", () => {
    const rows: Row[] = [1, -1].flatMap((sign) =>
      [90, 100, 110].flatMap((strike): Row[] => [
        [sign, 100, strike, 0, 0.5, 0.4],
        [sign, 100, strike, 2, 0.5, 0],
        [sign, 100, strike, 0, 0.5, 0],
      ]),
    );
    const out = greekColumns(rows.length);
    expect(blackChain(blackColumns(rows), out)).toBe(0);
    for (const [row, [sign, forward, strike, years, discount, volatility]] of rows.entries()) {
      const truth = black76({ type: sign === 1 ? "call" : "put", forward, strike, years, volatility, discount });
      for (const name of ["price", "delta", "gamma", "vega", "theta", "rho"] as const)
        expect([row, name, out[name][row]]).toEqual([row, name, truth[name] + 0]);
      expect(out.vanna[row]).toBe(0);
    }
  });

  test("refuses columns of different lengths by name", () => {
    const options = blackColumns([[1, 100, 110, 0.5, 0.99, 0.4]]);
    expect(() => blackChain(options, greekColumns(2))).toThrow(/price must have the length of the others: 2/);
  });
});
