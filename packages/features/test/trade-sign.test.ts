/** Who began a trade: each rule against a naive one that looks at the whole past, and cases that can be worked out by hand. */
import { normalDistribution } from "@stoa/base/exact";
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind, makeEventBatch, type EventBatch } from "../src/event.ts";
import { ms, seconds } from "../src/graph/clock.ts";
import { bulkFlow } from "../src/trades/bulk-volume.ts";
import { blindRules, classifiedTrades, signAccuracy, tradeSignAccuracy } from "../src/trades/classified-trades.ts";
import { nameOfSigns, signParameters } from "../src/trades/trade-sign.ts";
import { expectNaive, historyOf, type Moment } from "./support/history.ts";
import { originNs } from "./support/random-market.ts";
import { naiveTrades, randomTape, tableRows } from "./support/trades.ts";

const timings = [
  {},
  { lag: ms(100) },
  { earlier: "event" },
  { lag: ms(100), earlier: "event", hidden: "count" },
] as const;

describe.each(timings)("with quotes %o", (timing) => {
  test("every rule gives every trade the sign of the naive one, from quotes before the trade", () => {
    const batch = randomTape(31, 2_500);
    const moments = historyOf(batch);
    const rows = tableRows(classifiedTrades(timing), batch);
    const byRule = blindRules.map((rule) => naiveTrades(moments, { ...timing, rule, flag: "ignore" }));
    expect(rows.length).toBe(byRule[0]!.length);
    for (const [index, { timeNs, values, emittedNs }] of rows.entries()) {
      const trade = byRule[0]![index]!;
      expect(emittedNs).toBe(timeNs);
      expect([timeNs, ...values]).toEqual([
        trade.timeNs,
        trade.price,
        trade.size,
        trade.flag,
        trade.hidden ? 1 : 0,
        trade.bid,
        trade.ask,
        ...byRule.map((trades) => trades[index]!.sign),
      ]);
    }
    for (const column of [6, 7, 8, 9, 10]) {
      expect(rows.filter(({ values }) => values[column] !== 0).length).toBeGreaterThan(80);
    }
    expect(rows.some(({ values }) => Number.isNaN(values[4]))).toBe(true);
  });
});

/** A book of one bid at 100 and one ask at 110, then trades at the prices given, a second apart. */
function tapeOf(prices: readonly number[], flags: readonly number[] = []): EventBatch {
  const batch = makeEventBatch(2 + prices.length);
  const append = (kind: EventKind, side: number, price: number, timeNs: number): void => {
    const row = batch.count++;
    batch.kind[row] = kind;
    batch.side[row] = side;
    batch.price[row] = price;
    batch.size[row] = 1;
    batch.flags[row] = EventFlag.last;
    batch.timeNs[row] = timeNs;
  };
  append(EventKind.level, 1, 100, 1e9);
  append(EventKind.level, -1, 110, 1e9);
  prices.forEach((price, index) => append(EventKind.trade, flags[index] ?? 0, price, (index + 2) * 1e9));
  return batch;
}

test("the rules differ where the literature says", () => {
  const rows = tableRows(classifiedTrades(), tapeOf([105, 104, 105, 107, 106, 110, 103, 111, 99, 99]));
  const signs = rows.map(({ values }) => values.slice(6));
  //                     tick quote lee  emo clnv
  expect(signs).toEqual([
    [0, 0, 0, 0, 0], // at the middle, and nothing before it
    [-1, -1, -1, -1, -1], // below the middle, lower than before
    [1, 0, 1, 1, 1], // at the middle: only the quote rule is silent
    [1, 1, 1, 1, 1], // 30 % of the spread below the ask: the last price that CLNV calls the ask's
    [-1, 1, 1, -1, -1], // above the middle but lower than before: the quote decides for Lee-Ready, the tick for EMO and CLNV
    [1, 1, 1, 1, 1],
    [-1, -1, -1, -1, -1],
    [1, 1, 1, 1, 1], // outside of the quotes: the tick
    [-1, -1, -1, -1, -1],
    [-1, -1, -1, -1, -1], // no change: the last change counts
  ]);
});

