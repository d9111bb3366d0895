/** Sums without rounding: against integers without limit, in every order, and the one rounding at the end. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "@stoa/base/codec";
import { ExactSum, exactSumCodec, nearestDouble, unitExponent } from "@stoa/pricing/monte-carlo/exact-sum";

/** A double as a count of 2^-1074, from its bits alone. */
function unitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | 0x10_0000_0000_0000n) << (exponent - 1n);
  return bits >> 63n === 1n ? -magnitude : magnitude;
}

const doubles = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 700 });
const alike = fc.array(fc.double({ noNaN: true, min: -1000, max: 1000 }), { maxLength: 1200 });
const one = 1n << BigInt(unitExponent);

describe("an exact sum", () => {
  test("is the sum of integers, of doubles of every size and of similar ones", () => {
    fc.assert(
      fc.property(fc.oneof(doubles, alike), (values) => {
        const whole = new ExactSum();
        expect(whole.addRange(Float64Array.from(values), 0, values.length)).toBe(true);
        const single = new ExactSum();
        for (const value of values) single.add(value);
        const expected = values.reduce((sum, value) => sum + unitsOf(value), 0n);
        expect(whole.units()).toBe(expected);
        expect(single.units()).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  test("is that of the squares too, each rounded once", () => {
    const sized = fc.array(fc.double({ noNaN: true, min: -1e150, max: 1e150 }), { maxLength: 700 });
    fc.assert(
      fc.property(fc.oneof(sized, alike), (values) => {
        const [whole, squares] = [new ExactSum(), new ExactSum()];
        expect(whole.addRangeWithSquares(Float64Array.from(values), 0, values.length, squares)).toBe(true);
        expect(whole.units()).toBe(values.reduce((sum, value) => sum + unitsOf(value), 0n));
        expect(squares.units()).toBe(values.reduce((sum, value) => sum + unitsOf(value * value), 0n));
      }),
      { numRuns: 300 },
    );
    expect(new ExactSum().addRangeWithSquares(Float64Array.of(1, 1e200), 0, 2, new ExactSum())).toBe(false);
    expect(new ExactSum().addRangeWithSquares(Float64Array.of(1, NaN), 0, 2, new ExactSum())).toBe(false);
  });

  test("keeps what a running double loses", () => {
    const values = Float64Array.of(1e300, 1, -1e300, 2 ** -1074, 1e-20);
    const sum = new ExactSum();
    sum.addRange(values, 0, values.length);
    expect(sum.units()).toBe(one + 1n + unitsOf(1e-20));
    expect(nearestDouble(sum.units(), one)).toBe(1);
  });

  test("holds a million of the largest doubles and more, through its folding", () => {
    const sum = new ExactSum();
    for (let index = 0; index < 1_100_000; index++) sum.add(Number.MAX_VALUE);
    expect(sum.units()).toBe(1_100_000n * unitsOf(Number.MAX_VALUE));
  });

  test.each([NaN, Infinity, -Infinity])("refuses %s", (value) => {
    const values = new Float64Array(700).fill(1);
    for (const place of [0, 1, 511, 512, 699]) {
      const broken = values.slice();
      broken[place] = value;
      expect(new ExactSum().addRange(broken, 0, broken.length)).toBe(false);
    }
  });

  test("has one encoding, which is read back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 2200n), max: 2n ** 2200n }), (value) => {
        expect(decode(exactSumCodec, encode(exactSumCodec, value))).toBe(value);
      }),
    );
    for (const broken of [
      [0, 0, 2, 0, 5, 0],
      [0, 0, 2, 0, 0, 5],
      [0, 0, 1, 0, 0],
      [1, 0, 0, 0],
      [0, 0, 65, 1],
      [255, 255, 1, 0, 1],
    ]) {
      expect(decode(exactSumCodec, Uint8Array.from(broken)), broken.join()).toBeUndefined();
    }
    expect(encode(exactSumCodec, -258n)).toEqual(Uint8Array.of(0, 0, 0xfe, 0xff, 2, 1));
    expect(encode(exactSumCodec, 258n << 16n)).toEqual(Uint8Array.of(2, 0, 2, 0, 2, 1));
  });
});

describe("the nearest double of a quotient", () => {
  test("is that of division where both are doubles", () => {
    const integers = fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n });
    fc.assert(
      fc.property(integers, fc.bigInt({ min: 1n, max: 2n ** 53n }), (numerator, denominator) => {
        expect(nearestDouble(numerator, denominator)).toBe(Number(numerator) / Number(denominator) + 0);
      }),
      { numRuns: 2000 },
    );
  });

  test("rounds ties to even, and by what lies far below them", () => {
    const tie = (2n ** 53n + 1n) << 200n;
    expect(nearestDouble(tie, 1n << 200n)).toBe(2 ** 53);
    expect(nearestDouble(tie + 1n, 1n << 200n)).toBe(2 ** 53 + 2);
    expect(nearestDouble(tie - 1n, 1n << 200n)).toBe(2 ** 53);
  });

  test("gives back each double from its units", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(nearestDouble(unitsOf(value), one)).toBe(value + 0);
      }),
      { numRuns: 1000 },
    );
  });
});
