/** Features of the best quotes against naive second implementations, and against what their authors printed. */
import { describe, expect, test } from "vitest";
import { blankEvent, EventFlag, EventKind } from "../src/event.ts";
import { every, seconds } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import type { Feature } from "../src/graph/operator.ts";
import { parseScale } from "../src/instrument.ts";
import { mid, weightedMid } from "../src/quotes/mid.ts";
import { queueImbalance, type ImbalanceForm } from "../src/quotes/queue-imbalance.ts";
import { spread, spreadMean, type SpreadUnit } from "../src/quotes/spread.ts";
import { validity } from "../src/quotes/validity.ts";
import { FeatureRefusal } from "../src/refusal.ts";
import { expectNaive, historyOf, type Moment } from "./support/history.ts";
import { originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const batch = randomOrders(31, 3_000);
const tick = 0.25;

/** Best quotes of the last settled moment, if it is usable. */
function quotesOf(moments: readonly Moment[]) {
  const now = moments.at(-1)!;
  if (!now.usable) return undefined;
  const [bid, ask] = [now.bids[0]!, now.asks[0]!];
  return { b: bid.price, a: ask.price, qb: bid.size, qa: ask.size, m: (bid.price + ask.price) / 2 };
}

const spreads: Record<SpreadUnit, (a: number, b: number, m: number) => number> = {
  ticks: (a, b) => a - b,
  price: (a, b) => (a - b) * tick,
  bps: (a, b, m) => (1e4 * (a - b)) / m,
};

test.each(Object.keys(spreads) as SpreadUnit[])("the spread in %s is best ask less best bid", (unit) => {
  const numbers = expectNaive(
    spread({ unit }),
    (moments) => {
      const quotes = quotesOf(moments);
      return [quotes === undefined ? NaN : spreads[unit](quotes.a, quotes.b, quotes.m)];
    },
    batch,
    { tolerance: unit === "ticks" ? 0 : 1e-15 },
  );
  expect(numbers).toBeGreaterThan(1_000);
});

test("the mean of the spread weighs each value by how long it stood, within the window and while the book was usable", () => {
  const window = seconds(0.5);
  const numbers = expectNaive(
    spreadMean({ window, unit: "ticks" }),
    (moments, timeNs) => {
      if (!moments.at(-1)!.usable) return [NaN];
      let [integral, duration] = [0, 0];
      const settled = moments.filter((moment) => moment.settled);
      for (const [index, moment] of settled.entries()) {
        const from = Math.max(moment.timeNs, timeNs - window);
        const to = settled[index + 1]?.timeNs ?? timeNs;
        if (!moment.usable || to <= from) continue;
        integral += (moment.asks[0]!.price - moment.bids[0]!.price) * (to - from);
        duration += to - from;
      }
      return [duration === 0 ? NaN : integral / duration];
    },
    batch,
    { stride: 3 },
  );
  expect(numbers).toBeGreaterThan(400);
});

test("mid and weighted mid lie where the formulas say (FEAT-021)", () => {
  const naive = (moments: readonly Moment[]) => {
    const quotes = quotesOf(moments);
    if (quotes === undefined) return { m: NaN, w: NaN };
    const share = quotes.qb / (quotes.qa + quotes.qb);
    return { m: quotes.m, w: share * quotes.a + (1 - share) * quotes.b };
  };
  expectNaive(mid({ unit: "ticks" }), (moments) => [naive(moments).m], batch);
  expectNaive(mid(), (moments) => [naive(moments).m * tick], batch);
  expectNaive(weightedMid(), (moments) => [naive(moments).w * tick], batch, { tolerance: 1e-14 });
  expectNaive(weightedMid({ unit: "ticks" }), (moments) => [naive(moments).w], batch, { tolerance: 1e-14 });
});

const imbalances: Record<ImbalanceForm, (qb: number, qa: number) => number> = {
  difference: (qb, qa) => (qb - qa) / (qb + qa),
  share: (qb, qa) => qb / (qb + qa),
  ratio: (qb, qa) => Math.min(qb, qa) / Math.max(qb, qa),
};

test.each(Object.keys(imbalances) as ImbalanceForm[])("the queue imbalance as a %s", (form) => {
  expectNaive(
    queueImbalance({ form }),
    (moments) => {
      const quotes = quotesOf(moments);
      return [quotes === undefined ? NaN : imbalances[form](quotes.qb, quotes.qa)];
    },
    batch,
  );
});

/** The values of features for one book of two levels. */
function valuesOf(quotes: { bid: readonly [number, number]; ask: readonly [number, number] }, ...wanted: Feature[]) {
  const instrument = { ...testInstrument(), tick: parseScale("0.01") };
  const graph = features({ instruments: [instrument], originNs, clock: every.book() }).add(...wanted);
  const stream = graph.stream();
  const levels = [
    [1, quotes.bid],
    [-1, quotes.ask],
  ] as const;
  for (const [side, [price, size]] of levels) {
    stream.push({ ...blankEvent(), kind: EventKind.level, side, price, size, flags: EventFlag.last, timeNs: 1 });
  }
  return [...stream.row.subarray(2)];
}

test.each([
  [1433, 20, 1434, 471, 0.040733, 14.330407],
  [1433, 25, 1434, 148, 0.144509, 14.331445],
  [1433, 31, 1434, 95, 0.246032, 14.33246],
  [1433, 29, 1434, 92, 0.239669, 14.332397],
  [1433, 21, 1434, 65, 0.244186, 14.332442],
])(
  "imbalance and weighted mid are those that Stoikov's notebook prints for BAC (%i x %i, %i x %i) (FEAT-025)",
  (bid, bidSize, ask, askSize, share, weighted) => {
    const values = valuesOf(
      { bid: [bid, bidSize], ask: [ask, askSize] },
      queueImbalance({ form: "share" }),
      weightedMid(),
    );
    expect(values[0]).toBeCloseTo(share, 6);
    expect(values[1]).toBeCloseTo(weighted, 6);
  },
);

describe("validity", () => {
  test("tells why a book is not to be believed (FEAT-002)", () => {
    const moments = historyOf(batch);
    const stale = 15e6;
    let [unknown, at] = [0, 0];
    const live = new Set<number>();
    const unknownAfter = moments.map(({ event, bids, asks }) => {
      const names = event.kind >= EventKind.modify && event.kind <= EventKind.execute;
      if (names && !live.has(event.id)) unknown++;
      live.clear();
      for (const level of [...bids, ...asks]) for (const id of level.ids) live.add(id);
      return unknown;
    });
    const seen = new Set<string>();
    const feature = validity({ stale });
    const graph = features({ instruments: [testInstrument()], originNs, clock: every.ms(7) }).add(feature);
    graph.batch([batch], {
      onRow(row, { eventsCount, timeNs }) {
        at = eventsCount - 1;
        while (at >= 0 && !moments[at]!.settled) at--;
        const now = moments[at];
        if (now === undefined || at !== eventsCount - 1) return;
        const [bid, ask] = [now.bids[0]?.price ?? NaN, now.asks[0]?.price ?? NaN];
        const silentMs = (timeNs - now.timeNs) / 1e6;
        const flags = [now.usable, now.gap, bid >= ask, Number.isNaN(bid + ask), silentMs >= stale / 1e6].map(Number);
        expect([...row.subarray(2)]).toEqual([...flags, silentMs, unknownAfter[at]]);
        seen.add(flags.join(""));
      },
    });
    for (const state of ["10000", "10001", "01000", "00100", "00010"]) expect([...seen]).toContain(state);
    expect(unknown).toBeGreaterThan(10);
  });

  test("calls a book stale from the threshold on, and not before", () => {
    const graph = features({ instruments: [testInstrument()], originNs, clock: every.ms(1) }).add(
      validity({ stale: 2e6 }),
    );
    const rows: number[][] = [];
    const stream = graph.stream({ onRow: (row) => void rows.push([...row.subarray(6, 8)]) });
    const change = {
      ...blankEvent(),
      kind: EventKind.level,
      side: 1,
      price: 9,
      size: 1,
      flags: EventFlag.last,
    } as const;
    stream.push({ ...change, timeNs: 1e6 });
    stream.advance(3e6);
    expect(rows).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  test("calls a book stale before it ever changed", () => {
    const graph = features({ instruments: [testInstrument()], originNs, clock: every.ms(1) }).add(
      validity({ stale: 1 }),
    );
    const stream = graph.stream();
    stream.advance(1);
    stream.advance(3e6);
    expect([...stream.row.subarray(2)]).toEqual([0, 0, 0, 1, 1, NaN, 0]);
  });
});

test("parameters that make no sense are refused by name (FEAT-031)", () => {
  const wrong: readonly (readonly [string, () => unknown])[] = [
    ["spread.unit", () => spread({ unit: "pips" as SpreadUnit })],
    ["spread_mean.window", () => spreadMean({ window: -1, unit: "ticks" })],
    ["mid.unit", () => mid({ unit: "bps" as "ticks" })],
    ["wmid.unit", () => weightedMid({ unit: "bps" as "ticks" })],
    ["qi.form", () => queueImbalance({ form: "odd" as ImbalanceForm })],
    ["validity.stale", () => validity({ stale: 0 })],
  ];
  for (const [argument, make] of wrong) {
    expect(make).toThrow(FeatureRefusal);
    expect(make).toThrow(argument);
  }
});
