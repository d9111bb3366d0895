/** Four real validators that put what clients give them into their lanes, and one of them killed in the middle of it. */
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { toHex } from "@stoa/base/bytes";
import type { FinalBlock } from "@stoa/protocol/block";
import { commandDigest } from "@stoa/protocol/command";
import { payloadMatches } from "@stoa/protocol/finality/lane-payload";
import { decodeLanesPayload, decodePayload } from "@stoa/protocol/payload";
import type { CommittedBlock } from "../src/commit.ts";
import type { Follower } from "../src/follower.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { openDoorClient, type DoorClient } from "./door-client.ts";
import { limitOrder, signCommand, testChain, until } from "./network.ts";
import { ProcessNetwork } from "./processes.ts";

// Four validators share the machine with whatever else runs on it.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

// So many that every validator is home to some.
const accountsCount = 16;
const chain = testChain({ accountsCount });
let network: ProcessNetwork;
afterEach(() => network.stop());

const name = (encoded: Uint8Array): string => toHex(commandDigest(encoded));
const order = (index: number): Uint8Array =>
  signCommand(
    chain.genesis,
    chain.accountSeeds[index % accountsCount]!,
    limitOrder({
      instrument: 1,
      side: index % (2 * accountsCount) < accountsCount ? "buy" : "sell",
      priceTicks: 120_000,
    }),
  );

async function start(lanes: "always" | number): Promise<Follower> {
  network = new ProcessNetwork(chain, 50, lanes);
  await network.startAll();
  const follower = await network.startFollower("follower");
  await follower.caughtUp;
  await until(() => follower.query.instruments()[0]?.markPrice !== 0, "prices");
  return follower;
}

/** What a validator has stored; the test's own processes are at rest. */
const storedBlocks = (index: number): readonly FinalBlock[] => [
  ...readBlockLog(join(network.folderOf(index), "blocks")),
];

/** How often each command stands in a batch, and how often beside batches. */
function placesOf(blocks: readonly FinalBlock[]) {
  const inBatches = new Map<string, number>();
  const loose = new Map<string, number>();
  const count = (places: Map<string, number>, payload: Uint8Array): void => {
    for (const one of decodePayload(payload) ?? []) places.set(name(one), (places.get(name(one)) ?? 0) + 1);
  };
  for (const { payload } of blocks) {
    const lanes = decodeLanesPayload(payload);
    if (lanes === undefined) count(loose, payload);
    else {
      for (const batch of lanes.batches) count(inBatches, batch.payload);
      count(loose, lanes.loose);
    }
  }
  return { inBatches, loose };
}

const againReasons: readonly string[] = ["nonce-reused", "nonce-too-old"];

/** Of each command in how many blocks it had its fate. A second time it is refused for its nonce, and that is none. */
async function fatesOf(follower: Follower): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  let height = 0;
  const end = follower.follow(0, (block: CommittedBlock) => {
    height = block.height;
    const fates = block.events.filter((event) => event.kind !== "refused" || !againReasons.includes(event.reason));
    const commands = fates.flatMap((event) => ("command" in event && event.command ? [toHex(event.command)] : []));
    for (const one of new Set(commands)) counts.set(one, (counts.get(one) ?? 0) + 1);
  });
  const target = follower.query.height();
  await until(() => target <= height, "the chain is told from its start");
  end();
  return counts;
}

/** Where a command stands and what it came to, as a node tells it: once a header carries that. */
async function receiptOf(door: DoorClient, encoded: Uint8Array) {
  const request = { kind: "receipt", id: 1_000, command: commandDigest(encoded) } as const;
  let reply = await door.ask(request);
  while (reply.kind === "failure" && reply.retry) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    reply = await door.ask(request);
  }
  if (reply.kind !== "receipt") throw new Error(`no receipt: ${JSON.stringify(reply)}`);
  return reply.receipt;
}

/** Every account gives ten orders at a time, and the next ten when those are final. */
function startCrowd(follower: Follower) {
  /** The heights of commands that were acknowledged as final. */
  const acknowledged = new Map<string, number>();
  let running = true;
  const trader = async (account: number): Promise<void> => {
    while (running) {
      const commands = Array.from({ length: 10 }, (_, index) => order(accountsCount * index + account));
      const outcomes = await Promise.all(commands.map((one) => follower.submit(one)));
      outcomes.forEach((outcome, index) => {
        if (outcome.kind === "final") acknowledged.set(name(commands[index]!), outcome.block.height);
      });
    }
  };
  const traders = chain.accountSeeds.map((_, account) => trader(account));
  const stop = async (): Promise<void> => {
    running = false;
    await Promise.all(traders);
  };
  return { acknowledged, stop };
}

