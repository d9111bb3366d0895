/**
 * Instruments as clients read them: names, kinds, number formats, life and fees, all from the listing and its state. What
 * Deribit says and this exchange has no word for (leverage, settlement period) is derived here.
 */
import type { InstrumentState } from "@stoa/protocol/instrument";
import { fixedNumber, type Listing } from "../catalog.ts";

/** Deribit's stand-in for "never". */
const neverMs = 32_503_708_800_000;
const dayMs = 86_400_000;

export function renderInstrument(listing: Listing, state: InstrumentState | string): Record<string, unknown> {
  const { instrument, product } = listing;
  const type = instrument.inverse ? "reversed" : "linear";
  return {
    instrument_name: listing.name,
    instrument_id: listing.id,
    kind: listing.kind,
    instrument_type: type,
    ...(listing.kind === "future" ? { future_type: type } : {}),
    base_currency: listing.baseCurrency,
    quote_currency: listing.quoteCurrency,
    counter_currency: listing.counterCurrency,
    settlement_currency: listing.settlementCurrency,
    settlement_period: settlementPeriodOf(listing),
    price_index: listing.indexName,
    tick_size: fixedNumber(instrument.tick),
    tick_size_steps: instrument.tickSteps.map(({ above, tick }) => ({
      above_price: fixedNumber(above),
      tick_size: fixedNumber(tick),
    })),
    min_trade_amount: fixedNumber(instrument.lot),
    contract_size: fixedNumber(instrument.contract),
    creation_timestamp: instrument.createdMs,
    expiration_timestamp: instrument.expiryMs ?? neverMs,
    is_active: state === "open",
    state,
    maker_commission: instrument.makerFeePpm / 1_000_000,
    taker_commission: instrument.takerFeePpm / 1_000_000,
    block_trade_commission: instrument.takerFeePpm / 1_000_000,
    block_trade_min_trade_amount: fixedNumber(instrument.lot),
    block_trade_tick_size: fixedNumber(instrument.tick),
    rfq: false,
    ...(listing.kind === "future"
      ? { max_leverage: maxLeverageOf(listing), max_liquidation_commission: listing.liquidationFeePpm / 1_000_000 }
      : {}),
    ...(instrument.strike === undefined ? {} : { strike: fixedNumber(instrument.strike) }),
    ...(instrument.optionType === undefined ? {} : { option_type: instrument.optionType }),
    ...(product.kind === "perpetual"
      ? {}
      : { expiration_date: new Date(instrument.expiryMs ?? neverMs).toISOString() }),
  };
}

export const maxLeverageOf = (listing: Listing): number =>
  Math.floor(1_000_000 / Math.max(1, listing.product.futureMargin.initialBasePpm));

/** By the life it was listed with: up to two days, up to three weeks, longer. */
function settlementPeriodOf(listing: Listing): "perpetual" | "day" | "week" | "month" {
  const { expiryMs, createdMs } = listing.instrument;
  if (expiryMs === undefined) return "perpetual";
  const days = (expiryMs - createdMs) / dayMs;
  return days <= 2 ? "day" : days <= 21 ? "week" : "month";
}
