/** What a validator knows of itself: kept from the reports of its threads, told to the door and to Prometheus. */
import type { NodeStatus } from "@stoa/protocol/door";
import { convictionsIn, withOffence } from "@stoa/protocol/finality/evidence";
import type { Genesis } from "@stoa/protocol/genesis";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { NodeMetrics } from "./metrics.ts";
import { createNetworkMetrics } from "./network-metrics.ts";
import type { ListedExpiry } from "./price-source.ts";
import type { ConsensusProgress, ConsensusToMain, ExecutionToMain } from "./thread-message.ts";

export interface StatusKeeper {
  readonly status: () => NodeStatus;
  /** The expiries that are listed, as of the last executed block. */
  readonly expiries: () => readonly ListedExpiry[];
  readonly recovered: (height: number) => void;
  readonly final: (block: Extract<ConsensusToMain, { kind: "final" }>) => void;
  readonly executed: (block: Extract<ExecutionToMain, { kind: "executed" }>) => void;
  readonly progressed: (progress: ConsensusProgress, doorConnectionsCount: number) => void;
  /** The state computed here is not the agreed one: the node goes on ordering and says so until it is started again. */
  readonly diverged: (fact: string) => void;
  readonly halted: (fact: string) => void;
  /** At the start: what the last final header says. */
  readonly convicted: (convicted: Uint8Array) => void;
  readonly evidence: (evidence: Extract<ConsensusToMain, { kind: "evidence" }>) => void;
}

const factSizeMax = 250;
/** Characters: a text of the door's format holds as many bytes thrice. */
const quarantineSizeMax = 600;

export function createStatusKeeper(
  metrics: NodeMetrics,
  index: ValidatorIndex,
  validators: Genesis["validators"],
): StatusKeeper {
  const setNetworkMetrics = createNetworkMetrics(metrics.registry);
  let progress: ConsensusProgress | undefined;
  let height = 0;
  let executedHeight = 0;
  let commandsTotal = 0;
  let tradesTotal = 0;
  let nullifiedBefore = 0;
  let expiries: readonly ListedExpiry[] = [];
  let haltedFact: string | undefined;
  let convicted: Uint8Array = new Uint8Array(0);
  let divergedFact: string | undefined;
  const setConvicted = (proven: Uint8Array): void => {
    convicted = proven;
    for (const { validator, kinds } of convictionsIn(proven)) {
      for (const offence of kinds) metrics.convictions.set({ validator: validators[validator]!.name, offence }, 1);
    }
  };
  return {
    status: () => ({
      name: validators[index]!.name,
      validator: index,
      view: (progress?.view ?? 0) as NodeStatus["view"],
      height: height as NodeStatus["height"],
      executedHeight: executedHeight as NodeStatus["executedHeight"],
      mempoolCount: progress?.mempoolCount ?? 0,
      peersConnected: progress?.peersConnected ?? 0,
      peersBanned: progress?.network.banned.length ?? 0,
      alarms: [divergedFact, ...(progress?.alarms ?? []).map(({ fact }) => fact)].flatMap((fact) =>
        fact === undefined ? [] : [fact.slice(0, factSizeMax)],
      ),
      commandsTotal,
      tradesTotal,
      halted: haltedFact?.slice(0, factSizeMax),
      quarantine: progress?.quarantine?.slice(0, quarantineSizeMax),
      convicted,
    }),
    expiries: () => expiries,
    recovered(recoveredHeight) {
      height = Math.max(height, recoveredHeight);
    },
    final(block) {
      height = block.height;
      metrics.height.set(height);
      metrics.finality.observe(Math.max(0, Date.now() - block.timeMs) / 1000);
    },
    executed(block) {
      executedHeight = block.height;
      commandsTotal += block.commandsCount;
      tradesTotal += block.tradesCount;
      expiries = block.expiries ?? expiries;
      metrics.executedHeight.set(block.height);
      metrics.commands.inc(block.commandsCount);
      metrics.trades.inc(block.tradesCount);
      for (const durationMs of block.durationsMs) metrics.execution.observe(durationMs / 1000);
    },
    progressed(now, doorConnectionsCount) {
      progress = now;
      metrics.view.set(now.view);
      metrics.mempoolCommands.set(now.mempoolCount);
      metrics.peers.set(now.peersConnected);
      setNetworkMetrics(now);
      metrics.doorConnections.set(doorConnectionsCount);
      metrics.quarantined.set(now.quarantine === undefined ? 0 : 1);
      metrics.nullifiedViews.inc(now.nullifiedViews - nullifiedBefore);
      nullifiedBefore = now.nullifiedViews;
      for (const durationMs of now.persistMs) metrics.persist.observe(durationMs / 1000);
    },
    diverged(fact) {
      divergedFact = fact;
      metrics.diverged.set(1);
    },
    halted(fact) {
      haltedFact = fact;
      metrics.halted.set(1);
    },
    convicted: setConvicted,
    evidence({ event, offence }) {
      if (event === "found") metrics.evidenceFound.inc({ offence: offence.kind });
      else setConvicted(withOffence({ validators }, convicted, offence));
    },
  };
}
