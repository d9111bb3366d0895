/**
 * One of the four processes of `floor.ts`. It speaks with its parent over the fork's channel (setup, connect, rounds) and
 * with the others over TLS, in frames: u32 length, kind, u32 round, signature, body. The leader is process 0.
 */
import { createHash } from "node:crypto";
import { fdatasyncSync, openSync, writeSync } from "node:fs";
import { connect, createServer, type TLSSocket } from "node:tls";
import sodium from "sodium-native";
import type { SecretSeed } from "@stoa/base/signature";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { createTransportIdentity } from "@stoa/node/network/identity";

export type PeerSetup = {
  readonly kind: "setup";
  readonly index: number;
  readonly seeds: readonly Uint8Array[];
  readonly file: string;
};
export type PeerOrder =
  | PeerSetup
  | { readonly kind: "connect"; readonly ports: readonly number[] }
  | { readonly kind: "rounds"; readonly roundsCount: number };
export type PeerReport =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "connected" }
  | { readonly kind: "latencies"; readonly latenciesMs: readonly number[] };

const frames = { hello: 0, proposal: 1, notarize: 2, finalize: 3, done: 4 } as const;
const headSize = 4 + 1 + 4 + 64;
const payloadSize = 1024;
const quorum = 3;
/** A vote log is preallocated, so that fdatasync need not write the file's length too. */
const logSize = 4 * 1024 * 1024;
const recordSize = 256;

type Peer = { readonly index: number; readonly publicKey: Buffer; socket?: TLSSocket };
type Round = { notarizes: number; finalizes: number; digest: Buffer | undefined; waiting: Waiting[]; final: boolean };
type Waiting = { readonly from: number; readonly kind: number; readonly signature: Uint8Array };

let self = -1;
let secretKey: Buffer;
let logFile = -1;
let logOffset = 0;
let identity: { certificate: string; privateKey: string };
const peers: Peer[] = [];
const rounds = new Map<number, Round>();
let round = 0;
let roundsLast = 0;
let doneCount = 0;
let startedAt = 0;
let latenciesMs: number[] = [];
const payload = Buffer.alloc(payloadSize, 7);

process.on("message", (order: PeerOrder) => {
  if (order.kind === "setup") setUp(order);
  else if (order.kind === "connect") connectTo(order.ports);
  else {
    latenciesMs = [];
    roundsLast = round + order.roundsCount;
    propose();
  }
});
process.on("disconnect", () => process.exit(0));

function report(message: PeerReport): void {
  process.send!(message);
}

function setUp({ index, seeds, file }: PeerSetup): void {
  installNativeCrypto();
  self = index;
  seeds.forEach((seed, position) => {
    const publicKey = Buffer.alloc(32);
    const secret = Buffer.alloc(64);
    sodium.crypto_sign_seed_keypair(publicKey, secret, Buffer.from(seed));
    peers.push({ index: position, publicKey });
    if (position === index) secretKey = secret;
  });
  logFile = openSync(file, "w");
  writeSync(logFile, Buffer.alloc(logSize));
  fdatasyncSync(logFile);
  identity = createTransportIdentity(seeds[index] as SecretSeed);
  const server = createServer({ ...tlsOptions(), requestCert: true, rejectUnauthorized: false }, (socket) =>
    receive(socket, undefined),
  );
  server.listen(0, "127.0.0.1", () => report({ kind: "listening", port: (server.address() as { port: number }).port }));
}

function tlsOptions(): { cert: string; key: string; minVersion: "TLSv1.3" } {
  return { cert: identity.certificate, key: identity.privateKey, minVersion: "TLSv1.3" };
}

/** Everybody dials those after it, so there is one connection per pair. */
function connectTo(ports: readonly number[]): void {
  for (const [index, port] of ports.entries()) {
    if (index <= self) continue;
    const socket = connect({ ...tlsOptions(), port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      receive(socket, peers[index]);
      socket.write(frame(frames.hello, self, undefined));
    });
  }
}

function receive(socket: TLSSocket, peer: Peer | undefined): void {
  let from = peer;
  let rest: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on("error", () => process.exit(1));
  if (from !== undefined) admit(from, socket);
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (headSize <= rest.length) {
      const size = rest.readUInt32LE();
      if (rest.length < size) return;
      const message = rest.subarray(0, size);
      rest = rest.subarray(size);
      if (from === undefined) admit((from = peers[message.readUInt32LE(5)]!), socket);
      else take(from, message);
    }
  });
}

function admit(peer: Peer, socket: TLSSocket): void {
  peer.socket = socket;
  const count = peers.filter((other) => other.socket !== undefined).length;
  if (count === peers.length - 1) report({ kind: "connected" });
}

