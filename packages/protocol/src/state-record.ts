/**
 * The records that the module roots in headers are over, and their keys: what the state of the exchange is to someone who has
 * only a proof of a part of it. The exchange makes the records and restores itself from them; a client decodes the few that it
 * asks for. Integers in keys are big endian, except in those of the ledger, which has only one kind.
 */
import {
  bool,
  encode,
  i128,
  i53,
  list,
  oneOf,
  optional,
  record,
  u16,
  u32,
  u53,
  u8,
  union,
  type Decoded,
} from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { selfMatchModes, volatilityNodesCount } from "./command.ts";
import { orderRecord, positionRecord } from "./event.ts";
import { instrument, instrumentStates } from "./instrument.ts";
import { moneyAmount, publicKey, time } from "./primitives.ts";

/** The modules in the order in which headers carry their roots. */
export const modules = ["ledger", "accounts", "orders", "positions", "market"] as const;
export type Module = (typeof modules)[number];

export const assetsCountMax = 32;

/** The balances of one account, one per asset of genesis. */
export const ledgerRecord = record({
  account: u32,
  /** Absent for the exchange's own accounts. */
  holder: optional(record({ owner: publicKey, subaccount: u16 })),
  balances: list(moneyAmount, assetsCountMax),
});
export const ledgerRecordKey = (account: number): Uint8Array => encode(u32, account);

export const accountRecord = record({
  owner: publicKey,
  subaccount: u16,
  selfMatch: oneOf(selfMatchModes),
  selfMatchAcrossSubaccounts: bool,
  feesPaid: list(moneyAmount, assetsCountMax),
  keys: list(
    record({ key: publicKey, scopes: u8, expiresAtMs: time, revokedAtMs: optional(time) }),
    limits.sessionKeysPerAccountCountMax,
  ),
});
export type AccountRecord = Decoded<typeof accountRecord>;

/** First byte of a key in the modules that hold several kinds of records. */
export const recordKinds = {
  accounts: { counters: 0, account: 1, nonces: 2 },
  orders: { order: 1, book: 2 },
  positions: { position: 1, liquidation: 2, funding: 3 },
  market: { market: 1, index: 2, curve: 3, validator: 4, listing: 5, quote: 6 },
} as const;

/** An open order. */
export const openOrderRecord = record({ order: orderRecord, goodTilMs: optional(time), priority: u53 });
export type OpenOrderRecord = Decoded<typeof openOrderRecord>;
export const openOrderRecordKey = (order: number): Uint8Array => numberedKey(recordKinds.orders.order, order, 8);

export const riskRecord = union({
  position: { tag: 1, fields: { position: positionRecord, fundingAccruedE12: i128 } },
  liquidation: { tag: 2, fields: { account: u32, asset: u8, nextStepMs: u53 } },
  /** Sum of the funding booked in this session over all positions of an instrument. */
  funding: { tag: 3, fields: { instrument: u32, asset: u8, sum: i128 } },
});
export type RiskRecord = Decoded<typeof riskRecord>;

/** `first` and `second`: account and instrument of a position, account and asset of a liquidation, the instrument of funding. */
export function riskRecordKey(kind: keyof typeof recordKinds.positions, first: number, second: number): Uint8Array {
  const key = numberedKey(recordKinds.positions[kind], first, 4, 4);
  writeNumber(key, 5, second, 4);
  return key;
}

const volatilities = list(u32, volatilityNodesCount);

export const marketRecord = union({
  market: { tag: 1, fields: { instrumentNext: u32, settledDay: i53, timeMs: u53, sampledMs: u53 } },
  index: {
    tag: 2,
    fields: { index: u16, price: u53, freshMs: u53, averageSum: i128, averageMs: u53, averageEndMs: u53 },
  },
  curve: {
    tag: 3,
    fields: {
      index: u16,
      expiryMs: u53,
      forward: u53,
      volatilitiesPpm: volatilities,
      freshMs: u53,
      markedMs: u53,
      moved: bool,
    },
  },
  validator: {
    tag: 4,
    fields: {
      validator: u16,
      sequence: u53,
      sourceMs: u53,
      indexes: list(record({ index: u16, price: u53 }), limits.priceItemsCountMax),
      curves: list(
        record({ index: u16, expiryMs: u53, forward: u53, volatilitiesPpm: volatilities }),
        limits.priceItemsCountMax,
      ),
    },
  },
  listing: { tag: 5, fields: { instrument, product: u16 } },
  quote: {
    tag: 6,
    fields: {
      instrument: u32,
      state: oneOf(instrumentStates),
      markPrice: u53,
      indexPrice: u53,
      volatilityPpm: u32,
      underlyingPrice: u53,
      premiumE11: i128,
      funding: optional(
        record({
          rateE12: i53,
          accruedE12: i128,
          rateSum: i128,
          readings: list(record({ timeMs: u53, rateSum: i128 }), 128),
        }),
      ),
      settlementPrice: optional(u53),
    },
  },
});
export type MarketRecord = Decoded<typeof marketRecord>;

/** `number`: of the index, validator or instrument; `expiryMs`: of a curve, else 0. */
export function marketRecordKey(kind: keyof typeof recordKinds.market, number = 0, expiryMs = 0): Uint8Array {
  const key = numberedKey(recordKinds.market[kind], number, 4, 8);
  writeNumber(key, 5, expiryMs, 8);
  return key;
}

/** A kind, a number of `size` bytes, and room for `more` bytes. */
export function numberedKey(kind: number, value: number, size: 4 | 8, more = 0): Uint8Array {
  const key = new Uint8Array(1 + size + more);
  key[0] = kind;
  writeNumber(key, 1, value, size);
  return key;
}

function writeNumber(key: Uint8Array, offset: number, value: number, size: 4 | 8): void {
  let rest = value;
  for (let index = offset + size - 1; offset <= index; index--) {
    key[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** The number that stands in a key; of eight bytes it may be beyond what is exact, and then is no number of a record. */
export function numberIn(key: Uint8Array, offset: number, size: 4 | 8): number {
  let value = 0;
  for (let index = offset; index < offset + size; index++) value = 256 * value + key[index]!;
  return value;
}
