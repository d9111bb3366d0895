/** How a simulated process begins and ends: from its disk by the shipped recovery; killed, or with the power of its machine. */
import { assert } from "@stoa/base/assert";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { sha256, zeroDigest } from "@stoa/base/hash";
import type { Prng } from "@stoa/base/prng";
import { encodeDurableRecord } from "@stoa/consensus/durable-record";
import type { DurableRecord } from "@stoa/consensus/effect";
import { recover } from "@stoa/consensus/recovery";
import { NodeError } from "@stoa/node/failure";
import { headerDigest } from "@stoa/protocol/finality/header";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { executeOn, rememberRoots } from "./chain.ts";
import { checkHalt, checkRecovered, fail } from "./checkers.ts";
import { transmitCommand } from "./commands.ts";
import { simulatedSeed } from "./fake-signature.ts";
import { miscomputed } from "./miscomputing.ts";
import { feed, peersOf, type Clock, type SimulatedNode, type Tamper } from "./node.ts";
import {
  createStore,
  losePower,
  openStore,
  votesOn,
  type OpenStore,
  type Store,
  type VoteLogIdentity,
} from "./store.ts";
import { turnSoon } from "./turn.ts";
import { isHonest, tell, type World } from "./world.ts";

export interface NodeOptions {
  readonly index: number;
  readonly clock: Clock;
  readonly tamper?: Tamper | undefined;
  readonly camp?: ReadonlySet<number>;
  readonly side?: string;
  /** The disk that it begins with; an empty one when absent. */
  readonly store?: Store;
}

export function createNode(world: World, options: NodeOptions): SimulatedNode {
  const { index, clock, tamper, camp, side } = options;
  const before = world.nodes.filter((other) => other.index === index).length;
  const node = {
    index: index as ValidatorIndex,
    label: `${index}${"'".repeat(before)}`,
    clock,
    tamper,
    store: options.store ?? createStore(world.diskPrng.stream(`${index} ${before}`)),
    camp,
    side,
    life: 0,
    up: false,
    refused: false,
    executedHeight: 0,
    roots: [],
    lastDelivered: { height: 0, view: 0, digest: zeroDigest },
    toExecute: [],
    executing: false,
    blockSyncPlanned: false,
    inbox: [],
    writing: false,
    unsettled: [],
    pausedUntilUs: 0,
    diskSlowness: 1,
    timers: new Map(),
    mempool: new Map(),
    recentlyFinal: new Map(),
    laneRoom: 0,
    toLane: [],
    flushPlanned: false,
    inLanes: new Map(),
    crashAfterCount: undefined,
    wake: () => turnSoon(world, node as unknown as SimulatedNode, stop),
  };
  // `start` fills in the rest before anything reads it.
  return node as unknown as SimulatedNode;
}

export const identityOf = (world: World, { index }: Pick<SimulatedNode, "index">): VoteLogIdentity => ({
  chainId: world.set.chainId,
  key: world.set.validators[index]!.key,
  epoch: world.set.epoch,
});

/** Starts a node from what is on its disk; one whose logs are refused stays down. */
export function start(world: World, node: SimulatedNode): void {
  assert(!node.up, "a node is started once");
  if (node.refused) return;
  node.life++;
  const fact = openNode(world, node);
  world.audit.note("start", node.label, node.life, fact ?? "");
  if (fact === diskFull) return tell(world, node, () => "cannot start: its disk is full");
  if (fact !== undefined) {
    node.refused = true;
    world.tally.refusedStarts++;
    tell(world, node, () => `refuses to start: ${fact.split(". ")[0]}`);
    return checkHalt(world.checkers, node.index, fact);
  }
  node.up = true;
  const { view } = node.replica;
  tell(world, node, () => `starts for the ${node.life}. time at height ${node.lastDelivered.height}, view ${view}`);
  feed(node, { kind: "start" });
  for (const peer of peersOf(world, node)) {
    if (!peer.up) continue;
    feed(node, { kind: "peer", peer: peer.index, connected: true });
    feed(peer, { kind: "peer", peer: node.index, connected: true });
    for (const command of peer.mempool.values()) transmitCommand(world, peer, node, command);
  }
}

/** Not for good: it is tried again when there is room. */
const diskFull = "disk-full";

/** Opens the logs, restores the exchange, recovers the replica; or why that cannot be. */
function openNode(world: World, node: SimulatedNode): string | undefined {
  const nonce = sha256(toUtf8(`nonce ${node.label} ${node.life} ${world.nowUs}`));
  const recoverWith = ({ blockLog, signer }: OpenStore, records: readonly DurableRecord[], session: number) => {
    const options = { ...replicaOptions(world, node, session), signVote: signer.signVote, nonce };
    return recover(options, { records, tip: tipOf(blockLog), executed: node.roots });
  };
  try {
    node.open = openStore(node.store, identityOf(world, node), (fact) => tell(world, node, () => `repairs: ${fact}`), {
      signVote: (bytes) => world.scheme.signVote(bytes, simulatedSeed(node.index)),
      nowMs: Math.floor(world.nowUs / 1_000) + 1,
      recoverWith(open, records, session) {
        restoreExchange(world, node, open.blockLog);
        return recoverWith(open, records, session);
      },
    });
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    return error.code === "disk-full" ? diskFull : error.message;
  }
  compareWithWritten(world, node, node.open);
  const { blockLog, voteLog } = node.open;
  noteLoss(world, node, voteLog.loss);
  const tip = tipOf(blockLog);
  restoreExchange(world, node, blockLog);
  const recovered = recoverWith(node.open, voteLog.records, voteLog.session);
  if (recovered.kind === "refused") return recovered.fact;
  node.replica = recovered.replica;
  node.lastDelivered =
    tip === undefined
      ? { height: 0, view: 0, digest: zeroDigest }
      : { height: tip.header.height, view: tip.header.view, digest: headerDigest(tip.header) };
  return undefined;
}

