/** The reader of DBN against files that the tests write themselves: the same events come back, whatever the pieces. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind, type MarketEvent } from "../src/event.ts";
import { memoryBytes } from "../src/io/readers/bytes.ts";
import { readDbn } from "../src/io/readers/dbn.ts";
import type { EventSource } from "../src/io/source.ts";
import {
  dbnBook,
  dbnFlag,
  dbnHeader,
  dbnOfEvents,
  dbnOrder,
  dbnOther,
  dbnTrade,
  type DbnOrder,
} from "./support/dbn-writer.ts";
import { makeRandom, originNs, randomOrders } from "./support/random-market.ts";
import { bookOf, eventsOf, joined, levelsOf, objectsOf, pieces } from "./support/sources.ts";

const tick = 250_000_000n;
const day = 86_400_000_000_000n;
const midnight = originNs - (originNs % day);
const symbols = [
  ["ONE", 1],
  ["TWO", 2],
] as const;

const read = (file: Uint8Array): Promise<EventSource> => readDbn(memoryBytes("test.dbn", [file]));

/** Random L3 events without gaps, which DBN tells in another way, as a file and as what must be read from it. */
function randomFile(seed: number, version: 1 | 2 | 3, count = 3_000): { file: Uint8Array; wanted: MarketEvent[] } {
  const batch = randomOrders(seed, count, { instrumentsCount: 2 });
  for (let row = 0; row < batch.count; row++) if (batch.kind[row] === EventKind.gap) batch.kind[row] = EventKind.clear;
  const offset = Number(originNs - midnight);
  const wanted = objectsOf(batch).map((event) => {
    const timeNs = event.timeNs + offset;
    const same = { ...event, timeNs, receivedNs: timeNs };
    if (event.kind === EventKind.clear) return { ...same, id: 0, size: 0, side: 0 as const, price: NaN };
    return event.kind === EventKind.trade ? { ...same, id: 0 } : same;
  });
  const records = dbnOfEvents(batch, { originNs, tick });
  return { file: joined([dbnHeader({ version, startNs: originNs, symbols }), ...records]), wanted };
}

describe("the reader of DBN", () => {
  test.each([1, 2, 3] as const)(
    "gives back the events that were written, from version %i (FEAT-040)",
    async (version) => {
      const { file, wanted } = randomFile(version, version);
      const source = await read(file);
      expect(source.instruments.map(({ name }) => name)).toEqual(["ONE", "TWO"]);
      expect(source.instruments[0]!.tick).toEqual({ multiply: 1, divide: 4 });
      expect(source.originNs).toBe(midnight);
      expect(await eventsOf(source)).toEqual(wanted);
      expect(source.progress).toMatchObject({ bytesRead: file.length, eventsCount: wanted.length, skippedCount: 0 });
    },
  );

  test.each([
    ["as it is", (bytes: Uint8Array) => bytes],
    ["packed by zstd", (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes))],
    ["packed by gzip", (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes))],
  ])("gives the same events from any pieces of the file, %s", async (_, pack) => {
    const { file, wanted } = randomFile(7, 1, 400);
    const random = makeRandom(7);
    for (const most of [7, 61, 5_000]) {
      const source = await readDbn(memoryBytes("test.dbn", pieces(pack(file), most, random)));
      expect(await eventsOf(source)).toEqual(wanted);
    }
  });

  test("can be gone through twice", async () => {
    const { file, wanted } = randomFile(4, 1);
    const source = await read(file);
    await eventsOf(source);
    expect(await eventsOf(source)).toEqual(wanted);
    expect(source.progress.eventsCount).toBe(wanted.length);
  });
});

const startNs = midnight + 5n * 1_000_000_000n;
const base: DbnOrder = {
  id: 7n,
  price: 4000n * tick,
  size: 5,
  flags: dbnFlag.last,
  action: "A",
  side: "B",
  timeNs: startNs,
};

const terms = { "*": { tick: "0.25" } };

async function eventsFrom(records: readonly Uint8Array[]): Promise<MarketEvent[]> {
  const file = joined([dbnHeader({ startNs, symbols: [["ONE", 1]] }), ...records]);
  return eventsOf(await readDbn(memoryBytes("test.dbn", [file]), { terms }));
}

