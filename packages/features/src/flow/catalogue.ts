/** The order-flow family, for the catalogue. */
import type { CatalogueEntry } from "../catalogue-entry.ts";
import { seconds } from "../graph/clock.ts";
import { orderFlowImbalance } from "./order-flow-imbalance.ts";

export const flowCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "ofi",
    summary: "Order-flow imbalance of the best quotes over a window of time.",
    defaults: { window: seconds(10) },
    make: (parameters) => orderFlowImbalance({ window: parameters["window"] as number }),
  },
];
