/**
 * Acknowledging the batches of others, and proving that the own ones are available (consensus.md 3.5, lane rules).
 *
 * A replica acknowledges a batch when it holds, on disk, all of the lane between that batch and what is final. Its
 * acknowledgements of one lane only climb, across crashes too, so it never acknowledges two batches in one place; any two
 * quorums share an honest validator, so a place has at most one batch with a proof. A validator that lost its log does not
 * know how far it climbed, and acknowledges nothing more in the epoch: else a lane could fork with two proofs.
 *
 * Acknowledgements wait a moment and cover all before them. While a lane flows, all replicas pick the same batches, or they
 * would rarely agree on one: every eighth, and every large one, so that what lies between two proofs always fits into a block.
 */
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { isQuorum, stakeOf } from "@stoa/protocol/finality/certificate";
import { statementOf, statementsEvidence } from "@stoa/protocol/finality/evidence";
import { acknowledgementSignBytes, type Acknowledgement, type AvailabilityProof } from "@stoa/protocol/finality/lane";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { reportOffence } from "./evidence.ts";
import { sayRoom } from "./lane-own.ts";
import { heldBatch, linkedFrom, tipOf, type HeldBatch, type Lane } from "./lane-state.ts";
import { wantBatches } from "./lane-wanted.ts";
import { hasLostLog } from "./safety-record.ts";
import { broadcast, emit, misbehaviour, send, type Replica } from "./state.ts";

/** Sets the timer when there is something to acknowledge that was not there before. */
export function acknowledgeSoon(replica: Replica): void {
  const { lanes, parameters, view } = replica;
  if (lanes.acknowledgeScheduled || hasLostLog(replica.safety)) return;
  lanes.acknowledgeScheduled = true;
  emit(replica, { kind: "schedule", timer: "acknowledge", view, delayMs: parameters.acknowledgeMs });
}

export function acknowledgeDue(replica: Replica): void {
  const { lanes, self } = replica;
  lanes.acknowledgeScheduled = false;
  if (hasLostLog(replica.safety)) return;
  let isMore = false;
  for (const lane of lanes.all) {
    if (lane.index === self || lane.linkedSequence <= lane.acknowledged.sequence) continue;
    const chain = unacknowledged(lane);
    const chosen = chooseBatches(replica, chain);
    for (const held of chosen) acknowledge(replica, lane, held);
    isMore ||= chosen.at(-1) !== chain.at(-1);
  }
  if (isMore) acknowledgeSoon(replica);
}

/** Linked batches above what is acknowledged and what is final; none while another batch in a place was acknowledged. */
function unacknowledged(lane: Lane): HeldBatch[] {
  const { acknowledged, final } = lane;
  return linkedFrom(lane, final.sequence < acknowledged.sequence ? acknowledged : final, 2 * limits.laneAheadCountMax);
}

/** Those that all replicas pick, and the last one when no newer has come for a while. */
function chooseBatches({ now, parameters }: Replica, chain: readonly HeldBatch[]): HeldBatch[] {
  return chain.filter((held, index) => {
    const { sequence, payload } = held.batch;
    if (sequence % limits.laneAcknowledgeEvery === 0 || limits.laneAcknowledgeSize <= payload.length) return true;
    return index === chain.length - 1 && held.sinceMs + parameters.acknowledgeMs <= now.monotonicMs;
  });
}

function acknowledge(replica: Replica, lane: Lane, held: HeldBatch): void {
  lane.acknowledged = tipOf(held);
  const record = { kind: "acknowledged", lane: lane.index, ...lane.acknowledged } as const;
  emit(replica, { kind: "persist", record, barrier: true });
  sayAcknowledged(replica, lane, held);
}

function sayAcknowledged(replica: Replica, lane: Lane, held: HeldBatch): void {
  lane.acknowledgedMs = replica.now.monotonicMs;
  send(replica, lane.index, { kind: "acknowledgement", acknowledgement: signed(replica, held) });
}

/** The owner repeats a batch, or is there again: it may not have heard the last acknowledgement, or has forgotten it. */
export function repeatAcknowledgement(replica: Replica, lane: Lane): void {
  const { acknowledged, final, acknowledgedMs, index } = lane;
  if (acknowledged.sequence <= final.sequence || hasLostLog(replica.safety) || index === replica.self) return;
  if (replica.now.monotonicMs < acknowledgedMs + replica.parameters.statusMs) return;
  const held = heldBatch(lane, acknowledged.digest);
  if (held !== undefined) sayAcknowledged(replica, lane, held);
}

function signed(replica: Replica, { batch, digest }: HeldBatch): Acknowledgement {
  const { set, self } = replica;
  const subject = { epoch: set.epoch, lane: batch.lane, sequence: batch.sequence, digest };
  const signature = (replica.signVote ?? replica.sign)(acknowledgementSignBytes(set, subject));
  return { kind: "acknowledge", ...subject, signer: self, signature };
}

// ---- the owner

