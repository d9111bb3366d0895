/**
 * Liquidation, step by step, against hand-computed numbers. One lot is one coin, a tick a dollar; initial margin 10 %,
 * maintenance 5 %; a step closes half, at most once a second, for a fee of 0.5 %. Books stand on one side only, so that the
 * mark is the index.
 */
import { describe, expect, test } from "vitest";
import { money, ticks } from "@stoa/base/units";
import { balanceOf } from "@stoa/exchange/ledger/post";
import { systemAccounts } from "@stoa/exchange/ledger/state";
import { evaluate } from "@stoa/exchange/risk/evaluation";
import { applyFill, createRisk, exposureOf } from "@stoa/exchange/risk/exposure";
import { decideLiquidation, reductionLimitTicks, scheduleLiquidation } from "@stoa/exchange/risk/liquidation";
import { fillValue } from "@stoa/exchange/terms";
import { e8, makeTerms, productOf, quote, Quotes } from "./terms-fixture.ts";
import { check, ownerOf, place, startMs, World } from "./world.ts";

const usdc = 2;
const { insurance, deficit, clearing } = systemAccounts;

interface Funds {
  readonly a: number;
  readonly fund: number;
}

/** A holds `a` dollars and is long 90 coins from 100; B, with a million, is short; C has a million. */
function longNinety({ a, fund }: Funds): World {
  const balances = [
    ["A", a],
    ["B", 1_000_000],
    ["C", 1_000_000],
  ] as const;
  const world = new World({
    genesis: {
      balances: balances.map(([name, dollars]) => ({
        account: ownerOf(name),
        subaccount: 0,
        asset: usdc,
        amount: money(BigInt(dollars) * 1_000_000n),
      })),
      insurance: [{ asset: usdc, amount: money(BigInt(fund) * 1_000_000n) }],
    },
  });
  check(
    `
    B sells 90 @ 100 | open B1 90 @ 100
    A buys 90 @ 100  | trade 90 @ 100 B1, filled B1 90, filled A1 90
    `,
    { world },
  );
  return world;
}

const accountNamed = (world: World, name: string): number =>
  [...world.state.accounts.keys()].find((account) => world.accountName(account) === name)!;

/** Balance in dollars. */
function balance(world: World, account: number | string): number {
  const number = typeof account === "string" ? accountNamed(world, account) : account;
  return Number(balanceOf(world.state.ledger, number, usdc)) / 1e6;
}

function marginBalance(world: World, name: string): number {
  const account = accountNamed(world, name);
  const { ledger, risk, market } = world.state;
  const one = evaluate(risk, market, { account, asset: usdc, balance: balanceOf(ledger, account, usdc) });
  return Number(one.marginBalance) / 1e6;
}

const position = (world: World, account: number | string): number => {
  const number = typeof account === "string" ? accountNamed(world, account) : account;
  return exposureOf(world.state.risk, number, world.instrument())?.sizeLots ?? 0;
};

/** A block a second later in which the index is at `price`; what liquidation did, in words. */
function indexAt(world: World, price: number, afterMs = 1_000): string[] {
  const { events } = world.block([world.pricesCommand(price, 10, undefined, afterMs)], afterMs);
  return events.flatMap((event) => {
    if (event.kind === "liquidation") {
      const { account, step, sizeLots, amount } = event;
      return [`${world.accountName(account)} ${step} ${sizeLots} ${Number(amount) / 1e6}`];
    }
    if (event.kind === "trade") return [`trade ${event.sizeLots} @ ${event.priceTicks}`];
    if (event.kind === "order" && event.order.state === "cancelled") return [`cancelled ${event.order.cancelReason}`];
    return [];
  });
}

/** The next daily settlement, with the index at `price`; what liquidation did, in words. */
function settleAt(world: World, price: number): string[] {
  const beforeMs = startMs + 86_400_000 - 5_000;
  world.block([], beforeMs - world.state.timeMs);
  return indexAt(world, price, 10_000);
}

