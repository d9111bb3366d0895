/**
 * Validators in ten regions of the world: how long finality takes beside the least that the distances allow, and what leaders
 * cost that say nothing, say several things, or are gone. The cluster is the simulator's; only distances, the price of handling a
 * message and the observer are made here. Signatures are fake: `messageUs` stands for all that a message costs its receiver.
 */
import { limits } from "@stoa/base/limits";
import { createPrng } from "@stoa/base/prng";
import type { TimeMs, View } from "@stoa/base/units";
import { leaderOf, leaderSchedule } from "@stoa/consensus/leader";
import type { Effect } from "@stoa/consensus/effect";
import { isQuorum, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import { commandName } from "./command-name.ts";
import { commandsIn, submit } from "./commands.ts";
import { resigned } from "./forging.ts";
import { createNode, start } from "./life.ts";
import { peersOf, type SimulatedNode, type Tamper } from "./node.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { worldOf } from "./run.ts";
import { after, runUntil, type World } from "./world.ts";

export const regions = [
  "Virginia",
  "Frankfurt",
  "Tokyo",
  "Oregon",
  "Singapore",
  "Ireland",
  "São Paulo",
  "Mumbai",
  "Sydney",
  "Cape Town",
] as const;

/**
 * Round trips in milliseconds between data centres of the big clouds in these regions, as they are usually seen: rounded, written
 * down from general knowledge, measured by nobody here. Row by row, each region with those before it.
 */
const roundTripsMs: readonly (readonly number[])[] = [
  [],
  [92],
  [155, 230],
  [68, 142, 98],
  [220, 160, 70, 165],
  [68, 25, 205, 122, 175],
  [115, 205, 260, 175, 325, 178],
  [190, 122, 130, 220, 60, 122, 305],
  [200, 250, 110, 140, 93, 258, 312, 150],
  [230, 155, 350, 275, 265, 160, 340, 270, 405],
];
/** Between two machines of one region. */
const withinRoundTripMs = 1;
/** Each message takes up to this much longer than the distance says. */
const jitterPercent = 5;

/** The longest round trip of the table: D for validators that are spread like this. */
export const widestRoundTripMs = Math.max(...roundTripsMs.flat());

/** Validator `index` lives in region `index` modulo ten. One way, in microseconds. */
export function distanceUs(from: number, to: number): number {
  if (from === to) return 0;
  const [low, high] = [from % regions.length, to % regions.length].sort((left, right) => left - right) as [
    number,
    number,
  ];
  return 500 * (low === high ? withinRoundTripMs : roundTripsMs[high]![low]!);
}

/** What the validators with the lowest indexes do: propose nothing, propose three blocks at once, or do not run at all. */
export type Leaders = "honest" | "silent" | "equivocating" | "crashed";

export interface RegionsOptions {
  readonly seed: number;
  readonly validatorsCount: number;
  readonly blocksGoal: number;
  readonly leaders: Leaders;
  /** How many are not honest; 0 when all are. */
  readonly faultyCount: number;
  readonly initialTimeoutMs: number;
  /** What a message costs the processor of its receiver. */
  readonly messageUs: number;
  readonly commandsEveryMs: number;
}

/** Of one block at one validator. */
export interface Finality {
  readonly tookMs: number;
  /** The least that the distances allow. */
  readonly boundMs: number;
}

export interface RegionsReport {
  readonly finality: readonly Finality[];
  /** From the door of a validator until that validator has the command final. */
  readonly commandsMs: readonly number[];
  readonly simulatedMs: number;
  readonly blocksCount: number;
  /** Once nobody waits for the crashed any more. */
  readonly blocksPerSecond: number;
  readonly viewsCount: number;
  /** Views in which a timer of an honest validator ran out, and those of which the schedule says so. */
  readonly viewsTimedOut: readonly number[];
  readonly viewsExpected: readonly number[];
  /** Timers that ran out, over all honest validators. */
  readonly timeoutsCount: number;
  readonly honestCount: number;
  /** From entering a view that timed out until it was left, at each honest validator. */
  readonly lostMs: readonly number[];
  readonly messagesCount: number;
  readonly failures: readonly string[];
}

/** What the nodes of a run were seen to do. */
interface Watch {
  readonly proposedUs: Map<number, number>;
  readonly entered: Map<number, number>[];
  readonly nullified: Set<string>;
  readonly timedOut: Set<string>;
  readonly submitted: Map<string, { readonly node: number; readonly atUs: number }>;
  readonly finality: Finality[];
  readonly commandsMs: number[];
  readonly bounds: Map<number, readonly number[]>;
  /** Everybody who runs. */
  readonly voters: readonly number[];
  /** The first delivery of each block. */
  readonly firstFinal: { readonly view: number; readonly atUs: number }[];
}

export function simulateRegions(options: RegionsOptions): RegionsReport {
  const { seed, validatorsCount, faultyCount, leaders, initialTimeoutMs, messageUs } = options;
  const plan = planOf(options);
  const world = worldOf(plan, {
    seed,
    retentionBlocks: 1_000,
    parameters: { initialTimeoutMs, timeoutMsMax: 10_000 },
    messageUs,
  });
  for (let index = 0; index < faultyCount; index++) world.faulty.set(index, leaders);
  const isRunning = (index: number): boolean => leaders !== "crashed" || faultyCount <= index;
  const indexes = Array.from({ length: validatorsCount }, (_, index) => index);
  const watch = createWatch(validatorsCount, indexes.filter(isRunning));
  for (const index of indexes) {
    const tamper = tamperOf(watch, index < faultyCount ? leaders : "honest");
    world.nodes.push(createNode(world, { index, clock: plan.clocks[index]!, tamper }));
  }
  const running = world.nodes.filter(({ index }) => isRunning(index));
  for (const node of running) start(world, node);
  feedCommands(world, watch, running, options.commandsEveryMs);
  const dueMs = 4_000 + options.blocksGoal * 20 * initialTimeoutMs;
  runUntil(world, 1_000 * dueMs, () => options.blocksGoal <= watch.firstFinal.length);
  return reportOf(world, watch, options);
}

function planOf({ seed, validatorsCount }: RegionsOptions): Plan {
  const prng = createPrng(seed).stream("jitter");
  const plan = drawPlan({ seed, nodesCount: validatorsCount, faulty: [], faultKinds: [], faultsMs: 0 });
  return {
    ...plan,
    stakes: plan.stakes.map(() => 1),
    clocks: plan.clocks.map(() => ({ ratePpm: 1_000_000, setRightMs: 1_000, offsetMs: 0 })),
    weather: {
      delayUsMin: 0,
      delayUsMean: 0,
      lossPermille: 0,
      doublePermille: 0,
      slowPermille: 0,
      distanceUs: (from, to) => (distanceUs(from, to) * (100 + jitterPercent * prng.nextFloat())) / 100,
    },
  };
}

function createWatch(count: number, voters: readonly number[]): Watch {
  return {
    proposedUs: new Map(),
    entered: Array.from({ length: count }, () => new Map()),
    nullified: new Set(),
    timedOut: new Set(),
    submitted: new Map(),
    finality: [],
    commandsMs: [],
    bounds: new Map(),
    voters,
    firstFinal: [],
  };
}

/** Every validator gets its turn, so that there is always something to order. */
function feedCommands(world: World, watch: Watch, running: readonly SimulatedNode[], everyMs: number): void {
  const prng = createPrng(world.nodes.length).stream("doors");
  const arrive = (): void => {
    const node = running[prng.below(running.length)]!;
    const wallMs = world.parameters.genesisTimeMs + 1_000 + Math.floor(world.nowUs / 1_000);
    let command = world.application.nextCommand(wallMs);
    while (world.application.refusal(command, wallMs) !== undefined) command = world.application.nextCommand(wallMs);
    watch.submitted.set(commandName(command), { node: node.index, atUs: world.nowUs });
    submit(world, node, command, false);
    after(world, 1_000 * everyMs, arrive);
  };
  arrive();
}

// ---- what nodes do, and what is seen of it

function tamperOf(watch: Watch, leaders: Leaders): Tamper {
  return (world, node, effect) => {
    observe(world, watch, node, effect);
    if (leaders === "silent") return isOwnProposal(node, effect) ? [] : [effect];
    return leaders === "equivocating" ? equivocate(world, node, effect) : [effect];
  };
}

/** The proposal of a view that this node leads, or its vote for it. */
function isOwnProposal(node: SimulatedNode, effect: Effect): boolean {
  if (effect.kind !== "broadcast" && effect.kind !== "send") return false;
  const { message } = effect;
  if (message.kind === "proposal") return true;
  if (message.kind !== "vote" || message.vote.kind !== "notarize") return false;
  return leaderOf(node.replica.schedule, message.vote.view) === node.index;
}

/** Three blocks, each to a third of the others, and a vote for none: no quorum even with its own vote, and nobody can tell early. */
function equivocate(world: World, node: SimulatedNode, effect: Effect): readonly Effect[] {
  if (!isOwnProposal(node, effect)) return [effect];
  if (effect.kind !== "broadcast" || effect.message.kind !== "proposal") return [];
  const { proposal } = effect.message;
  const said = [0, 1, 2].map((later) =>
    resigned(world, node, {
      ...proposal,
      header: { ...proposal.header, timeMs: (proposal.header.timeMs + later) as TimeMs },
    }),
  );
  return peersOf(world, node).map((peer, place) => ({
    kind: "send",
    to: peer.index,
    message: { kind: "proposal", proposal: said[place % said.length]! },
  }));
}

function observe(world: World, watch: Watch, node: SimulatedNode, effect: Effect): void {
  if (effect.kind === "progress" && effect.event === "entered") {
    watch.entered[node.index]!.set(effect.view, world.nowUs);
  }
  if (effect.kind === "deliver") noteFinal(world, watch, node, effect.block);
  if (effect.kind !== "broadcast") return;
  const { message } = effect;
  if (message.kind === "proposal" && !watch.proposedUs.has(message.proposal.header.view))
    watch.proposedUs.set(message.proposal.header.view, world.nowUs);
  if (message.kind === "vote" && message.vote.kind === "nullify") noteNullify(world, watch, node, message.vote.view);
}

/** A vote to give a view up that was cast at its beginning follows from what is known of its leader, not from a timer. */
function noteNullify(world: World, watch: Watch, node: SimulatedNode, view: View): void {
  const key = `${node.index} ${view}`;
  if (watch.nullified.has(key) || world.faulty.has(node.index)) return;
  watch.nullified.add(key);
  const waitedUs = world.nowUs - (watch.entered[node.index]!.get(view) ?? world.nowUs);
  if (1_000 * world.parameters.initialTimeoutMs <= waitedUs) watch.timedOut.add(key);
}

function noteFinal(
  world: World,
  watch: Watch,
  node: SimulatedNode,
  { header, payload }: Extract<Effect, { kind: "deliver" }>["block"],
): void {
  if (world.faulty.has(node.index)) return;
  if (watch.firstFinal.length < header.height) watch.firstFinal.push({ view: header.view, atUs: world.nowUs });
  const proposedUs = watch.proposedUs.get(header.view);
  if (proposedUs !== undefined) {
    const bounds = watch.bounds.get(header.proposer) ?? boundsUs(world, watch.voters, header.proposer);
    watch.bounds.set(header.proposer, bounds);
    watch.finality.push({ tookMs: (world.nowUs - proposedUs) / 1_000, boundMs: bounds[node.index]! / 1_000 });
  }
  for (const command of commandsIn(payload)) {
    const known = watch.submitted.get(commandName(command));
    if (known?.node === node.index) watch.commandsMs.push((world.nowUs - known.atUs) / 1_000);
  }
}

// ---- what the distances allow

/**
 * When each validator could have a block of this leader final at the earliest: the proposal reaches all; of the notarize votes, and
 * then of the finalize votes, a quorum has to come together; a certificate may arrive by way of another validator.
 */
export function boundsUs({ set }: Pick<World, "set">, voters: readonly number[], leader: number): readonly number[] {
  const hop = (sentUs: ReadonlyMap<number, number>): Map<number, number> => {
    const certifiedUs = voters.map((to) => ({ via: to, atUs: quorumUs(set, sentUs, to) }));
    const earliest = (to: number): number =>
      Math.min(...certifiedUs.map(({ via, atUs }) => atUs + distanceUs(via, to)));
    return new Map(voters.map((to) => [to, earliest(to)]));
  };
  const proposedUs = new Map(voters.map((to) => [to, distanceUs(leader, to)]));
  const finalUs = hop(hop(proposedUs));
  return set.validators.map((_, index) => finalUs.get(index) ?? Infinity);
}

/** When votes of a quorum, sent at these times, have reached `to`. */
function quorumUs(set: ValidatorSet, sentUs: ReadonlyMap<number, number>, to: number): number {
  const arrivals = [...sentUs].map(([from, atUs]) => ({ from, atUs: atUs + distanceUs(from, to) }));
  let stake = 0;
  for (const { from, atUs } of arrivals.sort((left, right) => left.atUs - right.atUs)) {
    stake += set.validators[from]!.stake;
    if (isQuorum(set, stake)) return atUs;
  }
  return Infinity;
}

// ---- the report

/** Views that every honest validator has left. */
function viewsLeft(honest: readonly SimulatedNode[]): number {
  return Math.min(...honest.map(({ replica }) => replica.view)) - 1;
}

/** Which of the views that have ended cost a timeout, by the schedule of leaders and by who they are. */
export function viewsToTimeOut(
  world: Pick<World, "set" | "faulty">,
  options: Pick<RegionsOptions, "leaders">,
  viewsCount: number,
): readonly number[] {
  const schedule = leaderSchedule(world.set);
  const views = Array.from({ length: viewsCount }, (_, index) => index + 1);
  const led = views.filter((view) => world.faulty.has(leaderOf(schedule, view as View)));
  // Of whoever has not been heard for so long nobody waits any more.
  return options.leaders === "crashed" ? led.filter((view) => view <= limits.inactivityViews) : led;
}

function blocksPerSecond({ firstFinal }: Watch): number {
  const steady = firstFinal.filter(({ view }) => limits.inactivityViews + 1 < view);
  const [first, last] = [steady[0], steady.at(-1)];
  return first === undefined || last === undefined ? NaN : (1e6 * (steady.length - 1)) / (last.atUs - first.atUs);
}

function reportOf(world: World, watch: Watch, options: RegionsOptions): RegionsReport {
  const honest = world.nodes.filter(({ index, up }) => up && !world.faulty.has(index));
  const ended = viewsLeft(honest);
  const timeouts = [...watch.timedOut].map((key) => key.split(" ").map(Number) as [number, number]);
  const counted = timeouts.filter(([, view]) => view <= ended);
  const lostMs = counted.map(([node, view]) => {
    const entered = watch.entered[node]!;
    return ((entered.get(view + 1) ?? world.nowUs) - entered.get(view)!) / 1_000;
  });
  return {
    finality: watch.finality,
    commandsMs: watch.commandsMs,
    simulatedMs: world.nowUs / 1_000,
    blocksCount: watch.firstFinal.length,
    blocksPerSecond: blocksPerSecond(watch),
    viewsCount: ended,
    viewsTimedOut: [...new Set(counted.map(([, view]) => view))].sort((left, right) => left - right),
    viewsExpected: viewsToTimeOut(world, options, ended),
    timeoutsCount: counted.length,
    honestCount: honest.length,
    lostMs,
    messagesCount: world.network.tally.sent,
    failures: world.checkers.failures,
  };
}
