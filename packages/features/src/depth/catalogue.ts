/** The depth of a book as the catalogue lists it: levels, imbalances, bands, costs, slopes, shapes, and what books by order add. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import type { PriceUnit } from "../quotes/price-unit.ts";
import { depthWithin, type BandReference, type DepthUnit } from "./band-depth.ts";
import { cost } from "./cost.ts";
import { bandImbalance, depthImbalance, weightedImbalance, type ImbalanceWeight } from "./depth-imbalance.ts";
import { levels, type LevelUnit } from "./levels.ts";
import { bestAge, levelOrders, orderSizes, queuePosition } from "./orders.ts";
import { centreOfMass, entropy, gaps } from "./shape.ts";
import { linearSlope, slope, type CurveOrigin } from "./slope.ts";
import { weightedPrice } from "./weighted-price.ts";

const levelsOf = (parameters: Parameters): { levels: number } => ({ levels: parameters["levels"] as number });

export const depthCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "levels",
    summary: "Price and size of the first levels of each side.",
    defaults: { count: 10, unit: "steps" },
    make: (parameters) => levels({ count: parameters["count"] as number, unit: parameters["unit"] as LevelUnit }),
  },
  {
    kind: "feature",
    id: "imb_k",
    summary: "Imbalance of the lots of the first levels.",
    defaults: { levels: 10 },
    make: (parameters) => depthImbalance(levelsOf(parameters)),
  },
  {
    kind: "feature",
    id: "imb_w",
    summary:
      "Imbalance of the first levels with weights that fall with the count of the level or its distance from the mid.",
    defaults: { levels: 10, decay: 0.5, weight: "level" },
    make: (parameters) =>
      weightedImbalance({
        ...levelsOf(parameters),
        decay: parameters["decay"] as number,
        weight: parameters["weight"] as ImbalanceWeight,
      }),
  },
  {
    kind: "feature",
    id: "imb_bps",
    summary: "Imbalance of the lots within a distance from the mid in basis points.",
    defaults: { bps: 10 },
    make: (parameters) => bandImbalance({ bps: parameters["bps"] as number }),
  },
  {
    kind: "feature",
    id: "depth_bps",
    summary: "What rests on each side within a distance in basis points from the mid or the own best.",
    defaults: { bps: 10, reference: "mid", unit: "lots" },
    make: (parameters) =>
      depthWithin({
        bps: parameters["bps"] as number,
        reference: parameters["reference"] as BandReference,
        unit: parameters["unit"] as DepthUnit,
      }),
  },
  {
    kind: "feature",
    id: "wprice",
    summary: "Mean price of the lots of both sides at some levels.",
    defaults: { from: 1, to: 10, unit: "price" },
    make: (parameters) =>
      weightedPrice({
        from: parameters["from"] as number,
        to: parameters["to"] as number,
        unit: parameters["unit"] as PriceUnit,
      }),
  },
  {
    kind: "feature",
    id: "cost",
    summary: "What buying, selling and a round trip of some lots would cost beyond the mid.",
    defaults: { size: 100 },
    make: (parameters) => cost({ size: parameters["size"] as number }),
  },
  {
    kind: "feature",
    id: "slope",
    summary: "How fast depth grows with price, by Naes and Skjeltorp.",
    defaults: { levels: 5 },
    make: (parameters) => slope(levelsOf(parameters)),
  },
  {
    kind: "feature",
    id: "lin_slope",
    summary: "Slope and convexity of a curve through the cumulative depth of each side.",
    defaults: { levels: 10, origin: "best" },
    make: (parameters) => linearSlope({ ...levelsOf(parameters), origin: parameters["origin"] as CurveOrigin }),
  },
  {
    kind: "feature",
    id: "gaps",
    summary: "Gaps between the prices of the first levels, and how many prices between them are empty.",
    defaults: { levels: 10 },
    make: (parameters) => gaps(levelsOf(parameters)),
  },
  {
    kind: "feature",
    id: "com",
    summary: "Mean distance of the lots of the first levels from the mid.",
    defaults: { levels: 10 },
    make: (parameters) => centreOfMass(levelsOf(parameters)),
  },
  {
    kind: "feature",
    id: "entropy",
    summary: "How evenly the lots are spread over the first levels.",
    defaults: { levels: 10 },
    make: (parameters) => entropy(levelsOf(parameters)),
  },
  {
    kind: "feature",
    id: "level_orders",
    summary: "Orders at each of the first levels.",
    defaults: { levels: 5 },
    needs: ["orders"],
    make: (parameters) => levelOrders(levelsOf(parameters)),
  },
  {
    kind: "feature",
    id: "order_sizes",
    summary: "Mean, greatest and concentration of the sizes of the orders at the first levels.",
    defaults: { levels: 5 },
    needs: ["orders"],
    make: (parameters) => orderSizes(levelsOf(parameters)),
  },
  {
    kind: "feature",
    id: "queue_position",
    summary: "What stands before an order in its queue.",
    defaults: {},
    required: { order: 1 },
    needs: ["orders"],
    make: (parameters) => queuePosition({ order: parameters["order"] as number }),
  },
  {
    kind: "feature",
    id: "best_age",
    summary: "How long the first order at each best has stood there.",
    defaults: {},
    needs: ["orders"],
    make: () => bestAge(),
  },
];
