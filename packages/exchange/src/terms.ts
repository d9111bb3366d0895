/**
 * The integer arithmetic of one instrument: prices, values, ticks, fees. Everything that turns a price into money is here,
 * so that one fill has one value wherever it is looked at. Relies on the specification of the instrument alone; knows
 * nothing of accounts, books or time.
 *
 * Value of `lots` at `price`, in the smallest unit of the settlement asset, always rounded down (towards minus infinity):
 *
 *   linear futures and perpetuals    + lots · lot · price
 *   inverse futures and perpetuals   − lots · lot / price
 *   options                          + lots · lot · premium
 *
 * The profit of a position is the value of its size at the mark less the sum of the values at which it was entered. A fill
 * has one integer value: the buyer's sums grow by it, the seller's shrink by it, so fills neither make nor lose money.
 */
import { assert, present } from "@stoa/base/assert";
import { priceE8, ticks as toTicks, type Lots, type PriceE8, type Ticks } from "@stoa/base/units";
import type { Asset } from "@stoa/protocol/asset";
import type { Side } from "@stoa/protocol/command";
import type { Product } from "@stoa/protocol/genesis";
import type { Instrument } from "@stoa/protocol/instrument";

/** An instrument with what its arithmetic needs, computed once at listing. */
export interface InstrumentTerms {
  readonly instrument: Instrument;
  readonly product: Product;
  /** Smallest units in one whole settlement asset: 10^decimals. */
  readonly unit: bigint;
  readonly lot: bigint;
  readonly isOption: boolean;
}

/** What the market says of an instrument now; all prices in 1e-8 of their quote unit. */
export interface Quotation {
  readonly terms: InstrumentTerms;
  /** Changes whenever anything else here does. */
  readonly version: number;
  /** 0 while unknown. Options: in the quote unit of their price (coin when inverse). */
  readonly markPrice: number;
  readonly indexPrice: number;
  /** Perpetuals: funding paid by one long lot since listing, in 1e-12 of the smallest unit. */
  readonly fundingAccruedE12: bigint;
}

/** Quotations by instrument. The `version` of all changes whenever that of one does. */
export interface Quotations {
  readonly version: number;
  readonly quotation: (instrument: number) => Quotation;
}

/** Funding of one perpetual: kept by the market with its other prices, advanced by settlement. */
export interface FundingState {
  /** The 8-hour rate that holds until the next sample, in 1e-12. */
  rateE12: number;
  /** What one long lot has paid since listing, in 1e-12 of the smallest unit. */
  accruedE12: bigint;
  /** Sum of rate times milliseconds, and readings of it, oldest first, for the mean of the last eight hours. */
  rateSum: bigint;
  readings: readonly { readonly timeMs: number; readonly rateSum: bigint }[];
}

export const createFunding = (timeMs: number): FundingState => ({
  rateE12: 0,
  accruedE12: 0n,
  rateSum: 0n,
  readings: [{ timeMs, rateSum: 0n }],
});

/** The sums that one account carries in one instrument (money in smallest units, signs as `settlementValue` gives them). */
export interface PositionSums {
  readonly account: number;
  readonly instrument: number;
  readonly sizeLots: number;
  readonly entryValue: bigint;
  readonly sessionValue: bigint;
  readonly sessionRealized: bigint;
  readonly sessionFunding: bigint;
  readonly totalRealized: bigint;
}

export const e8 = 100_000_000n;
export const ppm = 1_000_000n;

export function termsOf(instrument: Instrument, product: Product, assets: readonly Asset[]): InstrumentTerms {
  const { decimals } = present(assets[instrument.settlement], "an instrument settles in an asset of genesis");
  return {
    instrument,
    product,
    unit: powerOfTen(decimals),
    lot: BigInt(instrument.lot),
    isOption: instrument.kind === "option",
  };
}

export function powerOfTen(exponent: number): bigint {
  let power = 1n;
  for (let count = 0; count < exponent; count++) power *= 10n;
  return power;
}

/** Quotient rounded towards minus infinity. */
export function floorDivide(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator !== 0n && numerator < 0n !== denominator < 0n ? quotient - 1n : quotient;
}

/** Quotient rounded towards plus infinity. */
export function ceilingDivide(numerator: bigint, denominator: bigint): bigint {
  return -floorDivide(-numerator, denominator);
}

export const smallerOf = (left: bigint, right: bigint): bigint => (left < right ? left : right);
export const largerOf = (left: bigint, right: bigint): bigint => (left < right ? right : left);
export const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** The price that a count of base ticks stands for. */
export function priceOfTicks(terms: InstrumentTerms, ticks: number): PriceE8 {
  return priceE8(ticks * terms.instrument.tick);
}

/** Settlement value of `lots` (negative: sold) at a price in 1e-8, rounded down. The price of a future is not zero. */
export function settlementValue(terms: InstrumentTerms, lots: number, price: number): bigint {
  if (lots === 0) return 0n;
  const amount = BigInt(lots) * terms.lot;
  if (terms.isOption || !terms.instrument.inverse) {
    return floorDivide(amount * BigInt(price) * terms.unit, e8 * e8);
  }
  assert(0 < price, "an inverse contract has a positive price");
  return floorDivide(-amount * terms.unit, BigInt(price));
}

