/** Normalisers against statistics computed anew for every value, over plain arrays. */
import { describe, expect, test } from "vitest";
import { every, seconds } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import type { Normaliser } from "../src/graph/normaliser.ts";
import { clip } from "../src/normalise/clip.ts";
import type { Deviation } from "../src/normalise/moments.ts";
import { previousDaysZ } from "../src/normalise/previous-days.ts";
import { robustZ, type RobustScale } from "../src/normalise/robust-z.ts";
import { rollingZ, rollingZOver } from "../src/normalise/rolling-z.ts";
import { weightedZ, weightedZOver } from "../src/normalise/weighted-z.ts";
import { mid } from "../src/quotes/mid.ts";
import { queueImbalance } from "../src/quotes/queue-imbalance.ts";
import { FeatureRefusal } from "../src/refusal.ts";
import { makeRandom, originNs, randomOrders, testInstrument } from "./support/random-market.ts";

interface Value {
  readonly x: number;
  readonly timeNs: number;
}

/** A walk far from zero with runs of equal values, nulls, and times that sometimes stand still. */
function walk(seed: number, count: number, { level = 1_000, meanStepNs = 1e9 } = {}): Value[] {
  const random = makeRandom(seed);
  let [x, timeNs] = [level, 5e9];
  return Array.from({ length: count }, () => {
    if (random() < 0.7) x += Math.round(8 * (random() - 0.5)) / 4;
    if (random() < 0.8) timeNs += Math.floor(2 * meanStepNs * random());
    return { x: random() < 0.05 ? NaN : x, timeNs };
  });
}

const applied = (normaliser: Normaliser, values: readonly Value[]): number[] => {
  const column = normaliser.make((memory) => memory);
  const row = new Float64Array(2);
  return values.map(({ x, timeNs }) => {
    row[0] = x;
    column.apply(row, 0, 1, timeNs);
    return row[1]!;
  });
};

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const variance = (values: readonly number[], less: number): number => {
  const center = mean(values);
  return values.reduce((sum, x) => sum + (x - center) * (x - center), 0) / (values.length - less);
};
const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

/** Compares with a score from the values before each; NaN for NaN. */
function expectScores(
  normaliser: Normaliser,
  values: readonly Value[],
  score: (now: Value, before: readonly Value[]) => number,
  tolerance = 1e-9,
): void {
  const got = applied(normaliser, values);
  let numbers = 0;
  for (const [index, now] of values.entries()) {
    const wanted = Number.isNaN(now.x)
      ? NaN
      : score(
          now,
          values.slice(0, index).filter(({ x }) => !Number.isNaN(x)),
        );
    if (Number.isNaN(wanted) || !Number.isFinite(wanted)) expect(got[index], `value ${index}`).toBeNaN();
    else {
      expect(Math.abs(got[index]! - wanted), `value ${index}: ${got[index]} and ${wanted}`).toBeLessThanOrEqual(
        tolerance * Math.max(1, Math.abs(wanted)),
      );
      numbers++;
    }
  }
  expect(numbers).toBeGreaterThan(values.length / 3);
}

test.each([
  [2, "sample"],
  [7, "population"],
  [50, "sample"],
] as const)("z by the %i values before, as a %s", (count, deviation) => {
  expectScores(rollingZ({ count, deviation }), walk(1, 600), ({ x }, before) => {
    const window = before.slice(-count).map((value) => value.x);
    const sd = Math.sqrt(variance(window, deviation === "sample" ? 1 : 0));
    return window.length < count || sd === 0 ? NaN : (x - mean(window)) / sd;
  });
});

test("z by a window of time, of which the values at its very begin are no longer part", () => {
  const window = seconds(20);
  expectScores(rollingZOver({ window }), walk(2, 600), ({ x, timeNs }, before) => {
    const inside = before.filter((value) => value.timeNs > timeNs - window).map((value) => value.x);
    if (before.length === 0 || timeNs - before[0]!.timeNs < window || inside.length < 2) return NaN;
    const sd = Math.sqrt(variance(inside, 1));
    return sd === 0 ? NaN : (x - mean(inside)) / sd;
  });
});

