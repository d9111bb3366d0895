/**
 * How the models move: the logarithms of the assets of a block of paths, one step at a time, from draws that are given. Exact in any
 * step for Black-Scholes and the jump models; for Heston the quadratic-exponential scheme of Andersen (2008). It relies on the loops
 * of `path-kernels.ts` and knows neither payoffs nor where draws come from.
 */
import { exp, log } from "../kernel/functions.ts";
import { PricingRefusal } from "../refusal.ts";
import type { Draws, Factor } from "./draws.ts";
import { hestonConstants } from "./heston-constants.ts";
import {
  choleskyRows,
  type BasketModel,
  type BlackScholesModel,
  type HestonModel,
  type KouModel,
  type MertonModel,
  type Model,
} from "./model.ts";
import type { PathKernels } from "./path-kernels.ts";

export interface Evolution {
  readonly factors: readonly Factor[];
  /** ln S of each asset, for every path of the block. */
  readonly logs: readonly Float64Array[];
  /** What else the future depends on: the variance of Heston. */
  readonly states: readonly Float64Array[];
  readonly start: () => void;
  /** Moves by one step with a column of draws for each factor; mirrored paths take complements of the uniforms of jumps. */
  readonly advance: (step: number, columns: readonly Float64Array[], mirrored: boolean) => void;
  /**
   * d ln S / d sigma of an asset after `time` years, for every path of the block, of models whose volatility is a number: W - sigma t
   * with W the Brownian motion of that asset. After each step while {@link EvolutionSettings.tracked}.
   */
  readonly logVegas: ((out: Float64Array, asset: number, time: number) => void) | undefined;
  /** The deviation of ln S over the first step given all else, once that step is made: for likelihood ratios. One asset only. */
  readonly firstDeviation: (path: number) => number;
}

export type EvolutionSettings = {
  readonly kernels: PathKernels;
  readonly blockSize: number;
  /** Length of a step. */
  readonly years: number;
  readonly draws: Draws;
  /** Whether {@link Evolution.logVegas} will be asked for. */
  readonly tracked: boolean;
};

/** What the factors of a model are, which its draws must know first. */
export function factorsOf(model: Model): readonly Factor[] {
  switch (model.kind) {
    case "black-scholes":
      return ["normal"];
    case "heston":
      return ["normal", "uniform"];
    case "merton":
      return ["normal", "uniform", "normal"];
    case "kou":
      return ["normal", "uniform"];
    case "black-scholes-basket":
      return model.assets.map(() => "normal");
    default:
      return model satisfies never;
  }
}

export function createEvolution(model: Model, settings: EvolutionSettings): Evolution {
  switch (model.kind) {
    case "black-scholes":
      return blackScholesEvolution(model, settings);
    case "heston":
      return hestonEvolution(model, settings);
    case "merton":
      return mertonEvolution(model, settings);
    case "kou":
      return kouEvolution(model, settings);
    case "black-scholes-basket":
      return basketEvolution(model, settings);
    default:
      return model satisfies never;
  }
}

/** ln S' = ln S + (r - q - sigma^2/2) dt + sigma sqrt(dt) Z. */
function blackScholesEvolution(model: BlackScholesModel, { kernels, blockSize, years }: EvolutionSettings): Evolution {
  const logs = kernels.allocate(blockSize);
  const first = log(model.spot);
  const drift = (model.rate - model.dividendYield - 0.5 * model.volatility * model.volatility) * years;
  const deviation = model.volatility * Math.sqrt(years);
  return {
    factors: factorsOf(model),
    logs: [logs],
    states: [],
    start: () => logs.fill(first),
    advance: (_, columns) => kernels.gbmStep(logs, columns[0]!, blockSize, drift, deviation),
    logVegas: (out, _, time) => fillLogVegas(out, logs, model, time),
    firstDeviation: () => deviation,
  };
}

/** W - sigma t, with W from ln S of Black-Scholes. */
function fillLogVegas(
  out: Float64Array,
  logs: Float64Array,
  { spot, rate, dividendYield, volatility }: Omit<BlackScholesModel, "kind">,
  time: number,
): void {
  const known = log(spot) + (rate - dividendYield) * time;
  for (let path = 0; path < out.length; path++)
    out[path] = (logs[path]! - known) / volatility - 0.5 * volatility * time;
}

function hestonEvolution(model: HestonModel, { kernels, blockSize, years }: EvolutionSettings): Evolution {
  const logs = kernels.allocate(blockSize);
  const variances = kernels.allocate(blockSize);
  const first = log(model.spot);
  const drift = (model.rate - model.dividendYield) * years;
  const values = hestonConstants({ ...model, years, drift });
  const constants = kernels.allocate(values.length);
  constants.set(values);
  const k3 = values[8]!;
  return {
    factors: factorsOf(model),
    logs: [logs],
    states: [variances],
    start() {
      logs.fill(first);
      variances.fill(model.variance);
    },
    advance: (_, columns) => kernels.hestonQeStep(logs, variances, columns[0]!, columns[1]!, blockSize, constants),
    logVegas: undefined,
    firstDeviation: (path) => Math.sqrt(k3 * (model.variance + variances[path]!)),
  };
}

/** Black-Scholes with the sum of N jumps, N of Poisson: normal with N jumpMean and sqrt(N) jumpDeviation. */
function mertonEvolution(model: MertonModel, settings: EvolutionSettings): Evolution {
  const { blockSize, years } = settings;
  const { volatility, jumpMean, jumpDeviation } = model;
  const growth = exp(jumpMean + 0.5 * jumpDeviation * jumpDeviation) - 1;
  const diffusion = jumpDiffusion(model, growth, settings);
  const deviation = volatility * Math.sqrt(years);
  return {
    ...diffusion,
    advance(step, columns, mirrored) {
      diffusion.advance(step, columns, mirrored);
      const [, uniforms, normals] = columns as [Float64Array, Float64Array, Float64Array];
      const logs = diffusion.logs[0]!;
      for (let path = 0; path < blockSize; path++) {
        const count = diffusion.jumpCount(uniforms[path]!);
        if (count === 0) continue;
        logs[path] = logs[path]! + (count * jumpMean + jumpDeviation * Math.sqrt(count) * normals[path]!);
      }
    },
    firstDeviation: () => deviation,
  };
}

