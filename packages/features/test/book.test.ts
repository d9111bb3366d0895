/** The book against a naive one that keeps a list of orders and sorts it. */
import { describe, expect, test } from "vitest";
import { Book } from "../src/book/book.ts";
import { blankEvent, readEvent } from "../src/event.ts";
import { StateReader, StateWriter } from "../src/state.ts";
import { NaiveBook } from "./support/naive-book.ts";
import { randomOrders } from "./support/random-market.ts";

function levelsOf(book: Book, sign: 1 | -1): ReturnType<NaiveBook["levels"]> {
  const side = book.side(sign);
  return Array.from({ length: side.count }, (_, depth) => {
    const place = side.count - 1 - depth;
    const ids: number[] = [];
    for (let at = side.head[place] as number; at !== -1; at = book.orders.next[at] as number)
      ids.push(book.orders.id[at] as number);
    return {
      price: side.price[place] as number,
      size: side.size[place] as number,
      orders: side.orders[place] as number,
      ids,
    };
  });
}

describe("an L3 book", () => {
  test.each([1, 2, 3])(
    "holds the levels and queues of a naive book, whatever comes, and after a checkpoint too (seed %i) (FEAT-001)",
    (seed) => {
      const batch = randomOrders(seed, 4_000);
      let book = new Book();
      const naive = new NaiveBook();
      const event = blankEvent();
      for (let row = 0; row < batch.count; row++) {
        readEvent(batch, row, event);
        book.apply(event);
        naive.apply(event);
        if (row % 997 === 0) {
          const writer = new StateWriter();
          book.save(writer);
          book = new Book();
          const reader = new StateReader(writer.finish());
          book.load(reader);
          reader.finish();
        }
        if (row % 7 !== 0) continue;
        expect(levelsOf(book, 1)).toEqual(naive.levels(1));
        expect(levelsOf(book, -1)).toEqual(naive.levels(-1));
      }
      expect(book.unknownOrdersCount).toBeGreaterThan(5);
    },
  );
});