describe("the ladder", () => {
  test("orders go first, then a step into the book at a bounded price, then it may be over (MARGIN-040, MARGIN-041, MARGIN-042, MARGIN-043, MARGIN-046)", () => {
    const world = longNinety({ a: 1_000, fund: 1_000 });
    check(
      `
      A buys 1 @ 50   | open A2 1 @ 50
      C buys 20 @ 92  | open C1 20 @ 92
      C buys 30 @ 88  | open C2 30 @ 88
      `,
      { world },
    );
    // 94: 1,000 − 90 · 6 = 460 against 5 % of 8,460 = 423
    expect(indexAt(world, 94)).toEqual([]);
    // 93: 370 against 418.50. Half of 90 is 45, limit 93 · 0.95 = 88.35, up to 89: 20 at 92 fill, those at 88 do not.
    // Fee 0.5 % of 1,840 = 9.20.
    expect(indexAt(world, 93)).toEqual([
      "A started 0 0",
      "cancelled liquidation",
      "A orders-cancelled 1 0",
      "trade 20 @ 92",
      "cancelled immediate-or-cancel",
      "A reduced -20 9.2",
    ]);
    expect([position(world, "A"), balance(world, "A"), balance(world, insurance)]).toEqual([70, 990.8, 1_009.2]);
    // 1,000 − 20 · 8 − 70 · 7 − 9.20 = 340.80 against 5 % of 6,510 = 325.50
    expect(marginBalance(world, "A")).toBe(340.8);
    check("A sells 1 @ 120 | refused account-in-liquidation", { world });
    expect(indexAt(world, 93)).toEqual([]);
    check("A sells 1 @ 120 | open A4 1 @ 120", { world });
  });

  test("steps keep their interval, and what the book does not take goes to the fund at its mark (MARGIN-041, MARGIN-044, MARGIN-048)", () => {
    const world = longNinety({ a: 1_000, fund: 1_000 });
    check("C buys 30 @ 88 | open C1 30 @ 88", { world });
    // 92: 1,000 − 720 = 280 against 414. Half: 45, limit 87.4, up to 88: 30 fill; fee 13.20.
    expect(indexAt(world, 92)).toEqual([
      "A started 0 0",
      "A orders-cancelled 0 0",
      "trade 30 @ 88",
      "cancelled immediate-or-cancel",
      "A reduced -30 13.2",
    ]);
    // 60 left: 1,000 − 360 − 480 − 13.20 = 146.80 against 276, of which the half is 138: another step, but not yet
    expect(marginBalance(world, "A")).toBe(146.8);
    expect(indexAt(world, 92, 500)).toEqual([]);
    check("C buys 10 @ 88 | open C2 10 @ 88, trade 10 @ 88 C2, filled C2 10, cancelled A3 20 immediate-or-cancel", {
      world,
    });
    // 50 left: 1,000 − 40 · 12 − 50 · 8 − 13.20 − 4.40 = 102.40 is below half of 230. The fund takes 50 at 92 = 4,600 for a
    // fee of 23.
    expect(indexAt(world, 92)).toEqual(["A taken-over 50 4600", "A ended 0 0"]);
    expect([position(world, "A"), position(world, insurance), position(world, "B")]).toEqual([0, 50, -90]);
    expect(marginBalance(world, "A")).toBe(79.4);
    expect(balance(world, insurance)).toBe(1_000 + 13.2 + 4.4 + 23);
    // The fund sells half of what it has into the next bid, without a fee, and goes on a second later.
    check("C buys 100 @ 91 | open C3 100 @ 91, trade 25 @ 91 C3, open C3 75 @ 91, filled system21 25", { world });
    expect(indexAt(world, 92)).toEqual(["trade 13 @ 91", "system2 reduced -13 0"]);
    // What it loses on that is session profit like anyone's: (91 − 92) · 38, realised.
    const held = exposureOf(world.state.risk, insurance, world.instrument())!;
    expect([held.sizeLots, held.sessionRealized, position(world, "C")]).toEqual([12, -38_000_000n, 78]);
  });
});

test("the fee of a step is at most what the fill leaves (MARGIN-042, MARGIN-043)", () => {
  const world = longNinety({ a: 1_000, fund: 1_000 });
  check("C buys 45 @ 87 | open C1 45 @ 87", { world });
  // 91.20: 1,000 − 792 = 208, a little above half of 410.40. 45 go at 87, the worst price allowed: 189 more is lost, 19 is left.
  // Half a percent of 3,915 would be 19.575.
  expect(indexAt(world, 91.2).slice(2)).toEqual(["trade 45 @ 87", "A reduced -45 19"]);
  expect([marginBalance(world, "A"), balance(world, insurance)]).toEqual([0, 1_019]);
});

