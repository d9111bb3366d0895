/**
 * Entering a view and its clock. While there is work, a leader has 2 D to propose and a view 3 D to end; without work nobody
 * hurries: the clock starts after the idle interval, which is when the leader proposes, too. So an idle network makes a
 * block a second and never nullifies a view of a live leader.
 *
 * Timers are hints. They decide when to nullify and what to repeat, never what is safe.
 */
import { assert } from "@stoa/base/assert";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { View } from "@stoa/base/units";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { TimerKind } from "./effect.ts";
import { batchesWait } from "./lane-state.ts";
import { leaderOf } from "./leader.ts";
import { announce } from "./announce.ts";
import { ownVotes } from "./safety-record.ts";
import {
  broadcast,
  chainAboveFinal,
  emit,
  plan,
  send,
  viewCertificates,
  viewsWithoutFinality,
  type Replica,
} from "./state.ts";
import { timeoutMs } from "./timers.ts";

export const leader = (replica: Replica, view: View): ValidatorIndex => leaderOf(replica.schedule, view);
export const leads = (replica: Replica, view: View): boolean => leader(replica, view) === replica.self;

/** Moves to `view`; `entry` is a certificate of the view before and is told to all. */
export function enterView(replica: Replica, view: View, entry: Certificate): void {
  assert(replica.view < view && entry.view + 1 === view, "a view is entered by a certificate of the view before");
  replica.view = view;
  replica.entry = entry;
  announce(replica, entry);
  for (const held of replica.candidates.keys()) if (held < view) dropCandidate(replica, held);
  for (const proposed of replica.myProposals.keys()) if (proposed < view) replica.myProposals.delete(proposed);
  for (const proposed of replica.proposedBefore.keys()) if (proposed < view) replica.proposedBefore.delete(proposed);
  beginView(replica);
}

/** The view is over. Its proposal is worth keeping only if this replica voted for it or it was certified. */
function dropCandidate(replica: Replica, view: View): void {
  const { digest } = replica.candidates.get(view)!;
  replica.candidates.delete(view);
  const { notarization, finalization } = viewCertificates(replica, view);
  const voted = ownVotes(replica.safety, view).notarize;
  const wanted = [notarization, finalization, voted].some((held) => held && equalBytes(held.digest, digest));
  if (!wanted) replica.blocks.delete(toHex(digest));
}

/** Starts the clock of the current view, on entry and on restart. */
export function beginView(replica: Replica): void {
  const { view } = replica;
  replica.enteredAtMs = replica.now.monotonicMs;
  replica.running = false;
  replica.idleElapsed = false;
  replica.payloadAsked = undefined;
  emit(replica, {
    kind: "progress",
    view,
    leader: leader(replica, view),
    event: "entered",
    height: replica.lastFinal.height,
  });
  schedule(replica, "idle", idleMs(replica));
  if (leaderIsGone(replica)) plan(replica, { kind: "nullify" });
  if (hasWork(replica)) runClock(replica);
  plan(replica, { kind: "lead" });
  plan(replica, { kind: "considerProposal" });
}

/** Loose commands or batches wait to be ordered. */
const hasWork = (replica: Replica): boolean => replica.workPending || batchesWait(replica.lanes);

/** Something that should not wait has come. */
export function noteWork(replica: Replica): void {
  if (replica.payloadAsked !== undefined) replica.payloadAsked.workSince = true;
  runClock(replica);
  plan(replica, { kind: "lead" });
}

export function setWorkPending(replica: Replica, pending: boolean): void {
  replica.workPending = pending;
  if (pending) return noteWork(replica);
  if (hasWork(replica)) return;
  // What was pending became final in an earlier view; this one has nothing to hurry for.
  const untouched =
    !replica.candidates.has(replica.view) && ownVotes(replica.safety, replica.view).nullify === undefined;
  if (replica.running && !replica.idleElapsed && untouched) replica.running = false;
}

/** A timer is due; one of an earlier view or of a clock that was stopped says nothing. */
export function timerDue(replica: Replica, timer: TimerKind, view: View): void {
  if (view !== replica.view) return;
  if (timer === "idle") idleDue(replica);
  if (!replica.running) return;
  const voted = ownVotes(replica.safety, view).notarize !== undefined;
  if (timer === "view" || (timer === "propose" && !voted)) plan(replica, { kind: "nullify" });
  if (timer === "retry") retry(replica);
}

