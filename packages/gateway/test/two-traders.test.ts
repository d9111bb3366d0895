/**
 * Two account holders, each with a ccxt client, trade every kind of instrument through two daily settlements and two expiries.
 * What the API shows them is compared with a computation by hand, to the last unit: BTC and ETH are written in units of 1e-8,
 * USDC in units of 1e-6; what is rounded is written out. Each day begins at eight; block time is the test's.
 */
import ccxt from "ccxt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { priceE8 } from "@stoa/base/units";
import { startTestGateway, type TestGateway } from "./harness.ts";
import { createLocalUpstream, type LocalUpstream } from "./local-upstream.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Eight o'clock tomorrow: never before the clock of the machine, on which keys and clients live. */
const startMs = Math.floor(Date.now() / dayMs) * dayMs + dayMs + 8 * hourMs;
const currencies = ["BTC", "ETH", "USDC"] as const;
type Currency = (typeof currencies)[number];
const decimals = { BTC: 8, ETH: 8, USDC: 6 } as const;

/** The number of an answer as a count of units; that it is one to within a double's precision is part of the comparison. */
const units = (value: unknown, currency: Currency): number => {
  const scaled = Number(value) * 10 ** decimals[currency];
  expect(Math.abs(scaled - Math.round(scaled))).toBeLessThan(0.01);
  return Math.round(scaled) + 0;
};

// ccxt's types are not worth their size here: answers are what the test is about.
type CcxtClient = any;

let upstream: LocalUpstream;
let running: TestGateway;
let a: CcxtClient;
let b: CcxtClient;
let clockMs = startMs;
/** Today's and tomorrow's expiry, as names carry them. */
let first: string;
let second: string;

beforeAll(async () => {
  upstream = createLocalUpstream({
    accounts: [1, 2],
    startMs,
    nowMs: () => clockMs,
    genesis: {
      insurance: [],
      indexes: [
        { name: "btc_usd", base: 0, initialPrice: priceE8(100_000e8) },
        { name: "eth_usd", base: 1, initialPrice: priceE8(4_000e8) },
      ],
    },
  });
  clockMs += 1_000;
  upstream.setPrices([100_000, 4_000], 0.5);
  running = await startTestGateway({ upstream });
  [a, b] = [1, 2].map(
    (number) =>
      new ccxt.deribit({
        apiKey: `client-${number}`,
        secret: `secret-${number}`,
        urls: { api: { rest: running.rest } },
        enableRateLimit: false,
      }),
  );
  await Promise.all([a.loadMarkets(), b.loadMarkets()]);
  const expiryName = (days: number): string => {
    const future = upstream.query
      .instruments()
      .find(({ instrument }) => instrument.expiryMs === startMs + days * dayMs);
    return future!.instrument.name.split("-")[1]!;
  };
  [first, second] = [expiryName(1), expiryName(2)];
}, 60_000);
afterAll(() => running.stop());

const symbolOf = (name: string): string =>
  Object.values<any>(a.markets).find(({ id }) => id === name.replace("FIRST", first).replace("SECOND", second)).symbol;

interface Deal {
  readonly name: string;
  readonly sideOfA: "buy" | "sell";
  readonly amount: number;
  readonly price: number;
  readonly taker: "a" | "b";
  readonly currency: Currency;
  readonly feeOfA: number;
  readonly feeOfB: number;
}

/**
 * Takers of futures and perpetuals pay 0.05 % of the value at the fill, makers nothing; both sides of an option pay 0.03 % of
 * a coin, at most 12.5 % of the premium. Fees are rounded up.
 */
