/** Answers about the exchange as of its last block, for gateways and screens: read-only, computed when asked. */
import { toHex } from "@stoa/base/bytes";
import { money } from "@stoa/base/units";
import type { AssetId } from "@stoa/protocol/asset";
import { sides } from "@stoa/protocol/command";
import type {
  AccountView,
  BookView,
  CollateralView,
  ExchangeQuery,
  InstrumentView,
  PositionView,
} from "@stoa/protocol/view";
import { balanceOf } from "../ledger/post.ts";
import { estimatedDeliveryPrice } from "../market/averaging.ts";
import { bandOf } from "../market/band.ts";
import type { Listing } from "../market/state.ts";
import { buySide, sellSide, type BookSide } from "../matching/book.ts";
import { evaluate, figuresOfExposure, orderMargin } from "../risk/evaluation.ts";
import { exposuresOf, hasPosition, openInterestOf, type Exposure } from "../risk/exposure.ts";
import { fundingOfEightHoursE12 } from "../settlement/funding.ts";
import { openOrderValue, settlementValue } from "../terms.ts";
import type { Account } from "./account.ts";
import { isInLiquidation } from "./enter-order.ts";
import { orderRecordOf } from "./order.ts";
import { accountNumberOf, listingOf, positionRecordOf, type ExchangeState } from "./state.ts";

export function createQuery(state: ExchangeState): ExchangeQuery {
  const { market } = state;
  return {
    height: () => state.height,
    timeMs: () => state.timeMs,
    instruments: () => [...market.listings.values()].map((listing) => instrumentView(state, listing)),
    instrument: (id) => {
      const listing = market.listings.get(id);
      return listing === undefined ? undefined : instrumentView(state, listing);
    },
    book: (instrument, depth) => (market.listings.has(instrument) ? bookView(state, instrument, depth) : undefined),
    accountNumber: (owner, subaccount) => accountNumberOf(state, toHex(owner), subaccount),
    account: (account) => {
      const found = state.accounts.get(account);
      return found === undefined ? undefined : accountView(state, found);
    },
    subaccounts: (owner) => subaccountsOf(state, toHex(owner)),
    positions: (account) =>
      exposuresOf(state.risk, account)
        .filter(hasPosition)
        .map((exposure) => positionView(state, exposure)),
    order: (id) => {
      const order = state.orders.get(id);
      return order === undefined ? undefined : orderRecordOf(order, "open", "none");
    },
    openOrders: (account) =>
      (state.accounts.get(account)?.orders.inOrder() ?? []).map((order) => orderRecordOf(order, "open", "none")),
    indexPrice: (index) => market.indexes[index]?.price,
    orderMargin: (instrument, priceTicks, sizeLots) => orderMargins(state, instrument, priceTicks, sizeLots),
  };
}

function instrumentView(state: ExchangeState, listing: Listing): InstrumentView {
  const { terms, funding } = listing;
  const { id } = terms.instrument;
  const band = bandOf(listing);
  return {
    instrument: terms.instrument,
    state: listing.state,
    markPrice: listing.markPrice,
    indexPrice: listing.indexPrice,
    volatilityPpm: listing.volatilityPpm,
    underlyingPrice: terms.isOption ? listing.underlyingPrice : 0,
    openInterestLots: openInterestOf(state.risk, id),
    priceTicksMin: band.minTicks,
    priceTicksMax: band.maxTicks,
    fundingRateE12: funding?.rateE12 ?? 0,
    funding8hE12: funding === undefined ? 0 : fundingOfEightHoursE12(funding, state.timeMs),
    lastTradeTicks: state.books.get(id)?.lastTradeTicks,
    settlementPrice: listing.settlementPrice,
    estimatedDeliveryPrice: estimatedDeliveryPrice(state.market, listing),
  };
}

function bookView(state: ExchangeState, instrument: number, depth: number): BookView {
  return {
    bids: levelsOf(state, instrument, buySide, depth),
    asks: levelsOf(state, instrument, sellSide, depth),
  };
}

function levelsOf(
  state: ExchangeState,
  instrument: number,
  side: BookSide,
  depth: number,
): readonly (readonly [number, number])[] {
  const levels: (readonly [number, number])[] = [];
  if (depth <= 0) return levels;
  state.books.get(instrument)?.book.forEachLevel(side, (priceTicks, lots) => {
    levels.push([priceTicks, lots]);
    return levels.length < depth;
  });
  return levels;
}

function accountView(state: ExchangeState, account: Account): AccountView {
  const { number, owner, subaccount, selfMatch, selfMatchAcrossSubaccounts } = account;
  const keys = [...account.keys.values()].filter(({ revokedAtMs }) => revokedAtMs === undefined);
  return {
    account: number,
    owner,
    subaccount,
    selfMatch,
    selfMatchAcrossSubaccounts,
    collateral: state.genesis.assets.map((_, asset) => collateralView(state, account, asset as AssetId)),
    keys: keys.map(({ key, scopes, expiresAtMs }) => ({ key, scopes, expiresAtMs })),
  };
}

function collateralView(state: ExchangeState, { number, feesPaid }: Account, asset: AssetId): CollateralView {
  const balance = balanceOf(state.ledger, number, asset);
  const figures = evaluate(state.risk, state.market, { account: number, asset, balance });
  return {
    asset,
    balance,
    marginBalance: figures.marginBalance,
    equity: figures.equity,
    optionsValue: figures.optionsValue,
    sessionUnrealized: figures.sessionUnrealized,
    sessionRealized: figures.sessionRealized,
    sessionFunding: figures.sessionFunding,
    initialMargin: figures.initial,
    maintenanceMargin: figures.maintenance,
    openOrdersMargin: figures.openOrdersMargin,
    availableFunds: figures.availableFunds,
    availableWithdrawalFunds: figures.availableWithdrawalFunds,
    feesPaid: feesPaid[asset] ?? 0n,
    inLiquidation: isInLiquidation(state, number, asset),
  };
}

function subaccountsOf(state: ExchangeState, ownerHex: string): readonly number[] {
  const found: number[] = [];
  for (const account of state.accounts.values()) if (account.ownerHex === ownerHex) found.push(account.subaccount);
  return found.sort((left, right) => left - right);
}

function positionView(state: ExchangeState, exposure: Exposure): PositionView {
  const figures = figuresOfExposure(exposure, state.market);
  const { account, instrument, terms, sizeLots } = exposure;
  const value = settlementValue(terms, sizeLots, listingOf(state, instrument).markPrice);
  return {
    // Funding up to now: booked or not, it is part of what the account's margin counts.
    position: { ...positionRecordOf(state, account, instrument), sessionFunding: money(figures.sessionFunding) },
    initialMargin: figures.initialPosition,
    maintenanceMargin: figures.maintenance,
    openOrdersMargin: figures.initial - figures.initialPosition,
    unrealized: value - exposure.entryValue,
    sessionUnrealized: value - exposure.sessionValue,
    value,
  };
}

function orderMargins(
  state: ExchangeState,
  instrument: number,
  priceTicks: number,
  sizeLots: number,
): readonly [bigint, bigint] {
  const listing = state.market.listings.get(instrument);
  if (listing === undefined || listing.indexPrice === 0) return [0n, 0n];
  const { terms } = listing;
  const [buy, sell] = sides.map((side) => {
    const value = openOrderValue(terms, side, sizeLots, Math.max(1, priceTicks));
    return orderMargin(state.market, terms, { side, lots: sizeLots, value });
  });
  return [buy!, sell!];
}
