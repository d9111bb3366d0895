/**
 * How fast the spread comes back after a shock: the time until half of its widening is gone, and the rate rho of an exponential return,
 * fitted to the logarithm of what is left of it. Obizhaeva and Wang, "Optimal trading strategy and supply/demand dynamics", Journal of
 * Financial Markets 16, 2013, have such a rate for the book; Foucault, Kadan and Kandel, Review of Financial Studies 18(4), 2005, define
 * resilience by the return of the spread. A shock is followed for a fixed time, and no other begins meanwhile.
 */
import { log } from "@stoa/base/exact";
import type { Column, Context, Feature, Operator, Table } from "../graph/operator.ts";
import type { Market } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import { fitLine, RollingPairs } from "../trades/rolling-pairs.ts";
import { nameOfSigns, signParameters, tradeSigns, type TradeSignSettings } from "../trades/trade-sign.ts";
import { Ring } from "../window.ts";

export type ShockSettings = {
  /**
   * `cleared`: the change of the book after a trade moves the best price on the side that was hit, and widens the spread. `spread`: the
   * spread widens to more than `deviations` standard deviations above its mean over the `changes` changes of the book before.
   */
  readonly shock?: "cleared" | "spread";
  readonly deviations?: number;
  readonly changes?: number;
  /** Nanoseconds from one look at the spread to the next, and how many looks there are: the shock is told after the last. */
  readonly step: number;
  readonly samples: number;
} & TradeSignSettings;

/** A shock that was followed to its end. Reused for the next. */
export interface ShockOutcome {
  startNs: number;
  /** Ticks: before it, and right after it. */
  spreadBefore: number;
  spreadAfter: number;
  /** Seconds until the spread was within half of its widening; NaN if it was not within the time. */
  halfTime: number;
  /** Per second; NaN where fewer than two looks found a widening. */
  rho: number;
}

type SpreadShocks = Operator & { readonly listen: (listener: (outcome: ShockOutcome) => void) => void };

function shockParameters(argument: string, settings: ShockSettings): Record<string, string | number> {
  const { shock = "cleared", deviations = 3, changes = 1000, step, samples, ...signs } = settings;
  oneOf(`${argument}.shock`, shock, ["cleared", "spread"]);
  positiveNumber(`${argument}.deviations`, deviations);
  positiveInteger(`${argument}.step`, step);
  positiveInteger(`${argument}.samples`, samples);
  if (!Number.isSafeInteger(changes) || changes < 2) {
    throw new FeatureRefusal({ argument: `${argument}.changes`, value: changes, wanted: "an integer from 2 on" });
  }
  return shock === "cleared"
    ? { shock, step, samples, ...signParameters(argument, signs) }
    : { shock, deviations, changes, step, samples };
}

/** Follows one shock after the other; shared. Not a column. */
function spreadShocks(settings: ShockSettings): Feature<SpreadShocks> {
  const { step, samples } = settings;
  return {
    id: "spread_shocks",
    version: 1,
    parameters: shockParameters("spread_shocks", settings),
    columns: [],
    levels: 1,
    make(context) {
      const isShock = shockDetector(context, settings);
      const listeners: ((outcome: ShockOutcome) => void)[] = [];
      const line = { slope: NaN, intercept: NaN, tStatistic: NaN };
      const looks = new RollingPairs(samples + 1);
      const state = context.keep({
        open: false as boolean,
        looks,
        taken: 0,
        startNs: NaN,
        spreadBefore: NaN,
        spreadAfter: NaN,
        halfTime: NaN,
        rho: NaN,
      });
      const alarm = context.alarm((timeNs) => {
        look(context.market, ++state.taken);
        if (state.taken < samples) return alarm.set(timeNs + step);
        fitLine(looks, { intercept: true }, line);
        state.rho = -line.slope / (step / 1e9);
        state.open = false;
        for (let index = 0; index < listeners.length; index++) (listeners[index] as (typeof listeners)[0])(state);
      });
      const look = (market: Market, at: number): void => {
        const widening = market.usable ? market.askPrice - market.bidPrice - state.spreadBefore : NaN;
        if (widening > 0) looks.push(at, log(widening));
      };
      return {
        listen: (listener) => void listeners.push(listener),
        onBook(market, timeNs) {
          const shocked = isShock(market);
          if (!market.usable) return;
          const spread = market.askPrice - market.bidPrice;
          if (state.open) {
            const half = 2 * (spread - state.spreadBefore) <= state.spreadAfter - state.spreadBefore;
            if (half && !(state.halfTime >= 0)) state.halfTime = (timeNs - state.startNs) / 1e9;
          } else if (shocked) {
            state.open = true;
            state.startNs = timeNs;
            state.spreadBefore = (market.before.askPrice[0] as number) - (market.before.bidPrice[0] as number);
            state.spreadAfter = spread;
            state.halfTime = NaN;
            state.taken = 0;
            looks.clear();
            look(market, 0);
            alarm.set(timeNs + step);
          }
        },
        onGap() {
          state.open = false;
          alarm.set(Infinity);
        },
      };
    },
  };
}

