/**
 * The kernel's functions against the exact ones of base, which are within 0.5001 units in the last place: over the whole
 * domain, beside every border of a table, and at the ends. Against mpmath: `tools/reference/kernel_functions.py`.
 */
import { describe, expect, test } from "vitest";
import * as exact from "@stoa/base/exact";
import { createPrng } from "@stoa/base/prng";
import {
  exp,
  inverseNormal,
  log,
  logRatio,
  normalDensity,
  normalDistribution,
  ratioCell,
  ratioWidth,
  tailRatio,
} from "../../src/kernel/functions.ts";
import { nearDifference } from "../../src/kernel/mills-ratio.ts";

const words = new BigInt64Array(1);
const doubles = new Float64Array(words.buffer);

/** How many doubles lie between two of equal sign; infinite between other things that differ. */
function distance(a: number, b: number): number {
  if (Object.is(a, b)) return 0;
  if (Math.sign(a) * Math.sign(b) < 0 || a !== a || b !== b) return Infinity;
  doubles[0] = a;
  const first = words[0]!;
  doubles[0] = b;
  return Math.abs(Number(first - words[0]!));
}

function neighbours(x: number): number[] {
  const list = [x];
  for (const step of [-2n, -1n, 1n, 2n]) {
    doubles[0] = x;
    words[0] = words[0]! + step;
    list.push(doubles[0]);
  }
  return list;
}

const random = createPrng(20261122);
const uniform = (low: number, high: number): number => low + (high - low) * random.nextFloat();
const many = (low: number, high: number): number[] => Array.from({ length: 20_000 }, () => uniform(low, high));

function worst(inputs: readonly number[], ours: (x: number) => number, truth: (x: number) => number): number {
  let largest = 0;
  for (const x of inputs) largest = Math.max(largest, distance(ours(x), truth(x)));
  return largest;
}

describe("the kernel's functions", () => {
  test("exp is within a unit of the exact one (PRICE-060)", () => {
    const borders = Array.from({ length: 2_000 }, (_, k) => ((k - 1000.5) * Math.LN2) / 32).flatMap(neighbours);
    const inputs = [...many(-1, 1), ...many(-708, 709.7), ...many(-745, -708), ...borders];
    expect(worst(inputs, exp, exact.exp)).toBeLessThanOrEqual(1);
  });

  test("log is within a unit of the exact one", () => {
    const borders = Array.from({ length: 400 }, (_, k) => 0.6875 + k / 256).flatMap(neighbours);
    const inputs = [
      ...many(0.5, 2),
      ...many(0.98, 1.02),
      ...many(-700, 700).map(exact.exp),
      ...borders,
      5e-324,
      1e-310,
    ];
    expect(worst(inputs, log, exact.log)).toBeLessThanOrEqual(1);
  });

  test("the logarithm of a ratio loses nothing between neighbours", () => {
    for (const low of many(0.001, 100_000)) {
      const high = neighbours(low)[4]!;
      const z = (high - low) / low;
      expect(distance(logRatio(high, low), z - 0.5 * z * z)).toBeLessThanOrEqual(1);
    }
    expect(logRatio(7, 7)).toBe(0);
    expect(distance(logRatio(1e150, 1e-150), exact.log(1e300))).toBeLessThanOrEqual(1);
  });

  test("density and distribution are within three units of the exact ones, in the tails too", () => {
    const borders = Array.from({ length: 96 }, (_, k) => (1 + (k & 15) / 16) * 2 ** (k >> 4) - 1)
      .filter((x) => x !== 0 && x < 38)
      .flatMap(neighbours);
    const inputs = [...many(-4, 4), ...many(-38.4, 8), ...many(-1e-3, 1e-3), ...borders, ...borders.map((x) => -x)];
    expect(worst(inputs, normalDensity, exact.normalDensity)).toBeLessThanOrEqual(3);
    expect(worst(inputs, normalDistribution, exact.normalDistribution)).toBeLessThanOrEqual(3);
  });

  test("the Mills ratio is that of the exact distribution and density, on the borders of its cells too", () => {
    const borders = Array.from({ length: 384 }, (_, cell) =>
      neighbours((1 + (cell % 64) / 64) * 2 ** ((cell >> 6) - 1) - 1),
    );
    for (const t of [...many(-0.5, 37), ...borders.flat().filter((border) => -0.5 <= border)])
      expect(
        Math.abs(tailRatio(t) * exact.normalDensity(t) * 2.5066282746310002 - exact.normalDistribution(-t)),
      ).toBeLessThanOrEqual(1e-15 * exact.normalDistribution(-t));
  });

  test("each row of differences of the Mills ratio holds for half a cell beyond its own", () => {
    const ratios = new Float64Array(2);
    for (const h of many(0.04, 34).filter((_, index) => index % 10 === 0)) {
      const cell = ratioCell(h);
      const width = ratioWidth(cell);
      for (const deviation of [width, 0.4 * width, 1e-3 * width]) {
        const slope = nearDifference(cell, h - 0.5 * deviation, h + 0.5 * deviation, deviation, ratios, 0);
        const [first, second] = [tailRatio(h - 0.5 * deviation), tailRatio(h + 0.5 * deviation)];
        expect(Math.abs(ratios[0]! - first)).toBeLessThanOrEqual(1e-15 * first);
        expect(Math.abs(ratios[1]! - second)).toBeLessThanOrEqual(1e-15 * second);
        // What the difference of two rounded values can tell.
        expect(Math.abs(slope * deviation - (first - second))).toBeLessThanOrEqual(1e-15 * first);
      }
    }
  });

  test("the distribution of the quantile is what was asked for", () => {
    const tails = many(-690, -2).map(exact.exp);
    for (const p of [
      ...many(0, 1),
      ...tails,
      ...neighbours(0.003921),
      ...neighbours(0.00392163),
      ...neighbours(0.996),
    ]) {
      const x = inverseNormal(p);
      // What a change of 2.5 units of x makes of p.
      const allowed = exact.normalDensity(x) * Math.abs(x) * 6e-16 + p * 2e-16;
      expect(Math.abs(exact.normalDistribution(x) - p)).toBeLessThanOrEqual(allowed);
    }
    for (let n = 0; n < 1_000; n++) expect(inverseNormal(1 - n / 1024)).toBe(-inverseNormal(n / 1024) + 0);
  });

  test("the ends of the domains are answered", () => {
    const table: [number, number][] = [
      [exp(0), 1],
      [exp(-Infinity), 0],
      [exp(Infinity), Infinity],
      [exp(NaN), NaN],
      [exp(709.79), Infinity],
      [exp(-745.2), 0],
      [exp(-745.1), 5e-324],
      [log(0), -Infinity],
      [log(-0), -Infinity],
      [log(-1), NaN],
      [log(Infinity), Infinity],
      [log(NaN), NaN],
      [log(1), 0],
      [normalDensity(Infinity), 0],
      [normalDensity(-40), 0],
      [normalDensity(NaN), NaN],
      [normalDistribution(-Infinity), 0],
      [normalDistribution(Infinity), 1],
      [normalDistribution(0), 0.5],
      [normalDistribution(NaN), NaN],
      [inverseNormal(0), -Infinity],
      [inverseNormal(1), Infinity],
      [inverseNormal(0.5), 0],
      [inverseNormal(-1e-9), NaN],
      [inverseNormal(1.1), NaN],
      [inverseNormal(NaN), NaN],
    ];
    for (const [index, [value, wanted]] of table.entries()) expect([index, value]).toEqual([index, wanted]);
    expect(Math.abs(inverseNormal(5e-324) + 38.4674)).toBeLessThan(0.001);
  });
});
