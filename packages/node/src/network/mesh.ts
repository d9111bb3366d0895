/**
 * The mesh: encrypted connections between every two validators, one for each channel of `channels.ts`, mutually authenticated by
 * TLS 1.3 with the validator keys of genesis; the protocol that TLS agrees on names the channel. Of two validators the one with
 * the lower index dials; a newer connection of the same peer and channel replaces the older. A peer counts as connected when
 * its channel of votes is. Frames queue while a turn runs and leave together at `flush`, votes first. What does not fit is
 * dropped or costs the connection, by the rule of its channel, and is counted. A peer that provably misbehaves is cut off for a
 * while (`standing.ts`). Knows nothing of what messages mean beyond their channel.
 */
import { createServer as createRawServer, type Server } from "node:net";
import { connect as dialTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { activeEd25519 } from "@stoa/base/active-signature";
import { present } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey, SecretSeed, Signature } from "@stoa/base/signature";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { NodeError, systemCode } from "../failure.ts";
import {
  answeredRequest,
  belongsTo,
  channelLimits,
  channels,
  routeOf,
  weightOf,
  type Channel,
  type MeshMessage,
} from "./channels.ts";
import { createFrameReader, frameHead } from "./frame.ts";
import { createHandshakes, handshakeMsMax } from "./handshakes.ts";
import { createTransportIdentity, peerKey } from "./identity.ts";
import { createLines, noCounts, type ChannelCounts, type Line } from "./line.ts";
import type { Outgoing } from "./outbox.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
  peerProtocolVersion,
  sessionSignBytes,
  type PeerMessage,
} from "./peer-message.ts";
import { createStanding } from "./standing.ts";

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
  readonly onMessage: (from: ValidatorIndex, message: MeshMessage) => void;
  readonly onPeer: (peer: ValidatorIndex, connected: boolean) => void;
  /** A younger process runs with the same key: this one must stop. */
  readonly onFenced: (session: number) => void;
  /** Facts for the log: who was refused or dropped, and why. */
  readonly report: (fact: string) => void;
}

export interface Mesh {
  readonly port: number;
  /** Where a peer is found; dials it when its index is higher. May be called again when it moves. */
  readonly setAddress: (peer: ValidatorIndex, address: Address) => void;
  /** Queues a message on its channel; it leaves at the next `flush`. Dropped when the peer is not connected. */
  readonly send: (to: ValidatorIndex, message: MeshMessage) => void;
  /** The same to every peer, except those that need not have it. */
  readonly broadcast: (message: MeshMessage, except?: readonly ValidatorIndex[]) => void;
  readonly flush: () => void;
  /** A peer did what no honest one can do: its connections are closed, and refused for a while. */
  readonly offended: (peer: ValidatorIndex, fact: string) => void;
  /** Whether a peer is cut off at the moment. */
  readonly isBanned: (peer: ValidatorIndex) => boolean;
  readonly connectedCount: () => number;
  readonly counts: () => MeshCounts;
  readonly stop: () => Promise<void>;
}

export interface MeshCounts {
  readonly channels: Readonly<Record<Channel, Readonly<ChannelCounts>>>;
  /** Connections that were closed before their handshake cost anything, or when it took too long. */
  readonly refusedCount: number;
  /** Handshakes under way. */
  readonly pendingCount: number;
  readonly offencesCount: number;
  readonly banned: readonly ValidatorIndex[];
}

/** One peer as this node sees it. */
interface Link {
  readonly peer: ValidatorIndex;
  readonly lines: Readonly<Record<Channel, Line>>;
  readonly dials: Readonly<Record<Channel, Dial>>;
  address: Address | undefined;
  /** The highest session seen, and its proof. */
  session: number;
  proof: Signature | undefined;
}

/** Dialing a peer on one channel. */
interface Dial {
  busy: boolean;
  backoffMs: number;
  retry: NodeJS.Timeout | undefined;
}

type Hello = Extract<PeerMessage, { kind: "hello" }>;

const protocolOf = (channel: Channel): string => `stoa-mesh/${peerProtocolVersion}/${channel}`;
const backoffMsMin = 50;
const backoffMsMax = 1_000;
/** A connection that lasted this long is dialed again at once. */
const steadyMs = 5_000;
/** After this long without a byte the kernel asks whether the other side is still there. */
const keepAliveMs = 5_000;
/** When whoever was told "busy" may ask again. */
const busyRetryMs = 1_000;
/** Status messages come every second. */
const silenceMsMax = 10_000;
/** A peer that takes nothing for so long does not read; a begun frame must go on within the same time. */
const stalledMsMax = 20_000;

