// Four ways of making a column comparable over the day, and the proof that none of them sees the future.
import { levels } from "@stoa/features/depth/levels";
import { every, minutes } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import type { EventSource } from "@stoa/features/io/source";
import { robustZ } from "@stoa/features/normalise/robust-z";
import { rollingZ, rollingZOver } from "@stoa/features/normalise/rolling-z";
import { weightedZ } from "@stoa/features/normalise/weighted-z";
import { openMarket } from "./support/market.ts";

async function columnsOf(source: EventSource): Promise<Readonly<Record<string, Float64Array>>> {
  const only = ["bid_size_1"];
  const graph = features({ ...source, clock: every.seconds(1) })
    .add(levels({ count: 1 }))
    .normalise(rollingZ({ count: 600 }), { only })
    .normalise(rollingZOver({ window: minutes(10) }), { only })
    .normalise(weightedZ({ halfLife: 300 }), { only })
    .normalise(robustZ({ count: 600 }), { only });
  const sink = memorySink();
  await runFeatures(graph, source, { sink });
  return sink.collected().columns;
}

/** The same market until half of its events, and nonsense behind: every size ten times as large. */
async function changedLater(eventsCount: number): Promise<EventSource> {
  const source = await openMarket(process.argv[2], 40_000);
  async function* batches() {
    let told = 0;
    for await (const batch of source.batches()) {
      for (let row = Math.max(0, eventsCount - told); row < batch.count; row++) batch.size[row]! *= 10;
      told += batch.count;
      yield batch;
    }
  }
  return { ...source, batches };
}

const source = await openMarket(process.argv[2], 40_000);
const columns = await columnsOf(source);
const half = Math.round(source.progress.eventsCount / 2);
const changed = await columnsOf(await changedLater(half));
const past = columns["event"]!.filter((event) => event <= half).length;

console.log("column                     nulls    mean   deviation   largest   rows of the past that changed");
for (const name of Object.keys(columns).filter((one) => one.startsWith("bid_size_1"))) {
  const values = columns[name]!;
  const known = values.filter((value) => !Number.isNaN(value));
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
  const moved = values.subarray(0, past).filter((value, row) => !Object.is(value, changed[name]![row]!)).length;
  console.log(
    `${name.padEnd(22)}${String(values.length - known.length).padStart(10)}${mean.toFixed(3).padStart(8)}` +
      `${deviation.toFixed(3).padStart(12)}${Math.max(...known)
        .toFixed(1)
        .padStart(10)}   ${moved} of ${past}`,
  );
}
const later = columns["bid_size_1_z600"]!.subarray(past).filter(
  (value, row) => !Object.is(value, changed["bid_size_1_z600"]![past + row]!),
).length;
console.log(`of the later rows ${later} changed`);
