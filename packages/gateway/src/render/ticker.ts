/** Tickers, books and book summaries as clients read them: the exchange's marks with this gateway's books and statistics. */
import type { InstrumentView } from "@stoa/protocol/view";
import { amountNumber, fixedNumber, priceNumber, type Listing } from "../catalog.ts";
import { numberOf, rounded } from "../decimal.ts";
import { bookOfInstrument, statisticsOf } from "../market/market.ts";
import { levelsOf, type Book, type BookSide } from "../market/book.ts";
import type { Services } from "../services.ts";
import { fundingFields } from "./funding.ts";
import { greeksOf, impliedPercent } from "./greeks.ts";

interface Best {
  readonly price: number;
  readonly amount: number;
}

/** Zero for an empty side: clients parse these as mandatory numbers. */
export function bestOf(listing: Listing, half: BookSide): Best {
  const ticks = half.prices[0];
  if (ticks === undefined) return { price: 0, amount: 0 };
  return { price: priceNumber(listing, ticks), amount: amountNumber(listing, half.sizes.get(ticks)!) };
}

export function renderQuote(services: Services, listing: Listing): Record<string, unknown> {
  const book = bookOfInstrument(services.market, listing.id);
  const bid = bestOf(listing, book.buy);
  const ask = bestOf(listing, book.sell);
  return {
    instrument_name: listing.name,
    timestamp: services.market.timeMs,
    best_bid_price: bid.price,
    best_bid_amount: bid.amount,
    best_ask_price: ask.price,
    best_ask_amount: ask.amount,
  };
}

export function renderTicker(services: Services, listing: Listing, view: InstrumentView): Record<string, unknown> {
  const { market } = services;
  const day = statisticsOf(market, services.store, listing);
  const quote = renderQuote(services, listing);
  const price = (ticks: number | undefined): number | null =>
    ticks === undefined ? null : priceNumber(listing, ticks);
  const last = view.lastTradeTicks ?? day.last;
  return {
    ...quote,
    state: view.state,
    stats: {
      volume: numberOf(day.base, 8),
      volume_usd: numberOf(day.usd, 8),
      volume_notional: numberOf(day.quote, 8),
      price_change: priceChangeOf(day.first, day.last),
      high: price(day.high),
      low: price(day.low),
    },
    last_price: price(last),
    mark_price: fixedNumber(view.markPrice),
    index_price: fixedNumber(view.indexPrice),
    min_price: priceNumber(listing, view.priceTicksMin),
    max_price: priceNumber(listing, view.priceTicksMax),
    open_interest: amountNumber(listing, view.openInterestLots),
    settlement_price: view.settlementPrice === undefined ? null : fixedNumber(view.settlementPrice),
    estimated_delivery_price: fixedNumber(view.estimatedDeliveryPrice),
    ...(view.state === "delivered" && view.settlementPrice !== undefined
      ? { delivery_price: fixedNumber(view.settlementPrice) }
      : {}),
    ...(listing.instrument.kind === "perpetual" ? fundingFields(services, listing, view) : {}),
    ...(listing.kind === "option"
      ? {
          ...optionFields(services, listing, view),
          bid_iv: impliedPercent(listing, view, market.timeMs, Number(quote["best_bid_price"])),
          ask_iv: impliedPercent(listing, view, market.timeMs, Number(quote["best_ask_price"])),
          greeks: greeksOf(listing, view, market.timeMs),
        }
      : {}),
  };
}

function priceChangeOf(first: number | undefined, last: number | undefined): number | null {
  return first === undefined || last === undefined || first === 0 ? null : rounded(((last - first) / first) * 100, 4);
}

const optionFields = (services: Services, listing: Listing, view: InstrumentView): Record<string, unknown> => ({
  mark_iv: view.volatilityPpm / 10_000,
  underlying_price: fixedNumber(view.underlyingPrice),
  underlying_index: underlyingIndexOf(services, listing),
  interest_rate: 0,
});

/** The dated future of the same expiry when it is listed, else a synthetic one named after it. */
function underlyingIndexOf(services: Services, listing: Listing): string {
  const name = listing.name.split("-").slice(0, 2).join("-");
  return services.catalog.byName.has(name) ? name : `SYN.${name}`;
}

type Pair = readonly [number, number];

export const renderLevels = (listing: Listing, half: BookSide, depth: number): readonly Pair[] =>
  levelsOf(half, depth).map(([ticks, lots]): Pair => [priceNumber(listing, ticks), amountNumber(listing, lots)]);

export function renderOrderBook(
  services: Services,
  listing: Listing,
  view: InstrumentView,
  depth: number,
): Record<string, unknown> {
  const book: Book = bookOfInstrument(services.market, listing.id);
  return {
    ...renderTicker(services, listing, view),
    change_id: book.changeId,
    bids: renderLevels(listing, book.buy, depth),
    asks: renderLevels(listing, book.sell, depth),
  };
}

/** Unlike tickers, summaries say null where a side of the book is empty. */
export function renderBookSummary(services: Services, listing: Listing, view: InstrumentView): Record<string, unknown> {
  const { market } = services;
  const day = statisticsOf(market, services.store, listing);
  const book = bookOfInstrument(market, listing.id);
  const bid = bestOf(listing, book.buy);
  const ask = bestOf(listing, book.sell);
  const price = (ticks: number | undefined): number | null =>
    ticks === undefined ? null : priceNumber(listing, ticks);
  return {
    instrument_name: listing.name,
    base_currency: listing.baseCurrency,
    quote_currency: listing.quoteCurrency,
    high: price(day.high),
    low: price(day.low),
    last: price(view.lastTradeTicks ?? day.last),
    bid_price: bid.amount === 0 ? null : bid.price,
    ask_price: ask.amount === 0 ? null : ask.price,
    mid_price: bid.amount === 0 || ask.amount === 0 ? null : rounded((bid.price + ask.price) / 2, 8),
    mark_price: fixedNumber(view.markPrice),
    open_interest: amountNumber(listing, view.openInterestLots),
    volume: numberOf(day.base, 8),
    volume_usd: numberOf(day.usd, 8),
    volume_notional: numberOf(day.quote, 8),
    price_change: priceChangeOf(day.first, day.last),
    creation_timestamp: market.timeMs,
    estimated_delivery_price: fixedNumber(view.estimatedDeliveryPrice),
    ...(listing.kind === "option" ? optionFields(services, listing, view) : {}),
    ...(listing.instrument.kind === "perpetual" ? fundingFields(services, listing, view) : {}),
  };
}
