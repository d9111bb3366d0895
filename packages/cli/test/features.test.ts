/** `stoa features` and its commands describe and list, as processes, over files that are made here. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { tableFromIPC } from "apache-arrow";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { catalogue } from "@stoa/features/catalogue";
import { schemasOf } from "@stoa/features/io/writers/output-schema";
import { parseSelection } from "../src/features/selection.ts";
import { graphOf, anyInstrument } from "../src/features/graph.ts";
import { parametersText } from "../src/features/list.ts";
import { progressText } from "../src/features/progress.ts";
import { startTestGateway } from "../../gateway/test/harness.ts";
import { environment, flags } from "../bin/runtime.mjs";
import { mainFile, runStoa } from "./devnet-process.ts";
import { refusalOf } from "./features-refusal.ts";
import { temporaryFolder } from "./temporary.ts";

const features = (...args: readonly string[]) => runStoa("features", ...args);
const compressors = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) };

/** Two levels a side, a trade, a change: what a mapping makes of a few lines. */
const csv = `time,kind,side,price,size
2026-01-02T09:30:00Z,level,bid,99.5,5
2026-01-02T09:30:00Z,level,ask,100.5,7
2026-01-02T09:30:01Z,level,bid,99.5,9
2026-01-02T09:30:02Z,trade,buy,100.5,2
2026-01-02T09:30:02Z,level,ask,100.5,5
`;
const mapping = {
  kind: { column: "kind", values: { level: "level", trade: "trade" } },
  time: { column: "time", unit: "iso" },
  instrument: { name: "X" },
  price: "price",
  size: "size",
  side: { column: "side", values: { bid: "bid", ask: "ask", buy: "buy", sell: "sell" } },
};

function csvFiles(): { folder: string; input: readonly string[] } {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "tape.csv"), csv);
  writeFileSync(join(folder, "mapping.json"), JSON.stringify(mapping));
  return {
    folder,
    input: [
      "--input",
      join(folder, "tape.csv"),
      "--mapping",
      join(folder, "mapping.json"),
      "--tick",
      "0.5",
      "--lot",
      "1",
    ],
  };
}

test("a file becomes rows on standard output, whose numbers are those of a hand", async () => {
  const { input } = csvFiles();
  const { stdout, stderr, code } = await features(
    ...input,
    "--features",
    "spread(unit=ticks),ofi(window=10s)",
    "--output",
    "-",
  );
  const ns = (second: number): string => `${1_767_346_200 + second}000000000`;
  expect(stdout).toBe(
    `time_ns,event,warm,spread_ticks,ofi_10s\n${ns(0)},1,0,,\n${ns(0)},2,0,2,0\n${ns(1)},3,0,2,4\n${ns(2)},5,0,2,6\n`,
  );
  expect(stderr).toContain("5 events, gaps 0");
  expect(code).toBe(0);
});

test("the default set goes into Parquet with a table of bars beside it, and the summary says what was written", async () => {
  const output = join(temporaryFolder(), "out.parquet");
  const ended = await features(
    "--input",
    "generated:20000",
    "--table",
    "bars=time_bars(step=1m)",
    "--set",
    "default",
    "--output",
    output,
    "--json",
  );
  const summary = JSON.parse(ended.stdout) as {
    tables: { rows: number; file: string; nulls: Record<string, number> }[];
    events: number;
  };
  expect(summary.events).toBe(20_000);
  expect(summary.tables.map(({ file }) => file)).toEqual([output, output.replace("out.", "out.bars.")]);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(output), compressors });
  expect(rows.length).toBe(summary.tables[0]!.rows);
  expect(Object.keys(rows[0]!).length).toBe(43);
  for (const [name, nulls] of Object.entries(summary.tables[0]!.nulls)) {
    expect(rows.filter((row) => row[name] === null).length, name).toBe(nulls);
  }
  const bars = await parquetMetadataAsync(await asyncBufferFromFile(summary.tables[1]!.file));
  expect(Number(bars.num_rows)).toBe(summary.tables[1]!.rows);
  expect(summary.tables[1]!.rows).toBeGreaterThan(10);
});

