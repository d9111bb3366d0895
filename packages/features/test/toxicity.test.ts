/** Toxicity, impact and illiquidity: naive second implementations, closed forms, and what must hold whatever the market does. */
import { normalDistribution } from "@stoa/base/exact";
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind, makeEventBatch, type EventBatch } from "../src/event.ts";
import { ms, seconds } from "../src/graph/clock.ts";
import { amihud, hasbrouckLambda, kyleLambda } from "../src/toxicity/price-impact.ts";
import { propagatorOf } from "../src/toxicity/propagator.ts";
import { response } from "../src/toxicity/response.ts";
import { corwinSchultz, corwinSchultzOf, roll } from "../src/toxicity/spread-estimators.ts";
import { impactCurve, spreadParts, tradeCosts } from "../src/toxicity/trade-costs.ts";
import { vpin } from "../src/toxicity/vpin.ts";
import { expectNaive, historyOf, type Moment } from "./support/history.ts";
import { makeRandom } from "./support/random-market.ts";
import {
  lastGapNs,
  naiveIntervals,
  naiveTrades,
  randomTape,
  tableRows,
  twiceMidBefore,
  valuesAfter,
  type NaiveInterval,
  type NaiveTrade,
} from "./support/trades.ts";

const tape = randomTape(51, 2_500);
const calm = randomTape(52, 2_500, { hostile: false });
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const meanOf = (values: readonly number[]): number => sumOf(values) / values.length;

/** Of a tick times a lot of the test instrument: a quarter, times a multiplier of 50. */
const worth = 12.5;

const tradesSinceGap = (moments: readonly Moment[]): NaiveTrade[] => {
  const gap = moments.findLastIndex(({ event }) => event.kind === EventKind.gap);
  return naiveTrades(moments).filter(({ index }) => index > gap);
};

/** Lots one by one, each with what it is of the buyers' less of the sellers', in buckets. */
function naiveVpin(lots: readonly number[], bucket: number, buckets: number): [number, number, number] {
  const full = Math.floor(lots.length / bucket);
  const imbalances = Array.from({ length: full }, (_, at) =>
    Math.abs(sumOf(lots.slice(at * bucket, (at + 1) * bucket))),
  ).slice(-buckets);
  const mean = imbalances.length < buckets ? NaN : sumOf(imbalances) / (buckets * bucket);
  return [mean, full, lots.length - full * bucket];
}

test.each([
  [7, 5],
  [60, 4],
])(
  "vpin with %d buckets of %d lots is that of the tape lot by lot, and full and open buckets are the tape (FEAT-024)",
  (buckets, bucket) => {
    const numbers = expectNaive(
      vpin({ bucket, buckets }),
      (moments) =>
        naiveVpin(
          tradesSinceGap(moments).flatMap(({ sign, size }) => Array<number>(size).fill(sign)),
          bucket,
          buckets,
        ),
      tape,
      { stride: 13 },
    );
    expect(numbers).toBeGreaterThan(150);
  },
);

test("vpin of a trade larger than all buckets together has the last of them, and counts all", () => {
  const events = tradesAt([
    [100, 1, 3],
    [100, -1, 1_000_000_000_007],
  ]);
  expect(valuesAfter(vpin({ bucket: 10, buckets: 4 }), events).at(-1)).toEqual([1, 100_000_000_001, 0]);
});

test("vpin by bulk classification splits each bar by its change of price", () => {
  const [bucket, buckets, bar, changes] = [40, 3, ms(400), 4];
  const numbers = expectNaive(
    vpin({ bucket, buckets, classification: "bulk", bar, changes }),
    (moments, timeNs) => {
      const bars = naiveIntervals(moments, timeNs, { step: bar }).filter(({ trades }) => trades.length > 0);
      const closes = bars.map(({ trades }) => trades.at(-1)!.price);
      const lots = bars.flatMap(({ trades }, at) => {
        const moves = closes.slice(Math.max(0, at - changes - 1), at);
        const differences = moves.slice(1).map((price, index) => price - moves[index]!);
        const change = closes[at]! - closes[at - 1]!;
        const variance =
          sumOf(differences.map((move) => (move - meanOf(differences)) * (move - meanOf(differences)))) / (changes - 1);
        const part =
          differences.length < changes || change === 0 ? 0.5 : normalDistribution(change / Math.sqrt(variance));
        return Array<number>(sumOf(trades.map(({ size }) => size))).fill(2 * part - 1);
      });
      return naiveVpin(lots, bucket, buckets);
    },
    calm,
    { stride: 41, tolerance: 1e-12 },
  );
  expect(numbers).toBeGreaterThan(60);
});

