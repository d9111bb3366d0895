/**
 * Two account holders trade every kind of instrument through two daily settlements and two expiries, and every balance is
 * compared with a computation by hand, to the last unit. A takes, B makes. Money of BTC and ETH is written in units of 1e-8,
 * of USDC in units of 1e-6; what is rounded is written out.
 */
import { expect, test } from "vitest";
import { lots, money, ticks } from "@stoa/base/units";
import { balanceOf } from "@stoa/exchange/ledger/post";
import { systemAccounts } from "@stoa/exchange/ledger/state";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import { createQuery } from "@stoa/exchange/machine/query";
import { encodeSnapshot, restoreSnapshot } from "@stoa/exchange/machine/snapshot";
import { exposureOf } from "@stoa/exchange/risk/exposure";
import type { Side } from "@stoa/protocol/command";
import { cancelAllBody, ownerOf, place, startMs, World } from "./world.ts";

const [btc, eth, usdc] = [0, 1, 2];
const [a, b] = [1, 2];
const { fees, insurance, clearing, external } = systemAccounts;
const dayMs = 86_400_000;

/** 2027-01-15, eight in the morning: 10 BTC, 100 ETH, a million dollars each. */
function openWorld(): World {
  const balances = ["A", "B"].flatMap((name) =>
    [1_000_000_000n, 10_000_000_000n, 1_000_000_000_000n].map((amount, asset) => ({
      account: ownerOf(name),
      subaccount: 0,
      asset,
      amount: money(amount),
    })),
  );
  const world = new World({
    products: standardProducts(),
    indexPrices: [100_000, 4_000],
    genesis: { balances, insurance: [] },
  });
  world.block([world.pricesCommand(100_000, 4_000, 0.5)]);
  return world;
}

/** B's order rests, A's order takes it whole; each in a block of its own. */
function trade(world: World, name: string, sideOfA: Side, sizeLots: number, priceTicks: number): void {
  const instrument = world.instrument(name);
  const order = { instrument, sizeLots: lots(sizeLots), priceTicks: ticks(priceTicks) };
  world.send("B", place({ ...order, side: sideOfA === "buy" ? "sell" : "buy" }));
  const events = world.send("A", place({ ...order, side: sideOfA }));
  const filled = events.filter(({ kind }) => kind === "trade").length;
  expect([name, filled]).toEqual([name, 1]);
}

/** Blocks up to `sinceStartMs`, in which the validator says these prices. */
function pricesAt(world: World, sinceStartMs: number, btcPrice: number, ethPrice: number): void {
  const untilMs = startMs + sinceStartMs;
  world.block([], untilMs - 1_000 - world.state.timeMs);
  world.block([world.pricesCommand(btcPrice, ethPrice, 0.5)]);
  expect(world.last.events).toContainEqual(expect.objectContaining({ kind: "accepted", account: 0 }));
}

const balance = (world: World, account: number, asset: number): bigint => balanceOf(world.state.ledger, account, asset);
const size = (world: World, account: number, name: string): number =>
  exposureOf(world.state.risk, account, world.instrument(name))?.sizeLots ?? 0;

