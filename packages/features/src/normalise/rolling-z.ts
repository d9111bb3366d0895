/**
 * How unusual a value is by what came before it: its distance from their mean in standard deviations. The value itself is never part of
 * the statistics, so nothing of the future or of the present is in them.
 */
import type { Normaliser } from "../graph/normaliser.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import { deviations, MovingMoments, type Deviation } from "./moments.ts";

/** `z_count`: (x_t - mean) / sd of the `count` values before x_t. Null until there are so many, and where they are all the same. */
export function rollingZ(settings: { readonly count: number; readonly deviation?: Deviation }): Normaliser {
  const { count, deviation = "sample" } = settings;
  if (positiveInteger("z_count.count", count) < 2) {
    throw new FeatureRefusal({ argument: "z_count.count", value: count, wanted: "at least 2" });
  }
  oneOf("z_count.deviation", deviation, deviations);
  return {
    id: "z_count",
    version: 1,
    parameters: { count, deviation },
    suffix: `z${count}`,
    formula: `(x_t - mean) / sd over the ${count} values before`,
    unit: "1",
    lookback: `${count} values`,
    make(keep) {
      const moments = new MovingMoments();
      keep({ moments });
      return {
        apply(row, from, to, timeNs) {
          const value = row[from] as number;
          row[to] = NaN;
          if (value - value !== 0) return;
          if (moments.count === count) moments.score(row, from, to, deviation);
          moments.push(timeNs, row, from);
          if (moments.count > count) moments.shift();
        },
      };
    },
  };
}

/**
 * `z_time`: the same with the values of the last `window` nanoseconds: those stamped after t - window that came before x_t. Null until a
 * window has passed since the first value, while fewer than two values are in it, and where they are all the same.
 */
export function rollingZOver(settings: { readonly window: number; readonly deviation?: Deviation }): Normaliser {
  const { window, deviation = "sample" } = settings;
  positiveInteger("z_time.window", window);
  oneOf("z_time.deviation", deviation, deviations);
  const name = nameOfWindow(window);
  return {
    id: "z_time",
    version: 1,
    parameters: { window, deviation },
    suffix: `z${name}`,
    formula: `(x_t - mean) / sd over the values of the last ${name}, without x_t`,
    unit: "1",
    lookback: name,
    make(keep) {
      const moments = new MovingMoments();
      const state = keep({ moments, sinceNs: NaN });
      return {
        apply(row, from, to, timeNs) {
          const value = row[from] as number;
          row[to] = NaN;
          if (value - value !== 0) return;
          if (!(state.sinceNs <= timeNs)) state.sinceNs = timeNs;
          moments.expire(timeNs - window);
          if (timeNs - state.sinceNs >= window) moments.score(row, from, to, deviation);
          moments.push(timeNs, row, from);
        },
      };
    },
  };
}
