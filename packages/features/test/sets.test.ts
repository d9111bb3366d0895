/** The named sets: as many columns as they promise, the same bits however they are fed, and clear refusals. */
import { describe, expect, test } from "vitest";
import { every } from "../src/graph/clock.ts";
import { features, rowColumns } from "../src/graph/graph.ts";
import { addSet, defaultSet, featureSets, levelOneSet, resolveSelection } from "../src/presets/sets.ts";
import { originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const graphOf = (set: (typeof featureSets)[number], names = ["TEST"]) =>
  addSet(features({ instruments: names.map((name) => testInstrument(name)), originNs, clock: every.book() }), set);

describe("the sets", () => {
  test("have ten and forty columns (FEAT-032)", () => {
    expect(graphOf(levelOneSet).columns.length - rowColumns.length).toBe(10);
    expect(graphOf(defaultSet).columns.length - rowColumns.length).toBe(40);
  });

  test.each(featureSets)("$name has values in every column, and twice as many columns for two instruments", (set) => {
    const graph = graphOf(set);
    const seen = new Set<number>();
    graph.batch([randomOrders(4, 12_000)], {
      onRow: (row) => row.forEach((value, column) => void (Number.isNaN(value) || seen.add(column))),
    });
    const empty = graph.columns.filter((_, column) => !seen.has(column)).map(({ name }) => name);
    expect(empty).toEqual([]);
    expect(graphOf(set, ["A", "B"]).columns.length - rowColumns.length).toBe(
      2 * (graph.columns.length - rowColumns.length),
    );
  });

  test("refuse what is not in the catalogue, by name (FEAT-031)", () => {
    expect(() => resolveSelection({ id: "sprea" })).toThrow('feature is "sprea", but must be an id of the catalogue');
    expect(() => resolveSelection({ id: "spread", parameters: { units: "ticks" } })).toThrow(
      'spread.parameters is "units", but must be one of unit',
    );
    expect(() => resolveSelection({ id: "queue_position" })).toThrow(
      "queue_position.order is undefined, but must be given, for example 1",
    );
  });
});
