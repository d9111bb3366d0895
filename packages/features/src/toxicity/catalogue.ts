/** Toxicity, price impact and illiquidity, for the catalogue: features and tables of this folder by their ids. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { minutes, ms, seconds } from "../graph/clock.ts";
import { FeatureRefusal } from "../refusal.ts";
import { signDefaults, signsOf } from "../trades/sign-parameters.ts";
import type { TradeSignSettings } from "../trades/trade-sign.ts";
import { amihud, hasbrouckLambda, kyleLambda, type ImpactSettings } from "./price-impact.ts";
import { resilience, spreadShockTable, type ShockSettings } from "./resilience.ts";
import { response } from "./response.ts";
import { corwinSchultz, roll, type CorwinSchultzSettings, type RollSettings } from "./spread-estimators.ts";
import { impactCurve, spreadParts, tradeCosts } from "./trade-costs.ts";
import { vpin, type VpinSettings } from "./vpin.ts";

const number = (parameters: Parameters, name: string): number => parameters[name] as number;
const text = <Choice extends string>(parameters: Parameters, name: string): Choice => parameters[name] as Choice;
const hiddenOf = (parameters: Parameters): { hidden: Required<TradeSignSettings>["hidden"] } => ({
  hidden: text(parameters, "hidden"),
});

/** `1,2,5` as numbers. */
function numbersOf(parameters: Parameters, argument: string, name: string): number[] {
  const list = String(parameters[name]);
  const numbers = list.split(",").map(Number);
  if (numbers.every((one) => one > 0)) return numbers;
  throw new FeatureRefusal({ argument: `${argument}.${name}`, value: list, wanted: "numbers above 0 with commas" });
}

const impactOf = (parameters: Parameters): ImpactSettings => ({
  step: number(parameters, "step"),
  count: number(parameters, "count"),
  ...signsOf(parameters),
});

const shockDefaults: Parameters = {
  shock: "cleared",
  deviations: 3,
  changes: 1000,
  step: ms(100),
  samples: 50,
  ...signDefaults,
};

const shockOf = (parameters: Parameters): ShockSettings => ({
  shock: text(parameters, "shock"),
  deviations: number(parameters, "deviations"),
  changes: number(parameters, "changes"),
  step: number(parameters, "step"),
  samples: number(parameters, "samples"),
  ...signsOf(parameters),
});

const toxicity: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "vpin",
    summary: "How one-sided equal volumes were: volume-synchronised probability of informed trading.",
    defaults: { buckets: 50, classification: "sign", bar: minutes(1), changes: 50, ...signDefaults },
    required: { bucket: 200 },
    needs: ["trades"],
    make: (parameters) =>
      vpin({
        bucket: number(parameters, "bucket"),
        buckets: number(parameters, "buckets"),
        classification: text<Required<VpinSettings>["classification"]>(parameters, "classification"),
        bar: number(parameters, "bar"),
        changes: number(parameters, "changes"),
        ...signsOf(parameters),
      }),
  },
];

