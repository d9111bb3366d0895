/**
 * The fast tier for the measurement of accuracy: the functions of `kernel/functions.ts` and the chain kernels, which both forms of
 * the kernels share to the bit. `kernels.py` has the same functions to 50 digits. Chains are measured on options as they are
 * traded and on the whole domain; nothing is excused.
 */
import { exp } from "@stoa/base/exact";
import { createPrng } from "@stoa/base/prng";
import { blackChain } from "@stoa/pricing/kernel/black";
import * as fast from "@stoa/pricing/kernel/functions";
import { impliedChain } from "@stoa/pricing/kernel/implied";
import { functions as blackFunctions } from "./black.ts";
import type { MeasuredFunction } from "./measured-function.ts";

type Row = readonly number[];

/** Points of one argument: a third each from three ranges, the last ones spread evenly in the logarithm. */
function points(name: string, wide: readonly [number, number], usual: readonly [number, number], small: number) {
  return (seed: string, count: number): Row[] => {
    const prng = createPrng(`${seed} ${name}`);
    return Array.from({ length: count }, (_, index) => {
      const [low, high] = index % 3 === 0 ? wide : usual;
      if (index % 3 !== 2) return [low + (high - low) * prng.nextFloat()];
      const sign = usual[0] < 0 && prng.below(2) === 0 ? -1 : 1;
      return [sign * exp(Math.log(small) * prng.nextFloat())];
    });
  };
}

function functionOf(
  name: string,
  inputs: MeasuredFunction["inputs"],
  evaluate: (x: number) => number,
): MeasuredFunction {
  return { name, columns: ["x"], results: ["value"], inputs, evaluate: ([x]) => ({ value: evaluate(x!) }) };
}

const inputsOf = (name: string): MeasuredFunction["inputs"] =>
  blackFunctions.find((measured) => measured.name === name)!.inputs;

const one = (value: number): Float64Array => Float64Array.of(value);
const greeks = ["price", "delta", "gamma", "vega", "theta", "rho", "vanna"] as const;

function chainOf([call, forward, strike, years, volatility, discount]: Row): Record<string, number> {
  const terms = { sign: one(call === 1 ? 1 : -1), forward: one(forward!), strike: one(strike!), years: one(years!) };
  const columns = greeks.map((name) => [name, new Float64Array(1)] as const);
  const out = Object.fromEntries(columns) as Record<(typeof greeks)[number], Float64Array>;
  blackChain(
    { ...terms, discount: one(discount!), volatility: one(volatility!) },
    { ...out, status: new Uint8Array(1) },
  );
  return Object.fromEntries(columns.map(([name, column]) => [name, column[0]!]));
}

function volatilityOf([call, forward, strike, years, price, discount]: Row): Record<string, number> {
  const volatility = new Float64Array(1);
  const terms = { sign: one(call === 1 ? 1 : -1), forward: one(forward!), strike: one(strike!), years: one(years!) };
  impliedChain({ ...terms, discount: one(discount!), price: one(price!) }, { volatility, status: new Uint8Array(1) });
  return { volatility: volatility[0]! };
}

const optionColumns = ["call", "forward", "strike", "years", "volatility", "discount"];
const priceColumns = ["call", "forward", "strike", "years", "price", "discount", "made"];

/** Prices and discounts that the kernels take. */
const isInDomain = (row: Row): boolean =>
  [row[1]!, row[2]!, row[5]!].every((price) => 1e-100 <= price && price <= 1e100) && row[4]! <= 1e100;

export const functions: readonly MeasuredFunction[] = [
  functionOf("kernelExp", points("exp", [-745, 709], [-1, 1], 1e-20), fast.exp),
  functionOf("kernelLog", points("log", [0, 1e6], [0.5, 2], 1e-300), fast.log),
  functionOf("kernelNormalDensity", points("density", [-38, 38], [-4, 4], 1e-10), fast.normalDensity),
  functionOf("kernelNormalDistribution", points("distribution", [-38, 9], [-4, 4], 1e-10), fast.normalDistribution),
  functionOf("kernelInverseNormal", points("quantile", [0, 0.01], [0, 1], 1e-300), fast.inverseNormal),
  {
    name: "blackChainTraded",
    columns: optionColumns,
    results: greeks,
    inputs: inputsOf("black76PriceTraded"),
    evaluate: chainOf,
  },
  {
    name: "blackChain",
    columns: optionColumns,
    results: greeks,
    inputs: (seed, count) =>
      inputsOf("black76Price")(seed, 2 * count)
        .filter(isInDomain)
        .slice(0, count),
    evaluate: chainOf,
  },
  {
    name: "impliedChainTraded",
    columns: priceColumns,
    results: ["volatility"],
    inputs: inputsOf("impliedVolatilityTraded"),
    evaluate: volatilityOf,
  },
];
