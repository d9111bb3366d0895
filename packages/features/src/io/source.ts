/** What every reader returns: instruments, the origin of times, and batches of events in the order of the venue. */
import type { EventBatch } from "../event.ts";
import type { Instrument } from "../instrument.ts";

export interface EventSource {
  readonly instruments: readonly Instrument[];
  /** Nanoseconds since 1970 UTC at `timeNs` 0: a midnight. */
  readonly originNs: bigint;
  /** The events. A batch is reused for the next: whoever wants to keep it copies it. */
  batches(): AsyncIterable<EventBatch>;
  /** What was read so far. */
  readonly progress: SourceProgress;
}

export interface SourceProgress {
  /** Of `bytesTotal`, as they lie on the disk; the total is 0 where it is not known (a live stream). */
  bytesRead: number;
  bytesTotal: number;
  eventsCount: number;
  /** Places where something was missed. */
  gapsCount: number;
  /** Records that do not belong to any event (heartbeats, other channels). */
  skippedCount: number;
}
