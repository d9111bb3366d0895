/** Columns collected in memory: typed arrays for whoever goes on in this process. */
import { epochTimes, type FeatureSink, type RowBlock } from "./table.ts";
import type { OutputSchema } from "./output-schema.ts";

export interface CollectedTable {
  readonly schema: OutputSchema;
  readonly count: number;
  /** Nanoseconds since 1970 UTC. */
  readonly timeNs: BigInt64Array;
  /** By name; NaN where there is no value. */
  readonly columns: Readonly<Record<string, Float64Array>>;
}

export interface MemorySink extends FeatureSink {
  /** What has been written to a table so far; the rows of the graph without a name. */
  collected(table?: string): CollectedTable;
}

/** @example const sink = memorySink(); await runFeatures(graph, source, { sink }); sink.collected().columns["ofi_10s"]; */
export function memorySink(): MemorySink {
  const tables = new Map<string, { readonly schema: OutputSchema; readonly blocks: RowBlock[] }>();
  return {
    open(schema) {
      const blocks: RowBlock[] = [];
      tables.set(schema.table, { schema, blocks });
      return Promise.resolve({
        write: (block) => Promise.resolve(void blocks.push(block)),
        finish: () => Promise.resolve(),
        abort: () => Promise.resolve(void tables.delete(schema.table)),
      });
    },
    collected(table = "") {
      const found = tables.get(table);
      if (found === undefined) throw new RangeError(`there is no table ${table}: ${[...tables.keys()].join(", ")}`);
      return gathered(found.schema, found.blocks);
    },
  };
}

function gathered(schema: OutputSchema, blocks: readonly RowBlock[]): CollectedTable {
  const count = blocks.reduce((sum, block) => sum + block.count, 0);
  const timeNs = new BigInt64Array(count);
  const names = schema.columns.slice(1).map(({ name }) => name);
  const columns = names.map(() => new Float64Array(count));
  let at = 0;
  for (const block of blocks) {
    timeNs.set(epochTimes(block, BigInt(schema.originNs)), at);
    for (const [index, column] of columns.entries()) {
      for (let row = 0; row < block.count; row++) column[at + row] = block.values[row * block.width + index] as number;
    }
    at += block.count;
  }
  return {
    schema,
    count,
    timeNs,
    columns: Object.fromEntries(names.map((name, index) => [name, columns[index] as Float64Array])),
  };
}
