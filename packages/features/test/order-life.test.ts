/** Lives of orders against a naive second implementation over lists of orders, and against lives written down by hand. */
import { describe, expect, test } from "vitest";
import {
  appendEvent,
  blankEvent,
  EventFlag,
  EventKind,
  makeEventBatch,
  type EventBatch,
  type MarketEvent,
} from "../src/event.ts";
import { ms, seconds } from "../src/graph/clock.ts";
import {
  aggressivenessReferences,
  Outcome,
  OrderType,
  repricings,
  type LifeSettings,
} from "../src/order-life/lives.ts";
import {
  fleetingBases,
  orderAggressiveness,
  orderLifetime,
  orderLifeTable,
  orderOutcomes,
} from "../src/order-life/order-life.ts";
import { expectNaive, historyOf, type Moment } from "./support/history.ts";
import { randomOrders } from "./support/random-market.ts";
import { expectRows, rowsOfTable } from "./support/tables.ts";

const batch = randomOrders(71, 2_500);

interface Followed {
  readonly id: number;
  readonly side: number;
  readonly price: number;
  readonly bornAt: number;
  readonly createdNs: number;
  readonly aggressiveness: number;
  readonly reaches: boolean;
  added: number;
  filled: number;
  repriced: boolean;
}

interface Ended extends Followed {
  readonly outcome: number;
  readonly endNs: number;
  readonly endAt: number;
}

interface Lives {
  readonly ended: readonly Ended[];
  readonly born: readonly Followed[];
}

/** Who lived and how it ended, by walking through all events with a list of resting orders. */
function livesOf(moments: readonly Moment[], { reference = "own-best", repriced = "continues" }: LifeSettings): Lives {
  let resting: { id: number; side: number; price: number; size: number; life?: Followed }[] = [];
  const [ended, born]: [Ended[], Followed[]] = [[], []];
  let settled: Moment | undefined;
  for (const [at, moment] of moments.entries()) {
    const { event, timeNs } = moment;
    const known = resting.find(({ id }) => id === event.id);
    const bear = (side: number, price: number, size: number): Followed => {
      const [bid, ask] = settled?.usable === true ? [settled.bids[0]!.price, settled.asks[0]!.price] : [NaN, NaN];
      const [own, other] = side === 1 ? [bid, ask] : [ask, bid];
      const from = reference === "mid" ? (bid + ask) / 2 : own;
      const aggressiveness = ((side * (price - from)) / from) * 1e4;
      const reaches = side === 1 ? price >= other : price <= other;
      const life = {
        id: event.id,
        side,
        price,
        bornAt: at,
        createdNs: timeNs,
        aggressiveness,
        reaches,
        added: size,
        filled: 0,
        repriced: false,
      };
      born.push(life);
      return life;
    };
    const leave = (outcome: number): void => {
      if (known?.life !== undefined) ended.push({ ...known.life, outcome, endNs: timeNs, endAt: at });
    };
    if (event.kind === EventKind.clear) resting = [];
    if (event.kind === EventKind.gap) for (const order of resting) delete order.life;
    if (event.kind === EventKind.add) {
      resting = resting.filter((order) => order !== known);
      resting.push({
        id: event.id,
        side: event.side,
        price: event.price,
        size: event.size,
        life: bear(event.side, event.price, event.size),
      });
    }
    if (known !== undefined && event.kind === EventKind.execute) {
      if (known.life !== undefined) known.life.filled += Math.min(event.size, known.size);
      known.size -= event.size;
      if (known.size <= 0) leave(Outcome.filled);
    }
    if (known !== undefined && event.kind === EventKind.cancel) {
      known.size -= event.size;
      if (known.size <= 0) leave(known.life?.filled === 0 ? Outcome.cancelled : Outcome.cancelledInPart);
    }
    if (known !== undefined && event.kind === EventKind.modify) {
      const moved = event.price !== known.price;
      if (moved && repriced === "ends" && known.life !== undefined) {
        leave(Outcome.repriced);
        known.life = bear(known.side, event.price, event.size);
      } else if (known.life !== undefined) {
        known.life.added += Math.max(0, event.size - known.size);
        known.life.repriced ||= moved;
      }
      [known.price, known.size] = [event.price, event.size];
    }
    resting = resting.filter(({ size }) => size > 0);
    if (moment.settled) settled = moment;
  }
  return { ended, born };
}

