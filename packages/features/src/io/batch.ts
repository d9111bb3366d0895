/**
 * Runs a graph over a source of events into a sink: rows and tables are gathered in blocks, and no event is read while the sink is busy with
 * more than it wants to hold. Everything is finished together or, when something fails, undone together.
 */
import type { EventBatch } from "../event.ts";
import type { FeatureGraph } from "../graph/graph.ts";
import type { FeatureStream } from "../graph/stream.ts";
import { positiveInteger } from "../refusal.ts";
import type { EventSource, SourceProgress } from "./source.ts";
import { schemasOf, type OutputSchema } from "./writers/output-schema.ts";
import { makeRowBlock, type FeatureSink, type RowBlock, type TableWriter } from "./writers/table.ts";

export interface RunSettings {
  readonly sink: FeatureSink;
  /** Rows of a block: a row group in Parquet, a record batch in Arrow. 65,536 when absent. */
  readonly blockRows?: number;
  /** Rows before this time (nanoseconds since 1970 UTC) are left out; their events are read all the same, so that books and windows are full. */
  readonly fromNs?: bigint;
  /** Reading ends before the first event of this time or later. */
  readonly untilNs?: bigint;
  /** Ends the run as if the source had ended: what there is is finished. */
  readonly signal?: AbortSignal;
  /** Called after every batch of events. */
  readonly onProgress?: (progress: RunProgress) => void;
  /** For live sources: blocks go out after so many milliseconds even if they are not full. */
  readonly flushMs?: number;
  /** To go on from what an earlier run saved. */
  readonly checkpoint?: Uint8Array;
}

export interface RunProgress extends SourceProgress {
  readonly rowsCount: number;
  /** Nanoseconds since 1970 UTC of the last event; undefined before the first. */
  readonly timeNs: bigint | undefined;
  readonly stream: FeatureStream;
}

export interface TableSummary {
  readonly schema: OutputSchema;
  readonly rowsCount: number;
  /** By column, in the order of the schema without the time. */
  readonly nullsCount: Float64Array;
  /** Nanoseconds since 1970 UTC; undefined without rows. */
  readonly firstNs: bigint | undefined;
  readonly lastNs: bigint | undefined;
}

export interface RunSummary {
  /** Of the rows first, then of the tables. */
  readonly tables: readonly TableSummary[];
  readonly source: SourceProgress;
  /** Events stamped earlier than one before them. */
  readonly lateCount: number;
  /** Events that named an order which no book held. */
  readonly unknownOrdersCount: number;
  /** To go on later where this ended. */
  readonly checkpoint: Uint8Array;
}

/** At most so many events go between two looks at whether blocks are full. */
const eventsPerStep = 8192;

/** @example await runFeatures(graph, source, { sink: fileSink("out.parquet") }); */
export async function runFeatures(
  graph: FeatureGraph,
  source: EventSource,
  settings: RunSettings,
): Promise<RunSummary> {
  const { sink, blockRows = 65_536, flushMs = Infinity } = settings;
  positiveInteger("blockRows", blockRows);
  const outputs = await openAll(schemasOf(graph), sink, blockRows);
  const rows = outputs[0] as Output;
  const originNs = BigInt(graph.settings.originNs);
  const fromNs = settings.fromNs === undefined ? -Infinity : Number(settings.fromNs - originNs);
  try {
    const stream = graph.stream(
      {
        onRow: (row, { timeNs }) => (fromNs <= timeNs ? rows.append(timeNs, row) : undefined),
        onTableRow: (table, timeNs, values) =>
          fromNs <= timeNs ? (outputs[table + 1] as Output).append(timeNs, values) : undefined,
      },
      settings.checkpoint,
    );
    const untilNs = settings.untilNs === undefined ? Infinity : Number(settings.untilNs - originNs);
    let flushedMs = performance.now();
    for await (const batch of untilAborted(source.batches(), settings.signal)) {
      const end = rowOfTime(batch, untilNs);
      for (let from = 0; from < end; from += eventsPerStep) {
        stream.pushBatch(batch, from, Math.min(end, from + eventsPerStep));
        for (const output of outputs) await output.writeFull();
      }
      settings.onProgress?.(progressOf(source, stream, rows, originNs));
      if (end < batch.count) break;
      if (performance.now() - flushedMs < flushMs) continue;
      for (const output of outputs) await output.writeAll();
      flushedMs = performance.now();
    }
    for (const output of outputs) await output.writeAll();
    // The rows last: whoever sees them finds the tables.
    for (const output of outputs.toReversed()) await output.writer.finish();
    return {
      tables: outputs.map((output) => output.summary(originNs)),
      source: { ...source.progress },
      lateCount: stream.lateCount,
      unknownOrdersCount: stream.markets.reduce((sum, { book }) => sum + book.unknownOrdersCount, 0),
      checkpoint: stream.save(),
    };
  } catch (error) {
    for (const output of outputs) await output.writer.abort();
    throw error;
  }
}

