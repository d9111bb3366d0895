import { createPrng } from "@stoa/base/prng";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { get, openClient, startTestGateway, type Client, type TestGateway } from "./harness.ts";

type Level = readonly ["new" | "change" | "delete", number, number];
interface BookMessage {
  readonly type: "snapshot" | "change";
  readonly change_id: number;
  readonly prev_change_id?: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** A strict reader: what cryptofeed and nautilus check, and more. Throws at the first message that breaks a rule. */
function strictBook(messages: readonly BookMessage[]) {
  const sides = { bids: new Map<number, number>(), asks: new Map<number, number>() };
  let changeId = -1;
  for (const [index, message] of messages.entries()) {
    if (message.type === "snapshot") {
      expect(index).toBe(0);
      expect(message).not.toHaveProperty("prev_change_id");
    } else {
      expect(message.prev_change_id).toBe(changeId);
      expect(message.change_id).toBeGreaterThan(changeId);
      expect(message.bids.length + message.asks.length).toBeGreaterThan(0);
    }
    changeId = message.change_id;
    for (const name of ["bids", "asks"] as const) {
      for (const [action, price, amount] of message[name]) {
        const held = sides[name].get(price);
        if (action === "new") expect(held).toBeUndefined();
        else expect(held).toBeDefined();
        if (action === "delete") {
          expect(amount).toBe(0);
          sides[name].delete(price);
        } else {
          expect(amount).not.toBe(held);
          expect(amount).toBeGreaterThan(0);
          sides[name].set(price, amount);
        }
      }
    }
    const [bestBid, bestAsk] = [Math.max(...sides.bids.keys(), -Infinity), Math.min(...sides.asks.keys(), Infinity)];
    expect(bestBid).toBeLessThan(bestAsk);
  }
  const sorted = (side: Map<number, number>, sign: number) =>
    [...side].sort(([left], [right]) => sign * (left - right));
  return { bids: sorted(sides.bids, -1), asks: sorted(sides.asks, 1), changeId };
}

describe("book channels under load", () => {
  let running: TestGateway;
  let maker: Client;
  let taker: Client;
  const instrument = "BTC-PERPETUAL";
  const channels = [`book.${instrument}.raw`, `book.${instrument}.100ms`, `book.${instrument}.agg2`];

  beforeAll(async () => {
    running = await startTestGateway();
    [maker, taker] = await Promise.all([openClient(running.ws), openClient(running.ws)]);
    await maker.auth(1);
    await taker.auth(2);
  });
  afterAll(() => running.stop());

  /** Random orders, edits, cancels and takes, several in flight at once, from a seed. */
  async function trade(seed: number, rounds: number): Promise<void> {
    const prng = createPrng(seed);
    const open: string[] = [];
    const waiting: Promise<unknown>[] = [];
    for (let round = 0; round < rounds; round++) {
      const price = 60_000 + 0.5 * (prng.below(80) - 40);
      const amount = 10 * (1 + prng.below(20));
      const side = prng.below(2) === 0 ? "buy" : "sell";
      const dice = prng.below(10);
      const order = { instrument_name: instrument, amount, price };
      if (dice < 6) {
        const call = maker.call(`private/${side}`, { ...order, post_only: true });
        waiting.push(
          call.then((answer) => answer.result?.order.order_state === "open" && open.push(answer.result.order.order_id)),
        );
      } else if (dice < 7 && 0 < open.length) {
        waiting.push(maker.call("private/edit", { order_id: open[prng.below(open.length)], amount, price }));
      } else if (dice < 9 && 0 < open.length) {
        waiting.push(maker.call("private/cancel", { order_id: open.splice(prng.below(open.length), 1)[0] }));
      } else {
        waiting.push(taker.call(`private/${side}`, { ...order, time_in_force: "immediate_or_cancel" }));
      }
      if (prng.below(6) === 0) await Promise.all(waiting.splice(0));
    }
    await Promise.all(waiting);
  }

  const truth = () => {
    const listing = running.upstream.query.instruments().find((view) => view.instrument.name === instrument)!;
    const book = running.upstream.query.book(listing.instrument.id, 10_000)!;
    const level = ([ticks, lots]: readonly [number, number]) => [ticks * 0.5, lots * 10];
    return { bids: book.bids.map(level), asks: book.asks.map(level) };
  };

  test("chains never break and lead to the exchange's own book, for early and late subscribers", async () => {
    const early = await openClient(running.ws);
    const late = await openClient(running.ws);
    await Promise.all([early.auth(3), late.auth(4)]);
    await early.call("private/subscribe", { channels });
    await trade(1, 300);
    // In the middle of an interval, with changes pending in the coalesced channels.
    void trade(2, 200);
    await late.call("private/subscribe", { channels });
    await trade(3, 300);
    // The slowest channel speaks once a second.
    const last = JSON.stringify(truth());
    for (const client of [early, late])
      for (const channel of channels)
        await client.until(() => {
          const { bids, asks } = strictBook(client.data(channel) as readonly BookMessage[]);
          return JSON.stringify({ bids, asks }) === last;
        }, `${channel} leads to the exchange's book`);
    for (const client of [early, late]) {
      for (const channel of channels) {
        const messages = client.data(channel) as readonly BookMessage[];
        const { bids, asks } = strictBook(messages);
        expect({ bids, asks }, channel).toEqual(truth());
      }
      expect(client.data(channels[0]!).length).toBeGreaterThan(client.data(channels[1]!).length);
      expect(client.data(channels[1]!).length).toBeGreaterThan(client.data(channels[2]!).length);
    }
    const rest = (await get(running.rest, "public/get_order_book", { instrument_name: instrument, depth: "10000" }))
      .result;
    expect({ bids: rest.bids, asks: rest.asks }).toEqual(truth());
    const raw = early.data(channels[0]!) as readonly BookMessage[];
    expect(rest.change_id).toBe(raw.at(-1)!.change_id);
    await Promise.all([early.close(), late.close()]);
  });

  test("a subscriber that leaves and comes back starts from a new snapshot", async () => {
    const client = await openClient(running.ws);
    await client.auth(3);
    const channel = channels[0]!;
    await client.call("public/subscribe", { channels: [channel] });
    expect((await client.call("public/unsubscribe", { channels: [channel, "book.NONE.raw"] })).result).toEqual([
      channel,
    ]);
    const before = client.data(channel).length;
    await trade(4, 50);
    expect(client.data(channel)).toHaveLength(before);
    await client.call("public/subscribe", { channels: [channel] });
    const { bids, asks } = strictBook(client.data(channel).slice(before));
    expect({ bids, asks }).toEqual(truth());
    await client.close();
  });

  test("grouped books round away from the other side and sum what they group", async () => {
    const client = await openClient(running.ws);
    await client.call("public/subscribe", {
      channels: [`book.${instrument}.10.20.100ms`, `book.${instrument}.none.1.100ms`, `book.${instrument}.3.1.100ms`],
    });
    await client.until(() => 2 <= client.notifications.length);
    const [grouped] = client.data(`book.${instrument}.10.20.100ms`);
    const { bids, asks } = truth();
    const sums = (levels: readonly number[][], round: (price: number) => number) => {
      const groups = new Map<number, number>();
      for (const [price, amount] of levels) groups.set(round(price!), (groups.get(round(price!)) ?? 0) + amount!);
      return [...groups].slice(0, 20);
    };
    expect(grouped.bids).toEqual(sums(bids, (price) => 10 * Math.floor(price / 10)));
    expect(grouped.asks).toEqual(sums(asks, (price) => 10 * Math.ceil(price / 10)));
    expect(grouped).not.toHaveProperty("type");
    const [best] = client.data(`book.${instrument}.none.1.100ms`);
    expect(best.bids).toEqual(bids.slice(0, 1));
    expect(client.data(`book.${instrument}.3.1.100ms`)).toEqual([]);
    await client.close();
  });
});
