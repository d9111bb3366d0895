/** What writers write is read back, by the libraries that users have: the same numbers, nulls, times and schema in every format. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { zstdDecompressSync } from "node:zlib";
import { tableFromIPC } from "apache-arrow";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { expect, onTestFinished, test } from "vitest";
import { orderFlowImbalance } from "../src/flow/order-flow-imbalance.ts";
import { every, seconds } from "../src/graph/clock.ts";
import { features, type FeatureGraph } from "../src/graph/graph.ts";
import type { Table } from "../src/graph/operator.ts";
import { runFeatures, type RunSummary } from "../src/io/batch.ts";
import type { EventSource } from "../src/io/source.ts";
import { fileSink } from "../src/io/writers/file-sink.ts";
import { memorySink, type CollectedTable } from "../src/io/writers/memory.ts";
import { optionalLibrary } from "../src/io/writers/output-refusal.ts";
import { parseSchema, schemasOf, schemaText } from "../src/io/writers/output-schema.ts";
import { readSchema } from "../src/io/writers/read-schema.ts";
import type { FeatureSink } from "../src/io/writers/table.ts";
import { originNs, randomOrders, testInstrument } from "./support/random-market.ts";
import { sourceOf } from "./support/run-rows.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "stoa-writers-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A row per trade: price and a third of the size, none when it was odd: nulls, and doubles of which every byte counts. */
const trades: Table = {
  id: "trades_seen",
  version: 3,
  parameters: { odd: false },
  columns: [
    { name: "price", unit: "ticks", formula: "p" },
    { name: "even_third", unit: "lots", formula: "v / 3 if even" },
  ],
  make(context) {
    const values = new Float64Array(2);
    return {
      onTrade(event) {
        values[0] = event.price;
        values[1] = event.size % 2 === 0 ? event.size / 3 : NaN;
        context.emit(event.timeNs, values);
      },
    };
  },
};

const makeGraph = (): FeatureGraph =>
  features({ instruments: [testInstrument()], originNs, clock: every.book() })
    .add(orderFlowImbalance({ window: seconds(1) }), orderFlowImbalance({ window: seconds(10) }))
    .table("trades", trades);

const batches = [1, 2, 3].map((seed) => randomOrders(seed, 2_000));
// Times go on from batch to batch.
for (const [index, batch] of batches.entries()) {
  const before = index === 0 ? 0 : batches[index - 1]!.timeNs[batches[index - 1]!.count - 1]!;
  for (let row = 0; row < batch.count; row++) batch.timeNs[row]! += before;
}

const run = (sink: FeatureSink, settings = {}, source: EventSource = sourceOf(batches)): Promise<RunSummary> =>
  runFeatures(makeGraph(), source, { sink, blockRows: 700, ...settings });

async function collected(): Promise<{ rows: CollectedTable; trades: CollectedTable }> {
  const sink = memorySink();
  await run(sink);
  return { rows: sink.collected(), trades: sink.collected("trades") };
}

/** Rows as objects: bigint times, numbers, null. */
function objectsOf({ count, timeNs, columns }: CollectedTable): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, row) => ({
    time_ns: timeNs[row],
    ...Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, Number.isNaN(values[row]) ? null : values[row]]),
    ),
  }));
}

test("memory holds what the graph itself writes, however the rows fall into blocks", async () => {
  const { rows, trades: seen } = await collected();
  const expected: number[][] = [];
  const times: bigint[] = [];
  makeGraph().batch(batches, {
    onRow(row, { timeNs }) {
      expected.push([...row]);
      times.push(originNs + BigInt(timeNs));
    },
  });
  expect(rows.count).toBeGreaterThan(3_000);
  expect([...rows.timeNs]).toEqual(times);
  const columns = Object.values(rows.columns);
  for (let row = 0; row < rows.count; row++) expect(columns.map((column) => column[row])).toEqual(expected[row]);
  expect(Object.keys(rows.columns)).toEqual(["event", "warm", "ofi_1s", "ofi_10s"]);
  expect(rows.columns["ofi_1s"]!.some(Number.isNaN)).toBe(true);
  expect(seen.count).toBeGreaterThan(100);
});

test("the summary counts rows and nulls of every table", async () => {
  const sink = memorySink();
  const { tables } = await run(sink);
  for (const { schema, rowsCount, nullsCount, firstNs, lastNs } of tables) {
    const { count, columns, timeNs } = sink.collected(schema.table);
    expect(rowsCount).toBe(count);
    expect([...nullsCount]).toEqual(Object.values(columns).map((column) => column.filter(Number.isNaN).length));
    expect([firstNs, lastNs]).toEqual([timeNs[0], timeNs[count - 1]]);
  }
});

