/** A chain settled in coin against the single functions for such options. */
import { expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { inverse, inverseHigherGreeks } from "../../src/inverse.ts";
import { blackChain } from "../../src/kernel/black.ts";
import { settleInCoin } from "../../src/kernel/coin.ts";
import { blackColumns, greekColumns, randomOptions, type Row } from "./chains.ts";

test("a chain settled in coin has the prices and greeks of inverse options (PRICE-061)", () => {
  const rows = randomOptions(createPrng("coin"), 4_000).filter((_, index) => index % 4 !== 0);
  const options = blackColumns(rows);
  const out = greekColumns(rows.length);
  blackChain(options, out);
  const linear = { ...out, price: out.price.slice(), delta: out.delta.slice(), gamma: out.gamma.slice() };
  settleInCoin(options, out);
  for (const [row, [sign, forward, strike, years, discount, volatility]] of rows.entries()) {
    const option = { type: sign === 1 ? "call" : "put", forward, strike, years, discount, volatility } as const;
    const truth = { ...inverse(option), vanna: inverseHigherGreeks(option).vanna };
    const h = Math.log(forward / strike) / (volatility * Math.sqrt(years));
    const unit = 1.2e-16 * (100 + 6 * h * h);
    const slope = (Math.abs(linear.delta[row]!) + linear.price[row]! / forward) / forward;
    const scales = {
      price: truth.price,
      delta: slope,
      gamma: (linear.gamma[row]! + 2 * slope) / forward,
      vega: truth.vega,
      theta: (truth.vega * volatility) / (2 * years) + (truth.price * Math.abs(Math.log(discount))) / years,
      rho: Math.abs(truth.rho),
      vanna: (Math.abs(truth.vanna) + (truth.vega * (1 + Math.abs(h) / (volatility * Math.sqrt(years)))) / forward) * 4,
    };
    for (const [name, scale] of Object.entries(scales)) {
      const error = Math.abs(out[name as "price"][row]! - truth[name as "price"]);
      expect(error, `${name} of row ${rows[row]!.join(" ")}`).toBeLessThanOrEqual(unit * scale + 1e-300);
    }
  }
});

test("a refused row stays refused when its chain is settled in coin", () => {
  const bad: Row = [1, -1, 110, 0.5, 1, 0.5];
  const out = greekColumns(1);
  blackChain(blackColumns([bad]), out);
  settleInCoin(blackColumns([bad]), out);
  expect(out.price[0]).toBeNaN();
  expect(out.status[0]).toBe(2);
});
