/**
 * The beginning of a chain: validators and stakes, assets, markets and their parameters, the calendar, first balances. Its
 * digest is the chain id that every signature covers.
 */
import {
  bool,
  decode,
  encode,
  i53,
  list,
  oneOf,
  record,
  text,
  u16,
  u32,
  u53,
  u8,
  union,
  type Decoded,
} from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { asset } from "./asset.ts";
import { instrumentKinds } from "./command.ts";
import { blsPublicKey, blsSignature, fixedPrice, moneyAmount, publicKey, time } from "./primitives.ts";

export const validator = record({ name: text(64), key: publicKey, stake: u53 });
export type Validator = Decoded<typeof validator>;

/** How votes become certificates, and what that needs to know of each validator, in their order. */
const certificates = union({
  "ed25519-list": { tag: 1, fields: {} },
  "bls-multisig": {
    tag: 2,
    fields: { keys: list(record({ key: blsPublicKey, possession: blsSignature }), limits.validatorsCountMax) },
  },
});

/** Standard margin of futures and perpetuals: rate = base + size · slope, the size in whole base coins (exchange.md 2.2). */
const futureMargin = record({
  initialBasePpm: u32,
  maintenanceBasePpm: u32,
  /** Parts per million per whole base coin of position. */
  slopePpm: u32,
});

/** Standard margin of options: the three constants of exchange.md 2.1. */
const optionMargin = record({ initialPpm: u32, initialFloorPpm: u32, maintenancePpm: u32 });

/** One listed family: what is listed, how it ticks, what it costs, how it is margined. */
export const product = record({
  kind: oneOf(instrumentKinds),
  /** Start of every name in the family: `BTC` or `BTC_USDC`. */
  prefix: text(32),
  base: u8,
  settlement: u8,
  inverse: bool,
  index: u16,
  tick: fixedPrice,
  tickSteps: list(record({ above: fixedPrice, tick: fixedPrice }), 8),
  lot: fixedPrice,
  contract: fixedPrice,
  makerFeePpm: i53,
  takerFeePpm: i53,
  /** Options: the fee never exceeds this part of the premium (125,000 = 12.5 %). Otherwise 1,000,000. */
  feeCapPpm: u32,
  /** Perpetuals: the cap of the 8-hour funding rate. */
  fundingCapPpm: u32,
  /** Limit prices must lie within this part of the mark price (options: of the index, in coin). */
  bandPpm: u32,
  futureMargin,
  optionMargin,
  /** How many calendar days ahead an expiry is kept listed, one entry per live expiry: [1, 2, 7, 14]. */
  expiryDays: list(u16, 16),
  /** Options: strikes on each side of the money, and their spacing in 1e-8 of the quote unit. */
  strikesPerSide: u16,
  strikeSpacing: fixedPrice,
});
export type Product = Decoded<typeof product>;

export const genesisCodec = record({
  formatVersion: u16,
  chainName: text(64),
  timeMs: time,
  validators: list(validator, limits.validatorsCountMax),
  certificates,
  assets: list(asset, 32),
  /** Price indexes such as `btc_usd`, each the price of `base` in dollars. */
  indexes: list(record({ name: text(32), base: u8, initialPrice: fixedPrice }), 64),
  products: list(product, 128),
  calendar: record({
    /** The length of a calendar day; 86,400,000 except on a devnet that shortens it. Settlement and expiry stand at its end. */
    dayMs: u53,
    /** Offset of the settlement instant from midnight UTC within the day (08:00 is 28,800,000). */
    settlementOffsetMs: u53,
    /** Length of the averaging window before an expiry (30 minutes is 1,800,000). */
    averagingMs: u53,
  }),
  prices: record({
    /** A validator's price message older than this no longer counts. */
    ageMsMax: u53,
    /** With less than a quorum of fresh stake for this long, the instruments of the index are locked. */
    staleMsMax: u53,
  }),
  liquidation: record({
    /** Part of the position closed per step, and the pause between steps. */
    stepPpm: u32,
    stepIntervalMs: u53,
    feePpm: u32,
  }),
  faucet: record({ enabled: bool, amountMax: list(record({ asset: u8, amount: moneyAmount }), 32) }),
  balances: list(record({ account: publicKey, subaccount: u16, asset: u8, amount: moneyAmount }), 10_000),
  insurance: list(record({ asset: u8, amount: moneyAmount }), 32),
});
export type Genesis = Decoded<typeof genesisCodec>;

export const encodeGenesis = (genesis: Genesis): Uint8Array => encode(genesisCodec, genesis);
export const decodeGenesis = (bytes: Uint8Array): Genesis | undefined =>
  bytes.length <= limits.genesisSizeMax ? decode(genesisCodec, bytes) : undefined;

/** The digest of genesis, covered by every signature on the chain. */
export function chainIdOf(genesis: Genesis): Digest {
  return taggedHash("STOA1/genesis", encodeGenesis(genesis));
}
