/**
 * The state as records: a key and canonical bytes for everything that must survive, module by module. Roots are over these
 * records and snapshots hold them, so the two can never differ. Integers in keys are big endian: keys sort as numbers do.
 */
import { equalBytes, fromHex, toHex } from "@stoa/base/bytes";
import { decodeOrThrow, encodePassing, optional, record, u32, u53 } from "@stoa/base/codec";
import { present } from "@stoa/base/assert";
import { publicKeySize } from "@stoa/base/signature";
import type { Ticks } from "@stoa/base/units";
import { priceTicks } from "@stoa/protocol/primitives";
import {
  accountRecord,
  ledgerRecordKey,
  numberIn,
  numberedKey,
  openOrderRecord,
  openOrderRecordKey,
  recordKinds,
  type Module,
} from "@stoa/protocol/state-record";
import { encodeLedgerRecord, ledgerAccounts } from "../ledger/record.ts";
import { encodeMarketRecord, marketKeyOfName, marketNameOfKey, marketRecordNames } from "../market/record.ts";
import { encodeRiskRecord, riskKeyOfName, riskNameOfKey, riskRecordNames } from "../risk/record.ts";
import { accountAndKeyOfName, accountRecordOf, keyOnAccount, nonceRecord } from "./account.ts";
import { openOrderRecordOf } from "./order.ts";
import type { ExchangeState } from "./state.ts";

/** `content` is absent when the record is gone; of a record that is visited, it is passing (`encodePassing`). */
export interface StateRecord {
  readonly key: Uint8Array;
  readonly content: Uint8Array | undefined;
}

const { accounts: accountKinds, orders: orderKinds } = recordKinds;

export const countersRecord = record({ order: u53, trade: u53, priority: u53, transfer: u53, withdrawal: u53 });

export const bookRecord = record({ instrument: u32, tradesCount: u53, lastTradeTicks: optional(priceTicks) });

type Visit = (record: StateRecord) => void;

/** The records of a module that changed since they were last taken, one by one; afterwards none have. */
export function takeChanges(state: ExchangeState, module: Module, visit: Visit): void {
  switch (module) {
    case "ledger":
      return take(state.ledger.touched, (account) => visit(ledgerStateRecord(state, account)));
    case "accounts":
      if (state.touched.counters) visit(countersStateRecord(state));
      state.touched.counters = false;
      take(state.touched.accounts, (account) => visit(accountStateRecord(state, account)));
      return take(state.touched.nonces, (name) => visit(nonceStateRecord(state, name)));
    case "orders":
      take(state.touched.orders, (order) => visit(orderStateRecord(state, order)));
      return take(state.touched.books, (instrument) => visit(bookStateRecord(state, instrument)));
    case "positions":
      return take(state.risk.touched, (name) => visit(positionsStateRecord(state, name)));
    case "market":
      return take(state.market.touched, (name) => visit(marketStateRecord(state, name)));
  }
}

function take<T>(touched: Set<T>, each: (name: T) => void): void {
  for (const name of touched) each(name);
  touched.clear();
}

/** All records of a module, to keep. */
export function allRecords(state: ExchangeState, module: Module): readonly StateRecord[] {
  const records: StateRecord[] = [];
  visitAll(state, module, ({ key, content }) => records.push({ key, content: content?.slice() }));
  return records;
}

function visitAll(state: ExchangeState, module: Module, visit: Visit): void {
  switch (module) {
    case "ledger":
      for (const account of ledgerAccounts(state.ledger)) visit(ledgerStateRecord(state, account));
      return;
    case "accounts":
      visit(countersStateRecord(state));
      for (const { number, nonces } of state.accounts.values()) {
        visit(accountStateRecord(state, number));
        for (const key of nonces.keys()) visit(nonceStateRecord(state, keyOnAccount(number, key)));
      }
      return;
    case "orders":
      for (const { id } of state.orders.inOrder()) visit(orderStateRecord(state, id));
      for (const instrument of state.books.keys()) visit(bookStateRecord(state, instrument));
      return;
    case "positions":
      for (const name of riskRecordNames(state.risk)) visit(positionsStateRecord(state, name));
      return;
    case "market":
      for (const name of marketRecordNames(state.market)) visit(marketStateRecord(state, name));
  }
}

