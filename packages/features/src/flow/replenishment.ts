/**
 * How much of what trades took from the best queue was there again a while later: what a market maker puts back. Large and fast in a
 * resilient book; its absence comes before moves (Bouchaud, Bonart, Donier and Gould, "Trades, Quotes and Prices", 2018, chapter 4, on
 * liquidity refill).
 */
import type { Feature } from "../graph/operator.ts";
import type { Levels, Market } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { positiveInteger } from "../refusal.ts";
import { nameOfSigns, signParameters, tradeSigns, type TradeSignSettings } from "../trades/trade-sign.ts";
import { coverage } from "./coverage.ts";
import { TimedSums } from "./exact-sums.ts";
import { pending } from "./pending.ts";

export type ReplenishmentSettings = {
  /** Nanoseconds from the trade to the second look. */
  readonly horizon: number;
  /** Nanoseconds over which trades are added up, by the time of the second look. */
  readonly window: number;
  /** Levels in which lots at the old best price or better are counted. */
  readonly levels?: number;
} & TradeSignSettings;

/**
 * `replenishment`: of the lots that the changes with trades took from the best queue on the side that was hit, the part that came back
 * at that price or better within `horizon`: sum of (D(t + horizon) - D(t)) / sum of (q(t-) - D(t)), where D are the lots at the old best
 * price or better and t the change of the book after the trade. Below 0 where more left; null where nothing was taken. Trades of unknown
 * side, and those whose book is not usable at one of the three times, do not count.
 */
export function replenishment(settings: ReplenishmentSettings): Feature {
  const { horizon, window, levels = 5, ...signs } = settings;
  for (const [name, value] of Object.entries({ horizon, window, levels }))
    positiveInteger(`replenishment.${name}`, value);
  return {
    id: "replenishment",
    version: 1,
    parameters: { horizon, window, levels, ...signParameters("replenishment", signs) },
    columns: [
      {
        name: `replenishment_${nameOfWindow(horizon)}_${nameOfWindow(window)}${nameOfSigns(signs)}`,
        unit: "1",
        formula: "sum of (D(t + horizon) - D(t)) / sum of (q(t-) - D(t)) over hits in the window",
      },
    ],
    source: "Bouchaud, Bonart, Donier and Gould, Trades, Quotes and Prices, 2018, chapter 4",
    lookback: `${nameOfWindow(window)} and ${nameOfWindow(horizon)}`,
    levels,
    make(context) {
      const { market } = context;
      const { trade } = context.use(tradeSigns(signs));
      const seen = context.use(coverage);
      const { sums } = context.keep({ sums: new TimedSums(window) });
      const hit = context.keep({ bid: false as boolean, ask: false as boolean });
      const hits = pending(context, horizon, (_, signedPrice, left, taken, nowNs) => {
        if (!market.usable) return;
        const back = lotsUpTo(market.levels, Math.sign(signedPrice), Math.abs(signedPrice), levels) - left;
        sums.push(nowNs, back, taken);
        sums.expire(nowNs);
      });
      const look = (side: 1 | -1, { before, levels: now }: Market, timeNs: number): void => {
        const price = (side > 0 ? before.bidPrice[0] : before.askPrice[0]) as number;
        const left = lotsUpTo(now, side, price, levels);
        const taken = ((side > 0 ? before.bidSize[0] : before.askSize[0]) as number) - left;
        if (taken > 0) hits.push(timeNs, side * price, left, taken);
      };
      const lookAtHits = (): void => {
        if (market.usable && market.usableBefore) {
          if (hit.bid) look(1, market, market.bookTimeNs);
          if (hit.ask) look(-1, market, market.bookTimeNs);
        }
        hit.bid = hit.ask = false;
      };
      return {
        onTrade() {
          if (!trade.counts) return;
          if (trade.sign < 0) hit.bid = true;
          if (trade.sign > 0) hit.ask = true;
        },
        onBook() {
          if (hit.bid || hit.ask) lookAtHits();
        },
        onGap() {
          sums.clear();
          hits.clear();
        },
        write(row, offset, timeNs) {
          sums.expire(timeNs);
          row[offset] = sums.count === 0 ? NaN : sums.sum(0) / sums.sum(1);
        },
        isWarm: (timeNs) => seen.covers(timeNs, window + horizon),
      };
    },
  };
}

/** Lots of a side at `price` or better. */
function lotsUpTo(
  { bidPrice, bidSize, askPrice, askSize }: Levels,
  side: number,
  price: number,
  levels: number,
): number {
  const prices = side > 0 ? bidPrice : askPrice;
  const sizes = side > 0 ? bidSize : askSize;
  let lots = 0;
  for (let level = 0; level < levels && side * (prices[level] as number) >= side * price; level++) {
    lots += sizes[level] as number;
  }
  return lots;
}
