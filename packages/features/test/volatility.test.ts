/** Volatility against naive second implementations, and against values worked out by hand. */
import { describe, expect, test } from "vitest";
import { log as exactLog } from "@stoa/base/exact";
import { appendEvent, blankEvent, EventFlag, EventKind, makeEventBatch, type EventBatch } from "../src/event.ts";
import { every, minutes, ms, seconds } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import type { Feature } from "../src/graph/operator.ts";
import { realisedKernel, signature, slowScale, twoScaleVariance } from "../src/volatility/noise.ts";
import { garmanKlassVariance, parkinsonVariance, rangeVariance } from "../src/volatility/range.ts";
import { bipowerVariation, realisedVariance, semivariance } from "../src/volatility/realised.ts";
import type { WindowSettings } from "../src/volatility/returns.ts";
import { expectNaive, type Moment } from "./support/history.ts";
import { originNs, randomOrders, testInstrument } from "./support/random-market.ts";

interface Price {
  readonly price: number;
  readonly timeNs: number;
}

const midOf = ({ usable, bids, asks }: Moment): number => (usable ? (bids[0]!.price + asks[0]!.price) / 2 : NaN);

/** Observed prices since the last gap, by each rule, from the moments alone. */
function pricesOf({ sampling, step = 0 }: WindowSettings, moments: readonly Moment[], timeNs: number): Price[] {
  const sinceGap = moments.slice(moments.findLastIndex(({ event }) => event.kind === EventKind.gap) + 1);
  if (sampling === "trade") {
    return sinceGap
      .filter(({ event }) => event.kind === EventKind.trade)
      .map(({ event }) => ({ price: event.price, timeNs: event.timeNs }));
  }
  const settled = sinceGap.filter((moment) => moment.settled);
  if (sampling === "mid") {
    const prices: Price[] = [];
    for (const moment of settled) {
      const price = midOf(moment);
      if (price > 0 && price !== prices.at(-1)?.price) prices.push({ price, timeNs: moment.timeNs });
    }
    return prices;
  }
  const prices: Price[] = [];
  const phase = Number(originNs % BigInt(step));
  const gapNs = moments.findLast(({ event }) => event.kind === EventKind.gap)?.timeNs ?? -Infinity;
  const all = moments.filter((moment) => moment.settled);
  const first = all[0]?.timeNs ?? Infinity;
  for (let gridNs = Math.ceil((first + phase) / step) * step - phase; gridNs <= timeNs; gridNs += step) {
    if (gridNs <= first || gridNs <= gapNs) continue;
    const price = midOf(all.findLast((moment) => moment.timeNs < gridNs)!);
    if (price > 0) prices.push({ price, timeNs: gridNs });
  }
  return prices;
}

