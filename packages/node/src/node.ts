/**
 * A validator: one process with a thread for consensus, one for execution, and workers for signatures. This thread keeps what
 * is neither: the door, the metrics, the log and the price source. Everything that goes wrong before the start is thrown;
 * after it, `failure` resolves and the threads have ended.
 */
import type { Divergence } from "@stoa/consensus/effect";
import type { NodeStatus } from "@stoa/protocol/door";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { chainIdOf, encodeGenesis } from "@stoa/protocol/genesis";
import { checkValidatorConfig, type ValidatorConfig } from "./config.ts";
import { createDivergenceAlarm } from "./divergence-alarm.ts";
import { openDoor, type Door } from "./door.ts";
import { createExecutionQuestions, type ExecutionQuestions } from "./execution-questions.ts";
import { createEvidenceRecorder } from "./evidence-file.ts";
import { NodeError, errorFromData, errorToData } from "./failure.ts";
import { collectWhenIdle } from "./idle-collector.ts";
import { silentLog, type Logger } from "./log.ts";
import { createNodeMetrics, serveMetrics } from "./metrics.ts";
import { installNativeCrypto } from "./native-crypto.ts";
import type { Address } from "./network/mesh.ts";
import { createStatusKeeper, type StatusKeeper } from "./node-status.ts";
import { startPriceFeed } from "./price-feed.ts";
import type { PriceSource } from "./price-source.ts";
import { isStateWanted, joinBySnapshot, watchPruning } from "./state-sync.ts";
import { restoreFromFile } from "./snapshot-file.ts";
import { finishInstallation } from "./storage/state-installation.ts";
import { lockFolder } from "./storage/folder-lock.ts";
import type { ConsensusToMain, ExecutionToMain } from "./thread-message.ts";
import { createSubmits, type Submits } from "./thread-request.ts";
import { startThreads, type ValidatorThreads } from "./validator-threads.ts";

export interface ValidatorOptions {
  readonly priceSource?: PriceSource;
  /** Nothing is logged without one. */
  readonly log?: Logger;
  /** Cancels a start that fetches a snapshot: it fails with `start-cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

export interface ValidatorNode {
  readonly index: ValidatorIndex;
  readonly meshPort: number;
  readonly doorPort: number;
  readonly metricsPort: number;
  /** Where to find a validator of this mesh, and its door; for addresses that were not known at the start. */
  readonly setPeer: (index: number, address: Address, door?: Address) => void;
  readonly status: () => NodeStatus;
  /** Resolves when the node has stopped taking part; never when it was told to stop. */
  readonly failure: Promise<NodeError>;
  /** Ends all threads after what they have begun is on disk. */
  readonly stop: () => Promise<void>;
}

/** What the threads' messages are handed to. */
interface Parts {
  readonly log: Logger;
  readonly keeper: StatusKeeper;
  readonly submits: Submits;
  readonly questions: ExecutionQuestions;
  readonly diverged: (divergence: Divergence) => void;
  readonly evidence: ReturnType<typeof createEvidenceRecorder>;
  readonly started: (meshPort: number) => void;
  readonly fail: (error: NodeError) => void;
}

const finishTimeoutMs = 5_000;
const priceIntervalMs = 500;

