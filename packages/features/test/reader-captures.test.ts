/** Readers of venues' captures against markets that the tests make: the same book, the same trades, gaps where something is missing. */
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind, ValueField, type MarketEvent } from "../src/event.ts";
import { binance } from "../src/io/readers/binance.ts";
import { bitmex } from "../src/io/readers/bitmex.ts";
import { memoryBytes } from "../src/io/readers/bytes.ts";
import { readCapture } from "../src/io/readers/capture.ts";
import { deribit, deribitName } from "../src/io/readers/deribit.ts";
import type { Venue } from "../src/io/readers/venue.ts";
import type { EventSource } from "../src/io/source.ts";
import {
  binanceLines,
  bitmexLines,
  deribitLines,
  randomUpdates,
  startMs,
  type Update,
} from "./support/capture-writer.ts";
import { makeRandom } from "./support/random-market.ts";
import { bookOf, eventsOf, levelsOf, pieces, utf8 } from "./support/sources.ts";

const read = (venue: Venue, ...files: (readonly string[])[]): Promise<EventSource> =>
  readCapture(
    { venue, inputs: files.map((lines, index) => memoryBytes(`capture.${index}`, [utf8(lines.join("\n"))])) },
    venue === deribit ? deribitName : undefined,
  );

const plainBook = (events: readonly MarketEvent[], instrument = 0): { bids: number[][]; asks: number[][] } => {
  const { bids, asks } = levelsOf(bookOf(events, instrument));
  const plain = (side: typeof bids): number[][] => side.map(([price, size]) => [price!, size!]);
  return { bids: plain(bids), asks: plain(asks) };
};

const tradesIn = (events: readonly MarketEvent[]): number[][] =>
  events
    .filter(({ kind }) => kind === EventKind.trade)
    .map(({ side, price, size, timeNs, receivedNs }) => [side, price, size, timeNs, receivedNs]);
const tradesOf = (updates: readonly Update[]): number[][] =>
  updates.flatMap(({ ms, trade }) =>
    trade === undefined
      ? []
      : [[trade.side, trade.ticks, trade.lots, (ms - midnightMs) * 1e6, (ms + 5 - midnightMs) * 1e6]],
  );
const midnightMs = startMs - (startMs % 86_400_000);
const gapsIn = (events: readonly MarketEvent[]): number => events.filter(({ kind }) => kind === EventKind.gap).length;