const deals: readonly Deal[] = [
  // 10,000 / 100,000 = 0.1 BTC, of which 0.05 %.
  deal("BTC-PERPETUAL", "buy", 10_000, 100_000, "a", "BTC", 5_000, 0),
  // 0.5 · 100,010 = 50,005 dollars: 25.0025.
  deal("BTC_USDC-PERPETUAL", "sell", 0.5, 100_010, "b", "USDC", 0, 25_002_500),
  // 20,000 / 100,100 = 0.19980019980... BTC: 9,990.00999 units, up.
  deal("BTC-FIRST", "buy", 20_000, 100_100, "a", "BTC", 9_991, 0),
  // 0.2 · 100,200 = 20,040 dollars: 10.02.
  deal("BTC_USDC-FIRST", "sell", 0.2, 100_200, "b", "USDC", 0, 10_020_000),
  // 0.03 % of 0.5 BTC: 15,000; 12.5 % of the premium of 600,000 would be 75,000.
  deal("BTC-FIRST-100000-C", "buy", 0.5, 0.012, "a", "BTC", 15_000, 15_000),
  // 0.03 % of 0.4 BTC: 12,000; 12.5 % of 160,000: 20,000.
  deal("BTC-FIRST-98000-P", "sell", 0.4, 0.004, "b", "BTC", 12_000, 12_000),
  // 0.03 % of 1 BTC: 30,000; 12.5 % of 10,000: 1,250.
  deal("BTC-FIRST-110000-C", "buy", 1, 0.0001, "b", "BTC", 1_250, 1_250),
  // 0.03 % of 0.3 BTC: 9,000; 12.5 % of 450,000: 56,250.
  deal("BTC-SECOND-100000-P", "buy", 0.3, 0.015, "a", "BTC", 9_000, 9_000),
  // 4,000 / 4,000.05 = 0.99998750015... ETH: 49,999.375 units, up.
  deal("ETH-PERPETUAL", "sell", 4_000, 4_000.05, "a", "ETH", 50_000, 0),
  // 15,000 / 101,000 = 0.14851485148... BTC: 7,425.74 units, up. It closes A's 10,000 and opens 5,000 short.
  deal("BTC-PERPETUAL", "sell", 15_000, 101_000, "b", "BTC", 0, 7_426),
];

/** On the second day A buys the 5,000 back: 5,000 / 96,000 = 0.05208333... BTC: 2,604.17 units, up. */
const lastDeal = deal("BTC-PERPETUAL", "buy", 5_000, 96_000, "b", "BTC", 0, 2_605);

function deal(
  name: string,
  sideOfA: "buy" | "sell",
  amount: number,
  price: number,
  taker: "a" | "b",
  currency: Currency,
  feeOfA: number,
  feeOfB: number,
): Deal {
  return { name, sideOfA, amount, price, taker, currency, feeOfA, feeOfB };
}

/** The maker's order rests, the taker's takes it whole; a second each. */
async function trade({ name, sideOfA, amount, price, taker }: Deal): Promise<void> {
  const sideOfB = sideOfA === "buy" ? "sell" : "buy";
  const [maker, makerSide, other, otherSide] = taker === "a" ? [b, sideOfB, a, sideOfA] : [a, sideOfA, b, sideOfB];
  clockMs += 1_000;
  const rested = await maker.createOrder(symbolOf(name), "limit", makerSide, amount, price, { postOnly: true });
  expect([name, rested.status]).toEqual([name, "open"]);
  clockMs += 1_000;
  const taken = await other.createOrder(symbolOf(name), "limit", otherSide, amount, price);
  expect([name, taken.status, taken.filled, taken.average]).toEqual([name, "closed", amount, price]);
}

/** The block at this time carries these prices. */
function pricesAt(sinceStartMs: number, btcPrice: number, ethPrice: number): void {
  clockMs = startMs + sinceStartMs - 1_000;
  upstream.tick();
  clockMs += 1_000;
  upstream.setPrices([btcPrice, ethPrice], 0.5);
}

async function summaryOf(client: CcxtClient, currency: Currency): Promise<Record<string, number>> {
  const { result } = await client.privateGetGetAccountSummary({ currency });
  return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, Number(value)]));
}

/** Balances in BTC, ETH and USDC, after the identities of each summary, and ccxt's reading of it, were looked at. */
async function balancesOf(client: CcxtClient): Promise<readonly number[]> {
  const unified = await client.fetchBalance();
  const balances: number[] = [];
  for (const currency of currencies) {
    const summary = await summaryOf(client, currency);
    const money = (field: string): number => units(summary[field], currency);
    expect(money("margin_balance")).toBe(
      money("balance") + money("futures_session_upl") + money("futures_session_rpl"),
    );
    expect(money("equity")).toBe(money("margin_balance") + money("options_value"));
    expect(money("available_funds")).toBe(money("margin_balance") - money("initial_margin"));
    expect(units(unified[currency].total, currency)).toBe(money("equity"));
    expect(units(unified[currency].free, currency)).toBe(money("available_funds"));
    balances.push(money("balance"));
  }
  return balances;
}

