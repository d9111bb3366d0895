import fc from "fast-check";
import { expect, test } from "vitest";
import {
  adjustOpenOrders,
  applyFill,
  bookFunding,
  clearingOwed,
  createRisk,
  exposureOf,
  holdersOf,
  openInterestOf,
  startSession,
  takeFundingDust,
  takeMoved,
  type Risk,
} from "@stoa/exchange/risk/exposure";
import { affords, evaluate, figuresOfAccount, marginIncrease } from "@stoa/exchange/risk/evaluation";
import { computeFigures } from "@stoa/exchange/risk/figures";
import { addFigures, noFigures } from "@stoa/exchange/risk/margin-figures";
import { encodeRiskRecord, restoreRisk, riskKeyOfName, riskRecordNames } from "@stoa/exchange/risk/record";
import { settleSession } from "@stoa/exchange/settlement/session";
import { fillValue, type InstrumentTerms } from "@stoa/exchange/terms";
import { makeTerms, productOf, Quotes } from "./terms-fixture.ts";

const linear = makeTerms(productOf("BTC_USDC", "perpetual"), 1);
const inverse = makeTerms(productOf("BTC", "perpetual"), 2);
const option = makeTerms(productOf("BTC", "option"), 3, { strike: 100_000, type: "call" });

interface Trade {
  readonly terms: InstrumentTerms;
  readonly buyer: number;
  readonly seller: number;
  readonly lots: number;
  readonly ticks: number;
  readonly accruedE12?: bigint;
}

function trade(risk: Risk, { terms, buyer, seller, lots, ticks, accruedE12: fundingAccruedE12 = 0n }: Trade) {
  const value = fillValue(terms, lots, ticks);
  const bought = applyFill(risk, terms, { account: buyer, side: "buy", lots, value, fundingAccruedE12 });
  const sold = applyFill(risk, terms, { account: seller, side: "sell", lots, value, fundingAccruedE12 });
  return { bought, sold };
}

const sums = (risk: Risk, account: number, instrument: number) => {
  const { sizeLots, entryValue, sessionValue, sessionRealized, totalRealized } = exposureOf(risk, account, instrument)!;
  return { sizeLots, entryValue, sessionValue, sessionRealized, totalRealized };
};

test("a position opens, grows, shrinks and flips by hand (MARGIN-002, MARGIN-003, MARGIN-004)", () => {
  const risk = createRisk();
  // 10 lots of 0.001 BTC at 100,000: 1,000 dollars; then 10 more at 101,000: 1,010
  trade(risk, { terms: linear, buyer: 1, seller: 2, lots: 10, ticks: 200_000 });
  trade(risk, { terms: linear, buyer: 1, seller: 2, lots: 10, ticks: 202_000 });
  expect(sums(risk, 1, 1)).toEqual({
    sizeLots: 20,
    entryValue: 2_010_000_000n,
    sessionValue: 2_010_000_000n,
    sessionRealized: 0n,
    totalRealized: 0n,
  });
  // sells 5 at 102,000 for 510; a quarter of 2,010 is released: 502.50; profit 7.50
  const { bought, sold } = trade(risk, { terms: linear, buyer: 2, seller: 1, lots: 5, ticks: 204_000 });
  expect([sold.realized, bought.realized]).toEqual([7_500_000n, -7_500_000n]);
  // sells 20 at 99,000 for 1,980: 15 close for 1,485 against 1,507.50; 5 open short at 495
  const flip = trade(risk, { terms: linear, buyer: 2, seller: 1, lots: 20, ticks: 198_000 });
  expect(flip.sold.realized).toBe(-22_500_000n);
  expect(sums(risk, 1, 1)).toEqual({
    sizeLots: -5,
    entryValue: -495_000_000n,
    sessionValue: -495_000_000n,
    sessionRealized: -15_000_000n,
    totalRealized: 0n,
  });
  expect(openInterestOf(risk, 1)).toBe(5);
});

test("the premium of an option moves at the trade, the profit of a future does not (MARGIN-005)", () => {
  const risk = createRisk();
  const premium = trade(risk, { terms: option, buyer: 1, seller: 2, lots: 10, ticks: 325 });
  expect([premium.bought.balanceChange, premium.sold.balanceChange]).toEqual([-3_250_000n, 3_250_000n]);
  trade(risk, { terms: inverse, buyer: 1, seller: 2, lots: 10, ticks: 200_000 });
  const closed = trade(risk, { terms: inverse, buyer: 2, seller: 1, lots: 10, ticks: 220_000 });
  expect(closed.sold.balanceChange).toBe(0n);
  // 100 dollars: 1/1,000 − 1/1,100 BTC = 9090.9 units; values −100,000 and −90,910 (down)
  expect(closed.sold.realized).toBe(9_090n);
  expect(closed.bought.realized).toBe(-9_090n);
});

