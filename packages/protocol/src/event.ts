/**
 * What the exchange says happened: a closed union with canonical bytes. Events are the only way out of the exchange; books,
 * histories, positions and statements are projections of them. Accounts are named by their number (`accountOpened` ties it
 * to a key), instruments by theirs (`instrumentListed`).
 *
 * Money follows one sign rule: a change is positive when the account gains.
 */
import {
  bool,
  decodeOrThrow,
  encode,
  i53,
  firstByteAt,
  itemAt,
  ItemsWriter,
  list,
  oneOf,
  optional,
  record,
  text,
  u16,
  u32,
  u53,
  u8,
  union,
  type Decoded,
  type EncodedItems,
} from "@stoa/base/codec";
import { concatBytes } from "@stoa/base/bytes";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { merkleRoot, merkleRootOfItems } from "@stoa/base/merkle";
import { label, orderId, orderTypes, postOnlyModes, selfMatchModes, sides, timesInForce } from "./command.ts";
import { instrument, instrumentStates } from "./instrument.ts";
import { digest, fixedPrice, moneyAmount, priceTicks, publicKey, signedLots, sizeLots, time } from "./primitives.ts";
import { refusalReasons } from "./reason.ts";

/** Number of a (key, sub-account) pair, given in order of first appearance, from 1. */
export const accountNumber = u32;

export const orderStates = ["open", "filled", "cancelled", "rejected"] as const;
export type OrderState = (typeof orderStates)[number];

export const cancelReasons = [
  "none",
  "user-request",
  "immediate-or-cancel",
  "fill-or-kill",
  "good-til-time",
  "self-match",
  "reduce-only",
  "liquidation",
  "expiry",
  "orders-met-max",
] as const;
export type CancelReason = (typeof cancelReasons)[number];

/** Everything a client may know of an order, after a change to it. */
export const orderRecord = record({
  order: orderId,
  account: accountNumber,
  instrument: u32,
  side: oneOf(sides),
  type: oneOf(orderTypes),
  timeInForce: oneOf(timesInForce),
  postOnly: oneOf(postOnlyModes),
  reduceOnly: bool,
  /** Limit price; of a market order, the protective price it ran with. */
  priceTicks,
  sizeLots,
  filledLots: sizeLots,
  /** Sum over fills of price in ticks times lots: the average price is this divided by `filledLots`. */
  filledTicksLots: moneyAmount,
  /** Fees paid so far, in the settlement asset's smallest unit. */
  feePaid: moneyAmount,
  state: oneOf(orderStates),
  cancelReason: oneOf(cancelReasons),
  label,
  /** Set for mass quotes: the quote set, and the id of the last mass quote that touched it. */
  quoteSet: optional(label),
  quoteId: optional(label),
  liquidation: bool,
  replaced: bool,
  createdMs: time,
  updatedMs: time,
});
export type OrderRecord = Decoded<typeof orderRecord>;

const tradeSide = record({
  account: accountNumber,
  order: orderId,
  label,
  orderType: oneOf(orderTypes),
  postOnly: oneOf(postOnlyModes),
  reduceOnly: bool,
  liquidation: bool,
  /** In the settlement asset's smallest unit; negative is a rebate. */
  fee: moneyAmount,
  /** Profit realised by the part of this fill that reduced a position, before fees. */
  realized: moneyAmount,
});

export const positionRecord = record({
  account: accountNumber,
  instrument: u32,
  /** Negative when short. */
  sizeLots: signedLots,
  /** Sum of settlement values of the open position at entry since it was opened; sign as `settlementValue` defines it. */
  entryValue: moneyAmount,
  /** The same since the last settlement: what session profit is measured against. */
  sessionValue: moneyAmount,
  /** Realised in this session and not yet in the balance (futures and perpetuals). */
  sessionRealized: moneyAmount,
  /** Funding of this session, not yet in the balance. */
  sessionFunding: moneyAmount,
  /** Realised since the position was opened. */
  totalRealized: moneyAmount,
});
export type PositionRecord = Decoded<typeof positionRecord>;

