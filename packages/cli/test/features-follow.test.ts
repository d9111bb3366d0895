/** Features live: the follower against this repository's gateway, and against a server that breaks off and leaves messages out. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { Book } from "@stoa/features/book/book";
import { blankEvent, EventKind, readEvent, type EventBatch, type MarketEvent } from "@stoa/features/event";
import { memoryBytes } from "@stoa/features/io/readers/bytes";
import { readCapture } from "@stoa/features/io/readers/capture";
import { deribit, deribitName } from "@stoa/features/io/readers/deribit";
import { followDeribit } from "@stoa/features/io/readers/follow";
import { openInput } from "../src/features/sources.ts";
import { get, openClient, startTestGateway } from "../../gateway/test/harness.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function copied(batch: EventBatch): MarketEvent[] {
  return Array.from({ length: batch.count }, (_, row) => {
    const event = blankEvent();
    readEvent(batch, row, event);
    return event;
  });
}

function levelsOf(book: Book): { bids: number[][]; asks: number[][] } {
  const side = ({ count, price, size }: Book["bids"]): number[][] =>
    Array.from({ length: count }, (_, depth) => [price[count - 1 - depth]!, size[count - 1 - depth]!]);
  return { bids: side(book.bids), asks: side(book.asks) };
}

/** Goes through a live source in the background; `until` waits for what its events make. */
function following(batches: AsyncIterable<EventBatch>) {
  const events: MarketEvent[] = [];
  const book = new Book();
  let heard = Promise.withResolvers<void>();
  const done = (async () => {
    for await (const batch of batches) {
      for (const event of copied(batch)) {
        events.push(event);
        book.apply({ ...event });
      }
      heard.resolve();
      heard = Promise.withResolvers();
    }
  })();
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition())
      await Promise.race([heard.promise, done.then(() => Promise.reject(new Error("the stream ended")))]);
  };
  return { events, book, done, until };
}

test("the gateway's books and trades become events; what was recorded gives the same events as a capture (FEAT-015)", async () => {
  const running = await startTestGateway();
  closing.push(running.stop);
  const recorded: string[] = [];
  const live = await followDeribit(running.ws, {
    instruments: ["BTC-PERP*"],
    record: (line) => recorded.push(line),
  });
  expect(live.instruments.map(({ name, kind }) => [name, kind])).toEqual([["BTC-PERPETUAL", "perpetual"]]);
  const { events, book, done, until } = following(live.batches());
  const [alice, bob] = await Promise.all([openClient(running.ws), openClient(running.ws)]);
  closing.push(alice.close, bob.close);
  await Promise.all([alice.auth(1), bob.auth(2)]);
  const order = (price: number, amount: number) => ({ instrument_name: "BTC-PERPETUAL", type: "limit", price, amount });
  const placed = [
    await alice.call("private/buy", order(59_900, 100)),
    await alice.call("private/buy", order(59_800, 50)),
    await alice.call("private/sell", order(60_100, 70)),
    await bob.call("private/sell", order(59_900, 30)),
  ];
  for (const { error } of placed) expect(error).toBeUndefined();
  await until(
    () => book.bids.count === 2 && book.asks.count === 1 && events.some(({ kind }) => kind === EventKind.trade),
  );
  await until(() => book.bids.bestSize * (live.instruments[0]!.lot.multiply / live.instruments[0]!.lot.divide) === 70);
  const shown = (await get(running.rest, "public/get_order_book", { instrument_name: "BTC-PERPETUAL" })).result;
  const { tick, lot } = live.instruments[0]!;
  const inUnits = (levels: number[][]): number[][] =>
    levels.map(([price, size]) => [(price! * tick.multiply) / tick.divide, (size! * lot.multiply) / lot.divide]);
  const { bids, asks } = levelsOf(book);
  expect([inUnits(bids), inUnits(asks)]).toEqual([shown.bids, shown.asks]);
  const trade = events.find(({ kind }) => kind === EventKind.trade)!;
  expect([trade.side, ...inUnits([[trade.price, trade.size]])[0]!]).toEqual([-1, 59_900, 30]);
  expect(events.some(({ kind, size }) => kind === EventKind.value && size === 60_000)).toBe(true);
  live.close();
  await done;
  const capture = await readCapture(
    { venue: deribit, inputs: [memoryBytes("recorded", [new TextEncoder().encode(recorded.join("\n"))])] },
    deribitName,
  );
  const again: MarketEvent[] = [];
  for await (const batch of capture.batches()) again.push(...copied(batch));
  expect(capture.instruments).toEqual(live.instruments);
  expect(again).toEqual(events);
}, 60_000);