describe("bankruptcy", () => {
  test("the fee of a take-over is at most what is left (MARGIN-043, MARGIN-044)", () => {
    const world = longNinety({ a: 1_000, fund: 1_000 });
    // 89: 1,000 − 990 = 10; half a percent of 8,010 would be 40.05.
    expect(indexAt(world, 89)).toContain("A taken-over 90 8010");
    expect([marginBalance(world, "A"), balance(world, insurance)]).toEqual([0, 1_010]);
  });

  test("the fund pays what the account lacks, and the account ends at zero (MARGIN-045)", () => {
    const world = longNinety({ a: 1_000, fund: 1_000 });
    // 85: 1,000 − 1,350 = −350
    expect(indexAt(world, 85)).toEqual([
      "A started 0 0",
      "A orders-cancelled 0 0",
      "A taken-over 90 7650",
      "A ended 0 0",
    ]);
    expect([marginBalance(world, "A"), balance(world, "A"), balance(world, insurance)]).toEqual([0, 1_350, 650]);
    // The position taken is said with what its session came to; that is paid at the settlement, so no payment is said.
    const taken = world.last.events.filter((event) => event.kind === "settled");
    expect(taken).toMatchObject([
      {
        type: "bankruptcy",
        sizeLots: 90,
        markPrice: 85e8,
        indexPrice: 85e8,
        profit: 0n,
        sessionProfit: -1_350_000_000n,
      },
    ]);
    expect(world.accountName(taken[0]!.account)).toBe("A");
    expect([balance(world, deficit), position(world, insurance)]).toEqual([0, 90]);
  });

  test("what the fund cannot pay is taken from the winners of the next settlement (MARGIN-045, SETTLE-050, SETTLE-051)", () => {
    const world = longNinety({ a: 1_000, fund: 100 });
    // C sells 10 to B at 86 and wins a little as well: B closes 10 of its 90.
    expect(indexAt(world, 85)).toContain("A socialized 0 -250");
    expect([balance(world, deficit), balance(world, insurance), marginBalance(world, "A")]).toEqual([-250, 0, 0]);
    check(
      `
      C sells 10 @ 86 | open C1 10 @ 86
      B buys 10 @ 86  | trade 10 @ 86 C1, filled C1 10, filled B2 10
      `,
      { world },
    );
    // Settlement at 85. A −1,350; B (100 − 85) · 80 + 14 · 10 = 1,340; C 10; the fund, long from 85: 0.
    const steps = settleAt(world, 85);
    // 250 · 1,340/1,350 = 248.148148..., up; C gives the rest, 1.851851
    expect(steps.filter((step) => step.includes("socialized"))).toEqual([
      "B socialized 0 248.148149",
      "C socialized 0 1.851851",
    ]);
    expect(balance(world, "A")).toBe(0);
    expect(balance(world, "B")).toBe(1_001_340 - 248.148149);
    expect(balance(world, "C")).toBe(1_000_010 - 1.851851);
    expect([balance(world, insurance), balance(world, deficit), balance(world, clearing)]).toEqual([0, 0, 0]);
  });

  test("a fund that loses on what it took over is covered like anyone, by the winners (SETTLE-052, MARGIN-048)", () => {
    const world = longNinety({ a: 1_000, fund: 1_000 });
    indexAt(world, 85);
    // 90 coins from 85 to 70: −1,350 against 650: 700 short. Nobody but B won: (100 − 70) · 90 = 2,700.
    const steps = settleAt(world, 70);
    expect(steps).toContain("B socialized 0 700");
    expect([balance(world, insurance), balance(world, deficit), balance(world, "B")]).toEqual([0, 0, 1_002_000]);
  });
});

