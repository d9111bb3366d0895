/** The price around which the levels of both sides lie. */
import type { Feature } from "../graph/operator.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { inUnit, priceColumn, priceUnit, type PriceUnit } from "../quotes/price-unit.ts";
import { depthSums } from "./depth-sums.ts";

interface WeightedPriceSettings {
  /** First and last level that count, 1 being the best. */
  readonly from: number;
  readonly to: number;
  readonly unit?: PriceUnit;
}

/** `wprice`: mean price of all lots of both sides at the levels `from` to `to`. Null where none of these levels is there. Cao, Hansch and Wang, 2009. */
export function weightedPrice({ from, to, unit = "price" }: WeightedPriceSettings): Feature {
  positiveInteger("wprice.from", from);
  positiveInteger("wprice.to", to);
  if (to < from)
    throw new FeatureRefusal({ argument: "wprice.to", value: to, wanted: `at least wprice.from, ${from}` });
  priceUnit("wprice.unit", unit);
  return {
    id: "wprice",
    version: 1,
    parameters: { from, to, unit },
    columns: [
      priceColumn(`wprice_${from}_${to}`, unit, "sum (q^b_m p^b_m + q^a_m p^a_m) / sum (q^b_m + q^a_m), n1 <= m <= n2"),
    ],
    source: "Cao, Hansch and Wang, The information content of an open limit-order book, J. Futures Markets 29, 2009",
    levels: to,
    make(context) {
      const { market } = context;
      const sums = context.use(depthSums);
      return {
        write(row, offset) {
          row[offset] = NaN;
          if (!market.usable) return;
          const { bidLots, askLots, bidValue, askValue } = sums.current();
          const lots = between(bidLots, from, to) + between(askLots, from, to);
          const value = between(bidValue, from, to) + between(askValue, from, to);
          row[offset] = inUnit(market.instrument, unit, value / lots);
        },
      };
    },
  };
}

/** What the levels `from` to `to` add to a sum over the first levels. */
function between(sums: Float64Array, from: number, to: number): number {
  return (sums[to - 1] as number) - (from === 1 ? 0 : (sums[from - 2] as number));
}
