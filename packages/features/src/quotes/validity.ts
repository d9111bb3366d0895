/** Whether the book of a row can be believed, and if not, why. The one feature that is a number also where all others are null. */
import type { Feature } from "../graph/operator.ts";
import type { Market } from "../market.ts";
import { positiveInteger } from "../refusal.ts";

/**
 * `validity`: `book_valid` (what all features of the book go by: two-sided, bid below ask, no gap under a strict policy), and its
 * parts: `gap` (between something missed and the end of the next snapshot), `crossed` (best bid at or above best ask), `one_sided` (a
 * side is empty, or both), `stale_ms` (since the book last changed; null before the first change) and `stale` (that reached the
 * threshold `stale`, in nanoseconds), `unknown_orders` (events so far that named an order which the book does not hold).
 */
export function validity({ stale }: { readonly stale: number }): Feature {
  positiveInteger("validity.stale", stale);
  return {
    id: "validity",
    version: 1,
    parameters: { stale },
    columns: [
      { name: "book_valid", unit: "1", formula: "1 if two-sided, b < a and (policy strict) no gap" },
      { name: "gap", unit: "1", formula: "1 from a gap to the end of the next snapshot" },
      { name: "crossed", unit: "1", formula: "1 if b >= a" },
      { name: "one_sided", unit: "1", formula: "1 if a side has no level" },
      { name: "stale", unit: "1", formula: "1 if t - t(last change of the book) >= stale, or there was none" },
      { name: "stale_ms", unit: "ms", formula: "t - t(last change of the book)" },
      { name: "unknown_orders", unit: "1", formula: "events so far that named an unknown order" },
    ],
    levels: 1,
    make: ({ market }) => ({
      write: (row, offset, timeNs) => writeValidity(market, stale, row, offset, timeNs),
    }),
  };
}

function writeValidity(market: Market, staleNs: number, row: Float64Array, offset: number, timeNs: number): void {
  const { book, bidPrice, askPrice } = market;
  const silentNs = timeNs - market.bookTimeNs;
  row[offset] = market.usable ? 1 : 0;
  row[offset + 1] = book.gap ? 1 : 0;
  row[offset + 2] = bidPrice >= askPrice ? 1 : 0;
  row[offset + 3] = bidPrice === bidPrice && askPrice === askPrice ? 0 : 1;
  row[offset + 4] = silentNs < staleNs ? 0 : 1;
  row[offset + 5] = silentNs / 1e6;
  row[offset + 6] = book.unknownOrdersCount;
}
