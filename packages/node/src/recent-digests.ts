/**
 * What is remembered of the digests that came last: a number for each. When it is full, each new one takes the place of the
 * oldest, so what a node remembers of the past neither grows nor comes and goes in bursts.
 */
import { absent, createDigestTable, type DigestTable } from "./digest-table.ts";

export interface RecentDigests {
  /** What is remembered of the digest at `offset`; `undefined` when nothing is. */
  readonly get: (bytes: Uint8Array, offset?: number) => number | undefined;
  /** Remembers a number, or another one: that makes a digest no younger. */
  readonly set: (bytes: Uint8Array, value: number, offset?: number) => void;
}

/** Remembers the last `countMax` digests exactly. Numbers may be any: they are kept as doubles. */
export function createRecentDigests(
  countMax: number,
  // One more than are remembered: the oldest is forgotten when the newest is here.
  table: DigestTable = createDigestTable({ countMax: countMax + 1 }),
): RecentDigests {
  const values = new Float64Array(countMax + 1);
  /** A number that is given back is the next to be given, so this walks from the oldest to the youngest, round and round. */
  let oldest = 0;
  return {
    get(bytes, offset) {
      const number = table.find(bytes, offset);
      return number === absent ? undefined : values[number];
    },
    set(bytes, value, offset) {
      values[table.add(bytes, offset)] = value;
      if (table.count() <= countMax) return;
      table.remove(oldest);
      oldest = (oldest + 1) % (countMax + 1);
    },
  };
}
