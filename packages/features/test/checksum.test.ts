/** Checksums of books: texts worked out by hand, and CRC-32 by the division that defines it. */
import { describe, expect, test } from "vitest";
import { Book } from "../src/book/book.ts";
import {
  crc32,
  decimalText,
  krakenChecksum,
  krakenText,
  okxChecksum,
  okxText,
  textLevels,
  type TextLevel,
} from "../src/book/checksum.ts";
import { blankEvent, EventKind } from "../src/event.ts";
import { parseScale } from "../src/instrument.ts";
import { testInstrument } from "./support/random-market.ts";

/** The remainder of the message, bits of each byte lowest first, with 32 zeros behind, first and last 32 bits inverted. */
function slowCrc32(text: string): number {
  const bits = [...text].flatMap((letter) => Array.from({ length: 8 }, (_, bit) => (letter.charCodeAt(0) >> bit) & 1));
  bits.push(...Array<number>(32).fill(0));
  for (let bit = 0; bit < 32; bit++) bits[bit]! ^= 1;
  const polynomial = [...(0x104c11db7).toString(2)].map(Number);
  for (let at = 0; at < bits.length - 32; at++) {
    if (bits[at] === 1) polynomial.forEach((digit, index) => (bits[at + index]! ^= digit));
  }
  return bits.slice(-32).reduce((sum, bit, index) => sum + (bit ^ 1) * 2 ** index, 0);
}

test("CRC-32 of the standard's check text, of nothing, and of anything by division", () => {
  expect(crc32("123456789")).toBe(0xcbf43926);
  expect(crc32("")).toBe(0);
  for (const text of ["1", "8476.98:415:8477:7", "a".repeat(40), "0.05005:0.00000500"]) {
    expect(crc32(text)).toBe(slowCrc32(text));
  }
});

const bids: TextLevel[] = [
  ["99.5", "7"],
  ["99", "0.25"],
];
const asks: TextLevel[] = [
  ["100", "1.50"],
  ["100.5", "3"],
  ["101", "0.010"],
];

describe("OKX", () => {
  test("takes bid and ask in turn, and what is left when one side ends (FEAT-003)", () => {
    const text = "99.5:7:100:1.50:99:0.25:100.5:3:101:0.010";
    expect(okxText({ bids, asks })).toBe(text);
    expect(okxChecksum({ bids, asks })).toBe(slowCrc32(text) | 0);
    expect(okxText({ bids: [], asks: [["1", "2"]] })).toBe("1:2");
  });

  test("reads 25 levels and not the next, and is a signed number", () => {
    const many = (from: number): TextLevel[] => Array.from({ length: 30 }, (_, i) => [String(from + i), "1"]);
    const all = { bids: many(100), asks: many(200) };
    const changed = (level: number) => ({
      ...all,
      asks: all.asks.map((one, i): TextLevel => (i === level ? ["7", "7"] : one)),
    });
    expect(okxChecksum(changed(25))).toBe(okxChecksum(all));
    expect(okxChecksum(changed(24))).not.toBe(okxChecksum(all));
    const signs = Array.from({ length: 20 }, (_, i) => okxChecksum({ bids: [[String(i), "1"]], asks: [] }));
    expect(signs.some((sum) => sum < 0) && signs.some((sum) => sum > 0)).toBe(true);
  });
});

describe("Kraken", () => {
  test("takes asks, then bids, without points and leading zeros (FEAT-003)", () => {
    const small = {
      bids: [["0.05000", "0.00000500"]] as TextLevel[],
      asks: [["0.05005", "12.30000000"]] as TextLevel[],
    };
    expect(krakenText(small)).toBe("5005" + "1230000000" + "5000" + "500");
    expect(krakenChecksum(small)).toBe(slowCrc32("500512300000005000500"));
    expect(krakenText({ bids, asks })).toBe("100150" + "10053" + "10110" + "9957" + "9925");
  });

  test("reads ten levels and not the next", () => {
    const many = (from: number): TextLevel[] => Array.from({ length: 12 }, (_, i) => [String(from + i), "1"]);
    const all = { bids: many(100), asks: many(200) };
    const changed = (level: number) => ({
      ...all,
      bids: all.bids.map((one, i): TextLevel => (i === level ? ["7", "7"] : one)),
    });
    expect(krakenChecksum(changed(10))).toBe(krakenChecksum(all));
    expect(krakenChecksum(changed(9))).not.toBe(krakenChecksum(all));
  });
});

test("the levels of a book are written as its venue writes them", () => {
  const book = new Book();
  const levels = [
    [1, 398, 7],
    [1, 396, 250],
    [-1, 400, 1_500],
  ] as const;
  for (const [side, price, size] of levels) book.apply({ ...blankEvent(), kind: EventKind.level, side, price, size });
  const instrument = { ...testInstrument(), tick: parseScale("0.25"), lot: parseScale("0.001") };
  expect(textLevels(book, instrument, { count: 25 })).toEqual({
    bids: [
      ["99.5", "0.007"],
      ["99", "0.25"],
    ],
    asks: [["100", "1.5"]],
  });
  expect(textLevels(book, instrument, { count: 1, priceDecimals: 2, sizeDecimals: 4 })).toEqual({
    bids: [["99.50", "0.0070"]],
    asks: [["100.00", "1.5000"]],
  });
});

test("decimals are exact, also of large and negative numbers, and too few are refused", () => {
  expect(decimalText(parseScale("0.00000001"), 9_007_199_254_740_991)).toBe("90071992.54740991");
  expect(decimalText(parseScale("25"), 3)).toBe("75");
  expect(decimalText(parseScale("0.5"), -1)).toBe("-0.5");
  expect(decimalText(parseScale("0.05"), -1, 3)).toBe("-0.050");
  expect(() => decimalText(parseScale("0.25"), 1, 1)).toThrow(/decimals is "1 of 0.25"/);
});
