import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import { sha256 } from "@stoa/base/hash";
import { finalBlock } from "@stoa/protocol/block";
import type { DoorReply, DoorRequest } from "@stoa/protocol/door";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { encodeGenesis } from "@stoa/protocol/genesis";
import { manifestName, type SnapshotManifest } from "@stoa/protocol/snapshot";
import { openCommit } from "../src/commit.ts";
import { storageDefaults } from "../src/config.ts";
import { openDoorQuestions } from "../src/door-questions.ts";
import { openFollower, startFollower, type Follower, type FollowerInside } from "../src/follower.ts";
import { exportSnapshot, restoreFromFile } from "../src/snapshot-file.ts";
import { joinBySnapshot, manifestFault } from "../src/state-sync.ts";
import { openBlockLog } from "../src/storage/block-log.ts";
import { emptyBlock } from "./empty-block.ts";
import type { FromFullNode, ToFullNode } from "./full-node-process.ts";
import { limitOrder, localhost, signCommand, testChain, until } from "./network.ts";
import { ProcessNetwork } from "./processes.ts";
import { openTamperingDoor, type TamperingDoor } from "./tampering-door.ts";

// Four validators share the machine with whatever else runs on it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const chain = testChain({ accountsCount: 120 });
const { genesis, accountSeeds } = chain;
const storage = { retentionBlocks: 16, snapshotBlocks: 16, snapshotChunkSize: 4_096, segmentSize: 16_384 };
const network = new ProcessNetwork(chain);
let reference: FollowerInside;
let oldest: SnapshotManifest;
let load: { readonly stop: () => Promise<void> };

/** A chain that trades without end, and of which no validator stores the beginning. */
beforeAll(async () => {
  network.storage = storage;
  await network.startAll();
  network.tellDoors();
  const dataFolder = join(network.folder.path, "reference");
  reference = await openFollower({ genesis, dataFolder, doors: network.doors() }, {});
  await until(() => reference.query.instruments()[0]?.markPrice !== 0, "prices");
  load = startLoad(reference);
  let offers: readonly Offer[] = [];
  const isPruned = (): boolean => offers.length === 4 && offers.every(isProvenAndPruned);
  while (offers[0]?.manifest === undefined) offers = [await offerOf(network.doors()[0]!.port)];
  oldest = offers[0].manifest;
  while (!isPruned()) offers = await Promise.all(network.doors().map(({ port }) => offerOf(port)));
});
afterAll(async () => {
  await load.stop();
  await reference.stop();
  await network.stop();
});

type Offer = Extract<DoorReply, { kind: "snapshot" }>;
const isProvenAndPruned = ({ firstHeight, manifest }: Offer): boolean => 1 < firstHeight && manifest !== undefined;

async function offerOf(port: number): Promise<Offer> {
  const door = openDoorQuestions(localhost(port));
  const offer = await door.ask({ kind: "snapshotWanted" }, "snapshot");
  door.stop();
  return offer;
}

function startLoad(follower: Follower): { readonly stop: () => Promise<void> } {
  let running = true;
  const trader = async (account: number): Promise<void> => {
    for (let count = account; running; count++) {
      const side = (count + account) % 2 === 0 ? "buy" : "sell";
      const body = limitOrder({ instrument: 1, side, priceTicks: 120_000 });
      await follower.submit(signCommand(genesis, accountSeeds[count % accountSeeds.length]!, body));
    }
  };
  const traders = [0, 1, 2].map(trader);
  return {
    async stop() {
      running = false;
      await Promise.all(traders);
    },
  };
}

// ---- full nodes in processes of their own

class FullNodeProcess {
  readonly folder: string;
  #child: ChildProcess | undefined;

  constructor(name: string) {
    this.folder = join(network.folder.path, name);
  }

