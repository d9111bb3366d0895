/** Changing and ending orders: edits, cancels, the cancel family, quotes, batches. */
import { lots, ticks } from "@stoa/base/units";
import { describe, expect, test } from "vitest";
import { cancelAllBody, check, describe as inWords, place, World } from "./world.ts";
import { limits } from "@stoa/base/limits";

describe("edits", () => {
  test("an order that only gets smaller keeps its place (MATCH-011)", () => {
    check(`
      A buys 10 @ 100   | open A1 10 @ 100
      B buys 10 @ 100   | open B1 10 @ 100
      A edits A1 to 4   | open A1 4 @ 100
      C sells 6 @ 100   | trade 4 @ 100 A1, filled A1 4, trade 2 @ 100 B1, open B1 8 @ 100, filled C1 6
    `);
  });

  test("an order that grows or moves goes behind the others, under its own id (MATCH-012)", () => {
    check(`
      A buys 10 @ 100        | open A1 10 @ 100
      B buys 10 @ 100        | open B1 10 @ 100
      A edits A1 to 12       | open A1 12 @ 100
      C sells 10 @ 100       | trade 10 @ 100 B1, filled B1 10, filled C1 10
      B buys 1 @ 101         | open B2 1 @ 101
      A edits A1 to 12 @ 101 | open A1 12 @ 101
      C sells 2 @ 101        | trade 1 @ 101 B2, filled B2 1, trade 1 @ 101 A1, open A1 11 @ 101, filled C2 2
    `);
  });

  test("the new size counts what was filled, and an order cannot shrink to what it has filled (MATCH-011)", () => {
    check(`
      A buys 10 @ 100   | open A1 10 @ 100
      B sells 4 @ 100   | trade 4 @ 100 A1, open A1 6 @ 100, filled B1 4
      A edits A1 to 4   | refused size-not-positive 4
      A edits A1 to 5   | open A1 1 @ 100
      B sells 4 @ 100   | trade 1 @ 100 A1, filled A1 5, open B2 3 @ 100
    `);
  });

  test("an edit to a crossing price trades at once (MATCH-013)", () => {
    check(`
      A buys 10 @ 100         | open A1 10 @ 100
      B sells 4 @ 101         | open B1 4 @ 101
      A edits A1 to 10 @ 102  | trade 4 @ 101 B1, filled B1 4, open A1 6 @ 102
      C sells 6 @ 103         | open C1 6 @ 103
      A edits A1 to 10 @ 103  | trade 6 @ 103 C1, filled C1 6, filled A1 10
    `);
  });

  test("a refused edit leaves the order where it was (MATCH-014)", () => {
    check(`
      A buys 10 @ 100                     | open A1 10 @ 100
      B buys 10 @ 100                     | open B1 10 @ 100
      C sells 5 @ 105                     | open C1 5 @ 105
      A edits A1 to 10 @ 151              | refused price-above-band 150
      A edits A1 to 10 @ 105 post-reject  | refused post-only-would-cross 105
      A edits A1 to 0                     | refused size-not-positive 0
      A edits A1 to 10 reduce             | refused reduce-only-would-increase
      C sells 4 @ 100                     | trade 4 @ 100 A1, open A1 6 @ 100, filled C2 4
    `);
  });

  test("an edit may make an order post-only or reduce-only (MATCH-012, MATCH-017)", () => {
    check(`
      C sells 5 @ 105             | open C1 5 @ 105
      A buys 5 @ 105              | trade 5 @ 105 C1, filled C1 5, filled A1 5
      A sells 9 @ 120             | open A2 9 @ 120
      A edits A2 to 9 @ 119 reduce | open A2 5 @ 119
      B buys 1 @ 110              | open B1 1 @ 110
      A edits A2 to 5 @ 108 post  | open A2 5 @ 111
    `);
  });
});

