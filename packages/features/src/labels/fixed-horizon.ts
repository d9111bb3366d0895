/** What the price did until a horizon: of the middle, and of one who crosses the spread at both ends. */
import { log } from "@stoa/base/exact";
import type { Table } from "../graph/operator.ts";
import { oneOf } from "../refusal.ts";
import {
  awaitHorizon,
  checkedClasses,
  checkedHorizon,
  classCodes,
  classColumns,
  codeOf,
  keyColumns,
  makeClassifier,
  writeKey,
  type ClassCodes,
  type ClassSettings,
  type HorizonSettings,
} from "./label.ts";

/** `return` = ln(m_{t+h} / m_t), and its class. */
export function fixedHorizonLabel(settings: HorizonSettings & ClassSettings): Table {
  const horizon = checkedHorizon("fixed_horizon_label", settings);
  const classes = checkedClasses("fixed_horizon_label", settings);
  const columns = [...keyColumns, { name: "return", unit: "1", formula: "ln(m_{t+h} / m_t)" }, ...classColumns];
  return {
    id: "fixed_horizon_label",
    version: 1,
    parameters: { ...horizon, ...classes },
    columns,
    source: "standard",
    levels: 1,
    make(context) {
      const values = new Float64Array(columns.length);
      const classify = makeClassifier(context, classes);
      return awaitHorizon(context, horizon, (waiting, nowNs, isLost) => {
        const mid = (waiting.bid + waiting.ask) / 2;
        const move = isLost ? NaN : log(context.market.mid / mid);
        writeKey(values, waiting, nowNs);
        values[3] = move;
        classify(values, 4, move, (waiting.ask - waiting.bid) / mid);
        context.emit(waiting.timeNs, values);
      });
    },
  };
}

/**
 * What a trade would have made: `long_bps` = 1e4 ln(b_{t+h} / a_t) (buy at the ask, sell at the bid), `short_bps` = 1e4 ln(b_t / a_{t+h}), `mid_bps`
 * between the middles; `class` up if the first is above 0, down if the second is, else neither: most moves do not pay for the spread.
 */
export function executableLabel(settings: HorizonSettings & { readonly codes?: ClassCodes }): Table {
  const horizon = checkedHorizon("executable_label", settings);
  const codes = oneOf("executable_label.codes", settings.codes ?? "sign", classCodes);
  const columns = [
    ...keyColumns,
    { name: "long_bps", unit: "bps", formula: "1e4 ln(b_{t+h} / a_t)" },
    { name: "short_bps", unit: "bps", formula: "1e4 ln(b_t / a_{t+h})" },
    { name: "mid_bps", unit: "bps", formula: "1e4 ln(m_{t+h} / m_t)" },
    { name: "class", unit: "1", formula: "up if long_bps > 0, down if short_bps > 0" },
  ];
  return {
    id: "executable_label",
    version: 1,
    parameters: { ...horizon, codes },
    columns,
    source: "standard",
    levels: 1,
    make(context) {
      const { market } = context;
      const values = new Float64Array(columns.length);
      return awaitHorizon(context, horizon, (waiting, nowNs, isLost) => {
        const usable = market.usable && !isLost;
        const long = usable ? 1e4 * log(market.bidPrice / waiting.ask) : NaN;
        const short = usable ? 1e4 * log(waiting.bid / market.askPrice) : NaN;
        writeKey(values, waiting, nowNs);
        values[3] = long;
        values[4] = short;
        values[5] = usable ? 1e4 * log((2 * market.mid) / (waiting.bid + waiting.ask)) : NaN;
        values[6] = codeOf(codes, long > 0 ? 1 : short > 0 ? -1 : long - long);
        context.emit(waiting.timeNs, values);
      });
    },
  };
}