  /** Resolves when it has started, with its door; does not wait for that with `launch`. */
  async start(doors: readonly number[]): Promise<number> {
    this.launch(doors);
    const [answer] = (await once(this.#child!, "message")) as [FromFullNode];
    if (answer.kind !== "started") throw new Error(JSON.stringify(answer));
    return answer.doorPort;
  }

  launch(doors: readonly number[]): void {
    this.#child = fork(fileURLToPath(new URL("./full-node-process.ts", import.meta.url)), [], {
      execArgv: ["--conditions=@stoa/source"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const start = { kind: "start", genesis: toHex(encodeGenesis(genesis)), dataFolder: this.folder, doors, storage };
    this.#child.send(start as ToFullNode);
  }

  async height(): Promise<number> {
    this.#child!.send({ kind: "status" } satisfies ToFullNode);
    const [answer] = (await once(this.#child!, "message")) as [FromFullNode];
    if (answer.kind !== "status") throw new Error(JSON.stringify(answer));
    return answer.height;
  }

  async reaches(height: number): Promise<void> {
    while ((await this.height()) < height) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  async end(how: "stop" | "kill"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    if (how === "kill") child.kill("SIGKILL");
    else child.send({ kind: "stop" } satisfies ToFullNode);
    await once(child, "exit");
  }
}

const nodes: FullNodeProcess[] = [];
const doors: TamperingDoor[] = [];
const fullNode = (name: string): FullNodeProcess => {
  const node = new FullNodeProcess(name);
  nodes.push(node);
  return node;
};
const tamperingDoor = async (index: number): Promise<TamperingDoor> => {
  const door = await openTamperingDoor(network.doors()[index]!);
  doors.push(door);
  return door;
};
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.end("kill")));
  for (const door of doors.splice(0)) door.stop();
});

const doorPorts = (): number[] => network.doors().map(({ port }) => port);
const chunkIndexes = ({ requests }: TamperingDoor): number[] =>
  requests.flatMap((request) => (request.kind === "chunkWanted" ? [request.index] : []));
const chunksIn = (folder: string): number[] => {
  const path = join(folder, "sync");
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".chunk")) : [];
  return names.map((name) => Number.parseInt(name, 10));
};

const rootsText = (roots: ExecutedRoots): string => [...roots.moduleRoots, roots.resultsRoot].map(toHex).join(" ");

/** The roots that a stopped node has stored. */
function rootsIn(dataFolder: string): ExecutedRoots {
  const commit = openCommit({ folder: dataFolder, genesis, ...storageDefaults, ...storage, report: () => undefined });
  const roots = commit.rootsKnown().at(-1)!;
  commit.close();
  return roots;
}

/** Those of a node that has executed every block from genesis on. */
async function expectEqualRoots(dataFolder: string): Promise<void> {
  const roots = rootsIn(dataFolder);
  await until(() => roots.height <= reference.query.height(), "the reference is as far");
  expect(rootsText(roots)).toBe(rootsText(reference.commit.rootsAt(roots.height)!));
}

describe("a full node with an empty folder", () => {
  test("joins a running chain whose beginning nobody stores, serves others, and has their roots (BFT-063)", async () => {
    const node = fullNode("fresh");
    const port = await node.start(doorPorts());
    const height = reference.query.height();
    await node.reaches(height + 20);
    const offer = await offerOf(port);
    expect(offer.firstHeight).toBeGreaterThan(1);

    // Others can hang off it: a follower that knows no validator, and trades through it.
    const hanging = await startFollower({
      genesis,
      dataFolder: join(network.folder.path, "hanging"),
      doors: [localhost(port)],
    });
    await until(() => hanging.query.height() > height + 20, "it follows the full node");
    const body = limitOrder({ instrument: 1, side: "buy", priceTicks: 110_000 });
    const outcome = await hanging.submit(signCommand(genesis, accountSeeds[5]!, body));
    expect(outcome.kind).toBe("final");
    await hanging.stop();
    await node.end("stop");
    await expectEqualRoots(node.folder);
  });

  test("killed in the middle of the chunks, fetches none again that it had (BFT-064)", async () => {
    const [door] = [await tamperingDoor(0)];
    const held = 7;
    let given = 0;
    door!.change = (reply) => (reply.kind === "chunk" && held < ++given ? undefined : reply);
    const node = fullNode("interrupted");
    node.launch([door!.address.port]);
    await until(() => chunksIn(node.folder).length === held, "some chunks are on its disk");
    await node.end("kill");
    const kept = chunksIn(node.folder);
    const asked = chunkIndexes(door!).length;
    door!.change = (reply) => reply;
    await node.start([door!.address.port]);
    const askedAgain = chunkIndexes(door!).slice(asked);
    expect(askedAgain.length).toBeGreaterThan(0);
    expect(askedAgain.filter((index) => kept.includes(index))).toEqual([]);
    await node.reaches(reference.query.height());
    expect(existsSync(join(node.folder, "sync"))).toBe(false);
    await node.end("stop");
    await expectEqualRoots(node.folder);
  });
});

