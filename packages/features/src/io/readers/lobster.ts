/**
 * LOBSTER (https://lobsterdata.com): a file of messages and, beside it, the first levels of the book after each of them. Messages become
 * L3 events. They begin in the middle of a day and name orders that nobody has seen, and levels come into view of which no message
 * told; both is known from the book file alone. So each level has, besides the orders that are known, one nameless
 * order that holds the rest; where the file shows another size than the events make, the nameless order takes the difference, flagged
 * `snapshot` since it is no arrival. So the book is the file's in every row, on all levels that it shows.
 *
 * Without the book file the messages stand alone, and those about unknown orders change nothing.
 */
import { Book } from "../../book/book.ts";
import type { BookSide } from "../../book/side.ts";
import { batchCapacity, EventFlag, EventKind, type EventBatch, type MarketEvent } from "../../event.ts";
import { type Instrument, parseScale } from "../../instrument.ts";
import type { EventSource } from "../source.ts";
import type { ByteInput } from "./bytes.ts";
import { decimalSteps } from "./decimal-text.ts";
import { EventWriter } from "./event-writer.ts";
import { blankProgress } from "./file-source.ts";
import { linesOf } from "./lines.ts";
import { excerpt, ReadRefusal } from "./read-refusal.ts";
import { instrumentOf, termsOf, type TermsByName } from "./terms.ts";

export interface LobsterSettings {
  readonly messages: ByteInput;
  /** The file of the book, row by row with the messages. */
  readonly book?: ByteInput;
  readonly symbol: string;
  /** `2012-06-21`, in New York. */
  readonly date: string;
  readonly terms?: TermsByName;
}

export interface LobsterSource extends EventSource {
  /** Where the book file had to be believed over the events; `seen`: at a price that it showed in the row before too. */
  readonly corrections: { count: number; seen: number };
}

/** Prices are integers of 0.0001 there, a tick is a cent unless `terms` say otherwise. */
const unitsPerOne = 10_000;
const noLevel = 9_999_999_999;

export function readLobster(settings: LobsterSettings): LobsterSource {
  const { messages, book, symbol, date } = settings;
  const cent = parseScale("0.01");
  const one = parseScale("1");
  const instrument = instrumentOf(termsOf(settings.terms, symbol), {
    name: symbol,
    tick: cent,
    lot: one,
    kind: "equity",
  });
  const bytesTotal = messages.bytesTotal + (book?.bytesTotal ?? 0);
  const progress = blankProgress(bytesTotal);
  const corrections = { count: 0, seen: 0 };
  return {
    instruments: [instrument],
    originNs: newYorkMidnightNs(messages.name, date),
    progress,
    corrections,
    async *batches(): AsyncGenerator<EventBatch> {
      Object.assign(progress, blankProgress(bytesTotal));
      const read = { messages: 0, book: 0 };
      const note = (file: keyof typeof read) => (bytes: number) => {
        read[file] = bytes;
        progress.bytesRead = read.messages + read.book;
      };
      const rows = book === undefined ? undefined : new RowReader(book, note("book"));
      const writer = new EventWriter();
      const decoder = new LobsterDecoder(messages.name, instrument, rows !== undefined);
      let number = 0;
      for await (const lines of linesOf(messages, note("messages"))) {
        for (const line of lines) {
          decoder.message(line, ++number, rows === undefined ? undefined : await rows.next(number), writer);
          progress.skippedCount = decoder.skippedCount;
          Object.assign(corrections, decoder.corrections);
          if (2 * writer.batch.count < batchCapacity(writer.batch)) continue;
          progress.eventsCount += writer.batch.count;
          yield writer.batch;
          writer.clear();
        }
      }
      progress.eventsCount += writer.batch.count;
      if (writer.batch.count > 0) yield writer.batch;
      await rows?.finish(number);
    },
  };
}

/** Lines of the book file, one at a time. */
class RowReader {
  readonly #input: ByteInput;
  readonly #groups: AsyncGenerator<readonly string[]>;
  #lines: readonly string[] = [];
  #at = 0;

  constructor(input: ByteInput, onBytesRead: (bytes: number) => void) {
    this.#input = input;
    this.#groups = linesOf(input, onBytesRead);
  }

  async next(number: number): Promise<string> {
    const line = this.#at < this.#lines.length ? this.#lines[this.#at++] : await this.#more();
    if (line !== undefined) return line;
    throw this.#refusal(number, "the end of the file", "a row for every message");
  }

