/**
 * The best quotes as they were before a trade: never those of the trade's own moment, which may already be its consequence. `earlier:
 * "time"` takes quotes stamped strictly before the trade (less the lag), `"event"` also those of the same stamp that were told before it.
 */
import type { Feature, Operator } from "../graph/operator.ts";
import { Ring } from "../window.ts";

export interface QuoteSettings {
  /** How much older than the trade the quotes are, in nanoseconds: trades were once reported seconds late (Lee and Ready took 5 s). */
  readonly lag: number;
  readonly earlier: "time" | "event";
}

export interface Quote {
  /** Ticks; NaN where the book was not to be believed, or not yet known. */
  readonly bid: number;
  readonly ask: number;
}

export type PrevailingQuotes = Operator & {
  /** The quote before a trade at `timeNs`, which is that of the last event. Reused for the next. */
  readonly quoteBefore: (timeNs: number) => Quote;
};

/** The history of the best prices, as long as the lag asks for. Not a column. */
export function prevailingQuotes({ lag, earlier }: QuoteSettings): Feature<PrevailingQuotes> {
  const isBefore = earlier === "time" ? (at: number, end: number) => at < end : (at: number, end: number) => at <= end;
  return {
    id: "prevailing_quotes",
    version: 1,
    parameters: { lag, earlier },
    columns: [],
    levels: 1,
    make(context) {
      const history = new Ring(3);
      const quote = { bid: NaN, ask: NaN };
      context.keep({ history });
      const forget = (endNs: number): void => {
        while (history.count > 1 && isBefore(history.at(1), endNs)) history.shift();
      };
      return {
        onBook(market, timeNs) {
          const bid = market.usable ? market.bidPrice : NaN;
          const ask = market.usable ? market.askPrice : NaN;
          const last = history.count - 1;
          if (last >= 0 && Object.is(history.at(last, 1), bid) && Object.is(history.at(last, 2), ask)) return;
          if (last >= 0 && history.at(last) === timeNs) {
            history.set(last, 1, bid);
            history.set(last, 2, ask);
            return;
          }
          history.push(timeNs, bid, ask);
          forget(timeNs - lag);
        },
        quoteBefore(timeNs) {
          forget(timeNs - lag);
          const known = history.count > 0 && isBefore(history.at(0), timeNs - lag);
          quote.bid = known ? history.at(0, 1) : NaN;
          quote.ask = known ? history.at(0, 2) : NaN;
          return quote;
        },
      };
    },
  };
}
