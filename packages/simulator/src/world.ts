/**
 * The world of one seed: time, the queue of what happens next, the network, the nodes, and the checkers that watch. Nothing in
 * it knows the wall clock or draws a number that does not follow from the seed.
 */
import { InvariantError } from "@stoa/base/assert";
import { createPrng, type Prng } from "@stoa/base/prng";
import type { PublicKey, SignatureScheme } from "@stoa/base/signature";
import { parametersOf, type Parameters } from "@stoa/consensus/parameters";
import { validatorSetOf, type Scheme, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import type { Application } from "./application.ts";
import { createAudit, type Audit } from "./audit.ts";
import { createCheckers, fail, type Checkers } from "./checkers.ts";
import { EventQueue, type QueuedEvent } from "./event-queue.ts";
import { arrivals, createNetwork, resetsOf, type Link, type Network, type Weather } from "./network.ts";
import type { Miscomputers, Miscomputing } from "./miscomputing.ts";
import type { SimulatedNode } from "./node.ts";

/** Something that a node saw or did, or, without a node, that happened to the world. */
export interface StoryLine {
  readonly atUs: number;
  readonly node: string | undefined;
  readonly words: string;
}

/** A command that a client waits for. */
export interface PendingCommand {
  readonly bytes: Uint8Array;
  readonly sinceUs: number;
}

export interface World {
  nowUs: number;
  readonly queue: EventQueue;
  readonly audit: Audit;
  readonly network: Network;
  /** Processes: one per key at first. */
  readonly nodes: SimulatedNode[];
  /** Keys that are not honest, and why; together less than a third of the stake unless the run allows more. */
  readonly faulty: Map<number, string>;
  /** Keys that lost what they remember, and why. They count against that third, too, but must keep their word and come back. */
  readonly forgetful: Map<number, string>;
  readonly checkers: Checkers;
  readonly application: Application;
  readonly miscomputers: Miscomputers;
  readonly signatures: SignatureScheme;
  readonly scheme: Scheme;
  readonly set: ValidatorSet;
  readonly parameters: Omit<Parameters, "session">;
  /** Draws of the disks: how long a sync takes, what a crash leaves. */
  readonly diskPrng: Prng;
  /** Draws of lanes: how long commands wait for a batch. */
  readonly lanePrng: Prng;
  /** What each input costs the processor of a node, in microseconds: so much longer its turn takes. */
  readonly messageUs: number;
  /** Blocks that nodes keep once a snapshot covers them. */
  readonly retentionBlocks: number;
  /** Recent commands in the chain, and how far that is. */
  readonly ordered: { height: number; readonly commands: Set<string> };
  /** Commands that clients submitted, that a door admitted, and that are not final. */
  readonly pending: Map<string, PendingCommand>;
  /** When each key last delivered a block. */
  readonly lastFinalUs: Map<number, number>;
  /** Listens to the story; costs nothing when absent. */
  readonly listen: ((line: StoryLine) => void) | undefined;
  readonly tally: Tally;
}

export interface Tally {
  events: number;
  commands: number;
  commandsRefused: number;
  commandsFinal: number;
  /** Batches, as often as a node took one in. */
  batches: number;
  /** Batches in blocks, counted once. */
  batchesFinal: number;
  orderedTwice: number;
  crashes: number;
  stopped: number;
  halted: number;
  refusedStarts: number;
  /** Starts at which a vote log was given up, and how many of those nodes voted again. */
  lostLogs: number;
  /** What nodes said of the misbehaviour of others. */
  reports: number;
  /** How often each kind of fault struck. */
  readonly faults: Record<string, number>;
}

export interface WorldOptions {
  readonly seed: number;
  readonly validators: readonly { readonly key: PublicKey; readonly stake: number }[];
  readonly weather: Weather;
  readonly application: Application;
  readonly signatures: SignatureScheme;
  readonly scheme: Scheme;
  readonly parameters: Partial<Parameters>;
  readonly retentionBlocks?: number;
  readonly messageUs?: number;
  readonly miscomputing?: readonly Miscomputing[];
  /** More than a third of the stake may be faulty: then forks are allowed, and must convict. */
  readonly tolerant?: boolean;
  readonly listen?: ((line: StoryLine) => void) | undefined;
}

export function createWorld(options: WorldOptions): World {
  const { application, scheme, signatures, validators } = options;
  const prng = createPrng(options.seed);
  const set = validatorSetOf(application.chainId, 0, validators);
  const chain = { genesisTimeMs: application.genesisTimeMs, genesisRoots: application.genesisRoots, session: 0 };
  const faulty = new Map<number, string>();
  const isHonest = (node: number): boolean => !faulty.has(node);
  return {
    nowUs: 0,
    queue: new EventQueue(prng.stream("order")),
    audit: createAudit(),
    network: createNetwork(validators.length, prng.stream("network"), options.weather),
    nodes: [],
    faulty,
    forgetful: new Map(),
    checkers: createCheckers({
      set,
      scheme,
      verify: signatures.verify,
      isHonest,
      tolerant: options.tolerant ?? false,
    }),
    application,
    miscomputers: { planned: options.miscomputing ?? [], said: [] },
    signatures,
    scheme,
    set,
    parameters: parametersOf(chain, options.parameters),
    diskPrng: prng.stream("disk"),
    lanePrng: prng.stream("lanes"),
    retentionBlocks: options.retentionBlocks ?? Infinity,
    messageUs: options.messageUs ?? 0,
    ordered: { height: 0, commands: new Set() },
    pending: new Map(),
    lastFinalUs: new Map(),
    listen: options.listen,
    tally: {
      events: 0,
      commands: 0,
      commandsRefused: 0,
      commandsFinal: 0,
      batches: 0,
      batchesFinal: 0,
      orderedTwice: 0,
      crashes: 0,
      stopped: 0,
      halted: 0,
      refusedStarts: 0,
      lostLogs: 0,
      reports: 0,
      faults: {},
    },
  };
}

// ---- who is honest

export const isHonest = (world: World, { index }: Pick<SimulatedNode, "index">): boolean => !world.faulty.has(index);

/**
 * Counts a key as faulty from now on, if the faulty together stay below a third of the stake; says whether. One that keeps its
 * word only lost its memory: everything that honest nodes must do is asked of it, too.
 */
export function spendFault(world: World, index: number, why: string, keepsWord = false): boolean {
  if (world.faulty.has(index)) return true;
  const { validators, totalStake } = world.set;
  const others = new Set([...world.faulty.keys(), ...world.forgetful.keys()].filter((one) => one !== index));
  const spent = [...others].reduce((sum, one) => sum + validators[one]!.stake, 0);
  if (totalStake <= 3 * (spent + validators[index]!.stake)) return false;
  (keepsWord ? world.forgetful : world.faulty).set(index, why);
  tell(world, undefined, () => `node ${index} counts as faulty from here: ${why}`);
  return true;
}

// ---- time

/** Runs `run` after a time, which may be zero. */
export function after(world: World, delayUs: number, run: () => void): void {
  world.queue.add(world.nowUs + Math.max(0, Math.ceil(delayUs)), run);
}

/** What a node's monotonic clock shows. */
export const localMsOf = (world: World, { clock }: SimulatedNode): number =>
  (world.nowUs * clock.ratePpm) / 1_000_000_000;

export function wallMsOf(world: World, { clock }: SimulatedNode): number {
  const trueMs = world.nowUs / 1_000;
  const driftingMs = trueMs % clock.setRightMs;
  const shownMs = trueMs + driftingMs * (clock.ratePpm / 1_000_000 - 1);
  return Math.max(0, Math.floor(world.parameters.genesisTimeMs + 1_000 + shownMs + clock.offsetMs));
}

/** A broken invariant inside the replica or the exchange is what is looked for, and ends the run like any other. */
function perform(world: World, event: QueuedEvent): void {
  try {
    event.run();
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    fail(world.checkers, `${error.message} (${error.stack?.split("\n")[2]?.trim() ?? ""})`);
  }
}

/** Lets things happen until `endUs`, or until a checker objects, or until `done` holds. */
export function runUntil(world: World, endUs: number, done: () => boolean = () => false): void {
  while (world.checkers.failures.length === 0 && !done()) {
    const nextUs = world.queue.nextUs;
    if (nextUs === undefined || endUs < nextUs) break;
    const event = world.queue.take()!;
    world.nowUs = event.atUs;
    world.tally.events++;
    perform(world, event);
  }
  if (world.checkers.failures.length === 0 && !done()) world.nowUs = endUs;
}

// ---- connections

/** Carries something from one process to another, as the network lets it: never, once, twice, late. */
export function carry(world: World, from: SimulatedNode, to: SimulatedNode, size: number, arrive: () => void): void {
  const link: Link = [from.index, to.index];
  const resets = resetsOf(world.network, link);
  for (const delayUs of arrivals(world.network, world.nowUs, link, size)) {
    after(world, delayUs, () => {
      if (resetsOf(world.network, link) === resets) arrive();
    });
  }
}

/** Adds a line to the story, if somebody listens. */
export function tell(world: World, node: SimulatedNode | undefined, words: () => string): void {
  if (world.listen === undefined) return;
  const text = words();
  if (text !== "") world.listen({ atUs: world.nowUs, node: node?.label, words: text });
}
