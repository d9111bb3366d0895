/**
 * The mesh: one encrypted connection between every two validators, mutually authenticated by TLS 1.3 with the validator keys
 * of genesis. Of two validators the one with the lower index dials, so there is one connection per pair; a newer one of the
 * same peer replaces the older. Frames queue while a turn runs and leave together at `flush`. A peer that does not read loses
 * its connection when its queue is full; the queue never grows beyond its limit. Knows nothing of what messages mean.
 */
import { connect as dialTls, createServer, type Server, type TLSSocket } from "node:tls";
import { activeEd25519 } from "@stoa/base/active-signature";
import { present } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey, SecretSeed, Signature } from "@stoa/base/signature";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { NodeError, systemCode } from "../failure.ts";
import { createFrameReader, frameHead } from "./frame.ts";
import { createTransportIdentity, peerKey } from "./identity.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
  peerProtocolVersion,
  sessionSignBytes,
  type PeerMessage,
} from "./peer-message.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface MeshOptions {
  readonly chainId: Digest;
  /** The validators' keys in the order of genesis: the allow-list. */
  readonly keys: readonly PublicKey[];
  readonly self: ValidatorIndex;
  readonly seed: SecretSeed;
  /** Counts the starts of this validator (vote log). */
  readonly session: number;
  readonly listen: Address;
  readonly onMessage: (from: ValidatorIndex, message: Exclude<PeerMessage, { kind: "hello" | "fenced" }>) => void;
  readonly onPeer: (peer: ValidatorIndex, connected: boolean) => void;
  /** A younger process runs with the same key: this one must stop. */
  readonly onFenced: (session: number) => void;
  /** Facts for the log: who was refused or dropped, and why. */
  readonly report: (fact: string) => void;
  readonly queueSizeMax?: number;
}

export interface Mesh {
  readonly port: number;
  /** Where to dial a peer with a higher index; may be called again when it moves. */
  readonly setAddress: (peer: ValidatorIndex, address: Address) => void;
  /** Queues an encoded peer message; it leaves at the next `flush`. Dropped when the peer is not connected. */
  readonly send: (to: ValidatorIndex, message: Uint8Array) => void;
  readonly broadcast: (message: Uint8Array) => void;
  readonly flush: () => void;
  readonly connectedCount: () => number;
  readonly stop: () => Promise<void>;
}

/** One peer as this node sees it. */
interface Link {
  readonly peer: ValidatorIndex;
  address: Address | undefined;
  /** The connection that has said hello. */
  socket: TLSSocket | undefined;
  /** The highest session seen, and its proof. */
  session: number;
  proof: Signature | undefined;
  corked: boolean;
  dialing: boolean;
  backoffMs: number;
  retry: NodeJS.Timeout | undefined;
  heardMs: number;
}

const alpn = "stoa-mesh/1";
const backoffMsMin = 50;
const backoffMsMax = 1_000;
const handshakeTimeoutMs = 5_000;
const silenceMsMax = 10_000;