test.each([true, false])(
  "Parquet is read back by another reader with nulls, int64 times and schema (thread: %s) (FEAT-050)",
  async (thread) => {
    const path = join(folder(), "out.parquet");
    await run(fileSink(path, { thread }));
    const { rows, trades: seen } = await collected();
    const compressors = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) };
    for (const [file, table] of [
      [path, rows],
      [path.replace("out.", "out.trades."), seen],
    ] as const) {
      const buffer = await asyncBufferFromFile(file);
      expect(await parquetReadObjects({ file: buffer, compressors })).toEqual(objectsOf(table));
      const metadata = await parquetMetadataAsync(buffer);
      expect(metadata.row_groups.length).toBe(Math.ceil(table.count / 700));
      // Split integers are read by few: DuckDB, for one, refuses them.
      const encodings = metadata.row_groups[0]!.columns.map(({ meta_data: column }) => column!.encodings);
      expect(encodings).toEqual([["PLAIN"], ...encodings.slice(1).map(() => ["BYTE_STREAM_SPLIT"])]);
      const [times] = metadata.row_groups[0]!.columns;
      expect(times!.meta_data!.statistics).toMatchObject({ min_value: table.timeNs[0], null_count: 0n });
      expect(await readSchema(file)).toEqual(table.schema);
    }
    expect(readdirSync(join(path, "..")).sort()).toEqual(["out.parquet", "out.trades.parquet"]);
  },
);

test("Parquet without compression holds the same", async () => {
  const path = join(folder(), "out.parquet");
  await run(fileSink(path, { thread: false, compression: "none" }));
  expect(await parquetReadObjects({ file: await asyncBufferFromFile(path) })).toEqual(
    objectsOf((await collected()).rows),
  );
});

test.each(["out.arrow", "out.feather", "out.arrows"])("%s is read back by apache-arrow (FEAT-050)", async (name) => {
  const path = join(folder(), name);
  await run(fileSink(path));
  const { rows } = await collected();
  const bytes = readFileSync(path);
  expect(bytes.subarray(0, 6).toString() === "ARROW1").toBe(name !== "out.arrows");
  const table = tableFromIPC(bytes);
  expect(table.numRows).toBe(rows.count);
  expect(table.batches.length).toBe(Math.ceil(rows.count / 700));
  expect(table.toArray().map((row) => ({ ...row!.toJSON() }))).toEqual(objectsOf(rows));
  expect(String(table.schema.fields[0]!.type)).toBe("Int64");
  expect(table.schema.fields[3]!.metadata.get("unit")).toBe("lots");
  expect(await readSchema(path)).toEqual(rows.schema);
});

