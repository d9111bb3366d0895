/** What tests of readers share: all events of a source as objects, bytes cut into pieces, the book that events make. */
import { Book } from "../../src/book/book.ts";
import { blankEvent, readEvent, type EventBatch, type MarketEvent } from "../../src/event.ts";
import type { EventSource } from "../../src/io/source.ts";

/** All events, copied. */
export async function eventsOf(source: EventSource): Promise<MarketEvent[]> {
  const events: MarketEvent[] = [];
  for await (const batch of source.batches()) events.push(...objectsOf(batch));
  return events;
}

export function objectsOf(batch: EventBatch): MarketEvent[] {
  return Array.from({ length: batch.count }, (_, row) => {
    const event = blankEvent();
    readEvent(batch, row, event);
    return event;
  });
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** Bytes cut at random places into pieces of 1 to `most` bytes. */
export function pieces(bytes: Uint8Array, most: number, random: () => number): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random() * most);
    cut.push(bytes.slice(at, at + size));
    at += size;
  }
  return cut;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export function bookOf(events: readonly MarketEvent[], instrument = 0): Book {
  const book = new Book();
  for (const event of events) if (event.instrument === instrument) book.apply({ ...event });
  return book;
}

/** Price, size and number of orders of the levels of both sides, best first. */
export function levelsOf(book: Book): Record<"bids" | "asks", readonly (readonly number[])[]> {
  const side = (of: Book["bids"]): number[][] =>
    Array.from({ length: of.count }, (_, depth) => {
      const at = of.count - 1 - depth;
      return [of.price[at]!, of.size[at]!, of.orders[at]!];
    });
  return { bids: side(book.bids), asks: side(book.asks) };
}
