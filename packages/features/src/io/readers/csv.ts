/**
 * Any table of text (CSV) as events, by a mapping: a small JSON object that says which column is what. Every row is one event of its
 * kind. What does not fit the mapping is refused with its line: a guess would be a wrong number for as long as nobody looks.
 *
 * @example
 * // Tardis' incremental_book_L2
 * { "kind": "level", "instrument": { "column": "symbol" }, "time": { "column": "timestamp", "unit": "us" },
 *   "received": { "column": "local_timestamp", "unit": "us" }, "price": "price", "size": "amount",
 *   "side": { "column": "side", "values": { "bid": "bid", "ask": "ask" } },
 *   "snapshot": { "column": "is_snapshot", "values": ["true"] }, "change": "time" }
 */
import { EventFlag, EventKind, type MarketEvent, type Side } from "../../event.ts";
import type { Instrument } from "../../instrument.ts";
import type { EventSource } from "../source.ts";
import type { ByteInput } from "./bytes.ts";
import { decimalSteps, numberIn, stepsOnScale } from "./decimal-text.ts";
import type { EventWriter } from "./event-writer.ts";
import { midnightBefore } from "./file-source.ts";
import { lineSource, survey, type LineDecoder } from "./lines.ts";
import { excerpt, ReadRefusal } from "./read-refusal.ts";
import { instrumentOf, StepFinder, termsOf, type TermsByName } from "./terms.ts";

const kindNames = ["trade", "level", "add", "modify", "cancel", "execute", "clear", "gap"] as const;
type KindName = (typeof kindNames)[number];
const sideNames: Readonly<Record<string, Side>> = { bid: 1, ask: -1, buy: 1, sell: -1, unknown: 0 };
const secondPlaces: Readonly<Record<string, number>> = { s: 9, ms: 6, us: 3, ns: 0 };

