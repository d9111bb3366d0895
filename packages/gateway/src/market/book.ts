/**
 * A copy of one order book, taken from the exchange once and kept by the level events of every later block. Its change id is
 * the height of the last block that touched it, the same at every gateway.
 */
import type { Side } from "@stoa/protocol/command";
import type { BookView } from "@stoa/protocol/view";

export interface BookSide {
  /** Prices in ticks, best first. */
  readonly prices: number[];
  readonly sizes: Map<number, number>;
}

export interface Book {
  readonly buy: BookSide;
  readonly sell: BookSide;
  changeId: number;
  timeMs: number;
}

export function bookOf(view: BookView | undefined, changeId: number, timeMs: number): Book {
  const side = (levels: readonly (readonly [number, number])[]): BookSide => ({
    prices: levels.map(([price]) => price),
    sizes: new Map(levels.map(([price, size]) => [price, size])),
  });
  return { buy: side(view?.bids ?? []), sell: side(view?.asks ?? []), changeId, timeMs };
}

/** Sets the size of a level (0 removes it) and returns the size before. PERF: binary search, one splice on new levels. */
export function applyLevel(book: Book, side: Side, priceTicks: number, sizeLots: number): number {
  const half = book[side];
  const before = half.sizes.get(priceTicks) ?? 0;
  if (sizeLots === before) return before;
  if (sizeLots === 0) {
    half.sizes.delete(priceTicks);
    half.prices.splice(positionOf(half.prices, side, priceTicks), 1);
  } else {
    half.sizes.set(priceTicks, sizeLots);
    if (before === 0) half.prices.splice(positionOf(half.prices, side, priceTicks), 0, priceTicks);
  }
  return before;
}

/** Index of the first level that is not better than `priceTicks`. */
function positionOf(prices: readonly number[], side: Side, priceTicks: number): number {
  let low = 0;
  let high = prices.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const better = side === "buy" ? priceTicks < prices[middle]! : prices[middle]! < priceTicks;
    if (better) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The best levels: [price in ticks, size in lots]. */
export function levelsOf(half: BookSide, depth: number): readonly (readonly [number, number])[] {
  return half.prices.slice(0, depth).map((price) => [price, half.sizes.get(price)!]);
}
