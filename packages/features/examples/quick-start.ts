// A market by order becomes columns: spread, imbalance and order flow, a row every second.
import { orderFlowImbalance } from "@stoa/features/flow/order-flow-imbalance";
import { every, seconds } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { mid } from "@stoa/features/quotes/mid";
import { queueImbalance } from "@stoa/features/quotes/queue-imbalance";
import { spread } from "@stoa/features/quotes/spread";
import { openMarket } from "./support/market.ts";

const source = await openMarket(process.argv[2], 50_000);
const graph = features({ ...source, clock: every.seconds(1) }).add(
  spread({ unit: "ticks" }),
  mid({ unit: "price" }),
  queueImbalance(),
  orderFlowImbalance({ window: seconds(10) }),
);
const sink = memorySink();
await runFeatures(graph, source, { sink });

const { count, timeNs, columns } = sink.collected();
const names = Object.keys(columns);
console.log(`${count} rows of ${names.join(", ")}`);
for (let row = 0; row < 14; row++) {
  const time = new Date(Number(timeNs[row]! / 1_000_000n)).toISOString().slice(11, 19);
  console.log([time, ...names.map((name) => columns[name]![row]!.toFixed(3).padStart(10))].join(" "));
}
