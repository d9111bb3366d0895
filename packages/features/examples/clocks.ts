// One market by six clocks: how many rows, how many of them say nothing new, and how wild their returns are.
import { every, type Clock } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { mid } from "@stoa/features/quotes/mid";
import { openMarket } from "./support/market.ts";

const clocks: readonly (readonly [string, Clock])[] = [
  ["every event", every.event()],
  ["book", every.book()],
  ["best quotes", every.book({ levels: 1 })],
  ["trade", every.trade()],
  ["volume 100", every.volume(100)],
  ["second", every.seconds(1)],
];

console.log("clock           rows   mid as before   kurtosis of moves");
for (const [name, clock] of clocks) {
  const source = await openMarket(process.argv[2], 60_000);
  const graph = features({ ...source, clock }).add(mid({ unit: "ticks" }));
  const sink = memorySink();
  await runFeatures(graph, source, { sink });
  const { count, columns } = sink.collected();
  const moves = movesOf(columns["mid_ticks"]!);
  const still = moves.filter((move) => move === 0).length / moves.length;
  const share = `${(100 * still).toFixed(1)} %`;
  console.log(
    `${name.padEnd(12)}${String(count).padStart(8)}${share.padStart(16)}${kurtosis(moves).toFixed(1).padStart(20)}`,
  );
}

function movesOf(mids: Float64Array): Float64Array {
  return mids
    .subarray(1)
    .map((value, index) => value - mids[index]!)
    .filter((move) => !Number.isNaN(move));
}

/** 3 for a normal distribution. */
function kurtosis(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const moment = (power: number): number =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  return moment(4) / moment(2) ** 2;
}
