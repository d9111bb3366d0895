/** The feature library as people install it: packed, without this repository, without any library beside it. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packPackages } from "../../../tools/pack.ts";

const runFile = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoa-user-"));
  const files = await packPackages(join(folder, "packed"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", type: "module", private: true }));
  await runFile("npm", ["install", "--offline", "--no-audit", "--no-fund", "--silent", ...files], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("it installs with nothing but base and pricing (FEAT-054)", () => {
  expect(readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."))).toEqual(["@stoa"]);
  expect(readdirSync(join(folder, "node_modules/@stoa")).sort()).toEqual(["base", "features", "pricing"]);
  const manifest = JSON.parse(readFileSync(join(folder, "node_modules/@stoa/features/package.json"), "utf8")) as {
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  expect(manifest.peerDependencies["apache-arrow"]).toMatch(/^\^\d/);
});

test("it computes rows and writes CSV in plain Node, and names what a Parquet file needs (FEAT-054)", async () => {
  writeFileSync(
    join(folder, "program.mjs"),
    `import { makeEventBatch, appendEvent, blankEvent, EventKind } from "@stoa/features/event";
import { parseScale } from "@stoa/features/instrument";
import { every, seconds } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { orderFlowImbalance } from "@stoa/features/flow/order-flow-imbalance";
import { runFeatures } from "@stoa/features/io/batch";
import { fileSink } from "@stoa/features/io/writers/file-sink";
const instrument = { name: "X", kind: "spot", tick: parseScale("1"), lot: parseScale("1"), multiplier: 1 };
const batch = makeEventBatch(3);
const level = (side, price, size, timeNs) =>
  appendEvent(batch, { ...blankEvent(), kind: EventKind.level, flags: 1, side, price, size, timeNs });
level(1, 99, 5, 1); level(-1, 101, 7, 2); level(1, 99, 9, 3);
const source = { instruments: [instrument], originNs: 0n, progress: {}, async *batches() { yield batch; } };
const graph = () => features({ instruments: [instrument], originNs: 0n, clock: every.book() }).add(orderFlowImbalance({ window: seconds(1) }));
await runFeatures(graph(), source, { sink: fileSink("out.csv") });
for (const name of ["out.parquet", "out.arrow"])
  await runFeatures(graph(), source, { sink: fileSink(name) }).catch(({ message }) => console.log(message));
`,
  );
  const { stdout } = await runFile(process.execPath, ["program.mjs"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] },
  });
  expect(stdout.trim().split("\n")).toEqual([
    "Parquet files need the package hyparquet-writer: npm install hyparquet-writer",
    "Arrow files need the package apache-arrow: npm install apache-arrow",
  ]);
  expect(readFileSync(join(folder, "out.csv"), "utf8")).toBe("time_ns,event,warm,ofi_1s\n1,1,0,\n2,2,0,0\n3,3,0,4\n");
  expect(existsSync(join(folder, "out.parquet"))).toBe(false);
});