/** Position, by instrument: signed size, mean entry price, mark, session profit unrealised and realised, in units. */
async function positionsOf(client: CcxtClient): Promise<Record<string, readonly number[]>> {
  const positions = await client.fetchPositions();
  return Object.fromEntries(
    positions.map(({ info, entryPrice, unrealizedPnl, realizedPnl, contracts, side, markPrice }: any) => {
      const name = String(info.instrument_name).replace(first, "FIRST").replace(second, "SECOND");
      const currency: Currency = name.includes("USDC") ? "USDC" : name.startsWith("ETH") ? "ETH" : "BTC";
      const size = currency === "USDC" ? Number(info.size_currency) : (side === "short" ? -1 : 1) * Math.abs(contracts);
      return [name, [size, entryPrice, markPrice, units(unrealizedPnl, currency), units(realizedPnl, currency)]];
    }),
  );
}

/** What the history says of settlements of a type: instrument to position, profit, session profit and funding, in units. */
async function settledOf(client: CcxtClient, currency: Currency, type: string, sinceMs: number) {
  const { result } = await client.privateGetGetSettlementHistoryByCurrency({
    currency,
    type,
    search_start_timestamp: sinceMs,
  });
  return Object.fromEntries(
    result.settlements.map((one: any) => [
      String(one.instrument_name).replace(first, "FIRST").replace(second, "SECOND"),
      [
        Number(one.position),
        units(one.profit_loss, currency),
        units(one.session_profit_loss, currency),
        units(one.funding, currency),
      ],
    ]),
  );
}

/** The account's log of a currency, oldest first; its sums are its balances. */
async function logOf(client: CcxtClient, currency: Currency): Promise<readonly string[]> {
  const { result } = await client.privateGetGetTransactionLog({ currency, start_timestamp: 0, count: 1_000 });
  expect(result.continuation).toBe(null);
  const logs = result.logs.toReversed();
  let balance = 0;
  for (const entry of logs) {
    balance += units(entry.change, currency);
    expect(units(entry.balance, currency)).toBe(balance);
    expect(units(entry.change, currency)).toBe(units(entry.cashflow, currency) - units(entry.commission, currency));
  }
  expect(balance).toBe(units((await summaryOf(client, currency))["balance"], currency));
  return logs.map(({ type, instrument_name: name, change }: any) =>
    `${type} ${name ?? ""} ${units(change, currency)}`.replace(first, "FIRST").replace(second, "SECOND"),
  );
}

/** Fees of a side by currency, as its own list of trades shows them. */
async function feesOf(client: CcxtClient): Promise<readonly number[]> {
  const sums: number[] = [];
  for (const currency of currencies) {
    const { result } = await client.privateGetGetUserTradesByCurrency({ currency, count: 1_000 });
    sums.push(result.trades.reduce((sum: number, one: any) => sum + units(one.fee, currency), 0));
  }
  return sums;
}

const deposited = [10_000_000_000, 100_000_000_000, 1_000_000_000_000] as const;

// Premiums of calls and puts: 600,000, 160,000, 10,000, 450,000.
const btcOfA = deposited[0] - 5_000 - 9_991 - (600_000 + 15_000) + (160_000 - 12_000) - (10_000 + 1_250) - 459_000;
const btcOfB = deposited[0] + (600_000 - 15_000) - (160_000 + 12_000) + (10_000 - 1_250) + 441_000 - 7_426;
const ethOfA = deposited[1] - 50_000;
const usdcOfB = deposited[2] - 25_002_500 - 10_020_000;

/*
 * The hour of funding: B quotes the dollar perpetual at 100,100 and 100,300 for thirty seconds. The mid is 200 above the
 * index, of which 30/(30 + 30) is smoothed in: mark 100,100, premium 0.1 %, rate 0.075 %.
 *   60 s at that:    0.00075 · 100.10 dollars a lot · 60/28,800 = 156.40625 units a lot
 *   then the premium falls by 60/(30 + 60): 33.33, mark 100,033.30 (down to a tenth of a tick), rate 0.0083 %
 *   3,600 s at that: 0.000083 · 100.0333 · 3,600/28,800 = 1,037.8454875 units a lot; after it the rate is zero
 * Together 1,194.2517375 a lot: A, short 500 lots, gets 597,125.86875, down; B pays the same, up.
 */
