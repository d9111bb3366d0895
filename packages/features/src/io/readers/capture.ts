/**
 * Captures of what venues sent: text files with a message per line, `<unix seconds>: <json>` or the JSON alone. Lines with `<->` are
 * the connection (the second one is a reconnection, and a gap), with `<-` what the client sent, with `->` what an address answered. Several files of one capture
 * (the stream, the answers) are read together in the order of receipt.
 */
import { batchCapacity, type EventBatch } from "../../event.ts";
import type { EventSource } from "../source.ts";
import type { ByteInput } from "./bytes.ts";
import { decimalSteps } from "./decimal-text.ts";
import { EventWriter } from "./event-writer.ts";
import { blankProgress, midnightBefore } from "./file-source.ts";
import { linesOf, survey as surveyLines } from "./lines.ts";
import { excerpt, ReadRefusal } from "./read-refusal.ts";
import type { TermsByName } from "./terms.ts";
import { Survey, VenueContext, type Listed, type Venue, type VenueDecoder } from "./venue.ts";

export interface CaptureSettings {
  readonly venue: Venue;
  /** The stream first, then answers and lists that belong to it. */
  readonly inputs: readonly ByteInput[];
  readonly terms?: TermsByName;
  /** Only these instruments; all that appear if absent. */
  readonly only?: readonly string[];
}

export interface CaptureLine {
  readonly kind: "message" | "connection" | "none";
  readonly url: string;
  /** Microseconds since 1970; NaN where the line has no time. */
  readonly receivedUs: number;
  readonly json: string;
}

const noLine: CaptureLine = { kind: "none", url: "", receivedUs: NaN, json: "" };

/** Takes a line apart; `undefined` if it is none of a capture. */
export function parseCaptureLine(text: string): CaptureLine | undefined {
  if (text === "" || text.startsWith("configuration: ")) return noLine;
  if (text.startsWith("{") || text.startsWith("[")) return { kind: "message", url: "", receivedUs: NaN, json: text };
  const match = /^(?:(\w+:\/\/\S+) (<->|<-|->) )?(\d+(?:\.\d+)?)(?:: (.*))?$/s.exec(text);
  if (match === null) return undefined;
  const [, url = "", arrow, time = "", json = ""] = match;
  const receivedUs = decimalSteps(time, 6);
  if (arrow === "<->") return { kind: "connection", url, receivedUs, json };
  if (arrow === "<-" || json === "") return { ...noLine, receivedUs };
  return { kind: "message", url, receivedUs, json };
}

/** Surveys the capture, then gives a source of its events. */
export async function readCapture(
  settings: CaptureSettings,
  nameOf: (name: string) => Listed = () => ({}),
): Promise<EventSource> {
  const { venue, inputs, terms, only } = settings;
  const survey = new Survey();
  for (const input of inputs) {
    await surveyLines(input, (text, number) => {
      const line = lineAt(input.name, text, number);
      survey.time(line.receivedUs / 1e3);
      if (line.kind !== "message") return;
      const body = parsed(input.name, line, number);
      inside(input.name, number, () => venue.survey({ body, url: line.url, receivedNs: NaN }, survey));
    });
  }
  if (only !== undefined) for (const name of survey.seen.keys()) if (!only.includes(name)) survey.seen.delete(name);
  const instruments = survey.instruments(terms, nameOf);
  const name = inputs[0]!.name;
  if (instruments.length === 0) {
    throw new ReadRefusal({
      file: name,
      found: "no message about an instrument",
      wanted: `a capture of ${venue.name}`,
    });
  }
  const originNs = midnightBefore(BigInt(Math.floor(survey.startMs)) * 1_000_000n);
  const originMs = Number(originNs / 1_000_000n);
  const bytesTotal = inputs.reduce((total, input) => total + input.bytesTotal, 0);
  const progress = blankProgress(bytesTotal);
  return {
    instruments,
    originNs,
    progress,
    async *batches(): AsyncGenerator<EventBatch> {
      Object.assign(progress, blankProgress(bytesTotal));
      const context = new VenueContext({ source: name, instruments, originMs, survey });
      const decoder = venue.decoder(context);
      const pass = new CapturePass(decoder, context, originMs);
      const batchOf = (): EventBatch => {
        progress.eventsCount += pass.writer.batch.count;
        progress.gapsCount = decoder.gapsCount;
        progress.skippedCount = decoder.skippedCount;
        return pass.writer.batch;
      };
      const read = inputs.map(() => 0);
      for await (const line of merged(inputs, (index, bytes) => {
        read[index] = bytes;
        progress.bytesRead = read.reduce((total, one) => total + one, 0);
      })) {
        pass.take(line);
        if (2 * pass.writer.batch.count < batchCapacity(pass.writer.batch)) continue;
        yield batchOf();
        pass.writer.clear();
      }
      const last = batchOf();
      if (last.count > 0) yield last;
      pass.writer.clear();
    },
  };
}

