/**
 * A turn of a simulated node, which is what a node's driver must be: inputs that come while the disk works wait and form one
 * turn; what the turn wants to keep goes to the vote log in one group, synced if there is a barrier, and only then does
 * anything leave, turn after turn. A crash may come at any of these points, and between any two things that leave.
 */
import type { Effect, Input, Moment } from "@stoa/consensus/effect";
import { decodeMessage, encodeMessage, type Message } from "@stoa/consensus/message";
import { step } from "@stoa/consensus/replica";
import { NodeError } from "@stoa/node/failure";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { encodeDurableRecord } from "@stoa/consensus/durable-record";
import { timeMs } from "@stoa/base/units";
import { checkBounds } from "./bounds.ts";
import { deliver } from "./chain.ts";
import { checkAccusation, checkDivergence, checkEvidence, checkHalt, checkSent } from "./checkers.ts";
import { answerPayload } from "./commands.ts";
import { noteLane } from "./lanes.ts";
import { isAboutRoots } from "./miscomputing.ts";
import { feed, peersOf, type SimulatedNode } from "./node.ts";
import { noteStored } from "./store.ts";
import { describeEffect, describeMessage } from "./story.ts";
import { after, carry, isHonest, localMsOf, tell, wallMsOf, type World } from "./world.ts";

/** Ends a process from within a turn: `power` says whether its machine goes too. */
export type EndProcess = (world: World, node: SimulatedNode, how: { readonly power: boolean }) => void;

export function turnSoon(world: World, node: SimulatedNode, end: EndProcess): void {
  whenAwake(world, node, () => turn(world, node, end));
}

/** Runs `run` in this life of the node, as soon as it is not stopped. */
function whenAwake(world: World, node: SimulatedNode, run: () => void): void {
  const { life } = node;
  after(world, node.pausedUntilUs - world.nowUs, () => {
    if (node.life !== life) return;
    if (world.nowUs < node.pausedUntilUs) whenAwake(world, node, run);
    else run();
  });
}

/** Everything that has come in so far. What it wants to say leaves when what it wants to keep is on disk. */
function turn(world: World, node: SimulatedNode, end: EndProcess): void {
  const inputs = node.inbox;
  node.inbox = [];
  const at = momentOf(world, node);
  const effects: Effect[] = [];
  for (const input of inputs) {
    world.audit.note(world.nowUs, node.label, input.kind);
    effects.push(...step(node.replica, { ...input, at } as Input));
  }
  if (isHonest(world, node)) checkBounds(world.checkers, node.index, node.replica);
  node.writing = true;
  const barrier = stopOnDiskError(world, node, end, () => write(world, node, effects));
  if (barrier === undefined) return;
  const { votes, signer } = node.store;
  const [epoch, signerEpoch] = [votes.epoch(), signer.epoch()];
  const syncedNumber = node.open.voteLog.synced();
  const written = barrier ? node.unsettled.splice(0) : [];
  const { life } = node;
  const syncUs = (100 + world.diskPrng.below(2_000)) * node.diskSlowness;
  after(world, inputs.length * world.messageUs + (barrier ? syncUs : 0), () => {
    if (node.life !== life) return;
    if (barrier) {
      signer.settle(signerEpoch);
      votes.settle(epoch);
      node.open.signer.logged(syncedNumber);
    }
    if (!votes.faults.lyingSync) for (const one of written) noteStored(node.store, one);
    whenAwake(world, node, () => finish(world, node, effects, end));
  });
}

function finish(world: World, node: SimulatedNode, effects: readonly Effect[], end: EndProcess): void {
  const { life } = node;
  stopOnDiskError(world, node, end, () => release(world, node, effects, end));
  if (node.life !== life) return;
  node.writing = false;
  if (0 < node.inbox.length) turnSoon(world, node, end);
}

/** A disk that fails stops a node, as it does a real one: what it was about to say is not said. */
function stopOnDiskError<T>(world: World, node: SimulatedNode, end: EndProcess, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    world.tally.stopped++;
    tell(world, node, () => `stops: ${error.message.split(".")[0]}`);
    end(world, node, { power: false });
    return undefined;
  }
}

function momentOf(world: World, node: SimulatedNode): Moment {
  return { monotonicMs: localMsOf(world, node), wallMs: timeMs(wallMsOf(world, node)) };
}

