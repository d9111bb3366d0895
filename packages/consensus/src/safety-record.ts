/**
 * A replica's own votes: the only memory on which safety rests. Per view a validator casts at most one notarize vote, and at
 * most one of nullify and finalize; across crashes too, so a vote enters this record and the disk before it is sent
 * (consensus.md 3.8). Below the floor nothing is signed, whatever is remembered.
 *
 * A validator that lost this memory has a second floor, above everything that it may have signed before (`quarantine.ts`), and
 * signs nothing at all while that one is not known.
 *
 * Notarize and nullify of one view may both be cast; so may finalize of one block after notarize of another.
 */
import { assert } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import type { View } from "@stoa/base/units";
import type { Vote, VoteKind } from "@stoa/protocol/finality/vote";

export interface OwnVotes {
  notarize?: Extract<Vote, { kind: "notarize" }>;
  nullify?: Extract<Vote, { kind: "nullify" }>;
  finalize?: Extract<Vote, { kind: "finalize" }>;
}

export interface SafetyRecord {
  /** Nothing is signed at or below this view: it is final, or votes there may have been dropped. */
  floor: View;
  readonly votes: Map<View, OwnVotes>;
  /** Set for the rest of the epoch when this validator's log before this one is lost. */
  lostLog: LostLog | undefined;
}

export interface LostLog {
  /** How it was lost, for the operator. */
  readonly fact: string;
  /** Nothing is signed at or below it by the guard at the key, which may have remembered more than the log. */
  readonly keyFloor: View;
  /** Nothing is signed at or below it, for whatever was signed is; `undefined` while it is not known. */
  floor: View | undefined;
}

export const emptySafetyRecord = (): SafetyRecord => ({ floor: 0 as View, votes: new Map(), lostLog: undefined });

/**
 * Whether this validator does not know all that it signed in this epoch. It may vote above its floor, but acknowledges no
 * batch and uses no lane of its own: those have no views that a floor could be in.
 */
export const hasLostLog = ({ lostLog }: SafetyRecord): boolean => lostLog !== undefined;

/** Whether anything of `view` may be signed. */
export function maySign({ floor, lostLog }: SafetyRecord, view: View): boolean {
  if (lostLog !== undefined && (lostLog.floor === undefined || view <= lostLog.floor)) return false;
  return floor < view;
}

export function ownVotes(record: SafetyRecord, view: View): Readonly<OwnVotes> {
  return record.votes.get(view) ?? {};
}

/** Whether this replica may still cast a vote of `kind` in `view`. */
export function mayVote(record: SafetyRecord, kind: VoteKind, view: View): boolean {
  const own = ownVotes(record, view);
  if (!maySign(record, view)) return false;
  if (kind === "notarize") return own.notarize === undefined && own.nullify === undefined;
  return own.nullify === undefined && own.finalize === undefined;
}

/** Enters a new vote; it must be allowed. */
export function rememberVote(record: SafetyRecord, vote: Vote): void {
  assert(
    mayVote(record, vote.kind, vote.view),
    () => `a ${vote.kind} vote in view ${vote.view} contradicts no earlier vote`,
  );
  enter(record, vote);
}

/**
 * Enters a vote read back from disk; `undefined`, or what is wrong with it. The order of the file is the order of casting, and
 * no rule for casting may have been broken.
 */
export function restoreVote(record: SafetyRecord, vote: Vote): string | undefined {
  const own = ownVotes(record, vote.view);
  const same = own[vote.kind];
  if (same !== undefined) return equalBytes(same.signature, vote.signature) ? undefined : contradiction(vote);
  if (vote.kind !== "notarize" && (own.nullify ?? own.finalize) !== undefined) return contradiction(vote);
  if (vote.kind === "notarize" && own.nullify !== undefined) return contradiction(vote);
  enter(record, vote);
  return undefined;
}

const contradiction = (vote: Vote): string =>
  `the vote log holds a ${vote.kind} vote in view ${vote.view} that contradicts an earlier vote of the same view`;

function enter(record: SafetyRecord, vote: Vote): void {
  const own = record.votes.get(vote.view) ?? {};
  record.votes.set(vote.view, { ...own, [vote.kind]: vote });
}
