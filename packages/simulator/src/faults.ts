/**
 * What goes wrong, and when. A seed draws a plan: a list of faults, each with its time, its length and draws of its own, so
 * that leaving one out changes nothing about the others. At the end everything heals. Faults after which a node may contradict
 * itself (its disk lies or goes back in time, its key runs twice) count against the third of the stake that may be faulty,
 * and do not strike where they would exceed it.
 */
import { createPrng, type Prng } from "@stoa/base/prng";
import { createNode, forgetWritten, start, stop } from "./life.ts";
import { clog, cut, mend, partition, partitionShapes, reset, shuffled, type Link } from "./network.ts";
import { feed, type SimulatedNode } from "./node.ts";
import { createStore, type Store } from "./store.ts";
import { after, spendFault, tell, type World } from "./world.ts";

type Strike = (world: World, prng: Prng, fault: Fault) => boolean;

const strikes = {
  crash,
  crashMidTurn,
  powerCut,
  partition: separate,
  clog: clogLinks,
  reset: resetLinks,
  pause,
  clockJump,
  slowDisk,
  fullDisk,
  corruptDisk,
  misdirectedWrite,
  lostWrite,
  lyingSync,
  rollback,
  lostVotes,
  lostSigner,
  lostBoth,
  oldVotes,
  oldSigner,
  rottenVotes,
  twin,
} satisfies Record<string, Strike>;

export type FaultKind = keyof typeof strikes;
export const faultKinds = Object.keys(strikes) as readonly FaultKind[];
/** Those after which a node is not honest. */
export const dishonestFaultKinds = [
  "corruptDisk",
  "misdirectedWrite",
  "lostWrite",
  "lyingSync",
  "rollback",
  "twin",
] as const satisfies readonly FaultKind[];

export interface Fault {
  /** Its place in the plan; its draws follow from the seed and this. */
  readonly id: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly lastsMs: number;
}

export interface FaultPlan {
  readonly kinds: readonly FaultKind[];
  readonly untilMs: number;
  readonly everyMs: number;
}

/** Draws faults about every `everyMs` on average until `untilMs`. */
export function drawFaults(prng: Prng, plan: FaultPlan): readonly Fault[] {
  const faults: Fault[] = [];
  for (let atMs = 0; ; ) {
    atMs += prng.below(2 * plan.everyMs) + 1;
    if (plan.untilMs <= atMs) return faults;
    const kind = plan.kinds[prng.below(plan.kinds.length)]!;
    faults.push({ id: faults.length, kind, atMs, lastsMs: 20 + prng.below(2_000) });
  }
}

export function planFaults(world: World, seed: number, faults: readonly Fault[]): void {
  for (const fault of faults) {
    after(world, 1_000 * fault.atMs, () => {
      const prng = createPrng(seed).stream(`fault ${fault.id}`);
      world.audit.note("fault", fault.id, fault.kind);
      if (!strikes[fault.kind](world, prng, fault)) return;
      world.tally.faults[fault.kind] = (world.tally.faults[fault.kind] ?? 0) + 1;
    });
  }
}

/** Ends every fault: all links are there, as lossy as they are; all nodes are up, all clocks are near. */
export function heal(world: World): void {
  world.network.cuts.clear();
  world.network.clogs.clear();
  for (const node of world.nodes) {
    node.clock.offsetMs = Math.max(-100, Math.min(100, node.clock.offsetMs));
    node.crashAfterCount = undefined;
    node.diskSlowness = 1;
    Object.assign(node.store.votes.faults, { lyingSync: false, misdirected: 0, lost: 0, full: false });
    Object.assign(node.store.blocks.faults, { lyingSync: false, misdirected: 0, lost: 0, full: false });
    Object.assign(node.store.signer.faults, { lyingSync: false, misdirected: 0, lost: 0, full: false });
    if (node.label !== String(node.index)) stop(world, node, { power: false });
    else if (!node.up) start(world, node);
  }
  tell(world, undefined, () => "everything heals");
}

// ---- what strikes honest nodes, too

