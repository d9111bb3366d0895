/**
 * Positions from a CSV file, as instruments and amounts of the pricing library. What the file does not say of the market (forwards,
 * volatilities, the index) comes from a fitted chain where there is one. Every cell that cannot be used is refused with its row and column.
 */
import type { Instrument, Position } from "@stoa/pricing/portfolio/instrument";
import type { Portfolio } from "@stoa/pricing/portfolio/payoff";
import { surfaceForward, surfaceVolatility } from "@stoa/pricing/surface/surface";
import { Failure } from "../failure.ts";
import { parseFuture, parseInstrument } from "./chain.ts";
import type { ChainFit } from "./chain-fit.ts";
import { cellFailure, columnsOf, numberAt, readCsv, textAt, type CsvFile, type CsvRow } from "./csv.ts";
import { yearMs } from "./time.ts";

/** The part that a column plays, and the names by which it is known. */
export const positionColumns = {
  instrument: ["instrument_name", "instrument", "symbol"],
  amount: ["amount", "size", "quantity", "position"],
  entry: ["entry_price", "average_price", "entry", "avg_price"],
  volatility: ["implied_volatility", "volatility", "iv"],
  percent: ["mark_iv"],
  forward: ["forward", "underlying_price", "futures_price"],
  index: ["index_price", "index"],
} as const;

type Part = keyof typeof positionColumns;
type Columns = Readonly<Partial<Record<Part, number>>>;

export interface PositionSettings {
  readonly columns?: Readonly<Record<string, string>> | undefined;
  readonly nowMs: number;
  readonly indexPrice?: number | undefined;
  /** A market to take from what the file does not say. */
  readonly market?: ChainFit | undefined;
}

export interface NamedPortfolio extends Portfolio {
  readonly source: string;
  readonly underlying: string;
  readonly names: readonly string[];
  readonly timeMs: number;
}

export function portfolioFromCsv(file: string, settings: PositionSettings): NamedPortfolio {
  const csv = readCsv(file);
  const columns: Columns = columnsOf<Part>(csv, positionColumns, settings.columns);
  for (const part of ["instrument", "amount"] as const) {
    if (columns[part] !== undefined) continue;
    const names = positionColumns[part].join(", ");
    throw new Failure(
      `${file} has no column for the ${part}: it is known as ${names}, or named with --columns ${part}=NAME`,
    );
  }
  if (csv.rows.length === 0) throw new Failure(`${file} has no positions under its line of names`);
  const indexPrice = indexOf(csv, columns, settings);
  const instruments: Instrument[] = [];
  const positions: Position[] = [];
  for (const row of csv.rows) {
    const instrument = instrumentOf(csv, columns, row, { ...settings, indexPrice });
    const amount = numberAt(csv, row, columns.amount);
    if (amount === undefined) throw cellFailure(csv, row, columns.amount!, "an amount is wanted");
    const entryPrice = numberAt(csv, row, columns.entry);
    positions.push({
      instrument: instruments.push(instrument) - 1,
      amount,
      ...(entryPrice === undefined ? {} : { entryPrice }),
    });
  }
  const names = csv.rows.map((row) => textAt(row, columns.instrument)!);
  const underlyings = new Set(names.map((name) => name.split(/[-_]/)[0]!));
  if (1 < underlyings.size)
    throw new Failure(
      `${file} holds positions in ${[...underlyings].join(", ")}: a table is of one underlying, so one file each`,
    );
  return {
    source: file,
    underlying: [...underlyings][0]!,
    names,
    instruments,
    positions,
    indexPrice,
    timeMs: settings.nowMs,
  };
}

function indexOf(csv: CsvFile, columns: Columns, { indexPrice, market }: PositionSettings): number {
  const said =
    indexPrice ?? csv.rows.map((row) => numberAt(csv, row, columns.index)).find((value) => value !== undefined);
  if (said !== undefined) return said;
  // Where nobody says the index, the nearest forward is nearest to it.
  const nearest = market?.expiries[0]?.slice.forward;
  if (nearest !== undefined) return nearest;
  throw new Failure(
    `${csv.file} does not say the index: give a column index_price, or --index 90000, or a market with --gateway or --chain`,
  );
}

interface Context extends PositionSettings {
  readonly indexPrice: number;
}

function instrumentOf(csv: CsvFile, columns: Columns, row: CsvRow, context: Context): Instrument {
  const name = textAt(row, columns.instrument) ?? "";
  const [underlying = "", kind] = name.split("-");
  const settlement = underlying.includes("_") ? "currency" : "coin";
  const given = numberAt(csv, row, columns.forward);
  if (kind === undefined && /^[A-Z0-9]+$/.test(name)) return { kind: "spot" };
  if (kind === "PERPETUAL") return { kind: "perpetual", settlement, forward: given ?? context.indexPrice };
  const future = parseFuture(name);
  if (future !== undefined) {
    const years = yearsTo(csv, columns, row, future.expiryMs, context.nowMs);
    return { kind: "future", settlement, years, forward: given ?? forwardOf(context, years) };
  }
  const option = parseInstrument(name);
  if (option === undefined)
    throw cellFailure(
      csv,
      row,
      columns.instrument!,
      "an instrument is wanted, such as BTC-25DEC26-100000-C, BTC-25DEC26, BTC-PERPETUAL or BTC",
    );
  const years = yearsTo(csv, columns, row, option.expiryMs, context.nowMs);
  const { type, strike } = option;
  const volatility = volatilityOf(csv, columns, row, { ...context, strike, years });
  return { kind: "option", settlement, type, strike, years, volatility, forward: given ?? forwardOf(context, years) };
}

function yearsTo(csv: CsvFile, columns: Columns, row: CsvRow, expiryMs: number, nowMs: number): number {
  if (nowMs < expiryMs) return (expiryMs - nowMs) / yearMs;
  throw cellFailure(
    csv,
    row,
    columns.instrument!,
    "it has expired: take it out, or say the moment of the positions with --at",
  );
}

const forwardOf = ({ market, indexPrice }: Context, years: number): number =>
  market === undefined ? indexPrice : surfaceForward(market.surface, years);

function volatilityOf(
  csv: CsvFile,
  columns: Columns,
  row: CsvRow,
  { market, strike, years }: Context & { readonly strike: number; readonly years: number },
): number {
  const percent = numberAt(csv, row, columns.percent);
  const given = numberAt(csv, row, columns.volatility) ?? (percent === undefined ? undefined : percent / 100);
  if (given !== undefined) return given;
  if (market !== undefined) return surfaceVolatility(market.surface, strike, years);
  const column = columns.volatility ?? columns.percent;
  const help = "give a column implied_volatility (0.5) or mark_iv (50), or a market with --gateway or --chain";
  if (column !== undefined) throw cellFailure(csv, row, column, `an option needs a volatility: ${help}`);
  throw new Failure(`${csv.file} row ${row.line}: an option needs a volatility: ${help}`);
}
