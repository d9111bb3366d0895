/** Philox4x32-10 against its published vectors, and how paths read it. */
import { describe, expect, test } from "vitest";
import { keyOf, philox4x32, philoxUniforms, uniformOf } from "@stoa/pricing/monte-carlo/philox";

const words = new Int32Array(4);

function philox(counter: readonly number[], key: readonly number[]): string {
  const [a, b, c, d] = counter as [number, number, number, number];
  philox4x32(words, a, b, c, d, key[0]!, key[1]!);
  return Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, "0")).join(" ");
}

/** The same function from the definition, in integers without limit. */
function philoxOfDefinition(counter: readonly bigint[], key: readonly bigint[]): string {
  let [a, b, c, d] = counter as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key as [bigint, bigint];
  const mask = 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const [first, second] = [0xd2511f53n * a, 0xcd9e8d57n * c];
    [a, b, c, d] = [(second >> 32n) ^ b ^ k0, second & mask, (first >> 32n) ^ d ^ k1, first & mask];
    [k0, k1] = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
  }
  return [a, b, c, d].map((word) => word.toString(16).padStart(8, "0")).join(" ");
}

describe("Philox4x32-10", () => {
  test("gives the vectors that its authors published with Random123, kat_vectors (PRICE-050)", () => {
    expect(philox([0, 0, 0, 0], [0, 0])).toBe("6627e8d5 e169c58d bc57ac4c 9b00dbd8");
    expect(philox([-1, -1, -1, -1], [-1, -1])).toBe("408f276d 41c83b0e a20bc7c6 6d5451fd");
    expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toBe(
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    );
  });

  test("is the function of its definition at 2,000 counters, each made of the output before it", () => {
    let counter = [1n, 2n, 3n, 4n];
    for (let round = 0; round < 2_000; round++) {
      const key = [counter[3]!, counter[0]!];
      const expected = philoxOfDefinition(counter, key);
      expect(philox(counter.map(Number), key.map(Number))).toBe(expected);
      counter = expected.split(" ").map((word) => BigInt(`0x${word}`));
    }
  });

  test("gives the paths 2k and 2k + 1 the two halves of one call", () => {
    const key = keyOf(0x0123_4567_89ab_cdefn);
    expect(key).toEqual({ low: 0x89abcdef | 0, high: 0x01234567 });
    const out = new Float64Array(6);
    philoxUniforms(out, 6, key.low, key.high, 10, 3, 7, 1);
    for (let pair = 0; pair < 3; pair++) {
      philox4x32(words, 10 + pair, 3, 7, 1, key.low, key.high);
      expect(out[2 * pair]).toBe(uniformOf(words[0]!, words[1]!));
      expect(out[2 * pair + 1]).toBe(uniformOf(words[2]!, words[3]!));
    }
  });

  test("makes uniforms inside (0, 1) that are exact, and so are their complements", () => {
    expect(uniformOf(0, 0)).toBe(2 ** -53);
    expect(uniformOf(-1, -1)).toBe(1 - 2 ** -53);
    for (const [high, low] of [
      [0x12345678, 0x9abcdef0],
      [-5, 77],
    ] as const) {
      const uniform = uniformOf(high, low);
      expect(1 - (1 - uniform)).toBe(uniform);
      expect((uniform * 2 ** 53) % 2).toBe(1);
    }
  });
});
