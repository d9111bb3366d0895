import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { equalBytes } from "@stoa/base/bytes";
import { activeEd25519 } from "@stoa/base/active-signature";
import { eventsRootOf, resultsRootAfter } from "@stoa/protocol/event";
import type { Height, TimeMs } from "@stoa/base/units";
import { chainIdOf, encodeGenesis } from "@stoa/protocol/genesis";
import { commandDigest } from "@stoa/protocol/command";
import { ed25519ListScheme, validatorSetOf } from "@stoa/protocol/finality/certificate";
import { verifyFinality, verifyFinalityProof } from "@stoa/protocol/finality/proof";
import { decodePayload } from "@stoa/protocol/payload";
import { startFollower, type Follower } from "../src/follower.ts";
import { startValidator } from "../src/node.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { openDoorClient } from "./door-client.ts";
import { limitOrder, localhost, signCommand, testChain, testFolder, until } from "./network.ts";
import { noFailure, startMeshOf, type TestMesh } from "./validators.ts";

// Four validators share the machine with whatever else runs on it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const chain = testChain();
const { genesis, accountSeeds } = chain;
let mesh: TestMesh;
let follower: Follower;
let failure: Promise<never>;

beforeAll(async () => {
  mesh = await startMeshOf(chain, { snapshotBlocks: 10 });
  follower = await mesh.startFollower();
  failure = noFailure([...mesh.validators, follower]);
  failure.catch(() => undefined);
  await follower.caughtUp;
  await until(() => follower.query.instruments()[0]?.markPrice !== 0, "prices");
});
afterAll(() => mesh.stop());

const order = (side: "buy" | "sell", priceTicks = 120_000) => limitOrder({ instrument: 1, side, priceTicks });
const submit = (encoded: Uint8Array) => Promise.race([follower.submit(encoded), failure]);

