/**
 * An operator whose columns follow from `market.levels` alone. It remembers nothing that a checkpoint would need: what it computed
 * is used again while the levels stay as they are, and computed again, to the same bits, when they changed or were loaded.
 */
import type { BookSide } from "../book/side.ts";
import type { Operator } from "../graph/operator.ts";
import type { Market } from "../market.ts";

/** Columns from the first levels; null while the book is not usable, or, if `compute` reads `market.book`, not whole. `compute` fills all of `values`. */
export function ofLevels(
  market: Market,
  columnsCount: number,
  compute: (values: Float64Array, market: Market) => void,
  reads: "levels" | "book" = "levels",
): Operator {
  const values = new Float64Array(columnsCount);
  let version = -1;
  return {
    write(row, offset) {
      if (reads === "levels" ? !market.usable : !market.isWhole) {
        writeNulls(row, offset, columnsCount);
        return;
      }
      if (version !== market.levelsVersion) {
        version = market.levelsVersion;
        compute(values, market);
      }
      for (let index = 0; index < columnsCount; index++) row[offset + index] = values[index] as number;
    },
  };
}

/** The same with as many columns for the bid as for the ask, each side computed when its own levels changed; `at` is its first place in `values`. */
export function ofSides(
  market: Market,
  columnsCount: number,
  compute: (side: BookSide, values: Float64Array, at: number) => void,
  reads: "levels" | "book" = "levels",
): Operator {
  const { bids, asks } = market.book;
  let bidsVersion = -1;
  let asksVersion = -1;
  const both = (values: Float64Array): void => {
    if (bidsVersion !== market.bidsVersion) {
      bidsVersion = market.bidsVersion;
      compute(bids, values, 0);
    }
    if (asksVersion !== market.asksVersion) {
      asksVersion = market.asksVersion;
      compute(asks, values, columnsCount);
    }
  };
  return ofLevels(market, 2 * columnsCount, both, reads);
}

/** Writes that there is no value. */
export function writeNulls(row: Float64Array, offset: number, count: number): void {
  for (let index = 0; index < count; index++) row[offset + index] = NaN;
}