describe("a record of DBN", () => {
  test("fills of one event become executions of the orders that their cancellations and modifications settle", async () => {
    const orders = [
      base,
      { ...base, id: 8n, size: 9 },
      { ...base, id: 50n, flags: 0, action: "T", side: "A", size: 8 },
      { ...base, flags: 0, action: "F", size: 5 },
      { ...base, id: 8n, flags: 0, action: "F", size: 2 },
      { ...base, id: 8n, flags: 0, action: "F", size: 1 },
      { ...base, flags: 0, action: "C", size: 5 },
      { ...base, id: 8n, action: "M", size: 6 },
      { ...base, id: 8n, action: "C", size: 6 },
    ];
    const events = await eventsFrom(orders.map(dbnOrder));
    expect(events.slice(2).map(({ kind, id, size, flags }) => [kind, id, size, flags])).toEqual([
      [EventKind.trade, 0, 8, 0],
      [EventKind.execute, 7, 5, 0],
      [EventKind.modify, 8, 9, 0],
      [EventKind.execute, 8, 3, EventFlag.last],
      [EventKind.cancel, 8, 6, EventFlag.last],
    ]);
    expect(levelsOf(bookOf(events.slice(0, -1))).bids).toEqual([[4000, 6, 1]]);
    expect(bookOf(events).unknownOrdersCount).toBe(0);
  });

  test("an order that a new price makes trade rests at that price with what is left", async () => {
    const orders = [
      { ...base, size: 4 },
      { ...base, flags: 0, action: "F", price: 4002n * tick, size: 6 },
      { ...base, action: "M", price: 4003n * tick, size: 2 },
    ];
    expect(levelsOf(bookOf(await eventsFrom(orders.map(dbnOrder)))).bids).toEqual([[4003, 2, 1]]);
  });

  test("a fill that nothing settles before its event ends is none of the book", async () => {
    const orders = [base, { ...base, action: "F", size: 2 }, { ...base, action: "C", size: 1 }];
    const events = await eventsFrom(orders.map(dbnOrder));
    expect(events.map(({ kind }) => kind)).toEqual([EventKind.add, EventKind.time, EventKind.cancel]);
    expect(levelsOf(bookOf(events)).bids).toEqual([[4000, 4, 1]]);
  });

  test("a snapshot begins with an empty book and happens when it is received", async () => {
    const old = startNs - 3n * day;
    const snapshot = { ...base, flags: dbnFlag.snapshot, timeNs: old, receivedNs: startNs };
    const events = await eventsFrom(
      [
        { ...base, id: 1n },
        { ...snapshot, id: 2n },
        { ...snapshot, id: 3n, side: "A", price: 4001n * tick, flags: dbnFlag.snapshot | dbnFlag.last },
        { ...base, id: 4n },
      ].map(dbnOrder),
    );
    const flag = EventFlag.snapshot;
    expect(events.map(({ kind, flags }) => [kind, flags])).toEqual([
      [EventKind.add, EventFlag.last],
      [EventKind.clear, flag],
      [EventKind.add, flag],
      [EventKind.add, flag | EventFlag.last],
      [EventKind.add, EventFlag.last],
    ]);
    expect(new Set(events.map(({ timeNs }) => timeNs))).toEqual(new Set([5e9]));
    expect(levelsOf(bookOf(events))).toEqual({ bids: [[4000, 10, 2]], asks: [[4001, 5, 1]] });
  });

  test("what the venue calls a book that may be wrong is one gap, until it calls it so no more (FEAT-041)", async () => {
    const doubted = dbnFlag.last | dbnFlag.maybeBadBook;
    const flags = [dbnFlag.last, doubted, doubted, dbnFlag.last, doubted];
    const records = flags.map((one, index) => dbnOrder({ ...base, id: BigInt(index), flags: one }));
    const source = await read(joined([dbnHeader({ startNs, symbols: [["ONE", 1]] }), ...records]));
    const kinds = (await eventsOf(source)).map(({ kind }) => kind);
    const { add, gap } = EventKind;
    expect(kinds).toEqual([add, gap, add, add, add, gap, add]);
    expect(source.progress.gapsCount).toBe(2);
  });

  test("the first whole book of levels that is not doubted any more is a snapshot, which ends the gap", async () => {
    const level = (ticks: bigint) => [{ price: ticks * tick, size: 2, orders: 1 }];
    const book = (bid: bigint, flags: number): Uint8Array =>
      dbnBook({ levels: 1, bids: level(bid), asks: level(4005n), timeNs: startNs, flags });
    const doubted = dbnFlag.last | dbnFlag.maybeBadBook;
    const events = await eventsFrom([book(4000n, 128), book(4001n, doubted), book(4002n, 128), book(4003n, 128)]);
    const { level: change, gap, clear } = EventKind;
    const { last, snapshot } = EventFlag;
    expect(events.slice(2).map(({ kind, flags, price }) => [kind, flags, price])).toEqual([
      [gap, last, NaN],
      [change, 0, 4000],
      [change, last, 4001],
      [clear, snapshot, NaN],
      [change, snapshot, 4002],
      [change, snapshot | last, 4005],
      [change, 0, 4002],
      [change, last, 4003],
    ]);
    expect(bookOf(events).gap).toBe(false);
  });

  test("a header that does not know when it began leaves that to the first record", async () => {
    const file = joined([dbnHeader({ startNs: 0xffffffffffffffffn, symbols: [["ONE", 1]] }), dbnOrder(base)]);
    const source = await readDbn(memoryBytes("test.dbn", [file]), { terms });
    expect(source.originNs).toBe(midnight);
    expect((await eventsOf(source))[0]!.timeNs).toBe(5e9);
  });

  test("order numbers of more than 53 bits get safe integers, the same for the same order", async () => {
    const wide = (id: bigint): Uint8Array => dbnOrder({ ...base, id });
    const top = (1n << 64n) - 1n;
    const events = await eventsFrom([wide(top), wide(top - 1n), wide(1n << 53n), wide((1n << 53n) - 1n), wide(top)]);
    expect(events.map(({ id }) => id)).toEqual([-1, -2, -3, Number.MAX_SAFE_INTEGER, -1]);
  });

  test.each([1, 10] as const)(
    "books of %i levels become levels, with those pushed out of sight removed",
    async (levels) => {
      const random = makeRandom(levels);
      const draw = (from: bigint, step: bigint): { price: bigint; size: number; orders: number }[] =>
        Array.from({ length: Math.floor(random() * (levels + 1)) }, (_, index) => ({
          price: (from + step * BigInt(2 * index + Math.floor(random() * 2))) * tick,
          size: 1 + Math.floor(random() * 3),
          orders: 1 + Math.floor(random() * 2),
        }));
      const books = Array.from({ length: 60 }, (_, index) => {
        const middle = 4000n + BigInt(Math.floor(random() * 6));
        return { levels, bids: draw(middle, -1n), asks: draw(middle + 1n, 1n), timeNs: startNs + BigInt(index) };
      });
      const rows = ({ bids, asks }: (typeof books)[number]): ReturnType<typeof levelsOf> => ({
        bids: bids.map(({ price, size, orders }) => [Number(price / tick), size, orders]),
        asks: asks.map(({ price, size, orders }) => [Number(price / tick), size, orders]),
      });
      for (const count of [1, 2, 30, 60]) {
        const events = await eventsFrom(books.slice(0, count).map(dbnBook));
        expect(levelsOf(bookOf(events))).toEqual(rows(books[count - 1]!));
      }
    },
  );

  test("trades may be between ticks; records that are no market are counted", async () => {
    const trades = ["B", "A", "N"].map((side) =>
      dbnTrade({ price: 4000n * tick + tick / 2n, size: 3, side, timeNs: startNs }),
    );
    const file = joined([dbnHeader({ startNs, symbols: [["ONE", 1]] }), dbnOrder(base), dbnOther(startNs), ...trades]);
    const source = await readDbn(memoryBytes("test.dbn", [file]), { terms });
    const events = await eventsOf(source);
    expect(events.slice(1).map(({ kind, side, price }) => [kind, side, price])).toEqual([
      [EventKind.trade, 1, 4000.5],
      [EventKind.trade, -1, 4000.5],
      [EventKind.trade, 0, 4000.5],
    ]);
    expect(source.progress.skippedCount).toBe(1);
  });
});

