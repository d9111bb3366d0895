/**
 * Opens a file of events, whatever its format: detects it, finds what belongs to it in the same folder (the book beside LOBSTER's messages, lists
 * and answers beside a capture) and hands it to its reader.
 *
 * @example
 * const source = await openSource("es.mbo.dbn.zst", { terms: { "*": { tick: "0.25" } } });
 * const graph = features({ instruments: source.instruments, originNs: source.originNs, clock: every.book() }).add(spread({ unit: "ticks" }));
 * const stream = graph.stream({ onRow });
 * for await (const batch of source.batches()) stream.pushBatch(batch);
 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { EventSource } from "../source.ts";
import { binance } from "./binance.ts";
import { bitmex } from "./bitmex.ts";
import { readBitstamp } from "./bitstamp.ts";
import { headOf, openBytes, type ByteInput } from "./bytes.ts";
import { readCapture } from "./capture.ts";
import { readCsv, type CsvMapping } from "./csv.ts";
import { readDbn } from "./dbn.ts";
import { deribit, deribitName } from "./deribit.ts";
import { detectFormat, formatWords, type Format } from "./detect.ts";
import { readLobster } from "./lobster.ts";
import { excerpt, ReadRefusal } from "./read-refusal.ts";
import type { TermsByName } from "./terms.ts";

export interface OpenOptions {
  /** Instead of detecting it. */
  readonly format?: Format;
  /** Ticks, lots and kinds by instrument; `*` for all. */
  readonly terms?: TermsByName;
  /** Name of the instrument, where the file says none (Bitstamp, CSV), or another one than its name says (LOBSTER). */
  readonly symbol?: string;
  /** Day of the file, `2012-06-21`, where its name says none (LOBSTER). */
  readonly date?: string;
  /** How the columns of a CSV file are meant. */
  readonly mapping?: CsvMapping;
  /** Only these instruments of a capture. */
  readonly only?: readonly string[];
}

/** Refuses what is not there and what it cannot tell, with the formats that it can. */
export async function openSource(path: string, options: OpenOptions = {}): Promise<EventSource> {
  const input = await openBytes(path);
  const { terms, symbol, mapping, only } = options;
  const given = { ...(terms === undefined ? {} : { terms }), ...(symbol === undefined ? {} : { symbol }) };
  const format = options.format ?? (mapping === undefined ? detectFormat(path, await headOf(input, 65_536)) : "csv");
  const capture = { ...given, ...(only === undefined ? {} : { only }) };
  switch (format) {
    case "dbn":
      return readDbn(input, given);
    case "lobster":
      return openLobster(input, options);
    case "bitstamp":
      return readBitstamp(input, given);
    case "deribit":
      return readCapture({ ...capture, venue: deribit, inputs: await withCompanions(path, input) }, deribitName);
    case "binance":
      return readCapture({ ...capture, venue: binance, inputs: await withCompanions(path, input) });
    case "bitmex":
      return readCapture({ ...capture, venue: bitmex, inputs: await withCompanions(path, input) });
    case "csv":
      if (mapping === undefined)
        throw new ReadRefusal({ file: path, found: "CSV without a mapping", wanted: "a mapping" });
      return readCsv(input, { ...given, mapping });
    case undefined: {
      const head = new TextDecoder().decode((await headOf(input, 80)).subarray(0, 80));
      throw new ReadRefusal({
        file: path,
        place: "byte 0",
        found: excerpt(head),
        wanted: Object.values(formatWords).join("; "),
      });
    }
  }
}

/** `AAPL_2012-06-21_34200000_57600000_message_10.csv` says the symbol, the day and the name of the book's file. */
async function openLobster(messages: ByteInput, options: OpenOptions): Promise<EventSource> {
  const name = basename(messages.name);
  const match = /^([^_]+)_(\d{4}-\d\d-\d\d)_/.exec(name);
  const date = options.date ?? match?.[2];
  if (date === undefined) {
    throw new ReadRefusal({
      file: messages.name,
      found: "no date in the name of the file",
      wanted: "a date, like 2012-06-21",
    });
  }
  const book = join(dirname(messages.name), name.replace("_message_", "_orderbook_"));
  return readLobster({
    messages,
    symbol: options.symbol ?? match?.[1] ?? "instrument",
    date,
    ...(book !== messages.name && existsSync(book) ? { book: await openBytes(book) } : {}),
    ...(options.terms === undefined ? {} : { terms: options.terms }),
  });
}

/** The stream, and beside it the files of the same capture that are no streams: `DERIBIT.ws.1.0` has `DERIBIT.0`, `DERIBIT.http.0.0`. */
async function withCompanions(path: string, input: ByteInput): Promise<ByteInput[]> {
  const stem = /^(.+?)\.ws\./.exec(basename(path))?.[1];
  if (stem === undefined) return [input];
  const names = (await readdir(dirname(path))).sort();
  const mine = names.filter((name) => name.startsWith(`${stem}.`) && !name.startsWith(`${stem}.ws.`));
  return [input, ...(await Promise.all(mine.map((name) => openBytes(join(dirname(path), name)))))];
}