test("a quote of the trade's own moment is not looked at, unless told before it and asked for (FEAT-026)", () => {
  const batch = tapeOf([108]);
  batch.timeNs.fill(5e9);
  expect(tableRows(classifiedTrades(), batch)[0]!.values.slice(4, 8)).toEqual([NaN, NaN, 0, 0]);
  expect(tableRows(classifiedTrades({ earlier: "event" }), batch)[0]!.values.slice(4, 8)).toEqual([100, 110, 0, 1]);
});

test("the report counts trades with a flag, and lots, and what a rule leaves open", () => {
  const rows = tableRows(classifiedTrades(), tapeOf([105, 108, 102, 106, 106], [1, 1, -1, -1, 0]));
  const quote = signAccuracy(rows.map(({ values }) => values)).find(({ rule }) => rule === "quote");
  expect(quote).toEqual({
    rule: "quote",
    tradesCount: 4,
    lots: 4,
    classifiedShare: 3 / 4,
    agreement: 2 / 3,
    agreementByLots: 2 / 3,
    buysFound: 1 / 2,
    sellsFound: 1 / 2,
  });
});

test("the accuracy column is the share of agreement among the last trades with a flag and a sign", () => {
  const numbers = expectNaive(
    tradeSignAccuracy({ trades: 40, lag: ms(50) }),
    (moments) =>
      blindRules.map((rule) => {
        const trades = naiveTrades(moments, { rule, flag: "ignore", lag: ms(50) })
          .filter(({ flag, sign }) => flag !== 0 && sign !== 0)
          .slice(-40);
        return trades.filter(({ flag, sign }) => flag === sign).length / trades.length;
      }),
    randomTape(32, 1_500),
    { stride: 7 },
  );
  expect(numbers).toBeGreaterThan(500);
});

test("bulk classification splits a bar by the normal distribution of its change, by deviations of the bars before", () => {
  const [bar, changes] = [ms(300), 5];
  const naive = (moments: readonly Moment[], timeNs: number): readonly number[] => {
    const end = timeNs - (timeNs % bar);
    const trades = naiveTrades(moments).filter(({ timeNs: at }) => at < end);
    const bars = [...Map.groupBy(trades, ({ timeNs: at }) => Math.floor(at / bar)).values()];
    const closes = bars.map((inside) => inside.at(-1)!.price);
    const past = closes.slice(-changes - 2, -1);
    if (past.length < changes + 1) return [NaN, volumeOf(bars.at(-1))];
    const moves = past.slice(1).map((price, index) => price - past[index]!);
    const mean = moves.reduce((sum, move) => sum + move, 0) / changes;
    const deviation = Math.sqrt(moves.reduce((sum, move) => sum + (move - mean) * (move - mean), 0) / (changes - 1));
    const volume = volumeOf(bars.at(-1));
    const change = closes.at(-1)! - closes.at(-2)!;
    return [volume * (2 * (change === 0 ? 0.5 : normalDistribution(change / deviation)) - 1), volume];
  };
  const volumeOf = (trades: readonly { size: number }[] | undefined): number =>
    trades === undefined ? NaN : trades.reduce((sum, { size }) => sum + size, 0);
  const batch = randomTape(33, 3_000, { hostile: false });
  expect(originNs % BigInt(bar)).toBe(0n);
  const numbers = expectNaive(bulkFlow({ bar, changes }), naive, batch, { stride: 11, tolerance: 1e-12 });
  expect(numbers).toBeGreaterThan(200);
});

test("settings that do not matter to a rule do not make another feature of it, and bad ones are named", () => {
  expect(signParameters("x", { rule: "tick", lag: 5 })).toEqual(signParameters("x", { rule: "tick" }));
  expect(nameOfSigns({ rule: "lee-ready", lag: seconds(5) })).toBe("_lee_ready_lag5s");
  expect(nameOfSigns({})).toBe("");
  expect(() => signParameters("tfi", { lag: -1, rule: "quote" })).toThrow("tfi.lag");
  expect(() => signParameters("tfi", { rule: "guess" as "tick" })).toThrow("tfi.rule");
  expect(() => bulkFlow({ bar: 0, changes: 5 })).toThrow("bulk_flow.bar");
  expect(() => bulkFlow({ bar: 1, changes: 1 })).toThrow("bulk_flow.changes");
});