const impact: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "kyle_lambda",
    summary: "What a lot bought or sold does to the price: slope of a rolling regression over intervals.",
    defaults: { step: seconds(10), count: 180, ...signDefaults },
    needs: ["trades"],
    make: (parameters) => kyleLambda(impactOf(parameters)),
  },
  {
    kind: "feature",
    id: "hasbrouck_lambda",
    summary:
      "What the root of the money bought or sold does to the price: slope of a rolling regression over intervals.",
    defaults: { step: seconds(10), count: 180, ...signDefaults },
    needs: ["trades"],
    make: (parameters) => hasbrouckLambda(impactOf(parameters)),
  },
  {
    kind: "feature",
    id: "amihud",
    summary: "Illiquidity: how far the price moves for a million traded.",
    defaults: { step: minutes(1), count: 60, hidden: "leave-out" },
    needs: ["trades"],
    make: (parameters) =>
      amihud({ step: number(parameters, "step"), count: number(parameters, "count"), ...hiddenOf(parameters) }),
  },
  {
    kind: "feature",
    id: "response",
    summary: "How far the price has gone with a trade so many trades later, and how alike the signs of trades are.",
    defaults: { lags: "1,2,5,10,20,50", trades: 2000, ...signDefaults },
    needs: ["trades"],
    make: (parameters) =>
      response({
        lags: numbersOf(parameters, "response", "lags"),
        trades: number(parameters, "trades"),
        ...signsOf(parameters),
      }),
  },
  {
    kind: "feature",
    id: "impact_curve",
    summary: "How far the price goes with a trade, by its size.",
    defaults: { horizon: seconds(1), window: minutes(10), sizes: "1,5,20,100", ...signDefaults },
    needs: ["trades"],
    make: (parameters) =>
      impactCurve({
        horizon: number(parameters, "horizon"),
        window: number(parameters, "window"),
        sizes: numbersOf(parameters, "impact_curve", "sizes"),
        ...signsOf(parameters),
      }),
  },
];

const spreads: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "roll",
    summary: "The spread guessed from how trade prices jump to and fro.",
    defaults: { pairs: 200, positive: "null", mean: "sample", hidden: "leave-out" },
    needs: ["trades"],
    make: (parameters) =>
      roll({
        pairs: number(parameters, "pairs"),
        positive: text<Required<RollSettings>["positive"]>(parameters, "positive"),
        mean: text<Required<RollSettings>["mean"]>(parameters, "mean"),
        ...hiddenOf(parameters),
      }),
  },
  {
    kind: "feature",
    id: "corwin_schultz",
    summary: "The spread guessed from high and low prices of successive intervals.",
    defaults: { step: minutes(1), count: 60, negative: "zero", jumps: "keep", hidden: "leave-out" },
    needs: ["trades"],
    make: (parameters) =>
      corwinSchultz({
        step: number(parameters, "step"),
        count: number(parameters, "count"),
        negative: text<Required<CorwinSchultzSettings>["negative"]>(parameters, "negative"),
        jumps: text<Required<CorwinSchultzSettings>["jumps"]>(parameters, "jumps"),
        ...hiddenOf(parameters),
      }),
  },
  {
    kind: "feature",
    id: "spread_parts",
    summary:
      "Mean effective spread, and its parts: what the maker kept (realised spread) and how the price went (impact).",
    defaults: { horizon: seconds(1), window: minutes(1), weight: "trades", ...signDefaults },
    needs: ["trades"],
    make: (parameters) =>
      spreadParts({
        horizon: number(parameters, "horizon"),
        window: number(parameters, "window"),
        weight: text<"trades" | "volume">(parameters, "weight"),
        ...signsOf(parameters),
      }),
  },
  {
    kind: "table",
    id: "trade_costs",
    summary: "Effective spread, realised spread and price impact of every trade, told when the horizon is over.",
    defaults: { horizon: seconds(1), ...signDefaults },
    needs: ["trades"],
    make: (parameters) => tradeCosts({ horizon: number(parameters, "horizon"), ...signsOf(parameters) }),
  },
  {
    kind: "feature",
    id: "resilience",
    summary: "How fast the spread comes back after shocks.",
    defaults: { shocks: 50, ...shockDefaults },
    needs: ["trades"],
    make: (parameters) => resilience({ shocks: number(parameters, "shocks"), ...shockOf(parameters) }),
  },
  {
    kind: "table",
    id: "spread_shocks",
    summary: "Every shock of the spread: how wide it was, when half of it was gone, and at which rate.",
    defaults: shockDefaults,
    needs: ["trades"],
    make: (parameters) => spreadShockTable(shockOf(parameters)),
  },
];

export const toxicityCatalogue: readonly CatalogueEntry[] = [...toxicity, ...impact, ...spreads];
