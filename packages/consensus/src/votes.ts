/**
 * Casting votes and counting them. Counting is lazy: a vote that came over its signer's own connection is believed until a
 * quorum is there, and then the quorum is checked at once; a relayed vote is checked before it counts, or anyone could spoil
 * a batch. Of each signer the first vote of a kind is kept; one that excludes another is evidence (`evidence.ts`).
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { View } from "@stoa/base/units";
import { isQuorum } from "@stoa/protocol/finality/certificate";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { carriedOf } from "./lane-payload.ts";
import { showProposal, weighVote } from "./evidence.ts";
import { rememberVote } from "./safety-record.ts";
import {
  broadcast,
  emit,
  misbehaviour,
  oldestView,
  plan,
  send,
  viewCertificates,
  type Block,
  type CountedVote,
  type Replica,
  type ViewTally,
} from "./state.ts";
import { leader } from "./view.ts";

/**
 * Signs a vote, keeps it, and sends it; the driver releases the sending only when the keeping is on disk. `block` is what the
 * vote is about; it is written along unless it is on disk already. The caller has asked `mayVote`.
 */
export function castVote(replica: Replica, kind: VoteKind, view: View, block: Block | undefined): void {
  const vote = signedVote(replica, kind, view, block?.digest);
  rememberVote(replica.safety, vote);
  const attached = block !== undefined && !block.durable ? block : undefined;
  const record = { kind: "voted", vote, header: attached?.header, payload: attached && carriedOf(attached) } as const;
  if (attached !== undefined) attached.durable = true;
  emit(replica, { kind: "persist", record, barrier: true });
  broadcast(replica, { kind: "vote", vote });
  plan(replica, { kind: "ownVote", vote });
}

function signedVote(replica: Replica, kind: VoteKind, view: View, digest: Digest | undefined): Vote {
  const { chainId, epoch } = replica.set;
  const signature = (replica.signVote ?? replica.sign)(consensusSignBytes({ kind, chainId, epoch, view, digest }));
  const common = { epoch, view, signer: replica.self, signature };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest: digest! };
}

/** A vote from a peer. Those outside the window are not kept: they are repeated, or a certificate says the same. */
export function receiveVote(replica: Replica, from: ValidatorIndex, vote: Vote): void {
  const { signer, view } = vote;
  if (vote.epoch !== replica.set.epoch || replica.set.validators.length <= signer || signer === replica.self) return;
  if (view < oldestView(replica) || replica.view + 1 < view) return;
  const tally = tallyOf(replica, view);
  const weighed = weighVote(replica, vote);
  if (weighed === false) return misbehaviour(replica, from, `a ${vote.kind} vote that is not signed`);
  if (tally[vote.kind].has(signer)) {
    if (from === signer) helpOn(replica, from, view);
    return;
  }
  if (certifiedAs(replica, vote)) {
    tally[vote.kind].set(signer, { vote, verified: weighed === true });
    showProposal(replica, vote);
    return noteLateVote(replica, vote);
  }
  const leaderGivesUp = vote.kind === "nullify" && view === replica.view && signer === leader(replica, view);
  const verified = weighed === true || from !== signer || leaderGivesUp;
  if (verified && weighed !== true && !isGenuine(replica, vote))
    return misbehaviour(replica, from, `a ${vote.kind} vote that is not signed`);
  tally[vote.kind].set(signer, { vote, verified });
  showProposal(replica, vote);
  if (leaderGivesUp) plan(replica, { kind: "nullify" });
  evaluate(replica, tally, vote);
}

/** Whoever repeats a vote of a view that has ended did not hear how it ended. */
function helpOn(replica: Replica, peer: ValidatorIndex, view: View): void {
  const { notarization, nullification, finalization } = viewCertificates(replica, view);
  const certificate = finalization ?? notarization ?? nullification;
  if (certificate !== undefined) send(replica, peer, { kind: "certificate", certificate });
}

export function countOwnVote(replica: Replica, vote: Vote): void {
  const tally = tallyOf(replica, vote.view);
  tally[vote.kind].set(replica.self, { vote, verified: true });
  if (!certifiedAs(replica, vote)) evaluate(replica, tally, vote);
}

/** Marks a validator as alive in a view, as a genuine vote of it shows. */
export function noteActivity(replica: Replica, signer: ValidatorIndex, view: View): void {
  replica.activeViews[signer] = Math.max(replica.activeViews[signer]!, view);
}

function certifiedAs(replica: Replica, vote: Vote): boolean {
  const held = viewCertificates(replica, vote.view);
  if (vote.kind === "notarize") return held.notarization !== undefined;
  return vote.kind === "nullify" ? held.nullification !== undefined : held.finalization !== undefined;
}

const activityCheckViews = 8;

/** A vote after the quorum changes nothing, but now and then it is checked, or a slow validator would pass for a dead one. */
function noteLateVote(replica: Replica, vote: Vote): void {
  if (vote.view < replica.activeViews[vote.signer]! + activityCheckViews) return;
  if (isGenuine(replica, vote)) noteActivity(replica, vote.signer, vote.view);
}

function sameSubject(left: Vote, right: Vote): boolean {
  if (left.kind === "nullify" || right.kind === "nullify") return left.kind === right.kind;
  return equalBytes(left.digest, right.digest);
}

/** PERF: two passes over the votes of this kind in the view; signatures are checked, as one batch, when a quorum is there. */
function evaluate(replica: Replica, tally: ViewTally, vote: Vote): void {
  const counted = tally[vote.kind];
  if (!isQuorum(replica.set, stakeFor(replica, counted, vote))) return;
  const believed = [...counted.values()].filter((one) => !one.verified && sameSubject(one.vote, vote));
  const forged = replica.scheme.findForged(
    replica.set,
    believed.map((one) => one.vote),
  );
  for (const one of believed) one.verified = true;
  for (const { signer } of forged) {
    counted.delete(signer);
    misbehaviour(replica, signer, `a ${vote.kind} vote in view ${vote.view} that is not signed`);
  }
  if (!isQuorum(replica.set, stakeFor(replica, counted, vote))) return;
  const votes = [...counted.values()].map((one) => one.vote).filter((one) => sameSubject(one, vote));
  plan(replica, { kind: "certificate", certificate: replica.scheme.assemble(replica.set, votes), from: undefined });
}

function stakeFor(replica: Replica, counted: ReadonlyMap<ValidatorIndex, CountedVote>, subject: Vote): number {
  let stake = 0;
  for (const [signer, { vote }] of counted) {
    if (sameSubject(vote, subject)) stake += replica.set.validators[signer]!.stake;
  }
  return stake;
}

const isGenuine = (replica: Replica, vote: Vote): boolean => replica.scheme.verifyVote(replica.set, vote);

function tallyOf(replica: Replica, view: View): ViewTally {
  const known = replica.tallies.get(view);
  if (known !== undefined) return known;
  const tally: ViewTally = { notarize: new Map(), nullify: new Map(), finalize: new Map() };
  replica.tallies.set(view, tally);
  return tally;
}
