/**
 * The listing policy: which instruments exist on a calendar day. Each product of genesis lists its perpetual once, a future
 * for each listed day, and for each listed day the options at its strikes around the money. An option series gets new strikes
 * at a daily roll when the index has moved; what is listed stays until it expires. Numbers are given in the order of products,
 * then days, then strikes, calls before puts.
 */
import { timeMs as toTime } from "@stoa/base/units";
import type { Event } from "@stoa/protocol/event";
import type { Product } from "@stoa/protocol/genesis";
import { optionTypes, type Instrument } from "@stoa/protocol/instrument";
import { createFunding, termsOf } from "../terms.ts";
import { civilDate, civilDayOf, listedDays, settlementOfDay } from "./calendar.ts";
import { futureName, optionName, perpetualName } from "./names.ts";
import { curveKey, indexOf, makeListing, type Listing, type Market } from "./state.ts";

/** Lists everything that the policy wants after the last settled day and that is not listed yet. */
export function listDue(market: Market, timeMs: number): Event[] {
  const names = new Set<string>();
  for (const listing of market.listings.values()) names.add(listing.terms.instrument.name);
  const events: Event[] = [];
  for (const product of market.genesis.products) {
    for (const wanted of instrumentsOf(market, product)) {
      if (names.has(wanted.name)) continue;
      events.push(...list(market, product, wanted, timeMs));
    }
  }
  if (0 < events.length) market.version += 1;
  return events;
}

/** What distinguishes one instrument of a product from another. */
interface Wanted {
  readonly name: string;
  readonly expiryMs?: number;
  readonly strike?: number;
  readonly optionType?: "call" | "put";
}

function instrumentsOf(market: Market, product: Product): readonly Wanted[] {
  if (product.kind === "perpetual") return [{ name: perpetualName(product.prefix) }];
  const wanted: Wanted[] = [];
  for (const day of listedDays(market.calendar, market.settledDay, product.expiryDays)) {
    const date = civilDate(civilDayOf(market.calendar, day));
    const expiryMs = settlementOfDay(market.calendar, day);
    if (product.kind === "future") wanted.push({ name: futureName(product.prefix, date), expiryMs });
    else {
      for (const strike of strikesOf(product, indexOf(market, product.index).price)) {
        for (const optionType of optionTypes) {
          wanted.push({ name: optionName(product.prefix, date, strike, optionType), expiryMs, strike, optionType });
        }
      }
    }
  }
  return wanted;
}

/** Strikes around the money: the multiple of the spacing nearest to the index, and as many on each side as genesis says. */
export function strikesOf(product: Product, indexPrice: number): readonly number[] {
  const middle = Math.round(indexPrice / product.strikeSpacing);
  const strikes: number[] = [];
  for (let step = middle - product.strikesPerSide; step <= middle + product.strikesPerSide; step++) {
    if (0 < step) strikes.push(step * product.strikeSpacing);
  }
  return strikes;
}

function list(market: Market, product: Product, wanted: Wanted, timeMs: number): Event[] {
  const instrument = instrumentOf(market, product, wanted, timeMs);
  const listing = listingOfInstrument(market, product, instrument);
  market.listings.set(instrument.id, listing);
  market.instrumentNext += 1;
  market.touched.add("market").add(`listing:${instrument.id}`).add(`quote:${instrument.id}`);
  if (wanted.expiryMs !== undefined) openCurve(market, product.index, wanted.expiryMs);
  return [
    { kind: "instrumentListed", instrument },
    { kind: "instrumentState", instrument: instrument.id, state: listing.state },
  ];
}

function instrumentOf(market: Market, product: Product, wanted: Wanted, timeMs: number): Instrument {
  return {
    id: market.instrumentNext,
    name: wanted.name,
    kind: product.kind,
    base: product.base,
    settlement: product.settlement,
    inverse: product.inverse,
    index: product.index,
    createdMs: toTime(timeMs),
    expiryMs: wanted.expiryMs === undefined ? undefined : toTime(wanted.expiryMs),
    strike: wanted.strike as Instrument["strike"],
    optionType: wanted.optionType,
    tick: product.tick,
    tickSteps: product.tickSteps,
    lot: product.lot,
    contract: product.contract,
    makerFeePpm: product.makerFeePpm,
    takerFeePpm: product.takerFeePpm,
  };
}

/** What expires is locked until its curve is agreed; a perpetual follows the index, which genesis gives. */
function listingOfInstrument(market: Market, product: Product, instrument: Instrument): Listing {
  const terms = termsOf(instrument, product, market.genesis.assets);
  const { price } = indexOf(market, product.index);
  const isPerpetual = instrument.kind === "perpetual";
  const funding = isPerpetual ? createFunding(instrument.createdMs) : undefined;
  const listing = makeListing(terms, isPerpetual ? "open" : "locked", funding);
  listing.indexPrice = price;
  if (isPerpetual) {
    listing.markPrice = price;
    listing.underlyingPrice = price;
  }
  return listing;
}

function openCurve(market: Market, index: number, expiryMs: number): void {
  const key = curveKey(index, expiryMs);
  const existing = market.curves.get(key);
  if (existing !== undefined) existing.moved = true;
  else {
    const curve = { index, expiryMs, forward: 0, volatilitiesPpm: [], freshMs: 0, markedMs: 0, moved: true };
    market.curves.set(key, curve);
  }
  market.touched.add(`curve:${key}`);
}
