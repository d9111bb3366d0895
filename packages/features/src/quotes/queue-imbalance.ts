/** How the lots at the best bid compare with those at the best ask, in each of the forms that libraries give the name to. */
import type { Feature } from "../graph/operator.ts";
import { oneOf } from "../refusal.ts";

export const imbalanceForms = ["difference", "share", "ratio"] as const;
/**
 * `difference`: (q^b - q^a) / (q^b + q^a) of Gould and Bonart, in [-1, 1]; `share`: q^b / (q^b + q^a) of Stoikov, in [0, 1];
 * `ratio`: min / max of the two without a sign, in (0, 1], as NautilusTrader's BookImbalanceRatio.
 */
export type ImbalanceForm = (typeof imbalanceForms)[number];

const columns = {
  difference: { name: "qi", unit: "1", formula: "(q^b - q^a) / (q^b + q^a)" },
  share: { name: "qi_share", unit: "1", formula: "I = q^b / (q^b + q^a)" },
  ratio: { name: "qi_ratio", unit: "1", formula: "min(q^b, q^a) / max(q^b, q^a)" },
} as const;

export function imbalanceOf(form: ImbalanceForm, bidLots: number, askLots: number): number {
  if (form === "difference") return (bidLots - askLots) / (bidLots + askLots);
  if (form === "share") return bidLots / (bidLots + askLots);
  return bidLots < askLots ? bidLots / askLots : askLots / bidLots;
}

/** `qi`: imbalance of the queues at the best quotes. */
export function queueImbalance({ form = "difference" }: { readonly form?: ImbalanceForm } = {}): Feature {
  oneOf("qi.form", form, imbalanceForms);
  return {
    id: "qi",
    version: 1,
    parameters: { form },
    columns: [columns[form]],
    source: "Gould and Bonart, Queue imbalance as a one-tick-ahead price predictor, MML 2(2), 2016",
    levels: 1,
    make: ({ market }) => ({
      write(row, offset) {
        const { bidSize, askSize, usable } = market;
        if (!usable) row[offset] = NaN;
        else if (form === "difference") row[offset] = (bidSize - askSize) / (bidSize + askSize);
        else row[offset] = imbalanceOf(form, bidSize, askSize);
      },
    }),
  };
}
