/**
 * The own lane: commands that the node hands over become the next batch, which is on disk before it is sent to all. So no
 * restart makes a second batch in one place. A validator that lost its log does not know its last batch, and makes none in
 * this epoch any more: its commands go beside batches, as everybody's do when little waits.
 *
 * The owner stays within a window above what is final or proven to be available, half of what others keep.
 */
import { assert } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { batchDigest, batchSignBytes, type Batch } from "@stoa/protocol/finality/lane";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { heldBatch, linkedFrom, type Lane } from "./lane-state.ts";
import { holdBatch } from "./lane-store.ts";
import { hasLostLog } from "./safety-record.ts";
import { broadcast, emit, halt, send, type Replica } from "./state.ts";
import { noteWork } from "./view.ts";

/** How many batches may be made now, whatever their size. */
export function ownLaneRoom(replica: Replica): number {
  const { lanes, self, safety } = replica;
  if (hasLostLog(safety)) return 0;
  const lane = lanes.all[self]!;
  const safe = Math.max(lane.final.sequence, ...lane.proofs.keys());
  const places = limits.laneOwnAheadCountMax - (lanes.ownTip.sequence - safe);
  const kept = limits.laneAheadCountMax - (lanes.ownTip.sequence - lane.final.sequence);
  const sizes = Math.floor((limits.laneOwnAheadSizeMax - lane.aheadSize) / limits.batchPayloadSizeMax);
  return Math.max(0, Math.min(places, kept, sizes));
}

/** Room may have changed: batches that wait for it are made, and the node is told. */
export function sayRoom(replica: Replica): void {
  const { backlog } = replica.lanes;
  while (0 < backlog.length && 0 < ownLaneRoom(replica)) makeBatch(replica, backlog.shift()!);
  const count = ownLaneRoom(replica);
  if (count === replica.lanes.roomSaid) return;
  replica.lanes.roomSaid = count;
  emit(replica, { kind: "laneRoom", count });
}

/** Commands for the next own batch. What the node gives may cross what it is told of the room, and then waits a little. */
export function takeForBatch(replica: Replica, payload: Uint8Array): void {
  const { backlog } = replica.lanes;
  assert(payload.length <= limits.batchPayloadSizeMax, "a batch of legal size");
  assert(
    !hasLostLog(replica.safety) && backlog.length < limits.laneOwnAheadCountMax,
    "no more own batches are asked for than there was room for",
  );
  backlog.push(payload);
  sayRoom(replica);
}

function makeBatch(replica: Replica, payload: Uint8Array): void {
  const { set, self, lanes } = replica;
  const { sequence, digest: previous } = lanes.ownTip;
  const content = { epoch: set.epoch, lane: self, sequence: sequence + 1, previous, payload };
  const digest = batchDigest(content);
  const batch: Batch = { ...content, signature: replica.sign(batchSignBytes(set, content.sequence, digest)) };
  emit(replica, { kind: "persist", record: { kind: "batch", batch }, barrier: true });
  lanes.ownTip = { sequence: content.sequence, digest };
  holdBatch(replica, batch, digest, true);
  broadcast(replica, { kind: "batch", batch });
  noteWork(replica);
}

/** Own batches that are final and not of this replica's making mean that somebody else has its key, or that its log is old. */
export function checkOwnLane(replica: Replica): void {
  const { lanes, self, safety } = replica;
  const lane = lanes.all[self]!;
  const { sequence, digest } = lane.final;
  if (sequence <= lanes.ownFinal || hasLostLog(safety)) return;
  lanes.ownFinal = sequence;
  // What has just become final is still held.
  const isOwn = equalBytes(digest, lanes.ownTip.digest) || heldBatch(lane, digest) !== undefined;
  if (isOwn && sequence <= lanes.ownTip.sequence) return;
  halt(
    replica,
    `batch ${sequence} of this validator's lane is final, and it did not make it: another process has its key, or its vote log ` +
      `is an old copy`,
  );
}

const repeatedCountMax = 4;

/** Sends each peer a few of the own batches that wait for long and that it has not acknowledged, and to all the last proof. */
export function repeatOwnLane(replica: Replica): void {
  const { lanes, self } = replica;
  const lane = lanes.all[self]!;
  const proven = Math.max(0, ...lane.proofs.keys());
  const last = lane.proofs.get(proven);
  if (last !== undefined) broadcast(replica, { kind: "availability", proof: last.proof });
  const waiting = waitingBatches(replica, lane);
  if (waiting.length === 0) return;
  replica.peers.forEach(({ connected }, index) => {
    if (!connected || index === self) return;
    const missing = waiting.filter(({ batch }) => lanes.reached[index]! < batch.sequence);
    for (const { batch } of missing.slice(0, repeatedCountMax)) {
      send(replica, index as ValidatorIndex, { kind: "batch", batch });
    }
  });
}

/** Own batches that are not final, and old enough to have been acknowledged by everyone. */
function waitingBatches(replica: Replica, lane: Lane) {
  const { now, parameters } = replica;
  const latestMs = now.monotonicMs - parameters.statusMs;
  return linkedFrom(lane, lane.final, limits.laneAheadCountMax).filter(({ sinceMs }) => sinceMs <= latestMs);
}
