/**
 * Canonical binary encoding. One value has one encoding, and everything else is refused: integers are fixed-width little
 * endian, strings and lists are length-prefixed with a named limit, optional values carry one byte that is 0 or 1, unions
 * carry one tag byte, and nothing may follow the value. There are no maps and no floats.
 *
 * A `Codec<T>` is a pair of functions; records are built from codecs by the combinators below. Decoding returns a value or
 * throws {@link DecodeError}, which `decode` turns into a refusal for callers at the door.
 */
import { assert, InvariantError } from "./assert.ts";
import { fromUtf8, toUtf8 } from "./bytes.ts";
import { limits } from "./limits.ts";

export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export interface Codec<T> {
  readonly write: (writer: Writer, value: T) => void;
  readonly read: (reader: Reader) => T;
  /** What the values are, for tools and tests that make examples of every format. */
  readonly shape: Shape;
}

/** A closed description of a format; sizes are in bytes. */
export type Shape =
  | { readonly kind: "number"; readonly least: number; readonly most: number }
  | { readonly kind: "bigint"; readonly least: bigint; readonly most: bigint }
  | { readonly kind: "boolean" }
  | { readonly kind: "bytes"; readonly sizeMin: number; readonly sizeMax: number }
  | { readonly kind: "text"; readonly sizeMax: number }
  | { readonly kind: "list"; readonly item: Shape; readonly countMax: number }
  | { readonly kind: "optional"; readonly item: Shape }
  | { readonly kind: "word"; readonly words: readonly string[] }
  | { readonly kind: "record"; readonly fields: ShapeFields }
  | { readonly kind: "union"; readonly cases: { readonly [kind: string]: ShapeFields } }
  | { readonly kind: "refined"; readonly item: Shape; readonly accepts: (value: unknown) => boolean };

type ShapeFields = { readonly [name: string]: Shape };

export type Decoded<C> = C extends Codec<infer T> ? T : never;

