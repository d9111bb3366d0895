/**
 * What becomes of orders (L3): a table with one row per order that has left, and columns over a window of time: how long orders live, how much
 * is cancelled and how much is executed, how many are only shown for a moment, how close to the touch they come.
 */
import { EventFlag, EventKind } from "../event.ts";
import { ExactSum } from "../exact-sum.ts";
import type { Context, Feature, Table } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { Ring, WindowSum } from "../window.ts";
import { checkedLives, orderLives, Outcome, type LifeSettings } from "./lives.ts";

const lifeColumns = [
  { name: "order", unit: "1", formula: "id" },
  { name: "side", unit: "1", formula: "1 bid, -1 ask" },
  { name: "created_ns", unit: "ns", formula: "when it came" },
  { name: "lifetime_s", unit: "s", formula: "from then until it left" },
  { name: "price", unit: "ticks", formula: "when it came" },
  { name: "added", unit: "lots", formula: "at first, and what it was given later" },
  { name: "filled", unit: "lots", formula: "of them executed" },
  { name: "outcome", unit: "1", formula: "1 filled, 2 cancelled, 3 cancelled after executions, 4 repriced" },
  { name: "aggressiveness_bps", unit: "bps", formula: "1e4 side (p - reference) / reference" },
  { name: "type", unit: "1", formula: "1 flashed limit, 2 resting limit, 3 market, 4 market limit, 5 pacman" },
];

/** One row per order when it leaves the book, with the time when it left. */
export function orderLifeTable(settings: LifeSettings = {}): Table {
  const parameters = checkedLives("order_lives", settings);
  return {
    id: "order_lives",
    version: 1,
    parameters,
    columns: lifeColumns,
    source: "obAnalytics (R), order types and aggressiveness",
    levels: 1,
    make(context) {
      const values = new Float64Array(lifeColumns.length);
      context.use(orderLives(parameters)).listen({
        onEnd(life, timeNs) {
          values[0] = life.order;
          values[1] = life.side;
          values[2] = life.createdNs;
          values[3] = (timeNs - life.createdNs) / 1e9;
          values[4] = life.price;
          values[5] = life.added;
          values[6] = life.filled;
          values[7] = life.outcome;
          values[8] = life.aggressiveness;
          values[9] = life.type;
          context.emit(timeNs, values);
        },
      });
      return {};
    },
  };
}

interface WindowMean {
  push(timeNs: number, value: number): void;
  /** Writes the mean as of `timeNs` to `row[at]`; NaN of nothing. */
  write(row: Float64Array, at: number, timeNs: number): void;
  clear(): void;
}

/** A mean over a window of values that came at times, without drift. PERF: made anew when a value comes or goes, read from an array otherwise. */
function windowMean(context: Context, window: number): WindowMean {
  const [meanCell, expiresCell] = [0, 1];
  const { entries, sum, cells } = context.keep({
    entries: new Ring(2),
    sum: new ExactSum(),
    cells: Float64Array.of(NaN, Infinity),
  });
  const renew = (): void => {
    cells[meanCell] = entries.count > 0 ? sum.total / entries.count : NaN;
    cells[expiresCell] = entries.count > 0 ? entries.at(0) + window : Infinity;
  };
  const forget = (timeNs: number): void => {
    while (entries.count > 0 && entries.at(0) + window <= timeNs) {
      sum.remove(entries.at(0, 1));
      entries.shift();
    }
  };
  return {
    push(timeNs, value) {
      if (entries.isFull) forget(timeNs);
      entries.push(timeNs, value);
      sum.add(value);
      renew();
    },
    write(row, at, timeNs) {
      if ((cells[expiresCell] as number) <= timeNs) {
        forget(timeNs);
        renew();
      }
      row[at] = cells[meanCell] as number;
    },
    clear() {
      entries.clear();
      sum.clear();
      renew();
    },
  };
}

/**
 * `life_cancelled` and `life_filled`: mean seconds that the orders lived which left within the window, cancelled (untouched or not) and
 * executed to their end. Null where none did.
 */
export function orderLifetime(settings: LifeSettings & { readonly window: number }): Feature {
  const window = positiveInteger("order_lifetime.window", settings.window);
  const lives = checkedLives("order_lifetime", settings);
  const name = nameOfWindow(window);
  return {
    id: "order_lifetime",
    version: 1,
    parameters: { window, ...lives },
    columns: [
      { name: `life_cancelled_${name}`, unit: "s", formula: "mean lifetime of orders cancelled in the window" },
      { name: `life_filled_${name}`, unit: "s", formula: "mean lifetime of orders filled in the window" },
    ],
    source: "Hasbrouck and Saar, Journal of Financial Markets 12(2), 2009",
    lookback: name,
    levels: 1,
    make(context) {
      const source = context.use(orderLives(lives));
      const cancelled = windowMean(context, window);
      const filled = windowMean(context, window);
      source.listen({
        onEnd({ outcome, createdNs }, timeNs) {
          const seconds = (timeNs - createdNs) / 1e9;
          if (outcome === Outcome.filled) filled.push(timeNs, seconds);
          else if (outcome !== Outcome.repriced) cancelled.push(timeNs, seconds);
        },
        onBreak() {
          cancelled.clear();
          filled.clear();
        },
      });
      return {
        write(row, offset, timeNs) {
          cancelled.write(row, offset, timeNs);
          filled.write(row, offset + 1, timeNs);
        },
        isWarm: (timeNs) => timeNs - source.sinceNs() >= window,
      };
    },
  };
}

