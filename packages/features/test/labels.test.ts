/** Labels against naive second implementations that look ahead in plain arrays, and samples by hand. */
import { describe, expect, test } from "vitest";
import { appendEvent, blankEvent, EventFlag, EventKind, makeEventBatch } from "../src/event.ts";
import { every, ms } from "../src/graph/clock.ts";
import type { Table } from "../src/graph/operator.ts";
import { executableLabel, fixedHorizonLabel } from "../src/labels/fixed-horizon.ts";
import { classCodes, horizonUnits, type ClassCodes, type HorizonUnit } from "../src/labels/label.ts";
import { averageUniqueness, purgedFolds, purgedTraining } from "../src/labels/samples.ts";
import { smoothedLabel } from "../src/labels/smoothed.ts";
import { barrierPrices, tieRules, tripleBarrierLabel } from "../src/labels/triple-barrier.ts";
import { historyOf } from "./support/history.ts";
import { makeRandom, randomOrders } from "./support/random-market.ts";
import { rowsOfTable } from "./support/tables.ts";

const batch = randomOrders(61, 1_500);
const moments = historyOf(batch);

interface Quote {
  /** Index of the moment that settled it. */
  readonly at: number;
  readonly timeNs: number;
  readonly bid: number;
  readonly ask: number;
  readonly mid: number;
}

/** After each change of the book, which is also when rows are written here. */
const quotes: readonly Quote[] = moments.flatMap(({ settled, usable, bids, asks, timeNs }, at) => {
  if (!settled) return [];
  const [bid, ask] = usable ? [bids[0]!.price, asks[0]!.price] : [NaN, NaN];
  return [{ at, timeNs, bid, ask, mid: (bid + ask) / 2 }];
});
const gaps = moments.flatMap(({ event, timeNs }, at) => (event.kind === EventKind.gap ? [{ at, timeNs }] : []));

/** Values of the label of a row behind its key, and when they are known; nothing if the data end before. */
type Naive = (row: number) => { readonly knownNs: number; readonly values: readonly number[] } | undefined;

function expectLabels(table: Table, naive: Naive, { tolerance = 1e-12 } = {}): number {
  const told = rowsOfTable(table, batch, { clock: every.book() });
  const restarts = [401, 800, 1_199];
  expect(rowsOfTable(table, batch, { clock: every.book(), restarts })).toEqual(told);
  const byRow = new Map(told.map((row) => [row.values[0]!, row]));
  expect(byRow.size).toBe(told.length);
  let numbers = 0;
  for (const [index, quote] of quotes.entries()) {
    const wanted = naive(index);
    const got = byRow.get(index);
    if (wanted === undefined) {
      expect(got, `row ${index}`).toBeUndefined();
      continue;
    }
    expect([got?.timeNs, got?.toldNs, ...got!.values.slice(0, 3)], `row ${index}`).toEqual([
      quote.timeNs,
      wanted.knownNs,
      index,
      quote.at + 1,
      wanted.knownNs,
    ]);
    for (const [column, value] of wanted.values.entries()) {
      const where = `${table.columns[column + 3]!.name} of row ${index}`;
      const found = got!.values[column + 3]!;
      if (Number.isNaN(value) || Number.isInteger(value)) expect(found + 0, where).toBe(value + 0);
      else expect(Math.abs(found / value - 1), `${where}: ${found} and ${value}`).toBeLessThan(tolerance);
      if (!Number.isNaN(value)) numbers++;
    }
  }
  return numbers;
}

/** The quote at the horizon of a row and when that is; no quote if something was missed before. */
function horizonOf(
  row: number,
  unit: HorizonUnit,
  horizon: number,
): { knownNs: number; quote: Quote | undefined } | undefined {
  const { at, timeNs } = quotes[row]!;
  let end: { at: number; timeNs: number; quote: Quote } | undefined;
  if (unit === "rows" || unit === "changes") {
    const quote = quotes[row + horizon];
    if (quote !== undefined) end = { ...quote, quote };
  } else if (unit === "time") {
    const next = moments.findIndex((moment) => moment.timeNs >= timeNs + horizon);
    if (next !== -1)
      end = { at: next - 1, timeNs: timeNs + horizon, quote: quotes.findLast((quote) => quote.at < next)! };
  } else {
    let lots = 0;
    const trade = moments.findIndex(
      ({ event }, index) => index > at && event.kind === EventKind.trade && (lots += event.size) >= horizon,
    );
    if (trade !== -1)
      end = { at: trade, timeNs: moments[trade]!.timeNs, quote: quotes.findLast((quote) => quote.at < trade)! };
  }
  const gap = gaps.find((one) => one.at > at && one.at <= (end?.at ?? Infinity));
  if (gap !== undefined) return { knownNs: gap.timeNs, quote: undefined };
  return end === undefined ? undefined : { knownNs: end.timeNs, quote: end.quote };
}

