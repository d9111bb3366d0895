/**
 * Labels of means over rows, as deep models of the book are trained on. Rows come as the graph's clock says: for FI-2010's k = 10 of
 * samples that are ten events apart, k rows are 10 k events. Sums are of half ticks, so they are exact.
 */
import type { Table } from "../graph/operator.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { Ring } from "../window.ts";
import { checkedClasses, classColumns, keyColumns, makeClassifier, type ClassSettings } from "./label.ts";

/**
 * With m_+ the mean of the next k middles and m_- that of the last k with the row's own. `fi2010`: (m_+ - m_t) / m_t (Ntakaris, Magris,
 * Kanniainen, Gabbouj and Iosifidis 2018). `deeplob`: (m_+ - m_-) / m_- (Tsantekidis et al. 2017; second form of Zhang, Zohren and Roberts 2019).
 */
export const smoothings = ["fi2010", "deeplob"] as const;

/** `change`, by one of two forms, and its class. Null where one of the means lacks a row or has one without a usable book. */
export function smoothedLabel(
  settings: ClassSettings & { readonly k: number; readonly form: (typeof smoothings)[number] },
): Table {
  const k = positiveInteger("smoothed_label.k", settings.k);
  const form = oneOf("smoothed_label.form", settings.form, smoothings);
  const classes = checkedClasses("smoothed_label", settings);
  const formula = form === "fi2010" ? "(m_+ - m_t) / m_t" : "(m_+ - m_-) / m_-";
  const columns = [...keyColumns, { name: "change", unit: "1", formula }, ...classColumns];
  return {
    id: "smoothed_label",
    version: 1,
    parameters: { k, form, ...classes },
    columns,
    source:
      form === "fi2010"
        ? "Ntakaris et al., Journal of Forecasting 37(8), 2018"
        : "Zhang, Zohren and Roberts, IEEE Transactions on Signal Processing 67(11), 2019",
    levels: 1,
    make(context) {
      const { market } = context;
      const values = new Float64Array(columns.length);
      const classify = makeClassifier(context, classes);
      /** Of the last 2 k rows: index, event, time, best bid and ask. `next` and `last` sum 2 m over the newest k and the k before them. */
      const state = context.keep({ rows: new Ring(5), next: 0, last: 0, nextNulls: 0, lastNulls: 0 });
      const { rows } = state;
      const doubled = (age: number): number => rows.at(age, 3) + rows.at(age, 4);
      const emit = (age: number, change: number, nowNs: number): void => {
        values[0] = rows.at(age);
        values[1] = rows.at(age, 1);
        values[2] = nowNs;
        values[3] = change;
        classify(values, 4, change, (2 * (rows.at(age, 4) - rows.at(age, 3))) / doubled(age));
        context.emit(rows.at(age, 2), values);
      };
      /** Moves one row in or out of the two sums. */
      const count = (value: number, toNext: number, toLast: number): void => {
        const isNull = value !== value;
        if (isNull) {
          state.nextNulls += toNext;
          state.lastNulls += toLast;
        } else {
          state.next += toNext * value;
          state.last += toLast * value;
        }
      };
      return {
        onRow(row, index, timeNs) {
          if (rows.count === 2 * k) {
            count(doubled(0), 0, -1);
            rows.shift();
          }
          if (rows.count >= k) count(doubled(rows.count - k), -1, 1);
          rows.push(index, row[0], timeNs, market.usable ? market.bidPrice : NaN);
          rows.set(rows.count - 1, 4, market.usable ? market.askPrice : NaN);
          count(doubled(rows.count - 1), 1, 0);
          const age = rows.count - 1 - k;
          if (age < 0) return;
          const now = form === "fi2010" ? doubled(age) : state.lastNulls > 0 || age < k - 1 ? NaN : state.last / k;
          emit(age, state.nextNulls > 0 ? NaN : (state.next / k - now) / now, timeNs);
        },
        onGap(_, timeNs) {
          for (let age = Math.max(0, rows.count - k); age < rows.count; age++) emit(age, NaN, timeNs);
          rows.clear();
          for (const sum of ["next", "last", "nextNulls", "lastNulls"] as const) state[sum] = 0;
        },
      };
    },
  };
}
