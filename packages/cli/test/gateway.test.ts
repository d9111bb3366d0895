/** `stoa gateway` as a process of its own, at a door that is made up here. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { view, type Height } from "@stoa/base/units";
import { openDoor, type DoorParts } from "@stoa/node/door";
import type { NodeStatus } from "@stoa/protocol/door";
import { createDevnet, loadGatewayFile } from "../src/devnet/folder.ts";
import { freePorts, host } from "../src/devnet/ports.ts";
import { stoa } from "./devnet-process.ts";
import { temporaryFolder } from "./temporary.ts";

const finalHeight = 5_000 as Height;
const status: NodeStatus = {
  name: "validator-0",
  validator: 0,
  view: view(finalHeight),
  height: finalHeight,
  executedHeight: finalHeight,
  mempoolCount: 0,
  peersConnected: 3,
  peersBanned: 0,
  alarms: [],
  commandsTotal: 0,
  tradesTotal: 0,
  halted: undefined,
  quarantine: undefined,
  convicted: new Uint8Array(0),
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function untilLogged(file: string, text: string): Promise<void> {
  while (!readFileSync(file, "utf8").includes(text)) await new Promise((resolve) => setTimeout(resolve, 100));
}

test("a gateway whose blocks are pruned everywhere before it has caught up fetches a snapshot by itself, and ends when told to", async () => {
  const root = temporaryFolder();
  createDevnet(root, { ports: await freePorts(4), seed: 1, startMs: Date.now() });
  let firstHeight = 1;
  const follows = Promise.withResolvers<void>();
  const unused = (): never => {
    throw new Error("nobody asks for this here");
  };
  const parts: DoorParts = {
    genesis: new Uint8Array(0),
    submit: unused,
    status: () => status,
    receipt: unused,
    prove: unused,
    readBlocks() {
      follows.resolve();
      return Promise.resolve({ blocks: [], first: firstHeight });
    },
    changes: unused,
    snapshot: () => Promise.resolve({ firstHeight, lastHeight: finalHeight, manifest: undefined }),
    chunk: unused,
    report: () => undefined,
  };
  const door = await openDoor({ host, port: 0 }, parts);
  door.stored(finalHeight);
  closing.push(door.stop);
  const folder = join(root, "gateway");
  const file = { ...loadGatewayFile(folder), doors: [{ host, port: door.port }] };
  writeFileSync(join(folder, "gateway.json"), JSON.stringify(file));
  const log = join(root, "gateway.log");
  const gateway = stoa(["gateway", "--data", folder], log);
  gateway.ready.catch(() => undefined);
  closing.unshift(() => gateway.stop(1_000));
  await follows.promise;
  firstHeight = 4_000;
  await untilLogged(log, "a snapshot is fetched");
  expect(gateway.isAlive()).toBe(true);
  process.kill(gateway.pid, "SIGTERM");
  while (gateway.isAlive()) await new Promise((resolve) => setTimeout(resolve, 50));
}, 120_000);