describe("a door that lies about a snapshot is refused, and another one is used (BFT-065)", () => {
  const garbage = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x55);
  const withManifest = (change: (manifest: SnapshotManifest) => SnapshotManifest) => (reply: DoorReply) =>
    reply.kind === "snapshot" && reply.manifest !== undefined ? { ...reply, manifest: change(reply.manifest) } : reply;

  async function joinThrough(
    name: string,
    lie: Partial<Pick<TamperingDoor, "change" | "answer">>,
    other = 1,
  ): Promise<string> {
    const [liar, honest] = [await tamperingDoor(0), await tamperingDoor(other)];
    const reports: string[] = [];
    const refusal = (): string | undefined =>
      reports.find((fact) => fact.includes(`:${liar.address.port} `) && fact.endsWith("refused"));
    Object.assign(liar, lie);
    // The honest door has none to offer until the lie has been met.
    honest.change = (reply) =>
      reply.kind === "snapshot" && refusal() === undefined ? { ...reply, manifest: undefined } : reply;
    const dataFolder = join(network.folder.path, name);
    const joined = await joinBySnapshot({
      dataFolder,
      genesis,
      doors: [liar.address, honest.address],
      mode: "when-needed",
      report: (fact) => void reports.push(fact),
    });
    expect(joined!.height).toBe(rootsIn(dataFolder).height);
    await expectEqualRoots(dataFolder);
    expect(chunkIndexes(honest).length).toBeGreaterThan(0);
    return refusal()!;
  }

  test("a chunk that is another one", async () => {
    const change = (reply: DoorReply): DoorReply =>
      reply.kind === "chunk" ? { ...reply, bytes: garbage(reply.bytes) } : reply;
    const said = await joinThrough("wrong-chunk", { change });
    expect(said).toMatch(/sent a chunk \d+ that is not the one of its hash; refused/);
  });

  test("a manifest with roots that no quorum signed", async () => {
    const change = withManifest((manifest) => {
      const { header } = manifest.carrier;
      const executed = { ...header.executed, resultsRoot: sha256(new Uint8Array(1)) };
      return { ...manifest, carrier: { ...manifest.carrier, header: { ...header, executed } } };
    });
    const said = await joinThrough("wrong-manifest", { change });
    expect(said).toContain("offers a snapshot whose roots stand in no final header; refused");
  });

  test("a manifest whose chunks are another state: seen when it is restored, before anything uses it", async () => {
    let lied: SnapshotManifest | undefined;
    const change = withManifest((manifest) => {
      lied = { ...manifest, chunks: manifest.chunks.map((_, index) => sha256(zeros(manifest, index))) };
      return lied;
    });
    const asked = new Set<string>();
    const answer = (request: DoorRequest): DoorReply | undefined => {
      if (request.kind !== "chunkWanted" || lied === undefined) return undefined;
      asked.add(toHex(request.manifest));
      return { kind: "chunk", id: request.id, bytes: zeros(lied, request.index) };
    };
    const said = await joinThrough("wrong-state", { change, answer });
    expect(said).toMatch(/offers a snapshot of height \d+ that holds what is no snapshot of its height; refused/);
    // It could make up another one each time: it is not asked again at all.
    expect(asked.size).toBe(1);
  });

  test("a state that is whole and has other roots than the final header", async () => {
    const honest = await stateAt(doorPorts()[2]!);
    const { resultsRoot } = honest.manifest.carrier.header.executed;
    // The root of the results stands beside the roots and in the exchange's own bytes: both are changed alike.
    const forged = Uint8Array.from(honest.bytes);
    let places = 0;
    for (let at = 0; at + 32 <= forged.length; at++) {
      if (!equalBytes(honest.bytes.subarray(at, at + 32), resultsRoot)) continue;
      forged[at]! ^= 1;
      places++;
    }
    expect(places).toBe(2);
    const { chunkSize } = honest.manifest;
    const part = (index: number): Uint8Array => forged.subarray(index * chunkSize, (index + 1) * chunkSize);
    const lied = { ...honest.manifest, chunks: honest.manifest.chunks.map((_, index) => sha256(part(index))) };
    const answer = (request: DoorRequest): DoorReply | undefined =>
      request.kind === "chunkWanted" && equalBytes(request.manifest, manifestName(lied))
        ? { kind: "chunk", id: request.id, bytes: part(request.index) }
        : undefined;
    const said = await joinThrough("other-roots", { change: withManifest(() => lied), answer });
    expect(said).toMatch(/that holds a state whose roots are not those of the final header; refused/);
  });

  test("a manifest of more bytes than any state has, before anything of it is fetched", () => {
    const size = 2 * 1024 ** 3 + 1;
    const chunkSize = 1024 ** 2;
    const chunks = Array.from({ length: Math.ceil(size / chunkSize) }, () => sha256(new Uint8Array(1)));
    expect(manifestFault(genesis, { ...oldest, size, chunkSize, chunks })).toContain(`of ${size} bytes, more than`);
  });

  test("a manifest that was true long ago", async () => {
    const { height } = oldest.block.header;
    const isGone = async (): Promise<boolean> =>
      (await Promise.all(doorPorts().map(offerOf))).every(({ firstHeight }) => height + 1 < firstHeight);
    while (!(await isGone())) await new Promise((resolve) => setTimeout(resolve, 200));
    const said = await joinThrough("old-manifest", { change: withManifest(() => oldest) });
    expect(said).toContain(`of height ${height}, which is too old: no door stores the block after it; refused`);
  });
});

