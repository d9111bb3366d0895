/**
 * Variance of an efficient price that is seen through noise: the signature of realised variance over sampling steps, the two-scale
 * estimator, and the realised kernel. All are computed anew from the returns of the window for each row.
 *
 * PERF: O(n) per row for each step of the signature and for two scales, O(n H) for the kernel, with n returns in the window: ask for
 * rows on a clock of time, not at every change.
 */
import { exp, log } from "@stoa/base/exact";
import type { Feature } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import {
  checkedWindow,
  nameOfReturns,
  recentReturns,
  returnCells,
  type RecentReturns,
  type WindowSettings,
} from "./returns.ts";

/** How many returns a step of k leaves over: `first` sums those from the oldest on, `average` takes the mean over all k beginnings. */
export const signatureOffsets = ["first", "average"] as const;

/**
 * `rv_k` for each k in `steps`: realised variance of the price at every k-th observation of the window (of a grid: every k x step). `first`:
 * sum over whole blocks of k returns from the oldest on. `average`: (1/k) sum_i (X_i - X_{i-k})^2. Null with fewer than k returns.
 */
export function signature(
  settings: WindowSettings & {
    readonly steps: readonly number[];
    readonly offsets?: (typeof signatureOffsets)[number];
  },
): Feature {
  const sampled = checkedWindow("signature", settings);
  const offsets = oneOf("signature.offsets", settings.offsets ?? "average", signatureOffsets);
  const steps = settings.steps.map((step) => positiveInteger("signature.steps", step));
  if (steps.length === 0)
    throw new FeatureRefusal({ argument: "signature.steps", value: [], wanted: "at least one step" });
  const suffix = nameOfReturns(sampled);
  return {
    id: "signature",
    version: 1,
    parameters: { ...sampled, steps: steps.join(" "), offsets },
    columns: steps.map((step) => ({
      name: `rv_${suffix}_by_${step}`,
      unit: "1",
      formula: offsets === "first" ? "sum (X_{jk} - X_{(j-1)k})^2" : "(1/k) sum (X_i - X_{i-k})^2",
    })),
    source: "Andersen, Bollerslev, Diebold and Labys, Great realisations, Risk, 2000",
    lookback: nameOfWindow(sampled.window),
    levels: sampled.sampling === "trade" ? 0 : 1,
    make(context) {
      const returns = context.use(recentReturns(sampled));
      const path = new Path();
      return {
        write(row, offset, timeNs) {
          path.read(returns, timeNs);
          for (let index = 0; index < steps.length; index++) {
            const step = steps[index] as number;
            row[offset + index] = offsets === "first" ? path.blockVariance(step) : path.averageVariance(step);
          }
        },
        isWarm: returns.isWarm,
      };
    },
  };
}

/**
 * `tsrv`, `noise`, `tsrv_k`: with K = c n^(2/3) rounded (at least 2), nbar = (n - K + 1) / K: average realised variance over the K
 * sub-grids less (nbar / n) rv; divided by (1 - nbar / n) if `adjusted` (the paper's small-sample form). `noise` is rv / (2 n), the
 * variance of the noise of one price. Null with fewer than K + 1 returns.
 */
export function twoScaleVariance(
  settings: WindowSettings & { readonly c?: number; readonly adjusted?: boolean },
): Feature {
  const sampled = checkedWindow("two_scale_variance", settings);
  const c = positiveNumber("two_scale_variance.c", settings.c ?? 1);
  const adjusted = settings.adjusted ?? true;
  const suffix = nameOfReturns(sampled);
  return {
    id: "two_scale_variance",
    version: 1,
    parameters: { ...sampled, c, adjusted },
    columns: [
      { name: `tsrv_${suffix}`, unit: "1", formula: "(rv_avg(K) - (nbar/n) rv) / (1 - nbar/n)" },
      { name: `noise_${suffix}`, unit: "1", formula: "rv / (2n)" },
      { name: `tsrv_k_${suffix}`, unit: "1", formula: "K = c n^(2/3)" },
    ],
    source: "Zhang, Mykland and Ait-Sahalia, Journal of the American Statistical Association 100, 2005",
    lookback: nameOfWindow(sampled.window),
    levels: sampled.sampling === "trade" ? 0 : 1,
    make(context) {
      const returns = context.use(recentReturns(sampled));
      const { cells } = returns;
      const path = new Path();
      return {
        write(row, offset, timeNs) {
          path.read(returns, timeNs);
          const { count } = path;
          const scale = slowScale(count, c);
          const enough = count > scale;
          const share = (count - scale + 1) / scale / count;
          const all = (cells[returnCells.squaresAbove] as number) + (cells[returnCells.squaresBelow] as number);
          const difference = path.averageVariance(scale) - share * all;
          row[offset] = enough ? (adjusted ? difference / (1 - share) : difference) : NaN;
          row[offset + 1] = count > 0 ? all / (2 * count) : NaN;
          row[offset + 2] = enough ? scale : NaN;
        },
        isWarm: returns.isWarm,
      };
    },
  };
}

