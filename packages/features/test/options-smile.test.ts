/** Smiles, parity and the chain: a chain that is made from known volatilities gives these back, and a slow second chain agrees. */
import { describe, expect, test } from "vitest";
import { normalDistribution } from "@stoa/base/exact";
import { EventKind } from "../src/event.ts";
import { features } from "../src/graph/graph.ts";
import { every } from "../src/graph/clock.ts";
import type { Feature } from "../src/graph/operator.ts";
import { optionChain, type OptionChain } from "../src/options/chain.ts";
import { optionParity, optionVolatilitySpread } from "../src/options/parity.ts";
import { optionAtTheMoney, optionSkew } from "../src/options/smile.ts";
import {
  eventList,
  naiveChain,
  naiveExpiry,
  naiveForward,
  naiveSmile,
  type NaiveOption,
} from "./support/naive-chain.ts";
import {
  eventsOf,
  lastRow,
  optionDays,
  optionGraph,
  optionInstruments,
  restlessChain,
  rowsOf,
  smiling,
  wholeChain,
} from "./support/option-market.ts";
import { originNs } from "./support/random-market.ts";

const timeNs = 3_600e9;

/** The operator behind a chain, out of a run. */
function chainAfter(unit: "coin" | "currency", batch: ReturnType<typeof eventsOf>): OptionChain {
  let chain: OptionChain | undefined;
  const spy: Feature = {
    id: "spy",
    version: 1,
    parameters: {},
    columns: [],
    scope: "all",
    make: (context) => ((chain = context.use(optionChain())), {}),
  };
  optionGraph(unit, spy).batch([batch], {});
  chain!.refresh();
  return chain!;
}

describe.each(["coin", "currency"] as const)("options in %s", (unit) => {
  const batch = restlessChain(unit === "coin" ? 5 : 6, 3_000, unit);
  const events = eventList(batch);
  const instruments = optionInstruments(unit);

  test("quotes made from volatilities give them back, and a delta that is N(d1) (FEAT-060)", () => {
    const world = smiling(unit);
    const { values, options } = chainAfter(unit, eventsOf(wholeChain(world, timeNs)));
    expect(options.length).toBe(66);
    let far = 0;
    for (const [place, { terms, expiryNs }] of options.entries()) {
      const days = expiryNs / 86_400e9;
      const truth = world.volatility(terms.strike, days);
      const years = (expiryNs - timeNs) / 86_400e9 / 365;
      const d1 =
        Math.log(world.forward(days) / terms.strike) / (truth * Math.sqrt(years)) + (truth * Math.sqrt(years)) / 2;
      expect(values.callDelta[place]).toBeCloseTo(normalDistribution(d1), 12);
      // The price is rounded to 1e-9: where vega is tiny that moves the volatility.
      if (values.vega[place]! < 0.5) far++;
      else {
        expect(values.bidVolatility[place]).toBeCloseTo(truth - 0.01, 6);
        expect(values.askVolatility[place]).toBeCloseTo(truth + 0.01, 6);
      }
    }
    expect(far).toBeLessThan(25);
  });

  test("say after thousands of changes what a chain says that is made anew from all of them (FEAT-060)", () => {
    for (const count of [900, 1_700, 3_000]) {
      const { values, places } = chainAfter(unit, { ...batch, count });
      const naive = naiveChain(instruments, events.slice(0, count));
      let numbers = 0;
      for (const [index, option] of naive.entries()) {
        const place = places[index]!;
        expect(values.bid[place]).toBe(option.bid);
        expect(values.ask[place]).toBe(option.ask);
        expect(values.openInterest[place]).toBe(option.openInterest);
        expect(values.volatility[place]).toBe(option.mark);
        for (const name of ["bidVolatility", "askVolatility", "callDelta", "gamma", "vega"] as const) {
          if (Number.isNaN(option[name])) expect(values[name][place], name).toBeNaN();
          else if (option.vega > 0.1 || !name.endsWith("Volatility")) {
            numbers++;
            expect(Math.abs(values[name][place]! - option[name]), name).toBeLessThan(1e-9 * Math.max(1, option.vega));
          }
        }
      }
      expect(numbers).toBeGreaterThan(150);
    }
  });

  test("have the smile of the slow chain at the money and at deltas, in every tenor", () => {
    const naiveOf: [Feature, (options: readonly NaiveOption[]) => number[]][] = [1, 2, 3].flatMap((tenor) => [
      [
        optionAtTheMoney({ tenor }),
        (options) => [naiveSmile(options, forwardOf(options), (one) => -one.callDelta, -0.5)],
      ],
      [
        optionAtTheMoney({ tenor, money: "forward" }),
        (options) => [naiveSmile(options, forwardOf(options), ({ strike }) => strike, forwardOf(options))],
      ],
      ...[10, 25].map((delta): [Feature, (options: readonly NaiveOption[]) => number[]] => [
        optionSkew({ tenor, delta }),
        (options) => {
          const [call, put, middle] = [delta / 100, 1 - delta / 100, 0.5].map((at) =>
            naiveSmile(options, forwardOf(options), (one) => -one.callDelta, -at),
          ) as [number, number, number];
          return [call - put, (call + put) / 2 - middle];
        },
      ]),
    ]);
    const forwardOf = (options: readonly NaiveOption[]): number => naiveForward(options, instruments, seen);
    let seen = events;
    let numbers = 0;
    const chains = new Map<number, NaiveOption[]>();
    for (const [index, [feature, naive]] of naiveOf.entries()) {
      const tenor = 1 + Math.floor(index / 4);
      for (const { eventsCount, timeNs, values } of rowsOf(feature, unit, batch).filter((_, row) => row % 150 === 0)) {
        seen = events.slice(0, eventsCount);
        const chain = chains.get(eventsCount) ?? naiveChain(instruments, seen);
        chains.set(eventsCount, chain);
        const wanted = naive(naiveExpiry(chain, tenor, timeNs));
        for (const [column, value] of wanted.entries()) {
          if (Number.isNaN(value)) expect(values[column]).toBeNaN();
          else expect(values[column]).toBeCloseTo(value, 10);
          if (!Number.isNaN(value)) numbers++;
        }
      }
    }
    expect(numbers).toBeGreaterThan(60);
  });

  test("have the spread that they were made with, no deviation from parity, and imply the forward", () => {
    const world = smiling(unit);
    const whole = eventsOf(wholeChain(world, timeNs));
    for (const [index, days] of optionDays.entries()) {
      const tenor = index + 1;
      const [deviation, forward] = lastRow(optionParity({ tenor }), unit, whole) as [number, number];
      // Call and put of a strike have the same bid and ask volatility: parity holds but for the rounding of four prices.
      expect(Math.abs(deviation)).toBeLessThan(3e-9);
      expect(forward / world.forward(days) - 1).toBeCloseTo(0, 8);
    }
    const [spread] = lastRow(optionVolatilitySpread({ tenor: 3 }), unit, whole) as [number];
    expect(spread).toBeCloseTo(0.02, 6);
  });

  test("go on after a restart with the same bits", () => {
    for (const feature of [
      optionAtTheMoney({ tenor: 1 }),
      optionSkew({ tenor: 2, delta: 25, volatility: "mid" }),
      optionParity({ tenor: 1 }),
      optionVolatilitySpread({ tenor: 2 }),
    ]) {
      const graph = optionGraph(unit, feature);
      const whole = rowsOf(feature, unit, batch);
      for (const cut of [700, 1_501, 2_222]) {
        const first = graph.stream();
        first.pushBatch(batch, 0, cut);
        const rows: number[][] = [];
        const second = graph.stream(
          { onRow: (row) => void rows.push([...row.subarray(graph.columns.length - feature.columns.length)]) },
          first.save(),
        );
        second.pushBatch(batch, cut);
        expect(rows.length).toBeGreaterThan(200);
        expect(rows).toEqual(whole.slice(-rows.length).map(({ values }) => values));
      }
    }
  });
});

