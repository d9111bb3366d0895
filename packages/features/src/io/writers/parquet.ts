/**
 * Parquet: a row group per block, one page per column in it, `time_ns` an int64 with its least and greatest value in the footer, every other
 * column an optional double. The same rows give the same bytes (of the same release of the compressor). By the optional package
 * hyparquet-writer, whose schema, page headers and footer these are; the pages are made by `parquet-columns.ts`.
 */
import { constants, zstdCompressSync } from "node:zlib";
import type { SchemaElement } from "hyparquet";
import { optionalLibrary } from "./output-refusal.ts";
import { openPartFile } from "./part-file.ts";
import { columnChunk, pageOfDoubles, pageOfIntegers, type Compress, type EncodedPage } from "./parquet-columns.ts";
import { schemaKey, schemaText, type OutputSchema } from "./output-schema.ts";
import { columnOfBlock, epochTimes, type TableWriter } from "./table.ts";

/** `zstd` is the rule: every reader of today knows it, and it is an engine's own code. `none` is for readers that know no compression. */
export type ParquetCompression = "zstd" | "none";

const compressors: Readonly<Record<ParquetCompression, Compress>> = {
  zstd: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  none: (bytes) => bytes,
};
const codecs = { zstd: "ZSTD", none: "UNCOMPRESSED" } as const;

async function parquetLibrary() {
  return optionalLibrary("hyparquet-writer", "Parquet files", async () => ({
    ...(await import("hyparquet-writer")),
    ...(await import("hyparquet-writer/src/datapage.js")),
  }));
}

/** Encodes on the thread that calls it; `parquet-thread.ts` does it on one of its own. */
export async function parquetTable(
  path: string,
  schema: OutputSchema,
  compression: ParquetCompression = "zstd",
): Promise<TableWriter> {
  const { ByteWriter, ParquetWriter, writePageHeader } = await parquetLibrary();
  const file = await openPartFile(path);
  const bytes = new ByteWriter(1 << 20);
  const codec = codecs[compression];
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaElements(schema),
    codec,
    kvMetadata: [{ key: schemaKey, value: schemaText(schema) }],
    createdBy: "stoa features",
  });
  const appendPage = (page: EncodedPage): { offset: number; size: number; headerSize: number } => {
    const { offset } = bytes;
    writePageHeader(bytes, {
      type: "DATA_PAGE_V2",
      uncompressed_page_size: page.levels.length + page.valuesSize,
      compressed_page_size: page.levels.length + page.values.length,
      data_page_header_v2: {
        num_values: page.rowsCount,
        num_nulls: page.nullsCount,
        num_rows: page.rowsCount,
        encoding: page.encoding,
        definition_levels_byte_length: page.levels.length,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    });
    const headerSize = bytes.offset - offset;
    bytes.appendBytes(page.levels);
    bytes.appendBytes(page.values);
    return { offset, size: bytes.offset - offset, headerSize };
  };
  const drain = async (): Promise<void> => {
    await file.write(bytes.getBytes());
    bytes.index = 0;
  };
  const compress = compressors[compression];
  return {
    async write(block) {
      const offset = bytes.offset;
      const times = epochTimes(block, BigInt(schema.originNs));
      const columns = schema.columns.map(({ name }, index) => {
        const page =
          index === 0 ? pageOfIntegers(times, compress) : pageOfDoubles(columnOfBlock(block, index - 1), compress);
        return columnChunk(name, page, { ...appendPage(page), codec }, index === 0 ? boundsOf(times) : undefined);
      });
      writer.num_rows += BigInt(block.count);
      writer.row_groups.push({
        columns,
        num_rows: BigInt(block.count),
        total_byte_size: columns.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n),
        total_compressed_size: BigInt(bytes.offset - offset),
      });
      await drain();
    },
    async finish() {
      await writer.finish();
      await drain();
      await file.finish();
    },
    abort: () => file.abort(),
  };
}

function boundsOf(times: BigInt64Array): { readonly min: bigint; readonly max: bigint } {
  let [min, max] = [times[0] as bigint, times[0] as bigint];
  for (const time of times) {
    if (time < min) min = time;
    if (max < time) max = time;
  }
  return { min, max };
}

function schemaElements({ columns }: OutputSchema): SchemaElement[] {
  return [
    { name: "features", num_children: columns.length },
    ...columns.map(
      ({ name, type }): SchemaElement =>
        type === "int64"
          ? { name, type: "INT64", repetition_type: "REQUIRED" }
          : { name, type: "DOUBLE", repetition_type: "OPTIONAL" },
    ),
  ];
}
