/** What the exchange says: levels, sequences, order records, and that a follower of events holds what queries answer. */
import { itemAt } from "@stoa/base/codec";
import { createPrng } from "@stoa/base/prng";
import { ticks } from "@stoa/base/units";
import { createQuery } from "@stoa/exchange/machine/query";
import { encodeEvent, decodeEvent, type Event, type EventOf } from "@stoa/protocol/event";
import { describe, expect, test } from "vitest";
import { randomBlock } from "./random-commands.ts";
import { check, ownerOf, place, World } from "./world.ts";

const levelsOf = (events: readonly Event[]): string[] =>
  events.flatMap((event) => (event.kind === "level" ? [`${event.side} ${event.sizeLots} @ ${event.priceTicks}`] : []));

const ofKind = <K extends Event["kind"]>(events: readonly Event[], kind: K): EventOf<K>[] =>
  events.filter((event): event is EventOf<K> => event.kind === kind);

describe("levels (MATCH-040)", () => {
  test("a level that a block changed is said once, at the block's end, with what is left of it", () => {
    const world = check(`A sells 5 @ 100 | open A1 5 @ 100`);
    const { events } = world.block([
      world.command("B", place({ sizeLots: 2, priceTicks: ticks(100) })),
      world.command("C", place({ sizeLots: 3, priceTicks: ticks(98) })),
      world.command("D", place({ sizeLots: 1, priceTicks: ticks(98) })),
    ]);
    expect(levelsOf(events)).toEqual(["buy 4 @ 98", "sell 3 @ 100"]);
    expect(events.slice(-2).every(({ kind }) => kind === "level")).toBe(true);
  });

  test("a level that came and went inside the block is not said, nor is one that is as before", () => {
    const world = check(`A sells 5 @ 100 | open A1 5 @ 100`);
    const { events } = world.block([
      world.command("B", place({ sizeLots: 2, priceTicks: ticks(98) })),
      world.command("B", { kind: "cancel", order: 2 }),
      world.command("C", { ...place({ sizeLots: 7, priceTicks: ticks(101) }), side: "sell" }),
      world.command("A", { kind: "cancel", order: 1 }),
      world.command("A", { ...place({ sizeLots: 5, priceTicks: ticks(100) }), side: "sell" }),
    ]);
    expect(levelsOf(events)).toEqual(["sell 7 @ 101"]);
  });

  test("whoever applies the levels holds the book, whatever happens (MATCH-040, MATCH-041)", () => {
    const world = new World({ dollars: 5_000 });
    const prng = createPrng(5);
    const held = new Map<string, number>();
    for (let count = 0; count < 200; count++) {
      for (const event of ofKind(world.block(randomBlock(world, prng, 1_000)).events, "level")) {
        const name = `${event.instrument} ${event.side} ${event.priceTicks}`;
        if (event.sizeLots === 0) expect(held.delete(name)).toBe(true);
        else held.set(name, event.sizeLots);
      }
    }
    const book = createQuery(world.state).book(1, 1_000)!;
    const listed = [
      ...book.bids.map(([price, lots]) => [`1 buy ${price}`, lots] as const),
      ...book.asks.map(([price, lots]) => [`1 sell ${price}`, lots] as const),
    ];
    expect(listed.length).toBeGreaterThan(5);
    expect([...held].sort()).toEqual(listed.sort());
    expect(book.bids[0]![0]).toBeLessThan(book.asks[0]![0]);
  });
});

describe("sequences (MATCH-042)", () => {
  test("trades are numbered without gaps, for the exchange and for each instrument", () => {
    const world = new World({ dollars: 5_000 });
    const prng = createPrng(6);
    const trades: EventOf<"trade">[] = [];
    for (let count = 0; count < 100; count++)
      trades.push(...ofKind(world.block(randomBlock(world, prng, 1_000)).events, "trade"));
    expect(trades.length).toBeGreaterThan(20);
    expect(trades.map(({ trade }) => trade)).toEqual(trades.map((_, index) => index + 1));
    expect(trades.map(({ sequence }) => sequence)).toEqual(trades.map((_, index) => index + 1));
  });
});