const fundingOfA = 597_125;
const fundingOfB = -597_126;

/*
 * The first day. The index is 103,000 for twenty minutes before eight and 104,500 for ten: delivery at 103,500. At eight it is
 * 105,000 (ETH 4,200): settlement at that.
 *   A's future    20,000/103,500 = 19,323,671.497...: −19,323,672 + 19,980,020 (entry: 20,000/100,100, down); B +1 and −
 *   call 100,000  0.5 · 3,500/103,500 = 1,690,821.256...; the put and the call of 110,000 expire worthless
 *   perpetual     A's sale of 15,000 is worth 14,851,486 (B's −14,851,485.1... is rounded down), of which 9,900,990 (B's
 *                 −9,900,991) close 10,000,000, so that 99,010 (B: −99,009) is realised and 4,950,496 (−4,950,495) is open.
 *                 A is short 5,000/105,000 = 4,761,904.7..., down; B is long −4,761,905
 *   linear        future 20,700 − 20,040; perpetual 52,500 − 50,005
 *   ETH           4,000/4,200 = 95,238,095.2... against 99,998,750.01... at entry, both of A down and of B up
 */
const future = { a: -19_323_672 + 19_980_020, b: 19_323_671 - 19_980_020 };
const call = { a: 1_690_821, b: -1_690_822 };
const perpetual = { a: 4_761_904 - 4_950_496 + 99_010, b: -4_761_905 + 4_950_495 - 99_009 };
const ether = { a: 95_238_095 - 99_998_751, b: -95_238_096 + 99_998_751 };
const dayOne = {
  a: [future.a + call.a + perpetual.a, ether.a, -660_000_000 - 2_495_000_000 + fundingOfA],
  b: [future.b + call.b + perpetual.b, ether.b, 660_000_000 + 2_495_000_000 + fundingOfB],
};

const plus = (left: readonly number[], right: readonly number[]): readonly number[] =>
  left.map((value, index) => value + right[index]!);
const traded = { a: [btcOfA, ethOfA, deposited[2]], b: [btcOfB, deposited[1], usdcOfB] };
const afterDayOne = { a: plus(traded.a, dayOne.a), b: plus(traded.b, dayOne.b) };

/*
 * The second day ends at 96,000 and 4,000.
 *   perpetual  bought back at 5,000/96,000 = 5,208,333.3..., up: A 5,208,334 − 4,761,904, B −5,208,334 + 4,761,905, fee 2,605
 *   put        0.3 · 4,000/96,000 = 0.0125
 *   linear     52,500 − 48,000
 *   ETH        4,000/4,000 = 1: the unit that rounding withheld comes back
 */
const dayTwo = {
  a: [446_430 + 1_250_000, 100_000_000 - 95_238_095, 4_500_000_000],
  b: [-446_429 - 1_250_000 - 2_605, -100_000_000 + 95_238_096, -4_500_000_000],
};
const afterDayTwo = { a: plus(afterDayOne.a, dayTwo.a), b: plus(afterDayOne.b, dayTwo.b) };

/** What rounding left to the insurance fund: a unit each of the future and the call; a unit of the funding. */
const dust = [2, 0, 1];
const feesOfA = [5_000 + 9_991 + 15_000 + 12_000 + 1_250 + 9_000, 50_000, 0];
const feesOfB = [15_000 + 12_000 + 1_250 + 9_000 + 7_426, 0, 25_002_500 + 10_020_000];