test("a run twice makes the same bytes, and describe reads of a file what the flags have asked for", async () => {
  const folder = temporaryFolder();
  const [one, other] = [join(folder, "one.arrow"), join(folder, "other.arrow")];
  const asked = ["--features", "qi,ofi(window=5s)", "--normalise", "ofi_*=z_count(count=100)", "--clock", "100ms"];
  for (const output of [one, other]) await features("--input", "generated:5000", ...asked, "--output", output);
  expect(readFileSync(one).equals(readFileSync(other))).toBe(true);
  expect(tableFromIPC(readFileSync(one)).schema.fields.map(({ name }) => name)).toEqual([
    "time_ns",
    "event",
    "warm",
    "qi",
    "ofi_5s",
    "ofi_5s_z100",
  ]);
  const described = JSON.parse((await features("describe", one, "--json")).stdout) as {
    columns: object[];
    clock: string;
  };
  const planned = JSON.parse((await features("describe", ...asked, "--json")).stdout) as {
    columns: object[];
    clock: string;
  };
  expect(described.clock).toBe("100ms");
  const anonymous = (columns: object[]): object[] => columns.map((column) => ({ ...column, instrument: "" }));
  expect(anonymous(described.columns)).toEqual(anonymous(planned.columns));
  const { stdout } = await features("describe", one);
  expect(stdout).toContain("GENERATED (future, tick 0.25, lot 1)");
  expect(stdout).toMatch(/ofi_5s +lots +ofi@1\(window=5s.*sum of e_n over the window/);
  expect(stdout).toContain("Cont, Kukanov and Stoikov");
});

test("list shows every entry of the catalogue with its parameters, and finds words", async () => {
  const { stdout } = await features("list");
  for (const { id, summary } of catalogue)
    expect(stdout).toMatch(new RegExp(`^${id}[ (].*${summary.replace(/[.*+?^$()|[\]\\]/g, "\\$&")}$`, "m"));
  const found = JSON.parse((await features("list", "hawkes", "--json")).stdout) as { id: string; summary: string }[];
  expect(found.length).toBeGreaterThan(0);
  for (const { id, summary } of found) expect(`${id} ${summary}`.toLowerCase()).toContain("hawkes");
});

test("what list and describe say of parameters is what --features reads", () => {
  for (const { id, defaults, required } of catalogue) {
    const { parameters } = parseSelection(`${id}${parametersText({ ...required, ...defaults })}`, "--features");
    expect(parameters, id).toEqual({ ...required, ...defaults });
  }
});

test("every clock, gap policy and table can be asked for", () => {
  const asked = (clock: string) =>
    schemasOf(
      graphOf(
        { instruments: [anyInstrument], originNs: 0n },
        { clock, gaps: "lenient", features: "qi", table: ["b=tick_bars(count=5)"] },
      ),
    );
  for (const clock of ["book", "book:3", "event", "trade", "block", "volume:50", "100ms", "1m"]) {
    expect(asked(clock).map((schema) => [schema.clock, schema.table, schema.gaps])).toEqual([
      [clock, "", "lenient"],
      [clock, "b", "lenient"],
    ]);
  }
});

test("several instruments have columns of their own; of many one may be chosen", async () => {
  const folder = temporaryFolder();
  const lines = ["A", "B"].flatMap((name) =>
    csv
      .trim()
      .split("\n")
      .slice(1, 3)
      .map((line) => `${line},${name}`),
  );
  writeFileSync(join(folder, "two.csv"), `time,kind,side,price,size,name\n${lines.join("\n")}\n`);
  writeFileSync(join(folder, "mapping.json"), JSON.stringify({ ...mapping, instrument: { column: "name" } }));
  const input = [
    "--input",
    join(folder, "two.csv"),
    "--mapping",
    join(folder, "mapping.json"),
    "--features",
    "mid",
    "--output",
    "-",
  ];
  const both = (await features(...input)).stdout.trim().split("\n");
  expect(both[0]).toBe("time_ns,event,warm,A.mid,B.mid");
  expect(both.at(-1)).toMatch(/,100,100$/);
  const one = (await features(...input, "--instrument", "B")).stdout.trim().split("\n");
  expect(one[0]).toBe("time_ns,event,warm,mid");
  expect(one.length).toBe(3);
});

test("a live stream of the gateway is followed until it is ended, into a whole file", async () => {
  const gateway = await startTestGateway();
  const output = join(temporaryFolder(), "live.arrows");
  const { origin } = new URL(gateway.ws.replace(/^ws/, "http"));
  const args = [
    "features",
    "--follow",
    origin.replace(/^http/, "ws"),
    "--instrument",
    "BTC-PERP*",
    "--features",
    "spread,mid",
    "--clock",
    "event",
    "--output",
    output,
  ];
  const child = spawn(process.execPath, [...flags, mainFile, ...args], { env: { ...process.env, ...environment } });
  let said = "";
  child.stderr.on("data", (data) => (said += String(data)));
  child.stdout.on("data", (data) => (said += String(data)));
  const ended = once(child, "exit");
  try {
    const part = (): string | undefined => readdirSync(join(output, "..")).find((name) => name.endsWith(".part"));
    while (part() === undefined) {
      expect(child.exitCode, said).toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(existsSync(output)).toBe(false);
    // As a terminal does it, and a Node or npm that stands between: one Ctrl-C, heard more than once.
    child.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGINT");
    expect(await ended, said).toEqual([0, null]);
    const table = tableFromIPC(readFileSync(output));
    expect(table.schema.fields.map(({ name }) => name)).toEqual(["time_ns", "event", "warm", "spread_ticks", "mid"]);
    expect(said).toMatch(/events, gaps 0/);
  } finally {
    child.kill("SIGKILL");
    await gateway.stop();
  }
});

test("whoever reads standard output may stop when it has seen enough", async () => {
  const args = [...flags, mainFile, "features", "--input", "generated:300000", "--features", "qi", "--output", "-"];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...environment } });
  let said = "";
  child.stderr.on("data", (data) => (said += String(data)));
  child.stdout.once("data", () => child.stdout.destroy());
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(said).toBe("");
});

