import fc from "fast-check";
import { expect, test } from "vitest";
import { fundingBetween } from "@stoa/exchange/risk/exposure";
import { deliver, deliveryValue, exercisePrice } from "@stoa/exchange/settlement/delivery";
import { accrueFunding, fundingOfEightHoursE12, fundingRateE12 } from "@stoa/exchange/settlement/funding";
import { settleSession } from "@stoa/exchange/settlement/session";
import { coverFromFund, socialize } from "@stoa/exchange/settlement/socialize";
import { createFunding, type PositionSums } from "@stoa/exchange/terms";
import { e8, linearOption, makeTerms, productOf } from "./terms-fixture.ts";

const inverse = makeTerms(productOf("BTC", "perpetual"));
const linear = makeTerms(productOf("BTC_USDC", "perpetual"));

test.each([
  { premium: 0.0002, rate: 0 },
  { premium: 0.001, rate: 0.00075 },
  { premium: -0.0003, rate: -0.00005 },
  { premium: -0.0002, rate: 0 },
  { premium: 0.01, rate: 0.005 },
  { premium: -0.01, rate: -0.005 },
])("a premium of $premium funds at $rate per eight hours (SETTLE-020)", ({ premium, rate }) => {
  const mark = Math.round(100_000e8 * (1 + premium));
  expect(fundingRateE12(mark, 100_000e8, 5_000)).toBe(Math.round(rate * 1e12));
});

test("one minute of 0.075 % on 10,000 dollars costs 0.015625 dollars, in coins at the mark (SETTLE-021)", () => {
  const funding = createFunding(0);
  funding.rateE12 = 750_000_000;
  accrueFunding(funding, inverse, { markPrice: e8(100_000), timeMs: 60_000, durationMs: 60_000 });
  // 0.015625 / 100,000 BTC = 15.625 units for 1,000 lots: 0.015625 a lot
  expect(funding.accruedE12).toBe(15_625_000_000n);
  expect(fundingBetween(1_000, 0n, funding.accruedE12)).toBe(-16n);
  expect(fundingBetween(-1_000, 0n, funding.accruedE12)).toBe(15n);
  // 0.1 BTC linear: 10,000 dollars
  const dollars = createFunding(0);
  dollars.rateE12 = 750_000_000;
  accrueFunding(dollars, linear, { markPrice: e8(100_000), timeMs: 60_000, durationMs: 60_000 });
  expect(fundingBetween(100, 0n, dollars.accruedE12)).toBe(-15_625n);
  expect(fundingBetween(-100, 0n, dollars.accruedE12)).toBe(15_625n);
});

test("a negative rate pays longs, and the index goes back (SETTLE-021)", () => {
  const funding = createFunding(0);
  funding.rateE12 = -50_000_000;
  accrueFunding(funding, linear, { markPrice: e8(100_000), timeMs: 1, durationMs: 28_800_000 });
  // 100,000 dollars a coin, 0.001 coin a lot, −0.005 %: 0.005 dollars
  expect(fundingBetween(1, 0n, funding.accruedE12)).toBe(5_000n);
});

test("the eight-hour mean forgets what is older (SETTLE-021)", () => {
  const funding = createFunding(0);
  const hour = 3_600_000;
  for (let count = 1; count <= 16; count++) {
    funding.rateE12 = count <= 8 ? 800 : 1_600;
    accrueFunding(funding, linear, { markPrice: e8(100_000), timeMs: count * hour, durationMs: hour });
    if (count === 4) expect(fundingOfEightHoursE12(funding, 4 * hour)).toBe(400);
    if (count === 8) expect(fundingOfEightHoursE12(funding, 8 * hour)).toBe(800);
    if (count === 12) expect(fundingOfEightHoursE12(funding, 12 * hour)).toBe(1_200);
    if (count === 16) expect(fundingOfEightHoursE12(funding, 16 * hour)).toBe(1_600);
  }
  expect(funding.readings.length).toBeLessThan(12);
  // Nothing accrues at a rate of zero: the mean falls with time alone.
  expect(fundingOfEightHoursE12(funding, 20 * hour)).toBe(800);
  expect(fundingOfEightHoursE12(funding, 24 * hour)).toBe(0);
});

