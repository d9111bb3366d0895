/** How the lots near the best bid compare with those near the best ask: over some levels, with weights that fall, or within a band of prices. */
import { exp } from "@stoa/base/exact";
import type { Feature } from "../graph/operator.ts";
import { oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import type { Market } from "../market.ts";
import { emptyBand, measureBand } from "./band-depth.ts";
import { depthSums } from "./depth-sums.ts";
import { ofLevels } from "./of-levels.ts";

/** `imb_k`: (sum of q^b - sum of q^a) / (sum of both) over the first `levels` populated levels of each side; fewer where there are fewer. */
export function depthImbalance({ levels }: { readonly levels: number }): Feature {
  positiveInteger("imb_k.levels", levels);
  return {
    id: "imb_k",
    version: 1,
    parameters: { levels },
    columns: [
      { name: `imb_${levels}`, unit: "1", formula: "(sum q^b_m - sum q^a_m) / (sum q^b_m + sum q^a_m), m <= k" },
    ],
    levels,
    make(context) {
      const { market } = context;
      const sums = context.use(depthSums);
      return {
        write(row, offset) {
          if (!market.usable) {
            row[offset] = NaN;
            return;
          }
          const { bidLots, askLots } = sums.current();
          const bid = bidLots[levels - 1] as number;
          const ask = askLots[levels - 1] as number;
          row[offset] = (bid - ask) / (bid + ask);
        },
      };
    },
  };
}

export const imbalanceWeights = ["level", "distance"] as const;
/** What a weight falls with: the count of the level, exp(-l (m - 1)), or its distance from the mid in ticks, exp(-l |p_m - m|). */
export type ImbalanceWeight = (typeof imbalanceWeights)[number];

const weightFormulas = { level: "w_m = exp(-l (m - 1))", distance: "w_m = exp(-l |p_m - m| / d)" } as const;

/** `imb_w`: the imbalance of `levels` levels, each size weighted by exp(-decay x) with x what `weight` says. */
export function weightedImbalance(settings: {
  readonly levels: number;
  readonly decay: number;
  readonly weight: ImbalanceWeight;
}): Feature {
  const { levels, decay, weight } = settings;
  positiveInteger("imb_w.levels", levels);
  positiveNumber("imb_w.decay", decay);
  oneOf("imb_w.weight", weight, imbalanceWeights);
  return {
    id: "imb_w",
    version: 1,
    parameters: { levels, decay, weight },
    columns: [
      {
        name: `imb_w_${weight}_${levels}_${decay}`,
        unit: "1",
        formula: `(sum w_m q^b_m - sum w_m q^a_m) / (sum of both), ${weightFormulas[weight]}, m <= k`,
      },
    ],
    levels,
    make({ market }) {
      return ofLevels(
        market,
        1,
        weight === "level"
          ? byLevel(tableOf(decay, levels))
          : byDistance(decay, tableOf(decay / 2, halfTicksInTable), levels),
      );
    },
  };
}

/** Distances from the mid are multiples of half a tick: up to here their weights are looked up. */
const halfTicksInTable = 1024;

/** exp(-decay i) for i from 0 on. */
function tableOf(decay: number, count: number): Float64Array {
  const table = new Float64Array(count);
  for (let index = 0; index < count; index++) table[index] = exp(-(decay * index));
  return table;
}

function byLevel(weights: Float64Array) {
  return (values: Float64Array, { levels: { bidSize, askSize } }: Market): void => {
    let bid = 0;
    let ask = 0;
    for (let level = 0; level < weights.length; level++) {
      const weight = weights[level] as number;
      bid += weight * (bidSize[level] as number);
      ask += weight * (askSize[level] as number);
    }
    values[0] = (bid - ask) / (bid + ask);
  };
}

function byDistance(decay: number, table: Float64Array, count: number) {
  const weightOf = (halfTicks: number): number =>
    halfTicks < halfTicksInTable ? (table[halfTicks | 0] as number) : exp(-((decay / 2) * halfTicks));
  return (values: Float64Array, { levels: { bidPrice, bidSize, askPrice, askSize } }: Market): void => {
    const twiceMid = (bidPrice[0] as number) + (askPrice[0] as number);
    let bid = 0;
    let ask = 0;
    for (let level = 0; level < count; level++) {
      const lots = bidSize[level] as number;
      if (lots === 0) break;
      bid += lots * weightOf(twiceMid - 2 * (bidPrice[level] as number));
    }
    for (let level = 0; level < count; level++) {
      const lots = askSize[level] as number;
      if (lots === 0) break;
      ask += lots * weightOf(2 * (askPrice[level] as number) - twiceMid);
    }
    values[0] = (bid - ask) / (bid + ask);
  };
}

/** `imb_bps`: the imbalance of the lots within `bps` basis points of the mid, both edges included. Null where nothing is so near. PERF: O(levels in the band). */
export function bandImbalance({ bps }: { readonly bps: number }): Feature {
  positiveNumber("imb_bps.bps", bps);
  return {
    id: "imb_bps",
    version: 1,
    parameters: { bps },
    columns: [{ name: `imb_${bps}bps`, unit: "1", formula: "(D^b - D^a) / (D^b + D^a), depth within x bps of m" }],
    levels: 1,
    make({ market }) {
      const band = emptyBand();
      return {
        write(row, offset) {
          row[offset] = NaN;
          if (!market.isWhole) return;
          measureBand(market, bps, "mid", band);
          row[offset] = (band.bidLots - band.askLots) / (band.bidLots + band.askLots);
        },
      };
    },
  };
}
