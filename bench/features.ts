/**
 * Order-book features over a market by order: nanoseconds per record on one core for decoding and keeping the book alone, with the ten
 * columns of level-1 and with the forty of the default set, a row after every change of the book; beside numpy computing the same
 * columns over arrays that hold the books already, and a loop over the records in Python. Then how the cost grows with columns, levels and
 * instruments, how long one push takes, and what it allocates.
 *
 * `npm run bench -- bench/features.ts [RECORDS]`
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Book } from "@stoa/features/book/book";
import { blankEvent, readEvent, type EventBatch } from "@stoa/features/event";
import { flowPresets } from "@stoa/features/generator/flow-presets";
import { OrderFlow } from "@stoa/features/generator/order-flow";
import { loopedCalls } from "@stoa/features/graph/calls";
import { every, type Clock } from "@stoa/features/graph/clock";
import { compiledCalls } from "@stoa/features/compiled/calls";
import { features, rowColumns, type FeatureGraph } from "@stoa/features/graph/graph";
import { DbnDecoder } from "@stoa/features/io/readers/dbn";
import { EventWriter } from "@stoa/features/io/readers/event-writer";
import { addSet, defaultSet, levelOneSet, resolveSelection, type FeatureSet } from "@stoa/features/presets/sets";
import { printTable } from "./comparison.ts";
import { flowInstrument, flowOriginNs, makeFlowFile, type FlowFile } from "./flow-file.ts";
import { pythonWith } from "./python.ts";
import { median, percentile, withSpread } from "./statistics.ts";

const recordsCount = Number(process.argv[2] ?? 1_000_000);
const roundsCount = 5;
const chunkSize = 1 << 16;
const parameters = flowPresets["equityIndexFuture"]!;

/** Processor nanoseconds of this thread that `work` takes. */
export function timed(work: () => void): number {
  const start = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(start);
  return 1_000 * (user + system);
}

/** Decodes a file in pieces as they come from a disk, and hands out batches. */
function decode({ bytes }: FlowFile, take: (batch: EventBatch) => void): void {
  const decoder = new DbnDecoder({
    file: "FLOW",
    instruments: [flowInstrument],
    indexOfId: new Map([[1, 0]]),
    originNs: flowOriginNs,
  });
  const writer = new EventWriter();
  for (let at = 0; at < bytes.length; at += chunkSize) {
    decoder.push(bytes.subarray(at, at + chunkSize), writer);
    take(writer.batch);
    writer.clear();
  }
  decoder.finish();
}

export function bookAlone(file: FlowFile): void {
  const book = new Book();
  const event = blankEvent();
  decode(file, (batch) => {
    for (let row = 0; row < batch.count; row++) {
      readEvent(batch, row, event);
      book.apply(event);
    }
  });
}

export const graphOf = (set: FeatureSet, clock: Clock = every.book(), isCompiled = true): FeatureGraph => {
  const calls = isCompiled ? compiledCalls() : loopedCalls;
  return addSet(features({ instruments: [flowInstrument], originNs: flowOriginNs, clock, calls }), set);
};

const blockRows = 4_096;

/** Rows as they are kept for a file or a model: every one is copied out, into blocks that `take` is given. */
export function withFeatures(
  file: FlowFile,
  graph: FeatureGraph,
  take: (rows: Float64Array, count: number) => void = () => {},
): void {
  const width = graph.columns.length;
  const block = new Float64Array(width * blockRows);
  let filled = 0;
  const stream = graph.stream({
    onRow(row) {
      block.set(row, filled * width);
      if (++filled < blockRows) return;
      take(block, filled);
      filled = 0;
    },
  });
  decode(file, (batch) => stream.pushBatch(batch));
  take(block, filled);
}

