/** The feature sets of papers as the catalogue lists them, with time constants that the papers leave open. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { seconds } from "../graph/clock.ts";
import { fi2010, kz2015, type KerchevalZhangSettings, type MarketSide } from "./kercheval-zhang.ts";

/** The papers leave the time constants open: these are ours. */
const defaults: Parameters = {
  shortWindow: seconds(1),
  longWindow: seconds(60),
  step: seconds(1),
  marketSide: "taken",
};

const settingsOf = (parameters: Parameters): KerchevalZhangSettings => ({
  shortWindow: parameters["shortWindow"] as number,
  longWindow: parameters["longWindow"] as number,
  step: parameters["step"] as number,
  marketSide: parameters["marketSide"] as MarketSide,
});

export const presetsCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "kz2015",
    summary: "The 140 attributes of Kercheval and Zhang, over ten levels.",
    defaults,
    needs: ["orders", "trades"],
    make: (parameters) => kz2015(settingsOf(parameters)),
  },
  {
    kind: "feature",
    id: "fi2010",
    summary: "The 144 features of the FI-2010 data set, in the order of its files.",
    defaults,
    needs: ["orders", "trades"],
    make: (parameters) => fi2010(settingsOf(parameters)),
  },
];