function typeOf({ repriced, reaches, outcome, filled }: Ended): number {
  if (repriced) return OrderType.pacman;
  if (reaches) return outcome === Outcome.filled ? OrderType.market : OrderType.marketLimit;
  return filled > 0 ? OrderType.restingLimit : OrderType.flashedLimit;
}

describe.each(repricings)("of orders whose life at another price %s", (repriced) => {
  test.each(aggressivenessReferences)("each that left has a row, with its distance from the %s", (reference) => {
    const { ended } = livesOf(historyOf(batch), { reference, repriced });
    expect(ended.length).toBeGreaterThan(300);
    expect(new Set(ended.map(({ outcome }) => outcome)).size).toBe(repriced === "ends" ? 4 : 3);
    expect(new Set(ended.map(typeOf)).size).toBeGreaterThan(3);
    const table = orderLifeTable({ reference, repriced });
    const naive = ended.map((life) => ({
      timeNs: life.endNs,
      values: [
        life.id,
        life.side,
        life.createdNs,
        (life.endNs - life.createdNs) / 1e9,
        life.price,
        life.added,
        life.filled,
        life.outcome,
        life.aggressiveness,
        typeOf(life),
      ],
    }));
    // The product is taken in another order, so the distance is the same to rounding only.
    const rounded = (values: readonly number[]): number[] =>
      values.map((value, column) => (column === 8 ? Math.fround(value) : value));
    const rows = rowsOfTable(table, batch);
    expect(rows.map(({ timeNs, values }) => ({ timeNs, values: rounded(values) }))).toEqual(
      naive.map(({ timeNs, values }) => ({ timeNs, values: rounded(values) })),
    );
    expectRows(
      table,
      batch,
      rows.map(({ timeNs, values }) => ({ timeNs, values })),
    );
  });
});

const gapBefore = (moments: readonly Moment[]): number =>
  moments.findLastIndex(({ event }) => event.kind === EventKind.gap);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test("lifetimes and distances are means over the window", () => {
  const window = seconds(2);
  const all = livesOf(historyOf(batch), {});
  const lifetimes = expectNaive(
    orderLifetime({ window }),
    (moments, timeNs) => {
      const gap = gapBefore(moments);
      const inside = all.ended.filter(
        ({ endNs, endAt }) => endAt < moments.length && endAt > gap && endNs > timeNs - window,
      );
      const of = (filled: boolean): number[] =>
        inside
          .filter(({ outcome }) => (outcome === Outcome.filled) === filled)
          .map(({ endNs, createdNs }) => (endNs - createdNs) / 1e9);
      return [mean(of(false)), mean(of(true))];
    },
    batch,
    { stride: 5, tolerance: 1e-12 },
  );
  expect(lifetimes).toBeGreaterThan(300);
  const distances = expectNaive(
    orderAggressiveness({ window }),
    (moments, timeNs) => {
      const gap = gapBefore(moments);
      const inside = all.born.filter(
        ({ createdNs, bornAt, aggressiveness }) =>
          aggressiveness === aggressiveness && bornAt < moments.length && bornAt > gap && createdNs > timeNs - window,
      );
      return [mean(inside.map(({ aggressiveness }) => aggressiveness))];
    },
    batch,
    { stride: 5, tolerance: 1e-9 },
  );
  expect(distances).toBeGreaterThan(200);
});

