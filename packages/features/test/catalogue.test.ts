/**
 * What holds for everything in the catalogue: the same bits however the events are cut and wherever a run is saved and restored, and
 * nothing that knows the future. New entries are tested by being listed.
 */
import { describe, expect, test } from "vitest";
import { catalogue } from "../src/catalogue.ts";
import type { CatalogueEntry } from "../src/catalogue-entry.ts";
import { EventKind, type EventBatch } from "../src/event.ts";
import { every, type Clock } from "../src/graph/clock.ts";
import { features, type FeatureGraph } from "../src/graph/graph.ts";
import { resolveSelection } from "../src/presets/sets.ts";
import { makeRandom, originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const clocks: readonly Clock[] = [every.book(), every.ms(250), every.trade()];
const batch = randomOrders(77, 2_500, { instrumentsCount: 2 });

/** Everything that a run told, in the order in which it told it. */
type Told = readonly (readonly number[])[];

function graphOf(entry: CatalogueEntry, clock: Clock): FeatureGraph {
  const graph = features({ instruments: [testInstrument("A"), testInstrument("B")], originNs, clock });
  const { parameters } = resolveSelection({ id: entry.id, ...(entry.required && { parameters: entry.required }) });
  if (entry.kind === "feature") return graph.add(entry.make(parameters));
  if (entry.kind === "table")
    return graph.table("a", entry.make(parameters), "A").table("b", entry.make(parameters), "B");
  const { entry: spread, parameters: ticks } = resolveSelection({ id: "spread" });
  if (spread.kind === "feature") graph.add(spread.make(ticks));
  return graph.normalise(entry.make(parameters));
}

/** Runs up to `end`, in pieces that end at `cuts`, restored from a checkpoint after each. */
function run(
  entry: CatalogueEntry,
  clock: Clock,
  events: EventBatch,
  { end = events.count, cuts = [] as readonly number[] } = {},
): Told {
  const told: number[][] = [];
  const handlers = {
    onRow: (row: Float64Array, { timeNs }: { timeNs: number }) => void told.push([-1, timeNs, ...row]),
    onTableRow: (table: number, timeNs: number, values: Float64Array) => void told.push([table, timeNs, ...values]),
  };
  let stream = graphOf(entry, clock).stream(handlers);
  let from = 0;
  for (const to of [...cuts.filter((cut) => cut < end), end]) {
    stream.pushBatch(events, from, to);
    from = to;
    if (to < end) stream = graphOf(entry, clock).stream(handlers, stream.save());
  }
  return told;
}

/** The same events up to `from`; behind it other prices, sizes, sides and kinds. */
function withOtherFuture(events: EventBatch, from: number): EventBatch {
  const random = makeRandom(from);
  const changed = {
    ...events,
    kind: events.kind.slice(),
    price: events.price.slice(),
    size: events.size.slice(),
    side: events.side.slice(),
  };
  for (let row = from; row < events.count; row++) {
    changed.price[row]! += Math.floor(random() * 11) - 5;
    changed.size[row] = 1 + Math.floor(random() * 50);
    changed.side[row] = random() < 0.5 ? 1 : -1;
    if (changed.kind[row] === EventKind.trade) changed.kind[row] = EventKind.add;
  }
  return changed;
}

describe.each(catalogue.map((entry) => [entry.id, entry] as const))("%s", (_, entry) => {
  test("tells the same in one piece and restored at random points (FEAT-010)", () => {
    const random = makeRandom(3);
    for (const clock of clocks) {
      const whole = run(entry, clock, batch);
      const cuts = Array.from({ length: 6 }, () => 1 + Math.floor(random() * (batch.count - 1))).sort(
        (one, other) => one - other,
      );
      expect(run(entry, clock, batch, { cuts })).toEqual(whole);
    }
  });

  test("told before what came later changed, tells the same (FEAT-011)", () => {
    for (const clock of clocks) {
      for (const from of [700, 1_600]) {
        const past = run(entry, clock, batch, { end: from });
        const whole = run(entry, clock, withOtherFuture(batch, from));
        expect(whole.slice(0, past.length)).toEqual(past);
      }
    }
  });
});

test("the catalogue has no id twice", () => {
  const ids = catalogue.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
