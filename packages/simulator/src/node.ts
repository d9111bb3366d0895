/**
 * One simulated validator: the driver that gives `step` a body. It collects inputs while the disk is busy, runs them as one
 * turn, writes what the turn wants written, syncs if there is a barrier, and only then lets anything leave. A crash may come
 * at any of these points, and between any two things that leave.
 */
import { assert } from "@stoa/base/assert";
import { toHex } from "@stoa/base/bytes";
import { decode, encode } from "@stoa/base/codec";
import { sha256, zeroDigest, type Digest } from "@stoa/base/hash";
import { timeMs } from "@stoa/base/units";
import { decodeDurableRecord, encodeDurableRecord } from "@stoa/consensus/durable-record";
import type { Effect, Input, Moment, TimerKind } from "@stoa/consensus/effect";
import { decodeMessage, encodeMessage, type Message } from "@stoa/consensus/message";
import { recover } from "@stoa/consensus/recovery";
import { step } from "@stoa/consensus/replica";
import type { Replica } from "@stoa/consensus/state";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { headerDigest, type ExecutedRoots } from "@stoa/protocol/finality/header";
import { decodePayload, encodePayload } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { Exchange } from "./application.ts";
import {
  checkAccusation,
  checkDelivered,
  checkExecuted,
  checkHalt,
  checkSent,
  checkStored,
  noteFromFaulty,
} from "./checkers.ts";
import { append, createDisk, losePower, syncBlocks, syncVotes, type Disk } from "./disk.ts";
import { simulatedSeed } from "./fake-signature.ts";
import { arrivals } from "./network.ts";
import { after, type World } from "./world.ts";

/** Changes what a faulty node sends; `undefined` for an honest one. */
export type Tamper = (world: World, node: SimulatedNode, effect: Effect) => readonly Effect[];

/** A clock that runs at its own rate and may be set wrong. */
export interface Clock {
  /** Local microseconds per million true ones. */
  readonly ratePpm: number;
  offsetMs: number;
}

export interface SimulatedNode {
  readonly index: ValidatorIndex;
  readonly clock: Clock;
  readonly tamper: Tamper | undefined;
  readonly disk: Disk;
  /** Counts starts; what belongs to an earlier life is void. */
  life: number;
  up: boolean;
  replica: Replica;
  exchange: Exchange;
  executedHeight: number;
  /** The block that was delivered last, whether or not it has been executed. */
  lastDelivered: { height: number; digest: Digest };
  readonly toExecute: FinalBlock[];
  executing: boolean;
  inbox: WithoutMoment<Input>[];
  /** The disk is at work on the last turn. */
  writing: boolean;
  pausedUntilUs: number;
  readonly timers: Map<TimerKind, number>;
  readonly mempool: Map<string, Uint8Array>;
  /** Digests of blocks on the synced part of the disk. */
  readonly storedBlocks: Set<string>;
  /** A crash that strikes after so many more things have left the node. */
  crashAfterCount: number | undefined;
}

type WithoutMoment<T> = T extends unknown ? Omit<T, "at"> : never;

export function createNode(index: number, clock: Clock, tamper: Tamper | undefined): SimulatedNode {
  const node = {
    index: index as ValidatorIndex,
    clock,
    tamper,
    disk: createDisk(),
    life: 0,
    up: false,
    executedHeight: 0,
    lastDelivered: { height: 0, digest: zeroDigest },
    toExecute: [],
    executing: false,
    inbox: [],
    writing: false,
    pausedUntilUs: 0,
    timers: new Map(),
    mempool: new Map(),
    storedBlocks: new Set(),
    crashAfterCount: undefined,
  };
  // `start` fills in replica and exchange before anything reads them.
  return node as unknown as SimulatedNode;
}

// ---- life

/** Starts a node from what is on its disk. */
export function start(world: World, node: SimulatedNode): void {
  assert(!node.up, "a node is started once");
  node.life++;
  node.up = true;
  noteStored(node, 0, node.disk.votes.entries.length);
  shortenVotes(node);
  const blocks = node.disk.blocks.entries.map((bytes) => decode(finalBlock, bytes)!);
  node.exchange = world.application.open();
  const executed = [world.application.genesisRoots, ...blocks.map((block) => executeOn(node.exchange, block))];
  const recovered = recover(replicaOptions(world, node), {
    records: node.disk.votes.entries.map((bytes) => decodeDurableRecord(bytes)!),
    tip: blocks.at(-1),
    executed,
  });
  if (recovered.kind === "refused") {
    checkHalt(world.checkers, node.index, recovered.fact);
    node.up = false;
    return;
  }
  node.replica = recovered.replica;
  node.executedHeight = blocks.length;
  const tip = blocks.at(-1);
  node.lastDelivered = { height: blocks.length, digest: tip === undefined ? zeroDigest : headerDigest(tip.header) };
  world.audit.note("start", node.index, node.life);
  feed(world, node, { kind: "start" });
  for (const peer of world.nodes) {
    if (peer === node || !peer.up) continue;
    feed(world, node, { kind: "peer", peer: peer.index, connected: true });
    feed(world, peer, { kind: "peer", peer: node.index, connected: true });
    for (const command of peer.mempool.values()) transmitCommand(world, peer, node.index, command);
  }
}