/** Black-Scholes with N jumps, N of Poisson, each the quantile of Kou's double exponential at a uniform of its own. */
function kouEvolution(model: KouModel, settings: EvolutionSettings): Evolution {
  const { volatility, upProbability, upRate, downRate } = model;
  const { blockSize, years } = settings;
  const up = (upProbability * upRate) / (upRate - 1);
  const down = ((1 - upProbability) * downRate) / (downRate + 1);
  const diffusion = jumpDiffusion(model, up + down - 1, settings);
  const deviation = volatility * Math.sqrt(years);
  const counts = new Int32Array(blockSize);
  const uniforms = new Float64Array(blockSize);
  const jump = (uniform: number): number =>
    uniform < upProbability
      ? -log(uniform / upProbability) / upRate
      : log((1 - uniform) / (1 - upProbability)) / downRate;
  return {
    ...diffusion,
    advance(step, columns, mirrored) {
      diffusion.advance(step, columns, mirrored);
      const logs = diffusion.logs[0]!;
      let most = 0;
      for (let path = 0; path < blockSize; path++) {
        const count = diffusion.jumpCount(columns[1]![path]!);
        counts[path] = count;
        most = most < count ? count : most;
      }
      for (let index = 0; index < most; index++) {
        settings.draws.fillJump(uniforms, step, index);
        for (let path = 0; path < blockSize; path++) {
          if (counts[path]! <= index) continue;
          const uniform = uniforms[path]!;
          logs[path] = logs[path]! + jump(mirrored ? 1 - uniform : uniform);
        }
      }
    },
    firstDeviation: () => deviation,
  };
}

type JumpDiffusion = Evolution & { readonly jumpCount: (uniform: number) => number };

/** The diffusion of a jump model, its drift less what jumps add on average, and the count of jumps in a step by inversion. */
function jumpDiffusion(
  model: MertonModel | KouModel,
  growth: number,
  { kernels, blockSize, years, tracked }: EvolutionSettings,
): JumpDiffusion {
  const logs = kernels.allocate(blockSize);
  const motion = new Float64Array(tracked ? blockSize : 0);
  const root = Math.sqrt(years);
  const first = log(model.spot);
  const jumpsMean = model.jumpsPerYear * years;
  if (!(jumpsMean <= jumpsPerStepMax)) {
    const rule = `gives more than ${jumpsPerStepMax} jumps a step on average; more steps are needed, at`;
    throw new PricingRefusal("model.jumpsPerYear", "outside-range", model.jumpsPerYear, rule);
  }
  const variance = model.volatility * model.volatility;
  const drift = (model.rate - model.dividendYield - 0.5 * variance - model.jumpsPerYear * growth) * years;
  const deviation = model.volatility * Math.sqrt(years);
  const noJump = exp(-jumpsMean);
  return {
    factors: factorsOf(model),
    logs: [logs],
    states: [],
    start() {
      logs.fill(first);
      motion.fill(0);
    },
    advance(_, columns) {
      const normals = columns[0]!;
      kernels.gbmStep(logs, normals, blockSize, drift, deviation);
      for (let path = 0; path < motion.length; path++) motion[path] = motion[path]! + root * normals[path]!;
    },
    // The jumps do not depend on the volatility of the diffusion, so they are not in it.
    logVegas(out, _asset, time) {
      for (let path = 0; path < blockSize; path++) out[path] = motion[path]! - model.volatility * time;
    },
    firstDeviation: () => deviation,
    jumpCount(uniform) {
      let count = 0;
      let probability = noJump;
      let below = noJump;
      // The sum of the probabilities may stop a rounding short of a uniform next to 1.
      for (; below < uniform && count < jumpsCountMax; below += probability) probability *= jumpsMean / ++count;
      return count;
    },
  };
}

const jumpsPerStepMax = 100;
const jumpsCountMax = 400;

/** Black-Scholes for each asset; the normal of asset i is row i of the Cholesky factor times the factors. */
function basketEvolution(model: BasketModel, { kernels, blockSize, years }: EvolutionSettings): Evolution {
  const rows = choleskyRows(model);
  const correlated = kernels.allocate(blockSize);
  const logs = model.assets.map(() => kernels.allocate(blockSize));
  const deviations = model.assets.map((asset) => asset.volatility * Math.sqrt(years));
  return {
    factors: factorsOf(model),
    logs,
    states: [],
    start() {
      for (const [index, asset] of model.assets.entries()) logs[index]!.fill(log(asset.spot));
    },
    advance(_, columns) {
      for (const [index, asset] of model.assets.entries()) {
        correlated.fill(0);
        for (const [factor, weight] of rows[index]!.entries()) {
          const normals = columns[factor]!;
          for (let path = 0; path < blockSize; path++) correlated[path] = correlated[path]! + weight * normals[path]!;
        }
        const drift = (model.rate - asset.dividendYield - 0.5 * asset.volatility * asset.volatility) * years;
        kernels.gbmStep(logs[index]!, correlated, blockSize, drift, deviations[index]!);
      }
    },
    logVegas: (out, asset, time) =>
      fillLogVegas(out, logs[asset]!, { ...model.assets[asset]!, rate: model.rate }, time),
    firstDeviation: () => deviations[0]!,
  };
}