function weightedScore(x: number, before: readonly Value[], weightOf: (value: Value, age: number) => number): number {
  const weights = before.map((value, index) => weightOf(value, before.length - 1 - index));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const center = before.reduce((sum, value, index) => sum + weights[index]! * value.x, 0) / all;
  const squares = before.reduce((sum, value, index) => sum + weights[index]! * (value.x - center) ** 2, 0);
  return squares === 0 ? NaN : (x - center) / Math.sqrt(squares / all);
}

test("weighted z: a value is worth half as much after each half-life, counted in values or in time", () => {
  expectScores(weightedZ({ halfLife: 12.5, warmup: 20 }), walk(3, 500), ({ x }, before) =>
    before.length < 20 ? NaN : weightedScore(x, before, (_, age) => 0.5 ** (age / 12.5)),
  );
  const halfLife = seconds(8);
  expectScores(weightedZOver({ halfLife, warmup: 10 }), walk(4, 500), ({ x }, before) => {
    if (before.length < 10) return NaN;
    const newestNs = before.at(-1)!.timeNs;
    return weightedScore(x, before, ({ timeNs }) => 0.5 ** ((newestNs - timeNs) / halfLife));
  });
});

test.each([
  [6, "normal"],
  [31, "none"],
  [64, "normal"],
] as readonly [number, RobustScale][])("robust z by the %i values before, with scale %s", (count, scale) => {
  const factor = scale === "normal" ? 1 / 0.6744897501960817 : 1;
  expectScores(
    robustZ({ count, scale }),
    walk(5, 600),
    ({ x }, before) => {
      const window = before.slice(-count).map((value) => value.x);
      if (window.length < count) return NaN;
      const center = median(window);
      const spread = median(window.map((value) => Math.abs(value - center)));
      return spread === 0 ? NaN : (x - center) / (factor * spread);
    },
    1e-14,
  );
});

test("z by the days before: all values of the last three days that had any, none of today", () => {
  const [begin, dayNs] = [8 * 3_600e9, 86_400e9];
  const values = walk(6, 900, { meanStepNs: 3 * 3_600e9 });
  const dayOf = ({ timeNs }: Value): number => Math.floor((timeNs - begin) / dayNs);
  expectScores(previousDaysZ({ days: 3, begin }), values, (now, before) => {
    const earlier = before.filter((value) => dayOf(value) < dayOf(now));
    const days = [...new Set(earlier.map(dayOf))].slice(-3);
    if (days.length < 3) return NaN;
    const inside = earlier.filter((value) => days.includes(dayOf(value))).map(({ x }) => x);
    return (now.x - mean(inside)) / Math.sqrt(variance(inside, 1));
  });
});

test("clip holds between the bounds and leaves nulls", () => {
  expect(
    applied(
      clip({ low: -1, high: 2 }),
      [-5, -1, 0.5, 2, 9, NaN].map((x) => ({ x, timeNs: 0 })),
    ),
  ).toEqual([-1, -1, 0.5, 2, 2, NaN]);
});

test("a score knows nothing of the value itself nor of what comes after (FEAT-028)", () => {
  const normalisers = [
    rollingZ({ count: 20 }),
    rollingZOver({ window: seconds(20_000) }),
    weightedZ({ halfLife: 10 }),
    weightedZOver({ halfLife: seconds(10) }),
    robustZ({ count: 20 }),
    previousDaysZ({ days: 1 }),
  ];
  const values = walk(7, 400, { meanStepNs: 1_000e9 });
  const at = 300;
  for (const normaliser of normalisers) {
    const known = applied(normaliser, values);
    const changed = values.map((value, index) => (index > at ? { ...value, x: -value.x } : value));
    expect(applied(normaliser, changed).slice(0, at + 1)).toEqual(known.slice(0, at + 1));
    // Were the value part of its own statistics, the score would not be linear in it.
    const base = { ...values[at]!, x: 1_000 };
    const score = (more: number): number =>
      applied(normaliser, [...values.slice(0, at), { ...base, x: base.x + more }]).at(-1)!;
    expect(score(2e4) - score(1e4)).toBeCloseTo(score(1e4) - score(0), 6);
  }
});

