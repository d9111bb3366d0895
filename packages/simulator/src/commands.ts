/** Commands at a simulated node: taken in, told to peers, put into payloads, forgotten when they are final. */
import type { Effect } from "@stoa/consensus/effect";
import type { FinalBlock } from "@stoa/protocol/block";
import { decodePayload, encodePayload } from "@stoa/protocol/payload";
import { commandName } from "./command-name.ts";
import { putIntoLane, waitsInLane } from "./lanes.ts";
import { feed, peersOf, type SimulatedNode } from "./node.ts";
import { carry, tell, wallMsOf, type World } from "./world.ts";

const recentCommandsCountMax = 4_096;
const payloadCommandsCountMax = 100;
const mempoolCommandsCountMax = 10_000;

export const commandsIn = (payload: Uint8Array): readonly Uint8Array[] =>
  payload.length === 0 ? [] : (decodePayload(payload) ?? []);

/**
 * A client hands a command to a node, which puts it into its lane, when it is asked to and has room, or tells the others; why it
 * is refused, if it is.
 */
export function submit(world: World, node: SimulatedNode, command: Uint8Array, toLane: boolean): string | undefined {
  if (!node.up) return "down";
  const refusal = receiveCommand(world, node, command);
  if (refusal !== undefined || !node.mempool.has(commandName(command))) return refusal;
  if (!toLane || !putIntoLane(world, node, command)) forward(world, node, command);
  return undefined;
}

/** What a node has not seen final it tells again; lost commands are found this way. */
export function gossip(world: World, node: SimulatedNode): void {
  for (const command of node.mempool.values()) forward(world, node, command);
}

function forward(world: World, node: SimulatedNode, command: Uint8Array): void {
  for (const peer of peersOf(world, node)) transmitCommand(world, node, peer, command);
}

export function transmitCommand(world: World, from: SimulatedNode, to: SimulatedNode, command: Uint8Array): void {
  carry(world, from, to, command.length, () => void receiveCommand(world, to, command));
}

/** Faulty nodes take anything, so that what no honest door admits can come into a block. */
function receiveCommand(world: World, node: SimulatedNode, command: Uint8Array): string | undefined {
  if (!node.up) return "down";
  const name = commandName(command);
  if (node.mempool.has(name) || node.recentlyFinal.has(name)) return undefined;
  if (mempoolCommandsCountMax <= node.mempool.size) return "full";
  const refusal = node.tamper === undefined ? world.application.refusal(command, wallMsOf(world, node)) : undefined;
  if (refusal !== undefined) {
    world.tally.commandsRefused++;
    return refusal;
  }
  node.mempool.set(name, command);
  feed(node, { kind: "workPending", pending: true });
  return undefined;
}

export function answerPayload(
  world: World,
  node: SimulatedNode,
  effect: Extract<Effect, { kind: "payloadWanted" }>,
): void {
  const ordered = new Set(effect.ancestors.flatMap(({ payload }) => commandsIn(payload)).map(commandName));
  const commands: Uint8Array[] = [];
  for (const [name, command] of node.mempool) {
    if (!ordered.has(name) && !waitsInLane(world, node, name)) commands.push(command);
    if (payloadCommandsCountMax <= commands.length) break;
  }
  const work = 0 < commands.length;
  const payload = work ? encodePayload(commands) : new Uint8Array(0);
  feed(node, { kind: "payload", view: effect.view, payload, work });
}

/** A block is final: its commands need no more room here. */
export function dropCommands(node: SimulatedNode, block: FinalBlock): void {
  const { recentlyFinal, mempool, inLanes } = node;
  for (const command of commandsIn(block.payload)) {
    const name = commandName(command);
    mempool.delete(name);
    inLanes.delete(name);
    recentlyFinal.set(name, true);
  }
  for (const name of recentlyFinal.keys()) {
    if (recentlyFinal.size <= recentCommandsCountMax) break;
    recentlyFinal.delete(name);
  }
  if (mempool.size === 0) feed(node, { kind: "workPending", pending: false });
}

/** The first delivery of a height anywhere: which commands are in the chain, and how often one came twice. */
export function countCommands(world: World, { header, payload }: FinalBlock): void {
  const { ordered } = world;
  if (header.height <= ordered.height) return;
  ordered.height = header.height;
  world.tally.batchesFinal += header.ranges.reduce((sum, { count }) => sum + count, 0);
  for (const command of commandsIn(payload)) {
    const name = commandName(command);
    if (ordered.commands.has(name)) world.tally.orderedTwice++;
    ordered.commands.add(name);
    world.pending.delete(name);
    world.tally.commandsFinal++;
  }
  for (const name of ordered.commands) {
    if (ordered.commands.size <= orderedCountMax) break;
    ordered.commands.delete(name);
  }
  tell(world, undefined, () => `height ${header.height} is final for the first time (view ${header.view})`);
}
const orderedCountMax = 20_000;
