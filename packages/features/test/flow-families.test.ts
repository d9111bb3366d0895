/** Every feature and table of order flow, trade signs and toxicity: what a restart in the middle must not change. */
import { describe, expect, test } from "vitest";
import type { CatalogueEntry, Parameters } from "../src/catalogue-entry.ts";
import { flowCatalogue } from "../src/flow/catalogue.ts";
import { every, ms } from "../src/graph/clock.ts";
import { features, type FeatureGraph } from "../src/graph/graph.ts";
import type { StreamHandlers } from "../src/graph/stream.ts";
import { toxicityCatalogue } from "../src/toxicity/catalogue.ts";
import { tradesCatalogue } from "../src/trades/catalogue.ts";
import { makeRandom, originNs, testInstrument } from "./support/random-market.ts";
import { randomTape } from "./support/trades.ts";

const tape = randomTape(71, 2_000);

/** Values of parameters with which a tape of twenty seconds is long. */
const short: Parameters = {
  window: ms(500),
  step: ms(100),
  samples: 5,
  refit: 3,
  count: 4,
  pairs: 6,
  trades: 8,
  bucket: 7,
  buckets: 4,
  bar: ms(200),
  changes: 3,
  horizon: ms(70),
  halfLife: ms(100),
  shocks: 2,
  lags: "1,3",
  levels: 3,
  sizes: "2,9",
};

const variants: Readonly<Record<string, Parameters>> = {
  "the venue's flags": {},
  "other rules": {
    rule: "lee-ready",
    flag: "ignore",
    lag: ms(50),
    classification: "bulk",
    shock: "spread",
    deviations: 0.5,
    sourceClock: ms(50),
  },
};

describe.each(Object.entries(variants))("with %s", (_, variant) => {
  test.each([...flowCatalogue, ...tradesCatalogue, ...toxicityCatalogue].map((entry) => [entry.id, entry] as const))(
    "%s is the same in one piece, in chunks and restored at any point",
    (_id, entry) => {
      const whole = run(entry, variant, false);
      expect(whole.length).toBeGreaterThan(100);
      expect(whole.some((row) => row.slice(4).some((value) => !Number.isNaN(value)))).toBe(true);
      expect(run(entry, variant, true)).toEqual(whole);
    },
  );
});

/** All rows of the graph and of the table: which, when, and the values. */
function run(entry: CatalogueEntry, variant: Parameters, restarts: boolean): number[][] {
  const defaults = { ...entry.defaults, ...entry.required };
  const parameters = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, variant[name] ?? short[name] ?? value]),
  );
  const makeGraph = (): FeatureGraph => {
    const graph = features({ instruments: [testInstrument()], originNs, clock: every.ms(30) });
    if (entry.kind === "feature") graph.add(entry.make(parameters));
    if (entry.kind === "table") graph.table("table", entry.make(parameters));
    return graph;
  };
  const rows: number[][] = [];
  const handlers: StreamHandlers = {
    onRow: (row, { timeNs }) => void rows.push([0, timeNs, ...row]),
    onTableRow: (_, timeNs, values) => void rows.push([1, timeNs, 0, 0, ...values]),
  };
  const random = makeRandom(3);
  let stream = makeGraph().stream(handlers);
  for (let from = 0; from < tape.count; ) {
    const to = restarts ? Math.min(tape.count, from + 1 + Math.floor(random() * 150)) : tape.count;
    stream.pushBatch(tape, from, to);
    if (restarts) stream = makeGraph().stream(handlers, stream.save());
    from = to;
  }
  return rows;
}
