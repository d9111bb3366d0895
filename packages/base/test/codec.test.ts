/** The combinators, one rule of canonical encoding after another. */
import { describe, expect, test } from "vitest";
import { InvariantError } from "@stoa/base/assert";
import { fromHex, toHex } from "@stoa/base/bytes";
import {
  bool,
  byteString,
  byteView,
  type Codec,
  type EncodedItems,
  decode,
  decodeOrThrow,
  encode,
  encodePassing,
  fixedBytes,
  i128,
  i53,
  itemAt,
  ItemsWriter,
  list,
  noItems,
  oneOf,
  optional,
  record,
  refined,
  text,
  u16,
  u32,
  u53,
  u64,
  u8,
  union,
  Writer,
} from "@stoa/base/codec";

const even = refined(u8, (value) => (value % 2 === 0 ? value : undefined), "the number is even");
const shape = union({ dot: { tag: 3, fields: {} }, box: { tag: 7, fields: { width: u8, height: u16 } } });

test("each kind of value has these bytes", () => {
  const cases: readonly (readonly [Codec<any>, unknown, string])[] = [
    [u8, 255, "ff"],
    [u16, 258, "0201"],
    [u32, 0x01020304, "04030201"],
    [u53, 2 ** 53 - 1, "ffffffffffff1f00"],
    [i53, -1, "ffffffffffffffff"],
    [u64, (1n << 64n) - 1n, "ffffffffffffffff"],
    [i128, -(1n << 127n), "00000000000000000000000000000080"],
    [bool, true, "01"],
    [fixedBytes(2), Uint8Array.of(1, 2), "0102"],
    [byteString(3), Uint8Array.of(9), "0100000009"],
    [byteView(3), Uint8Array.of(9), "0100000009"],
    [text(8), "é", "02000000c3a9"],
    [list(u8, 3), [1, 2], "020000000102"],
    [optional(u8), undefined, "00"],
    [optional(u8), 5, "0105"],
    [oneOf(["a", "b"]), "b", "01"],
    [record({ first: u8, second: bool }), { first: 1, second: false }, "0100"],
    [shape, { kind: "box", width: 1, height: 2 }, "07010200"],
    [shape, { kind: "dot" }, "03"],
  ];
  for (const [codec, value, bytes] of cases) {
    expect(toHex(encode(codec, value))).toBe(bytes);
    expect(decode(codec, fromHex(bytes)!)).toEqual(value);
  }
});

test("what is not canonical is refused", () => {
  const cases: readonly (readonly [string, Codec<any>, string])[] = [
    ["a boolean of 2", bool, "02"],
    ["an optional marked 2", optional(u8), "0205"],
    ["an absent value that is there", optional(u8), "0005"],
    ["a word beyond the list", oneOf(["a", "b"]), "02"],
    ["an unknown case", shape, "04"],
    ["2^53", u53, "0000000000002000"],
    ["2^53, signed", i53, "0000000000002000"],
    ["-2^53", i53, "000000000000e0ff"],
    ["a list over its limit", list(u8, 3), "0400000001020304"],
    ["bytes over their limit", byteString(1), "020000000102"],
    ["bytes over their limit, as a view", byteView(1), "020000000102"],
    ["a list that promises more than there is", list(u8, 0xffff_ffff), "ffffffff00"],
    ["a value that the rule refuses", even, "03"],
    ["bytes after the value", u8, "0100"],
    ["nothing", u8, ""],
    ["an overlong form", text(8), "02000000c1a9"],
    ["an overlong form of three bytes", text(8), "03000000e080a9"],
    ["a surrogate", text(8), "03000000eda080"],
    ["above U+10FFFF", text(8), "04000000f4908080"],
    ["a truncated sequence", text(8), "01000000c3"],
    ["a continuation that leads", text(8), "0100000080"],
  ];
  for (const [name, codec, bytes] of cases) {
    expect(decode(codec, fromHex(bytes)!), name).toBeUndefined();
    expect(() => decodeOrThrow(codec, fromHex(bytes)!), name).toThrow();
  }
});

