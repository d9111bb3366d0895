/**
 * What the readers of venues' messages have in common: what a survey finds out about instruments, how numbers of messages become ticks
 * and lots, and the writing of snapshots. A venue is two functions: `survey` looks at every message once before, `decoder` makes what turns
 * them into events, the same for captures and for live connections.
 */
import { EventFlag, EventKind, type Side, type ValueField } from "../../event.ts";
import type { Instrument, OptionTerms, Scale } from "../../instrument.ts";
import { stepsOnScale } from "./decimal-text.ts";
import type { EventWriter } from "./event-writer.ts";
import { LevelImage } from "./level-image.ts";
import { excerpt, ReadRefusal } from "./read-refusal.ts";
import { instrumentOf, StepFinder, termsOf, type TermsByName } from "./terms.ts";

/** A message as it came: parsed JSON, with the address that answered it if it was asked for, and when it was received. */
export interface Captured {
  readonly body: unknown;
  /** Empty for messages of a stream. */
  readonly url: string;
  /** Nanoseconds since the origin; NaN where nobody noted it. */
  readonly receivedNs: number;
}

export interface Venue {
  readonly name: "deribit" | "binance" | "bitmex";
  survey(captured: Captured, survey: Survey): void;
  decoder(context: VenueContext): VenueDecoder;
}

export interface VenueDecoder {
  gapsCount: number;
  skippedCount: number;
  message(captured: Captured, writer: EventWriter): void;
  /** The connection broke: what came in between is lost. */
  reconnected(timeNs: number, writer: EventWriter): void;
  /** Instruments whose book needs a new snapshot; whoever follows live asks for it and empties the set. */
  readonly broken: Set<number>;
}

/** What a venue says of an instrument in its list, or its name says. */
export interface Listed {
  readonly kind?: Instrument["kind"];
  readonly option?: OptionTerms;
  readonly tick?: Scale;
  readonly lot?: Scale;
}

/** What is found out about one instrument before it is read. */
export class Seen {
  readonly prices = new StepFinder();
  readonly sizes = new StepFinder();
  /** Its book is told, so that its quotes tell nothing new. */
  hasBook = false;
}

/** What is found out before the first event: instruments in the order in which they appear, and the first time. */
export class Survey {
  readonly seen = new Map<string, Seen>();
  readonly listed = new Map<string, Listed>();
  /** Milliseconds since 1970 of the first message that says one. */
  startMs = NaN;
  /** Books carry the venue's time. */
  hasBookTimes = false;

  instrument(name: string): Seen {
    let seen = this.seen.get(name);
    if (seen === undefined) this.seen.set(name, (seen = new Seen()));
    return seen;
  }

  time(ms: number): void {
    if (Number.isNaN(this.startMs) && ms > 0) this.startMs = ms;
  }

  /** Ticks and lots: as the user says; or the largest steps on which both the list and all that was seen lie. */
  instruments(terms: TermsByName | undefined, nameOf: (name: string) => Listed): Instrument[] {
    return [...this.seen].map(([name, { prices, sizes }]) => {
      const listed = { ...nameOf(name), ...this.listed.get(name) };
      if (listed.tick !== undefined) prices.show(listed.tick.multiply / listed.tick.divide);
      if (listed.lot !== undefined) sizes.show(listed.lot.multiply / listed.lot.divide);
      const one = { multiply: 1, divide: 1 };
      const found = { name, tick: prices.step ?? one, lot: sizes.step ?? one, kind: listed.kind ?? "other" } as const;
      return instrumentOf(termsOf(terms, name), found, listed.option === undefined ? {} : { option: listed.option });
    });
  }
}

export interface VenueSettings {
  /** For messages of errors: the file or the address. */
  readonly source: string;
  readonly instruments: readonly Instrument[];
  /** Milliseconds since 1970 of `timeNs` 0. */
  readonly originMs: number;
  readonly survey: Survey;
}

/** Numbers and names of messages, as events have them. */
export class VenueContext {
  /** Where in the source we are, for errors: `line 17`. */
  place = "";
  readonly instruments: readonly Instrument[];
  readonly survey: Survey;
  readonly images: readonly LevelImage[];
  readonly #source: string;
  readonly #originMs: number;
  readonly #indexes: ReadonlyMap<string, number>;

  constructor({ source, instruments, originMs, survey }: VenueSettings) {
    this.instruments = instruments;
    this.survey = survey;
    this.images = instruments.map((_, index) => new LevelImage(index));
    this.#source = source;
    this.#originMs = originMs;
    this.#indexes = new Map(instruments.map(({ name }, index) => [name, index]));
  }

  /** Index of an instrument, or -1. */
  index(name: unknown): number {
    return this.#indexes.get(String(name)) ?? -1;
  }

