/**
 * The instruments this gateway knows, listed and past, by number and by name, and the conversion between what clients write
 * (prices, amounts, currencies) and what the exchange counts (ticks, lots, smallest units). Conversions are exact.
 */
import { present } from "@stoa/base/assert";
import type { Genesis, Product } from "@stoa/protocol/genesis";
import type { Instrument } from "@stoa/protocol/instrument";
import { numberOf, scaledExactly, textOf, type Decimal } from "./decimal.ts";
import { ApiError, invalidParameter } from "./errors.ts";

/** An instrument with everything about it that its number format and its names need. */
export interface Listing {
  readonly instrument: Instrument;
  readonly id: number;
  readonly name: string;
  readonly product: Product;
  /** Names of assets: what it is about, what it settles in, what its price is in. */
  readonly baseCurrency: string;
  readonly settlementCurrency: string;
  readonly counterCurrency: string;
  readonly quoteCurrency: string;
  readonly settlementDecimals: number;
  readonly indexName: string;
  readonly liquidationFeePpm: number;
  /** Length of the averaging window before an expiry. */
  readonly averagingMs: number;
  /** Deribit's word: perpetuals are futures that settle forever. */
  readonly kind: "future" | "option";
}

export interface Catalog {
  readonly genesis: Genesis;
  readonly byId: ReadonlyMap<number, Listing>;
  readonly byName: ReadonlyMap<string, Listing>;
  readonly add: (instrument: Instrument) => Listing;
}

export function createCatalog(genesis: Genesis): Catalog {
  const byId = new Map<number, Listing>();
  const byName = new Map<string, Listing>();
  const add = (instrument: Instrument): Listing => {
    const known = byId.get(instrument.id);
    if (known !== undefined) return known;
    const listing = listingOf(genesis, instrument);
    byId.set(listing.id, listing);
    // A shortened calendar lists the same name again after its expiry: the latest one is meant.
    const namesake = byName.get(listing.name);
    if (namesake === undefined || namesake.id < listing.id) byName.set(listing.name, listing);
    return listing;
  };
  return { genesis, byId, byName, add };
}

function listingOf(genesis: Genesis, instrument: Instrument): Listing {
  const settlement = present(genesis.assets[instrument.settlement], "an instrument settles in an asset of genesis");
  const baseCurrency = present(genesis.assets[instrument.base], "an instrument's base is an asset of genesis").name;
  const counterCurrency = instrument.inverse ? "USD" : settlement.name;
  return {
    instrument,
    id: instrument.id,
    name: instrument.name,
    product: productOf(genesis, instrument),
    baseCurrency,
    settlementCurrency: settlement.name,
    counterCurrency,
    quoteCurrency: instrument.inverse && instrument.kind === "option" ? baseCurrency : counterCurrency,
    settlementDecimals: settlement.decimals,
    indexName: present(genesis.indexes[instrument.index], "an instrument follows an index of genesis").name,
    liquidationFeePpm: genesis.liquidation.feePpm,
    averagingMs: genesis.calendar.averagingMs,
    kind: instrument.kind === "option" ? "option" : "future",
  };
}

function productOf(genesis: Genesis, instrument: Instrument): Product {
  const product = genesis.products.find(
    (candidate) =>
      candidate.kind === instrument.kind &&
      candidate.base === instrument.base &&
      candidate.settlement === instrument.settlement &&
      candidate.inverse === instrument.inverse,
  );
  return present(product, "every instrument belongs to a product of genesis");
}

/** The listing of a name; refuses names that were never listed. */
export function listingNamed(catalog: Catalog, name: string): Listing {
  const listing = catalog.byName.get(name) ?? catalog.byName.get(name.toUpperCase());
  if (listing === undefined)
    throw new ApiError("not_found", { reason: "no instrument of this name", param: "instrument_name" });
  return listing;
}

export const listingOfId = (catalog: Catalog, id: number): Listing =>
  present(catalog.byId.get(id), "every instrument that events name has been listed");

/** The asset index of a currency in any case; refuses unknown ones. */
export function assetNamed(genesis: Genesis, currency: string, param = "currency"): number {
  const index = genesis.assets.findIndex((asset) => asset.name === currency.toUpperCase());
  if (index < 0) throw invalidParameter(param, "invalid currency");
  return index;
}

