/**
 * Snapshots: the whole state as canonical bytes. Equal states have equal snapshots, and what is restored has the same roots
 * and behaves the same from then on, to the last event: the queues of the books included, since orders come back in the
 * order of their priorities.
 *
 * The bytes are the records that the roots are over (`records.ts`), module by module in ascending order of key, behind the
 * height, the time and the results root of the block they stand at. What is derived from records is built anew.
 */
import { compareBytes, equalBytes, toHex } from "@stoa/base/bytes";
import { byteString, decodeOrThrow, DecodeError, encode, list, record, u16, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { height, timeMs } from "@stoa/base/units";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { blockHeight, digest, time } from "@stoa/protocol/primitives";
import {
  accountRecord,
  ledgerRecord,
  modules,
  openOrderRecord,
  recordKinds,
  type OpenOrderRecord,
} from "@stoa/protocol/state-record";
import { restoreLedger } from "../ledger/record.ts";
import type { Ledger } from "../ledger/state.ts";
import { marketRecordNames, restoreMarket } from "../market/record.ts";
import type { Book } from "../matching/book.ts";
import { restoreRisk, riskRecordNames } from "../risk/record.ts";
import { createAccount, keyOnAccount, nonceRecord } from "./account.ts";
import { orderOfRecord } from "./order.ts";
import { accountAndKeyOf, allRecords, bookRecord, countersRecord } from "./records.ts";
import { restWithPriority } from "./resting.ts";
import { executedRootsOf } from "./roots.ts";
import { bookOf, createState, type Engines, type ExchangeState } from "./state.ts";

const formatVersion = 1;

const stateRecord = record({
  key: byteString(limits.merkleKeySizeMax),
  content: byteString(limits.stateRecordSizeMax),
});
type Records = readonly Decoded<typeof stateRecord>[];
const moduleRecords = list(stateRecord, limits.stateRecordsCountMax);

const snapshotCodec = record({
  formatVersion: u16,
  chainId: digest,
  height: blockHeight,
  timeMs: time,
  resultsRoot: digest,
  modules: list(moduleRecords, modules.length),
});

export function encodeSnapshot(state: ExchangeState): Uint8Array {
  return encode(snapshotCodec, {
    formatVersion,
    chainId: state.chainId,
    height: height(state.height),
    timeMs: timeMs(state.timeMs),
    resultsRoot: state.resultsRoot,
    modules: modules.map((module) => {
      const records: { key: Uint8Array; content: Uint8Array }[] = [];
      for (const { key, content } of allRecords(state, module))
        if (content !== undefined) records.push({ key, content });
      return records.sort((left, right) => compareBytes(left.key, right.key));
    }),
  });
}

export interface RestoredExchange {
  readonly state: ExchangeState;
  /** Of the block the snapshot stands at; the caller compares them with what a final header says. */
  readonly roots: ExecutedRoots;
}

/** Restores a snapshot of the chain of `genesis`, or says in `fault` what is wrong with the bytes. */
export function restoreSnapshot(
  genesis: Genesis,
  bytes: Uint8Array,
  makeBook?: () => Book,
): RestoredExchange | { readonly fault: string } {
  try {
    return restore(genesis, bytes, makeBook);
  } catch (error) {
    if (error instanceof DecodeError) return { fault: error.message };
    throw error;
  }
}

function restore(genesis: Genesis, bytes: Uint8Array, makeBook: (() => Book) | undefined): RestoredExchange {
  const snapshot = decodeOrThrow(snapshotCodec, bytes);
  need(
    snapshot.formatVersion === formatVersion,
    `format ${snapshot.formatVersion}, this program reads ${formatVersion}`,
  );
  need(equalBytes(snapshot.chainId, chainIdOf(genesis)), "the snapshot belongs to another chain");
  need(snapshot.modules.length === modules.length, `${snapshot.modules.length} modules where ${modules.length} belong`);
  for (const [index, records] of snapshot.modules.entries()) needAscending(records, modules[index]!);
  const [ledger, accounts, orders, positions, market] = snapshot.modules as [
    Records,
    Records,
    Records,
    Records,
    Records,
  ];
  const state = createState(genesis, makeBook, restoreEngines(genesis, { ledger, positions, market }));
  state.height = snapshot.height;
  state.timeMs = snapshot.timeMs;
  state.resultsRoot = snapshot.resultsRoot;
  restoreAccounts(state, accounts);
  restoreOrders(state, orders);
  touchEverything(state);
  return { state, roots: executedRootsOf(state) };
}

/** Refuses the bytes: the error becomes the `fault` of the answer. */
function need(condition: boolean, fault: string): asserts condition {
  if (!condition) throw new DecodeError(fault);
}

function needAscending(records: Records, module: string): void {
  for (let index = 1; index < records.length; index++) {
    const isAscending = compareBytes(records[index - 1]!.key, records[index]!.key) < 0;
    need(isAscending, `record ${index} of ${module} does not stand in the order of keys`);
  }
}

function restoreEngines(
  genesis: Genesis,
  records: { readonly ledger: Records; readonly positions: Records; readonly market: Records },
): Engines {
  const contents = (module: Records): readonly Uint8Array[] => module.map(({ content }) => content);
  const market = restoreMarket(genesis, contents(records.market));
  need(market !== undefined, "a record of market is not canonical");
  const termsOf = (instrument: number) => market.listings.get(instrument)?.terms;
  const risk = restoreRisk(contents(records.positions), termsOf);
  need(risk !== undefined, "a record of positions is not canonical");
  return { market, risk, ledger: restoreLedgerOf(genesis, contents(records.ledger)) };
}

/** The ledger gives account numbers in sequence, so its records come back in the order of those numbers. */
function restoreLedgerOf(genesis: Genesis, contents: readonly Uint8Array[]): Ledger {
  const numbered = contents.map((content) => ({ account: decodeOrThrow(ledgerRecord, content).account, content }));
  numbered.sort((left, right) => left.account - right.account);
  const ledger = restoreLedger(
    genesis.assets.length,
    numbered.map(({ content }) => content),
  );
  need(ledger !== undefined, "a record of ledger is not canonical");
  return ledger;
}

function restoreAccounts(state: ExchangeState, records: Records): void {
  const { assetsCount } = state.ledger;
  for (const { key, content } of records) {
    switch (key[0]) {
      case recordKinds.accounts.counters:
        Object.assign(state.counters, decodeOrThrow(countersRecord, content));
        break;
      case recordKinds.accounts.account: {
        const one = decodeOrThrow(accountRecord, content);
        const [number] = accountAndKeyOf(key);
        const account = createAccount({ number, assetsCount }, one.owner, one.subaccount);
        need(state.ledger.accounts[number - 1] !== undefined, `account ${number} is not in the ledger`);
        need(one.feesPaid.length === assetsCount, `account ${number} keeps fees of other assets`);
        account.selfMatch = one.selfMatch;
        account.selfMatchAcrossSubaccounts = one.selfMatchAcrossSubaccounts;
        for (const [asset, fee] of one.feesPaid.entries()) account.feesPaid[asset] = fee;
        for (const session of one.keys) account.keys.set(toHex(session.key), session);
        state.accounts.set(number, account);
        break;
      }
      case recordKinds.accounts.nonces: {
        const [number, name] = accountAndKeyOf(key);
        const account = state.accounts.get(number);
        need(account !== undefined, `nonces of account ${number}, which is not open`);
        account.nonces.set(name, decodeOrThrow(nonceRecord, content));
        break;
      }
      default:
        throw new DecodeError(`no record of accounts has kind ${key[0]}`);
    }
  }
}

function restoreOrders(state: ExchangeState, records: Records): void {
  const orders: OpenOrderRecord[] = [];
  for (const { key, content } of records) {
    if (key[0] === recordKinds.orders.order) orders.push(decodeOrThrow(openOrderRecord, content));
    else restoreBook(state, decodeOrThrow(bookRecord, content));
  }
  orders.sort((left, right) => left.priority - right.priority);
  for (const one of orders) {
    const { account, instrument, order } = one.order;
    need(state.accounts.has(account) && state.market.listings.has(instrument), `order ${order} belongs to nobody`);
    restWithPriority(state, orderOfRecord(one));
  }
  for (const book of state.books.values()) for (const levels of book.levelsTouched) levels.clear();
  state.touched.levels.clear();
}

function restoreBook(state: ExchangeState, one: Decoded<typeof bookRecord>): void {
  const book = bookOf(state, one.instrument);
  book.tradesCount = one.tradesCount;
  book.lastTradeTicks = one.lastTradeTicks;
}

/** Every record goes into the trees of the restored state once. */
function touchEverything(state: ExchangeState): void {
  for (const account of state.ledger.balances.keys()) state.ledger.touched.add(account);
  for (const name of riskRecordNames(state.risk)) state.risk.touched.add(name);
  for (const name of marketRecordNames(state.market)) state.market.touched.add(name);
  state.touched.counters = true;
  for (const [number, account] of state.accounts) {
    state.touched.accounts.add(number);
    for (const key of account.nonces.keys()) state.touched.nonces.add(keyOnAccount(number, key));
  }
  for (const { id } of state.orders.inOrder()) state.touched.orders.add(id);
  for (const instrument of state.books.keys()) state.touched.books.add(instrument);
}
