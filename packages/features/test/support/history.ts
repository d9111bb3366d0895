/**
 * What happened, as plain arrays, for the naive second implementation of every feature: after each event the whole book, built by the
 * naive book. A naive feature is a function of the moments so far and of the time of the row; it may be as slow as it likes.
 */
import { expect } from "vitest";
import { blankEvent, EventFlag, EventKind, readEvent, type EventBatch, type MarketEvent } from "../../src/event.ts";
import { every } from "../../src/graph/clock.ts";
import { features } from "../../src/graph/graph.ts";
import type { Feature } from "../../src/graph/operator.ts";
import { NaiveBook, type NaiveLevel } from "./naive-book.ts";
import { originNs, testInstrument } from "./random-market.ts";

export interface Moment {
  readonly event: Readonly<MarketEvent>;
  readonly timeNs: number;
  /** The book after the event, best first. */
  readonly bids: readonly NaiveLevel[];
  readonly asks: readonly NaiveLevel[];
  /** Between a gap and the end of the next snapshot. */
  readonly gap: boolean;
  /** The event ended an atomic change that was about the book. */
  readonly settled: boolean;
  /** Two-sided, not crossed, no gap. */
  readonly usable: boolean;
}

const histories = new WeakMap<EventBatch, Moment[]>();

/** The history of a batch, worked out once. */
export function historyOf(batch: EventBatch): readonly Moment[] {
  let moments = histories.get(batch);
  if (moments === undefined) histories.set(batch, (moments = replay(batch)));
  return moments;
}

function replay(batch: EventBatch): Moment[] {
  const book = new NaiveBook();
  const moments: Moment[] = [];
  let gap = false;
  let filling = false;
  let changed = false;
  for (let row = 0; row < batch.count; row++) {
    const event = blankEvent();
    readEvent(batch, row, event);
    const about = event.kind >= EventKind.level && event.kind <= EventKind.gap;
    if (about) book.apply(event);
    changed ||= about;
    if (event.kind === EventKind.clear) filling = true;
    if (event.kind === EventKind.gap) [gap, filling] = [true, false];
    const last = (event.flags & EventFlag.last) !== 0;
    if (filling && about && last) [gap, filling] = [false, false];
    const settled = changed && (last || event.kind === EventKind.gap);
    if (settled) changed = false;
    const [bids, asks] = [book.levels(1), book.levels(-1)];
    const usable = !gap && bids.length > 0 && asks.length > 0 && bids[0]!.price < asks[0]!.price;
    moments.push({ event, timeNs: event.timeNs, bids, asks, gap, settled, usable });
  }
  return moments;
}

/** Values of the columns at a row that is written after the last of these moments. */
export type Naive = (moments: readonly Moment[], timeNs: number) => readonly number[];

/**
 * Runs a feature over a batch with a row after every change of the book, and compares each `stride`-th row with the naive values:
 * NaN where it has NaN, else within `tolerance` relatively (0: the same number). Returns how many values were compared that were numbers.
 */
export function expectNaive(
  feature: Feature,
  naive: Naive,
  batch: EventBatch,
  { stride = 1, tolerance = 0 } = {},
): number {
  const moments = historyOf(batch);
  const graph = features({ instruments: [testInstrument()], originNs, clock: every.book() }).add(feature);
  let rows = 0;
  let numbers = 0;
  graph.batch([batch], {
    onRow(row, { eventsCount, timeNs }) {
      if (rows++ % stride !== 0) return;
      const wanted = naive(moments.slice(0, eventsCount), timeNs);
      const got = [...row.subarray(graph.columns.length - feature.columns.length)];
      expect(got.length).toBe(wanted.length);
      for (const [index, value] of wanted.entries()) {
        const where = `${feature.columns[index]!.name} after event ${eventsCount}`;
        if (Number.isNaN(value) || tolerance === 0) expect(got[index], where).toBe(value);
        else
          expect(Math.abs(got[index]! - value), `${where}: ${got[index]} and ${value}`).toBeLessThanOrEqual(
            tolerance * Math.max(1e-9, Math.abs(value)),
          );
        if (!Number.isNaN(value)) numbers++;
      }
    },
  });
  return numbers;
}
