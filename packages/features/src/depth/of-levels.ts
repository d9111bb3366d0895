/**
 * An operator whose columns follow from `market.levels` alone. It remembers nothing that a checkpoint would need: what it computed
 * is used again while the levels stay as they are, and computed again, to the same bits, when they changed or were loaded.
 */
import type { Operator } from "../graph/operator.ts";
import type { Market } from "../market.ts";

/** Columns from the first levels; null while the book is not usable. `compute` fills all of `values`. */
export function ofLevels(
  market: Market,
  columnsCount: number,
  compute: (values: Float64Array, market: Market) => void,
): Operator {
  const values = new Float64Array(columnsCount);
  let version = -1;
  return {
    write(row, offset) {
      if (!market.usable) {
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

/** Writes that there is no value. */
export function writeNulls(row: Float64Array, offset: number, count: number): void {
  for (let index = 0; index < count; index++) row[offset + index] = NaN;
}