describe("scores do not drift", () => {
  test("a window that has gone around a thousand times gives the scores of a fresh one (FEAT-023)", () => {
    const count = 40;
    const random = makeRandom(8);
    // Cents on a price of 60,000 after values of 1e12 have passed through: a running sum would keep what they left.
    const values = Array.from({ length: 1_000 * count }, (_, index) => ({
      x: index < 500 * count ? 1e12 * random() : 60_000 + random() / 100,
      timeNs: index,
    }));
    for (const deviation of ["sample", "population"] as Deviation[]) {
      const got = applied(rollingZ({ count, deviation }), values).slice(-100);
      const less = deviation === "sample" ? 1 : 0;
      for (const [index, score] of got.entries()) {
        const end = values.length - 100 + index;
        const window = values.slice(end - count, end).map(({ x }) => x);
        const wanted = (values[end]!.x - mean(window)) / Math.sqrt(variance(window, less));
        expect(Math.abs(score - wanted)).toBeLessThan(1e-6);
      }
    }
  });
  test("values that are all the same have no score, however many came before", () => {
    const values = [...walk(9, 200), ...Array.from({ length: 60 }, (_, i) => ({ x: 0.1, timeNs: 1e13 + i }))];
    expect(applied(rollingZ({ count: 50 }), values).slice(-9)).toEqual(Array.from({ length: 9 }, () => NaN));
    expect(applied(robustZ({ count: 50 }), values).slice(-9)).toEqual(Array.from({ length: 9 }, () => NaN));
  });
});

test("a checkpoint in the middle changes no bit of any score", () => {
  const make = () =>
    features({ instruments: [testInstrument()], originNs, clock: every.book() })
      .add(queueImbalance(), mid())
      .normalise(rollingZ({ count: 30 }))
      .normalise(rollingZOver({ window: seconds(2) }), { only: ["qi", "mid"] })
      .normalise(weightedZ({ halfLife: 20 }), { only: ["mid"] })
      .normalise(weightedZOver({ halfLife: seconds(1) }), { only: ["mid"] })
      .normalise(robustZ({ count: 15 }), { only: ["qi"] })
      .normalise(previousDaysZ({ days: 1, begin: seconds(4) }), { only: ["mid"] })
      .normalise(clip({ low: -1, high: 1 }), { only: ["*_z30"] });
  const batch = randomOrders(51, 2_000);
  const rowsOf = (cuts: readonly number[]): number[][] => {
    const rows: number[][] = [];
    const handlers = { onRow: (row: Float64Array) => void rows.push([...row]) };
    let stream = make().stream(handlers);
    for (const [index, from] of [0, ...cuts].entries()) {
      stream.pushBatch(batch, from, cuts[index] ?? batch.count);
      stream = make().stream(handlers, stream.save());
    }
    return rows;
  };
  const known = rowsOf([]);
  expect(known.at(-1)!.filter((value) => !Number.isNaN(value)).length).toBeGreaterThan(9);
  expect(rowsOf([1, 333, 334, 1_000, 1_777])).toEqual(known);
});

test("parameters that make no sense are refused by name", () => {
  const wrong: readonly (readonly [string, () => unknown])[] = [
    ["z_count.count", () => rollingZ({ count: 1 })],
    ["z_count.deviation", () => rollingZ({ count: 5, deviation: "odd" as Deviation })],
    ["z_time.window", () => rollingZOver({ window: 0 })],
    ["ew_z_count.halfLife", () => weightedZ({ halfLife: -1 })],
    ["ew_z_count.warmup", () => weightedZ({ halfLife: 5, warmup: 1 })],
    ["ew_z_time.halfLife", () => weightedZOver({ halfLife: NaN })],
    ["robust_z.count", () => robustZ({ count: 1 })],
    ["robust_z.scale", () => robustZ({ count: 5, scale: "odd" as RobustScale })],
    ["days_z.days", () => previousDaysZ({ days: 0 })],
    ["days_z.begin", () => previousDaysZ({ days: 1, begin: 1e15 })],
    ["clip.high", () => clip({ low: 1, high: 1 })],
    ["clip.low", () => clip({ low: -Infinity, high: 1 })],
  ];
  for (const [argument, make] of wrong) {
    expect(make).toThrow(FeatureRefusal);
    expect(make).toThrow(argument);
  }
});
