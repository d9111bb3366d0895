/**
 * Probes of a form of the inner loops: a few columns of every kind, computed by it and by the reference form, which must have the same
 * bits. They are what keeps a form with a defect, or an engine with one, out of a simulation; the tests compare far more.
 */
import { assert } from "@stoa/base/assert";
import { hestonConstants } from "./heston-constants.ts";
import type { PathKernels } from "./path-kernels.ts";
import { philoxUniforms } from "./philox.ts";

const probePathCount = 256;

/** Throws when a function of `kernels` gives other bits on a probe than that of `reference`. */
export function probePathKernels(kernels: PathKernels, reference: PathKernels): void {
  probeUniforms(kernels, reference);
  for (const constants of probeConstants) probeSteps(kernels, reference, constants);
}

function probeUniforms(kernels: PathKernels, reference: PathKernels): void {
  const expected = new Float64Array(probePathCount);
  const got = kernels.allocate(probePathCount);
  const counters = [
    [0, 0, 0, 0, 0, 0],
    [-1, -1, 0x7fff_ff00, 12, 511, 2],
    [0x243f6a88, 0x299f31d0, 64, 0, 3, 1],
  ] as const;
  for (const [low, high, pairLow, pairHigh, dimension, stream] of counters) {
    for (const name of ["fillUniforms", "fillNormals"] as const) {
      reference[name](expected, probePathCount, low, high, pairLow, pairHigh, dimension, stream);
      kernels[name](got, probePathCount, low, high, pairLow, pairHigh, dimension, stream);
      assertSameBits(name, expected, got);
    }
  }
}

/** Where the columns of {@link probeSteps} come from. */
const columnNames = [
  "normalsOfUniforms",
  "hestonQeStep",
  "hestonQeStep",
  "gbmStep",
  "exponentials",
  "gains",
  "sumsInParts",
];

/** Steps in which both formulas for the variance occur, and one so long that the moment is infinite. */
const probeConstants = [
  { years: 0.125, meanReversion: 0.5, longVariance: 0.04, volatilityOfVariance: 1, correlation: -0.9 },
  { years: 0.25, meanReversion: 1, longVariance: 0.09, volatilityOfVariance: 1, correlation: -0.3 },
  { years: 4, meanReversion: 0.3, longVariance: 0.04, volatilityOfVariance: 0.9, correlation: 0.95 },
].map((probe) => hestonConstants({ ...probe, drift: 0.01 }));

function probeSteps(kernels: PathKernels, reference: PathKernels, constants: Float64Array): void {
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
    const options = form.allocate(probePathCount);
    form.gains(options, spots, probePathCount, 1.25, -1, 0.97);
    const parts = form.allocate(4);
    const whole = Number(form.sumsInParts(options, probePathCount, parts));
    return [z, v, afterHeston, x, spots, options, Float64Array.of(...parts, whole)];
  };
  const got = run(kernels);
  for (const [index, expected] of run(reference).entries()) {
    assertSameBits(columnNames[index]!, expected, got[index]!);
  }
}

function assertSameBits(name: string, expected: Float64Array, got: Float64Array): void {
  for (const [index, value] of expected.entries()) {
    const same = Object.is(value, got[index]);
    assert(same, () => `the installed ${name} gives the same bits: ${got[index]}, not ${value}`);
  }
}