/** Why a balance changed; the words of the transaction log. */
export const entryCauses = [
  "genesis",
  "faucet",
  "trade-fee",
  "option-premium",
  "settlement",
  "delivery",
  "transfer-in",
  "transfer-out",
  "withdrawal",
  "liquidation-fee",
  "insurance",
  "socialized-loss",
  "rounding",
] as const;
export type EntryCause = (typeof entryCauses)[number];

export const settlementTypes = ["settlement", "delivery", "bankruptcy"] as const;

const eventCases = {
  /** The answer to a command (or, in a batch or mass quote, to one part) that was refused; nothing changed. */
  refused: {
    tag: 1,
    fields: {
      command: digest,
      account: accountNumber,
      part: u16,
      reason: oneOf(refusalReasons),
      /** The bound that was broken, in the unit of what was refused (a price limit in ticks, an account number ...). */
      limit: optional(i53),
    },
  },
  /** The answer to a command that was carried out and has no more specific event of its own. */
  accepted: { tag: 2, fields: { command: digest, account: accountNumber, part: u16, count: u32 } },
  accountOpened: { tag: 3, fields: { account: accountNumber, owner: publicKey, subaccount: u16 } },
  accountConfigured: {
    tag: 4,
    fields: { account: accountNumber, selfMatch: oneOf(selfMatchModes), selfMatchAcrossSubaccounts: bool },
  },
  keyAuthorized: {
    tag: 5,
    fields: { account: accountNumber, sessionKey: publicKey, scopes: u8, expiresAtMs: time },
  },
  keyRevoked: { tag: 6, fields: { account: accountNumber, sessionKey: publicKey } },

  /** An order after a change. `command` and `part` name the cause; absent when the exchange itself acted. */
  order: { tag: 16, fields: { command: optional(digest), part: u16, order: orderRecord } },
  trade: {
    tag: 17,
    fields: {
      /** Exchange-wide, from 1, gapless. */
      trade: u53,
      /** Per instrument, from 1, gapless. */
      sequence: u53,
      command: optional(digest),
      part: u16,
      instrument: u32,
      priceTicks,
      sizeLots,
      takerSide: oneOf(sides),
      taker: tradeSide,
      maker: tradeSide,
      indexPrice: fixedPrice,
      markPrice: fixedPrice,
      /** Options: implied volatility of the trade price in parts per million; 0 when it has none. */
      impliedVolatilityPpm: u32,
    },
  },
  /** A price level that this block touched, at the block's end. Size 0: the level is gone. */
  level: { tag: 18, fields: { instrument: u32, side: oneOf(sides), priceTicks, sizeLots } },
  position: { tag: 19, fields: { position: positionRecord } },
  /** One ledger entry of an account. `balance` is after it. */
  balance: {
    tag: 20,
    fields: {
      account: accountNumber,
      asset: u8,
      change: moneyAmount,
      balance: moneyAmount,
      cause: oneOf(entryCauses),
      instrument: optional(u32),
      trade: optional(u53),
      order: optional(orderId),
      /** Transfers: the other account. */
      counterparty: optional(accountNumber),
    },
  },
  withdrawalRequested: {
    tag: 21,
    fields: {
      withdrawal: u53,
      account: accountNumber,
      asset: u8,
      amount: moneyAmount,
      address: text(limits.addressSizeMax),
    },
  },
  transferred: {
    tag: 22,
    fields: { transfer: u53, source: accountNumber, target: accountNumber, asset: u8, amount: moneyAmount },
  },
  quotes: { tag: 23, fields: { command: digest, account: accountNumber, quoteId: label, ordersCount: u32 } },

  instrumentListed: { tag: 32, fields: { instrument } },
  instrumentState: { tag: 33, fields: { instrument: u32, state: oneOf(instrumentStates) } },
  index: { tag: 34, fields: { index: u16, price: fixedPrice } },
  /** Forward and volatilities of one expiry, as agreed by stake-weighted medians. */
  curve: {
    tag: 35,
    fields: { index: u16, expiryMs: time, forward: fixedPrice, volatilitiesPpm: list(u32, 5) },
  },
  mark: {
    tag: 36,
    fields: {
      instrument: u32,
      /** Options: in the quote unit of their price (coin when inverse). */
      price: fixedPrice,
      /** Options: mark volatility; otherwise 0. */
      volatilityPpm: u32,
      /** Options: the forward used; otherwise 0. */
      underlying: fixedPrice,
    },
  },
  /**
   * Perpetuals: the funding rate that held since the last such event of the instrument, in 1e-12 per eight hours, and the
   * running index. Said at samples while the rate is not zero, and when it ceases to be zero.
   */
  funding: {
    tag: 37,
    fields: { instrument: u32, rateE12: i53, accruedE12: moneyAmount },
  },
  /** One account's daily settlement, delivery or bankruptcy in one instrument. */
  settled: {
    tag: 38,
    fields: {
      type: oneOf(settlementTypes),
      account: accountNumber,
      instrument: u32,
      sizeLots: signedLots,
      markPrice: fixedPrice,
      indexPrice: fixedPrice,
      profit: moneyAmount,
      sessionProfit: moneyAmount,
      funding: moneyAmount,
      socialized: moneyAmount,
    },
  },
  /** An instrument was settled (its settlement price) or delivered (its delivery price). */
  instrumentSettled: { tag: 39, fields: { instrument: u32, type: oneOf(settlementTypes), price: fixedPrice } },
  liquidation: {
    tag: 40,
    fields: {
      account: accountNumber,
      asset: u8,
      /** What was done: orders cancelled, a step taken into the book, the rest taken over, the end. */
      step: oneOf(["started", "orders-cancelled", "reduced", "taken-over", "socialized", "ended"] as const),
      instrument: optional(u32),
      sizeLots: signedLots,
      amount: moneyAmount,
    },
  },
  insurance: { tag: 41, fields: { asset: u8, change: moneyAmount, balance: moneyAmount } },
} as const;
export const event = union(eventCases);
export type Event = Decoded<typeof event>;
export type EventKind = Event["kind"];
export type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;

