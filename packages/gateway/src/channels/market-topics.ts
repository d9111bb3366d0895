/** Public channels beside books: tickers, trades, charts, indexes, perpetuals, option marks, instrument states. */
import { fixedNumber, matchesCurrency, matchesKind, priceNumber, type KindWord, type Listing } from "../catalog.ts";
import { numberOf } from "../decimal.ts";
import { bucketsOf } from "../market/market.ts";
import { candleOf } from "../market/statistics.ts";
import { renderTicker } from "../render/ticker.ts";
import { renderTrade } from "../render/trade.ts";
import type { Services } from "../services.ts";
import type { Interval, Topic } from "./topic.ts";

export function tickerTopic(services: Services, listing: Listing, interval: Interval): Topic {
  const render = (): readonly unknown[] => {
    const view = services.upstream.query.instrument(listing.id);
    return view === undefined ? [] : [renderTicker(services, listing, view)];
  };
  return {
    interval,
    gather: (update) =>
      update.marks.has(listing.id) ||
      update.levels.has(listing.id) ||
      update.tradesOf.has(listing.id) ||
      update.indexes.has(listing.instrument.index),
    flush: render,
    initial: render,
  };
}

/** A snapshot of the ticker, then only the fields that changed. */
export function incrementalTickerTopic(services: Services, listing: Listing): Topic {
  let sent: Record<string, unknown> = {};
  const current = (): Record<string, unknown> | undefined => {
    const view = services.upstream.query.instrument(listing.id);
    return view === undefined ? undefined : renderTicker(services, listing, view);
  };
  const ticker = tickerTopic(services, listing, "raw");
  return {
    interval: "raw",
    gather: ticker.gather,
    flush() {
      const next = current();
      if (next === undefined) return [];
      const changed = Object.entries(next).filter(
        ([key, value]) => JSON.stringify(value) !== JSON.stringify(sent[key]),
      );
      sent = next;
      const telling = changed.some(([key]) => key !== "timestamp");
      if (!telling) return [];
      return [
        {
          type: "change",
          ...Object.fromEntries(changed),
          instrument_name: listing.name,
          timestamp: next["timestamp"],
        },
      ];
    },
    initial() {
      const next = current();
      if (next === undefined) return [];
      // Other subscribers were flushed just before: all stand at the same ticker.
      sent = next;
      return [{ type: "snapshot", ...next }];
    },
  };
}

export function tradesTopic(matches: (listing: Listing) => boolean, interval: Interval): Topic {
  let pending: unknown[] = [];
  return {
    interval,
    gather(update) {
      for (const trade of update.trades)
        if (matches(trade.listing)) pending.push(renderTrade(trade.listing, trade.facts));
      return 0 < pending.length;
    },
    flush() {
      const trades = pending;
      pending = [];
      return trades.length === 0 ? [] : [trades];
    },
    initial: () => [],
  };
}

/** Resolutions in minutes, by their words. Without a prototype: the words come from outside. */
export const resolutions: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  "1": 1,
  "3": 3,
  "5": 5,
  "10": 10,
  "15": 15,
  "30": 30,
  "60": 60,
  "120": 120,
  "180": 180,
  "240": 240,
  "360": 360,
  "720": 720,
  "1D": 1440,
  D: 1440,
});

/** The running candle, after every block that traded. */
export function chartTopic(services: Services, listing: Listing, minutes: number): Topic {
  const resolutionMs = minutes * 60_000;
  const render = (): readonly unknown[] => {
    const buckets = bucketsOf(services.market, services.store, listing);
    const last = buckets.at(-1);
    if (last === undefined) return [];
    const tick = last.minute - (last.minute % resolutionMs);
    const candle = candleOf(
      buckets.slice(-minutes).filter((bucket) => tick <= bucket.minute),
      tick,
    );
    return [
      {
        tick,
        open: priceNumber(listing, candle.open),
        high: priceNumber(listing, candle.high),
        low: priceNumber(listing, candle.low),
        close: priceNumber(listing, candle.close),
        volume: numberOf(candle.base, 8),
        cost: numberOf(candle.quote, 8),
      },
    ];
  };
  return { interval: "raw", gather: (update) => update.tradesOf.has(listing.id), flush: render, initial: render };
}

