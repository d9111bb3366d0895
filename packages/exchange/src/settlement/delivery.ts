/**
 * Delivery at expiry (exchange.md 2.9): futures settle for the last time at the averaged index, options pay their exercise
 * value. Payments are rounded down for either side, so that what is paid in is never less than what is paid out; the
 * difference is dust for the insurance fund. Works on sums and returns numbers; moves nothing.
 *
 *   option, linear     amount · max(0, ±(S − K))
 *   option, inverse    amount · max(0, ±(S − K)) / S       in coins
 */
import { assert } from "@stoa/base/assert";
import { e8, floorDivide, largerOf, settlementValue, type InstrumentTerms, type PositionSums } from "../terms.ts";

export interface DeliveredPosition {
  readonly account: number;
  readonly sizeLots: number;
  readonly payment: bigint;
  readonly sessionProfit: bigint;
  readonly funding: bigint;
  /** Profit since entry, for the record: what the delivered position realised. */
  readonly realized: bigint;
}

/** What a position of this size is worth at expiry, rounded down; the price is the averaged index in 1e-8. */
export function deliveryValue(terms: InstrumentTerms, sizeLots: number, deliveryPrice: number): bigint {
  if (!terms.isOption) return settlementValue(terms, sizeLots, deliveryPrice);
  const { instrument, unit, lot } = terms;
  const price = BigInt(deliveryPrice);
  const strike = BigInt(instrument.strike!);
  const inside = largerOf(0n, instrument.optionType === "call" ? price - strike : strike - price);
  const numerator = BigInt(sizeLots) * lot * inside * unit;
  return floorDivide(numerator, instrument.inverse ? e8 * price : e8 * e8);
}

/** The exercise value of one coin in 1e-8 of the option's quote unit, rounded down: what tickers and histories show. */
export function exercisePrice(terms: InstrumentTerms, deliveryPrice: number): number {
  const { instrument } = terms;
  const strike = instrument.strike!;
  const inside = Math.max(0, instrument.optionType === "call" ? deliveryPrice - strike : strike - deliveryPrice);
  return instrument.inverse ? Number((BigInt(inside) * e8) / BigInt(deliveryPrice)) : inside;
}

/** Delivers all positions of an instrument at the averaged index. */
export function deliver(
  terms: InstrumentTerms,
  deliveryPrice: number,
  positions: readonly PositionSums[],
): readonly DeliveredPosition[] {
  assert(0 < deliveryPrice, "an index is positive");
  return positions.map((position) => {
    const { account, sizeLots, sessionFunding } = position;
    const value = deliveryValue(terms, sizeLots, deliveryPrice);
    const sessionProfit = value - position.sessionValue + position.sessionRealized;
    const realized = value - position.entryValue;
    const payment = terms.isOption ? value : sessionProfit + sessionFunding;
    return { account, sizeLots, payment, sessionProfit, funding: sessionFunding, realized };
  });
}