function frame(kind: number, number: number, signature: Uint8Array | undefined, body?: Uint8Array): Buffer {
  const size = headSize + (body?.length ?? 0);
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(size, 0);
  bytes[4] = kind;
  bytes.writeUInt32LE(number, 5);
  if (signature !== undefined) bytes.set(signature, 9);
  if (body !== undefined) bytes.set(body, headSize);
  return bytes;
}

function broadcast(message: Buffer): void {
  for (const peer of peers) peer.socket?.write(message);
}

/** What a vote of a kind signs in a round: as many bytes as the protocol's own. */
function signBytes(kind: number, number: number, digest: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + 1 + 32 + 4 + 8 + 32);
  bytes[5] = kind;
  bytes.writeUInt32LE(number, 42);
  bytes.set(digest, 50);
  return bytes;
}

function sign(kind: number, number: number, digest: Uint8Array): Buffer {
  const signature = Buffer.alloc(64);
  sodium.crypto_sign_detached(signature, signBytes(kind, number, digest), secretKey);
  return signature;
}

function verify(peer: Peer, kind: number, number: number, digest: Uint8Array, signature: Uint8Array): void {
  const valid = sodium.crypto_sign_verify_detached(signature, signBytes(kind, number, digest), peer.publicKey);
  if (valid !== true) throw new Error(`a signature of process ${peer.index} in round ${number} does not verify`);
}

function persist(signature: Uint8Array): void {
  const record = Buffer.alloc(recordSize);
  record.set(signature);
  writeSync(logFile, record, 0, recordSize, logOffset);
  logOffset = (logOffset + recordSize) % logSize;
  fdatasyncSync(logFile);
}

function roundOf(number: number): Round {
  let found = rounds.get(number);
  if (found === undefined) {
    found = { notarizes: 0, finalizes: 0, digest: undefined, waiting: [], final: false };
    rounds.set(number, found);
    rounds.delete(number - 8);
  }
  return found;
}

function propose(): void {
  round++;
  doneCount = 0;
  payload.writeUInt32LE(round);
  startedAt = performance.now();
  const digest = createHash("sha256").update(payload).digest();
  const signature = sign(frames.proposal, round, digest);
  const state = roundOf(round);
  state.digest = digest;
  const vote = castVote(frames.notarize, round, state);
  const proposal = frame(frames.proposal, round, signature, payload);
  for (const peer of peers) peer.socket?.write(Buffer.concat([proposal, vote]));
}

/** Counts one's own vote, has it on disk, and returns its frame. */
function castVote(kind: number, number: number, state: Round): Buffer {
  const signature = sign(kind, number, state.digest!);
  persist(signature);
  if (kind === frames.notarize) state.notarizes++;
  else state.finalizes++;
  return frame(kind, number, signature);
}

function take(from: Peer, message: Buffer): void {
  const kind = message[4]!;
  const number = message.readUInt32LE(5);
  if (kind === frames.done) return takeDone(number);
  const signature = message.subarray(9, headSize);
  const state = roundOf(number);
  if (kind === frames.proposal) {
    state.digest = createHash("sha256").update(message.subarray(headSize)).digest();
    verify(from, kind, number, state.digest, signature);
    broadcast(castVote(frames.notarize, number, state));
    for (const vote of state.waiting) takeVote(number, state, vote);
  } else {
    const vote = { from: from.index, kind, signature };
    if (state.digest === undefined) state.waiting.push(vote);
    else takeVote(number, state, vote);
  }
}

/** Votes beyond a quorum are not verified: nothing needs them. */
function takeVote(number: number, state: Round, { from, kind, signature }: Waiting): void {
  if (kind === frames.notarize) {
    if (quorum <= state.notarizes) return;
    verify(peers[from]!, kind, number, state.digest!, signature);
    state.notarizes++;
    if (state.notarizes === quorum) broadcast(castVote(frames.finalize, number, state));
  } else {
    if (quorum <= state.finalizes) return;
    verify(peers[from]!, kind, number, state.digest!, signature);
    state.finalizes++;
  }
  if (quorum <= state.notarizes && quorum <= state.finalizes && !state.final) finish(number, state);
}

function finish(number: number, state: Round): void {
  state.final = true;
  if (self !== 0) return void peers[0]!.socket!.write(frame(frames.done, number, undefined));
  latenciesMs.push(performance.now() - startedAt);
  takeDone(number);
}

/** The next round starts when all four have finished this one, so that no round pays for the one before it. */
function takeDone(number: number): void {
  if (number !== round) return;
  doneCount++;
  if (doneCount < peers.length) return;
  if (round < roundsLast) setImmediate(propose);
  else report({ kind: "latencies", latenciesMs });
}
