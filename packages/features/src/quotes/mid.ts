/** Prices between the best quotes: their middle, and the middle weighted by the sizes on the other side. */
import type { Feature } from "../graph/operator.ts";
import type { Market } from "../market.ts";
import { inUnit, priceColumn, priceUnit, type PriceUnit } from "./price-unit.ts";

/** `mid`: (a + b) / 2. */
export function mid({ unit = "price" }: { readonly unit?: PriceUnit } = {}): Feature {
  priceUnit("mid.unit", unit);
  return {
    id: "mid",
    version: 1,
    parameters: { unit },
    columns: [priceColumn("mid", unit, "m = (a + b) / 2")],
    levels: 1,
    make: ({ market }) => ({
      write(row, offset) {
        row[offset] = inUnit(market.instrument, unit, market.mid);
      },
    }),
  };
}

/** The weighted mid of the best quotes in ticks, W = (a q^b + b q^a) / (q^a + q^b). */
export function weightedMidTicks({ bidPrice, bidSize, askPrice, askSize }: Market): number {
  return (askPrice * bidSize + bidPrice * askSize) / (bidSize + askSize);
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
    make: ({ market }) => ({
      write(row, offset) {
        row[offset] = market.usable ? inUnit(market.instrument, unit, weightedMidTicks(market)) : NaN;
      },
    }),
  };
}
