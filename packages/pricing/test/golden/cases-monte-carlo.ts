/** Golden cases of Monte Carlo: partial sums and estimates of every model, payoff and method, and the points under them. */
import { encode } from "@stoa/base/codec";
import type { Prng } from "@stoa/base/prng";
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import { plainMethod, type Method } from "@stoa/pricing/monte-carlo/method";
import type { Model } from "@stoa/pricing/monte-carlo/model";
import { mergePartials, partialCodec } from "@stoa/pricing/monte-carlo/partial";
import type { Payoff } from "@stoa/pricing/monte-carlo/payoff";
import { philox4x32 } from "@stoa/pricing/monte-carlo/philox";
import { createSimulation, simulate, verifyPartial } from "@stoa/pricing/monte-carlo/simulation";
import { smallestSplit, workUnitDigest, type Work } from "@stoa/pricing/monte-carlo/work";
import { between, many, type GoldenCase } from "./golden-case.ts";

const common = { spot: 100, rate: 0.03, dividendYield: 0.01 };
const jumps = { ...common, volatility: 0.2, jumpsPerYear: 0.7 };
const models: Readonly<Record<string, Model>> = {
  black: { kind: "black-scholes", ...common, volatility: 0.3 },
  heston: {
    ...{ kind: "heston", ...common, variance: 0.04, meanReversion: 1.5, longVariance: 0.06 },
    ...{ volatilityOfVariance: 0.8, correlation: -0.6 },
  },
  merton: { kind: "merton", ...jumps, jumpMean: -0.1, jumpDeviation: 0.15 },
  kou: { kind: "kou", ...jumps, upProbability: 0.4, upRate: 12, downRate: 8 },
  basket: {
    kind: "black-scholes-basket",
    rate: 0.03,
    assets: [0.2, 0.4].map((volatility) => ({ spot: 100, dividendYield: 0, volatility })),
    correlations: [[], [0.5]],
  },
};

const terms = { type: "call", strike: 105, years: 0.75 } as const;
const european: Payoff = { kind: "european", ...terms };
const barrier = { kind: "barrier", ...terms, direction: "up", knock: "out", barrier: 140, rebate: 1 } as const;
const american: Payoff = { kind: "american", ...terms, type: "put", exercises: 6, regressionBlocks: 1 };

/** Each model, payoff and method at least once. */
const works: readonly (readonly [Model, Payoff, Partial<Method>])[] = [
  [models["black"]!, european, {}],
  [models["black"]!, european, { antithetic: true, control: "spot", greeks: "pathwise" }],
  [models["black"]!, european, { momentMatching: true, greeks: "likelihood-ratio" }],
  [models["black"]!, european, { points: "sobol", replicates: 2 }],
  [models["heston"]!, european, { stepsPerObservation: 6 }],
  [models["merton"]!, european, {}],
  [models["kou"]!, european, {}],
  [models["basket"]!, { kind: "basket", ...terms, weights: [0.5, 0.5] }, {}],
  [models["black"]!, { kind: "asian", ...terms, averaging: "arithmetic", fixings: 5 }, { control: "closed-form" }],
  [models["black"]!, { ...barrier, monitoring: "continuous", observations: 4 }, {}],
  [models["black"]!, { ...barrier, direction: "down", knock: "in", barrier: 90, monitoring: "discrete", observations: 4 }, {}],
  [models["black"]!, american, {}],
  [models["black"]!, american, { greeks: "pathwise" }],
  [models["black"]!, { ...barrier, monitoring: "continuous", observations: 4 }, { greeks: "likelihood-ratio" }],
  [models["merton"]!, european, { greeks: "pathwise" }],
  [models["kou"]!, european, { greeks: "pathwise", antithetic: true }],
  [models["heston"]!, european, { greeks: "pathwise", stepsPerObservation: 2 }],
  [models["basket"]!, { kind: "basket", ...terms, weights: [0.5, 0.5] }, { greeks: "pathwise" }],
];

function results(work: Work): unknown {
  const split = Math.max(512, smallestSplit(work));
  const simulation = createSimulation(work);
  const first = simulation.run({ firstPath: 0, pathCount: split });
  const second = simulation.run({ firstPath: split, pathCount: split });
  const whole = mergePartials(first, second);
  return [encode(partialCodec, whole), estimate(work, whole)];
}

const file = (name: string, functions: readonly string[]): string[] => functions.map((one) => `monte-carlo/${name}#${one}`);

const all = (name: string): string => `monte-carlo/${name}#*`;

export const monteCarloCases: readonly GoldenCase[] = [
  {
    name: "monte-carlo/simulation#createSimulation",
    covers: [
      ...file("simulation", ["simulate", "verifyPartial", "columnNames", "sumCount"]),
      ...file("estimate", ["estimate"]),
      ...file("partial", ["mergePartials", "pathCountOf"]),
      ...file("work", ["checkedRange", "checkedWork", "smallestSplit", "workDigest", "workUnitDigest"]),
      ...file("model", ["checkedModel", "choleskyRows", "within"]),
      ...file("payoff", ["checkedPayoff", "observationCount"]),
      ...file("method", ["checkedMethod"]),
      ...["american", "brownian-bridge", "control", "draws", "evolution", "exact-sum", "greeks", "heston-constants"].map(all),
      ...["installed-kernels", "measure", "path-probes", "sobol"].map(all),
    ],
    run: (random) => {
      const unit = { model: models["black"]!, payoff: european, method: plainMethod, seed: 7n, firstPath: 100, pathCount: 300 };
      const partial = simulate(unit);
      return [
        workUnitDigest(unit),
        verifyPartial(unit, partial),
        works.map(([model, payoff, method]) =>
          results({ model, payoff, method: { ...plainMethod, ...method }, seed: BigInt(random.nextU32()) }),
        ),
      ];
    },
  },
  {
    name: "monte-carlo/philox#philox4x32",
    covers: file("philox", ["keyOf", "philoxUniforms", "uniformOf"]),
    run: (random) => many(16, () => wordsOf(random)),
  },
];

function wordsOf(random: Prng): unknown {
  const out = new Int32Array(4);
  const word = (): number => Math.floor(between(random, 0, 4294967296));
  philox4x32(out, word(), word(), word(), word(), word(), word());
  return out;
}
