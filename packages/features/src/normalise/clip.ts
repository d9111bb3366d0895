/** Values held between two bounds, mostly behind a score, so that one wild value does not rule a model that is fitted on them. */
import type { Normaliser } from "../graph/normaliser.ts";
import { FeatureRefusal, finiteNumber } from "../refusal.ts";

/** `clip`: min(max(x, low), high). Null stays null. After a z-score: `graph.normalise(rollingZ(...)).normalise(clip(...), { only: ["*_z5000"] })`. */
export function clip({ low, high }: { readonly low: number; readonly high: number }): Normaliser {
  finiteNumber("clip.low", low);
  finiteNumber("clip.high", high);
  if (!(low < high)) throw new FeatureRefusal({ argument: "clip.high", value: high, wanted: `above clip.low, ${low}` });
  return {
    id: "clip",
    version: 1,
    parameters: { low, high },
    suffix: "clip",
    formula: `min(max(x, ${low}), ${high})`,
    make: () => ({
      apply(row, from, to) {
        row[to] = Math.min(Math.max(row[from] as number, low), high);
      },
    }),
  };
}