test("CSV is read back to the same doubles, with nothing where there is no value", async () => {
  const path = join(folder(), "out.csv");
  await run(fileSink(path));
  const { rows } = await collected();
  const [head, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(head).toBe("time_ns,event,warm,ofi_1s,ofi_10s");
  const names = head!.split(",");
  const read = lines.map((line) => {
    const [time, ...cells] = line.split(",");
    const values = cells.map((cell, index) => [names[index + 1], cell === "" ? null : Number(cell)]);
    return { time_ns: BigInt(time!), ...Object.fromEntries(values) };
  });
  expect(read).toEqual(objectsOf(rows));
  expect(await readSchema(path)).toEqual(rows.schema);
});

test("NPY is one array of records whose header says names, types and the count of rows", async () => {
  const path = join(folder(), "out.npy");
  await run(fileSink(path));
  const { rows } = await collected();
  const bytes = readFileSync(path);
  expect([...bytes.subarray(0, 8)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0]);
  const size = 12 + bytes.readUInt32LE(8);
  expect(size % 64).toBe(0);
  const header = bytes.subarray(12, size).toString();
  expect(header).toContain(`'descr': [('time_ns', '<i8'), ('event', '<f8'), ('warm', '<f8'), ('ofi_1s', '<f8')`);
  expect(header).toContain(`'shape': (${rows.count},)`);
  expect(bytes.length).toBe(size + 40 * rows.count);
  for (let row = 0; row < rows.count; row++) {
    expect(bytes.readBigInt64LE(size + 40 * row)).toBe(rows.timeNs[row]);
    expect(bytes.readDoubleLE(size + 40 * row + 24)).toBe(rows.columns["ofi_1s"]![row]);
  }
  expect(await readSchema(path)).toEqual(rows.schema);
});

test.each(["out.parquet", "out.arrow", "out.arrows", "out.csv", "out.npy"])(
  "%s: the same rows are the same bytes (FEAT-051)",
  async (name) => {
    const [one, other] = [join(folder(), name), join(folder(), name)];
    await run(fileSink(one, { thread: false }));
    await run(fileSink(other, { thread: false }));
    expect(readFileSync(one).equals(readFileSync(other))).toBe(true);
  },
);

test("the schema says unit, formula, version, parameters and source of every column, and the hash of all (FEAT-030)", async () => {
  const { rows, trades: seen } = await collected();
  expect(rows.schema).toMatchObject({
    version: 1,
    table: "",
    clock: "book",
    gaps: "strict",
    originNs: String(originNs),
  });
  expect(rows.schema.schemaHash).toBe(makeGraph().schemaHash());
  expect(rows.schema.instruments).toEqual([{ name: "TEST", kind: "future", tick: "0.25", lot: "1", multiplier: 50 }]);
  expect(rows.schema.columns[0]).toMatchObject({ name: "time_ns", type: "int64", unit: "ns since 1970 UTC" });
  expect(rows.schema.columns[3]).toMatchObject({
    name: "ofi_1s",
    feature: "ofi",
    version: 1,
    parameters: { window: 1e9 },
    unit: "lots",
    instrument: "TEST",
    lookback: "1s",
  });
  expect(seen.schema.columns[2]).toMatchObject({
    name: "even_third",
    feature: "trades_seen",
    version: 3,
    parameters: { odd: false },
  });
});

test("the schema says the terms of an option", () => {
  const option = { type: "call", strike: 90_000, expiryNs: 1_767_945_600_000_000_000n, unit: "coin" } as const;
  const instruments = [{ ...testInstrument("BTC-9JAN26-90000-C"), kind: "option" as const, option }];
  const [schema] = schemasOf(features({ instruments, originNs, clock: every.book() }));
  expect(parseSchema(schemaText(schema!))!.instruments[0]!.option).toEqual({
    ...option,
    expiryNs: "1767945600000000000",
  });
});

test("an empty run makes whole files without rows", async () => {
  const made = folder();
  for (const name of ["out.parquet", "out.arrow", "out.arrows", "out.csv", "out.npy"]) {
    await run(fileSink(join(made, name), { thread: false }), {}, sourceOf([]));
    expect((await readSchema(join(made, name))).columns.length).toBe(5);
  }
  expect(await parquetReadObjects({ file: await asyncBufferFromFile(join(made, "out.parquet")) })).toEqual([]);
  expect(tableFromIPC(readFileSync(join(made, "out.arrow"))).numRows).toBe(0);
});

test("from and until cut rows but not what they remember", async () => {
  const { rows } = await collected();
  const [fromNs, untilNs] = [rows.timeNs[1_000]!, rows.timeNs[2_000]!];
  const sink = memorySink();
  await run(sink, { fromNs, untilNs });
  const wanted = objectsOf(rows).filter(
    ({ time_ns: time }) => fromNs <= (time as bigint) && (time as bigint) < untilNs,
  );
  expect(wanted.length).toBeGreaterThan(900);
  expect(objectsOf(sink.collected())).toEqual(wanted);
});

test("a run that fails leaves nothing behind and keeps the file that was there (FEAT-052)", async () => {
  for (const name of ["out.parquet", "out.arrow", "out.csv", "out.npy"]) {
    const made = folder();
    writeFileSync(join(made, name), "before");
    const torn = sourceOf(batches);
    const source: EventSource = {
      ...torn,
      async *batches() {
        yield* torn.batches();
        throw new Error("the disk is gone");
      },
    };
    await expect(run(fileSink(join(made, name)), {}, source)).rejects.toThrow("the disk is gone");
    expect(readdirSync(made)).toEqual([name]);
    expect(readFileSync(join(made, name), "utf8")).toBe("before");
  }
});

test("a run that is killed leaves no file that looks whole (FEAT-052)", () => {
  const made = folder();
  const script = join(made, "killed.mjs");
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
  writeFileSync(
    script,
    `import { runFeatures } from ${url("../src/io/batch.ts")};
import { fileSink } from ${url("../src/io/writers/file-sink.ts")};
import { features } from ${url("../src/graph/graph.ts")};
import { every } from ${url("../src/graph/clock.ts")};
import { originNs, randomOrders, testInstrument } from ${url("support/random-market.ts")};
import { sourceOf } from ${url("support/run-rows.ts")};
const source = sourceOf([randomOrders(1, 3000), randomOrders(2, 3000)]);
const graph = features({ instruments: source.instruments, originNs, clock: every.book() });
const sink = fileSink(${JSON.stringify(join(made, "out.parquet"))});
await runFeatures(graph, source, { sink, blockRows: 100, onProgress: ({ rowsCount }) => rowsCount > 1000 && process.kill(process.pid, "SIGKILL") });`,
  );
  const { signal } = spawnSync(process.execPath, ["--conditions=@stoa/source", script]);
  expect(signal).toBe("SIGKILL");
  const left = readdirSync(made).filter((name) => name !== "killed.mjs");
  expect(left.length).toBe(1);
  expect(left[0]).toMatch(/^out\.parquet\.\d+\.part$/);
});

test("the source is not read while the sink is busy (FEAT-053)", async () => {
  let [read, written, furthest] = [0, 0, 0];
  const source = sourceOf(Array.from({ length: 20 }, () => batches[0]!));
  const counted: EventSource = {
    ...source,
    async *batches() {
      for await (const batch of source.batches()) {
        read++;
        furthest = Math.max(furthest, read - written);
        yield batch;
      }
    },
  };
  const sink: FeatureSink = {
    open: ({ table }) =>
      Promise.resolve({
        async write() {
          await new Promise((resolve) => setTimeout(resolve, 2));
          if (table === "") written++;
        },
        finish: () => Promise.resolve(),
        abort: () => Promise.resolve(),
      }),
  };
  await run(sink, { blockRows: 1_000 }, counted);
  expect(read).toBe(20);
  expect(furthest).toBeLessThanOrEqual(4);
});

test("a run is ended from outside, and what there is is finished", async () => {
  const stop = new AbortController();
  const endless: EventSource = {
    ...sourceOf([]),
    async *batches() {
      yield batches[0]!;
      stop.abort();
      await new Promise(() => undefined);
    },
  };
  const path = join(folder(), "out.csv");
  const { tables } = await run(fileSink(path), { signal: stop.signal }, endless);
  expect(tables[0]!.rowsCount).toBeGreaterThan(500);
  expect(readFileSync(path, "utf8").trimEnd().split("\n").length).toBe(tables[0]!.rowsCount + 1);
});

test("a long run that could be ended from outside keeps nothing of the batches that have gone by", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const heapAt: number[] = [];
  const batch = randomOrders(1, 1);
  const long: EventSource = {
    ...sourceOf([]),
    async *batches() {
      for (let index = 0; index < 40_000; index++) {
        if (index % 20_000 === 10_000) {
          collect();
          heapAt.push(process.memoryUsage().heapUsed);
        }
        yield await Promise.resolve(batch);
      }
    },
  };
  const nothing = (): Promise<void> => Promise.resolve();
  const sink: FeatureSink = { open: () => Promise.resolve({ write: nothing, finish: nothing, abort: nothing }) };
  const graph = features({ instruments: [testInstrument()], originNs, clock: every.block() });
  await runFeatures(graph, long, { sink, signal: new AbortController().signal });
  // Of 20,000 batches: 5 MB if 260 bytes of each stay.
  expect(heapAt[1]! - heapAt[0]!).toBeLessThan(2e6);
});