describe("a value that the format cannot hold is a programmer's error", () => {
  const cases: readonly (readonly [string, Codec<any>, unknown])[] = [
    ["u8 256", u8, 256],
    ["u8 -1", u8, -1],
    ["u8 1.5", u8, 1.5],
    ["u53 2^53", u53, 2 ** 53],
    ["i53 NaN", i53, NaN],
    ["u64 -1", u64, -1n],
    ["i128 2^127", i128, 1n << 127n],
    ["bytes of another size", fixedBytes(2), new Uint8Array(3)],
    ["text over its limit in bytes", text(2), "€"],
    ["an unpaired surrogate", text(8), "\ud800"],
    ["a list over its limit", list(u8, 1), [1, 2]],
    ["an unknown word", oneOf(["a"]), "b"],
    ["an unknown case", shape, { kind: "ball" }],
    ["what the rule refuses", even, 3],
  ];
  test.each(cases)("%s", (_, codec, value) => {
    expect(() => encode(codec, value)).toThrow(InvariantError);
  });
});

test("a union with two cases of one tag, or a field named kind, is not made", () => {
  expect(() => union({ a: { tag: 1, fields: {} }, b: { tag: 1, fields: {} } })).toThrow("a tag of its own");
  expect(() => union({ a: { tag: 1, fields: { kind: u8 } } })).toThrow("no field named kind");
});

test("a reader of a view into a larger buffer reads the view alone", () => {
  const larger = Uint8Array.of(9, 1, 0, 9);
  expect(decode(u16, larger.subarray(1, 3))).toBe(1);
  expect(decode(u16, larger.subarray(1, 2))).toBeUndefined();
});

test("every codec writes well where the buffer has to grow", () => {
  for (const [codec, value] of [
    [u8, 1],
    [u16, 2],
    [u32, 3],
    [u53, 4],
    [i53, -5],
    [u64, 6n],
    [i128, -7n],
    [text(8), "eight"],
  ] as readonly (readonly [Codec<any>, unknown])[]) {
    for (let size = 0; size < 20; size++) {
      const pair = record({ before: fixedBytes(size), value: codec });
      const writer = new Writer(1);
      pair.write(writer, { before: new Uint8Array(size), value });
      expect(decode(pair, writer.finish())).toEqual({ before: new Uint8Array(size), value });
    }
  }
});

function itemsOf<T>(codec: Codec<T>, values: readonly T[]): EncodedItems {
  const writer = new ItemsWriter(codec);
  for (const value of values) writer.push(value);
  return writer.take();
}

test("values encoded together have the bytes that each has alone", () => {
  const words = text(200);
  const values = ["", "a", "é", "x".repeat(150), "", "y"];
  const together = itemsOf(words, values);
  expect(values.map((_, index) => toHex(itemAt(together, index)))).toEqual(
    values.map((value) => toHex(encode(words, value))),
  );
  const writer = new ItemsWriter(words);
  writer.push("before");
  writer.take();
  expect(writer.take()).toEqual(noItems);
});

test("values encoded together are the items of a list of byte strings", () => {
  const words = text(200);
  const values = ["", "a", "é", "x".repeat(150)];
  const asList = encode(
    list(byteString(300), 10),
    values.map((value) => encode(words, value)),
  );
  expect(toHex(itemsOf(words, values).bytes)).toBe(toHex(asList.subarray(4)));
});

test("a passing encoding has the same bytes, until the next takes its place", () => {
  const words = text(10_000);
  const first = encodePassing(words, "first");
  expect(toHex(first)).toBe(toHex(encode(words, "first")));
  const long = "x".repeat(9_000);
  expect(toHex(encodePassing(words, long))).toBe(toHex(encode(words, long)));
  const again = encodePassing(words, "again");
  expect(toHex(encodePassing(words, "other"))).toBe(toHex(again));
});

test("an encoding inside an encoding, and one after a refusal, are undisturbed", () => {
  const nested: Codec<number> = {
    ...u8,
    write(writer, value) {
      const inner = encode(list(u16, 4), [value, value]);
      u8.write(writer, value);
      writer.append(inner);
    },
  };
  expect(toHex(encode(record({ first: u32, second: nested }), { first: 1, second: 2 }))).toBe(
    "010000000202000000" + "02000200",
  );
  expect(() => encode(record({ first: u32, second: u8 }), { first: 1, second: 300 })).toThrow(InvariantError);
  expect(toHex(encode(u8, 7))).toBe("07");
});

test("byte strings are read as copies, or as views where the format says so", () => {
  const bytes = fromHex("0100000009")!;
  const [copy, view] = [decode(byteString(3), bytes)!, decode(byteView(3), bytes)!];
  bytes[4] = 7;
  expect([copy[0], view[0], view.buffer === bytes.buffer]).toEqual([9, 7, true]);
});
