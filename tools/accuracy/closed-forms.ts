/**
 * The closed forms whose accuracy is measured: for each public function its arguments as columns, a seeded rule for points
 * over its whole domain, and what it answers. `closed_forms.py` has the same functions to 50 digits under the same names.
 */
import { exp, log } from "@stoa/base/exact";
import { createPrng, type Prng } from "@stoa/base/prng";
import { geometricAsian } from "@stoa/pricing/asian";
import { barrier, knocks } from "@stoa/pricing/barrier";
import { bachelier, bachelierHigherGreeks } from "@stoa/pricing/bachelier";
import { black76, type OptionType } from "@stoa/pricing/black76";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { black76HigherGreeks, blackScholesHigherGreeks } from "@stoa/pricing/higher-greeks";
import { inverse, inverseHigherGreeks } from "@stoa/pricing/inverse";
import type { MeasuredFunction } from "./measured-function.ts";

const firstResults = ["price", "delta", "gamma", "vega", "theta", "rho", "dualDelta"];
const spotResults = ["price", "delta", "gamma", "vega", "theta", "rho", "yieldRho", "dualDelta"];
const higherResults = ["gamma", "vanna", "volga", "charm", "veta", "speed", "zomma", "colour", "ultima", "dualGamma"];
const barrierResults = ["price", "delta", "gamma", "vega", "theta", "rho", "yieldRho"];
const black76Columns = ["call", "forward", "strike", "years", "volatility", "discount"];
const spotColumns = ["call", "spot", "strike", "years", "volatility", "rate", "dividendYield"];

/** The largest errors in units in the last place that tests allow; the measured ones are in docs/pricing/accuracy.md. */
const boundAll = (results: readonly string[], bound: number) =>
  Object.fromEntries(results.map((name) => [name, bound]));

const measure = (
  name: string,
  columns: readonly string[],
  results: readonly string[],
  inputs: MeasuredFunction["inputs"],
  evaluate: MeasuredFunction["evaluate"],
  bound: number,
): MeasuredFunction => ({
  ...{ name, columns, results, inputs, evaluate, samples: 250 },
  bounds: boundAll(results, bound),
});

export const functions: readonly MeasuredFunction[] = [
  measure("black76", black76Columns, firstResults, forwardPoints, (row) => black76(forwardOption(row)), 5),
  measure(
    "black76HigherGreeks",
    black76Columns,
    higherResults,
    forwardPoints,
    (row) => black76HigherGreeks(forwardOption(row)),
    8,
  ),
  measure("blackScholes", spotColumns, spotResults, spotPoints, (row) => blackScholes(spotOption(row)), 6),
  measure(
    "blackScholesHigherGreeks",
    spotColumns,
    higherResults,
    spotPoints,
    (row) => blackScholesHigherGreeks(spotOption(row)),
    7,
  ),
  measure("bachelier", black76Columns, firstResults, normalPoints, (row) => bachelier(forwardOption(row)), 6),
  measure(
    "bachelierHigherGreeks",
    black76Columns,
    higherResults,
    normalPoints,
    (row) => bachelierHigherGreeks(forwardOption(row)),
    7,
  ),
  measure("inverse", black76Columns, firstResults, forwardPoints, (row) => inverse(forwardOption(row)), 5),
  measure(
    "inverseHigherGreeks",
    black76Columns,
    higherResults,
    forwardPoints,
    (row) => inverseHigherGreeks(forwardOption(row)),
    7,
  ),
  measure("cashOrNothing", spotColumns, spotResults, spotPoints, (row) => cashOrNothing(spotOption(row)), 7),
  measure("assetOrNothing", spotColumns, spotResults, spotPoints, (row) => assetOrNothing(spotOption(row)), 7),
  measure(
    "geometricAsian",
    [...spotColumns, "observationsCount"],
    spotResults,
    averagePoints,
    (row) => geometricAsian(averageOption(row)),
    6,
  ),
  measure(
    "barrier",
    [...spotColumns, "knock", "barrier", "rebate"],
    barrierResults,
    barrierPoints,
    (row) => barrier(barrierOption(row)),
    2,
  ),
];

const typeOf = (call: number | undefined): OptionType => (call === 1 ? "call" : "put");

function forwardOption(row: readonly number[]) {
  const [call, forward, strike, years, volatility, discount] = row as [number, number, number, number, number, number];
  return { type: typeOf(call), forward, strike, years, volatility, discount };
}

function spotOption(row: readonly number[]) {
  const [call, spot, strike, years, volatility, rate, dividendYield] = row as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { type: typeOf(call), spot, strike, years, volatility, rate, dividendYield };
}

/** A count of 0 stands for the continuous average. */
function averageOption(row: readonly number[]) {
  const observationsCount = row[7] as number;
  return observationsCount === 0 ? spotOption(row) : { ...spotOption(row), observationsCount };
}

function barrierOption(row: readonly number[]) {
  const knock = knocks[row[7] as number] as (typeof knocks)[number];
  return { ...spotOption(row), knock, barrier: row[8] as number, rebate: row[9] as number };
}