/** A manifest and all of its chunks. */
async function stateAt(port: number): Promise<{ readonly manifest: SnapshotManifest; readonly bytes: Uint8Array }> {
  const door = openDoorQuestions(localhost(port));
  const manifest = (await door.ask({ kind: "snapshotWanted" }, "snapshot")).manifest!;
  const chunks: Uint8Array[] = [];
  for (const index of manifest.chunks.keys())
    chunks.push((await door.ask({ kind: "chunkWanted", manifest: manifestName(manifest), index }, "chunk")).bytes);
  door.stop();
  return { manifest, bytes: Buffer.concat(chunks) };
}

const zeros = ({ size, chunkSize }: SnapshotManifest, index: number): Uint8Array =>
  new Uint8Array(Math.min(chunkSize, size - index * chunkSize));

/** A block log from genesis on, as a node that prunes nothing has it. */
function storeBlocks(dataFolder: string, last: number): void {
  const log = openBlockLog(join(dataFolder, "blocks"), () => undefined);
  for (let height = 1; height <= last; height++)
    log.append(height, encode(finalBlock, emptyBlock(genesis, height)), new Uint8Array(0));
  log.close();
}

function storedHeights(dataFolder: string): { readonly first: number; readonly last: number } {
  const log = openBlockLog(join(dataFolder, "blocks"), () => undefined);
  const heights = { first: log.first(), last: log.last() };
  log.close();
  return heights;
}

