// One market, one name, several numbers: what libraries and papers call by the same word.
import { orderFlowImbalance } from "@stoa/features/flow/order-flow-imbalance";
import { every, seconds } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { fixedHorizonLabel } from "@stoa/features/labels/fixed-horizon";
import { smoothedLabel } from "@stoa/features/labels/smoothed";
import { queueImbalance } from "@stoa/features/quotes/queue-imbalance";
import { spread } from "@stoa/features/quotes/spread";
import { vpin } from "@stoa/features/toxicity/vpin";
import { openMarket } from "./support/market.ts";

const source = await openMarket(process.argv[2], 60_000);
const bucket = { bucket: 50, buckets: 10 };
const alpha = 0.00002;
const graph = features({ ...source, clock: every.seconds(1) })
  .add(queueImbalance({ form: "difference" }), queueImbalance({ form: "share" }), queueImbalance({ form: "ratio" }))
  .add(spread({ unit: "ticks" }), spread({ unit: "bps" }))
  .add(orderFlowImbalance({ window: seconds(60) }))
  .add(orderFlowImbalance({ window: seconds(60), sourceClock: seconds(1) }))
  .add(vpin(bucket), vpin({ ...bucket, rule: "tick", flag: "ignore" }), vpin({ ...bucket, classification: "bulk" }))
  .table("end", fixedHorizonLabel({ unit: "rows", horizon: 30, alpha }))
  .table("mean", smoothedLabel({ k: 30, form: "fi2010", alpha }))
  .table("means", smoothedLabel({ k: 30, form: "deeplob", alpha }));
const sink = memorySink();
await runFeatures(graph, source, { sink });

console.log("                             mean   deviation");
for (const [name, values] of Object.entries(sink.collected().columns)) {
  if (/^(event|warm)$|_(full|open)$/.test(name)) continue;
  const known = values.filter((value) => !Number.isNaN(value));
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
  console.log(`${name.padEnd(24)}${mean.toFixed(3).padStart(9)}${Math.sqrt(variance).toFixed(3).padStart(12)}`);
}

console.log("\nlabel 30 rows ahead          down  neither       up");
for (const table of ["end", "mean", "means"]) {
  const known = sink.collected(table).columns["class"]!.filter((value) => !Number.isNaN(value));
  const share = (wanted: number): string =>
    `${((100 * known.filter((value) => value === wanted).length) / known.length).toFixed(1)} %`.padStart(9);
  console.log(`${table.padEnd(24)}${share(-1)}${share(0)}${share(1)}`);
}
