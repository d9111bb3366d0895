/**
 * What makes one generated market like another: rates, sizes, where orders are put and taken away. The two sets here were fitted by
 * `tools/fit-flow.ts` to recorded markets that are not ours to publish; what is written down is these few aggregates.
 */

/** The kinds of arrivals that excite one another. */
export const arrivalKinds = ["limit", "cancel", "market"] as const;
export type ArrivalKind = (typeof arrivalKinds)[number];

/** A law of sizes in lots: one of `sizes` with the probabilities of `weights`, or, with what is left of 1, a geometric tail beyond the largest. */
export interface SizeLaw {
  readonly sizes: readonly number[];
  readonly weights: readonly number[];
  /** Mean of what the tail adds to the largest size. */
  readonly tailMean: number;
}

export interface FlowParameters {
  /** Arrivals per second and side that nothing excited; of cancels, per order that rests within `nearTicks` of its best. */
  readonly baseline: Readonly<Record<ArrivalKind, number>>;
  /** Mean number of arrivals of a kind (row) that one arrival of another (column) excites on its own side, and on the other. */
  readonly excitedSame: Readonly<Record<ArrivalKind, Readonly<Record<ArrivalKind, number>>>>;
  readonly excitedOpposite: Readonly<Record<ArrivalKind, Readonly<Record<ArrivalKind, number>>>>;
  /** How fast excitement fades, per second. */
  readonly decay: number;
  readonly limitSize: SizeLaw;
  readonly marketSize: SizeLaw;
  /** Probability that a limit order improves the best price when the spread is wider than a tick. */
  readonly improve: number;
  /** Probabilities of a limit order's distance from its own best in ticks, 0 first; the rest falls geometrically behind. */
  readonly placement: readonly number[];
  /** Mean of what the rest adds, in ticks. */
  readonly placementTailMean: number;
  /** Likewise for the orders that are cancelled. */
  readonly cancellation: readonly number[];
  readonly cancellationTailMean: number;
  /** Share of cancels that take away only a part, and that are changes of price or size instead. */
  readonly partial: number;
  readonly modify: number;
  /** How strongly market orders prefer the side whose queue is short: rate times exp(-reaction * imbalance of the best queues). */
  readonly reaction: number;
  /**
   * Mean number of orders that rest so many ticks from their own best, 0 first. A limit order that meets a longer queue goes a tick
   * deeper with probability 1 - mean / length, a cancel that meets a shorter one with probability 1 - length / mean: queues keep their length.
   */
  readonly queueOrders: readonly number[];
  /** Orders within so many ticks of their best are near. */
  readonly nearTicks: number;
  /** Of the opening book: levels per side, and the distance between those behind `queueOrders` in ticks. */
  readonly openingLevels: number;
  readonly openingGapTicks: number;
  readonly openingPrice: number;
}
