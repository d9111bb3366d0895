/** Public market data: currencies, instruments, tickers, books, trades, candles, indexes, funding, settlements. */
import { amountNumber, fixedNumber, listingNamed, moneyNumber, priceNumber, type Listing } from "../catalog.ts";
import { numberOf, rounded } from "../decimal.ts";
import { ApiError, invalidParameter } from "../errors.ts";
import {
  candlesCountMax,
  findCandles,
  findTrades,
  fundingBetween,
  indexPriceAt,
  indexPrices,
} from "../history/query.ts";
import { historicalVolatility } from "../history/volatility.ts";
import { resolutions } from "../channels/market-topics.ts";
import { statisticsOf } from "../market/market.ts";
import { publicMethod, type Method } from "../method.ts";
import { boolean, defaulted, natural, oneOf, optional, required, text, timestamp } from "../parameter.ts";
import { renderBookSummary, renderOrderBook, renderTicker } from "../render/ticker.ts";
import { renderInstrument } from "../render/instrument.ts";
import { renderTrade, tradeFactsOfRow } from "../render/trade.ts";
import type { Services } from "../services.ts";
import {
  checkedCurrency,
  countOf,
  historyRange,
  idsOf,
  instrumentName,
  kind,
  listed,
  listingsMatching,
  living,
  optionalCurrency,
  requiredCurrency,
  sorting,
} from "./shared.ts";

const hourMs = 60 * 60 * 1000;

const stateOf = (services: Services, listing: Listing): string =>
  services.upstream.query.instrument(listing.id)?.state ?? "delivered";

/** Live instruments with their views, of a currency and a kind, in the order of their numbers. */
function liveViews(
  services: Services,
  currencyName: string | undefined,
  kindWord: Parameters<typeof listingsMatching>[2],
) {
  return listingsMatching(services, currencyName, kindWord)
    .map((listing) => ({ listing, view: services.upstream.query.instrument(listing.id) }))
    .flatMap(({ listing, view }) => (view === undefined || view.state === "delivered" ? [] : [{ listing, view }]));
}

function indexNamed(services: Services, name: string): number {
  const index = services.upstream.genesis.indexes.findIndex((one) => one.name === name.toLowerCase());
  if (index < 0) {
    const names = services.upstream.genesis.indexes.map((one) => one.name).join(", ");
    throw invalidParameter("index_name", `no such index; there are ${names}`);
  }
  return index;
}

const tradesAnswer = (services: Services, rows: ReturnType<typeof findTrades>) => ({
  trades: rows.rows.map((row) => {
    const listing = services.catalog.byId.get(Number(row["instrument"]))!;
    return renderTrade(listing, tradeFactsOfRow(row));
  }),
  has_more: rows.hasMore,
});

const lastTradesByInstrument = {
  instrument_name: instrumentName,
  start_seq: optional(natural),
  end_seq: optional(natural),
  ...historyRange,
};

const lastTradesByCurrency = {
  currency: requiredCurrency,
  kind,
  start_id: optional(text),
  end_id: optional(text),
  ...historyRange,
};

/** The number in a trade id, which may carry a currency before it. */
export function tradeNumber(id: string | undefined, param: string): number | undefined {
  if (id === undefined) return undefined;
  const digits = /(\d{1,16})$/.exec(id)?.[1];
  if (digits === undefined) throw invalidParameter(param, "wrong format");
  return Number(digits);
}

const fundingRange = {
  instrument_name: instrumentName,
  start_timestamp: required(timestamp),
  end_timestamp: required(timestamp),
};

function perpetualNamed(services: Services, name: string): Listing {
  const listing = listingNamed(services.catalog, name);
  if (listing.instrument.kind !== "perpetual")
    throw new ApiError("invalid_args_for_instrument", { reason: "not a perpetual", param: "instrument_name" });
  return listing;
}

const fundingHistoryCountMax = 744;

