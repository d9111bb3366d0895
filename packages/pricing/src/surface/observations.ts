/**
 * What the quotes of one expiry say of its total variance, each with its error: the implied volatility of the mid price, and
 * of the half-spread over the vega. So a wide quote and one far from the money, where a small price error is a large one in
 * volatility, weigh little. A quote with one side is a bound: the curve should not be below a lone bid nor above a lone ask.
 */
import { log, normalDensity } from "@stoa/base/exact";
import { impliedVolatility } from "../implied-volatility.ts";
import { quoteState, type OptionQuote, type QuoteSettings } from "./chain.ts";

/** Columns of equal length, in order of k. */
export type Observations = {
  readonly count: number;
  /** ln(strike / forward). */
  readonly k: Float64Array;
  /** Total variance: volatility squared times years. */
  readonly variance: Float64Array;
  /** Its standard error. */
  readonly error: Float64Array;
  /** 0: a value; -1: the curve should not lie below it; 1: not above it. */
  readonly side: Int8Array;
  readonly tally: QuoteTally;
};

/** How many quotes of an expiry were what. The sum is the count of quotes. */
export type QuoteTally = {
  twoSided: number;
  bidOnly: number;
  askOnly: number;
  empty: number;
  crossed: number;
  stale: number;
  /** Outside the bounds within which a volatility explains a price, or so deep in the money that the spread hides it. */
  withoutVolatility: number;
};

export type ObservationSettings = QuoteSettings & {
  /** No quote is trusted to better than this in volatility. */
  readonly volatilityErrorMin: number;
};

export type ExpiryTerms = { readonly years: number; readonly forward: number; readonly discount: number };

export function observe(
  quotes: readonly OptionQuote[],
  terms: ExpiryTerms,
  settings: ObservationSettings,
): Observations {
  const tally: QuoteTally = {
    twoSided: 0,
    bidOnly: 0,
    askOnly: 0,
    empty: 0,
    crossed: 0,
    stale: 0,
    withoutVolatility: 0,
  };
  const rows: Row[] = [];
  for (const quote of quotes) {
    const row = rowOf(quote, terms, settings, tally);
    if (row !== undefined) rows.push(row);
  }
  rows.sort((one, other) => one.k - other.k || one.side - other.side || one.variance - other.variance);
  return {
    count: rows.length,
    k: Float64Array.from(rows, (row) => row.k),
    variance: Float64Array.from(rows, (row) => row.variance),
    error: Float64Array.from(rows, (row) => row.error),
    side: Int8Array.from(rows, (row) => row.side),
    tally,
  };
}

type Row = { readonly k: number; readonly variance: number; readonly error: number; readonly side: number };

const tallyOf = {
  "bid-only": "bidOnly",
  "ask-only": "askOnly",
  empty: "empty",
  crossed: "crossed",
  stale: "stale",
} as const;

function rowOf(
  quote: OptionQuote,
  terms: ExpiryTerms,
  settings: ObservationSettings,
  tally: QuoteTally,
): Row | undefined {
  const state = quoteState(quote, settings);
  if (state === "empty" || state === "crossed" || state === "stale") {
    tally[tallyOf[state]]++;
    return undefined;
  }
  const { type, strike } = quote;
  const { forward, discount, years } = terms;
  // Prices as undiscounted multiples of the forward, whichever unit they come in.
  const scale = settings.unit === "coin" ? 1 / discount : 1 / (discount * forward);
  const bid = (quote.bid ?? 0) * scale;
  const ask = (quote.ask ?? 0) * scale;
  const moneyness = strike / forward;
  const exercise = Math.max(0, type === "call" ? 1 - moneyness : moneyness - 1);
  // In the money only quotes whose whole interval has a volatility: to keep those whose mid has one would bias it upwards.
  const lowest = state === "ask-only" ? ask : bid;
  const price = state === "two-sided" ? 0.5 * (bid + ask) : bid + ask;
  const volatility =
    lowest <= exercise ? undefined : impliedVolatility({ type, forward: 1, strike: moneyness, years, price });
  if (typeof volatility !== "number" || !(0 < volatility)) {
    tally.withoutVolatility++;
    return undefined;
  }
  const k = log(moneyness);
  const half = state === "two-sided" ? 0.5 * (ask - bid) : 0.5 * (price - exercise);
  const root = Math.sqrt(years);
  const vega = root * normalDensity(-k / (volatility * root) + 0.5 * volatility * root);
  const error = Math.max(half / vega, settings.volatilityErrorMin);
  // Where the vega is nothing next to the spread the quote says nothing.
  if (!(error < 100 * volatility)) {
    tally.withoutVolatility++;
    return undefined;
  }
  tally[state === "two-sided" ? "twoSided" : tallyOf[state]]++;
  const side = state === "two-sided" ? 0 : state === "bid-only" ? -1 : 1;
  return { k, variance: volatility * volatility * years, error: 2 * volatility * years * error, side };
}
