// The micro-price: fitted on the first half of a market, saved, and compared with the mid and the weighted mid on the second.
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { MicroPriceFit } from "@stoa/features/micro-price/fit";
import { microPrice } from "@stoa/features/micro-price/micro-price";
import { parseMicroPriceTable, printMicroPriceTable } from "@stoa/features/micro-price/table";
import { mid, weightedMid } from "@stoa/features/quotes/mid";
import { openMarket } from "./support/market.ts";

const events = 200_000;
let eventsCount = 0;
for await (const { count } of (await openMarket(process.argv[2], events)).batches()) eventsCount += count;

const source = await openMarket(process.argv[2], events);
const fit = new MicroPriceFit({
  instrument: source.instruments[0]!,
  imbalanceBuckets: 8,
  spreadBuckets: 2,
  edges: "quantile",
});
let fitted = 0;
for await (const batch of source.batches()) {
  if (fitted + batch.count > eventsCount / 2) break;
  fit.take(batch);
  fitted += batch.count;
}
// Fitting and using are two programs in life: between them the table is a text in a file.
const text = printMicroPriceTable(fit.finish());
const table = parseMicroPriceTable(text);
const inTicks = (value: number): string => (Number.isNaN(value) ? "-" : value.toFixed(3)).padStart(8);
console.log("adjustment of the mid in ticks, by imbalance from all ask to all bid");
for (const [index, row] of table.adjustments.entries())
  console.log(`spread ${index + 1}  ${row.map(inTicks).join("")}`);

const graph = features({ ...source, clock: every.book({ levels: 1 }) }).add(
  mid({ unit: "ticks" }),
  weightedMid({ unit: "ticks" }),
  microPrice({ table, unit: "ticks" }),
);
const sink = memorySink();
await runFeatures(graph, await openMarket(process.argv[2], events), { sink });
const { count, columns } = sink.collected();

console.log("\nroot mean square of what the mid became less what was said, in ticks");
console.log("changes ahead     mid   weighted mid   micro-price   rows");
for (const ahead of [1, 10, 100]) {
  const errors = [0, 0, 0];
  let rows = 0;
  for (let row = 0; row + ahead < count; row++) {
    const values = ["mid_ticks", "wmid_ticks", "micro_ticks"].map((name) => columns[name]![row]!);
    const later = columns["mid_ticks"]![row + ahead]!;
    if (columns["event"]![row]! <= fitted || [later, ...values].some(Number.isNaN)) continue;
    rows++;
    for (const [index, value] of values.entries()) errors[index]! += (later - value) ** 2;
  }
  const [plain, weighted, micro] = errors.map((sum) => Math.sqrt(sum / rows).toFixed(4));
  console.log(`${String(ahead).padStart(13)}  ${plain}         ${weighted}        ${micro}  ${rows}`);
}