export async function startValidator(config: ValidatorConfig, options: ValidatorOptions = {}): Promise<ValidatorNode> {
  installNativeCrypto();
  collectWhenIdle();
  const index = checkValidatorConfig(config);
  const { genesis } = config;
  const genesisBytes = encodeGenesis(genesis);
  const log = options.log ?? silentLog();
  const metrics = createNodeMetrics();
  const keeper = createStatusKeeper(metrics, index, genesis.validators);
  const started = Promise.withResolvers<number>();
  const failed = Promise.withResolvers<NodeError>();
  let phase: "starting" | "running" | "ended" = "starting";
  let threads: ValidatorThreads | undefined;
  const submits = createSubmits((message) => threads?.toConsensus(message));
  const questions = createExecutionQuestions((question) => threads?.toExecution(question));
  const doors = [...(config.doors ?? [])];

  /** What was opened, to be closed in the opposite order. */
  const opened: { readonly stop: () => unknown }[] = [];
  const close = async (): Promise<void> => {
    await threads?.terminate();
    for (const one of opened.splice(0).reverse()) await one.stop();
  };
  const fail = (error: NodeError): void => {
    if (phase === "ended") return;
    const wasStarting = phase === "starting";
    phase = "ended";
    keeper.halted(error.message);
    log.fatal({ code: error.code, file: error.file, offset: error.offset }, error.message);
    void close().then(() => (wasStarting ? started.reject(error) : failed.resolve(error)));
  };

  const diverged = createDivergenceAlarm({
    folder: config.dataFolder,
    chainId: chainIdOf(genesis),
    node: genesis.validators[index]!.name,
    doors,
    ownChanges: questions.ownChanges,
    readBlocks: questions.readBlocks,
    distrust: () => threads?.toExecution({ kind: "distrust" }),
    log,
    keeper,
  });

  try {
    opened.push(await enterFolder(config, log, options.signal));
    opened.push(watchPruning({ ...config, doors }, () => keeper.status().height, fail));
    const door = await openDoor(config.door, {
      genesis: genesisBytes,
      submit: submits.put,
      status: keeper.status,
      ...questions,
      report: (fact) => log.warn(fact),
    });
    opened.push(door);
    const metricsServer = await serveMetrics(metrics.registry, config.metrics);
    opened.push(metricsServer);
    const evidence = createEvidenceRecorder(config.dataFolder, genesis, log);
    const parts: Parts = { log, keeper, submits, questions, diverged, evidence, started: started.resolve, fail };
    threads = startThreads(config, index, genesisBytes, {
      onConsensus: (message) => onConsensus(message, parts, door),
      onExecution: (message) => onExecution(message, parts, door),
      onEnd: fail,
    });
    const meshPort = await started.promise;
    phase = "running";
    if (options.priceSource !== undefined) opened.push(startPrices(config, options.priceSource, parts));
    const ports = { meshPort, doorPort: door.port, metricsPort: metricsServer.port };
    log.info({ validator: index, ...ports }, "validator started");
    return {
      index,
      ...ports,
      setPeer(peer, address, peerDoor) {
        threads?.toConsensus({ kind: "address", peer, address });
        if (peerDoor !== undefined && peer !== index) doors.push(peerDoor);
      },
      status: keeper.status,
      failure: failed.promise,
      async stop() {
        if (phase === "ended") return;
        phase = "ended";
        await threads?.finish(finishTimeoutMs);
        await close();
        log.info("validator stopped");
      },
    };
  } catch (error) {
    phase = "ended";
    await close();
    throw errorFromData(errorToData(error));
  }
}

/** When an earlier run found that its next block is stored nowhere any more, this one begins with a snapshot. */
async function enterFolder(
  { dataFolder, genesis, snapshotFile, doors = [] }: ValidatorConfig,
  log: Logger,
  signal: AbortSignal | undefined,
): Promise<{ readonly stop: () => void }> {
  const { release } = lockFolder(dataFolder);
  try {
    finishInstallation(dataFolder);
    const report = (fact: string): void => log.warn(fact);
    if (snapshotFile !== undefined) restoreFromFile({ dataFolder, genesis, report }, snapshotFile);
    if (isStateWanted(dataFolder) && 0 < doors.length)
      await joinBySnapshot({ dataFolder, genesis, doors, mode: "when-needed", report, signal });
    return { stop: release };
  } catch (error) {
    release();
    throw error;
  }
}

const startPrices = (config: ValidatorConfig, source: PriceSource, { log, keeper, submits }: Parts) =>
  startPriceFeed({
    genesis: config.genesis,
    seed: config.seed,
    source,
    intervalMs: config.priceIntervalMs ?? priceIntervalMs,
    expiries: keeper.expiries,
    submit: (encoded) => submits.put(encoded, false, () => undefined),
    report: (fact) => log.warn(fact),
  });

function onConsensus(message: ConsensusToMain, parts: Parts, door: Door): void {
  const { log, keeper, submits, started, fail } = parts;
  switch (message.kind) {
    case "diverged":
      return parts.diverged(message.divergence);
    case "evidence":
      keeper.evidence(message);
      return parts.evidence(message);
    case "started":
      keeper.convicted(message.convicted);
      return started(message.meshPort);
    case "submitted":
      return submits.answered(message.answers);
    case "final":
      door.publish(message.height, message.encoded);
      keeper.final(message);
      if (message.answers !== undefined) submits.answered(message.answers);
      return;
    case "progress":
      return keeper.progressed(message.progress, door.connectionsCount());
    case "report":
      return log[message.level](message.fact);
    case "failed":
      return fail(errorFromData(message.error));
  }
}

function onExecution(message: ExecutionToMain, parts: Parts, door: Door): void {
  const { log, keeper, fail } = parts;
  switch (message.kind) {
    case "recovered":
      keeper.recovered(message.height);
      door.stored(message.height);
      return log.info({ height: message.height }, "stored chain executed");
    case "executed":
      return keeper.executed(message);
    case "read":
    case "receipt":
    case "changes":
    case "snapshot":
    case "chunk":
    case "proved":
      return parts.questions.answered(message);
    case "report":
      return log[message.level](message.fact);
    case "failed":
      return fail(errorFromData(message.error));
  }
}