const horizons: Readonly<Record<HorizonUnit, number>> = { rows: 12, changes: 9, time: ms(150), volume: 40 };

const coded: Readonly<Record<ClassCodes, readonly [number, number, number]>> = {
  sign: [-1, 0, 1],
  "up-1-down-3": [3, 2, 1],
  "down-1-up-3": [1, 2, 3],
};
const codeOf = (codes: ClassCodes, label: number, bound: number): number =>
  Number.isNaN(label) || Number.isNaN(bound) ? NaN : coded[codes][label > bound ? 2 : label < -bound ? 0 : 1]!;

describe.each(horizonUnits)("at a horizon of %s", (unit) => {
  const horizon = horizons[unit];

  test("the return of the mid and its class are those of the future (FEAT-011)", () => {
    for (const codes of unit === "rows" ? classCodes : (["sign"] as const)) {
      const numbers = expectLabels(
        fixedHorizonLabel({ unit, horizon, alpha: 0.0007, codes }),
        (row) => {
          const end = horizonOf(row, unit, horizon);
          const label = end?.quote === undefined ? NaN : Math.log(end.quote.mid / quotes[row]!.mid);
          return end && { knownNs: end.knownNs, values: [label, codeOf(codes, label, 0.0007), 0.0007] };
        },
        { tolerance: 1e-9 },
      );
      expect(numbers).toBeGreaterThan(600);
    }
  });

  test("buying and selling at the market pays the spread", () => {
    const numbers = expectLabels(
      executableLabel({ unit, horizon }),
      (row) => {
        const end = horizonOf(row, unit, horizon);
        const [now, then] = [quotes[row]!, end?.quote];
        const bps = (to: number | undefined, from: number): number => 1e4 * Math.log((to ?? NaN) / from);
        const [long, short] = [bps(then?.bid, now.ask), -bps(then?.ask, now.bid)];
        const isLost = Number.isNaN(long);
        return (
          end && {
            knownNs: end.knownNs,
            values: [long, short, bps(then?.mid, now.mid), isLost ? NaN : long > 0 ? 1 : short > 0 ? -1 : 0],
          }
        );
      },
      { tolerance: 1e-9 },
    );
    expect(numbers).toBeGreaterThan(600);
  });
});

test("a threshold may be a share of the spread, or a quantile of labels that were known before", () => {
  const [unit, horizon] = ["rows", 12] as const;
  const labelOf = (row: number): number => {
    const end = horizonOf(row, unit, horizon);
    return end?.quote === undefined ? NaN : Math.log(end.quote.mid / quotes[row]!.mid);
  };
  expectLabels(
    fixedHorizonLabel({ unit, horizon, threshold: "spread", alpha: 0.5 }),
    (row) => {
      const { bid, ask, mid } = quotes[row]!;
      const bound = (0.5 * (ask - bid)) / mid;
      const end = horizonOf(row, unit, horizon);
      return end && { knownNs: end.knownNs, values: [labelOf(row), codeOf("sign", labelOf(row), bound), bound] };
    },
    { tolerance: 1e-9 },
  );
  const memory = 40;
  const numbers = expectLabels(
    fixedHorizonLabel({ unit, horizon, threshold: "quantile", alpha: 0.7, memory }),
    (row) => {
      const past = quotes
        .slice(0, row)
        .map((_, index) => Math.abs(labelOf(index)))
        .filter((label) => label === label)
        .slice(-memory);
      const sorted = past.sort((one, other) => one - other);
      const at = 0.7 * (memory - 1);
      const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
      const bound = past.length < memory ? NaN : low + (at - Math.floor(at)) * (high - low);
      const end = horizonOf(row, unit, horizon);
      return end && { knownNs: end.knownNs, values: [labelOf(row), codeOf("sign", labelOf(row), bound), bound] };
    },
    { tolerance: 1e-9 },
  );
  expect(numbers).toBeGreaterThan(600);
});

