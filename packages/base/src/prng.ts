/**
 * Seeded random numbers for simulations, workloads and tests: xoshiro128** (Blackman and Vigna), whose 32-bit steps are the
 * same in every engine. Streams with different names are independent, so that one consumer drawing more does not shift the
 * draws of another. Never for keys or nonces: the output is predictable from a few draws.
 */
import { assert } from "./assert.ts";
import { concatBytes, toUtf8 } from "./bytes.ts";
import { taggedHash } from "./hash.ts";

export interface Prng {
  /** An integer in [0, 2^32). */
  readonly nextU32: () => number;
  /** An unbiased integer in [0, count), for 1 <= count <= 2^32. */
  readonly below: (count: number) => number;
  /** A multiple of 2^-53 in [0, 1). */
  readonly nextFloat: () => number;
  readonly nextBytes: (size: number) => Uint8Array;
  /** An independent generator that depends on the seed and the names on the way to it, not on draws made so far. */
  readonly stream: (name: string) => Prng;
}

/** A generator from a number (any non-negative safe integer), a text, or bytes. */
export function createPrng(seed: number | string | Uint8Array): Prng {
  return prngOf(taggedHash("STOA1/prng", seedBytes(seed)));
}

function seedBytes(seed: number | string | Uint8Array): Uint8Array {
  if (typeof seed === "string") return toUtf8(seed);
  if (typeof seed !== "number") return seed;
  assert(Number.isSafeInteger(seed) && 0 <= seed, () => `a seed is a non-negative safe integer: ${seed}`);
  return toUtf8(String(seed));
}

function prngOf(root: Uint8Array): Prng {
  const view = new DataView(root.buffer, root.byteOffset, root.byteLength);
  let [a, b, c, d] = [0, 4, 8, 12].map((offset) => view.getInt32(offset, true)) as [number, number, number, number];
  // The all-zero state is a fixed point; no known seed hashes to it, and this keeps it out for good.
  if ((a | b | c | d) === 0) a = 1;

  const nextU32 = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };

  return {
    nextU32,
    below(count) {
      assert(Number.isInteger(count) && 1 <= count && count <= 4294967296, () => `a count in [1, 2^32]: ${count}`);
      // Draws from the incomplete last stretch would favour small results; they are thrown away.
      const limit = 4294967296 - (4294967296 % count);
      for (;;) {
        const draw = nextU32();
        if (draw < limit) return draw % count;
      }
    },
    nextFloat: () => ((nextU32() >>> 5) * 67108864 + (nextU32() >>> 6)) / 9007199254740992,
    nextBytes(size) {
      const bytes = new Uint8Array(size);
      for (let offset = 0, word = 0; offset < size; offset++, word >>>= 8) {
        if (offset % 4 === 0) word = nextU32();
        bytes[offset] = word;
      }
      return bytes;
    },
    stream: (name) => prngOf(taggedHash("STOA1/prng-stream", concatBytes(root, toUtf8(name)))),
  };
}

function rotate(word: number, count: number): number {
  return (word << count) | (word >>> (32 - count));
}
