/** The inner loops: exact moments of the Heston step, and which forms may take their place. */
import { afterEach, describe, expect, test } from "vitest";
import { hestonConstants } from "@stoa/pricing/monte-carlo/heston-constants";
import { installPathKernels, typescriptPathKernels, type PathKernels } from "@stoa/pricing/monte-carlo/path-kernels";
import { simulate } from "@stoa/pricing/monte-carlo/simulation";
import { blackScholes, bytesOf, call, workOf } from "./price.ts";

afterEach(() => installPathKernels(typescriptPathKernels));

const pathCount = 131_072;

/** One step from the same variance on every path: the variances and the growth of the spot. */
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
  kernels.fillUniforms(uniforms, pathCount, 3, 1, 0, 0, 1, 0);
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
    expect(Math.abs(seen.mean - mean)).toBeLessThan(4 * Math.sqrt(spread / pathCount));
    expect(seen.variance / spread).toBeGreaterThan(0.97);
    expect(seen.variance / spread).toBeLessThan(1.03);
    const growth = momentsOf(growths);
    expect(Math.abs(growth.mean - Math.exp(settings.drift))).toBeLessThan(4 * Math.sqrt(growth.variance / pathCount));
    expect(variances.every((value) => 0 <= value)).toBe(true);
  });

  test("takes the uncorrected drift where the moment of the corrected one is infinite", () => {
    const long = { ...settings, years: 20, meanReversion: 0.6, longVariance: 0.2, correlation: 0.98 };
    const constants = hestonConstants(long);
    const [k0, k1, k2, k3, k4] = Array.from(constants.slice(5, 10)) as [number, number, number, number, number];
    const { logs, variances, normals } = step(0.2, long);
    for (let path = 0; path < 1_000; path++) {
      const next = variances[path]!;
      const deviation = Math.sqrt(k3 * 0.2 + k4 * next);
      expect(logs[path]).toBeCloseTo(long.drift + k0 + k1 * 0.2 + k2 * next + deviation * normals[path]!, 9);
    }
  });
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

  test.each(["fillUniforms", "fillNormals", "normalsOfUniforms", "gbmStep", "exponentials", "hestonQeStep"] as const)(
    "is refused when one bit of %s is another (PRICE-058)",
    (name) => {
      const wrong = {
        ...typescriptPathKernels,
        [name]: (out: Float64Array, ...rest: never[]) => {
          (typescriptPathKernels[name] as (...given: unknown[]) => void)(out, ...rest);
          out[200] = out[200]! * (1 + Number.EPSILON);
        },
      };
      expect(() => installPathKernels(wrong)).toThrow(/gives the same bits/);
      expect(bytesOf(simulate(unit))).toMatch(/^[0-9a-f]+$/);
    },
  );
});