function crash(world: World, prng: Prng, fault: Fault): boolean {
  const node = anyNode(world, prng);
  stop(world, node, { power: prng.below(2) === 0 });
  return restartLater(world, node, fault.lastsMs);
}

function crashMidTurn(world: World, prng: Prng, fault: Fault): boolean {
  const node = anyNode(world, prng);
  if (node.up) node.crashAfterCount = prng.below(6);
  return restartLater(world, node, fault.lastsMs);
}

function powerCut(world: World, prng: Prng, { lastsMs }: Fault): boolean {
  tell(world, undefined, () => "the power fails everywhere");
  for (const node of world.nodes) {
    stop(world, node, { power: true });
    restartLater(world, node, prng.below(lastsMs) + 1);
  }
  return true;
}

function restartLater(world: World, node: SimulatedNode, lastsMs: number): true {
  after(world, 1_000 * lastsMs, () => {
    if (!node.up) start(world, node);
  });
  return true;
}

function separate(world: World, prng: Prng, { lastsMs }: Fault): boolean {
  const shape = partitionShapes[prng.below(partitionShapes.length)]!;
  const stakes = world.set.validators.map(({ stake }) => stake);
  const { links, words } = partition(prng, shape, stakes);
  tell(world, undefined, () => `the network parts (${shape}) for ${lastsMs} ms: ${words}`);
  cut(world.network, links);
  after(world, 1_000 * lastsMs, () => mend(world.network, links));
  return true;
}

/** Links clog and come free at different times, in any order: messages of different ages meet. */
function clogLinks(world: World, prng: Prng, { lastsMs }: Fault): boolean {
  const count = world.set.validators.length;
  const all = Array.from({ length: count * count }, (_, key): Link => [Math.floor(key / count), key % count]);
  const links = shuffled(prng, all).slice(0, 1 + prng.below(count * 2));
  tell(world, undefined, () => `clogged: ${links.map(([from, to]) => `${from}>${to}`).join(" ")}`);
  for (const link of links) clog(world.network, [link], world.nowUs + 1_000 * (1 + prng.below(2 * lastsMs)));
  return true;
}

/** Connections of a node break and are made again: what was under way is gone. */
function resetLinks(world: World, prng: Prng): boolean {
  const node = anyNode(world, prng);
  const peers = world.nodes.filter((peer) => peer.index !== node.index && prng.below(2) === 0);
  tell(world, node, () => `loses its connections to ${peers.map(({ label }) => label).join(" ")}`);
  for (const peer of peers) {
    reset(world.network, [node.index, peer.index]);
    for (const connected of [false, true]) {
      if (!node.up || !peer.up) continue;
      feed(node, { kind: "peer", peer: peer.index, connected });
      feed(peer, { kind: "peer", peer: node.index, connected });
    }
  }
  return true;
}

function pause(world: World, prng: Prng, { lastsMs }: Fault): boolean {
  const node = anyNode(world, prng);
  tell(world, node, () => `is stopped for ${2 * lastsMs} ms, and does not notice`);
  node.pausedUntilUs = Math.max(node.pausedUntilUs, world.nowUs + 2_000 * lastsMs);
  return true;
}

/** A clock is set wrong for a while: by up to an hour where less than a third of the stake is wrong by then, else a little. */
function clockJump(world: World, prng: Prng, { lastsMs }: Fault): boolean {
  const node = anyNode(world, prng);
  const far = world.nodes.filter((one) => one !== node && farMs < Math.abs(one.clock.offsetMs));
  const stake = [node, ...far].reduce((sum, { index }) => sum + world.set.validators[index]!.stake, 0);
  const rangeMs = 3 * stake < world.set.totalStake && prng.below(2) === 0 ? 3_600_000 : farMs;
  node.clock.offsetMs = prng.below(2 * rangeMs) - rangeMs;
  tell(world, node, () => `has its clock set wrong by ${node.clock.offsetMs} ms`);
  after(world, 1_000 * lastsMs, () => (node.clock.offsetMs = 0));
  return true;
}
const farMs = 400;

