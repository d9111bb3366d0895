/** Arrivals, rates and the Hawkes process against naive second implementations, closed forms and simulated processes. */
import { describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { appendEvent, blankEvent, EventFlag, EventKind, makeEventBatch, type MarketEvent } from "../src/event.ts";
import { every, ms, seconds } from "../src/graph/clock.ts";
import { features } from "../src/graph/graph.ts";
import type { Feature } from "../src/graph/operator.ts";
import { arrivalTypes, pointTypes, type ModifyRule, type PointType } from "../src/intensity/arrivals.ts";
import {
  exponentialDistance,
  fitHawkes,
  hawkesIncrements,
  hawkesLogLikelihood,
  kolmogorovProbability,
  simulateHawkes,
} from "../src/intensity/hawkes.ts";
import { branchingRatio, hawkesDistance, hawkesIntensity } from "../src/intensity/hawkes-features.ts";
import { eventCounts, eventIntensity } from "../src/intensity/rates.ts";
import { expectNaive, type Moment } from "./support/history.ts";
import { originNs, randomOrders, testInstrument } from "./support/random-market.ts";

const batch = randomOrders(51, 1_800);
const parameters = { mu: 0.8, alpha: 2, beta: 3 };

const sinceGap = (moments: readonly Moment[]): readonly Moment[] =>
  moments.slice(moments.findLastIndex(({ event }) => event.kind === EventKind.gap) + 1);

/** When the book was first usable since the last gap. */
const knownSince = (moments: readonly Moment[]): number =>
  sinceGap(moments).find(({ settled, usable }) => settled && usable)?.timeNs ?? NaN;

interface Resting {
  readonly side: number;
  readonly price: number;
  readonly size: number;
}

/** The order that an event names, as it was before the event. */
function namedBefore(all: readonly Moment[], index: number): Resting | undefined {
  const { id } = all[index]!.event;
  let found: Resting | undefined;
  for (const { event } of all.slice(0, index)) {
    if (event.kind === EventKind.clear) found = undefined;
    if (event.id !== id) continue;
    if (event.kind === EventKind.add) found = event;
    if (event.kind === EventKind.modify && found !== undefined)
      found = { ...found, price: event.price, size: event.size };
    if ((event.kind === EventKind.cancel || event.kind === EventKind.execute) && found !== undefined)
      found = { ...found, size: found.size - event.size };
    if (found !== undefined && found.size <= 0) found = undefined;
  }
  return found;
}

interface Arrival {
  readonly type: string;
  readonly timeNs: number;
}

const arrivalsOf = new Map<Moment, readonly Arrival[]>();

/** What each event of the batch is as an arrival; worked out once per moment. */
function arrivals(all: readonly Moment[], index: number): readonly Arrival[] {
  const moment = all[index]!;
  const known = arrivalsOf.get(moment);
  if (known !== undefined) return known;
  const { event, timeNs } = moment;
  const before = namedBefore(all, index);
  const side = (which: number): string => (which === 1 ? "bid" : "ask");
  let types: string[] = [];
  if (event.kind === EventKind.trade) types = [event.side === 1 ? "market_buy" : "market_sell"];
  if (event.kind === EventKind.add) types = [`limit_${side(event.side)}`];
  if (event.kind === EventKind.cancel && before !== undefined) types = [`cancel_${side(before.side)}`];
  if (event.kind === EventKind.modify && before !== undefined) {
    const loses = event.price !== before.price || event.size > before.size;
    if (loses) types = [`cancel_${side(before.side)}`, `limit_${side(before.side)}`];
    else if (event.size < before.size) types = [`cancel_${side(before.side)}`];
  }
  const made = types.map((type) => ({ type, timeNs }));
  arrivalsOf.set(moment, made);
  return made;
}

const arrivalsSinceGap = (moments: readonly Moment[]): Arrival[] => {
  const from = moments.length - sinceGap(moments).length;
  return moments.slice(from).flatMap((_, index) => arrivals(moments, from + index));
};

test("counts of arrivals are those of the window, and rates their decaying sum", () => {
  const window = seconds(2);
  const counts = expectNaive(
    eventCounts({ window }),
    (moments, timeNs) => {
      const inside = arrivalsSinceGap(moments).filter((arrival) => arrival.timeNs > timeNs - window);
      return arrivalTypes.map((type) =>
        knownSince(moments) <= timeNs ? inside.filter((arrival) => arrival.type === type).length : NaN,
      );
    },
    batch,
    { stride: 5 },
  );
  expect(counts).toBeGreaterThan(1_000);
  const tau = ms(700);
  expectNaive(
    eventIntensity({ tau }),
    (moments, timeNs) =>
      arrivalTypes.map((type) => {
        const ages = arrivalsSinceGap(moments)
          .filter((arrival) => arrival.type === type)
          .map((arrival) => timeNs - arrival.timeNs);
        return knownSince(moments) <= timeNs
          ? ages.reduce((sum, age) => sum + Math.exp(-age / tau) / (tau / 1e9), 0)
          : NaN;
      }),
    batch,
    { stride: 5, tolerance: 1e-11 },
  );
});

/** Rows of features after the last of some events, one second apart, each an atomic change. */
function after(list: readonly Feature[], given: readonly Partial<MarketEvent>[]): number[] {
  const events = makeEventBatch(given.length);
  for (const [index, event] of given.entries()) {
    appendEvent(events, { ...blankEvent(), timeNs: 1e9 * (index + 1), flags: EventFlag.last, ...event });
  }
  const graph = features({ instruments: [testInstrument()], originNs, clock: every.event() }).add(...list);
  let last: number[] = [];
  graph.batch([events], { onRow: (row) => void (last = [...row.subarray(2)]) });
  return last;
}

test("a level that grows is a limit order, one that shrinks a cancellation; snapshots and hidden trades do not count", () => {
  const { level, trade } = EventKind;
  const flags = EventFlag.last;
  const counts = after(
    [eventCounts({ window: seconds(60) })],
    [
      { kind: level, side: 1, price: 99, size: 5, flags: flags | EventFlag.snapshot },
      { kind: level, side: -1, price: 101, size: 5, flags: flags | EventFlag.snapshot },
      { kind: level, side: 1, price: 99, size: 7 },
      { kind: level, side: 1, price: 98, size: 1 },
      { kind: level, side: 1, price: 99, size: 7 },
      { kind: level, side: -1, price: 101, size: 2 },
      { kind: level, side: -1, price: 101, size: 0 },
      { kind: level, side: -1, price: 102, size: 4 },
      { kind: trade, side: 1, price: 101, size: 1 },
      { kind: trade, side: -1, price: 100, size: 1, flags: flags | EventFlag.hidden },
    ],
  );
  expect(counts).toEqual([2, 1, 0, 2, 1, 0]);
});

test("modifications are split into a cancellation and a limit order, or left out", () => {
  const { add, modify } = EventKind;
  const events = [
    { kind: add, id: 1, side: 1, price: 99, size: 5 },
    { kind: add, id: 2, side: -1, price: 101, size: 5 },
    { kind: modify, id: 1, side: 1, price: 99, size: 3 },
    { kind: modify, id: 1, side: 1, price: 98, size: 3 },
    { kind: modify, id: 2, side: -1, price: 101, size: 9 },
    { kind: modify, id: 2, side: -1, price: 101, size: 9 },
  ] as const;
  const counted = (modifies: ModifyRule): number[] =>
    after([eventCounts({ window: seconds(60), modify: modifies })], events);
  expect(counted("split")).toEqual([2, 2, 2, 1, 0, 0]);
  expect(counted("ignore")).toEqual([1, 1, 0, 0, 0, 0]);
});

test("trades of one instant are one point, or each its own", () => {
  const quotes = [
    { kind: EventKind.level, side: 1, price: 99, size: 5, timeNs: 0 },
    { kind: EventKind.level, side: -1, price: 101, size: 5, timeNs: 0 },
  ] as const;
  const fills = [1e9, 1e9, 1e9].map(
    (timeNs) => ({ kind: EventKind.trade, side: 1, price: 101, size: 1, timeNs }) as const,
  );
  const intensity = (ties: "once" | "each"): number =>
    after([hawkesIntensity({ events: "trade", ties, ...parameters })], [...quotes, ...fills])[0]!;
  expect([intensity("once"), intensity("each")]).toEqual([0.8 + 2, 0.8 + 6]);
});

/** Times in seconds of a point process since the last gap, several at one time once. */
function pointsOf(events: PointType, moments: readonly Moment[]): number[] {
  let times: number[];
  if (events === "trade")
    times = sinceGap(moments)
      .filter(({ event }) => event.kind === EventKind.trade)
      .map(({ timeNs }) => timeNs);
  else if (events === "mid") {
    const mids = sinceGap(moments)
      .filter(({ settled, usable }) => settled && usable)
      .map(({ bids, asks, timeNs }) => ({ mid: bids[0]!.price + asks[0]!.price, timeNs }));
    times = mids.filter(({ mid }, index) => index > 0 && mid !== mids[index - 1]!.mid).map(({ timeNs }) => timeNs);
  } else
    times = arrivalsSinceGap(moments)
      .filter(({ type }) => type === events)
      .map(({ timeNs }) => timeNs);
  return [...new Set(times)].map((timeNs) => timeNs / 1e9);
}

describe.each(["trade", "mid", "cancel_ask"] as const)("a Hawkes process of %s", (events) => {
  /** Compensator between points by its definition, as a sum over all earlier points. */
  const increments = (times: readonly number[]): number[] =>
    times.slice(1).map((time, index) => {
      const before = times[index]!;
      const earlier = times.slice(0, index + 1);
      const { mu, alpha, beta } = parameters;
      return earlier.reduce(
        (sum, one) => sum + (alpha / beta) * (Math.exp(-beta * (before - one)) - Math.exp(-beta * (time - one))),
        mu * (time - before),
      );
    });

  test("has the intensity that its points give it, and the increments", () => {
    const numbers = expectNaive(
      hawkesIntensity({ events, ...parameters }),
      (moments, timeNs) => {
        const times = pointsOf(events, moments);
        const excited = times.reduce(
          (sum, time) => sum + parameters.alpha * Math.exp(-parameters.beta * (timeNs / 1e9 - time)),
          parameters.mu,
        );
        return [knownSince(moments) <= timeNs ? excited : NaN, increments(times).at(-1) ?? NaN];
      },
      batch,
      { stride: 5, tolerance: 1e-8 },
    );
    expect(numbers).toBeGreaterThan(300);
  });

  test("has a distance from the exponential distribution", () => {
    const count = 4;
    const numbers = expectNaive(
      hawkesDistance({ events, ...parameters, count }),
      (moments) => {
        const last = increments(pointsOf(events, moments))
          .slice(-count)
          .sort((one, other) => one - other);
        if (last.length < count) return [NaN];
        return [
          Math.max(
            ...last.flatMap((x, index) => [1 - Math.exp(-x) - index / count, (index + 1) / count - 1 + Math.exp(-x)]),
          ),
        ];
      },
      batch,
      { stride: 5, tolerance: 1e-8 },
    );
    expect(numbers).toBeGreaterThan(30);
  });

  test("has a branching ratio by the mean and variance of counts", () => {
    const [bin, count] = [ms(300), 8];
    const phase = Number(originNs % BigInt(bin));
    const numbers = expectNaive(
      branchingRatio({ events, bin, count }),
      (moments, timeNs) => {
        const index = (atNs: number): number => Math.floor((atNs + phase) / bin);
        const since = knownSince(moments);
        const [first, now] = [index(since) + 1, index(timeNs)];
        if (!(now - first >= count)) return [NaN];
        const times = pointsOf(events, moments).map((time) => index(Math.round(time * 1e9)));
        const counts = Array.from({ length: count }, (_, age) => times.filter((at) => at === now - 1 - age).length);
        const mean = counts.reduce((sum, one) => sum + one, 0) / count;
        const variance = counts.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (count - 1);
        return [mean > 0 ? 1 - Math.sqrt(mean / variance) : NaN];
      },
      batch,
      { stride: 5, tolerance: 1e-9 },
    );
    expect(numbers).toBeGreaterThan(30);
  });
});

describe("the likelihood of a Hawkes process", () => {
  test("of two points is what it is by hand", () => {
    const { mu, alpha, beta } = parameters;
    const byHand =
      Math.log(mu) +
      Math.log(mu + alpha * Math.exp(-beta)) -
      3 * mu -
      (alpha / beta) * (2 - Math.exp(-2 * beta) - Math.exp(-beta));
    expect(hawkesLogLikelihood(Float64Array.of(1, 2), 3, parameters)).toBeCloseTo(byHand, 12);
  });

  const times = simulateHawkes({ mu: 0.5, alpha: 1.2, beta: 2 }, 6_000, createPrng("hawkes"));
  const fit = fitHawkes(times, 6_000);

  test("is greatest at the parameters of a simulated process, which the fit finds again", () => {
    expect(times.length).toBeGreaterThan(6_000);
    expect(Math.abs(fit.mu / 0.5 - 1)).toBeLessThan(0.05);
    expect(Math.abs(fit.branchingRatio / 0.6 - 1)).toBeLessThan(0.05);
    expect(Math.abs(fit.beta / 2 - 1)).toBeLessThan(0.08);
    expect(fit.isAtBound).toBe(false);
    expect(fit.logLikelihood).toBeCloseTo(hawkesLogLikelihood(times, 6_000, fit), 6);
    expect(fit.logLikelihood - fit.poissonLogLikelihood).toBeGreaterThan(500);
    for (const name of ["mu", "alpha", "beta"] as const) {
      for (const factor of [0.98, 1.02])
        expect(hawkesLogLikelihood(times, 6_000, { ...fit, [name]: factor * fit[name] })).toBeLessThan(
          fit.logLikelihood,
        );
    }
    expect(fitHawkes(times, 6_000)).toEqual(fit);
  });

  test("makes increments exponential with the right parameters, and with a constant rate not", () => {
    const [right, wrong] = [fit, { mu: times.length / 6_000, alpha: 0, beta: 1 }].map((model) => {
      const distance = exponentialDistance(hawkesIncrements(times, model));
      return kolmogorovProbability(distance, times.length);
    });
    expect(right).toBeGreaterThan(0.05);
    expect(wrong).toBeLessThan(1e-6);
  });

  test("finds no excitement where there is none", () => {
    const poisson = simulateHawkes({ mu: 1, alpha: 0, beta: 1 }, 3_000, createPrng("poisson"));
    const {
      branchingRatio: ratio,
      mu,
      logLikelihood,
      poissonLogLikelihood,
    } = fitHawkes(poisson, 3_000, { betaMin: 0.01, betaMax: 100 });
    expect(Math.abs(poisson.length / 3_000 - 1)).toBeLessThan(0.06);
    expect(ratio).toBeLessThan(0.05);
    expect(Math.abs(mu - 1)).toBeLessThan(0.1);
    expect(logLikelihood - poissonLogLikelihood).toBeLessThan(6);
  });
});

test("Kolmogorov's distribution has its known quantiles", () => {
  expect(kolmogorovProbability(1.3581 / 1000, 1e6)).toBeCloseTo(0.05, 3);
  expect(kolmogorovProbability(1.6276 / 1000, 1e6)).toBeCloseTo(0.01, 3);
  expect(kolmogorovProbability(0, 100)).toBe(1);
  expect(exponentialDistance(Float64Array.of(Math.LN2))).toBeCloseTo(0.5, 15);
});

test("what makes no sense is refused by name", () => {
  expect(() => hawkesLogLikelihood(Float64Array.of(1, 1), 3, parameters)).toThrow("merge points of one instant");
  expect(() => fitHawkes(Float64Array.of(1, 2), 3)).toThrow("at least ten points");
  expect(() => simulateHawkes({ mu: 1, alpha: 2, beta: 2 }, 1, createPrng(1))).toThrow("hawkes.alpha is 2");
  expect(() => branchingRatio({ events: "nothing" as PointType, bin: 1, count: 5 })).toThrow(pointTypes.join(", "));
});
