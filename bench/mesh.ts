/**
 * How long a vote takes to a validator and back while as much data as fits flows the same way: on its own connection, as it
 * is, and on the connection of the data, as it would be if there were one. Both in one run, over loopback and over a link of
 * 100 Mbit/s that all connections share, made by a relay in user space. The two validators are threads with a mesh each.
 *
 * `npm run bench -- bench/mesh.ts`
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { activeEd25519 } from "@stoa/base/active-signature";
import { zeroDigest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import type { MeshMessage } from "@stoa/node/network/channels";
import { startMesh, type Mesh } from "@stoa/node/network/mesh";
import { createTokenBucket, type TokenBucket } from "@stoa/node/network/token-bucket";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { median, percentile, withSpread } from "./statistics.ts";

const host = "127.0.0.1";
const runsCount = 5;
const pingsCount = 30;
const pauseMs = 5;
/** Data that waits or is under way at any moment. */
const backlogSize = 4 * 1024 * 1024;
const batchSize = 128 * 1024;
const linkBytesPerSecond = 100_000_000 / 8;

const seedOf = (index: number): SecretSeed => new Uint8Array(32).fill(index + 1) as SecretSeed;
const peer = (index: number): ValidatorIndex => index as ValidatorIndex;

/** A small frame of each channel, with a number to know it by. */
const voteOf = (number: number): MeshMessage => ({
  kind: "consensus",
  message: {
    kind: "vote",
    vote: { kind: "nullify", epoch: 0, view: number as View, signer: peer(0), signature: new Uint8Array(64) },
  },
});
const commandOf = (number: number): MeshMessage => ({
  kind: "commands",
  commands: [new Uint8Array(120).fill(number & 255)],
});
const batch: MeshMessage = { kind: "commands", commands: [new Uint8Array(60_000), new Uint8Array(60_000)] };
const isSmall = (message: MeshMessage): boolean => message.kind !== "commands" || message.commands.length === 1;

function openMesh(self: number, onMessage: (message: MeshMessage) => void, onPeer: () => void): Promise<Mesh> {
  installNativeCrypto();
  return startMesh({
    chainId: zeroDigest,
    keys: [0, 1].map((index) => activeEd25519.publicKey(seedOf(index))),
    self: peer(self),
    seed: seedOf(self),
    session: 1,
    listen: { host, port: 0 },
    onMessage: (_from, message) => onMessage(message),
    onPeer,
    onFenced: () => undefined,
    report: (fact) => console.error(fact),
  });
}

// ---- the validator that answers

async function answer(): Promise<void> {
  const mesh = await openMesh(
    1,
    (message) => {
      // What is small is sent back as it came; of data only the arrival is told, on the connection of votes.
      mesh.send(peer(0), isSmall(message) ? message : voteOf(0));
      mesh.flush();
    },
    () => undefined,
  );
  parentPort!.postMessage(mesh.port);
  parentPort!.once("message", () => void mesh.stop());
}

// ---- the link

/** Passes bytes on in both directions, at one rate for all connections together. */
async function openLink(port: number, bucket: TokenBucket): Promise<Server> {
  const pass = (from: Socket, to: Socket): void => {
    from.on("error", () => undefined);
    from.on("close", () => to.destroy());
    from.on("data", (chunk: Buffer) => {
      const waitMs = bucket.spend(chunk.length, performance.now());
      from.pause();
      setTimeout(() => {
        to.write(chunk);
        from.resume();
      }, waitMs);
    });
  };
  const server = createServer({ noDelay: true, highWaterMark: 16 * 1024 }, (near) => {
    const far = connect({ host, port, noDelay: true });
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, host);
  await once(server, "listening");
  return server;
}

// ---- the validator that measures

type Way = "own" | "shared";

async function measure(port: number): Promise<Record<"idle" | Way, number[]>> {
  const ready = Promise.withResolvers<void>();
  let underWay = 0;
  let pong: (() => void) | undefined;
  const mesh = await openMesh(
    0,
    (message) => {
      const isArrival =
        message.kind === "consensus" && message.message.kind === "vote" && message.message.vote.view === 0;
      if (!isArrival) return pong?.();
      underWay -= batchSize;
      if (isStreaming) fill();
    },
    ready.resolve,
  );
  let isStreaming = false;
  const fill = (): void => {
    for (; underWay < backlogSize; underWay += batchSize) mesh.send(peer(1), batch);
    mesh.flush();
  };
  mesh.setAddress(peer(1), { host, port });
  await ready.promise;
  await delay(200);
  let number = 0;
  const ping = async (way: Way): Promise<number> => {
    const back = new Promise<void>((resolve) => (pong = resolve));
    const startMs = performance.now();
    mesh.send(peer(1), way === "own" ? voteOf(++number) : commandOf(++number));
    mesh.flush();
    await back;
    return performance.now() - startMs;
  };
  /** One after another, each way in turn. */
  const pings = async (ways: readonly Way[]): Promise<number[][]> => {
    const times: number[][] = ways.map(() => []);
    for (let count = 0; count < pingsCount; count++) {
      for (const [index, way] of ways.entries()) times[index]!.push(await ping(way));
      await delay(pauseMs);
    }
    return times;
  };
  await pings(["own"]);
  const [idle] = await pings(["own"]);
  isStreaming = true;
  fill();
  await delay(200);
  const [own, shared] = await pings(["own", "shared"]);
  isStreaming = false;
  await mesh.stop();
  return { idle: idle!, own: own!, shared: shared! };
}

async function main(): Promise<void> {
  for (const [name, rate] of [
    ["loopback", Infinity],
    ["a link of 100 Mbit/s", linkBytesPerSecond],
  ] as const) {
    const idle: number[] = [];
    const own: number[] = [];
    const ratio: number[] = [];
    const tail: number[] = [];
    for (let run = 0; run < runsCount; run++) {
      const worker = new Worker(new URL(import.meta.url), { workerData: "answer" });
      const [port] = (await once(worker, "message")) as [number];
      const bucket = createTokenBucket(
        { perSecond: rate, burst: rate === Infinity ? rate : rate / 100 },
        performance.now(),
      );
      const link = rate === Infinity ? undefined : await openLink(port, bucket);
      const times = await measure(link === undefined ? port : (link.address() as { port: number }).port);
      worker.postMessage("stop");
      link?.close();
      await once(worker, "exit");
      idle.push(median(times.idle));
      own.push(median(times.own));
      ratio.push(median(times.shared) / median(times.own));
      tail.push(percentile(times.shared, 0.99) / percentile(times.own, 0.99));
    }
    console.log(
      `${name}: a vote to a validator and back takes ${withSpread(idle)} ms while nothing else flows, ${withSpread(own)} ms beside a ` +
        `saturating stream on another connection; on the same one ${withSpread(ratio, 1)} times as long (p99 ${withSpread(tail, 1)})`,
    );
  }
}

if (isMainThread || workerData !== "answer") await main();
else await answer();
