/** Runs a table over a batch and collects what it emits, with restarts in the middle if asked. */
import { expect } from "vitest";
import type { EventBatch } from "../../src/event.ts";
import { every, type Clock } from "../../src/graph/clock.ts";
import { features, type FeatureGraph } from "../../src/graph/graph.ts";
import type { Table } from "../../src/graph/operator.ts";
import type { StreamHandlers } from "../../src/graph/stream.ts";
import { originNs, testInstrument } from "./random-market.ts";

export interface TableRow {
  readonly timeNs: number;
  readonly values: readonly number[];
  /** Time of the stream when the row was emitted. */
  readonly toldNs: number;
}

interface TableRun {
  readonly clock?: Clock;
  /** Where the run is saved and a new one begins with what was saved. */
  readonly restarts?: readonly number[];
}

/** The rows of a table over a batch, in the order in which they were told. */
export function rowsOfTable(
  table: Table,
  batch: EventBatch,
  { clock = every.book(), restarts = [] }: TableRun = {},
): TableRow[] {
  const rows: TableRow[] = [];
  const makeGraph = (): FeatureGraph =>
    features({ instruments: [testInstrument()], originNs, clock }).table("it", table);
  const handlers: StreamHandlers = {
    onTableRow: (_, timeNs, values) => void rows.push({ timeNs, values: [...values], toldNs: stream.timeNs }),
  };
  let stream = makeGraph().stream(handlers);
  let from = 0;
  for (const to of [...restarts, batch.count]) {
    stream.pushBatch(batch, from, to);
    stream = makeGraph().stream(handlers, stream.save());
    from = to;
  }
  return rows;
}

/** The table emits these rows, and the same ones when it is restored in the middle. */
export function expectRows(
  table: Table,
  batch: EventBatch,
  naive: readonly Omit<TableRow, "toldNs">[],
  run: TableRun = {},
): void {
  const rows = rowsOfTable(table, batch, run);
  expect(rows.map(({ timeNs, values }) => ({ timeNs, values }))).toEqual(naive);
  const restarts = [1, 2, 3].map((part) => Math.floor((part * batch.count) / 4) + part);
  expect(rowsOfTable(table, batch, { ...run, restarts })).toEqual(rows);
}
