/** The reader of Bitstamp's orders: table and log of the same market give the same book, and pairs of executions the trades. */
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind, type MarketEvent } from "../src/event.ts";
import { readBitstamp } from "../src/io/readers/bitstamp.ts";
import { memoryBytes } from "../src/io/readers/bytes.ts";
import { makeRandom, randomOrders } from "./support/random-market.ts";
import { bookOf, eventsOf, levelsOf, objectsOf, pieces, utf8 } from "./support/sources.ts";

const startMs = 1_430_438_400_000;

interface Told {
  readonly ms: number;
  readonly id: number;
  readonly side: number;
  readonly price: number;
  readonly left: number;
  readonly action: "created" | "changed" | "deleted";
}

const header = "id,timestamp,exchange.timestamp,price,volume,action,direction";
const table = (told: readonly Told[]): string =>
  [
    header,
    ...told.map(({ ms, id, side, price, left, action }) =>
      [id, startMs + ms, startMs, (price / 100).toFixed(2), left, action, side > 0 ? "bid" : "ask"].join(","),
    ),
  ].join("\n");

const logLine = (ms: number, what: string, body: object): string => `${startMs + ms} ${what} ${JSON.stringify(body)}`;
const log = (told: readonly Told[]): string[] =>
  told.map(({ ms, id, side, price, left, action }) =>
    logLine(ms, `order_${action}`, {
      price: (price / 100).toFixed(2),
      amount: (left / 1e8).toFixed(8),
      id,
      order_type: side > 0 ? 0 : 1,
    }),
  );

const read = async (text: string, most = 1e9): Promise<MarketEvent[]> =>
  eventsOf(await readBitstamp(memoryBytes("orders", pieces(utf8(text), most, makeRandom(3)))));

/** What the venue would tell of random L3 events; executions and cancellations are told apart by what is left. */
function randomTold(seed: number): { told: Told[]; wanted: MarketEvent[] } {
  const alive = new Map<number, Told>();
  const told: Told[] = [];
  const wanted: MarketEvent[] = [];
  for (const event of objectsOf(randomOrders(seed, 2_000, { hostile: false }))) {
    const order = alive.get(event.id);
    const ms = Math.floor(event.timeNs / 1e6);
    const { id, kind } = event;
    if (kind === EventKind.add)
      told.push({ ms, id, side: event.side, price: event.price, left: event.size, action: "created" });
    else if (order === undefined) continue;
    else if (kind === EventKind.cancel) told.push({ ...order, ms, action: "deleted" });
    else if (kind === EventKind.execute) {
      const left = Math.max(0, order.left - event.size);
      told.push({ ...order, ms, left, action: left > 0 ? "changed" : "deleted" });
    } else continue;
    const last = told.at(-1)!;
    if (last.action === "deleted") alive.delete(id);
    else alive.set(id, last);
    wanted.push(kind === EventKind.cancel ? { ...event, size: 1e9 } : event);
  }
  return { told, wanted };
}

