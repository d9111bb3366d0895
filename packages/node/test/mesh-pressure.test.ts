/** The mesh beside a peer that reads nothing, sends too much, or breaks the rules; and beside many that are no validators. */
import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Digest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { headerOf } from "../../protocol/test/header-of.ts";
import { channels, type Channel, type MeshMessage } from "../src/network/channels.ts";
import { startMesh, type Mesh, type MeshOptions } from "../src/network/mesh.ts";
import { banMsMin } from "../src/network/standing.ts";
import { connectRaw, helloOf, type RawOptions, type RawValidator } from "./raw-validator.ts";
import { keyOf, localhost, seedOf, until } from "./network.ts";

const chainId = new Uint8Array(32).fill(5) as Digest;
const keys = [1, 2, 3, 4].map(keyOf);
const noSignature = new Uint8Array(64) as Signature;
const miB = 1024 * 1024;

const voteOf = (view: number): MeshMessage => ({
  kind: "consensus",
  message: {
    kind: "vote",
    vote: { kind: "nullify", epoch: 0, view: view as View, signer: 0 as ValidatorIndex, signature: noSignature },
  },
});
const proposalOf = (view: number, payloadSize = 10): MeshMessage => ({
  kind: "consensus",
  message: {
    kind: "proposal",
    proposal: {
      header: { ...headerOf(), view: view as View },
      parentCertificate: undefined,
      skips: [],
      parentHeader: undefined,
      payload: new Uint8Array(payloadSize),
      signature: noSignature,
    },
  },
});
const blockOf = (request: number, payloadSize = 10): MeshMessage => ({
  kind: "consensus",
  message: { kind: "block", request, header: headerOf(), payload: new Uint8Array(payloadSize) },
});
const commandsOf = (count: number, size: number): MeshMessage => ({
  kind: "commands",
  commands: Array.from({ length: count }, () => new Uint8Array(size)),
});

interface Node {
  readonly mesh: Mesh;
  readonly received: MeshMessage[];
  readonly peers: Set<number>;
  readonly reports: string[];
}