export const encodeEvent = (value: Event): Uint8Array => encode(event, value);
/** Takes events one by one, in the order in which they happen, and keeps their bytes only. */
export const createEventWriter = (): ItemsWriter<Event> => new ItemsWriter(event);
export const decodeEvent = (bytes: Uint8Array): Event => decodeOrThrow(event, bytes);
export const decodeEvents = (events: EncodedItems): readonly Event[] =>
  events.ends.map((_, index) => decodeEvent(itemAt(events, index)));

/** The events of these kinds, in order; the others are not decoded. */
export function eventsOfKinds<const K extends EventKind>(events: EncodedItems, ...kinds: readonly K[]): EventOf<K>[] {
  const found: EventOf<K>[] = [];
  forEachOfKinds(events, kinds, (encoded) => found.push(decodeEvent(encoded) as EventOf<K>));
  return found;
}

export function eventsCountOf(events: EncodedItems, ...kinds: readonly EventKind[]): number {
  let count = 0;
  forEachOfKinds(events, kinds, () => count++);
  return count;
}

/** PERF: looks at one byte of each event: an encoding begins with the tag of its case. */
function forEachOfKinds(events: EncodedItems, kinds: readonly EventKind[], visit: (encoded: Uint8Array) => void): void {
  const tags = kinds.map((kind) => eventCases[kind].tag as number);
  for (let index = 0; index < events.ends.length; index++)
    if (tags.includes(firstByteAt(events, index))) visit(itemAt(events, index));
}

/** Whether the event speaks of this order: a trade of it, or what it was after a change. */
export function isOfOrder(one: Event, order: number): one is EventOf<"trade" | "order"> {
  if (one.kind === "order") return one.order.order === order;
  return one.kind === "trade" && (one.taker.order === order || one.maker.order === order);
}

/** Root over all events of one block, in order. */
export function eventsRootOf(encodedEvents: readonly Uint8Array[]): Digest {
  return merkleRoot(encodedEvents);
}

/** The same of events as {@link encodeEvents} gives them. */
export const eventsRootOfItems = (events: EncodedItems): Digest => merkleRootOfItems(events);

/**
 * The results root of a height: over the events of that block and, through the root before it, of all blocks since genesis.
 * So any header that carries the root of a height proves the events of every earlier one; leaders need not name each.
 */
export function resultsRootAfter(before: Digest, eventsRoot: Digest): Digest {
  return taggedHash("STOA1/results", concatBytes(before, eventsRoot));
}