  timeNs(ms: unknown): number {
    if (typeof ms === "number" && ms - ms === 0) return (ms - this.#originMs) * 1e6;
    throw this.refusal(String(ms), "a time in milliseconds");
  }

  /** Of a text like 2021-07-22T22:36:10.014Z. */
  isoNs(text: unknown): number {
    const ms = typeof text === "string" ? Date.parse(text) : NaN;
    return this.timeNs(Number.isNaN(ms) ? text : ms);
  }

  ticks(index: number, price: unknown): number {
    return this.#steps(index, "tick", price);
  }

  lots(index: number, size: unknown): number {
    return this.#steps(index, "lot", size);
  }

  /** A trade's price may be between ticks. */
  tradeTicks(index: number, price: unknown): number {
    const { tick } = this.instruments[index] as Instrument;
    const value = this.number(price);
    const steps = stepsOnScale(tick, value);
    return Number.isNaN(steps) ? (value * tick.divide) / tick.multiply : steps;
  }

  number(value: unknown): number {
    const number = typeof value === "string" && value !== "" ? Number(value) : value;
    if (typeof number === "number" && number - number === 0) return number;
    throw this.refusal(excerpt(JSON.stringify(value) ?? "nothing"), "a number");
  }

  refusal(found: string, wanted: string): ReadRefusal {
    return new ReadRefusal({ file: this.#source, place: this.place, found, wanted });
  }

  #steps(index: number, unit: "tick" | "lot", value: unknown): number {
    const instrument = this.instruments[index] as Instrument;
    const scale = instrument[unit];
    const steps = stepsOnScale(scale, this.number(value));
    if (!Number.isNaN(steps)) return steps;
    const wanted = `a multiple of its ${unit}, ${scale.multiply}/${scale.divide}`;
    throw this.refusal(`${String(value)} of ${instrument.name}`, wanted);
  }
}

/** Common part of the decoders: single events, and books that begin again. */
export abstract class VenueDecoderBase implements VenueDecoder {
  gapsCount = 0;
  skippedCount = 0;
  readonly broken = new Set<number>();
  protected readonly context: VenueContext;

  constructor(context: VenueContext) {
    this.context = context;
  }

  abstract message(captured: Captured, writer: EventWriter): void;

  reconnected(timeNs: number, writer: EventWriter): void {
    this.context.instruments.forEach((_, index) => this.gap(index, timeNs, NaN, writer));
  }

  /** Something was missed: until a snapshot comes the book is not to be believed. */
  protected gap(index: number, timeNs: number, receivedNs: number, writer: EventWriter): void {
    this.gapsCount++;
    this.broken.add(index);
    this.begin(writer, EventKind.gap, index, timeNs, receivedNs);
    writer.event.flags = EventFlag.last;
    writer.write();
  }

  /** Sets what an event has in common with others of its message. */
  protected begin(writer: EventWriter, kind: EventKind, index: number, timeNs: number, receivedNs: number): void {
    Object.assign(writer.event, { kind, flags: 0, instrument: index, side: 0, price: NaN, size: 0, id: 0 });
    writer.event.timeNs = timeNs;
    writer.event.receivedNs = receivedNs;
  }

  /** The book is empty: levels of a snapshot follow. */
  protected clear(writer: EventWriter, index: number, timeNs: number, receivedNs: number): void {
    (this.context.images[index] as LevelImage).forget();
    this.begin(writer, EventKind.clear, index, timeNs, receivedNs);
    writer.event.flags = EventFlag.snapshot;
    writer.write();
    writer.event.kind = EventKind.level;
  }

  /** A level; kind, instrument, times and flags are those of the event before. */
  protected level(writer: EventWriter, side: Side, price: number, size: number): void {
    const { event } = writer;
    event.kind = EventKind.level;
    event.side = side;
    event.price = price;
    event.size = size;
    event.id = 0;
    writer.write();
  }

  /** A best bid and ask, or the first levels: what differs from the image before. */
  protected image(
    writer: EventWriter,
    index: number,
    times: { readonly timeNs: number; readonly receivedNs: number },
    levels: { readonly bids: readonly Level[]; readonly asks: readonly Level[] },
  ): void {
    const image = this.context.images[index] as LevelImage;
    image.begin();
    for (const [price, size] of levels.bids)
      image.bid(this.context.ticks(index, price), this.context.lots(index, size));
    for (const [price, size] of levels.asks)
      image.ask(this.context.ticks(index, price), this.context.lots(index, size));
    const from = writer.batch.count;
    // What was missed is made good: an image is the whole of what the venue shows.
    const isAnew = this.broken.delete(index);
    if (isAnew) this.clear(writer, index, times.timeNs, times.receivedNs);
    writer.reserve(image.eventsMax);
    const { batch } = writer;
    const first = batch.count;
    image.end(batch);
    if (isAnew) batch.flags.fill(EventFlag.snapshot, first, batch.count);
    batch.timeNs.fill(times.timeNs, first, batch.count);
    batch.receivedNs.fill(times.receivedNs, first, batch.count);
    writer.close(from);
  }

  /** A number about the instrument, if the venue told one. */
  protected value(writer: EventWriter, field: ValueField, value: unknown, unit = 1): void {
    if (typeof value !== "number" && typeof value !== "string") return;
    const number = Number(value);
    if (value === "" || Number.isNaN(number)) return;
    const { event } = writer;
    event.kind = EventKind.value;
    event.id = field;
    event.size = number / unit;
    writer.write();
  }
}

export type Level = readonly [price: unknown, size: unknown];
