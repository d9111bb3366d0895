/**
 * Read-only views of the exchange's state, computed on demand by `exchange/machine/query.ts` and served by gateways. They
 * have no bytes: what must be proved travels as events and roots. Money is in the smallest unit of its asset.
 */
import type { AssetId } from "./asset.ts";
import type { Instrument, InstrumentState } from "./instrument.ts";
import type { OrderRecord, PositionRecord } from "./event.ts";
import type { SelfMatchMode } from "./command.ts";

export interface InstrumentView {
  readonly instrument: Instrument;
  readonly state: InstrumentState;
  /** 1e-8 of the quote unit; 0 while unknown. */
  readonly markPrice: number;
  readonly indexPrice: number;
  /** Options: mark volatility in ppm and the forward in 1e-8; otherwise 0. */
  readonly volatilityPpm: number;
  readonly underlyingPrice: number;
  /** Total of long positions, in lots. */
  readonly openInterestLots: number;
  /** Legal limit prices now, in ticks. */
  readonly priceTicksMin: number;
  readonly priceTicksMax: number;
  /** Perpetuals: the current 8-hour rate in 1e-12, and the sum over the last eight hours. */
  readonly fundingRateE12: number;
  readonly funding8hE12: number;
  readonly lastTradeTicks: number | undefined;
  /** The price of the last daily settlement, 1e-8. */
  readonly settlementPrice: number | undefined;
  /** Expiring instruments: the average so far inside the window, else the index; 1e-8. */
  readonly estimatedDeliveryPrice: number;
}

export interface BookView {
  /** Best first: [price in ticks, size in lots]. */
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
}

/** One account in one settlement asset. Identities as in api.md finding 14. */
export interface CollateralView {
  readonly asset: AssetId;
  readonly balance: bigint;
  /** balance + session profit of futures and perpetuals, realised and not, + session funding. */
  readonly marginBalance: bigint;
  /** marginBalance + optionsValue. */
  readonly equity: bigint;
  readonly optionsValue: bigint;
  readonly sessionUnrealized: bigint;
  readonly sessionRealized: bigint;
  readonly sessionFunding: bigint;
  readonly initialMargin: bigint;
  readonly maintenanceMargin: bigint;
  /** The part of initialMargin that open orders cause. */
  readonly openOrdersMargin: bigint;
  readonly availableFunds: bigint;
  readonly availableWithdrawalFunds: bigint;
  readonly feesPaid: bigint;
  readonly inLiquidation: boolean;
}

export interface PositionView {
  readonly position: PositionRecord;
  readonly initialMargin: bigint;
  readonly maintenanceMargin: bigint;
  readonly openOrdersMargin: bigint;
  /** Profit of the open position at mark since it was opened, and since the last settlement. */
  readonly unrealized: bigint;
  readonly sessionUnrealized: bigint;
  /** Value of the position at mark. */
  readonly value: bigint;
}

export interface AccountView {
  readonly account: number;
  readonly owner: Uint8Array;
  readonly subaccount: number;
  readonly selfMatch: SelfMatchMode;
  readonly selfMatchAcrossSubaccounts: boolean;
  readonly collateral: readonly CollateralView[];
  readonly keys: readonly { readonly key: Uint8Array; readonly scopes: number; readonly expiresAtMs: number }[];
}

/** What a gateway may ask of the exchange it follows. Every answer is of one height: the last executed block. */
export interface ExchangeQuery {
  readonly height: () => number;
  readonly timeMs: () => number;
  readonly instruments: () => readonly InstrumentView[];
  readonly instrument: (id: number) => InstrumentView | undefined;
  readonly book: (instrument: number, depth: number) => BookView | undefined;
  readonly accountNumber: (owner: Uint8Array, subaccount: number) => number | undefined;
  readonly account: (account: number) => AccountView | undefined;
  readonly subaccounts: (owner: Uint8Array) => readonly number[];
  readonly positions: (account: number) => readonly PositionView[];
  readonly order: (order: number) => OrderRecord | undefined;
  readonly openOrders: (account: number) => readonly OrderRecord[];
  readonly indexPrice: (index: number) => number | undefined;
  /** Initial margin that a new order would need, for `private/get_margins`: [buy, sell]. */
  readonly orderMargin: (instrument: number, priceTicks: number, sizeLots: number) => readonly [bigint, bigint];
}
