/**
 * Databento's binary format (DBN), versions 1 to 3: market by order into L3 events, market by price and quotes into levels, trades.
 * Follows https://databento.com/docs/standards-and-conventions/databento-binary-encoding. Prices there are integers of 1e-9.
 *
 * A resting order is filled in two steps there: an `F` that changes no book, and behind it, before the event ends, the `C` or `M` that
 * does. A `C` becomes an `execute`, and what it takes beyond the fill a `cancel`. An `M` becomes a `modify` to what it says with the
 * filled lots on top, and then an `execute` of these: the `modify` changes nothing where an order was simply hit, and moves it
 * where a new price made it trade. A trade has its aggressor's side. Records of a snapshot happen when they are received: their own time is that
 * of the last event before it, which may be days ago.
 *
 * PERF: straight from the bytes into the columns; 64-bit numbers as two halves; no object per record.
 */
import { EventFlag, EventKind, type EventBatch } from "../../event.ts";
import type { Instrument } from "../../instrument.ts";
import type { EventSource } from "../source.ts";
import { headOf, type ByteInput } from "./bytes.ts";
import { readDbnMetadata, type DbnMetadata } from "./dbn-metadata.ts";
import type { EventWriter } from "./event-writer.ts";
import { fileSource, midnightBefore, type Decoder } from "./file-source.ts";
import { LevelImage } from "./level-image.ts";
import { ReadRefusal } from "./read-refusal.ts";
import { instrumentOf, StepFinder, termsOf, type TermsByName } from "./terms.ts";

export interface DbnSettings {
  readonly terms?: TermsByName;
}

/** Types of records that become events; all others are counted as skipped. */
const recordType = { trade: 0x00, mbp1: 0x01, mbp10: 0x0a, mbo: 0xa0 } as const;
/** Their bytes without `ts_out`. */
const recordSize = { trade: 48, mbp1: 80, mbp10: 368, mbo: 56 } as const;
/** Bits of the venue's flags: end of the event, of a snapshot, and "a gap in the channel: the book may be wrong". */
const bit = { last: 128, snapshot: 32, maybeBadBook: 4 } as const;
const two32 = 4_294_967_296;
const undefinedPriceHigh = 0x7fffffff;
const headBytes = 1 << 20;
const unitsPerOne = 1e9;

/** Reads an input of DBN (packed or not). Ticks are found from the first records where `terms` do not say them, and checked in all. */
export async function readDbn(input: ByteInput, { terms }: DbnSettings = {}): Promise<EventSource> {
  const head = await headOf(input, headBytes);
  const metadata = readDbnMetadata(input.name, head);
  const steps = stepsIn(head, metadata);
  const names = metadata.symbols.length > 0 ? metadata.symbols : [...steps.keys()].map(String);
  const indexOfId = new Map<number, number>();
  for (const [id, symbol] of metadata.symbolOfId) indexOfId.set(id, names.indexOf(symbol));
  if (metadata.symbolOfId.size === 0) for (const id of steps.keys()) indexOfId.set(id, names.indexOf(String(id)));
  const instruments = names.map((name) => {
    const finder = [...indexOfId].filter(([, index]) => names[index] === name).map(([id]) => steps.get(id));
    const tick = finder.find((one) => one?.step !== undefined)?.step ?? { multiply: 1, divide: unitsPerOne };
    return instrumentOf(termsOf(terms, name), { name, tick, lot: { multiply: 1, divide: 1 }, kind: "other" });
  });
  if (instruments.length === 0) {
    throw new ReadRefusal({
      file: input.name,
      found: "neither symbols nor records",
      wanted: "at least one instrument",
    });
  }
  const originNs = midnightBefore(metadata.startNs === 0n ? firstReceived(head, metadata) : metadata.startNs);
  return fileSource({
    input,
    instruments,
    originNs,
    decode: () => new DbnDecoder({ file: input.name, instruments, indexOfId, originNs }),
  });
}

