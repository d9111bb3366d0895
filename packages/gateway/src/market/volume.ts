/** Volumes of a trade in coins, in the quote of its price and in dollars, as integers of 1e-8. */
import type { EventOf } from "@stoa/protocol/event";
import type { Listing } from "../catalog.ts";

export interface Volumes {
  readonly base: bigint;
  readonly quote: bigint;
  readonly usd: bigint;
}

const unit = 100_000_000n;

/** Inverse futures count dollars and their coins follow from the price; everything else counts coins. */
export function tradeVolumes(
  listing: Listing,
  trade: Pick<EventOf<"trade">, "sizeLots" | "priceTicks" | "indexPrice">,
): Volumes {
  const { instrument } = listing;
  const amount = BigInt(trade.sizeLots) * BigInt(instrument.lot);
  const price = BigInt(trade.priceTicks) * BigInt(instrument.tick);
  if (instrument.kind === "option") {
    const premium = (amount * price) / unit;
    return {
      base: amount,
      quote: premium,
      usd: instrument.inverse ? (premium * BigInt(trade.indexPrice)) / unit : premium,
    };
  }
  if (instrument.inverse) return { base: price === 0n ? 0n : (amount * unit) / price, quote: amount, usd: amount };
  const quote = (amount * price) / unit;
  return { base: amount, quote, usd: quote };
}