/** Least squares with means taken away first. */
function naiveLine(pairs: readonly (readonly [number, number])[]): [number, number] {
  const [mx, my] = [meanOf(pairs.map(([x]) => x)), meanOf(pairs.map(([, y]) => y))];
  const xx = sumOf(pairs.map(([x]) => (x - mx) * (x - mx)));
  const slope = sumOf(pairs.map(([x, y]) => (x - mx) * (y - my))) / xx;
  const residual = sumOf(pairs.map(([x, y]) => (y - my - slope * (x - mx)) * (y - my - slope * (x - mx))));
  if (xx === 0) return [NaN, NaN];
  return [slope, residual < 1e-12 ? NaN : slope / Math.sqrt(residual / (pairs.length - 2) / xx)];
}

const usableIntervals = (moments: readonly Moment[], timeNs: number, step: number): NaiveInterval[] =>
  naiveIntervals(moments, timeNs, { step }).filter(
    ({ endNs, whole, twiceMid, twiceMidBefore: before }) =>
      whole && endNs > lastGapNs(moments) && !Number.isNaN(twiceMid + before),
  );

describe.each(["kyle", "hasbrouck"] as const)("the lambda of %s", (kind) => {
  test("is the slope of a regression over the last intervals, with its t-statistic", () => {
    const [step, count] = [ms(200), 8];
    const feature = (kind === "kyle" ? kyleLambda : hasbrouckLambda)({ step, count });
    const numbers = expectNaive(
      feature,
      (moments, timeNs) => {
        const pairs = usableIntervals(moments, timeNs, step)
          .slice(-count)
          .map(({ trades, twiceMid, twiceMidBefore: before }): [number, number] =>
            kind === "kyle"
              ? [sumOf(trades.map(({ sign, size }) => sign * size)), (twiceMid - before) / 2]
              : [
                  sumOf(trades.map(({ sign, size, price }) => sign * Math.sqrt(price * size * worth))),
                  1e4 * Math.log(twiceMid / before),
                ],
          );
        return pairs.length < count ? [NaN, NaN] : naiveLine(pairs);
      },
      tape,
      { stride: 19, tolerance: 1e-9 },
    );
    expect(numbers).toBeGreaterThan(50);
  });
});

/** A hundred seconds in which the middle moves by a tick for each ten lots, half a second into each; in one of them a gap and a jump. */
function tenLotsATick(gapSecond: number): EventBatch {
  const random = makeRandom(8);
  const events = makeEventBatch(600);
  let bid = 1000;
  for (let second = 0; second < 100; second++) {
    const ticks = Math.floor(random() * 7) - 3;
    const at = (second + 0.5) * 1e9;
    if (ticks !== 0) put(events, EventKind.trade, Math.sign(ticks), bid, 10 * Math.abs(ticks), at);
    if (second === gapSecond) {
      put(events, EventKind.gap, 0, 0, 0, at);
      bid += 50;
    }
    put(events, EventKind.clear, 0, 0, 0, at, 0);
    bid += ticks;
    put(events, EventKind.level, 1, bid, 5, at, 0);
    put(events, EventKind.level, -1, bid + 3, 5, at);
  }
  return events;
}

test("where the middle moves by a tick for each ten lots, Kyle's lambda is a tenth and fits exactly", () => {
  const feature = kyleLambda({ step: seconds(1), count: 30 });
  expect(valuesAfter(feature, tenLotsATick(-1)).at(-1)).toEqual([0.1, NaN]);
});

test("an interval with a gap inside is none, nor is what came before it", () => {
  // From second 65 to second 98 there are 34 whole intervals.
  const after = (count: number): number[] =>
    valuesAfter(kyleLambda({ step: seconds(1), count }), tenLotsATick(64)).at(-1)!;
  expect(after(34)).toEqual([0.1, NaN]);
  expect(after(35)).toEqual([NaN, NaN]);
});

test("Amihud's illiquidity is the mean of the moves by the money of each interval", () => {
  const [step, count] = [ms(200), 6];
  const numbers = expectNaive(
    amihud({ step, count }),
    (moments, timeNs) => {
      const ratios = usableIntervals(moments, timeNs, step)
        .filter(({ trades }) => trades.length > 0)
        .slice(-count)
        .map(
          ({ trades, twiceMid, twiceMidBefore: before }) =>
            (1e4 * Math.abs(Math.log(twiceMid / before))) /
            ((sumOf(trades.map(({ price, size }) => price * size)) * worth) / 1e6),
        );
      return [ratios.length < count ? NaN : meanOf(ratios)];
    },
    tape,
    { stride: 19, tolerance: 1e-12 },
  );
  expect(numbers).toBeGreaterThan(25);
});

