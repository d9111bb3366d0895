/** Order flow against naive second implementations, and what must hold whatever the market does. */
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind, makeEventBatch, type EventBatch } from "../src/event.ts";
import { ms, seconds } from "../src/graph/clock.ts";
import { integratedOrderFlow } from "../src/flow/integrated.ts";
import { multiLevelOrderFlow } from "../src/flow/multi-level.ts";
import { orderEvents } from "../src/flow/order-events.ts";
import { orderFlowImbalance } from "../src/flow/order-flow-imbalance.ts";
import { PrincipalComponent } from "../src/flow/principal-component.ts";
import { replenishment } from "../src/flow/replenishment.ts";
import { sourceClock } from "../src/flow/source-clock.ts";
import { expectNaive, historyOf, type Moment } from "./support/history.ts";
import type { NaiveLevel } from "./support/naive-book.ts";
import { makeRandom, randomOrders } from "./support/random-market.ts";
import { naiveTrades, valuesAfter } from "./support/trades.ts";

const batch = randomOrders(21, 3_000);

/** e_n with the four indicators of the paper's equation. */
function increment(now: Moment, before: Moment): number {
  const [b, a, B, A] = [now.bids[0]!, now.asks[0]!, before.bids[0]!, before.asks[0]!];
  return (
    (b.price >= B.price ? b.size : 0) -
    (b.price <= B.price ? B.size : 0) -
    (a.price <= A.price ? a.size : 0) +
    (a.price >= A.price ? A.size : 0)
  );
}

/** The flow at a level as Xu, Gould and Howison write it; a level that is not there is one at the end of the world without lots. */
function levelIncrement(now: Moment, before: Moment, level: number): number {
  const nowhere = (side: number): NaiveLevel => ({ price: -side * Infinity, size: 0, orders: 0, ids: [] });
  const part = (one: NaiveLevel, other: NaiveLevel, side: number): number => {
    if (one.price === other.price) return one.size - other.size;
    return side * (one.price - other.price) > 0 ? one.size : -other.size;
  };
  return (
    part(now.bids[level] ?? nowhere(1), before.bids[level] ?? nowhere(1), 1) -
    part(now.asks[level] ?? nowhere(-1), before.asks[level] ?? nowhere(-1), -1)
  );
}

interface Step {
  readonly now: Moment;
  readonly before: Moment;
  readonly timeNs: number;
}

const settledOf = (moments: readonly Moment[]): Moment[] => moments.filter(({ settled }) => settled);

/** Successive usable states since the last gap, of every change. */
function everyStep(moments: readonly Moment[]): Step[] {
  const settled = settledOf(moments);
  const gap = Math.max(
    0,
    settled.findLastIndex(({ event }) => event.kind === EventKind.gap),
  );
  return settled.flatMap((now, index) => {
    const before = settled[index - 1];
    if (index <= gap || before === undefined || !now.usable || !before.usable) return [];
    return [{ now, before, timeNs: now.timeNs }];
  });
}

/** The same of the states at multiples of `clock`, which is a divisor of a second. */
function snapshotSteps(moments: readonly Moment[], untilNs: number, clock: number): Step[] {
  const settled = settledOf(moments);
  const gap = settled.findLast(({ event }) => event.kind === EventKind.gap);
  const steps: Step[] = [];
  const first = Math.floor(settled[0]!.timeNs / clock) + 1;
  for (let at = first + 1; at * clock <= untilNs; at++) {
    const now = settled.findLast(({ timeNs }) => timeNs < at * clock)!;
    const before = settled.findLast(({ timeNs }) => timeNs < (at - 1) * clock)!;
    if (!now.usable || !before.usable || (gap !== undefined && gap.timeNs >= (at - 1) * clock)) continue;
    steps.push({ now, before, timeNs: at * clock });
  }
  return steps;
}

const usableAt = (moments: readonly Moment[]): boolean => settledOf(moments).at(-1)!.usable;
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

test("ofi is the sum of the paper's increments over the window, and forgets at a gap (FEAT-021)", () => {
  const window = seconds(2);
  const numbers = expectNaive(
    orderFlowImbalance({ window }),
    (moments, timeNs) => {
      const steps = everyStep(moments).filter((step) => step.timeNs > timeNs - window);
      return [usableAt(moments) ? sumOf(steps.map(({ now, before }) => increment(now, before))) : NaN];
    },
    batch,
    { stride: 3 },
  );
  expect(numbers).toBeGreaterThan(400);
});

