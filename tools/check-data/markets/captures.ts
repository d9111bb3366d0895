/**
 * Captures of venues' feeds: Deribit's chain of change ids (no hole), Binance's best quotes beside the book that differences and snapshots make, at
 * the update that the quote names or lies in, and BitMEX's books, which end whole and not crossed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Book } from "@stoa/features/book/book";
import { blankEvent, EventFlag, readEvent } from "@stoa/features/event";
import { openSource } from "@stoa/features/io/readers/open";
import type { EventSource } from "@stoa/features/io/source";
import { exact, type Agreement } from "./agreement.ts";

export async function checkCaptures(folder: string): Promise<Agreement[]> {
  const place = join(folder, "captures");
  if (!existsSync(place)) return [];
  const agreements: Agreement[] = [];
  for (const name of readdirSync(place).filter((one) => /\.ws\..*\.gz$/.test(one))) {
    const file = join(place, name);
    if (name.startsWith("DERIBIT")) agreements.push(...(await checkBooks("Deribit", await openSource(file))));
    if (name.startsWith("BITMEX")) agreements.push(...(await checkBooks("BitMEX", await openSource(file))));
    if (!name.startsWith("BINANCE")) continue;
    const source = await openSource(file);
    agreements.push(...(await checkBooks("Binance", source)), await checkQuotes(file, source));
  }
  return agreements;
}

/** No hole after the first snapshot, and no book that ends crossed or in doubt. A capture of tickers alone has no books to look at. */
async function checkBooks(venue: string, source: EventSource): Promise<Agreement[]> {
  const books = source.instruments.map(() => new Book());
  const event = blankEvent();
  let changes = 0;
  for await (const batch of source.batches()) {
    for (let row = 0; row < batch.count; row++) {
      readEvent(batch, row, event);
      if (books[event.instrument]!.apply(event) && (event.flags & EventFlag.last) !== 0) changes++;
    }
  }
  if (changes === 0) return [];
  const whole = books.filter(({ gap, bids, asks }) => !gap && !(bids.bestPrice >= asks.bestPrice));
  return [
    exact(`${venue}: changes of books that follow the one before`, changes - source.progress.gapsCount, changes),
    exact(`${venue}: books that end whole and not crossed`, whole.length, books.length),
  ];
}

interface Quote {
  readonly s: string;
  readonly T: number;
  readonly b: string;
  readonly B: string;
  readonly a: string;
  readonly A: string;
}

/**
 * A quote was true at its millisecond: the book after some change of that millisecond, or the one that held into it, shows it. Differences
 * come every 100 ms with all that happened in between, so only quotes of the millisecond of a difference's last update can be compared.
 */
async function checkQuotes(file: string, source: EventSource): Promise<Agreement> {
  const quotes = new Map<string, Quote[]>();
  for (const line of gunzipSync(readFileSync(file)).toString().split("\n")) {
    if (!line.includes('"e":"bookTicker"')) continue;
    const { data } = JSON.parse(line.slice(line.indexOf("{"))) as { readonly data: Quote };
    const key = `${data.s} ${data.T}`;
    quotes.set(key, [...(quotes.get(key) ?? []), data]);
  }
  const originMs = Number(source.originNs / 1_000_000n);
  const books = source.instruments.map(() => new Book());
  const event = blankEvent();
  let [agreed, total] = [0, 0];
  for await (const batch of source.batches()) {
    for (let row = 0; row < batch.count; row++) {
      readEvent(batch, row, event);
      const book = books[event.instrument]!;
      if (!book.apply(event) || (event.flags & EventFlag.last) === 0 || book.gap) continue;
      const { name, tick, lot } = source.instruments[event.instrument]!;
      const key = `${name} ${originMs + event.timeNs / 1e6}`;
      const told = quotes.get(key);
      if (told === undefined) continue;
      quotes.delete(key);
      const unit = { price: tick.multiply / tick.divide, size: lot.multiply / lot.divide };
      const near = (steps: number, step: number, text: string): boolean =>
        Math.abs(steps * step - Number(text)) < step / 2;
      // The last quote of the millisecond is the state that the difference ends in.
      const { b, B, a, A } = told.at(-1)!;
      const { bids, asks } = book;
      for (const equal of [
        near(bids.bestPrice, unit.price, b) && near(bids.bestSize, unit.size, B),
        near(asks.bestPrice, unit.price, a) && near(asks.bestSize, unit.size, A),
      ]) {
        total++;
        if (equal) agreed++;
      }
    }
  }
  return exact("Binance: best bid or ask, price and size, of quotes at the end of a difference", agreed, total);
}
