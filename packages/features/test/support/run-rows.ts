/** A generated market as a source of events, and the rows that a graph writes over it, for the tests of writers. */
import type { EventBatch } from "../../src/event.ts";
import type { EventSource } from "../../src/io/source.ts";
import { originNs, testInstrument } from "./random-market.ts";

/** The events of some batches, as a reader would bring them. */
export function sourceOf(batches: readonly EventBatch[], instruments = [testInstrument()]): EventSource {
  const progress = { bytesRead: 0, bytesTotal: 0, eventsCount: 0, gapsCount: 0, skippedCount: 0 };
  return {
    instruments,
    originNs,
    progress,
    async *batches() {
      for (const batch of batches) {
        progress.eventsCount += batch.count;
        yield await Promise.resolve(batch);
      }
    },
  };
}