export function indexTopic(services: Services, index: number): Topic {
  const name = services.upstream.genesis.indexes[index]!.name;
  let sent: number | undefined;
  const render = (): readonly unknown[] => {
    const price = services.upstream.query.indexPrice(index);
    sent = price;
    if (price === undefined) return [];
    return [{ index_name: name, price: fixedNumber(price), timestamp: services.market.timeMs }];
  };
  return {
    interval: "raw",
    gather: (update) => update.indexes.has(index) && update.indexes.get(index) !== sent,
    flush: render,
    initial: render,
  };
}

export function perpetualTopic(services: Services, listing: Listing, interval: Interval): Topic {
  const render = (): readonly unknown[] => {
    const view = services.upstream.query.instrument(listing.id);
    if (view === undefined) return [];
    return [
      {
        interest: numberOf(view.fundingRateE12, 12),
        index_price: fixedNumber(view.indexPrice),
        timestamp: services.market.timeMs,
      },
    ];
  };
  const gather: Topic["gather"] = ({ marks, indexes }) =>
    marks.has(listing.id) || indexes.has(listing.instrument.index);
  return { interval, gather, flush: render, initial: render };
}

export function optionMarksTopic(services: Services, index: number): Topic {
  const render = (): readonly unknown[] => {
    const marks = services.upstream.query
      .instruments()
      .filter(({ instrument }) => instrument.kind === "option" && instrument.index === index)
      .map((view) => ({
        instrument_name: view.instrument.name,
        mark_price: fixedNumber(view.markPrice),
        iv: numberOf(view.volatilityPpm, 6),
        timestamp: services.market.timeMs,
      }));
    return marks.length === 0 ? [] : [marks];
  };
  return { interval: "agg2", gather: (update) => 0 < update.marks.size, flush: render, initial: render };
}

/** What the nearest expiry of an index would deliver at: the average so far inside its window, else the index. */
export function expirationPriceTopic(services: Services, index: number): Topic {
  const render = (): readonly unknown[] => {
    const { query } = services.upstream;
    const expiring = query
      .instruments()
      .filter(({ instrument }) => instrument.index === index && instrument.expiryMs !== undefined)
      .toSorted((left, right) => left.instrument.expiryMs! - right.instrument.expiryMs!)[0];
    if (expiring === undefined) return [];
    const leftMs = Math.max(0, expiring.instrument.expiryMs! - services.market.timeMs);
    return [
      {
        seconds: Math.floor(leftMs / 1000),
        price: fixedNumber(expiring.estimatedDeliveryPrice),
        is_estimated: leftMs < services.upstream.genesis.calendar.averagingMs,
      },
    ];
  };
  return { interval: "agg2", gather: (update) => update.indexes.has(index), flush: render, initial: render };
}

const stateWords: Readonly<Record<string, string>> = {
  open: "started",
  locked: "deactivated",
  settlement: "settled",
  delivered: "closed",
};

export function instrumentStateTopic(services: Services, kind: KindWord, currency: string): Topic {
  let pending: unknown[] = [];
  const matches = (listing: Listing): boolean => matchesKind(listing, kind) && matchesCurrency(listing, currency);
  return {
    interval: "raw",
    gather(update) {
      for (const listing of update.listed)
        if (matches(listing))
          pending.push({ timestamp: update.timeMs, state: "created", instrument_name: listing.name });
      for (const { instrument, state } of update.states) {
        const listing = services.catalog.byId.get(instrument);
        if (listing !== undefined && matches(listing))
          pending.push({ timestamp: update.timeMs, state: stateWords[state], instrument_name: listing.name });
      }
      return 0 < pending.length;
    },
    flush() {
      const states = pending;
      pending = [];
      return states;
    },
    initial: () => [],
  };
}
