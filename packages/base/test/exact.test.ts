import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { exp, log, logPair, normalDensity, normalDistribution } from "@stoa/base/exact";
import { logOnePlusPair, millsPair, result } from "@stoa/base/exact/pairs";

type Function = (x: number) => number;
const functions: Record<string, Function> = { exp, log, normalDensity, normalDistribution };
const tables = JSON.parse(readFileSync(new URL("fixtures/exact.json", import.meta.url), "utf8")) as Record<
  string,
  [string, string][]
>;

const view = new DataView(new ArrayBuffer(8));
function fromBits(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
function toBits(x: number): bigint {
  view.setFloat64(0, x);
  return view.getBigUint64(0);
}

/** A finite double as an integer count of 2^-1074. */
function asInteger(x: number): bigint {
  const bits = toBits(x);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const size = exponent === 0n ? fraction : (fraction | 0x10000000000000n) << (exponent - 1n);
  return bits >> 63n === 1n ? -size : size;
}

const overflow = 1n << (1024n + 1074n);

/** The distance of `x + low` from the decimal `text` in units of the last place of the truth, to one part in a million. */
function errorInLastPlace(x: number, text: string, low = 0): number {
  const [, sign, whole, fraction, exponent] = /^(-?)(\d)\.(\d+)(?:e([+-]\d+))?$/.exec(text)!;
  const power = BigInt(exponent ?? 0) - BigInt(fraction!.length);
  // Both as integers over the common denominator 2^1074 * 10^(-power).
  const digits = BigInt(sign! + whole! + fraction!);
  const truth = (digits * (0n < power ? 10n ** power : 1n)) << 1074n;
  const denominator = power < 0n ? 10n ** -power : 1n;
  const difference = (asInteger(x) + asInteger(low)) * denominator - truth;
  if (x === Infinity && (overflow - (1n << (970n + 1074n))) * denominator <= truth) return 0;
  const magnitude = (truth < 0n ? -truth : truth) / denominator;
  const places = magnitude.toString(2).length - 53;
  const unit = 1n << BigInt(Math.max(0, places));
  return Number((difference * 1_000_000n) / (unit * denominator)) / 1e6;
}

/** A fixed stream of 64-bit words (splitmix64): the inputs of the golden hash are part of the golden. */
function words(seed: bigint): () => bigint {
  const mask = (1n << 64n) - 1n;
  let state = seed;
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    return z ^ (z >> 31n);
  };
}

const ranges: Record<string, readonly [number, number]> = {
  exp: [-746, 710],
  log: [0, 4],
  normalDensity: [-39, 39],
  normalDistribution: [-39, 9],
};

/** Arguments of a function: uniform over its range, uniform near zero, and of every magnitude. */
function argumentsOf(name: string, count: number, seed: bigint): Float64Array {
  const next = words(seed);
  const unit = (): number => Number(next() >> 11n) / 2 ** 53;
  const [from, to] = ranges[name]!;
  const xs = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const sign = name === "log" || unit() < 0.5 ? 1 : -1;
    const kind = index % 3;
    if (kind === 0) xs[index] = from + (to - from) * unit();
    else if (kind === 1) xs[index] = name === "log" ? 1 + (unit() - 0.5) / 16 : sign * unit() * 2;
    else
      xs[index] = sign * fromBits(name === "log" ? next() % (2047n << 52n) : (963n << 52n) + (next() % (70n << 52n)));
  }
  return xs;
}

describe("against 50-digit values", () => {
  for (const name of Object.keys(functions)) {
    const rows = tables[name]!;
    test(`${name} is within 0.5001 units in the last place at ${rows.length} points`, () => {
      let worst = { error: 0, input: "" };
      for (const [input, truth] of rows) {
        const error = Math.abs(errorInLastPlace(functions[name]!(fromBits(BigInt(`0x${input}`))), truth));
        if (worst.error < error) worst = { error, input };
      }
      expect(worst.error, `worst at ${worst.input}`).toBeLessThan(0.5001);
      expect(rows.length).toBeGreaterThan(1_500);
    });
  }
});