function slowDisk(world: World, prng: Prng, { lastsMs }: Fault): boolean {
  const node = anyNode(world, prng);
  node.diskSlowness = 10 + prng.below(1_000);
  tell(world, node, () => `has a disk that takes ${node.diskSlowness} times as long`);
  after(world, 1_000 * lastsMs, () => (node.diskSlowness = 1));
  return true;
}

/** The next append fails, with half of it written; the process stops, and comes back when there is room again. */
function fullDisk(world: World, prng: Prng, { lastsMs }: Fault): boolean {
  const node = anyNode(world, prng);
  const volume = prng.below(2) === 0 ? node.store.votes : node.store.blocks;
  volume.faults.full = true;
  tell(world, node, () => "has a full disk");
  after(world, 1_000 * lastsMs, () => {
    volume.faults.full = false;
    if (!node.up) start(world, node);
  });
  return true;
}

// ---- what costs a node its honesty

/** Bits rot on a disk; the node is started again on it. */
function corruptDisk(world: World, prng: Prng, fault: Fault): boolean {
  const node = victim(world, prng, "its disk rots");
  if (node === undefined) return false;
  stop(world, node, { power: false });
  const volume = prng.below(3) === 0 ? node.store.blocks : node.store.votes;
  volume.losePower(prng);
  volume.flipBits(prng, 1 + prng.below(4));
  volume.restore(volume.platter());
  return restartLater(world, node, fault.lastsMs);
}

function misdirectedWrite(world: World, prng: Prng, fault: Fault): boolean {
  return damageWrites(world, prng, fault, "its disk writes to the wrong place", (store) => (store.misdirected = 1));
}

function lostWrite(world: World, prng: Prng, fault: Fault): boolean {
  return damageWrites(world, prng, fault, "its disk loses a write that it confirmed", (store) => (store.lost = 1));
}

/** The damage shows only when the page cache is gone. */
function damageWrites(
  world: World,
  prng: Prng,
  fault: Fault,
  why: string,
  damage: (faults: Store["votes"]["faults"]) => void,
): boolean {
  const node = victim(world, prng, why);
  if (node === undefined) return false;
  damage(prng.below(3) === 0 ? node.store.blocks.faults : node.store.votes.faults);
  after(world, 1_000 * fault.lastsMs, () => stop(world, node, { power: true }));
  return restartLater(world, node, fault.lastsMs + 1 + prng.below(500));
}

function lyingSync(world: World, prng: Prng, fault: Fault): boolean {
  const node = victim(world, prng, "its disk confirms syncs that it does not do");
  if (node === undefined) return false;
  node.store.votes.faults.lyingSync = true;
  node.store.blocks.faults.lyingSync = true;
  after(world, 1_000 * fault.lastsMs, () => {
    stop(world, node, { power: true });
    node.store.votes.faults.lyingSync = false;
    node.store.blocks.faults.lyingSync = false;
  });
  return restartLater(world, node, fault.lastsMs + 1 + prng.below(500));
}

/** A machine is set back to an image of its disk, as somebody does who restores a backup. */
function rollback(world: World, prng: Prng, fault: Fault): boolean {
  const node = victim(world, prng, "it is set back to an old disk");
  if (node === undefined) return false;
  const old = imageOf(node.store);
  after(world, 1_000 * fault.lastsMs, () => {
    stop(world, node, { power: false });
    node.store.votes.restore(old.votes);
    node.store.blocks.restore(old.blocks);
    node.store.signer.restore(old.signer);
    node.store.snapshots = [...old.snapshots];
    node.store.stored.clear();
    node.store.storedBatches.clear();
    forgetWritten(node);
  });
  return restartLater(world, node, fault.lastsMs + 1 + prng.below(500));
}

// ---- what costs a node its memory, and not its honesty: it must come back through quarantine, and keep its word

function lostVotes(world: World, prng: Prng, fault: Fault): boolean {
  return forget(world, prng, fault, "its vote log is gone", (store) => store.votes.restore(new Map()));
}

function lostBoth(world: World, prng: Prng, fault: Fault): boolean {
  return forget(world, prng, fault, "its vote log and what its key remembers are gone", (store) => {
    store.votes.restore(new Map());
    store.signer.restore(new Map());
  });
}

