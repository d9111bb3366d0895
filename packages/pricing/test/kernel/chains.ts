/** Columns of options for the tests of kernels: daily ones, absurd ones, edges of every argument. */
import type { Prng } from "@stoa/base/prng";
import { exp } from "@stoa/base/exact";
import type { BlackColumns, GreekColumns } from "../../src/kernel/columns.ts";

export type Row = readonly [
  sign: number,
  forward: number,
  strike: number,
  years: number,
  discount: number,
  volatility: number,
];

export const greekNames = ["price", "delta", "gamma", "vega", "theta", "rho", "vanna"] as const;

export function blackColumns(rows: readonly Row[]): BlackColumns {
  const column = (index: number): Float64Array => Float64Array.from(rows, (row) => row[index]!);
  return {
    sign: column(0),
    forward: column(1),
    strike: column(2),
    years: column(3),
    discount: column(4),
    volatility: column(5),
  };
}

export function greekColumns(count: number): GreekColumns {
  const column = (): Float64Array => new Float64Array(count).fill(-77);
  return {
    price: column(),
    delta: column(),
    gamma: column(),
    vega: column(),
    theta: column(),
    rho: column(),
    vanna: column(),
    status: new Uint8Array(count).fill(99),
  };
}

/** Three quarters as they are traded, the others with tiny and huge times, volatilities and distances. */
export function randomOptions(random: Prng, count: number): Row[] {
  const between = (low: number, high: number): number => low + (high - low) * random.nextFloat();
  const spread = (low: number, high: number): number => low * exp(random.nextFloat() * Math.log(high / low));
  return Array.from({ length: count }, (_, index): Row => {
    const sign = random.below(2) === 0 ? 1 : -1;
    const forward = spread(0.01, 100_000);
    const discount = random.below(2) === 0 ? 1 : between(0.8, 1.05);
    if (index % 4 !== 0) {
      const [years, volatility] = [spread(1 / 8760, 3), between(0.05, 2.5)];
      const deviation = volatility * Math.sqrt(years);
      return [sign, forward, forward * exp(between(-4, 4) * deviation), years, discount, volatility];
    }
    const [years, volatility] = [spread(1e-8, 100), spread(1e-4, 10)];
    const deviation = volatility * Math.sqrt(years);
    const distance = between(-36, 36) * (deviation < 1 ? deviation : 1);
    const strike = random.below(8) === 0 ? forward : forward * exp(distance);
    return [sign, forward, strike, years, discount, volatility];
  });
}

/** Every combination of ordinary, extreme and impossible arguments. */
export function edgeOptions(): Row[] {
  const rows: Row[] = [];
  const prices = [100, 100.00000000000001, 110, 1e-100, 1e100, 0, -1, NaN, Infinity, 5e-324];
  for (const sign of [1, -1, 0])
    for (const forward of prices)
      for (const strike of prices)
        for (const years of [0, -0, 1, 1e-12, 1e100, -1])
          for (const discount of [1, 0.9, 1e-100, -0])
            for (const volatility of [0, -0, 5e-324, 1e-9, 0.03, 0.5, 40, 1e100, NaN]) {
              const bad = [
                sign === 0,
                !(1e-100 <= forward && forward <= 1e100),
                !(1e-100 <= strike && strike <= 1e100),
              ];
              const isWorse = 1 < [...bad, years < 0, discount === 0, volatility !== volatility].filter(Boolean).length;
              if (!isWorse) rows.push([sign, forward, strike, years, discount, volatility]);
            }
  return rows;
}