/** Appends what must not be forgotten; says whether a sync must follow before anything leaves. */
function write(world: World, node: SimulatedNode, effects: readonly Effect[]): boolean {
  const records = effects.flatMap((effect) => (effect.kind === "persist" ? [effect] : []));
  if (records.length === 0) return false;
  const barrier = records.some((one) => one.barrier);
  for (const { record } of records) world.audit.note(encodeDurableRecord(record));
  node.unsettled.push(...records.map(({ record }) => record));
  node.open.signer.logging(records.map(({ record }) => record));
  node.open.voteLog.append(
    records.map(({ record }) => record),
    barrier,
  );
  return barrier;
}

function release(world: World, node: SimulatedNode, effects: readonly Effect[], end: EndProcess): void {
  const { life } = node;
  for (const effect of effects) {
    tell(world, node, () => describeEffect(effect));
    for (const one of node.tamper?.(world, node, effect) ?? [effect]) {
      perform(world, node, one, end);
      if (node.life !== life) return;
    }
  }
}

function perform(world: World, node: SimulatedNode, effect: Effect, end: EndProcess): void {
  switch (effect.kind) {
    case "send":
      return transmit(world, node, effect.to, effect.message, end);
    case "broadcast":
      return transmit(world, node, undefined, effect.message, end);
    case "schedule":
      return setTimer(world, node, effect);
    case "payloadWanted":
      return answerPayload(world, node, effect);
    case "deliver":
      return deliver(world, node, effect.block);
    case "readBlocks": {
      const { from, through, to, request } = effect;
      const blocks = node.open.blockLog.readRange(from, through - from + 1, readSizeMax);
      return feed(node, { kind: "blocksRead", to, request, blocks });
    }
    case "misbehaviour":
      world.tally.reports++;
      if (isAboutRoots(world.miscomputers, effect.fact)) return;
      return checkAccusation(world.checkers, node.index, effect.peer, effect.fact);
    case "diverged":
      if (world.miscomputers.planned.length === 0)
        return checkDivergence(world.checkers, node.index, effect.divergence);
      world.miscomputers.said.push({
        node: node.index,
        finalHeight: node.lastDelivered.height,
        divergence: effect.divergence,
      });
      return;
    case "halt":
      world.tally.halted++;
      return checkHalt(world.checkers, node.index, effect.fact);
    case "laneRoom":
    case "batchHeld":
    case "batchDropped":
      return noteLane(world, node, effect);
    case "evidence":
      return checkEvidence(world.checkers, node.index, effect, world.ordered.height);
    case "persist":
    case "progress":
      return;
  }
}
const readSizeMax = 1024 * 1024;

// ---- network and timers

/** Sends to one key, or to all. */
function transmit(
  world: World,
  node: SimulatedNode,
  to: ValidatorIndex | undefined,
  message: Message,
  end: EndProcess,
): void {
  checkSent(world.checkers, node.index, message);
  const bytes = encodeMessage(message);
  world.audit.note(world.nowUs, node.label, "sends", bytes);
  for (const target of peersOf(world, node)) {
    if (to !== undefined && target.index !== to) continue;
    if (countDown(world, node, end)) return;
    carry(world, node, target, bytes.length, () => {
      tell(world, target, () => describeMessage(node.label, message));
      feed(target, { kind: "message", from: node.index, message: decodeMessage(bytes)! });
    });
  }
}

/** A planned crash strikes between two messages of one turn. */
function countDown(world: World, node: SimulatedNode, end: EndProcess): boolean {
  if (node.crashAfterCount === undefined) return false;
  if (0 < node.crashAfterCount--) return false;
  end(world, node, { power: true });
  return true;
}

function setTimer(world: World, node: SimulatedNode, effect: Extract<Effect, { kind: "schedule" }>): void {
  const { timer, view } = effect;
  const token = (node.timers.get(timer) ?? 0) + 1;
  node.timers.set(timer, token);
  const { life } = node;
  after(world, (effect.delayMs * 1_000 * 1_000_000) / node.clock.ratePpm, () => {
    if (node.life === life && node.timers.get(timer) === token) feed(node, { kind: "timer", timer, view });
  });
}
