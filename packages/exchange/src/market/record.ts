/**
 * Canonical records of the market: its counters, indexes, curves, validators' latest messages, listings and their quotes.
 * A listing never changes and its quote does so often, so they are two records: a mark that moves costs a short one.
 */
import { InvariantError, present } from "@stoa/base/assert";
import { decode, encodePassing } from "@stoa/base/codec";
import type { Genesis } from "@stoa/protocol/genesis";
import { marketRecord, marketRecordKey, numberIn, type MarketRecord } from "@stoa/protocol/state-record";
import { createFunding, termsOf } from "../terms.ts";
import { createMarket, curveKey, makeListing, type Listing, type Market } from "./state.ts";

type RecordOf<K extends MarketRecord["kind"]> = Extract<MarketRecord, { kind: K }>;

/** Names of all records, in the order in which they are restored. */
export function marketRecordNames(market: Market): readonly string[] {
  const curves = [...market.curves.values()].sort(
    (left, right) => left.index - right.index || left.expiryMs - right.expiryMs,
  );
  return [
    "market",
    ...market.indexes.map(({ index }) => `index:${index}`),
    ...curves.map(({ index, expiryMs }) => `curve:${curveKey(index, expiryMs)}`),
    ...market.validators.map((_, validator) => `validator:${validator}`),
    ...[...market.listings.keys()].map((one) => `listing:${one}`),
    ...[...market.listings.keys()].map((one) => `quote:${one}`),
  ];
}

/** Key of a record by its name. */
export function marketKeyOfName(name: string): Uint8Array {
  const [kind, first = "0", second = "0"] = name.split(":");
  return marketRecordKey(kind as MarketRecord["kind"], Number(first), Number(second));
}

const nameKinds = [undefined, "market", "index", "curve", "validator", "listing", "quote"] as const;

/** The name whose key this would be, of the records that there are. */
export function marketNameOfKey(market: Market, key: Uint8Array): string | undefined {
  const kind = nameKinds[key[0] ?? 0];
  if (key.length !== 13 || kind === undefined) return undefined;
  const number = numberIn(key, 1, 4);
  if (kind === "market") return kind;
  if (kind === "curve") return `curve:${curveKey(number, numberIn(key, 5, 8))}`;
  if (kind === "index") return market.indexes[number] === undefined ? undefined : `index:${number}`;
  if (kind === "validator") return market.validators[number] === undefined ? undefined : `validator:${number}`;
  return `${kind}:${number}`;
}

/** The bytes of a record, as {@link encodePassing} gives them, or `undefined` when there is no such record any more. */
export function encodeMarketRecord(market: Market, name: string): Uint8Array | undefined {
  const one = recordOf(market, name);
  return one === undefined ? undefined : encodePassing(marketRecord, one);
}

function recordOf(market: Market, name: string): MarketRecord | undefined {
  const [kind, first, second] = name.split(":");
  const number = Number(first);
  switch (kind) {
    case "market": {
      const { instrumentNext, settledDay, timeMs, sampledMs } = market;
      return { kind, instrumentNext, settledDay, timeMs, sampledMs };
    }
    case "index":
      return { kind, ...present(market.indexes[number], "an index of genesis") };
    case "curve": {
      const curve = market.curves.get(`${first}:${second}`);
      return curve === undefined ? undefined : { kind, ...curve };
    }
    case "validator":
      return validatorRecord(market, number);
    case "listing":
    case "quote": {
      const listing = market.listings.get(number);
      if (listing === undefined) return undefined;
      return kind === "listing" ? listingRecord(market, listing) : quoteRecord(listing);
    }
    default:
      throw new InvariantError(`no such market record: ${name}`);
  }
}