test("a fund that holds options worth more than it owes has no deficit, and winners keep what they won (SETTLE-050, SETTLE-052)", () => {
  // A is short calls at 100,000 and long as many at 110,000; then bitcoin rises tenfold, and the fund takes the spread over.
  const btc = 0;
  const coins = (amount: number) => money(BigInt(Math.round(amount * 1e8)));
  const option = {
    ...productOf("BTC", "option"),
    bandPpm: 990_000,
    strikeSpacing: e8(2_000),
    expiryDays: [14],
    tickSteps: [],
  };
  const perpetual = { ...productOf("BTC", "perpetual"), bandPpm: 900_000 };
  const world = new World({
    products: [option, perpetual],
    indexPrices: [100_000, 10],
    genesis: {
      balances: (
        [
          ["A", 1.9],
          ["B", 1_000],
          ["C", 1_000],
        ] as const
      ).map(([name, amount]) => ({
        account: ownerOf(name),
        subaccount: 0,
        asset: btc,
        amount: coins(amount),
      })),
      insurance: [{ asset: btc, amount: coins(0.01) }],
      prices: { ageMsMax: 864_000_000, staleMsMax: 8_640_000_000 },
      liquidation: { stepPpm: 500_000, stepIntervalMs: 1_000, feePpm: 0 },
    },
  });
  const indexAt = (price: number, afterMs = 1_000) =>
    world.block([world.pricesCommand(price, 10, 0.5, afterMs)], afterMs);
  const listings = () => [...world.state.market.listings.values()];
  const listingOf = (suffix: string) => listings().find(({ terms }) => terms.instrument.name.endsWith(suffix))!;
  const markOf = ({ terms, markPrice }: ReturnType<typeof listingOf>) => Math.round(markPrice / terms.instrument.tick);
  const trade = (buyer: string, seller: string, suffix: string, sizeLots: number) => {
    const listing = listingOf(suffix);
    const order = { instrument: listing.terms.instrument.id, sizeLots, priceTicks: ticks(markOf(listing)) };
    world.send(buyer, place({ ...order, side: "buy" }));
    world.send(seller, place({ ...order, side: "sell" }));
  };
  const cashOf = (account: number) => Number(balanceOf(world.state.ledger, account, btc)) / 1e8;
  const fundEquity = () => {
    const { risk, market, ledger } = world.state;
    const holding = { account: insurance, asset: btc, balance: balanceOf(ledger, insurance, btc) };
    return Number(evaluate(risk, market, holding).equity) / 1e8;
  };
  indexAt(100_000);
  indexAt(100_000);
  trade("B", "A", "-100000-C", 100);
  trade("A", "B", "-110000-C", 100);
  trade("C", "A", "PERPETUAL", 20_000);
  indexAt(1_000_000);
  const short = listingOf("-100000-C");
  const offer = { instrument: short.terms.instrument.id, sizeLots: 100, priceTicks: ticks(markOf(short)) };
  world.send("B", place({ ...offer, side: "sell" }));
  for (let step = 0; step < 10; step++) indexAt(1_000_000);
  // The short calls are bought back for about 9 coins; the long ones are worth as much.
  expect(cashOf(insurance)).toBeLessThan(-8);
  expect(fundEquity()).toBeCloseTo(0.01, 6);
  const before = cashOf(accountNamed(world, "C"));
  const toSettlement = 86_400_000 - ((world.state.timeMs - 28_800_000) % 86_400_000);
  world.block([], toSettlement - 1_000);
  indexAt(1_000_000);
  // 200,000 dollars bought at 100,000 and marked at 1,000,000: 2 coins less 0.2.
  expect(cashOf(accountNamed(world, "C")) - before).toBeCloseTo(1.8, 6);
  expect([cashOf(deficit), fundEquity() > 0]).toEqual([0, true]);
});

test("an account short of initial margin closes with an order that takes, as long as that frees more than it loses (MARGIN-034)", () => {
  const world = longNinety({ a: 1_000, fund: 1_000 });
  indexAt(world, 96);
  // 1,000 − 360 = 640 of margin against 90 · 9.6 = 864 initial and 432 maintenance.
  expect(marginBalance(world, "A")).toBe(640);
  check(
    `
    B buys 100 @ 95           | open B2 100 @ 95
    A buys 1 @ 90             | refused margin-insufficient
    A sells 50 @ 95           | trade 50 @ 95 B2, open B2 50 @ 95, filled A2 50
    A sells 40 market reduce  | trade 40 @ 95 B2, open B2 10 @ 95, filled A3 40
    `,
    { world },
  );
  expect(position(world, "A")).toBe(0);
});