function fundingHistory(services: Services, listing: Listing, fromMs: number, toMs: number) {
  const { store } = services;
  const end = Math.min(toMs, services.market.timeMs);
  const first = Math.max(
    Math.ceil(fromMs / hourMs) * hourMs,
    Math.floor(end / hourMs - fundingHistoryCountMax + 1) * hourMs,
  );
  const { index } = listing.instrument;
  const { genesis } = services.upstream;
  // An index that has not moved since genesis has left nothing in the history.
  const initialPrice = genesis.indexes[index]!.initialPrice;
  const points = [];
  for (let time = Math.max(first, Math.ceil(genesis.timeMs / hourMs) * hourMs); time <= end; time += hourMs) {
    const price = indexPriceAt(store, index, time) ?? initialPrice;
    points.push({
      timestamp: time,
      index_price: fixedNumber(price),
      prev_index_price: fixedNumber(indexPriceAt(store, index, time - hourMs) ?? price),
      interest_1h: rounded(fundingBetween(store, listing.id, time - hourMs, time), 15),
      interest_8h: rounded(fundingBetween(store, listing.id, time - 8 * hourMs, time), 15),
    });
  }
  return points;
}

const chartLengths = { "8h": 8 * hourMs, "24h": 24 * hourMs, "1m": 30 * 24 * hourMs } as const;
const indexRanges = {
  "1h": hourMs,
  "1d": 24 * hourMs,
  "2d": 48 * hourMs,
  "1m": 30 * 24 * hourMs,
  "1y": 365 * 24 * hourMs,
  all: undefined,
} as const;
const indexPointsCountMax = 1_000;

export const settlementRange = {
  type: optional(oneOf(["settlement", "delivery", "bankruptcy"])),
  count: countOf(20, 1_000),
  continuation: optional(text),
  search_start_timestamp: optional(timestamp),
};

interface SettlementSearch {
  readonly type: string | undefined;
  readonly count: number;
  readonly continuation: string | undefined;
  readonly search_start_timestamp: number | undefined;
}

/** The loss of the session of a position that was taken over; ccxt reads the misspelt name. */
export function bankruptcyFields(listing: Listing, type: string, sessionProfit: bigint) {
  const loss = type === "bankruptcy" && sessionProfit < 0n ? moneyNumber(listing, -sessionProfit) : 0;
  return { session_bankruptcy: loss, session_bankrupcy: loss };
}

/** Settlements of whole instruments, what every holder was settled at, and positions that were taken over. Newest first. */
function lastSettlements(services: Services, listings: readonly Listing[], search: SettlementSearch) {
  if (listings.length === 0) return { settlements: [], continuation: "none" };
  const before =
    search.continuation === undefined || search.continuation === "none" ? undefined : Number(search.continuation);
  if (before !== undefined && !Number.isSafeInteger(before)) throw invalidParameter("continuation", "wrong format");
  const rows = services.store.all(
    `SELECT * FROM instrument_settlements WHERE instrument IN (SELECT value FROM json_each(?)) AND (? IS NULL OR type = ?) AND (? IS NULL OR entry < ?) AND (? IS NULL OR ? <= time_ms) ORDER BY entry DESC LIMIT ?`,
    JSON.stringify(idsOf(listings)),
    search.type ?? null,
    search.type ?? null,
    before ?? null,
    before ?? null,
    search.search_start_timestamp ?? null,
    search.search_start_timestamp ?? null,
    search.count,
  );
  const settlements = rows.map((row) => {
    const listing = services.catalog.byId.get(Number(row["instrument"]))!;
    const sessionProfit = BigInt(String(row["session_profit"]));
    return {
      type: row["type"],
      timestamp: Number(row["time_ms"]),
      instrument_name: listing.name,
      position: amountNumber(listing, Number(row["open_interest_lots"])),
      mark_price: fixedNumber(Number(row["price"])),
      index_price: fixedNumber(Number(row["index_price"])),
      profit_loss: 0,
      session_profit_loss: moneyNumber(listing, sessionProfit),
      funding: 0,
      funded: 0,
      ...bankruptcyFields(listing, String(row["type"]), sessionProfit),
      session_tax: 0,
      session_tax_rate: 0,
      socialized: 0,
    };
  });
  const last = rows.at(-1);
  return {
    settlements,
    continuation: rows.length < search.count || last === undefined ? "none" : String(last["entry"]),
  };
}

