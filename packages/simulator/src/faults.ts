/**
 * What goes wrong, and when. A seed draws a plan: crashes of one or of all nodes, some in the middle of a turn; cuts of the
 * network, one-way or both ways; pauses, as of a garbage collection; clocks that jump. At the end everything heals.
 */
import type { Prng } from "@stoa/base/prng";
import { cut } from "./network.ts";
import { crash, start, type SimulatedNode } from "./node.ts";
import { after, type World } from "./world.ts";

export const faultKinds = ["crash", "crashMidTurn", "powerCut", "cut", "isolate", "pause", "clockJump"] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultPlan {
  readonly kinds: readonly FaultKind[];
  readonly untilMs: number;
  readonly everyMs: number;
}

/** Plans faults about every `everyMs` on average until `untilMs`. */
export function planFaults(world: World, prng: Prng, plan: FaultPlan): void {
  for (let atMs = 0; ; ) {
    atMs += prng.below(2 * plan.everyMs) + 1;
    if (plan.untilMs <= atMs) return;
    const kind = plan.kinds[prng.below(plan.kinds.length)]!;
    const lastsMs = 20 + prng.below(2_000);
    after(world, 1_000 * atMs, () => strike(world, prng, kind, lastsMs));
  }
}

/** Ends every fault: all links are there, as lossy as they are; all nodes are up, all clocks are near. */
export function heal(world: World): void {
  world.network.cuts.clear();
  for (const node of world.nodes) {
    node.clock.offsetMs = Math.max(-100, Math.min(100, node.clock.offsetMs));
    node.crashAfterCount = undefined;
    if (!node.up) start(world, node);
  }
}

function strike(world: World, prng: Prng, kind: FaultKind, lastsMs: number): void {
  const node = world.nodes[prng.below(world.nodes.length)]!;
  world.audit.note("fault", kind, node.index);
  switch (kind) {
    case "crash":
      crash(world, node);
      return restartLater(world, node, lastsMs);
    case "crashMidTurn":
      if (node.up) node.crashAfterCount = prng.below(6);
      return restartLater(world, node, lastsMs);
    case "powerCut":
      for (const one of world.nodes) {
        crash(world, one);
        restartLater(world, one, prng.below(lastsMs) + 1);
      }
      return;
    case "cut":
    case "isolate":
      return separate(world, prng, kind === "isolate" ? node : undefined, lastsMs);
    case "pause":
      world.tally.pauses++;
      node.pausedUntilUs = Math.max(node.pausedUntilUs, world.nowUs + 1_000 * lastsMs);
      return;
    case "clockJump":
      world.tally.clockJumps++;
      return jump(world, prng, node, lastsMs);
  }
}

function restartLater(world: World, node: SimulatedNode, lastsMs: number): void {
  after(world, 1_000 * lastsMs, () => {
    if (!node.up) start(world, node);
  });
}

function separate(world: World, prng: Prng, alone: SimulatedNode | undefined, lastsMs: number): void {
  world.tally.cuts++;
  const left: number[] = [];
  const right: number[] = [];
  for (const { index } of world.nodes) {
    const goesLeft = alone === undefined ? prng.below(2) === 0 : index === alone.index;
    (goesLeft ? left : right).push(index);
  }
  cut(world.network, left, right, prng.below(3) === 0);
  after(world, 1_000 * lastsMs, () => world.network.cuts.clear());
}

/** A clock is set wrong for a while: by minutes at one node in three, by a little elsewhere. */
function jump(world: World, prng: Prng, node: SimulatedNode, lastsMs: number): void {
  const rangeMs = prng.below(3) === 0 ? 600_000 : 400;
  node.clock.offsetMs = prng.below(2 * rangeMs) - rangeMs;
  after(world, 1_000 * lastsMs, () => (node.clock.offsetMs = 0));
}
