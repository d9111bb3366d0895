/** The intensities of arrivals and the models of them, for the catalogue of the library. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { seconds } from "../graph/clock.ts";
import type { ModifyRule, PointSettings, PointType } from "./arrivals.ts";
import type { HawkesParameters } from "./hawkes.ts";
import { branchingRatio, hawkesDistance, hawkesIntensity } from "./hawkes-features.ts";
import { eventCounts, eventIntensity } from "./rates.ts";

const trades = { events: "trade", ties: "once" };
const model = { mu: 0.5, alpha: 1, beta: 2 };

const pointsFrom = (parameters: Parameters): PointSettings => ({
  events: parameters["events"] as PointType,
  ties: parameters["ties"] as "once" | "each",
});
const modelFrom = (parameters: Parameters): PointSettings & HawkesParameters => ({
  ...pointsFrom(parameters),
  mu: parameters["mu"] as number,
  alpha: parameters["alpha"] as number,
  beta: parameters["beta"] as number,
});

export const intensityCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "event_counts",
    summary: "Limit orders, cancellations and market orders of each side within a window.",
    defaults: { window: seconds(10), modify: "split" },
    make: (parameters) =>
      eventCounts({ window: parameters["window"] as number, modify: parameters["modify"] as ModifyRule }),
  },
  {
    kind: "feature",
    id: "event_intensity",
    summary: "Exponentially weighted rates of limit orders, cancellations and market orders of each side.",
    defaults: { tau: seconds(10), modify: "split" },
    make: (parameters) =>
      eventIntensity({ tau: parameters["tau"] as number, modify: parameters["modify"] as ModifyRule }),
  },
  {
    kind: "feature",
    id: "hawkes",
    summary: "Intensity of a Hawkes process with an exponential kernel, and its last time-rescaled increment.",
    defaults: trades,
    required: model,
    make: (parameters) => hawkesIntensity(modelFrom(parameters)),
  },
  {
    kind: "feature",
    id: "hawkes_ks",
    summary: "How far the time-rescaled increments of a Hawkes process are from exponential.",
    defaults: { ...trades, count: 200 },
    required: model,
    make: (parameters) => hawkesDistance({ ...modelFrom(parameters), count: parameters["count"] as number }),
  },
  {
    kind: "feature",
    id: "branching_ratio",
    summary: "Share of events that others have caused, from mean and variance of their numbers alone.",
    defaults: { ...trades, bin: seconds(10), count: 60 },
    make: (parameters) =>
      branchingRatio({
        ...pointsFrom(parameters),
        bin: parameters["bin"] as number,
        count: parameters["count"] as number,
      }),
  },
];