test("what cannot be done is refused in one line that names the flag, what was wrong and what would do", async () => {
  const { folder, input } = csvFiles();
  const out = ["--output", join(folder, "out.csv")];
  const made = ["--input", "generated:100", ...out];
  const cases: readonly (readonly [readonly string[], string])[] = [
    [out, "where do the events come from? --input FILE"],
    [["--input", "generated:100"], "where do the rows go? --output out.parquet"],
    [["--input", "generated:100", "--follow", "ws://x", ...out], "--input and --follow exclude each other"],
    [["--input", join(folder, "none.dbn"), ...out], `${join(folder, "none.dbn")} does not exist`],
    [["--input", folder, ...out], "is a folder: a file is wanted"],
    [["--input", join(folder, "mapping.json"), ...out], "expected Databento DBN"],
    [["--input", "generated:0", ...out], "generated:EVENTS is wanted"],
    [["--input", "generated:100", "--output", "x.xls"], "x.xls ends in no format that can be written: .parquet"],
    [["--input", "generated:100", "--output", join(folder, "no", "x.csv")], "the folder"],
    [[...input, "--format", "csw", ...out], "--format csw: dbn, lobster"],
    [[...made, "--set", "all"], "--set all: there is no such set: level-1, default are there"],
    [[...made, "--features", "ofy"], "--features ofy: there is no such feature; is it ofi?"],
    [[...made, "--features", "ofi(window=10)"], "--features ofi: window=10: a time needs its unit: 10s"],
    [[...made, "--features", "ofi(window=soon)"], "window=soon: a time is wanted, such as 10s"],
    [[...made, "--features", "ofi(window=0s)"], "ofi.window is 0, but must be a positive integer"],
    [[...made, "--features", "ofi(horizon=1s)"], 'ofi.parameters is "horizon", but must be one of window'],
    [[...made, "--features", "ofi(window)"], '--features ofi: "window" is no parameter: NAME=VALUE is wanted'],
    [[...made, "--features", "ofi(window=1s,window=2s)"], "window is said twice"],
    [[...made, "--features", "spread(unit=elephants)"], 'spread.unit is "elephants", but must be one of'],
    [[...made, "--features", "ofi(window=10s"], "a name is wanted, with parameters in brackets"],
    [[...made, "--features", "qi,qi"], "the column qi is asked for twice"],
    [[...made, "--features", "time_bars"], "this is a table: it goes with --table NAME="],
    [[...made, "--table", "time_bars"], "a name in small letters and what it holds are wanted"],
    [[...made, "--table", "bars=ofi"], "this is a feature: it goes with --features"],
    [[...made, "--normalise", "nothing_*=z_count"], "--normalise nothing_*: there is no such column: spread"],
    [[...made, "--clock", "often"], "--clock often: book, book:LEVELS, event"],
    [[...made, "--instrument", "ES"], "--instrument ES: it is not there, but GENERATED"],
    [[...made, "--from", "noon"], "--from noon: a time is wanted, such as 2026-01-02T09:30Z"],
    [[...made, "--gaps", "none"], "Allowed choices are strict, lenient"],
    [[...made, "--block-rows", "0"], "a whole number of at least 1 is wanted"],
    [["--follow", "there", ...out, "--instrument", "X"], "--follow there: an address such as wss://"],
    [["--follow", "ws://127.0.0.1:1", ...out], "--follow wants instruments"],
    [["describe", join(folder, "tape.csv")], "has no schema beside it"],
    [["describe", join(folder, "none.parquet")], `${join(folder, "none.parquet")}`],
    [["list", "hokes"], "nothing in the catalogue has hokes in it"],
    [["plot", "--input", "generated:100", "--output", "x.png"], "--output x.png: a page ends in .html"],
    [
      ["plot", "--input", "generated:100", "--output", "x.html", "--columns", "none*"],
      "--columns none*: there is no such column: spread",
    ],
  ];
  for (const [args, words] of cases) {
    const refusal = await refusalOf(...args);
    expect(refusal, args.join(" ")).toContain(words);
    expect(refusal.trim().split("\n").length, args.join(" ")).toBeLessThanOrEqual(2);
  }
  expect(existsSync(join(folder, "out.csv"))).toBe(false);
});

test("the line of progress says how far it is and how long it takes, and never wraps", () => {
  const progress = {
    bytesRead: 250,
    bytesTotal: 1_000,
    eventsCount: 30_000,
    gapsCount: 1,
    skippedCount: 0,
    rowsCount: 20_000,
    timeNs: 0n,
    stream: undefined as never,
  };
  expect(progressText(progress, 1_000, 200)).toBe(
    ` 25 % ${"█".repeat(6)}${"·".repeat(18)}  30,000 events  30,000/s  20,000 rows  1 gaps  3 s left`,
  );
  expect(progressText(progress, 1_000, 40)).toHaveLength(40);
  expect(progressText({ ...progress, bytesTotal: 0 }, 1_000, 200)).toBe("30,000 events  30,000/s  20,000 rows  1 gaps");
});
