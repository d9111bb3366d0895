/** How the spread comes back after shocks: against a naive one that has the whole history before it, and a return that is worked out by hand. */
import { describe, expect, test } from "vitest";
import {
  appendEvent,
  blankEvent,
  EventFlag,
  EventKind,
  makeEventBatch,
  readEvent,
  type EventBatch,
  type Side,
} from "../src/event.ts";
import { ms } from "../src/graph/clock.ts";
import { resilience, spreadShockTable, type ShockSettings } from "../src/toxicity/resilience.ts";
import { historyOf, type Moment } from "./support/history.ts";
import { NaiveBook } from "./support/naive-book.ts";
import { makeRandom } from "./support/random-market.ts";
import { expectRows } from "./support/tables.ts";
import { naiveTrades, randomTape, valuesAfter } from "./support/trades.ts";

/** A random market in which, now and then, a trade of buyers or sellers takes all orders at the best price, or only says so. */
function withTrades(events: EventBatch): EventBatch {
  const random = makeRandom(62);
  const wider = makeEventBatch(4 * events.count);
  const book = new NaiveBook();
  const event = blankEvent();
  const append = (): void => {
    book.apply(event);
    appendEvent(wider, event);
  };
  for (let row = 0; row < events.count; row++) {
    readEvent(events, row, event);
    append();
    const side: Side = random() < 0.5 ? 1 : -1;
    const best = book.levels(-side)[0];
    if ((event.flags & EventFlag.last) === 0 || random() > 0.12 || best === undefined) continue;
    Object.assign(event, { kind: EventKind.trade, flags: 0, side, price: best.price });
    append();
    const taken = random() < 0.8 ? best.ids : [1e9];
    taken.forEach((id, index) => {
      const flags = index === taken.length - 1 ? EventFlag.last : 0;
      Object.assign(event, { kind: EventKind.execute, id, size: 1e9, flags });
      append();
    });
  }
  return wider;
}

const tape = withTrades(randomTape(61, 3_000, { stepNs: 1e7 }));
const spreadOf = (moment: Moment): number => moment.asks[0]!.price - moment.bids[0]!.price;
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

interface NaiveShock {
  readonly timeNs: number;
  readonly values: readonly number[];
}

function isCleared(moments: readonly Moment[], before: Moment, now: Moment): boolean {
  const [from, to] = [moments.indexOf(before), moments.indexOf(now)];
  const signs = naiveTrades(moments)
    .filter(({ index }) => index > from && index <= to)
    .map(({ sign }) => sign);
  return (
    (signs.includes(-1) && now.bids[0]!.price < before.bids[0]!.price) ||
    (signs.includes(1) && now.asks[0]!.price > before.asks[0]!.price)
  );
}

/** More than `deviations` standard deviations above the mean of the `changes` usable spreads before. */
function isWide(settled: readonly Moment[], at: number, { changes = 0, deviations = 0 }: ShockSettings): boolean {
  const past = settled
    .slice(0, at)
    .filter(({ usable }) => usable)
    .map(spreadOf)
    .slice(-changes);
  const variance = past.map((spread) => (spread - meanOf(past)) * (spread - meanOf(past)));
  const deviation = Math.sqrt(variance.reduce((sum, value) => sum + value, 0) / (changes - 1));
  return past.length === changes && spreadOf(settled[at]!) > meanOf(past) + deviations * deviation;
}

function naiveShocks(moments: readonly Moment[], settings: ShockSettings): NaiveShock[] {
  const { step, samples, shock = "cleared" } = settings;
  const settled = moments.filter((moment) => moment.settled);
  const shocks: NaiveShock[] = [];
  let freeNs = -Infinity;
  for (const [at, now] of settled.entries()) {
    const before = settled[at - 1];
    if (before === undefined || now.timeNs < freeNs || !now.usable || !before.usable) continue;
    if (spreadOf(now) <= spreadOf(before)) continue;
    if (!(shock === "cleared" ? isCleared(moments, before, now) : isWide(settled, at, settings))) continue;
    const endNs = now.timeNs + step * samples;
    const later = settled.slice(at + 1).filter(({ timeNs }) => timeNs < endNs);
    const gap = later.find(({ event }) => event.kind === EventKind.gap);
    freeNs = gap === undefined ? endNs : gap.timeNs;
    if (gap !== undefined || endNs > moments.at(-1)!.timeNs) continue;
    const base = spreadOf(before);
    const half = later.find((moment) => moment.usable && spreadOf(moment) - base <= (spreadOf(now) - base) / 2);
    const looks: [number, number][] = [];
    for (let look = 0; look <= samples; look++) {
      const timeNs = now.timeNs + look * step;
      const seen = look === 0 ? now : settled.findLast((moment, index) => index >= at && moment.timeNs < timeNs)!;
      if (seen.usable && spreadOf(seen) > base) looks.push([(look * step) / 1e9, Math.log(spreadOf(seen) - base)]);
    }
    const rho = -slopeOf(looks);
    shocks.push({
      timeNs: now.timeNs,
      values: [base, spreadOf(now), half === undefined ? NaN : (half.timeNs - now.timeNs) / 1e9, rho],
    });
  }
  return shocks;
}