/** The bits rot while the process is down, and everything that it wrote is on the disk. */
function rottenVotes(world: World, prng: Prng, fault: Fault): boolean {
  return forget(world, prng, fault, "its vote log rots", ({ votes }) => {
    votes.settle(votes.epoch() + 1);
    votes.flipBits(prng, 1 + prng.below(4));
    votes.restore(votes.platter());
  });
}

/** Its vote log is set back to an old copy, and what its key remembers is not. */
function oldVotes(world: World, prng: Prng, fault: Fault): boolean {
  const node = victim(world, prng, "its vote log is an old copy", () => true);
  if (node === undefined) return false;
  const old = node.store.votes.platter();
  after(world, 1_000 * fault.lastsMs, () => {
    stop(world, node, { power: false });
    node.store.votes.restore(old);
    node.store.stored.clear();
    node.store.storedBatches.clear();
    forgetWritten(node);
  });
  return restartLater(world, node, fault.lastsMs + 1 + prng.below(500));
}

/** On a disk without a single block, too, a validator takes itself for a new one: then nobody can ask it to keep its word. */
function forget(world: World, prng: Prng, fault: Fault, why: string, lose: (store: Store) => void): boolean {
  const node = victim(world, prng, why, (one) => one.open !== undefined && 0 < one.open.blockLog.last());
  if (node === undefined) return false;
  stop(world, node, { power: false });
  lose(node.store);
  node.store.stored.clear();
  node.store.storedBatches.clear();
  forgetWritten(node);
  return restartLater(world, node, fault.lastsMs);
}

/** What the key remembers is made again from the vote log: that costs nothing. */
function lostSigner(world: World, prng: Prng, fault: Fault): boolean {
  const node = anyNode(world, prng);
  stop(world, node, { power: false });
  node.store.signer.restore(new Map());
  tell(world, node, () => "loses what its key remembers");
  return restartLater(world, node, fault.lastsMs);
}

function oldSigner(world: World, prng: Prng, fault: Fault): boolean {
  const node = anyNode(world, prng);
  const old = node.store.signer.platter();
  after(world, 1_000 * fault.lastsMs, () => {
    stop(world, node, { power: false });
    node.store.signer.restore(old);
    tell(world, node, () => "has an old copy of what its key remembers");
  });
  return restartLater(world, node, fault.lastsMs + 1 + prng.below(500));
}

/** A second process with the key of the first: on a copy of its disk or on an empty one; peers reach either, or both. */
function twin(world: World, prng: Prng, fault: Fault): boolean {
  const node = victim(world, prng, "its key runs in two processes");
  if (node === undefined || world.nodes.some((one) => one !== node && one.index === node.index)) return false;
  const camp =
    prng.below(2) === 0 ? undefined : new Set(world.nodes.map(({ index }) => index).filter(() => prng.below(2) === 0));
  const store = createStore(prng);
  if (prng.below(2) === 0) {
    const image = imageOf(node.store);
    store.votes.restore(image.votes);
    store.blocks.restore(image.blocks);
    store.signer.restore(image.signer);
    store.snapshots = [...image.snapshots];
  }
  const other = createNode(world, {
    index: node.index,
    clock: { ...node.clock, offsetMs: 0 },
    ...(camp === undefined ? {} : { camp }),
    store,
  });
  world.nodes.push(other);
  start(world, other);
  after(world, 5_000 * fault.lastsMs, () => stop(world, other, { power: false }));
  return true;
}

const imageOf = (store: Store) => ({
  votes: store.votes.platter(),
  blocks: store.blocks.platter(),
  signer: store.signer.platter(),
  snapshots: [...store.snapshots],
});

const anyNode = (world: World, prng: Prng): SimulatedNode => world.nodes[prng.below(world.set.validators.length)]!;

/** A node that may become dishonest, or, when it keeps its word, forgetful; none when the others that are have used that up. */
function victim(
  world: World,
  prng: Prng,
  why: string,
  keepsWord: (node: SimulatedNode) => boolean = () => false,
): SimulatedNode | undefined {
  const node = anyNode(world, prng);
  return spendFault(world, node.index, why, keepsWord(node)) ? node : undefined;
}
