/** The inner loops: exact moments of the Heston step, and which forms may take their place. */
import { afterEach, describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { ExactSum } from "@stoa/pricing/monte-carlo/exact-sum";
import { hestonConstants } from "@stoa/pricing/monte-carlo/heston-constants";
import { installPathKernels } from "@stoa/pricing/monte-carlo/installed-kernels";
import { typescriptPathKernels, type PathKernels } from "@stoa/pricing/monte-carlo/path-kernels";
import { simulate } from "@stoa/pricing/monte-carlo/simulation";
import { blackScholes, bytesOf, call, workOf } from "./price.ts";

afterEach(() => installPathKernels(typescriptPathKernels));

const pathCount = 131_072;

/** One step from the same variance on every path, the uniforms spread evenly: the variances and the growth of the spot. */
function step(variance: number, settings: Parameters<typeof hestonConstants>[0]) {
  const kernels = typescriptPathKernels;
  const [logs, variances, normals, uniforms] = Array.from({ length: 4 }, () => new Float64Array(pathCount)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  variances.fill(variance);
  kernels.fillNormals(normals, pathCount, 3, 1, 0, 0, 0, 0);
  for (let path = 0; path < pathCount; path++) uniforms[path] = (path + 0.5) / pathCount;
  kernels.hestonQeStep(logs, variances, normals, uniforms, pathCount, hestonConstants(settings));
  return { variances, normals, logs, growths: logs.map(Math.exp) };
}

function momentsOf(values: Float64Array): { readonly mean: number; readonly variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}

describe("the step of Heston", () => {
  const settings = {
    years: 0.25,
    drift: 0.01,
    meanReversion: 1.5,
    longVariance: 0.05,
    volatilityOfVariance: 0.9,
    correlation: -0.7,
  };

  test.each([
    ["the quadratic formula", 0.3],
    ["the exponential formula", 0.01],
    ["a start at zero", 0],
  ])("has the mean and variance of the process, and the spot stays a martingale: %s", (_, variance) => {
    const { years, meanReversion: kappa, longVariance: theta, volatilityOfVariance: xi } = settings;
    const decay = Math.exp(-kappa * years);
    // Cox, Ingersoll and Ross (1985), equation 19.
    const mean = theta + (variance - theta) * decay;
    const spread =
      (variance * xi ** 2 * decay * (1 - decay)) / kappa + (theta * xi ** 2 * (1 - decay) ** 2) / (2 * kappa);
    const { variances, growths } = step(variance, settings);
    const seen = momentsOf(variances);
    expect(Math.abs(seen.mean / mean - 1)).toBeLessThan(1e-5);
    expect(Math.abs(seen.variance / spread - 1)).toBeLessThan(1.5e-4);
    const ratio = (2 * mean * mean) / spread;
    const stopped = variances.reduce((count, value) => count + (value === 0 ? 1 : 0), 0) / pathCount;
    expect(Math.abs(stopped - (ratio < 4 / 3 ? (2 - ratio) / (2 + ratio) : 0))).toBeLessThan(1e-5);
    const growth = momentsOf(growths);
    expect(Math.abs(growth.mean - Math.exp(settings.drift))).toBeLessThan(4 * Math.sqrt(growth.variance / pathCount));
    expect(variances.every((value) => 0 <= value)).toBe(true);
  });

  test("is that of no randomness in the variance where its volatility is next to nothing", () => {
    for (const volatilityOfVariance of [1e-9, 1e-60, 1e-150]) {
      const still = { ...settings, longVariance: 0.04, volatilityOfVariance, correlation: 0 };
      const { variances, logs, normals } = step(0.04, still);
      for (let path = 0; path < 1_000; path++) {
        expect(variances[path]! / 0.04).toBeCloseTo(1, 7);
        const expected = settings.drift - 0.5 * 0.04 * 0.25 + Math.sqrt(0.04 * 0.25) * normals[path]!;
        expect(logs[path]).toBeCloseTo(expected, 7);
      }
    }
  });

  test("takes the uncorrected drift where the moment of the corrected one is infinite", () => {
    const long = { ...settings, years: 20, meanReversion: 0.6, longVariance: 0.2, correlation: 0.98 };
    const constants = hestonConstants(long);
    const [k0, k1, k2, k3] = Array.from(constants.slice(5, 9)) as [number, number, number, number];
    const { logs, variances, normals } = step(0.2, long);
    for (let path = 0; path < 1_000; path++) {
      const next = variances[path]!;
      const deviation = Math.sqrt(k3 * (0.2 + next));
      expect(logs[path]).toBeCloseTo(long.drift + k0 + k1 * 0.2 + k2 * next + deviation * normals[path]!, 9);
    }
  });
});

describe("sums in parts", () => {
  const { sumsInParts } = typescriptPathKernels;

  test("are exact where they say that they are, and say so of all payoffs of a usual size", () => {
    const random = createPrng("sums in parts");
    const counts = { whole: 0, refused: 0 };
    for (let round = 0; round < 400; round++) {
      // Some blocks span more than two doubles hold together, some lie at the ends of the doubles.
      const spread = [6, 10, 14, 60][round % 4]!;
      const scale = 2 ** [0, 0, 0, 300, 395, -390, -420, 420][Math.floor(round / 4) % 8]!;
      const values = Float64Array.from({ length: 256 }, () => {
        if (random.below(3) === 0) return 0;
        return scale * (random.nextFloat() - 0.3) * 2 ** (-spread * random.nextFloat());
      });
      const parts = new Float64Array(4);
      if (!sumsInParts(values, 256, parts)) {
        counts.refused++;
        continue;
      }
      counts.whole++;
      const [sum, squares] = [new ExactSum(), new ExactSum()];
      for (const value of values) {
        sum.add(value);
        squares.add(value * value);
      }
      expect(unitsOfSum(parts[0]!, parts[1]!)).toBe(sum.units());
      expect(unitsOfSum(parts[2]!, parts[3]!)).toBe(squares.units());
    }
    expect(counts.whole).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(100);
    const usual = Float64Array.from({ length: 256 }, (_, path) => Math.max(path - 100, 0) * 0.97);
    expect(sumsInParts(usual, 256, new Float64Array(4))).toBe(true);
  });

  test.each([NaN, Infinity, -Infinity, 1e300, 1e-300])("are not given of %s among others", (value) => {
    for (const place of [0, 1, 254, 255]) {
      const values = new Float64Array(256).fill(1);
      values[place] = value;
      expect(sumsInParts(values, 256, new Float64Array(4))).toBe(false);
    }
  });

  function unitsOfSum(...parts: readonly number[]): bigint {
    const sum = new ExactSum();
    for (const part of parts) sum.add(part);
    return sum.units();
  }
});

describe("another form of the loops", () => {
  const unit = { ...workOf(blackScholes, call), firstPath: 5, pathCount: 600 };

  test("is used once it is installed", () => {
    const expected = bytesOf(simulate(unit));
    let callCount = 0;
    const counting: PathKernels = {
      ...typescriptPathKernels,
      gbmStep: (...given) => {
        callCount++;
        typescriptPathKernels.gbmStep(...given);
      },
    };
    installPathKernels(counting);
    callCount = 0;
    expect(bytesOf(simulate(unit))).toBe(expected);
    expect(callCount).toBe(3);
  });

  test.each([
    "fillUniforms",
    "fillNormals",
    "normalsOfUniforms",
    "gbmStep",
    "exponentials",
    "gains",
    "hestonQeStep",
  ] as const)("is refused when one bit of %s is another (PRICE-058)", (name) => {
    const wrong = {
      ...typescriptPathKernels,
      [name]: (out: Float64Array, ...rest: never[]) => {
        (typescriptPathKernels[name] as (...given: unknown[]) => void)(out, ...rest);
        out[200] = out[200]! * (1 + Number.EPSILON);
      },
    };
    expect(() => installPathKernels(wrong)).toThrow(/gives the same bits/);
    expect(bytesOf(simulate(unit))).toMatch(/^[0-9a-f]+$/);
  });

  test("is refused when one bit of a sum is another (PRICE-058)", () => {
    const sumsInParts: PathKernels["sumsInParts"] = (values, count, parts) => {
      const whole = typescriptPathKernels.sumsInParts(values, count, parts);
      parts[3] = parts[3]! * (1 + Number.EPSILON);
      return whole;
    };
    expect(() => installPathKernels({ ...typescriptPathKernels, sumsInParts })).toThrow(
      /sumsInParts gives the same bits/,
    );
  });
});