function deliveryPrices(services: Services, index: number, offset: number, count: number) {
  const rows = services.store.all(
    "SELECT * FROM instrument_settlements WHERE type = 'delivery' ORDER BY time_ms DESC, entry",
  );
  const days = new Map<string, number>();
  for (const row of rows) {
    const listing = services.catalog.byId.get(Number(row["instrument"]))!;
    // Futures deliver at the averaged index; options at their own payoff, which is no price of the index.
    if (listing.instrument.index !== index || listing.kind !== "future") continue;
    const date = new Date(Number(row["time_ms"])).toISOString().slice(0, 10);
    if (!days.has(date)) days.set(date, fixedNumber(Number(row["price"])));
  }
  const data = [...days].map(([date, delivery_price]) => ({ date, delivery_price }));
  return { data: data.slice(offset, offset + count), records_total: data.length };
}

function expirationsOf(listings: readonly Listing[], wanted: "future" | "option"): readonly string[] {
  const words = listings
    .filter((listing) => listing.kind === wanted)
    .toSorted((left, right) => (left.instrument.expiryMs ?? Infinity) - (right.instrument.expiryMs ?? Infinity))
    .map((listing) => listing.name.split("-")[1] ?? "");
  return [...new Set(words)];
}

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

/** Answers that read weeks of minutes are worked out at most once a minute of block time. */
const remembered = new WeakMap<Services, Map<string, { readonly minute: number; readonly value: unknown }>>();

