/**
 * Logarithmic returns of a price that is observed by one of three named rules, and those of the last window with the sums that
 * measures of volatility are made of. Shared by the whole family: one ring per sampling and window.
 *
 * Sums are exact (`ExactSum`): a squared return leaves just what it brought, so nothing drifts.
 */
import { log } from "@stoa/base/exact";
import { EventFlag } from "../event.ts";
import { ExactSum } from "../exact-sum.ts";
import type { Feature, Operator } from "../graph/operator.ts";
import { gridAfter, phaseOfGrid } from "../grid.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import { Ring } from "../window.ts";

/**
 * Where prices come from. `trade`: each trade that is not hidden. `mid`: the middle of the book whenever it has changed. `grid`: the
 * middle at each multiple of `step` since 1970, as it was before any event of that time.
 */
export const samplings = ["trade", "mid", "grid"] as const;
export type Sampling = (typeof samplings)[number];

export interface SamplingSettings {
  readonly sampling: Sampling;
  /** Nanoseconds between two samples of `grid`; of the others it is not asked for. */
  readonly step?: number;
}

export interface WindowSettings extends SamplingSettings {
  /** Nanoseconds. */
  readonly window: number;
}

/** How much of a year the market is open, for annualised volatility: 365 and 24 for crypto; 252 and 6.5 for shares on an exchange. */
export interface YearSettings {
  readonly tradingDays?: number;
  readonly tradingHours?: number;
}

/** Settings as they stand in parameters: `step` is 0 where it means nothing. */
export function checkedSampling(feature: string, { sampling, step }: SamplingSettings): Required<SamplingSettings> {
  oneOf(`${feature}.sampling`, sampling, samplings);
  if (sampling === "grid") return { sampling, step: positiveInteger(`${feature}.step`, step ?? NaN) };
  if (step === undefined || step === 0) return { sampling, step: 0 };
  throw new FeatureRefusal({ argument: `${feature}.step`, value: step, wanted: "left out unless sampling is grid" });
}

export function checkedWindow(feature: string, settings: WindowSettings): Required<WindowSettings> {
  return {
    ...checkedSampling(feature, settings),
    window: positiveInteger(`${feature}.window`, settings.window),
  };
}

/** How often the window fits into a year of trading. */
export function windowsPerYear(
  feature: string,
  window: number,
  year: YearSettings,
): Required<YearSettings> & { count: number } {
  const tradingDays = positiveNumber(`${feature}.tradingDays`, year.tradingDays ?? 365);
  const tradingHours = positiveNumber(`${feature}.tradingHours`, year.tradingHours ?? 24);
  return { tradingDays, tradingHours, count: (tradingDays * tradingHours * 3_600e9) / window };
}

/** `trade_5m`, `grid1s_5m`. */
export const nameOfReturns = ({ sampling, step, window }: Required<WindowSettings>): string =>
  `${sampling}${sampling === "grid" ? nameOfWindow(step) : ""}_${nameOfWindow(window)}`;

interface ReturnListener {
  onReturn(value: number, timeNs: number): void;
  /** Something was missed: what comes next does not follow on what came before. */
  onBreak(): void;
}

interface ObservedReturns extends Operator {
  listen(listener: ReturnListener): void;
  /** When the first price was observed since the last gap; NaN before. */
  sinceNs(): number;
}

/**
 * ln(p_i / p_{i-1}) as prices are observed. Not a column. What is not above zero, or comes from a book that is not usable, counts as not
 * observed: the next return spans it. Over a gap there is no return.
 */
