/** The volatility family, for the catalogue. Lists of steps are texts with a space between the numbers. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { minutes, seconds } from "../graph/clock.ts";
import { realisedKernel, signature, signatureOffsets, twoScaleVariance } from "./noise.ts";
import { barPrices, rangeVariance } from "./range.ts";
import { bipowerCorrections, bipowerVariation, realisedVariance, semivariance } from "./realised.ts";
import type { Sampling, WindowSettings } from "./returns.ts";

const sampled = { sampling: "mid", step: 0, window: minutes(5) };
const year = { tradingDays: 365, tradingHours: 24 };

const sampledFrom = (parameters: Parameters): WindowSettings => ({
  sampling: parameters["sampling"] as Sampling,
  step: parameters["step"] as number,
  window: parameters["window"] as number,
});
const yearFrom = (parameters: Parameters): typeof year => ({
  tradingDays: parameters["tradingDays"] as number,
  tradingHours: parameters["tradingHours"] as number,
});

export const volatilityCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "realised_variance",
    summary: "Sum of squared returns of trades, of the mid, or of the mid on a grid, and volatility per year.",
    defaults: { ...sampled, ...year },
    make: (parameters) => realisedVariance({ ...sampledFrom(parameters), ...yearFrom(parameters) }),
  },
  {
    kind: "feature",
    id: "bipower_variation",
    summary: "Variance without jumps from products of neighbouring returns, and the jumps that are left.",
    defaults: { ...sampled, correction: "none" },
    make: (parameters) =>
      bipowerVariation({
        ...sampledFrom(parameters),
        correction: parameters["correction"] as (typeof bipowerCorrections)[number],
      }),
  },
  {
    kind: "feature",
    id: "semivariance",
    summary: "Realised variance of upward and of downward returns.",
    defaults: sampled,
    make: (parameters) => semivariance(sampledFrom(parameters)),
  },
  {
    kind: "feature",
    id: "signature",
    summary: "Realised variance over a grid of sampling steps: where it stops falling, noise ends.",
    defaults: { ...sampled, steps: "1 2 5 10 20 50", offsets: "average" },
    make: (parameters) =>
      signature({
        ...sampledFrom(parameters),
        steps: String(parameters["steps"]).split(" ").map(Number),
        offsets: parameters["offsets"] as (typeof signatureOffsets)[number],
      }),
  },
  {
    kind: "feature",
    id: "two_scale_variance",
    summary: "Variance of the price behind the noise from two sampling scales, and the variance of that noise.",
    defaults: { ...sampled, c: 1, adjusted: true },
    make: (parameters) =>
      twoScaleVariance({
        ...sampledFrom(parameters),
        c: parameters["c"] as number,
        adjusted: parameters["adjusted"] as boolean,
      }),
  },
  {
    kind: "feature",
    id: "realised_kernel",
    summary: "Variance of the price behind the noise from autocovariances under Parzen weights.",
    defaults: { ...sampled, sampling: "grid", step: seconds(1), bandwidth: 10 },
    make: (parameters) => realisedKernel({ ...sampledFrom(parameters), bandwidth: parameters["bandwidth"] as number }),
  },
  {
    kind: "feature",
    id: "range_variance",
    summary: "Variance from highs and lows of time bars, after Parkinson and after Garman and Klass.",
    defaults: { bar: minutes(1), count: 30, price: "trade", ...year },
    make: (parameters) =>
      rangeVariance({
        bar: parameters["bar"] as number,
        count: parameters["count"] as number,
        price: parameters["price"] as (typeof barPrices)[number],
        ...yearFrom(parameters),
      }),
  },
];
