/** What was bought and sold at market, against sums over the whole tape. */
import { describe, expect, test } from "vitest";
import { EventKind } from "../src/event.ts";
import { TimedSums } from "../src/flow/exact-sums.ts";
import { signedFlow, tradeFlowImbalance, tradeVolume, tradeMeasures } from "../src/flow/trade-flow.ts";
import { ms, seconds } from "../src/graph/clock.ts";
import { RollingPairs, fitLine } from "../src/trades/rolling-pairs.ts";
import type { TradeSignSettings } from "../src/trades/trade-sign.ts";
import { expectNaive, type Moment } from "./support/history.ts";
import { makeRandom } from "./support/random-market.ts";
import { naiveTrades, randomTape, valuesAfter, type NaiveTrade } from "./support/trades.ts";

const tape = randomTape(41, 2_500);
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Trades since the last gap that are younger than the window. */
function tradesWithin(
  moments: readonly Moment[],
  timeNs: number,
  window: number,
  signs: TradeSignSettings,
): NaiveTrade[] {
  const gap = moments.findLastIndex(({ event }) => event.kind === EventKind.gap);
  return naiveTrades(moments, signs).filter((trade) => trade.index > gap && trade.timeNs > timeNs - window);
}

/** Worth of a trade in the measure: the test instrument has ticks of a quarter and a multiplier of 50. */
const amounts = {
  volume: ({ size }: NaiveTrade) => size,
  count: () => 1,
  notional: ({ price, size }: NaiveTrade) => price * 0.25 * size * 50,
} as const;

describe.each(tradeMeasures)("trade flow by %s", (measure) => {
  const amount = amounts[measure];
  const window = seconds(3);

  test.each([{}, { rule: "tick", flag: "ignore" }, { hidden: "count" }] as const)(
    "is the tape's with signs %o",
    (signs) => {
      const net = tradeFlowImbalance({ window, measure, ...signs });
      const share = tradeFlowImbalance({ window, measure, scale: "share", ...signs });
      for (const feature of [net, share]) {
        const numbers = expectNaive(
          feature,
          (moments, timeNs) => {
            const trades = tradesWithin(moments, timeNs, window, signs);
            const signed = sumOf(trades.map((trade) => trade.sign * amount(trade)));
            return [feature === net ? signed : signed / sumOf(trades.map(amount))];
          },
          tape,
          { stride: 31, tolerance: 1e-15 },
        );
        expect(numbers).toBeGreaterThan(30);
      }
    },
  );

  test("is bought less sold, and with what nobody knows the whole tape", () => {
    const volumes = valuesAfter(tradeVolume({ window, measure }), tape) as [number, number, number][];
    const net = valuesAfter(tradeFlowImbalance({ window, measure }), tape);
    const total = valuesAfter(tradeVolume({ window, measure, rule: "quote", flag: "ignore" }), tape);
    expect(volumes.map(([bought, sold]) => bought - sold)).toEqual(net.flat());
    expect(volumes.map(sumOf)).toEqual(total.map(sumOf));
    expect(volumes.some(([, , unknown]) => unknown > 0)).toBe(true);
  });

  test("of buyers and sellers exchanged is the same with its sign turned", () => {
    const turned = randomTape(41, 2_500);
    for (let row = 0; row < turned.count; row++) turned.side[row] = -turned.side[row]!;
    const only = (batch: typeof tape): number[] =>
      valuesAfter(tradeFlowImbalance({ window, measure }), batch, { kind: "trade" }).flat();
    expect(only(turned).map((value) => 0 - value)).toEqual(only(tape).map((value) => value + 0));
  });
});

test.each([ms(200), seconds(5)])(
  "signed flow with a half-life of %d ns is the tape's, each trade halved as often as it is old",
  (halfLife) => {
    const numbers = expectNaive(
      signedFlow({ halfLife }),
      (moments, timeNs) => {
        const trades = tradesWithin(moments, timeNs, Infinity, {});
        return [
          sumOf(trades.map(({ sign, size, timeNs: at }) => sign * size * Math.pow(0.5, (timeNs - at) / halfLife))),
        ];
      },
      tape,
      { stride: 17, tolerance: 1e-10 },
    );
    expect(numbers).toBeGreaterThan(80);
  },
);

