/**
 * A validator: one process with a thread for consensus, one for execution, and workers for signatures. This thread keeps what
 * is neither: the door, the metrics, the log and the price source. Everything that goes wrong before the start is thrown;
 * after it, `failure` resolves and the threads have ended.
 */
import { MessageChannel, type Worker } from "node:worker_threads";
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { encodeGenesis } from "@stoa/protocol/genesis";
import type { AdmissionRefusal, NodeStatus } from "@stoa/protocol/door";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { checkValidatorConfig, storageDefaults, type ValidatorConfig } from "./config.ts";
import type { ConsensusThreadData } from "./consensus-thread.ts";
import { openDoor } from "./door.ts";
import type { ExecutionThreadData } from "./execution-thread.ts";
import { NodeError, errorFromData, errorToData } from "./failure.ts";
import { silentLog, type Logger } from "./log.ts";
import { createNodeMetrics, serveMetrics } from "./metrics.ts";
import { installNativeCrypto } from "./native-crypto.ts";
import type { Address } from "./network/mesh.ts";
import { startPriceFeed } from "./price-feed.ts";
import type { ListedExpiry, PriceSource } from "./price-source.ts";
import { lockFolder } from "./storage/folder-lock.ts";
import type {
  ConsensusProgress,
  ConsensusToMain,
  ExecutionToMain,
  MainToConsensus,
  MainToExecution,
  ReceiptAnswer,
  SubmittedCommand,
} from "./thread-message.ts";
import { startThread } from "./worker-thread.ts";

export interface ValidatorOptions {
  readonly priceSource?: PriceSource;
  /** Nothing is logged without one. */
  readonly log?: Logger;
}

export interface ValidatorNode {
  readonly index: ValidatorIndex;
  readonly meshPort: number;
  readonly doorPort: number;
  readonly metricsPort: number;
  /** Where to find a validator of this mesh; for addresses that were not known at the start. */
  readonly setPeer: (index: number, address: Address) => void;
  readonly status: () => NodeStatus;
  /** Resolves when the node has stopped taking part; never when it was told to stop. */
  readonly failure: Promise<NodeError>;
  /** Ends all threads after what they have begun is on disk. */
  readonly stop: () => Promise<void>;
}

const consensusHeapMbMax = 512;

