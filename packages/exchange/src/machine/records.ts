/**
 * The state as records: a key and canonical bytes for everything that must survive, module by module. Roots are over these
 * records and snapshots hold them, so the two can never differ. Integers in keys are big endian: keys sort as numbers do.
 */
import { concatBytes, fromHex, toHex } from "@stoa/base/bytes";
import { encode, optional, record, u32, u53 } from "@stoa/base/codec";
import { present } from "@stoa/base/assert";
import type { Ticks } from "@stoa/base/units";
import { priceTicks } from "@stoa/protocol/primitives";
import { encodeLedgerRecord, ledgerAccounts, ledgerRecordKey } from "../ledger/record.ts";
import { encodeMarketRecord, marketRecordKey, marketRecordNames } from "../market/record.ts";
import { encodeRiskRecord, riskRecordKey, riskRecordNames } from "../risk/record.ts";
import {
  accountAndKeyOfName,
  accountRecord,
  accountRecordOf,
  keyOnAccount,
  nonceRecord,
  nonceRecordOf,
} from "./account.ts";
import { openOrderRecord, openOrderRecordOf } from "./order.ts";
import type { ExchangeState } from "./state.ts";
import type { Module } from "./trees.ts";

/** `content` is absent when the record is gone. */
export interface StateRecord {
  readonly key: Uint8Array;
  readonly content: Uint8Array | undefined;
}

/** First byte of a key in the modules that hold several kinds of records. */
export const kinds = { counters: 0, account: 1, nonces: 2, order: 1, book: 2 } as const;

export const countersRecord = record({ order: u53, trade: u53, priority: u53, transfer: u53, withdrawal: u53 });

export const bookRecord = record({ instrument: u32, tradesCount: u53, lastTradeTicks: optional(priceTicks) });

/** The records of a module that changed since they were last taken; afterwards none have. */
export function takeChanges(state: ExchangeState, module: Module): readonly StateRecord[] {
  switch (module) {
    case "ledger":
      return take(state.ledger.touched, (account) => ledgerStateRecord(state, account));
    case "accounts":
      return takeAccountChanges(state);
    case "orders":
      return [
        ...take(state.touched.orders, (order) => orderStateRecord(state, order)),
        ...take(state.touched.books, (instrument) => bookStateRecord(state, instrument)),
      ];
    case "positions":
      return take(state.risk.touched, (name) => positionsStateRecord(state, name));
    case "market":
      return take(state.market.touched, (name) => marketStateRecord(state, name));
  }
}

/** All records of a module. */
export function allRecords(state: ExchangeState, module: Module): readonly StateRecord[] {
  switch (module) {
    case "ledger":
      return ledgerAccounts(state.ledger).map((account) => ledgerStateRecord(state, account));
    case "accounts":
      return allAccountRecords(state);
    case "orders":
      return [
        ...[...state.orders.keys()].map((order) => orderStateRecord(state, order)),
        ...[...state.books.keys()].map((instrument) => bookStateRecord(state, instrument)),
      ];
    case "positions":
      return riskRecordNames(state.risk).map((name) => positionsStateRecord(state, name));
    case "market":
      return marketRecordNames(state.market).map((name) => marketStateRecord(state, name));
  }
}

function take<T>(touched: Set<T>, recordOf: (name: T) => StateRecord): StateRecord[] {
  const records = [...touched].map(recordOf);
  touched.clear();
  return records;
}

function takeAccountChanges(state: ExchangeState): readonly StateRecord[] {
  const counters = state.touched.counters ? [countersStateRecord(state)] : [];
  state.touched.counters = false;
  return [
    ...counters,
    ...take(state.touched.accounts, (account) => accountStateRecord(state, account)),
    ...take(state.touched.nonces, (name) => nonceStateRecord(state, name)),
  ];
}

function allAccountRecords(state: ExchangeState): readonly StateRecord[] {
  const records = [countersStateRecord(state)];
  for (const account of state.accounts.values()) {
    records.push(accountStateRecord(state, account.number));
    for (const key of account.nonces.keys()) records.push(nonceStateRecord(state, keyOnAccount(account.number, key)));
  }
  return records;
}

const ledgerStateRecord = ({ ledger }: ExchangeState, account: number): StateRecord => ({
  key: ledgerRecordKey(account),
  content: encodeLedgerRecord(ledger, account),
});

const countersStateRecord = ({ counters }: ExchangeState): StateRecord => ({
  key: Uint8Array.of(kinds.counters),
  content: encode(countersRecord, counters),
});

const accountStateRecord = ({ accounts }: ExchangeState, number: number): StateRecord => ({
  key: concatBytes(Uint8Array.of(kinds.account), bigEndian(number, 4)),
  content: encode(accountRecord, accountRecordOf(present(accounts.get(number), "accounts stay open"))),
});

/** `name` as `keyOnAccount` gives it. */
function nonceStateRecord({ accounts }: ExchangeState, name: string): StateRecord {
  const [number, key] = accountAndKeyOfName(name);
  const window = accounts.get(number)?.nonces.get(key);
  const keyBytes = present(fromHex(key), "keys are named in hexadecimal");
  return {
    key: concatBytes(Uint8Array.of(kinds.nonces), bigEndian(number, 4), keyBytes),
    content: window === undefined ? undefined : encode(nonceRecord, nonceRecordOf(window)),
  };
}

function orderStateRecord({ orders }: ExchangeState, id: number): StateRecord {
  const order = orders.get(id);
  return {
    key: concatBytes(Uint8Array.of(kinds.order), bigEndian(id, 8)),
    content: order === undefined ? undefined : encode(openOrderRecord, openOrderRecordOf(order)),
  };
}

/** Books in which nothing was ever traded have no record: they come back with their first order. */
function bookStateRecord({ books }: ExchangeState, instrument: number): StateRecord {
  const book = books.get(instrument);
  const key = concatBytes(Uint8Array.of(kinds.book), bigEndian(instrument, 4));
  if (book === undefined || book.tradesCount === 0) return { key, content: undefined };
  const lastTradeTicks = book.lastTradeTicks as Ticks | undefined;
  return { key, content: encode(bookRecord, { instrument, tradesCount: book.tradesCount, lastTradeTicks }) };
}

const positionsStateRecord = ({ risk }: ExchangeState, name: string): StateRecord => ({
  key: riskRecordKey(name),
  content: encodeRiskRecord(risk, name),
});

const marketStateRecord = ({ market }: ExchangeState, name: string): StateRecord => ({
  key: marketRecordKey(name),
  content: encodeMarketRecord(market, name),
});

function bigEndian(value: number, size: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = value;
  for (let index = size - 1; 0 <= index; index--) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** The account number and the key in hexadecimal that a nonce record's key stands for. */
export function accountAndKeyOf(key: Uint8Array): readonly [account: number, keyHex: string] {
  let account = 0;
  for (const byte of key.subarray(1, 5)) account = 256 * account + byte;
  return [account, toHex(key.subarray(5))];
}
