/**
 * Who began a trade: 1 the buyer, -1 the seller, 0 nobody knows. From the venue's flag, or by the rules of the literature from prices
 * and the quotes before the trade. Lee and Ready, Journal of Finance 46, 1991; Ellis, Michaely and O'Hara, Journal of Financial and
 * Quantitative Analysis 35, 2000 (EMO); Chakrabarty, Li, Nguyen and Van Ness, Journal of Banking and Finance 31, 2007 (CLNV).
 */
import { EventFlag, type MarketEvent } from "../event.ts";
import type { Feature, Operator } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf } from "../refusal.ts";
import { prevailingQuotes, type Quote, type QuoteSettings } from "./quotes.ts";

/**
 * - `aggressor`: the venue's flag, and 0 without one.
 * - `tick`: the sign of the last change of the trade price that was not zero.
 * - `quote`: above the middle of the quotes 1, below it -1, at it 0.
 * - `lee-ready`: `quote`, at the middle (or without quotes) `tick`.
 * - `emo`: at the ask 1, at the bid -1, elsewhere `tick`.
 * - `clnv`: within the 30 % of the spread next to the ask (up to the ask) 1, next to the bid -1, elsewhere `tick`.
 */
export const tradeSignRules = ["aggressor", "tick", "quote", "lee-ready", "emo", "clnv"] as const;
export type TradeSignRule = (typeof tradeSignRules)[number];

export interface TradeSignSettings {
  /** `aggressor` if absent. */
  readonly rule?: TradeSignRule;
  /** `prefer` (if absent): the rule is for trades without a flag. `ignore`: the rule is for all. */
  readonly flag?: "prefer" | "ignore";
  /** Age of the quotes in nanoseconds; 0 if absent. */
  readonly lag?: number;
  /** Which quotes are before the trade; by `time` if absent. */
  readonly earlier?: QuoteSettings["earlier"];
  /** Trades against hidden liquidity or reported from elsewhere: `leave-out` (if absent) or `count` them as others. */
  readonly hidden?: "leave-out" | "count";
}

/** The last trade, classified. Reused for the next. */
export interface ClassifiedTrade {
  /** Whether it counts at all: false for a hidden one that is left out. */
  readonly counts: boolean;
  readonly sign: number;
}

export type TradeSigns = Operator & { readonly trade: ClassifiedTrade };

/** What of the settings decides the sign, checked: parameters for the definition of whatever uses it. */
export function signParameters(argument: string, settings: TradeSignSettings): Record<string, string | number> {
  const { lag = 0 } = settings;
  const rule = oneOf(`${argument}.rule`, settings.rule ?? "aggressor", tradeSignRules);
  const flag = oneOf(`${argument}.flag`, settings.flag ?? "prefer", ["prefer", "ignore"]);
  const earlier = oneOf(`${argument}.earlier`, settings.earlier ?? "time", ["time", "event"]);
  const hidden = oneOf(`${argument}.hidden`, settings.hidden ?? "leave-out", ["leave-out", "count"]);
  if (!Number.isSafeInteger(lag) || lag < 0) {
    throw new FeatureRefusal({ argument: `${argument}.lag`, value: lag, wanted: "nanoseconds from 0 on" });
  }
  if (rule === "aggressor") return { rule, hidden };
  return rule === "tick" ? { rule, flag, hidden } : { rule, flag, lag, earlier, hidden };
}

/** The settings as they appear in names of columns: nothing for the venue's flag, `_lee_ready_lag5s` for that rule. */
export function nameOfSigns({ rule = "aggressor", flag, lag = 0, earlier, hidden }: TradeSignSettings): string {
  const quoted = rule !== "aggressor" && rule !== "tick";
  return [
    rule === "aggressor" ? "" : `_${rule.replace("-", "_")}`,
    rule !== "aggressor" && flag === "ignore" ? "_blind" : "",
    quoted && lag > 0 ? `_lag${nameOfWindow(lag)}` : "",
    quoted && earlier === "event" ? "_event" : "",
    hidden === "count" ? "_hidden" : "",
  ].join("");
}

/** The sign of every trade as it comes, shared by all who ask for the same rule. Not a column. After a gap the tick rule begins anew. */
export function tradeSigns(settings: TradeSignSettings = {}): Feature<TradeSigns> {
  const { rule = "aggressor", flag = "prefer", lag = 0, earlier = "time", hidden = "leave-out" } = settings;
  const quoted = rule !== "aggressor" && rule !== "tick";
  return {
    id: "trade_signs",
    version: 1,
    parameters: signParameters("trade_signs", settings),
    columns: [],
    levels: quoted ? 1 : 0,
    make(context) {
      const quotes = quoted ? context.use(prevailingQuotes({ lag, earlier })) : undefined;
      const state = context.keep({ counts: false as boolean, sign: 0, price: NaN, direction: 0 });
      return {
        trade: state,
        onTrade(event) {
          state.counts = hidden === "count" || (event.flags & EventFlag.hidden) === 0;
          if (!state.counts) return;
          if (event.price > state.price) state.direction = 1;
          else if (event.price < state.price) state.direction = -1;
          state.price = event.price;
          if (rule === "aggressor" || (flag === "prefer" && event.side !== 0)) state.sign = event.side;
          else if (quotes === undefined) state.sign = state.direction;
          else state.sign = signByQuote(rule, event, quotes.quoteBefore(event.timeNs), state.direction);
        },
        onGap() {
          state.price = NaN;
          state.direction = 0;
        },
      };
    },
  };
}

function signByQuote(rule: TradeSignRule, { price }: MarketEvent, { bid, ask }: Quote, direction: number): number {
  switch (rule) {
    case "quote":
      return sideOfMiddle(price, bid, ask);
    case "lee-ready": {
      const side = sideOfMiddle(price, bid, ask);
      return side === 0 ? direction : side;
    }
    case "emo":
      return price === ask ? 1 : price === bid ? -1 : direction;
    case "clnv":
      if (price <= ask && 10 * (ask - price) <= 3 * (ask - bid)) return 1;
      return price >= bid && 10 * (price - bid) <= 3 * (ask - bid) ? -1 : direction;
    default:
      return direction;
  }
}

/** 0 also where there is no quote. */
function sideOfMiddle(price: number, bid: number, ask: number): number {
  const twice = 2 * price;
  return twice > bid + ask ? 1 : twice < bid + ask ? -1 : 0;
}
