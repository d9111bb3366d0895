/** The micro-price: the mid plus what a fitted table says of its imbalance and spread. */
import type { Feature } from "../graph/operator.ts";
import { priceColumn, priceUnit, inUnit, type PriceUnit } from "../quotes/price-unit.ts";
import { writeNulls } from "../depth/of-levels.ts";
import { bucketOf, checkedTable, hashOfMicroPriceTable, type MicroPriceTable } from "./table.ts";

/**
 * `micro`: P = m + G*(bucket of q^b / (q^b + q^a), spread) and, as a second column, G* alone in ticks. Null where the spread is wider than
 * the table knows or no quote of that state was seen when it was fitted. PERF: O(1) of the book; one look along the edges.
 */
export function microPrice(settings: { readonly table: MicroPriceTable; readonly unit?: PriceUnit }): Feature {
  const { table, unit = "price" } = settings;
  const { imbalanceEdges, spreadBuckets, adjustments } = checkedTable(table);
  priceUnit("micro.unit", unit);
  const edges = Float64Array.from(imbalanceEdges);
  const cells = Float64Array.from(adjustments.flat());
  const rowLength = edges.length + 1;
  return {
    id: "micro",
    version: 1,
    parameters: { table: hashOfMicroPriceTable(table), unit },
    columns: [
      priceColumn("micro", unit, "P = m + G*(I, S)"),
      { name: "micro_adjustment", unit: "ticks", formula: "G*(I, S)" },
    ],
    source: "Stoikov, The micro-price, Quantitative Finance 18(12), 2018",
    levels: 1,
    make: ({ market }) => ({
      write(row, offset) {
        const spread = market.askPrice - market.bidPrice;
        if (!market.usable || spread > spreadBuckets) {
          writeNulls(row, offset, 2);
          return;
        }
        const bucket = bucketOf(edges, market.bidSize / (market.bidSize + market.askSize));
        const adjustment = cells[(spread - 1) * rowLength + bucket] as number;
        row[offset] = inUnit(market.instrument, unit, market.mid + adjustment);
        row[offset + 1] = adjustment;
      },
    }),
  };
}