/** Sum and count of what is not null, by column name: what is held against the peers. */
function sumsOf(file: FlowFile, graph: FeatureGraph): Map<string, readonly [number, number]> {
  const { columns } = graph;
  const sums = columns.map(() => [0, 0] as [number, number]);
  withFeatures(file, graph, (rows, count) => {
    for (let at = 0; at < count * columns.length; at++) {
      const value = rows[at]!;
      if (value !== value) continue;
      const sum = sums[at % columns.length]!;
      sum[0] += value;
      sum[1]++;
    }
  });
  return new Map(columns.map(({ name }, index) => [name, sums[index]!]));
}

function compareOnOneCore(file: FlowFile): { readonly levelOne: number; readonly standard: number } {
  const ways = [
    { name: "decode and keep the book", work: () => bookAlone(file) },
    {
      name: "level-1, a row when the best changed",
      work: () => withFeatures(file, graphOf(levelOneSet, every.book({ levels: 1 }))),
    },
    { name: "level-1, a row after every change", work: () => withFeatures(file, graphOf(levelOneSet)) },
    { name: "level-1, called by loops", work: () => withFeatures(file, graphOf(levelOneSet, every.book(), false)) },
    {
      name: "default, a row when ten levels changed",
      work: () => withFeatures(file, graphOf(defaultSet, every.book({ levels: 10 }))),
    },
    { name: "default, a row after every change", work: () => withFeatures(file, graphOf(defaultSet)) },
  ];
  const runs = ways.map((): number[] => []);
  for (let round = -1; round < roundsCount; round++)
    for (const [index, { work }] of ways.entries()) {
      const nanoseconds = timed(work) / file.recordsCount;
      if (0 <= round) runs[index]!.push(nanoseconds);
    }
  printTable([
    ["one core", "ns per record", "million per second", "of the book's speed"],
    ...ways.map(({ name }, index) => [
      name,
      withSpread(runs[index]!, 0),
      withSpread(runs[index]!.map((one) => 1_000 / one)),
      withSpread(runs[index]!.map((one, round) => runs[0]![round]! / one)),
    ]),
  ]);
  console.log();
  return { levelOne: median(runs[2]!), standard: median(runs[5]!) };
}

