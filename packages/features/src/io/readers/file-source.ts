/** A source of events from an input of bytes and something that decodes them, chunk by chunk: what all readers of files have in common. */
import { batchCapacity, type EventBatch } from "../../event.ts";
import type { Instrument } from "../../instrument.ts";
import type { EventSource, SourceProgress } from "../source.ts";
import type { ByteInput } from "./bytes.ts";
import { EventWriter } from "./event-writer.ts";

/** Turns bytes into events. One is made for every pass; how the bytes are cut into chunks makes no difference to the events. */
export interface Decoder {
  /** Places where something was missed, and records that are no events, so far. */
  gapsCount: number;
  skippedCount: number;
  /** Takes a chunk and writes what became whole. What is left it copies: the chunk may be used again. */
  push(chunk: Uint8Array, writer: EventWriter): void;
  /** The input is over. Refuses half a record. */
  finish(writer: EventWriter): void;
}

export interface FileSourceSettings {
  readonly input: ByteInput;
  readonly instruments: readonly Instrument[];
  readonly originNs: bigint;
  readonly decode: () => Decoder;
}

export function fileSource({ input, instruments, originNs, decode }: FileSourceSettings): EventSource {
  const progress: SourceProgress = blankProgress(input.bytesTotal);
  return {
    instruments,
    originNs,
    progress,
    async *batches(): AsyncGenerator<EventBatch> {
      Object.assign(progress, blankProgress(input.bytesTotal));
      const writer = new EventWriter();
      const decoder = decode();
      const batchOf = (): EventBatch => {
        progress.eventsCount += writer.batch.count;
        progress.gapsCount = decoder.gapsCount;
        progress.skippedCount = decoder.skippedCount;
        return writer.batch;
      };
      for await (const chunk of input.chunks((bytesRead) => (progress.bytesRead = bytesRead))) {
        decoder.push(chunk, writer);
        if (2 * writer.batch.count < batchCapacity(writer.batch)) continue;
        yield batchOf();
        writer.clear();
      }
      decoder.finish(writer);
      const last = batchOf();
      if (last.count > 0) yield last;
      writer.clear();
    },
  };
}

export const blankProgress = (bytesTotal: number): SourceProgress => ({
  bytesRead: 0,
  bytesTotal,
  eventsCount: 0,
  gapsCount: 0,
  skippedCount: 0,
});

/** Nanoseconds since 1970 UTC of the midnight (UTC) at or before a time. */
export const midnightBefore = (timeNs: bigint): bigint => {
  const day = 86_400_000_000_000n;
  const past = ((timeNs % day) + day) % day;
  return timeNs - past;
};
