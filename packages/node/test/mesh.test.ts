import { connect as dialRaw, type AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import type { Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { startMesh, type Mesh, type MeshOptions } from "../src/network/mesh.ts";
import { createTransportIdentity } from "../src/network/identity.ts";
import type { MeshMessage } from "../src/network/channels.ts";
import { peerProtocolVersion, type PeerMessage } from "../src/network/peer-message.ts";
import { keyOf, localhost, seedOf, until } from "./network.ts";

const chainId = new Uint8Array(32).fill(5) as Digest;
const keys = [1, 2, 3].map(keyOf);

interface Node {
  readonly mesh: Mesh;
  readonly received: { readonly from: number; readonly message: PeerMessage }[];
  readonly peers: Set<number>;
  readonly reports: string[];
  readonly fenced: number[];
}

const nodes: Node[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ mesh }) => mesh.stop()));
});

async function start(index: number, overrides: Partial<MeshOptions> = {}): Promise<Node> {
  const node = {
    received: [] as { from: number; message: PeerMessage }[],
    peers: new Set<number>(),
    reports: [] as string[],
    fenced: [] as number[],
  };
  const mesh = await startMesh({
    chainId,
    keys,
    self: index as ValidatorIndex,
    seed: seedOf(index + 1),
    session: 1,
    listen: localhost(),
    onMessage: (from, message) => void node.received.push({ from, message }),
    onPeer: (peer, connected) => void (connected ? node.peers.add(peer) : node.peers.delete(peer)),
    onFenced: (session) => void node.fenced.push(session),
    report: (fact) => void node.reports.push(fact),
    ...overrides,
  });
  const started = { mesh, ...node };
  nodes.push(started);
  return started;
}

const introduce = (from: Node, to: Node, toIndex: number): void =>
  from.mesh.setAddress(toIndex as ValidatorIndex, localhost(to.mesh.port));
const commands = (...texts: string[]): MeshMessage => ({
  kind: "commands",
  commands: texts.map((text) => Uint8Array.from(Buffer.from(text))),
});
const textsOf = (node: Node): string[] =>
  node.received.flatMap(({ message }) =>
    message.kind === "commands" ? message.commands.map((one) => Buffer.from(one).toString()) : [],
  );

async function pair(overrides: Partial<MeshOptions> = {}): Promise<readonly [Node, Node]> {
  const [left, right] = [await start(0, overrides), await start(1)];
  introduce(left, right, 1);
  await until(() => left.peers.has(1) && right.peers.has(0), "both are connected");
  return [left, right];
}