test.each(["fi2010", "deeplob"] as const)("smoothed labels have the form of %s", (form) => {
  const k = 5;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const numbers = expectLabels(
    smoothedLabel({ k, form, alpha: 0.0004 }),
    (row) => {
      const end = horizonOf(row, "rows", k);
      if (end === undefined) return undefined;
      // A gap cuts the history off too: rows from it on are counted anew.
      const first = quotes.findIndex(({ at }) => at >= (gaps.findLast((gap) => gap.at <= quotes[row]!.at)?.at ?? 0));
      const past = quotes.slice(Math.max(first, row - k + 1), row + 1).map(({ mid }) => mid);
      const next = end.quote === undefined ? NaN : mean(quotes.slice(row + 1, row + k + 1).map(({ mid }) => mid));
      const now = form === "fi2010" ? quotes[row]!.mid : past.length < k ? NaN : mean(past);
      const change = (next - now) / now;
      return { knownNs: end.knownNs, values: [change, codeOf("sign", change, 0.0004), 0.0004] };
    },
    { tolerance: 1e-9 },
  );
  expect(numbers).toBeGreaterThan(600);
});

test("smoothed labels of the middles 10, 11, 12, 13 are 1.5 / 10, and 2 / 10.5 where two came before", () => {
  const events = makeEventBatch(12);
  for (const [row, mid] of [10, 11, 12, 13].entries()) {
    const event = { ...blankEvent(), kind: EventKind.level, timeNs: row };
    appendEvent(events, { ...event, kind: EventKind.clear });
    appendEvent(events, { ...event, side: 1, price: mid - 1, size: 1 });
    appendEvent(events, { ...event, side: -1, price: mid + 1, size: 1, flags: EventFlag.last });
  }
  const changes = (form: "fi2010" | "deeplob"): number[] =>
    rowsOfTable(smoothedLabel({ k: 2, form, alpha: 0 }), events).map(({ values }) => values[3]!);
  expect(changes("fi2010")).toEqual([1.5 / 10, 1.5 / 11]);
  expect(changes("deeplob")).toEqual([NaN, 2 / 10.5]);
});

describe.each(barrierPrices)("three barriers that the %s may reach", (price) => {
  const horizon = ms(400);
  const span = 30;
  test.each(tieRules)("label rows by the first of them, of two at once by %s", (tie) => {
    const widths: number[] = [];
    let [variance, count] = [0, 0];
    for (const [row, { mid, at }] of quotes.entries()) {
      const isGap = gaps.some((gap) => gap.at === at);
      const move = row === 0 || isGap ? NaN : Math.log(mid / quotes[row - 1]!.mid);
      if (!Number.isNaN(move)) variance += Math.max(2 / (span + 1), 1 / ++count) * (move ** 2 - variance);
      widths.push(count > 0 ? Math.sqrt(variance) : NaN);
    }
    const barriers = new Set<number>();
    const numbers = expectLabels(
      tripleBarrierLabel({ up: 2, down: 1.5, horizon, span, price, tie, vertical: "sign" }),
      (row) => {
        const now = quotes[row]!;
        const [upper, lower] = [now.mid * Math.exp(2 * widths[row]!), now.mid * Math.exp(-1.5 * widths[row]!)];
        const end = horizonOf(row, "time", horizon);
        const until = end?.knownNs ?? Infinity;
        const gapAt = gaps.find((gap) => gap.at > now.at)?.at ?? Infinity;
        for (const then of quotes.slice(row + 1)) {
          if (then.timeNs >= now.timeNs + horizon || then.at >= gapAt) break;
          const [high, low] = price === "mid" ? [then.mid, then.mid] : [then.ask, then.bid];
          if (!(high >= upper || low <= lower)) continue;
          const both = high >= upper && low <= lower;
          const barrier = both ? { lower: -1, upper: 1, neither: 2 }[tie] : high >= upper ? 1 : -1;
          barriers.add(both ? 2 : barrier);
          return {
            knownNs: then.timeNs,
            values: [barrier === 2 ? 0 : barrier, barrier, Math.log(then.mid / now.mid), upper, lower],
          };
        }
        if (end === undefined) return undefined;
        const move = end.quote === undefined || Number.isNaN(upper) ? NaN : Math.log(end.quote.mid / now.mid);
        if (!Number.isNaN(move)) barriers.add(0);
        return { knownNs: until, values: [Math.sign(move), Number.isNaN(move) ? NaN : 0, move, upper, lower] };
      },
      { tolerance: 1e-9 },
    );
    expect(numbers).toBeGreaterThan(1_200);
    expect([...barriers].sort()).toEqual(price === "mid" ? [-1, 0, 1] : [-1, 0, 1, 2]);
  });
});

