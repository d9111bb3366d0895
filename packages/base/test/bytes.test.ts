/** Byte strings: comparison, hexadecimal and UTF-8, against what the platform says. */
import { expect, test } from "vitest";
import { compareBytes, concatBytes, equalBytes, fromHex, fromUtf8, toHex, toUtf8 } from "@stoa/base/bytes";
import { createPrng } from "@stoa/base/prng";

test("hexadecimal is the platform's, at every size", () => {
  const prng = createPrng("hex");
  for (let size = 0; size < 200; size++) {
    const bytes = prng.nextBytes(size);
    expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
    expect(fromHex(toHex(bytes))).toEqual(bytes);
    expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
  }
  for (const text of ["0", "0g", "0x00", " 00", "00 "]) expect(fromHex(text)).toBeUndefined();
});

test("UTF-8 is the platform's, and strict where the platform replaces", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const texts = [
    "",
    "a",
    "é",
    "€",
    "😀",
    "\u0000",
    "\ud7ff\ue000",
    "\u{10ffff}",
    "\ufeffx",
    "mixed é€😀 text".repeat(10),
  ];
  for (const text of texts) {
    expect(toUtf8(text)).toEqual(new TextEncoder().encode(text));
    expect(fromUtf8(toUtf8(text))).toBe(text);
  }
  const prng = createPrng("utf8");
  const leads = [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x9f, 0xa0];
  for (let round = 0; round < 5_000; round++) {
    const bytes = Uint8Array.from({ length: 1 + prng.below(5) }, () => leads[prng.below(leads.length)]!);
    let expected: string | undefined;
    try {
      expected = strict.decode(bytes);
    } catch {
      expected = undefined;
    }
    expect(fromUtf8(bytes), toHex(bytes)).toBe(expected);
  }
});

test("the order of bytes is Buffer's, and equality is order zero", () => {
  const prng = createPrng("order");
  for (let round = 0; round < 2_000; round++) {
    const [left, right] = [0, 0].map(() => Uint8Array.from({ length: prng.below(4) }, () => prng.below(3))) as [
      Uint8Array,
      Uint8Array,
    ];
    expect(Math.sign(compareBytes(left, right))).toBe(Buffer.compare(left, right));
    expect(equalBytes(left, right)).toBe(Buffer.compare(left, right) === 0);
  }
});

test("parts are joined in order", () => {
  expect(concatBytes()).toEqual(new Uint8Array(0));
  expect(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
});
