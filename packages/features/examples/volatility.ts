// The same half hours' variance, measured at six frequencies: what noise adds, and the estimators that take it out.
import { every, minutes } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { realisedKernel, signature, twoScaleVariance } from "@stoa/features/volatility/noise";
import { openMarket } from "./support/market.ts";

const window = minutes(30);
const steps = [1, 2, 5, 10, 20, 50];
const source = await openMarket(process.argv[2], 150_000);
const graph = features({ ...source, clock: every.seconds(1800) });
for (const sampling of ["trade", "mid"] as const) {
  const sampled = { sampling, window };
  graph.add(signature({ ...sampled, steps }), twoScaleVariance(sampled), realisedKernel({ ...sampled, bandwidth: 20 }));
}
const sink = memorySink();
await runFeatures(graph, source, { sink });

const { count, columns } = sink.collected();
const warm = Array.from({ length: count }, (_, row) => row).filter((row) => columns["warm"]![row] === 1);
console.log(`mean of ${warm.length} half hours, in ticks squared at a price of 5000`);
const price = 5000;
const tick = 0.25;
for (const [name, values] of Object.entries(columns)) {
  if (!/^(rv|tsrv_(?!k)|rk)/.test(name)) continue;
  const known = warm.map((row) => values[row]!).filter((value) => !Number.isNaN(value));
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const ticks = mean * (price / tick) ** 2;
  console.log(`${name.padEnd(24)}${ticks.toFixed(1).padStart(9)}  ${"#".repeat(Math.round(ticks / 4))}`);
}
