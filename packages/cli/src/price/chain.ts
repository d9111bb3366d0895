/** A chain of option quotes of one underlying at one moment, wherever it came from, and the names of instruments. */
import type { OptionType } from "@stoa/pricing/black76";
import { shortDate, venueDate, yearMs } from "./time.ts";

export interface ChainQuote {
  readonly instrument: string;
  readonly type: OptionType;
  readonly strike: number;
  /** In the unit of the chain; absent where nobody quotes. */
  readonly bid: number | undefined;
  readonly ask: number | undefined;
  readonly mark: number | undefined;
  /** The venue's own, 0.5 for 50 %. */
  readonly markVolatility: number | undefined;
}

export interface ChainExpiry {
  readonly name: string;
  readonly years: number;
  /** Absent: put-call parity has to say it. */
  readonly forward: number | undefined;
  readonly quotes: readonly ChainQuote[];
}

export interface Chain {
  /** Where it is from, for headings. */
  readonly source: string;
  readonly underlying: string;
  readonly unit: "coin" | "currency";
  readonly timeMs: number;
  /** Ascending. */
  readonly expiries: readonly ChainExpiry[];
  /** Quotes that were left out because their time is over. */
  readonly expiredCount: number;
}

/** A quote before it is known which expiry it belongs to. */
export interface LooseQuote extends ChainQuote {
  readonly expiryMs: number;
  readonly forward: number | undefined;
}

export interface InstrumentName {
  readonly underlying: string;
  readonly expiryMs: number;
  readonly strike: number;
  readonly type: OptionType;
}

/** BTC-25DEC26-100000-C, BTC_USDC-25DEC26-100000-P, XRP_USDC-25DEC26-0d625-C; undefined for anything else. */
export function parseInstrument(name: string): InstrumentName | undefined {
  const [, underlying, date, strike, side] = /^([A-Z0-9_]+)-(\d{1,2}[A-Z]{3}\d{2})-([\dd.]+)-([CP])$/.exec(name) ?? [];
  const expiryMs = date === undefined ? undefined : venueDate(date);
  const price = Number(strike?.replace("d", "."));
  if (underlying === undefined || expiryMs === undefined || !(0 < price)) return undefined;
  return { underlying, expiryMs, strike: price, type: side === "C" ? "call" : "put" };
}

/** BTC-25DEC26, ETH_USDC-25DEC26; undefined for anything else. */
export function parseFuture(name: string): { readonly underlying: string; readonly expiryMs: number } | undefined {
  const [, underlying, date] = /^([A-Z0-9_]+)-(\d{1,2}[A-Z]{3}\d{2})$/.exec(name) ?? [];
  const expiryMs = date === undefined ? undefined : venueDate(date);
  return underlying === undefined || expiryMs === undefined ? undefined : { underlying, expiryMs };
}

/** Sorts quotes into expiries; the forward of an expiry is the median of what its quotes say. */
export function chainOf(
  head: Pick<Chain, "source" | "underlying" | "unit" | "timeMs">,
  quotes: readonly LooseQuote[],
): Chain {
  const byExpiry = Map.groupBy(quotes, ({ expiryMs }) => expiryMs);
  const alive = [...byExpiry].filter(([expiryMs]) => head.timeMs < expiryMs).sort(([a], [b]) => a - b);
  const expiries = alive.map(([expiryMs, members]) => ({
    name: shortDate(expiryMs),
    years: (expiryMs - head.timeMs) / yearMs,
    forward: median(members.flatMap(({ forward }) => (forward === undefined ? [] : [forward]))),
    quotes: members.toSorted((a, b) => a.strike - b.strike || (a.type < b.type ? -1 : 1)),
  }));
  const kept = expiries.reduce((count, expiry) => count + expiry.quotes.length, 0);
  return { ...head, expiries, expiredCount: quotes.length - kept };
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
