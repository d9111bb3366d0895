/** The best quotes as the catalogue lists them: spread, mid, imbalance, and whether the book can be believed. */
import type { CatalogueEntry } from "../catalogue-entry.ts";
import { seconds } from "../graph/clock.ts";
import { mid, weightedMid } from "./mid.ts";
import type { PriceUnit } from "./price-unit.ts";
import { queueImbalance, type ImbalanceForm } from "./queue-imbalance.ts";
import { spread, spreadMean, type SpreadUnit } from "./spread.ts";
import { validity } from "./validity.ts";

export const quotesCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "spread",
    summary: "Best ask less best bid, in ticks, in price or in basis points of the mid.",
    defaults: { unit: "ticks" },
    make: (parameters) => spread({ unit: parameters["unit"] as SpreadUnit }),
  },
  {
    kind: "feature",
    id: "spread_mean",
    summary: "Mean of the spread over a window, each value weighted by how long it stood.",
    defaults: { window: seconds(10), unit: "ticks" },
    make: (parameters) => spreadMean({ window: parameters["window"] as number, unit: parameters["unit"] as PriceUnit }),
  },
  {
    kind: "feature",
    id: "mid",
    summary: "The middle of best bid and best ask.",
    defaults: { unit: "price" },
    make: (parameters) => mid({ unit: parameters["unit"] as PriceUnit }),
  },
  {
    kind: "feature",
    id: "wmid",
    summary: "The middle of the best quotes weighted by the size on the other side.",
    defaults: { unit: "price" },
    make: (parameters) => weightedMid({ unit: parameters["unit"] as PriceUnit }),
  },
  {
    kind: "feature",
    id: "qi",
    summary: "Imbalance of the lots at the best bid and the best ask.",
    defaults: { form: "difference" },
    make: (parameters) => queueImbalance({ form: parameters["form"] as ImbalanceForm }),
  },
  {
    kind: "feature",
    id: "validity",
    summary: "Whether the book can be believed: gap, crossed, one-sided, stale, unknown orders.",
    defaults: { stale: seconds(5) },
    make: (parameters) => validity({ stale: parameters["stale"] as number }),
  },
];
