// What leaks when labels overlap: a "model" that knows nothing but its nearest neighbour in time, judged in three ways.
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { fixedHorizonLabel } from "@stoa/features/labels/fixed-horizon";
import { averageUniqueness, purgedFolds } from "@stoa/features/labels/samples";
import { queueImbalance } from "@stoa/features/quotes/queue-imbalance";
import { openMarket } from "./support/market.ts";

const horizonRows = 120;
const source = await openMarket(process.argv[2], 40_000);
const graph = features({ ...source, clock: every.seconds(1) })
  .add(queueImbalance())
  .table("labels", fixedHorizonLabel({ unit: "rows", horizon: horizonRows, alpha: 0 }));
const sink = memorySink();
await runFeatures(graph, source, { sink });

const rows = sink.collected();
const { count, timeNs, columns: labels } = sink.collected("labels");
console.log(`${rows.count} rows, ${count} labels: the last ${rows.count - count} rows have no future`);
const knownNs = BigInt(labels["label_time_ns"]![0]!) + source.originNs;
console.log(`the label of row ${labels["row"]![0]!} is known ${Number(knownNs - timeNs[0]!) / 1e9} s after it`);

// Labels by the rows that they span. Those without a value (a gap within) are left out.
const kept = Array.from({ length: count }, (_, index) => index).filter(
  (index) => !Number.isNaN(labels["class"]![index]!),
);
const starts = Float64Array.from(kept, (index) => labels["row"]![index]!);
const spans = { starts, ends: starts.map((row) => row + horizonRows) };
const classes = kept.map((index) => labels["class"]![index]!);
const uniqueness = averageUniqueness(spans, rows.count);
const mean = uniqueness.reduce((sum, value) => sum + value, 0) / uniqueness.length;
console.log(`average uniqueness ${mean.toFixed(4)}: ${kept.length} labels are worth ${Math.round(mean * kept.length)}`);

/** Share of test labels that equal the label of the training row nearest in time. */
function accuracy(folds: readonly { readonly train: ArrayLike<number>; readonly test: ArrayLike<number> }[]): number {
  let right = 0;
  let total = 0;
  for (const { train, test } of folds) {
    const sorted = Int32Array.from(train).sort();
    for (const index of Array.from(test)) {
      const above = sorted.findIndex((other) => other > index);
      const neighbours = above === -1 ? [sorted.at(-1)!] : [sorted[above]!, sorted[Math.max(0, above - 1)]!];
      const nearest = neighbours.reduce((one, other) =>
        Math.abs(other - index) < Math.abs(one - index) ? other : one,
      );
      total++;
      if (classes[nearest] === classes[index]) right++;
    }
  }
  return right / total;
}

const every5 = Array.from({ length: 5 }, (_, fold) => {
  const isTest = (_label: number, index: number): boolean => (index * 7919) % 5 === fold;
  const all = classes.map((_label, index) => index);
  return { train: all.filter((index) => !isTest(0, index)), test: all.filter((index) => isTest(0, index)) };
});
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const share = (wanted: number): number => classes.filter((one) => one === wanted).length / classes.length;
console.log(`down ${percent(share(-1))}, neither ${percent(share(0))}, up ${percent(share(1))}`);
console.log(`mixed at random                ${percent(accuracy(every5))}`);
const blocks = purgedFolds(spans, { folds: 50 });
const unpurged = blocks.map(({ test }) => ({
  test,
  train: classes.map((_label, index) => index).filter((index) => !test.includes(index)),
}));
console.log(`50 blocks, overlaps left in    ${percent(accuracy(unpurged))}`);
console.log(`50 blocks, purged              ${percent(accuracy(blocks))}`);
console.log(`purged, with an embargo        ${percent(accuracy(purgedFolds(spans, { folds: 50, embargo: 60 })))}`);
