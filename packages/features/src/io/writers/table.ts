/**
 * What writers write: tables whose first column is the time and whose others are doubles, in blocks of rows. A run makes the blocks
 * (`batch.ts`), a writer turns them into bytes; neither knows the other. NaN is a null in every format.
 */
import type { OutputSchema } from "./output-schema.ts";

/** Rows as they came, one behind the other: value `column` of row `row` is `values[row * width + column]`. */
export interface RowBlock {
  count: number;
  /** Columns without the time. */
  readonly width: number;
  /** Nanoseconds since the origin. */
  readonly timeNs: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
}

/** One table on its way out. */
export interface TableWriter {
  /** Takes the rows, and the block with them: whoever made it does not touch it again. Resolves when another may come. */
  write(block: RowBlock): Promise<void>;
  /** Everything is there: the table takes its name. */
  finish(): Promise<void>;
  /** Something went wrong: nothing is left behind. */
  abort(): Promise<void>;
}

/** Where the rows of a run and its tables go: files, memory, a terminal. */
export interface FeatureSink {
  /** Called once per table before any rows: `schema.table` is empty for the rows themselves. */
  open(schema: OutputSchema): Promise<TableWriter>;
}

export function makeRowBlock(width: number, capacity: number): RowBlock {
  return { count: 0, width, timeNs: new Float64Array(capacity), values: new Float64Array(width * capacity) };
}

/** Values of one column of a block, NaN for null. */
export function columnOfBlock({ count, width, values }: RowBlock, column: number): Float64Array<ArrayBuffer> {
  const into = new Float64Array(count);
  for (let row = 0, at = column; row < count; row++, at += width) into[row] = values[at] as number;
  return into;
}

/** Times of a block as nanoseconds since 1970 UTC. */
export function epochTimes({ count, timeNs }: RowBlock, originNs: bigint): BigInt64Array<ArrayBuffer> {
  const times = new BigInt64Array(count);
  for (let row = 0; row < count; row++) times[row] = originNs + BigInt(Math.round(timeNs[row] as number));
  return times;
}
