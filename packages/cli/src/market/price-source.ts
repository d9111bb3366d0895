/**
 * What a devnet validator sees of the world: index prices, forwards and volatilities for the expiries it is asked about, from
 * the seeded path or from a recorded file of index prices. The node signs what `read` returns; nothing here knows the exchange.
 */
import { readFileSync } from "node:fs";
import { priceE8, timeMs, type PriceE8 } from "@stoa/base/units";
import type { PriceSource } from "@stoa/node/price-source";
import { Failure } from "../failure.ts";
import { curveAt, indexAt, type IndexPath } from "./price-path.ts";

/** How each index of genesis moves, in the order of genesis. */
export interface PriceParameters {
  readonly seed: number;
  readonly indexes: readonly { readonly name: string; readonly initialPrice: number; readonly volatility: number }[];
  /** Path of a CSV file with a `time` column and one column per index; replaces the seeded index, not the curves. */
  readonly file?: string | undefined;
  /** The wall time at which the file's first row holds. */
  readonly originMs: number;
}

export function openPriceSource(parameters: PriceParameters): PriceSource {
  const { seed } = parameters;
  const paths: readonly IndexPath[] = parameters.indexes.map((index, stream) => ({ stream, ...index }));
  const recording = parameters.file === undefined ? undefined : loadRecording(parameters.file, parameters.indexes);
  const dollarsAt = (index: number, wallMs: number): number =>
    recording?.(index, wallMs - parameters.originMs) ?? indexAt(seed, paths[index]!, wallMs);

  return {
    read(nowMs, expiries) {
      const dollars = paths.map((_, index) => dollarsAt(index, nowMs));
      return {
        sourceMs: timeMs(Math.floor(nowMs)),
        indexes: dollars.map((price, index) => ({ index, price: toFixed8(price) })),
        curves: expiries
          .filter(({ index, expiryMs }) => nowMs < expiryMs && index < paths.length)
          .map(({ index, expiryMs }) => {
            const curve = curveAt(seed, paths[index]!, { wallMs: nowMs, expiryMs, index: dollars[index]! });
            const volatilitiesPpm = curve.volatilities.map((volatility) => Math.round(volatility * 1e6));
            return { index, expiryMs: timeMs(expiryMs), forward: toFixed8(curve.forward), volatilitiesPpm };
          }),
      };
    },
  };
}

/** To whole cents first, as index providers publish them, then to 1e-8. */
const toFixed8 = (dollars: number): PriceE8 => priceE8(Math.round(dollars * 100) * 1_000_000);

/** Price of an index so many milliseconds after the start, or nothing when the file has no such column. */
type Recording = (index: number, elapsedMs: number) => number | undefined;

/**
 * Reads a CSV file whose `time` column holds milliseconds (or ISO dates) and ascends. Between rows prices are interpolated; after
 * the last row the recording runs backwards, and then forwards again, so that it has no end and no jump.
 */
export function loadRecording(file: string, indexes: readonly { readonly name: string }[]): Recording {
  const rows = readRows(file);
  const header = rows[0]!;
  const timeColumn = header.indexOf("time");
  if (timeColumn < 0) throw new Failure(`${file}: line 1 must name the columns, one of them "time"`);
  const columns = indexes.map(({ name }) => header.indexOf(name));
  if (columns.every((column) => column < 0)) {
    throw new Failure(`${file}: no column for any index: wanted one of ${indexes.map(({ name }) => name).join(", ")}`);
  }
  const times = rows.slice(1).map((row, index) => timeOf(file, index + 2, row[timeColumn]));
  if (times.length < 2) throw new Failure(`${file}: at least two rows of prices are needed`);
  times.forEach((time, index) => {
    if (0 < index && time <= times[index - 1]!) throw new Failure(`${file}: line ${index + 2}: times must ascend`);
  });
  const prices = columns.map((column) =>
    column < 0 ? undefined : rows.slice(1).map((row, index) => priceOf(file, index + 2, row[column])),
  );
  const spanMs = times.at(-1)! - times[0]!;
  return (index, elapsedMs) => {
    const series = prices[index];
    return series === undefined ? undefined : interpolate(times, series, times[0]! + folded(elapsedMs, spanMs));
  };
}

function readRows(file: string): readonly (readonly string[])[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new Failure(`${file}: the file of index prices cannot be read`);
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (lines.length === 0) throw new Failure(`${file}: the file of index prices is empty`);
  return lines.map((line) => line.split(",").map((field) => field.trim()));
}

function timeOf(file: string, line: number, field: string | undefined): number {
  const time = /^\d+$/.test(field ?? "") ? Number(field) : Date.parse(field ?? "");
  if (!Number.isFinite(time)) throw new Failure(`${file}: line ${line}: "${field ?? ""}" is no time`);
  return time;
}

function priceOf(file: string, line: number, field: string | undefined): number {
  const price = Number(field === "" ? undefined : field);
  if (!(0 < price && price < 9e7)) throw new Failure(`${file}: line ${line}: "${field ?? ""}" is no price in dollars`);
  return price;
}

/** Position in a span that is run forwards, backwards, forwards ... */
function folded(elapsedMs: number, spanMs: number): number {
  const position = ((elapsedMs % (2 * spanMs)) + 2 * spanMs) % (2 * spanMs);
  return position <= spanMs ? position : 2 * spanMs - position;
}

function interpolate(times: readonly number[], series: readonly number[], time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) low = middle;
    else high = middle;
  }
  const part = (time - times[low]!) / (times[high]! - times[low]!);
  return series[low]! + (series[high]! - series[low]!) * part;
}
