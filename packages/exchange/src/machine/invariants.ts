/**
 * What must hold after every block; a replica in which it does not stops. Value is conserved in every asset, positions net to
 * zero in every instrument, the clearing account holds what open sessions owe, no book is crossed.
 *
 * PERF: O(accounts + exposures) a block for the sums, O(books touched) for the books.
 */
import { assert } from "@stoa/base/assert";
import { assertConserved, balanceOf } from "../ledger/post.ts";
import { systemAccounts } from "../ledger/state.ts";
import { buySide, sellSide } from "../matching/book.ts";
import { clearingOwed } from "../risk/exposure.ts";
import type { ExchangeState } from "./state.ts";

export function assertInvariants(state: ExchangeState, booksTouched: Iterable<number>): void {
  assertConserved(state.ledger);
  for (let asset = 0; asset < state.ledger.assetsCount; asset++) {
    const held = balanceOf(state.ledger, systemAccounts.clearing, asset);
    assert(
      held === clearingOwed(state.risk, asset),
      () => `clearing holds what sessions owe in asset ${asset}: ${held}`,
    );
  }
  assertPositionsNet(state);
  for (const instrument of booksTouched) assertNotCrossed(state, instrument);
}

function assertPositionsNet({ risk }: ExchangeState): void {
  const sums = new Map<number, number>();
  for (const exposures of risk.accounts.values()) {
    for (const { instrument, sizeLots } of exposures.byInstrument.values()) {
      sums.set(instrument, (sums.get(instrument) ?? 0) + sizeLots);
    }
  }
  for (const [instrument, sum] of sums)
    assert(sum === 0, () => `positions in instrument ${instrument} net to zero: ${sum}`);
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
