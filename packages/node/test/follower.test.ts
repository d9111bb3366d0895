import { readdirSync } from "node:fs";
import { join } from "node:path";
import { WebSocketServer, type WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FinalBlock } from "@stoa/protocol/block";
import { decodeDoorRequest, encodeDoorReply, type NodeStatus } from "@stoa/protocol/door";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import { createBlockAcceptance } from "../src/block-acceptance.ts";
import { startFollower } from "../src/follower.ts";
import { createRootCheck, divergenceError } from "../src/root-check.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { limitOrder, localhost, signCommand, testChain, until } from "./network.ts";
import { startMeshOf, type TestMesh } from "./validators.ts";

// Four validators share the machine with whatever else runs on it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const chain = testChain();
const { genesis, accountSeeds } = chain;
let mesh: TestMesh;
let blocks: FinalBlock[];

beforeAll(async () => {
  mesh = await startMeshOf(chain);
  const follower = await mesh.startFollower("first");
  await until(() => follower.query.instruments()[0]?.markPrice !== 0, "prices");
  for (let count = 0; count < 8; count++) {
    const body = limitOrder({ instrument: 1, side: count % 2 === 0 ? "buy" : "sell", priceTicks: 120_000 });
    await follower.submit(signCommand(genesis, accountSeeds[count % 4]!, body));
  }
  await follower.stop();
  blocks = [...readBlockLog(join(mesh.folder, "first", "blocks"))];
});
afterAll(() => mesh.stop());

/** A door that answers with the blocks it is told to, to who says `word`, and claims to be at any height. */
async function openLiar(served: readonly FinalBlock[], height: number, word: "follow" | "followNew" = "follow") {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const sockets = new Set<WebSocket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("message", (data: Buffer) => {
      const request = decodeDoorRequest(data)!;
      if (request.kind === word) {
        for (const block of served) socket.send(encodeDoorReply({ kind: "block", block }));
      }
      if (request.kind !== "status") return;
      const status = { name: "liar", validator: 0, view: 1, height, executedHeight: height, mempoolCount: 0 };
      const rest = {
        peersConnected: 3,
        peersBanned: 0,
        alarms: [],
        commandsTotal: 0,
        tradesTotal: 0,
        halted: undefined,
        quarantine: undefined,
        convicted: new Uint8Array(0),
      };
      socket.send(
        encodeDoorReply({ kind: "status", id: request.id, status: { ...status, ...rest } as unknown as NodeStatus }),
      );
    });
  });
  return {
    address: () => localhost((server.address() as { port: number }).port),
    stop: () => {
      for (const socket of sockets) socket.terminate();
      server.close();
    },
  };
}

const changed = (block: FinalBlock, changes: Partial<FinalBlock>): FinalBlock => ({ ...block, ...changes });
const withHeader = (block: FinalBlock, changes: Partial<Header>): FinalBlock =>
  changed(block, { header: { ...block.header, ...changes } });

describe("a block from a door", () => {
  const offer = (...offered: FinalBlock[]): string => {
    const acceptance = createBlockAcceptance(genesis, undefined);
    return offered.map((block) => acceptance.offer(block)).at(-1)!;
  };

  test("is accepted in order of height, each once", () => {
    expect(offer(blocks[0]!)).toBe("accepted");
    expect(offer(blocks[0]!, blocks[1]!)).toBe("accepted");
    expect(offer(blocks[0]!, blocks[0]!)).toBe("other");
    expect(offer(blocks[1]!)).toBe("other");
  });

  test("is wrong with another payload, header, parent or without its certificate", () => {
    const loaded = blocks.findIndex(({ payload }) => payload.length > 0);
    const before = blocks.slice(0, loaded);
    const block = blocks[loaded]!;
    const payload = Uint8Array.from(block.payload);
    payload[20]! ^= 1;
    expect(offer(...before, block)).toBe("accepted");
    expect(offer(...before, changed(block, { payload }))).toBe("wrong");
    expect(offer(...before, changed(block, { payload: new Uint8Array(0) }))).toBe("wrong");
    expect(offer(...before, withHeader(block, { timeMs: (block.header.timeMs + 1) as Header["timeMs"] }))).toBe(
      "wrong",
    );
    expect(offer(...before, withHeader(block, { parentDigest: headerDigest(block.header) }))).toBe("wrong");
    expect(offer(...before, changed(block, { certificates: [] }))).toBe("wrong");
    const [finalization, ...rest] = block.certificates;
    const proof = Uint8Array.from(finalization!.proof);
    proof[70]! ^= 1;
    const forged = { ...finalization!, proof } as FinalBlock["certificates"][number];
    expect(offer(...before, changed(block, { certificates: [forged, ...rest] }))).toBe("wrong");
  });
});

