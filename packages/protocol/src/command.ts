/**
 * Signed commands: everything that anyone can ask of the exchange. The signature covers `STOA1/command`, the chain, the
 * account, the key, the nonce, the expiry and the body, so that bytes signed for one purpose serve no other. A command is
 * named by its digest; the same bytes resubmitted are the same command and have the same answer.
 */
import {
  bool,
  decode,
  encode,
  fixedBytes,
  list,
  oneOf,
  optional,
  record,
  text,
  u16,
  u32,
  u53,
  u64,
  u8,
  union,
  type Decoded,
} from "@stoa/base/codec";
import { concatBytes, toUtf8 } from "@stoa/base/bytes";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { fixedPrice, positiveMoney, priceTicks, publicKey, signature, sizeLots, time } from "./primitives.ts";

export const sides = ["buy", "sell"] as const;
export type Side = (typeof sides)[number];

export const orderTypes = ["limit", "market"] as const;
export type OrderType = (typeof orderTypes)[number];

/** good-til-time orders (GTD) carry `goodTilMs` and leave the book in the first block at or after that time. */
export const timesInForce = ["good-til-cancelled", "good-til-time", "immediate-or-cancel", "fill-or-kill"] as const;
export type TimeInForce = (typeof timesInForce)[number];

/** `reprice` moves a crossing price to one tick inside the spread; `reject` refuses the order. */
export const postOnlyModes = ["off", "reprice", "reject"] as const;
export type PostOnlyMode = (typeof postOnlyModes)[number];

export const instrumentKinds = ["perpetual", "future", "option"] as const;
export type InstrumentKind = (typeof instrumentKinds)[number];

export const selfMatchModes = ["reject-taker", "cancel-maker"] as const;
export type SelfMatchMode = (typeof selfMatchModes)[number];

/**
 * Bits of a session key's authority. The account's own key has all of them, and only it may change keys. `transfer` moves
 * money between accounts of one owner; to anyone else it takes `withdraw`.
 */
export const scopes = { read: 1, trade: 2, withdraw: 4, transfer: 8 } as const;
export const scopesAll = 15;

export const orderId = u53;
export const label = text(limits.labelSizeMax);

const placeFields = {
  instrument: u32,
  side: oneOf(sides),
  type: oneOf(orderTypes),
  timeInForce: oneOf(timesInForce),
  postOnly: oneOf(postOnlyModes),
  reduceOnly: bool,
  /** For a market order: the worst price the client accepts; absent means the instrument's price band. */
  priceTicks: optional(priceTicks),
  sizeLots,
  goodTilMs: optional(time),
  label,
} as const;

const editFields = {
  order: orderId,
  /** The new total size, including what has been filled. */
  sizeLots,
  priceTicks: optional(priceTicks),
  postOnly: optional(oneOf(postOnlyModes)),
  reduceOnly: optional(bool),
} as const;

const cancelFields = { order: orderId } as const;

/** Absent fields match everything; given fields must all match. `orders`, when not empty, lists the only candidates. */
const cancelAllFields = {
  instrument: optional(u32),
  /** Settlement currency or base currency, as an asset index of genesis. */
  currency: optional(u8),
  instrumentKind: optional(oneOf(instrumentKinds)),
  type: optional(oneOf(["limit", "quote"] as const)),
  label: optional(label),
  quoteSet: optional(label),
  orders: list(orderId, limits.openOrdersPerAccountCountMax),
} as const;

const quoteSideCodec = record({ priceTicks, sizeLots });
const quoteEntry = record({
  instrument: u32,
  quoteSet: label,
  /** An absent side keeps the standing quote; a size of zero removes it. */
  bid: optional(quoteSideCodec),
  ask: optional(quoteSideCodec),
  postOnly: oneOf(postOnlyModes),
});

const massQuoteFields = { quoteId: label, entries: list(quoteEntry, limits.commandPartsCountMax) } as const;

/** The bodies that act on orders; several of them may travel under one signature. */
const orderBodies = {
  place: { tag: 1, fields: placeFields },
  edit: { tag: 2, fields: editFields },
  cancel: { tag: 3, fields: cancelFields },
  cancelAll: { tag: 4, fields: cancelAllFields },
} as const;