test.each(fleetingBases)(
  "ratios are those of what happened in the window, fleeting orders of those that were %s",
  (of) => {
    const [window, fleeting] = [seconds(2), ms(300)];
    const history = historyOf(batch);
    const { ended } = livesOf(history, {});
    /** Lots of the order that an event names, before and after the event, and whether it kept its place. */
    const sizeOf = (
      moment: Moment | undefined,
      event: Readonly<MarketEvent>,
    ): { size: number; price: number } | undefined => sizes.get(moment!)?.get(event.id);
    const sizes = new Map<Moment, ReadonlyMap<number, { size: number; price: number }>>();
    let orders = new Map<number, { size: number; price: number }>();
    for (const moment of history) {
      const { kind, id, price, size } = moment.event;
      orders = new Map(kind === EventKind.clear ? [] : orders);
      const known = orders.get(id);
      if (kind === EventKind.add || (kind === EventKind.modify && known)) orders.set(id, { size, price });
      if ((kind === EventKind.cancel || kind === EventKind.execute) && known)
        orders.set(id, { ...known, size: known.size - size });
      if ((orders.get(id)?.size ?? 0) <= 0) orders.delete(id);
      sizes.set(moment, orders);
    }
    const numbers = expectNaive(
      orderOutcomes({ window, fleeting, of }),
      (moments, timeNs) => {
        const gap = gapBefore(moments);
        let [adds, cancels, trades, lots, cancelled, filled] = [0, 0, 0, 0, 0, 0];
        for (const [at, { event }] of moments.entries()) {
          if (at <= gap || event.timeNs <= timeNs - window) continue;
          const before = at === 0 ? undefined : sizeOf(moments[at - 1], event);
          const after = sizeOf(moments[at], event)?.size ?? 0;
          if (event.kind === EventKind.trade) trades++;
          if (event.kind === EventKind.add) [adds, lots] = [adds + 1, lots + event.size];
          if (before === undefined) continue;
          if (event.kind === EventKind.execute) filled += before.size - after;
          if (event.kind === EventKind.cancel)
            [cancelled, cancels] = [cancelled + before.size - after, cancels + (after === 0 ? 1 : 0)];
          if (event.kind !== EventKind.modify) continue;
          if (event.price === before.price && event.size <= before.size) cancelled += before.size - event.size;
          else [cancelled, lots] = [cancelled + before.size, lots + event.size];
        }
        const shown = ended.filter(
          ({ endNs, endAt, createdNs, outcome }) =>
            endAt < moments.length &&
            endAt > gap &&
            endNs > timeNs - window &&
            outcome === Outcome.cancelled &&
            endNs - createdNs < fleeting,
        ).length;
        const ratio = (part: number, whole: number): number => (whole === 0 ? NaN : part / whole);
        return [
          ratio(cancels, adds),
          ratio(cancelled, lots),
          ratio(filled, lots),
          ratio(adds, trades),
          ratio(shown, of === "added" ? adds : cancels),
        ];
      },
      batch,
      { stride: 5 },
    );
    expect(numbers).toBeGreaterThan(1_000);
  },
);

test("five orders, one of each type, and the best bid that they are measured from", () => {
  const rows = rowsOfTable(
    orderLifeTable(),
    script([
      ["add", 90, 1, 100, 50],
      ["add", 91, -1, 110, 50],
      ["add", 1, 1, 99, 5],
      ["cancel", 1, 1, 99, 5],
      ["add", 2, 1, 101, 5],
      ["execute", 2, 1, 101, 5],
      ["add", 3, 1, 110, 5],
      ["execute", 3, 1, 110, 5],
      ["add", 4, 1, 112, 5],
      ["execute", 4, 1, 112, 2],
      ["cancel", 4, 1, 112, 3],
      ["add", 5, 1, 98, 5],
      ["modify", 5, 1, 99, 5],
      ["cancel", 5, 1, 99, 5],
    ]),
  );
  expect(rows.map(({ values }) => values[9])).toEqual([
    OrderType.flashedLimit,
    OrderType.restingLimit,
    OrderType.market,
    OrderType.marketLimit,
    OrderType.pacman,
  ]);
  expect(rows.map(({ values }) => values[7])).toEqual([
    Outcome.cancelled,
    Outcome.filled,
    Outcome.filled,
    Outcome.cancelledInPart,
    Outcome.cancelled,
  ]);
  expect(rows.map(({ values }) => values[8])).toEqual([-100, 100, 1000, 1200, -200]);
  expect(rows.map(({ values }) => values[3])).toEqual([1, 1, 1, 2, 2]);
});

test("orders of a snapshot are not followed", () => {
  const events = script([
    ["add", 1, 1, 99, 5],
    ["cancel", 1, 1, 99, 5],
  ]);
  events.flags[0]! |= EventFlag.snapshot;
  expect(rowsOfTable(orderLifeTable(), events)).toEqual([]);
});

test("what makes no sense is refused by name", () => {
  expect(() => orderLifetime({ window: 0 })).toThrow("order_lifetime.window is 0");
  expect(() => orderOutcomes({ window: 5, fleeting: -1 })).toThrow("order_outcomes.fleeting is -1");
  expect(() => orderLifeTable({ reference: "last" as "mid" })).toThrow("one of own-best, mid");
});

/** One event per second, each an atomic change: kind, order, side, price, size. */
function script(
  lines: readonly (readonly ["add" | "cancel" | "execute" | "modify", number, 1 | -1, number, number])[],
): EventBatch {
  const events = makeEventBatch(lines.length);
  for (const [index, [kind, id, side, price, size]] of lines.entries()) {
    appendEvent(events, {
      ...blankEvent(),
      kind: EventKind[kind],
      flags: EventFlag.last,
      id,
      side,
      price,
      size,
      timeNs: 1e9 * index,
    });
  }
  return events;
}
