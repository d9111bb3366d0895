/**
 * The inner loops of the simulation, each over one block of paths in typed arrays: random numbers, the exact step of
 * Black-Scholes, the step of Heston, gains and their sums. This is the TypeScript form, the reference of every other
 * (`installed-kernels.ts` has the one in use). Every function is a fixed order of `+ - * / sqrt` and of the functions of
 * `kernel/functions.ts` per path, without fused multiply-add; where paths take different formulas a value is selected, so a form
 * that computes both and selects is equal to the bit. Counts are even. Nothing here checks its arguments.
 */
import { powerOfTwo, upperBits } from "@stoa/base/exact/error-free";
import { exp, inverseNormal, log } from "../kernel/functions.ts";
import { philoxUniforms } from "./philox.ts";

/** One counter-based draw for each of `count` paths; see `philox.ts` for what the words mean. */
export type FillDraws = (
  out: Float64Array,
  count: number,
  seedLow: number,
  seedHigh: number,
  pairLow: number,
  pairHigh: number,
  dimension: number,
  stream: number,
) => void;

export interface PathKernels {
  /**
   * Zeroed doubles in the memory that the other functions work on, valid until the process ends. Few lengths are asked for (a
   * block of paths, a step's constants), and `borrowKernels` gives the same arrays again.
   */
  readonly allocate: (length: number) => Float64Array;
  readonly fillUniforms: FillDraws;
  /** Inverse normals of those uniforms. */
  readonly fillNormals: FillDraws;
  /** In place: the quantile of each uniform in (0, 1). */
  readonly normalsOfUniforms: (values: Float64Array, count: number) => void;
  /** logs[i] = (logs[i] + drift) + deviation * normals[i]. */
  readonly gbmStep: (
    logs: Float64Array,
    normals: Float64Array,
    count: number,
    drift: number,
    deviation: number,
  ) => void;
  /** out[i] = exp(logs[i]). */
  readonly exponentials: (out: Float64Array, logs: Float64Array, count: number) => void;
  /** out[i] = discount * max(sign * (values[i] - strike), 0). */
  readonly gains: (
    out: Float64Array,
    values: Float64Array,
    count: number,
    strike: number,
    sign: number,
    discount: number,
  ) => void;
  /**
   * The sums of at most 256 values and of their squares (each rounded once), both without rounding as parts[0] + parts[1] and
   * parts[2] + parts[3]. False where two doubles do not hold them or a value is not finite, and then the parts say nothing.
   */
  readonly sumsInParts: (values: Float64Array, count: number, parts: Float64Array) => boolean;
  /** One step of Andersen's quadratic-exponential scheme; `constants` as `heston-constants.ts` lays them out. */
  readonly hestonQeStep: (
    logs: Float64Array,
    variances: Float64Array,
    normals: Float64Array,
    uniforms: Float64Array,
    count: number,
    constants: Float64Array,
  ) => void;
}

/** The reference form. */
export const typescriptPathKernels: PathKernels = {
  allocate: (length) => new Float64Array(length),
  fillUniforms: philoxUniforms,
  fillNormals: philoxNormals,
  normalsOfUniforms,
  gbmStep,
  exponentials,
  gains,
  sumsInParts,
  hestonQeStep,
};

function philoxNormals(
  out: Float64Array,
  count: number,
  seedLow: number,
  seedHigh: number,
  pairLow: number,
  pairHigh: number,
  dimension: number,
  stream: number,
): void {
  philoxUniforms(out, count, seedLow, seedHigh, pairLow, pairHigh, dimension, stream);
  normalsOfUniforms(out, count);
}

function normalsOfUniforms(values: Float64Array, count: number): void {
  for (let path = 0; path < count; path++) values[path] = inverseNormal(values[path]!);
}

function gbmStep(logs: Float64Array, normals: Float64Array, count: number, drift: number, deviation: number): void {
  for (let path = 0; path < count; path++) logs[path] = logs[path]! + drift + deviation * normals[path]!;
}

function exponentials(out: Float64Array, logs: Float64Array, count: number): void {
  for (let path = 0; path < count; path++) out[path] = exp(logs[path]!);
}

/**
 * PERF: the larger of a gain and zero as half of the gain and its magnitude, which is exact and takes no branch: half of the branches
 * would be foretold wrongly. What is no number stays none, and the sum refuses it.
 */
function gains(
  out: Float64Array,
  values: Float64Array,
  count: number,
  strike: number,
  sign: number,
  discount: number,
): void {
  for (let path = 0; path < count; path++) {
    const gain = sign * (values[path]! - strike);
    out[path] = discount * (0.5 * (gain + Math.abs(gain)));
  }
}

/**
 * With 2^e above the largest, 44 leading bits of each value are split off and summed, and what is left over is summed by itself: at
 * most 2^(e-37) together and, where no value but zero is below 2^(e-19), in multiples of 2^(e-90), of the squares likewise.
 */
