/**
 * What must hold after every block; a replica in which it does not stops. Value is conserved in every asset, positions net to
 * zero in every instrument, the clearing account holds what open sessions owe, no book is crossed.
 *
 * PERF: a block that moves no money and no position costs nothing here; else O(accounts) for the balances, O(exposures) for
 * the clearing account, O(holders) for each instrument traded, O(books touched) for the books.
 */
import { assert } from "@stoa/base/assert";
import { assertConserved, balanceOf } from "../ledger/post.ts";
import { systemAccounts } from "../ledger/state.ts";
import { buySide, sellSide } from "../matching/book.ts";
import { clearingOwed, takeMoved } from "../risk/exposure.ts";
import type { ExchangeState } from "./state.ts";

export function assertInvariants(state: ExchangeState, booksTouched: Iterable<number>): void {
  const { ledger, risk } = state;
  if (0 < ledger.touched.size) assertConserved(ledger);
  if (0 < risk.touched.size || ledger.touched.has(systemAccounts.clearing)) assertCleared(state);
  for (const { instrument, netLots } of takeMoved(risk)) {
    assert(netLots === 0, () => `positions in instrument ${instrument} net to zero: ${netLots}`);
  }
  for (const instrument of booksTouched) assertNotCrossed(state, instrument);
}

function assertCleared({ ledger, risk }: ExchangeState): void {
  for (const [asset, owed] of clearingOwed(risk, ledger.assetsCount).entries()) {
    const held = balanceOf(ledger, systemAccounts.clearing, asset);
    assert(held === owed, () => `clearing holds what sessions owe in asset ${asset}: ${held}, not ${owed}`);
  }
}

function assertNotCrossed({ books }: ExchangeState, instrument: number): void {
  const book = books.get(instrument)?.book;
  const bid = book?.bestPrice(buySide);
  const ask = book?.bestPrice(sellSide);
  assert(
    bid === undefined || ask === undefined || bid < ask,
    () => `the best bid of ${instrument} is below its best ask`,
  );
}
