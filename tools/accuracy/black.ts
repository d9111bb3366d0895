/**
 * Black-76 prices and implied volatilities for the measurement of accuracy: seeded points over the whole domain. `black.py` has
 * the same functions to 50 digits.
 */
import { exp, log } from "@stoa/base/exact";
import { createPrng, type Prng } from "@stoa/base/prng";
import { black76Price } from "@stoa/pricing/black76";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { outOfTheMoneyValue } from "@stoa/pricing/normalised-black";
import type { MeasuredFunction } from "./measured-function.ts";

type Row = readonly number[];

export const functions: readonly MeasuredFunction[] = [
  {
    name: "outOfTheMoneyValue",
    columns: ["low", "high", "deviation"],
    results: ["value"],
    inputs: valuePoints,
    edges: valueEdges(),
    evaluate: (row) => ({ value: outOfTheMoneyValue(...(row as [number, number, number])) }),
    bounds: { value: 0.85 },
    samples: 2_000,
  },
  {
    name: "black76Price",
    columns: ["call", "forward", "strike", "years", "volatility", "discount"],
    results: ["price"],
    inputs: optionPoints,
    evaluate: (row) => ({ price: black76Price(optionOf(row)) }),
    bounds: { price: 1.6 },
    samples: 2_000,
  },
  {
    name: "impliedVolatility",
    columns: ["call", "forward", "strike", "years", "price", "discount", "made"],
    results: ["volatility"],
    inputs: (seed, count) => priced(seed, count, optionPoints),
    edges: impliedEdges(),
    evaluate: (row) => ({ volatility: impliedOf(row) }),
    bounds: { volatility: 0.55 },
    keepsRows: true,
    samples: 1_000,
  },
  {
    name: "black76PriceTraded",
    columns: ["call", "forward", "strike", "years", "volatility", "discount"],
    results: ["price"],
    inputs: tradedPoints,
    evaluate: (row) => ({ price: black76Price(optionOf(row)) }),
    bounds: { price: 1.6 },
  },
  {
    name: "impliedVolatilityTraded",
    columns: ["call", "forward", "strike", "years", "price", "discount", "made"],
    results: ["volatility"],
    inputs: (seed, count) => priced(seed, count, tradedPoints),
    evaluate: (row) => ({ volatility: impliedOf(row) }),
    bounds: { volatility: 0.55 },
    keepsRows: true,
  },
];

function optionOf(row: Row) {
  const [call, forward, strike, years, volatility, discount] = row as [number, number, number, number, number, number];
  return { type: call === 1 ? "call" : "put", forward, strike, years, volatility, discount } as const;
}

function impliedOf(row: Row): number {
  const [call, forward, strike, years, price, discount] = row as [number, number, number, number, number, number];
  const volatility = impliedVolatility({ type: call === 1 ? "call" : "put", forward, strike, years, price, discount });
  return typeof volatility === "number" ? volatility : NaN;
}

/**
 * Distances and deviations of every kind in turn: near and far, even over the quantile a of the nearer leg from -8.6 to 51, in
 * wings down to subnormals, tiny deviations at neighbouring prices, huge ones, prices from 1e-304 to 1e304, on the strike.
 */
function shape(prng: Prng, index: number): { low: number; distance: number; deviation: number } {
  const choice = index % 6;
  const u = prng.nextFloat();
  const v = prng.nextFloat();
  const low = between(prng, 1e-3, 1e6);
  if (choice === 0) return { low, distance: 2 * u * v, deviation: between(prng, 2e-3, 8) };
  if (choice === 1) {
    const distance = between(prng, 2e-16, 50);
    return { low, distance, deviation: distance / (40 * u) };
  }
  if (choice === 2) return { low, distance: between(prng, 2e-16, 400), deviation: between(prng, 3e-17, 150) };
  if (choice === 3) {
    const wide = between(prng, 1e-304, 1e304);
    const distance = u * (707 - log(wide));
    return { low: wide, distance, deviation: distance / (50 * v) };
  }
  if (choice === 4) return { low, distance: 0, deviation: between(prng, 1e-170, 16) };
  const distance = between(prng, 2e-9, 400);
  const a = 60 * u - 8.6;
  const root = Math.sqrt(a * a + 2 * distance);
  return { low, distance, deviation: 0 < a ? (2 * distance) / (a + root) : root - a };
}

function highOf({ low, distance }: { low: number; distance: number }): number {
  const half = exp(0.5 * distance);
  const high = low * half * half;
  return high === Infinity ? Number.MAX_VALUE : high < low ? low : high;
}

function valuePoints(seed: string, count: number): number[][] {
  const prng = createPrng(`${seed} value`);
  return Array.from({ length: count }, (_, index) => {
    const point = shape(prng, index);
    return [point.low, highOf(point), point.deviation];
  });
}

