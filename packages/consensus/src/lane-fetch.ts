/**
 * Batches that come, asked for or not, and those that others ask for. Unasked a batch comes from its owner only. Answers prove
 * themselves: each batch is the one that was asked for, or the one that the batch after it names.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { batchesEvidence } from "@stoa/protocol/finality/evidence";
import { batchDigest, batchSignBytes, type Batch } from "@stoa/protocol/finality/lane";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { reportOffence } from "./evidence.ts";
import { acknowledgeSoon, repeatAcknowledgement } from "./lane-acknowledge.ts";
import { heldBatch, type HeldBatch, type Lane } from "./lane-state.ts";
import { holdBatch } from "./lane-store.ts";
import { blame, wantBatches } from "./lane-wanted.ts";
import type { Message } from "./message.ts";
import { answered } from "./requests.ts";
import { misbehaviour, plan, send, type Replica } from "./state.ts";
import { noteWork } from "./view.ts";

type MessageOf<Kind extends Message["kind"]> = Extract<Message, { kind: Kind }>;

// ---- receiving

/** From the owner, unasked: kept when its place is free and not too far ahead. */
export function receiveBatch(replica: Replica, from: ValidatorIndex, batch: Batch): void {
  const { lane: owner, sequence, payload } = batch;
  if (owner !== from || batch.epoch !== replica.set.epoch || sequence < 1) return;
  const lane = replica.lanes.all[owner]!;
  if (lane.final.sequence + limits.laneAheadCountMax < sequence) return;
  const digest = batchDigest(batch);
  const there = lane.places.get(sequence) ?? [];
  if (there.some((held) => equalBytes(held.digest, digest))) return repeatAcknowledgement(replica, lane);
  const isLate = sequence <= lane.final.sequence;
  if (isLate && there.length === 0) return;
  if (!isSigned(replica, batch, digest)) return misbehaviour(replica, from, "a batch that is not signed");
  if (there.length !== 0) return reportTwo(replica, there[0]!, batch);
  if (limits.laneAheadSizeMax < lane.aheadSize + payload.length) return;
  keep(replica, lane, holdBatch(replica, batch, digest));
}

function keep(replica: Replica, lane: Lane, held: HeldBatch): void {
  replica.lanes.wanted.delete(toHex(held.digest));
  if (!held.linked) {
    const { sequence, previous } = held.batch;
    const tip = { sequence: sequence - 1, digest: previous };
    const isAbove = lane.linkedSequence < tip.sequence && heldBatch(lane, previous) === undefined;
    if (isAbove)
      wantBatches(replica, { lane: lane.index, tip, above: lane.linkedSequence, peers: [lane.index], cause: "gap" });
  } else {
    acknowledgeSoon(replica);
    noteWork(replica);
  }
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

function isSigned(replica: Replica, batch: Batch, digest: HeldBatch["digest"]): boolean {
  const { set } = replica;
  const bytes = batchSignBytes(set, batch.sequence, digest);
  return replica.verify(batch.signature, bytes, set.validators[batch.lane]!.key);
}

/** Two signed batches for one place: evidence against their owner. */
function reportTwo(replica: Replica, held: HeldBatch, batch: Batch): void {
  const { epoch, lane, sequence, signature } = batch;
  if (lane === replica.self) return;
  const first = { digest: held.digest, signature: held.batch.signature };
  const second = { digest: batchDigest(batch), signature };
  reportOffence(replica, batchesEvidence({ epoch, lane, sequence }, first, second));
}

// ---- answering

export function answerBatches(replica: Replica, from: ValidatorIndex, wanted: MessageOf<"batchesWanted">): void {
  const { request, lane: owner, digest } = wanted;
  const { repairItemsCountMax: limit, repairAnswerSizeMax } = limits;
  const refuse = (reason: MessageOf<"unavailable">["reason"]): void =>
    send(replica, from, { kind: "unavailable", request, reason, retryMs: replica.parameters.repairMs, limit });
  if (wanted.through < wanted.from || limit < wanted.through - wanted.from + 1) return refuse("too-large");
  const lane = replica.lanes.all[owner];
  const batches: Batch[] = [];
  let size = 0;
  let held = lane && heldBatch(lane, digest);
  if (held?.batch.sequence !== wanted.through) return refuse("not-found");
  while (lane !== undefined && held !== undefined && wanted.from <= held.batch.sequence && batches.length < limit) {
    size += held.batch.payload.length;
    if (0 < batches.length && repairAnswerSizeMax < size) break;
    batches.push(held.batch);
    held = heldBatch(lane, held.batch.previous);
  }
  if (batches.length === 0) return refuse("not-found");
  send(replica, from, { kind: "batches", request, batches });
}

export function receiveBatches(replica: Replica, from: ValidatorIndex, answer: MessageOf<"batches">): void {
  const wanted = answered(replica, from, answer.request);
  if (wanted?.kind !== "batches") return;
  const lane = replica.lanes.all[wanted.lane]!;
  const need = replica.lanes.wanted.get(toHex(wanted.digest));
  // What a quorum certified is needed whatever it weighs. A proposal may name ever new batches of its proposer's own lane.
  const sizeMax = need?.cause === "certified" ? Infinity : limits.laneVersionsSizeMax;
  let { digest, through: sequence } = wanted;
  let last: HeldBatch | undefined;
  for (const batch of answer.batches) {
    const isSame = equalBytes(batchDigest(batch), digest);
    // It is the batch of that digest, but in another place: whoever named the two together lied, and not who answers.
    const isElsewhere = batch.lane !== wanted.lane || batch.epoch !== replica.set.epoch || batch.sequence !== sequence;
    if (isSame && isElsewhere) break;
    if (!isSame || !isSigned(replica, batch, digest)) {
      misbehaviour(replica, from, "batches that are not those asked for");
      break;
    }
    if (sequence <= lane.final.sequence) break;
    const [first] = lane.places.get(sequence) ?? [];
    const known = heldBatch(lane, digest);
    if (known === undefined && first !== undefined) reportTwo(replica, first, batch);
    if (known === undefined && sizeMax < lane.aheadSize + batch.payload.length) break;
    // The owner has signed it, so it is not the proposer's invention.
    if (known === undefined && need?.blames === true) blame(replica, lane);
    last = known ?? holdBatch(replica, batch, digest);
    digest = batch.previous;
    sequence--;
  }
  if (last !== undefined) keep(replica, lane, last);
}