function returnsOf(settings: WindowSettings, moments: readonly Moment[], timeNs: number): number[] {
  const prices = pricesOf(settings, moments, timeNs);
  return prices
    .map(({ price, timeNs: at }, index) => ({ value: Math.log(price / (prices[index - 1]?.price ?? NaN)), at }))
    .filter(({ value, at }, index) => index > 0 && value === value && at > timeNs - settings.window)
    .map(({ value }) => value);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const orNull = (count: number, value: number): number => (count > 0 ? value : NaN);

const samplings: readonly WindowSettings[] = [
  { sampling: "trade", window: seconds(2) },
  { sampling: "mid", window: seconds(2) },
  { sampling: "grid", step: ms(50), window: seconds(2) },
];
const batch = randomOrders(31, 1_600);

describe.each(samplings)("returns of $sampling", (settings) => {
  const agree = (feature: Feature, naive: (returns: readonly number[]) => readonly number[]): void => {
    const numbers = expectNaive(feature, (moments, timeNs) => naive(returnsOf(settings, moments, timeNs)), batch, {
      stride: 6,
      tolerance: 1e-9,
    });
    expect(numbers).toBeGreaterThan(80);
  };

  test("have the sum of their squares, and that by sign and per year", () => {
    const squares = (returns: readonly number[]): number => orNull(returns.length, sum(returns.map((r) => r * r)));
    const perYear = (252 * 6.5 * 3_600e9) / settings.window;
    agree(realisedVariance({ ...settings, tradingDays: 252, tradingHours: 6.5 }), (returns) => [
      squares(returns),
      Math.sqrt(squares(returns) * perYear),
    ]);
    agree(semivariance(settings), (returns) => [
      orNull(returns.length, sum(returns.filter((r) => r > 0).map((r) => r * r))),
      orNull(returns.length, sum(returns.filter((r) => r < 0).map((r) => r * r))),
    ]);
  });

  test("have products of neighbours that give bipower variation and jumps", () => {
    for (const correction of ["none", "count"] as const) {
      agree(bipowerVariation({ ...settings, correction }), (returns) => {
        const n = returns.length;
        if (n < 2) return [NaN, NaN];
        const products = sum(returns.slice(1).map((r, index) => Math.abs(r) * Math.abs(returns[index]!)));
        const bipower = (Math.PI / 2) * products * (correction === "count" ? n / (n - 1) : 1);
        return [bipower, Math.max(0, sum(returns.map((r) => r * r)) - bipower)];
      });
    }
  });

  test("have a signature, two scales and a kernel", () => {
    const path = (returns: readonly number[]): number[] => [
      0,
      ...returns.map((_, end) => sum(returns.slice(0, end + 1))),
    ];
    const averaged = (returns: readonly number[], k: number): number => {
      const points = path(returns);
      return returns.length < k ? NaN : sum(points.slice(k).map((x, i) => (x - points[i]!) ** 2)) / k;
    };
    agree(signature({ ...settings, steps: [1, 3] }), (returns) => [averaged(returns, 1), averaged(returns, 3)]);
    agree(signature({ ...settings, steps: [2, 3], offsets: "first" }), (returns) =>
      [2, 3].map((k) => {
        const points = path(returns).filter((_, index) => index % k === 0);
        return points.length < 2 ? NaN : sum(points.slice(1).map((x, index) => (x - points[index]!) ** 2));
      }),
    );
    for (const adjusted of [true, false]) {
      agree(twoScaleVariance({ ...settings, c: 0.8, adjusted }), (returns) => {
        const n = returns.length;
        const k = Math.max(2, Math.round(0.8 * n ** (2 / 3)));
        const nbar = (n - k + 1) / k;
        const all = sum(returns.map((r) => r * r));
        const raw = averaged(returns, k) - (nbar / n) * all;
        const noise = n > 0 ? all / (2 * n) : NaN;
        return n > k ? [adjusted ? raw / (1 - nbar / n) : raw, noise, k] : [NaN, noise, NaN];
      });
    }
    agree(realisedKernel({ ...settings, bandwidth: 4 }), (returns) => {
      if (returns.length <= 4) return [NaN];
      const gamma = (lag: number): number => sum(returns.slice(lag).map((r, index) => r * returns[index]!));
      const weights = [1, 0.808, 0.424, 0.128, 0.016]; // Parzen at 0, 0.2, 0.4, 0.6, 0.8
      return [gamma(0) + 2 * sum([1, 2, 3, 4].map((lag) => weights[lag]! * gamma(lag)))];
    });
  });
});

test.each(["trade", "mid"] as const)("ranges of bars of %ss are the mean over the last bars", (price) => {
  const [bar, count] = [ms(400), 5];
  const feature = rangeVariance({ bar, count, price });
  const numbers = expectNaive(
    feature,
    (moments, timeNs) => {
      const phase = Number(originNs % BigInt(bar));
      const bars = new Map<number, number[]>();
      for (const moment of moments.slice(moments.findLastIndex(({ event }) => event.kind === EventKind.gap) + 1)) {
        const value =
          price === "mid"
            ? moment.settled
              ? midOf(moment)
              : NaN
            : moment.event.kind === EventKind.trade
              ? moment.event.price
              : NaN;
        if (!(value > 0)) continue;
        const index = Math.floor((moment.timeNs + phase) / bar);
        bars.set(index, [...(bars.get(index) ?? []), value]);
      }
      const whole = [...bars].filter(([index]) => (index + 1) * bar - phase <= timeNs).slice(-count);
      if (whole.length === 0) return [NaN, NaN, NaN, NaN];
      const each = whole.map(([, prices]) => {
        const [high, low] = [Math.max(...prices), Math.min(...prices)];
        const range = Math.log(high / low);
        return [
          range ** 2 / (4 * Math.log(2)),
          range ** 2 / 2 - (2 * Math.log(2) - 1) * Math.log(prices.at(-1)! / prices[0]!) ** 2,
        ];
      });
      const [parkinson, garmanKlass] = [0, 1].map((which) => sum(each.map((values) => values[which]!)) / whole.length);
      const year = (365 * 24 * 3_600e9) / bar;
      return [parkinson!, garmanKlass!, Math.sqrt(parkinson! * year), Math.sqrt(garmanKlass! * year)];
    },
    batch,
    { stride: 3, tolerance: 1e-9 },
  );
  expect(numbers).toBeGreaterThan(400);
});

describe("by hand", () => {
  test("three trades at 100, 110, 99: two returns, one up and one down", () => {
    const [up, down] = [exactLog(1.1), exactLog(99 / 110)];
    const window = minutes(1);
    const last = lastRow(
      [
        realisedVariance({ sampling: "trade", window }),
        bipowerVariation({ sampling: "trade", window }),
        semivariance({ sampling: "trade", window }),
      ],
      trades([100, 110, 99]),
    );
    expect(last[0]).toBe(up * up + down * down);
    expect(last[1]).toBeCloseTo(Math.sqrt((up * up + down * down) * 525_600), 12);
    expect(last[2]).toBeCloseTo((Math.PI / 2) * up * -down, 15);
    expect(last[3]).toBeCloseTo(up * up + down * down - (Math.PI / 2) * up * -down, 15);
    expect(last.slice(4)).toEqual([up * up, down * down]);
  });

  test("a trade that no book showed is not observed", () => {
    const [window, bar] = [minutes(1), ms(1000)];
    const list = [realisedVariance({ sampling: "trade", window }), rangeVariance({ bar, count: 9 })];
    const open = trades([100, 110, 110]);
    const hidden = trades([100, 150, 110, 110]);
    for (const [row, timeNs] of [1e9, 1.5e9, 2e9, 3e9].entries()) hidden.timeNs[row] = timeNs;
    expect(lastRow(list, hidden)).not.toEqual(lastRow(list, open));
    hidden.flags[1]! |= EventFlag.hidden;
    expect(lastRow(list, hidden)).toEqual(lastRow(list, open));
  });

  test("a bar that opens at its low and closes at its high", () => {
    const range = Math.log(1.25);
    expect(parkinsonVariance({ high: 125, low: 100 })).toBeCloseTo(range ** 2 / 2.772588722239781, 15);
    expect(garmanKlassVariance({ open: 100, high: 125, low: 100, close: 125 })).toBeCloseTo(
      range ** 2 * (0.5 - 0.38629436111989),
      14,
    );
    expect([slowScale(1000, 1), slowScale(8, 0.1)]).toEqual([100, 2]);
  });

  test("a price that only bounces has no variance behind the noise: two scales and the kernel say so where the plain sum does not", () => {
    const window = minutes(10);
    const bounce = trades(Array.from({ length: 400 }, (_, index) => 1000 + (index % 2)));
    const [plain, , twoScale, noise, , kernel] = lastRow(
      [
        realisedVariance({ sampling: "trade", window }),
        twoScaleVariance({ sampling: "trade", window }),
        realisedKernel({ sampling: "trade", window, bandwidth: 20 }),
      ],
      bounce,
    );
    const square = exactLog(1001 / 1000) ** 2;
    expect(plain).toBeCloseTo(399 * square, 12);
    expect(noise).toBeCloseTo(square / 2, 15);
    expect(Math.abs(twoScale!)).toBeLessThan(0.03 * plain!);
    expect(Math.abs(kernel!)).toBeLessThan(0.03 * plain!);
  });

  test("a hundred thousand returns in and out of a window leave nothing behind", () => {
    const window = ms(3);
    const quiet = trades(
      [
        ...Array.from({ length: 100_000 }, (_, index) => (index % 7 === 0 ? 1e6 : 1000 + (index % 5))),
        1000,
        1001,
        1000,
        1001,
        1000,
      ],
      1e6,
    );
    const [variance] = lastRow([realisedVariance({ sampling: "trade", window })], quiet);
    expect(variance).toBeCloseTo(3 * exactLog(1001 / 1000) ** 2, 18);
  });
});

test("what makes no sense is refused by name", () => {
  const window = seconds(1);
  expect(() => realisedVariance({ sampling: "grid", window })).toThrow("realised_variance.step is NaN");
  expect(() => realisedVariance({ sampling: "mid", step: 5, window })).toThrow("left out unless sampling is grid");
  expect(() => signature({ sampling: "mid", window, steps: [] })).toThrow("signature.steps");
  expect(() => twoScaleVariance({ sampling: "mid", window, c: 0 })).toThrow("two_scale_variance.c is 0");
  expect(() => rangeVariance({ bar: 0, count: 5 })).toThrow("range_variance.bar");
});

function trades(prices: readonly number[], stepNs = 1e9): EventBatch {
  const events = makeEventBatch(prices.length);
  for (const [index, price] of prices.entries()) {
    appendEvent(events, {
      ...blankEvent(),
      kind: EventKind.trade,
      flags: EventFlag.last,
      side: 1,
      price,
      size: 1,
      timeNs: stepNs * (index + 1),
    });
  }
  return events;
}

function lastRow(list: readonly Feature[], events: EventBatch): number[] {
  const graph = features({ instruments: [testInstrument()], originNs, clock: every.trade() }).add(...list);
  let last: number[] = [];
  graph.batch([events], { onRow: (row) => void (last = [...row.subarray(2)]) });
  return last;
}
