/** The tables of labels that belong to rows, for the catalogue of the library. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { seconds } from "../graph/clock.ts";
import { executableLabel, fixedHorizonLabel } from "./fixed-horizon.ts";
import type { ClassCodes, ClassSettings, HorizonSettings, HorizonUnit, thresholds } from "./label.ts";
import { smoothedLabel, type smoothings } from "./smoothed.ts";
import {
  tripleBarrierLabel,
  type barrierPrices,
  type barrierWidths,
  type tieRules,
  type verticalRules,
} from "./triple-barrier.ts";

const horizon = { unit: "time", horizon: seconds(10) };
const classes = { threshold: "fixed", alpha: 0.0001, memory: 1000, codes: "sign" };

const horizonFrom = (parameters: Parameters): HorizonSettings => ({
  unit: parameters["unit"] as HorizonUnit,
  horizon: parameters["horizon"] as number,
});
const classesFrom = (parameters: Parameters): ClassSettings => ({
  threshold: parameters["threshold"] as (typeof thresholds)[number],
  alpha: parameters["alpha"] as number,
  memory: parameters["memory"] as number,
  codes: parameters["codes"] as ClassCodes,
});

export const labelsCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "table",
    id: "fixed_horizon_label",
    summary: "Return of the mid until a horizon of rows, changes, time or volume, and its class.",
    defaults: { ...horizon, ...classes },
    make: (parameters) => fixedHorizonLabel({ ...horizonFrom(parameters), ...classesFrom(parameters) }),
  },
  {
    kind: "table",
    id: "executable_label",
    summary: "What buying or selling at the market and leaving at a horizon would have made.",
    defaults: { ...horizon, codes: "sign" },
    make: (parameters) => executableLabel({ ...horizonFrom(parameters), codes: parameters["codes"] as ClassCodes }),
  },
  {
    kind: "table",
    id: "smoothed_label",
    summary: "Change of the mean mid of the next k rows, in the form of FI-2010 or of DeepLOB.",
    defaults: { k: 10, form: "fi2010", ...classes },
    make: (parameters) =>
      smoothedLabel({
        k: parameters["k"] as number,
        form: parameters["form"] as (typeof smoothings)[number],
        ...classesFrom(parameters),
      }),
  },
  {
    kind: "table",
    id: "triple_barrier_label",
    summary: "Which of an upper barrier, a lower barrier and the end of a horizon comes first.",
    defaults: {
      up: 2,
      down: 2,
      horizon: seconds(60),
      width: "volatility",
      span: 100,
      price: "mid",
      tie: "lower",
      vertical: "zero",
    },
    make: (parameters) =>
      tripleBarrierLabel({
        up: parameters["up"] as number,
        down: parameters["down"] as number,
        horizon: parameters["horizon"] as number,
        width: parameters["width"] as (typeof barrierWidths)[number],
        span: parameters["span"] as number,
        price: parameters["price"] as (typeof barrierPrices)[number],
        tie: parameters["tie"] as (typeof tieRules)[number],
        vertical: parameters["vertical"] as (typeof verticalRules)[number],
      }),
  },
];