/** K = c n^(2/3), rounded, at least 2. */
export function slowScale(count: number, c: number): number {
  return count > 0 ? Math.max(2, Math.round(c * exp((2 / 3) * log(count)))) : 2;
}

/**
 * `rk`: gamma_0 + 2 sum_{h=1..H} k(h / (H + 1)) gamma_h with gamma_h = sum r_i r_{i-h} and the Parzen weight k, H being `bandwidth`; without
 * the averaging of end points. Never negative but for rounding. Null with H returns or fewer.
 */
export function realisedKernel(settings: WindowSettings & { readonly bandwidth: number }): Feature {
  const sampled = checkedWindow("realised_kernel", settings);
  const bandwidth = positiveInteger("realised_kernel.bandwidth", settings.bandwidth);
  return {
    id: "realised_kernel",
    version: 1,
    parameters: { ...sampled, bandwidth },
    columns: [
      {
        name: `rk${bandwidth}_${nameOfReturns(sampled)}`,
        unit: "1",
        formula: "gamma_0 + 2 sum_h parzen(h/(H+1)) gamma_h",
      },
    ],
    source: "Barndorff-Nielsen, Hansen, Lunde and Shephard, Econometrica 76(6), 2008; Econometrics Journal 12(3), 2009",
    lookback: nameOfWindow(sampled.window),
    levels: sampled.sampling === "trade" ? 0 : 1,
    make(context) {
      const returns = context.use(recentReturns(sampled));
      return {
        write(row, offset, timeNs) {
          returns.expire(timeNs);
          const count = returns.count();
          let kernel = 0;
          for (let lag = 0; lag <= bandwidth; lag++) {
            let covariance = 0;
            for (let index = lag; index < count; index++) covariance += returns.at(index) * returns.at(index - lag);
            kernel += (lag === 0 ? 1 : 2 * parzen(lag / (bandwidth + 1))) * covariance;
          }
          row[offset] = count > bandwidth ? kernel : NaN;
        },
        isWarm: returns.isWarm,
      };
    },
  };
}

/** Parzen's weight on [0, 1]. */
export const parzen = (x: number): number => (x <= 0.5 ? 1 - 6 * x * x * (1 - x) : 2 * (1 - x) * (1 - x) * (1 - x));

/** The logarithm of price over the window, from 0 at its beginning: X_0 .. X_n. Scratch, filled for each row. */
class Path {
  count = 0;
  #points = new Float64Array(64);

  read(returns: RecentReturns, timeNs: number): void {
    returns.expire(timeNs);
    const count = returns.count();
    this.count = count;
    if (this.#points.length <= count) this.#points = new Float64Array(2 * count);
    let point = 0;
    this.#points[0] = 0;
    for (let index = 0; index < count; index++) {
      point += returns.at(index);
      this.#points[index + 1] = point;
    }
  }

  /** (1/k) sum over i of (X_i - X_{i-k})^2; NaN with fewer than k returns. */
  averageVariance(step: number): number {
    const points = this.#points;
    let sum = 0;
    for (let index = step; index <= this.count; index++) {
      const move = (points[index] as number) - (points[index - step] as number);
      sum += move * move;
    }
    return this.count < step ? NaN : sum / step;
  }

  /** Over whole blocks of k returns, from the oldest on. */
  blockVariance(step: number): number {
    const points = this.#points;
    let sum = 0;
    for (let index = step; index <= this.count; index += step) {
      const move = (points[index] as number) - (points[index - step] as number);
      sum += move * move;
    }
    return this.count < step ? NaN : sum;
  }
}