/** The steps of the prices of each instrument among the first records. */
function stepsIn(head: Uint8Array, { size }: DbnMetadata): Map<number, StepFinder> {
  const steps = new Map<number, StepFinder>();
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (let at = size; at + 16 <= head.length; at += 4 * (head[at] as number)) {
    const type = head[at + 1] as number;
    if ((head[at] as number) === 0 || at + 4 * (head[at] as number) > head.length) break;
    if (type !== recordType.mbo && type !== recordType.trade && type !== recordType.mbp1 && type !== recordType.mbp10)
      continue;
    const id = view.getUint32(at + 4, true);
    let finder = steps.get(id);
    if (finder === undefined) steps.set(id, (finder = new StepFinder()));
    // Trades are often between ticks (at the middle), so they say nothing where there is a book.
    if (type === recordType.mbo && (head[at + 38] === letter.trade || head[at + 38] === letter.fill)) continue;
    const end = type === recordType.mbp10 ? at + recordSize.mbp10 : at + recordSize.mbp1;
    if (type === recordType.mbo) show(finder, view, at + 24);
    else if (type === recordType.trade) show(finder, view, at + 16);
    else
      for (let level = at + 48; level < end; level += 32)
        for (const price of [level, level + 8]) show(finder, view, price);
  }
  return steps;
}

/** When the first record that becomes an event was received: what a recording of a live stream, whose header does not know when it began, begins with. 0 without one. */
function firstReceived(head: Uint8Array, { size }: DbnMetadata): bigint {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (let at = size; at + 48 <= head.length && head[at] !== 0; at += 4 * (head[at] as number)) {
    const type = head[at + 1] as number;
    if (type === recordType.mbo) return view.getBigUint64(at + 40, true);
    if (type === recordType.trade || type === recordType.mbp1 || type === recordType.mbp10)
      return view.getBigUint64(at + 32, true);
  }
  return 0n;
}

function show(finder: StepFinder, view: DataView, at: number): void {
  if (!isUndefined(view, at)) finder.show(Number(view.getBigInt64(at, true)) / unitsPerOne);
}

const letter = {
  add: 0x41,
  cancel: 0x43,
  fill: 0x46,
  modify: 0x4d,
  clear: 0x52,
  trade: 0x54,
  none: 0x4e,
  bid: 0x42,
  ask: 0x41,
} as const;

interface DbnDecoderSettings {
  readonly file: string;
  readonly instruments: readonly Instrument[];
  /** Index of an instrument by the venue's number of it. */
  readonly indexOfId: ReadonlyMap<number, number>;
  readonly originNs: bigint;
}

/** Decodes DBN from its first byte on. */
export class DbnDecoder implements Decoder {
  gapsCount = 0;
  skippedCount = 0;
  readonly #file: string;
  readonly #instruments: readonly Instrument[];
  readonly #indexOfId: ReadonlyMap<number, number>;
  readonly #originHigh: number;
  readonly #originLow: number;
  /** What one tick is, in units of 1e-9: a fraction. */
  readonly #tickMultiply: Float64Array;
  readonly #tickDivide: Float64Array;
  /** The beginning of a record that the chunk before ended in. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes behind which everything is decoded, from the beginning of the unpacked file. */
  #offset = 0;
  #started = false;
  /** The instrument of the record before: mostly it is the same again. */
  #lastId = -1;
  #lastIndex = -1;
  /** Lots filled and not yet taken from the book, by order, of the event that is under way. */
  readonly #fills = new Map<number, number>();
  /** By instrument: inside a snapshot; the venue has said that its book may be wrong. */
  readonly #inSnapshot: Uint8Array;
  readonly #doubted: Uint8Array;
  /** By instrument: a gap was told, and no whole book since. */
  readonly #broken: Uint8Array;
  readonly #images: readonly LevelImage[];
  readonly #wideIds = new Map<number, Map<number, number>>();
  #wideIdsCount = 0;

