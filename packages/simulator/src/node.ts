/**
 * One simulated process: a validator's key, its disk, its clock, its replica, its copy of the exchange. A key may run in two
 * processes at once, which is a fault. What a process does is in `turn.ts`, `chain.ts` and `commands.ts`; how it begins and
 * ends in `life.ts`.
 */
import type { Digest } from "@stoa/base/hash";
import type { DurableRecord, Effect, Input, TimerKind } from "@stoa/consensus/effect";
import type { Replica } from "@stoa/consensus/state";
import type { FinalBlock } from "@stoa/protocol/block";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { Exchange } from "./application.ts";
import type { OpenStore, Store } from "./store.ts";
import type { World } from "./world.ts";

/** Changes what a faulty node sends; `undefined` for one that says what its replica says. */
export type Tamper = (world: World, node: SimulatedNode, effect: Effect) => readonly Effect[];

/** A clock that runs at its own rate and may be set wrong. */
export interface Clock {
  /** Local microseconds per million true ones. */
  readonly ratePpm: number;
  /** What it shows of the wall clock is set right so often, as a time service does; what it counts is not. */
  readonly setRightMs: number;
  offsetMs: number;
}

export type WithoutMoment<T> = T extends unknown ? Omit<T, "at"> : never;

export interface SimulatedNode {
  /** Its key. */
  readonly index: ValidatorIndex;
  /** Its name in stories: the index, with a mark when it is the second process with that key. */
  readonly label: string;
  readonly clock: Clock;
  readonly tamper: Tamper | undefined;
  readonly store: Store;
  /** The peers whose connections for this key reach this process; all when absent. */
  readonly camp: ReadonlySet<number> | undefined;
  /** Processes of different sides do not reach each other; those of none reach all. */
  side: string | undefined;
  /** Counts starts; what belongs to an earlier life is void. */
  life: number;
  up: boolean;
  /** Its logs were refused, or it stopped for good: it is not started again. */
  refused: boolean;
  open: OpenStore;
  replica: Replica;
  exchange: Exchange;
  executedHeight: number;
  /** Roots of the last executed heights, ascending. */
  roots: ExecutedRoots[];
  /** The block that was delivered last, whether or not it has been executed. */
  lastDelivered: { height: number; view: number; digest: Digest };
  toExecute: FinalBlock[];
  executing: boolean;
  blockSyncPlanned: boolean;
  inbox: WithoutMoment<Input>[];
  /** The disk is at work on the last turn. */
  writing: boolean;
  /** Records of the vote log that are not known to be on the platter. */
  unsettled: DurableRecord[];
  pausedUntilUs: number;
  /** A sync takes so many times as long. */
  diskSlowness: number;
  readonly timers: Map<TimerKind, number>;
  readonly mempool: Map<string, Uint8Array>;
  readonly recentlyFinal: Map<string, true>;
  /** Batches that it may make now, and the commands that wait for the next one. */
  laneRoom: number;
  toLane: Uint8Array[];
  flushPlanned: boolean;
  /** Commands in batches that are held and not final: no leader orders them beside batches. */
  readonly inLanes: Map<string, number>;
  /** A crash that strikes after so many more things have left the node. */
  crashAfterCount: number | undefined;
  /** Runs the next turn; set by `life.ts`. */
  readonly wake: () => void;
}

/** Hands an input to a node: now, or when its disk is done with the last turn. */
export function feed(node: SimulatedNode, input: WithoutMoment<Input>): void {
  if (!node.up) return;
  node.inbox.push(input);
  if (node.inbox.length === 1 && !node.writing) node.wake();
}

/** Whether two processes have a connection, when the network lets them. */
export function areConnected(one: SimulatedNode, other: SimulatedNode): boolean {
  if (one.index === other.index) return false;
  if (one.side !== undefined && other.side !== undefined && one.side !== other.side) return false;
  return (one.camp?.has(other.index) ?? true) && (other.camp?.has(one.index) ?? true);
}

/** The processes with which this one has connections. */
export const peersOf = (world: World, node: SimulatedNode): SimulatedNode[] =>
  world.nodes.filter((other) => areConnected(node, other));
