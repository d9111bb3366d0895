/**
 * The market's step, once per block and before anything else of it: averaging windows are extended by the interval that
 * ended, prices are agreed from the messages of this block, marks follow, and instruments are locked or opened.
 *
 * Staleness: an instrument is open while a quorum of messages no older than `staleMsMax` stands behind its index and, when it
 * expires, behind the curve of its expiry. Otherwise it is locked: new orders and edits are refused, cancels work, its marks
 * stand still, funding stops, and positions in it are not liquidated. It opens by itself when prices return. What has
 * expired is in settlement until it is delivered.
 */
import { priceE8 } from "@stoa/base/units";
import type { Event } from "@stoa/protocol/event";
import { extendAverages, settlingPrice, unsettledPart } from "./averaging.ts";
import { futureMark, optionMark, premiumAfter, type BestPrices } from "./mark.ts";
import { agreePrices } from "./prices.ts";
import { settlementOfDay } from "./calendar.ts";
import { curveOf, indexOf, noteQuotation, type CurveState, type Listing, type Market } from "./state.ts";

/**
 * Option marks of an expiry, and the index their margins are measured with, are computed when its curve has moved, at most
 * this often.
 */
const optionMarkIntervalMs = 1_000;
/** While its curve stands still they are computed at this interval: options lose value with time alone. */
const optionMarkIntervalMsMax = 60_000;

/** Books are sampled for premiums, and funding accrues, at most this often. */
const sampleIntervalMs = 1_000;

/** Whether a block at this time samples books and accrues funding. */
export function isSampleDue(market: Market, timeMs: number): boolean {
  return market.sampledMs + sampleIntervalMs <= timeMs;
}

/** Best prices of a book at the end of the block before; `undefined` unless both sides stand. */
export type BestPricesOf = (instrument: number) => BestPrices | undefined;

export function advanceMarket(market: Market, timeMs: number, bestPricesOf: BestPricesOf): Event[] {
  // Between two samples premiums are held: marks follow their base prices, and nothing else is computed.
  const sample = isSampleDue(market, timeMs) ? { durationMs: timeMs - market.sampledMs, bestPricesOf } : undefined;
  const isMessaged = market.messaged;
  extendAverages(market, timeMs);
  const events = agreePrices(market, timeMs);
  const due = curvesDue(market, timeMs);
  const isQuiet = !isMessaged && sample === undefined && due.size === 0;
  if (!isQuiet || !isAtRest(market, timeMs)) {
    advanceListings(market, { timeMs, due, sample }, events);
    market.rest = isQuiet && events.length === 0 ? restOf(market, timeMs) : undefined;
  }
  for (const curve of due) {
    curve.moved = false;
    curve.markedMs = timeMs;
    market.touched.add(`curve:${curve.index}:${curve.expiryMs}`);
  }
  market.timeMs = timeMs;
  if (sample !== undefined) market.sampledMs = timeMs;
  market.touched.add("market");
  return events;
}

interface Step {
  readonly timeMs: number;
  /** Expiries whose options are marked. */
  readonly due: ReadonlySet<CurveState>;
  readonly sample: Sample | undefined;
}

function advanceListings(market: Market, { timeMs, due, sample }: Step, events: Event[]): void {
  for (const listing of market.listings.values()) {
    advanceState(market, listing, timeMs, events);
    if (listing.state !== "open") continue;
    const moved = listing.terms.isOption
      ? remarkOption(market, listing, due, timeMs)
      : remarkFuture(market, listing, timeMs, sample);
    if (moved) events.push(markEvent(listing));
  }
}

/**
 * PERF: most blocks bring no price and sample nothing. After one of them in which no listing changed, the next such block changes
 * none either, until an instrument is listed or taken out, a price becomes stale, or averaging begins. So the hundreds of listings
 * are not gone through again. This is remembered, and is no part of the state.
 */
function isAtRest({ rest, listings, instrumentNext }: Market, timeMs: number): boolean {
  return (
    rest !== undefined &&
    timeMs < rest.untilMs &&
    rest.listingsCount === listings.size &&
    rest.instrumentNext === instrumentNext
  );
}

function restOf({ genesis, calendar, listings, indexes, curves, instrumentNext, settledDay }: Market, timeMs: number) {
  // From the beginning of the averaging window on, base prices move with time; at its end the day ends and instruments expire.
  let untilMs = settlementOfDay(calendar, settledDay + 1) - calendar.averagingMs;
  for (const { freshMs } of [...indexes, ...curves.values()]) {
    const staleFromMs = freshMs + genesis.prices.staleMsMax + 1;
    if (timeMs < staleFromMs) untilMs = Math.min(untilMs, staleFromMs);
  }
  return { untilMs, listingsCount: listings.size, instrumentNext };
}

