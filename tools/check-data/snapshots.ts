/**
 * Reads snapshots of option chains as they lie in `deribit-options/`: one gzipped CSV per time with a row per option of all
 * currencies, columns by name. It knows the format and nothing of prices; a row that does not fit it is an error that names file
 * and line.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { OptionType } from "@stoa/pricing/black76";
import type { OptionQuote } from "@stoa/pricing/surface/chain";

/** One option as the venue published it; prices in coin, money in the currency of the strike. */
export interface SnapshotRow {
  readonly instrument: string;
  readonly currency: string;
  readonly type: OptionType;
  readonly strike: number;
  readonly expiry: string;
  readonly years: number;
  /** The venue's forward for this expiry when the row was collected. */
  readonly forward: number;
  readonly bid: number | undefined;
  readonly ask: number | undefined;
  readonly mark: number;
  readonly markVolatility: number;
  readonly delta: number;
  /** Per point of volatility. */
  readonly vega: number;
}

export interface SnapshotExpiry {
  readonly expiry: string;
  readonly years: number;
  /** The median over its rows: they were collected over some seconds, in which the forward moved. */
  readonly forward: number;
  readonly rows: readonly SnapshotRow[];
  readonly quotes: readonly OptionQuote[];
}

export interface Chain {
  readonly file: string;
  readonly time: string;
  readonly currency: string;
  readonly expiries: readonly SnapshotExpiry[];
}

/** The files of a data folder that hold snapshots, by time. */
export function snapshotFiles(folder: string): string[] {
  const place = join(folder, "deribit-options");
  return readdirSync(place)
    .filter((name) => name.startsWith("deribit_options_snapshot_") && name.endsWith(".csv.gz"))
    .sort()
    .map((name) => join(place, name));
}

/** The chains of one snapshot, a currency each. Rows at or after their expiry are left out. */
export function readSnapshot(file: string): Chain[] {
  const [head = "", ...lines] = gunzipSync(readFileSync(file)).toString("utf8").trim().split("\n");
  const columns = new Map(head.split(",").map((name, index) => [name, index]));
  const time = lines[0]?.split(",")[columns.get("timestamp") ?? 0] ?? "";
  const byCurrency = new Map<string, Map<string, SnapshotRow[]>>();
  for (const [index, line] of lines.entries()) {
    const row = rowOf(line.split(","), columns, `${file}:${index + 2}`);
    if (!(0 < row.years)) continue;
    const byExpiry = byCurrency.get(row.currency) ?? new Map<string, SnapshotRow[]>();
    byCurrency.set(row.currency, byExpiry);
    byExpiry.set(row.expiry, [...(byExpiry.get(row.expiry) ?? []), row]);
  }
  return [...byCurrency].map(([currency, byExpiry]) => {
    const expiries = [...byExpiry].map(([expiry, rows]) => expiryOf(expiry, rows));
    return { file, time, currency, expiries: expiries.sort((one, other) => one.years - other.years) };
  });
}

function expiryOf(expiry: string, rows: readonly SnapshotRow[]): SnapshotExpiry {
  const forwards = rows.map(({ forward }) => forward).sort((one, other) => one - other);
  return {
    expiry,
    years: rows[0]!.years,
    forward: forwards[forwards.length >> 1]!,
    rows,
    quotes: rows.map(({ type, strike, bid, ask }) => ({ type, strike, bid, ask })),
  };
}

function rowOf(cells: readonly string[], columns: ReadonlyMap<string, number>, place: string): SnapshotRow {
  const text = (name: string): string => {
    const index = columns.get(name);
    if (index === undefined) throw new Error(`${place}: there is no column ${name}`);
    return cells[index] ?? "";
  };
  const number = (name: string): number => {
    const value = text(name) === "" ? NaN : Number(text(name));
    if (Number.isFinite(value)) return value;
    throw new Error(`${place}: ${name} is no number: "${text(name)}"`);
  };
  const side = (name: string): number | undefined => (text(name) === "" ? undefined : number(name));
  const type = text("option_type");
  if (type !== "call" && type !== "put") throw new Error(`${place}: option_type is call or put: "${type}"`);
  return {
    instrument: text("instrument_name"),
    currency: text("currency"),
    type,
    strike: number("strike"),
    expiry: text("expiry_datetime"),
    years: number("time_to_maturity"),
    forward: number("underlying"),
    bid: side("bid_price"),
    ask: side("ask_price"),
    mark: number("mark_price"),
    markVolatility: number("implied_volatility"),
    delta: number("delta"),
    vega: number("vega"),
  };
}