  constructor({ file, instruments, indexOfId, originNs }: DbnDecoderSettings) {
    this.#file = file;
    this.#instruments = instruments;
    this.#indexOfId = indexOfId;
    this.#originHigh = Number(originNs >> 32n);
    this.#originLow = Number(originNs & 0xffffffffn);
    const common = instruments.map(({ tick }) => greatestCommonDivisor(tick.multiply * unitsPerOne, tick.divide));
    this.#tickMultiply = Float64Array.from(
      instruments,
      ({ tick }, index) => (tick.multiply * unitsPerOne) / common[index]!,
    );
    this.#tickDivide = Float64Array.from(instruments, ({ tick }, index) => tick.divide / common[index]!);
    this.#inSnapshot = new Uint8Array(instruments.length);
    this.#doubted = new Uint8Array(instruments.length);
    this.#broken = new Uint8Array(instruments.length);
    this.#images = instruments.map((_, index) => new LevelImage(index));
  }

  push(chunk: Uint8Array, writer: EventWriter): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    const done = this.#started ? this.#records(bytes, writer) : this.#begin(bytes, writer);
    this.#offset += done;
    this.#rest = bytes.slice(done);
  }

  finish(): void {
    if (this.#started && this.#rest.length === 0) return;
    const found = this.#started ? `${this.#rest.length} bytes of a record that is longer` : "the end of the file";
    throw this.#refusal(0, found, this.#started ? "whole records to the end" : "the header of a DBN file");
  }

  #begin(bytes: Uint8Array, writer: EventWriter): number {
    if (bytes.length < 8) return 0;
    const size = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
    if (bytes.length < size) return 0;
    this.#started = true;
    this.#offset = size;
    const done = this.#records(bytes.subarray(size), writer);
    this.#offset = 0;
    return size + done;
  }

  /** Decodes all whole records and returns how many bytes they have. */
  #records(bytes: Uint8Array, writer: EventWriter): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length;
    let at = 0;
    while (at + 16 <= end) {
      const size = 4 * (bytes[at] as number);
      if (size < 16) throw this.#refusal(at, `a record of ${size} bytes`, "at least the 16 of its header");
      if (at + size > end) break;
      const type = bytes[at + 1] as number;
      if (type === recordType.mbo) this.#order(view, at, size, writer);
      else if (type === recordType.trade) this.#trade(view, at, size, writer);
      else if (type === recordType.mbp1 || type === recordType.mbp10) this.#levels(view, at, size, writer);
      else this.skippedCount++;
      at += size;
    }
    return at;
  }

  #order(view: DataView, at: number, size: number, writer: EventWriter): void {
    if (size < recordSize.mbo) throw this.#tooShort(at, size, "an order's", recordSize.mbo);
    const instrument = this.#instrumentAt(view, at);
    if (instrument === -1) return;
    const flags = view.getUint8(at + 36);
    const action = view.getUint8(at + 38);
    const isSnapshot = (flags & bit.snapshot) !== 0;
    const receivedNs = this.#time(view, at + 40);
    const timeNs = isSnapshot ? receivedNs : this.#time(view, at + 8);
    if ((flags & bit.maybeBadBook) !== 0 || this.#doubted[instrument] === 1)
      this.#doubt(instrument, flags, timeNs, writer);
    writer.reserve(3);
    const { batch } = writer;
    if (isSnapshot && this.#inSnapshot[instrument] === 0 && action !== letter.clear)
      this.#fill(batch, instrument, EventKind.clear, EventFlag.snapshot, timeNs, receivedNs);
    this.#inSnapshot[instrument] = isSnapshot && (flags & bit.last) === 0 ? 1 : 0;
    const eventFlags = ((flags & bit.last) !== 0 ? EventFlag.last : 0) | (isSnapshot ? EventFlag.snapshot : 0);
    const first = batch.count;
    const id = this.#idAt(view, at + 16);
    const lots = view.getUint32(at + 32, true);
    if (action === letter.add) this.#put(batch, instrument, EventKind.add, id, lots);
    else if (action === letter.modify) {
      const filled = this.#fills.size > 0 ? this.#takeFill(id, Infinity) : 0;
      this.#put(batch, instrument, EventKind.modify, id, lots + filled);
      if (filled > 0) this.#put(batch, instrument, EventKind.execute, id, filled);
    } else if (action === letter.cancel) {
      const filled = this.#fills.size > 0 ? this.#takeFill(id, lots) : 0;
      if (filled > 0) this.#put(batch, instrument, EventKind.execute, id, filled);
      if (filled < lots) this.#put(batch, instrument, EventKind.cancel, id, lots - filled);
    } else if (action === letter.trade) {
      this.#put(batch, instrument, EventKind.trade, 0, lots);
      this.#tradePlace(view, at, 24, 39, batch);
    } else if (action === letter.fill) this.#fills.set(id, (this.#fills.get(id) ?? 0) + lots);
    else if (action === letter.clear) this.#put(batch, instrument, EventKind.clear, 0, 0);
    else if (action === letter.none) this.skippedCount++;
    else throw this.#refusal(at, `an action ${JSON.stringify(String.fromCharCode(action))}`, "one of A C F M N R T");
    if (action !== letter.trade && action !== letter.clear) this.#place(view, at, batch, first);
    this.#stamp(batch, first, eventFlags, timeNs, receivedNs);
    if ((flags & bit.last) === 0) return;
    // An event may end with a record that is none of ours: the change that came before it is whole all the same.
    if (batch.count === first) this.#fill(batch, instrument, EventKind.time, eventFlags, timeNs, receivedNs);
    if (this.#fills.size > 0) this.#fills.clear();
  }

  /** Lots of an order that were filled and are taken from the book now. */
  #takeFill(id: number, most: number): number {
    const filled = this.#fills.get(id);
    if (filled === undefined) return 0;
    this.#fills.delete(id);
    return filled < most ? filled : most;
  }

  #trade(view: DataView, at: number, size: number, writer: EventWriter): void {
    if (size < recordSize.trade) throw this.#tooShort(at, size, "a trade's", recordSize.trade);
    const instrument = this.#instrumentAt(view, at);
    if (instrument === -1) return;
    writer.reserve(1);
    const { batch } = writer;
    this.#put(batch, instrument, EventKind.trade, 0, view.getUint32(at + 24, true));
    this.#tradePlace(view, at, 16, 29, batch);
    this.#stamp(batch, batch.count - 1, EventFlag.last, this.#time(view, at + 8), this.#time(view, at + 32));
  }

  /** A book of one or ten levels after a change: what differs from the one before becomes events, and a trade one too. */
  #levels(view: DataView, at: number, size: number, writer: EventWriter): void {
    const count = view.getUint8(at + 1) === recordType.mbp1 ? 1 : 10;
    const wanted = count === 1 ? recordSize.mbp1 : recordSize.mbp10;
    if (size < wanted) throw this.#tooShort(at, size, "a book's", wanted);
    const instrument = this.#instrumentAt(view, at);
    if (instrument === -1) return;
    const flags = view.getUint8(at + 30);
    const timeNs = this.#time(view, at + 8);
    const receivedNs = this.#time(view, at + 32);
    if ((flags & bit.maybeBadBook) !== 0 || this.#doubted[instrument] === 1)
      this.#doubt(instrument, flags, timeNs, writer);
    writer.reserve(2 + 4 * count);
    const { batch } = writer;
    const first = batch.count;
    if (view.getUint8(at + 28) === letter.trade) {
      this.#put(batch, instrument, EventKind.trade, 0, view.getUint32(at + 24, true));
      this.#tradePlace(view, at, 16, 29, batch);
    }
    const image = this.#images[instrument] as LevelImage;
    const bookFirst = batch.count;
    // What was missed is made good by the first book that is not doubted: it is whole.
    const isAnew = this.#broken[instrument] === 1 && this.#doubted[instrument] === 0;
    if (isAnew) {
      this.#broken[instrument] = 0;
      image.forget();
      this.#put(batch, instrument, EventKind.clear, 0, 0);
    }
    image.begin();
    for (let level = 0, from = at + 48; level < count; level++, from += 32) {
      if (!isUndefined(view, from))
        image.bid(
          this.#ticks(view, at, from, instrument),
          view.getUint32(from + 16, true),
          view.getUint32(from + 24, true),
        );
      if (!isUndefined(view, from + 8))
        image.ask(
          this.#ticks(view, at, from + 8, instrument),
          view.getUint32(from + 20, true),
          view.getUint32(from + 28, true),
        );
    }
    image.end(batch);
    this.#stamp(batch, first, (flags & bit.snapshot) !== 0 ? EventFlag.snapshot : 0, timeNs, receivedNs);
    if (isAnew) batch.flags.fill(EventFlag.snapshot, bookFirst, batch.count);
    writer.close(first);
  }

  /** The venue says that the channel has a gap: told once, until it says so no more. */
  #doubt(instrument: number, flags: number, timeNs: number, writer: EventWriter): void {
    const doubted = (flags & bit.maybeBadBook) !== 0;
    if (doubted && this.#doubted[instrument] === 0) {
      this.gapsCount++;
      this.#broken[instrument] = 1;
      writer.reserve(1);
      this.#fill(writer.batch, instrument, EventKind.gap, EventFlag.last, timeNs, NaN);
    }
    this.#doubted[instrument] = doubted ? 1 : 0;
  }

  #put(batch: EventBatch, instrument: number, kind: EventKind, id: number, lots: number): void {
    const row = batch.count++;
    batch.kind[row] = kind;
    batch.instrument[row] = instrument;
    batch.id[row] = id;
    batch.size[row] = lots;
    batch.side[row] = 0;
    batch.price[row] = NaN;
  }

  #fill(
    batch: EventBatch,
    instrument: number,
    kind: EventKind,
    flags: number,
    timeNs: number,
    receivedNs: number,
  ): void {
    this.#put(batch, instrument, kind, 0, 0);
    this.#stamp(batch, batch.count - 1, flags, timeNs, receivedNs);
  }

  /** Times of the rows from `first` on, and flags: `last` only on the last one. */
  #stamp(batch: EventBatch, first: number, flags: number, timeNs: number, receivedNs: number): void {
    const end = batch.count - 1;
    for (let row = first; row <= end; row++) {
      batch.flags[row] = row === end ? flags : flags & ~EventFlag.last;
      batch.timeNs[row] = timeNs;
      batch.receivedNs[row] = receivedNs;
    }
  }

  /** Price and side of an order for the rows that its record made. */
  #place(view: DataView, at: number, batch: EventBatch, first: number): void {
    if (batch.count === first) return;
    const ticks = this.#ticks(view, at, at + 24, batch.instrument[first] as number);
    const side = sideOf(view.getUint8(at + 39));
    for (let row = first; row < batch.count; row++) {
      batch.price[row] = ticks;
      batch.side[row] = side;
    }
  }

  /** A trade may be between two ticks. Its side is the aggressor's. */
  #tradePlace(view: DataView, at: number, price: number, side: number, batch: EventBatch): void {
    const row = batch.count - 1;
    const index = batch.instrument[row] as number;
    const units = view.getInt32(at + price + 4, true) * two32 + view.getUint32(at + price, true);
    batch.price[row] = (units * (this.#tickDivide[index] as number)) / (this.#tickMultiply[index] as number);
    batch.side[row] = sideOf(view.getUint8(at + side));
  }

  #ticks(view: DataView, record: number, at: number, index: number): number {
    const units = view.getInt32(at + 4, true) * two32 + view.getUint32(at, true);
    const ticks = (units * (this.#tickDivide[index] as number)) / (this.#tickMultiply[index] as number);
    if (Math.floor(ticks) === ticks) return ticks;
    const { name, tick } = this.#instruments[index] as Instrument;
    const step = `${tick.multiply}/${tick.divide}`;
    throw this.#refusal(record, `a price of ${units / unitsPerOne} of ${name}`, `a multiple of its tick, ${step}`);
  }

  #time(view: DataView, at: number): number {
    const high = view.getUint32(at + 4, true) - this.#originHigh;
    return high * two32 + (view.getUint32(at, true) - this.#originLow);
  }

  /** The index of a record's instrument, or -1 (and counted) if the metadata do not name it. */
  #instrumentAt(view: DataView, at: number): number {
    const id = view.getUint32(at + 4, true);
    if (id !== this.#lastId) {
      this.#lastId = id;
      this.#lastIndex = this.#indexOfId.get(id) ?? -1;
    }
    if (this.#lastIndex === -1) this.skippedCount++;
    return this.#lastIndex;
  }

  /** An order's number as a safe integer: itself below 2^53, else a negative number given to it. */
  #idAt(view: DataView, at: number): number {
    const low = view.getUint32(at, true);
    const high = view.getUint32(at + 4, true);
    if (high < 0x200000) return high * two32 + low;
    let byLow = this.#wideIds.get(high);
    if (byLow === undefined) this.#wideIds.set(high, (byLow = new Map()));
    let id = byLow.get(low);
    if (id === undefined) byLow.set(low, (id = -++this.#wideIdsCount));
    return id;
  }

  #tooShort(at: number, size: number, whose: string, wanted: number): ReadRefusal {
    return this.#refusal(at, `a record of ${size} bytes`, `${whose} ${wanted}`);
  }

  #refusal(at: number, found: string, wanted: string): ReadRefusal {
    return new ReadRefusal({ file: this.#file, place: `byte ${this.#offset + at}`, found, wanted });
  }
}

const greatestCommonDivisor = (one: number, other: number): number =>
  other === 0 ? one : greatestCommonDivisor(other, one % other);

const sideOf = (code: number): 1 | -1 | 0 => (code === letter.bid ? 1 : code === letter.ask ? -1 : 0);

const isUndefined = (view: DataView, at: number): boolean =>
  view.getInt32(at + 4, true) === undefinedPriceHigh && view.getUint32(at, true) === 0xffffffff;
