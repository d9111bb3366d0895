/** The order-flow family, for the catalogue: every feature of this folder by its id. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { ms, seconds } from "../graph/clock.ts";
import { signDefaults, signsOf } from "../trades/sign-parameters.ts";
import { integratedOrderFlow } from "./integrated.ts";
import { multiLevelOrderFlow } from "./multi-level.ts";
import { orderEvents } from "./order-events.ts";
import { orderFlowImbalance } from "./order-flow-imbalance.ts";
import { replenishment } from "./replenishment.ts";
import { sourceClock } from "./source-clock.ts";
import { signedFlow, tradeFlowImbalance, tradeVolume, type TradeMeasure } from "./trade-flow.ts";

const number = (parameters: Parameters, name: string): number => parameters[name] as number;
const windowedFlow = (parameters: Parameters): { window: number; levels: number; sourceClock: number } => ({
  window: number(parameters, "window"),
  levels: number(parameters, "levels"),
  sourceClock: number(parameters, "sourceClock"),
});

export const flowCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "ofi",
    summary: "Order-flow imbalance of the best quotes over a window of time.",
    defaults: { window: seconds(10), sourceClock: 0 },
    make: (parameters) =>
      orderFlowImbalance({
        window: number(parameters, "window"),
        sourceClock: number(parameters, "sourceClock"),
      }),
  },
  {
    kind: "feature",
    id: "mlofi",
    summary: "Order-flow imbalance of each of the first levels over a window of time.",
    defaults: { window: seconds(10), levels: 10, sourceClock: 0, scale: "lots" },
    make: (parameters) =>
      multiLevelOrderFlow({ ...windowedFlow(parameters), scale: parameters["scale"] as "lots" | "depth" }),
  },
  {
    kind: "feature",
    id: "ofi_integrated",
    summary: "The flows of all levels as one number: along the first principal component of past flows.",
    defaults: { window: seconds(10), levels: 10, sourceClock: 0, step: seconds(1), samples: 600, refit: 600 },
    make: (parameters) =>
      integratedOrderFlow({
        ...windowedFlow(parameters),
        step: number(parameters, "step"),
        samples: number(parameters, "samples"),
        refit: number(parameters, "refit"),
      }),
  },
  {
    kind: "feature",
    id: "source_clock",
    summary: "The least time between two changes of the book so far: tells a throttled feed from one of every event.",
    defaults: {},
    make: () => sourceClock(),
  },
  {
    kind: "feature",
    id: "tfi",
    summary: "Trade-flow imbalance over a window of time: in lots, trades or money, as a sum or as a share.",
    defaults: { window: seconds(10), measure: "volume", scale: "sum", ...signDefaults },
    needs: ["trades"],
    make: (parameters) =>
      tradeFlowImbalance({
        window: number(parameters, "window"),
        measure: parameters["measure"] as TradeMeasure,
        scale: parameters["scale"] as "sum" | "share",
        ...signsOf(parameters),
      }),
  },
  {
    kind: "feature",
    id: "trade_volume",
    summary: "What buyers took, what sellers took, and what nobody knows, over a window of time.",
    defaults: { window: seconds(10), measure: "volume", ...signDefaults },
    needs: ["trades"],
    make: (parameters) =>
      tradeVolume({
        window: number(parameters, "window"),
        measure: parameters["measure"] as TradeMeasure,
        ...signsOf(parameters),
      }),
  },
  {
    kind: "feature",
    id: "signed_flow",
    summary: "Signed trades that are forgotten by halves.",
    defaults: { halfLife: seconds(10), measure: "volume", ...signDefaults },
    needs: ["trades"],
    make: (parameters) =>
      signedFlow({
        halfLife: number(parameters, "halfLife"),
        measure: parameters["measure"] as TradeMeasure,
        ...signsOf(parameters),
      }),
  },
  {
    kind: "feature",
    id: "order_events",
    summary: "Orders added, cancelled in whole or in part and executed, by side and distance from the best.",
    defaults: { window: seconds(10), measure: "volume", unit: "levels", from: 1, to: 1 },
    needs: ["orders"],
    make: (parameters) =>
      orderEvents({
        window: number(parameters, "window"),
        measure: parameters["measure"] as "count" | "volume",
        unit: parameters["unit"] as "levels" | "ticks",
        from: number(parameters, "from"),
        to: number(parameters, "to"),
      }),
  },
  {
    kind: "feature",
    id: "replenishment",
    summary: "How much of what trades took from the best queue was there again a while later.",
    defaults: { horizon: ms(500), window: seconds(60), levels: 5, ...signDefaults },
    needs: ["trades"],
    make: (parameters) =>
      replenishment({
        horizon: number(parameters, "horizon"),
        window: number(parameters, "window"),
        levels: number(parameters, "levels"),
        ...signsOf(parameters),
      }),
  },
];