function oncePerMinute<T>(services: Services, name: string, compute: () => T): T {
  const minute = Math.floor(services.market.timeMs / 60_000);
  const answers = remembered.get(services) ?? new Map<string, { minute: number; value: unknown }>();
  remembered.set(services, answers);
  const known = answers.get(name);
  if (known?.minute === minute) return known.value as T;
  const value = compute();
  answers.set(name, { minute, value });
  return value;
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
  publicMethod("get_currencies", {
    handle: ({ upstream }) =>
      upstream.genesis.assets.map((asset) => ({
        currency: asset.name,
        currency_long: asset.longName,
        coin_type: asset.name === "BTC" ? "BITCOIN" : asset.name === "ETH" ? "ETHER" : asset.name,
        min_confirmations: 1,
        withdrawal_fee: 0,
        min_withdrawal_fee: 0,
        withdrawal_priorities: [],
        in_cross_collateral_pool: false,
        decimals: asset.decimals,
        network_currency: asset.name,
        network_fee: 0,
        apr: 0,
      })),
  }),
  publicMethod("get_instruments", {
    parameters: { currency: optionalCurrency, kind, expired: defaulted(boolean, false) },
    handle(services, values) {
      return listingsMatching(services, values.currency, values.kind)
        .map((listing) => ({ listing, state: stateOf(services, listing) }))
        .filter(({ state }) => (state === "delivered") === values.expired)
        .map(({ listing, state }) => renderInstrument(listing, state));
    },
  }),
  publicMethod("get_instrument", {
    parameters: { instrument_name: instrumentName },
    handle(services, { instrument_name }) {
      const { listing } = listed(services, instrument_name);
      return renderInstrument(listing, stateOf(services, listing));
    },
  }),
  publicMethod("get_contract_size", {
    parameters: { instrument_name: instrumentName },
    handle: (services, { instrument_name }) => ({
      contract_size: fixedNumber(listed(services, instrument_name).listing.instrument.contract),
    }),
  }),
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
  publicMethod("get_last_trades_by_instrument", {
    parameters: lastTradesByInstrument,
    handle(services, values) {
      const listing = listingNamed(services.catalog, values.instrument_name);
      const filter = {
        instruments: [listing.id],
        sequenceFrom: values.start_seq,
        sequenceTo: values.end_seq,
        fromMs: values.start_timestamp,
        toMs: values.end_timestamp,
      };
      const page = { count: values.count, ascending: values.sorting === "asc" };
      return tradesAnswer(services, findTrades(services.store, filter, page));
    },
  }),
  publicMethod("get_last_trades_by_instrument_and_time", {
    parameters: {
      instrument_name: instrumentName,
      start_timestamp: required(timestamp),
      end_timestamp: optional(timestamp),
      count: countOf(10, 1_000),
      sorting,
      include_old: optional(boolean),
    },
    handle(services, values) {
      const listing = listingNamed(services.catalog, values.instrument_name);
      const filter = { instruments: [listing.id], fromMs: values.start_timestamp, toMs: values.end_timestamp };
      const page = { count: values.count, ascending: values.sorting === "asc" };
      return tradesAnswer(services, findTrades(services.store, filter, page));
    },
  }),
  ...(["get_last_trades_by_currency", "get_last_trades_by_currency_and_time"] as const).map((name) =>
    publicMethod(name, {
      parameters: lastTradesByCurrency,
      handle(services, values) {
        const filter = {
          instruments: idsOf(listingsMatching(services, values.currency, values.kind)),
          tradeFrom: tradeNumber(values.start_id, "start_id"),
          tradeTo: tradeNumber(values.end_id, "end_id"),
          fromMs: values.start_timestamp,
          toMs: values.end_timestamp,
        };
        const page = { count: values.count, ascending: values.sorting === "asc" };
        return tradesAnswer(services, findTrades(services.store, filter, page));
      },
    }),
  ),
  publicMethod("get_tradingview_chart_data", {
    parameters: {
      instrument_name: instrumentName,
      start_timestamp: required(timestamp),
      end_timestamp: optional(timestamp),
      resolution: required(text),
    },
    handle(services, values) {
      const listing = listingNamed(services.catalog, values.instrument_name);
      const minutes = resolutions[values.resolution];
      if (minutes === undefined) {
        const words = Object.keys(resolutions).join(", ");
        throw invalidParameter("resolution", `wrong format: one of ${words} expected`);
      }
      const candles = findCandles(services.store, {
        instrument: listing.id,
        fromMs: values.start_timestamp,
        toMs: Math.min(values.end_timestamp ?? Infinity, services.market.timeMs),
        resolutionMs: minutes * 60_000,
      }).slice(-candlesCountMax);
      const price = (ticks: number): number => priceNumber(listing, ticks);
      return {
        status: candles.length === 0 ? "no_data" : "ok",
        ticks: candles.map(({ minute }) => minute),
        open: candles.map(({ open }) => price(open)),
        high: candles.map(({ high }) => price(high)),
        low: candles.map(({ low }) => price(low)),
        close: candles.map(({ close }) => price(close)),
        volume: candles.map(({ base }) => numberOf(base, 8)),
        cost: candles.map(({ quote }) => numberOf(quote, 8)),
      };
    },
  }),
  publicMethod("get_funding_rate_value", {
    parameters: fundingRange,
    handle(services, values) {
      const listing = perpetualNamed(services, values.instrument_name);
      return rounded(fundingBetween(services.store, listing.id, values.start_timestamp, values.end_timestamp), 15);
    },
  }),
  publicMethod("get_funding_rate_history", {
    parameters: fundingRange,
    handle: (services, values) =>
      fundingHistory(
        services,
        perpetualNamed(services, values.instrument_name),
        values.start_timestamp,
        values.end_timestamp,
      ),
  }),
  publicMethod("get_funding_chart_data", {
    parameters: { instrument_name: instrumentName, length: defaulted(oneOf(["8h", "24h", "1m"]), "8h") },
    handle(services, values) {
      const listing = perpetualNamed(services, values.instrument_name);
      const now = services.market.timeMs;
      const history = fundingHistory(services, listing, now - chartLengths[values.length], now);
      const view = services.upstream.query.instrument(listing.id);
      return {
        current_interest: numberOf(view?.fundingRateE12 ?? 0, 12),
        interest_8h: numberOf(view?.funding8hE12 ?? 0, 12),
        data: history.map(({ timestamp: at, index_price, interest_8h }) => ({
          timestamp: at,
          index_price,
          interest_8h,
        })),
      };
    },
  }),
  publicMethod("get_historical_volatility", {
    parameters: { currency: requiredCurrency },
    handle(services, values) {
      const name = checkedCurrency(services, values.currency);
      const { assets, indexes } = services.upstream.genesis;
      const index = indexes.findIndex(({ base }) => assets[base]?.name === name);
      if (index < 0) return [];
      return oncePerMinute(services, `volatility/${index}`, () =>
        historicalVolatility(services.store, index, services.market.timeMs),
      );
    },
  }),
  publicMethod("get_index_chart_data", {
    parameters: {
      index_name: required(text),
      range: defaulted(oneOf(["1h", "1d", "2d", "1m", "1y", "all"]), "1d"),
    },
    handle(services, values) {
      const index = indexNamed(services, values.index_name);
      const lengthMs = indexRanges[values.range] ?? services.market.timeMs;
      const from = services.market.timeMs - lengthMs;
      const stepMs = Math.max(60_000, Math.floor(Math.min(lengthMs, 365 * 24 * hourMs) / indexPointsCountMax));
      return oncePerMinute(services, `index/${index}/${values.range}`, () =>
        indexPrices(services.store, index, from, stepMs).map(({ minute, price }) => [minute, fixedNumber(price)]),
      );
    },
  }),
  publicMethod("get_delivery_prices", {
    parameters: { index_name: required(text), offset: defaulted(natural, 0), count: countOf(10, 1_000) },
    handle: (services, values) =>
      deliveryPrices(services, indexNamed(services, values.index_name), values.offset, values.count),
  }),
  publicMethod("get_last_settlements_by_currency", {
    parameters: { currency: requiredCurrency, ...settlementRange },
    handle: (services, values) =>
      lastSettlements(services, listingsMatching(services, values.currency, undefined), values),
  }),
  publicMethod("get_last_settlements_by_instrument", {
    parameters: { instrument_name: instrumentName, ...settlementRange },
    handle: (services, values) =>
      lastSettlements(services, [listingNamed(services.catalog, values.instrument_name)], values),
  }),
  publicMethod("get_expirations", {
    parameters: {
      currency: requiredCurrency,
      kind: defaulted(oneOf(["future", "option", "any"]), "any"),
      currency_pair: optional(text),
    },
    handle(services, values) {
      const listings = liveViews(services, values.currency, values.kind).map(({ listing }) => listing);
      const words = (["future", "option"] as const).filter((word) => values.kind === "any" || values.kind === word);
      const byKind = Object.fromEntries(words.map((word) => [word, expirationsOf(listings, word)]));
      return values.currency === "ANY" ? byKind : { [values.currency.toLowerCase()]: byKind };
    },
  }),
  // There are no combinations and no announcements here: clients that list them at start get empty lists.
  publicMethod("get_combos", { parameters: { currency: optionalCurrency }, handle: () => [] }),
  publicMethod("get_combo_ids", {
    parameters: { currency: optionalCurrency, state: optional(text) },
    handle: () => [],
  }),
  publicMethod("get_announcements", { handle: () => [] }),
  publicMethod("get_trade_volumes", {
    parameters: { extended: optional(boolean) },
    handle: (services) =>
      oncePerMinute(services, "volumes", () =>
        services.upstream.genesis.assets.map(({ name }) => tradeVolumesOf(services, name)),
      ),
  }),
];