/** The same columns by a loop in Python and by numpy; every sum is held against ours. */
function comparePython(ours: { readonly levelOne: number; readonly standard: number }): void {
  const python = pythonWith(["numpy==2.3.5", "sortedcontainers==2.4.0"]);
  if (python === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), "stoa-features-"));
  try {
    const file = makeFlowFile(parameters, Math.min(recordsCount, 200_000));
    const path = join(folder, "flow.dbn");
    writeFileSync(path, file.bytes);
    const peer = (name: string, ...given: string[]): string =>
      execFileSync(python, [join(import.meta.dirname, "peers", name), ...given], {
        encoding: "utf8",
        maxBuffer: 1 << 26,
      });
    const expected = sumsOf(file, graphOf(levelOneSet));
    const loop = JSON.parse(peer("features_loop.py", path, String(file.headerSize), String(file.recordsCount))) as {
      nanoseconds: number;
      sums: number[];
      counts: number[];
    };
    const names = graphOf(levelOneSet)
      .columns.slice(rowColumns.length)
      .map(({ name }) => name);
    for (const [index, name] of names.entries())
      hold(`Python's ${name}`, [loop.sums[index]!, loop.counts[index]!], expected.get(name)!);
    const rows = dump(file, join(folder, "rows"), join(folder, "trades"));
    const numpy = JSON.parse(peer("features_numpy.py", join(folder, "rows"), join(folder, "trades"))) as Record<
      "level_one" | "depth",
      { nanoseconds: number; columns: Record<string, [number, number]> }
    >;
    const all = sumsOf(file, graphOf(defaultSet));
    for (const { columns } of Object.values(numpy))
      for (const [name, sum] of Object.entries(columns)) hold(`numpy's ${name}`, sum, all.get(name)!);
    const perRecord = rows / file.recordsCount;
    const depthColumns = Object.keys(numpy.depth.columns).length;
    printTable([
      ["beside Python, the same sums", "ns per record", "ours beside it"],
      [
        "level-1, a loop over records",
        loop.nanoseconds.toFixed(0),
        `${(loop.nanoseconds / ours.levelOne).toFixed(1)} times as fast`,
      ],
      [
        "level-1, numpy, books given",
        (numpy.level_one.nanoseconds * perRecord).toFixed(0),
        `${((numpy.level_one.nanoseconds * perRecord) / ours.levelOne).toFixed(2)} of ours`,
      ],
      [
        `level-1 and ${depthColumns} of the default set, numpy, books given`,
        ((numpy.level_one.nanoseconds + numpy.depth.nanoseconds) * perRecord).toFixed(0),
        `${(((numpy.level_one.nanoseconds + numpy.depth.nanoseconds) * perRecord) / ours.standard).toFixed(2)} of ours`,
      ],
    ]);
    console.log();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function hold(
  what: string,
  [sum, count]: readonly [number, number],
  [wanted, wantedCount]: readonly [number, number],
): void {
  if (count === wantedCount && Math.abs(sum - wanted) <= 1e-9 * Math.abs(wanted) + 1e-6) return;
  throw new Error(`${what} is ${sum} over ${count} rows, ours ${wanted} over ${wantedCount}`);
}

/** Ten levels after every change while the book is usable, with time and trades seen so far; and the trades. For numpy. */
function dump(file: FlowFile, rowsPath: string, tradesPath: string): number {
  const { entry, parameters: ten } = resolveSelection({ id: "levels" });
  const graph = features({ instruments: [flowInstrument], originNs: flowOriginNs, clock: every.book() });
  if (entry.kind === "feature") graph.add(entry.make(ten));
  const rows: Float64Array[] = [];
  const trades: [number, number][] = [];
  graph.add({
    id: "dump",
    version: 1,
    parameters: {},
    columns: [],
    make: () => ({ onTrade: (event) => void trades.push([event.timeNs, event.side * event.size]) }),
  });
  const stream = graph.stream({
    onRow(row, { timeNs, markets }) {
      if (markets[0]!.usable) rows.push(Float64Array.of(timeNs, trades.length, ...row.subarray(rowColumns.length)));
    },
  });
  decode(file, (batch) => stream.pushBatch(batch));
  const column = (index: number): Float64Array => Float64Array.from(rows, (row) => row[index]!);
  writeFileSync(
    rowsPath,
    Buffer.concat(Array.from({ length: 42 }, (_, index) => new Uint8Array(column(index).buffer))),
  );
  writeFileSync(
    tradesPath,
    Buffer.concat([0, 1].map((index) => new Uint8Array(Float64Array.from(trades, (trade) => trade[index]!).buffer))),
  );
  return rows.length;
}

/** How the time of a record grows with columns, levels and instruments. */
function printGrowth(file: FlowFile): void {
  const nanoseconds = (graph: FeatureGraph, of = file): string => {
    withFeatures(of, graph);
    return (
      Math.min(
        timed(() => withFeatures(of, graph)),
        timed(() => withFeatures(of, graph)),
      ) / of.recordsCount
    ).toFixed(0);
  };
  const first = (count: number): FeatureSet => ({
    ...defaultSet,
    features: defaultSet.features.slice(0, count),
    name: "part",
  });
  const without = ({ name, summary, features: all }: FeatureSet): FeatureSet => ({ name, summary, features: all });
  const parts = [1, 4, 7, 12, defaultSet.features.length].map((count) => without(first(count)));
  const levels = [1, 5, 10, 20, 50].map((count) => ({
    ...levelOneSet,
    features: [
      { id: "levels", parameters: { count } },
      { id: "imb_k", parameters: { levels: count } },
    ],
  }));
  printTable([
    ["columns", ...parts.map((set) => String(graphOf(set).columns.length - rowColumns.length))],
    ["ns per record", ...parts.map((set) => nanoseconds(graphOf(set)))],
  ]);
  printTable([
    ["levels, as columns and in an imbalance", ...[1, 5, 10, 20, 50].map(String)],
    ["ns per record", ...levels.map((set) => nanoseconds(graphOf(set)))],
  ]);
  const counts = [1, 2, 4, 8];
  printTable([
    ["instruments, level-1 of each in every row", ...counts.map(String)],
    ["ns per event", ...counts.map((count) => eventOfMany(count).toFixed(0))],
  ]);
  console.log();
}

/** Several generated markets in one graph, their batches in turn: nanoseconds per event. */
function eventOfMany(count: number): number {
  const flows = Array.from(
    { length: count },
    (_, instrument) => new OrderFlow({ seed: `many ${instrument}`, parameters, instrument }),
  );
  const names = flows.map((_, index) => ({ ...flowInstrument, name: `FLOW${index}` }));
  const graph = addSet(
    features({ instruments: names, originNs: flowOriginNs, clock: every.book(), calls: compiledCalls() }),
    levelOneSet,
  );
  const batches = flows.map((flow) => [...flow.batches(60_000 / count, 1_024)].map(copyOf)).flat();
  const events = batches.reduce((sum, batch) => sum + batch.count, 0);
  const run = (): void => void graph.batch(batches, { onRow: () => {} });
  run();
  return Math.min(timed(run), timed(run)) / events;
}

const copyOf = (batch: EventBatch): EventBatch => structuredClone(batch);

/** One push of one event, with level-1 and a row: how long it takes, and what the heap says of it. */
async function printPush(file: FlowFile): Promise<void> {
  const graph = graphOf(levelOneSet);
  const stream = graph.stream({ onRow: () => {} });
  const event = blankEvent();
  const took: number[] = [];
  const session = new Session();
  session.connect();
  let pushes = 0;
  let profiled = 0;
  const profiler = {
    samplingInterval: 256,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  };
  const batches: EventBatch[] = [];
  decode(file, (batch) => void batches.push(copyOf(batch)));
  for (const [index, batch] of batches.entries()) {
    if (index === batches.length >> 1) await session.post("HeapProfiler.startSampling", profiler);
    for (let row = 0; row < batch.count; row++) {
      readEvent(batch, row, event);
      if (index >= batches.length >> 1) {
        stream.push(event);
        profiled++;
        continue;
      }
      const start = process.hrtime.bigint();
      stream.push(event);
      if (pushes++ > 50_000) took.push(Number(process.hrtime.bigint() - start));
    }
  }
  const { profile } = await session.post("HeapProfiler.stopSampling");
  const bytes = new Map<string, number>();
  const walk = ({ callFrame, selfSize, children }: (typeof profile)["head"]): void => {
    bytes.set(callFrame.functionName, (bytes.get(callFrame.functionName) ?? 0) + selfSize);
    children.forEach(walk);
  };
  walk(profile.head);
  const total = [...bytes.values()].reduce((sum, size) => sum + size, 0);
  const most = [...bytes].sort((one, other) => other[1] - one[1]).slice(0, 3);
  const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
  console.log(
    `one push with level-1 and its row: p50 ${p50} ns, p99 ${p99} ns (${(p99 / p50).toFixed(1)} times), of them the clock's own ${clockNs()} ns`,
  );
  console.log(
    `allocated: ${(total / profiled).toFixed(1)} bytes per event; most by ${most.map(([name, size]) => `${name || "(anonymous)"} ${(size / profiled).toFixed(1)}`).join(", ")}`,
  );
}

/** What asking for the time twice costs. */
function clockNs(): number {
  const took: number[] = [];
  for (let round = 0; round < 20_000; round++) {
    const start = process.hrtime.bigint();
    took.push(Number(process.hrtime.bigint() - start));
  }
  return median(took);
}

if (import.meta.main) {
  const file = makeFlowFile(parameters, recordsCount);
  console.log(`${file.recordsCount.toLocaleString("en")} records, ${(file.bytes.length / 1e6).toFixed(0)} MB\n`);
  comparePython(compareOnOneCore(file));
  printGrowth(makeFlowFile(parameters, Math.min(recordsCount, 200_000)));
  await printPush(makeFlowFile(parameters, Math.min(recordsCount, 400_000)));
}