function idleDue(replica: Replica): void {
  const restMs = idleEndMs(replica) - replica.now.monotonicMs;
  // Clocks are not exact to the last bit: less than a millisecond is no reason to wait again.
  if (1 <= restMs) {
    schedule(replica, "idle", restMs);
    return;
  }
  replica.idleElapsed = true;
  runClock(replica);
  plan(replica, { kind: "lead" });
}

function runClock(replica: Replica): void {
  if (replica.running) return;
  replica.running = true;
  replica.clockStartedMs = replica.now.monotonicMs;
  const waitMs = patienceMs(replica);
  schedule(replica, "propose", 2 * waitMs);
  schedule(replica, "view", 3 * waitMs);
  schedule(replica, "retry", retryMs(replica));
  if (!replica.idleElapsed) schedule(replica, "idle", Math.max(0, idleEndMs(replica) - replica.now.monotonicMs));
}

/**
 * When a leader proposes whatever it has. Others may know of work that this leader does not: once clocks run, D is all that
 * it may wait, or its view would be given up.
 */
function idleEndMs(replica: Replica): number {
  const idleEndMs = replica.enteredAtMs + idleMs(replica);
  return replica.running ? Math.min(idleEndMs, replica.clockStartedMs + patienceMs(replica)) : idleEndMs;
}

function schedule(replica: Replica, timer: TimerKind, delayMs: number): void {
  emit(replica, { kind: "schedule", timer, view: replica.view, delayMs });
}

const patienceMs = (replica: Replica): number => timeoutMs(replica.parameters, viewsWithoutFinality(replica));

const retryMs = (replica: Replica): number => Math.max(replica.parameters.retryMsMin, patienceMs(replica));

/** A block with a payload that is notarized and not final needs a successor soon, unless its finalization comes first. */
function idleMs(replica: Replica): number {
  const { idleMs } = replica.parameters;
  return payloadAwaitsFinality(replica) ? Math.min(patienceMs(replica), idleMs) : idleMs;
}

/** An encoded list of no commands. */
const emptyListSize = 4;

function payloadAwaitsFinality(replica: Replica): boolean {
  for (const view of replica.openViews) {
    const digest = viewCertificates(replica, view).notarization?.digest;
    if (digest === undefined) continue;
    const chain = chainAboveFinal(replica, digest);
    if (chain.kind === "chain" && chain.blocks.some(({ header }) => emptyListSize < header.payload.size)) return true;
  }
  return false;
}

/**
 * Repeats what may have been lost: the entry certificate and own votes to all, since having a peer's vote does not mean that it
 * has this replica's; the own proposal, which is large, to those that have not voted on it. Votes are the same bytes each time.
 */
function retry(replica: Replica): void {
  schedule(replica, "retry", retryMs(replica));
  const { notarize, nullify } = ownVotes(replica.safety, replica.view);
  if (replica.entry !== undefined) broadcast(replica, { kind: "certificate", certificate: replica.entry });
  for (const vote of [notarize, nullify]) if (vote !== undefined) broadcast(replica, { kind: "vote", vote });
  repeatProposal(replica);
  repeatFinalizeVotes(replica);
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

function repeatProposal(replica: Replica): void {
  const proposal = replica.myProposals.get(replica.view);
  const tally = replica.tallies.get(replica.view);
  if (proposal === undefined) return;
  replica.set.validators.forEach((_, index) => {
    const peer = index as ValidatorIndex;
    if (peer === replica.self || tally?.notarize.has(peer) || tally?.nullify.has(peer)) return;
    send(replica, peer, { kind: "proposal", proposal });
  });
}

const repeatedVotesCountMax = 8;

/** Sends the newest own finalize votes of views that are not final again. */
export function repeatFinalizeVotes(replica: Replica): void {
  let count = 0;
  for (let view = replica.view; replica.lastFinal.view < view && count < repeatedVotesCountMax; view--) {
    const { finalize } = ownVotes(replica.safety, view as View);
    if (finalize === undefined || viewCertificates(replica, view as View).finalization !== undefined) continue;
    broadcast(replica, { kind: "vote", vote: finalize });
    count++;
  }
}

/** No genuine vote of the leader for many views in which a quorum voted, or its own word that it gives this one up. */
function leaderIsGone(replica: Replica): boolean {
  const index = leader(replica, replica.view);
  if (index === replica.self) return false;
  const early = replica.tallies.get(replica.view)?.nullify.get(index);
  if (early !== undefined && replica.scheme.verifyVote(replica.set, early.vote)) return true;
  return replica.activeViews[index]! + limits.inactivityViews < replica.view;
}
