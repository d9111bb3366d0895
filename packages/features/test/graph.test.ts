/** One graph, however its events come: at once, one by one, in chunks, with a restart in the middle. */
import { describe, expect, test } from "vitest";
import { blankEvent, EventFlag, EventKind, readEvent, type EventBatch } from "../src/event.ts";
import { timeBars } from "../src/bars/threshold-bars.ts";
import { multiLevelOrderFlow } from "../src/flow/multi-level.ts";
import { orderFlowImbalance } from "../src/flow/order-flow-imbalance.ts";
import { eventCounts } from "../src/intensity/rates.ts";
import { spreadMean } from "../src/quotes/spread.ts";
import { compiledCalls } from "../src/compiled/calls.ts";
import { loopedCalls } from "../src/graph/calls.ts";
import { every, seconds, type Clock } from "../src/graph/clock.ts";
import { features, type FeatureGraph } from "../src/graph/graph.ts";
import { makeRandom, originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const clocks: readonly (readonly [string, Clock])[] = [
  ["every change of the book", every.book()],
  ["every change of its first three levels", every.book({ levels: 3 })],
  ["every event", every.event()],
  ["every trade", every.trade()],
  ["every 50 ms", every.ms(50)],
  ["every 50 lots", every.volume(50)],
];

const makeGraph = (clock: Clock, calls = loopedCalls): FeatureGraph =>
  features({ instruments: [testInstrument()], originNs, clock, calls }).add(
    orderFlowImbalance({ window: seconds(1) }),
    orderFlowImbalance({ window: seconds(10) }),
  );

type Rows = { timeNs: number; values: Float64Array }[];

function rowsAtOnce(graph: FeatureGraph, batch: EventBatch): Rows {
  const rows: Rows = [];
  graph.batch([batch], { onRow: (row, { timeNs }) => void rows.push({ timeNs, values: row.slice() }) });
  return rows;
}

describe.each(clocks)("a graph with a row after %s", (_, clock) => {
  const batch = randomOrders(11, 5_000);
  const expected = rowsAtOnce(makeGraph(clock), batch);

  test("writes rows with values and with nulls (FEAT-020)", () => {
    expect(expected.length).toBeGreaterThan(50);
    expect(expected.some(({ values }) => !Number.isNaN(values[2]))).toBe(true);
  });

  test("writes the same rows when its calls are compiled (FEAT-013)", () => {
    expect(compiledCalls()).not.toBe(loopedCalls);
    expect(rowsAtOnce(makeGraph(clock, compiledCalls()), batch)).toEqual(expected);
  });

  test("writes the same rows one by one, in chunks, and restored at any point (FEAT-010)", () => {
    const random = makeRandom(5);
    for (let round = 0; round < 5; round++) {
      const graph = makeGraph(clock);
      const rows: Rows = [];
      const handlers = {
        onRow: (row: Float64Array, { timeNs }: { timeNs: number }) => void rows.push({ timeNs, values: row.slice() }),
      };
      let stream = graph.stream(handlers);
      const event = blankEvent();
      for (let from = 0; from < batch.count; ) {
        const to = Math.min(batch.count, from + 1 + Math.floor(random() * 400));
        if (round % 2 === 0) stream.pushBatch(batch, from, to);
        else {
          for (let row = from; row < to; row++) {
            readEvent(batch, row, event);
            stream.push(event);
          }
        }
        from = to;
        stream = makeGraph(clock).stream(handlers, stream.save());
      }
      expect(rows).toEqual(expected);
    }
  });
});

test("a checkpoint of another clock, of other features or parameters, versions or instruments is refused (FEAT-012)", () => {
  const [settings, feature] = [
    { instruments: [testInstrument()], originNs, clock: every.book() },
    orderFlowImbalance({ window: seconds(1) }),
  ];
  const checkpoint = features(settings).add(feature).stream().save();
  expect(() => features(settings).add(feature).stream({}, checkpoint)).not.toThrow();
  const others = [
    features({ ...settings, clock: every.ms(50) }).add(feature),
    features(settings),
    features(settings).add(orderFlowImbalance({ window: seconds(2) })),
    features(settings).add({ ...feature, version: 2 }),
    features({ ...settings, instruments: [testInstrument("OTHER")] }).add(feature),
  ];
  for (const other of others) {
    expect(() => other.stream({}, checkpoint)).toThrow("of the same features, versions and instruments");
  }
});

test("a checkpoint is refused by a graph whose times are told from another origin: all of them would be wrong", () => {
  const of = (origin: bigint): FeatureGraph =>
    features({ instruments: [testInstrument()], originNs: origin, clock: every.book() }).add(
      orderFlowImbalance({ window: seconds(1) }),
    );
  const stream = of(originNs).batch([randomOrders(1, 100)], {});
  expect(of(originNs).stream({}, stream.save()).timeNs).toBe(stream.timeNs);
  expect(() => of(originNs + 1n).stream({}, stream.save())).toThrow(`originNs is ${originNs + 1n}`);
});

test("memory is that of the windows, however rarely a row asks for them", () => {
  const graph = features({ instruments: [testInstrument()], originNs, clock: every.block() }).add(
    orderFlowImbalance({ window: seconds(1) }),
    multiLevelOrderFlow({ window: seconds(1), levels: 3 }),
    spreadMean({ window: seconds(1), unit: "ticks" }),
    eventCounts({ window: seconds(1) }),
  );
  const batch = randomOrders(12, 30_000);
  const stream = graph.stream();
  const sizes: number[] = [];
  for (let from = 0; from < batch.count; from += 1_000) {
    stream.pushBatch(batch, from, from + 1_000);
    sizes.push(stream.save().length);
  }
  expect(stream.rowsCount).toBe(0);
  const most = Math.max(...sizes.slice(0, 10));
  for (const size of sizes.slice(10)) expect(size).toBeLessThan(2 * most);
});

test("a table of one instrument among several says which", () => {
  const of = (): FeatureGraph =>
    features({ instruments: [testInstrument("A"), testInstrument("B")], originNs, clock: every.book() });
  expect(() => of().table("bars", timeBars({ step: seconds(1) }))).toThrow(/table\.on of bars .* one of the 2/);
  expect(of().table("bars", timeBars({ step: seconds(1) }), "B").tables[0]!.instrument).toBe(1);
});

test("hidden trades move no clock, and an event without a time is refused by name", () => {
  const instruments = [testInstrument()];
  for (const clock of [every.trade(), every.event(), every.volume(5)]) {
    const stream = features({ instruments, originNs, clock }).stream();
    const trade = { ...blankEvent(), kind: EventKind.trade, side: 1 as const, price: 100, size: 7, timeNs: 1 };
    stream.push({ ...trade, flags: EventFlag.last | EventFlag.hidden });
    expect(stream.rowsCount).toBe(0);
    stream.push({ ...trade, flags: EventFlag.last });
    expect(stream.rowsCount).toBe(1);
    expect(() => stream.push({ ...trade, timeNs: NaN })).toThrow(
      "event.timeNs is NaN, but must be nanoseconds since the origin",
    );
  }
});
