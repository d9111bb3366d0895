/**
 * Canonical binary encoding. One value has one encoding, and everything else is refused: integers are fixed-width little
 * endian, strings and lists are length-prefixed with a named limit, optional values carry one byte that is 0 or 1, unions
 * carry one tag byte, and nothing may follow the value. There are no maps and no floats.
 *
 * A `Codec<T>` is a pair of functions; records are built from codecs by the combinators below. Decoding returns a value or
 * throws {@link DecodeError}, which `decode` turns into a refusal for callers at the door.
 */
import { assert } from "./assert.ts";
import { fromUtf8, toUtf8 } from "./bytes.ts";

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

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
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

const largestSafe = BigInt(Number.MAX_SAFE_INTEGER);

function unsigned(size: 1 | 2 | 4): Codec<number> {
  const limit = size === 1 ? 0x100 : size === 2 ? 0x1_0000 : 0x1_0000_0000;
  return {
    write(writer, value) {
      assert(Number.isInteger(value) && 0 <= value && value < limit, `an unsigned integer of ${size} bytes: ${value}`);
      const offset = writer.reserve(size);
      if (size === 1) writer.view.setUint8(offset, value);
      else if (size === 2) writer.view.setUint16(offset, value, true);
      else writer.view.setUint32(offset, value, true);
    },
    read(reader) {
      const offset = reader.take(size);
      if (size === 1) return reader.view.getUint8(offset);
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
    assert(Number.isSafeInteger(value) && 0 <= value, `a non-negative safe integer: ${value}`);
    const offset = writer.reserve(8);
    writer.view.setUint32(offset, value % 4294967296, true);
    writer.view.setUint32(offset + 4, Math.floor(value / 4294967296), true);
  },
  read(reader) {
    const offset = reader.take(8);
    const high = reader.view.getUint32(offset + 4, true);
    if (high > 0x1fffff) throw new DecodeError(`integer above 2^53 - 1 at byte ${offset}`);
    return high * 4294967296 + reader.view.getUint32(offset, true);
  },
  shape: { kind: "number", least: 0, most: Number.MAX_SAFE_INTEGER },
};

/** Eight bytes, two's complement, holding an integer that JavaScript represents exactly. */
export const i53: Codec<number> = {
  write(writer, value) {
    assert(Number.isSafeInteger(value), `a safe integer: ${value}`);
    // The offset first: reserving may replace the view.
    const offset = writer.reserve(8);
    writer.view.setBigInt64(offset, BigInt(value), true);
  },
  read(reader) {
    const offset = reader.take(8);
    const value = reader.view.getBigInt64(offset, true);
    if (value > largestSafe || value < -largestSafe) throw new DecodeError(`integer beyond 2^53 - 1 at byte ${offset}`);
    return Number(value);
  },
  shape: { kind: "number", least: -Number.MAX_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER },
};

export const u64: Codec<bigint> = {
  write(writer, value) {
    assert(0n <= value && value < 1n << 64n, `an unsigned integer of 8 bytes: ${value}`);
    const offset = writer.reserve(8);
    writer.view.setBigUint64(offset, value, true);
  },
  read: (reader) => reader.view.getBigUint64(reader.take(8), true),
  shape: { kind: "bigint", least: 0n, most: (1n << 64n) - 1n },
};

/** Sixteen bytes, two's complement: amounts of money and sums of them. */
export const i128: Codec<bigint> = {
  write(writer, value) {
    assert(-(1n << 127n) <= value && value < 1n << 127n, `a signed integer of 16 bytes: ${value}`);
    const offset = writer.reserve(16);
    writer.view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    writer.view.setBigInt64(offset + 8, value >> 64n, true);
  },
  read(reader) {
    const offset = reader.take(16);
    return (reader.view.getBigInt64(offset + 8, true) << 64n) | reader.view.getBigUint64(offset, true);
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
      assert(value.length === size, `${size} bytes: got ${value.length}`);
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
  return {
    write(writer, value) {
      assert(value.length <= sizeMax, `at most ${sizeMax} bytes: got ${value.length}`);
      u32.write(writer, value.length);
      writer.append(value);
    },
    read(reader) {
      const size = u32.read(reader);
      if (size > sizeMax) throw new DecodeError(`${size} bytes where ${sizeMax} are allowed`);
      const offset = reader.take(size);
      return reader.bytes.slice(offset, offset + size);
    },
    shape: { kind: "bytes", sizeMin: 0, sizeMax },
  };
}

/** Strict UTF-8 of at most `sizeMax` bytes behind a u32 length. */
export function text(sizeMax: number): Codec<string> {
  const bytes = byteString(sizeMax);
  return {
    write(writer, value) {
      assert(value.isWellFormed(), "text whose surrogates are paired");
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

/** At most `countMax` items behind a u32 count. */
export function list<T>(item: Codec<T>, countMax: number): Codec<readonly T[]> {
  return {
    write(writer, value) {
      assert(value.length <= countMax, `at most ${countMax} items: got ${value.length}`);
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
      assert(0 <= index, `one of ${words.join(", ")}: ${value}`);
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
  const entries = Object.entries(fields);
  return {
    write(writer, value) {
      for (const [name, field] of entries) field.write(writer, value[name]);
    },
    read(reader) {
      const value: { [name: string]: unknown } = {};
      for (const [name, field] of entries) value[name] = field.read(reader);
      return value as Record<F>;
    },
    shape: { kind: "record", fields: shapesOf(fields) },
  };
}

function shapesOf(fields: Fields): ShapeFields {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.shape]));
}

type Cases = { readonly [kind: string]: { readonly tag: number; readonly fields: Fields } };
type Union<C extends Cases> = { [K in keyof C]: { readonly kind: K } & Record<C[K]["fields"]> }[keyof C];

/** A closed union discriminated by `kind`: one tag byte, then the fields of that case. Tags are part of the format. */
export function union<const C extends Cases>(cases: C): Codec<Union<C>> {
  const byKind = new Map(
    Object.entries(cases).map(([kind, one]) => [kind, { tag: one.tag, body: record(one.fields) }]),
  );
  const byTag = new Map(Object.entries(cases).map(([kind, one]) => [one.tag, { kind, body: record(one.fields) }]));
  assert(byTag.size === byKind.size, "every case of a union has a tag of its own");
  for (const one of Object.values(cases)) assert(!("kind" in one.fields), "a case of a union has no field named kind");
  return {
    write(writer, value) {
      const one = byKind.get(value.kind as string);
      assert(one !== undefined, `a case of the union: ${String(value.kind)}`);
      u8.write(writer, one.tag);
      one.body.write(writer, value as never);
    },
    read(reader) {
      const tag = u8.read(reader);
      const one = byTag.get(tag);
      if (one === undefined) throw new DecodeError(`no case has tag ${tag} at byte ${reader.offset - 1}`);
      return { kind: one.kind, ...one.body.read(reader) } as Union<C>;
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
