// How much of the price's moves the order flow of the same interval explains, and how much the trades alone.
import { orderFlowImbalance } from "@stoa/features/flow/order-flow-imbalance";
import { tradeFlowImbalance } from "@stoa/features/flow/trade-flow";
import { every, seconds } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { mid } from "@stoa/features/quotes/mid";
import { openMarket } from "./support/market.ts";

interface Line {
  readonly slope: number;
  readonly tStatistic: number;
  readonly explained: number;
}

/** Least squares of y on x with an intercept. */
function regression(x: readonly number[], y: readonly number[]): Line {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const product = (one: readonly number[], oneMean: number, other: readonly number[], otherMean: number): number =>
    one.reduce((sum, value, index) => sum + (value - oneMean) * (other[index]! - otherMean), 0);
  const [xx, xy, yy] = [product(x, meanX, x, meanX), product(x, meanX, y, meanY), product(y, meanY, y, meanY)];
  const slope = xy / xx;
  const residual = yy - slope * xy;
  return { slope, tStatistic: slope / Math.sqrt(residual / (x.length - 2) / xx), explained: 1 - residual / yy };
}

console.log("interval     rows   ticks per lot     t    R2 of OFI   R2 of trades   R2 of OFI, next interval");
for (const interval of [10, 30, 60]) {
  const source = await openMarket(process.argv[2], 150_000);
  const window = seconds(interval);
  const graph = features({ ...source, clock: every.seconds(interval) }).add(
    mid({ unit: "ticks" }),
    orderFlowImbalance({ window }),
    tradeFlowImbalance({ window }),
  );
  const sink = memorySink();
  await runFeatures(graph, source, { sink });
  const { count, columns } = sink.collected();
  const [mids, flows, trades] = ["mid_ticks", "ofi_", "tfi_"].map(
    (start) => columns[Object.keys(columns).find((name) => name.startsWith(start))!]!,
  );
  const rows: number[] = [];
  for (let row = 1; row + 1 < count; row++) {
    const needed = [mids![row - 1]!, mids![row]!, mids![row + 1]!, flows![row]!, trades![row]!];
    if (columns["warm"]![row] === 1 && !needed.some(Number.isNaN)) rows.push(row);
  }
  const move = rows.map((row) => mids![row]! - mids![row - 1]!);
  const next = rows.map((row) => mids![row + 1]! - mids![row]!);
  const flow = rows.map((row) => flows![row]!);
  const same = regression(flow, move);
  const percent = (line: Line): string => `${(100 * line.explained).toFixed(1)} %`;
  console.log(
    `${`${interval} s`.padEnd(8)}${String(rows.length).padStart(9)}${same.slope.toFixed(4).padStart(16)}` +
      `${same.tStatistic.toFixed(0).padStart(6)}${percent(same).padStart(13)}` +
      `${percent(
        regression(
          rows.map((row) => trades![row]!),
          move,
        ),
      ).padStart(15)}` +
      `${percent(regression(flow, next)).padStart(27)}`,
  );
}
