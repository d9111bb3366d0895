/**
 * Rows of the default set to files: Parquet, Arrow, CSV, NPY, beside DuckDB's appender with the same rows (into memory, and then copied to
 * Parquet), in one run that goes round and round. Wall time, because writers use threads of their own.
 *
 * `npm run bench -- bench/features-writers.ts [ROWS]`
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flowPresets } from "@stoa/features/generator/flow-presets";
import { schemasOf } from "@stoa/features/io/writers/output-schema";
import { fileSink } from "@stoa/features/io/writers/file-sink";
import { makeRowBlock, type RowBlock } from "@stoa/features/io/writers/table";
import { printTable } from "./comparison.ts";
import { graphOf, withFeatures } from "./features.ts";
import { makeFlowFile } from "./flow-file.ts";
import { openWorkshop } from "./peers.ts";
import { withSpread } from "./statistics.ts";
import { defaultSet } from "@stoa/features/presets/sets";

const rowsCount = Number(process.argv[2] ?? 300_000);
const roundsCount = 5;
const blockRows = 65_536;

const graph = graphOf(defaultSet);
const [schema] = schemasOf(graph);
const blocks = makeBlocks();
const total = blocks.reduce((sum, { count }) => sum + count, 0);
const folder = mkdtempSync(join(tmpdir(), "stoa-writers-"));
const workshop = openWorkshop();
try {
  const ways: { readonly name: string; readonly path: string; readonly run: () => Promise<void> }[] = [
    "parquet",
    "arrow",
    "csv",
    "npy",
  ].map((ending) => {
    const path = join(folder, `rows.${ending}`);
    return { name: ending, path, run: () => write(path) };
  });
  const duckdb = await openDuckdb();
  if (duckdb !== undefined) ways.push(...duckdb);
  const runs = ways.map((): number[] => []);
  for (let round = -1; round < roundsCount; round++)
    for (const [index, { run }] of ways.entries()) {
      const start = performance.now();
      await run();
      if (0 <= round) runs[index]!.push((performance.now() - start) / 1_000);
    }
  const base = runs[ways.findIndex(({ name }) => name.startsWith("DuckDB's appender"))];
  printTable([
    [
      `${total.toLocaleString("en")} rows of ${graph.columns.length + 1} columns`,
      "thousand rows per second",
      "MB",
      "times as fast as DuckDB's appender",
    ],
    ...ways.map(({ name, path }, index) => [
      name,
      withSpread(
        runs[index]!.map((seconds) => total / seconds / 1_000),
        0,
      ),
      path === "" ? "" : (statSync(path).size / 1e6).toFixed(0),
      base === undefined ? "" : withSpread(runs[index]!.map((seconds, round) => base[round]! / seconds)),
    ]),
  ]);
} finally {
  workshop.close();
  rmSync(folder, { recursive: true });
}

/** The rows of a generated market, as a run hands them to a writer. */
function makeBlocks(): RowBlock[] {
  const made: RowBlock[] = [];
  const width = graph.columns.length;
  const file = makeFlowFile(flowPresets["equityIndexFuture"]!, Math.ceil(1.4 * rowsCount));
  let told = 0;
  withFeatures(file, graph, (rows, count) => {
    for (let row = 0; row < count && told < rowsCount; row++, told++) {
      if (told % blockRows === 0) made.push(makeRowBlock(width, Math.min(blockRows, rowsCount - told)));
      const block = made.at(-1)!;
      block.timeNs[block.count] = 1e6 * told;
      block.values.set(rows.subarray(row * width, (row + 1) * width), block.count * width);
      block.count++;
    }
  });
  return made;
}

async function write(path: string): Promise<void> {
  const table = await fileSink(path).open(schema!);
  for (const block of blocks)
    await table.write({ ...block, timeNs: block.timeNs.slice(), values: block.values.slice() });
  await table.finish();
}

interface DuckdbAppender {
  appendDouble(value: number): void;
  appendBigInt(value: bigint): void;
  appendNull(): void;
  endRow(): void;
  closeSync(): void;
}

interface DuckdbConnection {
  run(sql: string): Promise<unknown>;
  createAppender(table: string): Promise<DuckdbAppender>;
}

/** DuckDB's appender, value by value as its interface asks. */
async function openDuckdb() {
  const require = await workshop.installPackages(["@duckdb/node-api@1.5.6-r.1"]);
  if (require === undefined) return undefined;
  const { DuckDBInstance } = require("@duckdb/node-api") as {
    DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<DuckdbConnection> }> };
  };
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run("set threads to 1");
  const width = graph.columns.length;
  const append = async (): Promise<void> => {
    await connection.run(
      `create or replace table rows (time_ns bigint, ${graph.columns.map((_, index) => `c${index} double`).join(", ")})`,
    );
    const appender = await connection.createAppender("rows");
    for (const { count, timeNs, values } of blocks)
      for (let row = 0; row < count; row++) {
        appender.appendBigInt(BigInt(timeNs[row]!));
        for (let column = 0; column < width; column++) {
          const value = values[row * width + column]!;
          if (value === value) appender.appendDouble(value);
          else appender.appendNull();
        }
        appender.endRow();
      }
    appender.closeSync();
  };
  const path = join(folder, "duckdb.parquet");
  return [
    { name: "DuckDB's appender, into memory", path: "", run: append },
    {
      name: "the same, and copied to Parquet (zstd)",
      path,
      run: async () => {
        await append();
        await connection.run(`copy rows to '${path}' (format parquet, compression zstd)`);
      },
    },
  ];
}
