/** Golden cases of finite differences, of Heston's integral and of the complex numbers under it, and of the kernels. */
import type { Prng } from "@stoa/base/prng";
import * as complexNumbers from "@stoa/pricing/complex";
import { barrierByFiniteDifferences } from "@stoa/pricing/finite-differences/barrier";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import { heston } from "@stoa/pricing/heston";
import * as functions from "@stoa/pricing/kernel/functions";
import type { Kernel } from "@stoa/pricing/kernel/kernel";
import { settleInCoin } from "@stoa/pricing/kernel/coin";
import { boundedRatio, isNear, nearSlope } from "@stoa/pricing/kernel/mills-ratio";
import { between, many, pick, type GoldenCase } from "./golden-case.ts";

const gridOption = (random: Prng) => ({
  type: pick(random, ["call", "put"] as const),
  exercise: pick(random, ["american", "european"] as const),
  spot: between(random, 70, 140),
  strike: 100,
  years: pick(random, [0.02, 0.5, 3]),
  volatility: between(random, 0.1, 1),
  rate: pick(random, [0, 0.05, -0.02]),
  dividendYield: pick(random, [0, 0.03]),
  priceSteps: 40,
});

const grids: readonly GoldenCase[] = [
  {
    name: "finite-differences/vanilla#vanillaByFiniteDifferences",
    covers: ["estimate", "grid", "interpolation", "march", "option"].map((name) => `finite-differences/${name}#*`),
    run: (random) => many(24, () => vanillaByFiniteDifferences(gridOption(random))),
  },
  {
    name: "finite-differences/barrier#barrierByFiniteDifferences",
    run: (random) =>
      many(12, () => {
        const knockOut = pick(random, ["down-and-out", "up-and-out"] as const);
        return barrierByFiniteDifferences({ ...gridOption(random), spot: between(random, 90, 115), years: pick(random, [0.5, 3]), knockOut, barrier: knockOut === "down-and-out" ? 85 : 125 });
      }),
  },
];

const hestons: readonly GoldenCase[] = [
  {
    name: "heston#heston",
    run: (random) =>
      many(24, () =>
        heston({
          ...gridOption(random),
          variance: pick(random, [0, 0.04, 0.5]),
          meanReversion: pick(random, [0, 0.5, 8]),
          longVariance: between(random, 0.01, 0.5),
          volatilityOfVariance: between(random, 0.05, 2),
          correlation: between(random, -0.95, 0.95),
        }),
      ),
  },
  {
    name: "complex#multiply",
    covers: ["complex#*"],
    run: (random) =>
      many(24, () => {
        const { add, complex, decayRatio, divide, exponential, logOnePlusRatio, magnitude, multiply, scale, squareRoot, subtract } =
          complexNumbers;
        const size = pick(random, [0.001, 1, 30]);
        const a = complex(between(random, -size, size), between(random, -size, size));
        const b = complex(between(random, -2, 2), between(random, -2, 2));
        const two = [add(a, b), subtract(a, b), multiply(a, b), divide(a, b)];
        return [...two, scale(a, 3), magnitude(a), squareRoot(a), exponential(a), logOnePlusRatio(a), decayRatio(a)];
      }),
  },
];

const points = 64;

const kernelFunctions: readonly GoldenCase[] = [
  { name: "kernel/functions#exp", run: (random) => many(points, () => functions.exp(between(random, -746, 710))) },
  { name: "kernel/functions#log", run: (random) => many(points, () => functions.log(pick(random, [1, 1e-300, 1e9]) * random.nextFloat())) },
  { name: "kernel/functions#logRatio", run: (random) => many(points, () => functions.logRatio(1 + random.nextFloat(), random.nextFloat())) },
  { name: "kernel/functions#normalDensity", run: (random) => many(points, () => functions.normalDensity(between(random, -39, 39))) },
  {
    name: "kernel/functions#normalDistribution",
    run: (random) => many(points, () => functions.normalDistribution(between(random, -39, 9))),
  },
  {
    name: "kernel/functions#inverseNormal",
    run: (random) => many(points, () => functions.inverseNormal(pick(random, [1, 1e-9, 1e-300]) * random.nextFloat())),
  },
  {
    name: "kernel/functions#tailRatio",
    covers: ["ratioCell", "ratioCenter", "ratioWidth"].map((name) => `kernel/functions#${name}`),
    run: (random) => many(points, () => functions.tailRatio(between(random, 0, 40))),
  },
  {
    name: "kernel/functions#scaledExp",
    run: (random) => many(points, () => functions.scaledExp(between(random, -700, 0), 1e-18, between(random, 0.5, 2))),
  },
  {
    name: "kernel/functions#boundedExp",
    covers: ["kernel/functions#logOfQuotient", "kernel/functions#signBit"],
    run: (random) =>
      many(points, () => {
        const strike = between(random, 0.01, 4);
        const logarithm = functions.logOfQuotient(strike, strike, 1);
        return [functions.boundedExp(between(random, -600, 0), strike), logarithm, functions.signBit(logarithm)];
      }),
  },
  {
    name: "kernel/mills-ratio#nearSlope",
    covers: ["boundedRatio", "isNear", "nearDifference"].map((name) => `kernel/mills-ratio#${name}`),
    run: (random) =>
      many(points, () => {
        const [h, deviation] = [between(random, -0.1, 62), between(random, 0.001, 0.1)];
        return [isNear(h, deviation) ? nearSlope(h, deviation) : 0, boundedRatio(h)];
      }),
  },
];