export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const { keys, self, report } = options;
  const identity = createTransportIdentity(options.seed);
  const tlsOptions = {
    key: identity.privateKey,
    cert: identity.certificate,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    ALPNProtocols: [alpn],
    // No authority signs these certificates: `authenticate` compares the key with the allow-list instead.
    rejectUnauthorized: false,
  } as const;
  const queueSizeMax = options.queueSizeMax ?? limits.peerQueueSizeMax;
  const links: (Link | undefined)[] = keys.map((_, index) =>
    index === self ? undefined : createLink(index as ValidatorIndex),
  );
  const sockets = new Set<TLSSocket>();
  const corked: Link[] = [];
  let stopped = false;

  const hello = framed({
    kind: "hello",
    version: peerProtocolVersion,
    chainId: options.chainId,
    session: options.session,
    signature: activeEd25519.sign(sessionSignBytes(options.chainId, options.session), options.seed),
  });

  const dial = (link: Link): void => {
    const { address } = link;
    if (stopped || link.dialing || link.socket !== undefined || address === undefined) return;
    link.dialing = true;
    const socket = dialTls({
      ...tlsOptions,
      host: address.host,
      port: address.port,
      checkServerIdentity: () => undefined,
    });
    const deadline = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    socket.on("close", () => {
      clearTimeout(deadline);
      link.dialing = false;
      if (stopped || link.socket !== undefined) return;
      link.backoffMs = Math.min(backoffMsMax, 2 * link.backoffMs);
      clearTimeout(link.retry);
      link.retry = setTimeout(() => dial(link), link.backoffMs * (0.75 + Math.random() / 2));
    });
    socket.once("secureConnect", () => {
      clearTimeout(deadline);
      if (authenticate(socket) === link.peer) return adopt(link, socket);
      report(`${address.host}:${address.port} is not validator ${link.peer}: connection refused`);
      socket.destroy();
    });
    socket.on("error", () => undefined);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };

  /** The index of the validator whose key the peer has proved to hold. */
  const authenticate = (socket: TLSSocket): ValidatorIndex | undefined => {
    const certificate = socket.getPeerX509Certificate();
    const key = certificate === undefined ? undefined : peerKey(certificate);
    const index = key === undefined ? -1 : keys.findIndex((one) => equalBytes(one, key));
    return index < 0 || index === self || socket.alpnProtocol !== alpn ? undefined : (index as ValidatorIndex);
  };

  /** Serves an authenticated connection; it becomes the peer's connection when its hello is right. */
  const adopt = (link: Link, socket: TLSSocket): void => {
    const frames = createFrameReader(limits.frameSizeMax);
    let greeted = false;
    const refuse = (fact: string): void => {
      report(`validator ${link.peer}: ${fact}; connection closed`);
      socket.destroy();
    };
    const onFrame = (frame: Uint8Array): void => {
      if (socket.destroyed) return;
      const message = decodePeerMessage(frame);
      if (message === undefined) return refuse("sent bytes that are no message");
      if (message.kind === "fenced") return onFencedClaim(message.session, message.signature);
      if (message.kind === "hello") {
        if (greeted) return refuse("said hello twice");
        greeted = greet(link, socket, message, refuse);
        return;
      }
      if (!greeted) return refuse("spoke before saying hello");
      if (link.socket === socket) options.onMessage(link.peer, message);
    };
    socket.setNoDelay(true);
    socket.write(hello);
    socket.on("data", (chunk: Buffer) => {
      link.heardMs = performance.now();
      if (!frames.push(chunk, onFrame)) refuse("sent a frame of illegal size");
    });
    socket.once("close", () => {
      if (link.socket !== socket) return;
      link.socket = undefined;
      link.corked = false;
      options.onPeer(link.peer, false);
      if (self < link.peer) link.retry = setTimeout(() => dial(link), backoffMsMin);
    });
  };

  const greet = (
    link: Link,
    socket: TLSSocket,
    message: Extract<PeerMessage, { kind: "hello" }>,
    refuse: (fact: string) => void,
  ): boolean => {
    if (message.version !== peerProtocolVersion) refuse(`speaks version ${message.version} of the peer protocol`);
    else if (!equalBytes(message.chainId, options.chainId)) refuse("is on another chain");
    else if (!provesSession(keys[link.peer]!, message)) refuse("did not sign its session");
    else if (message.session < link.session) {
      socket.write(framed({ kind: "fenced", session: link.session, signature: present(link.proof, "a seen session") }));
      socket.end();
      report(
        `validator ${link.peer}: an older process (session ${message.session}) runs beside session ${link.session}`,
      );
    } else {
      const older = link.socket;
      link.session = message.session;
      link.proof = message.signature;
      link.socket = socket;
      link.corked = false;
      link.backoffMs = backoffMsMin;
      link.heardMs = performance.now();
      older?.destroy();
      if (older === undefined) options.onPeer(link.peer, true);
      return true;
    }
    return false;
  };

  const provesSession = (key: PublicKey, claim: { session: number; signature: Signature }): boolean =>
    activeEd25519.verify(claim.signature, sessionSignBytes(options.chainId, claim.session), key);

  // Only one's own signature over a later session stops a node: no peer can make that up.
  const onFencedClaim = (session: number, signature: Signature): void => {
    if (options.session < session && provesSession(keys[self]!, { session, signature })) options.onFenced(session);
  };

  const server = createServer({ ...tlsOptions, requestCert: true, handshakeTimeout: handshakeTimeoutMs }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    const peer = authenticate(socket);
    if (peer !== undefined && peer < self) return adopt(links[peer]!, socket);
    report(
      `${socket.remoteAddress ?? "someone"}: ${peer === undefined ? "no validator of this chain" : "dialed the wrong way"}`,
    );
    socket.destroy();
  });
  server.on("tlsClientError", () => undefined);
  server.maxConnections = 4 * keys.length + 16;
  const port = await listen(server, options.listen, "mesh");

  const watch = setInterval(() => {
    for (const link of links)
      if (link?.socket !== undefined && link.heardMs + silenceMsMax < performance.now()) {
        report(`validator ${link.peer}: silent for ${silenceMsMax / 1000} s; connection closed`);
        link.socket.destroy();
      }
  }, 1_000);
  watch.unref();

  const write = (link: Link, head: Uint8Array, body: Uint8Array): void => {
    const { socket } = link;
    if (socket === undefined || socket.destroyed) return;
    if (!link.corked) {
      link.corked = true;
      corked.push(link);
      socket.cork();
    }
    socket.write(head);
    socket.write(body);
    if (socket.writableLength <= queueSizeMax) return;
    report(`validator ${link.peer}: does not read, ${socket.writableLength} bytes queued; connection closed`);
    socket.destroy();
  };

  return {
    port,
    setAddress(peer, address) {
      const link = links[peer];
      if (link === undefined || peer < self) return;
      link.address = address;
      dial(link);
    },
    send(to, message) {
      const link = links[to];
      if (link !== undefined) write(link, frameHead(message.length), message);
    },
    broadcast(message) {
      const head = frameHead(message.length);
      for (const link of links) if (link !== undefined) write(link, head, message);
    },
    flush() {
      for (const link of corked.splice(0)) {
        if (!link.corked) continue;
        link.corked = false;
        link.socket?.uncork();
      }
    },
    connectedCount: () => links.filter((link) => link?.socket !== undefined).length,
    async stop() {
      stopped = true;
      clearInterval(watch);
      for (const link of links) clearTimeout(link?.retry);
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function createLink(peer: ValidatorIndex): Link {
  return {
    peer,
    address: undefined,
    socket: undefined,
    session: 0,
    proof: undefined,
    corked: false,
    dialing: false,
    backoffMs: backoffMsMin,
    retry: undefined,
    heardMs: 0,
  };
}

function framed(message: PeerMessage): Uint8Array {
  const body = encodePeerMessage(message);
  return Buffer.concat([frameHead(body.length), body]);
}

/** Listens, and turns what can go wrong into one clear line. Port 0 takes any free one; returns the port. */
export function listen(
  server: { listen: Server["listen"]; once: Server["once"]; off: Server["off"]; address: Server["address"] },
  address: Address,
  name: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: unknown): void => reject(listenError(error, address, name));
    server.once("error", onError);
    server.listen(address.port, address.host, () => {
      server.off("error", onError);
      resolve((server.address() as { port: number }).port);
    });
  });
}

export function listenError(error: unknown, { host, port }: Address, name: string): NodeError {
  const code = systemCode(error);
  if (code === "EADDRINUSE")
    return new NodeError(
      "port-taken",
      `${name}: port ${port} on ${host} is taken by another program. Stop it or choose another port.`,
    );
  return new NodeError("port-not-usable", `${name}: cannot listen on ${host}:${port} (${code}).`);
}
