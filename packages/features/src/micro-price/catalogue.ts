/** The micro-price as the catalogue lists it: it needs a fitted table, which is given as the JSON that the fitting tool writes. */
import type { CatalogueEntry } from "../catalogue-entry.ts";
import type { PriceUnit } from "../quotes/price-unit.ts";
import { microPrice } from "./micro-price.ts";
import { parseMicroPriceTable, printMicroPriceTable } from "./table.ts";

/** What a required table looks like; not fitted on anything. */
const exampleTable = printMicroPriceTable({
  instrument: "EXAMPLE",
  imbalanceEdges: [0.25, 0.5, 0.75],
  spreadBuckets: 2,
  adjustments: [
    [-0.4, -0.1, 0.1, 0.4],
    [-0.6, -0.2, 0.2, 0.6],
  ],
  observationsCount: 0,
  droppedCount: 0,
  spectralRadius: 0,
});

export const microPriceCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "micro",
    summary: "Where the mid is expected to come to rest, by a table fitted on recorded quotes.",
    defaults: { unit: "price" },
    required: { table: exampleTable },
    make: (parameters) =>
      microPrice({
        table: parseMicroPriceTable(parameters["table"] as string),
        unit: parameters["unit"] as PriceUnit,
      }),
  },
];