/** The power goes: memory is gone, and what the disk had not synced may be. */
export function crash(world: World, node: SimulatedNode): void {
  if (!node.up) return;
  world.tally.crashes++;
  world.audit.note("crash", node.index);
  node.up = false;
  node.life++;
  node.inbox = [];
  node.writing = false;
  node.pausedUntilUs = 0;
  node.timers.clear();
  node.mempool.clear();
  node.toExecute.length = 0;
  node.executing = false;
  node.crashAfterCount = undefined;
  losePower(node.disk, world.diskPrng);
  for (const peer of world.nodes) {
    if (peer !== node) feed(world, peer, { kind: "peer", peer: node.index, connected: false });
  }
}

function replicaOptions(world: World, node: SimulatedNode) {
  const seed = simulatedSeed(node.index);
  return {
    set: world.set,
    self: node.index,
    sign: (bytes: Uint8Array) => world.signatures.sign(bytes, seed),
    verify: world.signatures.verify,
    scheme: world.scheme,
    parameters: { ...world.parameters, session: node.life },
  };
}

/** Votes below a block that is safely in the block log are dropped, as a node does when its vote log grows long. */
function shortenVotes(node: SimulatedNode): void {
  const { votes, blocks } = node.disk;
  const records = votes.entries.map((bytes) => decodeDurableRecord(bytes)!);
  const floor = records.findLast(({ kind }) => kind === "finalized");
  if (floor?.kind !== "finalized" || blocks.syncedCount < floor.height || records.length < 50) return;
  votes.entries = votes.entries.filter((_, index) => {
    const record = records[index]!;
    if (record.kind === "voted") return floor.view <= record.vote.view;
    if (record.kind === "certificate") return floor.view <= record.certificate.view;
    return record.kind === "finalized" ? record === floor : floor.view <= record.header.view;
  });
  votes.syncedCount = votes.entries.length;
}

// ---- turns

/** Hands an input to a node: now, or when its disk is done with the last turn. */
export function feed(world: World, node: SimulatedNode, input: WithoutMoment<Input>): void {
  if (!node.up) return;
  node.inbox.push(input);
  if (node.inbox.length === 1 && !node.writing) turnSoon(world, node);
}

function turnSoon(world: World, node: SimulatedNode): void {
  const { life } = node;
  after(world, node.pausedUntilUs - world.nowUs, () => {
    if (node.life !== life) return;
    if (world.nowUs < node.pausedUntilUs) turnSoon(world, node);
    else turn(world, node);
  });
}

/** Everything that has come in so far, as one turn. What it wants to say leaves when what it wants to keep is on disk. */
function turn(world: World, node: SimulatedNode): void {
  const inputs = node.inbox;
  node.inbox = [];
  const at = momentOf(world, node);
  const effects: Effect[] = [];
  for (const input of inputs) {
    world.audit.note(world.nowUs, node.index, input.kind);
    effects.push(...step(node.replica, { ...input, at } as Input));
  }
  node.writing = true;
  const barrier = write(world, node, effects);
  const votesCount = node.disk.votes.entries.length;
  const { life } = node;
  after(world, barrier ? 100 + world.diskPrng.below(2_000) : 0, () => {
    if (node.life !== life) return;
    if (barrier) settleDisk(node, votesCount);
    release(world, node, effects);
    if (node.life !== life) return;
    node.writing = false;
    if (0 < node.inbox.length) turnSoon(world, node);
  });
}

function momentOf(world: World, { clock }: SimulatedNode): Moment {
  const localMs = (world.nowUs * clock.ratePpm) / 1_000_000_000;
  const startMs = world.parameters.genesisTimeMs + 1_000;
  return { monotonicMs: localMs, wallMs: timeMs(Math.max(0, Math.floor(startMs + localMs + clock.offsetMs))) };
}

