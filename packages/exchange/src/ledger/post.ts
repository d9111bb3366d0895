/** Postings: the only way a balance changes. Debits equal credits in every posting, asset by asset. */
import { assert, present } from "@stoa/base/assert";
import type { EntryCause } from "@stoa/protocol/event";
import { systemAccounts, type Ledger } from "./state.ts";

export interface Entry {
  readonly account: number;
  /** Positive when the account gains. */
  readonly change: bigint;
  readonly cause: EntryCause;
}

export function balanceOf(ledger: Ledger, account: number, asset: number): bigint {
  const balances = present(ledger.balances.get(account), `account ${account} is open`);
  return present(balances[asset], `asset ${asset} is kept`);
}

/** Applies entries of one asset that sum to zero. Balances may become negative: a loss is booked before it is covered. */
export function post(ledger: Ledger, asset: number, entries: readonly Entry[]): void {
  let sum = 0n;
  for (const entry of entries) sum += entry.change;
  assert(sum === 0n, () => `a posting in asset ${asset} balances: off by ${sum}`);
  for (const { account, change } of entries) {
    if (change === 0n) continue;
    const balances = present(ledger.balances.get(account), `account ${account} is open`);
    balances[asset] = present(balances[asset], `asset ${asset} is kept`) + change;
    ledger.touched.add(account);
  }
}

/** Moves `amount` from one account to another under one cause. */
export function move(
  ledger: Ledger,
  asset: number,
  transfer: { readonly source: number; readonly target: number; readonly amount: bigint; readonly cause: EntryCause },
): void {
  const { source, target, amount, cause } = transfer;
  post(ledger, asset, [
    { account: source, change: -amount, cause },
    { account: target, change: amount, cause },
  ]);
}

/** Credits from outside the exchange (genesis, faucet) when positive, payments out (withdrawals) when negative. */
export function moveExternal(
  ledger: Ledger,
  asset: number,
  transfer: { readonly account: number; readonly change: bigint; readonly cause: EntryCause },
): void {
  const { account, change, cause } = transfer;
  move(ledger, asset, { source: systemAccounts.external, target: account, amount: change, cause });
}

/** Stops unless the balances of every asset sum to zero. PERF: O(accounts · assets); the caller decides how often. */
export function assertConserved(ledger: Ledger): void {
  const sums = Array.from({ length: ledger.assetsCount }, () => 0n);
  for (const balances of ledger.balances.values()) {
    for (let asset = 0; asset < sums.length; asset++) sums[asset] = sums[asset]! + balances[asset]!;
  }
  for (const [asset, sum] of sums.entries()) assert(sum === 0n, () => `asset ${asset} is conserved: off by ${sum}`);
  for (const [asset, balance] of ledger.balances.get(systemAccounts.deficit)!.entries()) {
    assert(balance <= 0n, () => `the deficit of asset ${asset} is no surplus`);
  }
}
