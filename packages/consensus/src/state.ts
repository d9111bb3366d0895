/**
 * What a replica knows, and the few ways in which every rule reads or writes it. One owner mutates it: `step`. Rules do not
 * call each other in circles; a rule that gives another something to do puts a task on the agenda, and `step` works the
 * agenda off before it returns.
 */
import { toHex } from "@stoa/base/bytes";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { SignatureScheme, Signature } from "@stoa/base/signature";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type {
  Certificate,
  Finalization,
  Notarization,
  Nullification,
  Scheme,
  ValidatorSet,
} from "@stoa/protocol/finality/certificate";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import type { Vote, VoteKind } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { Divergence, Effect, Moment } from "./effect.ts";
import type { EvidenceBook } from "./evidence-book.ts";
import type { Lanes } from "./lane-state.ts";
import type { LeaderSchedule } from "./leader.ts";
import type { Message, Proposal, Status } from "./message.ts";
import type { Parameters } from "./parameters.ts";
import type { SafetyRecord } from "./safety-record.ts";

export interface ReplicaOptions {
  readonly set: ValidatorSet;
  readonly self: ValidatorIndex;
  /** Signs with this validator's key; the same bytes give the same signature. */
  readonly sign: (message: Uint8Array) => Signature;
  /** Signs votes, where the scheme has keys of its own for them; otherwise `sign` does. */
  readonly signVote?: (message: Uint8Array) => Uint8Array;
  /** Checks a signature by a validator's key, on proposals. */
  readonly verify: SignatureScheme["verify"];
  readonly scheme: Scheme;
  readonly parameters: Parameters;
  /**
   * 32 random bytes that no earlier start had: a status that repeats them is new. Only a validator that lost its log needs
   * them.
   */
  readonly nonce?: Digest;
}

/** What a child must know of its parent; of genesis too, which has no header. */
export interface Parent {
  readonly view: View;
  readonly height: Height;
  readonly digest: Digest;
  readonly timeMs: TimeMs;
  readonly executed: ExecutedRoots;
  readonly tips: Header["tips"];
  /** What the chain up to here has proven of validators. */
  readonly convicted: Uint8Array;
}

export interface Block {
  readonly digest: Digest;
  readonly header: Header;
  /** The whole payload. */
  payload: Uint8Array | undefined;
  /** Of a block with batches, the commands beside them, unless it came whole. */
  loose?: Uint8Array | undefined;
  /** What it carries is on disk: the whole payload, or the loose commands, whose batches have records of their own. */
  durable: boolean;
}

export interface ViewCertificates {
  notarization?: Notarization;
  nullification?: Nullification;
  finalization?: Finalization;
  /** Kinds that this replica has sent to all. */
  readonly announced: Set<Certificate["kind"]>;
}

export interface CountedVote {
  readonly vote: Vote;
  /** Checked, maybe only in a sum with others: two forgers can make signatures of which only the sum is right. */
  verified: boolean;
  /** Checked by itself, with this result. */
  proven?: boolean;
}
export type ViewTally = Record<VoteKind, Map<ValidatorIndex, CountedVote>>;

/** A proposal whose signature is right and whose payload is the one that its header names. */
export interface Candidate {
  readonly proposal: Proposal;
  readonly digest: Digest;
}

export type Wanted =
  | { readonly kind: "block"; readonly digest: Digest }
  | { readonly kind: "certificates"; readonly from: View; readonly to: View }
  | { readonly kind: "finalBlocks"; readonly from: Height; readonly to: Height }
  | {
      readonly kind: "batches";
      readonly lane: ValidatorIndex;
      readonly digest: Digest;
      readonly from: number;
      readonly through: number;
    };

export interface Request {
  readonly id: number;
  readonly peer: ValidatorIndex;
  readonly sentAtMs: number;
  readonly wanted: Wanted;
}

export interface Peer {
  connected: boolean;
  status: Status | undefined;
}

export type Task =
  | { readonly kind: "certificate"; readonly certificate: Certificate; readonly from: ValidatorIndex | undefined }
  | { readonly kind: "ownVote"; readonly vote: Vote }
  | { readonly kind: "proposal"; readonly from: ValidatorIndex; readonly proposal: Proposal }
  | { readonly kind: "considerProposal" }
  | { readonly kind: "nullify" }
  | { readonly kind: "finalizeVotes" }
  | { readonly kind: "finality" }
  | { readonly kind: "lead" };

export interface Replica extends ReplicaOptions {
  readonly schedule: LeaderSchedule;
  readonly safety: SafetyRecord;
  readonly evidence: EvidenceBook;

  view: View;
  /** What moved this replica into its view; absent in view 1 and after some restarts. */
  entry: Certificate | undefined;
  enteredAtMs: number;
  /** The view timers run: work is pending or the idle interval has passed. */
  running: boolean;
  clockStartedMs: number;
  idleElapsed: boolean;
  workPending: boolean;
  /** What the node was asked for and has not answered; `workSince` when it said after that that it has work. */
  payloadAsked: { readonly mustAnswer: boolean; workSince: boolean } | undefined;

  readonly certificates: Map<View, ViewCertificates>;
  readonly tallies: Map<View, ViewTally>;
  readonly candidates: Map<View, Candidate>;
  readonly myProposals: Map<View, Proposal>;
  /** What this replica proposed before it was restarted: in those views it proposes that again or nothing. */
  readonly proposedBefore: Map<View, { readonly header: Header; readonly payload: Uint8Array }>;
  readonly blocks: Map<string, Block>;
  /** Views above the last final one that have a notarization. */
  readonly openViews: Set<View>;
  /** The last view in which a vote of each validator was seen to be genuine. */
  readonly activeViews: number[];

