/**
 * The state as records: a key and canonical bytes for everything that must survive, module by module. Roots are over these
 * records and snapshots hold them, so the two can never differ. Integers in keys are big endian: keys sort as numbers do.
 */
import { fromHex, toHex } from "@stoa/base/bytes";
import { encodePassing, optional, record, u32, u53 } from "@stoa/base/codec";
import { present } from "@stoa/base/assert";
import { publicKeySize } from "@stoa/base/signature";
import type { Ticks } from "@stoa/base/units";
import { priceTicks } from "@stoa/protocol/primitives";
import { encodeLedgerRecord, ledgerAccounts, ledgerRecordKey } from "../ledger/record.ts";
import { encodeMarketRecord, marketRecordKey, marketRecordNames } from "../market/record.ts";
import { encodeRiskRecord, riskRecordKey, riskRecordNames } from "../risk/record.ts";
import { accountAndKeyOfName, accountRecord, accountRecordOf, keyOnAccount, nonceRecord } from "./account.ts";
import { openOrderRecord, openOrderRecordOf } from "./order.ts";
import type { ExchangeState } from "./state.ts";
import type { Module } from "./trees.ts";

/** `content` is absent when the record is gone; of a record that is visited, it is passing (`encodePassing`). */
export interface StateRecord {
  readonly key: Uint8Array;
  readonly content: Uint8Array | undefined;
}

/** First byte of a key in the modules that hold several kinds of records. */
export const kinds = { counters: 0, account: 1, nonces: 2, order: 1, book: 2 } as const;

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

const ledgerStateRecord = ({ ledger }: ExchangeState, account: number): StateRecord => ({
  key: ledgerRecordKey(account),
  content: encodeLedgerRecord(ledger, account),
});

const countersStateRecord = ({ counters }: ExchangeState): StateRecord => ({
  key: Uint8Array.of(kinds.counters),
  content: encodePassing(countersRecord, counters),
});

const accountStateRecord = ({ accounts }: ExchangeState, number: number): StateRecord => ({
  key: keyOf(kinds.account, number, 4),
  content: encodePassing(accountRecord, accountRecordOf(present(accounts.get(number), "accounts stay open"))),
});

/** `name` as `keyOnAccount` gives it. */
function nonceStateRecord({ accounts }: ExchangeState, name: string): StateRecord {
  const [number, keyHex] = accountAndKeyOfName(name);
  const window = accounts.get(number)?.nonces.get(keyHex);
  const key = keyOf(kinds.nonces, number, 4, publicKeySize);
  key.set(present(fromHex(keyHex), "keys are named in hexadecimal"), key.length - publicKeySize);
  return { key, content: window === undefined ? undefined : encodePassing(nonceRecord, window) };
}

function orderStateRecord({ orders }: ExchangeState, id: number): StateRecord {
  const order = orders.get(id);
  return {
    key: keyOf(kinds.order, id, 8),
    content: order === undefined ? undefined : encodePassing(openOrderRecord, openOrderRecordOf(order)),
  };
}

/** Books in which nothing was ever traded have no record: they come back with their first order. */
function bookStateRecord({ books }: ExchangeState, instrument: number): StateRecord {
  const book = books.get(instrument);
  const key = keyOf(kinds.book, instrument, 4);
  if (book === undefined || book.tradesCount === 0) return { key, content: undefined };
  const lastTradeTicks = book.lastTradeTicks as Ticks | undefined;
  return { key, content: encodePassing(bookRecord, { instrument, tradesCount: book.tradesCount, lastTradeTicks }) };
}

const positionsStateRecord = ({ risk }: ExchangeState, name: string): StateRecord => ({
  key: riskRecordKey(name),
  content: encodeRiskRecord(risk, name),
});

const marketStateRecord = ({ market }: ExchangeState, name: string): StateRecord => ({
  key: marketRecordKey(name),
  content: encodeMarketRecord(market, name),
});

/** A kind, a number of `size` bytes, and room for `more` bytes. */
function keyOf(kind: number, value: number, size: 4 | 8, more = 0): Uint8Array {
  const key = new Uint8Array(1 + size + more);
  key[0] = kind;
  let rest = value;
  for (let index = size; 0 < index; index--) {
    key[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return key;
}

/** The account number and the key in hexadecimal that a nonce record's key stands for. */
export function accountAndKeyOf(key: Uint8Array): readonly [account: number, keyHex: string] {
  let account = 0;
  for (const byte of key.subarray(1, 5)) account = 256 * account + byte;
  return [account, toHex(key.subarray(5))];
}
