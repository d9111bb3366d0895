// A book that goes wrong in each way that books go wrong, and what the columns say then.
import { blankEvent, EventFlag, EventKind, Side, type MarketEvent } from "@stoa/features/event";
import { orderFlowImbalance } from "@stoa/features/flow/order-flow-imbalance";
import { every, seconds } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { parseScale, type Instrument } from "@stoa/features/instrument";
import type { GapPolicy } from "@stoa/features/market";
import { mid } from "@stoa/features/quotes/mid";
import { validity } from "@stoa/features/quotes/validity";

const one = parseScale("1");
const instrument: Instrument = { name: "HAND", kind: "other", tick: one, lot: one, multiplier: 1 };

const snapshot = EventFlag.snapshot;
const level = (side: Side, price: number, size: number, flags = 0): Partial<MarketEvent> => ({
  kind: EventKind.level,
  side,
  price,
  size,
  flags: flags | EventFlag.last,
});

/** What happens, a second apart. */
const steps: readonly (readonly [string, Partial<MarketEvent>])[] = [
  ["snapshot: bid 100 x 5", level(Side.bid, 100, 5, snapshot)],
  ["snapshot: ask 102 x 5", level(Side.ask, 102, 5, snapshot)],
  ["bid grows to 8", level(Side.bid, 100, 8)],
  ["bid above ask: 103", level(Side.bid, 103, 1)],
  ["and gone again", level(Side.bid, 103, 0)],
  ["the ask is empty", level(Side.ask, 102, 0)],
  ["ask 101 x 4", level(Side.ask, 101, 4)],
  ["a message was lost", { kind: EventKind.gap }],
  ["bid shrinks to 2", level(Side.bid, 100, 2)],
  ["a snapshot begins", { kind: EventKind.clear, flags: snapshot }],
  ["snapshot: bid 99 x 3", level(Side.bid, 99, 3, snapshot)],
  ["snapshot: ask 101 x 6", level(Side.ask, 101, 6, snapshot)],
  ["bid grows to 7", level(Side.bid, 99, 7)],
];

function show(gaps: GapPolicy): void {
  const graph = features({ instruments: [instrument], originNs: 0n, clock: every.event(), gaps }).add(
    validity({ stale: seconds(60) }),
    mid({ unit: "ticks" }),
    orderFlowImbalance({ window: seconds(60) }),
  );
  const names = ["book_valid", "gap", "crossed", "one_sided", "mid_ticks", "ofi_1m"];
  console.log(`${gaps.padEnd(24)}${names.map((name) => name.padStart(11)).join("")}`);
  const stream = graph.stream();
  for (const [index, [words, event]] of steps.entries()) {
    const before = stream.rowsCount;
    stream.push({ ...blankEvent(), ...event, timeNs: seconds(index + 1) });
    if (stream.rowsCount === before) continue;
    const values = names.map((name) => stream.row[graph.columnIndex(name)]!);
    console.log(
      words.padEnd(24) + values.map((value) => (Number.isNaN(value) ? "null" : String(value)).padStart(11)).join(""),
    );
  }
}

show("strict");
console.log();
show("lenient");
