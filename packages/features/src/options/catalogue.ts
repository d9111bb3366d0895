/** Options and perpetuals as the catalogue lists them: smiles, term structure, variance, flows, open interest, basis. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { minutes } from "../graph/clock.ts";
import type { VolatilityChoice } from "./chain.ts";
import { optionParity, optionVolatilitySpread } from "./parity.ts";
import { deltaDepth } from "./delta-depth.ts";
import { gammaExposure, maxPain, putCallInterest, type DealerChoice } from "./exposure.ts";
import { optionFlow, optionOrderFlow, putCallVolume, type FlowWeight } from "./flow.ts";
import { basis, funding, liquidationFlow, type BasisPrice } from "./perpetual.ts";
import { optionAtTheMoney, optionSkew, type MoneyChoice } from "./smile.ts";
import { constantMaturity, optionTerm, varianceIndex } from "./term-structure.ts";

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
  {
    kind: "feature",
    id: "option_constant_maturity",
    summary: "Volatility at the money at a constant time to expiry.",
    defaults: { days: 30, money: "delta-neutral", ...chainDefaults },
    needs: ["options", "values"],
    make: (parameters) =>
      constantMaturity({
        ...chainOf(parameters),
        days: parameters["days"] as number,
        money: parameters["money"] as MoneyChoice,
      }),
  },
  {
    kind: "feature",
    id: "option_term",
    summary:
      "Slope of the volatility at the money between two times to expiry, the forward variance, and whether it is negative.",
    defaults: { near: 7, far: 30, money: "delta-neutral", ...chainDefaults },
    needs: ["options", "values"],
    make: (parameters) =>
      optionTerm({
        ...chainOf(parameters),
        near: parameters["near"] as number,
        far: parameters["far"] as number,
        money: parameters["money"] as MoneyChoice,
      }),
  },
  {
    kind: "feature",
    id: "option_variance_index",
    summary: "Model-free volatility of the next days from the quotes of all strikes, in the way of Cboe.",
    defaults: { days: 30, prefix: "" },
    needs: ["options", "values"],
    make: (parameters) => varianceIndex({ ...prefixOf(parameters), days: parameters["days"] as number }),
  },
  {
    kind: "feature",
    id: "option_flow",
    summary: "Signed flow of trades in options, weighted by vega or delta, that forgets by halves.",
    defaults: { halfLife: minutes(5), weight: "vega", ...chainDefaults },
    needs: ["options", "values", "trades"],
    make: (parameters) =>
      optionFlow({
        ...chainOf(parameters),
        halfLife: parameters["halfLife"] as number,
        weight: parameters["weight"] as FlowWeight,
      }),
  },
  {
    kind: "feature",
    id: "option_put_call",
    summary: "Puts traded over calls traded in a window.",
    defaults: { window: minutes(60), prefix: "" },
    needs: ["options", "trades"],
    make: (parameters) => putCallVolume({ ...prefixOf(parameters), window: parameters["window"] as number }),
  },
  {
    kind: "feature",
    id: "option_ofi",
    summary: "Order flow of the best quotes of all options, weighted by vega, that forgets by halves.",
    defaults: { halfLife: minutes(1), ...chainDefaults },
    needs: ["options", "values"],
    make: (parameters) => optionOrderFlow({ ...chainOf(parameters), halfLife: parameters["halfLife"] as number }),
  },
  {
    kind: "feature",
    id: "option_delta_depth",
    summary: "Size and vega at the best quotes of one expiry, by bucket of absolute delta and side.",
    defaults: { tenor: 1, ...chainDefaults },
    needs: ["options", "values"],
    make: (parameters) => deltaDepth({ ...tenorOf(parameters), ...chainOf(parameters) }),
  },
  {
    kind: "feature",
    id: "option_oi_put_call",
    summary: "Open interest of puts over that of calls.",
    defaults: { prefix: "" },
    needs: ["options", "values"],
    make: (parameters) => putCallInterest(prefixOf(parameters)),
  },
  {
    kind: "feature",
    id: "option_max_pain",
    summary: "The strike of one expiry at which the holders of its options are paid least.",
    defaults: { tenor: 1, prefix: "" },
    needs: ["options", "values"],
    make: (parameters) => maxPain({ ...tenorOf(parameters), ...prefixOf(parameters) }),
  },
  {
    kind: "feature",
    id: "option_gamma_exposure",
    summary:
      "Gamma that a dealer is assumed to hold against the open interest, and the move at which it changes its sign.",
    defaults: { range: 20, step: 1, ...chainDefaults },
    required: { dealer: "calls-long-puts-short" },
    needs: ["options", "values"],
    make: (parameters) =>
      gammaExposure({
        ...chainOf(parameters),
        dealer: parameters["dealer"] as DealerChoice,
        range: parameters["range"] as number,
        step: parameters["step"] as number,
      }),
  },
  {
    kind: "feature",
    id: "basis",
    summary: "Mark price or mid against the index price, and per year for a future that expires.",
    defaults: { price: "mark", expiry: 0 },
    needs: ["values"],
    make: (parameters) => basis({ price: parameters["price"] as BasisPrice, expiry: parameters["expiry"] as number }),
  },
  {
    kind: "feature",
    id: "funding",
    summary: "Funding of a perpetual over eight hours and per year, as the venue told it last.",
    defaults: {},
    needs: ["values"],
    make: () => funding(),
  },
  {
    kind: "feature",
    id: "liquidation_flow",
    summary: "What forced liquidations bought less sold in a window, and what they traded in all.",
    defaults: { window: minutes(1) },
    needs: ["trades"],
    make: (parameters) => liquidationFlow({ window: parameters["window"] as number }),
  },
];
