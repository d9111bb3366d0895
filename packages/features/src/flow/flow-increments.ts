/**
 * What each change of the book brought and took at each level, told to whoever sums it up; and from which states of the book it was
 * seen. Flow between snapshots is not flow of every event: what came and went between two of them is not in it. So the clock of the
 * source is a parameter, and in the name, of everything that is made of flow.
 */
import type { Feature, Operator } from "../graph/operator.ts";
import { makeLevels, type Levels } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { timeGrid } from "./time-grid.ts";

/** What one change of the book at level `level` contributed, in lots: e_n of Cont, Kukanov and Stoikov (2014) for level 0. */
export function flowOfLevel(now: Levels, before: Levels, level: number): number {
  return bidFlowOfLevel(now, before, level) - askFlowOfLevel(now, before, level);
}

/** dW of Xu, Gould and Howison (2018): lots that came to the bid at a level, less those that left it. */
export function bidFlowOfLevel(now: Levels, before: Levels, level: number): number {
  return arrived(
    now.bidPrice[level] as number,
    now.bidSize[level] as number,
    before.bidPrice[level] as number,
    before.bidSize[level] as number,
  );
}

/** dV: the same at the ask. */
export function askFlowOfLevel(now: Levels, before: Levels, level: number): number {
  return arrived(
    -(now.askPrice[level] as number),
    now.askSize[level] as number,
    -(before.askPrice[level] as number),
    before.askSize[level] as number,
  );
}

/** Lots that came to a side, less those that left it; for the ask with the sign of prices turned. A level that is not there has no lots. */
function arrived(price: number, size: number, priceBefore: number, sizeBefore: number): number {
  if (price > priceBefore) return size;
  if (price < priceBefore) return -sizeBefore;
  return size - sizeBefore;
}

export interface FlowSettings {
  /** Populated levels from the best, 1 for the best alone. */
  readonly levels: number;
  /**
   * Nanoseconds between the states of the book that are compared: 0 (if absent) for every change that the source tells; else the
   * states at multiples of so many nanoseconds since 1970 UTC, which is what a feed throttled to that step knows at best.
   */
  readonly sourceClock?: number;
}

/** Two states of a usable book, one after the other; levels before `from` are equal. Nothing may be kept. */
export type FlowListener = (timeNs: number, now: Levels, before: Levels, from: number) => void;

export type FlowIncrements = Operator & {
  /** To be called when an operator is made. */
  readonly listen: (listener: FlowListener) => void;
};

/** The settings, checked, as parameters of a definition. */
export function flowParameters(argument: string, settings: FlowSettings): Record<string, number> {
  const { levels, sourceClock = 0 } = settings;
  positiveInteger(`${argument}.levels`, levels);
  if (!Number.isSafeInteger(sourceClock) || sourceClock < 0) {
    throw new FeatureRefusal({
      argument: `${argument}.sourceClock`,
      value: sourceClock,
      wanted: "nanoseconds between snapshots, or 0 for every event",
    });
  }
  return { levels, sourceClock };
}

/** `_of_100ms` for flow between snapshots that are 100 ms apart, nothing for flow of every event. */
export const nameOfSource = (sourceClock = 0): string => (sourceClock === 0 ? "" : `_of_${nameOfWindow(sourceClock)}`);

/** Pairs of states of the first levels, shared. Not a column. There is none across a gap, or to or from a one-sided or crossed book. */
export function flowIncrements(settings: FlowSettings): Feature<FlowIncrements> {
  const { levels, sourceClock = 0 } = settings;
  return {
    id: "flow_increments",
    version: 1,
    parameters: flowParameters("flow_increments", settings),
    columns: [],
    levels,
    make(context) {
      const listeners: FlowListener[] = [];
      const listen = (listener: FlowListener): void => void listeners.push(listener);
      const tell = (timeNs: number, now: Levels, before: Levels, from: number): void => {
        for (let index = 0; index < listeners.length; index++)
          (listeners[index] as FlowListener)(timeNs, now, before, from);
      };
      if (sourceClock === 0) {
        return {
          listen,
          onBook({ levels: now, before, touchedDepth, usable, usableBefore }, timeNs) {
            if (usable && usableBefore && touchedDepth < levels) tell(timeNs, now, before, touchedDepth);
          },
        };
      }
      const { market } = context;
      const before = context.keep(makeLevels(levels));
      const state = context.keep({ usable: false as boolean });
      const grid = timeGrid(context, sourceClock, (timeNs) => {
        if (market.usable && state.usable) tell(timeNs, market.levels, before, 0);
        state.usable = market.usable;
        copyLevels(market.levels, before, levels);
      });
      return {
        listen,
        onBook: (_, timeNs) => grid.begin(timeNs),
        onGap() {
          state.usable = false;
        },
      };
    },
  };
}

function copyLevels(from: Levels, to: Levels, count: number): void {
  for (let level = 0; level < count; level++) {
    to.bidPrice[level] = from.bidPrice[level] as number;
    to.bidSize[level] = from.bidSize[level] as number;
    to.askPrice[level] = from.askPrice[level] as number;
    to.askSize[level] = from.askSize[level] as number;
  }
}