/** Words for kinds in requests and channels. Perpetuals count as futures; kinds that do not exist here match nothing. */
export const kindWords = ["future", "option", "spot", "future_combo", "option_combo", "combo", "any"] as const;
export type KindWord = (typeof kindWords)[number];

export const matchesKind = (listing: Listing, kind: KindWord | undefined): boolean =>
  kind === undefined || kind === "any" || listing.kind === kind;

/** Deribit files linear instruments under the currency they settle in, inverse ones under their coin, which is the same. */
export const matchesCurrency = (listing: Listing, currency: string | undefined): boolean =>
  currency === undefined || currency.toLowerCase() === "any" || listing.settlementCurrency === currency.toUpperCase();

// Prices and amounts

export const priceNumber = (listing: Listing, ticks: number): number =>
  numberOf(BigInt(ticks) * BigInt(listing.instrument.tick), 8);

export const priceText = (listing: Listing, ticks: number): string =>
  textOf(BigInt(ticks) * BigInt(listing.instrument.tick), 8);

export const amountNumber = (listing: Listing, lots: number | bigint): number =>
  numberOf(BigInt(lots) * BigInt(listing.instrument.lot), 8);

export const contractsNumber = (listing: Listing, lots: number): number => {
  const { lot, contract } = listing.instrument;
  return numberOf((BigInt(lots) * BigInt(lot) * 10_000n) / BigInt(contract), 4);
};

/** 1e-8 of anything as a JSON number. */
export const fixedNumber = (value: number): number => numberOf(value, 8);

export const moneyNumber = (listing: Listing, money: bigint): number => numberOf(money, listing.settlementDecimals);

/** A limit price in ticks; refuses prices that are not positive or off the base tick. */
export function ticksOf(listing: Listing, price: Decimal): number {
  if (price.unscaled <= 0n) throw new ApiError("invalid_price", { reason: "must be positive", param: "price" });
  const fixed = scaledExactly(price, 8);
  const tick = BigInt(listing.instrument.tick);
  if (fixed === undefined || fixed % tick !== 0n)
    throw new ApiError("price_wrong_tick", { reason: `must be a multiple of ${textOf(tick, 8)}`, param: "price" });
  return safeCount(fixed / tick, "price");
}

/** A size in lots; refuses amounts below the minimum and between its multiples. */
export function lotsOf(listing: Listing, amount: Decimal): number {
  const lot = BigInt(listing.instrument.lot);
  const minimum = textOf(lot, 8);
  const fixed = scaledExactly(amount, 8);
  if (amount.unscaled <= 0n || (fixed !== undefined && fixed < lot))
    throw new ApiError("qty_too_low", { reason: `the minimum is ${minimum}`, param: "amount" });
  if (fixed === undefined || fixed % lot !== 0n)
    throw new ApiError("invalid_amount", { reason: `must be a multiple of ${minimum}`, param: "amount" });
  return safeCount(fixed / lot, "amount");
}

/** Lots from `amount` or `contracts`; when both are given they must agree. */
export function sizeOf(listing: Listing, amount: Decimal | undefined, contracts: Decimal | undefined): number {
  if (amount === undefined && contracts === undefined) throw invalidParameter("amount", "value required");
  const fromContracts =
    contracts === undefined
      ? undefined
      : { unscaled: contracts.unscaled * BigInt(listing.instrument.contract), decimals: contracts.decimals + 8 };
  const lots = lotsOf(listing, amount ?? fromContracts!);
  if (amount !== undefined && fromContracts !== undefined && lotsOf(listing, fromContracts) !== lots)
    throw invalidParameter("contracts", "must agree with amount");
  return lots;
}

/** Money of an asset in its smallest unit; refuses what is finer or not positive. */
export function moneyOf(genesis: Genesis, asset: number, amount: Decimal): bigint {
  const decimals = present(genesis.assets[asset], "an asset of genesis").decimals;
  const money = scaledExactly(amount, decimals);
  if (money === undefined || money <= 0n || amountUnitsMax < money)
    throw new ApiError("invalid_amount", {
      reason: `a positive number with at most ${decimals} decimals`,
      param: "amount",
    });
  return money;
}
const amountUnitsMax = 10n ** 30n;

function safeCount(count: bigint, param: string): number {
  if (BigInt(Number.MAX_SAFE_INTEGER) < count)
    throw param === "amount"
      ? new ApiError("invalid_amount", { reason: "too large", param })
      : invalidParameter(param, "too large");
  return Number(count);
}
