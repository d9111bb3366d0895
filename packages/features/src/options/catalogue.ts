/** Options and perpetuals as the catalogue lists them: smiles, term structure, variance, flows, open interest, basis. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import type { VolatilityChoice } from "./chain.ts";
import { optionParity, optionVolatilitySpread } from "./parity.ts";
import { optionAtTheMoney, optionSkew, type MoneyChoice } from "./smile.ts";

const prefixOf = (parameters: Parameters): { prefix: string } => ({ prefix: parameters["prefix"] as string });
const chainOf = (parameters: Parameters): { volatility: VolatilityChoice; prefix: string } => ({
  volatility: parameters["volatility"] as VolatilityChoice,
  ...prefixOf(parameters),
});
const tenorOf = (parameters: Parameters): { tenor: number } => ({ tenor: parameters["tenor"] as number });

const chainDefaults = { volatility: "mark", prefix: "" };

export const optionsCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "feature",
    id: "option_atm",
    summary: "Volatility at the money of one expiry of the chain.",
    defaults: { tenor: 1, money: "delta-neutral", ...chainDefaults },
    needs: ["options", "values"],
    make: (parameters) =>
      optionAtTheMoney({
        ...tenorOf(parameters),
        ...chainOf(parameters),
        money: parameters["money"] as MoneyChoice,
      }),
  },
  {
    kind: "feature",
    id: "option_skew",
    summary: "Risk reversal and butterfly of one expiry at a delta.",
    defaults: { tenor: 1, delta: 25, ...chainDefaults },
    needs: ["options", "values"],
    make: (parameters) =>
      optionSkew({ ...tenorOf(parameters), ...chainOf(parameters), delta: parameters["delta"] as number }),
  },
  {
    kind: "feature",
    id: "option_iv_spread",
    summary: "Mean of ask less bid volatility over the options of one expiry.",
    defaults: { tenor: 1, prefix: "" },
    needs: ["options", "values"],
    make: (parameters) => optionVolatilitySpread({ ...tenorOf(parameters), ...prefixOf(parameters) }),
  },
  {
    kind: "feature",
    id: "option_parity",
    summary:
      "How far call and put are from parity at the strike nearest to the forward, and the forward that they imply.",
    defaults: { tenor: 1, prefix: "" },
    needs: ["options", "values"],
    make: (parameters) => optionParity({ ...tenorOf(parameters), ...prefixOf(parameters) }),
  },
];
