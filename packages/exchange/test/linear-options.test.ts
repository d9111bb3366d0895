/** Options that settle in dollars: mark, premium, fee, margin and payoff, by hand. */
import { expect, test } from "vitest";
import { lots, money, ticks } from "@stoa/base/units";
import { createQuery } from "@stoa/exchange/machine/query";
import { linearOptions, standardProducts } from "@stoa/exchange/market/standard-products";
import { ownerOf, place, startMs, World } from "./world.ts";

const dayMs = 86_400_000;
const dollars = (amount: number): bigint => BigInt(Math.round(amount * 1e6));

test("an option in dollars is marked as the inverse one, pays its premium, margin and payoff in dollars (MARGIN-001, MARGIN-005, MARGIN-020, MARGIN-021, SETTLE-011, SETTLE-041)", () => {
  const deposit = dollars(100_000);
  const balances = [..."AB"].map((name) => ({
    account: ownerOf(name),
    subaccount: 0,
    asset: 2,
    amount: money(deposit),
  }));
  const world = new World({
    products: [...standardProducts(), ...linearOptions()],
    indexPrices: [100_000, 4_000],
    genesis: { balances, insurance: [] },
  });
  const query = createQuery(world.state);
  const balanceOf = (name: string): bigint =>
    query.account(query.accountNumber(ownerOf(name), 0)!)!.collateral.find(({ asset }) => asset === 2)!.balance;
  world.block([world.pricesCommand(100_000, 4_000, 0.5)]);
  const call = world.instrument("BTC_USDC-16JAN27-100000-C");
  const put = world.instrument("BTC_USDC-16JAN27-98000-P");

  // The mark of the inverse option is in coins, cut to a millionth: a tenth of a dollar.
  const inverse = query.instrument(world.instrument("BTC-16JAN27-100000-C"))!;
  const linear = query.instrument(call)!;
  expect(linear.volatilityPpm).toBe(inverse.volatilityPpm);
  expect(Math.abs(linear.markPrice / 1e8 - (inverse.markPrice / 1e8) * 100_000)).toBeLessThan(0.2);
  expect(linear.markPrice / 1e8).toBeGreaterThan(900);

  // A buys two coins of the call at 1,000 and three of the put at 300, in ticks of five dollars and lots of a hundredth.
  for (const [instrument, size, priceTicks] of [
    [call, 200, 200],
    [put, 300, 60],
  ] as const) {
    world.send("B", place({ instrument, side: "sell", sizeLots: lots(size), priceTicks: ticks(priceTicks) }));
    world.send("A", place({ instrument, side: "buy", sizeLots: lots(size), priceTicks: ticks(priceTicks) }));
  }
  // Fees of 0.03 % of 100,000 dollars a coin: 30; the cap of 12.5 % would be 125 and 37.50.
  const fees = dollars(2 * 30 + 3 * 30);
  expect(balanceOf("A")).toBe(deposit - dollars(2_000 + 900) - fees);
  expect(balanceOf("B")).toBe(deposit + dollars(2_000 + 900) - fees);

  // The short call is at the money: 15 % of 100,000 and the mark; the put 2 % out of it: 13 %. Maintenance 7.5 %, and marks.
  const [callMark, putMark] = [call, put].map((id) => query.instrument(id)!.markPrice / 1e8) as [number, number];
  const collateral = query.account(query.accountNumber(ownerOf("B"), 0)!)!.collateral.find(({ asset }) => asset === 2)!;
  expect(collateral.initialMargin).toBe(dollars(2 * (15_000 + callMark) + 3 * (13_000 + putMark)));
  expect(collateral.maintenanceMargin).toBe(dollars(2 * (7_500 + callMark) + 3 * (7_500 + putMark)));
  expect(collateral.optionsValue).toBe(-dollars(2 * callMark + 3 * putMark));

  // The index stands at 97,000 over the window: the call ends worthless, the put pays 1,000 a coin.
  const windowMs = startMs + dayMs - 1_900_000;
  world.block([], windowMs - world.state.timeMs);
  world.block([world.pricesCommand(97_000, 4_000, 0.5)]);
  const { events } = world.block([], startMs + dayMs - world.state.timeMs);
  expect(events.filter((event) => event.kind === "settled" && event.type === "delivery")).toHaveLength(4);
  expect(balanceOf("A")).toBe(deposit - dollars(2_900) - fees + dollars(3_000));
  expect(balanceOf("B")).toBe(deposit + dollars(2_900) - fees - dollars(3_000));
  expect(query.instrument(call)).toBeUndefined();
});
