/** What perpetuals say of their funding: the rate that holds, that of eight hours, and the running index that positions are charged by. */
import type { InstrumentView } from "@stoa/protocol/view";
import type { Listing } from "../catalog.ts";
import { numberOf } from "../decimal.ts";
import { accruedFundingOf } from "../market/market.ts";
import type { Services } from "../services.ts";

/** The index is in 1e-12 of the smallest unit of money, and the size in 1e-8. */
const indexDecimals = 12;
const sizeUnit = 100_000_000n;

/**
 * What a long position of size 1 has paid since the perpetual was listed, in the settlement currency: the funding of a position
 * is its size times the difference of two readings, with the sign turned.
 */
export function interestValueOf({ market, store }: Services, listing: Listing): number {
  const perSize = (accruedFundingOf(market, store, listing.id) * sizeUnit) / BigInt(listing.instrument.lot);
  return numberOf(perSize, indexDecimals + listing.settlementDecimals);
}

export const fundingFields = (services: Services, listing: Listing, view: InstrumentView): Record<string, unknown> => ({
  current_funding: numberOf(view.fundingRateE12, 12),
  funding_8h: numberOf(view.funding8hE12, 12),
  interest_value: interestValueOf(services, listing),
});