test("ofi of snapshots compares the book at the points of a grid, and says so in its name (FEAT-027)", () => {
  const [window, clock] = [seconds(2), ms(100)];
  const feature = orderFlowImbalance({ window, sourceClock: clock });
  expect(feature.columns[0]!.name).toBe("ofi_2s_of_100ms");
  const numbers = expectNaive(
    feature,
    (moments, timeNs) => {
      const steps = snapshotSteps(moments, timeNs, clock).filter((step) => step.timeNs > timeNs - window);
      return [usableAt(moments) ? sumOf(steps.map(({ now, before }) => increment(now, before))) : NaN];
    },
    batch,
    { stride: 9 },
  );
  expect(numbers).toBeGreaterThan(100);
});

describe.each([
  [0, "lots"],
  [0, "depth"],
  [ms(50), "depth"],
] as const)("multi-level flow with source clock %d in %s", (clock, scale) => {
  test("is at each level what the naive one is", () => {
    const [window, levels] = [seconds(1), 4];
    const numbers = expectNaive(
      multiLevelOrderFlow({ window, levels, sourceClock: clock, scale }),
      (moments, timeNs) => {
        const every = clock === 0 ? everyStep(moments) : snapshotSteps(moments, timeNs, clock);
        const steps = every.filter((step) => step.timeNs > timeNs - window);
        const changed = steps.filter(({ now, before }) => clock > 0 || isTouched(now, before, levels));
        const lots = changed.map(({ now }) =>
          sumOf([...now.bids.slice(0, levels), ...now.asks.slice(0, levels)].map(({ size }) => size)),
        );
        const divisor = scale === "lots" ? 1 : sumOf(lots) / (2 * levels * lots.length);
        return Array.from({ length: levels }, (_, level) =>
          usableAt(moments) ? sumOf(steps.map(({ now, before }) => levelIncrement(now, before, level))) / divisor : NaN,
        );
      },
      touchingBatch,
      { stride: 9, tolerance: 1e-15 },
    );
    expect(numbers).toBeGreaterThan(200);
  });
});

/** Orders whose price never moves back within an atomic change, so that what is touched is also what differs. */
const touchingBatch = lonelyEvents(randomOrders(24, 2_000));

/** Every event is an atomic change of its own. */
function lonelyEvents(events: EventBatch): EventBatch {
  for (let row = 0; row < events.count; row++) events.flags[row]! |= EventFlag.last;
  return events;
}

function isTouched(now: Moment, before: Moment, levels: number): boolean {
  const shown = (moment: Moment): string =>
    JSON.stringify(
      [moment.bids, moment.asks].map((side) => side.slice(0, levels).map(({ price, ids, size }) => [price, size, ids])),
    );
  return shown(now) !== shown(before);
}

test("with one level the multi-level flow is ofi, to the bit (FEAT-024)", () => {
  for (const clock of [0, ms(100)]) {
    const settings = { window: seconds(1), sourceClock: clock };
    expect(valuesAfter(multiLevelOrderFlow({ ...settings, levels: 1 }), batch)).toEqual(
      valuesAfter(orderFlowImbalance(settings), batch),
    );
  }
});

test("with fixed prices the flow sums to the change of the bid's lots less the change of the ask's", () => {
  const random = makeRandom(4);
  const events = levelEvents([
    [1, 100, 50],
    [-1, 101, 50],
    ...Array.from({ length: 500 }, () => {
      const side = random() < 0.5 ? 1 : -1;
      return [side, side === 1 ? 100 : 101, 1 + Math.floor(random() * 100)] as const;
    }),
  ]);
  const last = { [1]: 50, [-1]: 50 };
  const values = valuesAfter(orderFlowImbalance({ window: seconds(1e6) }), events).flat();
  for (const [row, value] of values.entries()) {
    if (row < 2) continue;
    last[events.side[row] as 1 | -1] = events.size[row]!;
    expect(value).toBe(last[1] - 50 - (last[-1] - 50));
  }
});

test("the market in a mirror has the flow with its sign turned (FEAT-024)", () => {
  const mirrored = randomOrders(21, 3_000);
  for (let row = 0; row < mirrored.count; row++) {
    mirrored.side[row] = -mirrored.side[row]!;
    mirrored.price[row] = 5_000 - mirrored.price[row]!;
  }
  const feature = multiLevelOrderFlow({ window: seconds(2), levels: 3 });
  const [one, other] = [valuesAfter(feature, batch), valuesAfter(feature, mirrored)];
  expect(one.length).toBe(other.length);
  expect(other.map((row) => row.map((value) => 0 - value))).toEqual(one.map((row) => row.map((value) => value + 0)));
});

