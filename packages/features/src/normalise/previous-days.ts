/** The z-score by the statistics of the days before, as training sets of deep order-book models are made (Zhang, Zohren and Roberts, DeepLOB, 2019, with five days). */
import type { Normaliser } from "../graph/normaliser.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import { Ring } from "../window.ts";
import { deviations, Moments, type Deviation } from "./moments.ts";

const dayNs = 86_400e9;

/**
 * `days_z`: (x_t - mean) / sd of all values of the last `days` days before the one of x_t on which there were any. A day begins
 * `begin` nanoseconds after each midnight of the stream's times (UTC, if its origin is a midnight). Null until there are so many days.
 */
export function previousDaysZ(settings: {
  readonly days: number;
  readonly begin?: number;
  readonly deviation?: Deviation;
}): Normaliser {
  const { days, begin = 0, deviation = "sample" } = settings;
  positiveInteger("days_z.days", days);
  if (!(Number.isSafeInteger(begin) && 0 <= begin && begin < dayNs)) {
    throw new FeatureRefusal({
      argument: "days_z.begin",
      value: begin,
      wanted: "an integer from 0 to below a day in ns",
    });
  }
  oneOf("days_z.deviation", deviation, deviations);
  return {
    id: "days_z",
    version: 1,
    parameters: { days, begin, deviation },
    suffix: `dz${days}`,
    formula: `(x_t - mean) / sd over the ${days} days before`,
    unit: "1",
    source: "Zhang, Zohren and Roberts, DeepLOB, IEEE TSP 67(11), 2019",
    lookback: `${days} days`,
    make(keep) {
      const past = new Ring(3);
      const today = keep(new Moments());
      const before = keep(new Moments());
      const state = keep({ day: NaN, past });
      return {
        apply(row, from, to, timeNs) {
          const value = row[from] as number;
          row[to] = NaN;
          if (value - value !== 0) return;
          const day = Math.floor((timeNs - begin) / dayNs);
          if (day !== state.day) {
            if (today.count > 0) past.push(today.count, today.mean, today.squares);
            if (past.count > days) past.shift();
            today.clear();
            before.clear();
            for (let age = 0; age < past.count; age++) before.join(past.at(age), past.at(age, 1), past.at(age, 2));
            state.day = day;
          }
          today.add(value);
          if (past.count === days) row[to] = before.score(value, deviation);
        },
      };
    },
  };
}
