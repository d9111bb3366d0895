/** Canonical records of the ledger: one per account, what the ledger's root is over and what a snapshot holds. */
import { present } from "@stoa/base/assert";
import { decode, encodePassing } from "@stoa/base/codec";
import type { Money } from "@stoa/base/units";
import { ledgerRecord } from "@stoa/protocol/state-record";
import { createLedger, isSystemAccount, ledgerAccount, openAccount, type Ledger } from "./state.ts";

/** The bytes of an account's record, as {@link encodePassing} gives them. */
export function encodeLedgerRecord(ledger: Ledger, account: number): Uint8Array {
  const holder = ledgerAccount(ledger, account);
  const balances = present(ledger.balances.get(account), `account ${account} is open`);
  return encodePassing(ledgerRecord, {
    account,
    holder: isSystemAccount(account) ? undefined : present(holder, "a numbered account has a holder"),
    balances: balances as readonly bigint[] as readonly Money[],
  });
}

/** All accounts in ascending order: users first, then the exchange's own. */
export function ledgerAccounts(ledger: Ledger): readonly number[] {
  return [...ledger.balances.keys()].sort((left, right) => left - right);
}

/** The ledger that such records describe, in ascending order of account; `undefined` when one of them is not canonical. */
export function restoreLedger(assetsCount: number, records: readonly Uint8Array[]): Ledger | undefined {
  const ledger = createLedger(assetsCount);
  for (const bytes of records) {
    const one = decode(ledgerRecord, bytes);
    if (one === undefined || one.balances.length !== assetsCount) return undefined;
    if ((one.holder === undefined) !== isSystemAccount(one.account)) return undefined;
    if (one.holder !== undefined) {
      if (one.account !== ledger.accounts.length + 1) return undefined;
      openAccount(ledger, one.holder.owner, one.holder.subaccount);
    }
    ledger.balances.set(one.account, [...one.balances]);
  }
  return ledger;
}
