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
      const sums: LagSums = {
        moves: new Float64Array(lags.length),
        movesCount: new Float64Array(lags.length),
        products: new Float64Array(lags.length),
        productsCount: new Float64Array(lags.length),
      };
      context.keep({ past, ...sums });
      return {
        onTrade({ timeNs }) {
          if (!trade.counts) return;
          const { bid, ask } = quotes.quoteBefore(timeNs);
          past.push(trade.sign, bid + ask);
          count(sums, lags, past, past.count - 1, 1);
          if (past.count > trades) count(sums, lags, past, past.count - 1 - trades, -1);
          if (past.count > trades + longest) past.shift();
        },
        onGap() {
          past.clear();
          for (const each of Object.values(sums)) each.fill(0);
        },
        write(row, offset) {
          for (let place = 0; place < lags.length; place++) {
            const pairs = sums.movesCount[place] as number;
            const signed = sums.productsCount[place] as number;
            row[offset + place] = pairs === 0 ? NaN : (sums.moves[place] as number) / (2 * pairs);
            row[offset + lags.length + place] = signed === 0 ? NaN : (sums.products[place] as number) / signed;
          }
        },
        isWarm: () => past.count === trades + longest,
      };
    },
  };
}

/** By lag: sums of s_n times twice the move, and of products of signs, with how many there are. All of integers. */
interface LagSums {
  readonly moves: Float64Array;
  readonly movesCount: Float64Array;
  readonly products: Float64Array;
  readonly productsCount: Float64Array;
}

/** Adds (`times` 1) or takes away (-1) what the trade at `age` brought to each lag. */
function count(sums: LagSums, lags: readonly number[], past: Ring, age: number, times: 1 | -1): void {
  const { moves, movesCount, products, productsCount } = sums;
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
}