/** Value of a fill of `lots` (positive) at a price in ticks, as the buyer books it. */
export function fillValue(terms: InstrumentTerms, lots: Lots | number, ticks: Ticks | number): bigint {
  return settlementValue(terms, lots, priceOfTicks(terms, ticks));
}

/**
 * Notional of `lots` (positive) in the settlement asset, as an exact fraction: coins for inverse instruments, amount times
 * price otherwise; for options of the underlying at `underlyingPrice`, whatever the premium.
 */
export function notionalFraction(
  terms: InstrumentTerms,
  lots: number,
  price: number,
): { readonly numerator: bigint; readonly denominator: bigint } {
  const amount = BigInt(lots) * terms.lot;
  if (!terms.instrument.inverse) return { numerator: amount * BigInt(price) * terms.unit, denominator: e8 * e8 };
  if (terms.isOption) return { numerator: amount * terms.unit, denominator: e8 };
  return { numerator: amount * terms.unit, denominator: BigInt(price) };
}

export type FeeRole = "maker" | "taker";

/**
 * Fee of one side of a fill in smallest units: rate times notional, for options at most the capped part of the premium.
 * Rounded up, which is against the user for a fee and for a rebate (a negative fee) alike.
 */
export function feeOf(
  terms: InstrumentTerms,
  fill: { readonly lots: number; readonly ticks: number; readonly indexPrice: number; readonly role: FeeRole },
): bigint {
  const { instrument, product } = terms;
  const rate = BigInt(fill.role === "maker" ? instrument.makerFeePpm : instrument.takerFeePpm);
  const { lots, indexPrice } = fill;
  const price = priceOfTicks(terms, fill.ticks);
  return feeAtRate(terms, { lots, price, indexPrice, ratePpm: rate, capPpm: BigInt(product.feeCapPpm) });
}

/** The same at a given rate: what liquidations use. */
export function feeAtRate(
  terms: InstrumentTerms,
  fill: {
    readonly lots: number;
    readonly price: number;
    readonly indexPrice: number;
    readonly ratePpm: bigint;
    readonly capPpm: bigint;
  },
): bigint {
  const { price } = fill;
  const { numerator, denominator } = notionalFraction(terms, fill.lots, terms.isOption ? fill.indexPrice : price);
  const fee = ceilingDivide(numerator * fill.ratePpm, denominator * ppm);
  if (!terms.isOption) return fee;
  const amount = BigInt(fill.lots) * terms.lot;
  const capNumerator = amount * BigInt(price) * terms.unit * fill.capPpm;
  return fee < 0n
    ? largerOf(fee, ceilingDivide(-capNumerator, e8 * e8 * ppm))
    : smallerOf(fee, ceilingDivide(capNumerator, e8 * e8 * ppm));
}

/**
 * What an order counts for while it is open: the settlement value of its lots at its price; for buys of options with the
 * fee that they may cost, since a premium may be all that an account has. Depends on nothing that moves, so that what an
 * order adds it takes away again.
 */
export function openOrderValue(terms: InstrumentTerms, side: Side, lots: number, ticks: number): bigint {
  const value = fillValue(terms, lots, ticks);
  return terms.isOption && side === "buy" ? value + optionFeeMax(terms, lots, value) : value;
}

/** The most that buying options may cost in fees: the higher rate on the coins (inverse), the capped part of the premium. */
function optionFeeMax(terms: InstrumentTerms, lots: number, premium: bigint): bigint {
  const { instrument, product } = terms;
  const rate = Math.max(instrument.makerFeePpm, instrument.takerFeePpm, 0);
  const capped = ceilingDivide(premium * BigInt(product.feeCapPpm), ppm);
  if (!instrument.inverse) return rate === 0 ? 0n : capped;
  return smallerOf(capped, ceilingDivide(BigInt(lots) * terms.lot * terms.unit * BigInt(rate), e8 * ppm));
}

/** The price increment that holds at a price, in base ticks: that of the highest step whose `above` lies below the price. */
export function tickAt(instrument: Instrument, ticks: number): number {
  const price = ticks * instrument.tick;
  let tick: number = instrument.tick;
  for (const step of instrument.tickSteps) if (step.above < price) tick = step.tick;
  return tick / instrument.tick;
}

export function isOnTick(instrument: Instrument, ticks: number): boolean {
  return ticks % tickAt(instrument, ticks) === 0;
}

/** The largest price on the grid that is not above `ticks` (which may be off the grid). */
export function floorToTick(instrument: Instrument, ticks: number): Ticks {
  let candidate = ticks;
  while (!isOnTick(instrument, candidate)) {
    const tick = tickAt(instrument, candidate);
    candidate = Math.floor(candidate / tick) * tick;
  }
  return toTicks(candidate);
}

/** The smallest price on the grid that is not below `ticks`. */
export function ceilToTick(instrument: Instrument, ticks: number): Ticks {
  let candidate = ticks;
  while (!isOnTick(instrument, candidate)) {
    const tick = tickAt(instrument, candidate);
    candidate = Math.ceil(candidate / tick) * tick;
  }
  return toTicks(candidate);
}

/** The next price on the grid below or above: one tick inside the spread, for post-only orders that are repriced. */
export const nextTickBelow = (instrument: Instrument, ticks: number): Ticks => floorToTick(instrument, ticks - 1);
export const nextTickAbove = (instrument: Instrument, ticks: number): Ticks => ceilToTick(instrument, ticks + 1);
