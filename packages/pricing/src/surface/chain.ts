/**
 * The quotes of an option chain as a fit takes them, and which of them it may use. Bids and asks are in the currency of the
 * strike or in coins of the underlying; a missing bid or ask is normal, a crossed or an old quote is left out and counted.
 */
import type { OptionType } from "../black76.ts";
import { finite, notNegative, oneOf, positive, PricingRefusal } from "../refusal.ts";

export type OptionQuote = {
  readonly type: OptionType;
  readonly strike: number;
  /** Absent or 0 when nobody bids. */
  readonly bid?: number | undefined;
  /** Absent when nobody offers. */
  readonly ask?: number | undefined;
  /** How long ago the quote was true; 0 when absent. */
  readonly ageSeconds?: number | undefined;
};

/** All quotes of one expiry, in any order. */
export type ExpiryQuotes = {
  /** Time to expiry, positive and above that of the expiry before. */
  readonly years: number;
  /** For delivery at expiry, from futures. Absent: from put-call parity of the quotes. */
  readonly forward?: number | undefined;
  /** Absent: 1 when the forward is given, else from put-call parity where that identifies it. */
  readonly discount?: number | undefined;
  readonly quotes: readonly OptionQuote[];
};

/** "coin": prices are in units of the underlying, the value in the currency over the forward; "currency": that of the strike. */
export type QuoteUnit = "coin" | "currency";

export type QuoteSettings = {
  readonly unit: QuoteUnit;
  /** What is done with a quote whose bid is above its ask: left out and counted, or refused by name. */
  readonly crossed: "exclude" | "refuse";
  /** Quotes older than this are left out and counted. */
  readonly staleAfterSeconds: number;
};

export const quoteSettings: QuoteSettings = { unit: "currency", crossed: "exclude", staleAfterSeconds: Infinity };

/** What can be said of a quote by itself. */
export const quoteStates = ["two-sided", "bid-only", "ask-only", "empty", "crossed", "stale"] as const;
export type QuoteState = (typeof quoteStates)[number];

/** The state of a quote that has passed `checkChain`. A locked quote, bid equal to ask, has two sides. */
export function quoteState(quote: OptionQuote, { staleAfterSeconds }: QuoteSettings): QuoteState {
  const hasBid = 0 < (quote.bid ?? 0);
  const hasAsk = 0 < (quote.ask ?? 0);
  if (!hasBid && !hasAsk) return "empty";
  if (staleAfterSeconds < (quote.ageSeconds ?? 0)) return "stale";
  if (hasBid && hasAsk) return (quote.ask as number) < (quote.bid as number) ? "crossed" : "two-sided";
  return hasBid ? "bid-only" : "ask-only";
}

/** Throws a `PricingRefusal` that names the first argument outside its domain: `chain[2].quotes[14].bid`. */
export function checkChain(chain: readonly ExpiryQuotes[], settings: QuoteSettings): void {
  oneOf("settings.unit", settings.unit, ["coin", "currency"]);
  oneOf("settings.crossed", settings.crossed, ["exclude", "refuse"]);
  const { staleAfterSeconds } = settings;
  if (!(0 <= staleAfterSeconds)) notNegative("settings.staleAfterSeconds", staleAfterSeconds);
  if (chain.length === 0) throw new PricingRefusal("chain", "empty", chain);
  let before = 0;
  for (const [index, expiry] of chain.entries()) {
    const place = `chain[${index}]`;
    positive(`${place}.years`, expiry.years);
    if (expiry.years <= before) throw new PricingRefusal(`${place}.years`, "not-ascending", expiry.years);
    before = expiry.years;
    if (expiry.forward !== undefined) positive(`${place}.forward`, expiry.forward);
    if (expiry.discount !== undefined) positive(`${place}.discount`, expiry.discount);
    checkQuotes(`${place}.quotes`, expiry.quotes, settings);
  }
}

/** The same for the quotes of one expiry, which the caller writes as `argument`. */
export function checkQuotes(argument: string, quotes: readonly OptionQuote[], settings: QuoteSettings): void {
  for (let index = 0; index < quotes.length; index++) {
    const quote = quotes[index] as OptionQuote;
    const { type, strike, bid = 0, ask = 0, ageSeconds = 0 } = quote;
    const sound =
      (type === "call" || type === "put") &&
      0 < strike &&
      strike < Infinity &&
      0 <= bid &&
      bid < Infinity &&
      0 <= ask &&
      ask < Infinity &&
      ageSeconds - ageSeconds === 0;
    if (!sound) refuseQuote(`${argument}[${index}]`, quote);
    if (settings.crossed === "refuse" && quoteState(quote, settings) === "crossed") {
      throw new PricingRefusal(`${argument}[${index}]`, "crossed", `${bid} over ${ask}`);
    }
  }
}

function refuseQuote(place: string, { type, strike, bid = 0, ask = 0, ageSeconds = 0 }: OptionQuote): void {
  oneOf(`${place}.type`, type, ["call", "put"]);
  positive(`${place}.strike`, strike);
  notNegative(`${place}.bid`, bid);
  notNegative(`${place}.ask`, ask);
  finite(`${place}.ageSeconds`, ageSeconds);
}
