/**
 * Compares the greeks that the venue publishes with ours, from its own underlying price and mark volatility: of every option's
 * ticker in the captures of its feed (`captures/DERIBIT*.gz`, a message per line), where there are some. It prints greeks with
 * five decimals, so that is what a difference cannot be below.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { inverseVenueConventions, quotedGreeks } from "@stoa/pricing/quoted-greeks";

export const comparedGreeks = ["price", "delta", "gamma", "vega", "theta", "rho"] as const;

/** Sizes of differences, one per ticker: in coin, per 1 of the underlying, per 1 %, per day, as the venue has them. */
export type CapturedGreeks = Readonly<Record<(typeof comparedGreeks)[number], number[]>>;

interface Ticker {
  readonly instrument_name: string;
  readonly timestamp: number;
  readonly underlying_price: number;
  readonly mark_price: number;
  readonly mark_iv: number;
  readonly greeks: Readonly<Record<"delta" | "gamma" | "vega" | "theta" | "rho", number>>;
}

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const yearMs = 365 * 86_400_000;

/** Undefined when the folder has no such capture. */
export function compareCapturedGreeks(folder: string): CapturedGreeks | undefined {
  const place = join(folder, "captures");
  if (!existsSync(place)) return undefined;
  const differences: CapturedGreeks = { price: [], delta: [], gamma: [], vega: [], theta: [], rho: [] };
  for (const name of readdirSync(place).filter((one) => /^DERIBIT.*\.gz$/.test(one))) {
    for (const line of gunzipSync(readFileSync(join(place, name)))
      .toString()
      .split("\n")) {
      const ticker = tickerIn(line);
      if (ticker !== undefined) compare(ticker, differences);
    }
  }
  return differences.price.length === 0 ? undefined : differences;
}

function tickerIn(line: string): Ticker | undefined {
  if (!line.includes('"greeks"')) return undefined;
  const message = JSON.parse(line.slice(line.indexOf("{"))) as { readonly params?: { readonly data?: Ticker } };
  return message.params?.data;
}

function compare(ticker: Ticker, differences: CapturedGreeks): void {
  const parts = /-(\d+)([A-Z]{3})(\d\d)-(\d+)-([CP])$/.exec(ticker.instrument_name);
  if (parts === null) throw new Error(`${ticker.instrument_name} is not the name of an option`);
  const [, day, month, year, strike, letter] = parts;
  const expiryMs = Date.UTC(2000 + Number(year), months.indexOf(month!), Number(day), 8);
  const ours = quotedGreeks(
    {
      type: letter === "C" ? "call" : "put",
      forward: ticker.underlying_price,
      strike: Number(strike),
      years: (expiryMs - ticker.timestamp) / yearMs,
      volatility: ticker.mark_iv / 100,
    },
    inverseVenueConventions,
  );
  const theirs = { ...ticker.greeks, price: ticker.mark_price };
  for (const name of comparedGreeks) differences[name].push(Math.abs(ours[name] - theirs[name]));
}
