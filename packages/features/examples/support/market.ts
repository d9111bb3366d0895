/**
 * Where an example takes its market from: the file that it is given (any format that `openSource` reads, the first instrument of it), or, without
 * one, a market by order that the library makes from a seed, always the same.
 */
import type { EventBatch } from "@stoa/features/event";
import { flowPresets } from "@stoa/features/generator/flow-presets";
import { OrderFlow } from "@stoa/features/generator/order-flow";
import { parseScale, type Instrument } from "@stoa/features/instrument";
import { onlyInstruments } from "@stoa/features/io/only-instruments";
import { openSource } from "@stoa/features/io/readers/open";
import type { EventSource } from "@stoa/features/io/source";

/** The file, or about so many events of a generated future with a tick of a quarter, from midnight of 2026-01-01 on. */
export async function openMarket(file: string | undefined, eventsCount: number, seed = 1): Promise<EventSource> {
  if (file === undefined) return generated(eventsCount, seed);
  const source = await openSource(file);
  return onlyInstruments(source, [source.instruments[0]!.name]);
}

const instrument: Instrument = {
  name: "GENERATED",
  kind: "future",
  tick: parseScale("0.25"),
  lot: parseScale("1"),
  multiplier: 50,
};

function generated(eventsCount: number, seed: number): EventSource {
  const progress = { bytesRead: 0, bytesTotal: 0, eventsCount: 0, gapsCount: 0, skippedCount: 0 };
  return {
    instruments: [instrument],
    originNs: 1_767_225_600_000_000_000n,
    progress,
    async *batches(): AsyncGenerator<EventBatch> {
      for (const batch of new OrderFlow({ seed, parameters: flowPresets["equityIndexFuture"]! }).batches(eventsCount)) {
        progress.eventsCount += batch.count;
        yield batch;
      }
    },
  };
}