/** Appends what must not be forgotten; says whether a sync must follow before anything leaves. */
function write(world: World, node: SimulatedNode, effects: readonly Effect[]): boolean {
  let barrier = false;
  for (const effect of effects) {
    if (effect.kind !== "persist") continue;
    const bytes = encodeDurableRecord(effect.record);
    world.audit.note(bytes);
    append(node.disk.votes, bytes);
    barrier ||= effect.barrier;
  }
  return barrier;
}

function settleDisk(node: SimulatedNode, votesCount: number): void {
  noteStored(node, node.disk.votes.syncedCount, votesCount);
  syncVotes(node.disk, votesCount);
}

/** What a crash left of the unsynced part is on disk as well as what was synced. */
function noteStored(node: SimulatedNode, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    const record = decodeDurableRecord(node.disk.votes.entries[index]!)!;
    if ("header" in record && record.header !== undefined && record.payload !== undefined) {
      node.storedBlocks.add(toHex(headerDigest(record.header)));
    }
  }
}

function release(world: World, node: SimulatedNode, effects: readonly Effect[]): void {
  const { life } = node;
  for (const effect of effects) {
    const tampered = node.tamper?.(world, node, effect) ?? [effect];
    for (const one of tampered) {
      perform(world, node, one);
      if (node.life !== life) return;
    }
  }
}

function perform(world: World, node: SimulatedNode, effect: Effect): void {
  switch (effect.kind) {
    case "send":
      return transmit(world, node, [effect.to], effect.message);
    case "broadcast":
      return transmit(world, node, othersThan(world, node), effect.message);
    case "schedule":
      return setTimer(world, node, effect);
    case "payloadWanted":
      return answerPayload(world, node, effect);
    case "deliver":
      return deliver(world, node, effect.block);
    case "readBlocks": {
      const entries = node.disk.blocks.entries.slice(effect.from - 1, effect.through);
      const blocks = entries.map((bytes) => decode(finalBlock, bytes)!);
      return feed(world, node, { kind: "blocksRead", to: effect.to, request: effect.request, blocks });
    }
    case "misbehaviour": {
      const innocent = world.nodes[effect.peer]!.tamper === undefined && node.tamper === undefined;
      if (innocent) checkAccusation(world.checkers, node.index, effect.peer, effect.fact);
      return;
    }
    case "halt":
      if (node.tamper === undefined) checkHalt(world.checkers, node.index, effect.fact);
      return;
    case "persist":
    case "progress":
      return;
  }
}

const othersThan = (world: World, node: SimulatedNode): ValidatorIndex[] =>
  world.nodes.filter((other) => other !== node).map(({ index }) => index);

// ---- network and timers

function transmit(world: World, node: SimulatedNode, targets: readonly ValidatorIndex[], message: Message): void {
  if (node.tamper === undefined) checkSent(world.checkers, node.index, message);
  else noteFromFaulty(world.checkers, message);
  const bytes = encodeMessage(message);
  world.audit.note(world.nowUs, node.index, "sends", bytes);
  for (const target of targets) {
    if (countDown(world, node)) return;
    carry(world, node.index, target, () => {
      feed(world, world.nodes[target]!, { kind: "message", from: node.index, message: decodeMessage(bytes)! });
    });
  }
}

/** A planned crash strikes between two messages of one turn. */
function countDown(world: World, node: SimulatedNode): boolean {
  if (node.crashAfterCount === undefined) return false;
  if (0 < node.crashAfterCount--) return false;
  crash(world, node);
  return true;
}

function carry(world: World, from: number, to: ValidatorIndex, arrive: () => void): void {
  for (const delayUs of arrivals(world.network, from, to)) after(world, delayUs, arrive);
}

function setTimer(world: World, node: SimulatedNode, effect: Extract<Effect, { kind: "schedule" }>): void {
  const { timer, view } = effect;
  const token = (node.timers.get(timer) ?? 0) + 1;
  node.timers.set(timer, token);
  const { life } = node;
  after(world, (effect.delayMs * 1_000 * 1_000_000) / node.clock.ratePpm, () => {
    if (node.life === life && node.timers.get(timer) === token) feed(world, node, { kind: "timer", timer, view });
  });
}

// ---- commands and blocks

/** A client hands a command to one node, which tells the others. */
export function submit(world: World, node: SimulatedNode, command: Uint8Array): void {
  if (!node.up) return;
  world.tally.commands++;
  receiveCommand(world, node, command);
  for (const other of othersThan(world, node)) transmitCommand(world, node, other, command);
}