describe("the reader of Deribit's captures", () => {
  const market = randomUpdates(1, 600);
  const name = "BTC-24SEP21-40000-C";

  test.each([0, 100])("makes the book and the trades of a stream that begins at update %i", async (from) => {
    const source = await read(deribit, deribitLines(name, market, from));
    const events = await eventsOf(source);
    expect(plainBook(events)).toEqual(market.books.at(-1));
    expect(tradesIn(events)).toEqual(tradesOf(market.updates.slice(from)));
    expect(gapsIn(events)).toBe(0);
    expect(source.instruments[0]).toMatchObject({
      name,
      kind: "option",
      tick: { multiply: 1, divide: 2 },
      lot: { multiply: 1, divide: 10 },
      option: { type: "call", strike: 40_000, expiryNs: BigInt(Date.UTC(2021, 8, 24, 8)) * 1_000_000n, unit: "coin" },
    });
  });

  test("gives the same events from any pieces", async () => {
    const lines = deribitLines(name, market);
    const wanted = await eventsOf(await read(deribit, lines));
    const random = makeRandom(5);
    for (const most of [11, 900]) {
      const inputs = [memoryBytes("capture.0", pieces(utf8(lines.join("\r\n")), most, random))];
      expect(await eventsOf(await readCapture({ venue: deribit, inputs }, deribitName))).toEqual(wanted);
    }
  });

  test("a lost change is a gap, the book is whole again after the next snapshot (FEAT-041)", async () => {
    const lines = deribitLines(name, market);
    const later = deribitLines(name, market, 400);
    const torn = [...lines.slice(0, 200), ...lines.slice(203, 300), ...later];
    const source = await read(deribit, torn);
    const events = await eventsOf(source);
    expect(source.progress.gapsCount).toBe(1);
    expect(
      bookOf(
        events.slice(
          0,
          events.findLastIndex(({ kind }) => kind === EventKind.clear),
        ),
      ).gap,
    ).toBe(true);
    expect(bookOf(events).gap).toBe(false);
    expect(plainBook(events)).toEqual(market.books.at(-1));
  });

  test("a second connection is a gap of every book", async () => {
    const connection = (ms: number): string => `wss://www.deribit.com/ws/api/v2 <-> ${ms / 1000}`;
    const lines = deribitLines(name, market);
    const source = await read(deribit, [
      connection(startMs),
      ...lines.slice(0, 50),
      connection(market.updates[60]!.ms),
    ]);
    expect((await eventsOf(source)).at(-1)!.kind).toBe(EventKind.gap);
  });

  test("a ticker becomes values, volatilities as fractions; a list of instruments says tick, lot and kind", async () => {
    const listed = {
      instrument_name: "ETH_USDC-PERPETUAL",
      kind: "future",
      settlement_period: "perpetual",
      tick_size: 0.05,
      min_trade_amount: 0.01,
    };
    const ticker = {
      timestamp: startMs,
      instrument_name: listed.instrument_name,
      mark_price: 2000.5,
      mark_iv: 80,
      bid_iv: null,
      open_interest: 7,
      greeks: { delta: 0.5 },
    };
    const lines = [
      { result: [listed] },
      { params: { channel: `ticker.${listed.instrument_name}.raw`, data: ticker } },
      { params: { channel: "platform_state", data: {} } },
    ];
    const source = await read(
      deribit,
      lines.map((body) => JSON.stringify(body)),
    );
    const events = await eventsOf(source);
    expect(events.map(({ id, size, flags }) => [id, size, flags])).toEqual([
      [ValueField.markPrice, 2000.5, 0],
      [ValueField.openInterest, 7, 0],
      [ValueField.markVolatility, 0.8, 0],
      [ValueField.delta, 0.5, EventFlag.last],
    ]);
    expect(source.instruments[0]).toMatchObject({
      kind: "perpetual",
      tick: { multiply: 1, divide: 20 },
      lot: { multiply: 1, divide: 100 },
    });
    expect(source.progress.skippedCount).toBe(2);
  });

  test("grouped books and quotes become what differs from the one before", async () => {
    const book = (ms: number, bids: number[][], asks: number[][]): string =>
      JSON.stringify({
        params: {
          channel: "book.X-PERPETUAL.none.10.100ms",
          data: { timestamp: ms, instrument_name: "X-PERPETUAL", change_id: 1, bids, asks },
        },
      });
    const lines = [
      book(
        startMs,
        [
          [10, 1],
          [9, 2],
        ],
        [[11, 1]],
      ),
      book(
        startMs + 1,
        [
          [10, 1],
          [9, 3],
        ],
        [[12, 4]],
      ),
    ];
    const events = await eventsOf(await read(deribit, lines));
    expect(events.slice(3).map(({ side, price, size, flags }) => [side, price, size, flags])).toEqual([
      [1, 9, 3, 0],
      [-1, 11, 0, 0],
      [-1, 12, 4, EventFlag.last],
    ]);
  });
});

test("after a gap the next image of the top of the book is a snapshot, which ends it", async () => {
  const quote = (ms: number, bid: number): string =>
    `${ms / 1000}: ${JSON.stringify({
      params: {
        channel: "quote.X-PERPETUAL",
        data: {
          timestamp: ms,
          instrument_name: "X-PERPETUAL",
          best_bid_price: bid,
          best_bid_amount: 1,
          best_ask_price: 12,
          best_ask_amount: 2,
        },
      },
    })}`;
  const connection = (ms: number): string => `wss://www.deribit.com/ws/api/v2 <-> ${ms / 1000}`;
  const lines = [connection(startMs), quote(startMs, 10), connection(startMs + 1), quote(startMs + 2, 9)];
  const events = await eventsOf(await read(deribit, [...lines, quote(startMs + 3, 11)]));
  const { level, gap, clear } = EventKind;
  const { last, snapshot } = EventFlag;
  expect(events.slice(2).map(({ kind, flags, price, size }) => [kind, flags, price, size])).toEqual([
    [gap, last, NaN, 0],
    [clear, snapshot, NaN, 0],
    [level, snapshot, 9, 1],
    [level, snapshot | last, 12, 2],
    [level, 0, 9, 0],
    [level, last, 11, 1],
  ]);
  expect(bookOf(events).gap).toBe(false);
});