function tradeEverything(world: World): void {
  // 1,000 lots of 10 dollars at 100,000: 0.1 BTC. Fee 0.05 %: 5,000.
  trade(world, "BTC-PERPETUAL", "buy", 1_000, 200_000);
  // 500 lots of 0.001 BTC at 100,010: 50,005 dollars. Fee 25.0025 dollars.
  trade(world, "BTC_USDC-PERPETUAL", "sell", 500, 200_020);
  // 20,000 dollars at 100,100: 0.1998001998... BTC, −19,980,020 (down). Fee 9,990.00999, up: 9,991.
  trade(world, "BTC-16JAN27", "buy", 2_000, 40_040);
  // 0.2 BTC at 100,200: 20,040 dollars. Fee 10.02 dollars.
  trade(world, "BTC_USDC-16JAN27", "sell", 200, 40_080);
  // 0.5 BTC of calls at 0.012: 600,000. Fees of both 0.03 % of 0.5 BTC: 15,000 (12.5 % would be 75,000).
  trade(world, "BTC-16JAN27-100000-C", "buy", 5, 120);
  // 0.4 BTC of puts at 0.004: 160,000. Fees 12,000 (12.5 %: 20,000).
  trade(world, "BTC-16JAN27-98000-P", "sell", 4, 40);
  // 1 BTC of calls at 0.0001: 10,000. Fees 12.5 % of that: 1,250 (0.03 %: 30,000).
  trade(world, "BTC-16JAN27-110000-C", "buy", 10, 1);
  // 0.3 BTC of puts of the day after at 0.015: 450,000. Fees 9,000 (12.5 %: 56,250).
  trade(world, "BTC-17JAN27-100000-P", "buy", 3, 150);
  // 4,000 dollars at 4,000.05: 0.99998750015... ETH, −99,998,751 (down). Fee 49,999.375, up: 50,000.
  trade(world, "ETH-PERPETUAL", "sell", 4_000, 80_001);
  // A sells 1,500 lots at 101,000, of which 1,000 close: 15,000 dollars are 0.148514851485... BTC, −14,851,486 (down).
  // A's side is +14,851,486; two thirds, down, close: 9,900,990 for 10,000,000, a profit of 99,010; short 500 at 4,950,496.
  // B's side is −14,851,486; two thirds, down, close: −9,900,991, a loss of 99,009; long 500 at −4,950,495.
  // Fee 7,425.74..., up: 7,426.
  trade(world, "BTC-PERPETUAL", "sell", 1_500, 202_000);
}

/** What A and B have of BTC after these trades, with nothing settled. */
const btcOfA = 1_000_000_000n - 5_000n - 9_991n - 615_000n + 148_000n - 11_250n - 459_000n - 7_426n;
const btcOfB = 1_000_000_000n + 585_000n - 172_000n + 8_750n + 441_000n;
const btcFees = 5_000n + 9_991n + 2n * (15_000n + 12_000n + 1_250n + 9_000n) + 7_426n;
const usdcOfA = 1_000_000_000_000n - 25_002_500n - 10_020_000n;
const usdcOfB = 1_000_000_000_000n;

/**
 * An hour in which the dollar perpetual stands above the index. B quotes 100,100 and 100,300 for thirty seconds: the mid is
 * 200 above the index, of which 30/(30 + 30) is smoothed in: mark 100,100, premium 0.1 %, rate 0.075 %.
 *   60 s at that:   0.00075 · 100.10 dollars a lot · 60/28,800 = 156.40625 units a lot
 *   then the empty book lets the premium fall by 60/(30 + 60): 33.33, mark 100,033.30 (down to a tenth of a tick), 0.0333 %,
 *   rate 0.0083 %
 *   3,600 s at that: 0.000083 · 100.0333 · 3,600/28,800 = 1,037.8454875 units a lot; after it the premium is 28 cents: no rate
 * Together 1,194.2517375 a lot: A, short 500, gets 597,125.86875, down 597,125; B pays 597,126.
 */
function fund(world: World): void {
  const instrument = world.instrument("BTC_USDC-PERPETUAL");
  const order = { instrument, sizeLots: lots(1) };
  world.block([
    world.command("B", place({ ...order, side: "buy", priceTicks: ticks(200_200) })),
    world.command("B", place({ ...order, side: "sell", priceTicks: ticks(200_600) })),
  ]);
  world.block([world.command("B", cancelAllBody())], 30_000);
  const { market } = world.state;
  expect(market.listings.get(instrument)).toMatchObject({ markPrice: 100_100e8, funding: { rateE12: 750_000_000 } });
  world.block([], 60_000);
  expect(market.listings.get(instrument)).toMatchObject({ markPrice: 100_033.3e8, funding: { rateE12: 83_000_000 } });
  world.block([], 3_600_000);
  expect(market.listings.get(instrument)!.funding).toMatchObject({ rateE12: 0, accruedE12: 1_194_251_737_500_000n });
}