/** What a node has not seen final it tells again; lost commands are found this way. */
export function gossip(world: World, node: SimulatedNode): void {
  for (const command of node.mempool.values()) {
    for (const other of othersThan(world, node)) transmitCommand(world, node, other, command);
  }
}

function transmitCommand(world: World, node: SimulatedNode, to: ValidatorIndex, command: Uint8Array): void {
  carry(world, node.index, to, () => receiveCommand(world, world.nodes[to]!, command));
}

const recentCommandsCountMax = 4_096;
const seen = new WeakMap<SimulatedNode, Map<string, true>>();

function receiveCommand(world: World, node: SimulatedNode, command: Uint8Array): void {
  if (!node.up) return;
  const key = toHex(sha256(command));
  if (node.mempool.has(key) || recentlyFinal(node).has(key)) return;
  node.mempool.set(key, command);
  feed(world, node, { kind: "workPending", pending: true });
}

function recentlyFinal(node: SimulatedNode): Map<string, true> {
  const known = seen.get(node) ?? new Map<string, true>();
  seen.set(node, known);
  return known;
}

function answerPayload(world: World, node: SimulatedNode, effect: Extract<Effect, { kind: "payloadWanted" }>): void {
  const ordered = new Set(
    effect.ancestors.flatMap(({ payload }) => commandsIn(payload)).map((one) => toHex(sha256(one))),
  );
  const commands = [...node.mempool].filter(([key]) => !ordered.has(key)).map(([, command]) => command);
  const work = 0 < commands.length;
  const payload = work ? encodePayload(commands.slice(0, 100)) : new Uint8Array(0);
  feed(world, node, { kind: "payload", view: effect.view, payload, work });
}

function deliver(world: World, node: SimulatedNode, block: FinalBlock): void {
  const digest = headerDigest(block.header);
  if (node.tamper === undefined) {
    checkDelivered(world.checkers, node.index, block, node.lastDelivered);
    const holders = world.nodes.filter((one) => one.tamper === undefined && one.storedBlocks.has(toHex(digest)));
    checkStored(
      world.checkers,
      block,
      holders.map(({ index }) => index),
    );
  }
  world.audit.note("deliver", node.index, digest);
  countCommands(world, block);
  node.lastDelivered = { height: block.header.height, digest };
  append(node.disk.blocks, encode(finalBlock, block));
  scheduleBlockSync(world, node);
  const recent = recentlyFinal(node);
  for (const command of commandsIn(block.payload)) {
    const key = toHex(sha256(command));
    node.mempool.delete(key);
    recent.set(key, true);
  }
  for (const key of recent.keys()) if (recentCommandsCountMax < recent.size) recent.delete(key);
  if (node.mempool.size === 0) feed(world, node, { kind: "workPending", pending: false });
  node.toExecute.push(block);
  executeNext(world, node);
}

/** How often one command was ordered twice, for the report: the exchange refuses the second, but it costs room. */
function countCommands(world: World, { header, payload }: FinalBlock): void {
  if (header.height <= world.ordered.height) return;
  world.ordered.height = header.height;
  for (const command of commandsIn(payload)) {
    const key = toHex(sha256(command));
    if (world.ordered.commands.has(key)) world.tally.orderedTwice++;
    world.ordered.commands.add(key);
  }
}

/** The block log is synced at leisure: nothing waits for it. */
function scheduleBlockSync(world: World, node: SimulatedNode): void {
  const { life } = node;
  const count = node.disk.blocks.entries.length;
  after(world, world.diskPrng.below(50_000), () => {
    if (node.life === life) syncBlocks(node.disk, count);
  });
}

function executeNext(world: World, node: SimulatedNode): void {
  if (node.executing || node.toExecute.length === 0) return;
  node.executing = true;
  const { life } = node;
  after(world, 200 + world.diskPrng.below(4_000), () => {
    if (node.life !== life) return;
    node.executing = false;
    const roots = executeOn(node.exchange, node.toExecute.shift()!);
    node.executedHeight = roots.height;
    if (node.tamper === undefined) checkExecuted(world.checkers, node.index, roots, node.exchange.imbalance());
    feed(world, node, { kind: "executed", roots });
    executeNext(world, node);
  });
}

function executeOn(exchange: Exchange, { header, payload }: FinalBlock): ExecutedRoots {
  return exchange.execute({ height: header.height, timeMs: header.timeMs, commands: commandsIn(payload) });
}

const commandsIn = (payload: Uint8Array): readonly Uint8Array[] =>
  payload.length === 0 ? [] : (decodePayload(payload) ?? []);
