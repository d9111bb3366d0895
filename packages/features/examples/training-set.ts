// A training set for a deep model of the book: forty prices and sizes, normalised by the past alone, with labels, as a file for numpy.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { levels } from "@stoa/features/depth/levels";
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { fileSink } from "@stoa/features/io/writers/file-sink";
import { memorySink } from "@stoa/features/io/writers/memory";
import { smoothedLabel } from "@stoa/features/labels/smoothed";
import { rollingZ } from "@stoa/features/normalise/rolling-z";
import { openMarket } from "./support/market.ts";

const folder = mkdtempSync(join(tmpdir(), "stoa-training-"));
const path = join(folder, "book.npy");
const source = await openMarket(process.argv[2], 20_000);
const graph = features({ ...source, clock: every.book({ levels: 10 }) })
  .add(levels({ count: 10 }))
  .normalise(rollingZ({ count: 1_000 }))
  .table("labels", smoothedLabel({ k: 50, form: "deeplob", alpha: 0.00002 }));
const { tables } = await runFeatures(graph, source, { sink: fileSink(path) });
for (const { schema, rowsCount, nullsCount } of tables) {
  const nulls = nullsCount.reduce((sum, value) => sum + value, 0);
  console.log(`${schema.table || "rows"}: ${rowsCount} rows, ${schema.columns.length} columns, ${nulls} nulls`);
}

// The same again in memory, to look at what a model will be given.
const sink = memorySink();
await runFeatures(graph, await openMarket(process.argv[2], 20_000), { sink });
const { columns: labels } = sink.collected("labels");
const classes = labels["class"]!;
const share = (wanted: number): string => {
  const known = classes.filter((one) => !Number.isNaN(one));
  return `${((100 * known.filter((one) => one === wanted).length) / known.length).toFixed(1)} %`;
};
console.log(`down ${share(-1)}, neither ${share(0)}, up ${share(1)}`);

const { columns, count } = sink.collected();
for (const name of ["bid_size_1", "bid_size_1_z1000"]) {
  const values = columns[name]!.filter((value) => !Number.isNaN(value));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  console.log(`${name.padEnd(18)} mean ${mean.toFixed(3)}, deviation ${Math.sqrt(variance).toFixed(3)}`);
}

// A sample of a model is a hundred rows; its label is that of the last one, and known fifty rows later.
const isComplete = (row: number): boolean =>
  columns["warm"]![row] === 1 && Object.keys(columns).every((name) => !Number.isNaN(columns[name]![row]!));
const labelOfRow = new Map(Array.from(labels["row"]!, (row, index) => [row, classes[index]!]));
let [run, samples] = [0, 0];
for (let row = 0; row < count; row++) {
  run = isComplete(row) ? run + 1 : 0;
  const label = labelOfRow.get(row);
  if (run >= 100 && label !== undefined && !Number.isNaN(label)) samples++;
}
console.log(`${samples} samples of 100 x 40 with a label`);
rmSync(folder, { recursive: true });
