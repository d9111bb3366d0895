/**
 * What traded in the last 24 hours, per instrument, in buckets of a minute; read from the history once and kept by trades.
 * All in integers: prices in ticks, volumes in 1e-8.
 */
import { present } from "@stoa/base/assert";
import type { EventOf } from "@stoa/protocol/event";
import type { Listing } from "../catalog.ts";
import { minuteMs, minuteOf } from "../history/projection.ts";
import type { Row, Store } from "../history/store.ts";
import { tradeVolumes } from "./volume.ts";

export interface Bucket {
  readonly minute: number;
  open: number;
  high: number;
  low: number;
  close: number;
  base: bigint;
  quote: bigint;
  usd: bigint;
}

export interface DayStatistics {
  readonly high: number | undefined;
  readonly low: number | undefined;
  /** The first price of the window. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly base: bigint;
  readonly quote: bigint;
  readonly usd: bigint;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Oldest first; at most a day of minutes. */
export type Buckets = Bucket[];

export function loadBuckets(store: Store, instrument: number, timeMs: number): Buckets {
  const rows = store.all(
    "SELECT * FROM candles WHERE instrument = ? AND minutes = 1 AND ? < start_ms ORDER BY start_ms",
    instrument,
    timeMs - dayMs,
  );
  return rows.map(bucketOfRow);
}

export function bucketOfRow(row: Row): Bucket {
  return {
    minute: Number(row["start_ms"]),
    open: Number(row["open"]),
    high: Number(row["high"]),
    low: Number(row["low"]),
    close: Number(row["close"]),
    base: BigInt(String(row["base"])),
    quote: BigInt(String(row["quote"])),
    usd: BigInt(String(row["usd"])),
  };
}

export function addTrade(buckets: Buckets, listing: Listing, trade: EventOf<"trade">, timeMs: number): void {
  const minute = minuteOf(timeMs);
  const { base, quote, usd } = tradeVolumes(listing, trade);
  const price = trade.priceTicks;
  const last = buckets.at(-1);
  if (last === undefined || last.minute !== minute) {
    buckets.push({ minute, open: price, high: price, low: price, close: price, base, quote, usd });
    while (buckets[0]!.minute <= minute - dayMs) buckets.shift();
    return;
  }
  last.high = Math.max(last.high, price);
  last.low = Math.min(last.low, price);
  last.close = price;
  last.base += base;
  last.quote += quote;
  last.usd += usd;
}

/** PERF: one pass over at most 1440 buckets. */
export function dayStatistics(buckets: Buckets, timeMs: number): DayStatistics {
  const from = timeMs - dayMs;
  let high: number | undefined;
  let low: number | undefined;
  let first: number | undefined;
  let base = 0n;
  let quote = 0n;
  let usd = 0n;
  for (const bucket of buckets) {
    if (bucket.minute + minuteMs <= from) continue;
    first ??= bucket.open;
    high = high === undefined ? bucket.high : Math.max(high, bucket.high);
    low = low === undefined ? bucket.low : Math.min(low, bucket.low);
    base += bucket.base;
    quote += bucket.quote;
    usd += bucket.usd;
  }
  return { high, low, first, last: buckets.at(-1)?.close, base, quote, usd };
}

/** A candle of `resolutionMs` made of minutes, or the running one of a list of buckets. */
export function candleOf(minutes: readonly Bucket[], tick: number): Bucket {
  const first = present(minutes[0], "a candle is made of at least one minute");
  const candle: Bucket = { ...first, minute: tick };
  for (const minute of minutes.slice(1)) {
    candle.high = Math.max(candle.high, minute.high);
    candle.low = Math.min(candle.low, minute.low);
    candle.close = minute.close;
    candle.base += minute.base;
    candle.quote += minute.quote;
    candle.usd += minute.usd;
  }
  return candle;
}
