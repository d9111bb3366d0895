/**
 * The inner loops of the simulation, each over one block of paths in typed arrays: random numbers, the exact step of
 * Black-Scholes, the step of Heston. This is the TypeScript form; a process that has a faster one (WebAssembly SIMD) installs it
 * at start, and it is accepted only if it gives the same bits on probes. Every function is a fixed order of `+ - * / sqrt` and of
 * the functions of `kernel/functions.ts` per path, without fused multiply-add; where paths take different formulas a value is
 * selected, so a form that computes both and selects is equal to the bit. Counts are even. Nothing here checks its arguments.
 */
import { assert } from "@stoa/base/assert";
import { exp, inverseNormal, log } from "../kernel/functions.ts";
import { hestonConstants } from "./heston-constants.ts";
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
   * block of paths, a step's constants), and {@link borrowKernels} gives the same arrays again.
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
  hestonQeStep,
};

let active: PathKernels = typescriptPathKernels;
/** What of each accepted form may be borrowed again, by length: memory that a form has given is never given back to it. */
const idleColumns = new Map<PathKernels, Map<number, Float64Array[]>>([[typescriptPathKernels, new Map()]]);

/** The form in use for the time of one run: what it allocates is given back by `release`, and must not be used after it. */
export function borrowKernels(): { readonly kernels: PathKernels; readonly release: () => void } {
  const form = active;
  const pool = idleColumns.get(form)!;
  const borrowed: Float64Array[] = [];
  const allocate = (length: number): Float64Array => {
    const column = pool.get(length)?.pop()?.fill(0) ?? form.allocate(length);
    borrowed.push(column);
    return column;
  };
  const release = (): void => {
    for (const column of borrowed.splice(0)) {
      const same = pool.get(column.length);
      if (same === undefined) pool.set(column.length, [column]);
      else same.push(column);
    }
  };
  return { kernels: { ...form, allocate }, release };
}

/** Replaces the form in use by one that gives the same bits; what fails on a probe is refused by an {@link assert}. A form is probed once. */
export function installPathKernels(kernels: PathKernels): void {
  if (!idleColumns.has(kernels)) {
    probeUniforms(kernels);
    for (const constants of probeConstants) probeSteps(kernels, constants);
    idleColumns.set(kernels, new Map());
  }
  active = kernels;
}

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
 * Andersen (2008), "Simple and efficient simulation of the Heston stochastic volatility model", sections 3.2.3 to 3.2.4 and 4.2 to
 * 4.3.1, with psi_c = 3/2 and the martingale correction of proposition 9. With m and s^2 the mean and the variance of v' given v and
 * psi = s^2/m^2:
 *
 *     psi <= 3/2: v' = a (b + Phi^-1(U))^2, b^2 = 2/psi - 1 + sqrt(2/psi) sqrt(2/psi - 1), a = m / (1 + b^2)
 *     psi >  3/2: v' = 0 where U <= p, else ln((1 - p)/(1 - U))/beta, p = (psi - 1)/(psi + 1), beta = (1 - p)/m
 *     ln S' = ln S + drift - ln M - K3 v/2 + K2 v' + sqrt(K3 v + K4 v') Z, M = E[exp(A v') | v], A = K2 + K4/2
 *
 * Where M is infinite (a large A, which takes a long step) the step is the uncorrected one: K0 + K1 v in place of -ln M - K3 v/2.
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
  const [k3, k4, growth] = [constants[8]!, constants[9]!, constants[10]!];
  for (let path = 0; path < count; path++) {
    const variance = variances[path]!;
    const uniform = uniforms[path]!;
    const mean = variance * decay + meanShift;
    const psi = (variance * spreadSlope + spreadShift) / (mean * mean);
    let next: number;
    let logMoment: number;
    let bounded: boolean;
    if (psi <= 1.5) {
      const ratio = 2 / psi;
      const square = ratio - 1 + Math.sqrt(ratio) * Math.sqrt(ratio - 1);
      const scale = mean / (1 + square);
      const root = Math.sqrt(square) + inverseNormal(uniform);
      next = scale * (root * root);
      const rest = 1 - 2 * (growth * scale);
      bounded = 0 < rest;
      logMoment = (growth * square * scale) / rest - 0.5 * log(rest);
    } else {
      const whole = psi + 1;
      const mass = (psi - 1) / whole;
      const complement = 2 / whole;
      const beta = complement / mean;
      next = uniform <= mass ? 0 : log(complement / (1 - uniform)) / beta;
      bounded = growth < beta;
      logMoment = log(mass + (beta * complement) / (beta - growth));
    }
    const correction = bounded ? -logMoment - 0.5 * k3 * variance : k0 + k1 * variance;
    const deviation = Math.sqrt(k3 * variance + k4 * next);
    logs[path] = logs[path]! + (drift + correction + k2 * next) + deviation * normals[path]!;
    variances[path] = next;
  }
}