test("the first principal component of samples along a line is the line, its sign such that the weights sum to more than 0", () => {
  const random = makeRandom(9);
  for (let round = 0; round < 30; round++) {
    const direction = [random() - 0.5, random() - 0.5, random() - 0.5];
    const size = sumOf(direction) < 0 ? -sumOf(direction.map(Math.abs)) : sumOf(direction.map(Math.abs));
    const samples = new Float64Array(300);
    for (let row = 0; row < 100; row++) {
      const along = 100 * (random() - 0.5);
      for (let at = 0; at < 3; at++) samples[3 * row + at] = 7 * at + along * direction[at]! + 0.0001 * random();
    }
    const component = new PrincipalComponent(3);
    expect(component.decompose(samples, 100)).toBe(true);
    expect(component.explained).toBeGreaterThan(0.999);
    for (let at = 0; at < 3; at++) expect(component.weights[at]).toBeCloseTo(direction[at]! / size, 3);
  }
  expect(new PrincipalComponent(2).decompose(new Float64Array([1, 2, 1, 2]), 2)).toBe(false);
});

test("a component is the eigenvector of the greatest eigenvalue, worked out by hand for two levels", () => {
  // Deviations (2,1), (-2,-1), (1,-1), (-1,1): covariance sums [[10, 2], [2, 4]], eigenvalues 7 +- sqrt(13).
  const component = new PrincipalComponent(2);
  component.decompose(new Float64Array([2, 1, -2, -1, 1, -1, -1, 1]), 4);
  const [x, y] = [2, Math.sqrt(13) - 3];
  expect(component.weights[0]).toBeCloseTo(x / (x + y), 14);
  expect(component.weights[1]).toBeCloseTo(y / (x + y), 14);
  expect(component.explained).toBeCloseTo((7 + Math.sqrt(13)) / 14, 14);
});

test("the integrated flow lies along the component of the samples before it", () => {
  const [window, step, levels, samples, refit] = [ms(500), ms(100), 3, 20, 7];
  const scaled = multiLevelOrderFlow({ window, levels, scale: "depth" });
  const settings = { window, step, levels, samples, refit };
  const wanted: number[][] = [];
  const fitted = new Map<number, number[]>();
  // The scaled flows at the points of the grid come from rows of a time clock, which stand for the same moments.
  const flows = valuesAfter(scaled, batch);
  const times = timesAfter(batch);
  const grid = gridFlows(scaled, step);
  for (const [row, timeNs] of times.entries()) {
    const known = grid.filter((sample) => sample.timeNs <= timeNs && sample.isWhole);
    const fits = known.length < samples ? 0 : 1 + Math.floor((known.length - samples) / refit);
    const end = samples + (fits - 1) * refit;
    if (fits === 0) {
      wanted.push([NaN, NaN]);
      continue;
    }
    const weights = fitted.get(end) ?? powerIteration(known.slice(end - samples, end).map(({ values }) => values));
    fitted.set(end, weights);
    wanted.push([sumOf(weights.map((weight, level) => weight * flows[row]![level]!))]);
  }
  const got = valuesAfter(integratedOrderFlow(settings), batch);
  let numbers = 0;
  for (const [row, [value]] of wanted.entries()) {
    if (Number.isNaN(value)) expect(got[row]![0]).toBeNaN();
    else {
      expect(Math.abs(got[row]![0]! - value!)).toBeLessThan(1e-9);
      numbers++;
    }
  }
  expect(numbers).toBeGreaterThan(500);
});

const timesAfter = (events: EventBatch): number[] => {
  const times: number[] = [];
  for (const { timeNs, settled, event } of historyOf(events)) {
    if (settled || (event.kind === EventKind.trade && (event.flags & EventFlag.last) !== 0)) times.push(timeNs);
  }
  return times;
};

function gridFlows(
  scaled: ReturnType<typeof multiLevelOrderFlow>,
  step: number,
): { timeNs: number; values: number[]; isWhole: boolean }[] {
  const rows = valuesAfter(scaled, batch, { kind: "time", ns: step });
  const settled = settledOf(historyOf(batch));
  const first = (Math.floor(settled[0]!.timeNs / step) + 1) * step;
  return rows.map((values, index) => {
    const timeNs = first + index * step;
    const gap = settled.findLast((moment) => moment.event.kind === EventKind.gap && moment.timeNs < timeNs);
    const sinceNs = gap?.timeNs ?? settled[0]!.timeNs;
    return { timeNs, values, isWhole: timeNs - sinceNs >= ms(500) && values.every((value) => !Number.isNaN(value)) };
  });
}

