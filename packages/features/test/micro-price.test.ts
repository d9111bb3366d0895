/** The micro-price: cases worked out by hand, a naive fit with the series of the paper, and a market whose G* is known. */
import { describe, expect, test } from "vitest";
import { appendEvent, blankEvent, EventFlag, EventKind, makeEventBatch, type EventBatch } from "../src/event.ts";
import { every } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import { definitionKey } from "../src/graph/operator.ts";
import { solveOneMinus, spectralRadiusBound } from "../src/micro-price/matrix.ts";
import { fitMicroPrice, MicroPriceFit, type EdgeRule } from "../src/micro-price/fit.ts";
import { microPrice } from "../src/micro-price/micro-price.ts";
import { parseMicroPriceTable, printMicroPriceTable, type MicroPriceTable } from "../src/micro-price/table.ts";
import { solveMicroPrice, Transitions } from "../src/micro-price/transitions.ts";
import { FeatureRefusal } from "../src/refusal.ts";
import { expectNaive, historyOf } from "./support/history.ts";
import { makeRandom, originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const instrument = testInstrument();

interface Quote {
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}

/** Quotes as L2 events: each replaces both sides in one atomic change. */
function eventsOf(quotes: readonly Quote[]): EventBatch {
  const batch = makeEventBatch(4 * quotes.length);
  let before: Quote | undefined;
  for (const [index, quote] of quotes.entries()) {
    const changes: (readonly [1 | -1, number, number])[] = [];
    if (before !== undefined && before.bid !== quote.bid) changes.push([1, before.bid, 0]);
    if (before !== undefined && before.ask !== quote.ask) changes.push([-1, before.ask, 0]);
    changes.push([1, quote.bid, quote.bidSize], [-1, quote.ask, quote.askSize]);
    for (const [at, [side, price, size]] of changes.entries()) {
      const flags = at === changes.length - 1 ? EventFlag.last : 0;
      appendEvent(batch, { ...blankEvent(), kind: EventKind.level, side, price, size, flags, timeNs: index + 1 });
    }
    before = quote;
  }
  return batch;
}

describe("from counts", () => {
  test("two buckets, one spread: G* = r / (1 - (Q_same - Q_cross) - (T_same - T_cross)), by hand", () => {
    const transitions = new Transitions(2, 1);
    // From the high state: 4 stay, 2 fall, 3 move up by a tick and stay high, 1 moves down by half a tick to low. r = 2.5 / 10.
    const add = (next: number, halfTicks: number, count: number): void => {
      for (let time = 0; time < count; time++) {
        transitions.add(1, next, halfTicks);
        transitions.add(0, transitions.mirror(next), -halfTicks);
      }
    };
    add(1, 0, 4);
    add(0, 0, 2);
    add(1, 2, 3);
    add(0, -1, 1);
    const { adjustment, firstMove, spectralRadius } = solveMicroPrice(transitions);
    expect(firstMove[1]).toBeCloseTo(0.25 / (1 - 0.2), 14);
    expect(adjustment[1]).toBeCloseTo(0.25 / (1 - 0.2 - 0.2), 14);
    expect(adjustment[0]).toBe(-adjustment[1]!);
    expect(spectralRadius).toBeCloseTo(0.2 / 0.8, 12);
  });

  test("a sample whose mid never moves, whose moves repeat for ever, or that is not symmetric is refused", () => {
    const still = new Transitions(2, 1);
    for (const [state, next] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ] as const)
      still.add(state, next, 0);
    expect(() => solveMicroPrice(still)).toThrow(/stays without ever moving the mid/);

    const repeating = new Transitions(2, 1);
    repeating.add(1, 1, 1);
    repeating.add(0, 0, -1);
    expect(() => solveMicroPrice(repeating)).toThrow(/spectral radius of B is not below 1/);

    const rising = new Transitions(2, 1);
    rising.add(1, 0, 2);
    rising.add(0, 1, 1);
    expect(() => solveMicroPrice(rising)).toThrow(/G1 is not antisymmetric/);

    const uneven = new Transitions(4, 1);
    for (const [state, next, move] of [
      [3, 1, 1],
      [0, 0, -1],
      [1, 2, 0],
      [2, 1, 0],
      [1, 2, -1],
      [2, 1, 1],
    ] as const) {
      uneven.add(state, next, move);
    }
    expect(() => solveMicroPrice(uneven)).toThrow(/not the mirror of what follows its mirror/);
  });

  test("the bound on the spectral radius comes down to it", () => {
    expect(spectralRadiusBound(Float64Array.of(0.5, 0.25, 0.25, 0.5), 2)).toBeCloseTo(0.75, 12);
    // A Jordan block of 0.9 has norms above 1 for many powers, and a radius of 0.9 all the same.
    expect(spectralRadiusBound(Float64Array.of(0.9, 5, 0, 0.9), 2)).toBeLessThan(0.92);
    expect(spectralRadiusBound(Float64Array.of(0, 1, 1, 0), 2)).toBe(1);
    expect(spectralRadiusBound(Float64Array.of(1.2, 0, 0, 0.1), 2)).toBeGreaterThan(1.19);
  });

  test("the solver undoes what it solves, with rows in any order, and sees what cannot be solved", () => {
    const random = makeRandom(3);
    const size = 7;
    const matrix = Float64Array.from({ length: size * size }, () => 4 * random() - 2);
    // The second element of 1 - M must be 0 on the diagonal: only a pivot gets past it.
    matrix[0] = 1;
    const right = Float64Array.from({ length: 2 * size }, () => random());
    const solution = solveOneMinus(matrix, size, right)!;
    for (let row = 0; row < size; row++) {
      for (const column of [0, 1]) {
        let product = solution[2 * row + column]!;
        for (let at = 0; at < size; at++) product -= matrix[row * size + at]! * solution[2 * at + column]!;
        expect(product).toBeCloseTo(right[2 * row + column]!, 10);
      }
    }
    expect(solveOneMinus(Float64Array.of(1, 0, 0, 1), 2, Float64Array.of(1, 1))).toBeUndefined();
  });
});

