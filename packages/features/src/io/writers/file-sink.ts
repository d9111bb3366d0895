/** Files by the ending of their name: the rows into the file that was named, each table into one of its own beside it (`out.bars.parquet`). */
import { extname } from "node:path";
import { arrowTable } from "./arrow.ts";
import { csvTable } from "./csv.ts";
import { npyTable } from "./npy.ts";
import { OutputRefusal } from "./output-refusal.ts";
import { parquetTable, type ParquetCompression } from "./parquet.ts";
import { parquetTableOnThread } from "./parquet-thread.ts";
import type { OutputSchema } from "./output-schema.ts";
import type { FeatureSink, TableWriter } from "./table.ts";

export interface FileSinkSettings {
  /** Of Parquet; `zstd` when absent. */
  readonly compression?: ParquetCompression;
  /** Encode Parquet on a thread of its own: the rule. `false` for whoever has no thread to spare. */
  readonly thread?: boolean;
}

type OpenTable = (path: string, schema: OutputSchema, settings: FileSinkSettings) => Promise<TableWriter>;

/** What can be written, by the ending of the name. */
export const outputFormats: Readonly<Record<string, OpenTable>> = {
  ".parquet": (path, schema, { compression, thread = true }) =>
    (thread ? parquetTableOnThread : parquetTable)(path, schema, compression),
  ".arrow": (path, schema) => arrowTable(path, schema, "file"),
  ".feather": (path, schema) => arrowTable(path, schema, "file"),
  ".arrows": (path, schema) => arrowTable(path, schema, "stream"),
  ".csv": csvTable,
  ".npy": npyTable,
};

/**
 * A sink that writes files. Refuses an ending that it does not know.
 *
 * @example await runFeatures(graph, source, { sink: fileSink("out.parquet") });
 */
export function fileSink(path: string, settings: FileSinkSettings = {}): FeatureSink {
  const ending = extname(path).toLowerCase();
  const open = outputFormats[ending];
  if (open === undefined) {
    throw new OutputRefusal(
      `${path} ends in no format that can be written: ${Object.keys(outputFormats).join(", ")} would do`,
    );
  }
  return { open: (schema) => open(tablePath(path, schema.table), schema, settings) };
}

/** `out.parquet` and `bars` make `out.bars.parquet`. */
export function tablePath(path: string, table: string): string {
  const ending = extname(path);
  return table === "" ? path : `${path.slice(0, -ending.length)}.${table}${ending}`;
}
