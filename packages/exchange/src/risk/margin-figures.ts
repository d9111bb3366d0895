/** What exposures require and are worth, as sums that can be added and taken apart again. How they arise: `figures.ts`. */

/** Sums over exposures, in smallest units of one settlement asset. */
export interface MarginFigures {
  /** Initial margin with open orders, and of the position alone. */
  readonly initial: bigint;
  readonly initialPosition: bigint;
  readonly maintenance: bigint;
  readonly sessionUnrealized: bigint;
  readonly sessionRealized: bigint;
  /** Booked funding of this session and what has accrued since. */
  readonly sessionFunding: bigint;
  readonly optionsValue: bigint;
  /** The part of `optionsValue` that short positions owe; zero or negative. */
  readonly optionsShortValue: bigint;
}

export const noFigures: MarginFigures = {
  initial: 0n,
  initialPosition: 0n,
  maintenance: 0n,
  sessionUnrealized: 0n,
  sessionRealized: 0n,
  sessionFunding: 0n,
  optionsValue: 0n,
  optionsShortValue: 0n,
};

export function addFigures(left: MarginFigures, right: MarginFigures): MarginFigures {
  return {
    initial: plus(left.initial, right.initial),
    initialPosition: plus(left.initialPosition, right.initialPosition),
    maintenance: plus(left.maintenance, right.maintenance),
    sessionUnrealized: plus(left.sessionUnrealized, right.sessionUnrealized),
    sessionRealized: plus(left.sessionRealized, right.sessionRealized),
    sessionFunding: plus(left.sessionFunding, right.sessionFunding),
    optionsValue: plus(left.optionsValue, right.optionsValue),
    optionsShortValue: plus(left.optionsShortValue, right.optionsShortValue),
  };
}

export function subtractFigures(left: MarginFigures, right: MarginFigures): MarginFigures {
  return {
    initial: minus(left.initial, right.initial),
    initialPosition: minus(left.initialPosition, right.initialPosition),
    maintenance: minus(left.maintenance, right.maintenance),
    sessionUnrealized: minus(left.sessionUnrealized, right.sessionUnrealized),
    sessionRealized: minus(left.sessionRealized, right.sessionRealized),
    sessionFunding: minus(left.sessionFunding, right.sessionFunding),
    optionsValue: minus(left.optionsValue, right.optionsValue),
    optionsShortValue: minus(left.optionsShortValue, right.optionsShortValue),
  };
}

// PERF: most figures of most exposures are zero, and every sum of two bigints is a new one.
const plus = (left: bigint, right: bigint): bigint => (right === 0n ? left : left + right);
const minus = (left: bigint, right: bigint): bigint => (right === 0n ? left : left - right);
