/** Bytes as lines of text, however the bytes are cut. A line ends with \n or \r\n; the last one may do without. */
import { batchCapacity, type EventBatch } from "../../event.ts";
import type { Instrument } from "../../instrument.ts";
import type { EventSource } from "../source.ts";
import type { ByteInput } from "./bytes.ts";
import { EventWriter } from "./event-writer.ts";
import { blankProgress } from "./file-source.ts";
import { ReadRefusal } from "./read-refusal.ts";

/** A line longer than this is not a line. */
const lineBytesMax = 1 << 28;
const newline = 0x0a;

/** The lines of an input, in groups as they come. */
export async function* linesOf(
  input: ByteInput,
  onBytesRead?: (bytesRead: number) => void,
): AsyncGenerator<readonly string[]> {
  let rest: Uint8Array[] = [];
  let restLength = 0;
  let linesCount = 0;
  for await (const chunk of input.chunks(onBytesRead)) {
    const end = chunk.lastIndexOf(newline);
    if (end === -1) {
      rest.push(chunk.slice());
      restLength += chunk.length;
      if (restLength > lineBytesMax) {
        const wanted = `lines of at most ${lineBytesMax} bytes`;
        throw new ReadRefusal({
          file: input.name,
          place: `line ${linesCount + 1}`,
          found: "a line without end",
          wanted,
        });
      }
      continue;
    }
    const whole = Buffer.concat([...rest, chunk.subarray(0, end)]).toString("utf8");
    rest = [chunk.slice(end + 1)];
    restLength = rest[0]!.length;
    const lines = whole.split("\n").map(withoutReturn);
    linesCount += lines.length;
    yield lines;
  }
  if (restLength > 0) yield [withoutReturn(Buffer.concat(rest).toString("utf8"))];
}

/** Turns lines into events. One is made for every pass. */
export interface LineDecoder {
  gapsCount: number;
  skippedCount: number;
  /** `number` counts from 1. */
  line(text: string, number: number, writer: EventWriter): void;
  finish?(writer: EventWriter): void;
}

export interface LineSourceSettings {
  readonly input: ByteInput;
  readonly instruments: readonly Instrument[];
  readonly originNs: bigint;
  readonly decode: () => LineDecoder;
}

/** A source of events from the lines of an input. */
export function lineSource({ input, instruments, originNs, decode }: LineSourceSettings): EventSource {
  const progress = blankProgress(input.bytesTotal);
  return {
    instruments,
    originNs,
    progress,
    async *batches(): AsyncGenerator<EventBatch> {
      Object.assign(progress, blankProgress(input.bytesTotal));
      const writer = new EventWriter();
      const decoder = decode();
      let number = 0;
      const batchOf = (): EventBatch => {
        progress.eventsCount += writer.batch.count;
        progress.gapsCount = decoder.gapsCount;
        progress.skippedCount = decoder.skippedCount;
        return writer.batch;
      };
      for await (const lines of linesOf(input, (bytesRead) => (progress.bytesRead = bytesRead))) {
        for (const line of lines) {
          decoder.line(line, ++number, writer);
          if (2 * writer.batch.count < batchCapacity(writer.batch)) continue;
          yield batchOf();
          writer.clear();
        }
      }
      decoder.finish?.(writer);
      const last = batchOf();
      if (last.count > 0) yield last;
      writer.clear();
    },
  };
}

/** Goes through all lines of an input once, before it is read in earnest. */
export async function survey(input: ByteInput, look: (line: string, number: number) => void): Promise<void> {
  let number = 0;
  for await (const lines of linesOf(input)) for (const line of lines) look(line, ++number);
}

const withoutReturn = (line: string): string => (line.endsWith("\r") ? line.slice(0, -1) : line);