describe("four validators and a follower", () => {
  test("an order is acknowledged when it is final and executed here", async () => {
    const outcome = await submit(signCommand(genesis, accountSeeds[0]!, order("sell")));
    expect(outcome.kind).toBe("final");
    if (outcome.kind !== "final") return;
    expect(outcome.events.map(({ kind }) => kind)).toEqual(["order"]);
    expect(follower.query.height()).toBeGreaterThanOrEqual(outcome.block.height);
    expect(follower.query.book(1, 5)?.asks[0]).toEqual([120_000, 1]);
    const fill = await submit(signCommand(genesis, accountSeeds[1]!, order("buy")));
    expect(fill.kind === "final" && fill.events.some(({ kind }) => kind === "trade")).toBe(true);
  });

  test("the same bytes submitted again get the same answer, at once or later", async () => {
    const encoded = signCommand(genesis, accountSeeds[0]!, order("sell", 121_000));
    const [first, second] = await Promise.all([submit(encoded), submit(encoded)]);
    expect(second).toEqual(first);
    const third = await submit(encoded);
    expect(third.kind === "final" && first.kind === "final" && third.block.height === first.block.height).toBe(true);
    expect(third.kind === "final" && third.events).toEqual(first.kind === "final" && first.events);
  });

  test("what nobody can take is refused, and what the exchange refuses is a final fact", async () => {
    expect(await submit(new Uint8Array(10))).toEqual({ kind: "refused", refusal: "malformed" });
    const forged = signCommand(genesis, accountSeeds[0]!, order("sell"));
    forged[forged.length - 1]! ^= 1;
    expect((await submit(forged)).kind).toBe("refused");
    const elsewhere = signCommand(genesis, accountSeeds[0]!, order("sell"), { chainId: new Uint8Array(32) });
    expect(await submit(elsewhere)).toEqual({ kind: "refused", refusal: "chain-wrong" });
    const late = signCommand(genesis, accountSeeds[0]!, order("sell"), { expiresAtMs: (genesis.timeMs - 5) as TimeMs });
    expect((await submit(late)).kind).toBe("expired");
    const unknown = await submit(signCommand(genesis, accountSeeds[0]!, { kind: "cancel", order: 999_999 }));
    expect(unknown.kind === "final" && unknown.events[0]).toMatchObject({ kind: "refused", reason: "order-unknown" });
  });

  test("two hundred orders at once each get their answer, in blocks of many", async () => {
    const commands = Array.from({ length: 200 }, (_, index) =>
      signCommand(genesis, accountSeeds[index % 4]!, order(index % 2 === 0 ? "buy" : "sell")),
    );
    const outcomes = await Promise.all(commands.map(submit));
    expect(outcomes.every(({ kind }) => kind === "final")).toBe(true);
    const heights = new Set(outcomes.map((one) => (one.kind === "final" ? one.block.height : 0)));
    expect(heights.size).toBeLessThan(100);
  });

  test("all four keep the same blocks, and no command is in two of them", async () => {
    // On a busy machine a block takes all that waits; an idle network makes another every second.
    await until(() => 6 < follower.query.height(), "more blocks than five");
    await until(
      () => mesh.validators.every((one) => one.status().executedHeight >= follower.query.height()),
      "all executed",
    );
    await new Promise((resolve) => setTimeout(resolve, 600));
    const chains = mesh.validators.map((_, index) => [
      ...readBlockLog(join(mesh.folder, `validator-${index}`, "blocks")),
    ]);
    const shortest = Math.min(...chains.map(({ length }) => length));
    expect(shortest).toBeGreaterThan(5);
    for (let position = 0; position < shortest; position++)
      for (const blocks of chains) expect(blocks[position]!.header).toEqual(chains[0]![position]!.header);
    const digests = chains[0]!.flatMap(({ payload }) =>
      payload.length === 0 ? [] : decodePayload(payload)!.map((one) => Buffer.from(commandDigest(one)).toString("hex")),
    );
    expect(new Set(digests).size).toBe(digests.length);
  });

  test("headers carry the module roots of an executed height from block 1 on", () => {
    const blocks = [...readBlockLog(join(mesh.folder, "validator-0", "blocks"))];
    expect(blocks[0]!.header.executed.moduleRoots).toHaveLength(5);
    expect(blocks.at(-1)!.header.executed.height).toBeGreaterThan(0);
  });

  test("a follower that was away, and one that begins, get to the same state", async () => {
    const late = await mesh.startFollower("late");
    await late.caughtUp;
    await until(() => late.query.height() >= follower.query.height(), "the new follower has caught up");
    const account = late.query.accountNumber(activeEd25519.publicKey(accountSeeds[0]!), 0)!;
    await late.stop();
    await submit(signCommand(genesis, accountSeeds[0]!, order("buy")));
    const again = await mesh.startFollower("late");
    await again.caughtUp;
    await until(() => again.query.height() >= follower.query.height(), "it has caught up again");
    expect(again.query.account(account)).toEqual(follower.query.account(account));
    const heights: number[] = [];
    const end = again.follow(0, ({ height }) => heights.push(height));
    await until(() => heights.length > follower.query.height() - 2, "stored blocks are told");
    expect(heights).toEqual(heights.map((_, index) => index));
    end();
  });

  test("a folder is for one process, and for one chain", async () => {
    await expect(mesh.startFollower()).rejects.toMatchObject({ code: "folder-in-use" });
    const other = testChain({ accountsCount: 1 });
    const config = {
      seed: other.validatorSeeds[0]!,
      mesh: localhost(),
      door: localhost(),
      metrics: localhost(),
      peers: [],
    };
    const dataFolder = join(mesh.folder, "validator-0");
    await expect(startValidator({ ...config, genesis, dataFolder })).rejects.toMatchObject({ code: "folder-in-use" });
  });
});

