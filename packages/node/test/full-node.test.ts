/** A full node of its own, without validators: what it says of the chain, and what it does about a damaged record. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { height } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import { decodeDoorReply, encodeDoorRequest, type DoorReply } from "@stoa/protocol/door";
import { startFullNode, type FullNode } from "../src/full-node.ts";
import { openFollower } from "../src/follower.ts";
import { silentLog, type Logger } from "../src/log.ts";
import { openDoorClient } from "./door-client.ts";
import { localhost, testFolder, until } from "./network.ts";
import { finalBlockOf, genesis, headersUpTo, openSource, type Source } from "./signed-chain.ts";

const blocksCount = 5;
const convicted = Uint8Array.of(0b100);
const blocks: readonly FinalBlock[] = headersUpTo(blocksCount, { convicted }).map(finalBlockOf);

let folder: ReturnType<typeof testFolder>;
let source: Source;
let warnings: string[];
beforeEach(async () => {
  folder = testFolder();
  source = await openSource(blocks);
  warnings = [];
});
afterEach(() => {
  source.stop();
  folder.remove();
});

const listening = (): Logger => Object.assign(silentLog(), { warn: (fact: string) => void warnings.push(fact) });
const dataFolder = (): string => join(folder.path, "node");
const config = () => ({ genesis, dataFolder: dataFolder(), doors: [source.address], snapshot: "never" as const });

async function start(): Promise<FullNode> {
  const ports = { door: localhost(), metrics: localhost() };
  const node = await startFullNode({ ...config(), name: "full", ...ports }, { log: listening() });
  await until(() => node.status().height === blocksCount, "all blocks are executed");
  return node;
}

/** Turns over the byte of a log that `place` finds. */
function damage(log: "blocks" | "events", place: (bytes: Buffer) => number): void {
  const logFolder = join(dataFolder(), log);
  const path = join(logFolder, readdirSync(logFolder)[0]!);
  const bytes = readFileSync(path);
  bytes[place(bytes)]! ^= 1;
  writeFileSync(path, bytes);
}
const inSecondBlock = (bytes: Buffer): number => bytes.lastIndexOf(blocks[1]!.header.parentDigest);

test("its status says who is convicted, as the last header does", async () => {
  const node = await start();
  expect(node.status().convicted).toEqual(convicted);
  await node.stop();
});

test("a damaged record that a stranger asks for is refused and said in the log once; the node goes on", async () => {
  await (await start()).stop();
  const node = await start();
  damage("blocks", inSecondBlock);
  const client = await openDoorClient(node.doorPort);
  const failure = { kind: "failure", reason: "this node could not read what was asked for", retry: false };
  for (const id of [1, 2]) {
    const headers = { kind: "headers", id, from: height(2), countMax: 2 } as const;
    expect(await client.ask(headers)).toMatchObject({ ...failure, id });
  }
  expect(await client.ask({ kind: "follow", id: 3, from: height(1) })).toMatchObject(failure);
  expect(warnings.filter((fact) => fact.includes("a proof could not be made"))).toHaveLength(1);
  expect(warnings.filter((fact) => fact.includes("a question could not be answered"))).toHaveLength(1);
  expect(warnings.at(-1)).toContain("block log");
  // It follows nothing now, may follow from behind the damage, and is served.
  client.socket.send(encodeDoorRequest({ kind: "follow", id: 4, from: height(3) }));
  await until(() => client.replies.filter(({ kind }) => kind === "block").length === 3, "what is whole is fed");
  client.close();
  await node.stop();
});

test("a gateway's follower refuses it too; when it must read it itself, it ends with the reason", async () => {
  const follower = await openFollower(config(), { log: listening() });
  await until(() => follower.commit.height() === blocksCount, "all blocks are executed");
  damage("blocks", inSecondBlock);
  const replies: (DoorReply | undefined)[] = [];
  const request = { kind: "headers", id: 1, from: height(2), countMax: 2 } as const;
  follower.prove(request, (reply) => void replies.push(decodeDoorReply(reply)), 0);
  expect(replies).toMatchObject([{ kind: "failure", id: 1, reason: "this node could not read what was asked for" }]);
  expect(warnings).toHaveLength(1);
  damage("events", (bytes) => bytes.length - 1);
  const seen: number[] = [];
  follower.follow(1, (block) => void seen.push(block.height));
  expect(await follower.failure).toMatchObject({ code: "event-log-damaged" });
  expect(seen).toEqual([1, 2, 3, 4]);
});
