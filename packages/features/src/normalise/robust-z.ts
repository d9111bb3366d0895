/** The z-score by median and median absolute deviation, which one wild value does not move. */
import type { Normaliser } from "../graph/normaliser.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import { Ring } from "../window.ts";

export const robustScales = ["normal", "none"] as const;
/** `normal`: the deviation times 1.4826..., which makes it the standard deviation of normal values; `none`: as it is. */
export type RobustScale = (typeof robustScales)[number];

/** 1 over the 0.75 quantile of the standard normal distribution. */
const normalScale = 1.4826022185056018;

/**
 * `robust_z`: (x_t - median) / (scale x MAD) of the `count` values before x_t, MAD the median of |x_i - median|. Null until there are so
 * many, and where MAD is 0. PERF: O(log count) searches and a move of at most `count` doubles per value.
 */
export function robustZ(settings: { readonly count: number; readonly scale?: RobustScale }): Normaliser {
  const { count, scale = "normal" } = settings;
  if (positiveInteger("robust_z.count", count) < 2) {
    throw new FeatureRefusal({ argument: "robust_z.count", value: count, wanted: "at least 2" });
  }
  oneOf("robust_z.scale", scale, robustScales);
  const factor = scale === "normal" ? normalScale : 1;
  return {
    id: "robust_z",
    version: 1,
    parameters: { count, scale },
    suffix: `rz${count}`,
    formula: `(x_t - median) / (${scale === "normal" ? "1.4826 " : ""}MAD) over the ${count} values before`,
    unit: "1",
    lookback: `${count} values`,
    make(keep) {
      const sorted = new Float64Array(count);
      const values = new Ring(1);
      keep({ sorted, values });
      return {
        apply(row, from, to) {
          const value = row[from] as number;
          row[to] = NaN;
          if (value - value !== 0) return;
          const full = values.count === count;
          const middle = full ? median(sorted, count) : NaN;
          const spread = full ? factor * medianDistance(sorted, count, middle) : NaN;
          if (full) {
            takeOut(sorted, count, values.at(0));
            values.shift();
          }
          putIn(sorted, values.count, value);
          values.push(value);
          if (spread > 0) row[to] = (value - middle) / spread;
        },
      };
    },
  };
}

function median(sorted: Float64Array, count: number): number {
  const half = count >>> 1;
  const upper = sorted[half] as number;
  return count % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

/** Median of |x - middle|. */
function medianDistance(sorted: Float64Array, count: number, middle: number): number {
  const half = count >>> 1;
  const upper = distanceOf(sorted, count, middle, half + 1);
  return count % 2 === 1 ? upper : (distanceOf(sorted, count, middle, half) + upper) / 2;
}

/** The `rank`-th least of |x - middle|: the `rank` values nearest to the middle are neighbours, and the farther end of them tells. */
function distanceOf(sorted: Float64Array, count: number, middle: number, rank: number): number {
  let low = 0;
  let high = count - rank;
  while (low < high) {
    const first = (low + high) >>> 1;
    if (middle - (sorted[first] as number) > (sorted[first + rank] as number) - middle) low = first + 1;
    else high = first;
  }
  return Math.max(middle - (sorted[low] as number), (sorted[low + rank - 1] as number) - middle);
}

/** First place at which `value` could stand among the first `count`. */
function placeOf(sorted: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function putIn(sorted: Float64Array, count: number, value: number): void {
  const place = placeOf(sorted, count, value);
  sorted.copyWithin(place + 1, place, count);
  sorted[place] = value;
}

function takeOut(sorted: Float64Array, count: number, value: number): void {
  const place = placeOf(sorted, count, value);
  sorted.copyWithin(place, place + 1, count);
}
