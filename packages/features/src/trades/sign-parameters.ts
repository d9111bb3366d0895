/** The settings of a trade's sign as plain values, for the catalogues of the families that ask for it. */
import type { Parameters } from "../catalogue-entry.ts";
import type { TradeSignSettings } from "./trade-sign.ts";

/** Whose trades are whose, in every feature that asks: the venue's flag, or a rule. */
export const signDefaults: Parameters = {
  rule: "aggressor",
  flag: "prefer",
  lag: 0,
  earlier: "time",
  hidden: "leave-out",
};

export const signsOf = (parameters: Parameters): Required<TradeSignSettings> => ({
  rule: parameters["rule"] as Required<TradeSignSettings>["rule"],
  flag: parameters["flag"] as Required<TradeSignSettings>["flag"],
  ...timingOf(parameters),
});

/** The part of it that is about quotes and hidden trades. */
export const timingOf = (parameters: Parameters): Required<Pick<TradeSignSettings, "lag" | "earlier" | "hidden">> => ({
  lag: parameters["lag"] as number,
  earlier: parameters["earlier"] as Required<TradeSignSettings>["earlier"],
  hidden: parameters["hidden"] as Required<TradeSignSettings>["hidden"],
});