describe("cancels", () => {
  test("only its account's open orders can be named (MATCH-026)", () => {
    check(`
      A buys 10 @ 100  | open A1 10 @ 100
      B cancels A1     | refused order-not-owned
      A cancels A1     | cancelled A1 10 user-request
      A cancels A1     | refused order-not-open
      A cancels 77     | refused order-unknown
      B edits A1 to 5  | refused order-not-open
    `);
  });

  test("all orders that match every filter are cancelled, and counted (MATCH-027, MATCH-028)", () => {
    check(`
      A buys 1 @ 90 label=x          | open A1 1 @ 90
      A buys 1 @ 91 label=y          | open A2 1 @ 91
      A quotes s 1 @ 89 / 1 @ 110    | open A3 1 @ 89, open A4 1 @ 110, quotes 2
      B buys 1 @ 90                  | open B1 1 @ 90
      A cancels all currency=0 kind=option | accepted 0
      A cancels all currency=1       | accepted 0
      A cancels all type=quote set=t | accepted 0
      A cancels all label=x type=quote | accepted 0
      A cancels all label=x          | cancelled A1 1 user-request, accepted 1
      A cancels all type=quote set=s | cancelled A3 1 user-request, cancelled A4 1 user-request, accepted 2
      A cancels all instrument=1 currency=2 kind=perpetual type=limit | cancelled A2 1 user-request, accepted 1
      A cancels all                  | accepted 0
      A buys 1 @ 90                  | open A5 1 @ 90
      A cancels all currency=0       | cancelled A5 1 user-request, accepted 1
      A buys 1 @ 90                  | open A6 1 @ 90
      A cancels all currency=2 kind=future | accepted 0
      A cancels all currency=2       | cancelled A6 1 user-request, accepted 1
    `);
  });

  test("a list of orders limits what is cancelled to its account's open ones among them (MATCH-027)", () => {
    const world = check(`
      A buys 1 @ 90  | open A1 1 @ 90
      A buys 1 @ 91  | open A2 1 @ 91
      B buys 1 @ 92  | open B1 1 @ 92
    `);
    const orders = [world.orderId("A2"), world.orderId("B1"), 999, world.orderId("A2")];
    const events = world.send("A", cancelAllBody({ orders }));
    expect(inWords(world, events)).toBe("cancelled A2 1 user-request, accepted 1");
  });
});

describe("quotes", () => {
  test("a quote is placed, changed under its id, and removed by a size of zero (MATCH-029)", () => {
    check(`
      A quotes s 5 @ 99 / 5 @ 101   | open A1 5 @ 99, open A2 5 @ 101, quotes 2
      A quotes s 3 @ 99 / 5 @ 102   | open A1 3 @ 99, open A2 5 @ 102, quotes 2
      A quotes s - / 0              | cancelled A2 5 user-request, quotes 1
      A quotes t 2 @ 98 / -         | open A3 2 @ 98, quotes 1
      A quotes s 0 / 0              | cancelled A1 3 user-request, quotes 2
    `);
  });

  test("the size of a quote is what is to be open, whatever was filled before (MATCH-029)", () => {
    check(`
      A quotes s 5 @ 99 / -   | open A1 5 @ 99, quotes 1
      B sells 2 @ 99          | trade 2 @ 99 A1, open A1 3 @ 99, filled B1 2
      A quotes s 5 @ 99 / -   | open A1 5 @ 99, quotes 1
      B sells 6 @ 99          | trade 5 @ 99 A1, filled A1 7, open B2 1 @ 99
    `);
  });

  test("a quote that gets smaller keeps its place (MATCH-011, MATCH-029)", () => {
    check(`
      A quotes s 5 @ 99 / -   | open A1 5 @ 99, quotes 1
      B buys 5 @ 99           | open B1 5 @ 99
      A quotes s 4 @ 99 / -   | open A1 4 @ 99, quotes 1
      C sells 1 @ 99          | trade 1 @ 99 A1, open A1 3 @ 99, filled C1 1
    `);
  });

  test("a ladder that moves as a whole does not meet itself: what retreats runs first (MATCH-054)", () => {
    check(`
      A quotes s 5 @ 99 / 5 @ 102   | open A1 5 @ 99, open A2 5 @ 102, quotes 2
      A quotes s 5 @ 103 / 5 @ 105  | open A2 5 @ 105, open A1 5 @ 103, quotes 2
      A quotes s 5 @ 97 / 5 @ 98    | open A1 5 @ 97, open A2 5 @ 98, quotes 2
      A quotes s 5 @ 98 / 0 post    | cancelled A2 5 user-request, open A1 5 @ 98, quotes 2
    `);
  });

  test("of two quotes of one name in a command the last stands (MATCH-029, MATCH-054)", () => {
    const world = check(`A quotes s 5 @ 99 / - | open A1 5 @ 99, quotes 1`);
    const entry = { instrument: 1, quoteSet: "s", ask: undefined, postOnly: "off" } as const;
    const bids = [100, 98, 97].map((price) => ({ ...entry, bid: { priceTicks: ticks(price), sizeLots: lots(5) } }));
    const events = world.send("A", { kind: "massQuote", quoteId: "q", entries: bids });
    expect(inWords(world, events)).toBe("open A1 5 @ 100, open A1 5 @ 98, open A1 5 @ 97, quotes 3");
  });

  test("each side is refused on its own, under its own part, and leaves the standing quote (MATCH-030)", () => {
    const world = check(`
      A quotes s 5 @ 99 / 5 @ 101    | open A1 5 @ 99, open A2 5 @ 101, quotes 2
      A quotes s 5 @ 151 / 5 @ 102   | open A2 5 @ 102, refused price-above-band 150, quotes 1
      A quotes s 5 @ 103 / -         | refused self-match, quotes 0
      A quotes s 5 @ 103 / - post    | open A1 5 @ 101, quotes 1
    `);
    const entry = { instrument: 1, quoteSet: "s", bid: undefined, postOnly: "off" } as const;
    const ask = { priceTicks: ticks(10), sizeLots: lots(5) };
    const events = world.send("A", {
      kind: "massQuote",
      quoteId: "second",
      entries: [
        { ...entry, ask: { ...ask, priceTicks: ticks(104) } },
        { ...entry, ask },
        { ...entry, instrument: 9, ask },
      ],
    });
    const parts = events.flatMap((event) =>
      event.kind === "refused" ? [`${event.part} ${event.reason}`] : event.kind === "order" ? [`${event.part}`] : [],
    );
    expect(parts).toEqual(["1", "3 price-below-band", "5 instrument-unknown"]);
    expect(events.find((event) => event.kind === "order")).toMatchObject({
      order: { quoteId: "second", quoteSet: "s" },
    });
  });
});