function sumsInParts(values: Float64Array, count: number, parts: Float64Array): boolean {
  let largest = 0;
  let least = Infinity;
  for (let path = 0; path < count; path++) {
    const magnitude = Math.abs(values[path]!);
    if (largest < magnitude) largest = magnitude;
    if (magnitude < least && magnitude !== 0) least = magnitude;
  }
  const exponent = (upperBits(largest) >>> 20) - 1022;
  if (exponent < -400 || 400 < exponent || least < powerOfTwo(exponent - 19)) return false;
  const coarse = 1.5 * powerOfTwo(exponent + 8);
  const coarseSquare = 1.5 * powerOfTwo(2 * exponent + 8);
  let upper = 0;
  let lower = 0;
  let upperSquares = 0;
  let lowerSquares = 0;
  for (let path = 0; path < count; path++) {
    const value = values[path]!;
    const leading = coarse + value - coarse;
    upper += leading;
    lower += value - leading;
    const square = value * value;
    const leadingSquare = coarseSquare + square - coarseSquare;
    upperSquares += leadingSquare;
    lowerSquares += square - leadingSquare;
  }
  parts[0] = upper;
  parts[1] = lower;
  parts[2] = upperSquares;
  parts[3] = lowerSquares;
  return lowerSquares === lowerSquares;
}

/**
 * Andersen (2008), "Simple and efficient simulation of the Heston stochastic volatility model", sections 3.2.3 to 3.2.4 and 4.2 to
 * 4.3.1, with psi_c = 3/2 and the martingale correction of proposition 9. With m and s^2 the mean and the variance of v' given v,
 * r = 2 m^2/s^2 (his 2/psi), b^2 = r - 1 + sqrt(r (r - 1)) and A = K2 + K4/2:
 *
 *     r >= 4/3: v' = a (b + Phi^-1(U))^2, a = m / (1 + b^2)
 *     r <  4/3: v' = 0 where U <= p, else ln((1 - p)/(1 - U))/beta, p = (2 - r)/(2 + r), beta = (1 - p)/m
 *     ln S' = ln S + drift - ln M - K3 v/2 + K2 v' + sqrt(K3 (v + v')) Z, M = E[exp(A v') | v]
 *
 * With w = 1 + b^2 and g = A m the moment of the first formula is ln M = g b^2/(w - 2 g) - ln((w - 2 g)/w)/2. Where M is infinite (a
 * large A, which takes a long step) the step is the uncorrected one: K0 + K1 v in place of -ln M - K3 v/2. From r = 1e100 on, where
 * v' is m to the last bit and far beyond, r is taken as that, so that no square of it overflows.
 */
function hestonQeStep(
  logs: Float64Array,
  variances: Float64Array,
  normals: Float64Array,
  uniforms: Float64Array,
  count: number,
  constants: Float64Array,
): void {
  const [decay, meanShift, spreadSlope, spreadShift] = [constants[0]!, constants[1]!, constants[2]!, constants[3]!];
  const [drift, k0, k1, k2] = [constants[4]!, constants[5]!, constants[6]!, constants[7]!];
  const [k3, growth] = [constants[8]!, constants[9]!];
  for (let path = 0; path < count; path++) {
    const variance = variances[path]!;
    const uniform = uniforms[path]!;
    const mean = variance * decay + meanShift;
    const ratio = (2 * (mean * mean)) / (variance * spreadSlope + spreadShift);
    let next: number;
    let logMoment: number;
    let bounded: boolean;
    if (1.3333333333333333 <= ratio) {
      const capped = 1e100 < ratio ? 1e100 : ratio;
      const less = capped - 1;
      const square = less + Math.sqrt(capped * less);
      const whole = 1 + square;
      const root = Math.sqrt(square) + inverseNormal(uniform);
      next = (mean / whole) * (root * root);
      const grown = growth * mean;
      bounded = grown + grown < whole;
      const half = bounded ? grown : 0;
      const rest = whole - (half + half);
      logMoment = (half * square) / rest - halfLogOfQuotient(half, whole, rest);
    } else {
      const whole = 2 + ratio;
      const mass = (2 - ratio) / whole;
      const complement = (ratio + ratio) / whole;
      const beta = complement / mean;
      next = uniform <= mass ? 0 : log(complement / (1 - uniform)) / beta;
      bounded = growth < beta;
      logMoment = log(mass + (beta * complement) / (beta - growth));
    }
    const correction = bounded ? -logMoment - 0.5 * k3 * variance : k0 + k1 * variance;
    const deviation = Math.sqrt(k3 * (variance + next));
    logs[path] = logs[path]! + (drift + correction + k2 * next) + deviation * normals[path]!;
    variances[path] = next;
  }
}

/**
 * ln(rest / whole)/2 with rest = whole - 2 half, which is artanh(-half/(whole - half)). PERF: where the argument is at most 1/32, as in
 * nearly all steps, its series to the ninth power, off by less than 6e-18, takes the place of a logarithm.
 */
function halfLogOfQuotient(half: number, whole: number, rest: number): number {
  const s = -half / (whole - half);
  const square = s * s;
  if (!(square <= 0.0009765625)) return 0.5 * log(rest / whole);
  return (
    s +
    s * square * (0.3333333333333333 + square * (0.2 + square * (0.14285714285714285 + square * 0.1111111111111111)))
  );
}
