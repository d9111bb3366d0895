/**
 * Bulk volume classification: a bar's volume is the buyers' to the part Z(dP / sigma), where dP is the change of the price from bar to
 * bar and sigma its standard deviation over bars before. Easley, Lopez de Prado and O'Hara, Review of Financial Studies 25(5), 2012.
 */
import { normalDistribution } from "@stoa/base/exact";
import type { Feature, Operator } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { intervals } from "./intervals.ts";
import { RollingPairs } from "./rolling-pairs.ts";
import { signParameters, type TradeSignSettings } from "./trade-sign.ts";

export interface BulkSettings {
  /** Nanoseconds of a bar; the paper has one minute. */
  readonly bar: number;
  /** Changes of the price before the bar from which its standard deviation is taken. The paper takes the whole sample, which nobody has live. */
  readonly changes: number;
  readonly hidden?: TradeSignSettings["hidden"];
}

export type BulkBars = Operator & {
  /** Has the listener told of each bar with trades: its lots, and the part of them that was the buyers' (NaN before `changes` are known). */
  readonly listen: (listener: (volume: number, buyersPart: number, timeNs: number) => void) => void;
};

export function bulkParameters(
  argument: string,
  { bar, changes, hidden }: BulkSettings,
): Record<string, string | number> {
  positiveInteger(`${argument}.bar`, bar);
  if (!Number.isSafeInteger(changes) || changes < 2) {
    throw new FeatureRefusal({ argument: `${argument}.changes`, value: changes, wanted: "an integer from 2 on" });
  }
  return { bar, changes, ...signParameters(argument, hidden === undefined ? {} : { hidden }) };
}

/** Bars with the buyers' part of each, shared. Not a column. Bars without trades are none; a gap begins anew. */
export function bulkBars(settings: BulkSettings): Feature<BulkBars> {
  const { bar, changes, hidden } = settings;
  return {
    id: "bulk_bars",
    version: 1,
    parameters: bulkParameters("bulk_bars", settings),
    columns: [],
    levels: 1,
    make(context) {
      const bars = context.use(intervals({ step: bar, ...(hidden === undefined ? {} : { hidden }) }));
      const listeners: ((volume: number, buyersPart: number, timeNs: number) => void)[] = [];
      const past = new RollingPairs(changes);
      const state = context.keep({ past, last: NaN });
      bars.listen(({ tradesCount, volume, last }, timeNs) => {
        if (tradesCount === 0) return;
        const change = last - state.last;
        const part = past.isFull ? buyersPart(change, past.centredXX / (changes * (changes - 1))) : NaN;
        state.last = last;
        if (change === change) past.push(change, 0);
        for (let index = 0; index < listeners.length; index++) {
          (listeners[index] as (typeof listeners)[0])(volume, part, timeNs);
        }
      });
      return {
        listen: (listener) => void listeners.push(listener),
        onGap() {
          past.clear();
          state.last = NaN;
        },
      };
    },
  };
}

/** Z(change / sigma); where sigma is 0 the limit: 1, 0, or one half for no change. */
function buyersPart(change: number, variance: number): number {
  if (change === 0) return 0.5;
  return variance > 0 ? normalDistribution(change / Math.sqrt(variance)) : change > 0 ? 1 : 0;
}

/** `bulk_flow`: lots of buyers less lots of sellers in the last bar with trades, by bulk classification; null while too few bars came before. */
export function bulkFlow(settings: BulkSettings): Feature {
  const parameters = bulkParameters("bulk_flow", settings);
  const name = nameOfWindow(settings.bar);
  return {
    id: "bulk_flow",
    version: 1,
    parameters,
    columns: [
      { name: `bulk_flow_${name}`, unit: "lots", formula: "V (2 Z(dP / sigma) - 1) of the last bar" },
      { name: `bulk_volume_${name}`, unit: "lots", formula: "V of the last bar" },
    ],
    source: "Easley, Lopez de Prado and O'Hara, Review of Financial Studies 25(5), 2012",
    lookback: `${settings.changes + 1} bars`,
    levels: 1,
    make(context) {
      const bars = context.use(bulkBars(settings));
      const state = context.keep({ flow: NaN, volume: NaN });
      bars.listen((volume, part) => {
        state.flow = volume * (2 * part - 1);
        state.volume = volume;
      });
      return {
        onGap() {
          state.flow = state.volume = NaN;
        },
        write(row, offset) {
          row[offset] = state.flow;
          row[offset + 1] = state.volume;
        },
        isWarm: () => state.flow === state.flow,
      };
    },
  };
}
