/** The end of a calendar day in the market: what is due, what is delivered, and the day's number moving on. */
import { assert, present } from "@stoa/base/assert";
import type { Event } from "@stoa/protocol/event";
import { dayAt, settlementOfDay } from "./calendar.ts";
import { curveKey, type Listing, type Market } from "./state.ts";

/**
 * The first settlement instant not yet settled, when it is not after `timeMs` and every index is fresh: after a time in which
 * nobody said prices, settlement waits for the first that are said, and what has expired waits with it, closed.
 */
export function settlementDue(market: Market, timeMs: number): number | undefined {
  const instantMs = settlementOfDay(market.calendar, market.settledDay + 1);
  if (timeMs < instantMs) return undefined;
  const staleFrom = timeMs - market.genesis.prices.staleMsMax;
  return market.indexes.every(({ freshMs }) => staleFrom <= freshMs) ? instantMs : undefined;
}

/** Instruments that have expired by `timeMs`, in order of their numbers. */
export function expired(market: Market, timeMs: number): readonly Listing[] {
  const listings: Listing[] = [];
  for (const listing of market.listings.values()) {
    const { expiryMs } = listing.terms.instrument;
    if (expiryMs !== undefined && expiryMs <= timeMs) listings.push(listing);
  }
  return listings;
}

/** Sets the price of the daily settlement. */
export function settleListing(market: Market, listing: Listing, price: number): void {
  listing.settlementPrice = price;
  market.touched.add(`quote:${listing.terms.instrument.id}`);
}

/** Takes a delivered instrument out of the market; its number is never used again. */
export function delist(market: Market, instrument: number): Event {
  present(market.listings.get(instrument), "a delivered instrument was listed");
  market.listings.delete(instrument);
  market.touched.add(`listing:${instrument}`).add(`quote:${instrument}`);
  return { kind: "instrumentState", instrument, state: "delivered" };
}

/** Ends the day: all days up to `timeMs` count as settled, and curves of expiries that have passed are forgotten. */
export function closeDay(market: Market, timeMs: number): void {
  market.settledDay = dayAt(market.calendar, timeMs);
  market.touched.add("market");
  for (const curve of [...market.curves.values()]) {
    if (timeMs < curve.expiryMs) continue;
    const key = curveKey(curve.index, curve.expiryMs);
    market.curves.delete(key);
    market.touched.add(`curve:${key}`);
    for (const [validator, message] of market.validators.entries()) {
      if (message.curves.delete(key)) market.touched.add(`validator:${validator}`);
    }
  }
  for (const listing of market.listings.values()) {
    assert(timeMs < (listing.terms.instrument.expiryMs ?? Infinity), "what has expired was delivered");
  }
}
