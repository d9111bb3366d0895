/**
 * Losses beyond the insurance fund. A deficit (what an account lost beyond all it had) is covered by the insurance fund as far
 * as its cash and its equity go; the rest waits in the deficit account and is made good at the next daily settlement of the asset by those who
 * won in it, in proportion to what they won, each at most by that. If nobody won enough, the rest waits for the next.
 *
 * Shares are rounded up and taken in order of account until the deficit is covered, so the last may pay a unit less: the sum
 * is exact. Returns numbers; moves nothing.
 */
import { ceilingDivide, largerOf, smallerOf } from "../terms.ts";

export interface Share {
  readonly account: number;
  readonly amount: bigint;
}

/**
 * How much of a deficit the fund covers: as far as its cash goes, and no further than the worth of all it holds, or it would
 * pay today what it owes on its own positions.
 */
export function coverFromFund(deficit: bigint, fund: { readonly balance: bigint; readonly equity: bigint }): bigint {
  return largerOf(0n, smallerOf(deficit, smallerOf(fund.balance, fund.equity)));
}

/** What each winner gives up. `results` are the session results per account, in ascending order of account. */
export function socialize(deficit: bigint, results: readonly Share[]): readonly Share[] {
  const winners = results.filter(({ amount }) => 0n < amount);
  const won = winners.reduce((sum, { amount }) => sum + amount, 0n);
  if (deficit <= 0n || won === 0n) return [];
  const covered = smallerOf(deficit, won);
  const shares: Share[] = [];
  let left = covered;
  for (const { account, amount } of winners) {
    const share = smallerOf(left, ceilingDivide(covered * amount, won));
    if (share === 0n) break;
    shares.push({ account, amount: share });
    left -= share;
  }
  return shares;
}