describe("samples", () => {
  test("of three labels, two of which overlap by half, are unique by as much", () => {
    const spans = { starts: Float64Array.of(0, 1, 4), ends: Float64Array.of(2, 3, 5) };
    expect([...averageUniqueness(spans, 6)]).toEqual([(1 + 0.5 + 0.5) / 3, (0.5 + 0.5 + 1) / 3, 1]);
  });

  test("have a uniqueness that is the mean of one over the concurrency", () => {
    const random = makeRandom(7);
    const starts = Float64Array.from({ length: 60 }, () => Math.floor(random() * 80));
    const ends = starts.map((start) => start + Math.floor(random() * 20));
    const naive = [...starts].map((start, index) => {
      const inside = Array.from({ length: ends[index]! - start + 1 }, (_, step) => start + step);
      const shares = inside.map(
        (row) => 1 / [...starts].filter((from, other) => from <= row && row <= ends[other]!).length,
      );
      return shares.reduce((sum, share) => sum + share, 0) / inside.length;
    });
    for (const [index, value] of averageUniqueness({ starts, ends }, 100).entries())
      expect(value).toBeCloseTo(naive[index]!, 12);
  });

  test("that overlap a test set, or begin in the embargo behind it, are not trained on", () => {
    const spans = { starts: Float64Array.of(0, 5, 10, 15, 20, 25), ends: Float64Array.of(6, 11, 16, 21, 26, 31) };
    expect([...purgedTraining(spans, { from: 10, to: 16 })]).toEqual([0, 4, 5]);
    expect([...purgedTraining(spans, { from: 10, to: 16, embargo: 4 })]).toEqual([0, 5]);
  });

  test("in folds are each tested once, and never trained on together with what overlaps them", () => {
    const random = makeRandom(8);
    const starts = Float64Array.from({ length: 200 }, (_, index) => index + Math.floor(random() * 3)).sort();
    const ends = starts.map((start) => start + Math.floor(random() * 15));
    const folds = purgedFolds({ starts, ends }, { folds: 7, embargo: 5 });
    expect(folds.flatMap(({ test: tested }) => [...tested])).toEqual(Array.from({ length: 200 }, (_, index) => index));
    for (const { train, test: tested } of folds) {
      expect(train.length).toBeGreaterThan(100);
      for (const one of train) {
        for (const other of tested) expect(starts[one]! <= ends[other]! && starts[other]! <= ends[one]!).toBe(false);
        expect(
          starts[one]! > starts[tested[0]!]! &&
            starts[one]! <= Math.max(...[...tested].map((index) => ends[index]!)) + 5,
        ).toBe(false);
      }
    }
  });
});

test("what makes no sense is refused by name", () => {
  expect(() => fixedHorizonLabel({ unit: "rows", horizon: 0, alpha: 0 })).toThrow("fixed_horizon_label.horizon is 0");
  expect(() => fixedHorizonLabel({ unit: "rows", horizon: 5, alpha: 2, threshold: "quantile" })).toThrow(
    "a probability",
  );
  expect(() => tripleBarrierLabel({ up: 0, down: 1, horizon: 5 })).toThrow("triple_barrier_label.up is 0");
  expect(() => averageUniqueness({ starts: Float64Array.of(3), ends: Float64Array.of(2) }, 9)).toThrow("at least 3");
  expect(() => purgedFolds({ starts: Float64Array.of(3, 1), ends: Float64Array.of(3, 2) }, { folds: 2 })).toThrow(
    "ascending order",
  );
});