describe.each([{}, { positive: "zero" }, { mean: "zero" }] as const)("Roll's spread with %o", (options) => {
  test("is that of the covariance of successive changes", () => {
    const count = 12;
    const numbers = expectNaive(
      roll({ pairs: count, ...options }),
      (moments) => {
        const prices = tradesSinceGap(moments).map(({ price }) => price);
        const moves = prices.slice(1).map((price, at) => price - prices[at]!);
        const pairs = moves
          .slice(1)
          .map((move, at) => [moves[at]!, move] as const)
          .slice(-count);
        if (pairs.length < count) return [NaN];
        const [mx, my] = "mean" in options ? [0, 0] : [meanOf(pairs.map(([x]) => x)), meanOf(pairs.map(([, y]) => y))];
        const covariance = sumOf(pairs.map(([x, y]) => (x - mx) * (y - my))) / ("mean" in options ? count : count - 1);
        return [covariance < 0 ? 2 * Math.sqrt(-covariance) : "positive" in options ? 0 : NaN];
      },
      tape,
      { stride: 11, tolerance: 1e-12 },
    );
    expect(numbers).toBeGreaterThan(60);
  });
});

test("Roll's spread of prices that jump between bid and ask at every trade is the spread", () => {
  // Changes are +6, -6, +6, ...: the mean product is -36, the root 6, the spread 12 by the formula; with equal chances of either side it is 6.
  const prices = Array.from({ length: 60 }, (_, at) => [at % 2 === 0 ? 100 : 106, 1, 1] as const);
  expect(valuesAfter(roll({ pairs: 40, mean: "zero" }), tradesAt(prices)).at(-1)).toEqual([12]);
  // Sides b b a a b b a a ...: changes 0 6 0 -6 0 6 ..., every product is 0: there is no root, and it is told as asked.
  const slow = Array.from({ length: 60 }, (_, at) => [at % 4 < 2 ? 100 : 106, 1, 1] as const);
  expect(valuesAfter(roll({ pairs: 40, mean: "zero" }), tradesAt(slow)).at(-1)).toEqual([NaN]);
  expect(valuesAfter(roll({ pairs: 40, mean: "zero", positive: "zero" }), tradesAt(slow)).at(-1)).toEqual([0]);
});

describe.each([{}, { negative: "keep" }, { negative: "null", jumps: "adjust" }] as const)(
  "Corwin's and Schultz's spread with %o",
  (options) => {
    test("is the mean of the estimates from successive ranges", () => {
      const [step, count] = [ms(300), 3];
      const { negative = "zero", jumps = "keep" } = { negative: undefined, jumps: undefined, ...options };
      const numbers = expectNaive(
        corwinSchultz({ step, count, ...options }),
        (moments, timeNs) => {
          const all = naiveIntervals(moments, timeNs, { step });
          const estimates: number[] = [];
          for (const [at, { trades, endNs, whole }] of all.entries()) {
            const before = all[at - 1];
            if (endNs <= lastGapNs(moments) || before?.whole !== true || before.trades.length === 0) continue;
            if (!whole || trades.length === 0) continue;
            const range = (some: readonly NaiveTrade[]): [number, number] => [
              Math.max(...some.map(({ price }) => price)),
              Math.min(...some.map(({ price }) => price)),
            ];
            const [high, low] = range(trades);
            const [highBefore, lowBefore] = range(before.trades);
            const close = before.trades.at(-1)!.price;
            const shift = jumps === "keep" ? 0 : close < low ? close - low : close > high ? close - high : 0;
            estimates.push(naiveCorwinSchultz(high + shift, low + shift, highBefore, lowBefore));
          }
          const kept = estimates.filter((estimate) => negative !== "null" || estimate >= 0).slice(-count);
          const values = kept.map((estimate) => (negative === "zero" ? Math.max(0, estimate) : estimate));
          return [values.length < count ? NaN : 1e4 * meanOf(values)];
        },
        tape,
        { stride: 37, tolerance: 1e-9 },
      );
      expect(numbers).toBeGreaterThan(15);
    });
  },
);