test("funding of a moment is in the eight-hour mean for eight hours, and one after a quiet time is alone in it (SETTLE-021)", () => {
  const funding = createFunding(0);
  const hour = 3_600_000;
  funding.rateE12 = 28_800;
  accrueFunding(funding, linear, { markPrice: e8(100_000), timeMs: 10 * hour, durationMs: 60_000 });
  expect(fundingOfEightHoursE12(funding, 10 * hour)).toBe(60);
  expect(fundingOfEightHoursE12(funding, 17.9 * hour)).toBe(60);
  expect(fundingOfEightHoursE12(funding, 18.2 * hour)).toBe(0);
  accrueFunding(funding, linear, { markPrice: e8(100_000), timeMs: 40 * hour, durationMs: 1_000 });
  expect(fundingOfEightHoursE12(funding, 40 * hour)).toBe(1);
});

const sums = (change: Partial<PositionSums>): PositionSums => ({
  account: 1,
  instrument: 1,
  sizeLots: 0,
  entryValue: 0n,
  sessionValue: 0n,
  sessionRealized: 0n,
  sessionFunding: 0n,
  totalRealized: 0n,
  ...change,
});

test("a session pays profit and funding at the mark, by hand (SETTLE-030)", () => {
  // Long 1,000 lots (10,000 dollars) from 100,000; mark 96,000: value −0.10416667 (down) against −0.1.
  const positions = [
    sums({ account: 1, sizeLots: 1_000, sessionValue: -10_000_000n, sessionRealized: 500n, sessionFunding: -16n }),
    sums({ account: 2, sizeLots: -1_000, sessionValue: 10_000_000n, sessionRealized: -500n, sessionFunding: 15n }),
  ];
  const [long, short] = settleSession(inverse, e8(96_000), positions);
  expect(long).toMatchObject({
    sessionProfit: -416_667n + 500n,
    funding: -16n,
    payment: -416_183n,
    sessionValue: -10_416_667n,
  });
  expect(short).toMatchObject({
    sessionProfit: 416_666n - 500n,
    funding: 15n,
    payment: 416_181n,
    sessionValue: 10_416_666n,
  });
});

test("options are re-marked and pay nothing (SETTLE-032)", () => {
  const terms = makeTerms(productOf("BTC", "option"), 1, { strike: 100_000, type: "call" });
  const [one] = settleSession(terms, e8(0.04), [sums({ sizeLots: 10, sessionValue: 3_000_000n })]);
  expect(one).toMatchObject({ payment: 0n, sessionProfit: 1_000_000n, sessionValue: 4_000_000n });
});

// exchange.md 2.9
test.each([
  { option: { strike: 10_000, type: "call" }, price: 12_500, coins: 0.2 },
  { option: { strike: 10_000, type: "put" }, price: 5_000, coins: 1 },
  { option: { strike: 10_000, type: "put" }, price: 12_500, coins: 0 },
  { option: { strike: 10_000, type: "call" }, price: 10_000, coins: 0 },
] as const)("inverse payoff of $option at $price is $coins of a coin (SETTLE-041)", ({ option, price, coins }) => {
  const terms = makeTerms(productOf("BTC", "option"), 1, option);
  expect(deliveryValue(terms, 10, e8(price))).toBe(BigInt(coins * 1e8));
  expect(deliveryValue(terms, -10, e8(price))).toBe(-BigInt(coins * 1e8));
  expect(exercisePrice(terms, e8(price))).toBe(coins * 1e8);
});

test("a linear payoff is in dollars: ten calls at 250, delivered at 275, pay 250 (SETTLE-041)", () => {
  const terms = linearOption({ strike: 250, type: "call" });
  expect(deliveryValue(terms, 10, e8(275))).toBe(250_000_000n);
});