function progressOf(source: EventSource, stream: FeatureStream, rows: Output, originNs: bigint): RunProgress {
  const { bytesRead, bytesTotal, eventsCount, gapsCount, skippedCount } = source.progress;
  const timeNs = stream.timeNs === -Infinity ? undefined : originNs + BigInt(Math.round(stream.timeNs));
  return { bytesRead, bytesTotal, eventsCount, gapsCount, skippedCount, rowsCount: rows.rowsCount, timeNs, stream };
}

/** Index of the first event at `untilNs` or later. */
function rowOfTime({ timeNs, count }: EventBatch, untilNs: number): number {
  if (untilNs === Infinity) return count;
  for (let row = 0; row < count; row++) {
    if (untilNs <= (timeNs[row] as number)) return row;
  }
  return count;
}

/** A promise that lives as long as the run would keep whatever waits for it: so each wait has one of its own, which the signal ends. */
async function* untilAborted<Item>(items: AsyncIterable<Item>, signal?: AbortSignal): AsyncGenerator<Item> {
  const iterator = items[Symbol.asyncIterator]();
  const over = { done: true, value: undefined } as const;
  let end = (): void => undefined;
  const onAbort = (): void => end();
  signal?.addEventListener("abort", onAbort);
  try {
    while (signal?.aborted !== true) {
      const next = await new Promise<IteratorResult<Item, unknown>>((resolve, reject) => {
        end = () => resolve(over);
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // A source that waits for the network is not waited for.
    void iterator.return?.(undefined)?.then(undefined, () => undefined);
  }
}

async function openAll(schemas: readonly OutputSchema[], sink: FeatureSink, blockRows: number): Promise<Output[]> {
  const outputs: Output[] = [];
  try {
    for (const schema of schemas) outputs.push(new Output(schema, await sink.open(schema), blockRows));
    return outputs;
  } catch (error) {
    for (const { writer } of outputs) await writer.abort();
    throw error;
  }
}

/** One table of the run: the block that is being filled, and those that wait for their writer. */
class Output {
  readonly schema: OutputSchema;
  readonly writer: TableWriter;
  rowsCount = 0;
  readonly #nulls: Float64Array;
  readonly #blockRows: number;
  readonly #full: RowBlock[] = [];
  #block: RowBlock;
  #firstNs = NaN;
  #lastNs = NaN;

  constructor(schema: OutputSchema, writer: TableWriter, blockRows: number) {
    this.schema = schema;
    this.writer = writer;
    this.#blockRows = blockRows;
    this.#nulls = new Float64Array(schema.columns.length - 1);
    this.#block = this.#makeBlock();
  }

  append(timeNs: number, row: Float64Array): void {
    let block = this.#block;
    if (block.count === block.timeNs.length) {
      this.#full.push(block);
      block = this.#makeBlock();
      this.#block = block;
    }
    block.timeNs[block.count] = timeNs;
    block.values.set(row, block.count * block.width);
    block.count++;
    this.rowsCount++;
  }

  async writeFull(): Promise<void> {
    for (let block = this.#full.shift(); block !== undefined; block = this.#full.shift()) await this.#write(block);
  }

  async writeAll(): Promise<void> {
    await this.writeFull();
    if (this.#block.count === 0) return;
    const block = this.#block;
    this.#block = this.#makeBlock();
    await this.#write(block);
  }

  summary(originNs: bigint): TableSummary {
    const epoch = (timeNs: number): bigint | undefined =>
      Number.isNaN(timeNs) ? undefined : originNs + BigInt(Math.round(timeNs));
    return {
      schema: this.schema,
      rowsCount: this.rowsCount,
      nullsCount: this.#nulls,
      firstNs: epoch(this.#firstNs),
      lastNs: epoch(this.#lastNs),
    };
  }

  #makeBlock(): RowBlock {
    return makeRowBlock(this.schema.columns.length - 1, this.#blockRows);
  }

  async #write(block: RowBlock): Promise<void> {
    const { count, width, values, timeNs } = block;
    for (let at = 0; at < count * width; at++) {
      if (Number.isNaN(values[at])) this.#nulls[at % width] = (this.#nulls[at % width] as number) + 1;
    }
    if (Number.isNaN(this.#firstNs)) this.#firstNs = timeNs[0] as number;
    this.#lastNs = timeNs[count - 1] as number;
    await this.writer.write(block);
  }
}
