/** What turns a column into one that can be compared over time, from the past of that column alone. */
import type { Memory } from "../state.ts";
import type { Definition } from "./operator.ts";

export interface Normaliser extends Definition {
  /** Of the new column's name: `ofi_10s` becomes `ofi_10s_z`. */
  readonly suffix: string;
  readonly formula: string;
  /** Of the new column; absent: the unit stays. */
  readonly unit?: string;
  /** One for each column. */
  make(keep: <Kept extends Memory>(memory: Kept) => Kept): ColumnNormaliser;
}

export interface ColumnNormaliser {
  /**
   * Writes to `row[to]` the normalised value of `row[from]` by what came before it, NaN while that is too little; then remembers the
   * value. NaN is passed on and not remembered.
   */
  apply(row: Float64Array, from: number, to: number, timeNs: number): void;
}