/** The record that a module holds under a key, to keep; `undefined` when it holds none. */
export function recordAt(state: ExchangeState, module: Module, key: Uint8Array): Uint8Array | undefined {
  const found = recordOfKey(state, module, key);
  return found !== undefined && equalBytes(found.key, key) ? found.content?.slice() : undefined;
}

/** The record whose key this would be, if it were one: numbers are read from it, and the caller compares the key that they make. */
function recordOfKey(state: ExchangeState, module: Module, key: Uint8Array): StateRecord | undefined {
  const number = 5 <= key.length ? numberIn(key, 1, 4) : 0;
  switch (module) {
    case "ledger": {
      const account = key.length === 4 ? decodeOrThrow(u32, key) : 0;
      return state.ledger.balances.has(account) ? ledgerStateRecord(state, account) : undefined;
    }
    case "accounts":
      if (key[0] === accountKinds.counters) return countersStateRecord(state);
      if (!state.accounts.has(number)) return undefined;
      if (key[0] === accountKinds.account) return accountStateRecord(state, number);
      return key.length === 5 + publicKeySize
        ? nonceStateRecord(state, keyOnAccount(number, toHex(key.subarray(5))))
        : undefined;
    case "orders": {
      if (key[0] === orderKinds.book) return bookStateRecord(state, number);
      const order = key.length === 9 ? numberIn(key, 1, 8) : 0;
      return Number.isSafeInteger(order) ? orderStateRecord(state, order) : undefined;
    }
    case "positions": {
      const name = riskNameOfKey(key);
      return name === undefined ? undefined : positionsStateRecord(state, name);
    }
    case "market": {
      const name = marketNameOfKey(state.market, key);
      return name === undefined ? undefined : marketStateRecord(state, name);
    }
  }
}

const ledgerStateRecord = ({ ledger }: ExchangeState, account: number): StateRecord => ({
  key: ledgerRecordKey(account),
  content: encodeLedgerRecord(ledger, account),
});

const countersStateRecord = ({ counters }: ExchangeState): StateRecord => ({
  key: Uint8Array.of(accountKinds.counters),
  content: encodePassing(countersRecord, counters),
});

const accountStateRecord = ({ accounts }: ExchangeState, number: number): StateRecord => ({
  key: numberedKey(accountKinds.account, number, 4),
  content: encodePassing(accountRecord, accountRecordOf(present(accounts.get(number), "accounts stay open"))),
});

/** `name` as `keyOnAccount` gives it. */
function nonceStateRecord({ accounts }: ExchangeState, name: string): StateRecord {
  const [number, keyHex] = accountAndKeyOfName(name);
  const window = accounts.get(number)?.nonces.get(keyHex);
  const key = numberedKey(accountKinds.nonces, number, 4, publicKeySize);
  key.set(present(fromHex(keyHex), "keys are named in hexadecimal"), key.length - publicKeySize);
  return { key, content: window === undefined ? undefined : encodePassing(nonceRecord, window) };
}

function orderStateRecord({ orders }: ExchangeState, id: number): StateRecord {
  const order = orders.get(id);
  return {
    key: openOrderRecordKey(id),
    content: order === undefined ? undefined : encodePassing(openOrderRecord, openOrderRecordOf(order)),
  };
}

/** Books in which nothing was ever traded have no record: they come back with their first order. */
function bookStateRecord({ books }: ExchangeState, instrument: number): StateRecord {
  const book = books.get(instrument);
  const key = numberedKey(orderKinds.book, instrument, 4);
  if (book === undefined || book.tradesCount === 0) return { key, content: undefined };
  const lastTradeTicks = book.lastTradeTicks as Ticks | undefined;
  return { key, content: encodePassing(bookRecord, { instrument, tradesCount: book.tradesCount, lastTradeTicks }) };
}

const positionsStateRecord = ({ risk }: ExchangeState, name: string): StateRecord => ({
  key: riskKeyOfName(name),
  content: encodeRiskRecord(risk, name),
});

const marketStateRecord = ({ market }: ExchangeState, name: string): StateRecord => ({
  key: marketKeyOfName(name),
  content: encodeMarketRecord(market, name),
});

/** The account number and the key in hexadecimal that a nonce record's key stands for. */
export function accountAndKeyOf(key: Uint8Array): readonly [account: number, keyHex: string] {
  return [numberIn(key, 1, 4), toHex(key.subarray(5))];
}