describe("batches", () => {
  test("parts run in sequence and each is refused on its own (MATCH-031)", () => {
    const world = new World();
    const events = world.send("A", {
      kind: "batch",
      parts: [
        place({ sizeLots: 5, priceTicks: ticks(99) }),
        place({ sizeLots: 0, priceTicks: ticks(99) }),
        { kind: "cancel", order: 1 },
        { kind: "cancel", order: 1 },
        cancelAllBody(),
      ],
    });
    expect(inWords(world, events)).toBe(
      "open A1 5 @ 99, refused size-not-positive 0, cancelled A1 5 user-request, refused order-not-open, accepted 0",
    );
    expect(events.flatMap((event) => ("part" in event ? [event.part] : []))).toEqual([0, 1, 2, 3, 4]);
  });
});

test("every command has an answer, even a batch or a mass quote of nothing (MATCH-031)", () => {
  const world = new World();
  expect(inWords(world, world.send("A", { kind: "batch", parts: [] }))).toBe("accepted 0");
  expect(inWords(world, world.send("A", { kind: "massQuote", quoteId: "q", entries: [] }))).toBe("quotes 0");
});

describe("limits", () => {
  test("an order meets a bounded number of others; what is left of one that would meet more is cancelled (MATCH-053)", () => {
    const world = new World({ dollars: 100_000_000 });
    const offer = { ...place({ sizeLots: 2, priceTicks: ticks(100) }), side: "sell" as const };
    const parts = Array.from({ length: 100 }, () => offer);
    for (let count = 0; count < limits.ordersMetCountMax; count += 100) world.send("A", { kind: "batch", parts });
    world.send("B", offer);
    const buy = (sizeLots: number) => world.send("C", place({ sizeLots, priceTicks: ticks(100) }));
    const killed = place({ sizeLots: 1_002, priceTicks: ticks(100), timeInForce: "fill-or-kill" });
    expect(inWords(world, world.send("C", killed))).toBe("refused fill-or-kill-not-filled 1000");
    const events = buy(1_003);
    expect(events.filter(({ kind }) => kind === "trade")).toHaveLength(limits.ordersMetCountMax);
    expect(inWords(world, events)).toMatch(/, cancelled C1 3 orders-met-max$/);
    // As many as it may, and nothing behind them: what is left rests.
    expect(inWords(world, buy(4))).toBe("trade 2 @ 100 B1, filled B1 2, open C2 2 @ 100");
  });

  test("an account has a bounded number of open orders; immediate ones need no room (MATCH-035)", () => {
    const world = new World({ dollars: 100_000_000 });
    const parts = Array.from({ length: 100 }, () => place({ sizeLots: 1, priceTicks: ticks(50) }));
    for (let count = 0; count < limits.openOrdersPerAccountCountMax; count += 100)
      world.send("A", { kind: "batch", parts });
    check(
      `
      A buys 1 @ 50      | refused orders-too-many 2000
      A buys 1 @ 60 ioc  | cancelled A2001 1 immediate-or-cancel
      A edits A1 to 1 @ 51 | open A1 1 @ 51
      A cancels A1       | cancelled A1 1 user-request
      A buys 1 @ 50      | open A2002 1 @ 50
    `,
      { world },
    );
  });
});