test("a payoff that does not divide costs the writer the unit that the holder does not get (SETTLE-042)", () => {
  const terms = makeTerms(productOf("BTC", "option"), 1, { strike: 100_000, type: "call" });
  // 0.1 coin · 3,000/103,000 = 0.0029126213...
  const [long, short] = deliver(terms, e8(103_000), [sums({ sizeLots: 1 }), sums({ account: 2, sizeLots: -1 })]);
  expect([long!.payment, short!.payment]).toEqual([291_262n, -291_263n]);
});

test("futures are delivered at the averaged index, with what the session realised (SETTLE-041)", () => {
  const terms = makeTerms(productOf("BTC", "future"));
  const position = sums({ sizeLots: 1_000, entryValue: -9_500_000n, sessionValue: -10_000_000n, sessionRealized: 7n });
  const [one] = deliver(terms, e8(125_000), [position]);
  expect(one).toMatchObject({ payment: 2_000_007n, sessionProfit: 2_000_007n, realized: 1_500_000n });
});

test("delivery never pays out more than it takes in (SETTLE-042)", () => {
  const lots = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 20 });
  const option = { strike: 100_000, type: "call" } as const;
  const property = fc.property(
    lots,
    fc.integer({ min: 50_000, max: 200_000 }),
    fc.boolean(),
    (sizes, dollars, isFuture) => {
      const terms = isFuture ? makeTerms(productOf("BTC", "future")) : makeTerms(productOf("BTC", "option"), 1, option);
      const net = sizes.reduce((sum, size) => sum + size, 0);
      const positions = [...sizes, -net].map((sizeLots, account) => sums({ account, sizeLots }));
      const paid = deliver(terms, e8(dollars + 0.37), positions).reduce((sum, { payment }) => sum + payment, 0n);
      expect(paid <= 0n && -BigInt(positions.length) < paid).toBe(true);
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test("the fund covers what it can (SETTLE-050)", () => {
  const covered = (balance: bigint, equity: bigint) => coverFromFund(100n, { balance, equity });
  expect([covered(250n, 250n), covered(40n, 40n), covered(0n, 0n), covered(-5n, -5n)]).toEqual([100n, 40n, 0n, 0n]);
  // Neither more cash than there is, nor cash that is owed on what it holds.
  expect([covered(40n, 250n), covered(250n, 40n), covered(250n, -1n), covered(-5n, 250n)]).toEqual([40n, 40n, 0n, 0n]);
});

test("losses are shared among winners in proportion to what they won, by hand (SETTLE-050, SETTLE-051)", () => {
  const results = [
    { account: 1, amount: 300n },
    { account: 2, amount: -500n },
    { account: 3, amount: 100n },
    { account: 7, amount: 100n },
  ];
  // 101 over 300 : 100 : 100 of 500: 60.6, 20.2, 20.2; up: 61, 21, and what is left: 19
  expect(socialize(101n, results)).toEqual([
    { account: 1, amount: 61n },
    { account: 3, amount: 21n },
    { account: 7, amount: 19n },
  ]);
  // More than was won: everything that was won, no more (SETTLE-052)
  expect(socialize(900n, results).map(({ amount }) => amount)).toEqual([300n, 100n, 100n]);
  expect(socialize(0n, results)).toEqual([]);
  expect(socialize(5n, [{ account: 2, amount: -500n }])).toEqual([]);
});

test("shares are exact and nobody gives more than it won (SETTLE-051, SETTLE-052)", () => {
  const amounts = fc.array(fc.bigInt({ min: -1_000_000n, max: 1_000_000n }), { maxLength: 30 });
  const property = fc.property(fc.bigInt({ min: 1n, max: 5_000_000n }), amounts, (deficit, list) => {
    const shares = socialize(
      deficit,
      list.map((amount, account) => ({ account, amount })),
    );
    const won = list.reduce((sum, amount) => sum + (0n < amount ? amount : 0n), 0n);
    const given = shares.reduce((sum, { amount }) => sum + amount, 0n);
    expect(given).toBe(deficit < won ? deficit : won);
    for (const { account, amount } of shares) expect(0n < amount && amount <= list[account]!).toBe(true);
  });
  fc.assert(property, { numRuns: 300 });
});
