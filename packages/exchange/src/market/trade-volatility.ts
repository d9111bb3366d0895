/**
 * The volatility a trade in an option implies, at the forward that its mark was computed with. Like the mark's it is that of
 * the underlying: in the averaging window before an expiry only a part of the delivery price still moves with it.
 */
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { priceOfTicks } from "../terms.ts";
import { yearMs } from "./mark.ts";
import type { Listing, Market } from "./state.ts";

/** In parts per million per square-root year, to the nearest; 0 for what is no option and for prices that imply none. */
export function tradeVolatilityPpm(market: Market, listing: Listing, ticks: number): number {
  const { terms, underlyingPrice } = listing;
  const { instrument } = terms;
  if (!terms.isOption || underlyingPrice === 0) return 0;
  const forward = underlyingPrice / 1e8;
  const premium = priceOfTicks(terms, ticks) / 1e8;
  const remainingMs = Math.max(0, instrument.expiryMs! - market.timeMs);
  if (remainingMs === 0) return 0;
  const { averagingMs } = market.calendar;
  const unsettledPart = remainingMs < averagingMs ? remainingMs / averagingMs : 1;
  const volatility = impliedVolatility({
    type: instrument.optionType!,
    forward,
    strike: instrument.strike! / 1e8,
    years: remainingMs / yearMs,
    price: instrument.inverse ? premium * forward : premium,
  });
  if (typeof volatility !== "number") return 0;
  return Math.min(Math.round((volatility / unsettledPart) * 1e6), 0xffff_ffff);
}