const orderBody = union(orderBodies);
export type OrderBody = Decoded<typeof orderBody>;

export const volatilityNodesCount = 5;
/**
 * One validator's view of the outside world. Volatilities stand at standardised log-moneyness
 * x = ln(K/F)/sqrt(T in years) = -1, -1/2, 0, 1/2, 1, in parts per million per square-root year.
 */
const priceFields = {
  sequence: u53,
  sourceMs: time,
  indexes: list(record({ index: u16, price: fixedPrice }), limits.priceItemsCountMax),
  curves: list(
    record({
      index: u16,
      expiryMs: time,
      forward: fixedPrice,
      volatilitiesPpm: list(u32, volatilityNodesCount),
    }),
    limits.priceItemsCountMax,
  ),
} as const;

export const commandBody = union({
  ...orderBodies,
  /** Order bodies applied in sequence; each succeeds or is refused on its own. */
  batch: { tag: 5, fields: { parts: list(orderBody, limits.commandPartsCountMax) } },
  massQuote: { tag: 6, fields: massQuoteFields },
  /** Between sub-accounts of one owner, or to another owner's account. */
  transfer: {
    tag: 16,
    fields: { target: publicKey, targetSubaccount: u16, asset: u8, amount: positiveMoney },
  },
  withdraw: { tag: 17, fields: { asset: u8, amount: positiveMoney, address: text(limits.addressSizeMax) } },
  authorizeKey: { tag: 18, fields: { sessionKey: publicKey, scopes: u8, expiresAtMs: time } },
  revokeKey: { tag: 19, fields: { sessionKey: publicKey } },
  configureAccount: { tag: 20, fields: { selfMatch: oneOf(selfMatchModes), selfMatchAcrossSubaccounts: bool } },
  /** Devnet only: credits the signing account; refused where genesis has no faucet. */
  faucet: { tag: 32, fields: { asset: u8, amount: positiveMoney } },
  /** Validators only: `account` and `key` are the validator's identity key. */
  prices: { tag: 33, fields: priceFields },
});

export type CommandBody = Decoded<typeof commandBody>;
export type PlaceBody = Extract<CommandBody, { kind: "place" }>;
export type EditBody = Extract<CommandBody, { kind: "edit" }>;
export type CancelBody = Extract<CommandBody, { kind: "cancel" }>;
export type CancelAllBody = Extract<CommandBody, { kind: "cancelAll" }>;
export type MassQuoteBody = Extract<CommandBody, { kind: "massQuote" }>;
export type QuoteEntry = Decoded<typeof quoteEntry>;
export type PricesBody = Extract<CommandBody, { kind: "prices" }>;

const unsignedFields = {
  chainId: fixedBytes(32),
  account: publicKey,
  subaccount: u16,
  /** The account's own key, or a session key it has authorised. */
  key: publicKey,
  nonce: u64,
  expiresAtMs: time,
  body: commandBody,
} as const;

const unsignedCommand = record(unsignedFields);
export type UnsignedCommand = Decoded<typeof unsignedCommand>;

export const command = record({ ...unsignedFields, signature });
export type Command = Decoded<typeof command>;

const signDomain = toUtf8("STOA1/command\0");

/** What a key signs. */
export function commandSignBytes(unsigned: UnsignedCommand): Uint8Array {
  return concatBytes(signDomain, encode(unsignedCommand, unsigned));
}

/** The sign bytes of an encoded command, without decoding it: everything but the trailing signature. */
export function signBytesOfEncoded(encoded: Uint8Array): Uint8Array {
  return concatBytes(signDomain, encoded.subarray(0, encoded.length - 64));
}

/** The name of a command: the digest of its whole encoding, signature included. */
export function commandDigest(encoded: Uint8Array): Digest {
  return taggedHash("STOA1/command-digest", encoded);
}

/** Decodes a command from outside; `undefined` when the bytes are too long or not canonical. */
export function decodeCommand(encoded: Uint8Array): Command | undefined {
  return encoded.length <= limits.commandSizeMax ? decode(command, encoded) : undefined;
}
