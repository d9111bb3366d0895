/**
 * How what operators remember is written down and found again, to the bit. An operator hands its memory to `keep` once, when it is made:
 * an object whose properties are numbers, booleans, typed arrays or things that save themselves. Nothing else is needed for a checkpoint.
 */
import { FeatureRefusal } from "./refusal.ts";

/** Something with a form of its own (a ring that grows, a book). */
export interface Saveable {
  save(writer: StateWriter): void;
  load(reader: StateReader): void;
}

type Remembered = number | boolean | Float64Array | Int32Array | Uint8Array | Saveable;
/** What can be kept: names to memory. The names are not saved, their order is. */
export type Memory = { readonly [name: string]: Remembered } | object;

export class StateWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  number(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  numbers(values: Float64Array, count: number = values.length): void {
    this.number(count);
    for (let index = 0; index < count; index++) this.number(values[index] as number);
  }

  integers(values: Int32Array | Uint8Array | Int8Array, count: number = values.length): void {
    this.number(count);
    this.#reserve(4 * count);
    for (let index = 0; index < count; index++) {
      this.#view.setInt32(this.#at, values[index] as number, true);
      this.#at += 4;
    }
  }

  text(value: string): void {
    this.number(value.length);
    for (let index = 0; index < value.length; index++) this.number(value.charCodeAt(index));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const wider = new Uint8Array(2 * (this.#at + size));
    wider.set(this.#bytes);
    this.#bytes = wider;
    this.#view = new DataView(wider.buffer);
  }
}

export class StateReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  number(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** A count that the bytes themselves can hold. */
  count(unit: number): number {
    const count = this.number();
    if (!Number.isSafeInteger(count) || count < 0) throw torn(count);
    this.#need(count * unit);
    return count;
  }

  numbers(): Float64Array {
    const values = new Float64Array(this.count(8));
    for (let index = 0; index < values.length; index++) values[index] = this.number();
    return values;
  }

  integers(): Int32Array {
    const values = new Int32Array(this.count(4));
    for (let index = 0; index < values.length; index++) {
      values[index] = this.#view.getInt32(this.#at, true);
      this.#at += 4;
    }
    return values;
  }

  text(): string {
    const codes = this.numbers();
    let text = "";
    for (const code of codes) text += String.fromCharCode(code);
    return text;
  }

  /** Refuses bytes behind the end. */
  finish(): void {
    if (this.#at !== this.#view.byteLength) throw torn(this.#view.byteLength);
  }

  #need(size: number): void {
    if (this.#at + size > this.#view.byteLength) throw torn(this.#view.byteLength);
  }
}

const torn = (value: number): FeatureRefusal =>
  new FeatureRefusal({ argument: "checkpoint", value, wanted: "the whole of the bytes that save() returned" });

/** Writes what an object remembers, property after property. */
export function saveMemory(memory: Memory, writer: StateWriter): void {
  for (const value of Object.values(memory) as Remembered[]) {
    if (typeof value === "number") writer.number(value);
    else if (typeof value === "boolean") writer.number(value ? 1 : 0);
    else if (value instanceof Float64Array) writer.numbers(value);
    else if (value instanceof Int32Array || value instanceof Uint8Array) writer.integers(value);
    else value.save(writer);
  }
}

/** Brings it back: arrays in place, since closures hold them. */
export function loadMemory(memory: Memory, reader: StateReader): void {
  const fields = memory as Record<string, Remembered>;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "number") fields[name] = reader.number();
    else if (typeof value === "boolean") fields[name] = reader.number() !== 0;
    else if (value instanceof Float64Array) fill(value, reader.numbers());
    else if (value instanceof Int32Array || value instanceof Uint8Array) fill(value, reader.integers());
    else value.load(reader);
  }
}

function fill(into: Float64Array | Int32Array | Uint8Array, saved: Float64Array | Int32Array): void {
  if (saved.length !== into.length) throw torn(saved.length);
  into.set(saved);
}
