/**
 * What was traded, and where the middle was, between two multiples of a step since 1970 UTC: what regressions and estimators from
 * intervals are made of. An interval is told when it is over, before any event of its end or later.
 */
import { timeGrid } from "../flow/time-grid.ts";
import type { Feature, Operator } from "../graph/operator.ts";
import type { Market } from "../market.ts";
import { positiveInteger } from "../refusal.ts";
import { signParameters, tradeSigns, type TradeSignSettings } from "./trade-sign.ts";

/** An interval that is over. Reused for the next. */
export interface Interval {
  /** Seen from its beginning to its end. With a gap inside it is not, and has only what came after it. */
  readonly whole: boolean;
  readonly tradesCount: number;
  /** Lots; and lots of buyers less lots of sellers. */
  readonly volume: number;
  readonly signed: number;
  /** Sum of price times size, ticks times lots. */
  readonly value: number;
  /** Sum of sign times the root of price times size. */
  readonly signedRoot: number;
  /** Of the trades, in ticks; NaN without any. */
  readonly first: number;
  readonly last: number;
  readonly high: number;
  readonly low: number;
  /** Best bid plus best ask in ticks (twice the middle) as it began and as it ended; NaN where the book was not usable. */
  readonly twiceMidBefore: number;
  readonly twiceMid: number;
}

export type Intervals = Operator & {
  /** Has the listener told of each interval. To be called when an operator is made. */
  readonly listen: (listener: (interval: Interval, timeNs: number) => void) => void;
};

/** Intervals of `step` nanoseconds, shared by all who ask for the same. Not a column. */
export function intervals({ step, ...signs }: { readonly step: number } & TradeSignSettings): Feature<Intervals> {
  positiveInteger("intervals.step", step);
  return {
    id: "intervals",
    version: 1,
    parameters: { step, ...signParameters("intervals", signs) },
    columns: [],
    levels: 1,
    make(context) {
      const { trade } = context.use(tradeSigns(signs));
      const listeners: ((interval: Interval, timeNs: number) => void)[] = [];
      const state = context.keep({ ...emptyInterval, whole: false as boolean, twiceMidBefore: NaN, twiceMid: NaN });
      const grid = timeGrid(context, step, (timeNs) => {
        state.twiceMid = twiceMidOf(context.market);
        for (let index = 0; index < listeners.length; index++)
          (listeners[index] as (typeof listeners)[0])(state, timeNs);
        state.twiceMidBefore = state.twiceMid;
        state.whole = true;
        forgetTrades();
      });
      const forgetTrades = (): void => {
        state.tradesCount = state.volume = state.signed = state.value = state.signedRoot = 0;
        state.first = state.last = state.high = state.low = NaN;
      };
      return {
        listen: (listener) => void listeners.push(listener),
        onTrade({ price, size, timeNs }) {
          grid.begin(timeNs);
          if (!trade.counts) return;
          const { sign } = trade;
          state.tradesCount++;
          state.volume += size;
          state.signed += sign * size;
          state.value += price * size;
          state.signedRoot += sign * Math.sqrt(price * size);
          if (state.tradesCount === 1) state.first = state.high = state.low = price;
          else if (price > state.high) state.high = price;
          else if (price < state.low) state.low = price;
          state.last = price;
        },
        onBook: (_, timeNs) => grid.begin(timeNs),
        onGap() {
          state.whole = false;
          forgetTrades();
        },
      };
    },
  };
}

const emptyInterval = {
  tradesCount: 0,
  volume: 0,
  signed: 0,
  value: 0,
  signedRoot: 0,
  first: NaN,
  last: NaN,
  high: NaN,
  low: NaN,
};

/** Best bid plus best ask in ticks, an integer; NaN unless the book is usable. */
export const twiceMidOf = (market: Market): number => (market.usable ? market.bidPrice + market.askPrice : NaN);