/** What one column says in words of its own. */
export interface CsvWords {
  readonly column: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface CsvTime {
  readonly column: string;
  /** A number since 1970 UTC in this unit (decimals allowed), or `iso` text; a text without a zone is UTC. */
  readonly unit: "s" | "ms" | "us" | "ns" | "iso";
}

export interface CsvMapping {
  /** One kind for all rows, or a column whose words mean kinds; the word `skip` leaves a row out. */
  readonly kind: KindName | CsvWords;
  readonly time: CsvTime;
  readonly received?: CsvTime;
  /** A column, or one name for all rows. */
  readonly instrument?: { readonly column: string } | { readonly name: string };
  /** Columns, by their name in the header. */
  readonly price?: string;
  readonly size?: string;
  readonly id?: string;
  /** Words that mean bid, ask, buy, sell or unknown. */
  readonly side?: CsvWords;
  /** Rows with one of these words are of a snapshot; the first of them empties the book. */
  readonly snapshot?: { readonly column: string; readonly values: readonly string[] };
  /** What is one atomic change: every row (the rule), or neighbours of one time and instrument. Neighbours of one snapshot always are. */
  readonly change?: "row" | "time";
  readonly separator?: string;
  /** Names of the columns, where the file has no header. */
  readonly columns?: readonly string[];
  readonly instruments?: TermsByName;
}

const mappingKeys = new Set(
  "kind time received instrument price size id side snapshot change separator columns instruments".split(" "),
);

/** What an event is nothing without. */
const columnsOfKinds = {
  price: ["trade", "level", "add", "modify"],
  size: ["trade", "level", "add", "modify", "cancel", "execute"],
  id: ["add", "modify", "cancel", "execute"],
} as const;

/** Checks the JSON text of a mapping; refuses unknown keys, kinds, units and sides, and kinds without the columns that they need. */
export function parseCsvMapping(file: string, text: string): CsvMapping {
  const refuse = (found: string, wanted: string): never => {
    throw new ReadRefusal({ file, found, wanted });
  };
  let mapping: CsvMapping;
  try {
    mapping = JSON.parse(text) as CsvMapping;
  } catch (error) {
    return refuse((error as Error).message, "JSON");
  }
  if (typeof mapping !== "object" || mapping === null)
    return refuse(excerpt(text), "an object that says which column is what");
  for (const key of Object.keys(mapping))
    if (!mappingKeys.has(key)) refuse(`the key ${excerpt(key)}`, [...mappingKeys].join(", "));
  const isKind = (word: string): boolean => (kindNames as readonly string[]).includes(word);
  const words = typeof mapping.kind === "object" ? Object.values(mapping.kind.values ?? {}) : [String(mapping.kind)];
  for (const word of words)
    if (!isKind(word) && word !== "skip") refuse(`the kind ${excerpt(word)}`, kindNames.join(", "));
  for (const time of [mapping.time, ...(mapping.received === undefined ? [] : [mapping.received])])
    if (time?.column === undefined || (secondPlaces[time.unit] === undefined && time.unit !== "iso"))
      refuse("a time without a column or with an unknown unit", "column, and unit s, ms, us, ns or iso");
  for (const word of Object.values(mapping.side?.values ?? {}))
    if (sideNames[word] === undefined) refuse(`the side ${excerpt(word)}`, Object.keys(sideNames).join(", "));
  for (const [column, kinds] of Object.entries(columnsOfKinds) as ["price" | "size" | "id", readonly string[]][])
    for (const word of words)
      if (mapping[column] === undefined && kinds.includes(word)) refuse(`${word} without a column ${column}`, column);
  return mapping;
}

export interface CsvSettings {
  readonly mapping: CsvMapping;
  readonly terms?: TermsByName;
  /** The instrument's name where the mapping says none. */
  readonly symbol?: string;
}

/** Surveys the file for instruments and steps, then gives a source of its events. */
export async function readCsv(input: ByteInput, settings: CsvSettings): Promise<EventSource> {
  const { mapping } = settings;
  const terms = { ...mapping.instruments, ...settings.terms };
  const seen = new Map<string, { readonly prices: StepFinder; readonly sizes: StepFinder }>();
  const rows = new CsvRows(input.name, mapping, settings.symbol ?? "instrument");
  let startNs: bigint | undefined;
  await survey(input, (line, number) => {
    if (!rows.take(line, number) || rows.kind === undefined) return;
    startNs ??= rows.epochNs(mapping.time);
    let one = seen.get(rows.instrument);
    if (one === undefined) seen.set(rows.instrument, (one = { prices: new StepFinder(), sizes: new StepFinder() }));
    if (rows.kind !== "trade" && mapping.price !== undefined) one.prices.show(numberIn(rows.field(mapping.price)));
    if (mapping.size !== undefined) one.sizes.show(numberIn(rows.field(mapping.size)));
  });
  if (startNs === undefined)
    throw new ReadRefusal({ file: input.name, found: "no row that is an event", wanted: "one" });
  const one = { multiply: 1, divide: 1 };
  const cent = { multiply: 1, divide: 100 };
  const instruments = [...seen].map(([name, { prices, sizes }]) =>
    instrumentOf(termsOf(terms, name), { name, tick: prices.step ?? cent, lot: sizes.step ?? one, kind: "other" }),
  );
  const originNs = midnightBefore(startNs);
  return lineSource({
    input,
    instruments,
    originNs,
    decode: () =>
      new CsvDecoder(new CsvRows(input.name, mapping, settings.symbol ?? "instrument"), mapping, instruments, originNs),
  });
}

/** One row at a time, taken apart: fields by name, and the words of the mapping understood. */
class CsvRows {
  kind: KindName | undefined;
  instrument = "";
  readonly #file: string;
  readonly #mapping: CsvMapping;
  readonly #symbol: string;
  #places: ReadonlyMap<string, number> | undefined;
  #fields: readonly string[] = [];
  #number = 0;

  constructor(file: string, mapping: CsvMapping, symbol: string) {
    this.#file = file;
    this.#mapping = mapping;
    this.#symbol = symbol;
    if (mapping.columns !== undefined) this.#places = new Map(mapping.columns.map((name, place) => [name, place]));
  }

