/** Series over time: candles, index prices, historical volatility, delivery prices. */
import { fixedNumber, listingNamed, priceNumber } from "../catalog.ts";
import { resolutions } from "../channels/market-topics.ts";
import { numberOf } from "../decimal.ts";
import { invalidParameter } from "../errors.ts";
import { candlesCountMax, findCandles, indexPrices } from "../history/query.ts";
import { historicalVolatility } from "../history/volatility.ts";
import { publicMethod, type Method } from "../method.ts";
import { defaulted, natural, oneOf, optional, required, text, timestamp } from "../parameter.ts";
import type { Services } from "../services.ts";
import { oncePerMinute } from "./once-per-minute.ts";
import { checkedCurrency, countOf, hourMs, indexNamed, instrumentName, requiredCurrency } from "./shared.ts";

const indexRanges = {
  "1h": hourMs,
  "1d": 24 * hourMs,
  "2d": 48 * hourMs,
  "1m": 30 * 24 * hourMs,
  "1y": 365 * 24 * hourMs,
  all: undefined,
} as const;

const indexPointsCountMax = 1_000;

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

export const chartMethods: readonly Method[] = [
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
  publicMethod("get_delivery_prices", {
    parameters: { index_name: required(text), offset: defaulted(natural, 0), count: countOf(10, 1_000) },
    handle: (services, values) =>
      deliveryPrices(services, indexNamed(services, values.index_name), values.offset, values.count),
  }),
];