describe("events", () => {
  test("have canonical bytes that come back as they were", () => {
    const world = new World();
    const prng = createPrng(7);
    for (let count = 0; count < 60; count++) {
      for (const [index, event] of world.block(randomBlock(world, prng, 1_000)).events.entries()) {
        const encoded = itemAt(world.last.encodedEvents, index);
        expect(encodeEvent(event)).toEqual(encoded);
        expect(decodeEvent(encoded)).toEqual(event);
      }
    }
  });

  test("a fill says the trade, both orders and both positions, under the command that caused it", () => {
    const world = check(`A sells 5 @ 100 label=offer | open A1 5 @ 100`);
    const command = world.command("B", place({ sizeLots: 2, priceTicks: ticks(100), label: "bid" }));
    const { events } = world.block([command]);
    expect(events.map(({ kind }) => kind)).toEqual(["trade", "order", "order", "position", "position", "level"]);
    expect(events[0]).toMatchObject({
      command: command.digest,
      takerSide: "buy",
      taker: { account: 2, order: 2, label: "bid" },
      maker: { account: 1, order: 1, label: "offer" },
    });
    expect(events[1]).toMatchObject({ order: { order: 1, filledLots: 2, filledTicksLots: 200n, state: "open" } });
    expect(events[2]).toMatchObject({ order: { order: 2, filledLots: 2, state: "filled" }, command: command.digest });
    expect(events[3]).toMatchObject({ position: { account: 2, sizeLots: 2 } });
    expect(events[4]).toMatchObject({ position: { account: 1, sizeLots: -2 } });
  });
});

describe("an instrument whose prices are stale", () => {
  test("takes no orders, but lets them leave and shrink (MATCH-043)", () => {
    const world = check(`A sells 5 @ 100 | open A1 5 @ 100`, {
      genesis: { prices: { ageMsMax: 2_000, staleMsMax: 5_000 } },
    });
    world.block([], 10_000);
    check(
      `
      B buys 1 @ 99         | refused instrument-not-open
      A edits A1 to 5 @ 99  | refused instrument-not-open
      A edits A1 to 6       | refused instrument-not-open
      A edits A1 to 4       | open A1 4 @ 100
      A quotes s 1 @ 99 / - | refused instrument-not-open, quotes 0
      A cancels all         | cancelled A1 4 user-request, accepted 1
    `,
      { world },
    );
    world.block([world.pricesCommand(100, 10)]);
    check(`B buys 1 @ 99 | open B1 1 @ 99`, { world });
  });
});

describe("queries", () => {
  test("answer of the last block, and of nothing that is unknown", () => {
    const world = check(`
      A sells 5 @ 101  | open A1 5 @ 101
      B buys 2 @ 101   | trade 2 @ 101 A1, open A1 3 @ 101, filled B1 2
      B buys 3 @ 99    | open B2 3 @ 99
    `);
    const query = createQuery(world.state);
    expect(query.height()).toBe(3);
    expect(query.book(1, 10)).toEqual({ bids: [[99, 3]], asks: [[101, 3]] });
    expect(query.book(1, 0)).toEqual({ bids: [], asks: [] });
    expect(query.book(2, 10)).toBeUndefined();
    expect(query.instrument(1)).toMatchObject({
      lastTradeTicks: 101,
      openInterestLots: 2,
      priceTicksMin: 50,
      priceTicksMax: 150,
    });
    expect(query.instrument(2)).toBeUndefined();
    expect(query.openOrders(2).map(({ order }) => order)).toEqual([3]);
    expect(query.order(2)).toBeUndefined();
    expect(query.positions(1)).toMatchObject([
      { position: { sizeLots: -2, entryValue: -202_000_000n }, unrealized: 2_000_000n },
    ]);
    expect(query.accountNumber(ownerOf("B"), 0)).toBe(2);
    expect(query.account(99)).toBeUndefined();
    // Ten per cent of ten coins at 100 dollars; a buy at 110 would also lose 10 a coin at once.
    expect(query.orderMargin(1, 110, 10)).toEqual([200_000_000n, 100_000_000n]);
  });
});