/** Options of the same shapes, in and out of the money, discounted or not. */
function optionPoints(seed: string, count: number): number[][] {
  const prng = createPrng(`${seed} option`);
  return Array.from({ length: count }, (_, index) => {
    const point = shape(prng, index);
    const years = between(prng, 3e-8, 100);
    const discount = prng.nextFloat() < 0.5 ? 1 : between(prng, 0.01, 2);
    const turned = prng.nextFloat() < 0.5;
    const high = highOf(point);
    const [forward, strike] = turned ? [high, point.low] : [point.low, high];
    return [prng.below(2), forward, strike, years, point.deviation / Math.sqrt(years), discount];
  });
}

/** Options as they are traded: an hour to three years, 5 % to 300 %, strikes within three deviations, out of the money. */
function tradedPoints(seed: string, count: number): number[][] {
  const prng = createPrng(`${seed} traded`);
  return Array.from({ length: count }, () => {
    const years = between(prng, 1 / 8760, 3);
    const volatility = between(prng, 0.05, 3);
    const forward = between(prng, 1, 1e5);
    const strike = forward * exp((6 * prng.nextFloat() - 3) * volatility * Math.sqrt(years));
    return [forward < strike ? 1 : 0, forward, strike, years, volatility, 0.8 + 0.2 * prng.nextFloat()];
  });
}

/** Those options whose price determines a volatility, with the price and, last, the volatility that it was made with. */
function priced(seed: string, count: number, pointsOf: (seed: string, count: number) => number[][]): number[][] {
  const rows: number[][] = [];
  for (let batch = 0; rows.length < count; batch++) {
    for (const row of pointsOf(`${seed} implied ${batch}`, 4_096)) {
      const [call, forward, strike, years, volatility, discount] = row as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const price = black76Price(optionOf(row));
      const floor = discount * Math.max(0, call === 1 ? forward - strike : strike - forward);
      const ceiling = discount * (call === 1 ? forward : strike);
      if (!(floor < price && price < ceiling)) continue;
      const implied = [call, forward, strike, years, price, discount];
      if (0 < impliedOf(implied)) rows.push([...implied, volatility]);
    }
  }
  return rows.slice(0, count);
}

/** Ends of the domain and both sides of every border between formulas. */
function valueEdges(): number[][] {
  const rows: number[][] = [];
  for (const deviation of [0, 5e-324, 1e-310, 1e-60, 9.9e-61, 1e-20, 0.0078125, 1, 17, 40, 1e10, 1.7e308])
    for (const [low, high] of [
      [1, 1],
      [1, 1.0000000000000002],
      [100, 101],
      [100, 100.78125],
      [1, 2],
      [5e-324, 5e-324],
      [5e-324, 1.7e308],
      [1e-310, 1],
      [1.7e308, 1.7976931348623157e308],
    ] as const)
      rows.push([low, high, deviation]);
  for (const h of [0, 0.1, 1, 11.99, 12, 12.01, 30])
    for (const part of [0.999999, 1, 1.000001]) {
      const deviation = (0.00390625 * (2 + h)) / part;
      rows.push([1, exp(h * deviation), deviation]);
    }
  for (const x of [0.0078, 0.00782, 0.3, 3])
    for (const part of [0.99999, 1, 1.00001]) rows.push([1, exp(x), Math.sqrt(2 * x) * part]);
  return rows;
}

/** The doubles beside the bounds of a price, in and out of the money and on the strike, and the smallest prices. */
function impliedEdges(): number[][] {
  const rows: number[][] = [];
  for (const [forward, strike] of [
    [100, 150],
    [150, 100],
    [100, 100],
    [1, 1.0000000000000002],
    [3e-300, 4e-300],
    [1e300, 1.1e300],
    [1, 1e9],
  ] as const)
    for (const call of [0, 1])
      for (const discount of [1, 0.9]) {
        const floor = discount * Math.max(0, call === 1 ? forward - strike : strike - forward);
        const ceiling = discount * (call === 1 ? forward : strike);
        const prices = [1, 2, 5].flatMap((step) => [neighbor(floor, step), neighbor(ceiling, -step)]);
        for (const price of [...prices, floor + 1e-9 * (ceiling - floor), floor + 0.5 * (ceiling - floor)]) {
          const row = [call, forward, strike, 0.25, price, discount];
          const implied = impliedOf(row);
          if (0 < implied) rows.push([...row, implied]);
        }
      }
  return rows;
}

/** The double that is `steps` places from a positive or zero `x`. */
function neighbor(x: number, steps: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + BigInt(steps));
  return view.getFloat64(0);
}

/** Even in the logarithm. */
function between(prng: Prng, low: number, high: number): number {
  return exp(log(low) + prng.nextFloat() * (log(high) - log(low)));
}
