/** Flows of trades and quotes of options, and what open interest means, each a second time over plain lists. */
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind } from "../src/event.ts";
import { minutes } from "../src/graph/clock.ts";
import type { Feature } from "../src/graph/operator.ts";
import { deltaDepth } from "../src/options/delta-depth.ts";
import { gammaExposure, maxPain, putCallInterest } from "../src/options/exposure.ts";
import { optionFlow, optionOrderFlow, putCallVolume } from "../src/options/flow.ts";
import { eventList, naiveChain, naiveExpiry, naiveOption, type NaiveOption } from "./support/naive-chain.ts";
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
} from "./support/option-market.ts";

const timeNs = 3_600e9;
const halfLife = minutes(60);

const deltaOf = ({ type, callDelta }: NaiveOption): number => (type === "call" ? callDelta : callDelta - 1);

describe.each(["coin", "currency"] as const)("options in %s", (unit) => {
  const batch = restlessChain(unit === "coin" ? 41 : 42, 1_500, unit);
  const events = eventList(batch);
  const instruments = optionInstruments(unit);
  /** Rows, thinned: the event count of each and the events since the last gap. */
  const thinned = (feature: Feature) => rowsOf(feature, unit, batch).filter((_, row) => row % 15 === 0);
  const lastGap = (count: number): number => events.slice(0, count).findLastIndex(({ kind }) => kind === EventKind.gap);

  test("vega and delta flows are the sums of the trades since the last gap, each forgotten by halves", () => {
    for (const weight of ["vega", "delta"] as const) {
      const greeks = events.map(({ kind, instrument }, row) => {
        if (kind !== EventKind.trade) return NaN;
        const mine = events.slice(0, row).filter((event) => event.instrument === instrument);
        const option = naiveOption(instruments[instrument]!, mine);
        return weight === "vega" ? option.vega / 100 : deltaOf(option);
      });
      let numbers = 0;
      for (const { eventsCount, timeNs, values } of thinned(optionFlow({ halfLife, weight }))) {
        let [wanted, size] = [0, 0];
        for (let row = lastGap(eventsCount) + 1; row < eventsCount; row++) {
          const { kind, side, size: lots, timeNs: atNs } = events[row]!;
          if (kind !== EventKind.trade || Number.isNaN(greeks[row]!)) continue;
          wanted += side * lots * 0.1 * greeks[row]! * 2 ** ((atNs - timeNs) / halfLife);
          size += lots;
        }
        expect(Math.abs(values[0]! - wanted)).toBeLessThan(1e-10 * (1 + size));
        if (wanted !== 0) numbers++;
      }
      expect(numbers).toBeGreaterThan(15);
    }
  });

  test("puts over calls traded in a window are counted exactly", () => {
    const window = minutes(600);
    let numbers = 0;
    for (const { eventsCount, timeNs, values } of thinned(putCallVolume({ window }))) {
      const trades = events
        .slice(lastGap(eventsCount) + 1, eventsCount)
        .filter((event) => event.kind === EventKind.trade && event.timeNs > timeNs - window);
      const [puts, calls] = ["put", "call"].map((type) =>
        trades
          .filter(({ instrument }) => instruments[instrument]!.option!.type === type)
          .reduce((sum, { size }) => sum + size, 0),
      ) as [number, number];
      expect(values[0]).toBe(calls === 0 ? NaN : puts / calls);
      if (calls > 0) numbers++;
    }
    expect(numbers).toBeGreaterThan(10);
  });

  test("the order flow of quotes is that of each option, times its vega once the quote is in", () => {
    const increments = events.map(({ instrument, kind, flags }, row) => {
      if (kind === EventKind.gap || (flags & EventFlag.last) === 0) return 0;
      const mine = events.slice(0, row + 1).filter((event) => event.instrument === instrument);
      // A trade may end the atomic change that a level has begun: a level of nothing stands in its place.
      const settled = mine.map((event) =>
        event.kind === EventKind.trade
          ? ({ ...event, kind: EventKind.level, side: 1, price: -1, size: 0 } as const)
          : event,
      );
      const now = naiveOption(instruments[instrument]!, settled);
      const before = naiveOption(instruments[instrument]!, settled.slice(0, -1));
      const usable = [now.bid, now.ask, before.bid, before.ask].every((price) => !Number.isNaN(price));
      if (!usable || Number.isNaN(now.vega)) return 0;
      const bid = (now.bid >= before.bid ? now.bidSize : 0) - (now.bid <= before.bid ? before.bidSize : 0);
      const ask = (now.ask <= before.ask ? now.askSize : 0) - (now.ask >= before.ask ? before.askSize : 0);
      return (bid - ask) * 0.1 * (now.vega / 100);
    });
    let numbers = 0;
    for (const { eventsCount, timeNs, values } of thinned(optionOrderFlow({ halfLife }))) {
      let wanted = 0;
      for (let row = lastGap(eventsCount) + 1; row < eventsCount; row++)
        wanted += increments[row]! * 2 ** ((events[row]!.timeNs - timeNs) / halfLife);
      expect(Math.abs(values[0]! - wanted)).toBeLessThan(1e-9);
      if (Math.abs(wanted) > 1e-6) numbers++;
    }
    expect(numbers).toBeGreaterThan(10);
  });

  test("open interest gives the ratio, the pain and the gamma of the slow chain", () => {
    const dealer = "calls-long-puts-short";
    const rows = [putCallInterest(), maxPain({ tenor: 2 }), gammaExposure({ dealer })].map(thinned);
    for (const [index, { eventsCount, timeNs }] of rows[0]!.entries()) {
      if (index % 13 !== 0) continue;
      const chain = naiveChain(instruments, events.slice(0, eventsCount)).filter(({ expiryNs }) => expiryNs > timeNs);
      const sum = (options: readonly NaiveOption[], of: (option: NaiveOption) => number): number =>
        options
          .map(of)
          .filter((value) => !Number.isNaN(value))
          .reduce((one, other) => one + other, 0);
      const open = (type: string): number =>
        sum(
          chain.filter((one) => one.type === type),
          (one) => one.openInterest,
        );
      if (open("call") === 0) expect(rows[0]![index]!.values[0]).toBeNaN();
      else expect(rows[0]![index]!.values[0]).toBeCloseTo(open("put") / open("call"), 12);
      const second = naiveExpiry(chain, 2, timeNs);
      const paid = second.map(({ strike: at }) =>
        sum(
          second,
          ({ openInterest, strike, type }) => openInterest * Math.max(0, type === "call" ? at - strike : strike - at),
        ),
      );
      const pain =
        sum(second, ({ openInterest }) => openInterest) === 0 ? NaN : second[paid.indexOf(Math.min(...paid))]!.strike;
      expect(rows[1]![index]!.values[0]).toBe(pain);
      const gex = sum(chain, ({ strike, forward, mark, openInterest, type, expiryNs }) => {
        const deviation = mark * Math.sqrt((expiryNs - timeNs) / dayNs / 365);
        const d1 = Math.log(forward / strike) / deviation + deviation / 2;
        const gamma = Math.exp((-d1 * d1) / 2) / Math.sqrt(2 * Math.PI) / (forward * deviation);
        return (type === "call" ? 1 : -1) * openInterest * gamma * forward * forward * 0.01;
      });
      expect(Math.abs(rows[2]![index]!.values[0]! - gex)).toBeLessThan(1e-9 * (1 + Math.abs(gex)));
    }
  });

  test("what is quoted by bucket of delta is that of the slow chain, and all of it is in some bucket", () => {
    let numbers = 0;
    for (const { eventsCount, timeNs, values } of thinned(deltaDepth({ tenor: 2 })).filter((_, row) => row % 8 === 0)) {
      const chain = naiveExpiry(naiveChain(instruments, events.slice(0, eventsCount)), 2, timeNs).filter(
        ({ bid, ask, callDelta }) => !Number.isNaN(bid + ask + callDelta),
      );
      const wanted = [
        [0, 10],
        [10, 25],
        [25, 40],
        [40, 60],
        [60, 101],
      ].flatMap(([from, to]) => {
        const bucket = chain.filter(
          (one) => Math.abs(deltaOf(one)) * 100 >= from! && Math.abs(deltaOf(one)) * 100 < to!,
        );
        const sum = (of: (option: NaiveOption) => number): number =>
          bucket.map(of).reduce((one, other) => one + other, 0);
        return [
          sum(({ bidSize }) => bidSize * 0.1),
          sum(({ bidSize, vega }) => bidSize * 0.1 * (vega / 100)),
          sum(({ askSize }) => askSize * 0.1),
          sum(({ askSize, vega }) => askSize * 0.1 * (vega / 100)),
        ];
      });
      for (const [column, value] of wanted.entries()) {
        expect(values[column]).toBeCloseTo(value, 9);
        if (value > 0) numbers++;
      }
      const bids = [0, 4, 8, 12, 16].map((column) => values[column]!).reduce((one, other) => one + other, 0);
      expect(bids).toBeCloseTo(
        chain.map(({ bidSize }) => bidSize * 0.1).reduce((one, other) => one + other, 0),
        9,
      );
    }
    expect(numbers).toBeGreaterThan(80);
  });

  test("all of them go on after a restart with the same bits", () => {
    const all = [
      optionFlow({ halfLife, weight: "vega" }),
      optionFlow({ halfLife, weight: "delta", volatility: "mid" }),
      putCallVolume({ window: minutes(600) }),
      optionOrderFlow({ halfLife }),
      deltaDepth({ tenor: 1 }),
      putCallInterest(),
      maxPain({ tenor: 1 }),
      gammaExposure({ dealer: "short", range: 4, step: 2 }),
    ];
    for (const feature of all) {
      const graph = optionGraph(unit, feature);
      const offset = graph.columns.length - feature.columns.length;
      const whole = rowsOf(feature, unit, batch);
      for (const cut of [500, 1_001]) {
        const first = graph.stream();
        first.pushBatch(batch, 0, cut);
        const rows: number[][] = [];
        const second = graph.stream({ onRow: (row) => void rows.push([...row.subarray(offset)]) }, first.save());
        second.pushBatch(batch, cut);
        expect(rows.length).toBeGreaterThan(100);
        expect(rows).toEqual(whole.slice(-rows.length).map(({ values }) => values));
      }
    }
  });
});