/** Whether the change of the book that is over widened the spread and is a shock by the settings. To be asked after every change. */
function shockDetector(context: Context, settings: ShockSettings): (market: Market) => boolean {
  const { shock = "cleared", deviations = 3, changes = 1000, step: _, samples: __, ...signs } = settings;
  const widened = ({ usable, usableBefore, before, askPrice, bidPrice }: Market): boolean =>
    usable && usableBefore && askPrice - bidPrice > (before.askPrice[0] as number) - (before.bidPrice[0] as number);
  if (shock === "cleared") {
    const hits = context.use(hitSides(signs));
    return (market) => widened(market) && hits.cleared(market);
  }
  const spreads = new RollingPairs(changes);
  context.keep({ spreads });
  return (market) => {
    if (!market.usable) return false;
    const spread = market.askPrice - market.bidPrice;
    const variance = spreads.centredXX / (changes * (changes - 1));
    const limit = spreads.isFull ? spreads.sumX / changes + deviations * Math.sqrt(variance) : Infinity;
    spreads.push(spread, 0);
    return spread > limit && widened(market);
  };
}

/** Which sides trades hit since the last change of the book. Not a column. */
function hitSides(signs: TradeSignSettings): Feature<Operator & { readonly cleared: (market: Market) => boolean }> {
  return {
    id: "hit_sides",
    version: 1,
    parameters: signParameters("hit_sides", signs),
    columns: [],
    levels: 1,
    make(context) {
      const { trade } = context.use(tradeSigns(signs));
      const hit = context.keep({ bid: false as boolean, ask: false as boolean, cleared: false as boolean });
      return {
        cleared: () => hit.cleared,
        onTrade() {
          if (!trade.counts) return;
          if (trade.sign < 0) hit.bid = true;
          if (trade.sign > 0) hit.ask = true;
        },
        onBook({ levels, before }) {
          hit.cleared =
            (hit.bid && (levels.bidPrice[0] as number) < (before.bidPrice[0] as number)) ||
            (hit.ask && (levels.askPrice[0] as number) > (before.askPrice[0] as number));
          hit.bid = hit.ask = false;
        },
      };
    },
  };
}

const shockColumns: readonly Column[] = [
  { name: "spread_before", unit: "ticks", formula: "S before the shock" },
  { name: "spread_after", unit: "ticks", formula: "S right after it" },
  { name: "half_time", unit: "s", formula: "time until S - S_before <= (S_after - S_before) / 2" },
  { name: "rho", unit: "1/s", formula: "-slope of ln(S - S_before) on time" },
];

/** `spread_shocks`: a row for each shock of the spread, emitted when it was followed to its end and bearing the time when it began. */
export function spreadShockTable(settings: ShockSettings): Table {
  return {
    id: "spread_shocks",
    version: 1,
    parameters: shockParameters("spread_shocks", settings),
    columns: shockColumns,
    source: "Obizhaeva and Wang, Journal of Financial Markets 16, 2013",
    levels: 1,
    make(context) {
      const values = new Float64Array(shockColumns.length);
      context.use(spreadShocks(settings)).listen(({ startNs, spreadBefore, spreadAfter, halfTime, rho }) => {
        values[0] = spreadBefore;
        values[1] = spreadAfter;
        values[2] = halfTime;
        values[3] = rho;
        context.emit(startNs, values);
      });
      return {};
    },
  };
}

/**
 * `resilience`: over the last `shocks` shocks that were followed to their end: the share of them of which half was gone in time, the mean time
 * that this took (s), and the mean rho (1/s) of those that have one. Null before the first such shock.
 */
export function resilience(settings: ShockSettings & { readonly shocks: number }): Feature {
  const { shocks, ...rest } = settings;
  positiveInteger("resilience.shocks", shocks);
  const { shock = "cleared", step, samples, deviations: _, changes: __, ...signs } = rest;
  const suffix = `${shock === "cleared" ? nameOfSigns(signs) : "_spread"}_${nameOfWindow(step * samples)}_${shocks}`;
  return {
    id: "resilience",
    version: 1,
    parameters: { shocks, ...shockParameters("resilience", rest) },
    columns: [
      { name: `recovered_share${suffix}`, unit: "1", formula: "share of shocks of which half was gone in time" },
      { name: `recovery_time${suffix}`, unit: "s", formula: "mean time until half was gone" },
      { name: `resilience_rho${suffix}`, unit: "1/s", formula: "mean rho" },
    ],
    source: "Obizhaeva and Wang, Journal of Financial Markets 16, 2013",
    lookback: `${shocks} shocks`,
    levels: 1,
    make(context) {
      const past = new Ring(2, shocks + 1);
      const state = context.keep({ past, share: NaN, time: NaN, rho: NaN });
      context.use(spreadShocks(rest)).listen(({ halfTime, rho }) => {
        past.push(halfTime, rho);
        if (past.count > shocks) past.shift();
        state.time = meanOfNumbers(past, 0);
        state.rho = meanOfNumbers(past, 1);
        state.share = countOfNumbers(past, 0) / past.count;
      });
      return {
        onGap() {
          past.clear();
          state.share = state.time = state.rho = NaN;
        },
        write(row, offset) {
          row[offset] = state.share;
          row[offset + 1] = state.time;
          row[offset + 2] = state.rho;
        },
        isWarm: () => past.count === shocks,
      };
    },
  };
}

/** How many entries of a field are numbers, and their mean: NaN for none. */
function countOfNumbers(ring: Ring, field: number): number {
  let count = 0;
  for (let age = 0; age < ring.count; age++) if (ring.at(age, field) === ring.at(age, field)) count++;
  return count;
}

function meanOfNumbers(ring: Ring, field: number): number {
  let sum = 0;
  for (let age = 0; age < ring.count; age++) {
    const value = ring.at(age, field);
    if (value === value) sum += value;
  }
  return sum / countOfNumbers(ring, field);
}