describe("a file that is not what it should be is refused with its name and place:", () => {
  const header = dbnHeader({ startNs, symbols: [["ONE", 1]] });
  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["another format", joined([new TextEncoder().encode("time,price\n1,2\n")]), /test\.dbn, byte 0: .*"DBN"/],
    [
      "a version to come",
      joined([Uint8Array.of(0x44, 0x42, 0x4e, 4), header.slice(4)]),
      /version 4 of DBN; expected version 1, 2 or 3/,
    ],
    ["a torn header", header.slice(0, 150), /150 bytes of a header of \d+/],
    ["a torn record", joined([header, dbnOrder(base).slice(0, 40)]), /byte \d+: 40 bytes of a record/],
    ["a record without length", joined([header, new Uint8Array(56)]), /a record of 0 bytes/],
    [
      "an unknown action",
      joined([header, dbnOrder({ ...base, action: "Q" })]),
      /an action "Q"; expected one of A C F M N R T/,
    ],
    [
      "a torn zstd stream",
      new Uint8Array(zstdCompressSync(joined([header, dbnOrder(base)]))).slice(0, -9),
      /zstd stream is broken/,
    ],
  ];
  test.each(refused)("%s", async (_, file, message) => {
    await expect((async () => eventsOf(await read(file)))()).rejects.toThrow(message);
  });

  test("a price off the tick that the user gave (FEAT-042)", async () => {
    const file = joined([header, dbnOrder({ ...base, price: 4000n * tick + 1n })]);
    const source = await readDbn(memoryBytes("test.dbn", [file]), { terms });
    await expect(eventsOf(source)).rejects.toThrow(
      /byte \d+: a price of 1000.000000001 of ONE; expected a multiple of its tick, 1\/4/,
    );
  });
});
