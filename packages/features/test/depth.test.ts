/** Features of the depth against naive second implementations, and of books small enough to be worked out by hand. */
import { describe, expect, test } from "vitest";
import {
  bandImbalance,
  depthImbalance,
  weightedImbalance,
  type ImbalanceWeight,
} from "../src/depth/depth-imbalance.ts";
import { depthWithin, type BandReference, type DepthUnit } from "../src/depth/band-depth.ts";
import { cost } from "../src/depth/cost.ts";
import { levels, type LevelUnit } from "../src/depth/levels.ts";
import { bestAge, levelOrders, orderSizes, queuePosition } from "../src/depth/orders.ts";
import { centreOfMass, entropy, gaps } from "../src/depth/shape.ts";
import { linearSlope, slope, type CurveOrigin } from "../src/depth/slope.ts";
import { weightedPrice } from "../src/depth/weighted-price.ts";
import { blankEvent, EventFlag, EventKind } from "../src/event.ts";
import { every } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import type { Feature } from "../src/graph/operator.ts";
import { FeatureRefusal } from "../src/refusal.ts";
import { expectNaive, historyOf, type Moment } from "./support/history.ts";
import { NaiveBook, type NaiveLevel } from "./support/naive-book.ts";
import { originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const batch = randomOrders(41, 3_000);
const instrument = testInstrument();
const tick = 0.25;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const lotsOf = (side: readonly NaiveLevel[]): number => sum(side.map(({ size }) => size));
const difference = (bid: number, ask: number): number => (bid - ask) / (bid + ask);

interface Sides {
  readonly bids: readonly NaiveLevel[];
  readonly asks: readonly NaiveLevel[];
  readonly m: number;
}

/** A feature of the book of the moment alone; null where it is not usable. */
function expectOfBook(feature: Feature, of: (book: Sides) => readonly number[], options = {}): void {
  const numbers = expectNaive(
    feature,
    (moments) => {
      const { usable, bids, asks } = moments.at(-1)!;
      if (!usable) return feature.columns.map(() => NaN);
      return of({ bids, asks, m: (bids[0]!.price + asks[0]!.price) / 2 });
    },
    batch,
    options,
  );
  expect(numbers, "values that are numbers").toBeGreaterThan(300);
}

test.each(["steps", "venue"] as LevelUnit[])("levels are the first prices and sizes, in %s", (unit) => {
  const [price, size] = unit === "steps" ? [1, 1] : [tick, 1];
  expectOfBook(
    levels({ count: 7, unit }),
    ({ bids, asks }) =>
      Array.from({ length: 7 }, (_, level) =>
        [bids[level], asks[level]].flatMap((at) =>
          at === undefined ? [NaN, NaN] : [at.price * price, at.size * size],
        ),
      ).flat(),
    { stride: 5 },
  );
});

test.each([1, 3, 10])("the imbalance of %i levels compares their lots", (count) => {
  expectOfBook(depthImbalance({ levels: count }), ({ bids, asks }) => [
    difference(lotsOf(bids.slice(0, count)), lotsOf(asks.slice(0, count))),
  ]);
});

test.each(["level", "distance"] as ImbalanceWeight[])("weights of the imbalance fall with the %s", (weight) => {
  const decay = 0.3;
  expectOfBook(
    weightedImbalance({ levels: 8, decay, weight }),
    ({ bids, asks, m }) => {
      const [bid, ask] = [bids, asks].map((side) =>
        sum(
          side.slice(0, 8).map(({ price, size }, index) => {
            const distance = weight === "level" ? index : Math.abs(price - m);
            return size * Math.exp(-decay * distance);
          }),
        ),
      );
      return [difference(bid!, ask!)];
    },
    { tolerance: 1e-12 },
  );
});

test("weights by distance are the same formula far from the mid, where no table reaches", () => {
  const [near, far] = [900, 700];
  const values = valuesOf(
    [
      [1, near, 3],
      [1, far, 4000],
      [-1, 1900, 5],
    ],
    weightedImbalance({ levels: 2, decay: 0.01, weight: "distance" }),
  );
  const bid = 3 * Math.exp(-5) + 4000 * Math.exp(-7);
  expect(values[0]).toBeCloseTo(difference(bid, 5 * Math.exp(-5)), 14);
});

const bandCases: readonly (readonly [BandReference, DepthUnit, number])[] = [
  ["mid", "lots", 40],
  ["mid", "quote", 100],
  ["best", "lots", 60],
  ["best", "quote", 60],
];

test.each(bandCases)("depth within basis points of the %s in %s", (reference, unit, bps) => {
  const inUnit = (side: readonly NaiveLevel[]): number =>
    unit === "lots" ? lotsOf(side) : sum(side.map(({ price, size }) => price * size)) * tick * instrument.multiplier;
  expectOfBook(depthWithin({ bps, reference, unit }), ({ bids, asks, m }) => {
    const below = (reference === "mid" ? m : bids[0]!.price) * (1 - bps * 1e-4);
    const above = (reference === "mid" ? m : asks[0]!.price) * (1 + bps * 1e-4);
    return [inUnit(bids.filter(({ price }) => price >= below)), inUnit(asks.filter(({ price }) => price <= above))];
  });
});

test("the imbalance within basis points compares that depth, and is null where there is none (FEAT-020)", () => {
  expectOfBook(bandImbalance({ bps: 15 }), ({ bids, asks, m }) => {
    const bid = lotsOf(bids.filter(({ price }) => price >= m * (1 - 15e-4)));
    const ask = lotsOf(asks.filter(({ price }) => price <= m * (1 + 15e-4)));
    return [difference(bid, ask)];
  });
});

test.each([
  [1, 5],
  [2, 4],
])("the weighted price of levels %i to %i is the mean price of their lots", (from, to) => {
  expectOfBook(
    weightedPrice({ from, to }),
    ({ bids, asks }) => {
      const chosen = [...bids.slice(from - 1, to), ...asks.slice(from - 1, to)];
      return [(tick * sum(chosen.map(({ price, size }) => price * size))) / lotsOf(chosen)];
    },
    { tolerance: 1e-14 },
  );
});

test("the cost of a size is what walking the book, lot by lot, pays beyond the mid (FEAT-021)", () => {
  const size = 60;
  expectOfBook(
    cost({ size }),
    ({ bids, asks, m }) => {
      const [sold, bought] = [bids, asks].map((side) => {
        const lots = side.flatMap((level) => Array<number>(level.size).fill(level.price)).slice(0, size);
        return lots.length < size ? NaN : sum(lots) / size;
      }) as [number, number];
      return [(1e4 * (bought - m)) / m, (1e4 * (m - sold)) / m, (1e4 * (bought - sold)) / m];
    },
    { stride: 4, tolerance: 1e-12 },
  );
});

test("the slope is the formula of Naes and Skjeltorp with the logarithm of the lots so far", () => {
  const count = 5;
  const ofSide = (side: readonly NaiveLevel[], m: number): number => {
    if (side.length < count || side[0]!.size === 1) return NaN;
    const v = side.slice(0, count).map((_, level) => Math.log(lotsOf(side.slice(0, level + 1))));
    const p = side.map(({ price }) => price);
    const terms = v.slice(1).map((next, j) => (next / v[j]! - 1) / Math.abs(p[j + 1]! / p[j]! - 1));
    return (v[0]! / Math.abs(p[0]! / m - 1) + sum(terms)) / count;
  };
  expectOfBook(slope({ levels: count }), ({ bids, asks, m }) => [(ofSide(bids, m) + ofSide(asks, m)) / 2], {
    tolerance: 1e-9,
  });
});

/** Least squares by Gram and Schmidt instead of normal equations: another road to the same coefficients. */
function curveThrough(x: readonly number[], y: readonly number[]): [number, number] {
  const dot = (one: readonly number[], other: readonly number[]): number =>
    sum(one.map((value, i) => value * other[i]!));
  const square = x.map((value) => value * value);
  const along = dot(square, x) / dot(x, x);
  const rest = square.map((value, i) => value - along * x[i]!);
  const c2 = dot(rest, y) / dot(rest, rest);
  return [dot(x, y) / dot(x, x) - c2 * along, c2];
}

test.each(["best", "mid"] as CurveOrigin[])("slope and convexity are those of a curve from the %s", (origin) => {
  const count = 6;
  expectOfBook(
    linearSlope({ levels: count, origin }),
    ({ bids, asks, m }) =>
      [bids, asks].flatMap((side) => {
        if (side.length < count) return [NaN, NaN];
        const first = side.slice(0, count);
        const from = origin === "mid" ? m : first[0]!.price;
        return curveThrough(
          first.map(({ price }) => Math.abs(price - from)),
          first.map((_, level) => lotsOf(first.slice(0, level + 1))),
        );
      }),
    { tolerance: 1e-7 },
  );
});

test("gaps are between neighbours, and the empty share counts prices at which nothing rests", () => {
  const count = 6;
  expectOfBook(gaps({ levels: count }), ({ bids, asks }) =>
    [bids, asks].flatMap((side) => {
      if (side.length < count) return [NaN, NaN, NaN];
      const prices = side.slice(0, count).map(({ price }) => price);
      const widths = prices.slice(1).map((price, level) => Math.abs(price - prices[level]!));
      const all = Math.abs(prices.at(-1)! - prices[0]!) + 1;
      return [widths[0]!, Math.max(...widths), 1 - count / all];
    }),
  );
});

test("the centre of mass is the mean distance of the lots, and the entropy that of their shares", () => {
  expectOfBook(centreOfMass({ levels: 6 }), ({ bids, asks, m }) =>
    [bids, asks].map((side) => {
      const first = side.slice(0, 6);
      return sum(first.map(({ price, size }) => size * Math.abs(price - m))) / lotsOf(first);
    }),
  );
  expectOfBook(
    entropy({ levels: 6 }),
    ({ bids, asks }) =>
      [bids, asks].map((side) => {
        const first = side.slice(0, 6);
        const shares = first.map(({ size }) => size / lotsOf(first));
        return sum(shares.map((share) => -share * Math.log(share)));
      }),
    { tolerance: 1e-9 },
  );
});

test("orders are counted at each level", () => {
  expectOfBook(levelOrders({ levels: 4 }), ({ bids, asks }) =>
    [0, 1, 2, 3].flatMap((level) => [bids[level]?.orders ?? NaN, asks[level]?.orders ?? NaN]),
  );
});

test("sizes of orders: mean, greatest and Herfindahl index", () => {
  const sizesAfter = (moments: readonly Moment[]): Map<number, number> => {
    const book = new NaiveBook();
    for (const { event } of moments) book.apply(event);
    return new Map(book.orders.map(({ id, size }) => [id, size]));
  };
  const numbers = expectNaive(
    orderSizes({ levels: 3 }),
    (moments) => {
      const { usable, bids, asks } = moments.at(-1)!;
      if (!usable) return [NaN, NaN, NaN, NaN, NaN, NaN];
      const sizes = sizesAfter(moments);
      return [bids, asks].flatMap((side) => {
        const all = side.slice(0, 3).flatMap(({ ids }) => ids.map((id) => sizes.get(id)!));
        return [sum(all) / all.length, Math.max(...all), sum(all.map((s) => s * s)) / sum(all) / sum(all)];
      });
    },
    batch,
    { stride: 40, tolerance: 1e-14 },
  );
  expect(numbers).toBeGreaterThan(100);
});

test("the place in the queue of every order that lives long enough, and the age of the first at the best", () => {
  const placedNs = new Map<number, number>();
  const before = new Map<number, { price: number; size: number }>();
  const book = new NaiveBook();
  const ids = [7, 25, 60];
  const graph = features({ instruments: [instrument], originNs, clock: every.book() }).add(
    bestAge(),
    ...ids.map((order) => queuePosition({ order })),
  );
  const stream = graph.stream();
  let [found, aged] = [0, 0];
  for (const { event, bids, asks, settled, usable, timeNs } of historyOf(batch)) {
    stream.push(event);
    const known = before.get(event.id);
    const moved = known !== undefined && (event.price !== known.price || event.size > known.size);
    if (event.kind === EventKind.add || (event.kind === EventKind.modify && moved))
      placedNs.set(event.id, event.timeNs);
    book.apply(event);
    before.clear();
    for (const order of book.orders) before.set(order.id, { price: order.price, size: order.size });
    if (!settled) continue;
    const ages = [bids, asks].map((side) => (usable ? (timeNs - placedNs.get(side[0]!.ids[0]!)!) / 1e9 : NaN));
    expect([...stream.row.subarray(2, 4)]).toEqual(ages);
    if (usable) aged++;
    for (const [index, id] of ids.entries()) {
      const side = [bids, asks].find((levelsOfSide) => levelsOfSide.some((level) => level.ids.includes(id)));
      const level = side?.find((one) => one.ids.includes(id));
      const ahead = level?.ids.slice(0, level.ids.indexOf(id));
      const wanted =
        side === undefined || level === undefined || ahead === undefined
          ? [NaN, NaN, NaN]
          : [sum(ahead.map((other) => before.get(other)!.size)), ahead.length, Math.abs(level.price - side[0]!.price)];
      expect([...stream.row.subarray(4 + 3 * index, 7 + 3 * index)]).toEqual(wanted);
      if (level !== undefined) found++;
    }
  }
  expect(found).toBeGreaterThan(50);
  expect(aged).toBeGreaterThan(500);
});

/** The values of features for a book of levels (L2): side, price in ticks, lots. */
function valuesOf(book: readonly (readonly [1 | -1, number, number])[], ...wanted: Feature[]): number[] {
  const stream = features({ instruments: [instrument], originNs, clock: every.book() })
    .add(...wanted)
    .stream();
  for (const [index, [side, price, size]] of book.entries()) {
    const flags = index === book.length - 1 ? EventFlag.last : 0;
    stream.push({ ...blankEvent(), kind: EventKind.level, side, price, size, flags, timeNs: 1 });
  }
  return [...stream.row.subarray(2)];
}

describe("a book worked out by hand: 4 x 99, 6 x 98, 10 x 95 bid, 5 x 101, 15 x 103 offered", () => {
  const book = [
    [1, 99, 4],
    [1, 98, 6],
    [1, 95, 10],
    [-1, 101, 5],
    [-1, 103, 15],
  ] as const;

  test("imbalances of one, two and three levels", () => {
    const values = valuesOf(book, ...[1, 2, 3].map((count) => depthImbalance({ levels: count })));
    expect(values).toEqual([-1 / 9, -10 / 30, 0]);
  });

  test("buying 10 costs 5 x 101 and 5 x 103, 200 bps; selling 10 gets 4 x 99 and 6 x 98, 160 bps; 21 are not there (FEAT-025)", () => {
    expect(valuesOf(book, cost({ size: 10 }))).toEqual([200, expect.closeTo(160, 10), expect.closeTo(360, 10)]);
    expect(valuesOf(book, cost({ size: 21 }))).toEqual([NaN, NaN, NaN]);
  });

  test("depth within 2 percent of the mid is 4 + 6 and 5; of the own best 4 + 6 and 5 + 15", () => {
    const ofMid = depthWithin({ bps: 200, reference: "mid", unit: "lots" });
    const ofBest = depthWithin({ bps: 200, reference: "best", unit: "lots" });
    expect(valuesOf(book, ofMid, ofBest)).toEqual([10, 5, 10, 20]);
  });

  test("gaps, centre of mass and weighted price", () => {
    expect(valuesOf(book, gaps({ levels: 2 }))).toEqual([1, 1, 0, 2, 2, 1 - 2 / 3]);
    expect(valuesOf(book, gaps({ levels: 3 }))).toEqual([1, 3, 1 - 3 / 5, NaN, NaN, NaN]);
    expect(valuesOf(book, centreOfMass({ levels: 3 }))).toEqual([(4 + 12 + 50) / 20, (5 + 45) / 20]);
    expect(valuesOf(book, weightedPrice({ from: 2, to: 3, unit: "ticks" }))).toEqual([(588 + 950 + 1545) / 31]);
  });

  test("an even spread over two levels has an entropy of ln 2, and L2 knows no orders", () => {
    const even = [
      [1, 9, 3],
      [1, 8, 3],
      [-1, 10, 7],
    ] as const;
    expect(valuesOf(even, entropy({ levels: 2 }))).toEqual([expect.closeTo(Math.LN2, 15), 0]);
    const large = even.map(([side, price]) => [side, price, 20_000] as const);
    expect(valuesOf(large, entropy({ levels: 2 }))).toEqual([expect.closeTo(Math.LN2, 15), 0]);
    expect(valuesOf(even, orderSizes({ levels: 2 }), levelOrders({ levels: 1 }), bestAge())).toEqual(
      Array.from({ length: 10 }, () => NaN),
    );
  });

  test("a curve through a parabola finds its coefficients", () => {
    // Cumulative depth 2 x + 3 x^2 at distances 1, 2, 3 of the mid.
    const parabola = [1, 2, 3].map((x) => [1, 50 - x, 2 + 3 * (2 * x - 1)] as const);
    const asks = [1, 2, 3].map((x) => [-1, 50 + x, 2 + 3 * (2 * x - 1)] as const);
    const values = valuesOf([...parabola, ...asks], linearSlope({ levels: 3, origin: "mid" }));
    for (const [index, wanted] of [2, 3, 2, 3].entries()) expect(values[index]).toBeCloseTo(wanted, 10);
  });
});

test("parameters that make no sense are refused by name", () => {
  const wrong: readonly (readonly [string, () => unknown])[] = [
    ["levels.count", () => levels({ count: 0 })],
    ["imb_k.levels", () => depthImbalance({ levels: 1.5 })],
    ["imb_w.decay", () => weightedImbalance({ levels: 5, decay: 0, weight: "level" })],
    ["imb_w.weight", () => weightedImbalance({ levels: 5, decay: 1, weight: "odd" as ImbalanceWeight })],
    ["imb_bps.bps", () => bandImbalance({ bps: NaN })],
    ["depth_bps.reference", () => depthWithin({ bps: 1, reference: "last" as BandReference, unit: "lots" })],
    ["wprice.to", () => weightedPrice({ from: 3, to: 2 })],
    ["cost.size", () => cost({ size: 0.5 })],
    ["slope.levels", () => slope({ levels: -1 })],
    ["lin_slope.levels", () => linearSlope({ levels: 2, origin: "best" })],
    ["gaps.levels", () => gaps({ levels: 1 })],
    ["com.levels", () => centreOfMass({ levels: 0 })],
    ["entropy.levels", () => entropy({ levels: 0 })],
    ["level_orders.levels", () => levelOrders({ levels: 0 })],
    ["order_sizes.levels", () => orderSizes({ levels: 0 })],
    ["queue_position.order", () => queuePosition({ order: 1.5 })],
  ];
  for (const [argument, make] of wrong) {
    expect(make).toThrow(FeatureRefusal);
    expect(make).toThrow(argument);
  }
});

describe("a row that falls into the middle of an atomic change", () => {
  const event = { ...blankEvent(), kind: EventKind.add, size: 1 };
  const [bid, ask] = [
    { ...event, side: 1 as const, price: 100, id: 1 },
    { ...event, side: -1 as const, price: 102, id: 2, flags: EventFlag.last },
  ];
  const rows: Float64Array[] = [];
  const graph = features({ instruments: [instrument], originNs: 0n, clock: every.seconds(1) }).add(
    levels({ count: 1 }),
    depthWithin({ bps: 500, reference: "mid", unit: "lots" }),
    bandImbalance({ bps: 500 }),
    cost({ size: 1 }),
    levelOrders({ levels: 1 }),
    orderSizes({ levels: 1 }),
    queuePosition({ order: 1 }),
    bestAge(),
  );
  const stream = graph.stream({ onRow: (row) => void rows.push(row.slice(2)) });
  for (const one of [
    bid,
    ask,
    // The best bid is half replaced when the second second comes.
    { ...event, kind: EventKind.cancel, id: 1, timeNs: 1.9e9 },
    { ...event, side: 1 as const, price: 99, id: 3, timeNs: 2.1e9, flags: EventFlag.last },
    { ...blankEvent(), timeNs: 3.5e9 },
  ])
    stream.push(one);

  test("has the first levels as they were before, and nothing of the rest of the book", () => {
    const settled = (row: Float64Array): number[] => [...row.subarray(0, 4)];
    expect(rows.map(settled)).toEqual([
      [100, 1, 102, 1],
      [100, 1, 102, 1],
      [99, 1, 102, 1],
    ]);
    expect([...rows[1]!.subarray(4)].every(Number.isNaN)).toBe(true);
    // Only the order that is gone is not there.
    expect([...rows[2]!.subarray(4)].map(Number.isNaN).filter(Boolean).length).toBe(3);
    expect([...rows[0]!.subarray(4)].some(Number.isNaN)).toBe(false);
  });
});
