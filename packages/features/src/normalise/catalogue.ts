/** The normalisers as the catalogue lists them: scores by count, time, weights, median and days before, and bounds. */
import type { CatalogueEntry } from "../catalogue-entry.ts";
import { minutes } from "../graph/clock.ts";
import { clip } from "./clip.ts";
import type { Deviation } from "./moments.ts";
import { previousDaysZ } from "./previous-days.ts";
import { robustZ, type RobustScale } from "./robust-z.ts";
import { rollingZ, rollingZOver } from "./rolling-z.ts";
import { weightedZ, weightedZOver } from "./weighted-z.ts";

export const normaliseCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "normaliser",
    id: "z_count",
    summary: "Distance from the mean of the last values, in their standard deviations.",
    defaults: { count: 5000, deviation: "sample" },
    make: (parameters) =>
      rollingZ({ count: parameters["count"] as number, deviation: parameters["deviation"] as Deviation }),
  },
  {
    kind: "normaliser",
    id: "z_time",
    summary: "Distance from the mean of the values of a window of time, in their standard deviations.",
    defaults: { window: minutes(10), deviation: "sample" },
    make: (parameters) =>
      rollingZOver({ window: parameters["window"] as number, deviation: parameters["deviation"] as Deviation }),
  },
  {
    kind: "normaliser",
    id: "ew_z_count",
    summary: "Z-score by statistics whose weights halve every so many values.",
    defaults: { halfLife: 1000, warmup: 30 },
    make: (parameters) =>
      weightedZ({ halfLife: parameters["halfLife"] as number, warmup: parameters["warmup"] as number }),
  },
  {
    kind: "normaliser",
    id: "ew_z_time",
    summary: "Z-score by statistics whose weights halve in so much time.",
    defaults: { halfLife: minutes(5), warmup: 30 },
    make: (parameters) =>
      weightedZOver({ halfLife: parameters["halfLife"] as number, warmup: parameters["warmup"] as number }),
  },
  {
    kind: "normaliser",
    id: "robust_z",
    summary: "Distance from the median of the last values, in their median absolute deviations.",
    defaults: { count: 1000, scale: "normal" },
    make: (parameters) => robustZ({ count: parameters["count"] as number, scale: parameters["scale"] as RobustScale }),
  },
  {
    kind: "normaliser",
    id: "days_z",
    summary: "Z-score by the statistics of the days before.",
    defaults: { days: 5, begin: 0, deviation: "sample" },
    make: (parameters) =>
      previousDaysZ({
        days: parameters["days"] as number,
        begin: parameters["begin"] as number,
        deviation: parameters["deviation"] as Deviation,
      }),
  },
  {
    kind: "normaliser",
    id: "clip",
    summary: "Values held between two bounds.",
    defaults: { low: -5, high: 5 },
    make: (parameters) => clip({ low: parameters["low"] as number, high: parameters["high"] as number }),
  },
];
