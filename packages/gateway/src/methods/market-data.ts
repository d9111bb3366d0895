/** Live market data: tickers, books, summaries, indexes, volumes. */
import { fixedNumber } from "../catalog.ts";
import { numberOf, rounded } from "../decimal.ts";
import { ApiError } from "../errors.ts";
import { statisticsOf } from "../market/market.ts";
import { publicMethod, type Method } from "../method.ts";
import { boolean, defaulted, natural, optional, required, text } from "../parameter.ts";
import { renderBookSummary, renderOrderBook, renderTicker } from "../render/ticker.ts";
import type { Services } from "../services.ts";
import { oncePerMinute } from "./once-per-minute.ts";
import {
  countOf,
  hourMs,
  indexNamed,
  instrumentName,
  kind,
  listingsMatching,
  liveViews,
  living,
  requiredCurrency,
} from "./shared.ts";

function tradeVolumesOf(services: Services, currencyName: string) {
  const sums = { calls_volume: 0, puts_volume: 0, futures_volume: 0 };
  const since = services.market.timeMs - 24 * hourMs;
  for (const listing of listingsMatching(services, currencyName, undefined)) {
    const { optionType, expiryMs } = listing.instrument;
    if (expiryMs !== undefined && expiryMs < since) continue;
    const volume = numberOf(statisticsOf(services.market, services.store, listing).base, 8);
    if (optionType === "call") sums.calls_volume += volume;
    else if (optionType === "put") sums.puts_volume += volume;
    else sums.futures_volume += volume;
  }
  return {
    currency: currencyName,
    calls_volume: rounded(sums.calls_volume, 8),
    puts_volume: rounded(sums.puts_volume, 8),
    futures_volume: rounded(sums.futures_volume, 8),
    spot_volume: 0,
  };
}

/** What the next settlement would deliver at, from any perpetual of the index: all instruments agree on it. */
function estimatedDeliveryOf(services: Services, index: number): number | undefined {
  for (const { id, instrument } of services.catalog.byId.values()) {
    if (instrument.kind !== "perpetual" || instrument.index !== index) continue;
    return services.upstream.query.instrument(id)?.estimatedDeliveryPrice;
  }
  return undefined;
}

export const marketDataMethods: readonly Method[] = [
  publicMethod("ticker", {
    parameters: { instrument_name: instrumentName },
    handle(services, { instrument_name }) {
      const { listing, view } = living(services, instrument_name);
      return renderTicker(services, listing, view);
    },
  }),
  publicMethod("get_order_book", {
    parameters: { instrument_name: instrumentName, depth: countOf(5, 10_000) },
    handle(services, { instrument_name, depth }) {
      const { listing, view } = living(services, instrument_name);
      return renderOrderBook(services, listing, view, depth);
    },
  }),
  publicMethod("get_order_book_by_instrument_id", {
    parameters: { instrument_id: required(natural), depth: countOf(5, 10_000) },
    handle(services, { instrument_id, depth }) {
      const name = services.catalog.byId.get(instrument_id)?.name;
      if (name === undefined)
        throw new ApiError("not_found", { reason: "no instrument of this number", param: "instrument_id" });
      const { listing, view } = living(services, name);
      return renderOrderBook(services, listing, view, depth);
    },
  }),
  publicMethod("get_book_summary_by_currency", {
    parameters: { currency: requiredCurrency, kind },
    handle: (services, values) =>
      liveViews(services, values.currency, values.kind).map(({ listing, view }) =>
        renderBookSummary(services, listing, view),
      ),
  }),
  publicMethod("get_book_summary_by_instrument", {
    parameters: { instrument_name: instrumentName },
    handle(services, { instrument_name }) {
      const { listing, view } = living(services, instrument_name);
      return [renderBookSummary(services, listing, view)];
    },
  }),
  publicMethod("get_index_price", {
    parameters: { index_name: required(text) },
    handle(services, { index_name }) {
      const index = indexNamed(services, index_name);
      const price = services.upstream.query.indexPrice(index);
      if (price === undefined) throw new ApiError("unavailable", { reason: "no price yet", param: "index_name" });
      return {
        index_price: fixedNumber(price),
        estimated_delivery_price: fixedNumber(estimatedDeliveryOf(services, index) ?? price),
      };
    },
  }),
  publicMethod("get_index_price_names", {
    parameters: { extended: defaulted(boolean, false) },
    handle({ upstream }, { extended }) {
      const names = upstream.genesis.indexes.map(({ name }) => name);
      return extended
        ? names.map((name) => ({ name, future_combo_creation_enabled: false, option_combo_creation_enabled: false }))
        : names;
    },
  }),
  publicMethod("get_supported_index_names", {
    parameters: { type: optional(text) },
    handle: ({ upstream }) => upstream.genesis.indexes.map(({ name }) => name),
  }),
  publicMethod("get_trade_volumes", {
    parameters: { extended: optional(boolean) },
    handle: (services) =>
      oncePerMinute(services, "volumes", () =>
        services.upstream.genesis.assets.map(({ name }) => tradeVolumesOf(services, name)),
      ),
  }),
];