describe("the mesh", () => {
  test("connects every pair once and carries frames both ways, in order (NET-001)", async () => {
    const all = [await start(0), await start(1), await start(2)];
    all.forEach((one) => all.forEach((other, index) => introduce(one, other, index)));
    await until(() => all.every(({ peers }) => peers.size === 2), "all are connected");
    expect(all.map(({ mesh }) => mesh.connectedCount())).toEqual([2, 2, 2]);
    for (let count = 0; count < 100; count++) all[2]!.mesh.broadcast(commands(`${count}`));
    all[2]!.mesh.flush();
    await until(() => textsOf(all[0]!).length === 100 && textsOf(all[1]!).length === 100, "frames arrive");
    expect(textsOf(all[0]!)).toEqual(Array.from({ length: 100 }, (_, count) => `${count}`));
    expect(all[0]!.received.every(({ from }) => from === 2)).toBe(true);
  });

  test("tells once of a peer that speaks another version", async () => {
    const { privateKey, certificate } = createTransportIdentity(seedOf(2));
    const older = createServer({ key: privateKey, cert: certificate, ALPNProtocols: ["stoa-mesh/1/votes"] });
    older.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => older.listen(0, "127.0.0.1", resolve));
    try {
      const node = await start(0);
      node.mesh.setAddress(1 as ValidatorIndex, localhost((older.address() as AddressInfo).port));
      await until(() => node.reports.length > 0, "it is reported");
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(node.reports).toEqual([
        `validator 1 does not speak version ${peerProtocolVersion} of the peer protocol: connection refused`,
      ]);
    } finally {
      older.close();
    }
  });

  test("a frame of a megabyte arrives whole", async () => {
    const [left, right] = await pair();
    const big = Buffer.alloc(60_000, "x").toString();
    left.mesh.send(1 as ValidatorIndex, commands(...Array.from({ length: 17 }, () => big)));
    left.mesh.flush();
    await until(() => textsOf(right).length === 17, "the frame arrives");
    expect(textsOf(right).every((text) => text === big)).toBe(true);
  });

  test("nobody without a validator key of genesis gets in (NET-002)", async () => {
    const [, right] = await pair();
    await start(0, { seed: seedOf(99) as SecretSeed }).then((stranger) => introduce(stranger, right, 1));
    await until(() => right.reports.some((fact) => fact.includes("no validator of this chain")), "it is refused");
    expect(right.peers.size).toBe(1);
  });

  test("a client without a certificate gets in no further", async () => {
    const node = await start(1);
    const socket = connect({
      host: "127.0.0.1",
      port: node.mesh.port,
      rejectUnauthorized: false,
      ALPNProtocols: [`stoa-mesh/${peerProtocolVersion}/votes`],
    });
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    await ended;
    expect(node.peers.size).toBe(0);
  });

  test("a server that shows another key than the one that was dialed is left", async () => {
    const [left, right] = [await start(0), await start(2)];
    introduce(left, right, 1);
    await until(() => left.reports.some((fact) => fact.includes("is not validator 1")), "it is refused");
    expect(left.peers.size).toBe(0);
  });

  test("validators of different chains do not talk", async () => {
    const left = await start(0, { chainId: new Uint8Array(32) as Digest });
    const right = await start(1);
    introduce(left, right, 1);
    await until(() => right.reports.some((fact) => fact.includes("another chain")), "it is refused");
    expect(right.peers.size).toBe(0);
  });

  test("a validator that is gone and comes back is connected again", async () => {
    const [left, right] = await pair();
    const { port } = right.mesh;
    await right.mesh.stop();
    await until(() => !left.peers.has(1), "it is gone");
    const again = await start(1, { listen: localhost(port), session: 2 });
    await until(() => left.peers.has(1) && again.peers.has(0), "it is back");
  });

  test("stops though somebody is in the middle of a handshake", async () => {
    const node = await start(0);
    const half = dialRaw(node.mesh.port, "127.0.0.1");
    half.on("error", () => undefined);
    await new Promise((resolve) => half.once("connect", resolve));
    const closed = new Promise((resolve) => half.once("close", resolve));
    await until(() => node.mesh.counts().pendingCount === 1, "its handshake is under way");
    await node.mesh.stop();
    await closed;
  }, 10_000);

  test("of two processes with one key the older one is told to stop, with the proof of its own key (NET-003)", async () => {
    const [left, old] = await pair();
    const young = await start(1, { session: 7 });
    introduce(left, young, 1);
    await old.mesh.stop();
    await until(() => young.peers.has(0), "the younger one is connected");
    const twin = await start(1, { session: 3 });
    await young.mesh.stop();
    introduce(left, twin, 1);
    await until(() => twin.fenced.length > 0, "the older one is fenced");
    expect(twin.fenced[0]).toBe(7);
    await until(() => twin.peers.size === 0, "it is connected to nobody");
  });

  test("the certificate is a valid self-signed one of the validator's key", async () => {
    const { X509Certificate } = await import("node:crypto");
    const certificate = new X509Certificate(createTransportIdentity(seedOf(1)).certificate);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(Buffer.from(certificate.publicKey.export({ format: "jwk" }).x!, "base64url").equals(keyOf(1))).toBe(true);
  });

  test("a port that is taken is one clear line", async () => {
    const node = await start(0);
    await expect(start(1, { listen: localhost(node.mesh.port) })).rejects.toMatchObject({ code: "port-taken" });
  });
});
