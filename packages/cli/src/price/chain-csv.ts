/**
 * A chain from a CSV file: the columns that venues and their recorders use are known by name, others are named with
 * --columns. Every cell that cannot be read is refused with its row and column.
 */
import { Failure } from "../failure.ts";
import { chainOf, parseInstrument, type Chain, type LooseQuote } from "./chain.ts";
import { cellFailure, columnsOf, numberAt, readCsv, textAt, type CsvFile, type CsvRow } from "./csv.ts";
import { parseTime, yearMs } from "./time.ts";

/** The part that a column plays, and the names by which it is known, the first that a file has. */
export const chainColumns = {
  instrument: ["instrument_name", "instrument", "symbol"],
  type: ["option_type", "type", "call_put", "right"],
  strike: ["strike", "strike_price"],
  expiry: ["expiry_datetime", "expiry", "expiration_timestamp", "expiration", "expiry_date"],
  years: ["years", "time_to_maturity"],
  bid: ["bid_price", "bid", "best_bid_price"],
  ask: ["ask_price", "ask", "best_ask_price"],
  mark: ["mark_price", "mark"],
  volatility: ["implied_volatility", "mark_volatility", "iv"],
  percent: ["mark_iv"],
  forward: ["forward", "underlying_price", "futures_price", "underlying"],
  time: ["timestamp", "time", "creation_timestamp"],
  currency: ["currency", "base_currency"],
  paid: ["quote_currency", "price_currency"],
} as const;

type Part = keyof typeof chainColumns;
type Columns = Readonly<Partial<Record<Part, number>>>;

export interface ChainCsvSettings {
  readonly columns?: Readonly<Record<string, string>> | undefined;
  /** What prices are in, where the file does not say it, or says it wrongly. */
  readonly unit?: "coin" | "currency" | undefined;
  readonly currency?: string | undefined;
  /** The moment of the quotes where the file does not say it. */
  readonly timeMs?: number | undefined;
}

export function chainFromCsv(file: string, settings: ChainCsvSettings): Chain {
  const csv = readCsv(file);
  const columns: Columns = columnsOf<Part>(csv, chainColumns, settings.columns);
  const named = columns.instrument !== undefined;
  wantColumn(csv, columns, "strike", named);
  wantColumn(csv, columns, "type", named);
  wantColumn(csv, columns, "expiry", named || columns.years !== undefined);
  if (columns.bid === undefined && columns.ask === undefined)
    throw new Failure(missing(csv, "bid") + `, or one for the ask: ${chainColumns.ask.join(", ")}`);
  const { underlying, rows } = rowsOfOne(csv, columns, settings.currency);
  const timeMs = settings.timeMs ?? timeOf(csv, columns, rows);
  const quotes = rows.map((row) => quoteOf(csv, columns, row, timeMs));
  if (quotes.length === 0) throw new Failure(`${file} has no quotes under its line of names`);
  const unit = settings.unit ?? unitOf(csv, columns, rows, underlying);
  return chainOf({ source: file, underlying, unit, timeMs }, quotes);
}

/**
 * What the prices are in: in coin where they are paid in the underlying, or where a name is that of an option settled in it
 * (BTC-25DEC26-100000-C); in the currency of the strikes where they are paid in another, or the name has that too (BTC_USDC-...).
 * A file whose rows say nothing, or not the same, is refused: a surface would come out of the wrong unit too.
 */
function unitOf(csv: CsvFile, columns: Columns, rows: readonly CsvRow[], underlying: string): "coin" | "currency" {
  const coin = underlying.split("_")[0];
  const said = new Set(
    rows.map((row) => {
      const paid = textAt(row, columns.paid)?.toUpperCase();
      if (paid !== undefined) return paid === coin ? "coin" : "currency";
      const parsed = parseInstrument(textAt(row, columns.instrument) ?? "");
      return parsed === undefined ? undefined : parsed.underlying.includes("_") ? "currency" : "coin";
    }),
  );
  const [unit] = said;
  if (said.size === 1 && unit !== undefined) return unit;
  const says = said.size === 1 ? "does not say" : "does not say of all its rows alike";
  throw new Failure(
    `${csv.file} ${says} what its prices are in: --unit coin where they are in the underlying, --unit currency where in that of the strikes`,
  );
}

const missing = (csv: CsvFile, part: Part): string =>
  `${csv.file} has no column for the ${part}: it is known as ${chainColumns[part].join(", ")}, or named with --columns ${part}=NAME`;

