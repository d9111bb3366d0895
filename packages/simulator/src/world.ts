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
import { createCheckers, type Checkers } from "./checkers.ts";
import { EventQueue, type QueuedEvent } from "./event-queue.ts";
import { createNetwork, type Network, type Weather } from "./network.ts";
import type { SimulatedNode } from "./node.ts";

export interface World {
  nowUs: number;
  readonly queue: EventQueue;
  readonly audit: Audit;
  readonly network: Network;
  readonly nodes: SimulatedNode[];
  readonly checkers: Checkers;
  readonly application: Application;
  readonly signatures: SignatureScheme;
  readonly scheme: Scheme;
  readonly set: ValidatorSet;
  readonly parameters: Omit<Parameters, "session">;
  /** Draws of the disks: how long a sync takes, what a crash leaves. */
  readonly diskPrng: Prng;
  /** Commands in the chain so far, and how far that is. */
  readonly ordered: { height: number; readonly commands: Set<string> };
  readonly tally: {
    events: number;
    commands: number;
    crashes: number;
    cuts: number;
    pauses: number;
    clockJumps: number;
    orderedTwice: number;
  };
}

export interface WorldOptions {
  readonly seed: number;
  readonly validators: readonly { readonly key: PublicKey; readonly stake: number }[];
  readonly weather: Weather;
  readonly application: Application;
  readonly signatures: SignatureScheme;
  readonly scheme: Scheme;
  readonly parameters: Partial<Parameters>;
}

export function createWorld(options: WorldOptions): World {
  const { application, scheme, signatures, validators } = options;
  const prng = createPrng(options.seed);
  const set = validatorSetOf(application.chainId, 0, validators);
  const chain = { genesisTimeMs: application.genesisTimeMs, genesisRoots: application.genesisRoots, session: 0 };
  return {
    nowUs: 0,
    queue: new EventQueue(prng.stream("order")),
    audit: createAudit(),
    network: createNetwork(validators.length, prng.stream("network"), options.weather),
    nodes: [],
    checkers: createCheckers(set, scheme),
    application,
    signatures,
    scheme,
    set,
    parameters: parametersOf(chain, options.parameters),
    diskPrng: prng.stream("disk"),
    ordered: { height: 0, commands: new Set() },
    tally: { events: 0, commands: 0, crashes: 0, cuts: 0, pauses: 0, clockJumps: 0, orderedTwice: 0 },
  };
}

/** Runs `run` after a time, which may be zero. */
export function after(world: World, delayUs: number, run: () => void): void {
  world.queue.add(world.nowUs + Math.max(0, Math.ceil(delayUs)), run);
}

/** A broken invariant inside the replica or the exchange is what is looked for, and ends the run like any other. */
function perform(world: World, event: QueuedEvent): void {
  try {
    event.run();
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    world.checkers.failures.push(`${error.message} (${error.stack?.split("\n")[2]?.trim() ?? ""})`);
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
