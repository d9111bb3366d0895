/**
 * Small numbers for digests, or for other keys of a fixed width: what a node knows of thousands of commands then lies in
 * arrays beside the table, and finding it makes no string, no object and no garbage. Open addressing with linear probing under
 * a hash that strangers cannot foresee; the room for all keys is taken at the start, and the system gives it as it is used.
 */
import { assert } from "@stoa/base/assert";
import { digestSize } from "@stoa/base/hash";
import { createHashSecret, keyedHash } from "./keyed-hash.ts";

export interface DigestTable {
  /** The number of the key whose bytes start at `offset` (0 unless said); {@link absent} when it is not here. */
  readonly find: (bytes: Uint8Array, offset?: number) => number;
  /** The same, with a number of its own for a key that is new: the lowest never used, or the last removed. {@link absent} when full. */
  readonly add: (bytes: Uint8Array, offset?: number) => number;
  /** Its number may go to another key from now on. */
  readonly remove: (number: number) => void;
  /** Where the key of that number lies in `keys`. */
  readonly keys: Uint8Array;
  readonly count: () => number;
}

export interface DigestTableOptions {
  /** Numbers are below this. */
  readonly countMax: number;
  /** Bytes of a key; those of a digest unless said. */
  readonly keySize?: number;
  /** For tests that want keys to fall together. */
  readonly hash?: (bytes: Uint8Array, offset: number) => number;
}

/** In the place of the number of a key that a table does not hold. */
export const absent = -1;

const secret = createHashSecret();

export function createDigestTable(options: DigestTableOptions): DigestTable {
  const { countMax, keySize = digestSize } = options;
  const hash = options.hash ?? ((bytes, offset) => keyedHash(secret, bytes, offset, keySize));
  const mask = bucketsCountFor(countMax) - 1;
  /** Of each bucket the number in it plus 1; 0 when it is empty. */
  const buckets = new Int32Array(mask + 1);
  const hashes = new Int32Array(countMax);
  const keys = new Uint8Array(countMax * keySize);
  /** Numbers that were given back, the last on top. */
  const free = new Int32Array(countMax);
  let freeCount = 0;
  let usedCount = 0;

  const holds = (number: number, bytes: Uint8Array, offset: number): boolean => {
    const start = number * keySize;
    for (let index = 0; index < keySize; index++) if (keys[start + index] !== bytes[offset + index]) return false;
    return true;
  };

  /** The bucket of the key, or the empty one where it belongs. */
  const bucketOf = (hashed: number, bytes: Uint8Array, offset: number): number => {
    for (let bucket = hashed & mask; ; bucket = (bucket + 1) & mask) {
      const number = buckets[bucket]! - 1;
      if (number < 0 || (hashes[number] === hashed && holds(number, bytes, offset))) return bucket;
    }
  };

  const take = (): number => {
    if (0 < freeCount) return free[--freeCount]!;
    return usedCount < countMax ? usedCount++ : absent;
  };

  return {
    keys,
    count: () => usedCount - freeCount,
    find: (bytes, offset = 0) => buckets[bucketOf(hash(bytes, offset), bytes, offset)]! - 1,
    add(bytes, offset = 0) {
      const hashed = hash(bytes, offset);
      const bucket = bucketOf(hashed, bytes, offset);
      if (buckets[bucket] !== 0) return buckets[bucket]! - 1;
      const number = take();
      if (number === absent) return absent;
      buckets[bucket] = number + 1;
      hashes[number] = hashed;
      for (let index = 0; index < keySize; index++) keys[number * keySize + index] = bytes[offset + index]!;
      return number;
    },
    remove(number) {
      let hole = hashes[number]! & mask;
      while (buckets[hole] !== number + 1) {
        assert(buckets[hole] !== 0, "only a number in use is given back");
        hole = (hole + 1) & mask;
      }
      free[freeCount++] = number;
      // Whoever was pushed past the hole moves into it, so that no search ends too early.
      for (let bucket = (hole + 1) & mask; buckets[bucket] !== 0; bucket = (bucket + 1) & mask) {
        const home = hashes[buckets[bucket]! - 1]! & mask;
        if (((bucket - home) & mask) < ((bucket - hole) & mask)) continue;
        buckets[hole] = buckets[bucket]!;
        hole = bucket;
      }
      buckets[hole] = 0;
    },
  };
}

/** A power of two, at most half of it filled. */
function bucketsCountFor(countMax: number): number {
  assert(0 < countMax && countMax <= 2 ** 24, "a table of a size that can be had");
  let count = 2;
  while (count < 2 * countMax) count *= 2;
  return count;
}