describe("rules", () => {
  test("an owner's own orders do not hold his liquidation up, whatever his account says (MARGIN-049)", () => {
    const world = longNinety({ a: 1_100, fund: 1_000 });
    const amount = money(100_000_000n);
    world.send("A", { kind: "transfer", target: ownerOf("A"), targetSubaccount: 1, asset: usdc, amount });
    check("A configures reject-taker across | configured", { world });
    indexAt(world, 94);
    check(
      `
      A.1 buys 1 @ 93  | open A.11 1 @ 93
      C buys 500 @ 92  | open C1 500 @ 92
      `,
      { world },
    );
    const steps = indexAt(world, 93);
    expect(steps).toContain("cancelled self-match");
    expect(steps.some((step) => step.startsWith("trade 45 @ 92"))).toBe(true);
    expect(steps.filter((step) => step.includes("reduced"))).toEqual([expect.stringContaining("A reduced -45")]);
  });

  test("a locked instrument is left alone (MARGIN-047)", () => {
    const world = longNinety({ a: 1_000, fund: 1_000 });
    // Short of margin, but nobody bids: it waits, and then nobody says the price any more.
    expect(indexAt(world, 92)).toEqual(["A started 0 0", "A orders-cancelled 0 0"]);
    const { events } = world.block([], 86_400_001);
    expect(events.filter(({ kind }) => kind === "instrumentState").length).toBe(1);
    expect(world.block([], 1_000).events).toEqual([]);
    expect(position(world, "A")).toBe(90);
  });

  test("a step that met as many orders as one may goes on in the next block (MATCH-053, MARGIN-041)", () => {
    const world = longNinety({ a: 21_500, fund: 1_000 });
    world.send("B", place({ side: "sell", sizeLots: 1_910, priceTicks: ticks(100) }));
    world.send("A", place({ side: "buy", sizeLots: 1_910, priceTicks: ticks(100) }));
    indexAt(world, 94);
    const parts = Array.from({ length: 100 }, () => place({ side: "buy", sizeLots: 1, priceTicks: ticks(92) }));
    for (let count = 0; count < 12; count++) world.send("C", { kind: "batch", parts });
    // 21,500 − 14,000 = 7,500 against 9,300: half of 2,000 is to go, for 500 of 1,200 bids there is time in a block.
    const reduced = (steps: readonly string[]) => steps.filter((step) => step.includes("reduced"));
    expect(reduced(indexAt(world, 93))).toEqual(["A reduced -500 230"]);
    expect(reduced(indexAt(world, 93, 10))).toEqual(["A reduced -500 230"]);
  });

  /** A is long ten coins of the perpetual on one coin, and holds one lot of an option whose curve then goes stale. */
  function withStaleOption() {
    const btc = 0;
    const balances = [["A", 1] as const, ["B", 1_000] as const];
    const world = new World({
      products: [
        { ...productOf("BTC", "option"), expiryDays: [14], tickSteps: [], bandPpm: 400_000 },
        { ...productOf("BTC", "perpetual"), bandPpm: 900_000 },
      ],
      indexPrices: [100_000, 10],
      genesis: {
        balances: balances.map(([name, coins]) => {
          return { account: ownerOf(name), subaccount: 0, asset: btc, amount: money(BigInt(coins) * 100_000_000n) };
        }),
        insurance: [],
        prices: { ageMsMax: 10_000, staleMsMax: 30_000 },
        liquidation: { stepPpm: 500_000, stepIntervalMs: 1_000, feePpm: 0 },
      },
    });
    const idOf = (suffix: string) =>
      [...world.state.market.listings.values()].find(({ terms }) => terms.instrument.name.endsWith(suffix))!.terms
        .instrument.id;
    for (let count = 0; count < 2; count++) world.block([world.pricesCommand(100_000, 10, 0.5)]);
    const [perpetual, option] = [idOf("PERPETUAL"), idOf("-110000-C")];
    for (const [name, side] of [["B", "sell"] as const, ["A", "buy"] as const]) {
      world.send(name, place({ instrument: option, side, sizeLots: 1, priceTicks: ticks(100) }));
      world.send(name, place({ instrument: perpetual, side, sizeLots: 100_000, priceTicks: ticks(200_000) }));
    }
    world.send("B", place({ instrument: perpetual, side: "buy", sizeLots: 500_000, priceTicks: ticks(182_000) }));
    const stepsAt = (price: number, sigma?: number): string[] =>
      world
        .block([world.pricesCommand(price, 10, sigma)])
        .events.flatMap((event) => (event.kind === "liquidation" && event.account === 1 ? [event.step] : []));
    for (let count = 0; count < 40; count++) stepsAt(100_000);
    const sizes = () => [option, perpetual].map((id) => exposureOf(world.state.risk, 1, id)?.sizeLots ?? 0);
    return { world, stepsAt, sizes };
  }

  test("what is locked does not keep the rest of an account from being reduced (MARGIN-047)", () => {
    const { stepsAt, sizes } = withStaleOption();
    const steps = Array.from({ length: 20 }, () => stepsAt(91_500)).flat();
    expect(steps.slice(0, 3)).toEqual(["started", "orders-cancelled", "reduced"]);
    expect(steps.at(-1)).toBe("ended");
    expect(sizes()[0]).toBe(1);
    expect(sizes()[1]).toBeLessThan(50_000);
  });

  test("a bankrupt account's loss is covered when all that it holds can be valued (MARGIN-045, MARGIN-047)", () => {
    const { world, stepsAt, sizes } = withStaleOption();
    expect(stepsAt(88_000)).toEqual(["started", "orders-cancelled", "taken-over"]);
    expect(sizes()).toEqual([1, 0]);
    for (let count = 0; count < 5; count++) expect(stepsAt(88_000)).toEqual([]);
    expect(balanceOf(world.state.ledger, deficit, 0)).toBe(0n);
    const steps = [...stepsAt(88_000, 0.5), ...stepsAt(88_000, 0.5)];
    expect(steps).toEqual(["taken-over", "socialized", "ended"]);
    expect(sizes()).toEqual([0, 0]);
    expect(balanceOf(world.state.ledger, deficit, 0)).toBeLessThan(-30_000_000n);
  });

  test("limits give up no more than the maintenance margin of what is closed (MARGIN-042)", () => {
    const perpetual = makeTerms(productOf("BTC", "perpetual"));
    const quotation = quote(perpetual, 100_000, 100_000);
    // ±1 % of 100,000, ticks of half a dollar
    expect([reductionLimitTicks(quotation, "sell"), reductionLimitTicks(quotation, "buy")]).toEqual([198_000, 202_000]);
    const call = makeTerms(productOf("BTC", "option"), 1, { strike: 104_000, type: "call" });
    // 0.075 + 0.02 coin to buy back; half of 0.02 to sell
    const option = quote(call, 0.02, 100_000);
    expect([reductionLimitTicks(option, "sell"), reductionLimitTicks(option, "buy")]).toEqual([100, 950]);
  });

  test("the largest maintenance margin goes first; long options only when there is nothing else (MARGIN-041)", () => {
    const risk = createRisk();
    const quotes = new Quotes();
    const rules = { stepPpm: 100_000, stepIntervalMs: 1_000, feePpm: 0 };
    const future = makeTerms(productOf("BTC", "future"), 1);
    const short = makeTerms(productOf("BTC", "option"), 2, { strike: 104_000, type: "call" });
    const long = makeTerms(productOf("BTC", "option"), 3, { strike: 96_000, type: "call" });
    quotes.set(future, 100_000, 100_000);
    quotes.set(short, 0.02, 100_000);
    quotes.set(long, 0.08, 100_000);
    const hold = (terms: typeof future, side: "buy" | "sell", lots: number, ticks: number) => {
      const value = fillValue(terms, lots, ticks);
      applyFill(risk, terms, { account: 1, side, lots, value, fundingAccruedE12: 0n });
    };
    hold(long, "buy", 30, 800);
    scheduleLiquidation(risk, 1, 0, 0);
    const decide = (balance: bigint) => {
      const evaluation = evaluate(risk, quotes, { account: 1, asset: 0, balance });
      return decideLiquidation(risk, quotes, rules, {
        account: 1,
        asset: 0,
        timeMs: 5,
        isOpen: () => true,
        evaluation,
      });
    };
    // Nothing but a long option and a balance below zero: a tenth of it is sold, at half its mark or better.
    const sale = { instrument: 3, side: "sell", lots: 3, limitTicks: 400 };
    expect(decide(-1n)).toEqual({ kind: "reduce", reduction: sale });
    expect(decide(0n)).toEqual({ kind: "end" });
    // 3 coins are worth 0.24: beyond that the account is bankrupt.
    expect(decide(-24_000_000n).kind).toBe("reduce");
    expect(decide(-24_000_001n).kind).toBe("take-over");
    // 100,000 dollars of futures need 0.01 BTC, half a coin of short calls 0.0475.
    hold(future, "buy", 10_000, 40_000);
    hold(short, "sell", 5, 200);
    expect(decide(1_000_000n)).toMatchObject({ reduction: { instrument: 2, side: "buy", lots: 1, limitTicks: 950 } });
    // A million dollars need 0.105 BTC.
    hold(future, "buy", 90_000, 40_000);
    expect(decide(1_000_000n)).toMatchObject({
      reduction: { instrument: 1, side: "sell", lots: 10_000, limitTicks: 39_600 },
    });
  });
});
