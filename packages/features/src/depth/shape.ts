/** How the levels of each side lie: gaps between them, where the centre of their depth is, how evenly it is spread. */
import type { Column, Feature } from "../graph/operator.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { depthSums } from "./depth-sums.ts";
import { logsOfLots, placeOfLog } from "./log-of-lots.ts";
import { ofSides, writeNulls } from "./of-levels.ts";

const sides = ["bid", "ask"] as const;

/** The same columns for the bid and for the ask. */
const bothSides = (columns: (side: string) => readonly Column[]): Column[] => sides.flatMap(columns);

/**
 * `gaps`: per side the ticks from the best to the second level, the widest gap between neighbours of the first `levels`, and the share of
 * the prices from the best to the last of them at which nothing rests. Null unless all levels are there.
 */
export function gaps({ levels }: { readonly levels: number }): Feature {
  positiveInteger("gaps.levels", levels);
  if (levels < 2) throw new FeatureRefusal({ argument: "gaps.levels", value: levels, wanted: "at least 2" });
  return {
    id: "gaps",
    version: 1,
    parameters: { levels },
    columns: bothSides((side) => [
      { name: `gap_${side}_${levels}`, unit: "ticks", formula: "|p_2 - p_1|" },
      { name: `gap_max_${side}_${levels}`, unit: "ticks", formula: "max |p_{m+1} - p_m|, m < k" },
      { name: `gap_share_${side}_${levels}`, unit: "1", formula: "1 - k / (|p_k - p_1| + 1)" },
    ]),
    levels,
    make: ({ market }) =>
      ofSides(market, 3, ({ sign }, values, at) => {
        const { bidPrice, askPrice } = market.levels;
        const price = sign > 0 ? bidPrice : askPrice;
        let widest = 0;
        for (let level = 1; level < levels; level++) {
          const gap = Math.abs((price[level] as number) - (price[level - 1] as number));
          // Math.max keeps a NaN, so that a level that is missing makes all of it null.
          widest = Math.max(widest, gap);
        }
        const missing = widest !== widest;
        values[at] = missing ? NaN : Math.abs((price[1] as number) - (price[0] as number));
        values[at + 1] = widest;
        values[at + 2] = 1 - levels / (Math.abs((price[levels - 1] as number) - (price[0] as number)) + 1);
      }),
  };
}

/** `com`: per side the mean distance from the mid, in ticks, of the lots of the first `levels` levels: sum q_m |p_m - m| / sum q_m. */
export function centreOfMass({ levels }: { readonly levels: number }): Feature {
  positiveInteger("com.levels", levels);
  return {
    id: "com",
    version: 1,
    parameters: { levels },
    columns: bothSides((side) => [
      { name: `com_${side}_${levels}`, unit: "ticks", formula: "sum q_m |p_m - m| / sum q_m, m <= k" },
    ]),
    levels,
    make(context) {
      const { market } = context;
      const sums = context.use(depthSums);
      return {
        write(row, offset) {
          if (!market.usable) {
            writeNulls(row, offset, 2);
            return;
          }
          const { mid } = market;
          const { bidLots, bidValue, askLots, askValue } = sums.current();
          const bid = bidLots[levels - 1] as number;
          const ask = askLots[levels - 1] as number;
          row[offset] = (mid * bid - (bidValue[levels - 1] as number)) / bid;
          row[offset + 1] = ((askValue[levels - 1] as number) - mid * ask) / ask;
        },
      };
    },
  };
}

/** `entropy`: per side -sum w ln w, w the share of each of the first `levels` levels in their lots: 0 if all lies at one, ln k if it is even. In nats. */
export function entropy({ levels }: { readonly levels: number }): Feature {
  positiveInteger("entropy.levels", levels);
  return {
    id: "entropy",
    version: 1,
    parameters: { levels },
    columns: bothSides((side) => [
      { name: `entropy_${side}_${levels}`, unit: "nats", formula: "-sum w_m ln w_m, w_m = q_m / sum q, m <= k" },
    ]),
    levels,
    make: ({ market }) =>
      ofSides(market, 1, ({ sign }, values, at) => {
        const size = sign > 0 ? market.levels.bidSize : market.levels.askSize;
        let lots = 0;
        for (let level = 0; level < levels; level++) lots += size[level] as number;
        const whole = logsOfLots[placeOfLog(lots)] as number;
        let sum = 0;
        for (let level = 0; level < levels; level++) {
          const here = size[level] as number;
          if (here > 0) sum += here * (whole - (logsOfLots[placeOfLog(here)] as number));
        }
        values[at] = sum / lots;
      }),
  };
}
