/** Reads of the history: trades, fills, closed orders, candles, funding, index prices, settlements and ledger entries. */
import { decodeOrThrow } from "@stoa/base/codec";
import { orderRecord, type OrderRecord } from "@stoa/protocol/event";
import { bucketOfRow, candleOf, type Bucket } from "../market/statistics.ts";
import { minuteMs, storedResolutions } from "./projection.ts";
import type { Row, SqlValue, Store } from "./store.ts";

export interface Page {
  readonly count: number;
  readonly ascending: boolean;
}

export interface TradeFilter {
  /** Instruments to look at; none means nothing matches. */
  readonly instruments: readonly number[];
  readonly sequenceFrom?: number | undefined;
  readonly sequenceTo?: number | undefined;
  readonly tradeFrom?: number | undefined;
  readonly tradeTo?: number | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * Trades are numbered in the order of time, so bounds in time become bounds in numbers. The unary plus keeps SQLite from
 * walking one index per instrument and sorting: with many instruments it reads trades in their order until it has enough.
 */
function conditionsOf(store: Store, filter: TradeFilter): Condition {
  const single = filter.instruments.length === 1;
  const parts: string[] = [single ? "t.instrument = ?" : "+t.instrument IN (SELECT value FROM json_each(?))"];
  const values: SqlValue[] = [single ? filter.instruments[0]! : JSON.stringify(filter.instruments)];
  const add = (sql: string, value: number | undefined): void => {
    if (value === undefined) return;
    parts.push(sql);
    values.push(value);
  };
  add("? <= t.sequence", filter.sequenceFrom);
  add("t.sequence <= ?", filter.sequenceTo);
  add("? <= t.trade", filter.tradeFrom);
  add("t.trade <= ?", filter.tradeTo);
  if (filter.fromMs !== undefined) add("? <= t.trade", firstTradeFrom(store, filter.fromMs));
  if (filter.toMs !== undefined) add("t.trade < ?", firstTradeFrom(store, filter.toMs + 1));
  return { sql: parts.join(" AND "), values };
}

/** The number of the first trade at or after a time; beyond all numbers when there is none. */
function firstTradeFrom(store: Store, timeMs: number): number {
  const row = store.one("SELECT trade FROM trades WHERE ? <= time_ms ORDER BY time_ms, trade LIMIT 1", timeMs);
  return row === undefined ? Number.MAX_SAFE_INTEGER : Number(row["trade"]);
}

interface Rows {
  readonly rows: readonly Row[];
  readonly hasMore: boolean;
}

function page(rows: readonly Row[], count: number): Rows {
  return { rows: rows.slice(0, count), hasMore: count < rows.length };
}

export function findTrades(store: Store, filter: TradeFilter, { count, ascending }: Page): Rows {
  if (filter.instruments.length === 0) return { rows: [], hasMore: false };
  const { sql, values } = conditionsOf(store, filter);
  const order = ascending ? "ASC" : "DESC";
  const rows = store.all(
    `SELECT t.* FROM trades t WHERE ${sql} ORDER BY t.trade ${order} LIMIT ?`,
    ...values,
    count + 1,
  );
  return page(rows, count);
}

/** Rows join the trade, the party's fill and, when the order has ended, its final state. */
export function findFills(store: Store, account: number, filter: TradeFilter, { count, ascending }: Page): Rows {
  if (filter.instruments.length === 0) return { rows: [], hasMore: false };
  const { sql, values } = conditionsOf(store, filter);
  const order = ascending ? "ASC" : "DESC";
  const rows = store.all(
    `SELECT f.*, t.* FROM fills f JOIN trades t ON t.trade = f.trade
     WHERE f.account = ? AND ${sql} ORDER BY f.trade ${order} LIMIT ?`,
    account,
    ...values,
    count + 1,
  );
  return page(rows, count);
}

export function findFillsOfOrder(store: Store, account: number, order: number, ascending: boolean): readonly Row[] {
  return store.all(
    `SELECT f.*, t.* FROM fills f JOIN trades t ON t.trade = f.trade
     WHERE f.order_id = ? AND f.account = ? ORDER BY f.trade ${ascending ? "ASC" : "DESC"} LIMIT 1000`,
    order,
    account,
  );
}

const orderOfRow = (row: Row): OrderRecord => decodeOrThrow(orderRecord, row["record"] as Uint8Array);

/** An order that has ended and is still kept. */
export function findOrder(store: Store, order: number): OrderRecord | undefined {
  const row = store.one("SELECT record FROM orders WHERE order_id = ?", order);
  return row === undefined ? undefined : orderOfRow(row);
}

export interface OrderFilter {
  readonly account: number;
  readonly instruments: readonly number[];
  readonly includeUnfilled: boolean;
  readonly label?: string | undefined;
  readonly count: number;
  readonly offset: number;
}

/** Ended orders, newest first. */
export function findOrders(store: Store, filter: OrderFilter): readonly OrderRecord[] {
  if (filter.instruments.length === 0) return [];
  const label = filter.label === undefined ? "" : "AND label = ?";
  return store
    .all(
      `SELECT record FROM orders WHERE account = ? AND +instrument IN (SELECT value FROM json_each(?))
       ${filter.includeUnfilled ? "" : "AND filled = 1"} ${label} ORDER BY order_id DESC LIMIT ? OFFSET ?`,
      filter.account,
      JSON.stringify(filter.instruments),
      ...(filter.label === undefined ? [] : [filter.label]),
      filter.count,
      filter.offset,
    )
    .map(orderOfRow);
}

export interface CandleRange {
  readonly instrument: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolutionMs: number;
}

export const candlesCountMax = 5_000;

/** Candles of a range; intervals without trades repeat the close before them, with no volume. */
export function findCandles(store: Store, { instrument, fromMs, toMs, resolutionMs }: CandleRange): readonly Bucket[] {
  const last = toMs - (toMs % resolutionMs);
  const first = Math.max(fromMs - (fromMs % resolutionMs), last - (candlesCountMax - 1) * resolutionMs);
  const stored = storedResolutions.findLast((minutes) => resolutionMs % (minutes * minuteMs) === 0) ?? 1;
  const before = store.one(
    "SELECT close FROM candles WHERE instrument = ? AND minutes = 1 AND start_ms < ? ORDER BY start_ms DESC LIMIT 1",
    instrument,
    first,
  );
  const minutes = store.all(
    "SELECT * FROM candles WHERE instrument = ? AND minutes = ? AND ? <= start_ms AND start_ms < ? ORDER BY start_ms",
    instrument,
    stored,
    first,
    last + resolutionMs,
  );
  const groups = Map.groupBy(minutes.map(bucketOfRow), ({ minute }) => minute - (minute % resolutionMs));
  const candles: Bucket[] = [];
  let close = before === undefined ? undefined : Number(before["close"]);
  for (let tick = first; tick <= last; tick += resolutionMs) {
    const group = groups.get(tick);
    if (group !== undefined) {
      const candle = candleOf(group, tick);
      candles.push(candle);
      close = candle.close;
    } else if (close !== undefined) {
      candles.push({ minute: tick, open: close, high: close, low: close, close, base: 0n, quote: 0n, usd: 0n });
    }
  }
  return candles;
}

const eightHoursMs = 8 * 60 * 60 * 1000;

/** Interest of a period: the 8-hour rate, weighted by the time for which it held; a plain number such as 0.0001. */
export function fundingBetween(store: Store, instrument: number, fromMs: number, toMs: number): number {
  const total = (atMs: number): bigint => fundingTotalAt(store, instrument, atMs);
  return Number(total(toMs) - total(fromMs)) / eightHoursMs / 1e12;
}

/** The running sum of rate times milliseconds at a time: the last minute that had ended, and its rate since then. */
function fundingTotalAt(store: Store, instrument: number, atMs: number): bigint {
  const row = store.one(
    "SELECT * FROM funding WHERE instrument = ? AND time_ms <= ? ORDER BY minute_ms DESC LIMIT 1",
    instrument,
    atMs,
  );
  if (row === undefined) return 0n;
  const next = store.one(
    "SELECT rate_e12, time_ms FROM funding WHERE instrument = ? AND ? < time_ms ORDER BY minute_ms LIMIT 1",
    instrument,
    atMs,
  );
  const sinceMs = next === undefined ? 0 : atMs - Number(row["time_ms"]);
  return BigInt(String(row["total"])) + BigInt(Number(next?.["rate_e12"] ?? 0)) * BigInt(Math.floor(sinceMs));
}

/** The running index of funding at the end of the history: what one long lot has paid, in 1e-12 of the smallest unit. */
export function lastAccruedFunding(store: Store, instrument: number): bigint {
  const row = store.one(
    "SELECT accrued_e12 FROM funding WHERE instrument = ? ORDER BY minute_ms DESC LIMIT 1",
    instrument,
  );
  return BigInt(String(row?.["accrued_e12"] ?? 0));
}

/** The last known index price at or before a time, in 1e-8. */
export function indexPriceAt(store: Store, index: number, atMs: number): number | undefined {
  const row = store.one(
    "SELECT price FROM indexes WHERE index_id = ? AND minute_ms <= ? ORDER BY minute_ms DESC LIMIT 1",
    index,
    atMs,
  );
  return row === undefined ? undefined : Number(row["price"]);
}

export interface IndexPoint {
  readonly minute: number;
  readonly price: number;
}

/** The last price of each interval of `stepMs` that has one, oldest first. */
export function indexPrices(store: Store, index: number, fromMs: number, stepMs: number): readonly IndexPoint[] {
  const rows = store.all(
    "SELECT max(minute_ms) AS minute_ms, price FROM indexes WHERE index_id = ? AND ? <= minute_ms GROUP BY minute_ms / ?",
    index,
    fromMs,
    Math.max(stepMs, minuteMs),
  );
  return rows.map((row) => ({ minute: Number(row["minute_ms"]), price: Number(row["price"]) }));
}
