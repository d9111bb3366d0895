/**
 * How a run calls its operators, one after the other: by loops, which every engine and every page's policy allows, or by functions that
 * were written for one graph (`compiled/calls.ts`). Both call the same things in the same order, so the numbers are the same.
 */
import type { Market } from "../market.ts";
import type { MarketEvent } from "../event.ts";
import type { Operator } from "./operator.ts";

export interface PlacedWriter {
  readonly operator: Required<Pick<Operator, "write">>;
  /** Index of its first column. */
  readonly offset: number;
}

/** Makes one function of a list of operators. */
export interface Calls {
  write(writers: readonly PlacedWriter[]): (row: Float64Array, timeNs: number) => void;
  book(operators: readonly Required<Pick<Operator, "onBook">>[]): (market: Market, timeNs: number) => void;
  change(operators: readonly Required<Pick<Operator, "onChange">>[]): (event: MarketEvent, market: Market) => void;
}

export const loopedCalls: Calls = {
  write: (writers) => (row, timeNs) => {
    for (let index = 0; index < writers.length; index++) {
      const { operator, offset } = writers[index] as PlacedWriter;
      operator.write(row, offset, timeNs);
    }
  },
  book: (operators) => (market, timeNs) => {
    for (let index = 0; index < operators.length; index++)
      (operators[index] as Required<Operator>).onBook(market, timeNs);
  },
  change: (operators) => (event, market) => {
    for (let index = 0; index < operators.length; index++)
      (operators[index] as Required<Operator>).onChange(event, market);
  },
};