describe("the door", () => {
  test("answers status and genesis, and a receipt that proves itself", async () => {
    const client = await openDoorClient(mesh.validators[1]!.doorPort);
    const status = await client.ask({ kind: "status", id: 1 });
    expect(status.kind === "status" && status.status).toMatchObject({
      name: "validator-1",
      validator: 1,
      peersConnected: 3,
    });
    const begin = await client.ask({ kind: "genesis", id: 2 });
    expect(begin.kind === "genesis" && equalBytes(begin.genesis, encodeGenesis(genesis))).toBe(true);

    const encoded = signCommand(genesis, accountSeeds[2]!, order("sell", 121_500));
    const taken = await client.ask({ kind: "submit", id: 3, command: encoded });
    expect(taken).toMatchObject({ kind: "submitted", refusal: "none" });
    let id = 10;
    const wanted = commandDigest(encoded);
    let receipt = await client.ask({ kind: "receipt", id, command: wanted });
    while (receipt.kind === "failure" && receipt.retry) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      receipt = await client.ask({ kind: "receipt", id: ++id, command: wanted });
    }
    if (receipt.kind !== "receipt") throw new Error(`no receipt: ${JSON.stringify(receipt)}`);
    const { block, index, events, executed } = receipt.receipt;
    const set = validatorSetOf(chainIdOf(genesis), 0, genesis.validators);
    const scheme = ed25519ListScheme(activeEd25519);
    expect(verifyFinality(scheme, set, block)).toBe(true);
    expect(verifyFinalityProof(scheme, set, executed)).toBe(true);
    expect(equalBytes(decodePayload(block.payload)![index]!, encoded)).toBe(true);
    const { eventsRootsBefore, eventsRootsAfter } = receipt.receipt;
    expect(executed.header.executed.height).toBe(block.header.height + eventsRootsAfter.length);
    const steps = [...eventsRootsBefore, eventsRootOf(events), ...eventsRootsAfter];
    const resultsRoot = steps.reduce(resultsRootAfter, block.header.executed.resultsRoot);
    expect(equalBytes(executed.header.executed.resultsRoot, resultsRoot)).toBe(true);
    client.close();
  });

  test("a command given to one validator reaches the others and becomes final", async () => {
    const client = await openDoorClient(mesh.validators[3]!.doorPort);
    const encoded = signCommand(genesis, accountSeeds[2]!, order("sell", 121_600));
    await client.ask({ kind: "submit", id: 1, command: encoded });
    await until(() => follower.query.book(1, 50)!.asks.some(([price]) => price === 121_600), "it is in the book");
    client.close();
  });

  test("what is no request gets an answer and the connection is closed", async () => {
    const client = await openDoorClient(mesh.validators[0]!.doorPort);
    const closed = new Promise<number>((resolve) => client.socket.once("close", resolve));
    client.socket.send(Uint8Array.of(99, 1, 2, 3));
    expect(await closed).toBe(1003);
    expect(client.replies[0]).toMatchObject({ kind: "failure", retry: false });
    const text = await openDoorClient(mesh.validators[0]!.doorPort);
    const ended = new Promise<number>((resolve) => text.socket.once("close", resolve));
    text.socket.send("hello");
    expect(await ended).toBe(1003);
  });

  test("a frame above the limit ends the connection, and the door stays open", async () => {
    const client = await openDoorClient(mesh.validators[0]!.doorPort);
    const closed = new Promise<number>((resolve) => client.socket.once("close", resolve));
    client.socket.send(new Uint8Array(200_000));
    expect(await closed).toBe(1009);
    const next = await openDoorClient(mesh.validators[0]!.doorPort);
    expect((await next.ask({ kind: "status", id: 1 })).kind).toBe("status");
    next.close();
  });

  test("follows from any height, gapless, at most once per connection", async () => {
    const client = await openDoorClient(mesh.validators[2]!.doorPort);
    const twice = client.ask({ kind: "follow", id: 2, from: 1 as Height });
    client.socket.send(Uint8Array.from([2, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]));
    void twice;
    await until(() => client.replies.some(({ kind }) => kind === "failure"), "the second is refused");
    await until(() => client.replies.filter(({ kind }) => kind === "block").length > 10, "blocks arrive");
    const heights = client.replies.flatMap((reply) =>
      reply.kind === "block" ? [reply.block.header.height as number] : [],
    );
    expect(heights).toEqual(heights.map((_, index) => index + 1));
    client.close();
  });

  test("a thousand idle connections do not keep others from trading", async () => {
    const sockets = await Promise.all(
      Array.from({ length: 1_000 }, () => {
        const socket = createConnection({ host: "127.0.0.1", port: mesh.validators[0]!.doorPort });
        socket.on("error", () => undefined);
        return new Promise<typeof socket>((resolve) => socket.once("connect", () => resolve(socket)));
      }),
    );
    const outcome = await submit(signCommand(genesis, accountSeeds[3]!, order("sell", 121_700)));
    expect(outcome.kind).toBe("final");
    for (const socket of sockets) socket.destroy();
  });
});

