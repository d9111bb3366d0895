/**
 * The throughput ceiling: how many ed25519 signatures this machine checks. Every node verifies every signature of a final
 * block itself, so with all nodes on one machine no engine can do more commands per second than
 *
 *   checks per second and core * cores / nodes that verify.
 *
 * Two such rates: libsodium's, one signature at a time, which goals are held to, and that of the node's batch verifier, by
 * the size of the batch and by how many keys have signed it, as a multiple of libsodium's in the same moment.
 *
 * `npm run bench -- bench/signatures.ts`, or import {@link measureSignatures} and {@link measureBatches}.
 */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import sodium from "sodium-native";
import { activeEd25519 } from "@stoa/base/active-signature";
import type { PublicKey, Signature } from "@stoa/base/signature";
import { createBatchVerifier, type BatchVerifier } from "@stoa/node/batch-verifier/batch-verifier";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { median, withSpread } from "./statistics.ts";

export type Signatures = {
  readonly coresCount: number;
  /** Checks per second on one thread with nothing beside it: one figure per run. */
  readonly perCore: readonly number[];
  /** The same through the node's own rule, which decides again what libsodium refuses. */
  readonly perCoreByRule: readonly number[];
  /** The same by the batch verifier, in batches of {@link batchSize}. */
  readonly perCoreInBatches: readonly number[];
  /** Checks per second of all cores at once, by one thread each, one by one. */
  readonly allCores: readonly number[];
};

/** By batch size: how many times libsodium's rate, one figure per run. */
export type BatchRatios = {
  readonly distribution: string;
  readonly ratios: ReadonlyMap<number, readonly number[]>;
};

/** About the size of a signed single-order command's sign bytes. */
const messageSize = 200;
const keysCount = 1024;
/** What a signature worker takes at once when there is much to do. */
const batchSize = 128;
const forgedCounts = [0, 1, 4, 16, 128];
const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

type Sample = { readonly message: Buffer; readonly signature: Buffer; readonly key: Buffer };

