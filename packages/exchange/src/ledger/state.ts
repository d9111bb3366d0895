/**
 * The double-entry ledger: a balance per account and asset, in smallest units. Accounts are numbered from 1 in order of
 * first appearance; each number stands for one (owner, sub-account). The exchange's own accounts have numbers at the top of
 * the range. Every change is a posting whose entries sum to zero, so all balances of an asset sum to zero at all times: what
 * came from outside stands, negated, in `external`. Knows nothing of orders, positions or prices.
 */
import { assert } from "@stoa/base/assert";
import { toHex } from "@stoa/base/bytes";
import type { PublicKey } from "@stoa/base/signature";

export const systemAccounts = {
  /** The other side of genesis balances, faucet credits and withdrawals. */
  external: 0xffff_fff0,
  /** Trading fees. */
  fees: 0xffff_fff1,
  /** The insurance fund: covers losses, takes over positions, receives liquidation fees and what rounding leaves. */
  insurance: 0xffff_fff2,
  /** Between the two sides of futures and perpetuals: holds exactly what open sessions still owe each other. */
  clearing: 0xffff_fff3,
  /** Losses that nobody could cover yet; zero or negative, made good by the winners of coming settlements. */
  deficit: 0xffff_fff4,
} as const;
export const systemAccountMin = 0xffff_fff0;

export interface LedgerAccount {
  readonly account: number;
  readonly owner: PublicKey;
  readonly subaccount: number;
}

export interface Ledger {
  readonly assetsCount: number;
  /** balances.get(account)[asset] */
  readonly balances: Map<number, bigint[]>;
  readonly accounts: LedgerAccount[];
  /** Account number by owner in hexadecimal and sub-account. */
  readonly numbers: Map<string, number>;
  /** Accounts whose record changed since the root was last computed. */
  readonly touched: Set<number>;
}

export function createLedger(assetsCount: number): Ledger {
  const ledger: Ledger = { assetsCount, balances: new Map(), accounts: [], numbers: new Map(), touched: new Set() };
  for (const account of Object.values(systemAccounts)) openBalances(ledger, account);
  return ledger;
}

const nameOf = (owner: PublicKey, subaccount: number): string => `${toHex(owner)}:${subaccount}`;

/** The number of a (owner, sub-account), or `undefined` when it never held anything. */
export function findAccount(ledger: Ledger, owner: PublicKey, subaccount: number): number | undefined {
  return ledger.numbers.get(nameOf(owner, subaccount));
}

/** Gives the next number to a (owner, sub-account) that has none. */
export function openAccount(ledger: Ledger, owner: PublicKey, subaccount: number): number {
  const name = nameOf(owner, subaccount);
  assert(!ledger.numbers.has(name), "an account is opened once");
  const account = ledger.accounts.length + 1;
  assert(account < systemAccountMin, "account numbers stay below those of the exchange");
  ledger.accounts.push({ account, owner, subaccount });
  ledger.numbers.set(name, account);
  openBalances(ledger, account);
  return account;
}

function openBalances(ledger: Ledger, account: number): void {
  ledger.balances.set(
    account,
    Array.from({ length: ledger.assetsCount }, () => 0n),
  );
  ledger.touched.add(account);
}

export const isSystemAccount = (account: number): boolean => systemAccountMin <= account;

/** Owner and sub-account of a numbered account. */
export function ledgerAccount(ledger: Ledger, account: number): LedgerAccount | undefined {
  return ledger.accounts[account - 1];
}