const accounts = [1, 2, 3, 4];
const action = fc.record({
  pair: fc.shuffledSubarray(accounts, { minLength: 2, maxLength: 2 }),
  terms: fc.constantFrom(linear, inverse),
  lots: fc.integer({ min: 1, max: 1_000 }),
  ticks: fc.integer({ min: 180_000, max: 220_000 }),
  accruedE12: fc.bigInt({ min: -1_000_000_000_000_000n, max: 1_000_000_000_000_000n }),
  settle: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
});

test("whatever is traded, funded and settled, the clearing account holds what sessions owe and nothing is made (MARGIN-003, SETTLE-022, SETTLE-031)", () => {
  const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const risk = createRisk();
    const clearing = new Map([
      [0, 0n],
      [2, 0n],
    ]);
    let insurance = 0n;
    for (const { pair, terms, lots, ticks, accruedE12, settle } of actions) {
      trade(risk, { terms, buyer: pair[0]!, seller: pair[1]!, lots, ticks, accruedE12 });
      const asset = terms.instrument.settlement;
      if (settle) {
        const { id } = terms.instrument;
        for (const exposure of holdersOf(risk, id)) bookFunding(risk, exposure, accruedE12);
        const held = holdersOf(risk, id);
        const settled = settleSession(terms, ticks * terms.instrument.tick, held);
        for (const [index, one] of settled.entries()) {
          clearing.set(asset, clearing.get(asset)! - one.payment);
          startSession(risk, held[index]!, one.sessionValue);
        }
        const dust = takeFundingDust(risk, id);
        expect(0n <= dust).toBe(true);
        clearing.set(asset, clearing.get(asset)! - dust);
        insurance += dust;
      }
      expect(clearingOwed(risk, 3)).toEqual([clearing.get(0), 0n, clearing.get(2)]);
      expect(takeMoved(risk)).toEqual([{ instrument: terms.instrument.id, netLots: 0 }]);
    }
    expect(0n <= insurance).toBe(true);
  });
  fc.assert(property, { numRuns: 150 });
});

test("session and entry sums end at zero when everything is closed and settled (MARGIN-003, SETTLE-030)", () => {
  const risk = createRisk();
  trade(risk, { terms: inverse, buyer: 1, seller: 2, lots: 7, ticks: 199_999 });
  const before = holdersOf(risk, 2);
  const first = settleSession(inverse, 198_765 * inverse.instrument.tick, before);
  for (const [index, one] of first.entries()) startSession(risk, before[index]!, one.sessionValue);
  trade(risk, { terms: inverse, buyer: 2, seller: 1, lots: 7, ticks: 201_234 });
  const after = holdersOf(risk, 2);
  const second = settleSession(inverse, 5, after);
  for (const [index, one] of second.entries()) startSession(risk, after[index]!, one.sessionValue);
  // Rounding at the first mark is given back at the second: what was paid is the difference of the two fills.
  const paid = (account: number) => [...first, ...second].filter((one) => one.account === account);
  const total = (account: number) => paid(account).reduce((sum, { payment }) => sum + payment, 0n);
  const profit = -fillValue(inverse, 7, 199_999) + fillValue(inverse, 7, 201_234);
  expect([total(1), total(2)]).toEqual([profit, -profit]);
  expect(holdersOf(risk, 2)).toEqual([]);
  expect(risk.accounts.size).toBe(0);
});

