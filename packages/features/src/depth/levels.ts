/** The first levels themselves, as columns. */
import type { Column, Feature } from "../graph/operator.ts";
import { scaled, type Scale } from "../instrument.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { ofLevels } from "./of-levels.ts";

export const levelUnits = ["steps", "venue"] as const;
/** `steps`: ticks and lots, integers; `venue`: prices and sizes as the venue writes them. */
export type LevelUnit = (typeof levelUnits)[number];

const one: Scale = { multiply: 1, divide: 1 };

/** `levels`: price and size of the first `count` populated levels of each side, bid before ask, level by level. Null where there is no level. */
export function levels({ count, unit = "steps" }: { readonly count: number; readonly unit?: LevelUnit }): Feature {
  positiveInteger("levels.count", count);
  oneOf("levels.unit", unit, levelUnits);
  return {
    id: "levels",
    version: 1,
    parameters: { count, unit },
    columns: Array.from({ length: count }, (_, level) => columnsOf(level + 1, unit)).flat(),
    levels: count,
    make({ market }) {
      const tick = unit === "steps" ? one : market.instrument.tick;
      const lot = unit === "steps" ? one : market.instrument.lot;
      return ofLevels(market, 4 * count, (values, { levels: { bidPrice, bidSize, askPrice, askSize } }) => {
        for (let level = 0, at = 0; level < count; level++, at += 4) {
          writeLevel(values, at, scaled(tick, bidPrice[level] as number), scaled(lot, bidSize[level] as number));
          writeLevel(values, at + 2, scaled(tick, askPrice[level] as number), scaled(lot, askSize[level] as number));
        }
      });
    },
  };
}

function writeLevel(values: Float64Array, at: number, price: number, size: number): void {
  values[at] = price;
  values[at + 1] = size === 0 ? NaN : size;
}

function columnsOf(level: number, unit: LevelUnit): Column[] {
  const [price, size] = unit === "steps" ? ["ticks", "lots"] : ["price", "size"];
  return [
    { name: `bid_price_${level}`, unit: price as string, formula: `p^b_${level}` },
    { name: `bid_size_${level}`, unit: size as string, formula: `q^b_${level}` },
    { name: `ask_price_${level}`, unit: price as string, formula: `p^a_${level}` },
    { name: `ask_size_${level}`, unit: size as string, formula: `q^a_${level}` },
  ];
}