  lastFinal: Parent;
  /** Nothing is held of views below it but what a log that was read back holds of them. */
  forgottenView: View;
  /** The finalization certificate of the highest view, delivered or not. */
  highestFinalization: Finalization | undefined;
  readonly executed: Map<Height, ExecutedRoots>;
  executedHeight: Height;
  /** Notarized headers with roots of heights that this replica has not executed yet, by that height. */
  readonly claims: Map<Height, Header>;
  /** Up to this height the roots computed here are known to be the agreed ones. */
  sameThrough: Height;
  /** Set for good when they are not: `divergence.ts`. */
  divergence: Divergence | undefined;
  /** Whose proposals carried other roots while the agreed ones stood at `height`. */
  disputed: { readonly height: Height; readonly proposers: Set<ValidatorIndex> } | undefined;

  readonly lanes: Lanes;
  readonly peers: readonly Peer[];
  /** After a lost log: the view that each of the others has proven in answer to this start's question. */
  readonly viewsProven: Map<ValidatorIndex, View>;
  readonly requests: Map<number, Request>;
  /** Requests that were not answered in time and may have been asked again elsewhere: their answers still count. */
  readonly overdue: Map<number, Request>;
  nextRequest: number;

  halted: boolean;
  now: Moment;
  effects: Effect[];
  agenda: Task[];
}

export function genesisParent(parameters: Parameters): Parent {
  return {
    view: 0 as View,
    height: 0 as Height,
    digest: zeroDigest,
    timeMs: parameters.genesisTimeMs,
    executed: parameters.genesisRoots,
    tips: [],
    convicted: new Uint8Array(0),
  };
}

export function parentOf(block: { readonly header: Header; readonly digest: Digest }): Parent {
  const { view, height, timeMs, executed, tips, convicted } = block.header;
  return { view, height, digest: block.digest, timeMs, executed, tips, convicted };
}

export function emit(replica: Replica, effect: Effect): void {
  replica.effects.push(effect);
}

export function send(replica: Replica, to: ValidatorIndex, message: Message): void {
  replica.effects.push({ kind: "send", to, message });
}

export function broadcast(replica: Replica, message: Message): void {
  replica.effects.push({ kind: "broadcast", message });
}

/** Puts a task on the agenda; one that carries nothing need not stand there twice. */
export function plan(replica: Replica, task: Task): void {
  const repeatable = task.kind === "certificate" || task.kind === "ownVote" || task.kind === "proposal";
  if (!repeatable && replica.agenda.some(({ kind }) => kind === task.kind)) return;
  replica.agenda.push(task);
}

/** Stops this replica for good; `fact` is what the operator reads. */
export function halt(replica: Replica, fact: string): void {
  if (!replica.halted) emit(replica, { kind: "halt", fact });
  replica.halted = true;
  replica.agenda = [];
}

/** What no honest peer can have produced. */
export function misbehaviour(replica: Replica, peer: ValidatorIndex, fact: string): void {
  emit(replica, { kind: "misbehaviour", peer, fact, provable: true });
}

/** What looks wrong from here: the fault may be this replica's. */
export function suspicion(replica: Replica, peer: ValidatorIndex, fact: string): void {
  emit(replica, { kind: "misbehaviour", peer, fact, provable: false });
}

export function viewCertificates(replica: Replica, view: View): Readonly<ViewCertificates> {
  return replica.certificates.get(view) ?? noCertificates;
}
const noCertificates: ViewCertificates = { announced: new Set() };

export function blockOf(replica: Replica, digest: Digest): Block | undefined {
  return replica.blocks.get(toHex(digest));
}

/** Keeps a block, or completes one of which only the header was known. The payload must match. */
export function keepBlock(replica: Replica, digest: Digest, header: Header, payload?: Uint8Array): Block {
  const key = toHex(digest);
  const known = replica.blocks.get(key);
  if (known !== undefined) {
    known.payload ??= payload;
    return known;
  }
  const block: Block = { digest, header, payload, durable: false };
  replica.blocks.set(key, block);
  return block;
}

/** The blocks from just above the last final one up to `digest`, oldest first, or the digest at which knowledge ends. */
export function chainAboveFinal(
  replica: Replica,
  digest: Digest,
):
  | { readonly kind: "chain"; readonly blocks: readonly Block[] }
  | { readonly kind: "missing"; readonly digest: Digest }
  | { readonly kind: "fork"; readonly block: Block } {
  const blocks: Block[] = [];
  let next = digest;
  while (!equalBytes(next, replica.lastFinal.digest)) {
    const block = blockOf(replica, next);
    if (block === undefined) return { kind: "missing", digest: next };
    if (block.header.height <= replica.lastFinal.height) return { kind: "fork", block };
    blocks.push(block);
    next = block.header.parentDigest;
  }
  return { kind: "chain", blocks: blocks.reverse() };
}

/** Votes of views below this one are forgotten. */
export function oldestView(replica: Pick<Replica, "lastFinal">): number {
  return Math.max(1, replica.lastFinal.view - limits.voteRetentionViews);
}

/** Views since the last one that is known to be final: what patience grows with. */
export function viewsWithoutFinality(replica: Replica): number {
  return replica.view - Math.max(replica.lastFinal.view, replica.highestFinalization?.view ?? 0);
}