test("sums that pass 2^53 and come back are exact again (FEAT-023)", () => {
  const sums = new TimedSums(10);
  sums.push(0, 3, -1);
  sums.push(5, 9_007_199_254_740_991, 7);
  sums.push(6, 9_007_199_254_740_991, 1);
  sums.push(7, 5, 1);
  sums.expire(7);
  expect(sums.sum(0)).toBe(3 + 9_007_199_254_740_991 + 9_007_199_254_740_991 + 5);
  sums.expire(16);
  expect([sums.sum(0), sums.sum(1), sums.count]).toEqual([5, 1, 1]);
});

test("rolling pairs have the sums of their window, also of fractions and of what passes 2^53", () => {
  const random = makeRandom(3);
  for (const scale of [1, 0.37, 1e8]) {
    const pairs = new RollingPairs(7);
    const all: [number, number][] = [];
    for (let round = 0; round < 200; round++) {
      const size = round % 50 < 25 ? scale : 1;
      const pair: [number, number] = [Math.floor(random() * 100) * size, Math.floor(random() * 100 - 50) * size];
      pairs.push(...pair);
      all.push(pair);
      const window = all.slice(-7);
      const sums = [pairs.sumX, pairs.sumY, pairs.sumXX, pairs.sumXY, pairs.sumYY];
      const wanted = [
        window.reduce((sum, [x]) => sum + x, 0),
        window.reduce((sum, [, y]) => sum + y, 0),
        window.reduce((sum, [x]) => sum + x * x, 0),
        window.reduce((sum, [x, y]) => sum + x * y, 0),
        window.reduce((sum, [, y]) => sum + y * y, 0),
      ];
      expect(sums).toEqual(wanted);
    }
  }
});

test("a line through pairs has the slope, intercept and t-statistic of the textbook", () => {
  // x 1..5, y = 2, 4, 5, 4, 5: slope 0.6, intercept 2.2, residual sum of squares 2.4, standard error sqrt(0.8 / 10).
  const pairs = new RollingPairs(5);
  for (const [x, y] of [
    [9, 9],
    [1, 2],
    [2, 4],
    [3, 5],
    [4, 4],
    [5, 5],
  ] as const)
    pairs.push(x, y);
  const line = { slope: NaN, intercept: NaN, tStatistic: NaN };
  fitLine(pairs, { intercept: true }, line);
  expect(line.slope).toBe(0.6);
  expect(line.intercept).toBeCloseTo(2.2, 14);
  expect(line.tStatistic).toBeCloseTo(0.6 / Math.sqrt(0.08), 13);
  fitLine(pairs, { intercept: false }, line);
  // Through the origin: slope 66 / 55 = 1.2, residual 86 - 1.2 * 66 = 6.8 over 4 degrees of freedom.
  expect(line.slope).toBe(1.2);
  expect(line.tStatistic).toBeCloseTo(1.2 / Math.sqrt(6.8 / 4 / 55), 13);
  pairs.clear();
  for (let x = 0; x < 5; x++) pairs.push(x, 3 * x + 1);
  fitLine(pairs, { intercept: true }, line);
  expect(line).toEqual({ slope: 3, intercept: 1, tStatistic: NaN });
});

test("settings that make no sense are named", () => {
  expect(() => tradeFlowImbalance({ window: 0.5 })).toThrow("tfi.window");
  expect(() => tradeFlowImbalance({ window: 1, measure: "money" as "count" })).toThrow("tfi.measure");
  expect(() => signedFlow({ halfLife: 0 })).toThrow("signed_flow.halfLife");
  expect(() => tradeVolume({ window: 1, rule: "none" as "tick" })).toThrow("trade_volume.rule");
});
