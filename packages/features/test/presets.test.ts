/** The attributes of Kercheval and Zhang against a naive second implementation written from their sets, and the files of FI-2010. */
import { describe, expect, test } from "vitest";
import { EventKind } from "../src/event.ts";
import { seconds } from "../src/graph/clock.ts";
import { parseFi2010 } from "../src/presets/fi2010-file.ts";
import { fi2010, kz2015, type MarketSide } from "../src/presets/kercheval-zhang.ts";
import { FeatureRefusal } from "../src/refusal.ts";
import { expectNaive, type Moment } from "./support/history.ts";
import type { NaiveLevel } from "./support/naive-book.ts";
import { randomOrders } from "./support/random-market.ts";

const n = 10;
const batch = randomOrders(71, 3_000);
const settings = {
  shortWindow: seconds(0.4),
  longWindow: seconds(3),
  step: seconds(0.25),
  marketSide: "taken",
} as const;

interface Arrival {
  readonly type: string;
  readonly timeNs: number;
}

/** Orders as they arrive: of a modified one, what leaves its place is cancelled and what takes a new one is a limit order. */
function arrivalsOf(moments: readonly Moment[], marketSide: MarketSide): Arrival[] {
  const found: Arrival[] = [];
  const live = new Map<number, { side: number; price: number; size: number }>();
  let known = false;
  for (const { event, timeNs, usable, settled } of moments) {
    const add = (type: string, side: number): void =>
      void found.push({ type: `${type}_${side > 0 ? "bid" : "ask"}`, timeNs });
    const order = live.get(event.id);
    if (event.kind === EventKind.clear) live.clear();
    if (event.kind === EventKind.gap) [found.length, known] = [0, false];
    if (event.kind === EventKind.trade && event.side !== 0)
      add("market", marketSide === "taken" ? -event.side : event.side);
    if (event.kind === EventKind.add) {
      add("limit", event.side);
      live.set(event.id, { side: event.side, price: event.price, size: event.size });
    }
    if (order !== undefined && event.kind === EventKind.cancel) add("cancel", order.side);
    if (order !== undefined && (event.kind === EventKind.cancel || event.kind === EventKind.execute)) {
      order.size -= event.size;
    }
    if (order !== undefined && event.kind === EventKind.modify) {
      const stays = event.price === order.price && event.size <= order.size;
      if (!stays || event.size < order.size) add("cancel", order.side);
      if (!stays) add("limit", order.side);
      [order.price, order.size] = [event.price, event.size];
    }
    if (order !== undefined && order.size <= 0) live.delete(event.id);
    if (settled && usable) known = true;
  }
  return known ? found : [];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const types = ["limit_ask", "limit_bid", "market_ask", "market_bid", "cancel_ask", "cancel_bid"];

/** All sets of one row; `eight` and `nine` are the types of which the last two sets tell. */
function setsOf(
  moments: readonly Moment[],
  timeNs: number,
  eight: readonly string[],
  nine: readonly string[],
  marketSide: MarketSide,
) {
  const level = (side: readonly NaiveLevel[], i: number): { P: number; V: number } => ({
    P: side[i]?.price ?? NaN,
    V: side[i]?.size ?? NaN,
  });
  const levels = Array.from({ length: n }, (_, i) => i);
  const now = moments.at(-1)!;
  const [ask, bid] = [now.asks, now.bids].map((side) => levels.map((i) => level(side, i))) as [
    { P: number; V: number }[],
    { P: number; V: number }[],
  ];
  const v1 = levels.flatMap((i) => [ask[i]!.P, ask[i]!.V, bid[i]!.P, bid[i]!.V]);
  const v2 = levels.flatMap((i) => [ask[i]!.P - bid[i]!.P, (ask[i]!.P + bid[i]!.P) / 2]);
  const gaps = (side: { P: number }[]): number[] => levels.slice(1).map((i) => Math.abs(side[i]!.P - side[i - 1]!.P));
  const v3 = [ask[9]!.P - ask[0]!.P, bid[0]!.P - bid[9]!.P, ...gaps(ask), ...gaps(bid)];
  const [pa, pb, va, vb] = [ask.map(({ P }) => P), bid.map(({ P }) => P), ask.map(({ V }) => V), bid.map(({ V }) => V)];
  const v4 = [pa, pb, va, vb].map((values) => sum(values!) / n);
  const v5 = [sum(levels.map((i) => pa![i]! - pb![i]!)), sum(levels.map((i) => va![i]! - vb![i]!))];
  const settled = moments.filter((moment) => moment.settled);
  const index = settled.findLastIndex((moment) => moment.timeNs <= timeNs - settings.step);
  const then = settled.slice(Math.max(index, 0)).every(({ usable }) => usable) ? settled[index] : undefined;
  const rate = (x: number, y: number): number => (x - y) * (1e9 / settings.step);
  const v6 = levels.flatMap((i) => {
    const [a, b] = [level(then?.asks ?? [], i), level(then?.bids ?? [], i)];
    return [rate(ask[i]!.P, a.P), rate(bid[i]!.P, b.P), rate(ask[i]!.V, a.V), rate(bid[i]!.V, b.V)];
  });
  const arrivals = arrivalsOf(moments, marketSide);
  const intensity = (type: string, untilNs: number, window: number): number =>
    arrivals.filter((one) => one.type === type && one.timeNs <= untilNs && one.timeNs > untilNs - window).length *
    (1e9 / window);
  const lambda = (type: string): number => intensity(type, timeNs, settings.shortWindow);
  const v7 = types.map(lambda);
  const v8 = eight.map((type) => Number(lambda(type) > intensity(type, timeNs, settings.longWindow)));
  const v9 = nine.map((type) => {
    const before = intensity(type, timeNs - settings.step, settings.shortWindow);
    return ((lambda(type) - before) * 1e9) / settings.step;
  });
  return [...v1, ...v2, ...v3, ...v4, ...v5, ...v6, ...v7, ...v8, ...v9];
}

describe("the sets of Kercheval and Zhang", () => {
  test("fi2010 has 144 columns, in groups of 40, 20, 20, 4, 2, 40, 6, 6 and 6 (FEAT-032)", () => {
    const { columns } = fi2010(settings);
    const sizes = [40, 20, 20, 4, 2, 40, 6, 6, 6];
    expect(columns.map(({ name }) => name.slice(0, 3))).toEqual(
      sizes.flatMap((size, set) => Array<string>(size).fill(`u${set + 1}_`)),
    );
    expect(new Set(columns.map(({ name }) => name)).size).toBe(144);
    expect([0, 40, 60, 80, 84, 86, 126, 132, 138].map((at) => columns[at]!.name)).toEqual([
      "u1_ask_price_1",
      "u2_spread_1",
      "u3_ask_range",
      "u4_ask_price_mean",
      "u5_price_difference",
      "u6_ask_price_rate_1",
      "u7_limit_ask",
      "u8_limit_ask",
      "u9_limit_ask",
    ]);
    expect(kz2015(settings).columns.length).toBe(140);
  });

  test("every column of fi2010 is what the sets say", () => {
    const numbers = expectNaive(
      fi2010(settings),
      (moments, timeNs) =>
        moments.at(-1)!.usable ? setsOf(moments, timeNs, types, types, "taken") : Array<number>(144).fill(NaN),
      batch,
      { stride: 23, tolerance: 1e-12 },
    );
    expect(numbers).toBeGreaterThan(5_000);
  });

  test("kz2015 has four indicators and four accelerations, and market orders by the side that was asked for", () => {
    const eight = ["limit_ask", "limit_bid", "market_ask", "market_bid"];
    const nine = ["market_ask", "limit_bid", "market_bid", "limit_ask"];
    const numbers = expectNaive(
      kz2015({ ...settings, marketSide: "sent" }),
      (moments, timeNs) =>
        moments.at(-1)!.usable ? setsOf(moments, timeNs, eight, nine, "sent") : Array<number>(140).fill(NaN),
      batch,
      { stride: 61, tolerance: 1e-12 },
    );
    expect(numbers).toBeGreaterThan(2_000);
  });

  test("time constants that make no sense are refused by name", () => {
    const wrong: readonly (readonly [string, () => unknown])[] = [
      ["fi2010.shortWindow", () => fi2010({ ...settings, shortWindow: 0 })],
      ["fi2010.longWindow", () => fi2010({ ...settings, longWindow: settings.shortWindow })],
      ["kz2015.step", () => kz2015({ ...settings, step: 0.5 })],
      ["kz2015.marketSide", () => kz2015({ ...settings, marketSide: "odd" as MarketSide })],
    ];
    for (const [argument, make] of wrong) {
      expect(make).toThrow(FeatureRefusal);
      expect(make).toThrow(argument);
    }
  });
});

describe("a file of FI-2010", () => {
  const value = (line: number, sample: number): number =>
    line < 144 ? line + sample / 8 - 70 : 1 + ((line + sample) % 3);
  const lines = (count: number, samples: number): string[] =>
    Array.from({ length: count }, (_, line) =>
      Array.from({ length: samples }, (__, sample) => `   ${value(line, sample).toExponential(7)}`).join(""),
    );

  test("is read by feature and horizon", () => {
    const file = parseFi2010([...lines(149, 12), "", ""]);
    expect(file.samplesCount).toBe(12);
    expect([file.features.length, file.labels.length]).toEqual([144, 5]);
    for (const line of [0, 1, 77, 143]) {
      expect([...file.features[line]!]).toEqual(Array.from({ length: 12 }, (_, sample) => value(line, sample)));
    }
    expect([...file.labels[4]!]).toEqual(Array.from({ length: 12 }, (_, sample) => value(148, sample)));
  });

  test("is refused in any other shape, with what the shape is", () => {
    const good = lines(149, 12);
    const changed = (line: number, change: (text: string) => string): string[] =>
      good.map((text, index) => (index === line ? change(text) : text));
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /lines is 0, but must be 149/],
      [good.slice(0, 148), /lines is 148, but must be 149/],
      [[...good, good[0]!], /lines is 150/],
      [lines(12, 149), /lines is 12, .* rows and columns exchanged/],
      [changed(5, (text) => text.replace(/\s+\S+$/, "")), /line 6 is 11, but must be as long as the first: 12 numbers/],
      [changed(7, (text) => text.replace("e", "x")), /line 8, number 1 is ".*", but must be a finite number/],
      [changed(9, (text) => `${text} NaN`), /line 10, number 13 is "NaN"/],
      [changed(145, (text) => text.replace(/\d\.0/, "4.0")), /line 146, number 1 is 4, but must be a label/],
      [changed(3, () => ""), /line 4 is "behind an empty line"/],
    ];
    for (const [text, reason] of wrong) {
      expect(() => parseFi2010(text)).toThrow(FeatureRefusal);
      expect(() => parseFi2010(text)).toThrow(reason);
    }
  });
});