function slopeOf(pairs: readonly (readonly [number, number])[]): number {
  if (pairs.length < 2) return NaN;
  const [mx, my] = [meanOf(pairs.map(([x]) => x)), meanOf(pairs.map(([, y]) => y))];
  return meanOf(pairs.map(([x, y]) => (x - mx) * (y - my))) / meanOf(pairs.map(([x]) => (x - mx) * (x - mx)));
}

describe.each([
  { step: ms(20), samples: 5 },
  { step: ms(35), samples: 8, shock: "spread", deviations: 0.7, changes: 30 },
] as const)("shocks with %o", (settings) => {
  test("are those that the whole history shows, with the time of recovery and its rate", () => {
    const naive = naiveShocks(historyOf(tape), settings);
    expect(naive.length).toBeGreaterThan(15);
    const close = naive.map(({ timeNs, values }) => ({
      timeNs,
      values: values.map((value, column) =>
        column === 3 && !Number.isNaN(value) ? (expect.closeTo(value, 9) as number) : value,
      ),
    }));
    expectRows(spreadShockTable(settings), tape, close);
    expect(naive.some(({ values }) => Number.isNaN(values[2]))).toBe(true);
    expect(naive.filter(({ values }) => !Number.isNaN(values[3])).length).toBeGreaterThan(5);
  });

  test("are summed up as means over the last of them", () => {
    const shocks = 4;
    const naive = naiveShocks(historyOf(tape), settings);
    const gaps = historyOf(tape).filter(({ event }) => event.kind === EventKind.gap);
    const lastNs = tape.timeNs[tape.count - 1]!;
    const last = naive
      .filter(({ timeNs }) => timeNs >= (gaps.at(-1)?.timeNs ?? 0))
      .slice(-shocks)
      .map(({ values }) => values);
    expect(lastNs).toBeGreaterThan(0);
    const [share, time, rho] = valuesAfter(resilience({ ...settings, shocks }), tape).at(-1)!;
    const [times, rhos] = [2, 3].map((column) =>
      last.map((values) => values[column]!).filter((value) => !Number.isNaN(value)),
    );
    expect(last.length).toBeGreaterThan(0);
    expect(share).toBe(times!.length / last.length);
    expect(time).toBe(times!.length === 0 ? NaN : meanOf(times!));
    expect(rho).toBeCloseTo(meanOf(rhos!), 9);
  });
});

test("a widening of 16 ticks that halves every second has a half-time of a second and rho ln 2", () => {
  const events = makeEventBatch(16);
  const put = (
    kind: EventKind,
    side: number,
    price: number,
    size: number,
    timeNs: number,
    flags: number = EventFlag.last,
  ): void => {
    const row = events.count++;
    events.kind[row] = kind;
    events.side[row] = side;
    events.price[row] = price;
    events.size[row] = size;
    events.timeNs[row] = timeNs;
    events.flags[row] = flags;
  };
  put(EventKind.level, 1, 100, 5, 1e9);
  put(EventKind.level, -1, 102, 5, 1e9);
  put(EventKind.level, -1, 118, 5, 1e9);
  put(EventKind.trade, 1, 102, 5, 10e9, 0);
  put(EventKind.level, -1, 102, 0, 10e9);
  for (const [second, ask] of [
    [1, 110],
    [2, 106],
    [3, 104],
  ] as const)
    put(EventKind.level, -1, ask, 5, (10 + second) * 1e9);
  put(EventKind.level, 1, 100, 6, 20e9);
  // The looks are half a second after the changes: 16, 16, 8, 8, 4, 4, 2 of widening at 0, 0.5 ... 3.5 s.
  const settings = { step: 500e6, samples: 7, shocks: 1 } as const;
  const [share, time, rho] = valuesAfter(resilience(settings), events).at(-1)!;
  expect([share, time]).toEqual([1, 1]);
  const looks = [16, 16, 16, 8, 8, 4, 4, 2].map((widening, at): [number, number] => [at / 2, Math.log(widening)]);
  expect(rho).toBeCloseTo(-slopeOf(looks), 12);
  const exact = { step: 1e9, samples: 2, shocks: 1 } as const;
  // At 0, 1 and 2 s, each just before the change of that second: 16, 16, 8.
  expect(valuesAfter(resilience(exact), events).at(-1)![2]).toBeCloseTo(Math.LN2 / 2, 12);
});

test("settings that make no sense are named", () => {
  expect(() => spreadShockTable({ step: 0, samples: 1 })).toThrow("spread_shocks.step");
  expect(() => spreadShockTable({ step: 1, samples: 1, shock: "spread", changes: 1 })).toThrow("spread_shocks.changes");
  expect(() => resilience({ step: 1, samples: 1, shocks: 0 })).toThrow("resilience.shocks");
});
