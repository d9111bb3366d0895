/**
 * How the price answers a trade, so many trades later, and how long trades of one sign follow one another: what propagator models are
 * fitted to. Bouchaud, Gefen, Potters and Wyart, "Fluctuations and response in financial markets", Quantitative Finance 4, 2004.
 */
import type { Feature } from "../graph/operator.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { prevailingQuotes } from "../trades/quotes.ts";
import { nameOfSigns, signParameters, tradeSigns, type TradeSignSettings } from "../trades/trade-sign.ts";
import { Ring } from "../window.ts";

export type ResponseSettings = {
  /** Trades from the one to the other, growing. */
  readonly lags: readonly number[];
  /** Trades over which the means are taken: those that come `lag` trades after another. */
  readonly trades: number;
} & TradeSignSettings;

/**
 * `response`: for each lag l, R(l) = mean of s_n (m_n+l - m_n) in ticks, m_n the middle before trade n, and C(l) = mean of s_n s_n+l, over
 * the last `trades` trades n + l. Pairs without a sign or without a quote do not count; null where none does. Begins anew after a gap.
 */
export function response(settings: ResponseSettings): Feature {
  const { lags, trades, ...signs } = settings;
  positiveInteger("response.trades", trades);
  lags.forEach((lag, index) => {
    if (!Number.isSafeInteger(lag) || lag <= (lags[index - 1] ?? 0)) {
      throw new FeatureRefusal({ argument: "response.lags", value: lag, wanted: "integers that grow from 1 on" });
    }
  });
  const longest = lags.at(-1) ?? 0;
  const { earlier = "time" } = signs;
  const suffix = `${trades}${nameOfSigns(signs)}`;
  return {
    id: "response",
    version: 1,
    parameters: { lags: lags.join(","), trades, ...signParameters("response", signs), earlier },
    columns: [
      ...lags.map((lag) => ({
        name: `response_${lag}_${suffix}`,
        unit: "ticks",
        formula: `mean of s_n (m_n+${lag} - m_n)`,
      })),
      ...lags.map((lag) => ({
        name: `sign_correlation_${lag}_${suffix}`,
        unit: "1",
        formula: `mean of s_n s_n+${lag}`,
      })),
    ],
    source: "Bouchaud, Gefen, Potters and Wyart, Quantitative Finance 4, 2004",
    lookback: `${trades + longest} trades`,
    levels: 1,
    make(context) {
      const { trade } = context.use(tradeSigns(signs));
      const quotes = context.use(prevailingQuotes({ lag: 0, earlier }));
      // Sign and twice the middle of each trade, as far back as the oldest one that still has to be taken away.
      const past = new Ring(2, 64);
      const moves = new Float64Array(lags.length);
      const movesCount = new Float64Array(lags.length);
      const products = new Float64Array(lags.length);
      const productsCount = new Float64Array(lags.length);
      context.keep({ past, moves, movesCount, products, productsCount });
      /** Adds or takes away what the trade at `age` brought to each lag. All sums are of integers. */
      const count = (age: number, times: 1 | -1): void => {
        for (let place = 0; place < lags.length; place++) {
          const from = age - (lags[place] as number);
          if (from < 0) return;
          const sign = past.at(from);
          const move = past.at(age, 1) - past.at(from, 1);
          if (sign === 0) continue;
          if (move === move) {
            moves[place] = (moves[place] as number) + times * sign * move;
            movesCount[place] = (movesCount[place] as number) + times;
          }
          if (past.at(age) === 0) continue;
          products[place] = (products[place] as number) + times * sign * past.at(age);
          productsCount[place] = (productsCount[place] as number) + times;
        }
      };
      return {
        onTrade({ timeNs }) {
          if (!trade.counts) return;
          const { bid, ask } = quotes.quoteBefore(timeNs);
          past.push(trade.sign, bid + ask);
          count(past.count - 1, 1);
          if (past.count > trades) count(past.count - 1 - trades, -1);
          if (past.count > trades + longest) past.shift();
        },
        onGap() {
          past.clear();
          for (const sums of [moves, movesCount, products, productsCount]) sums.fill(0);
        },
        write(row, offset) {
          for (let place = 0; place < lags.length; place++) {
            const pairs = movesCount[place] as number;
            const signed = productsCount[place] as number;
            row[offset + place] = pairs === 0 ? NaN : (moves[place] as number) / (2 * pairs);
            row[offset + lags.length + place] = signed === 0 ? NaN : (products[place] as number) / signed;
          }
        },
        isWarm: () => past.count === trades + longest,
      };
    },
  };
}