  async finish(number: number): Promise<void> {
    if ((await this.#more()) === undefined) return;
    throw this.#refusal(number + 1, "a row without a message", "the end of the file");
  }

  async #more(): Promise<string | undefined> {
    while (this.#at >= this.#lines.length) {
      const group = await this.#groups.next();
      if (group.done === true) return undefined;
      this.#lines = group.value;
      this.#at = 0;
    }
    return this.#lines[this.#at++];
  }

  #refusal(number: number, found: string, wanted: string): ReadRefusal {
    return new ReadRefusal({ file: this.#input.name, place: `line ${number}`, found, wanted });
  }
}

const messageType = { add: 1, cancel: 2, delete: 3, execute: 4, hidden: 5, cross: 6, halt: 7 } as const;

/** The first levels of one side in a row, best first. */
interface ShownSide {
  readonly price: number[];
  readonly size: number[];
}

class LobsterDecoder {
  skippedCount = 0;
  readonly corrections = { count: 0, seen: 0 };
  readonly #file: string;
  readonly #unitsPerTick: number;
  readonly #book: Book | undefined;
  #number = 0;
  #first = true;
  readonly #shown = { bids: { price: [], size: [] } as ShownSide, asks: { price: [], size: [] } as ShownSide };
  /** The worst price shown in the row before, per side: what was better was seen. */
  #seenBid = NaN;
  #seenAsk = NaN;

  constructor(file: string, { tick }: Instrument, hasBook: boolean) {
    this.#file = file;
    this.#unitsPerTick = (unitsPerOne * tick.multiply) / tick.divide;
    this.#book = hasBook ? new Book() : undefined;
  }

  message(line: string, number: number, row: string | undefined, writer: EventWriter): void {
    this.#number = number;
    const fields = line.split(",");
    if (fields.length < 6) throw this.#refusal(excerpt(line), "time, type, order, size, price and direction");
    const type = Number(fields[1]);
    const { event } = writer;
    const first = writer.batch.count;
    event.timeNs = decimalSteps(fields[0]!, 9);
    event.receivedNs = NaN;
    event.instrument = 0;
    event.id = this.#integer(fields[2]!, "the number of an order");
    event.size = this.#integer(fields[3]!, "a size in shares");
    const units = this.#integer(fields[4]!, "a price in 0.0001 dollars");
    const direction = Number(fields[5]);
    if (!(event.timeNs >= 0)) throw this.#refusal(excerpt(fields[0]!), "seconds after midnight");
    if (!(type >= messageType.add && type <= messageType.halt))
      throw this.#refusal(`type ${fields[1]}`, "a type from 1 to 7");
    if (row !== undefined) this.#show(row);
    if (type === messageType.halt) this.skippedCount++;
    else {
      if (direction !== 1 && direction !== -1) throw this.#refusal(`direction ${fields[5]}`, "1 or -1");
      event.side = direction;
      // Only executions that no book shows may be between two ticks.
      event.price = units / this.#unitsPerTick;
      if (type < messageType.hidden && !Number.isInteger(event.price))
        throw this.#refusal(`a price of ${units / unitsPerOne}`, "a multiple of the tick");
      if (this.#book !== undefined && this.#first) this.#begin(type, writer);
      this.#apply(type, writer);
    }
    if (this.#book !== undefined) this.#reconcile(this.#book, writer);
    writer.close(first);
  }

  #apply(type: number, writer: EventWriter): void {
    const { event } = writer;
    if (type >= messageType.execute) {
      const { side, id } = event;
      event.kind = EventKind.trade;
      event.flags = type === messageType.execute ? 0 : EventFlag.hidden;
      event.side = type === messageType.cross ? 0 : side === 1 ? -1 : 1;
      event.id = 0;
      writer.write();
      if (type !== messageType.execute) return;
      event.kind = EventKind.execute;
      event.side = side;
      event.id = id;
    } else event.kind = type === messageType.add ? EventKind.add : EventKind.cancel;
    event.flags = 0;
    const book = this.#book;
    if (book !== undefined && type !== messageType.add && book.orders.find(event.id) === -1)
      event.id = namelessId(event.side, event.price);
    this.#write(writer);
  }

  /** The book before the first message: the first row with the message undone. */
  #begin(type: number, writer: EventWriter): void {
    this.#first = false;
    const { event } = writer;
    const kept: MarketEvent = { ...event };
    const undone = type === messageType.add ? -kept.size : type < messageType.hidden ? kept.size : 0;
    Object.assign(event, { kind: EventKind.clear, flags: EventFlag.snapshot, side: 0, price: NaN, size: 0, id: 0 });
    this.#write(writer);
    let missing = undone;
    for (const side of [1, -1] as const) {
      const { price, size } = this.#shownSide(side);
      for (let level = 0; level < price.length; level++) {
        const here = side === kept.side && price[level] === kept.price;
        if (here) missing = 0;
        this.#nameless(side, price[level]!, size[level]! + (here ? undone : 0), writer);
      }
    }
    if (missing > 0) this.#nameless(kept.side as 1 | -1, kept.price, missing, writer);
    // The snapshot is a change of its own.
    writer.close(0);
    Object.assign(event, kept);
  }

  /** Adds a nameless order, or gives the one there is another size; 0 takes it away. */
  #nameless(side: 1 | -1, price: number, size: number, writer: EventWriter): void {
    const { event } = writer;
    const book = this.#book as Book;
    const id = namelessId(side, price);
    const slot = book.orders.find(id);
    if (slot === -1 && size <= 0) return;
    const before = slot === -1 ? 0 : (book.orders.size[slot] as number);
    const kind = slot === -1 ? EventKind.add : size > before ? EventKind.modify : EventKind.cancel;
    Object.assign(event, { kind, flags: EventFlag.snapshot, side, price, id });
    event.size = kind === EventKind.cancel ? before - size : size;
    this.#write(writer);
  }

  #reconcile(book: Book, writer: EventWriter): void {
    for (const sign of [1, -1] as const) {
      const shown = this.#shownSide(sign);
      const side = book.side(sign);
      this.#removeUnshown(side, shown, writer);
      for (let level = 0; level < shown.price.length; level++) {
        const price = shown.price[level]!;
        const place = side.find(price);
        const size = place < 0 ? 0 : (side.size[place] as number);
        if (size !== shown.size[level]) this.#correct(sign, price, shown.size[level]! - size, writer);
      }
    }
    this.#seenBid = this.#shown.bids.price.at(-1) ?? NaN;
    this.#seenAsk = this.#shown.asks.price.at(-1) ?? NaN;
  }