/** A server with one instrument whose book a test moves: what it does at a subscription is the test's. */
async function venue(
  subscribed: (send: (data: object) => void, times: number, socket: WebSocket) => void,
  refusal?: string,
) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  closing.push(() => server.close());
  await once(server, "listening");
  let times = 0;
  const listed = { instrument_name: "X-PERPETUAL", kind: "future", tick_size: 0.5, min_trade_amount: 10 };
  server.on("connection", (socket) => {
    closing.push(() => socket.terminate());
    socket.on("message", (text) => {
      const { id, method, params } = JSON.parse(String(text)) as {
        id: number;
        method: string;
        params: { channels?: string[] };
      };
      const result = method === "public/get_instruments" ? [listed] : "ok";
      if (method === "public/subscribe" && refusal !== undefined)
        return socket.send(JSON.stringify({ jsonrpc: "2.0", id, error: { code: 13778, message: refusal } }));
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result }));
      if (method !== "public/subscribe" || params.channels?.[0]?.startsWith("book.") !== true) return;
      const send = (data: object): void => {
        const whole = { instrument_name: "X-PERPETUAL", timestamp: Date.now(), bids: [], asks: [], ...data };
        const message = {
          jsonrpc: "2.0",
          method: "subscription",
          params: { channel: "book.X-PERPETUAL.100ms", data: whole },
        };
        socket.send(JSON.stringify(message));
      };
      subscribed(send, ++times, socket);
    });
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("after a connection is lost comes a gap, then the new snapshot", async () => {
  const url = await venue((send, times, socket) => {
    send({ type: "snapshot", change_id: times, bids: [["new", 100 + times, 20]], asks: [["new", 200, 10]] });
    if (times < 3) setTimeout(() => socket.terminate(), 30);
  });
  const live = await followDeribit(url, { instruments: ["X-PERPETUAL"], waitMs: 10 });
  const { events, book, done, until } = following(live.batches());
  await until(() => book.bids.bestPrice === 206);
  const kinds = events.map(({ kind }) => kind);
  const { clear, level, gap } = EventKind;
  expect(kinds).toEqual([clear, level, level, gap, clear, level, level, gap, clear, level, level]);
  expect(book.gap).toBe(false);
  expect(live.connectionsCount).toBe(3);
  expect(live.progress.gapsCount).toBe(2);
  live.close();
  await done;
});

test("a hole in the chain of a book is a gap, and the book is subscribed again", async () => {
  const url = await venue((send, times) => {
    send({ type: "snapshot", change_id: 10 * times, bids: [["new", 100, 20]], asks: [["new", 200, 10]] });
    if (times > 1) return;
    send({ type: "change", prev_change_id: 10, change_id: 11, bids: [["change", 100, 30]] });
    send({ type: "change", prev_change_id: 12, change_id: 13, bids: [["change", 100, 50]] });
  });
  const live = await followDeribit(url, { instruments: ["X-*"] });
  const { events, book, done, until } = following(live.batches());
  await until(() => events.filter(({ kind }) => kind === EventKind.clear).length === 2 && book.asks.count === 1);
  expect(events.filter(({ kind }) => kind === EventKind.gap)).toHaveLength(1);
  expect(book.gap).toBe(false);
  expect(levelsOf(book)).toEqual({ bids: [[200, 2]], asks: [[400, 1]] });
  expect(live.connectionsCount).toBe(1);
  live.close();
  await done;
});

test("names that nobody lists, and addresses where nobody answers, are refused", async () => {
  const url = await venue(() => undefined);
  await expect(followDeribit(url, { instruments: ["Y-*"] })).rejects.toThrow(
    /no instrument Y-\*; expected one like X-PERPETUAL/,
  );
  await expect(followDeribit(url, { instruments: [] })).rejects.toThrow(/follow\.instruments/);
  await expect(followDeribit("ws://127.0.0.1:1", { instruments: ["X"] })).rejects.toThrow(
    /ws:\/\/127\.0\.0\.1:1: no connection/,
  );
  await expect(followDeribit("http://127.0.0.1", { instruments: ["X"] })).rejects.toThrow(
    /not an address of a WebSocket/,
  );
});

test("a subscription that the venue refuses is told, and not asked for again and again", async () => {
  const url = await venue(() => undefined, "raw_subscriptions_not_available_for_unauthorized");
  const live = await followDeribit(url, { instruments: ["X-*"], interval: "raw" });
  await expect(following(live.batches()).done).rejects.toThrow(/the answer raw_subscriptions_not_available/);
  expect(live.connectionsCount).toBe(1);
});

test("what the flags say of instruments counts of live ones too", async () => {
  const url = await venue(() => undefined);
  const live = await openInput({ follow: `${url}/`, instrument: ["X-*"], tick: "0.25", lot: "5", multiplier: 50 });
  closing.push(() => live.close?.());
  expect(live.instruments[0]).toMatchObject({
    tick: { multiply: 1, divide: 4 },
    lot: { multiply: 5, divide: 1 },
    multiplier: 50,
  });
});

test("a server that speaks something else is refused with its address", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  closing.push(() => server.close());
  await once(server, "listening");
  server.on("connection", (socket) => socket.send("hello"));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(followDeribit(url, { instruments: ["X"] })).rejects.toThrow(`${url}: the connection ended`);
});
