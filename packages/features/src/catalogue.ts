/**
 * Every feature and table of the library by its id, with parameters as plain values: what the command line and the reference are made
 * from, and what the properties are tested over. Each family lists its own in `<family>/catalogue.ts`.
 */
import { barsCatalogue } from "./bars/catalogue.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import { depthCatalogue } from "./depth/catalogue.ts";
import { flowCatalogue } from "./flow/catalogue.ts";
import { intensityCatalogue } from "./intensity/catalogue.ts";
import { labelsCatalogue } from "./labels/catalogue.ts";
import { optionsCatalogue } from "./options/catalogue.ts";
import { orderLifeCatalogue } from "./order-life/catalogue.ts";
import { toxicityCatalogue } from "./toxicity/catalogue.ts";
import { tradesCatalogue } from "./trades/catalogue.ts";
import { volatilityCatalogue } from "./volatility/catalogue.ts";
import { microPriceCatalogue } from "./micro-price/catalogue.ts";
import { normaliseCatalogue } from "./normalise/catalogue.ts";
import { presetsCatalogue } from "./presets/catalogue.ts";
import { quotesCatalogue } from "./quotes/catalogue.ts";

export const catalogue: readonly CatalogueEntry[] = [
  ...quotesCatalogue,
  ...microPriceCatalogue,
  ...depthCatalogue,
  ...flowCatalogue,
  ...tradesCatalogue,
  ...toxicityCatalogue,
  ...intensityCatalogue,
  ...volatilityCatalogue,
  ...orderLifeCatalogue,
  ...barsCatalogue,
  ...labelsCatalogue,
  ...optionsCatalogue,
  ...presetsCatalogue,
  ...normaliseCatalogue,
];
