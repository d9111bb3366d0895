/**
 * The elementary functions that everything else stands on, for the measurement of accuracy: those of `@stoa/base/exact`, rounded
 * once, and the fast ones of kernels and simulations. `functions.py` has them to 50 digits.
 */
import * as exact from "@stoa/base/exact";
import { createPrng, type Prng } from "@stoa/base/prng";
import * as kernel from "@stoa/pricing/kernel/functions";
import type { MeasuredFunction } from "./measured-function.ts";

export const functions: readonly MeasuredFunction[] = [
  measured("exact.exp", exact.exp, exponents, 0.5001),
  measured("exact.log", exact.log, positives, 0.5001),
  measured("exact.normalDensity", exact.normalDensity, quantiles, 0.5001),
  measured("exact.normalDistribution", exact.normalDistribution, quantiles, 0.5001),
  measured("kernel.exp", kernel.exp, exponents, 0.8),
  measured("kernel.log", kernel.log, positives, 0.85),
  measured("kernel.normalDensity", kernel.normalDensity, quantiles, 2.3),
  measured("kernel.normalDistribution", kernel.normalDistribution, quantiles, 2.9),
  measured("kernel.inverseNormal", kernel.inverseNormal, probabilities, 2.7),
];

function measured(
  name: string,
  f: (x: number) => number,
  one: (prng: Prng) => number,
  bound: number,
): MeasuredFunction {
  return {
    name,
    columns: ["x"],
    results: ["value"],
    inputs: (seed, count) => {
      const prng = createPrng(`${seed} ${name}`);
      return Array.from({ length: count }, () => [one(prng)]);
    },
    evaluate: ([x]) => ({ value: f(x as number) }),
    bounds: { value: bound },
    samples: 1_000,
  };
}

/** Half over the whole range, a quarter near zero, a quarter of every small magnitude. */
function exponents(prng: Prng): number {
  const u = 2 * prng.nextFloat() - 1;
  const choice = prng.below(4);
  if (choice < 2) return -17.7 + 727.4 * u;
  return choice === 2 ? 2 * u : u * exact.exp(-35 * prng.nextFloat());
}

/** Half of every magnitude, subnormals too; half between 1/2 and 2, where a logarithm is near zero. */
function positives(prng: Prng): number {
  return prng.nextFloat() < 0.5
    ? exact.exp(-744.4 + 1454 * prng.nextFloat())
    : exact.exp((prng.nextFloat() - 0.5) * 1.38 * prng.nextFloat());
}

function quantiles(prng: Prng): number {
  const u = 2 * prng.nextFloat() - 1;
  return prng.nextFloat() < 0.5 ? 38.4 * u : u * exact.exp(3 - 30 * prng.nextFloat() * prng.nextFloat());
}

/** Half even in (0, 1), half in the tails down to 1e-300. */
function probabilities(prng: Prng): number {
  const u = prng.nextFloat() || 0.5;
  return prng.nextFloat() < 0.5 ? u : exact.exp(-690 * u - 1e-3);
}
