/** Where events come from, by the flags: files by detection, the folder of a node, a live stream, or the generated market of the library. */
import { once } from "node:events";
import { createWriteStream, existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { EventBatch } from "@stoa/features/event";
import { flowPresets } from "@stoa/features/generator/flow-presets";
import { OrderFlow } from "@stoa/features/generator/order-flow";
import { parseScale } from "@stoa/features/instrument";
import { inOrder } from "@stoa/features/io/in-order";
import { onlyInstruments } from "@stoa/features/io/only-instruments";
import { parseCsvMapping } from "@stoa/features/io/readers/csv";
import { formats, type Format } from "@stoa/features/io/readers/detect";
import { followDeribit, type LiveSource } from "@stoa/features/io/readers/follow";
import { openSource, type OpenOptions } from "@stoa/features/io/readers/open";
import type { EventSource } from "@stoa/features/io/source";
import { folderOf, hasDevnet } from "../devnet/folder.ts";
import { Failure } from "../failure.ts";
import type { InputFlags } from "./flags.ts";
import { openStoaHistory } from "./stoa-history.ts";

/** A live one is closed by whoever opened it. */
export async function openInput(flags: InputFlags): Promise<EventSource & Partial<Pick<LiveSource, "close">>> {
  const { input, follow, instrument } = flags;
  if (input !== undefined && follow !== undefined) throw new Failure("--input and --follow exclude each other");
  if (input === undefined && follow === undefined)
    throw new Failure("where do the events come from? --input FILE, --input generated:100000, or --follow URL");
  if (follow !== undefined) return openLive(follow, flags);
  const source = await openFiles(input!, flags);
  return instrument === undefined ? source : chosen(source, instrument);
}

function chosen(source: EventSource, names: readonly string[]): EventSource {
  const known = source.instruments.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const shown =
      known.length <= 12 ? known.join(", ") : `${known.slice(0, 12).join(", ")} and ${known.length - 12} more`;
    throw new Failure(`--instrument ${name}: it is not there, but ${shown}`);
  }
  return onlyInstruments(source, names);
}

async function openFiles(files: readonly string[], flags: InputFlags): Promise<EventSource> {
  const count = generatedCount(files);
  if (count !== undefined) return generated(count);
  const options = await optionsOf(flags);
  const sources: EventSource[] = [];
  for (const file of files) {
    if (!statSync(file).isDirectory()) sources.push(await openSource(file, options));
    else if (existsSync(join(file, "blocks"))) sources.push(openStoaHistory(file, flags.instrument));
    else if (hasDevnet(file))
      throw new Failure(
        `${file} is a devnet: the history of one of its nodes is wanted: ${folderOf(file).validator(0)}`,
      );
    else throw new Failure(`${file} is a folder: a file is wanted, or the folder of a node with its block log`);
  }
  return inOrder(sources);
}

function generatedCount(files: readonly string[]): number | undefined {
  if (!files.some((file) => file.startsWith("generated:"))) return undefined;
  const [, count] = /^generated:([1-9]\d{0,11})$/.exec(files[0]!) ?? [];
  if (count !== undefined && files.length === 1) return Number(count);
  throw new Failure(`--input ${files.join(" ")}: generated:EVENTS is wanted, by itself, such as generated:100000`);
}

async function optionsOf({ format, instrument, symbol, date, mapping, ...terms }: InputFlags): Promise<OpenOptions> {
  if (format !== undefined && !isFormat(format))
    throw new Failure(`--format ${format}: ${formats.join(", ")} are known`);
  const { tick, lot, multiplier } = terms;
  const given = {
    ...(tick === undefined ? {} : { tick }),
    ...(lot === undefined ? {} : { lot }),
    ...(multiplier === undefined ? {} : { multiplier }),
  };
  return {
    ...(format === undefined ? {} : { format }),
    ...(instrument === undefined ? {} : { only: instrument }),
    ...(symbol === undefined ? {} : { symbol }),
    ...(date === undefined ? {} : { date }),
    ...(mapping === undefined ? {} : { mapping: parseCsvMapping(mapping, await readFile(mapping, "utf8")) }),
    ...(Object.keys(given).length === 0 ? {} : { terms: { "*": given } }),
  };
}

const isFormat = (name: string): name is Format => (formats as readonly string[]).includes(name);

/** A venue, or a gateway, whose address may be said without its path. */
async function openLive(url: string, { instrument, tick, lot, multiplier, record }: InputFlags): Promise<LiveSource> {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !/^wss?:$/.test(address.protocol))
    throw new Failure(
      `--follow ${url}: an address such as wss://www.deribit.com/ws/api/v2 or ws://127.0.0.1:7400 is wanted`,
    );
  if (address.pathname === "/") address.pathname = "/ws/api/v2";
  if (instrument === undefined)
    throw new Failure(
      "--follow wants instruments: --instrument BTC-PERPETUAL, or with * for anything: --instrument 'BTC-*'",
    );
  const terms = {
    ...(tick === undefined ? {} : { tick }),
    ...(lot === undefined ? {} : { lot }),
    ...(multiplier === undefined ? {} : { multiplier }),
  };
  const recording = record === undefined ? undefined : createWriteStream(record, { flags: "wx" });
  if (recording !== undefined) await once(recording, "open");
  return followDeribit(address.href, {
    instruments: instrument,
    ...(Object.keys(terms).length === 0 ? {} : { terms: { "*": terms } }),
    ...(recording === undefined ? {} : { record: (line: string) => void recording.write(`${line}\n`) }),
  });
}

/** 2026-01-01, midnight. */
const generatedOriginNs = 1_767_225_600_000_000_000n;

/** A market by order, always the same: for trying things out, not for research. */
function generated(eventsCount: number): EventSource {
  const parameters = flowPresets["equityIndexFuture"]!;
  const progress = { bytesRead: 0, bytesTotal: 0, eventsCount: 0, gapsCount: 0, skippedCount: 0 };
  return {
    instruments: [
      { name: "GENERATED", kind: "future", tick: parseScale("0.25"), lot: parseScale("1"), multiplier: 50 },
    ],
    originNs: generatedOriginNs,
    progress,
    async *batches(): AsyncGenerator<EventBatch> {
      progress.eventsCount = 0;
      for (const batch of new OrderFlow({ seed: 1, parameters }).batches(eventsCount)) {
        // The generator ends with a whole atomic change, and a little late.
        batch.count = Math.min(batch.count, eventsCount - progress.eventsCount);
        progress.eventsCount += batch.count;
        // Signals are heard between two batches.
        await setImmediate();
        yield batch;
      }
    },
  };
}
