/**
 * Arrow: the stream format (`.arrows`, read while it grows) and the file format (`.arrow`, `.feather`), a record batch per block. `time_ns` is
 * an int64, every other column a float64 whose nulls are marked in its bitmap; units and formulas are in the metadata of each field, the whole
 * schema in that of the file. By the optional package apache-arrow.
 */
import type { RecordBatch, RecordBatchWriter, Schema } from "apache-arrow";
import { optionalLibrary } from "./output-refusal.ts";
import { openPartFile, type PartFile } from "./part-file.ts";
import { schemaKey, schemaText, type OutputColumn, type OutputSchema } from "./output-schema.ts";
import { columnOfBlock, epochTimes, type RowBlock, type TableWriter } from "./table.ts";

type Arrow = typeof import("apache-arrow");

const arrowLibrary = (): Promise<Arrow> => optionalLibrary("apache-arrow", "Arrow files", () => import("apache-arrow"));

export async function arrowTable(path: string, schema: OutputSchema, format: "stream" | "file"): Promise<TableWriter> {
  const arrow = await arrowLibrary();
  const file = await openPartFile(path);
  return arrowWriter({ arrow, schema, format, file });
}

interface ArrowSettings {
  readonly arrow: Arrow;
  readonly schema: OutputSchema;
  readonly format: "stream" | "file";
  readonly file: PartFile;
}

function arrowWriter({ arrow, schema, format, file }: ArrowSettings): TableWriter {
  const written: Uint8Array[] = [];
  // The library's queue, but what it is given waits here until it is on the disk.
  class Queue extends arrow.AsyncByteQueue {
    override write(value: Uint8Array): void {
      written.push(value);
    }
    override close(): void {}
  }
  const made = arrowSchema(arrow, schema);
  const writer: RecordBatchWriter =
    format === "stream" ? new arrow.RecordBatchStreamWriter() : new arrow.RecordBatchFileWriter();
  const queue = new Queue();
  writer.reset(queue, made);
  const drain = async (): Promise<void> => {
    const bytes = joined(written);
    written.length = 0;
    await file.write(bytes);
  };
  const originNs = BigInt(schema.originNs);
  return {
    async write(block) {
      writer.write(recordBatch(arrow, made, block, originNs));
      await drain();
    },
    async finish() {
      writer.finish();
      await drain();
      await file.finish();
    },
    abort: () => file.abort(),
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function arrowSchema(arrow: Arrow, schema: OutputSchema): Schema {
  const fields = schema.columns.map((column) => {
    const type = column.type === "int64" ? new arrow.Int64() : new arrow.Float64();
    return new arrow.Field(column.name, type, column.type !== "int64", fieldMetadata(column));
  });
  return new arrow.Schema(fields, new Map([[schemaKey, schemaText(schema)]]));
}

function fieldMetadata({ unit, formula, feature, version }: OutputColumn): Map<string, string> {
  return new Map([
    ["unit", unit],
    ["formula", formula],
    ["feature", `${feature}@${version}`],
  ]);
}

function recordBatch(arrow: Arrow, schema: Schema, block: RowBlock, originNs: bigint): RecordBatch {
  const { count, width } = block;
  const times = arrow.makeData({ type: new arrow.Int64(), length: count, data: epochTimes(block, originNs) });
  const columns = Array.from({ length: width }, (_, column) => {
    const data = columnOfBlock(block, column);
    const { nullCount, bitmap } = nullsOf(data);
    return arrow.makeData({
      type: new arrow.Float64(),
      length: count,
      data,
      nullCount,
      nullBitmap: nullCount === 0 ? null : bitmap,
    });
  });
  const struct = arrow.makeData({
    type: new arrow.Struct(schema.fields),
    length: count,
    nullCount: 0,
    children: [times, ...columns],
  });
  return new arrow.RecordBatch(schema, struct);
}

/** A bit per row, 1 where there is a value; under a null the value itself is 0, so that equal columns are equal bytes. */
function nullsOf(data: Float64Array): { readonly nullCount: number; readonly bitmap: Uint8Array } {
  const bitmap = new Uint8Array(Math.ceil(data.length / 64) * 8);
  let nullCount = 0;
  for (let row = 0; row < data.length; row++) {
    if (Number.isNaN(data[row])) {
      nullCount++;
      data[row] = 0;
    } else bitmap[row >> 3] = (bitmap[row >> 3] as number) | (1 << (row & 7));
  }
  return { nullCount, bitmap };
}
