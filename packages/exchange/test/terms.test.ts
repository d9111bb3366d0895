import { expect, test } from "vitest";
import {
  ceilingDivide,
  ceilToTick,
  feeOf,
  fillValue,
  floorDivide,
  floorToTick,
  isOnTick,
  nextTickAbove,
  nextTickBelow,
  openOrderValue,
  settlementValue,
} from "@stoa/exchange/terms";
import { e8, linearOption, makeTerms, productOf } from "./terms-fixture.ts";

const inverse = makeTerms(productOf("BTC", "perpetual"));
const linear = makeTerms(productOf("BTC_USDC", "perpetual"));
const option = makeTerms(productOf("BTC", "option"), 1, { strike: 100_000, type: "call" });

test("division rounds towards minus and plus infinity", () => {
  expect([floorDivide(7n, 2n), floorDivide(-7n, 2n), floorDivide(7n, -2n), floorDivide(-6n, 2n)]).toEqual([
    3n,
    -4n,
    -4n,
    -3n,
  ]);
  expect([ceilingDivide(7n, 2n), ceilingDivide(-7n, 2n), ceilingDivide(6n, 2n)]).toEqual([4n, -3n, 3n]);
});

test("values of the three forms are exact integers, rounded down for either side (MARGIN-001)", () => {
  // 100 lots of 10 dollars at 100,000: 0.01 BTC; at 96,000 1,000/96,000 = 0.010416666... BTC
  expect(settlementValue(inverse, 100, e8(100_000))).toBe(-1_000_000n);
  expect(settlementValue(inverse, 100, e8(96_000))).toBe(-1_041_667n);
  expect(settlementValue(inverse, -100, e8(96_000))).toBe(1_041_666n);
  // 3 lots of 0.001 BTC at 100,000.5 dollars, in millionths of a dollar
  expect(settlementValue(linear, 3, e8(100_000.5))).toBe(300_001_500n);
  expect(settlementValue(linear, -3, 10_000_000_000_001)).toBe(-300_000_001n);
  // 5 lots of 0.1 BTC at a premium of 0.0325 BTC
  expect(settlementValue(option, 5, e8(0.0325))).toBe(1_625_000n);
  expect(fillValue(option, 5, 325)).toBe(1_625_000n);
});

test("a long option of a tenth of a coin loses a half unit of its mark, a short one owes it (MARGIN-001)", () => {
  expect(settlementValue(option, 1, 15)).toBe(1n);
  expect(settlementValue(option, -1, 15)).toBe(-2n);
});

test("fees follow notional and are rounded against the user (SETTLE-010)", () => {
  // 1,000 lots = 10,000 dollars at 100,000, 0.05 %: 0.00005 BTC
  const fill = { lots: 1_000, ticks: 200_000, indexPrice: e8(100_000) };
  expect(feeOf(inverse, { ...fill, role: "taker" })).toBe(5_000n);
  expect(feeOf(inverse, { ...fill, role: "maker" })).toBe(0n);
  // 10,000/96,000 · 0.0005 = 0.0000520833..., up
  expect(feeOf(inverse, { ...fill, ticks: 192_000, role: "taker" })).toBe(5_209n);
  // 0.003 BTC at 100,000.5: 300.0015 dollars · 0.0005 = 0.15000075
  expect(feeOf(linear, { lots: 3, ticks: 200_001, indexPrice: 0, role: "taker" })).toBe(150_001n);
});

test("a rebate is rounded so that it is smaller (SETTLE-010)", () => {
  const product = { ...productOf("BTC", "future"), makerFeePpm: -100 };
  const future = makeTerms(product);
  // 10,000 dollars at 100,000, −0.01 %: +0.00001 BTC to the maker; at 96,000 1041.66... down to 1041
  expect(feeOf(future, { lots: 1_000, ticks: 40_000, indexPrice: 0, role: "maker" })).toBe(-1_000n);
  expect(feeOf(future, { lots: 1_000, ticks: 38_400, indexPrice: 0, role: "maker" })).toBe(-1_041n);
});

test("the fee of an option is capped at 12.5 % of its premium (SETTLE-011)", () => {
  // one coin: 0.03 % = 0.0003 BTC; of a premium of 0.0001 BTC 12.5 % is 0.0000125
  const fill = { lots: 10, indexPrice: e8(100_000), role: "taker" } as const;
  expect(feeOf(option, { ...fill, ticks: 1 })).toBe(1_250n);
  expect(feeOf(option, { ...fill, ticks: 24 })).toBe(30_000n);
  expect(feeOf(option, { ...fill, ticks: 300 })).toBe(30_000n);
  // a tenth of a coin at one tick: 125 units exactly
  expect(feeOf(option, { ...fill, lots: 1, ticks: 1 })).toBe(125n);
});

test("the grid widens above a step: 0.0001 to 0.005, then 0.0005", () => {
  const { instrument } = option;
  expect([1, 49, 50, 55, 60].map((ticks) => isOnTick(instrument, ticks))).toEqual([true, true, true, true, true]);
  expect([51, 54, 56].map((ticks) => isOnTick(instrument, ticks))).toEqual([false, false, false]);
  expect([floorToTick(instrument, 54), floorToTick(instrument, 59), floorToTick(instrument, 50)]).toEqual([50, 55, 50]);
  expect([ceilToTick(instrument, 51), ceilToTick(instrument, 56), ceilToTick(instrument, 50)]).toEqual([55, 60, 50]);
  expect([nextTickBelow(instrument, 55), nextTickBelow(instrument, 50)]).toEqual([50, 49]);
  expect([nextTickAbove(instrument, 50), nextTickAbove(instrument, 49)]).toEqual([55, 50]);
});

test("an open buy of options counts with the most its fee may be, and nothing else does (MARGIN-023)", () => {
  // 0.5 coin at 0.012: 600,000 and 0.03 % of the coins; at 0.0001: 5,000 and 12.5 % of that
  expect(openOrderValue(option, "buy", 5, 120)).toBe(600_000n + 15_000n);
  expect(openOrderValue(option, "buy", 5, 1)).toBe(5_000n + 625n);
  expect(openOrderValue(option, "sell", 5, 120)).toBe(600_000n);
  expect(openOrderValue(linear, "buy", 3, 200_000)).toBe(300_000_000n);
  // Dollar options: what the underlying will cost is not known, so the cap counts.
  expect(openOrderValue(linearOption({ strike: 1_500, type: "put" }), "buy", 2, 1_000)).toBe(20_000_000n + 2_500_000n);
});
