/**
 * Lanes at a simulated node: commands of clients that go into its own batches, a few at a time, and what it knows of commands
 * that wait in batches, so that it does not order them a second time.
 */
import type { Effect } from "@stoa/consensus/effect";
import { decodePayload, encodePayload } from "@stoa/protocol/payload";
import { commandName } from "./command-name.ts";
import { feed, type SimulatedNode } from "./node.ts";
import { after, wallMsOf, type World } from "./world.ts";

const batchCommandsCountMax = 50;
const flushUsMax = 20_000;
/** A command that waits in a lane for so long may be ordered beside batches after all. */
const lanePatienceMs = 5_000;

/** Puts a command into the next batch of this node; false when its lane has no room. */
export function putIntoLane(world: World, node: SimulatedNode, command: Uint8Array): boolean {
  if (node.laneRoom === 0 || batchCommandsCountMax <= node.toLane.length) return false;
  if (node.inLanes.has(commandName(command))) return true;
  node.toLane.push(command);
  if (node.flushPlanned) return true;
  node.flushPlanned = true;
  const { life } = node;
  after(world, world.lanePrng.below(flushUsMax), () => {
    if (node.life !== life) return;
    node.flushPlanned = false;
    flush(node);
  });
  return true;
}

function flush(node: SimulatedNode): void {
  if (node.laneRoom === 0 || node.toLane.length === 0) return;
  // The node says how much room is left when it has made the batch.
  node.laneRoom--;
  feed(node, { kind: "batch", payload: encodePayload(node.toLane.splice(0)) });
}

const commandsOf = (payload: Uint8Array): readonly Uint8Array[] => decodePayload(payload) ?? [];

type LaneEffect = Extract<Effect, { kind: "laneRoom" | "batchHeld" | "batchDropped" }>;

export function noteLane(world: World, node: SimulatedNode, effect: LaneEffect): void {
  if (effect.kind === "laneRoom") {
    node.laneRoom = effect.count;
    return;
  }
  for (const command of commandsOf(effect.payload)) {
    if (effect.kind === "batchHeld") node.inLanes.set(commandName(command), wallMsOf(world, node));
    else node.inLanes.delete(commandName(command));
  }
  if (effect.kind === "batchHeld") world.tally.batches++;
}

/** Whether a block will order this command from a lane. */
export function waitsInLane(world: World, node: SimulatedNode, name: string): boolean {
  const sinceMs = node.inLanes.get(name);
  return sinceMs !== undefined && wallMsOf(world, node) < sinceMs + lanePatienceMs;
}