  /** Takes a line; false if it is the header or empty. `kind` is undefined for a row that is to be skipped. */
  take(line: string, number: number): boolean {
    this.#number = number;
    if (line === "") return false;
    this.#fields = split(line, this.#mapping.separator ?? ",");
    if (this.#places === undefined) {
      this.#places = new Map(this.#fields.map((name, place) => [name.replace(/^\ufeff/, "").trim(), place]));
      return false;
    }
    if (this.#fields.length < this.#places.size)
      throw this.refusal(`${this.#fields.length} columns`, `${this.#places.size}, as in the header`);
    const { kind, instrument } = this.#mapping;
    const word = typeof kind === "string" ? kind : this.word(kind);
    this.kind = word === "skip" ? undefined : (word as KindName);
    if (instrument === undefined) this.instrument = this.#symbol;
    else this.instrument = "name" in instrument ? instrument.name : this.field(instrument.column);
    return true;
  }

  field(column: string): string {
    const place = this.#places!.get(column);
    if (place !== undefined) return this.#fields[place]!;
    throw this.refusal(`no column ${excerpt(column)}`, `one of ${[...this.#places!.keys()].join(", ")}`);
  }

  word({ column, values }: CsvWords): string {
    const text = this.field(column);
    const word = Object.hasOwn(values, text) ? values[text] : undefined;
    if (word !== undefined) return word;
    throw this.refusal(`${column} ${excerpt(text)}`, Object.keys(values).join(", "));
  }

  /** Nanoseconds since 1970, of any of the units. */
  epochNs({ column, unit }: CsvTime): bigint {
    const text = this.field(column);
    if (unit === "iso") return this.#isoNs(text);
    const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
    if (match === null) throw this.refusal(`${column} ${excerpt(text)}`, `a number of ${unit} since 1970`);
    const places = secondPlaces[unit]!;
    const fraction = (match[2] ?? "").slice(0, places).padEnd(places, "0");
    return BigInt(match[1]! + fraction);
  }

  refusal(found: string, wanted: string): ReadRefusal {
    return new ReadRefusal({ file: this.#file, place: `line ${this.#number}`, found, wanted });
  }

  /** Milliseconds by the clock's own reading, and what is finer by the digits. */
  #isoNs(text: string): bigint {
    const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
    const ms = match === null ? NaN : Date.parse(`${match[1]}T${match[2]}${match[4] ?? "Z"}`);
    if (Number.isNaN(ms)) throw this.refusal(excerpt(text), "a time like 2024-01-31T09:30:00.123456Z");
    return BigInt(ms) * 1_000_000n + BigInt(decimalSteps(`0.${match![3] ?? "0"}`, 9));
  }
}

class CsvDecoder implements LineDecoder {
  gapsCount = 0;
  skippedCount = 0;
  readonly #rows: CsvRows;
  readonly #mapping: CsvMapping;
  readonly #instruments: readonly Instrument[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #originNs: bigint;
  readonly #inSnapshot: Uint8Array;
  /** The last row, which waits for the next one. */
  #held: MarketEvent | undefined;

  constructor(rows: CsvRows, mapping: CsvMapping, instruments: readonly Instrument[], originNs: bigint) {
    this.#rows = rows;
    this.#mapping = mapping;
    this.#instruments = instruments;
    this.#indexes = new Map(instruments.map(({ name }, index) => [name, index]));
    this.#originNs = originNs;
    this.#inSnapshot = new Uint8Array(instruments.length);
  }

  line(text: string, number: number, writer: EventWriter): void {
    const rows = this.#rows;
    if (!rows.take(text, number)) return;
    if (rows.kind === undefined) {
      this.skippedCount++;
      return;
    }
    const { event } = writer;
    const index = this.#indexes.get(rows.instrument)!;
    event.instrument = index;
    event.timeNs = Number(rows.epochNs(this.#mapping.time) - this.#originNs);
    event.receivedNs =
      this.#mapping.received === undefined ? NaN : Number(rows.epochNs(this.#mapping.received) - this.#originNs);
    this.#fill(writer, index);
    if (rows.kind === "gap") this.gapsCount++;
    this.#snapshot(writer, index);
    this.#hold(writer);
  }

  finish(writer: EventWriter): void {
    this.#release(writer, true);
  }

  #fill(writer: EventWriter, index: number): void {
    const { event } = writer;
    const rows = this.#rows;
    const { price, size, id, side } = this.#mapping;
    const kind = rows.kind!;
    event.kind = EventKind[kind];
    event.flags = 0;
    event.side = side === undefined ? 0 : sideNames[rows.word(side)]!;
    const isBare = kind === "clear" || kind === "gap";
    event.price = price === undefined || isBare ? NaN : this.#steps(price, index, "tick", kind === "trade");
    event.size = size === undefined || isBare ? 0 : this.#steps(size, index, "lot", false);
    event.id = id === undefined || isBare ? 0 : this.#id(id);
    if ((kind === "level" || kind === "add") && event.side === 0)
      throw rows.refusal("an order without side", "bid or ask");
  }

  #steps(column: string, index: number, unit: "tick" | "lot", between: boolean): number {
    const text = this.#rows.field(column);
    const value = numberIn(text);
    const { name, [unit]: scale } = this.#instruments[index]!;
    if (Number.isNaN(value)) throw this.#rows.refusal(`${column} ${excerpt(text)}`, "a number");
    const steps = stepsOnScale(scale, value);
    if (!Number.isNaN(steps)) return steps;
    if (between) return (value * scale.divide) / scale.multiply;
    throw this.#rows.refusal(
      `${column} ${text} of ${name}`,
      `a multiple of its ${unit}, ${scale.multiply}/${scale.divide}`,
    );
  }

  #id(column: string): number {
    const text = this.#rows.field(column);
    const id = numberIn(text);
    if (Number.isSafeInteger(id)) return id;
    throw this.#rows.refusal(`${column} ${excerpt(text)}`, "an integer below 2^53");
  }

