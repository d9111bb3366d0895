/**
 * Greeks on the paths themselves (M. Broadie and P. Glasserman, "Estimating security price derivatives using simulation", Management
 * Science 42 (1996)). Pathwise: the derivative of the payoff along the path, for delta and vega of each asset; gamma, of one asset, is
 * mixed, the likelihood ratio of the pathwise delta. Likelihood ratio: the payoff times the score of the path's density, in
 * Black-Scholes, plus what the payoff f changes by beside the path. With s_1 the deviation of ln S over the first step, Z_1 its
 * normal and h = Z_1/s_1:
 *
 *     pathwise   delta = D f'(A) A/S0        vega = D f'(A) dA/dsigma       gamma = h D (f'(A) A - f(A))/S0^2
 *     ratio      delta = f h/S0 + df/dS0     gamma = f (h^2 - 1/s_1^2 - h)/S0^2 + 2 h/S0 df/dS0 + d2f/dS0^2
 *                vega  = f sum of ((Z_i^2 - 1)/sigma - Z_i sqrt(dt)) + df/dsigma
 *
 * Delta is per unit of spot, vega per 1.00 of volatility (in the jump models that of the diffusion). In Heston's model delta and gamma
 * exist pathwise (S_t is proportional to S0 there too), and vega does not.
 */
import type { Evolution } from "./evolution.ts";
import type { Measure, PartialSlopes } from "./measure.ts";
import type { Work } from "./work.ts";

export interface Greeks {
  readonly start: () => void;
  /** Sees the draws of a step after it was made. */
  readonly see: (step: number, drawn: readonly Float64Array[]) => void;
  /** Fills the columns after the value, from the value in the first of them and what was seen. */
  readonly values: (columns: readonly Float64Array[]) => void;
}

/** In the order of their columns; of a basket the deltas of all assets, then their vegas. */
export function greekNames({ model, method }: Work): readonly string[] {
  if (method.greeks === "none") return [];
  if (model.kind === "black-scholes-basket") {
    const each = (name: string): string[] => model.assets.map((_, index) => `${name}[${index}]`);
    return [...each("deltas"), ...each("vegas")];
  }
  return model.kind === "heston" ? ["delta", "gamma"] : ["delta", "vega", "gamma"];
}

export type GreeksSettings = {
  readonly evolution: Evolution;
  readonly measure: Measure;
  readonly blockSize: number;
  readonly stepYears: number;
};

export function createGreeks(work: Work, settings: GreeksSettings): Greeks | undefined {
  if (work.method.greeks === "none") return undefined;
  return work.method.greeks === "pathwise" ? pathwiseGreeks(work, settings) : ratioGreeks(work, settings);
}

function pathwiseGreeks({ model }: Work, { evolution, measure, blockSize }: GreeksSettings): Greeks {
  const scores = new Float64Array(blockSize); // Z_1 / s_1
  const assetCount = evolution.logs.length;
  const vegaCount = evolution.logVegas === undefined ? 0 : assetCount;
  const basket = model.kind === "black-scholes-basket";
  return {
    start: () => undefined,
    see: (step, drawn) => (step === 0 && !basket ? fillScores(scores, evolution, drawn[0]!) : undefined),
    values(columns) {
      const vegasBegin = 1 + assetCount;
      const gamma = basket ? undefined : columns[vegasBegin + vegaCount];
      const deltas = columns.slice(1, vegasBegin);
      measure.slopes!({ deltas, vegas: columns.slice(vegasBegin, vegasBegin + vegaCount), scale: gamma });
      if (gamma !== undefined) for (let path = 0; path < blockSize; path++) gamma[path] = gamma[path]! * scores[path]!;
    },
  };
}

function ratioGreeks({ model }: Work, { evolution, measure, blockSize, stepYears }: GreeksSettings): Greeks {
  const scores = new Float64Array(blockSize);
  const vegaScores = new Float64Array(blockSize);
  const column = (): Float64Array => new Float64Array(blockSize);
  const beside: PartialSlopes = { bySpot: column(), bySpotTwice: column(), byVolatility: column() };
  const { spot, volatility } = model.kind === "black-scholes" ? model : { spot: 1, volatility: 1 };
  const root = Math.sqrt(stepYears);
  const inverse = 1 / (volatility * volatility * stepYears); // 1 / s_1^2
  return {
    start: () => vegaScores.fill(0),
    see(step, drawn) {
      const normals = drawn[0]!;
      if (step === 0) fillScores(scores, evolution, normals);
      for (let path = 0; path < blockSize; path++) {
        const z = normals[path]!;
        vegaScores[path] = vegaScores[path]! + ((z * z - 1) / volatility - z * root);
      }
    },
    values(columns) {
      const [value, delta, vega, gamma] = columns as [Float64Array, Float64Array, Float64Array, Float64Array];
      measure.partials?.(beside);
      for (let path = 0; path < blockSize; path++) {
        const score = scores[path]!;
        const slope = beside.bySpot[path]!;
        delta[path] = (value[path]! * score) / spot + slope;
        vega[path] = value[path]! * vegaScores[path]! + beside.byVolatility[path]!;
        const scored = (value[path]! * (score * score - inverse - score)) / (spot * spot);
        gamma[path] = scored + ((2 * score) / spot) * slope + beside.bySpotTwice[path]!;
      }
    },
  };
}

function fillScores(scores: Float64Array, evolution: Evolution, normals: Float64Array): void {
  for (let path = 0; path < scores.length; path++) scores[path] = normals[path]! / evolution.firstDeviation(path);
}