/** Options that are not knocked yet: barriers up to four deviations or 90 % away, strikes likewise on either side. */
function barrierPoints(seed: string, count: number): number[][] {
  const prng = createPrng(seed);
  return Array.from({ length: count }, (_, index) => {
    const spot = between(prng, 1e-3, 1e3);
    const years = between(prng, 1e-4, 20);
    const volatility = between(prng, 0.01, 2);
    const deviation = volatility * Math.sqrt(years);
    const rate = 0.2 * prng.nextFloat();
    const dividendYield = 0.3 * (prng.nextFloat() - 0.5);
    const knock = index & 3;
    const reach = between(prng, 1e-3, 4) * deviation;
    const barrier = spot * exp(knock < 2 ? (reach < 2 ? reach : 2) : reach < 2 ? -reach : -2);
    const strike = spot * exp(4 * (2 * prng.nextFloat() - 1) * (deviation < 0.5 ? deviation : 0.5));
    const rebate = index & 8 ? 0 : spot * prng.nextFloat();
    return [(index >> 2) & 1, spot, strike, years, volatility, rate, dividendYield, knock, barrier, rebate];
  });
}

/**
 * Points of a forward option: prices over twelve decades, times from a second to a millennium, volatilities from a millionth
 * to a hundred; half of the strikes even over ±38 deviations, a quarter within one deviation, a quarter of any distance from
 * the last place to 200; half of them discounted.
 */
function forwardPoints(seed: string, count: number): number[][] {
  const prng = createPrng(seed);
  return Array.from({ length: count }, (_, index) => {
    const { years, volatility, distance } = shape(prng, index);
    const forward = between(prng, 1e-6, 1e6);
    const discount = prng.nextFloat() < 0.5 ? 1 : between(prng, 0.01, 2);
    return [index & 1, forward, forward * exp(distance), years, volatility, discount];
  });
}

/** The same on a spot, with rates and yields of ±30 % (at most 20 over the life), a quarter of each zero. */
function spotPoints(seed: string, count: number): number[][] {
  const prng = createPrng(seed);
  return Array.from({ length: count }, (_, index) => {
    const { years, volatility, distance } = shape(prng, index);
    const spot = between(prng, 1e-6, 1e6);
    const bound = 0.3 * years < 20 ? 0.3 : 20 / years;
    const rate = prng.nextFloat() < 0.25 ? 0 : bound * (2 * prng.nextFloat() - 1);
    const dividendYield = prng.nextFloat() < 0.25 ? 0 : bound * (2 * prng.nextFloat() - 1);
    const strike = spot * exp(distance + (rate - dividendYield) * years);
    return [index & 1, spot, strike, years, volatility, rate, dividendYield];
  });
}

/** Points of the normal model: forwards of either sign, deviations over twelve decades, strikes as above. */
function normalPoints(seed: string, count: number): number[][] {
  const prng = createPrng(seed);
  return Array.from({ length: count }, (_, index) => {
    const forward = between(prng, 1e-3, 1e3) * (prng.nextFloat() < 0.5 ? -1 : 1);
    const years = between(prng, 3e-8, 1e3);
    const volatility = between(prng, 1e-4, 1e4);
    const side = 2 * prng.nextFloat() - 1;
    const reach = index & 2 ? 38 * side : side * between(prng, 1e-12, 1);
    const discount = prng.nextFloat() < 0.5 ? 1 : between(prng, 0.01, 2);
    return [index & 1, forward, forward + reach * volatility * Math.sqrt(years), years, volatility, discount];
  });
}

/** Spots with a deviation of at most 50, strikes around the forward of the average; a third continuous, up to 10,000 observations. */
function averagePoints(seed: string, count: number): number[][] {
  const prng = createPrng(seed);
  return spotPoints(`${seed} terms`, count).map((row, index) => {
    const [call, spot, strike, years, free, rate, dividendYield] = row as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const n = index % 3 === 0 ? 0 : Math.floor(between(prng, 1, 10_000));
    const a = n === 0 ? 1 / 2 : (n + 1) / (2 * n);
    const b = n === 0 ? 1 / 3 : ((n + 1) * (2 * n + 1)) / (6 * n * n);
    const volatility = free * Math.sqrt(years) < 50 ? free : 50 / Math.sqrt(years);
    const carry = (rate - dividendYield) * years;
    const drift = (a - 1) * carry - 0.5 * (a - b) * volatility * volatility * years;
    const moved = strike * exp(drift < -200 ? -200 : drift);
    return [call, spot, moved, years, volatility, rate, dividendYield, n];
  });
}

function shape(prng: Prng, index: number): { years: number; volatility: number; distance: number } {
  const years = between(prng, 3e-8, 1e3);
  const volatility = between(prng, 1e-6, 100);
  const deviation = volatility * Math.sqrt(years);
  const choice = (index >> 1) & 3;
  const side = 2 * prng.nextFloat() - 1;
  const far = between(prng, 1e-16, 200) * (side < 0 ? -1 : 1);
  const wanted = choice < 2 ? side * 38 * deviation : choice === 2 ? side * deviation : far;
  return { years, volatility, distance: wanted < -200 ? -200 : 200 < wanted ? 200 : wanted };
}

/** Even in the logarithm. */
function between(prng: Prng, low: number, high: number): number {
  return exp(log(low) + prng.nextFloat() * log(high / low));
}