describe("two ccxt users trade everything through two settlements and two expiries", () => {
  test("every trade has its side, price, role and fee in both users' lists, and premiums and fees are paid at once", async () => {
    for (const one of deals) await trade(one);
    for (const [client, isA] of [
      [a, true],
      [b, false],
    ] as const) {
      for (const name of new Set(deals.map((one) => one.name))) {
        const expected = deals
          .filter((one) => one.name === name)
          .map(({ sideOfA, amount, price, taker, currency, feeOfA, feeOfB }) => [
            isA ? sideOfA : sideOfA === "buy" ? "sell" : "buy",
            amount,
            price,
            (taker === "a") === isA ? "taker" : "maker",
            isA ? feeOfA : feeOfB,
            currency,
          ]);
        const shown = (await client.fetchMyTrades(symbolOf(name)))
          .toSorted((left: any, right: any) => left.timestamp - right.timestamp)
          .map(({ side, amount, price, takerOrMaker, fee }: any) => {
            return [side, amount, price, takerOrMaker, units(fee.cost, fee.currency), fee.currency];
          });
        expect([name, shown]).toEqual([name, expected]);
      }
    }
    expect([await balancesOf(a), await balancesOf(b)]).toEqual([traded.a, traded.b]);
    expect([await feesOf(a), await feesOf(b)]).toEqual([feesOfA, feesOfB]);
  });

  test("funding of an hour in which the perpetual stands above its index is in positions, not in balances", async () => {
    const symbol = symbolOf("BTC_USDC-PERPETUAL");
    clockMs += 1_000;
    upstream.paused = true;
    const placed = Promise.all([
      b.createOrder(symbol, "limit", "buy", 0.001, 100_100),
      b.createOrder(symbol, "limit", "sell", 0.001, 100_300),
    ]);
    while (upstream.pendingCount() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    upstream.tick();
    upstream.paused = false;
    await placed;
    clockMs += 30_000;
    await b.cancelAllOrders(symbol);
    expect(await a.fetchTicker(symbol)).toMatchObject({ markPrice: 100_100, indexPrice: 100_000 });
    for (const durationMs of [60_000, hourMs]) {
      clockMs += durationMs;
      upstream.tick();
    }
    // 0.00075 · 60/28,800 and 0.000083 · 3,600/28,800 of a coin's price
    const { result } = await a.publicGetGetFundingRateValue({
      instrument_name: "BTC_USDC-PERPETUAL",
      start_timestamp: startMs,
      end_timestamp: clockMs,
    });
    expect(Number(result)).toBeCloseTo(0.00075 / 480 + 0.000083 / 8, 12);
    const ticker = await a.fetchTicker(symbol);
    expect(Number(ticker.info.funding_8h)).toBeCloseTo(0.00075 / 480 + 0.000083 / 8, 11);
    expect(Number(ticker.info.current_funding)).toBe(0);
    const funding = async (client: CcxtClient): Promise<number> =>
      units((await client.fetchPosition(symbol)).info.realized_funding, "USDC");
    expect([await funding(a), await funding(b)]).toEqual([fundingOfA, fundingOfB]);
    // What a long of one coin, a thousand lots, has paid: half of it for half a coin.
    const interest = (await a.fetchPosition(symbol)).info.interest_value;
    expect(Number(interest)).toBeCloseTo(1.1942517375, 9);
    expect((await a.fetchTicker(symbol)).info.interest_value).toBe(interest);
    expect([await balancesOf(a), await balancesOf(b)]).toEqual([traded.a, traded.b]);
  });

  test("ten minutes before the expiry positions stand at the average so far", async () => {
    pricesAt(dayMs - 1_800_000, 103_000, 4_100);
    pricesAt(dayMs - 600_000, 104_500, 4_150);
    // Perpetuals at 104,500 and 4,150: 5,000/104,500 = 4,784,688.99..., 4,000/4,150 = 96,385,542.1...
    // Futures at (20 · 103,000 + 10 · 104,500)/30 = 103,500.
    const [shownToA, shownToB] = [await positionsOf(a), await positionsOf(b)];
    expect(Number((await a.fetchTicker(symbolOf("BTC_USDC-PERPETUAL"))).info.funding_8h)).toBe(0);
    expect(shownToA).toMatchObject({
      "BTC-PERPETUAL": [-5_000, 101_000, 104_500, 4_784_688 - 4_950_496, 99_010],
      "BTC-FIRST": [20_000, 100_100, 103_500, future.a, 0],
      "BTC_USDC-PERPETUAL": [-0.5, 100_010, 104_500, 50_005_000_000 - 52_250_000_000, fundingOfA],
      "BTC_USDC-FIRST": [-0.2, 100_200, 103_500, -660_000_000, 0],
      "ETH-PERPETUAL": [-4_000, 4_000.05, 4_150, 96_385_542 - 99_998_751, 0],
    });
    expect(shownToB).toMatchObject({
      "BTC-PERPETUAL": [5_000, 101_000, 104_500, -4_784_689 + 4_950_495, -99_009],
      "BTC-FIRST": [-20_000, 100_100, 103_500, future.b, 0],
      "BTC_USDC-PERPETUAL": [0.5, 100_010, 104_500, 2_245_000_000, fundingOfB],
      "BTC_USDC-FIRST": [0.2, 100_200, 103_500, 660_000_000, 0],
      "ETH-PERPETUAL": [4_000, 4_000.05, 4_150, -96_385_543 + 99_998_751, 0],
    });
    const options = ["BTC-FIRST-100000-C", "BTC-FIRST-98000-P", "BTC-FIRST-110000-C", "BTC-SECOND-100000-P"];
    expect(options.map((name) => shownToA[name]!.slice(0, 2))).toEqual([
      [0.5, 0.012],
      [-0.4, 0.004],
      [1, 0.0001],
      [0.3, 0.015],
    ]);
    // The value of options is their size at their marks, and what they gained on the premium is their session's.
    const marks = options.map((name) => [shownToA[name]![0]!, shownToA[name]![2]!] as const);
    const summary = await summaryOf(a, "BTC");
    const value = marks.reduce((sum, [size, mark]) => sum + Math.floor(Math.round(size * 10 * mark * 1e8) / 10), 0);
    expect(units(summary["options_value"], "BTC")).toBe(value);
    expect(units(summary["options_session_upl"], "BTC")).toBe(value - 600_000 + 160_000 - 10_000 - 450_000);
    expect(units(summary["futures_session_upl"], "BTC")).toBe(4_784_688 - 4_950_496 + future.a);
    expect(units(summary["futures_session_rpl"], "BTC")).toBe(99_010);
    expect([await balancesOf(a), await balancesOf(b)]).toEqual([traded.a, traded.b]);
  });

  test("the first settlement and expiry: balances, settlement history and what is listed", async () => {
    pricesAt(dayMs, 105_000, 4_200);
    expect([await balancesOf(a), await balancesOf(b)]).toEqual([afterDayOne.a, afterDayOne.b]);
    expect(await settledOf(a, "BTC", "delivery", startMs)).toEqual({
      "BTC-FIRST": [20_000, future.a, future.a, 0],
      "BTC-FIRST-100000-C": [0.5, call.a, call.a - 600_000, 0],
      "BTC-FIRST-98000-P": [-0.4, 0, 160_000, 0],
      "BTC-FIRST-110000-C": [1, 0, -10_000, 0],
    });
    expect(await settledOf(b, "BTC", "delivery", startMs)).toEqual({
      "BTC-FIRST": [-20_000, future.b, future.b, 0],
      "BTC-FIRST-100000-C": [-0.5, call.b, call.b + 600_000, 0],
      "BTC-FIRST-98000-P": [0.4, 0, -160_000, 0],
      "BTC-FIRST-110000-C": [-1, 0, 10_000, 0],
    });
    expect(await settledOf(a, "BTC", "settlement", startMs)).toEqual({
      "BTC-PERPETUAL": [-5_000, perpetual.a, perpetual.a, 0],
    });
    expect(await settledOf(b, "BTC", "settlement", startMs)).toEqual({
      "BTC-PERPETUAL": [5_000, perpetual.b, perpetual.b, 0],
    });
    expect(await settledOf(a, "USDC", "settlement", startMs)).toEqual({
      "BTC_USDC-PERPETUAL": [-0.5, -2_495_000_000 + fundingOfA, -2_495_000_000, fundingOfA],
    });
    expect(await settledOf(b, "USDC", "settlement", startMs)).toEqual({
      "BTC_USDC-PERPETUAL": [0.5, 2_495_000_000 + fundingOfB, 2_495_000_000, fundingOfB],
    });
    expect(await settledOf(b, "USDC", "delivery", startMs)).toEqual({
      "BTC_USDC-FIRST": [0.2, 660_000_000, 660_000_000, 0],
    });
    expect(await settledOf(b, "ETH", "settlement", startMs)).toEqual({
      "ETH-PERPETUAL": [4_000, ether.b, ether.b, 0],
    });
    const { result } = await a.publicGetGetDeliveryPrices({ index_name: "btc_usd" });
    expect(Number(result.data[0].delivery_price)).toBe(103_500);
    expect(Object.keys(await positionsOf(a)).toSorted()).toEqual([
      "BTC-PERPETUAL",
      "BTC-SECOND-100000-P",
      "BTC_USDC-PERPETUAL",
      "ETH-PERPETUAL",
    ]);
    // The mean entry price outlives the settlement; session profit begins again.
    expect((await positionsOf(a))["BTC_USDC-PERPETUAL"]).toEqual([-0.5, 100_010, 105_000, 0, 0]);
  });

  test("the second day closes the perpetual and exercises the put", async () => {
    pricesAt(dayMs + hourMs, 96_000, 4_000);
    await trade(lastDeal);
    pricesAt(2 * dayMs, 96_000, 4_000);
    expect([await balancesOf(a), await balancesOf(b)]).toEqual([afterDayTwo.a, afterDayTwo.b]);
    const delivered = await settledOf(a, "BTC", "delivery", startMs + 2 * dayMs);
    expect(delivered["BTC-SECOND-100000-P"]!.slice(0, 2)).toEqual([0.3, 1_250_000]);
    // Nothing is open, but the session was: it is settled like any other.
    expect(await settledOf(a, "BTC", "settlement", startMs + 2 * dayMs)).toEqual({
      "BTC-PERPETUAL": [0, 446_430, 446_430, 0],
    });
  });

  test("every change of a balance is in the log, which sums to the balance", async () => {
    expect((await logOf(a, "BTC")).toSorted()).toEqual(
      [
        "deposit  10000000000",
        "trade BTC-PERPETUAL -5000",
        "trade BTC-FIRST -9991",
        "trade BTC-FIRST-100000-C -600000",
        "trade BTC-FIRST-100000-C -15000",
        "trade BTC-FIRST-98000-P 160000",
        "trade BTC-FIRST-98000-P -12000",
        "trade BTC-FIRST-110000-C -10000",
        "trade BTC-FIRST-110000-C -1250",
        "trade BTC-SECOND-100000-P -450000",
        "trade BTC-SECOND-100000-P -9000",
        `delivery BTC-FIRST ${future.a}`,
        `delivery BTC-FIRST-100000-C ${call.a}`,
        `settlement BTC-PERPETUAL ${perpetual.a}`,
        "settlement BTC-PERPETUAL 446430",
        "delivery BTC-SECOND-100000-P 1250000",
      ].toSorted(),
    );
    expect(await logOf(b, "USDC")).toEqual([
      "deposit  1000000000000",
      "trade BTC_USDC-PERPETUAL -25002500",
      "trade BTC_USDC-FIRST -10020000",
      "delivery BTC_USDC-FIRST 660000000",
      `settlement BTC_USDC-PERPETUAL ${2_495_000_000 + fundingOfB}`,
      "settlement BTC_USDC-PERPETUAL -4500000000",
    ]);
    const sidesOf = async (client: CcxtClient): Promise<readonly string[]> => {
      const { result } = await client.privateGetGetTransactionLog({
        currency: "BTC",
        start_timestamp: 0,
        count: 1_000,
      });
      const logs: any[] = result.logs.toReversed();
      return logs.flatMap((one) => (one.type === "trade" && one.instrument_name === "BTC-PERPETUAL" ? [one.side] : []));
    };
    expect([await sidesOf(a), await sidesOf(b)]).toEqual([["open buy"], ["close buy", "close sell"]]);
    for (const [client, currency] of [
      [a, "ETH"],
      [a, "USDC"],
      [b, "BTC"],
      [b, "ETH"],
    ] as const)
      await logOf(client, currency);
  });

  test("both balances, the fees and the dust are what was deposited", async () => {
    const [ofA, ofB] = [await balancesOf(a), await balancesOf(b)];
    const fees = plus(await feesOf(a), await feesOf(b));
    expect(fees).toEqual(plus(plus(feesOfA, feesOfB), [2_605, 0, 0]));
    for (const [asset, amount] of deposited.entries())
      expect(ofA[asset]! + ofB[asset]! + fees[asset]! + dust[asset]!).toBe(2 * amount);
  });
});
