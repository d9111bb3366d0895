/**
 * The daily settlement of one instrument: the session profit of futures and perpetuals, and funding, become balance, and the
 * session starts again at the mark. Options are paid for at the trade; only their session sums are re-marked.
 *
 *   profit(position) = value(size at mark) − sessionValue + sessionRealized + sessionFunding
 *
 * Values at the mark are rounded down for either side. What that withholds is not lost: it stays in the clearing account,
 * inside the session values, and comes back when the positions close. Works on sums and returns numbers; moves nothing.
 */
import { settlementValue, type InstrumentTerms, type PositionSums } from "../terms.ts";

export interface SettledPosition {
  readonly account: number;
  readonly sizeLots: number;
  /** What the balance gains: session profit and funding. Zero for options. */
  readonly payment: bigint;
  readonly sessionProfit: bigint;
  readonly funding: bigint;
  /** The session value to go on with. */
  readonly sessionValue: bigint;
}

/** Settles positions of one instrument, funding booked up to now, at a mark in 1e-8. */
export function settleSession(
  terms: InstrumentTerms,
  markPrice: number,
  positions: readonly PositionSums[],
): readonly SettledPosition[] {
  return positions.map((position) => {
    const { account, sizeLots, sessionFunding } = position;
    const sessionValue = settlementValue(terms, sizeLots, markPrice);
    const sessionProfit = sessionValue - position.sessionValue + position.sessionRealized;
    const payment = terms.isOption ? 0n : sessionProfit + sessionFunding;
    return { account, sizeLots, payment, sessionProfit, funding: sessionFunding, sessionValue };
  });
}
