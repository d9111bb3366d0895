/** Sources put together: the pieces of a recording one behind the other, and some instruments out of many. */
import { expect, test } from "vitest";
import {
  appendEvent,
  blankEvent,
  EventFlag,
  EventKind,
  makeEventBatch,
  readEvent,
  type EventBatch,
  type MarketEvent,
} from "../src/event.ts";
import { every, seconds } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import { orderFlowImbalance } from "../src/flow/order-flow-imbalance.ts";
import { runFeatures } from "../src/io/batch.ts";
import { inOrder } from "../src/io/in-order.ts";
import { onlyInstruments } from "../src/io/only-instruments.ts";
import type { EventSource } from "../src/io/source.ts";
import { memorySink } from "../src/io/writers/memory.ts";
import { parseScale } from "../src/instrument.ts";
import { originNs, randomOrders, testInstrument } from "./support/random-market.ts";
import { bookOf } from "./support/sources.ts";
import { sourceOf } from "./support/run-rows.ts";

const day = 86_400_000_000_000n;

/** The same events, told from another midnight. */
function movedTo(source: EventSource, origin: bigint, batches: readonly EventBatch[]): EventSource {
  const shift = Number(origin - source.originNs);
  const moved = batches.map((batch) => ({ ...batch, timeNs: batch.timeNs.map((time) => time - shift) }));
  return { ...sourceOf(moved, [...source.instruments]), originNs: origin };
}

function slice(batch: EventBatch, from: number, to: number): EventBatch {
  const cut = <Column extends { slice(from: number, to: number): Column }>(column: Column): Column =>
    column.slice(from, to);
  return {
    count: to - from,
    kind: cut(batch.kind),
    flags: cut(batch.flags),
    instrument: cut(batch.instrument),
    side: cut(batch.side),
    price: cut(batch.price),
    size: cut(batch.size),
    id: cut(batch.id),
    timeNs: cut(batch.timeNs),
    receivedNs: cut(batch.receivedNs),
  };
}

async function rowsOf(source: EventSource) {
  const sink = memorySink();
  const { instruments, originNs: origin } = source;
  const graph = features({ instruments, originNs: origin, clock: every.book() }).add(
    orderFlowImbalance({ window: seconds(5) }),
  );
  await runFeatures(graph, source, { sink });
  return sink.collected();
}

async function eventsOf(source: EventSource): Promise<MarketEvent[]> {
  const events: MarketEvent[] = [];
  for await (const batch of source.batches()) {
    for (let row = 0; row < batch.count; row++) {
      const event = blankEvent();
      readEvent(batch, row, event);
      events.push(event);
    }
  }
  return events;
}

test("a recording in pieces, each from a midnight of its own, gives the rows of the whole (FEAT-014)", async () => {
  const batch = randomOrders(31, 3_000);
  const whole = await rowsOf(sourceOf([batch]));
  const pieces = [slice(batch, 0, 700), slice(batch, 700, 701), slice(batch, 701, 3_000)];
  const [first, second, third] = pieces.map((piece) => sourceOf([piece]));
  const parts = inOrder([
    first!,
    movedTo(second!, originNs + day, [pieces[1]!]),
    movedTo(third!, originNs - day, [pieces[2]!]),
  ]);
  const together = await rowsOf(parts);
  expect(together.timeNs).toEqual(whole.timeNs);
  expect(together.columns).toEqual(whole.columns);
  expect(parts.progress.eventsCount).toBe(3_000);
});

test("between pieces that are far apart something was missed, and books begin empty; pieces in the wrong order are refused (FEAT-014)", async () => {
  const [one, other, again] = [1, 2, 3].map((seed) => randomOrders(seed, 100)) as [EventBatch, EventBatch, EventBatch];
  const late = (): EventSource => ({ ...sourceOf([other]), originNs: originNs + day });
  const events = await eventsOf(inOrder([sourceOf([one]), late()]));
  expect(events.length).toBe(202);
  expect(events[100]).toMatchObject({ kind: EventKind.gap, timeNs: events[102]!.timeNs });
  expect(events[101]).toMatchObject({ kind: EventKind.clear, timeNs: events[102]!.timeNs });
  // A piece without a snapshot of its own is believed again, from an empty book on.
  const book = bookOf(events.slice(0, 102));
  expect([book.gap, book.bids.count, book.asks.count]).toEqual([false, 0, 0]);
  await expect(eventsOf(inOrder([late(), sourceOf([again])]))).rejects.toThrow("in the order of their times");
});

test("pieces with other instruments bring them along, but a name means one tick and one lot", async () => {
  const pieces = [
    sourceOf([randomOrders(1, 50)], [testInstrument("A")]),
    sourceOf([randomOrders(1, 50)], [testInstrument("B")]),
  ];
  const both = inOrder(pieces);
  expect(both.instruments.map(({ name }) => name)).toEqual(["A", "B"]);
  const other = { ...testInstrument("A"), tick: parseScale("0.5") };
  expect(() => inOrder([pieces[0]!, sourceOf([], [other])])).toThrow("A.tick and lot");
});

test("chosen instruments have the events that they had among all, in the order that was asked for", async () => {
  const batch = randomOrders(5, 2_000, { instrumentsCount: 3 });
  const names = ["A", "B", "C"];
  const source = (): EventSource =>
    sourceOf(
      [batch],
      names.map((name) => testInstrument(name)),
    );
  const all = await eventsOf(source());
  const some = onlyInstruments(source(), ["C", "A"]);
  expect(some.instruments.map(({ name }) => name)).toEqual(["C", "A"]);
  const wanted = all
    .filter(({ instrument }) => instrument !== 1)
    .map((event) => ({ ...event, instrument: event.instrument === 2 ? 0 : 1 }));
  expect(await eventsOf(some)).toEqual(wanted);
  expect(wanted.length).toBeGreaterThan(1_000);
  expect(() => onlyInstruments(source(), ["D"])).toThrow('instruments is "D"');
});

test("the end of a change of an instrument that is left out ends none of those that stay", async () => {
  const batch = makeEventBatch(3);
  const event = { ...blankEvent(), kind: EventKind.level, side: 1 as const, price: 5, size: 1 };
  appendEvent(batch, event);
  appendEvent(batch, { ...blankEvent(), kind: EventKind.time, flags: EventFlag.last, instrument: 1 });
  appendEvent(batch, { ...event, price: 6, flags: EventFlag.last });
  const source = sourceOf([batch], [testInstrument("A"), testInstrument("B")]);
  const some = await eventsOf(onlyInstruments(source, ["A"]));
  expect(some.map(({ kind, flags }) => [kind, flags])).toEqual([
    [EventKind.level, 0],
    [EventKind.time, 0],
    [EventKind.level, EventFlag.last],
  ]);
});
