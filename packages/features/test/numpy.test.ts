/**
 * The library against numpy: `tools/reference/features_numpy.py` rebuilds the same market in Python and works out each column from its
 * formula. Integers are equal; other numbers agree to 1e-12 of their size, and what is a difference of larger numbers to 1e-12 of those.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sha256 } from "@stoa/base/hash";
import { rowColumns } from "../src/graph/graph.ts";
import { linesOf, referenceGraph, referenceMarket } from "./support/reference-market.ts";

interface Fixture {
  readonly events: string;
  readonly stride: number;
  readonly rows: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
  readonly tables: Readonly<Record<string, readonly (readonly (number | null)[])[]>>;
}

const fixture = JSON.parse(readFileSync(new URL("fixtures/numpy.json", import.meta.url), "utf8")) as Fixture;
const graph = referenceGraph();

/** What was computed here at the sampled rows, and all rows of tables. */
function computed(): {
  readonly rows: number[];
  readonly columns: Map<string, number[]>;
  readonly tables: Map<string, number[][]>;
} {
  const rows: number[] = [];
  const columns = new Map(graph.columns.map(({ name }) => [name, [] as number[]]));
  const tables = new Map(graph.tables.map(({ name }) => [name, [] as number[][]]));
  let index = 0;
  graph.batch([referenceMarket()], {
    onRow(row, { eventsCount }) {
      if (index++ % fixture.stride !== 0) return;
      rows.push(eventsCount);
      graph.columns.forEach(({ name }, column) => void columns.get(name)!.push(row[column]!));
    },
    onTableRow: (table, _, values) => void tables.get(graph.tables[table]!.name)!.push([...values]),
  });
  return { rows, columns, tables };
}

const ours = computed();

const variance = (row: number): number => ours.columns.get("rv_mid_5s")![row]!;

/** By how much more than its own size a value was rounded: what it is a difference of. */
const scaleOf: Readonly<Record<string, (row: number) => number>> = {
  jump_mid_5s_corrected: variance,
  rv_mid_5s_by_2: variance,
  rv_mid_5s_by_5: variance,
  tsrv_trade_10s: (row) => ours.columns.get("noise_trade_10s")![row]! * ours.columns.get("tsrv_k_trade_10s")![row]!,
  ...Object.fromEntries(["spread_ticks", "qi", "ofi_10s", "tfi_10s"].map((name) => [`${name}_ewz1000`, () => 1])),
};

const integers =
  /^(spread_ticks|(bid|ask)_(price|size)_1|ofi_\d+s(_of_\d+ms)?|tfi_\d+s|mlofi_\d+_\d+s|depth_.*|(buy|sell|unknown)_.*|vpin_.*_(full|open)|orders_.*|order_size_max_.*|gap_(max_)?(bid|ask)_5|tsrv_k_.*|mid_ticks)$/;

function expectClose(got: number, wanted: number | null, where: string, size = 0, exact = false): void {
  if (wanted === null) expect(got, where).toBeNaN();
  else if (exact) expect(got, where).toBe(wanted);
  else {
    const bound = 1e-12 * Math.max(Math.abs(wanted), size);
    expect(Math.abs(got - wanted), `${where}: ${got} and ${wanted}`).toBeLessThanOrEqual(bound);
  }
}

test("the fixture is of these events, and has every column of the sets and of the list", () => {
  const bytes = new TextEncoder().encode(linesOf(referenceMarket()));
  expect(Buffer.from(sha256(bytes)).toString("hex"), "run tools/reference/features_numpy.py again").toBe(
    fixture.events,
  );
  expect(ours.rows).toEqual(fixture.rows);
  const names = graph.columns.slice(rowColumns.length).map(({ name }) => name);
  expect(Object.keys(fixture.columns).sort()).toEqual([...names].sort());
  const empty = Object.entries(fixture.columns).filter(([, values]) => values.every((value) => value === null));
  expect(empty.map(([name]) => name)).toEqual([]);
});

describe("numpy gives the same (FEAT-022)", () => {
  test.each(Object.entries(fixture.columns))("%s", (name, wanted) => {
    const got = ours.columns.get(name)!;
    for (const [row, value] of wanted.entries()) {
      expectClose(
        got[row]!,
        value,
        `${name} after event ${fixture.rows[row]}`,
        scaleOf[name]?.(row),
        integers.test(name),
      );
    }
  });

  test.each(Object.entries(fixture.tables))("bars of the table %s", (name, wanted) => {
    const got = ours.tables.get(name)!;
    expect(got.length).toBe(wanted.length);
    expect(wanted.length).toBeGreaterThan(5);
    const vwap = 8;
    for (const [index, row] of wanted.entries()) {
      row.forEach(
        (value, field) =>
          void expectClose(got[index]![field]!, value, `bar ${index}, field ${field}`, 0, field !== vwap),
      );
    }
  });
});
