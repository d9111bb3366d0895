/**
 * The whole state of the exchange, with one owner: the machine. The engines' states hang here side by side; accounts, orders
 * and books are the machine's own. `touched` sets name what changed since the roots were last computed.
 *
 * Everything here follows from genesis and the blocks, and can be rebuilt from its records (`snapshot.ts`); books, indexes
 * by label or time, and Merkle trees are derived.
 */
import { present } from "@stoa/base/assert";
import type { ItemsWriter } from "@stoa/base/codec";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import type { Lots, Money } from "@stoa/base/units";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { Side } from "@stoa/protocol/command";
import { createEventWriter, type Event, type PositionRecord } from "@stoa/protocol/event";
import type { Module } from "@stoa/protocol/state-record";
import { createLedger, openAccount as openLedgerAccount, type Ledger } from "../ledger/state.ts";
import { createMarket, type Listing, type Market } from "../market/state.ts";
import { buySide, createBook, sellSide, type Book, type BookSide } from "../matching/book.ts";
import { createRisk, exposureOf, type Risk } from "../risk/exposure.ts";
import { accountKey, createAccount, type Account } from "./account.ts";
import { Deadlines } from "./deadlines.ts";
import type { Order } from "./order.ts";
import { OrderTable } from "./order-table.ts";
import { createTrees, type Trees } from "./trees.ts";

/** `content` is absent when the record is gone. Both are passing: they may be used only until the listener returns. */
export type ChangeListener = (module: Module, key: Uint8Array, content: Uint8Array | undefined) => void;

/** Numbers given out in sequence; each is the next one. */
export interface Counters {
  order: number;
  trade: number;
  priority: number;
  transfer: number;
  withdrawal: number;
}

/** A book with what is remembered of its instrument's trading. */
export interface InstrumentBook {
  readonly instrument: number;
  readonly book: Book;
  /** Levels that this block changed, with their lots before it: buys and sells. */
  readonly levelsTouched: readonly [Map<number, number>, Map<number, number>];
  tradesCount: number;
  lastTradeTicks: number | undefined;
}

export interface ExchangeState {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  height: number;
  timeMs: number;
  /** Root of the events of the last block; with the module roots, what a header says of that block. */
  resultsRoot: Digest;
  readonly counters: Counters;
  /** By account number, ascending. */
  readonly accounts: Map<number, Account>;
  readonly orders: OrderTable;
  readonly books: Map<number, InstrumentBook>;
  readonly deadlines: Deadlines<Order>;
  readonly ledger: Ledger;
  readonly market: Market;
  readonly risk: Risk;
  readonly trees: Trees;
  /** What the block that is being executed has said so far; empty between blocks. */
  readonly events: ItemsWriter<Event>;
  readonly makeBook: () => Book;
  /** Told of each record that a block has changed, when its roots are computed; see `roots.ts`. */
  onChange: ChangeListener | undefined;
  readonly touched: {
    readonly accounts: Set<number>;
    /** By `account/key in hexadecimal`. */
    readonly nonces: Set<string>;
    readonly orders: Set<number>;
    readonly books: Set<number>;
    /** Books with levels to say at the end of the block. */
    readonly levels: Set<number>;
    counters: boolean;
  };
}

/** The engines' parts of the state. */
export interface Engines {
  readonly ledger: Ledger;
  readonly market: Market;
  readonly risk: Risk;
}

/** The state before anything is credited or listed. How books are made may be replaced, to compare two forms of them. */
export function createState(genesis: Genesis, makeBook: () => Book = createBook, engines?: Engines): ExchangeState {
  return {
    genesis,
    chainId: chainIdOf(genesis),
    height: 0,
    timeMs: genesis.timeMs,
    resultsRoot: zeroDigest,
    counters: { order: 1, trade: 1, priority: 1, transfer: 1, withdrawal: 1 },
    accounts: new Map(),
    orders: new OrderTable(),
    books: new Map(),
    deadlines: new Deadlines(),
    ledger: engines?.ledger ?? createLedger(genesis.assets.length),
    market: engines?.market ?? createMarket(genesis),
    risk: engines?.risk ?? createRisk(),
    trees: createTrees(),
    events: createEventWriter(),
    makeBook,
    onChange: undefined,
    touched: {
      accounts: new Set(),
      nonces: new Set(),
      orders: new Set(),
      books: new Set(),
      levels: new Set(),
      counters: true,
    },
  };
}

export const bookSideOf = (side: Side): BookSide => (side === "buy" ? buySide : sellSide);
export const oppositeOf = (side: Side): Side => (side === "buy" ? "sell" : "buy");

/** The account of a number that is known to be open. */
export function accountOf(state: ExchangeState, account: number): Account {
  return present(state.accounts.get(account), `account ${account} is open`);
}

/** The number of an owner's sub-account, when it is open. */
export function accountNumberOf(state: ExchangeState, ownerHex: string, subaccount: number): number | undefined {
  return state.ledger.numbers.get(accountKey(ownerHex, subaccount));
}

/** Opens an account with the next number. */
export function openAccount(state: ExchangeState, owner: PublicKey, subaccount: number): Account {
  const number = openLedgerAccount(state.ledger, owner, subaccount);
  const account = createAccount({ number, assetsCount: state.ledger.assetsCount }, owner, subaccount);
  state.accounts.set(account.number, account);
  state.touched.accounts.add(account.number);
  return account;
}

/** The listing of an instrument that is known to be listed. */
export function listingOf(state: ExchangeState, instrument: number): Listing {
  return present(state.market.listings.get(instrument), `instrument ${instrument} is listed`);
}

/** The book of an instrument; made when its first order comes. */
export function bookOf(state: ExchangeState, instrument: number): InstrumentBook {
  const known = state.books.get(instrument);
  if (known !== undefined) return known;
  const fresh: InstrumentBook = {
    instrument,
    book: state.makeBook(),
    levelsTouched: [new Map(), new Map()],
    tradesCount: 0,
    lastTradeTicks: undefined,
  };
  state.books.set(instrument, fresh);
  return fresh;
}

/** Lots an account holds in an instrument; negative when short. */
export function positionLots(state: ExchangeState, account: number, instrument: number): number {
  return exposureOf(state.risk, account, instrument)?.sizeLots ?? 0;
}

/** The position as the world sees it; all zero when there is none. */
export function positionRecordOf(state: ExchangeState, account: number, instrument: number): PositionRecord {
  const exposure = exposureOf(state.risk, account, instrument);
  return {
    account,
    instrument,
    sizeLots: (exposure?.sizeLots ?? 0) as Lots,
    entryValue: (exposure?.entryValue ?? 0n) as Money,
    sessionValue: (exposure?.sessionValue ?? 0n) as Money,
    sessionRealized: (exposure?.sessionRealized ?? 0n) as Money,
    sessionFunding: (exposure?.sessionFunding ?? 0n) as Money,
    totalRealized: (exposure?.totalRealized ?? 0n) as Money,
  };
}
