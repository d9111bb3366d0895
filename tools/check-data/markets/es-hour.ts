/**
 * The hour of E-mini orders (DBN): the book at its end, by the numbers that the folder's README states, and quotes, flow, trades and
 * volatility by those that a numpy script computed (`golden_reference.json`).
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { orderFlowImbalance } from "@stoa/features/flow/order-flow-imbalance";
import { tradeFlowImbalance, tradeVolume } from "@stoa/features/flow/trade-flow";
import { every, seconds } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { openSource } from "@stoa/features/io/readers/open";
import { mid, weightedMid } from "@stoa/features/quotes/mid";
import { queueImbalance } from "@stoa/features/quotes/queue-imbalance";
import { spread } from "@stoa/features/quotes/spread";
import { classifiedTrades, signAccuracy } from "@stoa/features/trades/classified-trades";
import { roll } from "@stoa/features/toxicity/spread-estimators";
import { bipowerVariation, realisedVariance } from "@stoa/features/volatility/realised";
import { exact, numbersAgree, type Agreement } from "./agreement.ts";

interface Reference {
  readonly n_bbo_rows: number;
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly mean_spread_ticks: number;
  readonly mean_mid: number;
  readonly mean_weighted_mid: number;
  readonly mean_queue_imb: number;
  readonly std_queue_imb: number;
  readonly time_weighted_spread_ticks: number;
  readonly ofi_sum: number;
  readonly trades: {
    readonly n: number;
    readonly volume: number;
    readonly signed_volume: number;
    readonly vwap: number;
  };
  readonly rv_tick: number;
  readonly bipower_tick: number;
  readonly roll_spread_points: number;
  readonly tick_rule_accuracy: number;
}

const day = 24 * 3600;

export async function checkEsHour(folder: string): Promise<Agreement[]> {
  const place = join(folder, "cme-es-mbo");
  if (!existsSync(place)) return [];
  const files = readdirSync(place)
    .filter((name) => name.endsWith(".dbn.zst"))
    .sort();
  const last = files.at(-1);
  if (last === undefined) return [];
  const stated = /(\d+) bid and (\d+) ask levels?, best ([\d.]+) \/ ([\d.]+)/.exec(readText(join(folder, "README.md")));
  const golden = JSON.parse(readText(join(folder, "golden_reference.json")) || "{}") as Record<string, Reference>;
  const [name = "", reference] = Object.entries(golden).find(([one]) => one.startsWith("es_")) ?? [];
  const source = await openSource(join(place, last), {
    terms: { "*": { tick: "0.25", kind: "future", multiplier: 50 } },
  });
  const graph = features({ ...source, clock: every.event() })
    .add(spread({ unit: "ticks" }), mid(), weightedMid(), queueImbalance())
    .add(orderFlowImbalance({ window: seconds(day) }))
    .add(tradeVolume({ window: seconds(day) }), tradeFlowImbalance({ window: seconds(day) }))
    .add(realisedVariance({ sampling: "trade", window: seconds(day) }))
    .add(bipowerVariation({ sampling: "trade", window: seconds(day) }))
    .add(roll({ pairs: (reference?.trades.n ?? 4) - 2 }))
    .table("trades", classifiedTrades());
  const sums = new RowSums(4, Number(/_(\d\d):00-/.exec(name)?.[1] ?? 0) * 3600e9);
  const trades: Float64Array[] = [];
  const stream = graph.stream({
    onRow: (row, { timeNs }) => sums.add(row, timeNs),
    onTableRow: (_, __, values) => trades.push(values.slice()),
  });
  for await (const batch of source.batches()) stream.pushBatch(batch);
  const { book } = stream.markets[0]!;
  const agreements = [
    exact("ES: events that name an order which the book does not hold: none", book.unknownOrdersCount === 0 ? 1 : 0, 1),
  ];
  if (stated !== null) {
    const [, bids, asks, bid, ask] = stated.map(Number);
    const ours = [book.bids.count, book.asks.count, book.bids.bestPrice / 4, book.asks.bestPrice / 4];
    const agreed = [bids, asks, bid, ask].filter((value, index) => value === ours[index]).length;
    agreements.push(exact("ES: levels and best prices at the end, as the README states", agreed, 4));
  }
  if (reference === undefined) return agreements;
  const value = (name: string): number => stream.row[graph.columnIndex(name)]!;
  const named = (prefix: string): number => value(graph.columns.find(({ name }) => name.startsWith(prefix))!.name);
  const [spreads, mids, weighted, imbalances] = sums.means() as [number, number, number, number];
  const tick = signAccuracy(trades).find(({ rule }) => rule === "tick")!;
  const pairs = reference.trades.n - 2;
  return [
    ...agreements,
    numbersAgree("ES: quotes, flow, trades and volatility by golden_reference.json, to 1e-9", 1e-9, {
      "last bid": [book.bids.bestPrice / 4, reference.last[0]!],
      "last bid size": [book.bids.bestSize, reference.last[1]!],
      "last ask": [book.asks.bestPrice / 4, reference.last[2]!],
      "last ask size": [book.asks.bestSize, reference.last[3]!],
      rows: [sums.count, reference.n_bbo_rows],
      "mean spread": [spreads, reference.mean_spread_ticks],
      "mean mid": [mids, reference.mean_mid],
      "mean weighted mid": [weighted, reference.mean_weighted_mid],
      "mean queue imbalance": [imbalances, reference.mean_queue_imb],
      "its deviation": [sums.deviation(3), reference.std_queue_imb],
      "spread over time": [sums.overTime, reference.time_weighted_spread_ticks],
      "order flow imbalance": [named("ofi"), reference.ofi_sum],
      trades: [trades.length, reference.trades.n],
      "signed volume": [named("tfi"), reference.trades.signed_volume],
      "realised variance": [named("rv_"), reference.rv_tick],
      "bipower variation": [named("bipower"), reference.bipower_tick],
      // Theirs divides by the number of pairs, ours by one less.
      "Roll's spread": [named("roll") * Math.sqrt((pairs - 1) / pairs) * 0.25, reference.roll_spread_points],
      "tick rule": [tick.agreement, reference.tick_rule_accuracy],
    }),
  ];
}

/** Sums of the first columns of features from a time on, for means and deviations; of the first one over time too. */
class RowSums {
  count = 0;
  readonly #fromNs: number;
  readonly #sum: number[];
  readonly #squares: number[];
  #startNs = NaN;
  #lastNs = NaN;
  #last = NaN;
  #area = 0;

  constructor(columns: number, fromNs: number) {
    this.#fromNs = fromNs;
    this.#sum = Array.from({ length: columns }, () => 0);
    this.#squares = Array.from({ length: columns }, () => 0);
  }

  add(row: Float64Array, timeNs: number): void {
    if (Number.isNaN(row[2]) || timeNs < this.#fromNs) return;
    if (this.count++ === 0) this.#startNs = timeNs;
    else this.#area += this.#last * (timeNs - this.#lastNs);
    this.#last = row[2]!;
    this.#lastNs = timeNs;
    for (let column = 0; column < this.#sum.length; column++) {
      const value = row[2 + column]!;
      this.#sum[column]! += value;
      this.#squares[column]! += value * value;
    }
  }

  /** Each value of the first column weighted with how long it stood, up to the last row. */
  get overTime(): number {
    return this.#area / (this.#lastNs - this.#startNs);
  }

  means(): number[] {
    return this.#sum.map((sum) => sum / this.count);
  }

  deviation(column: number): number {
    const mean = this.#sum[column]! / this.count;
    return Math.sqrt(this.#squares[column]! / this.count - mean * mean);
  }
}

const readText = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
