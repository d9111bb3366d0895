/** A node's history as L3 events: after every block the book by order is the book by level that the exchange itself tells. */
import { expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { Book } from "@stoa/features/book/book";
import { blankEvent, EventFlag, EventKind, readEvent } from "@stoa/features/event";
import { historySource, openStoaHistory } from "../src/features/stoa-history.ts";
import { openClient, startTestGateway } from "../../gateway/test/harness.ts";

test("orders, trades and blocks of a real exchange: every level of every block's end, and every trade (FEAT-043)", async () => {
  const running = await startTestGateway();
  try {
    const clients = await Promise.all([openClient(running.ws), openClient(running.ws)]);
    await Promise.all(clients.map((client, index) => client.auth(1 + index)));
    const prng = createPrng("history");
    const names = ["BTC-PERPETUAL", "ETH-PERPETUAL"];
    const middles = [60_000, 3_000];
    for (let step = 0; step < 150; step++) {
      const market = prng.below(2);
      const client = clients[prng.below(2)]!;
      const choice = prng.nextFloat();
      const price = middles[market]! + 0.5 * (prng.below(21) - 10);
      const order = { instrument_name: names[market], amount: 10 * (1 + prng.below(9)), price, type: "limit" };
      const open = (await client.call("private/get_open_orders", {})).result as { order_id: string; amount: number }[];
      const known = open[prng.below(Math.max(1, open.length))];
      if (choice < 0.6 || known === undefined) await client.call(choice < 0.3 ? "private/buy" : "private/sell", order);
      else if (choice < 0.8) await client.call("private/cancel", { order_id: known.order_id });
      else await client.call("private/edit", { order_id: known.order_id, amount: order.amount, price });
    }
    for (const dollars of [60_100, 60_200]) {
      running.upstream.setPrices([dollars, 3_000]);
      running.upstream.tick(10_000);
    }
    const { blocks } = running.upstream;
    const source = historySource(() => blocks, names);
    expect(source.instruments.map(({ name }) => name).sort()).toEqual(names);
    const wanted = new Map<string, number>();
    const idOf = new Map<number, number>();
    for (const { events } of blocks)
      for (const event of events)
        if (event.kind === "instrumentListed")
          idOf.set(
            event.instrument.id,
            source.instruments.findIndex(({ name }) => name === event.instrument.name),
          );
    const books = source.instruments.map(() => new Book());
    const event = blankEvent();
    const kinds = new Set<number>();
    let trades = 0;
    let unsettled = 0;
    for await (const batch of source.batches()) {
      for (let row = 0; row < batch.count; row++) {
        readEvent(batch, row, event);
        kinds.add(event.kind);
        if (event.kind === EventKind.trade) trades++;
        if (books[event.instrument]!.apply(event)) unsettled = (event.flags & EventFlag.last) === 0 ? 1 : 0;
        if (event.kind !== EventKind.block) continue;
        expect(unsettled).toBe(0);
        for (const told of blocks[event.id]!.events)
          if (told.kind === "level" && idOf.get(told.instrument) !== -1)
            wanted.set(`${idOf.get(told.instrument)} ${told.side} ${told.priceTicks}`, told.sizeLots);
        expect(levelsOf(books)).toEqual(
          [...wanted]
            .filter(([, lots]) => lots > 0)
            .map(([key, lots]) => `${key} ${lots}`)
            .sort(),
        );
      }
    }
    const told = blocks.flatMap(({ events }) => events.filter(({ kind }) => kind === "trade"));
    expect(trades).toBe(told.length);
    expect(trades).toBeGreaterThan(5);
    for (const { unknownOrdersCount } of books) expect(unknownOrdersCount).toBe(0);
    for (const kind of ["add", "modify", "cancel", "execute", "block", "value"] as const)
      expect(kinds.has(EventKind[kind]), kind).toBe(true);
    await Promise.all(clients.map((client) => client.close()));
  } finally {
    await running.stop();
  }
}, 60_000);

test("a folder without a block log is refused", () => {
  expect(() => openStoaHistory("/nowhere")).toThrow(/\/nowhere holds no block log/);
});

function levelsOf(books: readonly Book[]): string[] {
  return books
    .flatMap((book, index) =>
      [book.bids, book.asks].flatMap((side) =>
        Array.from({ length: side.count }, (_, at) => {
          const word = side.sign === 1 ? "buy" : "sell";
          return `${index} ${word} ${side.price[at]!} ${side.size[at]!}`;
        }),
      ),
    )
    .sort();
}
