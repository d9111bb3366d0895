/**
 * Implied volatilities of Bachelier's model for the measurement of accuracy: seeded points over the whole domain. `normal.py`
 * has the same to 50 digits.
 */
import { exp, log } from "@stoa/base/exact";
import { createPrng, type Prng } from "@stoa/base/prng";
import { bachelierPrice } from "@stoa/pricing/bachelier";
import { normalImpliedVolatility } from "@stoa/pricing/normal-implied-volatility";
import type { MeasuredFunction } from "./measured-function.ts";

export const functions: readonly MeasuredFunction[] = [
  {
    name: "normalImpliedVolatility",
    columns: ["call", "forward", "strike", "years", "price", "discount", "made"],
    results: ["volatility"],
    inputs: impliedPoints,
    evaluate: (row) => ({ volatility: impliedOf(row) }),
    bounds: { volatility: 0.51 },
    keepsRows: true,
    samples: 1_000,
  },
];

type Row = readonly [number, number, number, number, number, number];

function impliedOf(row: readonly number[]): number {
  const [call, forward, strike, years, price, discount] = row as Row;
  const type = call === 1 ? "call" : "put";
  const volatility = normalImpliedVolatility({ type, forward, strike, years, price, discount });
  return typeof volatility === "number" ? volatility : NaN;
}

/**
 * Forwards and strikes of either sign and of any distance from the last place up, on the strike too; deviations such that the
 * distance is up to 38 of them, or nothing beside them; in and out of the money, discounted or not. Prices that are zero or all
 * exercise value are left out. Last the volatility that the price was made with.
 */
function impliedPoints(seed: string, count: number): number[][] {
  const prng = createPrng(`${seed} normal`);
  const rows: number[][] = [];
  while (rows.length < count) {
    const index = rows.length;
    const wide = index % 4 === 3;
    const forward =
      (wide ? between(prng, 1e-280, 1e280) : between(prng, 1e-3, 1e5)) * (prng.nextFloat() < 0.2 ? -1 : 1);
    const reach = between(prng, 1e-16, 1e3) * (prng.nextFloat() < 0.5 ? -1 : 1);
    const strike = index % 9 === 0 ? forward : forward + reach * forward;
    const years = between(prng, 3e-8, 100);
    const u = prng.nextFloat();
    const steep = prng.nextFloat();
    const distance = strike === forward ? between(prng, 1e-3, 1) : Math.abs(forward - strike);
    const deviation = steep < 0.6 ? distance / (38 * u) : distance * between(prng, 1e-2, 1e25);
    const volatility = deviation / Math.sqrt(years);
    const discount = prng.nextFloat() < 0.5 ? 1 : between(prng, 0.01, 2);
    const call = prng.below(2);
    const price = bachelierPrice({ type: call === 1 ? "call" : "put", forward, strike, years, volatility, discount });
    const row = [call, forward, strike, years, price, discount];
    if (0 < price && 0 < impliedOf(row)) rows.push([...row, volatility]);
  }
  return rows;
}

/** Even in the logarithm. */
function between(prng: Prng, low: number, high: number): number {
  return exp(log(low) + prng.nextFloat() * (log(high) - log(low)));
}
