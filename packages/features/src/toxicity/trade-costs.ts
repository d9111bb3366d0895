/**
 * What a trade paid, and what became of it: effective spread 2 s (p - m(t-)), realised spread 2 s (p - m(t + horizon)) and price impact
 * 2 s (m(t + horizon) - m(t-)), the first of which is the sum of the others. In ticks these are integers, and so are their sums. Huang and
 * Stoll, "Dealer versus auction markets", Journal of Financial Economics 41, 1996. The last two are known only at t + horizon: the
 * table's rows come then and bear the time of the trade; the columns are of the trades whose horizon is over.
 */
import { coverage } from "../flow/coverage.ts";
import { TimedSums } from "../flow/exact-sums.ts";
import { pending } from "../flow/pending.ts";
import type { Column, Feature, Operator, Table } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import { twiceMidOf } from "../trades/intervals.ts";
import { prevailingQuotes } from "../trades/quotes.ts";
import { nameOfSigns, signParameters, tradeSigns, type TradeSignSettings } from "../trades/trade-sign.ts";

export type OutcomeSettings = {
  /** Nanoseconds from the trade to the second look at the middle price. */
  readonly horizon: number;
} & TradeSignSettings;

/** A trade whose horizon is over. Reused for the next. */
export interface TradeOutcome {
  timeNs: number;
  /** Ticks. */
  price: number;
  /** Lots. */
  size: number;
  sign: number;
  /** Best bid plus best ask in ticks, before the trade and before t + horizon; the latter NaN if the book was not usable then. */
  twiceMidBefore: number;
  twiceMidAfter: number;
}

type TradeOutcomes = Operator & {
  /** Has the listener told of every trade with a sign and a quote before it, a horizon later. To be called when an operator is made. */
  readonly listen: (listener: (outcome: TradeOutcome, nowNs: number) => void) => void;
};

function outcomeParameters(argument: string, { horizon, ...signs }: OutcomeSettings): Record<string, string | number> {
  positiveInteger(`${argument}.horizon`, horizon);
  return { horizon, ...signParameters(argument, signs), earlier: signs.earlier ?? "time" };
}

/** Shared by the table and the columns. Not a column itself. */
function tradeOutcomes(settings: OutcomeSettings): Feature<TradeOutcomes> {
  const { horizon, ...signs } = settings;
  return {
    id: "trade_outcomes",
    version: 1,
    parameters: outcomeParameters("trade_outcomes", settings),
    columns: [],
    levels: 1,
    make(context) {
      const { trade } = context.use(tradeSigns(signs));
      const quotes = context.use(prevailingQuotes({ lag: 0, earlier: signs.earlier ?? "time" }));
      const listeners: ((outcome: TradeOutcome, nowNs: number) => void)[] = [];
      const outcome = { timeNs: NaN, price: NaN, size: NaN, sign: 0, twiceMidBefore: NaN, twiceMidAfter: NaN };
      const queue = pending(context, horizon, (timeNs, price, signedSize, twiceMidBefore, nowNs) => {
        outcome.timeNs = timeNs;
        outcome.price = price;
        outcome.size = Math.abs(signedSize);
        outcome.sign = Math.sign(signedSize);
        outcome.twiceMidBefore = twiceMidBefore;
        outcome.twiceMidAfter = twiceMidOf(context.market);
        for (let index = 0; index < listeners.length; index++)
          (listeners[index] as (typeof listeners)[0])(outcome, nowNs);
      });
      return {
        listen: (listener) => void listeners.push(listener),
        onTrade({ price, size, timeNs }) {
          if (!trade.counts || trade.sign === 0 || size === 0) return;
          const { bid, ask } = quotes.quoteBefore(timeNs);
          const twiceMid = bid + ask;
          if (twiceMid === twiceMid) queue.push(timeNs, price, trade.sign * size, twiceMid);
        },
      };
    },
  };
}

const costColumns: readonly Column[] = [
  { name: "price", unit: "ticks", formula: "p" },
  { name: "size", unit: "lots", formula: "v" },
  { name: "sign", unit: "1", formula: "s" },
  { name: "mid", unit: "ticks", formula: "m(t-)" },
  { name: "effective", unit: "ticks", formula: "2 s (p - m(t-))" },
  { name: "realised", unit: "ticks", formula: "2 s (p - m(t + horizon))" },
  { name: "impact", unit: "ticks", formula: "2 s (m(t + horizon) - m(t-))" },
];

/** sign (one - other), without a zero that has a sign. */
const turned = (sign: number, one: number, other: number): number => (sign > 0 ? one - other : other - one);

/**
 * `trade_costs`: a row for each trade with a sign and a quote before it, emitted at t + horizon with the time t of the trade. Realised
 * spread and impact are null if the book is not usable then.
 */
export function tradeCosts(settings: OutcomeSettings): Table {
  return {
    id: "trade_costs",
    version: 1,
    parameters: outcomeParameters("trade_costs", settings),
    columns: costColumns,
    source: "Huang and Stoll, Journal of Financial Economics 41, 1996",
    levels: 1,
    make(context) {
      const values = new Float64Array(costColumns.length);
      context.use(tradeOutcomes(settings)).listen(({ timeNs, price, size, sign, twiceMidBefore, twiceMidAfter }) => {
        values[0] = price;
        values[1] = size;
        values[2] = sign;
        values[3] = twiceMidBefore / 2;
        values[4] = turned(sign, 2 * price, twiceMidBefore);
        values[5] = turned(sign, 2 * price, twiceMidAfter);
        values[6] = turned(sign, twiceMidAfter, twiceMidBefore);
        context.emit(timeNs, values);
      });
      return {};
    },
  };
}