test("identities of an account (MARGIN-030, MARGIN-031, MARGIN-032)", () => {
  const risk = createRisk();
  const quotes = new Quotes();
  quotes.set(inverse, 100_000, 100_000);
  quotes.set(option, 0.03, 100_000);
  trade(risk, { terms: inverse, buyer: 1, seller: 2, lots: 1_000, ticks: 200_000 });
  trade(risk, { terms: option, buyer: 2, seller: 1, lots: 10, ticks: 300 });
  quotes.set(inverse, 104_000, 104_000);
  // 10,000 dollars from 100,000 to 104,000: 0.1 − 0.0961538461... BTC; −9,615,385 is the mark value, down
  const one = evaluate(risk, quotes, { account: 1, asset: 0, balance: 50_000_000n });
  expect(one.sessionUnrealized).toBe(10_000_000n - 9_615_385n);
  expect(one.marginBalance).toBe(50_384_615n);
  expect(one.optionsValue).toBe(-3_000_000n);
  expect(one.equity).toBe(47_384_615n);
  // perpetual: c = 10,000/104,000, c · (0.02 + 0.00005 c) = 0.0019235392..., up; option at the money: 0.15 + 0.03
  expect(one.initialPosition).toBe(192_354n + 18_000_000n);
  expect(one.maintenance).toBe(96_201n + 10_500_000n);
  expect(one.availableFunds).toBe(one.marginBalance - one.initial);
  expect(one.availableWithdrawalFunds).toBe(50_000_000n - one.initial);
  const short = evaluate(risk, quotes, { account: 2, asset: 0, balance: 50_000_000n });
  // The loser's balance is untouched too, but what it lost may not leave.
  expect(short.availableWithdrawalFunds).toBe(short.marginBalance - short.initial);
  expect(short.sessionUnrealized + one.sessionUnrealized).toBe(-1n);
  expect(evaluate(risk, quotes, { account: 1, asset: 0, balance: 1n }).availableWithdrawalFunds).toBe(0n);
});

test("an order is affordable up to the last unit, and reducing always is (MARGIN-032)", () => {
  const risk = createRisk();
  const quotes = new Quotes();
  quotes.set(linear, 100_000, 100_000);
  const buy = { side: "buy", lots: 1_000, value: fillValue(linear, 1_000, 200_000) } as const;
  const change = { openOrders: [buy] };
  const needed = 2_005_000_000n;
  expect(marginIncrease(risk, quotes, linear, 1, change)).toBe(needed);
  expect(affords(risk, quotes, linear, { account: 1, balance: needed }, change)).toBe(true);
  expect(affords(risk, quotes, linear, { account: 1, balance: needed - 1n }, change)).toBe(false);
  trade(risk, { terms: linear, buyer: 1, seller: 2, lots: 1_000, ticks: 200_000 });
  const close = { openOrders: [{ ...buy, side: "sell" }] } as const;
  expect(affords(risk, quotes, linear, { account: 1, balance: 0n }, close)).toBe(true);
  expect(affords(risk, quotes, linear, { account: 1, balance: 0n }, change)).toBe(false);
});

test("what fills at once counts as the position that it leaves, plus its loss at the mark (MARGIN-034)", () => {
  const risk = createRisk();
  const quotes = new Quotes();
  quotes.set(linear, 100_000, 100_000);
  trade(risk, { terms: linear, buyer: 1, seller: 2, lots: 1_000, ticks: 200_000 });
  const closeAt = (ticks: number) => ({
    fill: { side: "sell", lots: 1_000, value: fillValue(linear, 1_000, ticks) } as const,
    openOrders: [],
  });
  // One coin frees 2,005 dollars. Sold 400 below the mark it costs 400 of them; 2,005 below, all; above it, nothing.
  expect(marginIncrease(risk, quotes, linear, 1, closeAt(199_200))).toBe(-1_605_000_000n);
  expect(marginIncrease(risk, quotes, linear, 1, closeAt(195_990))).toBe(0n);
  expect(marginIncrease(risk, quotes, linear, 1, closeAt(200_800))).toBe(-2_005_000_000n);
  const short = { account: 1, balance: 0n };
  expect(affords(risk, quotes, linear, short, closeAt(195_990))).toBe(true);
  expect(affords(risk, quotes, linear, short, closeAt(195_989))).toBe(false);
  // The mirror image, and more than the position: 3,000 sold leave 2,000 short, 4,020 dollars.
  expect(
    marginIncrease(risk, quotes, linear, 2, { ...closeAt(200_800), fill: { ...closeAt(200_800).fill, side: "buy" } }),
  ).toBe(-1_605_000_000n);
  const flip = {
    fill: { side: "sell", lots: 3_000, value: fillValue(linear, 3_000, 200_000) },
    openOrders: [],
  } as const;
  expect(marginIncrease(risk, quotes, linear, 1, flip)).toBe(4_020_000_000n - 2_005_000_000n);
});