test("every instrument kind through settlement and expiry, by hand (SETTLE-030, SETTLE-041, SETTLE-042, MARGIN-005, SETTLE-011)", () => {
  const world = openWorld();
  tradeEverything(world);
  expect([balance(world, a, btc), balance(world, b, btc)]).toEqual([btcOfA, btcOfB]);
  expect([balance(world, fees, btc), balance(world, fees, usdc)]).toEqual([btcFees, 35_022_500n]);
  expect([balance(world, a, usdc), balance(world, b, usdc)]).toEqual([usdcOfA, usdcOfB]);
  fund(world);

  // The index over the last half hour: 20 minutes of 103,000, ten of 104,500: 103,500 on average. Then 105,000.
  pricesAt(world, dayMs - 1_800_000, 103_000, 4_100);
  pricesAt(world, dayMs - 600_000, 104_500, 4_150);
  const view = createQuery(world.state).account(a)!.collateral[btc]!;
  // The future is marked at what is fixed and what may come: (20 · 103,000 + 10 · 104,500)/30 = 103,500.
  // Short 500 lots: 5,000/104,500 = 4,784,688.99..., down, less 4,950,496. Long 2,000: −19,323,671.49..., down, plus
  // 19,980,020. Realised 99,010. None of it is in the balance.
  const upnl = 4_784_688n - 4_950_496n + (-19_323_672n + 19_980_020n);
  expect(view).toMatchObject({ balance: btcOfA, sessionUnrealized: upnl, sessionRealized: 99_010n });
  expect(view.marginBalance).toBe(btcOfA + upnl + 99_010n);
  expect(view.equity).toBe(view.marginBalance + view.optionsValue);
  expect(view.availableFunds).toBe(view.marginBalance - view.initialMargin);
  pricesAt(world, dayMs, 105_000, 4_200);

  // Delivery at 103,500.
  //   future  20,000/103,500 = 19,323,671.497...: A −19,323,672 + 19,980,020, B 19,323,671 − 19,980,020
  //   call    0.5 · 3,500/103,500 = 1,690,821.256...: A 1,690,821, B −1,690,822
  // Settlement at 105,000.
  //   perpetual, A short 500: 4,761,904 − 4,950,496 + 99,010; B long: −4,761,905 + 4,950,495 − 99,009
  const firstA = 656_348n + 1_690_821n + (-188_592n + 99_010n);
  const firstB = -656_349n - 1_690_822n + (188_590n - 99_009n);
  expect([balance(world, a, btc), balance(world, b, btc)]).toEqual([btcOfA + firstA, btcOfB + firstB]);
  // The call is settled at what exercise brought: 3,500/103,500 of a coin.
  const call = world.last.events.find((event) => event.kind === "settled" && event.profit === 1_690_821n);
  expect(call).toMatchObject({ type: "delivery", sizeLots: 5, markPrice: 3_381_642, indexPrice: 103_500e8 });
  // A unit of the future's and one of the call's dust; the perpetual's stays until it is closed.
  expect([balance(world, insurance, btc), balance(world, clearing, btc)]).toEqual([2n, 1n]);
  // Dollars: the future 20,700 − 20,040 = 660; the perpetual 52,500 − 50,005 = 2,495, and funding.
  const usdcFirstA = -660_000_000n - 2_495_000_000n + 597_125n;
  const usdcFirstB = 660_000_000n + 2_495_000_000n - 597_126n;
  expect([balance(world, a, usdc), balance(world, b, usdc)]).toEqual([usdcOfA + usdcFirstA, usdcOfB + usdcFirstB]);
  expect([balance(world, insurance, usdc), balance(world, clearing, usdc)]).toEqual([1n, 0n]);
  // Ether: 4,000/4,200 = 95,238,095.238...: A, short: 95,238,095 − 99,998,751; B: −95,238,096 + 99,998,751
  const ethA = 10_000_000_000n - 50_000n - 4_760_656n;
  const ethB = 10_000_000_000n + 4_760_655n;
  expect([balance(world, a, eth), balance(world, b, eth), balance(world, clearing, eth)]).toEqual([ethA, ethB, 1n]);
  expect(() => world.instrument("BTC-16JAN27")).toThrow();
  expect([size(world, a, "BTC-17JAN27-100000-P"), size(world, b, "BTC-17JAN27-100000-P")]).toEqual([3, -3]);

  // The second day: the index falls to 96,000 and stays. A buys its 500 lots back: 5,000/96,000 = 5,208,333.3...
  //   A: 5,208,334 − 4,761,904 = 446,430; B: −5,208,334 + 4,761,905 = −446,429; fee 2,604.17, up: 2,605
  pricesAt(world, dayMs + 3_600_000, 96_000, 4_000);
  trade(world, "BTC-PERPETUAL", "buy", 500, 192_000);
  expect([size(world, a, "BTC-PERPETUAL"), size(world, b, "BTC-PERPETUAL")]).toEqual([0, 0]);
  expect(balance(world, a, btc)).toBe(btcOfA + firstA - 2_605n);
  pricesAt(world, 2 * dayMs, 96_000, 4_000);

  // Put at 96,000: 0.3 · 4,000/96,000 = 0.0125 exactly.
  const lastBtcA = btcOfA + firstA - 2_605n + 446_430n + 1_250_000n;
  const lastBtcB = btcOfB + firstB - 446_429n - 1_250_000n;
  expect([balance(world, a, btc), balance(world, b, btc)]).toEqual([lastBtcA, lastBtcB]);
  expect([balance(world, clearing, btc), balance(world, insurance, btc)]).toEqual([0n, 2n]);
  expect(balance(world, fees, btc)).toBe(btcFees + 2_605n);
  // Dollar perpetual: 52,500 − 48,000 = 4,500.
  expect(balance(world, a, usdc)).toBe(usdcOfA + usdcFirstA + 4_500_000_000n);
  expect(balance(world, b, usdc)).toBe(usdcOfB + usdcFirstB - 4_500_000_000n);
  // Ether: 4,000/4,000 = 1: the unit that rounding withheld comes back.
  expect(balance(world, a, eth)).toBe(ethA + 100_000_000n - 95_238_095n);
  expect(balance(world, b, eth)).toBe(ethB - 100_000_000n + 95_238_096n);
  expect([balance(world, clearing, eth), balance(world, insurance, eth)]).toEqual([0n, 0n]);
  expect([size(world, a, "BTC_USDC-PERPETUAL"), size(world, a, "ETH-PERPETUAL")]).toEqual([-500, -4_000]);

  // Nothing was made and nothing was lost.
  for (const [asset, deposited] of [2_000_000_000n, 20_000_000_000n, 2_000_000_000_000n].entries()) {
    const held = [a, b, fees, insurance, clearing].reduce((sum, account) => sum + balance(world, account, asset), 0n);
    expect([held, balance(world, external, asset)]).toEqual([deposited, -deposited]);
  }
});

test("a state restored in the middle of it goes on to the same balances and roots", () => {
  const whole = openWorld();
  tradeEverything(whole);
  fund(whole);
  const bytes = encodeSnapshot(whole.state);
  const copy = openWorld();
  const restored = restoreSnapshot(whole.genesis, bytes);
  if ("fault" in restored) throw new Error(restored.fault);
  Object.assign(copy, { state: restored.state });
  for (const world of [whole, copy]) {
    pricesAt(world, dayMs - 900_000, 103_210.37, 4_123.45);
    pricesAt(world, dayMs, 104_987.65, 4_200.01);
  }
  expect(copy.roots).toEqual(whole.roots);
  expect([balance(copy, a, btc), balance(copy, b, usdc)]).toEqual([balance(whole, a, btc), balance(whole, b, usdc)]);
});
