/**
 * A full node: follows the chain through the doors of others, checks and executes everything, stores it, and has a door of its
 * own, at which gateways, clients and more full nodes may hang. It has no validator key and no mesh: it cannot vote, and what
 * hangs off it cannot reach a validator but by the commands that it passes on.
 */
import { encodeGenesis } from "@stoa/protocol/genesis";
import {
  decodeDoorRequest,
  encodeDoorRequest,
  isProofRequest,
  type AdmissionRefusal,
  type NodeStatus,
} from "@stoa/protocol/door";
import { assert, present } from "@stoa/base/assert";
import { encode } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { finalBlock } from "@stoa/protocol/block";
import { checkAddress } from "./config.ts";
import type { DoorSet } from "./door-set.ts";
import { openDoor, type Door, type DoorParts } from "./door.ts";
import { NodeError } from "./failure.ts";
import {
  openFollower,
  relayedIdMin,
  type FollowerConfig,
  type FollowerInside,
  type FollowerOptions,
} from "./follower.ts";
import { silentLog } from "./log.ts";
import { createNodeMetrics, serveMetrics, type NodeMetrics } from "./metrics.ts";
import type { Address } from "./network/mesh.ts";
import { busyReceipt, createReceipts, receiptsCountMax } from "./receipts.ts";
import { recentCommandsOf } from "./recent-commands.ts";

export interface FullNodeConfig extends FollowerConfig {
  readonly name: string;
  /** Where others connect. Port 0 takes any free port, here and below. */
  readonly door: Address;
  /** Where Prometheus reads. */
  readonly metrics: Address;
}

export interface FullNode {
  readonly doorPort: number;
  readonly metricsPort: number;
  readonly status: () => NodeStatus;
  readonly caughtUp: Promise<void>;
  /** Resolves when the node cannot go on; it has ended then. */
  readonly failure: Promise<NodeError>;
  readonly stop: () => Promise<void>;
}

const readSizeMax = limits.frameSizeMax / 2;

export async function startFullNode(
  config: FullNodeConfig,
  options: Pick<FollowerOptions, "log" | "signal"> = {},
): Promise<FullNode> {
  for (const field of ["door", "metrics"] as const) checkAddress(field, config[field]);
  const log = options.log ?? silentLog();
  const metrics = createNodeMetrics();
  let door: Door | undefined;
  let served: Served | undefined;
  const relay = createRelay(() => follower.doors);
  const follower = await openFollower(config, {
    log,
    signal: options.signal,
    onExecuted(block, encoded) {
      const commandsCount = served?.receipts.executed(block) ?? 0;
      noteExecuted(metrics, block.header, commandsCount);
      door?.publish(block.header.height, encoded);
    },
    onRelayed: (_door, id, refusal) => relay.answered(id, refusal),
  });
  const close = async (): Promise<void> => {
    relay.stop();
    await door?.stop();
    await metricsServer?.stop();
  };
  let metricsServer: Awaited<ReturnType<typeof serveMetrics>> | undefined;
  try {
    served = serve(config, follower);
    door = await openDoor(config.door, { ...served.parts, submit: relay.submit, report: (fact) => log.warn(fact) });
    door.stored(follower.commit.height());
    metricsServer = await serveMetrics(metrics.registry, config.metrics);
  } catch (error) {
    await close();
    await follower.stop();
    throw error;
  }
  const ports = { doorPort: door.port, metricsPort: metricsServer.port };
  log.info({ height: follower.commit.height(), ...ports }, "full node started");
  return {
    ...ports,
    status: served.parts.status,
    caughtUp: follower.caughtUp,
    failure: follower.failure.then(async (error) => {
      await close();
      return error;
    }),
    async stop() {
      await close();
      await follower.stop();
      log.info("full node stopped");
    },
  };
}

function noteExecuted(metrics: NodeMetrics, header: { height: number; timeMs: number }, commandsCount: number): void {
  metrics.height.set(header.height);
  metrics.executedHeight.set(header.height);
  metrics.commands.inc(commandsCount);
  metrics.finality.observe(Math.max(0, Date.now() - header.timeMs) / 1000);
}

interface Served {
  readonly receipts: ReturnType<typeof createReceipts>;
  readonly parts: Omit<DoorParts, "submit" | "report">;
}

/** What a full node answers at its door: the same as a validator does, from its own logs and state. */
function serve({ genesis, name }: FullNodeConfig, { commit, doors, prove, within, convicted }: FollowerInside): Served {
  const receipts = createReceipts(commit, recentCommandsOf(commit.blocks, receiptsCountMax));
  const height = (): NodeStatus["height"] => commit.height() as NodeStatus["height"];
  const parts: Served["parts"] = {
    genesis: encodeGenesis(genesis),
    status: () => ({
      name,
      validator: undefined,
      view: 0 as NodeStatus["view"],
      height: height(),
      executedHeight: height(),
      mempoolCount: 0,
      peersConnected: doors.states().filter(({ connected }) => connected).length,
      peersBanned: 0,
      alarms: [],
      commandsTotal: 0,
      tradesTotal: 0,
      halted: undefined,
      quarantine: undefined,
      convicted: convicted(),
    }),
    receipt: (digest, answer, asker) => answer(within(() => receipts.find(digest), asker) ?? busyReceipt),
    prove(request, answer, asker) {
      const decoded = present(decodeDoorRequest(request), "the door hands over canonical requests");
      assert(isProofRequest(decoded), "only what is to be proved comes here");
      prove(decoded, answer, asker);
    },
    readBlocks: async (from, countMax) => ({
      blocks: commit.blocks.readRange(from, countMax, readSizeMax).map((one) => encode(finalBlock, one)),
      first: commit.blocks.first(),
    }),
    changes: (wanted, answer, asker) => answer(within(() => commit.changes(wanted), asker)),
    snapshot: async () => {
      const manifest = await commit.offers.manifest();
      return { firstHeight: commit.blocks.first(), lastHeight: commit.blocks.last(), manifest };
    },
    chunk: async (manifest, index) => commit.offers.chunk(manifest, index),
  };
  return { receipts, parts };
}

interface Relay {
  readonly submit: DoorParts["submit"];
  readonly answered: (id: number, refusal: AdmissionRefusal) => void;
  readonly stop: () => void;
}

const relayedCountMax = 16_384;
const relayTimeoutMs = 10_000;

/** Passes commands on to one of the doors above, which passes them on to the validators, and its answer back. */
function createRelay(doorsAbove: () => DoorSet): Relay {
  const open = new Map<number, { readonly answer: (refusal: AdmissionRefusal) => void; readonly atMs: number }>();
  let next = relayedIdMin;
  const expire = (): void => {
    for (const [id, { answer, atMs }] of open) {
      if (performance.now() < atMs + relayTimeoutMs) return;
      open.delete(id);
      answer("stopping");
    }
  };
  const timer = setInterval(expire, relayTimeoutMs / 10);
  return {
    stop: () => clearInterval(timer),
    submit(command, _toAll, answer) {
      if (relayedCountMax <= open.size) return answer("mempool-full");
      const doors = doorsAbove();
      const id = next;
      next = next === 0xffff_ffff ? relayedIdMin : next + 1;
      const request = encodeDoorRequest({ kind: "submit", id, command });
      open.set(id, { answer, atMs: performance.now() });
      if (doors.connected().doors.some((door) => doors.send(door, request))) return;
      open.delete(id);
      answer("stopping");
    },
    answered(id, refusal) {
      open.get(id)?.answer(refusal);
      open.delete(id);
    },
  };
}
