/** Prices between the best quotes: their middle, and the middle weighted by the sizes on the other side. */
import type { Feature } from "../graph/operator.ts";
import { priceColumn, priceUnit, scaleOf, type PriceUnit } from "./price-unit.ts";

/** `mid`: (a + b) / 2. */
export function mid({ unit = "price" }: { readonly unit?: PriceUnit } = {}): Feature {
  priceUnit("mid.unit", unit);
  return {
    id: "mid",
    version: 1,
    parameters: { unit },
    columns: [priceColumn("mid", unit, "m = (a + b) / 2")],
    levels: 1,
    make({ market }) {
      const { multiply, divide } = scaleOf(market.instrument, unit);
      const { levels } = market;
      return {
        write(row, offset) {
          const ticks = ((levels.bidPrice[0] as number) + (levels.askPrice[0] as number)) / 2;
          if (market.usable) row[offset] = (ticks * multiply) / divide;
          else row[offset] = NaN;
        },
      };
    },
  };
}

/** `wmid`: (a q^b + b q^a) / (q^a + q^b): near the ask where the bid is the heavier. The notebook sstoikov/microprice calls it `wmid`. */
export function weightedMid({ unit = "price" }: { readonly unit?: PriceUnit } = {}): Feature {
  priceUnit("wmid.unit", unit);
  return {
    id: "wmid",
    version: 1,
    parameters: { unit },
    columns: [priceColumn("wmid", unit, "W = (a q^b + b q^a) / (q^a + q^b)")],
    source: "notebook of Stoikov, The micro-price, Quantitative Finance 18(12), 2018",
    levels: 1,
    make({ market }) {
      const { multiply, divide } = scaleOf(market.instrument, unit);
      const { levels } = market;
      return {
        write(row, offset) {
          const bidSize = levels.bidSize[0] as number;
          const askSize = levels.askSize[0] as number;
          const weighted = (levels.askPrice[0] as number) * bidSize + (levels.bidPrice[0] as number) * askSize;
          if (market.usable) row[offset] = ((weighted / (bidSize + askSize)) * multiply) / divide;
          else row[offset] = NaN;
        },
      };
    },
  };
}
