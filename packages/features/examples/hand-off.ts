// One table in four formats, read back, with what each file says of itself.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { tableFromIPC } from "apache-arrow";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { orderFlowImbalance } from "@stoa/features/flow/order-flow-imbalance";
import { every, seconds } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { fileSink } from "@stoa/features/io/writers/file-sink";
import { readSchema } from "@stoa/features/io/writers/read-schema";
import { queueImbalance } from "@stoa/features/quotes/queue-imbalance";
import { openMarket } from "./support/market.ts";

const folder = mkdtempSync(join(tmpdir(), "stoa-hand-off-"));
const parquet = async (path: string): Promise<unknown[]> =>
  (
    await parquetReadObjects({
      file: await asyncBufferFromFile(path),
      compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
    })
  ).map((row) => row["ofi_10s"]);
const arrow = (path: string): unknown[] => [...tableFromIPC(readFileSync(path)).getChild("ofi_10s")!];
const csv = (path: string): unknown[] => {
  const [head, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const column = head!.split(",").indexOf("ofi_10s");
  return lines.map((line) => Number(line.split(",")[column]));
};

for (const [name, read] of [
  ["rows.parquet", parquet],
  ["rows.arrow", arrow],
  ["rows.arrows", arrow],
  ["rows.csv", csv],
] as const) {
  const source = await openMarket(process.argv[2], 10_000);
  const graph = features({ ...source, clock: every.ms(500) }).add(
    queueImbalance(),
    orderFlowImbalance({ window: seconds(10) }),
  );
  const path = join(folder, name);
  await runFeatures(graph, source, { sink: fileSink(path) });
  const values = await read(path);
  const sum = values.reduce<number>((total, value) => total + Number(value), 0);
  const { schemaHash } = await readSchema(path);
  console.log(`${name.padEnd(14)}${values.length} rows, sum of ofi_10s ${sum}, schema ${schemaHash.slice(0, 16)}`);
}

for (const { name, unit, formula } of (await readSchema(join(folder, "rows.parquet"))).columns)
  console.log(`${name.padEnd(10)}${unit.padEnd(20)}${formula}`);
rmSync(folder, { recursive: true });
