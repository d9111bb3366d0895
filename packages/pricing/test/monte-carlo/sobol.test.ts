/** Sobol points against SciPy's, their scrambling against what Owen's is, the bridge, and how fast errors fall. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { brownianBridge, bridgeSteps } from "@stoa/pricing/monte-carlo/brownian-bridge";
import { philoxUniforms } from "@stoa/pricing/monte-carlo/philox";
import { scramblingOf, sobolDimensionsMax, sobolUniforms } from "@stoa/pricing/monte-carlo/sobol";
import { references } from "./price.ts";

/** The 32 bits behind a coordinate. */
const wordOf = (uniform: number): number => uniform * 2 ** 32 - 0.5;

function wordsOf(count: number, firstPoint: number, dimension: number, scrambling?: ReturnType<typeof scramblingOf>) {
  const column = new Float64Array(count);
  sobolUniforms(column, count, firstPoint, dimension, scrambling);
  return Uint32Array.from(column, wordOf);
}

describe("Sobol points", () => {
  test("are those of scipy.stats.qmc.Sobol in all 256 dimensions (PRICE-056)", () => {
    const { dimensions, count, sha256 } = references.sobol;
    expect(dimensions).toBe(sobolDimensionsMax);
    const hash = createHash("sha256");
    for (let dimension = 0; dimension < dimensions; dimension++) hash.update(wordsOf(count, 0, dimension));
    expect(hash.digest("hex")).toBe(sha256);
  });

  test("are found by their index", () => {
    for (const dimension of [0, 1, 17, 255]) {
      const whole = wordsOf(1024, 0, dimension);
      for (const first of [1, 255, 512, 1000]) {
        expect(wordsOf(24, first, dimension)).toEqual(whole.slice(first, first + 24));
      }
    }
    // The last points that 32 bits can name.
    expect(new Set(wordsOf(256, 2 ** 32 - 256, 3)).size).toBe(256);
  });
});

describe("Owen's scrambling", () => {
  test("flips each bit by a function of the bits above it: points stay apart at the same bit, and intervals stay filled (PRICE-056)", () => {
    for (const dimension of [0, 5, 100]) {
      const scrambling = scramblingOf(1, 2, 3, dimension);
      const [plain, scrambled] = [wordsOf(1024, 0, dimension), wordsOf(1024, 0, dimension, scrambling)];
      for (let index = 1; index < 1024; index++) {
        const before = Math.clz32(plain[index]! ^ plain[index - 1]!);
        expect(Math.clz32(scrambled[index]! ^ scrambled[index - 1]!)).toBe(before);
      }
      expect(new Set(Array.from(scrambled, (word) => word >>> 22)).size).toBe(1024);
    }
  });

  test("gives every point the uniform distribution over seeds", () => {
    // Chi-square over 64 cells of 32,000 scramblings of one point: 63 degrees of freedom, 5 standard deviations are 119.
    for (const [point, dimension] of [
      [0, 0],
      [1, 4],
      [777, 30],
    ] as const) {
      const counts = new Float64Array(64);
      const column = new Float64Array(1);
      for (let replicate = 0; replicate < 32_000; replicate++) {
        sobolUniforms(column, 1, point, dimension, scramblingOf(9, 9, replicate, dimension));
        counts[Math.floor(column[0]! * 64)]!++;
      }
      const statistic = counts.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
      expect(statistic).toBeLessThan(119);
      expect(statistic).toBeGreaterThan(20);
    }
  });

  test("leaves errors that fall like 1/n where those of independent draws fall like 1/sqrt(n) (PRICE-056)", () => {
    // The mean over the unit cube of 8 dimensions of the product of 1/2 + x is 1.
    const errorOf = (count: number, fill: (column: Float64Array, replicate: number, dimension: number) => void) => {
      let squares = 0;
      for (let replicate = 0; replicate < 32; replicate++) {
        const columns = Array.from({ length: 8 }, (_, dimension) => {
          const column = new Float64Array(count);
          fill(column, replicate, dimension);
          return column;
        });
        let total = 0;
        for (let index = 0; index < count; index++) {
          total += columns.reduce((product, column) => product * (0.5 + column[index]!), 1);
        }
        squares += (total / count - 1) ** 2;
      }
      return Math.sqrt(squares / 32);
    };
    const sobol = (count: number) =>
      errorOf(count, (column, replicate, dimension) =>
        sobolUniforms(column, count, 0, dimension, scramblingOf(5, 6, replicate, dimension)),
      );
    const philox = (count: number) =>
      errorOf(count, (column, replicate, dimension) => philoxUniforms(column, count, 5, 6, 0, replicate, dimension, 0));
    const slopeOf = (error: (count: number) => number) => Math.log2(error(256) / error(8192)) / 5;
    expect(slopeOf(sobol)).toBeGreaterThan(0.9);
    expect(slopeOf(philox)).toBeGreaterThan(0.3);
    expect(slopeOf(philox)).toBeLessThan(0.7);
    expect(sobol(8192)).toBeLessThan(philox(8192) / 20);
  });
});

describe("the Brownian bridge", () => {
  test.each([1, 2, 3, 7, 16, 50])(
    "of %i steps turns normals into normals: an orthogonal map, the end first",
    (count) => {
      const bridge = brownianBridge(count);
      const path = Array.from({ length: count + 1 }, () => new Float64Array(count));
      // Path p has the p-th unit vector for its normals, so the result is the matrix of the map.
      const normals = Array.from({ length: count }, (_, row) =>
        Float64Array.from({ length: count }, (_, p) => +(p === row)),
      );
      bridgeSteps(bridge, normals, path, count);
      for (let left = 0; left < count; left++) {
        for (let right = 0; right < count; right++) {
          const product = normals.reduce((sum, step) => sum + step[left]! * step[right]!, 0);
          expect(product).toBeCloseTo(left === right ? 1 : 0, 12);
        }
      }
      const end = (p: number) => normals.reduce((sum, step) => sum + step[p]!, 0);
      expect(end(0)).toBeCloseTo(Math.sqrt(count), 12);
      for (let p = 1; p < count; p++) expect(end(p)).toBeCloseTo(0, 12);
    },
  );
});
