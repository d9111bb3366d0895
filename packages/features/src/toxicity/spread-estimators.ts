/**
 * The spread guessed from trades alone, for markets whose quotes nobody has: Roll, "A Simple Implicit Measure of the Effective Bid-Ask
 * Spread in an Efficient Market", Journal of Finance 39(4), 1984; Corwin and Schultz, "A Simple Way to Estimate Bid-Ask Spreads from
 * Daily High and Low Prices", Journal of Finance 67(2), 2012.
 */
import { exp, log } from "@stoa/base/exact";
import type { Feature } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import { intervals } from "../trades/intervals.ts";
import { RollingPairs } from "../trades/rolling-pairs.ts";
import { nameOfSigns, signParameters, tradeSigns, type TradeSignSettings } from "../trades/trade-sign.ts";
import { Ring } from "../window.ts";
import { meanOf } from "./price-impact.ts";

export interface RollSettings {
  /** Pairs of successive changes in the covariance. */
  readonly pairs: number;
  /** What is told where the covariance is not below 0 and the formula has no root: `null` (if absent) or `zero`. */
  readonly positive?: "null" | "zero";
  /** `sample` (if absent): covariance about the means, by n - 1. `zero`: the mean of the products, as the model has it. */
  readonly mean?: "sample" | "zero";
  readonly hidden?: TradeSignSettings["hidden"];
}

/** `roll`: 2 sqrt(-cov(dp_t, dp_t-1)) over the last `pairs` pairs of successive changes of the trade price, in ticks. Begins anew after a gap. */
export function roll({ pairs: count, positive = "null", mean = "sample", hidden }: RollSettings): Feature {
  if (!Number.isSafeInteger(count) || count < 2) {
    throw new FeatureRefusal({ argument: "roll.pairs", value: count, wanted: "an integer from 2 on" });
  }
  oneOf("roll.positive", positive, ["null", "zero"]);
  oneOf("roll.mean", mean, ["sample", "zero"]);
  const signs = hidden === undefined ? {} : { hidden };
  const options = `${positive === "zero" ? "_floored" : ""}${mean === "zero" ? "_uncentred" : ""}`;
  return {
    id: "roll",
    version: 1,
    parameters: { pairs: count, positive, mean, ...signParameters("roll", signs) },
    columns: [
      {
        name: `roll_${count}${options}${nameOfSigns(signs)}`,
        unit: "ticks",
        formula: "2 sqrt(-cov(dp_t, dp_t-1))",
      },
    ],
    source: "Roll, Journal of Finance 39(4), 1984",
    lookback: `${count + 2} trades`,
    make(context) {
      const { trade } = context.use(tradeSigns(signs));
      const pairs = new RollingPairs(count);
      const state = context.keep({ pairs, price: NaN, change: NaN });
      return {
        onTrade({ price }) {
          if (!trade.counts) return;
          const change = price - state.price;
          if (change === change && state.change === state.change) pairs.push(state.change, change);
          state.price = price;
          state.change = change;
        },
        onGap() {
          pairs.clear();
          state.price = state.change = NaN;
        },
        write(row, offset) {
          if (!pairs.isFull) {
            row[offset] = NaN;
            return;
          }
          const covariance = mean === "sample" ? pairs.centredXY / (count * (count - 1)) : pairs.sumXY / count;
          row[offset] = covariance < 0 ? 2 * Math.sqrt(-covariance) : positive === "zero" ? 0 : NaN;
        },
        isWarm: () => pairs.isFull,
      };
    },
  };
}

export interface CorwinSchultzSettings {
  /** Nanoseconds of an interval; the paper has days. */
  readonly step: number;
  /** Estimates, of two successive intervals each, in the mean. */
  readonly count: number;
  /** An estimate below 0 counts as `zero` (if absent, the paper's choice for means), is `keep`t, or is left out (`null`). */
  readonly negative?: "zero" | "keep" | "null";
  /** `adjust`: if the last price of the interval before is outside of the range of this one, the range is shifted to it (the paper's overnight moves). */
  readonly jumps?: "keep" | "adjust";
  readonly hidden?: TradeSignSettings["hidden"];
}

const divisor = 3 - 2 * Math.SQRT2;

/** The estimate from high and low of two successive intervals, as a fraction of the price: S = 2 (e^alpha - 1) / (1 + e^alpha). */
export function corwinSchultzOf(high: number, low: number, highBefore: number, lowBefore: number): number {
  const range = log(high / low);
  const rangeBefore = log(highBefore / lowBefore);
  const both = log((high > highBefore ? high : highBefore) / (low < lowBefore ? low : lowBefore));
  const beta = range * range + rangeBefore * rangeBefore;
  const gamma = both * both;
  const alpha = (Math.sqrt(2 * beta) - Math.sqrt(beta)) / divisor - Math.sqrt(gamma / divisor);
  const grown = exp(alpha);
  return (2 * (grown - 1)) / (1 + grown);
}

/**
 * `corwin_schultz`: mean of the last `count` estimates from the high and low trade prices of two successive whole intervals, in bps. Null
 * before as many, and again after a gap; an interval without trades, or with prices that are not above 0, gives none.
 */
export function corwinSchultz(settings: CorwinSchultzSettings): Feature {
  const { step, count, negative = "zero", jumps = "keep", hidden } = settings;
  positiveInteger("corwin_schultz.step", step);
  positiveInteger("corwin_schultz.count", count);
  oneOf("corwin_schultz.negative", negative, ["zero", "keep", "null"]);
  oneOf("corwin_schultz.jumps", jumps, ["keep", "adjust"]);
  const signs = hidden === undefined ? {} : { hidden };
  const options = `${negative === "zero" ? "" : `_${negative}`}${jumps === "adjust" ? "_adjusted" : ""}`;
  return {
    id: "corwin_schultz",
    version: 1,
    parameters: { step, count, negative, jumps, ...signParameters("corwin_schultz", signs) },
    columns: [
      {
        name: `corwin_schultz_${nameOfWindow(step)}_${count}${options}${nameOfSigns(signs)}`,
        unit: "bps",
        formula: "mean of 1e4 2 (e^alpha - 1) / (1 + e^alpha)",
      },
    ],
    source: "Corwin and Schultz, Journal of Finance 67(2), 2012",
    lookback: `${count + 1} intervals of ${nameOfWindow(step)}`,
    levels: 1,
    make(context) {
      const estimates = new Ring(1, count + 1);
      const state = context.keep({ estimates, mean: NaN, high: NaN, low: NaN, last: NaN });
      const take = (estimate: number): void => {
        if (estimate !== estimate || (estimate < 0 && negative === "null")) return;
        estimates.push(estimate < 0 && negative === "zero" ? 0 : 1e4 * estimate);
        if (estimates.count > count) estimates.shift();
        if (estimates.count === count) state.mean = meanOf(estimates);
      };
      context.use(intervals({ step, ...signs })).listen(({ whole, high, low, last }) => {
        let shift = 0;
        if (jumps === "adjust") shift = state.last < low ? state.last - low : state.last > high ? state.last - high : 0;
        if (low > 0) take(corwinSchultzOf(high + shift, low + shift, state.high, state.low));
        state.high = whole && low > 0 ? high : NaN;
        state.low = whole && low > 0 ? low : NaN;
        state.last = whole ? last : NaN;
      });
      return {
        onGap() {
          estimates.clear();
          state.mean = state.high = state.low = state.last = NaN;
        },
        write(row, offset) {
          row[offset] = state.mean;
        },
        isWarm: () => estimates.count === count,
      };
    },
  };
}
