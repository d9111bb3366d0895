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
  table: DigestTable = createDigestTable({ countMax }),
): RecentDigests {
  const values = new Float64Array(countMax);
  /** Numbers are given in order at first, so this walks through them from the oldest to the youngest, round and round. */
  let oldest = 0;
  return {
    get(bytes, offset) {
      const number = table.find(bytes, offset);
      return number === absent ? undefined : values[number];
    },
    set(bytes, value, offset) {
      let number = table.add(bytes, offset);
      if (number === absent) {
        table.remove(oldest);
        oldest = (oldest + 1) % countMax;
        // The only number that is free is the one just given back.
        number = table.add(bytes, offset);
      }
      values[number] = value;
    },
  };
}
