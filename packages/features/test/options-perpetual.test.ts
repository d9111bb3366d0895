/** Basis, funding and liquidations: worked out by hand, and a second time over a market without manners with values in it. */
import { expect, test } from "vitest";
import {
  EventFlag,
  EventKind,
  ValueField,
  appendEvent,
  blankEvent,
  makeEventBatch,
  type EventBatch,
} from "../src/event.ts";
import { every, seconds } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import type { Feature } from "../src/graph/operator.ts";
import { basis, funding, liquidationFlow } from "../src/options/perpetual.ts";
import { eventList } from "./support/naive-chain.ts";
import { expectNaive } from "./support/history.ts";
import { makeRandom, originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const yearSeconds = 365 * 86_400;
const expiry = Number(originNs / 1_000_000_000n) + yearSeconds / 4;

/** A random market with marks, an index and funding between its changes, and some trades that are liquidations. */
function valuedMarket(seed: number, count: number): EventBatch {
  const random = makeRandom(seed);
  const orders = eventList(randomOrders(seed, count));
  const batch = makeEventBatch(2 * count);
  let open = false;
  for (const event of orders) {
    if (!open && random() < 0.2) {
      const id = [ValueField.markPrice, ValueField.indexPrice, ValueField.funding][Math.floor(3 * random())]!;
      const size = id === ValueField.funding ? 1e-3 * (random() - 0.5) : 240 + 20 * random();
      appendEvent(batch, { ...blankEvent(), kind: EventKind.value, timeNs: event.timeNs, id, size });
    }
    open = (event.flags & EventFlag.last) === 0;
    const forced = event.kind === EventKind.trade && random() < 0.5 ? EventFlag.liquidation : 0;
    appendEvent(batch, { ...event, flags: event.flags | forced });
  }
  return batch;
}

const batch = valuedMarket(51, 4_000);

test("basis, mark gap and funding are those of the values that were told last", () => {
  const numbers = { told: 0, booked: 0, funded: 0 };
  const options = { stride: 23, tolerance: 1e-9 };
  for (const price of ["mark", "mid"] as const) {
    numbers[price === "mark" ? "told" : "booked"] = expectNaive(
      basis({ price, expiry }),
      (moments, timeNs) => {
        const last = (field: number): number =>
          moments.findLast(({ event }) => event.kind === EventKind.value && event.id === field)?.event.size ?? NaN;
        const settled = moments.findLast((moment) => moment.settled);
        const mid = settled?.usable === true ? (0.25 * (settled.bids[0]!.price + settled.asks[0]!.price)) / 2 : NaN;
        const gap = (price === "mark" ? last(ValueField.markPrice) : mid) / last(ValueField.indexPrice) - 1;
        return [gap * 10_000, gap / ((yearSeconds / 4 - timeNs / 1e9) / yearSeconds)];
      },
      batch,
      options,
    );
  }
  numbers.funded = expectNaive(
    funding(),
    (moments) => {
      const last = moments.findLast(({ event }) => event.kind === EventKind.value && event.id === ValueField.funding);
      const rate = last?.event.size ?? NaN;
      return [rate * 1e4, rate * 3 * 365];
    },
    batch,
    options,
  );
  expect(numbers.told).toBeGreaterThan(150);
  expect(numbers.booked).toBeGreaterThan(150);
  expect(numbers.funded).toBeGreaterThan(150);
});

test("liquidations are counted exactly, by the side that was liquidated", () => {
  const window = seconds(5);
  let forced = 0;
  expectNaive(
    liquidationFlow({ window }),
    (moments, timeNs) => {
      const gap = moments.findLastIndex(({ event }) => event.kind === EventKind.gap);
      const trades = moments
        .slice(gap + 1)
        .map(({ event }) => event)
        .filter(({ kind, flags }) => kind === EventKind.trade && (flags & EventFlag.liquidation) !== 0)
        .filter((event) => (event.flags & EventFlag.hidden) === 0 && event.timeNs > timeNs - window);
      forced += trades.length;
      const sum = (of: readonly number[]): number => of.reduce((one, other) => one + other, 0);
      return [sum(trades.map(({ side, size }) => side * size)), sum(trades.map(({ size }) => size))];
    },
    batch,
    { stride: 23 },
  );
  expect(forced).toBeGreaterThan(100);
});

test("one percent over a quarter of a year is four percent a year, and nothing after the expiry or for a perpetual", () => {
  const told = (timeNs: number): EventBatch => {
    const events = makeEventBatch(3);
    for (const [id, size] of [
      [ValueField.indexPrice, 100],
      [ValueField.markPrice, 101],
    ] as const)
      appendEvent(events, { ...blankEvent(), kind: EventKind.value, timeNs, id, size });
    appendEvent(events, {
      ...blankEvent(),
      kind: EventKind.level,
      flags: EventFlag.last,
      side: 1,
      price: 1,
      size: 1,
      timeNs,
    });
    return events;
  };
  const last = (feature: Feature, timeNs: number): number[] => [
    ...features({ instruments: [testInstrument()], originNs, clock: every.book() })
      .add(feature)
      .batch([told(timeNs)], {})
      .row.subarray(-2),
  ];
  const [points, annual] = last(basis({ expiry }), 0) as [number, number];
  expect(points).toBeCloseTo(100, 10);
  expect(annual).toBeCloseTo(0.04, 8);
  expect(last(basis({ expiry }), (yearSeconds / 4) * 1e9 + 1e6)[1]).toBeNaN();
  expect(last(basis(), 0)[1]).toBeNaN();
});

test("basis, funding and liquidations go on after a restart with the same bits, and name settings that make no sense", () => {
  const graph = features({ instruments: [testInstrument()], originNs, clock: every.book() }).add(
    ...[basis({ price: "mid" }), funding(), liquidationFlow({ window: seconds(5) })],
  );
  const whole: number[][] = [];
  graph.batch([batch], { onRow: (row) => void whole.push([...row]) });
  const first = graph.stream();
  first.pushBatch(batch, 0, 2_001);
  const rows: number[][] = [];
  graph.stream({ onRow: (row) => void rows.push([...row]) }, first.save()).pushBatch(batch, 2_001);
  expect(rows.length).toBeGreaterThan(500);
  expect(rows).toEqual(whole.slice(-rows.length));
  expect(() => basis({ price: "last" as "mark" })).toThrow("basis.price");
  expect(() => basis({ expiry: NaN })).toThrow("basis.expiry");
  expect(() => liquidationFlow({ window: 0 })).toThrow("liquidation_flow.window");
});
