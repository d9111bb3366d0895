/**
 * What a feature is made of. A `Feature` is a description (id, version, parameters, columns) that can make an `Operator`: the thing
 * that remembers, is told of events and writes its columns. A feature of your own is one object with `make`.
 *
 * @example
 * // Seconds since the best bid last changed.
 * const bidAge: Feature = {
 *   id: "bid_age", version: 1, parameters: {}, columns: [{ name: "bid_age", unit: "s", formula: "t - t(last change of b)" }],
 *   make(context) {
 *     const state = context.keep({ price: NaN, sinceNs: NaN });
 *     return {
 *       onBook(market, timeNs) {
 *         if (market.bidPrice === state.price) return;
 *         state.price = market.bidPrice;
 *         state.sinceNs = timeNs;
 *       },
 *       write: (row, offset, timeNs) => void (row[offset] = (timeNs - state.sinceNs) / 1e9),
 *     };
 *   },
 * };
 */
import type { MarketEvent } from "../event.ts";
import type { Market } from "../market.ts";
import type { Memory } from "../state.ts";

/** One column of the output. Where a feature has no value it writes NaN, which is a null in files; never 0. */
export interface Column {
  readonly name: string;
  /** `ticks`, `lots`, `bps`, `1` for a pure number, `price`, `s`, ... */
  readonly unit: string;
  /** In the notation of the feature reference. */
  readonly formula: string;
}

/** What identifies a computation: two columns with equal id, version and parameters are the same numbers. */
export interface Definition {
  /** In lower case with underscores: `ofi`. */
  readonly id: string;
  /** Grows when the same input would give other numbers. */
  readonly version: number;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Where the formula comes from: paper and year, or "standard". */
  readonly source?: string;
  /** What it must have seen before its values are as they would be had it seen everything: `10 s`, `50 trades`; none if absent. */
  readonly lookback?: string;
  /** Levels of the book that `market.levels` must hold (0: only the whole `market.book` is read). */
  readonly levels?: number;
  /** `one` (the rule): about one instrument. `all`: told of every instrument of the graph. */
  readonly scope?: "one" | "all";
}

export interface Feature<Made extends Operator = Operator> extends Definition {
  readonly columns: readonly Column[];
  make(context: Context): Made;
}

/** A table of its own beside the rows: bars, labels, lives of orders, values that are known only later. */
export interface Table<Made extends Operator = Operator> extends Definition {
  /** Behind `time_ns`, which is the first column of every table. */
  readonly columns: readonly Column[];
  make(context: TableContext): Made;
}

/**
 * Told of what happens to its instrument, in the order: alarms that are due, then the event itself (`onTrade`, `onChange`, `onValue`),
 * then, when the atomic change is over, `onBook`, then rows are written. Each is optional. Nothing given here may be kept.
 */
export interface Operator {
  /** A trade; `market` still holds the book before it. Hidden and liquidated ones are told by `event.flags`. */
  onTrade?(event: MarketEvent, market: Market): void;
  /** An event changed the book (`market.book.change` says how); `market.levels` are still those of before the atomic change. */
  onChange?(event: MarketEvent, market: Market): void;
  /** An atomic change is over: `market.levels` and `market.before` are set. */
  onBook?(market: Market, timeNs: number): void;
  /** The venue told a number; it is in `market.values` too. */
  onValue?(event: MarketEvent, market: Market): void;
  /** A block is over. */
  onBlock?(height: number, timeNs: number): void;
  /** Something was missed: forget what would span the hole. */
  onGap?(market: Market, timeNs: number): void;
  /** A row is complete (`row[0]` is its `event`); `index` counts the rows from 0. For tables whose rows belong to rows: labels. */
  onRow?(row: Float64Array, index: number, timeNs: number): void;
  /** Writes the values at `timeNs`, one per column, from `offset` on. */
  write?(row: Float64Array, offset: number, timeNs: number): void;
  /** Whether it has seen its `lookback`. Once it has, it is not asked again until the next gap. Absent: always. */
  isWarm?(timeNs: number): boolean;
}

export interface Context {
  /** The instrument that this is about (the first of the graph with `scope: "all"`). */
  readonly market: Market;
  /** All instruments of the graph, by index. */
  readonly markets: readonly Market[];
  /** Nanoseconds since 1970 UTC of `timeNs` 0. */
  readonly originNs: bigint;
  /** Registers what the operator remembers, so that checkpoints hold it; returns it. Numbers, booleans, typed arrays, rings. */
  keep<Kept extends Memory>(memory: Kept): Kept;
  /** The operator of another feature of the same instrument: one for all who ask, told of everything before whoever asked. */
  use<Made extends Operator>(feature: Feature<Made>): Made;
  /** Something to be done at a time to come, before any event of that time or later. Registered once, set again and again. */
  alarm(ring: (timeNs: number) => void): Alarm;
}

export interface TableContext extends Context {
  /** Appends a row: its time and the values of the columns. The array may be reused. */
  emit(timeNs: number, values: Float64Array): void;
}

export interface Alarm {
  /** Rings at `timeNs` instead of whenever it was set to; Infinity for never. */
  set(timeNs: number): void;
}

/** Name and parameters of a feature as one text: equal for equal numbers. */
export function definitionKey(definition: Definition): string {
  const parameters = Object.keys(definition.parameters)
    .sort()
    .map((name) => `${name}=${String(definition.parameters[name])}`);
  return `${definition.id}@${definition.version}(${parameters.join(",")})`;
}
