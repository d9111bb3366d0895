/**
 * Whether the memory of a run stays flat over a day: the default set, with bars of a minute and of a thousand lots, over 24 hours of a
 * generated market with a gap and a new snapshot every hour. What is in memory after a full collection, every two hours.
 *
 * `npm run bench -- bench/features-memory.ts [HOURS]`
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compiledCalls } from "@stoa/features/compiled/calls";
import { blankEvent, EventFlag, EventKind, makeEventBatch } from "@stoa/features/event";
import { flowPresets } from "@stoa/features/generator/flow-presets";
import { OrderFlow } from "@stoa/features/generator/order-flow";
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { addSet, defaultSet, resolveSelection, type Selection } from "@stoa/features/presets/sets";
import { printTable } from "./comparison.ts";
import { flowInstrument, flowOriginNs } from "./flow-file.ts";

const hoursCount = Number(process.argv[2] ?? 24);
const hourNs = 3_600e9;

setFlagsFromString("--expose-gc");
/** A full collection, done when it returns. */
const collectGarbage = runInNewContext("gc") as () => void;

const graph = addSet(
  features({ instruments: [flowInstrument], originNs: flowOriginNs, clock: every.book(), calls: compiledCalls() }),
  defaultSet,
);
const bars: readonly (readonly [string, Selection])[] = [
  ["minutes", { id: "time_bars" }],
  ["thousands", { id: "volume_bars", parameters: { lots: 1_000 } }],
];
for (const [name, selection] of bars) {
  const { entry, parameters } = resolveSelection(selection);
  if (entry.kind === "table") graph.table(name, entry.make(parameters));
}
let barsCount = 0;
const stream = graph.stream({ onRow: () => {}, onTableRow: () => void barsCount++ });
const flow = new OrderFlow({ seed: "bench/features-memory", parameters: flowPresets["equityIndexFuture"]! });
const batch = makeEventBatch(8_192);
const table = [["hour", "events", "rows", "bars", "MiB"]];
let interruptedHours = 0;
for (let hour = 0; hour < hoursCount; ) {
  flow.fill(batch);
  stream.pushBatch(batch);
  const timeNs = batch.timeNs[batch.count - 1]!;
  if (timeNs >= hourNs * (interruptedHours + 1)) {
    interruptedHours++;
    interrupt(timeNs);
  }
  if (timeNs < hourNs * (hour + 2)) continue;
  hour = Math.floor(timeNs / hourNs);
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const numbers = [stream.eventsCount, stream.rowsCount, barsCount].map((count) => count.toLocaleString("en"));
  table.push([String(hour), ...numbers, ((heapUsed + arrayBuffers) / 2 ** 20).toFixed(1)]);
}
printTable(table);

/** The feed broke: a gap, and the book as it stands as a snapshot by order. */
function interrupt(timeNs: number): void {
  const { orders } = flow.book;
  const event = { ...blankEvent(), timeNs };
  const tell = (fields: Partial<typeof event>): void =>
    stream.push(Object.assign(event, { flags: EventFlag.snapshot, id: 0 }, fields));
  tell({ kind: EventKind.gap });
  tell({ kind: EventKind.clear });
  let left = orders.count;
  for (const side of [flow.book.bids, flow.book.asks])
    for (let place = 0; place < side.count; place++)
      for (let slot = side.head[place]!; slot !== -1; slot = orders.next[slot]!) {
        left--;
        tell({
          kind: EventKind.add,
          side: side.sign,
          price: orders.price[slot]!,
          size: orders.size[slot]!,
          id: orders.id[slot]!,
          flags: EventFlag.snapshot | (left === 0 ? EventFlag.last : 0),
        });
      }
}
