/** The trade-sign family, for the catalogue: features and tables of this folder by their ids. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { minutes } from "../graph/clock.ts";
import { bulkFlow } from "./bulk-volume.ts";
import { classifiedTrades, tradeSignAccuracy } from "./classified-trades.ts";
import { timingOf } from "./sign-parameters.ts";

const timingDefaults: Parameters = { lag: 0, earlier: "time", hidden: "leave-out" };

export const tradesCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "table",
    id: "classified_trades",
    summary: "Every trade with the quotes before it and its sign by each rule: tick, quote, Lee-Ready, EMO and CLNV.",
    defaults: timingDefaults,
    needs: ["trades"],
    make: (parameters) => classifiedTrades(timingOf(parameters)),
  },
  {
    kind: "feature",
    id: "sign_accuracy",
    summary: "How often each rule for the sign of a trade agrees with the venue's flag, over the last trades.",
    defaults: { trades: 1000, ...timingDefaults },
    needs: ["trades"],
    make: (parameters) => tradeSignAccuracy({ trades: parameters["trades"] as number, ...timingOf(parameters) }),
  },
  {
    kind: "feature",
    id: "bulk_flow",
    summary: "Signed volume of the last bar by bulk classification: from the change of the price alone.",
    defaults: { bar: minutes(1), changes: 50, hidden: "leave-out" },
    needs: ["trades"],
    make: (parameters) =>
      bulkFlow({
        bar: parameters["bar"] as number,
        changes: parameters["changes"] as number,
        hidden: parameters["hidden"] as "leave-out" | "count",
      }),
  },
];