export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const { keys, self, report } = options;
  const tlsOptions = tlsOptionsOf(options.seed);
  const counts = { votes: noCounts(), proposals: noCounts(), data: noCounts() };
  const links: (Link | undefined)[] = keys.map((_, index) =>
    index === self ? undefined : createLink(index as ValidatorIndex, counts),
  );
  const standing = createStanding();
  const handshakes = createHandshakes(keys.length, report);
  const sockets = new Set<TLSSocket>();
  const touched = { votes: new Set<Line>(), proposals: new Set<Line>(), data: new Set<Line>() };
  /** Peers that refused this version; told once each. */
  const ofOtherVersion = new Set<ValidatorIndex>();
  let stopped = false;

  const hello = helloOf(options);

  // ---- connecting

  const keep = (socket: TLSSocket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  };

  const dial = (link: Link, channel: Channel): void => {
    const dialing = link.dials[channel];
    if (stopped || dialing.busy || link.address === undefined || link.lines[channel].socket() !== undefined) return;
    if (0 < standing.restMs(link.peer, performance.now())) return redial(link, channel);
    const { host, port } = link.address;
    dialing.busy = true;
    const socket = dialTls({
      ...tlsOptions,
      host,
      port,
      ALPNProtocols: [protocolOf(channel)],
      checkServerIdentity: () => undefined,
    });
    keep(socket);
    socket.once("error", (error) => {
      if (systemCode(error) === "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL") noteOtherVersion(link.peer);
    });
    const deadline = setTimeout(() => socket.destroy(), handshakeMsMax);
    const settle = (): void => {
      clearTimeout(deadline);
      dialing.busy = false;
    };
    socket.once("close", () => {
      settle();
      if (link.lines[channel].socket() === undefined) redial(link, channel);
    });
    socket.once("secureConnect", () => {
      if (socket.alpnProtocol === protocolOf(channel) && authenticate(socket) === link.peer)
        return adopt(link, channel, socket, settle);
      report(`${host}:${port} is not validator ${link.peer}: connection refused`);
      socket.destroy();
    });
  };

  const noteOtherVersion = (peer: ValidatorIndex): void => {
    if (ofOtherVersion.has(peer)) return;
    ofOtherVersion.add(peer);
    report(`validator ${peer} does not speak version ${peerProtocolVersion} of the peer protocol: connection refused`);
  };

  const redial = (link: Link, channel: Channel): void => {
    if (stopped || link.peer < self) return;
    const dialing = link.dials[channel];
    const banMs = standing.restMs(link.peer, performance.now());
    clearTimeout(dialing.retry);
    dialing.retry = setTimeout(() => dial(link, channel), banMs + dialing.backoffMs * (0.75 + Math.random() / 2));
    dialing.backoffMs = Math.min(backoffMsMax, 2 * dialing.backoffMs);
  };

  /** The index of the validator whose key the peer has proved to hold. */
  const authenticate = (socket: TLSSocket): ValidatorIndex | undefined => {
    const certificate = socket.getPeerX509Certificate();
    const key = certificate === undefined ? undefined : peerKey(certificate);
    const index = key === undefined ? -1 : keys.findIndex((one) => equalBytes(one, key));
    return index < 0 || index === self ? undefined : (index as ValidatorIndex);
  };

  const accept = (socket: TLSSocket): void => {
    keep(socket);
    // It was still shaking hands when this node stopped, and nobody would close it any more.
    if (stopped) return void socket.destroy();
    const channel = channels.find((one) => protocolOf(one) === socket.alpnProtocol);
    const peer = channel === undefined ? undefined : authenticate(socket);
    if (channel !== undefined && peer !== undefined && peer < self)
      return adopt(links[peer]!, channel, socket, () => handshakes.done(socket));
    const fact = peer === undefined ? "no validator of this chain" : "dialed the wrong way";
    handshakes.noteRefused(`${socket.remoteAddress ?? "someone"}: ${fact}`);
    socket.destroy();
  };

  /** Serves an authenticated connection; it becomes the peer's connection when its hello is right, which is told to `greeted`. */
  const adopt = (link: Link, channel: Channel, socket: TLSSocket, greeted: () => void): void => {
    const line = link.lines[channel];
    const frames = createFrameReader(channelLimits[channel].frameSizeMax);
    let isGreeted = false;
    /** Returns what the frame counts in the peer's budget. */
    const onFrame = (frame: Uint8Array): number => {
      if (socket.destroyed) return 0;
      const message = decodePeerMessage(frame);
      if (message === undefined) offended(link.peer, `sent bytes that are no message over its ${channel}`, socket);
      else if (message.kind === "fenced") onFencedClaim(message.session, message.signature);
      else if (message.kind === "hello") {
        if (isGreeted) offended(link.peer, "said hello twice", socket);
        else if (greet(link, message, socket)) {
          isGreeted = true;
          greeted();
          open(link, channel, socket, frames.isWaiting);
        }
      } else if (!isGreeted) offended(link.peer, "spoke before saying hello", socket);
      else if (!belongsTo(channel, message, frame.length))
        offended(link.peer, `sent what does not belong among its ${channel}`, socket);
      else if (line.socket() === socket) {
        options.onMessage(link.peer, message);
        return weightOf(message, channel);
      }
      return 1;
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.write(hello);
    socket.on("data", (chunk: Buffer) => {
      let count = 0;
      if (!frames.push(chunk, (frame) => (count += onFrame(frame))))
        return offended(link.peer, `sent a frame of illegal size over its ${channel}`, socket);
      if (line.socket() === socket) line.received(chunk.length, count);
    });
    socket.once("close", () => closed(link, channel, socket));
  };

  /** Whether the connection may be used. */
  const greet = (link: Link, message: Hello, socket: TLSSocket): boolean => {
    const refuse = (fact: string): void => {
      report(`validator ${link.peer}: ${fact}; connection closed`);
      socket.destroy();
    };
    if (message.version !== peerProtocolVersion) refuse(`speaks version ${message.version} of the peer protocol`);
    else if (!equalBytes(message.chainId, options.chainId)) refuse("is on another chain");
    else if (!provesSession(keys[link.peer]!, message)) refuse("did not sign its session");
    else if (0 < standing.restMs(link.peer, performance.now())) socket.destroy();
    else if (message.session < link.session) {
      socket.write(framed({ kind: "fenced", session: link.session, signature: present(link.proof, "a seen session") }));
      socket.end();
      report(
        `validator ${link.peer}: an older process (session ${message.session}) runs beside session ${link.session}`,
      );
    } else {
      if (link.session < message.session) disconnect(link);
      link.session = message.session;
      link.proof = message.signature;
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

  const open = (link: Link, channel: Channel, socket: TLSSocket, isInFrame: () => boolean): void => {
    link.lines[channel].open(socket, isInFrame)?.destroy();
    // Also when an older connection is replaced: what was under way on that may be lost, so the peer is greeted anew.
    if (channel === "votes") options.onPeer(link.peer, true);
  };

  const closed = (link: Link, channel: Channel, socket: TLSSocket): void => {
    const line = link.lines[channel];
    if (line.socket() !== socket) return;
    if (line.openedMs() + steadyMs < performance.now()) link.dials[channel].backoffMs = backoffMsMin;
    line.closed();
    if (channel === "votes") options.onPeer(link.peer, false);
    redial(link, channel);
  };

  const disconnect = (link: Link): void => {
    for (const channel of channels) link.lines[channel].socket()?.destroy();
  };

  const offended = (peer: ValidatorIndex, fact: string, socket?: TLSSocket): void => {
    socket?.destroy();
    const link = links[peer];
    const nowMs = performance.now();
    if (link === undefined || 0 < standing.restMs(peer, nowMs)) return;
    const banMs = standing.offended(peer, nowMs);
    report(`validator ${peer}: ${fact}; cut off for ${banMs / 1000} s`);
    disconnect(link);
  };

  const tlsServer = createTlsServer(
    { ...tlsOptions, ALPNProtocols: channels.map(protocolOf), requestCert: true, handshakeTimeout: handshakeMsMax },
    accept,
  );
  tlsServer.on("tlsClientError", () => undefined);
  const server = createRawServer((socket) => {
    if (handshakes.admit(socket)) tlsServer.emit("connection", socket);
  });
  server.maxConnections = 4 * channels.length * (keys.length + 8);
  const port = await listen(server, options.listen, "mesh");

  // ---- writing

  const queue = (link: Link, channel: Channel, item: Outgoing): void => {
    const line = link.lines[channel];
    if (link.lines.votes.socket() === undefined || line.socket()?.destroyed === true) return;
    touched[channel].add(line);
    if (!line.put(item)) giveUp(link, line, "does not read");
  };

  const giveUp = (link: Link, line: Line, fact: string): void => {
    counts[line.channel].slowCount++;
    report(
      `validator ${link.peer}: ${fact}, ${line.queuedSize()} bytes of ${line.channel} queued; that connection is closed`,
    );
    line.clear();
    line.socket()?.destroy();
  };

  /** A message as it is queued; nothing when it fits no frame. */
  const packed = (message: MeshMessage): { readonly channel: Channel; readonly item: Outgoing } | undefined => {
    const frame = encodePeerMessage(message);
    const { channel, urgent } = routeOf(message, frame.length);
    const request = answeredRequest(message);
    const refusal = request === undefined ? undefined : refusalOf(request);
    if (frame.length <= channelLimits[channel].frameSizeMax)
      return { channel, item: { frame, urgent, ...(refusal && { busy: () => refusal("busy") }) } };
    counts[channel].droppedCount++;
    report(`mesh: a message of ${frame.length} bytes does not fit into a frame of ${channel}`);
    return refusal && { channel, item: { frame: refusal("too-large"), urgent: true } };
  };

  const watch = setInterval(() => {
    const nowMs = performance.now();
    for (const link of links) {
      if (link === undefined) continue;
      for (const line of Object.values(link.lines)) {
        const stall = line.stall(stalledMsMax);
        if (stall !== undefined) giveUp(link, line, stall);
      }
      const { votes } = link.lines;
      if (votes.socket() === undefined || nowMs <= votes.heardMs() + silenceMsMax) continue;
      report(`validator ${link.peer}: silent for ${silenceMsMax / 1000} s; connections closed`);
      disconnect(link);
    }
  }, 1_000);
  watch.unref();

  return {
    port,
    setAddress(peer, address) {
      const link = links[peer];
      if (link === undefined) return;
      handshakes.expect(address.host);
      link.address = address;
      if (self < peer) for (const channel of channels) dial(link, channel);
    },
    send(to, message) {
      const link = links[to];
      const made = link && packed(message);
      if (made !== undefined) queue(link!, made.channel, made.item);
    },
    broadcast(message, except = []) {
      const made = packed(message);
      if (made === undefined) return;
      for (const link of links) {
        if (link !== undefined && !except.includes(link.peer)) queue(link, made.channel, made.item);
      }
    },
    flush() {
      for (const channel of channels) {
        for (const line of touched[channel]) line.pump();
        touched[channel].clear();
      }
    },
    offended,
    isBanned: (peer) => 0 < standing.restMs(peer, performance.now()),
    connectedCount: () => links.filter((link) => link?.lines.votes.socket() !== undefined).length,
    counts: () => ({
      channels: counts,
      refusedCount: handshakes.refusedCount(),
      pendingCount: handshakes.pendingCount(),
      offencesCount: standing.offencesCount(),
      banned: standing.banned(performance.now()),
    }),
    async stop() {
      stopped = true;
      clearInterval(watch);
      handshakes.stop();
      for (const link of links) {
        for (const channel of channels) clearTimeout(link?.dials[channel].retry);
      }
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function tlsOptionsOf(seed: SecretSeed) {
  const identity = createTransportIdentity(seed);
  return {
    key: identity.privateKey,
    cert: identity.certificate,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    // No authority signs these certificates: `authenticate` compares the key with the allow-list instead.
    rejectUnauthorized: false,
  } as const;
}

/** What is said first on every connection. */
function helloOf({ chainId, session, seed }: MeshOptions): Uint8Array {
  const signature = activeEd25519.sign(sessionSignBytes(chainId, session), seed);
  return framed({ kind: "hello", version: peerProtocolVersion, chainId, session, signature });
}

function createLink(peer: ValidatorIndex, counts: Readonly<Record<Channel, ChannelCounts>>): Link {
  const createDial = (): Dial => ({ busy: false, backoffMs: backoffMsMin, retry: undefined });
  return {
    peer,
    lines: createLines(counts),
    dials: { votes: createDial(), proposals: createDial(), data: createDial() },
    address: undefined,
    session: 0,
    proof: undefined,
  };
}

/** The answer that says why there is none. */
const refusalOf =
  (request: number) =>
  (reason: "busy" | "too-large"): Uint8Array =>
    encodePeerMessage({
      kind: "consensus",
      message: { kind: "unavailable", request, reason, retryMs: busyRetryMs, limit: limits.repairItemsCountMax },
    });

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