test("a dealer who is long has gamma, one who is short has as much of the other sign, and neither has a flip", () => {
  const batch = eventsOf(wholeChain(smiling("coin"), timeNs));
  const [long, short] = (["long", "short"] as const).map((dealer) => lastRow(gammaExposure({ dealer }), "coin", batch));
  expect(long![0]).toBeGreaterThan(0);
  expect(short![0]).toBe(-long![0]!);
  expect([long![1], short![1]]).toEqual([NaN, NaN]);
});

test("the flip is where the gamma of calls above and puts below is equal", () => {
  // One call at 110 and one put at 90, of the same volatility and interest: by symmetry of n(d1) the flip is where
  // ln(F / 110) / s + s / 2 = -(ln(F / 90) / s + s / 2), which is F = sqrt(110 * 90) exp(-s^2 / 2).
  const world = { unit: "coin", forward: () => 100, volatility: () => 0.8 } as const;
  const names = optionInstruments("coin").map(({ name }) => name);
  const kept = ["X-30-110-call", "X-30-90-put"].map((name) => names.indexOf(name));
  const told = wholeChain(world, timeNs).map((one) =>
    one.id === 4 ? { ...one, size: kept.includes(one.instrument) ? 7 : 0 } : one,
  );
  const variance = (0.64 * (30 - 1 / 24)) / 365;
  const [gex, flip] = lastRow(
    gammaExposure({ dealer: "calls-long-puts-short", range: 10, step: 0.0625 }),
    "coin",
    eventsOf(told),
  ) as [number, number];
  expect(gex).toBeGreaterThan(0);
  expect(flip).toBeCloseTo(Math.sqrt(110 * 90) * Math.exp(-variance / 2) - 100, 3);
});

test("settings of flows and exposures that make no sense are named, the dealer's sign first of all", () => {
  expect(() => optionFlow({ halfLife: 0, weight: "vega" })).toThrow("option_flow.halfLife");
  expect(() => optionFlow({ halfLife: 1, weight: "theta" as "vega" })).toThrow("option_flow.weight");
  expect(() => putCallVolume({ window: -1 })).toThrow("option_put_call.window");
  expect(() => optionOrderFlow({ halfLife: 0.5 })).toThrow("option_ofi.halfLife");
  expect(() => deltaDepth({ tenor: 1.5 })).toThrow("option_delta_depth.tenor");
  expect(() => maxPain({ tenor: 0 })).toThrow("option_max_pain.tenor");
  expect(() => gammaExposure({} as { dealer: "long" })).toThrow("option_gamma_exposure.dealer");
  expect(() => gammaExposure({ dealer: "long", range: 10, step: 3 })).toThrow("option_gamma_exposure.step");
});