test("a name, a folder or a file that will not do is refused with what would", async () => {
  const made = folder();
  expect(() => fileSink("out.xlsx")).toThrow(
    "out.xlsx ends in no format that can be written: .parquet, .arrow, .feather, .arrows, .csv, .npy would do",
  );
  for (const name of ["out.parquet", "out.csv"])
    await expect(run(fileSink(join(made, "none", name)))).rejects.toThrow(
      `the folder ${join(made, "none")} does not exist`,
    );
  writeFileSync(join(made, "torn.parquet"), "PAR1 and no more");
  await expect(readSchema(join(made, "torn.parquet"))).rejects.toThrow("cannot be read as Parquet");
  writeFileSync(join(made, "torn.arrow"), "ARROW1");
  await expect(readSchema(join(made, "torn.arrow"))).rejects.toThrow("torn.arrow");
  writeFileSync(join(made, "bare.csv"), "a,b\n");
  await expect(readSchema(join(made, "bare.csv"))).rejects.toThrow("has no schema beside it");
  writeFileSync(join(made, "other.json"), "{}");
  await expect(readSchema(join(made, "other.json"))).rejects.toThrow("says nothing of its columns");
});

test("a library that is not installed is named with the command that installs it", async () => {
  const absent = "stoa-of-nowhere";
  await expect(optionalLibrary(absent, "Arrow files", () => import(absent))).rejects.toThrow(
    "Arrow files need the package stoa-of-nowhere: npm install stoa-of-nowhere",
  );
});