function naiveCorwinSchultz(high: number, low: number, highBefore: number, lowBefore: number): number {
  const square = (x: number): number => x * x;
  const beta = square(Math.log(high / low)) + square(Math.log(highBefore / lowBefore));
  const gamma = square(Math.log(Math.max(high, highBefore) / Math.min(low, lowBefore)));
  const k = 3 - 2 * Math.sqrt(2);
  const alpha = (Math.sqrt(2 * beta) - Math.sqrt(beta)) / k - Math.sqrt(gamma / k);
  return (2 * (Math.exp(alpha) - 1)) / (1 + Math.exp(alpha));
}

test("without volatility Corwin's and Schultz's formula gives the spread back", () => {
  // Both ranges are the spread alone: high = m (1 + S/2), low = m (1 - S/2).
  for (const spread of [0.001, 0.01, 0.1]) {
    const [high, low] = [100 * (1 + spread / 2), 100 * (1 - spread / 2)];
    expect(corwinSchultzOf(high, low, high, low)).toBeCloseTo(spread, 13);
  }
});

interface NaiveOutcome extends NaiveTrade {
  readonly dueNs: number;
  readonly mid: number;
  readonly midAfter: number;
}

/** Trades with a sign and a quote before them whose horizon is over at `timeNs`. */
function naiveOutcomes(moments: readonly Moment[], timeNs: number, horizon: number): NaiveOutcome[] {
  return naiveTrades(moments)
    .map((trade) => ({
      ...trade,
      dueNs: trade.timeNs + horizon,
      mid: twiceMidBefore(moments, trade.timeNs) / 2,
      midAfter: twiceMidBefore(moments, trade.timeNs + horizon) / 2,
    }))
    .filter(({ sign, mid, dueNs }) => sign !== 0 && !Number.isNaN(mid) && dueNs <= timeNs);
}

test("costs of trades come when the horizon is over, bear the time of the trade, and add up exactly (FEAT-011, FEAT-024)", () => {
  const horizon = ms(150);
  const rows = tableRows(tradeCosts({ horizon }), tape);
  const lastNs = tape.timeNs[tape.count - 1]!;
  const wanted = naiveOutcomes(historyOf(tape), lastNs, horizon);
  expect(wanted.length).toBeGreaterThan(100);
  expect(rows.map(({ timeNs, values }) => [timeNs, ...values])).toEqual(
    wanted.map(({ timeNs, price, size, sign, mid, midAfter }) =>
      [
        timeNs,
        price,
        size,
        sign,
        mid,
        2 * sign * (price - mid),
        2 * sign * (price - midAfter),
        2 * sign * (midAfter - mid),
      ].map((value) => value + 0),
    ),
  );
  for (const { timeNs, values, emittedNs } of rows) {
    expect(emittedNs).toBe(timeNs + horizon);
    const [effective, realised, impact] = values.slice(4) as [number, number, number];
    if (Number.isNaN(realised)) continue;
    expect(realised + impact).toBe(effective);
    expect(Number.isInteger(effective) && Number.isInteger(realised)).toBe(true);
  }
  expect(rows.some(({ values }) => Number.isNaN(values[5]))).toBe(true);
});

test.each(["trades", "volume"] as const)(
  "the parts of the spread weighted by %s are the means over the window",
  (weight) => {
    const [horizon, window] = [ms(100), seconds(3)];
    const numbers = expectNaive(
      spreadParts({ horizon, window, weight }),
      (moments, timeNs) => {
        const since = Math.max(timeNs - window, -Infinity);
        const gapNs = lastGapNs(moments);
        const outcomes = naiveOutcomes(moments, timeNs, horizon).filter(
          ({ dueNs, midAfter }) => dueNs > since && dueNs > gapNs && !Number.isNaN(midAfter),
        );
        const weights = outcomes.map(({ size }) => (weight === "volume" ? size : 1));
        const mean = (value: (outcome: NaiveOutcome) => number): number =>
          sumOf(outcomes.map((outcome, at) => weights[at]! * value(outcome))) / sumOf(weights);
        return [
          mean(({ sign, price, mid }) => 2 * sign * (price - mid)),
          mean(({ sign, price, midAfter }) => 2 * sign * (price - midAfter)),
          mean(({ sign, mid, midAfter }) => 2 * sign * (midAfter - mid)),
        ];
      },
      tape,
      { stride: 29 },
    );
    expect(numbers).toBeGreaterThan(100);
  },
);

