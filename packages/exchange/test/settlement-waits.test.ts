/** What the daily settlement waits for, what goes on meanwhile, and what becomes of days that went by. */
import { expect, test } from "vitest";
import { lots, money, ticks } from "@stoa/base/units";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import type { Event, EventOf } from "@stoa/protocol/event";
import { e8 } from "./terms-fixture.ts";
import { ownerOf, place, startMs, World } from "./world.ts";

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** A is long and B short ten coins of the dollar perpetual, and a coin of the dollar future that expires after a day. */
function worldWithPositions(): World {
  const balances = [..."AB"].map((name) => ({
    account: ownerOf(name),
    subaccount: 0,
    asset: 2,
    amount: money(10_000_000_000_000n),
  }));
  const prices = { ageMsMax: 10_000, staleMsMax: 30_000 };
  const world = new World({
    products: standardProducts(),
    indexPrices: [100_000, 4_000],
    genesis: { balances, insurance: [], prices },
  });
  world.block([world.pricesCommand(100_000, 4_000, 0.5)]);
  for (const [name, size] of [
    ["BTC_USDC-PERPETUAL", 10_000],
    ["BTC_USDC-16JAN27", 1_000],
  ] as const) {
    const instrument = world.instrument(name);
    // In steps of half a dollar for the perpetual and two and a half for the future.
    const priceTicks = ticks(name.endsWith("PERPETUAL") ? 200_000 : 40_000);
    world.send("B", place({ instrument, side: "sell", sizeLots: lots(size), priceTicks }));
    world.send("A", place({ instrument, side: "buy", sizeLots: lots(size), priceTicks }));
  }
  return world;
}

/** A block in which the validator says only the price of bitcoin. */
function sayBitcoin(world: World, btc: number, afterMs: number): readonly Event[] {
  const prepared = world.pricesCommand(btc, 4_000, undefined, afterMs);
  const { body } = prepared.command!;
  if (body.kind !== "prices") throw new Error("a price message");
  const command = { ...prepared.command!, body: { ...body, indexes: body.indexes.slice(0, 1) } };
  return world.block([{ ...prepared, command }], afterMs).events;
}

const settledOf = (events: readonly Event[], instrument: number): readonly EventOf<"settled">[] =>
  events.flatMap((event) => (event.kind === "settled" && event.instrument === instrument ? [event] : []));

test("settlement waits for every index; what has a price trades on meanwhile, and the delivery price stays that of its window (SETTLE-044, SETTLE-045)", () => {
  const world = worldWithPositions();
  const perpetual = world.instrument("BTC_USDC-PERPETUAL");
  const future = world.instrument("BTC_USDC-16JAN27");
  const ether = world.instrument("ETH_USDC-PERPETUAL");
  const stateOf = (instrument: number) => world.state.market.listings.get(instrument)?.state;
  const instantMs = startMs + dayMs;
  // Both feeds into the averaging window; then that of ether dies. Bitcoin stands at 101,000 until after the instant.
  const afterMs = instantMs - 31 * minuteMs - world.state.timeMs;
  world.block([world.pricesCommand(101_000, 4_000, 0.5, afterMs)], afterMs);
  while (world.state.timeMs < instantMs + minuteMs) {
    const events = sayBitcoin(world, 101_000, 20_000);
    expect(events.some((event) => event.kind === "instrumentSettled")).toBe(false);
  }
  expect([stateOf(perpetual), stateOf(future), stateOf(ether)]).toEqual(["open", "settlement", "locked"]);
  expect(
    world.send("A", place({ instrument: perpetual, sizeLots: lots(1), priceTicks: ticks(201_000) })),
  ).toContainEqual(expect.objectContaining({ kind: "order" }));
  // Ten minutes later bitcoin has moved, and ether is back.
  for (let count = 0; count < 30; count++) sayBitcoin(world, 102_000, 20_000);
  const { events } = world.block([world.pricesCommand(102_000, 4_000, 0.5)]);
  const types = [future, perpetual].map((instrument) => settledOf(events, instrument).map(({ type }) => type));
  expect(types).toEqual([
    ["delivery", "delivery"],
    ["settlement", "settlement"],
  ]);
  // Delivered at the mean of the window, in which bitcoin stood at 101,000: a coin bought at 100,000 earns 1,000 dollars.
  expect(settledOf(events, future)).toContainEqual(
    expect.objectContaining({ type: "delivery", markPrice: e8(101_000), profit: 1_000_000_000n }),
  );
});

test("days that went by without a settlement are settled once, and the next is that of the day after (SETTLE-046)", () => {
  const world = worldWithPositions();
  const perpetual = world.instrument("BTC_USDC-PERPETUAL");
  const gone = ["BTC_USDC-16JAN27", "BTC_USDC-17JAN27"].map((name) => world.instrument(name));
  // Nobody makes a block for three days and an hour.
  world.block([], 3 * dayMs + 60 * minuteMs);
  const { events } = world.block([world.pricesCommand(103_000, 4_000, 0.5)]);
  // Ten coins from 100,000 to 103,000, once: what three settlements would have paid in sum.
  const profits = settledOf(events, perpetual).map(({ profit }) => profit);
  expect(profits.toSorted((left, right) => (left < right ? -1 : 1))).toEqual([-30_000_000_000n, 30_000_000_000n]);
  for (const instrument of gone) expect(world.state.market.listings.has(instrument)).toBe(false);
  const listedAnew = events.flatMap((event) => (event.kind === "instrumentListed" ? [event.instrument] : []));
  expect(listedAnew.length).toBeGreaterThan(0);
  for (const { expiryMs = 0 } of listedAnew) expect(expiryMs).toBeGreaterThan(world.state.timeMs);
  // Nothing more is due until the next instant.
  const quiet = world.block([world.pricesCommand(104_000, 4_000, 0.5, 20_000)], 20_000).events;
  expect(quiet.some((event) => event.kind === "instrumentSettled")).toBe(false);
  const untilNextMs = startMs + 4 * dayMs - world.state.timeMs;
  world.block([], untilNextMs);
  const next = world.block([world.pricesCommand(104_000, 4_000, 0.5)]).events;
  expect(settledOf(next, perpetual)).toHaveLength(2);
});
