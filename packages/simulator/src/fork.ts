/**
 * Above a third: keys with enough stake to fork the chain run in two processes each, one on either side of a partition of the
 * honest; every side has a quorum, so every side goes on. Honest nodes change sides now and then, and in the end all hear
 * all. Then safety may be gone, but not justice: whatever forked, what was said on the wire convicts at least a third of the
 * stake, and no honest key.
 */
import { createPrng, type Prng } from "@stoa/base/prng";
import { isQuorum } from "@stoa/protocol/finality/certificate";
import { convictedStake } from "./accountability.ts";
import { createNode, start, stop } from "./life.ts";
import { shuffled } from "./network.ts";
import { drawPlan } from "./plan.ts";
import { worldOf, type SimulateOptions } from "./run.ts";
import { planWorkload } from "./workload.ts";
import { after, runUntil, tell, type World } from "./world.ts";

export interface ForkReport {
  readonly seed: number;
  readonly nodesCount: number;
  /** Keys that run twice. */
  readonly corrupted: readonly number[];
  /** Two honest nodes have different final blocks at one height. */
  readonly forked: boolean;
  /** What broke, as it may. */
  readonly broken: readonly string[];
  readonly guilty: readonly { readonly node: number; readonly fact: string }[];
  /** Of those whom the certificates convict, without any vote. */
  readonly convictedStake: number;
  readonly totalStake: number;
  /** Empty when the fork convicts enough, and nobody who is honest. */
  readonly failures: readonly string[];
  readonly auditHash: string;
}

const apartMs = 6_000;
const togetherMs = 5_000;

export function simulateFork(options: SimulateOptions): ForkReport {
  const plan = drawPlan({ ...options, faulty: [], faultKinds: [] });
  const prng = createPrng(options.seed).stream("fork");
  const world = worldOf(plan, options, true);
  const corrupted = drawCorrupted(prng, world);
  for (const index of corrupted) world.faulty.set(index, "its key runs in two processes");
  const sides = sidesOf(prng, world, corrupted);
  plan.clocks.forEach((clock, index) => {
    world.nodes.push(createNode(world, { index, clock: { ...clock }, side: sides.get(index) ?? "left" }));
  });
  for (const index of corrupted) {
    world.nodes.push(createNode(world, { index, clock: { ...plan.clocks[index]! }, side: "right" }));
  }
  for (const node of world.nodes) after(world, prng.below(200_000), () => start(world, node));
  planWorkload(world, createPrng(options.seed).stream("arrivals"), {
    untilMs: apartMs,
    everyMs: 50,
    lanePermille: 300,
  });
  planMoves(world, prng, corrupted);
  runUntil(world, 1_000 * apartMs);
  for (const node of world.nodes) node.side = undefined;
  tell(world, undefined, () => "everybody hears everybody");
  for (const node of world.nodes) restart(world, node);
  runUntil(world, 1_000 * (apartMs + togetherMs));
  return reportOf(world, plan.seed, corrupted);
}

/** Keys of more than a third of the stake, with which each half of the honest has a quorum. */
function drawCorrupted(prng: Prng, world: World): readonly number[] {
  const all = world.set.validators.map((_, index) => index);
  for (let count = Math.ceil(all.length / 3); count < all.length - 1; count++) {
    for (let draws = 0; draws < 20; draws++) {
      const corrupted = shuffled(prng, all).slice(0, count);
      if (halvesOf(world, corrupted) !== undefined) return corrupted.sort();
    }
  }
  return all.slice(2);
}

/** The honest in two groups that are quorums, each with the corrupted; `undefined` when they cannot be. */
function halvesOf(world: World, corrupted: readonly number[]): readonly [number[], number[]] | undefined {
  const { validators } = world.set;
  const stakeOf = (nodes: readonly number[]): number => nodes.reduce((sum, index) => sum + validators[index]!.stake, 0);
  const [left, right]: [number[], number[]] = [[], []];
  const honest = validators.map((_, index) => index).filter((index) => !corrupted.includes(index));
  for (const index of honest) (stakeOf(left) <= stakeOf(right) ? left : right).push(index);
  const both = [left, right].every(
    (half) => half.length !== 0 && isQuorum(world.set, stakeOf(half) + stakeOf(corrupted)),
  );
  return both ? [left, right] : undefined;
}

function sidesOf(prng: Prng, world: World, corrupted: readonly number[]): Map<number, string> {
  const halves = halvesOf(world, corrupted) ?? [[0], [1]];
  const first = prng.below(2);
  return new Map(halves.flatMap((half, place) => half.map((index) => [index, place === first ? "left" : "right"])));
}

/** Now and then an honest node finds itself on the other side, and brings what it knows. */
function planMoves(world: World, prng: Prng, corrupted: readonly number[]): void {
  const move = (): void => {
    const honest = world.nodes.filter(({ index }) => !corrupted.includes(index));
    const node = honest[prng.below(honest.length)]!;
    node.side = node.side === "left" ? "right" : "left";
    tell(world, node, () => `is on the ${node.side} side now`);
    restart(world, node);
    after(world, 1_000_000 + prng.below(4_000_000), move);
  };
  if (prng.below(2) === 0) after(world, 1_500_000 + prng.below(2_000_000), move);
}

/** Its connections are made anew. */
function restart(world: World, node: World["nodes"][number]): void {
  if (!node.up || world.nowUs === 0) return;
  stop(world, node, { power: false });
  start(world, node);
}

function reportOf(world: World, seed: number, corrupted: readonly number[]): ForkReport {
  const { accountability, failures, tolerated } = world.checkers;
  const broken = tolerated ?? [];
  const forked = broken.some((fact) => fact.startsWith("I1"));
  const stake = convictedStake(accountability);
  const { totalStake } = world.set;
  const enough = totalStake <= 3 * stake;
  const missing = forked && !enough ? [`accountability: the fork convicts ${stake} of ${totalStake} stake`] : [];
  return {
    seed,
    nodesCount: world.set.validators.length,
    corrupted,
    forked,
    broken,
    guilty: [...accountability.guilty].map(([node, fact]) => ({ node, fact })),
    convictedStake: stake,
    totalStake,
    failures: [...failures, ...missing],
    auditHash: world.audit.digest(),
  };
}
