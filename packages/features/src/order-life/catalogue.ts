/** The lives of orders, from feeds by order, for the catalogue of the library. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { minutes, seconds } from "../graph/clock.ts";
import type { LifeSettings } from "./lives.ts";
import { orderAggressiveness, orderLifetime, orderLifeTable, orderOutcomes, type fleetingBases } from "./order-life.ts";

const lives = { reference: "own-best", repriced: "continues" };
const livesFrom = (parameters: Parameters): Required<LifeSettings> => ({
  reference: parameters["reference"] as Required<LifeSettings>["reference"],
  repriced: parameters["repriced"] as Required<LifeSettings>["repriced"],
});

export const orderLifeCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "table",
    id: "order_lives",
    summary: "One row per order that has left: how long it lived, what became of it, how close it came to the touch.",
    defaults: lives,
    needs: ["orders"],
    make: (parameters) => orderLifeTable(livesFrom(parameters)),
  },
  {
    kind: "feature",
    id: "order_lifetime",
    summary: "Mean lifetime of orders that were cancelled and of orders that were filled.",
    defaults: { window: minutes(1), ...lives },
    needs: ["orders"],
    make: (parameters) => orderLifetime({ window: parameters["window"] as number, ...livesFrom(parameters) }),
  },
  {
    kind: "feature",
    id: "order_outcomes",
    summary: "Cancel, fill and order-to-trade ratios, and the share of orders that are shown for a moment only.",
    defaults: { window: minutes(1), fleeting: seconds(2), of: "added" },
    needs: ["orders"],
    make: (parameters) =>
      orderOutcomes({
        window: parameters["window"] as number,
        fleeting: parameters["fleeting"] as number,
        of: parameters["of"] as (typeof fleetingBases)[number],
      }),
  },
  {
    kind: "feature",
    id: "order_aggressiveness",
    summary: "Mean distance of new orders from the touch.",
    defaults: { window: minutes(1), ...lives },
    needs: ["orders"],
    make: (parameters) => orderAggressiveness({ window: parameters["window"] as number, ...livesFrom(parameters) }),
  },
];