const open: { readonly close: () => unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** Validator 1, unless said otherwise: validator 0 dials it, by hand. */
async function start(index = 1, overrides: Partial<MeshOptions> = {}): Promise<Node> {
  const node = { received: [] as MeshMessage[], peers: new Set<number>(), reports: [] as string[] };
  const mesh = await startMesh({
    chainId,
    keys,
    self: index as ValidatorIndex,
    seed: seedOf(index + 1),
    session: 1,
    listen: localhost(),
    onMessage: (_from, message) => void node.received.push(message),
    onPeer: (peer, connected) => void (connected ? node.peers.add(peer) : node.peers.delete(peer)),
    onFenced: () => undefined,
    report: (fact) => void node.reports.push(fact),
    ...overrides,
  });
  open.push({ close: mesh.stop });
  return { mesh, ...node };
}

async function dial(node: Node, options: Partial<RawOptions> = {}): Promise<RawValidator> {
  const raw = await connectRaw({ chainId, seed: seedOf(1), port: node.mesh.port, ...options });
  open.push(raw);
  return raw;
}

/** All channels of validator 0, greeted. */
async function dialAll(node: Node): Promise<Record<Channel, RawValidator>> {
  const [votes, proposals, data] = await Promise.all(channels.map((channel) => dial(node, { channel })));
  const raw = { votes: votes!, proposals: proposals!, data: data! };
  await until(() => channels.every((channel) => raw[channel].received.length > 0), "each channel says hello");
  // The hello of the other side crosses ours: a message of each channel shows that ours has arrived.
  raw.votes.send(voteOf(1));
  raw.proposals.send(proposalOf(1));
  raw.data.send(commandsOf(1, 1));
  await until(() => node.received.length === 3, "each channel is heard");
  return raw;
}

const peer = 0 as ValidatorIndex;
const kinds = (raw: RawValidator): string[] =>
  raw.received.map((message) => (message.kind === "consensus" ? message.message.kind : message.kind));

describe("channels", () => {
  test("each kind of message travels on the connection of its channel (NET-010)", async () => {
    const node = await start();
    const raw = await dialAll(node);
    const messages = [proposalOf(2), voteOf(2), proposalOf(3, 8 * 1024), blockOf(7), commandsOf(2, 10)];
    for (const message of messages) node.mesh.send(peer, message);
    node.mesh.flush();
    await until(() => raw.data.received.length === 3, "all arrive");
    // A small proposal goes with the vote of its leader, which follows it.
    expect(kinds(raw.votes)).toEqual(["hello", "proposal", "vote"]);
    expect(viewsIn(raw.proposals)).toEqual([3]);
    expect(kinds(raw.data)).toEqual(["hello", "block", "commands"]);
  });

  test("a vote passes blocks and batches that the peer has not read (NET-011)", async () => {
    const node = await start();
    const raw = await dialAll(node);
    raw.data.socket.pause();
    raw.proposals.socket.pause();
    for (let count = 0; count < 14; count++) node.mesh.send(peer, blockOf(count, miB - 1024));
    node.mesh.send(peer, proposalOf(2, miB));
    node.mesh.send(peer, voteOf(2));
    node.mesh.flush();
    await until(() => kinds(raw.votes).includes("vote"), "the vote is there", 5_000);
    expect(kinds(raw.data)).toEqual(["hello"]);
    expect(node.mesh.counts().channels.data.droppedCount).toBe(0);
  });

  test("answers that do not fit are dropped, and whoever asked is told that this node is busy (NET-012)", async () => {
    const node = await start();
    const raw = await dialAll(node);
    raw.data.socket.pause();
    const count = 40;
    for (let request = 0; request < count; request++) {
      node.mesh.send(peer, blockOf(request, miB - 1024));
      node.mesh.flush();
    }
    const { droppedCount } = node.mesh.counts().channels.data;
    expect(droppedCount).toBeGreaterThan(10);
    raw.data.socket.resume();
    await until(() => raw.data.received.length === 1 + count, "every request is answered");
    const busy = raw.data.received.flatMap((message) =>
      message.kind === "consensus" && message.message.kind === "unavailable" ? [message.message] : [],
    );
    expect(busy).toHaveLength(droppedCount);
    expect(busy.every(({ reason, retryMs }) => reason === "busy" && retryMs > 0)).toBe(true);
    expect(node.peers.has(0)).toBe(true);
  });

  test("of proposals that do not fit the oldest is dropped (NET-012)", async () => {
    const node = await start();
    const raw = await dialAll(node);
    raw.proposals.socket.pause();
    for (let view = 1; view <= 20; view++) {
      node.mesh.send(peer, proposalOf(view, miB));
      node.mesh.flush();
    }
    raw.proposals.socket.resume();
    await until(() => viewsIn(raw.proposals).includes(20), "the newest arrives");
    expect(viewsIn(raw.proposals)).not.toContain(15);
    expect(node.mesh.counts().channels.proposals.droppedCount).toBeGreaterThan(10);
  });

  test("whoever lets votes lie loses the connection of votes, and may come back (NET-013)", async () => {
    const node = await start();
    const raw = await dialAll(node);
    raw.votes.socket.pause();
    // Without a turn of the event loop nothing leaves: what waits is bounded by what the queue takes.
    for (let view = 1; view < 40_000 && node.reports.length === 0; view++) node.mesh.send(peer, voteOf(view));
    expect(node.reports.join()).toContain("does not read");
    expect(node.mesh.counts().channels.votes.slowCount).toBe(1);
    await until(() => !node.peers.has(0), "it does not count as connected");
    await dial(node);
    await until(() => node.peers.has(0), "it is back");
  });
});

const viewsIn = (raw: RawValidator): number[] =>
  raw.received.flatMap((message) =>
    message.kind === "consensus" && message.message.kind === "proposal" ? [message.message.proposal.header.view] : [],
  );

describe("budgets of a peer (NET-020)", () => {
  test.for([
    ["votes", voteOf(3), 1] as const,
    ["data", commandsOf(500, 100), 500] as const,
    ["proposals", proposalOf(3), 1] as const,
    ["votes", proposalOf(3), 4] as const,
  ])("whoever floods %s is read at the rate of its budget, and is not blamed", async ([channel, message, weight]) => {
    const node = await start();
    const raw = await dialAll(node);
    const before = performance.now();
    const perSecond = { votes: 4_000, proposals: 1_000, data: 20_000 }[channel];
    for (let count = 0; count < (3 * perSecond) / weight; count++) raw[channel].send(message);
    await until(() => node.mesh.counts().channels[channel].throttledCount > 3, "it is not read for a while");
    const seconds = (performance.now() - before) / 1000;
    // What came in one chunk before the budget was looked at is on top of it.
    const slack = 2 * weight + (64 * 1024) / 100;
    expect((node.received.length - 3) * weight).toBeLessThan(perSecond * (1 + seconds) + slack);
    await until(() => node.received.length === 3 + (3 * perSecond) / weight, "nothing is lost");
    expect(node.mesh.counts().offencesCount).toBe(0);
    expect(node.peers.has(0)).toBe(true);
  });
});

describe("what no honest validator does (NET-030)", () => {
  const offences: readonly (readonly [string, Channel, (raw: RawValidator) => unknown, string])[] = [
    ["bytes that are no message", "votes", (raw) => raw.sendBytes(Uint8Array.of(250, 1, 2)), "no message"],
    ["a frame above the limit of votes", "votes", (raw) => raw.sendBytes(new Uint8Array(miB)), "illegal size"],
    ["a frame above every limit", "data", (raw) => raw.sendBytes(new Uint8Array(3 * miB)), "illegal size"],
    ["a vote among data", "data", (raw) => raw.send(voteOf(1)), "does not belong"],
    ["a large proposal among votes", "votes", (raw) => raw.send(proposalOf(2, 8 * 1024)), "does not belong"],
    ["commands among votes", "votes", (raw) => raw.send(commandsOf(1, 1)), "does not belong"],
    ["a second hello", "votes", (raw) => raw.send(helloOf({ chainId, seed: seedOf(1) })), "hello twice"],
  ];
  test.for(offences)("%s: cut off, on every channel, for a time that ends", async ([, channel, offend, fact]) => {
    const node = await start();
    const raw = await dialAll(node);
    offend(raw[channel]);
    await Promise.all(channels.map((one) => raw[one].closed));
    expect(node.reports.join()).toContain(fact);
    expect(node.mesh.isBanned(peer)).toBe(true);
    expect(node.mesh.counts()).toMatchObject({ offencesCount: 1, banned: [0] });
    const early = await dial(node);
    await early.closed;
    expect(node.peers.has(0)).toBe(false);
    await until(() => !node.mesh.isBanned(peer), "it ends", 2 * banMsMin);
    await dial(node);
    await until(() => node.peers.has(0), "it may come back");
  });

  test("talk before a hello, and a hello that is not signed, open nothing", async () => {
    const node = await start();
    const rude = await dial(node, { hello: false });
    rude.send(voteOf(1));
    await rude.closed;
    const liar = await dial(node, { hello: false, seed: seedOf(1) });
    liar.send(helloOf({ chainId, seed: seedOf(3) }));
    await liar.closed;
    expect(node.received).toEqual([]);
    expect(node.peers.size).toBe(0);
  });
});

describe("who gets in", () => {
  test("one connection per peer and channel: a newer one replaces the older (NET-040)", async () => {
    const node = await start();
    const first = await dial(node);
    await until(() => node.peers.has(0), "it is connected");
    const second = await dial(node);
    await first.closed;
    second.send(voteOf(5));
    await until(() => node.received.length === 1, "the newer one is heard");
    expect(node.mesh.connectedCount()).toBe(1);
  });

  test("a later session of a key ends the connections of the earlier one on every channel (NET-041)", async () => {
    const node = await start();
    const raw = await dialAll(node);
    await dial(node, { session: 2 });
    await Promise.all(channels.map((channel) => raw[channel].closed));
    const late = await dial(node, { channel: "data", session: 1 });
    await late.closed;
    expect(kinds(late)).toContain("fenced");
    await until(() => node.peers.has(0), "the later one is connected");
  });

  test("connections that stay silent are few and short, and keep no validator out (NET-042)", async () => {
    const node = await start();
    const silent = await Promise.all(Array.from({ length: 200 }, () => openTcp(node.mesh.port, "127.0.0.1")));
    const closed = (): number => silent.filter((socket) => socket.closed).length;
    await until(() => closed() >= silent.length - 3 * keys.length - 16, "most are closed at once", 2_000);
    const other = await start(0);
    other.mesh.setAddress(1 as ValidatorIndex, localhost(node.mesh.port));
    await until(() => node.peers.has(0), "a validator connects beside them", 15_000);
    await until(() => closed() === silent.length, "the rest is closed in time", 15_000);
    expect(node.mesh.counts().refusedCount).toBeGreaterThanOrEqual(silent.length);
  });

  test("a flood of strangers costs almost no handshake, and a validator connects through it (NET-043)", async () => {
    const node = await start();
    let flooding = true;
    let handshakes = 0;
    const flood = async (number: number): Promise<void> => {
      while (flooding) {
        const stranger = await connectRaw({
          chainId,
          seed: seedOf(99),
          port: node.mesh.port,
          from: `127.0.0.${2 + number}`,
        });
        if (stranger.received.length > 0 || stranger.socket.getProtocol() !== null) handshakes++;
        stranger.close();
      }
    };
    const floods = Promise.all(Array.from({ length: 20 }, (_, number) => flood(number)));
    await until(() => node.mesh.counts().refusedCount > 500, "the flood is on");
    const other = await start(0);
    const beforeMs = performance.now();
    other.mesh.setAddress(1 as ValidatorIndex, localhost(node.mesh.port));
    // The listener knows where validators are from its configuration.
    node.mesh.setAddress(0 as ValidatorIndex, localhost(other.mesh.port));
    await until(() => node.peers.has(0), "a validator connects");
    const seconds = (performance.now() - beforeMs) / 1000;
    flooding = false;
    await floods;
    expect(handshakes).toBeLessThan(16 + 8 * (5 + seconds));
    expect(node.mesh.connectedCount()).toBe(1);
    expect(node.reports.filter((fact) => fact.includes("refused")).length).toBeLessThan(5 + seconds / 10);
  });
});

function openTcp(port: number, host: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connectTcp({ port, host });
    open.push({ close: () => socket.destroy() });
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(socket));
    socket.once("connect", () => resolve(socket));
  });
}
