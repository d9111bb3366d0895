/** The generated market: the same from its seed however it is read, sound all the time, bursty as it should be, and never growing. */
import { describe, expect, test } from "vitest";
import { Book } from "../src/book/book.ts";
import { blankEvent, EventFlag, EventKind, makeEventBatch, readEvent, type MarketEvent } from "../src/event.ts";
import { arrivalKinds, type FlowParameters } from "../src/generator/flow-parameters.ts";
import { flowPresets } from "../src/generator/flow-presets.ts";
import { OrderFlow, ordersCountMax } from "../src/generator/order-flow.ts";

function eventsOf(parameters: FlowParameters, { seed = 1, count = 30_000, capacity = 4_096 } = {}): MarketEvent[] {
  const events: MarketEvent[] = [];
  for (const batch of new OrderFlow({ seed, parameters }).batches(count, capacity)) {
    for (let row = 0; row < batch.count && events.length < count; row++) {
      const event = blankEvent();
      readEvent(batch, row, event);
      events.push(event);
    }
  }
  return events;
}

describe.each(Object.entries(flowPresets))("the market %s", (_, parameters) => {
  const events = eventsOf(parameters);

  test("is the same in batches of any size, and another with another seed", () => {
    expect(eventsOf(parameters, { capacity: 100 })).toEqual(events);
    expect(eventsOf(parameters, { seed: 2 })).not.toEqual(events);
  });

  test("has a sound book after every atomic change, in which every order is known", () => {
    const book = new Book();
    let settled = 0;
    for (const event of events) {
      book.apply({ ...event });
      if ((event.flags & EventFlag.last) === 0) continue;
      settled++;
      expect(book.isSound).toBe(true);
    }
    expect(settled).toBeGreaterThan(20_000);
    expect(book.unknownOrdersCount).toBe(0);
  });

  test("trades what it executes, against the best price", () => {
    const trades = events.filter(({ kind }) => kind === EventKind.trade);
    const executed = events.filter(({ kind }) => kind === EventKind.execute);
    const sum = (list: readonly MarketEvent[]): number => list.reduce((lots, { size }) => lots + size, 0);
    expect(trades.length).toBeGreaterThan(100);
    expect(sum(executed)).toBe(sum(trades));
  });

  test("arrives in bursts: counts per second vary more than Poisson's", () => {
    const arrivals = events.filter(({ flags }) => flags === EventFlag.last);
    const seconds = new Map<number, number>();
    for (const { timeNs } of arrivals)
      seconds.set(Math.floor(timeNs / 1e9), (seconds.get(Math.floor(timeNs / 1e9)) ?? 0) + 1);
    const length = Math.floor(arrivals.at(-1)!.timeNs / 1e9);
    const counts = Array.from({ length }, (_, second) => seconds.get(second) ?? 0);
    const mean = counts.reduce((total, count) => total + count, 0) / length;
    const variance = counts.reduce((total, count) => total + (count - mean) * (count - mean), 0) / length;
    expect(variance / mean).toBeGreaterThan(1.5);
  });

  test("excites less than one arrival per arrival, so that it does not explode", () => {
    for (const column of arrivalKinds) {
      const children = arrivalKinds.reduce(
        (sum, row) => sum + parameters.excitedSame[row][column] + parameters.excitedOpposite[row][column],
        0,
      );
      expect(children).toBeLessThan(1.5);
    }
    expect(spectralRadius(parameters)).toBeLessThan(1);
  });

  test("does not grow: orders and levels stay what they were at the opening, for three hundred thousand events", () => {
    const flow = new OrderFlow({ seed: 3, parameters });
    const batch = makeEventBatch(8_192);
    let ordersMax = 0;
    for (let told = 0; told < 300_000; told += batch.count) {
      flow.fill(batch);
      ordersMax = Math.max(ordersMax, flow.book.orders.count);
    }
    expect(ordersMax).toBeLessThanOrEqual(ordersCountMax(parameters));
    for (const side of [flow.book.bids, flow.book.asks]) {
      expect(side.count).toBeGreaterThan(parameters.openingLevels / 4);
      expect(side.count).toBeLessThan(4 * parameters.openingLevels);
    }
  });
});

/** Of the matrix of mean children by power iteration: both sides together, since they are symmetric. */
function spectralRadius({ excitedSame, excitedOpposite }: FlowParameters): number {
  let vector = arrivalKinds.map(() => 1);
  let radius = 0;
  for (let round = 0; round < 200; round++) {
    const next = arrivalKinds.map((row) =>
      arrivalKinds.reduce(
        (sum, column, index) => sum + (excitedSame[row][column] + excitedOpposite[row][column]) * vector[index]!,
        0,
      ),
    );
    radius = Math.max(...next) / Math.max(...vector);
    vector = next.map((value) => value / Math.max(...next));
  }
  return radius;
}