describe("the reader of Binance's captures", () => {
  const market = randomUpdates(2, 600);

  test.each([
    ["futures", false, 40],
    ["futures whose snapshot comes late", false, 4000],
    ["spot", true, 900],
  ])(
    "makes the book and trades of %s from differences and the snapshot that they continue",
    async (_, spot, lateMs) => {
      const { stream, answers } = binanceLines("ETHUSDT", market, { snapshotAt: 50, lateMs, spot });
      const source = await read(binance, stream, answers);
      const events = await eventsOf(source);
      expect(plainBook(events)).toEqual(market.books.at(-1));
      expect(bookOf(events).gap).toBe(false);
      expect(tradesIn(events)).toEqual(tradesOf(market.updates));
      expect(source.progress.gapsCount).toBe(0);
      expect(events[0]!.kind).toBe(EventKind.gap);
    },
  );

  test("a lost difference is a gap that a later snapshot ends, and one that is too old does not", async () => {
    const { stream, answers } = binanceLines("ETHUSDT", market, { snapshotAt: 50, lateMs: 40 });
    const lost = stream.filter((_, index) => index !== 200);
    const again = binanceLines("ETHUSDT", market, { snapshotAt: 300, lateMs: 500 }).answers;
    const old = binanceLines("ETHUSDT", market, { snapshotAt: 120, lateMs: 6000 }).answers;
    const torn = await eventsOf(await read(binance, lost, [...answers, ...old]));
    expect(bookOf(torn).gap).toBe(true);
    const events = await eventsOf(await read(binance, lost, [...answers, ...again]));
    expect(gapsIn(events)).toBe(2);
    expect(bookOf(events).gap).toBe(false);
    expect(plainBook(events)).toEqual(market.books.at(-1));
  });

  test("best quotes are the book where there is no depth, and skipped where there is", async () => {
    const quote = (bid: string, ask: string): string =>
      JSON.stringify({ e: "bookTicker", E: startMs, T: startMs, s: "ETHUSDT", b: bid, B: "3", a: ask, A: "4" });
    const events = await eventsOf(await read(binance, [quote("10.0", "10.5"), quote("9.5", "10.5")]));
    expect(plainBook(events)).toEqual({ bids: [[19, 3]], asks: [[21, 4]] });
    const { stream, answers } = binanceLines("ETHUSDT", market, { snapshotAt: 50, lateMs: 40 });
    const source = await read(binance, [...stream, quote("1.0", "1.5")], answers);
    expect(plainBook(await eventsOf(source))).toEqual(market.books.at(-1));
    expect(source.progress.skippedCount).toBe(1);
  });
});

describe("the reader of BitMEX's captures", () => {
  const market = randomUpdates(3, 500);

  test.each([0, 80])("makes the book and trades of a stream that begins at update %i", async (from) => {
    const source = await read(bitmex, bitmexLines("XBTUSD", market, from));
    const events = await eventsOf(source);
    expect(plainBook(events)).toEqual(market.books.at(-1));
    expect(tradesIn(events)).toEqual(tradesOf(market.updates.slice(from)));
    expect(gapsIn(events)).toBe(0);
    expect(source.instruments[0]!.lot).toEqual({ multiply: 100, divide: 1 });
  });

  test("a change of a level that nobody knows is a gap until the next image", async () => {
    const lines = bitmexLines("XBTUSD", market);
    const insert = lines.findIndex(
      (line, index) => index > 100 && line.includes('"insert"') && line.includes("orderBook"),
    );
    const id = /"id":(\d+)/.exec(lines[insert]!)![1]!;
    const next = lines.findIndex((line, index) => index > insert && line.includes(`"id":${id},`));
    expect(next).toBeGreaterThan(insert);
    const torn = [...lines.slice(0, insert), ...lines.slice(insert + 1, next + 20)];
    const events = await eventsOf(await read(bitmex, torn));
    expect(gapsIn(events)).toBe(1);
    expect(bookOf(events).gap).toBe(true);
    const whole = await eventsOf(await read(bitmex, [...torn, ...bitmexLines("XBTUSD", market, 400)]));
    expect(bookOf(whole).gap).toBe(false);
    expect(plainBook(whole)).toEqual(market.books.at(-1));
  });
});

describe("a capture that is none is refused with its file and line:", () => {
  const good = deribitLines("X-PERPETUAL", randomUpdates(1, 30))[0]!;
  test.each([
    ["a line without a time", deribit, [good, "hello"], /capture\.0, line 2: "hello"; expected <unix seconds>: <json>/],
    ["a torn line", deribit, [good, good.slice(0, -5)], /capture\.0, line 2: .*expected JSON/],
    ["a book without levels", deribit, [good, good.replace('"bids"', '"bid"')], /line 2: a message of another shape/],
    [
      "a time that is none",
      deribit,
      [good, good.replace(/"timestamp":\d+/, '"timestamp":"x"')],
      /line 2: x; expected a time/,
    ],
    [
      "a price off the tick that the user gave",
      binance,
      binanceLines("A", randomUpdates(1, 40), { snapshotAt: 9, lateMs: 1 }).stream,
      /line \d+: .* of A; expected a multiple of its tick, 7\/1/,
    ],
    ["another venue's", bitmex, [good], /no message about an instrument; expected a capture of bitmex/],
  ] as const)("%s", async (_, venue, lines, message) => {
    const terms = venue === binance ? { "*": { tick: "7" } } : {};
    const inputs = [memoryBytes("capture.0", [utf8(lines.join("\n"))])];
    await expect((async () => eventsOf(await readCapture({ venue, inputs, terms })))()).rejects.toThrow(message);
  });
});
