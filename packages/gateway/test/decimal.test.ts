import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalOfNumber, numberOf, parseDecimal, scaledExactly, textOf } from "../src/decimal.ts";

describe("decimals at the edge", () => {
  test("an integer of 1e-8 becomes the JSON number that prints as its decimal, and comes back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (scaled) => {
        const number = numberOf(scaled, 8);
        expect(parseDecimal(String(number))).toBeDefined();
        expect(scaledExactly(decimalOfNumber(number)!, 8)).toBe(scaled);
      }),
    );
  });

  test("money beyond 2^53 units is the nearest double of its decimal text", () => {
    expect(numberOf(123_456_789_012_345_678n, 6)).toBe(123_456_789_012.345_678);
    expect(textOf(-123_456_789_012_345_678n, 6)).toBe("-123456789012.345678");
    expect(textOf(-5n, 8)).toBe("-0.00000005");
  });

  test("0.1 + 0.2 is read as 0.3", () => {
    expect(scaledExactly(decimalOfNumber(0.1 + 0.2)!, 8)).toBe(30_000_000n);
    expect(scaledExactly(decimalOfNumber(1e-8)!, 8)).toBe(1n);
  });

  test.each(["", "abc", "1e999", "0x10", "1.2.3", "NaN", "Infinity", "--1", "1".repeat(80)])(
    "%j is no number",
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );

  test("text is read exactly, and what is finer than the unit is refused", () => {
    expect(scaledExactly(parseDecimal("60000.50")!, 8)).toBe(6_000_050_000_000n);
    expect(scaledExactly(parseDecimal("1e2")!, 0)).toBe(100n);
    expect(scaledExactly(parseDecimal("0.000000001")!, 8)).toBeUndefined();
  });
});
