/**
 * Where the random numbers of a block of paths come from: Philox, by path, step and factor; the same with their moments matched over
 * the block; or scrambled Sobol points over a Brownian bridge. It knows which factors a model asks for, not what they do.
 */
import type { PathKernels } from "./path-kernels.ts";
import { philoxUniforms, streams, type Key } from "./philox.ts";
import { brownianBridge, bridgeSteps } from "./brownian-bridge.ts";
import { scramblingOf, sobolDimensionsMax, sobolUniforms } from "./sobol.ts";
import { PricingRefusal } from "../refusal.ts";

/** What a model draws in each step, in this order: standard normals, or uniforms in (0, 1). */
export type Factor = "normal" | "uniform";

export interface Draws {
  /** Prepares for the block of paths that begins at `firstPath`, a multiple of the block's size. */
  readonly begin: (firstPath: number) => void;
  /** Draws of one factor in one step for every path of the block. */
  readonly fill: (out: Float64Array, step: number, factor: number) => void;
  /** Uniforms for the `jump`-th jump of a step; how many there are is the model's affair. Philox only. */
  readonly fillJump: (out: Float64Array, step: number, jump: number) => void;
}

export type DrawsSettings = {
  readonly kernels: PathKernels;
  readonly key: Key;
  readonly stream: number;
  readonly blockSize: number;
  readonly stepCount: number;
  readonly factors: readonly Factor[];
};

/** Dimension step * factors + factor of the paths themselves. */
export function philoxDraws(settings: DrawsSettings): Draws {
  const { kernels, key, stream, blockSize, factors } = settings;
  let [pairLow, pairHigh] = [0, 0];
  return {
    begin(firstPath) {
      const pair = firstPath / 2;
      pairHigh = Math.floor(pair / 4294967296);
      pairLow = pair - pairHigh * 4294967296;
    },
    fill(out, step, factor) {
      const dimension = step * factors.length + factor;
      const fill = factors[factor] === "normal" ? kernels.fillNormals : kernels.fillUniforms;
      fill(out, blockSize, key.low, key.high, pairLow, pairHigh, dimension, stream);
    },
    fillJump(out, step, jump) {
      // Beside the streams of the two purposes: one stream for each jump of each of them.
      const jumpStream = streams.jumps + 2 * jump + stream;
      philoxUniforms(out, blockSize, key.low, key.high, pairLow, pairHigh, step, jumpStream);
    },
  };
}

/** The same with the normals of each step and factor brought to mean 0 and variance 1 over the block, in the order of the paths. */
export function matchedDraws(settings: DrawsSettings): Draws {
  const draws = philoxDraws(settings);
  return {
    ...draws,
    fill(out, step, factor) {
      draws.fill(out, step, factor);
      if (settings.factors[factor] === "normal") matchMoments(out, settings.blockSize);
    },
  };
}

function matchMoments(values: Float64Array, count: number): void {
  let total = 0;
  for (let index = 0; index < count; index++) total += values[index]!;
  const mean = total / count;
  let squares = 0;
  for (let index = 0; index < count; index++) {
    const centered = values[index]! - mean;
    values[index] = centered;
    squares += centered * centered;
  }
  const scale = Math.sqrt(count / squares);
  for (let index = 0; index < count; index++) values[index] = values[index]! * scale;
}

/**
 * Scrambled Sobol points: block b of 256 paths is the next block of points of replicate b mod `replicates`. The k-th dimension of a
 * normal factor is the k-th point that its Brownian bridge sets.
 */
export function sobolDraws(settings: DrawsSettings, replicates: number): Draws {
  const { kernels, key, blockSize, stepCount, factors } = settings;
  const dimensionCount = stepCount * factors.length;
  if (sobolDimensionsMax < dimensionCount) {
    const rule = `gives at most ${sobolDimensionsMax} dimensions (steps times draws of a step), fewer than`;
    throw new PricingRefusal("method.points", "outside-range", dimensionCount, rule);
  }
  const scramblings = Array.from({ length: replicates }, (_, replicate) =>
    Array.from({ length: dimensionCount }, (_, dimension) => scramblingOf(key.low, key.high, replicate, dimension)),
  );
  const columns = factors.map(() => Array.from({ length: stepCount }, () => kernels.allocate(blockSize)));
  const path = Array.from({ length: stepCount + 1 }, () => new Float64Array(blockSize));
  const bridge = brownianBridge(stepCount);
  return {
    begin(firstPath) {
      const block = firstPath / blockSize;
      const replicate = block % replicates;
      const firstPoint = ((block - replicate) / replicates) * blockSize;
      for (const [factor, kind] of factors.entries()) {
        for (const [step, column] of columns[factor]!.entries()) {
          const dimension = step * factors.length + factor;
          sobolUniforms(column, blockSize, firstPoint, dimension, scramblings[replicate]![dimension]);
          if (kind === "normal") kernels.normalsOfUniforms(column, blockSize);
        }
        if (kind === "normal") bridgeSteps(bridge, columns[factor]!, path, blockSize);
      }
    },
    fill(out, step, factor) {
      out.set(columns[factor]![step]!);
    },
    fillJump() {
      throw new PricingRefusal(
        "method.points",
        "outside-range",
        "sobol",
        "takes a model with a fixed number of draws, not",
      );
    },
  };
}
