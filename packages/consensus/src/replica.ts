/**
 * The replica: `step(replica, input)` gives the effects of one input. Everything it knows of the world comes in as an input,
 * everything it wants done leaves as an effect; the same inputs give the same effects, in a node and in the simulator.
 *
 * The protocol is Simplex. Views follow one another; in each a leader proposes one block, and validators vote: notarize the
 * block, or nullify the view when its time is up. A quorum (more than two thirds of the stake) of either ends the view, and
 * the next one begins at once. A validator that saw the notarization, and has not nullified the view, votes the block final.
 *
 * Why two final blocks never conflict, when less than a third of the stake is faulty:
 *
 * - Any two quorums share an honest validator, which casts one notarize vote a view. So a view notarizes at most one block.
 * - An honest validator casts at most one of nullify and finalize in a view. So no view has both a nullification and a
 *   finalization.
 * - An honest validator notarizes a block only with its parent's certificate and a nullification of every view between. Let
 *   block B be final in view v. A block notarized in a later view whose parent lies below v would need view v nullified, which
 *   it cannot be; one whose parent is of view v has parent B; by induction every later notarized block extends B.
 *
 * Nothing in this refers to anything remembered from other views: there are no locks. What must survive a crash is the
 * replica's own votes (`safety-record.ts`), and they are on disk before they are sent.
 *
 * Why it does not get stuck: take the lowest view of an honest validator. If it has a certificate, that is sent on and all
 * leave the view. If not, nobody can have voted its block final, so every honest validator may still nullify it, and those
 * are a quorum (consensus.md 3.7).
 */
import { unreachable } from "@stoa/base/assert";
import type { View } from "@stoa/base/units";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import {
  answerBlock,
  answerCertificates,
  answerFinalBlocks,
  peerChanged,
  receiveBlock,
  receiveCertificates,
  receiveFinalBlocks,
  receiveStatus,
  sendFinalBlocks,
  statusDue,
} from "./catch-up.ts";
import { admitCertificate } from "./certificates.ts";
import { recordExecuted } from "./divergence.ts";
import type { Effect, Input, TimerKind } from "./effect.ts";
import { receiveEvidence, receiveProposalSeen } from "./evidence.ts";
import { advanceFinality, castFinalizeVotes } from "./finalize.ts";
import type { Message } from "./message.ts";
import { considerProposal, holdProposal, lead, nullify, propose, receiveProposal } from "./proposal.ts";
import { answerStatus } from "./quarantine.ts";
import { acknowledgeDue, receiveAcknowledgement, receiveAvailability } from "./lane-acknowledge.ts";
import { answerBatches, receiveBatch, receiveBatches } from "./lane-fetch.ts";
import { takeForBatch } from "./lane-own.ts";
import { startLanes } from "./lane-recovery.ts";
import { fetchDue } from "./lane-wanted.ts";
import { repairDue } from "./requests.ts";
import { broadcast, emit, plan, type Replica, type Task } from "./state.ts";
import { beginView, setWorkPending, timerDue } from "./view.ts";
import { countOwnVote, receiveVote } from "./votes.ts";

/** Takes one input and returns what is to be done, in order. A replica that has halted returns nothing. */
export function step(replica: Replica, input: Input): Effect[] {
  if (replica.halted) return [];
  replica.now = input.at;
  replica.effects = [];
  receive(replica, input);
  for (let task = replica.agenda.shift(); task !== undefined; task = replica.agenda.shift()) perform(replica, task);
  return replica.effects;
}

function receive(replica: Replica, input: Input): void {
  switch (input.kind) {
    case "start":
      return start(replica);
    case "message":
      return receiveMessage(replica, input.from, input.message);
    case "timer":
      return receiveTimer(replica, input.timer, input.view);
    case "workPending":
      return setWorkPending(replica, input.pending);
    case "payload":
      return propose(replica, input);
    case "batch":
      return takeForBatch(replica, input.payload);
    case "executed":
      return recordExecuted(replica, input.roots);
    case "peer":
      return peerChanged(replica, input.peer, input.connected);
    case "blocksRead":
      return sendFinalBlocks(replica, input);
    default:
      return unreachable(input);
  }
}

function receiveTimer(replica: Replica, timer: TimerKind, view: View): void {
  switch (timer) {
    case "status":
      return statusDue(replica);
    case "repair":
      return repairDue(replica);
    case "acknowledge":
      return acknowledgeDue(replica);
    case "fetch":
      return fetchDue(replica);
    default:
      return timerDue(replica, timer, view);
  }
}

/** The first input: repeats the votes that may not have been sent before the last stop, and begins the view. */
function start(replica: Replica): void {
  for (const [view, votes] of replica.safety.votes) {
    if (view < replica.lastFinal.view) continue;
    for (const vote of [votes.notarize, votes.nullify, votes.finalize]) {
      if (vote === undefined) continue;
      broadcast(replica, { kind: "vote", vote });
      plan(replica, { kind: "ownVote", vote });
    }
  }
  if (replica.divergence !== undefined) emit(replica, { kind: "diverged", divergence: replica.divergence });
  startLanes(replica);
  beginView(replica);
  statusDue(replica);
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
}

function receiveMessage(replica: Replica, from: ValidatorIndex, message: Message): void {
  if (from === replica.self || replica.peers[from] === undefined) return;
  switch (message.kind) {
    case "proposal":
      return receiveProposal(replica, from, message.proposal);
    case "vote":
      return receiveVote(replica, from, message.vote);
    case "certificate":
      return plan(replica, { kind: "certificate", certificate: message.certificate, from });
    case "status":
      return receiveStatus(replica, from, message.status);
    case "certificatesWanted":
      return answerCertificates(replica, from, message);
    case "certificates":
      return receiveCertificates(replica, from, message);
    case "blockWanted":
      return answerBlock(replica, from, message);
    case "block":
      return receiveBlock(replica, from, message);
    case "finalBlocksWanted":
      return answerFinalBlocks(replica, from, message);
    case "finalBlocks":
      return receiveFinalBlocks(replica, from, message);
    case "statusWanted":
      return answerStatus(replica, from, message);
    case "evidence":
      return receiveEvidence(replica, from, message.evidence);
    case "proposalSeen":
      return receiveProposalSeen(replica, from, message);
    case "batch":
      return receiveBatch(replica, from, message.batch);
    case "acknowledgement":
      return receiveAcknowledgement(replica, from, message.acknowledgement);
    case "availability":
      return receiveAvailability(replica, from, message.proof);
    case "batchesWanted":
      return answerBatches(replica, from, message);
    case "batches":
      return receiveBatches(replica, from, message);
    case "unavailable":
      // The request stays open until the repair timer, so that an empty-handed peer is not asked in a tight circle.
      return;
    default:
      return unreachable(message);
  }
}

function perform(replica: Replica, task: Task): void {
  switch (task.kind) {
    case "certificate":
      return admitCertificate(replica, task.certificate, task.from);
    case "ownVote":
      return countOwnVote(replica, task.vote);
    case "proposal":
      return holdProposal(replica, task.proposal);
    case "considerProposal":
      return considerProposal(replica);
    case "nullify":
      return nullify(replica);
    case "finalizeVotes":
      return castFinalizeVotes(replica);
    case "finality":
      return advanceFinality(replica);
    case "lead":
      return lead(replica);
    default:
      return unreachable(task);
  }
}
