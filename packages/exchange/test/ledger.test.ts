import { expect, test } from "vitest";
import type { PublicKey } from "@stoa/base/signature";
import { InvariantError } from "@stoa/base/assert";
import { assertConserved, balanceOf, move, moveExternal, post } from "@stoa/exchange/ledger/post";
import { encodeLedgerRecord, ledgerAccounts, restoreLedger } from "@stoa/exchange/ledger/record";
import { ledgerRecordKey } from "@stoa/protocol/state-record";
import { createLedger, findAccount, ledgerAccount, openAccount, systemAccounts } from "@stoa/exchange/ledger/state";

const owner = (byte: number): PublicKey => new Uint8Array(32).fill(byte) as PublicKey;

function funded() {
  const ledger = createLedger(3);
  const alice = openAccount(ledger, owner(1), 0);
  const bob = openAccount(ledger, owner(2), 0);
  moveExternal(ledger, 0, { account: alice, change: 1_000n, cause: "genesis" });
  moveExternal(ledger, 2, { account: bob, change: 500n, cause: "faucet" });
  return { ledger, alice, bob };
}

test("accounts are numbered from 1 in order of first appearance, one for each sub-account (SETTLE-002)", () => {
  const { ledger, alice, bob } = funded();
  const second = openAccount(ledger, owner(1), 7);
  expect([alice, bob, second]).toEqual([1, 2, 3]);
  expect([findAccount(ledger, owner(1), 7), findAccount(ledger, owner(1), 8)]).toEqual([3, undefined]);
  expect(ledgerAccount(ledger, 3)).toEqual({ account: 3, owner: owner(1), subaccount: 7 });
  expect(() => openAccount(ledger, owner(1), 7)).toThrow(InvariantError);
});

test("money moves between accounts and assets stay apart (SETTLE-001)", () => {
  const { ledger, alice, bob } = funded();
  move(ledger, 0, { source: alice, target: bob, amount: 300n, cause: "transfer-out" });
  expect([balanceOf(ledger, alice, 0), balanceOf(ledger, bob, 0), balanceOf(ledger, bob, 2)]).toEqual([
    700n,
    300n,
    500n,
  ]);
  expect(balanceOf(ledger, systemAccounts.external, 0)).toBe(-1_000n);
  assertConserved(ledger);
});

test("a posting that does not balance stops the replica and changes nothing (SETTLE-001)", () => {
  const { ledger, alice, bob } = funded();
  const entries = [
    { account: alice, change: -10n, cause: "trade-fee" },
    { account: bob, change: 9n, cause: "trade-fee" },
  ] as const;
  expect(() => post(ledger, 0, entries)).toThrow("off by -1");
  expect(balanceOf(ledger, alice, 0)).toBe(1_000n);
});

test("a balance that was changed behind the ledger's back is found (SETTLE-001)", () => {
  const { ledger, alice } = funded();
  ledger.balances.get(alice)![0]! += 1n;
  expect(() => assertConserved(ledger)).toThrow("asset 0 is conserved: off by 1");
});

test("the deficit account never holds a surplus (SETTLE-050)", () => {
  const { ledger, alice } = funded();
  move(ledger, 0, { source: alice, target: systemAccounts.deficit, amount: 1n, cause: "insurance" });
  expect(() => assertConserved(ledger)).toThrow("no surplus");
});

test("a ledger restored from its records gives the same records (SETTLE-003)", () => {
  const { ledger, alice, bob } = funded();
  move(ledger, 0, { source: alice, target: bob, amount: 300n, cause: "transfer-out" });
  move(ledger, 0, { source: alice, target: systemAccounts.fees, amount: 900n, cause: "trade-fee" });
  const records = ledgerAccounts(ledger).map((account) => encodeLedgerRecord(ledger, account).slice());
  const restored = restoreLedger(3, records)!;
  expect(ledgerAccounts(restored)).toEqual(ledgerAccounts(ledger));
  expect(ledgerAccounts(restored).map((account) => encodeLedgerRecord(restored, account).slice())).toEqual(records);
  expect(findAccount(restored, owner(2), 0)).toBe(bob);
  expect(ledgerRecordKey(alice)).not.toEqual(ledgerRecordKey(bob));
  expect(restoreLedger(2, records)).toBeUndefined();
  expect(restoreLedger(3, [records[1]!])).toBeUndefined();
});