const probePathCount = 256;

function probeUniforms(kernels: PathKernels): void {
  const expected = new Float64Array(probePathCount);
  const got = kernels.allocate(probePathCount);
  const counters = [
    [0, 0, 0, 0, 0, 0],
    [-1, -1, 0x7fff_ff00, 12, 511, 2],
    [0x243f6a88, 0x299f31d0, 64, 0, 3, 1],
  ] as const;
  for (const [low, high, pairLow, pairHigh, dimension, stream] of counters) {
    for (const name of ["fillUniforms", "fillNormals"] as const) {
      typescriptPathKernels[name](expected, probePathCount, low, high, pairLow, pairHigh, dimension, stream);
      kernels[name](got, probePathCount, low, high, pairLow, pairHigh, dimension, stream);
      assertSameBits(name, expected, got);
    }
  }
}

/** Steps in which both formulas for the variance occur, and one so long that the moment is infinite. */
const probeConstants = [
  { years: 0.125, meanReversion: 0.5, longVariance: 0.04, volatilityOfVariance: 1, correlation: -0.9 },
  { years: 0.25, meanReversion: 1, longVariance: 0.09, volatilityOfVariance: 1, correlation: -0.3 },
  { years: 4, meanReversion: 0.3, longVariance: 0.04, volatilityOfVariance: 0.9, correlation: 0.95 },
].map((probe) => hestonConstants({ ...probe, drift: 0.01 }));

function probeSteps(kernels: PathKernels, constants: Float64Array): void {
  const inputs = [0, 1, 2].map((dimension) => {
    const column = new Float64Array(probePathCount);
    philoxUniforms(column, probePathCount, 5, 6, 7, 0, dimension, 3);
    return column;
  });
  const [logs, variances, uniforms] = inputs as [Float64Array, Float64Array, Float64Array];
  for (let path = 0; path < probePathCount; path++)
    variances[path] = variances[path]! < 0.1 ? 0 : variances[path]! * 0.2;
  const run = (form: PathKernels): readonly Float64Array[] => {
    const [x, v, z, u] = [logs, variances, uniforms, uniforms].map((column) => {
      const copy = form.allocate(probePathCount);
      copy.set(column);
      return copy;
    }) as [Float64Array, Float64Array, Float64Array, Float64Array];
    const held = form.allocate(constants.length);
    held.set(constants);
    form.normalsOfUniforms(z, probePathCount);
    form.hestonQeStep(x, v, z, u, probePathCount, held);
    const afterHeston = x.slice();
    form.gbmStep(x, z, probePathCount, -0.0125, 0.3);
    const spots = form.allocate(probePathCount);
    form.exponentials(spots, x, probePathCount);
    return [z, v, afterHeston, x, spots];
  };
  const names = ["normalsOfUniforms", "hestonQeStep", "hestonQeStep", "gbmStep", "exponentials"];
  const got = run(kernels);
  for (const [index, expected] of run(typescriptPathKernels).entries()) {
    assertSameBits(names[index]!, expected, got[index]!);
  }
}

function assertSameBits(name: string, expected: Float64Array, got: Float64Array): void {
  for (let path = 0; path < probePathCount; path++) {
    const same = Object.is(expected[path], got[path]);
    assert(same, () => `the installed ${name} gives the same bits: ${got[path]}, not ${expected[path]}`);
  }
}