export async function startValidator(config: ValidatorConfig, options: ValidatorOptions = {}): Promise<ValidatorNode> {
  installNativeCrypto();
  const index = checkValidatorConfig(config);
  const { genesis } = config;
  const name = genesis.validators[index]!.name;
  const log = options.log ?? silentLog();
  const lock = lockFolder(config.dataFolder);
  const metrics = createNodeMetrics();
  const genesisBytes = encodeGenesis(genesis);
  const started = Promise.withResolvers<{ meshPort: number }>();
  const failed = Promise.withResolvers<NodeError>();
  // A caller that does not look at a promise must not end the process.
  started.promise.catch(() => undefined);

  let phase: "starting" | "running" | "ended" = "starting";
  let progress: ConsensusProgress | undefined;
  let height = 0;
  let executedHeight = 0;
  let commandsTotal = 0;
  let tradesTotal = 0;
  let nullifiedBefore = 0;
  let expiries: readonly ListedExpiry[] = [];
  let haltedFact: string | undefined;
  let consensus: Worker | undefined;
  let execution: Worker | undefined;

  const status = (): NodeStatus => ({
    name,
    validator: index,
    view: (progress?.view ?? 0) as NodeStatus["view"],
    height: height as NodeStatus["height"],
    executedHeight: executedHeight as NodeStatus["executedHeight"],
    mempoolCount: progress?.mempoolCount ?? 0,
    peersConnected: progress?.peersConnected ?? 0,
    commandsTotal,
    tradesTotal,
    halted: haltedFact?.slice(0, 250),
  });

  const toConsensus = (message: MainToConsensus): void => consensus?.postMessage(message);
  const toExecution = (message: MainToExecution): void => execution?.postMessage(message);
  const submits = createSubmits(toConsensus);
  const reads = createRequests<Extract<ExecutionToMain, { kind: "read" }>>();
  const receipts = createRequests<ReceiptAnswer>();

  const fail = (error: NodeError): void => {
    if (phase === "ended") return;
    const wasStarting = phase === "starting";
    phase = "ended";
    haltedFact = error.message;
    metrics.halted.set(1);
    log.fatal({ code: error.code, file: error.file, offset: error.offset }, error.message);
    void end().then(() => (wasStarting ? started.reject(error) : failed.resolve(error)));
  };

  const closing: (() => unknown)[] = [lock.release];
  const end = async (): Promise<void> => {
    await Promise.allSettled([consensus?.terminate(), execution?.terminate()]);
    await Promise.allSettled(closing.map(async (close) => close()));
  };

  const onConsensus = (message: ConsensusToMain): void => {
    switch (message.kind) {
      case "started":
        return started.resolve({ meshPort: message.meshPort });
      case "submitted":
        for (const { id, refusal } of message.answers) submits.answered(id, refusal);
        return;
      case "final":
        height = message.height;
        metrics.height.set(height);
        metrics.finality.observe(Math.max(0, Date.now() - message.timeMs) / 1000);
        return door.publish(message.height, message.encoded);
      case "progress":
        progress = message.progress;
        metrics.view.set(progress.view);
        metrics.mempoolCommands.set(progress.mempoolCount);
        metrics.peers.set(progress.peersConnected);
        metrics.doorConnections.set(door.connectionsCount());
        metrics.nullifiedViews.inc(progress.nullifiedViews - nullifiedBefore);
        nullifiedBefore = progress.nullifiedViews;
        for (const durationMs of progress.persistMs) metrics.persist.observe(durationMs / 1000);
        return;
      case "report":
        return log[message.level](message.fact);
      case "failed":
        return fail(errorFromData(message.error));
    }
  };

  const onExecution = (message: ExecutionToMain): void => {
    switch (message.kind) {
      case "recovered":
        height = Math.max(height, message.height);
        return log.info({ height: message.height }, "stored chain executed");
      case "executed":
        executedHeight = message.height;
        commandsTotal += message.commandsCount;
        tradesTotal += message.tradesCount;
        expiries = message.expiries ?? expiries;
        metrics.executedHeight.set(message.height);
        metrics.commands.inc(message.commandsCount);
        metrics.trades.inc(message.tradesCount);
        metrics.execution.observe(message.durationMs / 1000);
        return;
      case "read":
        return reads.answered(message.id, message);
      case "receipt":
        return receipts.answered(message.id, message.answer);
      case "report":
        return log[message.level](message.fact);
      case "failed":
        return fail(errorFromData(message.error));
    }
  };

  const door = await openDoor(config.door, {
    genesis: genesisBytes,
    submit: submits.put,
    status,
    receipt: (digest: Digest, answer) => toExecution({ kind: "receipt", id: receipts.open(answer), digest }),
    readBlocks: (from, countMax) =>
      new Promise((resolve) => toExecution({ kind: "read", id: reads.open(resolve), from, countMax })),
    report: (fact) => log.warn(fact),
  }).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  closing.push(door.stop);
  const metricsServer = await serveMetrics(metrics.registry, config.metrics).catch(async (error: unknown) => {
    phase = "ended";
    await end();
    throw error;
  });
  closing.push(metricsServer.stop);

  const channel = new MessageChannel();
  const executionData: ExecutionThreadData = {
    genesis: genesisBytes,
    folder: config.dataFolder,
    storage: { ...storageDefaults, ...config.storage },
    consensus: channel.port1,
  };
  const consensusData: ConsensusThreadData = {
    genesis: genesisBytes,
    seed: config.seed,
    self: index,
    folder: config.dataFolder,
    mesh: config.mesh,
    peers: config.peers,
    initialTimeoutMs: config.initialTimeoutMs ?? 150,
    signatureWorkersCount: config.signatureWorkersCount ?? 1,
    execution: channel.port2,
  };
  execution = startThread("execution-thread", executionData, { transferList: [channel.port1] });
  consensus = startThread("consensus-thread", consensusData, {
    transferList: [channel.port2],
    heapMbMax: consensusHeapMbMax,
  });
  execution.on("message", onExecution);
  consensus.on("message", onConsensus);
  for (const [thread, worker] of Object.entries({ consensus, execution })) {
    worker.on("error", (error) => fail(errorFromData(errorToData(error))));
    worker.on("exit", (code) => fail(new NodeError("thread-died", `the ${thread} thread ended with code ${code}`)));
  }

  const { meshPort } = await started.promise;
  phase = "running";
  log.info({ validator: index, mesh: meshPort, door: door.port, metrics: metricsServer.port }, "validator started");
  if (options.priceSource !== undefined) {
    const feed = startPriceFeed({
      genesis,
      seed: config.seed,
      source: options.priceSource,
      intervalMs: config.priceIntervalMs ?? 500,
      expiries: () => expiries,
      submit: (encoded) => submits.put(encoded, false, () => undefined),
      report: (fact) => log.warn(fact),
    });
    closing.push(feed.stop);
  }

  return {
    index,
    meshPort,
    doorPort: door.port,
    metricsPort: metricsServer.port,
    setPeer: (peer, address) => toConsensus({ kind: "address", peer, address }),
    status,
    failure: failed.promise,
    async stop() {
      if (phase === "ended") return;
      phase = "ended";
      const ended = [consensus, execution].map((worker) => new Promise((resolve) => worker!.once("exit", resolve)));
      toConsensus({ kind: "stop" });
      toExecution({ kind: "stop" });
      const deadline = new Promise((resolve) => setTimeout(resolve, 5_000).unref());
      await Promise.race([Promise.all(ended), deadline]);
      await end();
      log.info("validator stopped");
    },
  };
}

/** Requests to a thread by number, each answered once. */
function createRequests<T>() {
  const open = new Map<number, (answer: T) => void>();
  let next = 1;
  return {
    open(answer: (value: T) => void): number {
      open.set(next, answer);
      return next++;
    },
    answered(id: number, value: T): void {
      const answer = open.get(id);
      open.delete(id);
      answer?.(value);
    },
  };
}

/** Submitted commands cross to the consensus thread together with the others of the same turn. */
function createSubmits(toConsensus: (message: MainToConsensus) => void) {
  const requests = createRequests<AdmissionRefusal>();
  let batch: SubmittedCommand[] = [];
  return {
    put(encoded: Uint8Array, toAll: boolean, answer: (refusal: AdmissionRefusal) => void): void {
      // Of its own buffer: a view would be copied with all that surrounds it.
      if (batch.push({ id: requests.open(answer), encoded: Uint8Array.from(encoded), toAll }) > 1) return;
      setImmediate(() => {
        const commands = batch;
        batch = [];
        toConsensus({ kind: "submit", commands });
      });
    },
    answered: requests.answered,
  };
}

/** The place of a key among the validators of genesis; `undefined` when it is none of them. */
export function validatorIndexOf(
  genesis: ValidatorConfig["genesis"],
  seed: ValidatorConfig["seed"],
): number | undefined {
  const key = activeEd25519.publicKey(seed);
  const index = genesis.validators.findIndex((one) => equalBytes(one.key, key));
  return index < 0 ? undefined : index;
}