/**
 * `spread_parts`: mean effective spread, realised spread and price impact in ticks, over trades whose horizon ended in the last `window`
 * nanoseconds; each trade counts once, or by its lots. Null where there is none. The first is the sum of the others, but for one rounding each.
 */
export function spreadParts(
  settings: OutcomeSettings & { readonly window: number; readonly weight?: "trades" | "volume" },
): Feature {
  const { window, weight = "trades", ...outcomes } = settings;
  positiveInteger("spread_parts.window", window);
  oneOf("spread_parts.weight", weight, ["trades", "volume"]);
  const { horizon, ...signs } = outcomes;
  const suffix = `${weight === "volume" ? "_volume" : ""}_${nameOfWindow(horizon)}_${nameOfWindow(window)}${nameOfSigns(signs)}`;
  return {
    id: "spread_parts",
    version: 1,
    parameters: { window, weight, ...outcomeParameters("spread_parts", outcomes) },
    columns: [
      { name: `effective_spread${suffix}`, unit: "ticks", formula: "mean of 2 s (p - m(t-))" },
      { name: `realised_spread${suffix}`, unit: "ticks", formula: "mean of 2 s (p - m(t + horizon))" },
      { name: `price_impact${suffix}`, unit: "ticks", formula: "mean of 2 s (m(t + horizon) - m(t-))" },
    ],
    source: "Huang and Stoll, Journal of Financial Economics 41, 1996",
    lookback: `${nameOfWindow(window)} and ${nameOfWindow(horizon)}`,
    levels: 1,
    make(context) {
      const seen = context.use(coverage);
      const { sums } = context.keep({ sums: new TimedSums(window) });
      context.use(tradeOutcomes(outcomes)).listen(({ price, size, sign, twiceMidBefore, twiceMidAfter }, nowNs) => {
        if (twiceMidAfter !== twiceMidAfter) return;
        const lots = weight === "volume" ? size : 1;
        sums.push(
          nowNs,
          lots * sign * (2 * price - twiceMidAfter),
          lots * sign * (twiceMidAfter - twiceMidBefore),
          lots,
        );
        sums.expire(nowNs);
      });
      return {
        onGap: () => sums.clear(),
        write(row, offset, timeNs) {
          sums.expire(timeNs);
          const lots = sums.count === 0 ? NaN : sums.sum(2);
          row[offset] = (sums.sum(0) + sums.sum(1)) / lots;
          row[offset + 1] = sums.sum(0) / lots;
          row[offset + 2] = sums.sum(1) / lots;
        },
        isWarm: (timeNs) => seen.covers(timeNs, window + horizon),
      };
    },
  };
}

/**
 * `impact_curve`: mean of s (m(t + horizon) - m(t-)) in ticks by the size of the trade, over trades whose horizon ended in the last `window`
 * nanoseconds: a column for the trades from each of `sizes` (lots) up to below the next, the last without an end. Null where there is none.
 */
export function impactCurve(
  settings: OutcomeSettings & { readonly window: number; readonly sizes: readonly number[] },
): Feature {
  const { window, sizes, ...outcomes } = settings;
  positiveInteger("impact_curve.window", window);
  sizes.forEach((size, index) => {
    if (!(size > (index === 0 ? 0 : (sizes[index - 1] as number)) && size < Infinity)) {
      throw new FeatureRefusal({ argument: "impact_curve.sizes", value: size, wanted: "lots that grow from above 0" });
    }
  });
  const { horizon, ...signs } = outcomes;
  const suffix = `${nameOfWindow(horizon)}_${nameOfWindow(window)}${nameOfSigns(signs)}`;
  return {
    id: "impact_curve",
    version: 1,
    parameters: { window, sizes: sizes.join(","), ...outcomeParameters("impact_curve", outcomes) },
    columns: sizes.map((size) => ({
      name: `impact_from_${size}_${suffix}`,
      unit: "ticks",
      formula: `mean of s (m(t + horizon) - m(t-)) of trades from ${size} lots`,
    })),
    source: "Bouchaud, Bonart, Donier and Gould, Trades, Quotes and Prices, 2018, chapter 11",
    lookback: `${nameOfWindow(window)} and ${nameOfWindow(horizon)}`,
    levels: 1,
    make(context) {
      const seen = context.use(coverage);
      const classes = sizes.map(() => context.keep({ sums: new TimedSums(window) }).sums);
      context.use(tradeOutcomes(outcomes)).listen(({ size, sign, twiceMidBefore, twiceMidAfter }, nowNs) => {
        if (twiceMidAfter !== twiceMidAfter) return;
        let place = sizes.length - 1;
        while (place >= 0 && size < (sizes[place] as number)) place--;
        if (place < 0) return;
        const sums = classes[place] as TimedSums;
        sums.push(nowNs, sign * (twiceMidAfter - twiceMidBefore));
        sums.expire(nowNs);
      });
      return {
        onGap() {
          for (let place = 0; place < classes.length; place++) (classes[place] as TimedSums).clear();
        },
        write(row, offset, timeNs) {
          for (let place = 0; place < classes.length; place++) {
            const sums = classes[place] as TimedSums;
            sums.expire(timeNs);
            row[offset + place] = sums.count === 0 ? NaN : sums.sum(0) / (2 * sums.count);
          }
        },
        isWarm: (timeNs) => seen.covers(timeNs, window + horizon),
      };
    },
  };
}