/** The first principal component by repeated multiplication. */
function powerIteration(samples: readonly (readonly number[])[]): number[] {
  const width = samples[0]!.length;
  const mean = Array.from({ length: width }, (_, at) => sumOf(samples.map((sample) => sample[at]!)) / samples.length);
  let vector = Array.from({ length: width }, (_, at) => 1 + at / 10);
  for (let round = 0; round < 2_000; round++) {
    const next = vector.map(() => 0);
    for (const sample of samples) {
      const along = sumOf(sample.map((value, at) => (value - mean[at]!) * vector[at]!));
      for (let at = 0; at < width; at++) next[at]! += along * (sample[at]! - mean[at]!);
    }
    const size = Math.max(...next.map(Math.abs));
    vector = next.map((value) => value / size);
  }
  const size = sumOf(vector.map(Math.abs));
  return vector.map((value) => (sumOf(vector) < 0 ? -value : value) / size);
}

describe.each([
  { unit: "levels", from: 1, to: 1 },
  { unit: "levels", from: 2, to: 4 },
  { unit: "ticks", from: 0, to: 3 },
] as const)("orders in the band %o", (band) => {
  test("are counted by type and side as the naive book has them", () => {
    const window = seconds(2);
    for (const measure of ["volume", "count"] as const) {
      const numbers = expectNaive(
        orderEvents({ window, measure, ...band }),
        (moments, timeNs) => {
          const arrivals = naiveArrivals(moments, band).filter((arrival) => arrival.timeNs > timeNs - window);
          return [1, -1].flatMap((side) => {
            const values = ["add", "cancel", "partial", "execution"].map((type) => {
              const some = arrivals.filter((arrival) => arrival.side === side && arrival.type === type);
              return measure === "count" ? some.length : sumOf(some.map(({ lots }) => lots));
            });
            const [added, cancelled, partial, executed] = values as [number, number, number, number];
            return measure === "count" ? values : [...values, added - cancelled - partial - executed];
          });
        },
        batch,
        { stride: 40 },
      );
      expect(numbers).toBeGreaterThan(300);
    }
  });
});

interface Arrival {
  readonly type: string;
  readonly side: number;
  readonly lots: number;
  readonly timeNs: number;
}

/** What each event did, by comparing the sizes of the order before and after it; none before the last gap. */
function naiveArrivals(
  moments: readonly Moment[],
  band: { readonly unit: string; readonly from: number; readonly to: number },
): Arrival[] {
  const orders = new Map<number, { side: number; price: number; size: number }>();
  let arrivals: Arrival[] = [];
  let settled: Moment | undefined;
  for (const moment of moments) {
    const { event, timeNs } = moment;
    const { kind, id, price, size } = event;
    const order = orders.get(id);
    const note = (type: string, side: number, at: number, lots: number): void => {
      const levels = (side > 0 ? settled?.bids : settled?.asks) ?? [];
      const better = levels.filter((level) => side * (level.price - at) > 0);
      const best = levels[0]?.price ?? at;
      const distance = band.unit === "levels" ? better.length + 1 : Math.max(0, side * (best - at));
      if (!moment.gap && distance >= band.from && distance <= band.to) arrivals.push({ type, side, lots, timeNs });
    };
    if (kind === EventKind.gap) arrivals = [];
    if (kind === EventKind.clear) orders.clear();
    if (kind === EventKind.add) {
      note("add", event.side, price, size);
      orders.set(id, { side: event.side, price, size });
    }
    if (order !== undefined && (kind === EventKind.cancel || kind === EventKind.execute)) {
      const lots = Math.min(size, order.size);
      const name = kind === EventKind.execute ? "execution" : lots === order.size ? "cancel" : "partial";
      note(name, order.side, order.price, lots);
      orders.set(id, { ...order, size: order.size - lots });
      if (lots === order.size) orders.delete(id);
    }
    if (order !== undefined && kind === EventKind.modify) {
      const stays = price === order.price && size <= order.size;
      if (stays && size < order.size) note("partial", order.side, price, order.size - size);
      if (!stays) {
        note("cancel", order.side, order.price, order.size);
        note("add", order.side, price, size);
      }
      orders.set(id, { ...order, price, size });
    }
    if (moment.settled) settled = moment;
  }
  return arrivals;
}

