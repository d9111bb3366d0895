/**
 * Variance from highs and lows of bars: Parkinson, "The Extreme Value Method for Estimating the Variance of the Rate of Return", Journal
 * of Business 53(1), 1980; Garman and Klass, "On the Estimation of Security Price Volatilities from Historical Data", ibid.
 */
import { log } from "@stoa/base/exact";
import { EventFlag } from "../event.ts";
import type { Feature } from "../graph/operator.ts";
import { gridAfter, phaseOfGrid } from "../grid.ts";
import { nameOfWindow } from "../naming.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { Ring } from "../window.ts";
import { windowsPerYear, type YearSettings } from "./returns.ts";

/** Variance of one bar after Parkinson: ln(H/L)^2 / (4 ln 2). Prices above zero, in any unit. */
export function parkinsonVariance(bar: { readonly high: number; readonly low: number }): number {
  const range = log(bar.high / bar.low);
  return (range * range) / (4 * Math.LN2);
}

/** Variance of one bar after Garman and Klass: ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2. */
export function garmanKlassVariance(bar: {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}): number {
  const range = log(bar.high / bar.low);
  const move = log(bar.close / bar.open);
  return (range * range) / 2 - (2 * Math.LN2 - 1) * (move * move);
}

export const barPrices = ["trade", "mid"] as const;

/**
 * `parkinson` and `garman_klass`: mean variance per bar over the last `count` whole bars of `bar` nanoseconds (multiples since 1970) in which
 * there was a price, and the annualised volatility of each. Prices are `trade`s that are not hidden, or the `mid` after each change.
 * Null before the first whole bar; the mean is over fewer bars until there are `count`.
 */
export function rangeVariance(
  settings: {
    readonly bar: number;
    readonly count: number;
    readonly price?: (typeof barPrices)[number];
  } & YearSettings,
): Feature {
  const bar = positiveInteger("range_variance.bar", settings.bar);
  const count = positiveInteger("range_variance.count", settings.count);
  const price = oneOf("range_variance.price", settings.price ?? "trade", barPrices);
  const { count: perYear, ...year } = windowsPerYear("range_variance", bar, settings);
  const suffix = `${price}_${count}x${nameOfWindow(bar)}`;
  return {
    id: "range_variance",
    version: 1,
    parameters: { bar, count, price, ...year },
    columns: [
      { name: `parkinson_${suffix}`, unit: "1", formula: "mean ln(H/L)^2 / (4 ln 2)" },
      { name: `garman_klass_${suffix}`, unit: "1", formula: "mean ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2" },
      { name: `parkinson_vol_${suffix}`, unit: "1/sqrt(year)", formula: "sqrt(parkinson * bars per year)" },
      { name: `garman_klass_vol_${suffix}`, unit: "1/sqrt(year)", formula: "sqrt(garman_klass * bars per year)" },
    ],
    source: "Parkinson 1980; Garman and Klass 1980 (Journal of Business 53(1))",
    lookback: `${count} bars of ${nameOfWindow(bar)}`,
    levels: price === "trade" ? 0 : 1,
    make(context) {
      const phase = phaseOfGrid(context.originNs, bar);
      const state = context.keep({
        open: NaN,
        high: NaN,
        low: NaN,
        close: NaN,
        bars: new Ring(2),
        running: false as boolean,
      });
      const { bars } = state;
      const forget = (): void => void (state.open = NaN);
      const alarm = context.alarm((timeNs) => {
        alarm.set(gridAfter(timeNs, bar, phase));
        if (state.open !== state.open) return;
        if (bars.count === count) bars.shift();
        bars.push(parkinsonVariance(state), garmanKlassVariance(state));
        forget();
      });
      const observe = (value: number, timeNs: number): void => {
        if (!state.running) {
          state.running = true;
          alarm.set(gridAfter(timeNs, bar, phase));
        }
        if (!(value > 0)) return;
        if (state.open !== state.open) {
          state.open = value;
          state.high = value;
          state.low = value;
        } else if (value > state.high) state.high = value;
        else if (value < state.low) state.low = value;
        state.close = value;
      };
      return {
        ...(price === "trade"
          ? {
              onTrade(event: { readonly flags: number; readonly price: number; readonly timeNs: number }) {
                if ((event.flags & EventFlag.hidden) === 0) observe(event.price, event.timeNs);
              },
            }
          : { onBook: (market: { readonly mid: number }, timeNs: number) => observe(market.mid, timeNs) }),
        onGap() {
          bars.clear();
          forget();
        },
        write(row, offset) {
          let parkinson = 0;
          let garmanKlass = 0;
          for (let age = 0; age < bars.count; age++) {
            parkinson += bars.at(age);
            garmanKlass += bars.at(age, 1);
          }
          row[offset] = parkinson / bars.count;
          row[offset + 1] = garmanKlass / bars.count;
          row[offset + 2] = Math.sqrt((parkinson / bars.count) * perYear);
          row[offset + 3] = Math.sqrt((garmanKlass / bars.count) * perYear);
        },
        isWarm: () => bars.count === count,
      };
    },
  };
}
