/** The two threads of a validator, joined by a channel of their own; this thread hears what they report and how they end. */
import { MessageChannel } from "node:worker_threads";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { storageDefaults, type ValidatorConfig } from "./config.ts";
import type { ConsensusThreadData } from "./consensus-thread.ts";
import type { ExecutionThreadData } from "./execution-thread.ts";
import { NodeError, errorFromData, errorToData } from "./failure.ts";
import type { ConsensusToMain, ExecutionToMain, MainToConsensus, MainToExecution } from "./thread-message.ts";
import { startThread } from "./worker-thread.ts";

export interface ThreadListeners {
  readonly onConsensus: (message: ConsensusToMain) => void;
  readonly onExecution: (message: ExecutionToMain) => void;
  /** A thread has ended, whatever the reason. */
  readonly onEnd: (error: NodeError) => void;
}

export interface ValidatorThreads {
  readonly toConsensus: (message: MainToConsensus) => void;
  readonly toExecution: (message: MainToExecution) => void;
  /** Lets both finish what they have begun; resolves when they have ended or the time is up. */
  readonly finish: (timeoutMs: number) => Promise<void>;
  readonly terminate: () => Promise<void>;
}

const consensusHeapMbMax = 512;

export function startThreads(
  config: ValidatorConfig,
  index: ValidatorIndex,
  genesis: Uint8Array,
  listeners: ThreadListeners,
): ValidatorThreads {
  const channel = new MessageChannel();
  const executionData: ExecutionThreadData = {
    genesis,
    folder: config.dataFolder,
    storage: { ...storageDefaults, ...config.storage },
    consensus: channel.port1,
  };
  const consensusData: ConsensusThreadData = {
    genesis,
    seed: config.seed,
    self: index,
    folder: config.dataFolder,
    mesh: config.mesh,
    peers: config.peers,
    initialTimeoutMs: config.initialTimeoutMs ?? 150,
    votesLost: config.votesLost ?? false,
    signatureWorkersCount: config.signatureWorkersCount ?? 1,
    lanes: config.lanes ?? "auto",
    execution: channel.port2,
  };
  const execution = startThread("execution-thread", executionData, { transferList: [channel.port1] });
  const consensus = startThread("consensus-thread", consensusData, {
    transferList: [channel.port2],
    heapMbMax: consensusHeapMbMax,
  });
  consensus.on("message", listeners.onConsensus);
  execution.on("message", listeners.onExecution);
  for (const [name, worker] of Object.entries({ consensus, execution })) {
    worker.on("error", (error) => listeners.onEnd(errorFromData(errorToData(error))));
    worker.on("exit", (code) =>
      listeners.onEnd(new NodeError("thread-died", `the ${name} thread ended with code ${code}`)),
    );
  }
  return {
    toConsensus: (message) => consensus.postMessage(message),
    toExecution: (message) => execution.postMessage(message),
    async finish(timeoutMs) {
      const ended = [consensus, execution].map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
      consensus.postMessage({ kind: "stop" } satisfies MainToConsensus);
      execution.postMessage({ kind: "stop" } satisfies MainToExecution);
      const deadline = new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
      await Promise.race([Promise.all(ended), deadline]);
    },
    terminate: async () => void (await Promise.allSettled([consensus.terminate(), execution.terminate()])),
  };
}
