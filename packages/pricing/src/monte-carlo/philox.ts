/**
 * Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw ("Parallel random numbers: as easy as 1, 2, 3",
 * SC11): 128 bits that are a function of a counter and a key. Path, dimension and purpose are the counter and the seed is
 * the key, so every draw of every path is found without the draws before it, on any thread and machine. Integers of 32 bits
 * alone; it knows nothing of paths in time. Not for secrets.
 */

/** What a draw is for: the last word of the counter, so that no two purposes share a draw. */
export const streams = { paths: 0, regression: 1, jumps: 2 } as const;

/** The seed as the two words of the key. */
export type Key = { readonly low: number; readonly high: number };

/** The key of a seed, an integer of 0 to 2^64 - 1. */
export function keyOf(seed: bigint): Key {
  return { low: Number(seed & 0xffffffffn) | 0, high: Number((seed >> 32n) & 0xffffffffn) | 0 };
}

/**
 * Writes the four words of the generator for a counter of four and a key of two words into `words`.
 *
 * PERF: the upper half of a product of 32 bits from four products of 16 bits; doubles or BigInt take two to five times as long.
 */
export function philox4x32(
  words: Int32Array,
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
): void {
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = upperProduct0(c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = upperProduct1(c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** The upper 32 bits of 0xd2511f53 * x. */
function upperProduct0(x: number): number {
  const upper = x >>> 16;
  const lower = x & 0xffff;
  const first = (Math.imul(0xd251, lower) + (Math.imul(0x1f53, lower) >>> 16)) | 0;
  const second = (Math.imul(0x1f53, upper) + (first & 0xffff)) | 0;
  return (((Math.imul(0xd251, upper) + (first >>> 16)) | 0) + (second >>> 16)) | 0;
}

/** The upper 32 bits of 0xcd9e8d57 * x. */
function upperProduct1(x: number): number {
  const upper = x >>> 16;
  const lower = x & 0xffff;
  const first = (Math.imul(0xcd9e, lower) + (Math.imul(0x8d57, lower) >>> 16)) | 0;
  const second = (Math.imul(0x8d57, upper) + (first & 0xffff)) | 0;
  return (((Math.imul(0xcd9e, upper) + (first >>> 16)) | 0) + (second >>> 16)) | 0;
}

const draw = new Int32Array(4);

/**
 * Uniforms of `count` paths from path 2 * pair on, into `out`; `count` is even. One call of the generator serves two paths: the
 * counter is (pair, its upper word, dimension, stream), path 2 * pair takes words 0 and 1, the path after it words 2 and 3. The
 * upper 52 of those 64 bits are k, and the uniform is (k + 1/2) 2^-52: an odd multiple of 2^-53, never 0 or 1, and 1 - u is one too.
 * `pairLow + count / 2` stays below 2^32.
 */
export function philoxUniforms(
  out: Float64Array,
  count: number,
  seedLow: number,
  seedHigh: number,
  pairLow: number,
  pairHigh: number,
  dimension: number,
  stream: number,
): void {
  for (let index = 0; index < count; index += 2) {
    philox4x32(draw, pairLow + (index >> 1), pairHigh, dimension, stream, seedLow, seedHigh);
    out[index] = uniformOf(draw[0]!, draw[1]!);
    out[index + 1] = uniformOf(draw[2]!, draw[3]!);
  }
}

/** (k + 1/2) 2^-52 with k the upper 52 bits of `high`, `low`; each operation is exact. */
export function uniformOf(high: number, low: number): number {
  return ((high >>> 0) * 1048576 + (low >>> 12) + 0.5) * 2.220446049250313e-16;
}
