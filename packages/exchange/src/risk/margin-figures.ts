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
    initial: left.initial + right.initial,
    initialPosition: left.initialPosition + right.initialPosition,
    maintenance: left.maintenance + right.maintenance,
    sessionUnrealized: left.sessionUnrealized + right.sessionUnrealized,
    sessionRealized: left.sessionRealized + right.sessionRealized,
    sessionFunding: left.sessionFunding + right.sessionFunding,
    optionsValue: left.optionsValue + right.optionsValue,
    optionsShortValue: left.optionsShortValue + right.optionsShortValue,
  };
}

export function subtractFigures(left: MarginFigures, right: MarginFigures): MarginFigures {
  return {
    initial: left.initial - right.initial,
    initialPosition: left.initialPosition - right.initialPosition,
    maintenance: left.maintenance - right.maintenance,
    sessionUnrealized: left.sessionUnrealized - right.sessionUnrealized,
    sessionRealized: left.sessionRealized - right.sessionRealized,
    sessionFunding: left.sessionFunding - right.sessionFunding,
    optionsValue: left.optionsValue - right.optionsValue,
    optionsShortValue: left.optionsShortValue - right.optionsShortValue,
  };
}