describe("a snapshot in a file", () => {
  test("starts a node without a network, and is refused when anything in it is wrong (BFT-063, BFT-065)", async () => {
    const path = join(network.folder.path, "state");
    const height = await exportSnapshot(network.folderOf(1), genesis, path);
    const dataFolder = join(network.folder.path, "from-file");
    const reports: string[] = [];
    const restore = (folder: string, chainOf = genesis, file = path): boolean =>
      restoreFromFile({ dataFolder: folder, genesis: chainOf, report: (fact) => void reports.push(fact) }, file);
    const bytes = readFileSync(path);
    const refusal = (change: (copy: Buffer) => void, chainOf = genesis): string => {
      const copy = Buffer.from(bytes);
      change(copy);
      const changed = join(network.folder.path, "changed");
      writeFileSync(changed, copy);
      try {
        restore(dataFolder, chainOf, changed);
      } catch (error) {
        expect(error).toMatchObject({ code: "snapshot-refused", file: changed });
        return (error as Error).message;
      }
      return "";
    };
    expect(refusal((copy) => (copy[bytes.length - 5]! ^= 1))).toContain("is damaged (byte");
    expect(refusal((copy) => (copy[400]! ^= 1))).toMatch(
      /holds a snapshot whose roots stand in no final header|is no snapshot/,
    );
    expect(refusal((copy) => copy.fill(0, 0, 4))).toContain("is no snapshot of a node");
    const another = { ...genesis, chainName: "another" };
    expect(refusal(() => undefined, another)).toContain("holds a snapshot of another chain");
    expect(existsSync(join(dataFolder, "blocks"))).toBe(false);

    expect(restore(dataFolder)).toBe(true);
    expect(reports.splice(0)).toEqual([`state of height ${height} restored from the file ${path}`]);
    expect(rootsIn(dataFolder).height).toBe(height);
    await expectEqualRoots(dataFolder);
    expect(restore(dataFolder)).toBe(false);
  });

  test("takes the place of no history, older or newer, and what was done is said (BFT-068)", async () => {
    const path = join(network.folder.path, "state-beside-history");
    const height = await exportSnapshot(network.folderOf(1), genesis, path);
    const [ahead, behind] = [join(network.folder.path, "ahead"), join(network.folder.path, "behind")];
    // Both in one segment, which begins with the first block.
    storeBlocks(ahead, height + 5);
    storeBlocks(behind, height - 5);
    const reports: string[] = [];
    const restore = (dataFolder: string): boolean =>
      restoreFromFile({ dataFolder, genesis, report: (fact) => void reports.push(fact) }, path);
    expect(restore(ahead)).toBe(false);
    expect(reports).toEqual([
      `the file ${path} holds the state of height ${height}; this node is at height ${height + 5} and goes on from there`,
    ]);
    expect(() => restore(behind)).toThrow(`the history up to height ${height - 5}, which would be lost`);
    for (const [folder, last] of [
      [ahead, height + 5],
      [behind, height - 5],
    ] as const)
      expect(storedHeights(folder)).toEqual({ first: 1, last });
  });
});

describe("a validator whose next block is stored nowhere any more (BFT-063)", () => {
  const index = 3;

  const statusOf = (validator: number) =>
    reference.status().doors.find(({ address }) => address.port === network.doorPort(validator))!.status;

  async function fallBehind(): Promise<void> {
    const height = (await offerOf(network.doorPort(index))).lastHeight;
    await network.kill(index);
    const others = doorPorts().filter((port) => port !== network.doorPort(index));
    const isGone = async (): Promise<boolean> =>
      (await Promise.all(others.map(offerOf))).every(({ firstHeight }) => height + 1 < firstHeight);
    while (!(await isGone())) await new Promise((resolve) => setTimeout(resolve, 200));
  }

  /** Starts it, lets it find out and stop, starts it again; it is back when it has executed what the others have. */
  async function rejoin(): Promise<void> {
    await network.start(index);
    network.tellDoors();
    expect(await network.failureOf(index)).toMatchObject({ kind: "failed", code: "blocks-pruned" });
    await network.start(index);
    network.tellDoors();
    const isBack = (): boolean => {
      const status = statusOf(index);
      return status !== undefined && reference.query.height() <= status.executedHeight + 3;
    };
    await until(isBack, "it has executed what the others have");
  }

  /** With another one killed, nothing becomes final without its votes. */
  async function expectItsVotesCount(): Promise<void> {
    await network.kill(0);
    const height = reference.query.height();
    await until(() => height + 10 < reference.query.height(), "blocks become final with its votes", 120_000);
    await network.start(0);
    network.tellDoors();
    // Blocks are kept for so short a time here that it, too, may have been away for too long.
    void network.failureOf(0).then(async () => {
      await network.start(0);
      network.tellDoors();
    });
    await until(() => (statusOf(0)?.executedHeight ?? 0) > height, "the other one is back", 120_000);
  }

  test("with its votes, fetches a snapshot, catches up and votes", async () => {
    await fallBehind();
    await rejoin();
    await expectItsVotesCount();
  });

  test("with an empty folder, fetches a snapshot and votes when it cannot contradict itself any more", async () => {
    await fallBehind();
    rmSync(network.folderOf(index), { recursive: true });
    network.votesLost.add(index);
    await rejoin();
    network.votesLost.delete(index);
    await expectItsVotesCount();
  });
});
