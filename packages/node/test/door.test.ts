/** The door under clients that misbehave: one that does not read costs nobody else anything, and is dropped. */
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { encode } from "@stoa/base/codec";
import { zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { height, timeMs, view } from "@stoa/base/units";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { encodeDoorRequest } from "@stoa/protocol/door";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { openDoor, type Door, type DoorParts } from "../src/door.ts";
import { openDoorClient } from "./door-client.ts";
import { localhost, until } from "./network.ts";

const payloadSize = 256 * 1024;

function blockAt(own: number, size = payloadSize): FinalBlock {
  const header = {
    chainId: zeroDigest,
    epoch: 0,
    view: view(own),
    height: height(own),
    parentView: view(own - 1),
    parentDigest: zeroDigest,
    proposer: 0 as ValidatorIndex,
    timeMs: timeMs(own),
    payload: { form: "inline", size, digest: zeroDigest },
    tips: [],
    ranges: [],
    executed: { height: height(0), moduleRoots: [], resultsRoot: zeroDigest },
    evidence: [],
    convicted: new Uint8Array(0),
    nextEpoch: undefined,
    seal: undefined,
  } as const;
  return { header, descendants: [], certificates: [], payload: new Uint8Array(size) };
}

const encodedBlocks = Array.from({ length: 200 }, (_, index) => encode(finalBlock, blockAt(index + 1)));
const reports: string[] = [];
let door: Door | undefined;

async function openTestDoor(changes: Partial<DoorParts> = {}): Promise<Door> {
  door = await openDoor(localhost(), {
    genesis: new Uint8Array(limits.genesisSizeMax),
    submit: (_encoded, _toAll, answer) => answer("none"),
    status: () => {
      throw new Error("nobody asks for status here");
    },
    receipt: (_command, answer) => answer({ kind: "unavailable", reason: "no receipts here", retry: false }),
    prove: (_request, answer) => answer(new Uint8Array(0)),
    snapshot: () => Promise.reject(new Error("nobody joins here")),
    chunk: () => Promise.resolve(undefined),
    changes: (_wanted, answer) => answer({ kind: "unavailable", reason: "none are kept" }),
    readBlocks: (from, countMax) =>
      Promise.resolve({ blocks: encodedBlocks.slice(from - 1, from - 1 + countMax), first: 1 }),
    report: (fact) => reports.push(fact),
    ...changes,
  });
  return door;
}

afterEach(async () => {
  await door?.stop();
  door = undefined;
});

test("a follower that does not read is dropped, what waits for it is bounded, and others are served meanwhile", async () => {
  const { port, publish, stored, connectionsCount } = await openTestDoor();
  encodedBlocks.forEach((encoded, index) => {
    stored(index + 1);
    publish(index + 1, encoded);
  });
  const deaf = new WebSocket(`ws://127.0.0.1:${port}`);
  await new Promise((resolve) => deaf.once("open", resolve));
  deaf.send(encodeDoorRequest({ kind: "follow", id: 1, from: height(1) }));
  deaf.pause();
  const reader = await openDoorClient(port);
  const before = process.memoryUsage().arrayBuffers;
  reader.socket.send(encodeDoorRequest({ kind: "follow", id: 1, from: height(1) }));
  await until(() => reader.replies.length === encodedBlocks.length, "the other follower has every block");
  expect(connectionsCount()).toBe(2);
  // Both sides live in this process: 50 MB arrived at the reader; what waits for the deaf one is a few blocks.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(150 * 1024 * 1024);
  await until(() => connectionsCount() === 1, "the deaf one is dropped", 25_000);
  expect(reports.some((fact) => fact.includes("does not read"))).toBe(true);
  expect(await reader.ask({ kind: "submit", id: 2, command: new Uint8Array(1) })).toMatchObject({ refusal: "none" });
  deaf.terminate();
  reader.close();
}, 60_000);

test("a client that asks without reading answers is cut off at the limit of its queue", async () => {
  const { port, connectionsCount } = await openTestDoor();
  const greedy = new WebSocket(`ws://127.0.0.1:${port}`);
  greedy.on("error", () => undefined);
  await new Promise((resolve) => greedy.once("open", resolve));
  greedy.pause();
  // Eighty times four megabytes are asked for, and no answer is read.
  for (let id = 1; id <= 80; id++) greedy.send(encodeDoorRequest({ kind: "genesis", id }));
  await until(() => connectionsCount() === 0, "it is cut off");
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(600 * 1024 * 1024);
  greedy.terminate();
}, 60_000);

test("who wants new small blocks gets the newest at once, nothing large and nothing old, until it follows", async () => {
  const { port, publish, stored } = await openTestDoor();
  const client = await openDoorClient(port);
  const heights = (): number[] =>
    client.replies.flatMap((reply) => (reply.kind === "block" ? [reply.block.header.height] : []));
  publish(1, encodedBlocks[0]!);
  client.socket.send(encodeDoorRequest({ kind: "followNew", id: 1, sizeMax: 32 * 1024 }));
  await client.ask({ kind: "submit", id: 2, command: new Uint8Array(1) });
  publish(2, encode(finalBlock, blockAt(2, 100)));
  publish(3, encodedBlocks[2]!);
  publish(4, encode(finalBlock, blockAt(4, 100)));
  await until(() => heights().includes(4), "the newest small block");
  expect(heights()).toEqual([2, 4]);
  for (const own of [1, 2, 3, 4]) stored(own);
  client.socket.send(encodeDoorRequest({ kind: "follow", id: 3, from: height(3) }));
  await until(() => heights().length === 4, "all blocks from where it follows");
  expect(heights()).toEqual([2, 4, 3, 4]);
  client.close();
});

test("commands that are taken faster than one frame can tell are told in several", async () => {
  const { port } = await openTestDoor();
  const client = await openDoorClient(port);
  const told = new Set<number>();
  const requestSize = limits.requestsInFlightPerConnectionCountMax;
  const count = limits.payloadCommandsCountMax + requestSize;
  for (let first = 0; first < count; first += requestSize) {
    const commands = Array.from({ length: requestSize }, (_, index) => ({
      id: first + index,
      command: new Uint8Array(1),
    }));
    client.socket.send(encodeDoorRequest({ kind: "submitToAll", commands }));
  }
  await until(() => {
    for (const reply of client.replies.splice(0))
      if (reply.kind === "admitted") reply.ids.forEach((id) => told.add(id));
    return told.size === count;
  }, "each is told");
  client.close();
});

test("a question that a part fails to answer is refused, gives its place back, and is said in the log once", async () => {
  const broken = (): never => {
    throw new Error("record 7 is damaged");
  };
  reports.length = 0;
  const parts = { receipt: broken, changes: broken, prove: broken, readBlocks: async () => broken() };
  const { port, stored } = await openTestDoor(parts);
  stored(1);
  const client = await openDoorClient(port);
  const refusal = { kind: "failure", reason: "this node could not read what was asked for", retry: false };
  for (let id = 1; id <= 100; id++)
    expect(await client.ask({ kind: "receipt", id, command: zeroDigest })).toMatchObject({ ...refusal, id });
  for (const id of [101, 102])
    expect(await client.ask({ kind: "follow", id, from: height(1) })).toMatchObject({ ...refusal, id });
  expect(reports).toEqual(["door: a question could not be answered: record 7 is damaged"]);
  client.close();
});