/** A node whose disk did nothing wrong never gives its log up. */
function noteLoss(world: World, node: SimulatedNode, loss: string | undefined): void {
  if (loss === undefined) return;
  world.tally.lostLogs++;
  tell(world, node, () => `gives its vote log up: ${loss}`);
  if (isHonest(world, node) && !world.forgetful.has(node.index))
    fail(world.checkers, `log: node ${node.index} gives a good log up: ${loss}`);
}

const tipOf = (blockLog: OpenStore["blockLog"]) =>
  blockLog.last() === 0 ? undefined : blockLog.read(blockLog.last())!.block;

/** From the newest snapshot, executing the blocks after it; from genesis without one. */
function restoreExchange(world: World, node: SimulatedNode, blockLog: OpenStore["blockLog"]): void {
  const snapshot = node.store.snapshots.findLast(({ height }) => height <= blockLog.last());
  node.exchange = miscomputed(world.miscomputers, node.index, world.application.open(snapshot?.state));
  node.roots = [snapshot?.roots ?? world.application.genesisRoots];
  for (let height = (snapshot?.height ?? 0) + 1; height <= blockLog.last(); height++) {
    rememberRoots(node, executeOn(node.exchange, blockLog.read(height)!.block));
  }
  node.executedHeight = node.roots.at(-1)!.height;
}

function replicaOptions(world: World, node: SimulatedNode, session: number) {
  const seed = simulatedSeed(node.index);
  return {
    set: world.set,
    self: node.index,
    sign: (bytes: Uint8Array) => world.signatures.sign(bytes, seed),
    verify: world.signatures.verify,
    scheme: world.scheme,
    parameters: { ...world.parameters, session },
  };
}

// ---- ends

/** What the vote log held when the process ended, to compare with what it is opened with. */
const written = new WeakMap<SimulatedNode, { readonly written: Set<string>; readonly synced: Set<string> }>();

/**
 * A process ends: its memory is gone. With the power of its machine, what the disk had not synced may be gone, too; without,
 * the system still writes it.
 */
export function stop(world: World, node: SimulatedNode, how: { readonly power: boolean }): void {
  if (!node.up) return;
  world.tally.crashes++;
  world.audit.note("crash", node.label);
  tell(world, node, () => (how.power ? "loses power" : "is killed"));
  node.up = false;
  node.life++;
  node.inbox = [];
  node.writing = false;
  node.unsettled = [];
  node.pausedUntilUs = 0;
  node.timers.clear();
  node.mempool.clear();
  node.recentlyFinal.clear();
  node.laneRoom = 0;
  node.toLane = [];
  node.flushPlanned = false;
  node.inLanes.clear();
  node.toExecute = [];
  node.executing = false;
  node.blockSyncPlanned = false;
  node.crashAfterCount = undefined;
  rememberWritten(world, node);
  if (how.power) losePower(node.store, world.diskPrng);
  for (const peer of peersOf(world, node)) feed(peer, { kind: "peer", peer: node.index, connected: false });
}

function rememberWritten(world: World, node: SimulatedNode): void {
  const { votes } = node.store;
  const identity = identityOf(world, node);
  const namesOn = (image: ReturnType<typeof votes.platter>) => votesOn(image, identity, world.diskPrng.stream("look"));
  const [cached, settled] = [namesOn(votes.cache()), namesOn(votes.platter())];
  // A log that is damaged already will say so itself; then there is nothing to compare with.
  if (cached === undefined || settled === undefined) return void written.delete(node);
  const [names, syncedNames] = [cached.map(recordName), settled.map(recordName)];
  const inCache = new Set(names);
  written.set(node, {
    written: new Set([...names, ...syncedNames]),
    synced: new Set(syncedNames.filter((name) => inCache.has(name))),
  });
}

function compareWithWritten(world: World, node: SimulatedNode, { voteLog }: OpenStore): void {
  const known = written.get(node);
  written.delete(node);
  if (known !== undefined && voteLog.loss === undefined)
    checkRecovered(world.checkers, node.index, { opened: voteLog.records.map(recordName), ...known });
}

const recordName = (one: DurableRecord): string => toHex(sha256(encodeDurableRecord(one)));

/** Forgets what its vote log held: its disk is about to become another one. */
export const forgetWritten = (node: SimulatedNode): void => void written.delete(node);

/** The processes of honest keys. */
export const honestNodes = (world: World): SimulatedNode[] => world.nodes.filter((node) => isHonest(world, node));

export type DrawClock = (prng: Prng) => Clock;
