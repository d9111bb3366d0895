/** The book and its oracle: the same tests for both, and the same contents after any operations. */
import { createPrng } from "@stoa/base/prng";
import { sha256, type Digest } from "@stoa/base/hash";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { InvariantError } from "@stoa/base/assert";
import { buySide, createBook, sellSide, type Book, type BookSide } from "@stoa/exchange/matching/book";
import { createNaiveBook } from "@stoa/exchange/matching/naive-book";
import { describe, expect, test } from "vitest";

/** Orders of both sides in priority order, and levels with their totals. */
function contentsOf(book: Book): string {
  const parts: string[] = [];
  for (const side of [buySide, sellSide] as const) {
    book.forEachOrder(side, (order, price, lots) => 0 < parts.push(`${side} ${order} ${price} ${lots}`));
    book.forEachLevel(side, (price, lots, count) => 0 < parts.push(`${side} level ${price} ${lots} ${count}`));
    parts.push(`${side} best ${book.bestPrice(side)} levels ${book.levelsCount(side)}`);
  }
  return `${parts.join("\n")}\norders ${book.ordersCount}`;
}

const hashOf = (book: Book): Digest => sha256(toUtf8(contentsOf(book)));

describe.each([
  ["fast", createBook],
  ["naive", createNaiveBook],
])("the %s book", (_, create) => {
  test("is empty at first", () => {
    const book = create();
    expect(book.ordersCount).toBe(0);
    expect(book.bestPrice(buySide)).toBeUndefined();
    expect(book.bestPrice(sellSide)).toBeUndefined();
    expect(book.levelLots(buySide, 100)).toBe(0);
    expect(() => book.frontOrder(buySide)).toThrow(InvariantError);
  });

  test("has the highest buy and the lowest sell in front (MATCH-001)", () => {
    const book = create();
    for (const price of [100, 102, 101]) book.add(buySide, price, price, 1);
    for (const price of [110, 108, 109]) book.add(sellSide, price, price, 1);
    expect([book.bestPrice(buySide), book.bestPrice(sellSide)]).toEqual([102, 108]);
    expect([book.frontOrder(buySide), book.frontOrder(sellSide)]).toEqual([102, 108]);
  });

  test("keeps the order of arrival inside a level (MATCH-002)", () => {
    const book = create();
    for (const order of [7, 3, 5]) book.add(sellSide, 100, order, order);
    const met: number[] = [];
    while (0 < book.ordersCount) {
      met.push(book.frontOrder(sellSide));
      book.fillFront(sellSide, book.frontLots(sellSide));
    }
    expect(met).toEqual([7, 3, 5]);
  });

  test("a part fill and a reduction keep the place (MATCH-004, MATCH-011)", () => {
    const book = create();
    const first = book.add(buySide, 100, 1, 10);
    book.add(buySide, 100, 2, 10);
    book.fillFront(buySide, 4);
    book.reduce(first, 2);
    expect(book.frontOrder(buySide)).toBe(1);
    expect(book.lotsOf(first)).toBe(2);
    expect(book.levelLots(buySide, 100)).toBe(12);
  });

  test("an order leaves from the middle of its level, and the level with its last order (MATCH-026)", () => {
    const book = create();
    const handles = [1, 2, 3].map((order) => book.add(sellSide, 100, order, 5));
    book.remove(handles[1]!);
    expect(contentsOf(book)).toContain("1 1 100 5\n1 3 100 5\n1 level 100 10 2");
    book.remove(handles[0]!);
    book.remove(handles[2]!);
    expect(book.bestPrice(sellSide)).toBeUndefined();
    expect(book.levelsCount(sellSide)).toBe(0);
  });

  test("misuse is a programmer's error", () => {
    const book = create();
    const handle = book.add(buySide, 100, 1, 5);
    expect(() => book.add(buySide, 100, 2, 0)).toThrow(InvariantError);
    expect(() => book.reduce(handle, 6)).toThrow(InvariantError);
    expect(() => book.reduce(handle, 0)).toThrow(InvariantError);
    expect(() => book.fillFront(buySide, 6)).toThrow(InvariantError);
    book.remove(handle);
    expect(() => book.remove(handle)).toThrow(InvariantError);
  });

  test("a visitor stops where it wants to", () => {
    const book = create();
    for (let price = 1; price <= 9; price++) book.add(sellSide, price, price, 1);
    const levels: number[] = [];
    book.forEachLevel(sellSide, (price) => levels.push(price) < 3);
    expect(levels).toEqual([1, 2, 3]);
    const orders: number[] = [];
    book.forEachOrder(sellSide, (order) => orders.push(order) < 2);
    expect(orders).toEqual([1, 2]);
  });
});

/** Random operations on both books at once; prices from `range` values, `spread` ticks apart. */
function compareBooks(seed: number, operations: number, range: number, spread: number): void {
  const prng = createPrng(seed);
  const fast = createBook();
  const naive = createNaiveBook();
  const resting: { order: number; side: BookSide; fast: number; naive: number }[] = [];
  const forget = (order: number) => {
    const index = resting.findIndex((one) => one.order === order);
    resting.splice(index, 1);
  };
  for (let order = 1; order <= operations; order++) {
    const side = prng.below(2) as BookSide;
    const roll = prng.below(10);
    if (roll < 5 || resting.length === 0) {
      const price = 1_000_000 + spread * prng.below(range);
      const lots = 1 + prng.below(20);
      resting.push({
        order,
        side,
        fast: fast.add(side, price, order, lots),
        naive: naive.add(side, price, order, lots),
      });
    } else if (roll < 7) {
      const one = resting[prng.below(resting.length)]!;
      fast.remove(one.fast);
      naive.remove(one.naive);
      forget(one.order);
    } else if (roll < 8) {
      const one = resting[prng.below(resting.length)]!;
      const lots = 1 + prng.below(naive.lotsOf(one.naive));
      fast.reduce(one.fast, lots);
      naive.reduce(one.naive, lots);
    } else if (fast.bestPrice(side) !== undefined) {
      const lots = 1 + prng.below(naive.frontLots(side));
      const front = naive.frontOrder(side);
      if (lots === naive.frontLots(side)) forget(front);
      fast.fillFront(side, lots);
      naive.fillFront(side, lots);
    }
    if (order % 50 === 0) expect(contentsOf(fast)).toBe(contentsOf(naive));
  }
  expect(toHex(hashOf(fast))).toBe(toHex(hashOf(naive)));
}

describe("the fast book and its oracle hold the same (MATCH-041)", () => {
  test.each([1, 2, 3, 4])("on a dense ladder, seed %i", (seed) => compareBooks(seed, 2_000, 30, 1));
  test.each([5, 6, 7])("on a sparse ladder, seed %i", (seed) => compareBooks(seed, 2_000, 5_000, 977));
});
