/**
 * The tape with the sign that every rule gives each trade, and how often each rule agrees with the venue's flag: as a table for
 * research, as columns for a watchful eye.
 */
import { EventFlag } from "../event.ts";
import type { Column, Feature, Table } from "../graph/operator.ts";
import { positiveInteger } from "../refusal.ts";
import { Ring } from "../window.ts";
import { prevailingQuotes } from "./quotes.ts";
import { signParameters, tradeSigns, type TradeSignRule, type TradeSignSettings } from "./trade-sign.ts";

export type QuoteTiming = Pick<TradeSignSettings, "lag" | "earlier" | "hidden">;

/** The rules that do not look at the flag, in the order of their columns. */
export const blindRules: readonly Exclude<TradeSignRule, "aggressor">[] = ["tick", "quote", "lee-ready", "emo", "clnv"];

/** Parameters without the rule, which here are all of them. */
function timingParameters(argument: string, timing: QuoteTiming): Record<string, string | number> {
  const { lag = 0, earlier = "time", hidden = "leave-out" } = signParameters(argument, { ...timing, rule: "quote" });
  return { lag, earlier, hidden };
}

/** `classified_trades`: every trade with its price, size and flag, the quotes before it, and the sign by each rule. */
export function classifiedTrades(timing: QuoteTiming = {}): Table {
  const { lag = 0, earlier = "time" } = timing;
  return {
    id: "classified_trades",
    version: 1,
    parameters: timingParameters("classified_trades", timing),
    columns: classifiedColumns,
    levels: 1,
    make(context) {
      const signs = blindRules.map((rule) => context.use(tradeSigns({ ...timing, rule, flag: "ignore" })));
      const quotes = context.use(prevailingQuotes({ lag, earlier }));
      const values = new Float64Array(classifiedColumns.length);
      return {
        onTrade(event) {
          if (!(signs[0] as (typeof signs)[0]).trade.counts) return;
          const { bid, ask } = quotes.quoteBefore(event.timeNs);
          values[0] = event.price;
          values[1] = event.size;
          values[2] = event.side;
          values[3] = (event.flags & EventFlag.hidden) !== 0 ? 1 : 0;
          values[4] = bid;
          values[5] = ask;
          for (let rule = 0; rule < signs.length; rule++) {
            values[6 + rule] = (signs[rule] as (typeof signs)[0]).trade.sign;
          }
          context.emit(event.timeNs, values);
        },
      };
    },
  };
}

const columnOfRule = (rule: TradeSignRule): string => `sign_${rule.replace("-", "_")}`;

const classifiedColumns: readonly Column[] = [
  { name: "price", unit: "ticks", formula: "p" },
  { name: "size", unit: "lots", formula: "v" },
  { name: "aggressor", unit: "1", formula: "1 bought, -1 sold, 0 not told" },
  { name: "hidden", unit: "1", formula: "1 if against hidden liquidity or from elsewhere" },
  { name: "bid", unit: "ticks", formula: "b before the trade" },
  { name: "ask", unit: "ticks", formula: "a before the trade" },
  ...blindRules.map((rule) => ({ name: columnOfRule(rule), unit: "1", formula: `s by the ${rule} rule` })),
];

/** How one rule fared over trades whose aggressor the venue told. */
export interface SignAccuracy {
  readonly rule: TradeSignRule;
  /** Trades with a flag, and lots of them. */
  readonly tradesCount: number;
  readonly lots: number;
  /** Of these, the part that the rule gives a sign at all. */
  readonly classifiedShare: number;
  /** Of those with a sign, the part whose sign is the flag's: by trades, and by lots. NaN where there are none. */
  readonly agreement: number;
  readonly agreementByLots: number;
  /** Of the flag's buys, and of its sells, the part that the rule calls so. */
  readonly buysFound: number;
  readonly sellsFound: number;
}

/** The report of accuracy from rows of `classified_trades` (without their time), rule by rule. Trades without a flag are passed over. */
export function signAccuracy(rows: Iterable<ArrayLike<number>>): SignAccuracy[] {
  const counters = blindRules.map(() => ({ trades: 0, lots: 0, signed: 0, signedLots: 0, right: 0, rightLots: 0 }));
  const flagged = { 1: 0, [-1]: 0 };
  const found = blindRules.map(() => ({ 1: 0, [-1]: 0 }));
  for (const row of rows) {
    const flag = row[2] as 1 | -1 | 0;
    const lots = row[1] as number;
    if (flag === 0) continue;
    flagged[flag]++;
    for (const [index, counter] of counters.entries()) {
      const sign = row[6 + index] as number;
      counter.trades++;
      counter.lots += lots;
      if (sign === 0) continue;
      counter.signed++;
      counter.signedLots += lots;
      if (sign !== flag) continue;
      counter.right++;
      counter.rightLots += lots;
      (found[index] as (typeof found)[0])[flag]++;
    }
  }
  return counters.map((counter, index) => ({
    rule: blindRules[index] as TradeSignRule,
    tradesCount: counter.trades,
    lots: counter.lots,
    classifiedShare: counter.signed / counter.trades,
    agreement: counter.right / counter.signed,
    agreementByLots: counter.rightLots / counter.signedLots,
    buysFound: (found[index] as (typeof found)[0])[1] / flagged[1],
    sellsFound: (found[index] as (typeof found)[0])[-1] / flagged[-1],
  }));
}

/**
 * `sign_accuracy`: of the last `trades` trades with a flag and a sign by the rule, the part whose sign is the flag's. One column per
 * rule; null before the first such trade.
 */
export function tradeSignAccuracy({ trades, ...timing }: { readonly trades: number } & QuoteTiming): Feature {
  positiveInteger("sign_accuracy.trades", trades);
  return {
    id: "sign_accuracy",
    version: 1,
    parameters: { trades, ...timingParameters("sign_accuracy", timing) },
    columns: blindRules.map((rule) => ({
      name: `${columnOfRule(rule)}_accuracy_${trades}`,
      unit: "1",
      formula: `share of s(${rule}) = s(flag) over the last ${trades} trades with both`,
    })),
    lookback: `${trades} trades`,
    levels: 1,
    make(context) {
      const signs = blindRules.map((rule) => context.use(tradeSigns({ ...timing, rule, flag: "ignore" })));
      const tallies = blindRules.map(() => context.keep({ right: new Ring(1), sum: 0 }));
      return {
        onTrade({ side }) {
          for (let rule = 0; side !== 0 && rule < signs.length; rule++) {
            const { trade } = signs[rule] as (typeof signs)[0];
            const tally = tallies[rule] as (typeof tallies)[0];
            if (!trade.counts || trade.sign === 0) continue;
            const right = trade.sign === side ? 1 : 0;
            tally.right.push(right);
            tally.sum += right;
            if (tally.right.count <= trades) continue;
            tally.sum -= tally.right.at(0);
            tally.right.shift();
          }
        },
        write(row, offset) {
          for (let rule = 0; rule < tallies.length; rule++) {
            const { right, sum } = tallies[rule] as (typeof tallies)[0];
            row[offset + rule] = right.count === 0 ? NaN : sum / right.count;
          }
        },
        isWarm() {
          for (let rule = 0; rule < tallies.length; rule++) {
            if ((tallies[rule] as (typeof tallies)[0]).right.count < trades) return false;
          }
          return true;
        },
      };
    },
  };
}