describe("monotone where the exact function is", () => {
  const rising = (name: string, x: number): boolean => name !== "normalDensity" || x < 0;

  function check(name: string, x: number, y: number): void {
    const low = functions[name]!(x);
    const high = functions[name]!(y);
    const holds = rising(name, x) ? low <= high : high <= low;
    if (!holds) expect.fail(`${name}(${x}) = ${low} and ${name}(${y}) = ${high}`);
  }

  for (const name of Object.keys(functions)) {
    test(`${name} over neighbouring doubles`, () => {
      for (const x of argumentsOf(name, 30_000, 7n)) {
        let previous = Math.abs(x);
        for (let step = 0; step < 4; step++) {
          const next = fromBits(toBits(previous) + 1n);
          if (name === "log" || 0 < x) check(name, previous, next);
          else check(name, -next, -previous);
          previous = next;
        }
      }
    });

    test(`${name} across every border between formulas and table cells`, () => {
      const borders: number[] = [];
      for (const power of [-60, -54, -53, -40, -30, -27, -26, -20, -7, -6, -1]) borders.push(2 ** power);
      for (let q = 90; q <= 182; q++) borders.push(q / 128);
      for (let octave = -1; octave < 6; octave++) for (let j = 0; j < 8; j++) borders.push(2 ** octave * (1 + j / 8));
      for (let k = 0; k < 33_000; k += 7) borders.push(((k + 0.5) * 0.6931471805599453) / 32);
      borders.push(
        8.5,
        39,
        710,
        746,
        Math.SQRT2,
        Math.SQRT1_2,
        1.41421356,
        8.292361075813595,
        38.467,
        2.2250738585072014e-308,
      );
      for (const border of borders) {
        const around = Array.from({ length: 21 }, (_, index) => fromBits(toBits(border) + BigInt(index) - 10n));
        for (let index = 1; index < around.length; index++) {
          check(name, around[index - 1]!, around[index]!);
          if (name !== "log") check(name, -around[index]!, -around[index - 1]!);
        }
      }
    });
  }
});

test("a logarithm and its rest hold thirteen bits more than the logarithm", () => {
  const pair = new Float64Array(2);
  for (const [input, truth] of tables["log"]!) {
    const x = fromBits(BigInt(`0x${input}`));
    logPair(x, pair);
    expect(pair[0]).toBe(log(x));
    expect(Math.abs(errorInLastPlace(pair[0]!, truth, pair[1]))).toBeLessThan(0.00013);
  }
});

describe("pairs hold some 66 bits, the Mills ratio and the logarithm of 1 + z", () => {
  test.each([
    ["millsPair", millsPair],
    ["logOnePlusPair", logOnePlusPair],
  ] as const)("%s", (name, pairOf) => {
    const rows = tables[name]!;
    expect(rows.length).toBeGreaterThan(700);
    for (const [input, truth] of rows) {
      const x = fromBits(BigInt(`0x${input}`));
      pairOf(x, 0);
      const error = Math.abs(errorInLastPlace(result[0]!, truth, result[1]));
      if (!(error < 0.00025)) expect.fail(`${name}(${x}) is ${error} off`);
    }
  });

  test("a rest of the argument counts", () => {
    millsPair(1.5, 1e-17);
    const [high, low] = [result[0]!, result[1]!];
    millsPair(1.5, 0);
    // m' = t m - 1/sqrt(2 pi)
    expect(high - result[0]! + (low - result[1]!)).toBeCloseTo(1e-17 * (1.5 * high - 0.3989422804014327), 30);
  });
});

test("the exact cases are exact, and the ends are as documented", () => {
  expect(exp(0)).toBe(1);
  expect(exp(-0)).toBe(1);
  expect(exp(1)).toBe(2.718281828459045);
  expect(exp(Infinity)).toBe(Infinity);
  expect(exp(-Infinity)).toBe(0);
  expect(exp(NaN)).toBeNaN();
  expect(exp(709.782712893384)).toBe(1.7976931348622732e308);
  expect(exp(709.7827128933841)).toBe(Infinity);
  expect(exp(-745.1332191019411)).toBe(5e-324);
  expect(exp(-745.1332191019412)).toBe(0);
  expect(log(1)).toBe(0);
  expect(log(0)).toBe(-Infinity);
  expect(log(-0)).toBe(-Infinity);
  expect(log(-1)).toBeNaN();
  expect(log(NaN)).toBeNaN();
  expect(log(Infinity)).toBe(Infinity);
  expect(log(5e-324)).toBe(-744.4400719213812);
  expect(log(Number.MAX_VALUE)).toBe(709.782712893384);
  expect(normalDensity(0)).toBe(0.3989422804014327);
  expect(normalDensity(-Infinity)).toBe(0);
  expect(normalDensity(NaN)).toBeNaN();
  expect(normalDistribution(0)).toBe(0.5);
  expect(normalDistribution(-0)).toBe(0.5);
  expect(normalDistribution(Infinity)).toBe(1);
  expect(normalDistribution(-Infinity)).toBe(0);
  expect(normalDistribution(NaN)).toBeNaN();
  expect(normalDistribution(8.3)).toBe(1);
  expect(normalDistribution(8.2)).toBeLessThan(1);
  for (const x of [0.1, 0.49999, 0.5, 1, 7]) expect(normalDensity(-x)).toBe(normalDensity(x));
});

test("no bit of 100,000 results has changed", () => {
  const hash = createHash("sha256");
  for (const [name, f] of Object.entries(functions)) {
    const xs = argumentsOf(name, 25_000, 42n);
    const results = new DataView(new ArrayBuffer(8 * xs.length));
    xs.forEach((x, index) => results.setFloat64(8 * index, f(x)));
    hash.update(new Uint8Array(results.buffer));
  }
  expect(hash.digest("hex")).toBe("c3af11a8794fdc5cba2384ca1510234495eb2ae07ba88da832d50079a269c137");
});
