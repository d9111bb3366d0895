/** The reader of LOBSTER: the book it makes is the file's in every row, although its messages begin in the middle of a day. */
import { describe, expect, test } from "vitest";
import { Book } from "../src/book/book.ts";
import { EventFlag, EventKind, type MarketEvent } from "../src/event.ts";
import { memoryBytes } from "../src/io/readers/bytes.ts";
import { readLobster, type LobsterSource } from "../src/io/readers/lobster.ts";
import { lobsterOf } from "./support/lobster-writer.ts";
import { makeRandom, randomOrders } from "./support/random-market.ts";
import { eventsOf, levelsOf, pieces, utf8 } from "./support/sources.ts";

const settings = { symbol: "TEST", date: "2012-06-21" };
const input = (name: string, text: string): ReturnType<typeof memoryBytes> => memoryBytes(name, [utf8(text)]);

function read(messages: string, rows?: string): LobsterSource {
  const book = rows === undefined ? {} : { book: input("book.csv", rows) };
  return readLobster({ ...settings, messages: input("messages.csv", messages), ...book });
}

/** The first levels after each atomic change that a message made. */
function booksAfter(events: readonly MarketEvent[], levels: number): { bids: number[][]; asks: number[][] }[] {
  const book = new Book();
  const books: { bids: number[][]; asks: number[][] }[] = [];
  let snapshot = false;
  for (const event of events) {
    book.apply({ ...event });
    if (event.kind === EventKind.clear) snapshot = true;
    if ((event.flags & EventFlag.last) === 0) continue;
    const { bids, asks } = levelsOf(book);
    const first = (side: typeof bids): number[][] => side.slice(0, levels).map(([price, size]) => [price!, size!]);
    if (!snapshot) books.push({ bids: first(bids), asks: first(asks) });
    snapshot = false;
  }
  return books;
}

describe("the reader of LOBSTER", () => {
  test.each([1, 2, 3, 4])(
    "makes the book of every row from messages and rows that begin late (seed %i)",
    async (seed) => {
      const levels = 2 + seed;
      const files = lobsterOf(randomOrders(seed, 1_500, { hostile: seed % 2 === 0 }), { levels, from: 300 * seed });
      const source = read(files.messages, files.rows);
      const books = booksAfter(await eventsOf(source), levels);
      expect(books).toEqual(files.shown);
      expect(source.corrections.count).toBeGreaterThan(0);
      // What the rows showed before, the messages tell: only what comes into view is corrected.
      expect(source.corrections.seen).toBe(0);
      expect(source.originNs).toBe(BigInt(Date.parse("2012-06-21T04:00:00Z")) * 1_000_000n);
    },
  );

  test("corrects nothing that the rows showed before when the messages tell all", async () => {
    const files = lobsterOf(randomOrders(9, 1_500, { hostile: false }), { levels: 50, from: 0 });
    const source = read(files.messages, files.rows);
    await eventsOf(source);
    expect(source.corrections).toEqual({ count: 0, seen: 0 });
  });

  test("says so when a row contradicts the messages", async () => {
    const source = read("34200.1,1,7,10,10000,1\n34200.2,1,8,5,10000,1\n", "10100,3,10000,10\n10100,3,10000,16\n");
    await eventsOf(source);
    expect(source.corrections).toEqual({ count: 1, seen: 1 });
  });

  test("gives the same events from any pieces of its two files (FEAT-040)", async () => {
    const { messages, rows } = lobsterOf(randomOrders(5, 400), { levels: 4, from: 50 });
    const wanted = await eventsOf(read(messages, rows));
    const random = makeRandom(1);
    for (const most of [5, 300]) {
      const cut = (name: string, text: string) => memoryBytes(name, pieces(utf8(text), most, random));
      const source = readLobster({ ...settings, messages: cut("messages.csv", messages), book: cut("book.csv", rows) });
      expect(await eventsOf(source)).toEqual(wanted);
    }
  });

  test("an execution is a trade of the other side and an execution; a hidden one is a trade alone, between ticks too", async () => {
    const events = await eventsOf(
      read("34200.000000001,1,7,10,10000,1\n34200.5,4,7,4,10000,1\n34201,5,0,6,10050,-1\n34202,7,0,0,-1,-1\n"),
    );
    expect(
      events.map(({ kind, side, price, size, flags, timeNs }) => [kind, side, price, size, flags, timeNs]),
    ).toEqual([
      [EventKind.add, 1, 100, 10, EventFlag.last, 34_200_000_000_001],
      [EventKind.trade, -1, 100, 4, 0, 34_200_500_000_000],
      [EventKind.execute, 1, 100, 4, EventFlag.last, 34_200_500_000_000],
      [EventKind.trade, 1, 100.5, 6, EventFlag.hidden | EventFlag.last, 34_201_000_000_000],
    ]);
  });

  test.each([
    ["a line of another format", "a,b\n", undefined, /messages\.csv, line 1: "a,b"; expected time, type, order/],
    ["a type that there is not", "34200,9,1,1,10000,1\n", undefined, /line 1: type 9; expected a type from 1 to 7/],
    ["a price off the tick", "34200,1,1,1,10000,1\n34200,1,2,1,10001,1\n", undefined, /line 2: a price of 1\.0001/],
    ["a size that is none", "34200,1,1,x,10000,1\n", undefined, /line 1: "x"; expected a size in shares/],
    [
      "fewer rows than messages",
      "34200,1,1,1,10000,1\n34200,1,2,1,10000,1\n",
      "10100,3,10000,1\n",
      /book\.csv, line 2: the end/,
    ],
    [
      "more rows than messages",
      "34200,1,1,1,10000,1\n",
      "10100,3,10000,1\n10100,3,10000,1\n",
      /book\.csv, line 2: a row without/,
    ],
    ["a row of other columns", "34200,1,1,1,10000,1\n", "10100,3,10000\n", /3 columns in the row of the book/],
  ] as const)("refuses %s", async (_, messages, rows, message) => {
    await expect(eventsOf(read(messages, rows))).rejects.toThrow(message);
  });
});