function wantColumn(csv: CsvFile, columns: Columns, part: Part, elsewhere: boolean): void {
  if (columns[part] === undefined && !elsewhere) throw new Failure(missing(csv, part));
}

/** The rows of one underlying: of the one that was asked for, or of the only one there is. */
function rowsOfOne(csv: CsvFile, columns: Columns, wanted: string | undefined) {
  const underlyingOf = (row: CsvRow): string =>
    parseInstrument(textAt(row, columns.instrument) ?? "")?.underlying ?? textAt(row, columns.currency) ?? "";
  const byName = Map.groupBy(csv.rows, underlyingOf);
  const names = [...byName.keys()];
  if (wanted !== undefined && names.some((name) => name !== "")) {
    const rows = byName.get(wanted.toUpperCase());
    if (rows !== undefined) return { underlying: wanted.toUpperCase(), rows };
    throw new Failure(`--currency ${wanted}: ${csv.file} has no quotes of it, but of ${names.join(", ")}`);
  }
  if (1 < names.length)
    throw new Failure(`${csv.file} holds quotes of ${names.join(", ")}: choose one with --currency ${names[0]}`);
  return { underlying: names[0] ?? "", rows: csv.rows };
}

/** The latest time in the file. */
function timeOf(csv: CsvFile, columns: Columns, rows: readonly CsvRow[]): number {
  if (columns.time === undefined)
    throw new Failure(`${missing(csv, "time")}; or say the moment of its quotes with --at 2026-01-02T09:18Z`);
  return rows.reduce((latest, row) => Math.max(latest, timeAt(csv, row, columns.time!)), -Infinity);
}

/** Milliseconds since 1970, or a time in words. */
function timeAt(csv: CsvFile, row: CsvRow, column: number): number {
  const text = textAt(row, column);
  if (text === undefined) throw cellFailure(csv, row, column, "a time is wanted");
  if (/^\d{12,14}$/.test(text)) return Number(text);
  return parseTime(text, `${csv.file} row ${row.line}, column ${csv.names[column]}`);
}

function quoteOf(csv: CsvFile, columns: Columns, row: CsvRow, timeMs: number): LooseQuote {
  const instrument = textAt(row, columns.instrument) ?? `row ${row.line}`;
  const parsed = parseInstrument(instrument);
  const price = (part: Part): number | undefined => {
    const value = numberAt(csv, row, columns[part]);
    if (value !== undefined && value < 0) throw cellFailure(csv, row, columns[part]!, "a price is not negative");
    return value === 0 ? undefined : value;
  };
  const strike = columns.strike === undefined ? parsed?.strike : price("strike");
  const type = columns.type === undefined ? parsed?.type : typeAt(csv, row, columns.type);
  const expiryMs = expiryAt(csv, columns, row, timeMs) ?? parsed?.expiryMs;
  if (strike === undefined || type === undefined || expiryMs === undefined) {
    const column =
      (strike === undefined
        ? columns.strike
        : expiryMs === undefined
          ? (columns.expiry ?? columns.years)
          : undefined) ?? columns.instrument!;
    throw cellFailure(csv, row, column, "an option is wanted, such as BTC-25DEC26-100000-C");
  }
  const percent = numberAt(csv, row, columns.percent);
  return {
    instrument: parsed === undefined && columns.instrument === undefined ? `${strike} ${type}` : instrument,
    type,
    strike,
    expiryMs,
    bid: price("bid"),
    ask: price("ask"),
    mark: price("mark"),
    markVolatility: numberAt(csv, row, columns.volatility) ?? (percent === undefined ? undefined : percent / 100),
    forward: price("forward"),
  };
}

function expiryAt(csv: CsvFile, columns: Columns, row: CsvRow, timeMs: number): number | undefined {
  if (columns.expiry !== undefined) return timeAt(csv, row, columns.expiry);
  const years = numberAt(csv, row, columns.years);
  return years === undefined ? undefined : timeMs + years * yearMs;
}

function typeAt(csv: CsvFile, row: CsvRow, column: number): "call" | "put" {
  const text = textAt(row, column)?.toLowerCase() ?? "";
  if (text === "c" || text === "call") return "call";
  if (text === "p" || text === "put") return "put";
  throw cellFailure(csv, row, column, "call or put is wanted");
}