/** One pass over the lines. */
class CapturePass {
  readonly writer = new EventWriter();
  readonly #decoder: VenueDecoder;
  readonly #context: VenueContext;
  readonly #originUs: number;
  readonly #connected = new Set<string>();

  constructor(decoder: VenueDecoder, context: VenueContext, originMs: number) {
    this.#decoder = decoder;
    this.#context = context;
    this.#originUs = originMs * 1e3;
  }

  take({ file, number, line }: PlacedLine): void {
    const receivedNs = (line.receivedUs - this.#originUs) * 1e3;
    this.#context.place = `line ${number}`;
    if (line.kind === "connection") {
      if (this.#connected.has(file)) this.#decoder.reconnected(receivedNs, this.writer);
      this.#connected.add(file);
    }
    if (line.kind !== "message") return;
    const body = parsed(file, line, number);
    inside(file, number, () => this.#decoder.message({ body, url: line.url, receivedNs }, this.writer));
  }
}

interface PlacedLine {
  readonly file: string;
  readonly number: number;
  readonly line: CaptureLine;
}

/** Lines of several inputs in the order of receipt; a line without a time comes right behind the one before it. */
async function* merged(
  inputs: readonly ByteInput[],
  onBytesRead: (index: number, bytes: number) => void,
): AsyncGenerator<PlacedLine> {
  const readers = inputs.map((input, index) => placedLines(input, (bytes) => onBytesRead(index, bytes)));
  const heads = await Promise.all(readers.map((reader) => reader.next()));
  const times = heads.map(() => -Infinity);
  const timeOf = (index: number): number => {
    const { value, done } = heads[index]!;
    if (done === true) return Infinity;
    const { receivedUs } = value.line;
    return Number.isNaN(receivedUs) ? times[index]! : receivedUs;
  };
  for (;;) {
    let next = 0;
    for (let index = 1; index < heads.length; index++) if (timeOf(index) < timeOf(next)) next = index;
    const head = heads[next];
    if (head === undefined || head.done === true) return;
    times[next] = timeOf(next);
    yield head.value;
    heads[next] = await readers[next]!.next();
  }
}

async function* placedLines(
  input: ByteInput,
  onBytesRead: (bytes: number) => void,
): AsyncGenerator<PlacedLine, undefined> {
  let number = 0;
  for await (const lines of linesOf(input, onBytesRead))
    for (const text of lines) yield { file: input.name, number: ++number, line: lineAt(input.name, text, number) };
}

function lineAt(file: string, text: string, number: number): CaptureLine {
  const line = parseCaptureLine(text);
  if (line !== undefined) return line;
  const wanted = "<unix seconds>: <json>, or a line of JSON";
  throw new ReadRefusal({ file, place: `line ${number}`, found: excerpt(text), wanted });
}

function parsed(file: string, { json }: CaptureLine, number: number): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new ReadRefusal({ file, place: `line ${number}`, found: excerpt(json), wanted: "JSON" });
  }
}

/** A message of another shape than the venue's makes whatever error it makes: told with its place. */
function inside(file: string, number: number, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (error instanceof ReadRefusal) throw error;
    const found = `a message of another shape (${(error as Error).message})`;
    throw new ReadRefusal({ file, place: `line ${number}`, found, wanted: "a message as the venue documents it" });
  }
}
