/**
 * The pages of a Parquet row group, made from columns of doubles without an object per value: definition levels as a bitmap, bytes of doubles
 * split into streams (BYTE_STREAM_SPLIT, which compresses well), then compressed. The library's own encoder takes arrays of values one by one
 * and costs several times as much; everything around the pages (headers, schema, footer) stays the library's.
 */
import type { ColumnChunk, CompressionCodec, Encoding } from "hyparquet";

export interface EncodedPage {
  readonly levels: Uint8Array;
  /** Compressed. */
  readonly values: Uint8Array;
  /** Before compression. */
  readonly valuesSize: number;
  readonly rowsCount: number;
  readonly nullsCount: number;
  readonly encoding: Encoding;
}

export type Compress = (bytes: Uint8Array) => Uint8Array;

/** A page of doubles, NaN for null. */
export function pageOfDoubles(values: Float64Array, compress: Compress): EncodedPage {
  const rowsCount = values.length;
  const { present, levels } = definitionLevels(values);
  return {
    levels,
    values: compress(splitBytes(present)),
    valuesSize: 8 * present.length,
    rowsCount,
    nullsCount: rowsCount - present.length,
    encoding: "BYTE_STREAM_SPLIT",
  };
}

/** A page of integers without nulls, as they are: splitting their bytes is newer than some readers. */
export function pageOfIntegers(values: BigInt64Array, compress: Compress): EncodedPage {
  return {
    levels: new Uint8Array(0),
    values: compress(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    valuesSize: 8 * values.length,
    rowsCount: values.length,
    nullsCount: 0,
    encoding: "PLAIN",
  };
}

/** What is there, and a bit per row that says whether it is: one run if all are alike, else packed bits. */
function definitionLevels(values: Float64Array): { readonly present: Float64Array; readonly levels: Uint8Array } {
  const { length } = values;
  const groups = Math.ceil(length / 8);
  const head = variableInteger(2 * groups + 1);
  const bits = new Uint8Array(head.length + groups);
  const present = new Float64Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    const value = values[row] as number;
    if (value !== value) continue;
    present[count++] = value;
    const at = head.length + (row >> 3);
    bits[at] = (bits[at] as number) | (1 << (row & 7));
  }
  if (count === length || count === 0)
    return {
      present: present.subarray(0, count),
      levels: new Uint8Array([...variableInteger(2 * length), count === 0 ? 0 : 1]),
    };
  bits.set(head);
  return { present: present.subarray(0, count), levels: bits };
}

function variableInteger(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** First the first byte of every value, then the second of every one, and so on. */
function splitBytes(values: Float64Array): Uint8Array {
  const { length } = values;
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * length);
  const split = new Uint8Array(8 * length);
  for (let row = 0; row < length; row++) {
    const low = words[2 * row] as number;
    const high = words[2 * row + 1] as number;
    split[row] = low;
    split[length + row] = low >>> 8;
    split[2 * length + row] = low >>> 16;
    split[3 * length + row] = low >>> 24;
    split[4 * length + row] = high;
    split[5 * length + row] = high >>> 8;
    split[6 * length + row] = high >>> 16;
    split[7 * length + row] = high >>> 24;
  }
  return split;
}

/** What the footer says of a column in one row group. */
export function columnChunk(
  name: string,
  page: EncodedPage,
  place: {
    readonly offset: number;
    readonly size: number;
    readonly headerSize: number;
    readonly codec: CompressionCodec;
  },
  bounds?: { readonly min: bigint; readonly max: bigint },
): ColumnChunk {
  return {
    file_offset: BigInt(place.offset),
    meta_data: {
      type: bounds === undefined ? "DOUBLE" : "INT64",
      encodings: [page.encoding],
      path_in_schema: [name],
      codec: place.codec,
      num_values: BigInt(page.rowsCount),
      total_uncompressed_size: BigInt(place.headerSize + page.levels.length + page.valuesSize),
      total_compressed_size: BigInt(place.size),
      data_page_offset: BigInt(place.offset),
      statistics: {
        null_count: BigInt(page.nullsCount),
        ...(bounds === undefined ? {} : { min_value: bounds.min, max_value: bounds.max }),
      },
    },
  };
}
