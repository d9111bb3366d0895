/** What a plot shows, gathered in one pass over the events: the first levels of one book, its trades, rows and tables, each thinned over time. */
import type { FeatureGraph } from "@stoa/features/graph/graph";
import type { Table } from "@stoa/features/graph/operator";
import { scaled } from "@stoa/features/instrument";
import { runFeatures, type RunSettings, type RunSummary } from "@stoa/features/io/batch";
import type { EventSource } from "@stoa/features/io/source";
import type { OutputSchema } from "@stoa/features/io/writers/output-schema";
import type { FeatureSink } from "@stoa/features/io/writers/table";
import type { Market } from "@stoa/features/market";
import { TimeBuckets } from "./time-buckets.ts";

/** Prices in ticks and sizes in lots, best first; empty where the book is not to be believed. */
export interface BookSample {
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
}

export interface TradeSample {
  /** Lots of each side of the aggressor, and of those who did not say. */
  readonly lots: Readonly<Record<TradeSide, number>>;
  /** Ticks times lots. */
  readonly money: Readonly<Record<TradeSide, number>>;
}
export type TradeSide = "buy" | "sell" | "unknown";

export interface ThinTable {
  readonly schema: OutputSchema;
  readonly rows: TimeBuckets<Float64Array>;
}

export interface PlotData {
  readonly instrument: Market["instrument"];
  readonly book: TimeBuckets<BookSample>;
  readonly trades: TimeBuckets<TradeSample>;
  /** The rows of the graph first. */
  readonly tables: readonly ThinTable[];
  readonly originNs: bigint;
  readonly summary: RunSummary;
  toPrice(ticks: number): number;
  toSize(lots: number): number;
}

const bookSamplesMax = 480;
const rowsMax = 1_200;

export async function gatherPlot(
  graph: FeatureGraph,
  source: EventSource,
  { levels, ...settings }: { readonly levels: number } & Omit<RunSettings, "sink">,
): Promise<PlotData> {
  const book = new TimeBuckets<BookSample>({
    countMax: bookSamplesMax,
    spanMax: 2 * bookSamplesMax,
    merge: (earlier) => earlier,
  });
  const trades = new TimeBuckets<TradeSample>({ countMax: bookSamplesMax, merge: addTrades });
  const fromNs = settings.fromNs === undefined ? -Infinity : Number(settings.fromNs - source.originNs);
  const withDepth = graph.table(
    "plot_depth",
    watch({ book, trades, levels, fromNs }),
    graph.settings.instruments[0]!.name,
  );
  const tables: ThinTable[] = [];
  const sink: FeatureSink = {
    open(schema) {
      const rows = new TimeBuckets<Float64Array>({ countMax: rowsMax, merge: (earlier) => earlier });
      if (schema.table !== "plot_depth") tables.push({ schema, rows });
      return Promise.resolve({
        write: ({ count, width, timeNs, values }) => {
          for (let row = 0; row < count; row++) {
            if (rows.isNew(timeNs[row]!)) rows.add(timeNs[row]!, values.slice(row * width, (row + 1) * width));
          }
          return Promise.resolve();
        },
        finish: () => Promise.resolve(),
        abort: () => Promise.resolve(),
      });
    },
  };
  const summary = await runFeatures(withDepth, source, { ...settings, sink });
  const instrument = graph.settings.instruments[0]!;
  return {
    instrument,
    book,
    trades,
    tables,
    originNs: source.originNs,
    summary,
    toPrice: (ticks) => scaled(instrument.tick, ticks),
    toSize: (lots) => scaled(instrument.lot, lots),
  };
}

/** A table without rows that looks at the book and at trades. */
function watch(into: {
  readonly book: TimeBuckets<BookSample>;
  readonly trades: TimeBuckets<TradeSample>;
  readonly levels: number;
  readonly fromNs: number;
}): Table {
  return {
    id: "plot_depth",
    version: 1,
    parameters: {},
    columns: [],
    make: () => ({
      onBook(market, timeNs) {
        if (into.fromNs <= timeNs && into.book.isNew(timeNs)) into.book.add(timeNs, sampleOf(market, into.levels));
      },
      onTrade({ side, size, price, timeNs }) {
        if (timeNs < into.fromNs) return;
        const name: TradeSide = side > 0 ? "buy" : side < 0 ? "sell" : "unknown";
        into.trades.add(timeNs, {
          lots: { ...noTrades, [name]: size },
          money: { ...noTrades, [name]: size * price },
        });
      },
    }),
  };
}

const noTrades: Readonly<Record<TradeSide, number>> = { buy: 0, sell: 0, unknown: 0 };

function addTrades(one: TradeSample, other: TradeSample): TradeSample {
  const sum = (name: "lots" | "money"): Record<TradeSide, number> => ({
    buy: one[name].buy + other[name].buy,
    sell: one[name].sell + other[name].sell,
    unknown: one[name].unknown + other[name].unknown,
  });
  return { lots: sum("lots"), money: sum("money") };
}

function sampleOf({ book, usable }: Market, levels: number): BookSample {
  if (!usable) return { bids: [], asks: [] };
  const [bids, asks] = [book.bids, book.asks].map(({ count, price, size }) =>
    Array.from(
      { length: Math.min(levels, count) },
      (_, level) => [price[count - 1 - level]!, size[count - 1 - level]!] as const,
    ),
  );
  return { bids: bids!, asks: asks! };
}