/** The fit as the paper has it: dense matrices, and G* as the sum of very many terms. */
function naiveFit(
  batch: EventBatch,
  imbalances: number,
  spreads: number,
): { adjustments: number[][]; count: number; dropped: number } {
  const size = imbalances * spreads;
  const matrix = (): number[][] => Array.from({ length: size }, () => Array<number>(size).fill(0));
  const [Q, T] = [matrix(), matrix()];
  const moves = Array<number>(size).fill(0);
  const totals = Array<number>(size).fill(0);
  let count = 0;
  let dropped = 0;
  const settled = historyOf(batch).filter((moment) => moment.settled);
  const changed = settled.filter((moment, index) => {
    const key = ({ usable, bids, asks }: typeof moment): string =>
      usable ? [bids[0]!.price, bids[0]!.size, asks[0]!.price, asks[0]!.size].join() : "none";
    return index === 0 || key(moment) !== key(settled[index - 1]!);
  });
  const quotes = changed.map(({ usable, bids: [b], asks: [a] }) => {
    if (!usable) return undefined;
    const I = b!.size / (b!.size + a!.size);
    const spread = a!.price - b!.price;
    return { I: Math.floor(I * imbalances), spread, m: (a!.price + b!.price) / 2 };
  });
  for (const [index, quote] of quotes.entries()) {
    const next = quotes[index + 1];
    if (quote === undefined || next === undefined) continue;
    const dM = next.m - quote.m;
    if (quote.spread > spreads || next.spread > spreads || Math.abs(dM) > 1) {
      dropped++;
      continue;
    }
    count++;
    for (const mirrored of [false, true]) {
      const at = ({ I, spread }: { I: number; spread: number }): number =>
        (spread - 1) * imbalances + (mirrored ? imbalances - 1 - I : I);
      const [from, to] = [at(quote), at(next)];
      (dM === 0 ? Q : T)[from]![to]!++;
      moves[from]! += mirrored ? -dM : dM;
      totals[from]!++;
    }
  }
  const divided = (rows: number[][]): number[][] =>
    rows.map((row, i) => row.map((x) => (x === 0 ? 0 : x / totals[i]!)));
  const times = (rows: number[][], v: number[]): number[] =>
    rows.map((row) => row.reduce((s, x, i) => s + x * v[i]!, 0));
  const summed = (step: (v: number[]) => number[], first: number[]): number[] => {
    let [term, sum] = [first, first];
    for (let time = 0; time < 600; time++) {
      term = step(term);
      sum = sum.map((x, i) => x + term[i]!);
    }
    return sum;
  };
  const [q, t] = [divided(Q), divided(T)];
  const unmoved = (v: number[]): number[] => summed((term) => times(q, term), v);
  // Rounding feeds the even eigenvector of B, which must be taken out again and again.
  const odd = (v: number[]): number[] =>
    v.map((x, i) => (x - v[i - (i % imbalances) + imbalances - 1 - (i % imbalances)]!) / 2);
  const G1 = unmoved(moves.map((x, i) => (x === 0 ? 0 : x / totals[i]!)));
  let [term, sum] = [odd(G1), odd(G1)];
  for (let time = 0; time < 120; time++) {
    term = odd(unmoved(times(t, term)));
    sum = sum.map((x, i) => x + term[i]!);
  }
  const all = sum.map((x, i) => (totals[i] === 0 ? NaN : x));
  return {
    adjustments: Array.from({ length: spreads }, (_, s) => all.slice(s * imbalances, (s + 1) * imbalances)),
    count,
    dropped,
  };
}

