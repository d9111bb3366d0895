import { fork } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toHex } from "@stoa/base/bytes";
import { encodeGenesis } from "@stoa/protocol/genesis";
import type { Follower } from "../src/follower.ts";
import { alteredCopy, type AlteredCopy } from "./altered-copy.ts";
import type { FromFullNode } from "./full-node-process.ts";
import { limitOrder, signCommand, testChain, until } from "./network.ts";
import { ProcessNetwork } from "./processes.ts";

// Four validators share the machine with whatever else runs on it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const chain = testChain();
const odd = 2;
let network: ProcessNetwork;
let copy: AlteredCopy;
beforeEach(() => {
  network = new ProcessNetwork(chain);
  copy = alteredCopy({
    path: "packages/exchange/src/terms.ts",
    find: "const fee = ceilingDivide(numerator * fill.ratePpm, denominator * ppm);",
    replace: "const fee = floorDivide(numerator * fill.ratePpm, denominator * ppm);",
  });
});
afterEach(async () => {
  await network.stop();
  copy.remove();
});

async function trade(follower: Follower): Promise<number> {
  let height = 0;
  for (const side of ["buy", "sell"] as const) {
    const seed = chain.accountSeeds[side === "buy" ? 0 : 1]!;
    // A fee of a fraction of the smallest unit: whether it is rounded up or down is all that differs.
    const body = limitOrder({ instrument: 1, side, priceTicks: 120_001, sizeLots: 7 });
    const outcome = await follower.submit(signCommand(chain.genesis, seed, body));
    if (outcome.kind !== "final") throw new Error(`the order ended as ${outcome.kind}`);
    height = outcome.block.height;
  }
  return height;
}

function reportIn(dataFolder: string): Record<string, any> | undefined {
  try {
    const folder = join(dataFolder, "divergence");
    const [name] = readdirSync(folder).filter((one) => one.endsWith("-quorum.json"));
    return name === undefined ? undefined : JSON.parse(readFileSync(join(folder, name), "utf8"));
  } catch {
    return undefined;
  }
}

test("a validator that rounds a fee the other way names the record, and goes on ordering (BFT-070)", async () => {
  network.programs.set(odd, copy.folder);
  await network.startAll();
  network.tellDoors();
  const follower = await network.startFollower("follower");
  await until(() => follower.query.instruments()[0]?.markPrice !== 0, "prices");
  const height = await trade(follower);
  await until(
    () => reportIn(network.folderOf(odd))?.["firstDifference"] !== undefined,
    "the report names a record",
    120_000,
  );
  const report = reportIn(network.folderOf(odd))!;

  // Headers do not carry the roots of every height; the record is found in the block that brought it.
  expect(report["height"]).toBeGreaterThanOrEqual(height);
  expect(report).toMatchObject({ results: "differ", otherSide: "a quorum of validators" });
  expect(report["modules"]).toContain("ledger");
  expect(report["sentence"]).toContain("in ledger");
  const { firstDifference } = report;
  expect(firstDifference).toMatchObject({ height, module: "ledger", own: { state: "set" }, other: { state: "set" } });
  expect(firstDifference.saidBy.length).toBe(3);
  // A unit of bitcoin's smallest part or two, in the account of collected fees or of a trader.
  const [own, other] = [firstDifference.own, firstDifference.other].map(({ content }) => Number(content.balances[0]));
  expect([1, 2]).toContain(Math.abs(own! - other!));
  expect(report["blocks"].map((block: { readonly height: number }) => block.height)).toContain(height);
  expect(report["software"]).toMatchObject({ version: "0.1.0", node: process.version });

  // It takes part in ordering: with another one killed, a command that is final needs its votes.
  await network.kill(0);
  const late = await trade(follower);
  expect(late).toBeGreaterThan(height);
  await until(() => follower.status().doors[odd]!.status !== undefined, "its door answers");
  const status = follower.status().doors[odd]!.status!;
  expect(status.halted).toBeUndefined();
  expect(status.alarms[0]).toContain("the state computed here differs at height");
  const metrics = await (await fetch(`http://127.0.0.1:${network.metricsPort(odd)}/metrics`)).text();
  expect(metrics).toMatch(/^stoa_diverged 1$/m);
  expect(readdirSync(join(network.folderOf(odd), "snapshots")).length).toBe(0);
});

test("a full node that rounds a fee the other way stops, and leaves the record behind (BFT-070)", async () => {
  await network.startAll();
  const follower = await network.startFollower("follower");
  await until(() => follower.query.instruments()[0]?.markPrice !== 0, "prices");
  const height = await trade(follower);
  const dataFolder = join(network.folder.path, "odd");
  const child = fork(join(copy.folder, "packages/node/test/full-node-process.ts"), [], {
    execArgv: ["--conditions=@stoa/source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const told: FromFullNode[] = [];
  child.on("message", (message: FromFullNode) => void told.push(message));
  const doors = network.doors().map(({ port }) => port);
  child.send({ kind: "start", genesis: toHex(encodeGenesis(chain.genesis)), dataFolder, doors, storage: {} });
  const failure = (): FromFullNode | undefined => told.find(({ kind }) => kind === "failed");
  await until(() => failure() !== undefined, "it says why it stopped");
  child.kill("SIGKILL");
  expect(failure()).toMatchObject({
    code: "state-divergence",
    message: expect.stringContaining("the root of ledger is"),
  });
  expect(reportIn(dataFolder)).toMatchObject({
    firstDifference: { height, module: "ledger", own: { state: "set" }, other: { state: "set" } },
  });
});