/** Rows of options, every tenth of which is refused. */
function chain(random: Prng, { allocate }: Kernel, count: number) {
  const column = (value: () => number): Float64Array => {
    const values = allocate(count);
    for (let row = 0; row < count; row++) values[row] = value();
    return values;
  };
  return {
    sign: column(() => pick(random, [1, -1])),
    forward: column(() => (random.below(20) === 0 ? -1 : 100)),
    strike: column(() => pick(random, [100, between(random, 5, 900)])),
    years: column(() => pick(random, [0, 0.003, 0.3, 2, NaN, 0.1, 0.5, 0.9])),
    discount: column(() => between(random, 0.8, 1)),
    volatility: column(() => pick(random, [0.6, 0.01, between(random, 0.05, 3)])),
  };
}

const kernels: readonly GoldenCase[] = [
  {
    name: "kernel/black#blackChain",
    covers: ["kernel/columns#*", "kernel/black#blackColumnsOf"],
    run: (random, kernel) => {
      const count = 101;
      const { allocate } = kernel;
      const names = ["price", "delta", "gamma", "vega", "theta", "rho", "vanna"] as const;
      const columns = Object.fromEntries(names.map((name) => [name, allocate(count)])) as Record<
        (typeof names)[number],
        Float64Array
      >;
      const out = { ...columns, status: kernel.allocateStatuses(count) };
      return [kernel.blackChain(chain(random, kernel, count), out), out];
    },
  },
  {
    name: "kernel/black#priceChain",
    covers: ["kernel/black#priceColumnsOf"],
    run: (random, kernel) => {
      const out = { price: kernel.allocate(51), status: kernel.allocateStatuses(51) };
      return [kernel.priceChain(chain(random, kernel, 51), out), out];
    },
  },
  {
    name: "kernel/extreme#fillExtreme",
    covers: ["kernel/extreme#extremePrice"],
    run: (random, kernel) => {
      const { strike, years, volatility, ...others } = chain(random, kernel, 50);
      for (let row = 0; row < 50; row += 2) {
        strike[row] = strike[row]! * pick(random, [1, 1e9, 1e-20]);
        years[row] = years[row]! * pick(random, [1, 0, 1e6]);
        volatility[row] = volatility[row]! * pick(random, [0, 1e-15, 30]);
      }
      const out = { price: kernel.allocate(50), status: kernel.allocateStatuses(50) };
      const column = (): Float64Array => kernel.allocate(50);
      const first = { delta: column(), gamma: column(), vega: column() };
      const all = { ...out, ...first, theta: column(), rho: column(), vanna: column() };
      const options = { ...others, strike, years, volatility };
      return [kernel.blackChain(options, all), all, kernel.priceChain(options, out), out];
    },
  },
  {
    name: "kernel/coin#settleInCoin",
    run: (random, kernel) => {
      const [options, column] = [chain(random, kernel, 51), () => kernel.allocate(51)];
      const [price, delta, gamma, vega] = [column(), column(), column(), column()];
      const out = { price, delta, gamma, vega, theta: column(), rho: column(), vanna: column() };
      const all = { ...out, status: kernel.allocateStatuses(51) };
      kernel.blackChain(options, all);
      settleInCoin(options, all);
      return all;
    },
  },
];

const impliedKernels: readonly GoldenCase[] = [
  {
    name: "kernel/implied#impliedChain",
    covers: ["kernel/implied#impliedColumnsOf"],
    run: (random, kernel) => {
      const count = 101;
      const { volatility, ...terms } = chain(random, kernel, count);
      const price = kernel.allocate(count).map((_, row) => (volatility[row] as number) * between(random, 0, 40));
      const out = { volatility: kernel.allocate(count), status: kernel.allocateStatuses(count) };
      return [kernel.impliedChain({ ...terms, price }, out), out];
    },
  },
];

export const numericCases: readonly GoldenCase[] = [...grids, ...hestons, ...kernelFunctions, ...kernels, ...impliedKernels];