  /** Takes out what the file would show if it were there. */
  #removeUnshown(side: BookSide, shown: ShownSide, writer: EventWriter): void {
    const full = shown.price.length === this.#levelsCount;
    const worst = full ? side.sign * shown.price.at(-1)! : -Infinity;
    for (let place = side.count - 1; place >= 0; place--) {
      const price = side.price[place] as number;
      if (side.sign * price < worst) break;
      if (!shown.price.includes(price)) this.#correct(side.sign, price, -(side.size[place] as number), writer);
    }
  }

  /** A level has `lots` more (or fewer) than the events made. */
  #correct(sign: 1 | -1, price: number, lots: number, writer: EventWriter): void {
    this.corrections.count++;
    if (sign * price >= sign * (sign === 1 ? this.#seenBid : this.#seenAsk)) this.corrections.seen++;
    const { orders } = this.#book as Book;
    const slot = orders.find(namelessId(sign, price));
    const nameless = slot === -1 ? 0 : (orders.size[slot] as number);
    if (nameless + lots >= 0) return this.#nameless(sign, price, nameless + lots, writer);
    // More is gone than nobody's: the oldest of the known orders are gone too.
    let left = -lots;
    const side = (this.#book as Book).side(sign);
    while (left > 0) {
      const place = side.find(price);
      const head = side.head[place] as number;
      const taken = Math.min(left, orders.size[head] as number);
      const { event } = writer;
      Object.assign(event, { kind: EventKind.cancel, flags: EventFlag.snapshot, side: sign, price, size: taken });
      event.id = orders.id[head] as number;
      this.#write(writer);
      left -= taken;
    }
  }

  #levelsCount = 0;

  #show(row: string): void {
    const fields = row.split(",");
    if (fields.length < 4 || fields.length % 4 !== 0)
      throw this.#refusal(`${fields.length} columns in the row of the book`, "four for every level");
    this.#levelsCount = fields.length / 4;
    for (const { price, size } of [this.#shown.bids, this.#shown.asks]) price.length = size.length = 0;
    for (let level = 0; level < fields.length; level += 4) {
      this.#showLevel(this.#shown.asks, fields[level]!, fields[level + 1]!);
      this.#showLevel(this.#shown.bids, fields[level + 2]!, fields[level + 3]!);
    }
  }

  #showLevel(side: ShownSide, price: string, size: string): void {
    const units = this.#integer(price, "a price of the book in 0.0001 dollars");
    if (Math.abs(units) === noLevel) return;
    const ticks = units / this.#unitsPerTick;
    if (!Number.isInteger(ticks)) throw this.#refusal(`a price of ${units / unitsPerOne}`, "a multiple of the tick");
    side.price.push(ticks);
    side.size.push(this.#integer(size, "a size of the book in shares"));
  }

  #shownSide(side: 1 | -1): ShownSide {
    return side === 1 ? this.#shown.bids : this.#shown.asks;
  }

  #write(writer: EventWriter): void {
    writer.write();
    this.#book?.apply(writer.event);
  }

  #integer(text: string, wanted: string): number {
    const value = Number(text);
    if (Number.isSafeInteger(value) && text !== "") return value;
    throw this.#refusal(excerpt(text), wanted);
  }

  #refusal(found: string, wanted: string): ReadRefusal {
    return new ReadRefusal({ file: this.#file, place: `line ${this.#number}`, found, wanted });
  }
}

/** Below zero, where no order's number is: one for every price and side. */
const namelessId = (side: number, priceTicks: number): number => -(2 * priceTicks + (side > 0 ? 0 : 1));

const day = 86_400_000;

/** New York's midnight in nanoseconds since 1970 UTC. */
function newYorkMidnightNs(file: string, date: string): bigint {
  const utc = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : NaN;
  if (Number.isNaN(utc))
    throw new ReadRefusal({ file, found: `the date ${excerpt(date)}`, wanted: "a date like 2012-06-21" });
  const hour = new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York", hour: "numeric", hourCycle: "h23" });
  // At noon, since clocks are changed by night; on that night midnight itself is by the clock of before.
  const behind = 12 - Number(hour.format(utc + day / 2));
  const midnight = utc + behind * 3_600_000;
  const off = Number(hour.format(midnight));
  return BigInt(midnight - (off < 12 ? off : off - 24) * 3_600_000) * 1_000_000n;
}
