/**
 * Greeks on the paths themselves (M. Broadie and P. Glasserman, "Estimating security price derivatives using simulation", Management
 * Science 42 (1996)). Pathwise: the derivative of the payoff along the path, for delta and, in Black-Scholes, vega; gamma is mixed,
 * the likelihood ratio of the pathwise delta. Likelihood ratio: the payoff times the score of the path's density, for any payoff of
 * the path alone in Black-Scholes. With s_1 the deviation of ln S over the first step and Z_1 its normal:
 *
 *     pathwise   delta = D f'(A) A/S0        vega = D f'(A) dA/dsigma       gamma = Z_1/s_1 * D (f'(A) A - f(A))/S0^2
 *     ratio      delta = f Z_1/(S0 s_1)      gamma = f ((Z_1/s_1)^2 - 1/s_1^2 - Z_1/s_1)/S0^2
 *                vega  = f sum of (Z_i^2 - 1)/sigma - Z_i sqrt(dt)
 *
 * Delta is per unit of spot, vega per 1.00 of volatility. In Heston and the jump models delta and gamma exist pathwise (S_t is
 * proportional to S0 there too), and vega does not.
 */
import type { Evolution } from "./evolution.ts";
import type { Measure, PathwiseSlopes } from "./measure.ts";
import type { Work } from "./work.ts";

export interface Greeks {
  readonly start: () => void;
  /** Sees the draws of a step after it was made. */
  readonly see: (step: number, drawn: readonly Float64Array[]) => void;
  /** Fills the columns after the value, from the value in the first of them and what was seen. */
  readonly values: (columns: readonly Float64Array[]) => void;
}

/** In the order of their columns. */
export function greekNames({ model, method }: Work): readonly string[] {
  if (method.greeks === "none") return [];
  return model.kind === "black-scholes" ? ["delta", "vega", "gamma"] : ["delta", "gamma"];
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
  const hasVega = model.kind === "black-scholes";
  return {
    start: () => undefined,
    see: (step, drawn) => (step === 0 ? fillScores(scores, evolution, drawn[0]!) : undefined),
    values(columns) {
      const gamma = columns[hasVega ? 3 : 2]!;
      const slopes: PathwiseSlopes = { delta: columns[1]!, vega: hasVega ? columns[2] : undefined, scale: gamma };
      measure.slopes!(slopes);
      for (let path = 0; path < blockSize; path++) gamma[path] = gamma[path]! * scores[path]!;
    },
  };
}

function ratioGreeks({ model }: Work, { evolution, blockSize, stepYears }: GreeksSettings): Greeks {
  const scores = new Float64Array(blockSize);
  const vegaScores = new Float64Array(blockSize);
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
      for (let path = 0; path < blockSize; path++) {
        const score = scores[path]!;
        delta[path] = (value[path]! * score) / spot;
        vega[path] = value[path]! * vegaScores[path]!;
        gamma[path] = (value[path]! * (score * score - inverse - score)) / (spot * spot);
      }
    },
  };
}

function fillScores(scores: Float64Array, evolution: Evolution, normals: Float64Array): void {
  for (let path = 0; path < scores.length; path++) scores[path] = normals[path]! / evolution.firstDeviation(path);
}