test("a fit over a hostile market is the naive one, for even and odd counts of buckets", () => {
  const batch = randomOrders(61, 4_000);
  for (const [imbalances, spreads] of [
    [4, 2],
    [3, 4],
  ] as const) {
    const naive = naiveFit(batch, imbalances, spreads);
    const table = fitMicroPrice([batch], {
      instrument,
      imbalanceBuckets: imbalances,
      spreadBuckets: spreads,
      edges: "uniform",
    });
    expect(table.observationsCount).toBe(naive.count);
    expect(table.observationsCount).toBeGreaterThan(100);
    expect(table.droppedCount).toBe(naive.dropped);
    expect(table.droppedCount).toBeGreaterThan(20);
    for (const [spread, row] of table.adjustments.entries()) {
      for (const [bucket, value] of row.entries()) expect(value).toBeCloseTo(naive.adjustments[spread]![bucket]!, 9);
    }
  }
});

/**
 * A market of one-tick spreads and two states, high or low imbalance, whose chances are like those of the case by hand above: from a high
 * state it stays 4 of 10, falls 2, moves up a tick and stays high 3, moves down a tick and falls 1.
 */
function simulated(count: number): Quote[] {
  const random = makeRandom(12);
  const quotes: Quote[] = [];
  let [bid, high] = [1_000, true];
  for (let index = 0; index < count; index++) {
    // Sizes alternate within the state, so that every step is a quote of its own.
    const [large, small] = [30 + (index % 2), 10];
    quotes.push({ bid, ask: bid + 1, bidSize: high ? large : small, askSize: high ? small : large });
    const draw = random();
    const sign = high ? 1 : -1;
    if (draw >= 0.6 && draw < 0.9) bid += sign;
    if (draw >= 0.9) bid -= sign;
    if ((draw >= 0.4 && draw < 0.6) || draw >= 0.9) high = !high;
  }
  return quotes;
}

test.each(["uniform", "quantile"] as EdgeRule[])("the G* of a simulated market is found again (%s edges)", (edges) => {
  const settings = { instrument, imbalanceBuckets: 2, spreadBuckets: 1, edges };
  const table = fitMicroPrice([eventsOf(simulated(40_000))], settings);
  // r = 0.3 - 0.1 ticks, Q_same - Q_cross = 0.4 - 0.2, T_same - T_cross = 0.3 - 0.1; the error of the sample is about 0.01.
  const known = 0.2 / (1 - 0.2 - 0.2);
  expect(table.adjustments[0]![1]!).toBeGreaterThan(known - 0.03);
  expect(table.adjustments[0]![1]!).toBeLessThan(known + 0.03);
  expect(table.imbalanceEdges).toEqual([0.5]);
});

test("edges by quantile lie symmetric and hold about as many quotes each", () => {
  const random = makeRandom(4);
  const quotes = Array.from({ length: 3_000 }, (_, index) => ({
    bid: 1_000 + (index % 2),
    ask: 1_001 + (index % 2),
    bidSize: 1 + Math.floor(random() * random() * 400),
    askSize: 1 + Math.floor(random() * 400),
  }));
  const { imbalanceEdges } = fitMicroPrice([eventsOf(quotes)], {
    instrument,
    imbalanceBuckets: 5,
    spreadBuckets: 1,
    edges: "quantile",
  });
  const shares = quotes.flatMap(({ bidSize, askSize }) => [
    bidSize / (bidSize + askSize),
    askSize / (bidSize + askSize),
  ]);
  for (const [index, edge] of imbalanceEdges.entries()) {
    expect(edge + imbalanceEdges[imbalanceEdges.length - 1 - index]!).toBeCloseTo(1, 12);
    const below = shares.filter((share) => share < edge).length / shares.length;
    expect(Math.abs(below - (index + 1) / 5)).toBeLessThan(0.01);
  }
});

