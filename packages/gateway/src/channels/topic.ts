/**
 * A channel with at least one subscriber. It gathers what blocks bring and gives its notifications when it is flushed: after
 * every block (raw), every 100 ms or every second. All subscribers of a topic get the same messages in the same order.
 */
import type { BlockUpdate } from "./update.ts";

export const intervals = ["raw", "100ms", "agg2"] as const;
export type Interval = (typeof intervals)[number];
export const intervalMs: Readonly<Record<Exclude<Interval, "raw">, number>> = { "100ms": 100, agg2: 1_000 };

export interface Topic {
  readonly interval: Interval;
  /** Looks at a block; true when there may be something to send. */
  readonly gather: (update: BlockUpdate) => boolean;
  /** Data of the notifications to send now, oldest first. */
  readonly flush: () => readonly unknown[];
  /** Data that brings a new subscriber to where the topic stands. */
  readonly initial: () => readonly unknown[];
  /** Also flushed every second without a block's doing. */
  readonly polled?: boolean;
}

export const intervalNamed = (word: string | undefined): Interval | undefined =>
  intervals.find((interval) => interval === word);