function validatorRecord(market: Market, validator: number): RecordOf<"validator"> {
  const { sequence, sourceMs, indexes, curves } = present(market.validators[validator], "a validator of genesis");
  return {
    kind: "validator",
    validator,
    sequence,
    sourceMs,
    indexes: [...indexes].map(([index, price]) => ({ index, price })),
    curves: [...curves].map(([key, curve]) => {
      const [index, expiryMs] = key.split(":");
      return { index: Number(index), expiryMs: Number(expiryMs), ...curve };
    }),
  };
}

function listingRecord(market: Market, { terms }: Listing): RecordOf<"listing"> {
  const product = market.genesis.products.indexOf(terms.product);
  return { kind: "listing", instrument: terms.instrument, product };
}

function quoteRecord(listing: Listing): RecordOf<"quote"> {
  const { terms, state, markPrice, indexPrice, volatilityPpm, underlyingPrice, premiumE11, settlementPrice } = listing;
  return {
    kind: "quote",
    instrument: terms.instrument.id,
    state,
    markPrice,
    indexPrice,
    volatilityPpm,
    underlyingPrice,
    premiumE11,
    funding: listing.funding,
    settlementPrice,
  };
}

/** The market that such records describe; `undefined` when one of them is not canonical or does not fit genesis. */
export function restoreMarket(genesis: Genesis, records: readonly Uint8Array[]): Market | undefined {
  const market = createMarket(genesis);
  for (const bytes of records) {
    const one = decode(marketRecord, bytes);
    if (one === undefined || !restore(market, one)) return undefined;
  }
  return market;
}

function restore(market: Market, one: MarketRecord): boolean {
  switch (one.kind) {
    case "market":
      market.instrumentNext = one.instrumentNext;
      market.settledDay = one.settledDay;
      market.timeMs = one.timeMs;
      market.sampledMs = one.sampledMs;
      return true;
    case "index": {
      const state = market.indexes[one.index];
      if (state === undefined) return false;
      state.price = one.price;
      state.freshMs = one.freshMs;
      state.averageSum = one.averageSum;
      state.averageMs = one.averageMs;
      state.averageEndMs = one.averageEndMs;
      return true;
    }
    case "curve": {
      const { kind: _, ...curve } = one;
      market.curves.set(curveKey(one.index, one.expiryMs), curve);
      return true;
    }
    case "validator":
      return restoreValidator(market, one);
    case "listing":
      return restoreListing(market, one);
    case "quote":
      return restoreQuote(market, one);
  }
}

function restoreValidator(market: Market, one: RecordOf<"validator">): boolean {
  const state = market.validators[one.validator];
  if (state === undefined) return false;
  state.sequence = one.sequence;
  state.sourceMs = one.sourceMs;
  for (const { index, price } of one.indexes) state.indexes.set(index, price);
  for (const { index, expiryMs, forward, volatilitiesPpm } of one.curves) {
    state.curves.set(curveKey(index, expiryMs), { forward, volatilitiesPpm });
  }
  return true;
}

function restoreListing(market: Market, one: RecordOf<"listing">): boolean {
  const product = market.genesis.products[one.product];
  if (product === undefined) return false;
  const terms = termsOf(one.instrument, product, market.genesis.assets);
  const funding = one.instrument.kind === "perpetual" ? createFunding(one.instrument.createdMs) : undefined;
  market.listings.set(one.instrument.id, makeListing(terms, "locked", funding));
  return true;
}

function restoreQuote(market: Market, one: RecordOf<"quote">): boolean {
  const listing = market.listings.get(one.instrument);
  if (listing === undefined || (listing.funding === undefined) !== (one.funding === undefined)) return false;
  if (listing.funding !== undefined) Object.assign(listing.funding, one.funding);
  listing.state = one.state;
  listing.markPrice = one.markPrice;
  listing.indexPrice = one.indexPrice;
  listing.volatilityPpm = one.volatilityPpm;
  listing.underlyingPrice = one.underlyingPrice;
  listing.premiumE11 = one.premiumE11;
  listing.settlementPrice = one.settlementPrice;
  return true;
}