export function observedReturns({ sampling, step }: Required<SamplingSettings>): Feature<ObservedReturns> {
  return {
    id: "observed_returns",
    version: 1,
    parameters: { sampling, step },
    columns: [],
    levels: sampling === "trade" ? 0 : 1,
    make(context) {
      const state = context.keep({ price: NaN, sinceNs: NaN });
      const listeners: ReturnListener[] = [];
      const observe = (price: number, timeNs: number): void => {
        if (!(price > 0)) return;
        if (!(state.sinceNs <= timeNs)) state.sinceNs = timeNs;
        const before = state.price;
        state.price = price;
        if (before !== before) return;
        const value = price === before ? 0 : log(price / before);
        for (let index = 0; index < listeners.length; index++)
          (listeners[index] as ReturnListener).onReturn(value, timeNs);
      };
      const shared = {
        onGap() {
          state.price = NaN;
          state.sinceNs = NaN;
          for (let index = 0; index < listeners.length; index++) (listeners[index] as ReturnListener).onBreak();
        },
        listen: (listener: ReturnListener) => void listeners.push(listener),
        sinceNs: () => state.sinceNs,
      };
      if (sampling === "trade") {
        return {
          ...shared,
          onTrade(event) {
            if ((event.flags & EventFlag.hidden) === 0) observe(event.price, event.timeNs);
          },
        };
      }
      if (sampling === "mid") {
        return {
          ...shared,
          onBook(market, timeNs) {
            if (market.touchedDepth > 0 && market.usable === market.usableBefore) return;
            const { mid } = market;
            if (mid !== state.price) observe(mid, timeNs);
          },
        };
      }
      const phase = phaseOfGrid(context.originNs, step);
      const clock = context.keep({ running: false as boolean });
      const alarm = context.alarm((timeNs) => {
        alarm.set(gridAfter(timeNs, step, phase));
        observe(context.market.mid, timeNs);
      });
      return {
        ...shared,
        onBook(_, timeNs) {
          if (clock.running) return;
          clock.running = true;
          alarm.set(gridAfter(timeNs, step, phase));
        },
      };
    },
  };
}

/** Where the sums of the recent returns stand in `cells`; NaN where there is none to sum. */
export const returnCells = {
  /** Squares of returns of zero and above, and of those below. */
  squaresAbove: 0,
  squaresBelow: 1,
  /** Products of the magnitudes of neighbours. */
  products: 2,
  /** Nanoseconds: from then on the oldest return does not belong to the window any more. Infinity without returns. */
  expiresNs: 3,
} as const;

export interface RecentReturns extends Operator {
  /** By `returnCells`. Whoever reads at a time that is no earlier than `expiresNs` calls `expire` first. */
  readonly cells: Float64Array;
  /** Drops what is older than the window as of `timeNs`. */
  expire(timeNs: number): void;
  /** Return by age, the oldest 0. */
  at(age: number): number;
  count(): number;
  isWarm(timeNs: number): boolean;
}

/**
 * The returns of the last window. A return belongs to it while its time is later than `timeNs - window`. Not a column. PERF: sums are made
 * when a return comes or goes; a row reads them out of an array, which costs no allocation.
 */
export function recentReturns(settings: Required<WindowSettings>): Feature<RecentReturns> {
  const { window } = settings;
  return {
    id: "recent_returns",
    version: 1,
    parameters: { ...settings },
    columns: [],
    levels: settings.sampling === "trade" ? 0 : 1,
    make(context) {
      const source = context.use(observedReturns({ sampling: settings.sampling, step: settings.step }));
      const memory = context.keep({
        ring: new Ring(2),
        above: new ExactSum(),
        below: new ExactSum(),
        products: new ExactSum(),
        cells: Float64Array.of(NaN, NaN, NaN, Infinity),
      });
      const { ring, above, below, products, cells } = memory;
      const sumUp = (): void => {
        const { count } = ring;
        cells[returnCells.squaresAbove] = count > 0 ? above.total : NaN;
        cells[returnCells.squaresBelow] = count > 0 ? below.total : NaN;
        cells[returnCells.products] = count > 1 ? products.total : NaN;
        cells[returnCells.expiresNs] = count > 0 ? ring.at(0) + window : Infinity;
      };
      const drop = (timeNs: number): void => {
        while (ring.count > 0 && ring.at(0) + window <= timeNs) {
          const value = ring.at(0, 1);
          (value < 0 ? below : above).remove(value * value);
          if (ring.count > 1) products.remove(Math.abs(value * ring.at(1, 1)));
          ring.shift();
        }
      };
      source.listen({
        onReturn(value, timeNs) {
          drop(timeNs);
          (value < 0 ? below : above).add(value * value);
          if (ring.count > 0) products.add(Math.abs(ring.at(ring.count - 1, 1) * value));
          ring.push(timeNs, value);
          sumUp();
        },
        onBreak() {
          ring.clear();
          for (const sum of [above, below, products]) sum.clear();
          sumUp();
        },
      });
      return {
        cells,
        expire(timeNs) {
          drop(timeNs);
          sumUp();
        },
        at: (age) => ring.at(age, 1),
        count: () => ring.count,
        isWarm: (timeNs) => timeNs - source.sinceNs() >= window,
      };
    },
  };
}
