/**
 * When rows are written. A time clock's row stands for the moment before any event of that time or later. Where it falls
 * between two events of one atomic change, it has the first levels from before the change, and null where more of the book would be read.
 */
import { positiveInteger, positiveNumber } from "../refusal.ts";

export type Clock =
  /** After every atomic change of a book; with `levels`, only if it touched one of the first so many. */
  | { readonly kind: "book"; readonly levels: number }
  /** After every atomic change or trade, whatever it was. */
  | { readonly kind: "event" }
  /** After the atomic change in which a trade happened. Trades that no book showed count in no clock. */
  | { readonly kind: "trade" }
  /** At every multiple of `ns` since 1970 UTC. */
  | { readonly kind: "time"; readonly ns: number }
  /** After the trade with which another `lots` have been traded since the last row. */
  | { readonly kind: "volume"; readonly lots: number }
  /** After every block of a chain. */
  | { readonly kind: "block" };

export const every = {
  book: (settings: { readonly levels?: number } = {}): Clock => ({ kind: "book", levels: settings.levels ?? Infinity }),
  event: (): Clock => ({ kind: "event" }),
  trade: (): Clock => ({ kind: "trade" }),
  ms: (count: number): Clock => ({ kind: "time", ns: positiveInteger("every.ms", 1e6 * count) }),
  seconds: (count: number): Clock => ({ kind: "time", ns: positiveInteger("every.seconds", 1e9 * count) }),
  /** In lots of the first instrument. */
  volume: (lots: number): Clock => ({ kind: "volume", lots: positiveNumber("every.volume", lots) }),
  block: (): Clock => ({ kind: "block" }),
};

/** A stretch of time in nanoseconds, for the windows of features. */
export const ms = (count: number): number => positiveInteger("ms", 1e6 * count);
export const seconds = (count: number): number => positiveInteger("seconds", 1e9 * count);
export const minutes = (count: number): number => positiveInteger("minutes", 60e9 * count);