/** A growing buffer that codecs append to. */
export class Writer {
  bytes: Uint8Array;
  view: DataView;
  size = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` bytes and returns the offset at which to write them. */
  reserve(count: number): number {
    const offset = this.size;
    const size = offset + count;
    if (size > this.bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, offset));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    this.size = size;
    return offset;
  }

  append(part: Uint8Array): void {
    const offset = this.reserve(part.length);
    this.bytes.set(part, offset);
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.size);
  }
}

/** A cursor over bytes from outside; every read checks its bounds. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset = 0;

  constructor(bytes: Uint8Array) {
    // A plain array over the same memory: `slice` of a subclass (Node's Buffer) would share memory instead of copying it.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Consumes `count` bytes and returns the offset at which they start. */
  take(count: number): number {
    const offset = this.offset;
    if (count > this.bytes.length - offset) throw new DecodeError(`truncated at byte ${offset}: ${count} bytes wanted`);
    this.offset = offset + count;
    return offset;
  }
}

/** One writer serves all encodings, one after another: a fresh buffer for each would be most of the cost of a small value. */
let idleWriter: Writer | undefined = new Writer(4096);
/** As large as the largest message between nodes. */
const idleWriterSizeMax = limits.frameSizeMax;

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = idleWriter ?? new Writer();
  // Taken while in use: a codec may encode something else on its way.
  idleWriter = undefined;
  writer.size = 0;
  try {
    codec.write(writer, value);
    return writer.finish();
  } finally {
    if (writer.bytes.length <= idleWriterSizeMax) idleWriter = writer;
    else idleWriter ??= new Writer(4096);
  }
}

const passing = new Writer(4096);

/**
 * Encodes into memory that the next call takes again: for bytes that are hashed or copied at once, of values that are small. A
 * buffer of its own for each would cost as much as the encoding, and the collector more later.
 */
export function encodePassing<T>(codec: Codec<T>, value: T): Uint8Array {
  passing.size = 0;
  codec.write(passing, value);
  return passing.bytes.subarray(0, passing.size);
}

/** Values as {@link list} writes its items when they are byte strings: each encoding behind its length, one after another. */
export interface EncodedItems {
  readonly bytes: Uint8Array;
  /** Where each item ends in `bytes`; it begins, with its length, where the one before it ends. */
  readonly ends: readonly number[];
}

export const noItems: EncodedItems = { bytes: new Uint8Array(0), ends: [] };

/** Encodes values as they come into one buffer that it keeps: no value outlives its push, and none costs an allocation. */
export class ItemsWriter<T> {
  readonly #codec: Codec<T>;
  readonly #writer = new Writer(4096);
  #ends: number[] = [];

  constructor(codec: Codec<T>) {
    this.#codec = codec;
  }

  push(value: T): void {
    const writer = this.#writer;
    const offset = writer.reserve(lengthSize);
    this.#codec.write(writer, value);
    writer.view.setUint32(offset, writer.size - offset - lengthSize, true);
    this.#ends.push(writer.size);
  }

  /** What has come since this was called last, in a buffer of its own. */
  take(): EncodedItems {
    const items = { bytes: this.#writer.finish(), ends: this.#ends };
    this.#writer.size = 0;
    this.#ends = [];
    return items;
  }
}

/** The encoding of one item, as a view. */
export function itemAt({ bytes, ends }: EncodedItems, index: number): Uint8Array {
  return bytes.subarray((index === 0 ? 0 : ends[index - 1]!) + lengthSize, ends[index]);
}

/** The first byte of one item, which is of at least one byte: of a union its tag. */
export function firstByteAt({ bytes, ends }: EncodedItems, index: number): number {
  return bytes[(index === 0 ? 0 : ends[index - 1]!) + lengthSize]!;
}

/** Bytes of the length before a byte string. */
const lengthSize = 4;

/** Not `assert`: its message would be made, number by number, for every value that is well. */
function refuse(fact: string): never {
  throw new InvariantError(`invariant broken: ${fact}`);
}

/** Decodes exactly one value; throws {@link DecodeError} when the bytes are not the canonical encoding of one. */
export function decodeOrThrow<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  if (reader.offset !== bytes.length) throw new DecodeError(`${bytes.length - reader.offset} bytes follow the value`);
  return value;
}

/** Decodes exactly one value, or `undefined` when the bytes are not the canonical encoding of one. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T | undefined {
  try {
    return decodeOrThrow(codec, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const wordRange = 4294967296;
const largestSafe = BigInt(Number.MAX_SAFE_INTEGER);

function unsigned(size: 1 | 2 | 4): Codec<number> {
  const limit = size === 1 ? 0x100 : size === 2 ? 0x1_0000 : 0x1_0000_0000;
  return {
    write(writer, value) {
      if (!(Number.isInteger(value) && 0 <= value && value < limit))
        refuse(`an unsigned integer of ${size} bytes: ${value}`);
      const offset = writer.reserve(size);
      if (size === 1) writer.bytes[offset] = value;
      else if (size === 2) writer.view.setUint16(offset, value, true);
      else writer.view.setUint32(offset, value, true);
    },
    read(reader) {
      const offset = reader.take(size);
      if (size === 1) return reader.bytes[offset]!;
      return size === 2 ? reader.view.getUint16(offset, true) : reader.view.getUint32(offset, true);
    },
    shape: { kind: "number", least: 0, most: limit - 1 },
  };
}

export const u8 = unsigned(1);
export const u16 = unsigned(2);
export const u32 = unsigned(4);

/** Eight bytes holding a non-negative integer that JavaScript represents exactly; larger values are refused. */
export const u53: Codec<number> = {
  write(writer, value) {
    if (!(Number.isSafeInteger(value) && 0 <= value)) refuse(`a non-negative safe integer: ${value}`);
    const offset = writer.reserve(8);
    const high = Math.floor(value / wordRange);
    writer.view.setUint32(offset, value - high * wordRange, true);
    writer.view.setUint32(offset + 4, high, true);
  },
  read(reader) {
    const offset = reader.take(8);
    const high = reader.view.getUint32(offset + 4, true);
    if (high > 0x1fffff) throw new DecodeError(`integer above 2^53 - 1 at byte ${offset}`);
    return high * wordRange + reader.view.getUint32(offset, true);
  },
  shape: { kind: "number", least: 0, most: Number.MAX_SAFE_INTEGER },
};

/** Eight bytes, two's complement, holding an integer that JavaScript represents exactly. */
export const i53: Codec<number> = {
  write(writer, value) {
    if (!Number.isSafeInteger(value)) refuse(`a safe integer: ${value}`);
    const offset = writer.reserve(8);
    // The floor makes the low word of a negative number what two's complement wants.
    const high = Math.floor(value / wordRange);
    writer.view.setUint32(offset, value - high * wordRange, true);
    writer.view.setInt32(offset + 4, high, true);
  },
  read(reader) {
    const offset = reader.take(8);
    const high = reader.view.getInt32(offset + 4, true);
    const low = reader.view.getUint32(offset, true);
    const value = high * wordRange + low;
    if (high < -0x200000 || 0x1fffff < high || value === -9007199254740992)
      throw new DecodeError(`integer beyond 2^53 - 1 at byte ${offset}`);
    return value;
  },
  shape: { kind: "number", least: -Number.MAX_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER },
};

export const u64: Codec<bigint> = {
  write(writer, value) {
    if (!(0n <= value && value < 1n << 64n)) refuse(`an unsigned integer of 8 bytes: ${value}`);
    // The offset first: reserving may replace the view.
    const offset = writer.reserve(8);
    writer.view.setBigUint64(offset, value, true);
  },
  read: (reader) => reader.view.getBigUint64(reader.take(8), true),
  shape: { kind: "bigint", least: 0n, most: (1n << 64n) - 1n },
};

/** Sixteen bytes, two's complement: amounts of money and sums of them. */
export const i128: Codec<bigint> = {
  write(writer, value) {
    const offset = writer.reserve(16);
    // Most amounts are exact as numbers, which are written without making another bigint.
    if (-largestSafe <= value && value <= largestSafe) {
      const number = Number(value);
      const high = Math.floor(number / wordRange);
      const sign = number < 0 ? -1 : 0;
      writer.view.setUint32(offset, number - high * wordRange, true);
      writer.view.setInt32(offset + 4, high, true);
      writer.view.setInt32(offset + 8, sign, true);
      writer.view.setInt32(offset + 12, sign, true);
      return;
    }
    if (!(-(1n << 127n) <= value && value < 1n << 127n)) refuse(`a signed integer of 16 bytes: ${value}`);
    writer.view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    writer.view.setBigInt64(offset + 8, value >> 64n, true);
  },
  read(reader) {
    const offset = reader.take(16);
    const { view } = reader;
    const sign = view.getInt32(offset + 4, true) >> 31;
    const small = view.getInt32(offset + 8, true) === sign && view.getInt32(offset + 12, true) === sign;
    if (small) return view.getBigInt64(offset, true);
    return (view.getBigInt64(offset + 8, true) << 64n) | view.getBigUint64(offset, true);
  },
  shape: { kind: "bigint", least: -(1n << 127n), most: (1n << 127n) - 1n },
};

export const bool: Codec<boolean> = {
  write: (writer, value) => u8.write(writer, value ? 1 : 0),
  read(reader) {
    const byte = u8.read(reader);
    if (byte > 1) throw new DecodeError(`boolean ${byte} at byte ${reader.offset - 1}`);
    return byte === 1;
  },
  shape: { kind: "boolean" },
};

/** Exactly `size` bytes, without a prefix. */
export function fixedBytes(size: number): Codec<Uint8Array> {
  return {
    write(writer, value) {
      if (value.length !== size) refuse(`${size} bytes: got ${value.length}`);
      writer.append(value);
    },
    read(reader) {
      const offset = reader.take(size);
      return reader.bytes.slice(offset, offset + size);
    },
    shape: { kind: "bytes", sizeMin: size, sizeMax: size },
  };
}

/** At most `sizeMax` bytes behind a u32 length. */
export function byteString(sizeMax: number): Codec<Uint8Array> {
  return bytesBehindLength(sizeMax, (bytes, start, end) => bytes.slice(start, end));
}

/**
 * The same bytes; what is read is a view of what is decoded: for values that are used up before those bytes change.
 *
 * PERF: a copy is a buffer of its own, which costs the garbage collector more than the copying.
 */
export function byteView(sizeMax: number): Codec<Uint8Array> {
  return bytesBehindLength(sizeMax, (bytes, start, end) => bytes.subarray(start, end));
}

function bytesBehindLength(
  sizeMax: number,
  take: (bytes: Uint8Array, start: number, end: number) => Uint8Array,
): Codec<Uint8Array> {
  return {
    write(writer, value) {
      if (sizeMax < value.length) refuse(`at most ${sizeMax} bytes: got ${value.length}`);
      u32.write(writer, value.length);
      writer.append(value);
    },
    read(reader) {
      const size = u32.read(reader);
      if (size > sizeMax) throw new DecodeError(`${size} bytes where ${sizeMax} are allowed`);
      const offset = reader.take(size);
      return take(reader.bytes, offset, offset + size);
    },
    shape: { kind: "bytes", sizeMin: 0, sizeMax },
  };
}

/** Strict UTF-8 of at most `sizeMax` bytes behind a u32 length. */
export function text(sizeMax: number): Codec<string> {
  const bytes = byteString(sizeMax);
  return {
    write(writer, value) {
      if (value.length <= sizeMax && writeAscii(writer, value)) return;
      if (!value.isWellFormed()) refuse("text whose surrogates are paired");
      bytes.write(writer, toUtf8(value));
    },
    read(reader) {
      const value = fromUtf8(bytes.read(reader));
      if (value === undefined) throw new DecodeError("text that is not UTF-8");
      return value;
    },
    shape: { kind: "text", sizeMax },
  };
}

/** Writes text in which every character is one byte, as nearly all is; otherwise leaves the writer as it was. */
function writeAscii(writer: Writer, value: string): boolean {
  const before = writer.size;
  const offset = writer.reserve(4 + value.length);
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (0x7f < code) {
      writer.size = before;
      return false;
    }
    writer.bytes[offset + 4 + index] = code;
  }
  writer.view.setUint32(offset, value.length, true);
  return true;
}

/** At most `countMax` items behind a u32 count. */
export function list<T>(item: Codec<T>, countMax: number): Codec<readonly T[]> {
  return {
    write(writer, value) {
      if (countMax < value.length) refuse(`at most ${countMax} items: got ${value.length}`);
      u32.write(writer, value.length);
      for (const entry of value) item.write(writer, entry);
    },
    read(reader) {
      const count = u32.read(reader);
      if (count > countMax) throw new DecodeError(`${count} items where ${countMax} are allowed`);
      const items: T[] = [];
      for (let index = 0; index < count; index++) items.push(item.read(reader));
      return items;
    },
    shape: { kind: "list", item: item.shape, countMax },
  };
}

/** One byte, 0 or 1, then the value if there is one. */
export function optional<T>(item: Codec<T>): Codec<T | undefined> {
  return {
    write(writer, value) {
      bool.write(writer, value !== undefined);
      if (value !== undefined) item.write(writer, value);
    },
    read: (reader) => (bool.read(reader) ? item.read(reader) : undefined),
    shape: { kind: "optional", item: item.shape },
  };
}

/** One of a closed list of words, as its index in that list. The order of `words` is part of the format. */
export function oneOf<const W extends readonly string[]>(words: W): Codec<W[number]> {
  return {
    write(writer, value) {
      const index = words.indexOf(value);
      if (index < 0) refuse(`one of ${words.join(", ")}: ${value}`);
      u8.write(writer, index);
    },
    read(reader) {
      const index = u8.read(reader);
      const word = words[index];
      if (word === undefined) throw new DecodeError(`word ${index} of ${words.length} at byte ${reader.offset - 1}`);
      return word;
    },
    shape: { kind: "word", words },
  };
}

type Fields = { readonly [name: string]: Codec<any> };
type Record<F extends Fields> = { readonly [K in keyof F]: Decoded<F[K]> };

/** A record: its fields in the declared order, without names or padding. */
export function record<F extends Fields>(fields: F): Codec<Record<F>> {
  const names = Object.keys(fields);
  const codecs = Object.values(fields);
  return {
    write(writer, value) {
      for (let index = 0; index < names.length; index++) codecs[index]!.write(writer, value[names[index]!]);
    },
    read(reader) {
      const value: { [name: string]: unknown } = {};
      readFields(value, names, codecs, reader);
      return value as Record<F>;
    },
    shape: { kind: "record", fields: shapesOf(fields) },
  };
}

function readFields(
  value: { [name: string]: unknown },
  names: readonly string[],
  codecs: readonly Codec<any>[],
  reader: Reader,
): void {
  for (let index = 0; index < names.length; index++) value[names[index]!] = codecs[index]!.read(reader);
}

function shapesOf(fields: Fields): ShapeFields {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.shape]));
}

type Cases = { readonly [kind: string]: { readonly tag: number; readonly fields: Fields } };
type Union<C extends Cases> = { [K in keyof C]: { readonly kind: K } & Record<C[K]["fields"]> }[keyof C];

/** A closed union discriminated by `kind`: one tag byte, then the fields of that case. Tags are part of the format. */
export function union<const C extends Cases>(cases: C): Codec<Union<C>> {
  const prepared = Object.entries(cases).map(([kind, { tag, fields }]) => {
    assert(!("kind" in fields), "a case of a union has no field named kind");
    return { kind, tag, body: record(fields), names: Object.keys(fields), codecs: Object.values(fields) };
  });
  const byKind = new Map(prepared.map((one) => [one.kind, one]));
  const byTag = new Map(prepared.map((one) => [one.tag, one]));
  assert(byTag.size === byKind.size, "every case of a union has a tag of its own");
  return {
    write(writer, value) {
      const one = byKind.get(value.kind as string) ?? refuse(`a case of the union: ${String(value.kind)}`);
      u8.write(writer, one.tag);
      one.body.write(writer, value as never);
    },
    read(reader) {
      const tag = u8.read(reader);
      const one = byTag.get(tag);
      if (one === undefined) throw new DecodeError(`no case has tag ${tag} at byte ${reader.offset - 1}`);
      const value: { [name: string]: unknown } = { kind: one.kind };
      readFields(value, one.names, one.codecs, reader);
      return value as Union<C>;
    },
    shape: {
      kind: "union",
      cases: Object.fromEntries(Object.entries(cases).map(([kind, one]) => [kind, shapesOf(one.fields)])),
    },
  };
}

/** The same bytes under another type: brands a unit, or adds a rule that `check` enforces on what is read. */
export function refined<T, U extends T>(codec: Codec<T>, check: (value: T) => U | undefined, rule: string): Codec<U> {
  return {
    write(writer, value) {
      assert(check(value) !== undefined, rule);
      codec.write(writer, value);
    },
    read(reader) {
      const value = check(codec.read(reader));
      if (value === undefined) throw new DecodeError(`value refused: ${rule}`);
      return value;
    },
    shape: { kind: "refined", item: codec.shape, accepts: (value) => check(value as T) !== undefined },
  };
}
