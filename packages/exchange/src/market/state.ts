/**
 * The market: instruments and their lives, agreed indexes and curves, marks, funding. Everything here follows from genesis,
 * validators' price messages and block times; accounts and orders are unknown to it, and of the books it sees only the best
 * prices. Marks move once per block, in `advance.ts`; between two advances the market is constant.
 */
import { present } from "@stoa/base/assert";
import type { Genesis } from "@stoa/protocol/genesis";
import type { InstrumentState } from "@stoa/protocol/instrument";
import type { FundingState, InstrumentTerms, Quotation, Quotations } from "../terms.ts";
import { createCalendar, dayAt, type Calendar } from "./calendar.ts";

/** One instrument that is listed and not yet delivered. */
export interface Listing extends Quotation {
  readonly terms: InstrumentTerms;
  /** Of an instrument that expires, once it was looked up: the curve of its expiry. */
  curve: CurveState | undefined;
  version: number;
  state: InstrumentState;
  markPrice: number;
  indexPrice: number;
  /** Options: mark volatility in ppm and the forward in 1e-8. Otherwise 0; `underlyingPrice` of a future is its base price. */
  volatilityPpm: number;
  underlyingPrice: number;
  /** Futures and perpetuals: smoothed difference of the book to its base price, in 1e-11. */
  premiumE11: bigint;
  /** Perpetuals only. */
  readonly funding: FundingState | undefined;
  /** Zero unless a perpetual. */
  readonly fundingAccruedE12: bigint;
  /** Price of the last daily settlement, 1e-8. */
  settlementPrice: number | undefined;
}

/** An agreed price with the time when a quorum of fresh messages last stood behind it. */
export interface IndexState {
  readonly index: number;
  readonly name: string;
  readonly base: number;
  price: number;
  freshMs: number;
  /** Integral of the price over the averaging window that runs or ran last, in 1e-8 times milliseconds. */
  averageSum: bigint;
  averageMs: number;
  /** The settlement instant this window ends at. */
  averageEndMs: number;
}

export interface CurveState {
  readonly index: number;
  readonly expiryMs: number;
  /** 0 until the first agreement. */
  forward: number;
  volatilitiesPpm: readonly number[];
  freshMs: number;
  /** Block time at which option marks of this expiry were last computed. */
  markedMs: number;
  /** Whether the curve moved since then. */
  moved: boolean;
}

/** The latest message of one validator. */
export interface ValidatorPrices {
  sequence: number;
  sourceMs: number;
  readonly indexes: Map<number, number>;
  /** By `curveKey`. */
  readonly curves: Map<string, { readonly forward: number; readonly volatilitiesPpm: readonly number[] }>;
}

export interface Market extends Quotations {
  version: number;
  readonly genesis: Genesis;
  readonly calendar: Calendar;
  /** By instrument number; numbers ascend, so insertion order is listing order. */
  readonly listings: Map<number, Listing>;
  readonly indexes: readonly IndexState[];
  /** By `curveKey`, one for each live expiry of an index. */
  readonly curves: Map<string, CurveState>;
  readonly validators: ValidatorPrices[];
  instrumentNext: number;
  /** The last calendar day that was settled. */
  settledDay: number;
  timeMs: number;
  /** Block time at which books were last sampled for premiums, and funding accrued. */
  sampledMs: number;
  /** Whether a price message arrived since the last advance. */
  messaged: boolean;
  /** Set when the last advance found nothing to change: see `advance.ts`. Follows from the rest, and is not stored. */
  rest: MarketRest | undefined;
  /** Names of records that changed since the root was last computed; see `record.ts`. */
  readonly touched: Set<string>;
}

/** Until when, and for which listings, advancing changes none. */
export interface MarketRest {
  readonly untilMs: number;
  readonly listingsCount: number;
  readonly instrumentNext: number;
}

/** A listing with no prices yet. */
export function makeListing(
  terms: InstrumentTerms,
  state: InstrumentState,
  funding: FundingState | undefined,
): Listing {
  return {
    terms,
    curve: undefined,
    version: 0,
    state,
    markPrice: 0,
    indexPrice: 0,
    volatilityPpm: 0,
    underlyingPrice: 0,
    premiumE11: 0n,
    funding,
    get fundingAccruedE12() {
      return funding === undefined ? 0n : funding.accruedE12;
    },
    settlementPrice: undefined,
  };
}

export const curveKey = (index: number, expiryMs: number): string => `${index}:${expiryMs}`;

/** The market of genesis, with nothing listed yet: `listDue` gives it its instruments. */
export function createMarket(genesis: Genesis): Market {
  const calendar = createCalendar(genesis);
  const listings = new Map<number, Listing>();
  return {
    version: 0,
    genesis,
    calendar,
    listings,
    indexes: genesis.indexes.map((one, index) => ({
      index,
      name: one.name,
      base: one.base,
      price: one.initialPrice,
      freshMs: genesis.timeMs,
      averageSum: 0n,
      averageMs: 0,
      averageEndMs: 0,
    })),
    curves: new Map(),
    validators: genesis.validators.map(() => ({ sequence: 0, sourceMs: 0, indexes: new Map(), curves: new Map() })),
    instrumentNext: 1,
    settledDay: dayAt(calendar, genesis.timeMs),
    timeMs: genesis.timeMs,
    sampledMs: genesis.timeMs,
    messaged: false,
    rest: undefined,
    touched: new Set([
      "market",
      ...genesis.indexes.map((_, index) => `index:${index}`),
      ...genesis.validators.map((_, validator) => `validator:${validator}`),
    ]),
    quotation: (instrument) => present(listings.get(instrument), `instrument ${instrument} is listed`),
  };
}

export function listingOf(market: Market, instrument: number): Listing | undefined {
  return market.listings.get(instrument);
}

export function indexOf(market: Market, index: number): IndexState {
  return market.indexes[index] ?? present<IndexState>(undefined, `index ${index} is in genesis`);
}

/** The curve an expiring instrument follows; `undefined` for perpetuals. */
export function curveOf(market: Market, listing: Listing): CurveState | undefined {
  const { index, expiryMs } = listing.terms.instrument;
  if (expiryMs === undefined) return undefined;
  listing.curve ??= market.curves.get(curveKey(index, expiryMs));
  return present(listing.curve, "a listed expiry has a curve");
}

/** Notes that something in a listing's quotation changed. */
export function noteQuotation(market: Market, listing: Listing): void {
  listing.version += 1;
  market.version += 1;
  market.touched.add(`quote:${listing.terms.instrument.id}`);
}