test("what was replenished after trades is what the book shows a horizon later", () => {
  const [horizon, window, levels] = [ms(60), seconds(5), 5];
  const numbers = expectNaive(
    replenishment({ horizon, window, levels }),
    (moments, timeNs) => {
      const gap = moments.findLastIndex(({ event }) => event.kind === EventKind.gap);
      let [back, taken] = [0, 0];
      const done = new Set<string>();
      for (const { index, sign } of naiveTrades(moments)) {
        const at = moments.findIndex((moment, later) => later >= index && moment.settled);
        const before = moments.slice(0, at).findLast(({ settled }) => settled);
        const now = moments[at];
        if (index < gap || now === undefined || done.has(`${at} ${sign}`)) continue;
        done.add(`${at} ${sign}`);
        const dueNs = now.timeNs + horizon;
        if (before?.usable !== true || !now.usable || dueNs > timeNs || dueNs <= timeNs - window) continue;
        const side = -sign;
        const sideOf = (moment: Moment): readonly NaiveLevel[] => (side > 0 ? moment.bids : moment.asks);
        const best = sideOf(before)[0]!;
        const depth = (moment: Moment): number =>
          sumOf(
            sideOf(moment)
              .slice(0, levels)
              .filter(({ price }) => side * price >= side * best.price)
              .map(({ size }) => size),
          );
        const later = moments.findLast((moment) => moment.settled && moment.timeNs < dueNs)!;
        if (best.size <= depth(now) || !later.usable) continue;
        taken += best.size - depth(now);
        back += depth(later) - depth(now);
      }
      return [taken === 0 ? NaN : back / taken];
    },
    batch,
    { stride: 40 },
  );
  expect(numbers).toBeGreaterThan(15);
});

test("a queue that lost 8 of 10 lots to a trade and shows 6 half a second later has half of it replenished", () => {
  const events = levelEvents([
    [1, 100, 10],
    [-1, 101, 10],
    [0, 101, 8],
    [-1, 101, 2],
    [-1, 101, 6],
    [1, 100, 9],
  ]);
  // The trade is one second before its change of the book: the alarm rings half a second after the latter, when 2 lots are there.
  events.timeNs.set([1e9, 1e9, 2e9, 2e9, 2.4e9, 3e9]);
  const values = valuesAfter(replenishment({ horizon: ms(500), window: seconds(10) }), events).flat();
  expect(values.slice(-2)).toEqual([NaN, 0.5]);
});

test("the source's clock is the least time between two changes with different stamps", () => {
  const events = levelEvents([
    [1, 100, 10],
    [-1, 101, 10],
    [1, 100, 11],
    [1, 100, 12],
  ]);
  events.timeNs.set([1e9, 1e9, 1.3e9, 1.4e9]);
  const values = valuesAfter(sourceClock(), events).flat();
  expect(values[1]).toBeNaN();
  expect(values[2]).toBe(0.3);
  expect(values[3]).toBe(0.1);
});

test("settings that make no sense are named", () => {
  expect(() => orderFlowImbalance({ window: 0 })).toThrow("ofi.window");
  expect(() => orderFlowImbalance({ window: 1, sourceClock: -1 })).toThrow("ofi.sourceClock");
  expect(() => multiLevelOrderFlow({ window: 1, levels: 0 })).toThrow("mlofi.levels");
  expect(() => integratedOrderFlow({ window: 1, levels: 1, step: 1, samples: 1 })).toThrow("ofi_integrated.samples");
  expect(() => orderEvents({ window: 1, unit: "levels", from: 0, to: 1 })).toThrow("order_events.from");
  expect(() => orderEvents({ window: 1, unit: "ticks", from: 2, to: 1 })).toThrow("order_events.to");
  expect(() => replenishment({ window: 1, horizon: 0 })).toThrow("replenishment.horizon");
});

/** L2: side, price and lots of each change, a second apart; side 0 is a trade of a buyer that belongs to the next change. */
function levelEvents(changes: readonly (readonly [number, number, number])[]): EventBatch {
  const events = makeEventBatch(changes.length);
  for (const [side, price, size] of changes) {
    const row = events.count++;
    events.kind[row] = side === 0 ? EventKind.trade : EventKind.level;
    events.side[row] = side === 0 ? 1 : side;
    events.price[row] = price;
    events.size[row] = size;
    events.flags[row] = side === 0 ? 0 : EventFlag.last;
    events.timeNs[row] = (row + 1) * 1e9;
  }
  return events;
}