test("an option bought at once costs its premium, one sold gives nothing before it is received (MARGIN-034)", () => {
  const risk = createRisk();
  const quotes = new Quotes();
  quotes.set(option, 0.02, 100_000);
  const fill = (side: "buy" | "sell") => ({
    fill: { side, lots: 10, value: fillValue(option, 10, 200) },
    openOrders: [],
  });
  // A coin: premium 0.02; short it needs 0.15 + 0.02.
  expect(marginIncrease(risk, quotes, option, 1, fill("buy"))).toBe(2_000_000n);
  expect(marginIncrease(risk, quotes, option, 1, fill("sell"))).toBe(17_000_000n);
  trade(risk, { terms: option, buyer: 1, seller: 2, lots: 10, ticks: 200 });
  expect(marginIncrease(risk, quotes, option, 1, fill("sell"))).toBe(0n);
  expect(marginIncrease(risk, quotes, option, 2, fill("buy"))).toBe(2_000_000n - 17_000_000n);
});

test("figures kept up to date change by change are those computed at once (MARGIN-033)", () => {
  const step = fc.record({
    kind: fc.constantFrom("trade", "order", "cancel", "mark", "look"),
    terms: fc.constantFrom(linear, inverse, option),
    lots: fc.integer({ min: 1, max: 100 }),
    side: fc.constantFrom("buy" as const, "sell" as const),
    steps: fc.integer({ min: 1, max: 20 }),
  });
  const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const risk = createRisk();
    const quotes = new Quotes();
    quotes.set(linear, 100_000, 100_000);
    quotes.set(inverse, 100_000, 100_000);
    quotes.set(option, 0.03, 100_000);
    const resting: { terms: InstrumentTerms; side: "buy" | "sell"; lots: number; value: bigint }[] = [];
    const adjust = (one: (typeof resting)[number], sign: 1 | -1): void => {
      const change = { account: 1, side: one.side, lots: sign * one.lots, value: BigInt(sign) * one.value };
      adjustOpenOrders(risk, one.terms, { ...change, fundingAccruedE12: 0n });
    };
    for (const { kind, terms, lots, side, steps: count } of steps) {
      const ticks = terms.isOption ? 10 * count : 195_000 + 500 * count;
      if (kind === "trade") {
        const [buyer, seller] = side === "buy" ? [1, 2] : [2, 1];
        trade(risk, { terms, buyer, seller, lots, ticks });
      } else if (kind === "order") {
        const one = { terms, side, lots, value: fillValue(terms, lots, ticks) };
        resting.push(one);
        adjust(one, 1);
      } else if (kind === "cancel") {
        const one = resting.pop();
        if (one !== undefined) adjust(one, -1);
      } else if (kind === "mark") {
        quotes.set(
          terms,
          terms.isOption ? 0.001 * count : 99_000 + 100 * count,
          99_000 + 100 * count,
          BigInt(count) * 1_000_000_000_000n,
        );
      }
      for (const asset of [0, 2]) {
        let whole = noFigures;
        for (const exposure of risk.accounts.get(1)?.byInstrument.values() ?? []) {
          if (exposure.terms.instrument.settlement !== asset) continue;
          whole = addFigures(whole, computeFigures(exposure, quotes.quotation(exposure.instrument)));
        }
        if (kind !== "look") expect(figuresOfAccount(risk, quotes, 1, asset)).toEqual(whole);
      }
    }
  });
  fc.assert(property, { numRuns: 150 });
});

test("positions restored from their records give the same records", () => {
  const risk = createRisk();
  trade(risk, { terms: linear, buyer: 1, seller: 2, lots: 10, ticks: 200_000, accruedE12: 5n });
  trade(risk, { terms: option, buyer: 2, seller: 1, lots: 3, ticks: 40 });
  for (const exposure of holdersOf(risk, 1)) bookFunding(risk, exposure, 123_456_789_012_345n);
  const names = riskRecordNames(risk);
  const records = names.map((name) => encodeRiskRecord(risk, name)!.slice());
  const termsById = new Map([linear, inverse, option].map((terms) => [terms.instrument.id, terms]));
  const restored = restoreRisk(records, (instrument) => termsById.get(instrument))!;
  expect(riskRecordNames(restored)).toEqual(names);
  expect(names.map((name) => encodeRiskRecord(restored, name)?.slice())).toEqual(records);
  expect(new Set(names.map((name) => riskKeyOfName(name).join())).size).toBe(names.length);
  expect(restoreRisk([records[0]!.subarray(1)], (instrument) => termsById.get(instrument))).toBeUndefined();
});
