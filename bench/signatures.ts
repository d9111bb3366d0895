/**
 * The throughput ceiling: how many ed25519 signatures this machine checks. Every node verifies every signature of a final
 * block itself, so with all nodes on one machine no engine can do more commands per second than
 *
 *   checks per second and core * cores / nodes that verify.
 *
 * `npm run bench -- bench/signatures.ts`, or import {@link measureSignatures}.
 */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import sodium from "sodium-native";
import { activeEd25519 } from "@stoa/base/active-signature";
import type { PublicKey, Signature } from "@stoa/base/signature";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { median, withSpread } from "./statistics.ts";

export type Signatures = {
  readonly coresCount: number;
  /** Checks per second on one thread with nothing beside it: one figure per run. */
  readonly perCore: readonly number[];
  /** The same through the node's own rule, which decides again what libsodium refuses. */
  readonly perCoreByRule: readonly number[];
  /** Checks per second of all cores at once, by one thread each. */
  readonly allCores: readonly number[];
};

/** About the size of a signed single-order command's sign bytes. */
const messageSize = 200;
const keysCount = 1024;

type Sample = { readonly message: Buffer; readonly signature: Buffer; readonly key: Buffer };

/** Takes about `3 * runsCount * runMs`. Runs of the three kinds alternate, because a shared machine changes its speed. */
export async function measureSignatures({ runsCount = 5, runMs = 700 } = {}): Promise<Signatures> {
  installNativeCrypto();
  const samples = createSamples();
  const coresCount = availableParallelism();
  const perCore: number[] = [];
  const perCoreByRule: number[] = [];
  const allCores: number[] = [];
  const workers = Array.from(
    { length: coresCount },
    () => new Worker(new URL(import.meta.url), { workerData: { runMs } }),
  );
  try {
    await Promise.all(workers.map(nextMessage));
    checksPerSecond(samples, checkBySodium, runMs / 2);
    for (let run = 0; run < runsCount; run++) {
      perCore.push(checksPerSecond(samples, checkBySodium, runMs));
      perCoreByRule.push(checksPerSecond(samples, checkByRule, runMs));
      const answers = workers.map(nextMessage);
      for (const worker of workers) worker.postMessage("run");
      allCores.push((await Promise.all(answers)).reduce((sum, rate) => sum + rate, 0));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return { coresCount, perCore, perCoreByRule, allCores };
}

/** Commands of one signature each per second that `nodesCount` nodes on this machine could verify, and do nothing else. */
export function signatureCeiling({ perCore, coresCount }: Signatures, nodesCount: number): number {
  return (median(perCore) * coresCount) / nodesCount;
}

function createSamples(): Sample[] {
  return Array.from({ length: keysCount }, () => {
    const key = Buffer.alloc(32);
    const secret = Buffer.alloc(64);
    const signature = Buffer.alloc(64);
    const message = randomBytes(messageSize);
    sodium.crypto_sign_seed_keypair(key, secret, randomBytes(32));
    sodium.crypto_sign_detached(signature, message, secret);
    return { message, signature, key };
  });
}

function checkBySodium({ signature, message, key }: Sample): boolean {
  return sodium.crypto_sign_verify_detached(signature, message, key) === true;
}

function checkByRule({ signature, message, key }: Sample): boolean {
  return activeEd25519.verify(signature as Uint8Array as Signature, message, key as Uint8Array as PublicKey);
}

function checksPerSecond(samples: readonly Sample[], check: (sample: Sample) => boolean, runMs: number): number {
  const start = performance.now();
  let count = 0;
  let elapsedMs = 0;
  while (elapsedMs < runMs) {
    for (let index = 0; index < 64; index++, count++) {
      if (!check(samples[count % keysCount]!)) throw new Error("a good signature was refused");
    }
    elapsedMs = performance.now() - start;
  }
  return (count * 1000) / elapsedMs;
}

function nextMessage(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function runWorker(runMs: number): void {
  const samples = createSamples();
  checksPerSecond(samples, checkBySodium, 50);
  parentPort!.on("message", () => parentPort!.postMessage(checksPerSecond(samples, checkBySodium, runMs)));
  parentPort!.postMessage(0);
}

/** The measurement as lines to print. */
export function describeSignatures(signatures: Signatures): string {
  const { perCore, perCoreByRule, allCores, coresCount } = signatures;
  return [
    `ed25519 checks per second, ${messageSize}-byte messages, ${keysCount} keys, median of ${perCore.length} runs [range]`,
    `  one core, libsodium        ${withSpread(perCore, 0)}`,
    `  one core, the node's rule  ${withSpread(perCoreByRule, 0)}`,
    `  ${coresCount} cores at once            ${withSpread(allCores, 0)}`,
    `  ceiling for 4 nodes here   ${Math.round(signatureCeiling(signatures, 4)).toLocaleString("en-GB")} commands per second`,
  ].join("\n");
}

if (!isMainThread) runWorker((workerData as { runMs: number }).runMs);
else if (import.meta.main) console.log(describeSignatures(await measureSignatures()));