/** Takes about `4 * runsCount * runMs`. Runs of the four kinds alternate, because a shared machine changes its speed. */
export async function measureSignatures({ runsCount = 5, runMs = 700 } = {}): Promise<Signatures> {
  installNativeCrypto();
  const samples = createSamples();
  const coresCount = availableParallelism();
  const perCore: number[] = [];
  const perCoreByRule: number[] = [];
  const perCoreInBatches: number[] = [];
  const allCores: number[] = [];
  const verifier = createBatchVerifier();
  const workers = Array.from(
    { length: coresCount },
    () => new Worker(new URL(import.meta.url), { workerData: { runMs } }),
  );
  try {
    await Promise.all(workers.map(nextMessage));
    checksPerSecond(samples, checkBySodium, runMs / 2);
    batchChecksPerSecond(verifier, cycle(samples), { batchSize, runMs: runMs / 2 });
    for (let run = 0; run < runsCount; run++) {
      perCore.push(checksPerSecond(samples, checkBySodium, runMs));
      perCoreByRule.push(checksPerSecond(samples, checkByRule, runMs));
      perCoreInBatches.push(batchChecksPerSecond(verifier, cycle(samples), { batchSize, runMs }));
      const answers = workers.map(nextMessage);
      for (const worker of workers) worker.postMessage("run");
      allCores.push((await Promise.all(answers)).reduce((sum, rate) => sum + rate, 0));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return { coresCount, perCore, perCoreByRule, perCoreInBatches, allCores };
}

/** Commands of one signature each per second that `nodesCount` nodes on this machine could verify, and do nothing else. */
export function signatureCeiling({ perCore, coresCount }: Signatures, nodesCount: number): number {
  return (median(perCore) * coresCount) / nodesCount;
}

/** The same bound for nodes that check in batches. */
export function batchCeiling({ perCoreInBatches, coresCount }: Signatures, nodesCount: number): number {
  return (median(perCoreInBatches) * coresCount) / nodesCount;
}

/**
 * The batch verifier beside libsodium, turn by turn, on one thread. Keys that were never seen are the worst case: nothing is
 * remembered of them, and none comes twice.
 */
export function measureBatches({ runsCount = 7, runMs = 60 } = {}): BatchRatios[] {
  installNativeCrypto();
  const verifier = createBatchVerifier();
  if (!verifier.isBatching) throw new Error("this machine checks one by one: it cannot run the batch verifier");
  const samples = createSamples();
  const distributions = [
    { distribution: "every key new", next: unseen() },
    { distribution: "1,024 keys in turn", next: cycle(samples) },
    { distribution: "8 keys in turn", next: cycle(createSamples(keysCount, 8)) },
  ];
  return distributions.map(({ distribution, next }) => {
    batchChecksPerSecond(verifier, next, { batchSize, runMs: 5 * runMs });
    const ratios = new Map<number, number[]>(batchSizes.map((size) => [size, []]));
    for (let run = 0; run < runsCount; run++)
      for (const size of batchSizes) {
        const before = checksPerSecond(samples, checkBySodium, runMs / 2);
        const inBatches = batchChecksPerSecond(verifier, next, { batchSize: size, runMs });
        const after = checksPerSecond(samples, checkBySodium, runMs / 2);
        ratios.get(size)!.push((2 * inBatches) / (before + after));
      }
    return { distribution, ratios };
  });
}

/** Forged ones among a full batch: what a sender of rubbish can do to the rate. Ratios as above, by how many are forged. */
export function measureForged({ runsCount = 7, runMs = 60 } = {}): ReadonlyMap<number, readonly number[]> {
  installNativeCrypto();
  const verifier = createBatchVerifier();
  const samples = createSamples();
  const ratios = new Map<number, number[]>(forgedCounts.map((count) => [count, []]));
  for (let run = 0; run < runsCount; run++)
    for (const forgedCount of forgedCounts) {
      const tried = samples.map((sample, index) =>
        (index * forgedCount) % batchSize < forgedCount ? withOtherMessage(sample) : sample,
      );
      const before = checksPerSecond(samples, checkBySodium, runMs / 2);
      const inBatches = batchChecksPerSecond(verifier, cycle(tried), { batchSize, runMs, forgedCount });
      const after = checksPerSecond(samples, checkBySodium, runMs / 2);
      ratios.get(forgedCount)!.push((2 * inBatches) / (before + after));
    }
  return ratios;
}

function withOtherMessage(sample: Sample): Sample {
  return { ...sample, message: randomBytes(messageSize) };
}

function createSamples(samplesCount = keysCount, signersCount = samplesCount): Sample[] {
  const signers = Array.from({ length: signersCount }, () => {
    const key = Buffer.alloc(32);
    const secret = Buffer.alloc(64);
    sodium.crypto_sign_seed_keypair(key, secret, randomBytes(32));
    return { key, secret };
  });
  return Array.from({ length: samplesCount }, (_, index) => {
    const { key, secret } = signers[index % signersCount]!;
    const signature = Buffer.alloc(64);
    const message = randomBytes(messageSize);
    sodium.crypto_sign_detached(signature, message, secret);
    return { message, signature, key };
  });
}

type NextBatch = (count: number) => Sample[];

function cycle(samples: readonly Sample[]): NextBatch {
  let taken = 0;
  return (count) => Array.from({ length: count }, () => samples[taken++ % samples.length]!);
}

/** Makes each sample when it is asked for; the time of that is not counted. */
function unseen(): NextBatch {
  return (count) => createSamples(count);
}

function batchChecksPerSecond(
  verifier: BatchVerifier,
  next: NextBatch,
  options: { readonly batchSize: number; readonly runMs: number; readonly forgedCount?: number },
): number {
  const { batchSize: size, runMs, forgedCount = 0 } = options;
  let count = 0;
  let elapsedMs = 0;
  while (elapsedMs < runMs) {
    const batch = next(size);
    const start = performance.now();
    const verdicts = verifier.verify(batch);
    elapsedMs += performance.now() - start;
    const refusedCount = verdicts.reduce((sum, verdict) => sum + 1 - verdict, 0);
    if (refusedCount !== forgedCount) throw new Error(`${forgedCount} of a batch were forged, ${refusedCount} refused`);
    count += size;
  }
  return (count * 1000) / elapsedMs;
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
  const { perCore, perCoreByRule, perCoreInBatches, allCores, coresCount } = signatures;
  return [
    `ed25519 checks per second, ${messageSize}-byte messages, ${keysCount} keys, median of ${perCore.length} runs [range]`,
    `  one core, libsodium        ${withSpread(perCore, 0)}`,
    `  one core, the node's rule  ${withSpread(perCoreByRule, 0)}`,
    `  one core, batches of ${batchSize}  ${withSpread(perCoreInBatches, 0)}`,
    `  ${coresCount} cores at once            ${withSpread(allCores, 0)}`,
    `  ceiling for 4 nodes here   ${Math.round(signatureCeiling(signatures, 4)).toLocaleString("en-GB")} commands per second`,
    `  the same in batches        ${Math.round(batchCeiling(signatures, 4)).toLocaleString("en-GB")} commands per second`,
  ].join("\n");
}

/** A table of ratios: sizes down, distributions of keys across. */
export function describeBatches(batches: readonly BatchRatios[]): string {
  const rows = batchSizes.map((size) =>
    [String(size).padStart(6), ...batches.map(({ ratios }) => withSpread(ratios.get(size)!).padStart(22))].join(""),
  );
  return [
    "the batch verifier over libsodium one by one, one thread, the two alternating: times as fast, median [range]",
    ["  size", ...batches.map(({ distribution }) => distribution.padStart(22))].join(""),
    ...rows,
  ].join("\n");
}

export function describeForged(ratios: ReadonlyMap<number, readonly number[]>): string {
  return [
    `the same with forged ones among ${batchSize}, beside libsodium on good ones`,
    ...[...ratios].map(([count, runs]) => `${String(count).padStart(6)}${withSpread(runs).padStart(22)}`),
  ].join("\n");
}

if (!isMainThread) runWorker((workerData as { runMs: number }).runMs);
else if (import.meta.main) {
  console.log(describeSignatures(await measureSignatures()));
  console.log(describeBatches(measureBatches()));
  console.log(describeForged(measureForged()));
}
