/** The term structure and the variance index: what was put into a chain comes out, flat where it is flat, null where nobody knows. */
import { expect, test } from "vitest";
import { EventKind } from "../src/event.ts";
import type { Feature } from "../src/graph/operator.ts";
import { constantMaturity, optionTerm, varianceIndex } from "../src/options/term-structure.ts";
import { optionAtTheMoney } from "../src/options/smile.ts";
import {
  dayNs,
  eventsOf,
  lastRow,
  optionGraph,
  optionInstruments,
  restlessChain,
  rowsOf,
  smiling,
  wholeChain,
  type OptionWorld,
} from "./support/option-market.ts";

const timeNs = 3_600e9;
const flat: OptionWorld = { unit: "coin", forward: () => 100, volatility: () => 0.6 };

test("a flat chain has its volatility at every maturity, no slope, and its variance forward", () => {
  const batch = eventsOf(wholeChain(flat, timeNs));
  for (const days of [7, 30, 60, 89])
    expect(lastRow(constantMaturity({ days }), "coin", batch)[0]).toBeCloseTo(0.6, 12);
  const [slope, variance, calendar] = lastRow(optionTerm({ near: 7, far: 30 }), "coin", batch) as [
    number,
    number,
    number,
  ];
  expect(slope).toBeCloseTo(0, 12);
  expect(variance).toBeCloseTo(0.36, 12);
  expect(calendar).toBe(0);
  // Seven days less an hour is the first expiry: six days are before it, ninety after the last.
  for (const days of [6, 90]) expect(lastRow(constantMaturity({ days }), "coin", batch)).toEqual([NaN]);
  expect(lastRow(optionTerm({ near: 6, far: 30 }), "coin", batch)).toEqual([NaN, NaN, NaN]);
});

test.each(["coin", "currency"] as const)(
  "total variance in %s is on the line between the expiries around, at every row (FEAT-061)",
  (unit) => {
    const batch = restlessChain(31, 2_500, unit);
    for (const money of ["delta-neutral", "forward"] as const) {
      const tenors = [1, 2, 3].map((tenor) => rowsOf(optionAtTheMoney({ tenor, money }), unit, batch));
      const at = (days: number) =>
        rowsOf(constantMaturity({ days, money }), unit, batch).map(({ values }) => values[0]!);
      const [near, far] = [at(20), at(45)];
      const term = rowsOf(optionTerm({ near: 20, far: 45, money }), unit, batch);
      let numbers = 0;
      for (const [row, { timeNs, values }] of term.entries()) {
        const points = [7, 30, 90]
          .map((days) => (days * dayNs - timeNs) / dayNs)
          .filter((days) => days > 0)
          .map((days, index) => ({ days, sigma: tenors[index]![row]!.values[0]! }))
          .filter(({ sigma }) => !Number.isNaN(sigma));
        const variance = (days: number): number => {
          const after = points.findIndex((point) => point.days >= days);
          if (after < 1) return NaN;
          const [one, two] = [points[after - 1]!, points[after]!];
          const [w1, w2] = [one, two].map(({ days, sigma }) => sigma * sigma * days) as [number, number];
          return (w1 * (two.days - days) + w2 * (days - one.days)) / (two.days - one.days);
        };
        const [w1, w2] = [variance(20), variance(45)];
        const wanted = [Math.sqrt(w2 / 45) - Math.sqrt(w1 / 20), (w2 - w1) / 25, w2 < w1 ? 1 : 0];
        expectClose(near[row]!, Math.sqrt(w1 / 20));
        expectClose(far[row]!, Math.sqrt(w2 / 45));
        if (Number.isNaN(w1 + w2)) expect(values).toEqual([NaN, NaN, NaN]);
        else for (const [column, value] of wanted.entries()) expect(values[column]).toBeCloseTo(value, 10);
        if (!Number.isNaN(w1 + w2)) numbers++;
      }
      expect(numbers).toBeGreaterThan(100);
    }
  },
);

test("a chain whose far variance is below the near one has a negative forward variance and says so", () => {
  const inverted: OptionWorld = { ...flat, volatility: (_, days) => (days === 7 ? 2 : 0.3) };
  const batch = eventsOf(wholeChain(inverted, timeNs));
  const [slope, variance, calendar] = lastRow(optionTerm({ near: 7, far: 30 }), "coin", batch) as [
    number,
    number,
    number,
  ];
  expect(slope).toBeLessThan(-1);
  expect(variance).toBeLessThan(0);
  expect(calendar).toBe(1);
});

