/** A bar that is being made from trades: its prices, volumes and times. All sums are of integers (ticks, lots), so they are exact. */
import { EventFlag, type MarketEvent } from "../event.ts";
import type { Column } from "../graph/operator.ts";
import { oneOf } from "../refusal.ts";

/**
 * Which bar the trade belongs to that reaches the threshold. `crossing-in`: the one that it closes; the next begins at zero (Lopez de Prado,
 * Advances in Financial Machine Learning, 2018). `crossing-next`: the next one, so that the bar is only known when that trade has come; of
 * tick, volume and dollar bars the number of the bar is then floor(sum of all trades so far / threshold), as in the R package fmlr.
 * `split`: both; as many lots as are missing go to the first (the rule of volume buckets).
 */
export const closings = ["crossing-in", "crossing-next", "split"] as const;
export type Closing = (typeof closings)[number];

/**
 * Where the sign of a trade comes from. `aggressor`: what the venue says, 0 where it says nothing. `tick-rule`: the sign of the last
 * change of price that was not zero. `aggressor-else-tick`: the second where the first is 0.
 */
export const signRules = ["aggressor", "tick-rule", "aggressor-else-tick"] as const;
export type SignRule = (typeof signRules)[number];

export interface TapeSettings {
  readonly sign?: SignRule;
  /** Whether trades that no book showed are part of the tape. */
  readonly hidden?: (typeof hiddenRules)[number];
}
export const hiddenRules = ["include", "exclude"] as const;

export function checkedTape(table: string, settings: TapeSettings): Required<TapeSettings> {
  return {
    sign: oneOf(`${table}.sign`, settings.sign ?? "aggressor", signRules),
    hidden: oneOf(`${table}.hidden`, settings.hidden ?? "include", hiddenRules),
  };
}

/** Columns of every kind of bar. A bar that nothing was traded in (of time, `repeat`) has the last close as its prices and no vwap. */
export const barColumns: readonly Column[] = [
  { name: "open_time_ns", unit: "ns", formula: "time of the first trade; of time bars the beginning of the interval" },
  { name: "close_time_ns", unit: "ns", formula: "time of the last trade; of time bars the end of the interval" },
  { name: "open", unit: "ticks", formula: "first price" },
  { name: "high", unit: "ticks", formula: "highest price" },
  { name: "low", unit: "ticks", formula: "lowest price" },
  { name: "close", unit: "ticks", formula: "last price" },
  { name: "volume", unit: "lots", formula: "sum v" },
  { name: "signed_volume", unit: "lots", formula: "sum b v, b the sign of the trade" },
  { name: "vwap", unit: "ticks", formula: "sum p v / sum v" },
  { name: "trades", unit: "1", formula: "trades, a split one where it ends" },
  { name: "gap", unit: "1", formula: "1 if something was missed since the bar before" },
];

export interface Bar {
  openNs: number;
  closeNs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  signedVolume: number;
  /** Ticks times lots. */
  notional: number;
  trades: number;
  gap: boolean;
  /** Lots or trades have come in. */
  begun: boolean;
}

export const emptyBar = (): Bar => ({
  openNs: NaN,
  closeNs: NaN,
  open: NaN,
  high: NaN,
  low: NaN,
  close: NaN,
  volume: 0,
  signedVolume: 0,
  notional: 0,
  trades: 0,
  gap: false,
  begun: false,
});

/** Adds `lots` of a trade. Counting the trade itself is the caller's. */
export function addLots(bar: Bar, event: MarketEvent, lots: number, sign: number): void {
  const { price } = event;
  if (!bar.begun) {
    bar.begun = true;
    bar.openNs = event.timeNs;
    bar.open = price;
    bar.high = price;
    bar.low = price;
  } else if (price > bar.high) bar.high = price;
  else if (price < bar.low) bar.low = price;
  bar.close = price;
  bar.closeNs = event.timeNs;
  bar.volume += lots;
  bar.signedVolume += sign * lots;
  bar.notional += price * lots;
}

/** Writes the columns and begins the next bar, which is empty. */
export function closeBar(bar: Bar, values: Float64Array): void {
  values[0] = bar.openNs;
  values[1] = bar.closeNs;
  values[2] = bar.open;
  values[3] = bar.high;
  values[4] = bar.low;
  values[5] = bar.close;
  values[6] = bar.volume;
  values[7] = bar.signedVolume;
  values[8] = bar.notional / bar.volume;
  values[9] = bar.trades;
  values[10] = bar.gap ? 1 : 0;
  bar.openNs = NaN;
  bar.volume = 0;
  bar.signedVolume = 0;
  bar.notional = 0;
  bar.trades = 0;
  bar.gap = false;
  bar.begun = false;
}

/** What the sign of a trade needs to remember. */
export interface SignState {
  price: number;
  tickSign: number;
}
export const unknownSign = (): SignState => ({ price: NaN, tickSign: 0 });

export function signOf(state: SignState, rule: SignRule, event: MarketEvent): number {
  if (event.price > state.price) state.tickSign = 1;
  else if (event.price < state.price) state.tickSign = -1;
  state.price = event.price;
  return rule === "tick-rule" || (rule === "aggressor-else-tick" && event.side === 0) ? state.tickSign : event.side;
}

/** Whether a trade is on the tape. */
export const isOnTape = (event: MarketEvent, hidden: Required<TapeSettings>["hidden"]): boolean =>
  event.size > 0 && (hidden === "include" || (event.flags & EventFlag.hidden) === 0);