test("the impact curve has the mean move of each class of sizes", () => {
  const [horizon, window, sizes] = [ms(100), seconds(5), [2, 6, 15]];
  const numbers = expectNaive(
    impactCurve({ horizon, window, sizes }),
    (moments, timeNs) =>
      sizes.map((from, place) => {
        const some = naiveOutcomes(moments, timeNs, horizon).filter(
          ({ dueNs, size, midAfter }) =>
            dueNs > timeNs - window &&
            dueNs > lastGapNs(moments) &&
            !Number.isNaN(midAfter) &&
            size >= from &&
            size < (sizes[place + 1] ?? Infinity),
        );
        return meanOf(some.map(({ sign, mid, midAfter }) => sign * (midAfter - mid)));
      }),
    tape,
    { stride: 57 },
  );
  expect(numbers).toBeGreaterThan(40);
});

test("the response has for each lag the mean move with a trade's sign, and the product of signs", () => {
  const [lags, window] = [[1, 3, 10], 25];
  const numbers = expectNaive(
    response({ lags, trades: window }),
    (moments) => {
      const trades = tradesSinceGap(moments);
      const mids = trades.map(({ timeNs }) => twiceMidBefore(moments, timeNs) / 2);
      const pairsOf = (lag: number): [number, number][] =>
        trades.flatMap((_, at) =>
          at >= lag && at >= trades.length - window ? [[at - lag, at] as [number, number]] : [],
        );
      const responses = lags.map((lag) =>
        meanOf(
          pairsOf(lag)
            .filter(([from, to]) => trades[from]!.sign !== 0 && !Number.isNaN(mids[from]! + mids[to]!))
            .map(([from, to]) => trades[from]!.sign * (mids[to]! - mids[from]!)),
        ),
      );
      const correlations = lags.map((lag) =>
        meanOf(
          pairsOf(lag)
            .map(([from, to]) => trades[from]!.sign * trades[to]!.sign)
            .filter((product) => product !== 0),
        ),
      );
      return [...responses, ...correlations].map((value) => value + 0);
    },
    tape,
    { stride: 29 },
  );
  expect(numbers).toBeGreaterThan(150);
});

test("a propagator is found again from the response of long sequences of signs that follow it", () => {
  const lags = 6;
  const kernel = [2, -0.7, -0.3, 0, -0.1, 0];
  // Signs that stay with three chances in four: C(l) = 0.5^l, and S(l) = sum of K(j) C(|l - j|) is the response of one step.
  const correlation = (lag: number): number => Math.pow(0.5, Math.abs(lag));
  const steps = kernel.map((_, lag) => sumOf(kernel.map((value, at) => value * correlation(lag - at))));
  const responses = steps.map((_, lag) => sumOf(steps.slice(0, lag + 1)));
  const propagator = propagatorOf(responses, [1, 2, 3, 4, 5].map(correlation));
  for (let lag = 0; lag < lags; lag++) expect(propagator[lag]).toBeCloseTo(sumOf(kernel.slice(0, lag + 1)), 13);
  expect([...propagatorOf([3, 5], [0])]).toEqual([3, 5]);
  expect(() => propagatorOf([1, 2], [])).toThrow("propagator.correlations");
  expect(() => propagatorOf([1, 2], [-1])).toThrow("propagator.correlations");
});

test("settings that make no sense are named", () => {
  expect(() => vpin({ bucket: 0 })).toThrow("vpin.bucket");
  expect(() => vpin({ bucket: 1, classification: "bulk", changes: 1 })).toThrow("vpin.changes");
  expect(() => kyleLambda({ step: 1, count: 2 })).toThrow("kyle_lambda.count");
  expect(() => roll({ pairs: 1 })).toThrow("roll.pairs");
  expect(() => corwinSchultz({ step: 1, count: 1, negative: "no" as "keep" })).toThrow("corwin_schultz.negative");
  expect(() => tradeCosts({ horizon: 0 })).toThrow("trade_costs.horizon");
  expect(() => impactCurve({ horizon: 1, window: 1, sizes: [3, 3] })).toThrow("impact_curve.sizes");
  expect(() => response({ lags: [2, 1], trades: 5 })).toThrow("response.lags");
});

function put(
  events: EventBatch,
  kind: EventKind,
  side: number,
  price: number,
  size: number,
  timeNs: number,
  flags: number = EventFlag.last,
): void {
  const row = events.count++;
  events.kind[row] = kind;
  events.side[row] = side;
  events.price[row] = price;
  events.size[row] = size;
  events.timeNs[row] = timeNs;
  events.flags[row] = flags;
}

/** Trades a second apart: price, side, lots. */
function tradesAt(trades: readonly (readonly [number, number, number])[]): EventBatch {
  const events = makeEventBatch(trades.length);
  trades.forEach(([price, side, size], index) => put(events, EventKind.trade, side, price, size, (index + 1) * 1e9));
  return events;
}
