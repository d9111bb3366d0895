/**
 * The z-score by statistics whose weights fall exponentially with age: a value that is one half-life older counts half. West,
 * "Updating mean and variance estimates: an improved method", CACM 22(9), 1979. What rounding leaves behind fades with the weights.
 */
import { exp } from "@stoa/base/exact";
import type { Normaliser } from "../graph/normaliser.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, positiveInteger, positiveNumber } from "../refusal.ts";

const ln2 = 0.6931471805599453;

interface WeightedState {
  /** Values so far. */
  count: number;
  /** Sum of the weights, the newest value having weight 1. */
  weight: number;
  mean: number;
  /** Weighted sum of squared deviations. */
  squares: number;
  /** When the newest value came. */
  lastNs: number;
}

const emptyState = (): WeightedState => ({ count: 0, weight: 0, mean: 0, squares: 0, lastNs: NaN });

/**
 * Writes (x - mean) / sqrt(sum w (x_i - mean)^2 / sum w) of x = `row[from]` to `row[to]`, then takes x in, after all before it lost all
 * but `kept` of their weight.
 */
function score(state: WeightedState, row: Float64Array, from: number, to: number, kept: number, warmup: number): void {
  const { count, weight, mean, squares } = state;
  const difference = (row[from] as number) - mean;
  const weightNow = kept * weight + 1;
  const step = difference / weightNow;
  state.count = count + 1;
  state.weight = weightNow;
  state.mean = mean + step;
  state.squares = kept * squares + difference * (difference - step);
  if (count >= warmup && squares > 0) row[to] = difference / Math.sqrt(squares / weight);
}

function checked(id: string, warmup: number): number {
  if (positiveInteger(`${id}.warmup`, warmup) >= 2) return warmup;
  throw new FeatureRefusal({ argument: `${id}.warmup`, value: warmup, wanted: "at least 2" });
}

/** `ew_z_count`: weights halve every `halfLife` values. Null until `warmup` values have come, and while all were the same. */
export function weightedZ(settings: { readonly halfLife: number; readonly warmup?: number }): Normaliser {
  const { halfLife, warmup = 30 } = settings;
  positiveNumber("ew_z_count.halfLife", halfLife);
  checked("ew_z_count", warmup);
  const kept = exp(-ln2 / halfLife);
  return {
    id: "ew_z_count",
    version: 1,
    parameters: { halfLife, warmup },
    suffix: `ewz${halfLife}`,
    formula: `(x_t - mean) / sd of the values before, weights halving every ${halfLife} values`,
    unit: "1",
    source: "West, CACM 22(9), 1979",
    lookback: `${warmup} values`,
    make(keep) {
      const state = keep(emptyState());
      return {
        apply(row, from, to) {
          const value = row[from] as number;
          row[to] = NaN;
          if (value - value === 0) score(state, row, from, to, kept, warmup);
        },
      };
    },
  };
}

/** `ew_z_time`: weights halve every `halfLife` nanoseconds. PERF: one exponential per value. */
export function weightedZOver(settings: { readonly halfLife: number; readonly warmup?: number }): Normaliser {
  const { halfLife, warmup = 30 } = settings;
  positiveInteger("ew_z_time.halfLife", halfLife);
  checked("ew_z_time", warmup);
  const name = nameOfWindow(halfLife);
  return {
    id: "ew_z_time",
    version: 1,
    parameters: { halfLife, warmup },
    suffix: `ewz${name}`,
    formula: `(x_t - mean) / sd of the values before, weights halving every ${name}`,
    unit: "1",
    source: "West, CACM 22(9), 1979",
    lookback: `${warmup} values`,
    make(keep) {
      const state = keep(emptyState());
      return {
        apply(row, from, to, timeNs) {
          const value = row[from] as number;
          row[to] = NaN;
          if (value - value !== 0) return;
          const elapsed = timeNs - state.lastNs;
          state.lastNs = timeNs;
          score(state, row, from, to, elapsed > 0 ? exp((-ln2 * elapsed) / halfLife) : 1, warmup);
        },
      };
    },
  };
}