describe("a follower", () => {
  test("leaves a door that sends what is not final, and takes nothing from it", async () => {
    const forged = withHeader(blocks[0]!, { timeMs: (blocks[0]!.header.timeMs + 1) as Header["timeMs"] });
    const liar = await openLiar([forged], 1_000_000);
    const follower = await startFollower({
      genesis,
      dataFolder: join(mesh.folder, "lied-to"),
      doors: [liar.address(), ...mesh.doors],
    });
    await until(() => follower.query.height() > blocks.length, "it follows another door");
    await follower.caughtUp;
    expect(follower.status().doors[0]!.following).toBe(false);
    expect(readBlockLog(join(mesh.folder, "lied-to", "blocks")).next().value!.header).toEqual(blocks[0]!.header);
    await follower.stop();
    liar.stop();
  });

  test("takes a new block from the first door that has it, though it follows another", async () => {
    // Neither answers who follows it; the one that is not followed tells of new blocks.
    const served = blocks.slice(0, 6);
    const doors = [await openLiar(served, 2, "followNew"), await openLiar(served, 2, "followNew")];
    const follower = await startFollower({
      genesis,
      dataFolder: join(mesh.folder, "raced"),
      doors: doors.map((door) => door.address()),
    });
    await until(() => follower.query.height() === served.length, "blocks of the door that is not followed");
    expect(follower.status().doors.filter(({ following }) => following)).toHaveLength(1);
    await follower.stop();
    for (const door of doors) door.stop();
  });

  test("leaves a door that brings no blocks while others are ahead", async () => {
    const silent = await openLiar([], 5);
    const follower = await startFollower({
      genesis,
      dataFolder: join(mesh.folder, "starved"),
      doors: [silent.address(), ...mesh.doors],
    });
    await until(() => follower.query.height() > blocks.length, "it follows another door");
    await follower.stop();
    silent.stop();
  });

  test("stops when the quorum's roots are not its own, and says both", () => {
    const { header } = blocks.find((block) => block.header.executed.height > 0)!;
    const own: ExecutedRoots = header.executed;
    const check = createRootCheck();
    expect(check.differenceIn(header, own)).toBeUndefined();
    const other: ExecutedRoots = {
      ...own,
      moduleRoots: own.moduleRoots.map((root, index) => (index === 2 ? own.resultsRoot : root)),
    };
    const hex = (root: Uint8Array): string => Buffer.from(root).toString("hex");
    const difference = check.differenceIn(header, other)!;
    expect(difference).toMatchObject({ sameThrough: own.height, certified: true });
    expect(divergenceError(difference).message).toMatch(
      new RegExp(`in orders .*${hex(own.resultsRoot)}.*${hex(own.moduleRoots[2]!)}`, "s"),
    );
  });

  test("starts again from its snapshot and the blocks after it, without any door", async () => {
    const dataFolder = join(mesh.folder, "offline");
    const first = await startFollower({ genesis, dataFolder, doors: mesh.doors, storage: { snapshotBlocks: 5 } });
    await first.caughtUp;
    const height = first.query.height();
    await first.stop();
    expect(readdirSync(join(dataFolder, "snapshots")).length).toBeGreaterThan(0);
    const offline = await startFollower({ genesis, dataFolder, doors: [localhost(1)] });
    expect(offline.query.height()).toBeGreaterThanOrEqual(height);
    expect(offline.query.account(1)?.collateral).toHaveLength(genesis.assets.length);
    await offline.stop();
  });
});