function expectClose(got: number, wanted: number): void {
  if (Number.isNaN(wanted)) expect(got).toBeNaN();
  else expect(got).toBeCloseTo(wanted, 10);
}

/** The formula of the index, strike by strike, of one expiry with all quotes. */
function naiveTerm(world: OptionWorld, batchTimeNs: number, days: number, unit: "coin" | "currency"): number {
  const forward = world.forward(days);
  const told = wholeChain(world, batchTimeNs);
  const quotes = optionInstruments(unit)
    .map((instrument, index) => ({
      ...instrument.option!,
      days: Number(instrument.name.split("-")[1]),
      mids: told
        .filter((one) => one.instrument === index && one.kind === EventKind.level)
        .map(({ price }) => price! / 1e9),
    }))
    .filter((option) => option.days === days);
  const middle = (strike: number, type: string): number => {
    const [bid, ask] = quotes.find((one) => one.strike === strike && one.type === type)!.mids as [number, number];
    return bid <= 0 ? 0 : ((bid + ask) / 2) * (unit === "coin" ? forward : 1);
  };
  const strikes = [...new Set(quotes.map(({ strike }) => strike))].sort((a, b) => a - b);
  const k0 = strikes.filter((strike) => strike <= forward).at(-1)!;
  const price = (k: number): number =>
    k === k0 ? (middle(k, "put") + middle(k, "call")) / 2 : middle(k, k < k0 ? "put" : "call");
  const listed = strikes.filter((k) => price(k) > 0);
  const sum = listed
    .map((k, at) => {
      const [low, high] = [listed[at - 1], listed[at + 1]];
      const width = low === undefined ? high! - k : high === undefined ? k - low : (high - low) / 2;
      return (width / (k * k)) * price(k);
    })
    .reduce((one, other) => one + other, 0);
  return 2 * sum - (forward / k0 - 1) ** 2;
}

test.each(["coin", "currency"] as const)(
  "the variance index in %s is the formula, strike by strike (FEAT-061)",
  (unit) => {
    const world = smiling(unit);
    const [value] = lastRow(varianceIndex({ days: 60 }), unit, eventsOf(wholeChain(world, timeNs))) as [number];
    const [w30, w90] = [30, 90].map((days) => naiveTerm(world, timeNs, days, unit)) as [number, number];
    const [t30, t90] = [30 - 1 / 24, 90 - 1 / 24];
    const total = (w30 * (t90 - 60) + w90 * (60 - t30)) / 60;
    expect(value).toBeCloseTo(Math.sqrt((total * 365) / 60), 10);
    expect(value).toBeGreaterThan(0.5);
    expect(lastRow(varianceIndex({ days: 120 }), unit, eventsOf(wholeChain(world, timeNs)))).toEqual([NaN]);
  },
);

test("term structures go on after a restart with the same bits", () => {
  const batch = restlessChain(32, 1_500, "coin");
  for (const feature of [
    constantMaturity({ days: 20, volatility: "mid" }),
    optionTerm({ near: 20, far: 45 }),
    varianceIndex({ days: 30 }),
  ]) {
    expectSameAfterRestart(feature, batch, [400, 1_001]);
  }
});

function expectSameAfterRestart(feature: Feature, batch: ReturnType<typeof eventsOf>, cuts: readonly number[]): void {
  const graph = optionGraph("coin", feature);
  const whole = rowsOf(feature, "coin", batch);
  for (const cut of cuts) {
    const first = graph.stream();
    first.pushBatch(batch, 0, cut);
    const rows: number[][] = [];
    const offset = graph.columns.length - feature.columns.length;
    const second = graph.stream({ onRow: (row) => void rows.push([...row.subarray(offset)]) }, first.save());
    second.pushBatch(batch, cut);
    expect(rows.length).toBeGreaterThan(100);
    expect(rows).toEqual(whole.slice(-rows.length).map(({ values }) => values));
  }
}

test("settings of the term structure that make no sense are named", () => {
  expect(() => constantMaturity({ days: 0 })).toThrow("option_constant_maturity.days");
  expect(() => optionTerm({ near: 30, far: 30 })).toThrow("option_term.far");
  expect(() => optionTerm({ near: 7, far: 30, money: "spot" as "forward" })).toThrow("option_term.money");
  expect(() => varianceIndex({ days: NaN })).toThrow("option_variance_index.days");
});
