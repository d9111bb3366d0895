/**
 * The clients of a simulated exchange. They hand commands to nodes drawn by chance, now and then in bursts or to all nodes at
 * once, and give one that is not final after a while to another node, until it is final or no door takes it any more (I11).
 */
import type { Prng } from "@stoa/base/prng";
import { commandName } from "./command-name.ts";
import { submit } from "./commands.ts";
import type { SimulatedNode } from "./node.ts";
import { after, tell, type World } from "./world.ts";

export interface Workload {
  readonly untilMs: number;
  /** Between two arrivals, about. */
  readonly everyMs: number;
  /** Of a thousand commands, how many go into the lane of the node that takes them, if there is room. */
  readonly lanePermille: number;
}

const firstMs = 500;
const burstCount = 10;
/** A client that has waited so long asks somewhere else. */
const patienceMs = 2_000;
/** Clients that wait at once; a run does not measure how many that could be. */
const pendingCountMax = 2_000;

export function planWorkload(world: World, prng: Prng, plan: Workload): void {
  const arrive = (): void => {
    if (1_000 * plan.untilMs < world.nowUs) return;
    const burst = prng.below(10) === 0 ? burstCount : 1;
    for (let count = 0; count < burst; count++) {
      const command = world.application.nextCommand(trueWallMs(world));
      const doors = prng.below(20) === 0 ? world.nodes : [world.nodes[prng.below(world.nodes.length)]!];
      for (const node of doors) offer(world, node, command, chooseLane(world, plan));
    }
    after(world, 1_000 * prng.below(2 * plan.everyMs), arrive);
  };
  after(world, 1_000 * firstMs, arrive);
  const retry = (): void => {
    offerAgain(world, prng, plan);
    after(world, (1_000 * patienceMs) / 4, retry);
  };
  after(world, 1_000 * patienceMs, retry);
}

const trueWallMs = (world: World): number => world.parameters.genesisTimeMs + 1_000 + Math.floor(world.nowUs / 1_000);

const chooseLane = (world: World, { lanePermille }: Workload): boolean => world.lanePrng.below(1_000) < lanePermille;

function offer(world: World, node: SimulatedNode, bytes: Uint8Array, toLane: boolean): void {
  world.tally.commands++;
  const name = commandName(bytes);
  submit(world, node, bytes, toLane);
  // What an honest clock would refuse has been answered; a door whose clock is wrong is not believed.
  if (world.application.refusal(bytes, trueWallMs(world)) !== undefined) return;
  if (world.ordered.commands.has(name) || world.pending.has(name) || pendingCountMax <= world.pending.size) return;
  world.pending.set(name, { bytes, sinceUs: world.nowUs });
}

/** Clients that waited long enough turn to another node; those whose command has expired have their answer. */
function offerAgain(world: World, prng: Prng, plan: Workload): void {
  for (const [name, { bytes, sinceUs }] of world.pending) {
    if (world.nowUs < sinceUs + 1_000 * patienceMs) continue;
    if (world.application.refusal(bytes, trueWallMs(world)) !== undefined) {
      world.pending.delete(name);
      tell(world, undefined, () => `a client gives command ${name.slice(0, 8)} up: it has expired`);
      continue;
    }
    submit(world, world.nodes[prng.below(world.nodes.length)]!, bytes, chooseLane(world, plan));
  }
}
