/**
 * The averaged index that expiring instruments are delivered at: the integral of the index over block time in the window
 * that ends at the settlement instant, divided by the time it covers. Each interval between two blocks counts with the index
 * that held over it, as long as that price was not stale. Where nothing is covered, because the chain or the feed stood still
 * over the whole window, the index at delivery takes its place.
 */
import { settlementOfDay } from "./calendar.ts";
import { indexOf, type CurveState, type Listing, type Market } from "./state.ts";

/** Extends every index's window by the interval from the last block to `timeMs`. */
export function extendAverages(market: Market, timeMs: number): void {
  const endMs = settlementOfDay(market.calendar, market.settledDay + 1);
  const fromMs = Math.max(market.timeMs, endMs - market.calendar.averagingMs);
  if (timeMs <= fromMs || endMs <= fromMs) return;
  for (const index of market.indexes) {
    if (index.averageEndMs !== endMs) {
      index.averageEndMs = endMs;
      index.averageSum = 0n;
      index.averageMs = 0;
      market.touched.add(`index:${index.index}`);
    }
    const durationMs = Math.min(timeMs, endMs, index.freshMs + market.genesis.prices.staleMsMax) - fromMs;
    if (durationMs <= 0) continue;
    index.averageSum += BigInt(index.price) * BigInt(durationMs);
    index.averageMs += durationMs;
    market.touched.add(`index:${index.index}`);
  }
}

/** The price that instruments of an index expiring at `expiryMs` are delivered at, rounded down to 1e-8. */
export function deliveryPriceOf(market: Market, index: number, expiryMs: number): number {
  const state = indexOf(market, index);
  if (state.averageEndMs !== expiryMs || state.averageMs === 0) return state.price;
  return Number(state.averageSum / BigInt(state.averageMs));
}

/**
 * What will be delivered, as far as it is known: inside the averaging window of an expiry, the average so far and the forward
 * in proportion to the time that each stands for; outside it, the forward. Rounded down to 1e-8.
 */
export function settlingPrice(market: Market, curve: CurveState, timeMs: number): number {
  const index = indexOf(market, curve.index);
  if (index.averageEndMs !== curve.expiryMs || index.averageMs === 0) return curve.forward;
  const remainingMs = Math.max(0, curve.expiryMs - timeMs);
  const sum = index.averageSum + BigInt(curve.forward) * BigInt(remainingMs);
  return Number(sum / BigInt(index.averageMs + remainingMs));
}

/** The part of the averaging window of an expiry that is still to come; 1 before it begins. */
export function unsettledPart(market: Market, curve: CurveState, timeMs: number): number {
  const { averagingMs } = market.calendar;
  const remainingMs = Math.max(0, curve.expiryMs - timeMs);
  return remainingMs < averagingMs ? remainingMs / averagingMs : 1;
}

/** The delivery price as it stands: the average so far inside the window, else the index. */
export function estimatedDeliveryPrice(market: Market, listing: Listing): number {
  const { index, expiryMs } = listing.terms.instrument;
  const next = settlementOfDay(market.calendar, market.settledDay + 1);
  return deliveryPriceOf(market, index, expiryMs ?? next);
}
