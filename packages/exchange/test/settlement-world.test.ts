/** Settlement in the running exchange: what blocks, locks and expiries do to funding and orders, and that value is conserved whatever happens. */
import { expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { lots, money, ticks } from "@stoa/base/units";
import { balanceOf } from "@stoa/exchange/ledger/post";
import { systemAccounts } from "@stoa/exchange/ledger/state";
import { bandOf } from "@stoa/exchange/market/band";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import { floorToTick } from "@stoa/exchange/terms";
import type { Genesis } from "@stoa/protocol/genesis";
import { ownerOf, place, startMs, World } from "./world.ts";

const dayMs = 86_400_000;

/** All standard products; A to D hold `amounts` of BTC, ETH and USDC each. */
function standardWorld(amounts: readonly [bigint, bigint, bigint], change: Partial<Genesis> = {}): World {
  const balances = [..."ABCD"].flatMap((name) =>
    amounts.map((amount, asset) => ({ account: ownerOf(name), subaccount: 0, asset, amount: money(amount) })),
  );
  const genesis = { balances, insurance: [], ...change };
  return new World({ products: standardProducts(), indexPrices: [100_000, 4_000], genesis });
}

const rich = [10_000_000_000n, 100_000_000_000n, 10_000_000_000_000n] as const;

test("funding stands still while an instrument is locked, and no interval counts for more than prices may stand (SETTLE-023, FEED-010)", () => {
  const world = standardWorld(rich, { prices: { ageMsMax: 10_000, staleMsMax: 30_000 } });
  const instrument = world.instrument("BTC_USDC-PERPETUAL");
  const listing = world.state.market.listings.get(instrument)!;
  world.block([world.pricesCommand(100_000, 4_000)]);
  const quote = { instrument, sizeLots: lots(10) };
  world.block([
    world.command("B", place({ ...quote, side: "buy", priceTicks: ticks(200_600) })),
    world.command("B", place({ ...quote, side: "sell", priceTicks: ticks(200_700) })),
  ]);
  const say = (afterMs: number) => world.block([world.pricesCommand(100_000, 4_000, undefined, afterMs)], afterMs);
  say(29_000);
  const { rateE12, accruedE12 } = listing.funding!;
  expect([listing.state, accruedE12]).toEqual(["open", 0n]);
  expect(rateE12).toBeGreaterThan(0);
  // Two hours without a block count as thirty seconds at the rate and the mark that stood; then nobody knows the price.
  const held = { rateE12, notional: (BigInt(listing.markPrice) * 100_000n) / 10_000_000_000n };
  world.block([], 7_200_000);
  expect(listing.state).toBe("locked");
  const accrued = listing.funding!.accruedE12;
  expect(accrued).toBe((BigInt(held.rateE12) * 30_000n * held.notional) / 28_800_000n);
  world.block([], 60_000);
  expect([listing.state, listing.funding]).toMatchObject(["locked", { accruedE12: accrued, rateE12: 0 }]);
  // A rate comes back with the prices; the locked time stays free, and the events say so.
  const events = say(10_000).events;
  expect([listing.state, listing.funding!.accruedE12]).toEqual(["open", accrued]);
  expect(events).toContainEqual({ kind: "funding", instrument, rateE12: 0, accruedE12: accrued });
  const { rateE12: again } = listing.funding!;
  expect(say(10_000).events).toContainEqual(expect.objectContaining({ kind: "funding", rateE12: again }));
  expect(listing.funding!.accruedE12).toBeGreaterThan(accrued);
});

test("orders of what expires are cancelled first; then the instrument is gone (SETTLE-043)", () => {
  const world = standardWorld(rich);
  world.block([world.pricesCommand(100_000, 4_000, 0.5)]);
  const instrument = world.instrument("BTC-16JAN27");
  const order = { instrument, sizeLots: lots(5), priceTicks: ticks(40_000) };
  world.send("B", place({ ...order, side: "sell" }));
  world.send("A", place({ ...order, side: "buy", sizeLots: lots(2) }));
  world.block([], startMs + dayMs - world.state.timeMs);
  const { events } = world.last;
  const at = (predicate: (event: (typeof events)[number]) => boolean) => events.findIndex(predicate);
  const cancelled = at((event) => event.kind === "order" && event.order.cancelReason === "expiry");
  const settled = at((event) => event.kind === "settled" && event.instrument === instrument);
  const gone = at((event) => event.kind === "instrumentState" && event.state === "delivered");
  expect(0 <= cancelled && cancelled < settled && settled < gone).toBe(true);
  expect(events).toContainEqual({ kind: "instrumentState", instrument, state: "delivered" });
  expect(events).toContainEqual({ kind: "level", instrument, side: "sell", priceTicks: 40_000, sizeLots: 0 });
  expect(world.send("A", place({ ...order, side: "buy" }))).toContainEqual(
    expect.objectContaining({ kind: "refused", reason: "instrument-unknown" }),
  );
  expect(world.state.books.has(instrument)).toBe(false);
});

test.each([1, 2, 3])(
  "poor accounts trade everything while prices leap, through settlements, liquidations and losses: value is conserved (SETTLE-001, SETTLE-031, seed %i)",
  (seed) => {
    // Every block asserts that balances sum to zero, that clearing holds what sessions owe, and that positions net to zero.
    const amounts = [100_000_000n, 2_000_000_000n, 100_000_000_000n] as const;
    const world = standardWorld(amounts, { insurance: [{ asset: 0, amount: money(1_000_000n) }] });
    const random = createPrng(`settlement ${seed}`);
    const below = (count: number) => random.below(count);
    const steps = new Map<string, number>();
    let price = 100_000;
    for (let count = 0; count < 80; count++) {
      price = Math.max(20_000, Math.round(price * (0.96 + below(81) / 1_000)));
      const afterMs = below(25) === 0 ? 30_000_000 : 1_000 + below(20_000);
      const orders = Array.from({ length: 12 }, () => {
        // Everything linear in the price, and every sixteenth option: enough to meet.
        const listings = [...world.state.market.listings.values()].filter(
          ({ state, terms }) => state === "open" && (!terms.isOption || terms.instrument.id % 16 === 0),
        );
        const listing = listings[below(listings.length)]!;
        const { minTicks, maxTicks } = bandOf(listing);
        const priceTicks = floorToTick(listing.terms.instrument, minTicks + below(maxTicks - minTicks + 1));
        return world.command(
          "ABCD"[below(4)]!,
          place({
            instrument: below(3) === 0 ? 1 : listing.terms.instrument.id,
            side: below(2) === 0 ? "buy" : "sell",
            sizeLots: lots(1 + below(listing.terms.isOption ? 20 : 20_000)),
            priceTicks: ticks(Math.max(1, priceTicks)),
          }),
        );
      });
      world.block([], afterMs);
      world.block([world.pricesCommand(price, price / 25, 0.8), ...orders]);
      for (const { kind, ...event } of world.last.events) {
        const name = "step" in event ? event.step : kind;
        steps.set(name, (steps.get(name) ?? 0) + 1);
      }
    }
    for (const [asset, amount] of amounts.entries()) {
      const deposited = 4n * amount + (asset === 0 ? 1_000_000n : 0n);
      expect(balanceOf(world.state.ledger, systemAccounts.external, asset)).toBe(-deposited);
    }
    // It went where it should: trades, liquidations, take-overs.
    for (const name of ["trade", "started", "taken-over", "ended"])
      expect(steps.get(name) ?? 0, name).toBeGreaterThan(0);
  },
);

test("whoever spends all it has on options is left with nothing, but not below it (MARGIN-023, MARGIN-032)", () => {
  // 5 lots, 0.5 BTC, at 0.012 cost 600,000 and a fee of 15,000.
  const hold = (amount: bigint) => {
    const world = standardWorld(rich);
    world.block([world.pricesCommand(100_000, 4_000, 0.5)]);
    const left = 10_000_000_000n - amount;
    world.send("A", { kind: "withdraw", asset: 0, amount: money(left), address: "somewhere" });
    const order = { instrument: world.instrument("BTC-16JAN27-100000-C"), sizeLots: lots(5), priceTicks: ticks(120) };
    world.send("B", place({ ...order, side: "sell" }));
    const events = world.send("A", place({ ...order, side: "buy" }));
    const balance = balanceOf(world.state.ledger, 1, 0);
    return { events: events.map(({ kind }) => kind), balance };
  };
  expect(hold(614_999n).events).toEqual(["refused"]);
  const { events, balance } = hold(615_000n);
  expect([events.includes("trade"), events.includes("liquidation"), balance]).toEqual([true, false, 0n]);
});