describe("the reader of Bitstamp", () => {
  test.each([1, 2])(
    "makes the same book from the table, the log and the events themselves (seed %i) (FEAT-040)",
    async (seed) => {
      const { told, wanted } = randomTold(seed);
      const fromTable = await read(table(told));
      const fromLog = await read(log(told).join("\n"));
      const isBook = ({ kind }: MarketEvent): boolean => kind !== EventKind.trade;
      expect(fromLog.filter(isBook)).toEqual(fromTable.filter(isBook));
      const lost = new Set(fromTable.filter(({ flags }) => (flags & EventFlag.snapshot) !== 0).map(({ id }) => id));
      const alive = (events: readonly MarketEvent[]): MarketEvent[] => events.filter(({ id }) => !lost.has(id));
      expect(levelsOf(bookOf(alive(fromTable)))).toEqual(levelsOf(bookOf(alive(wanted))));
      expect(levelsOf(bookOf(fromTable)).bids.length).toBeGreaterThan(3);
      expect(await read(table(told), 9)).toEqual(fromTable);
    },
  );

  const trade: Told[] = [
    { ms: 0, id: 1, side: 1, price: 23_600, left: 500, action: "created" },
    { ms: 5, id: 2, side: -1, price: 23_590, left: 200, action: "created" },
    { ms: 6, id: 2, side: -1, price: 23_590, left: 0, action: "deleted" },
    { ms: 7, id: 1, side: 1, price: 23_600, left: 300, action: "changed" },
    { ms: 9, id: 1, side: 1, price: 23_600, left: 300, action: "deleted" },
  ];

  test("two executions of one size are one trade: the younger order took, the older one made the price", async () => {
    const events = await read(table(trade));
    expect(events.map(({ kind, id, side, price, size }) => [kind, id, side, price, size])).toEqual([
      [EventKind.add, 1, 1, 23_600, 500],
      [EventKind.add, 2, -1, 23_590, 200],
      [EventKind.execute, 2, -1, 23_590, 200],
      [EventKind.trade, 0, -1, 23_600, 200],
      [EventKind.execute, 1, 1, 23_600, 200],
      [EventKind.cancel, 1, 1, 23_600, 300],
    ]);
  });

  test("in the log the venue's own trade counts, with the side of the pair", async () => {
    const lines = log(trade);
    lines.splice(4, 0, logLine(8, "trade", { price: 236, amount: 0.000002, id: 5 }));
    lines.push(logLine(10, "trade", { price: 236.01, amount: 0.5, id: 6 }), logLine(11, "order_book", { bids: [] }));
    const source = await readBitstamp(memoryBytes("orders", [utf8(lines.join("\n"))]));
    const trades = (await eventsOf(source)).filter(({ kind }) => kind === EventKind.trade);
    expect(trades.map(({ side, price, size }) => [side, price, size])).toEqual([
      [-1, 23_600, 200],
      [0, 23_601, 50_000_000],
    ]);
    expect(source.progress.skippedCount).toBe(1);
  });

  test("a creation that its deletion or a change has overtaken is left out", async () => {
    const one = { ms: 0, id: 1, side: 1, price: 23_600, left: 500 } as const;
    const two = { ...one, id: 2 } as const;
    const told: Told[] = [
      { ...one, action: "deleted" },
      { ...one, action: "created" },
      { ...two, left: 300, action: "changed" },
      { ...two, action: "created" },
    ];
    const source = await readBitstamp(memoryBytes("orders", [utf8(table(told))]));
    const events = await eventsOf(source);
    expect(levelsOf(bookOf(events)).bids).toEqual([[23_600, 300, 1]]);
    expect(source.progress.skippedCount).toBe(3);
  });

  test("an order that a trade should have met first leaves after ten seconds of silence; one that was there before enters late", async () => {
    const silent = { ms: 0, id: 0, side: 1, price: 23_700, left: 7, action: "created" } as const;
    const before = { ms: 20_000, id: -5, side: -1, price: 24_000, left: 9, action: "changed" } as const;
    const source = await readBitstamp(memoryBytes("orders", [utf8(table([silent, ...trade, before]))]));
    const events = await eventsOf(source);
    expect(events.slice(-2).map(({ kind, id, size, flags }) => [kind, id, size, flags])).toEqual([
      [EventKind.cancel, 0, 7, EventFlag.snapshot | EventFlag.last],
      [EventKind.add, -5, 9, EventFlag.snapshot | EventFlag.last],
    ]);
    expect(source.progress.gapsCount).toBe(1);
  });

  test.each([
    ["another format", "hello\nworld", /orders, line 1: "hello"; expected the header id,timestamp/],
    ["a line of too few columns", `${header}\n1,${startMs},0,1.00`, /line 2: .*expected seven columns/],
    ["a word that is no action", `${header}\n1,${startMs},0,1.00,5,made,bid`, /line 2: an action "made"/],
    [
      "a direction that is none",
      `${header}\n1,${startMs},0,1.00,5,created,up`,
      /line 2: a direction "up"; expected bid or ask/,
    ],
    ["a price that is none", `${header}\n1,${startMs},0,x,5,created,bid`, /line 2: "x"; expected a price/],
    ["broken JSON", `${startMs} order_created {"id":}`, /line 1: .*expected JSON/],
  ])("refuses %s", async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