describe("lanes of real validators", () => {
  test("carry what clients give to all and to one, each command once, and followers get it all", async () => {
    const follower = await start("always");
    const given = Array.from({ length: 600 }, (_, index) => order(index));
    const door = await openDoorClient(network.doors()[1]!.port);
    const alone = Array.from({ length: 50 }, (_, index) => order(index));
    const refusals = await Promise.all(alone.map((command, id) => door.ask({ kind: "submit", id, command })));
    expect(refusals.every((reply) => reply.kind === "submitted" && reply.refusal === "none")).toBe(true);
    const outcomes = await Promise.all(given.map((one) => follower.submit(one)));
    expect(outcomes.every(({ kind }) => kind === "final")).toBe(true);
    const fates = await fatesOf(follower);
    for (const one of [...given, ...alone]) expect(fates.get(name(one))).toBe(1);
    const { block, index } = await receiptOf(door, alone[7]!);
    expect(payloadMatches(block.header, block.payload)).toBe(true);
    expect(name(decodePayload(block.payload)![index]!)).toBe(name(alone[7]!));
    door.close();
    await network.killAll();
    const blocks = storedBlocks(0);
    const { inBatches, loose } = placesOf(blocks);
    // A leader that has waited long for a batch takes its commands itself: on a busy machine that happens.
    const all = [...given, ...alone].map(name);
    const batched = all.filter((one) => inBatches.has(one));
    expect(batched.length).toBeGreaterThan(all.length / 2);
    const sum = (places: Map<string, number>): number => all.reduce((total, one) => total + (places.get(one) ?? 0), 0);
    expect(sum(inBatches) + sum(loose)).toBeLessThan(1.5 * all.length);
    // Every validator has a lane, and the headers of the last block name the ends of all four.
    expect(blocks.at(-1)!.header.tips.filter(({ sequence }) => 0 < sequence)).toHaveLength(4);
  });

  test("lose nothing that was acknowledged and carry nothing out twice when one of four is killed", async () => {
    const follower = await start("always");
    const { acknowledged, stop } = startCrowd(follower);
    await until(() => 400 < acknowledged.size, "orders are acknowledged");
    await network.kill(2);
    const atDeath = acknowledged.size;
    await until(() => atDeath + 400 < acknowledged.size, "orders are acknowledged with three validators");
    await network.start(2);
    const atReturn = acknowledged.size;
    const returnHeight = follower.query.height();
    await until(() => atReturn + 400 < acknowledged.size, "orders are acknowledged after its return");
    const executed = (): number => follower.status().doors[2]!.status?.executedHeight ?? 0;
    await until(() => follower.query.height() - executed() <= 3, "it has caught up", 120_000);
    await stop();
    const fates = await fatesOf(follower);
    for (const digest of acknowledged.keys()) expect(fates.get(digest)).toBe(1);
    await network.killAll();
    const blocks = storedBlocks(0);
    expect(placesOf(blocks).inBatches.size).toBeGreaterThan(acknowledged.size / 2);
    const later = blocks.filter(({ header }) => returnHeight < header.height);
    expect(later.some(({ header }) => header.ranges.some(({ lane }) => lane === 2))).toBe(true);
  });

  test("lose nothing that was acknowledged when all four are killed, and go on where they were", async () => {
    const follower = await start("always");
    const { acknowledged, stop } = startCrowd(follower);
    await until(() => 400 < acknowledged.size, "orders are acknowledged");
    await network.killAll();
    const atDeath = acknowledged.size;
    const ends = storedBlocks(0)
      .at(-1)!
      .header.tips.map(({ sequence }) => sequence);
    await Promise.all(chain.validatorSeeds.map((_, index) => network.start(index)));
    await until(() => atDeath + 400 < acknowledged.size, "orders are acknowledged again");
    await stop();
    const fates = await fatesOf(follower);
    for (const digest of acknowledged.keys()) expect(fates.get(digest)).toBe(1);
    await network.killAll();
    const later = storedBlocks(0)
      .at(-1)!
      .header.tips.map(({ sequence }) => sequence);
    expect(later.every((sequence, lane) => ends[lane]! < sequence)).toBe(true);
  });

  test("are used when much waits, and not for a few commands", async () => {
    const follower = await start(128 * 1024);
    for (let index = 0; index < 10; index++) expect((await follower.submit(order(index))).kind).toBe("final");
    const quiet = follower.query.height();
    const crowd = Array.from({ length: 3_000 }, (_, index) => order(index));
    const outcomes = await Promise.all(crowd.map((one) => follower.submit(one)));
    expect(outcomes.every(({ kind }) => kind === "final")).toBe(true);
    const fates = await fatesOf(follower);
    for (const one of crowd) expect(fates.get(name(one))).toBe(1);
    await network.killAll();
    const blocks = storedBlocks(0);
    expect(placesOf(blocks.filter(({ header }) => header.height <= quiet)).inBatches.size).toBe(0);
    expect(placesOf(blocks).inBatches.size).toBeGreaterThan(0);
  });
});
