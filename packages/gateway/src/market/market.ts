/**
 * The live market as this gateway sees it: a copy of every book, the day's statistics and the last index and funding figures.
 * It is seeded from the exchange at one height and moved on by the events of each later block.
 */
import { present } from "@stoa/base/assert";
import type { Catalog, Listing } from "../catalog.ts";
import type { ExecutedBlock, Upstream } from "../upstream.ts";
import { lastAccruedFunding } from "../history/query.ts";
import type { Store } from "../history/store.ts";
import { applyLevel, bookOf, type Book } from "./book.ts";
import { addTrade, dayStatistics, loadBuckets, type Buckets, type DayStatistics } from "./statistics.ts";

export interface Market {
  /** The height whose state the books show. */
  height: number;
  timeMs: number;
  readonly books: Map<number, Book>;
  readonly buckets: Map<number, Buckets>;
  /** Perpetuals: what one long lot has paid, in 1e-12 of the smallest unit. */
  readonly accruedFunding: Map<number, bigint>;
}

export function createMarket(upstream: Upstream, catalog: Catalog): Market {
  const height = upstream.query.height();
  const timeMs = upstream.query.timeMs();
  const books = new Map<number, Book>();
  for (const { instrument } of upstream.query.instruments()) {
    catalog.add(instrument);
    books.set(instrument.id, bookOf(upstream.query.book(instrument.id, Number.MAX_SAFE_INTEGER), height, timeMs));
  }
  return { height, timeMs, books, buckets: new Map(), accruedFunding: new Map() };
}

export function bookOfInstrument(market: Market, instrument: number): Book {
  let book = market.books.get(instrument);
  if (book === undefined) market.books.set(instrument, (book = bookOf(undefined, market.height, market.timeMs)));
  return book;
}

/** A price level that a block changed: its size before the block and after it. */
export interface LevelChange {
  readonly side: "buy" | "sell";
  readonly priceTicks: number;
  readonly before: number;
  readonly after: number;
}

/** Moves the market on by a block; returns the levels that changed, per instrument. Blocks it already stands at are ignored. */
export function applyToMarket(
  market: Market,
  catalog: Catalog,
  block: ExecutedBlock,
): ReadonlyMap<number, readonly LevelChange[]> {
  const changes = new Map<number, LevelChange[]>();
  if (block.height <= market.height) {
    for (const event of block.events) {
      if (event.kind === "trade") market.buckets.delete(event.instrument);
      if (event.kind === "funding") market.accruedFunding.delete(event.instrument);
    }
    return changes;
  }
  market.height = block.height;
  market.timeMs = block.timeMs;
  for (const event of block.events) {
    if (event.kind === "trade") {
      // Statistics that nobody has asked for yet will be read from the history, which already holds this trade.
      const buckets = market.buckets.get(event.instrument);
      const listing = present(catalog.byId.get(event.instrument), "a traded instrument is listed");
      if (buckets !== undefined) addTrade(buckets, listing, event, block.timeMs);
    } else if (event.kind === "level") {
      const book = bookOfInstrument(market, event.instrument);
      const before = applyLevel(book, event.side, event.priceTicks, event.sizeLots);
      if (before === event.sizeLots) continue;
      book.changeId = block.height;
      book.timeMs = block.timeMs;
      const list = changes.get(event.instrument);
      const change = { side: event.side, priceTicks: event.priceTicks, before, after: event.sizeLots };
      if (list === undefined) changes.set(event.instrument, [change]);
      else list.push(change);
    } else if (event.kind === "funding") {
      market.accruedFunding.set(event.instrument, event.accruedE12);
    } else if (event.kind === "instrumentState" && event.state === "delivered") {
      market.books.delete(event.instrument);
      market.buckets.delete(event.instrument);
    }
  }
  return changes;
}

/** Loaded from the history when first asked for. */
export function bucketsOf(market: Market, store: Store, listing: Listing): Buckets {
  let buckets = market.buckets.get(listing.id);
  if (buckets === undefined) market.buckets.set(listing.id, (buckets = loadBuckets(store, listing.id, market.timeMs)));
  return buckets;
}

export const statisticsOf = (market: Market, store: Store, listing: Listing): DayStatistics =>
  dayStatistics(bucketsOf(market, store, listing), market.timeMs);

/** Read from the history when first asked for. */
export function accruedFundingOf(market: Market, store: Store, instrument: number): bigint {
  let accrued = market.accruedFunding.get(instrument);
  if (accrued === undefined) market.accruedFunding.set(instrument, (accrued = lastAccruedFunding(store, instrument)));
  return accrued;
}