describe("what operators see", () => {
  test("metrics are served in Prometheus' format", async () => {
    const response = await fetch(`http://127.0.0.1:${mesh.validators[0]!.metricsPort}/metrics`);
    const text = await response.text();
    expect(text).toMatch(/^stoa_height [1-9]/m);
    expect(text).toMatch(/^stoa_finality_seconds_count [1-9]/m);
    expect(text).toMatch(/^stoa_peers 3$/m);
    expect((await fetch(`http://127.0.0.1:${mesh.validators[0]!.metricsPort}/`)).status).toBe(404);
  });

  test("snapshots are taken and old ones deleted", async () => {
    const names = (): string[] => readdirSync(join(mesh.folder, "validator-0", "snapshots"));
    await until(() => names().length > 1, "snapshots");
    expect(names().length).toBeLessThanOrEqual(3);
  });

  test.each([
    ["a port that is taken", "port-taken", { door: () => localhost(mesh.validators[0]!.doorPort) }],
    ["a metrics port that is taken", "port-taken", { metrics: () => localhost(mesh.validators[0]!.metricsPort) }],
    ["a mesh port that is taken", "port-taken", { mesh: () => localhost(mesh.validators[0]!.meshPort) }],
    ["a key that is not in genesis", "key-not-in-genesis", { seed: () => accountSeeds[0]! }],
    ["a port beyond the last", "configuration-invalid", { door: () => localhost(70_000) }],
    ["a data folder that is a file", "folder-not-writable", { dataFolder: (folder: string) => join(folder, "file") }],
  ])("%s is one clear line", async (_, code, broken) => {
    const folder = testFolder();
    writeFileSync(join(folder.path, "file"), "");
    const config = {
      genesis,
      seed: chain.validatorSeeds[0]!,
      dataFolder: join(folder.path, "data"),
      mesh: localhost(),
      door: localhost(),
      metrics: localhost(),
      peers: [],
    };
    const changes = Object.fromEntries(Object.entries(broken).map(([name, value]) => [name, value(folder.path)]));
    const started = startValidator({ ...config, ...changes });
    await expect(started).rejects.toMatchObject({ code });
    await started.catch((error: Error) => expect(error.message.split("\n")).toHaveLength(1));
    folder.remove();
  });
});

describe("damaged files", () => {
  test("a corrupt block log and a corrupt snapshot are named, and a follower does not start from them", async () => {
    const { path, remove } = testFolder();
    const config = { genesis, dataFolder: join(path, "copy"), doors: mesh.doors, storage: { snapshotBlocks: 10 } };
    const first = await startFollower(config);
    await first.caughtUp;
    await first.stop();
    const newest = (kind: string): string => {
      const folder = join(config.dataFolder, kind);
      return join(folder, readdirSync(folder).sort().at(-1)!);
    };
    const flip = (file: string, offset: number): void => {
      const bytes = readFileSync(file);
      bytes[offset]! ^= 1;
      writeFileSync(file, bytes);
    };
    const snapshot = newest("snapshots");
    const middle = Math.floor(statSync(snapshot).size / 2);
    flip(snapshot, middle);
    await expect(startFollower(config)).rejects.toMatchObject({ code: "snapshot-damaged", file: snapshot });
    flip(snapshot, middle);
    const blocks = newest("blocks");
    flip(blocks, 40);
    await expect(startFollower(config)).rejects.toMatchObject({ code: "block-log-damaged", file: blocks, offset: 0 });
    flip(blocks, 40);
    const healed = await startFollower(config);
    await healed.caughtUp;
    await healed.stop();
    mkdirSync(path, { recursive: true });
    remove();
  });
});
