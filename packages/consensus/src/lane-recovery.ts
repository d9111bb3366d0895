/**
 * Lanes after a start, from the records of the vote log. Batches that are final are of no use; of the others every one that
 * was on disk is there again, so the own lane goes on after its last batch, and nothing is acknowledged twice.
 */
import { equalBytes } from "@stoa/base/bytes";
import { batchDigest, type Batch, type LaneTip } from "@stoa/protocol/finality/lane";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { acknowledgeSoon } from "./lane-acknowledge.ts";
import { sayRoom } from "./lane-own.ts";
import { batchesWait, heldBatch, noTip } from "./lane-state.ts";
import { holdBatch, relink } from "./lane-store.ts";
import type { Replica } from "./state.ts";

/** What is wrong with a batch of the log, in words. The log may hold older ones after younger ones. */
export function restoreBatch(replica: Replica, batch: Batch): string | undefined {
  const { lanes, set, self } = replica;
  const lane = lanes.all[batch.lane];
  if (lane === undefined || batch.epoch !== set.epoch) return "the vote log holds a batch of another chain or epoch";
  const digest = batchDigest(batch);
  if (batch.lane === self) {
    const [other] = lane.places.get(batch.sequence) ?? [];
    if (other !== undefined && !equalBytes(other.digest, digest)) {
      return `the vote log holds two own batches for place ${batch.sequence}`;
    }
    if (lanes.ownTip.sequence < batch.sequence) lanes.ownTip = { sequence: batch.sequence, digest };
  }
  if (lane.final.sequence < batch.sequence && heldBatch(lane, digest) === undefined) {
    holdBatch(replica, batch, digest, true);
  }
  return undefined;
}

/** What is wrong with an acknowledgement of the log, in words. */
export function restoreAcknowledged(
  replica: Replica,
  { lane: index, sequence, digest }: LaneTip & { readonly lane: ValidatorIndex },
): string | undefined {
  const lane = replica.lanes.all[index];
  if (lane === undefined) return "the vote log holds an acknowledgement for a lane of nobody";
  const { acknowledged } = lane;
  if (acknowledged.sequence === sequence && !equalBytes(acknowledged.digest, digest)) {
    return `the vote log acknowledges two batches in place ${sequence} of lane ${index}`;
  }
  if (acknowledged.sequence < sequence) lane.acknowledged = { sequence, digest };
  return undefined;
}

/**
 * The vote log says how far lanes were final. Batches and acknowledgements up to there may have been dropped from it, and the
 * block log, which has them, may have been moved away: then this is all that says how far this replica had come.
 */
export function restoreFinalTips({ lanes }: Replica, tips: readonly LaneTip[]): void {
  tips.forEach((tip, lane) => {
    if ((lanes.finalBefore[lane] ?? noTip).sequence < tip.sequence) lanes.finalBefore[lane] = tip;
  });
}

/** The first input of this life: the node hears of the batches that wait, and of the room for own ones. */
export function startLanes(replica: Replica): void {
  const { lanes, self } = replica;
  // The log need not hold own batches that are final.
  const final = later(lanes.all[self]!.final, lanes.finalBefore[self] ?? noTip);
  lanes.ownTip = later(lanes.ownTip, final);
  lanes.ownFinal = final.sequence;
  for (const lane of lanes.all) {
    lane.acknowledged = later(lane.acknowledged, lanes.finalBefore[lane.index] ?? noTip);
    for (const held of lane.batches.values()) held.told = false;
    relink(replica, lane);
  }
  if (batchesWait(replica.lanes)) acknowledgeSoon(replica);
  sayRoom(replica);
}

const later = (one: LaneTip, other: LaneTip): LaneTip => (one.sequence < other.sequence ? other : one);