describe("the feature", () => {
  const batch = randomOrders(61, 4_000);
  const fitted = fitMicroPrice([batch], { instrument, imbalanceBuckets: 4, spreadBuckets: 2, edges: "uniform" });

  test("is the mid plus the cell of imbalance and spread, and null beyond the table", () => {
    for (const unit of ["ticks", "price"] as const) {
      const numbers = expectNaive(
        microPrice({ table: fitted, unit }),
        (moments) => {
          const { usable, bids, asks } = moments.at(-1)!;
          if (!usable) return [NaN, NaN];
          const [b, a] = [bids[0]!, asks[0]!];
          const share = b.size / (b.size + a.size);
          const cell = fitted.adjustments[a.price - b.price - 1]?.[Math.floor(4 * share)] ?? NaN;
          return [((a.price + b.price) / 2 + cell) * (unit === "price" ? 0.25 : 1), cell];
        },
        batch,
      );
      expect(numbers).toBeGreaterThan(300);
    }
  });

  test("is the same from the table as JSON, and has the hash of the table in its definition (FEAT-033)", () => {
    const again = parseMicroPriceTable(printMicroPriceTable(fitted));
    expect(again).toEqual(fitted);
    expect(definitionKey(microPrice({ table: again }))).toBe(definitionKey(microPrice({ table: fitted })));
    const other = { ...fitted, adjustments: fitted.adjustments.map((row) => row.map((value) => value + 1e-15)) };
    expect(definitionKey(microPrice({ table: other }))).not.toBe(definitionKey(microPrice({ table: fitted })));
    const graph = features({ instruments: [instrument], originNs, clock: every.book() }).add(
      microPrice({ table: fitted }),
    );
    expect(graph.columns[2]!.parameters["table"]).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a state that was never seen has no adjustment, and keeps none through JSON", () => {
    const table = fitMicroPrice([eventsOf(simulated(2_000))], {
      instrument,
      imbalanceBuckets: 8,
      spreadBuckets: 2,
      edges: "uniform",
    });
    expect(table.adjustments[0]!.filter((value) => Number.isNaN(value)).length).toBeGreaterThan(2);
    expect(table.adjustments[1]!.every((value) => Number.isNaN(value))).toBe(true);
    expect(parseMicroPriceTable(printMicroPriceTable(table))).toEqual(table);
  });
});

test("what is not a table, and settings that make no sense, are refused by name", () => {
  const table: MicroPriceTable = {
    instrument: "A",
    imbalanceEdges: [0.5],
    spreadBuckets: 1,
    adjustments: [[-0.1, 0.1]],
    observationsCount: 5,
    droppedCount: 0,
    spectralRadius: 0.5,
  };
  const text = printMicroPriceTable(table);
  expect(parseMicroPriceTable(text)).toEqual(table);
  const texts: readonly (readonly [string, RegExp])[] = [
    ["{", /JSON as the fitting tool writes it/],
    ["[]", /format/],
    [text.replace("stoa-micro-price", "other"), /micro\.table\.format/],
    [text.replace('"version":1', '"version":2'), /micro\.table\.version/],
    [text.replace("[0.5]", "[1.5]"), /micro\.table\.imbalanceEdges/],
    [text.replace("[0.5]", "[0.5,0.4]"), /micro\.table\.imbalanceEdges/],
    [text.replace("[0.5]", "[0.3,0.5]"), /micro\.table\.adjustments/],
    [text.replace('"spreadBuckets":1', '"spreadBuckets":2'), /micro\.table\.adjustments/],
    [text.replace("-0.1", '"x"'), /micro\.table\.adjustments/],
    [text.replace('"observationsCount":5', '"observationsCount":-5'), /observationsCount/],
  ];
  for (const [changed, reason] of texts) {
    expect(() => parseMicroPriceTable(changed)).toThrow(FeatureRefusal);
    expect(() => parseMicroPriceTable(changed)).toThrow(reason);
  }
  const settings = { instrument, imbalanceBuckets: 2, spreadBuckets: 1, edges: "uniform" } as const;
  const fits: readonly (readonly [string, () => unknown])[] = [
    ["imbalanceBuckets", () => new MicroPriceFit({ ...settings, imbalanceBuckets: 1 })],
    ["spreadBuckets", () => new MicroPriceFit({ ...settings, spreadBuckets: 0 })],
    ["moveTicksMax", () => new MicroPriceFit({ ...settings, moveTicksMax: -1 })],
    ["edges", () => new MicroPriceFit({ ...settings, edges: "odd" as EdgeRule })],
    ["some of them in succession", () => fitMicroPrice([], settings)],
    [
      "quantiles fall together",
      () => {
        const same = simulated(50).map((quote) => ({ ...quote, bidSize: 7, askSize: 7 }));
        return fitMicroPrice([eventsOf(same)], { ...settings, imbalanceBuckets: 5, edges: "quantile" });
      },
    ],
    ["antisymmetric", () => fitMicroPrice([eventsOf(simulated(2_000))], { ...settings, symmetrise: false })],
    ["unit", () => microPrice({ table, unit: "bps" as "ticks" })],
  ];
  for (const [reason, make] of fits) {
    expect(make).toThrow(FeatureRefusal);
    expect(make).toThrow(reason);
  }
});