/** `aggressiveness`: mean distance of the orders that came within the window from the touch, in bps (see `lives.ts`). Null where none did. */
export function orderAggressiveness(settings: LifeSettings & { readonly window: number }): Feature {
  const window = positiveInteger("order_aggressiveness.window", settings.window);
  const lives = checkedLives("order_aggressiveness", settings);
  const name = nameOfWindow(window);
  return {
    id: "order_aggressiveness",
    version: 1,
    parameters: { window, ...lives },
    columns: [
      {
        name: `aggressiveness_${lives.reference === "mid" ? "mid_" : ""}${name}`,
        unit: "bps",
        formula: "mean 1e4 side (p - reference) / reference of new orders",
      },
    ],
    source: "obAnalytics (R)",
    lookback: name,
    levels: 1,
    make(context) {
      const source = context.use(orderLives(lives));
      const distance = windowMean(context, window);
      source.listen({
        onBegin(aggressiveness, timeNs) {
          if (aggressiveness === aggressiveness) distance.push(timeNs, aggressiveness);
        },
        onBreak: () => distance.clear(),
      });
      return {
        write: (row, offset, timeNs) => distance.write(row, offset, timeNs),
        isWarm: (timeNs) => timeNs - source.sinceNs() >= window,
      };
    },
  };
}

/** What the share of fleeting orders is a share of: orders that came within the window, or orders that were cancelled in it. */
export const fleetingBases = ["added", "cancelled"] as const;

/**
 * Within the window: `cancel_ratio` cancelled orders / new ones, `cancel_ratio_lots` and `fill_ratio_lots` lots cancelled and executed / lots that
 * came, `order_to_trade` new orders / trades, `fleeting_share` orders cancelled untouched before they were `fleeting` nanoseconds old (2 s,
 * Hasbrouck and Saar) / new or cancelled ones. Ratios of flows: above 1 when older orders leave. An order that loses its place by a modification
 * is, in lots, cancelled and come again. Snapshots and hidden trades do not count. Null where the denominator is 0.
 */
export function orderOutcomes(settings: {
  readonly window: number;
  readonly fleeting?: number;
  readonly of?: (typeof fleetingBases)[number];
}): Feature {
  const window = positiveInteger("order_outcomes.window", settings.window);
  const fleeting = positiveInteger("order_outcomes.fleeting", settings.fleeting ?? 2e9);
  const of = oneOf("order_outcomes.of", settings.of ?? "added", fleetingBases);
  const name = nameOfWindow(window);
  return {
    id: "order_outcomes",
    version: 1,
    parameters: { window, fleeting, of },
    columns: [
      { name: `cancel_ratio_${name}`, unit: "1", formula: "orders cancelled / orders added" },
      { name: `cancel_ratio_lots_${name}`, unit: "1", formula: "lots cancelled / lots added" },
      { name: `fill_ratio_lots_${name}`, unit: "1", formula: "lots executed / lots added" },
      { name: `order_to_trade_${name}`, unit: "1", formula: "orders added / trades" },
      {
        name: `fleeting_share_${name}`,
        unit: "1",
        formula: `orders cancelled within ${nameOfWindow(fleeting)} / ${of}`,
      },
    ],
    source: "Hasbrouck and Saar, Journal of Financial Markets 12(2), 2009",
    lookback: name,
    levels: 1,
    make(context) {
      const source = context.use(orderLives({ reference: "own-best", repriced: "continues" }));
      const sums = context.keep({
        orders: new WindowSum(window),
        cancels: new WindowSum(window),
        trades: new WindowSum(window),
        fleeting: new WindowSum(window),
        lots: new WindowSum(window),
        lotsCancelled: new WindowSum(window),
        lotsFilled: new WindowSum(window),
      });
      source.listen({
        onEnd({ outcome, createdNs }, timeNs) {
          if (outcome === Outcome.cancelled && timeNs - createdNs < fleeting) sums.fleeting.push(timeNs, 1);
        },
      });
      return {
        onTrade(event) {
          if ((event.flags & EventFlag.hidden) === 0) sums.trades.push(event.timeNs, 1);
        },
        onChange(event, { book: { change } }) {
          const { kind, timeNs } = event;
          if (!change.known || (event.flags & EventFlag.snapshot) !== 0) return;
          const { sizeBefore, sizeAfter } = change;
          if (kind === EventKind.add) {
            sums.orders.push(timeNs, 1);
            sums.lots.push(timeNs, sizeAfter);
          } else if (kind === EventKind.execute) sums.lotsFilled.push(timeNs, sizeBefore - sizeAfter);
          else if (kind === EventKind.cancel) {
            if (sizeAfter === 0) sums.cancels.push(timeNs, 1);
            sums.lotsCancelled.push(timeNs, sizeBefore - sizeAfter);
          } else if (kind === EventKind.modify) {
            const stays = change.price === change.priceBefore && sizeAfter <= sizeBefore;
            sums.lotsCancelled.push(timeNs, stays ? sizeBefore - sizeAfter : sizeBefore);
            if (!stays) sums.lots.push(timeNs, sizeAfter);
            if (sizeAfter === 0) sums.cancels.push(timeNs, 1);
          }
        },
        onGap() {
          for (const sum of Object.values(sums)) sum.clear();
        },
        write(row, offset, timeNs) {
          const orders = sums.orders.total(timeNs);
          const cancels = sums.cancels.total(timeNs);
          const lots = sums.lots.total(timeNs);
          row[offset] = ratio(cancels, orders);
          row[offset + 1] = ratio(sums.lotsCancelled.total(timeNs), lots);
          row[offset + 2] = ratio(sums.lotsFilled.total(timeNs), lots);
          row[offset + 3] = ratio(orders, sums.trades.total(timeNs));
          row[offset + 4] = ratio(sums.fleeting.total(timeNs), of === "added" ? orders : cancels);
        },
        isWarm: (timeNs) => timeNs - source.sinceNs() >= window,
      };
    },
  };
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : NaN);