test("a price that no volatility explains has none", () => {
  const world = smiling("currency");
  const call = optionInstruments("currency").findIndex(({ name }) => name === "X-30-100-call");
  const told = wholeChain(world, timeNs).filter(
    ({ instrument, kind }) => instrument !== call || kind === EventKind.value,
  );
  const quote = (side: number, price: number) => ({
    instrument: call,
    timeNs,
    kind: EventKind.level,
    side,
    price: price * 1e9,
    size: 1,
  });
  // The forward is 100.67: a call is worth at least 0.67 and less than 100.67.
  const { values, places } = chainAfter("currency", eventsOf([...told, quote(1, 0.5), quote(-1, 101)]));
  expect(values.bidVolatility[places[call]!]).toBeNaN();
  expect(values.askVolatility[places[call]!]).toBeNaN();
  const other = chainAfter("currency", eventsOf([...told, quote(1, 1), quote(-1, 100)]));
  expect(other.values.bidVolatility[places[call]!]).toBeGreaterThan(0);
  expect(other.values.askVolatility[places[call]!]).toBeGreaterThan(0);
});

test("an expiry that is over makes way for the next", () => {
  const batch = eventsOf([
    ...wholeChain(smiling("coin"), timeNs),
    { instrument: 65, timeNs: 7 * 86_400e9, kind: EventKind.level, side: 1, price: 1, size: 1 },
  ]);
  const rows = rowsOf(optionAtTheMoney({ tenor: 1 }), "coin", batch);
  const second = rowsOf(optionAtTheMoney({ tenor: 2 }), "coin", batch);
  expect(rows.at(-2)!.values).not.toEqual(second.at(-2)!.values);
  expect(rows.at(-1)!.values).toEqual(second.at(-2)!.values);
  expect(lastRow(optionAtTheMoney({ tenor: 3 }), "coin", batch)).toEqual([NaN]);
});

test("the terms of options are part of the schema, and settings that make no sense are named", () => {
  const hashes = (["coin", "currency"] as const).map((unit) =>
    optionGraph(unit, optionAtTheMoney({ tenor: 1 })).schemaHash(),
  );
  expect(hashes[0]).not.toBe(hashes[1]);
  expect(() => optionAtTheMoney({ tenor: 0 })).toThrow("option_atm.tenor");
  expect(() => optionSkew({ tenor: 1, delta: 50 })).toThrow("option_skew.delta");
  expect(() => optionSkew({ tenor: 1, delta: 25, volatility: "bid" as "mid" })).toThrow("option_skew.volatility");
  const nothing = features({ instruments: optionInstruments("coin"), originNs, clock: every.event() }).add(
    optionAtTheMoney({ tenor: 1, prefix: "Y-" }),
  );
  expect(nothing.columns.at(-1)!.name).toBe("option_atm_1_Y");
  expect(nothing.batch([eventsOf(wholeChain(smiling("coin"), timeNs))], {}).row.at(-1)).toBeNaN();
});
