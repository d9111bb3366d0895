/**
 * Small numbers for digests, or for other keys of a fixed width: what a node knows of thousands of commands then lies in
 * arrays beside the table, and finding it makes no string, no object and no garbage. Open addressing with linear probing under
 * a hash that strangers cannot foresee.
 *
 * PERF: a look into a large table costs what the memory behind it costs. A bucket holds its key's hash beside the number, so that
 * one line of it usually answers; there are only as many buckets as the table once needed; and of a key that is itself a hash
 * the first half is hashed, which nobody can make equal in two.
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
const bucketsCountMin = 64;

export function createDigestTable(options: DigestTableOptions): DigestTable {
  const { countMax, keySize = digestSize } = options;
  const hashedSize = keySize === digestSize ? digestSize / 2 : keySize;
  const hash = options.hash ?? ((bytes, offset) => keyedHash(secret, bytes, offset, hashedSize));
  assert(0 < countMax && countMax <= 2 ** 24, "a table of a size that can be had");
  const keys = new Uint8Array(countMax * keySize);
  const hashes = new Int32Array(countMax);
  /** Numbers that were given back, the last on top. */
  const free = new Int32Array(countMax);
  let freeCount = 0;
  let usedCount = 0;
  /** Of each bucket the number in it plus 1, or 0 when it is empty; then the hash of its key. */
  let buckets = new Int32Array(2 * bucketsCountMin);
  let mask = bucketsCountMin - 1;

  const holds = (number: number, bytes: Uint8Array, offset: number): boolean => {
    const start = number * keySize;
    for (let index = 0; index < keySize; index++) if (keys[start + index] !== bytes[offset + index]) return false;
    return true;
  };

  /** The bucket of the key, or the empty one where it belongs. */
  const bucketOf = (hashed: number, bytes: Uint8Array, offset: number): number => {
    for (let bucket = hashed & mask; ; bucket = (bucket + 1) & mask) {
      const number = buckets[2 * bucket]! - 1;
      if (number < 0 || (buckets[2 * bucket + 1] === hashed && holds(number, bytes, offset))) return bucket;
    }
  };

  const fill = (bucket: number, number: number, hashed: number): void => {
    buckets[2 * bucket] = number + 1;
    buckets[2 * bucket + 1] = hashed;
  };

  /** Twice as many buckets: their numbers move to where they belong now. */
  const grow = (): void => {
    const before = buckets;
    buckets = new Int32Array(2 * before.length);
    mask = 2 * mask + 1;
    for (let index = 0; index < before.length; index += 2) {
      if (before[index] === 0) continue;
      let bucket = before[index + 1]! & mask;
      while (buckets[2 * bucket] !== 0) bucket = (bucket + 1) & mask;
      fill(bucket, before[index]! - 1, before[index + 1]!);
    }
  };

  const take = (): number => {
    if (0 < freeCount) return free[--freeCount]!;
    return usedCount < countMax ? usedCount++ : absent;
  };

  return {
    keys,
    count: () => usedCount - freeCount,
    find: (bytes, offset = 0) => buckets[2 * bucketOf(hash(bytes, offset), bytes, offset)]! - 1,
    add(bytes, offset = 0) {
      const hashed = hash(bytes, offset);
      const bucket = bucketOf(hashed, bytes, offset);
      if (buckets[2 * bucket] !== 0) return buckets[2 * bucket]! - 1;
      const number = take();
      if (number === absent) return absent;
      fill(bucket, number, hashed);
      hashes[number] = hashed;
      for (let index = 0; index < keySize; index++) keys[number * keySize + index] = bytes[offset + index]!;
      // At most five in eight buckets are filled: searches stay short.
      if (5 * (mask + 1) < 8 * (usedCount - freeCount)) grow();
      return number;
    },
    remove(number) {
      let hole = hashes[number]! & mask;
      while (buckets[2 * hole] !== number + 1) {
        assert(buckets[2 * hole] !== 0, "only a number in use is given back");
        hole = (hole + 1) & mask;
      }
      free[freeCount++] = number;
      // Whoever was pushed past the hole moves into it, so that no search ends too early.
      for (let bucket = (hole + 1) & mask; buckets[2 * bucket] !== 0; bucket = (bucket + 1) & mask) {
        const home = buckets[2 * bucket + 1]! & mask;
        if (((bucket - home) & mask) < ((bucket - hole) & mask)) continue;
        fill(hole, buckets[2 * bucket]! - 1, buckets[2 * bucket + 1]!);
        hole = bucket;
      }
      buckets[2 * hole] = 0;
    },
  };
}