/** Expiries whose options are to be marked again in this block. */
function curvesDue(market: Market, timeMs: number): ReadonlySet<CurveState> {
  const due = new Set<CurveState>();
  for (const curve of market.curves.values()) {
    const isLate = curve.markedMs + optionMarkIntervalMsMax <= timeMs;
    const isMoving = curve.moved || isLate || unsettledPart(market, curve, timeMs) < 1;
    if (isMoving && 0 < curve.forward && curve.markedMs + optionMarkIntervalMs <= timeMs) due.add(curve);
  }
  return due;
}

function advanceState(market: Market, listing: Listing, timeMs: number, events: Event[]): void {
  const { index } = listing.terms.instrument;
  const curve = curveOf(market, listing);
  const staleFrom = timeMs - market.genesis.prices.staleMsMax;
  const isFresh =
    staleFrom <= indexOf(market, index).freshMs &&
    (curve === undefined || (0 < curve.forward && staleFrom <= curve.freshMs));
  // Options listed into an expiry that is already marked wait for its next marks.
  const isMarked = listing.markPrice !== 0 || !listing.terms.isOption || curve?.moved === true;
  const { expiryMs } = listing.terms.instrument;
  const isExpired = expiryMs !== undefined && expiryMs <= timeMs;
  const state = isExpired ? "settlement" : isFresh && isMarked ? "open" : "locked";
  if (state === listing.state) return;
  listing.state = state;
  market.touched.add(`quote:${listing.terms.instrument.id}`);
  events.push({ kind: "instrumentState", instrument: listing.terms.instrument.id, state });
}

interface Sample {
  readonly durationMs: number;
  readonly bestPricesOf: BestPricesOf;
}

function sampledPremium(listing: Listing, basePrice: number, { durationMs, bestPricesOf }: Sample): bigint {
  const { terms, premiumE11 } = listing;
  const best = bestPricesOf(terms.instrument.id);
  return premiumAfter(premiumE11, { terms, basePrice, best, durationMs });
}

/** Whether the mark moved. */
function remarkFuture(market: Market, listing: Listing, timeMs: number, sample: Sample | undefined): boolean {
  const { terms } = listing;
  const indexPrice = indexOf(market, terms.instrument.index).price;
  const curve = curveOf(market, listing);
  const basePrice = curve === undefined ? indexPrice : settlingPrice(market, curve, timeMs);
  const premiumE11 = sample === undefined ? listing.premiumE11 : sampledPremium(listing, basePrice, sample);
  const isSame = indexPrice === listing.indexPrice && basePrice === listing.underlyingPrice;
  if (isSame && premiumE11 === listing.premiumE11) return false;
  const markPrice = futureMark(terms, basePrice, premiumE11);
  const moved = markPrice !== listing.markPrice;
  listing.premiumE11 = premiumE11;
  listing.indexPrice = indexPrice;
  listing.underlyingPrice = basePrice;
  listing.markPrice = markPrice;
  noteQuotation(market, listing);
  return moved;
}

/** Whether the mark, its volatility or its forward moved. */
function remarkOption(market: Market, listing: Listing, due: ReadonlySet<CurveState>, timeMs: number): boolean {
  const { terms } = listing;
  const curve = curveOf(market, listing)!;
  if (!due.has(curve)) return false;
  const indexPrice = indexOf(market, terms.instrument.index).price;
  const forward = settlingPrice(market, curve, timeMs);
  const { markPrice, volatilityPpm } = optionMark(terms, {
    forward,
    volatilitiesPpm: curve.volatilitiesPpm,
    remainingMs: curve.expiryMs - timeMs,
    unsettledPart: unsettledPart(market, curve, timeMs),
  });
  const isSame = markPrice === listing.markPrice && volatilityPpm === listing.volatilityPpm;
  const moved = !isSame || forward !== listing.underlyingPrice;
  if (!moved && indexPrice === listing.indexPrice) return false;
  listing.indexPrice = indexPrice;
  listing.markPrice = markPrice;
  listing.volatilityPpm = volatilityPpm;
  listing.underlyingPrice = forward;
  noteQuotation(market, listing);
  return moved;
}

export function markEvent(listing: Listing): Event {
  return {
    kind: "mark",
    instrument: listing.terms.instrument.id,
    price: priceE8(listing.markPrice),
    volatilityPpm: listing.volatilityPpm,
    underlying: priceE8(listing.terms.isOption ? listing.underlyingPrice : 0),
  };
}