/** From the one who signed it. Believed until a quorum is there, and then checked at once. */
export function receiveAcknowledgement(replica: Replica, from: ValidatorIndex, one: Acknowledgement): void {
  const { lanes, self, set } = replica;
  const lane = lanes.all[self]!;
  if (one.lane !== self || one.signer !== from || one.epoch !== set.epoch) return;
  if (one.sequence <= lane.final.sequence) return;
  const held = heldBatch(lane, one.digest);
  if (held?.batch.sequence !== one.sequence) return weighAcknowledgement(replica, one);
  lanes.reached[from] = Math.max(lanes.reached[from]!, one.sequence);
  if (one.sequence <= provenSequence(lane)) return;
  const counted = lanes.acknowledgements.get(one.sequence) ?? new Map<ValidatorIndex, Acknowledgement>();
  lanes.acknowledgements.set(one.sequence, counted);
  counted.set(from, one);
  proveAvailable(replica, lane, held, counted);
}

/** An acknowledgement of what this owner never made: with one of what it did make, evidence against the signer. */
function weighAcknowledgement(replica: Replica, one: Acknowledgement): void {
  const { lanes, scheme, set } = replica;
  const other = lanes.acknowledgements.get(one.sequence)?.get(one.signer);
  if (other === undefined || !scheme.verifyVote(set, one) || !scheme.verifyVote(set, other)) return;
  reportOffence(replica, statementsEvidence(statementOf(other), statementOf(one)));
}

const provenSequence = ({ proofs, final }: Lane): number => Math.max(final.sequence, ...proofs.keys());

function proveAvailable(
  replica: Replica,
  lane: Lane,
  held: HeldBatch,
  counted: Map<ValidatorIndex, Acknowledgement>,
): void {
  const { set, self, scheme } = replica;
  const isEnough = (): boolean => isQuorum(set, stakeOf(set, [self, ...counted.keys()]));
  if (!isEnough()) return;
  for (const { signer } of scheme.findForged(set, [...counted.values()])) {
    counted.delete(signer);
    misbehaviour(replica, signer, "an acknowledgement that is not signed");
  }
  if (!isEnough()) return;
  const proof = scheme.assemble(set, [...counted.values(), signed(replica, held)]);
  keepProof(lane, proof, true);
  for (const sequence of replica.lanes.acknowledgements.keys()) {
    if (sequence <= proof.sequence) replica.lanes.acknowledgements.delete(sequence);
  }
  broadcast(replica, { kind: "availability", proof });
  sayRoom(replica);
}

// ---- proofs

/** From the owner of the lane; checked when it is needed. */
export function receiveAvailability(replica: Replica, from: ValidatorIndex, proof: AvailabilityProof): void {
  if (proof.lane !== from || proof.epoch !== replica.set.epoch) return;
  const lane = replica.lanes.all[from]!;
  const { sequence, digest } = proof;
  if (sequence <= lane.final.sequence || lane.final.sequence + 2 * limits.laneAheadCountMax < sequence) return;
  const known = lane.proofs.get(sequence);
  if (known !== undefined)
    return equalBytes(known.proof.digest, digest) ? undefined : weighProofs(replica, lane, proof);
  keepProof(lane, proof, false);
  if (heldBatch(lane, digest) !== undefined) return;
  wantBatches(replica, {
    lane: from,
    tip: { sequence, digest },
    above: lane.linkedSequence,
    peers: [from],
    cause: "gap",
  });
}

/** A second proof for one place: when both hold, whoever is in both is guilty. */
export function weighProofs(replica: Replica, lane: Lane, proof: AvailabilityProof): void {
  if (!replica.scheme.verifyCertificate(replica.set, proof)) return reportFalse(replica, proof);
  const known = checkedProof(replica, lane, proof.sequence);
  if (known === undefined) keepProof(lane, proof, true);
  else reportOffence(replica, statementsEvidence(statementOf(known), statementOf(proof)));
}

function reportFalse(replica: Replica, { lane, sequence }: AvailabilityProof): void {
  misbehaviour(replica, lane, `a proof of availability of batch ${sequence} that does not verify`);
}

/** The proof that is kept for a place, when it holds. */
function checkedProof(replica: Replica, lane: Lane, sequence: number): AvailabilityProof | undefined {
  const kept = lane.proofs.get(sequence);
  if (kept === undefined) return undefined;
  kept.verified ||= replica.scheme.verifyCertificate(replica.set, kept.proof);
  if (kept.verified) return kept.proof;
  lane.proofs.delete(sequence);
  reportFalse(replica, kept.proof);
  return undefined;
}

export function keepProof(lane: Lane, proof: AvailabilityProof, verified: boolean): void {
  lane.proofs.set(proof.sequence, { proof, verified });
  for (const sequence of lane.proofs.keys()) {
    if (lane.proofs.size <= limits.laneAheadCountMax) return;
    lane.proofs.delete(sequence);
  }
}

/** The places above `sequence` with a proof, highest first. */
export const provenAbove = (lane: Lane, sequence: number): number[] =>
  [...lane.proofs.keys()].filter((proven) => sequence < proven).sort((left, right) => right - left);

/** The proof for exactly this batch, checked; `mayCheck` false: only when it was checked before. */
export function proofFor(replica: Replica, held: HeldBatch, mayCheck: boolean): AvailabilityProof | undefined {
  const { lane: owner, sequence } = held.batch;
  const lane = replica.lanes.all[owner]!;
  const kept = lane.proofs.get(sequence);
  if (kept === undefined || !equalBytes(kept.proof.digest, held.digest)) return undefined;
  if (!kept.verified && !mayCheck) return undefined;
  return checkedProof(replica, lane, sequence);
}