  /** The first row of a snapshot empties the book. */
  #snapshot(writer: EventWriter, index: number): void {
    const { snapshot } = this.#mapping;
    const { event } = writer;
    const isSnapshot = snapshot !== undefined && snapshot.values.includes(this.#rows.field(snapshot.column));
    if (isSnapshot) event.flags = EventFlag.snapshot;
    if (isSnapshot && this.#inSnapshot[index] === 0) {
      const row = { ...event };
      this.#release(writer, true);
      Object.assign(event, row, { kind: EventKind.clear, side: 0, price: NaN, size: 0, id: 0 });
      writer.write();
      Object.assign(event, row);
    }
    this.#inSnapshot[index] = isSnapshot ? 1 : 0;
  }

  /** An event waits until the next one says whether it ends an atomic change. */
  #hold(writer: EventWriter): void {
    const { event } = writer;
    const row = { ...event };
    const held = this.#held;
    const isSame = held?.instrument === row.instrument && held.timeNs === row.timeNs;
    // Half a snapshot is no book: it is over when a row of another kind comes.
    const isSnapshot = (flags: number): boolean => (flags & EventFlag.snapshot) !== 0;
    const isOneSnapshot = held?.instrument === row.instrument && isSnapshot(held.flags) && isSnapshot(row.flags);
    this.#release(writer, !isOneSnapshot && (this.#mapping.change !== "time" || !isSame));
    this.#held = row;
  }

  #release(writer: EventWriter, isLast: boolean): void {
    if (this.#held === undefined) return;
    Object.assign(writer.event, this.#held);
    if (isLast) writer.event.flags |= EventFlag.last;
    writer.write();
    this.#held = undefined;
  }
}

/** Fields of a line; quoted ones may hold separators and doubled quotes. */
function split(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator);
  const fields: string[] = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (quoted && letter === '"' && line[at + 1] === '"') field += line[++at]!;
    else if (letter === '"') quoted = !quoted;
    else if (letter === separator && !quoted) {
      fields.push(field);
      field = "";
    } else field += letter;
  }
  fields.push(field);
  return fields;
}
