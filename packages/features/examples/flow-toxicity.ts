// Somebody who knows buys for twenty minutes, and the price rises: what VPIN and the trade flow say before, during and after.
import {
  appendEvent,
  blankEvent,
  EventFlag,
  EventKind,
  makeEventBatch,
  Side,
  type EventBatch,
} from "@stoa/features/event";
import { flowPresets } from "@stoa/features/generator/flow-presets";
import { OrderFlow } from "@stoa/features/generator/order-flow";
import { every, minutes } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import type { EventSource } from "@stoa/features/io/source";
import { memorySink } from "@stoa/features/io/writers/memory";
import { mid } from "@stoa/features/quotes/mid";
import { vpin } from "@stoa/features/toxicity/vpin";
import { openMarket } from "./support/market.ts";

const knowsFromNs = minutes(90);
const knowsUntilNs = minutes(110);

/** The generated market with one more trader in it, who takes the best ask again and again while the time is within the two above. */
async function informedMarket(): Promise<EventSource> {
  const plain = await openMarket(undefined, 1);
  async function* batches(): AsyncGenerator<EventBatch> {
    const flow = new OrderFlow({ seed: 1, parameters: flowPresets["equityIndexFuture"]! });
    for (const batch of flow.batches(70_000, 70)) {
      yield batch;
      const nowNs = batch.timeNs[batch.count - 1]!;
      if (nowNs < knowsFromNs || knowsUntilNs <= nowNs) continue;
      for (let orders = 0; orders < 4; orders++) yield bestAskTaken(flow, nowNs);
    }
  }
  return { ...plain, batches };
}

/** A buy that takes the oldest order at the best ask whole, and its execution, which the generator's own book is told of. */
function bestAskTaken({ book }: OrderFlow, timeNs: number): EventBatch {
  const { asks, orders } = book;
  const slot = asks.head[asks.count - 1]!;
  const [price, size, id] = [asks.bestPrice, orders.size[slot]!, orders.id[slot]!];
  const common = { ...blankEvent(), price, size, id, timeNs };
  const execution = { ...common, kind: EventKind.execute, side: Side.ask, flags: EventFlag.last };
  const batch = makeEventBatch(2);
  appendEvent(batch, { ...common, kind: EventKind.trade, side: Side.buy });
  appendEvent(batch, execution);
  book.apply(execution);
  return batch;
}

const file = process.argv[2];
const source = file === undefined ? await informedMarket() : await openMarket(file, 0);
const graph = features({ ...source, clock: every.seconds(300) }).add(
  mid({ unit: "ticks" }),
  vpin({ bucket: 50, buckets: 10 }),
  vpin({ bucket: 50, buckets: 10, classification: "bulk", bar: minutes(1), changes: 20 }),
);
const sink = memorySink();
await runFeatures(graph, source, { sink });

const { count, timeNs, columns } = sink.collected();
const [mids, signed, bulk] = ["mid_ticks", "vpin_50_10", "vpin_50_10_bulk"].map((name) => columns[name]!);
const shown = (value: number): string => (Number.isNaN(value) ? "null" : value.toFixed(3)).padStart(14);
console.log("time   mid in ticks     VPIN, signs     VPIN, bulk");
for (let row = 0; row < count; row++) {
  const minute = new Date(Number(timeNs[row]! / 1_000_000n)).toISOString().slice(11, 16);
  const bar = "#".repeat(Math.round(40 * (signed![row]! || 0)));
  console.log(
    `${minute}  ${mids![row]!.toFixed(1).padStart(12)}  ${shown(signed![row]!)} ${shown(bulk![row]!)}  ${bar}`,
  );
}
