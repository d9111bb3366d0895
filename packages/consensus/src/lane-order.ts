/**
 * What a block orders from the lanes: chosen by its leader, judged by voters (V4 and V5 of consensus.md 3.5).
 *
 * A leader goes by what it holds, without waiting for proofs, and voters that do not hold it fetch it within the view. When
 * that went wrong, which a view that was given up may mean, the next block orders only batches with a proof: then nobody
 * needs any data to vote, and one view is all that a spoiled lane costs. The same holds for the lanes of owners that this
 * leader blames.
 *
 * Why a proof suffices although the voter cannot see what it votes for: more than a third of the stake is honest and holds the
 * lane up to there, and refuses a block whose numbers of that lane are false; without them there is no quorum.
 */
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { LaneRange } from "@stoa/protocol/finality/header";
import type { Header } from "@stoa/protocol/finality/header";
import type { AvailabilityProof, LaneTip } from "@stoa/protocol/finality/lane";
import { sizeOfLanes } from "@stoa/protocol/finality/lane-payload";
import { lanesPayloadSize } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { keepProof, proofFor, provenAbove, weighProofs } from "./lane-acknowledge.ts";
import { wantBatches } from "./lane-wanted.ts";
import { linkedFrom, rangeUpTo, tipAfter, tipOf, type HeldBatch, type Lane } from "./lane-state.ts";
import type { Parent, Replica } from "./state.ts";

// ---- the leader

export interface LaneChoice {
  readonly lane: ValidatorIndex;
  /** Oldest first, at least one. */
  readonly batches: readonly HeldBatch[];
  readonly proof: AvailabilityProof | undefined;
}

interface Room {
  size: number;
  batchesSize: number;
  proofsSize: number;
}

/** What a block on `parent` orders from the lanes, with room left for loose commands. */
export function chooseBatches(
  replica: Replica,
  parent: Parent,
  batchesSizeMax: number = limits.payloadSizeMax,
): LaneChoice[] {
  const { lanes, view, parameters } = replica;
  const isConservative = parent.view < view - 1;
  const frame = lanesPayloadSize({ batchesCount: 0, batchesSize: 0, looseSize: limits.looseSizeMax });
  const room: Room = {
    size: parameters.payloadSizeMax - frame,
    batchesSize: batchesSizeMax,
    proofsSize: limits.laneProofsSizeMax,
  };
  const first = (parent.height + 1) % lanes.all.length;
  const rotated = [...lanes.all.slice(first), ...lanes.all.slice(0, first)];
  const isCertifiedOnly = (lane: Lane): boolean => isConservative || parent.height < lane.blamedThrough;
  const proven = rotated.filter(isCertifiedOnly).flatMap((lane) => chooseProven(replica, lane, parent, room) ?? []);
  const open = chooseOpen(
    rotated.filter((lane) => !isCertifiedOnly(lane)),
    parent,
    room,
  ).map(({ lane, batches }) => ({ lane, batches, proof: knownProof(replica, batches.at(-1)!, room) }));
  return [...proven, ...open].sort((left, right) => left.lane - right.lane);
}

/** Bytes that a batch takes in a payload. */
const sizeInPayload = ({ batch }: HeldBatch): number =>
  lanesPayloadSize({ batchesCount: 1, batchesSize: batch.payload.length, looseSize: 0 }) -
  lanesPayloadSize({ batchesCount: 0, batchesSize: 0, looseSize: 0 });

function takeRoom(room: Room, batches: readonly HeldBatch[], proofSize: number): boolean {
  const size = batches.reduce((sum, held) => sum + sizeInPayload(held), 0);
  const batchesSize = batches.reduce((sum, { batch }) => sum + batch.payload.length, 0);
  if (room.size < size || room.batchesSize < batchesSize || room.proofsSize < proofSize) return false;
  room.size -= size;
  room.batchesSize -= batchesSize;
  room.proofsSize -= proofSize;
  return true;
}

/** All up to the highest proof that fits. */
function chooseProven(replica: Replica, lane: Lane, parent: Parent, room: Room): LaneChoice | undefined {
  const tip = tipAfter(parent, lane.index);
  const chain = linkedFrom(lane, tip, limits.laneBatchesPerBlockCountMax);
  for (const sequence of provenAbove(lane, tip.sequence)) {
    const batches = chain.slice(0, sequence - tip.sequence);
    const last = batches.at(-1);
    if (last?.batch.sequence !== sequence) continue;
    const proof = proofFor(replica, last, true);
    if (proof !== undefined && takeRoom(room, batches, proof.proof.length)) {
      return { lane: lane.index, batches, proof };
    }
  }
  return undefined;
}

/** The first batch of every lane, then the second of every lane, while there is room. */
function chooseOpen(lanes: readonly Lane[], parent: Parent, room: Room) {
  const open = lanes.map((lane) => {
    const chain = linkedFrom(lane, tipAfter(parent, lane.index), limits.laneBatchesPerBlockCountMax);
    return { lane: lane.index, chain, count: 0, isFull: false };
  });
  for (let index = 0; index < limits.laneBatchesPerBlockCountMax; index++) {
    for (const one of open) {
      const held = one.chain[index];
      one.isFull ||= held === undefined || !takeRoom(room, [held], 0);
      if (!one.isFull) one.count++;
    }
  }
  return open
    .filter(({ count }) => 0 < count)
    .map(({ lane, chain, count }) => ({ lane, batches: chain.slice(0, count) }));
}

/** A proof that is there and was checked helps voters that lack the batch, and costs nothing. */
function knownProof(replica: Replica, held: HeldBatch, room: Room): AvailabilityProof | undefined {
  const proof = proofFor(replica, held, false);
  return proof !== undefined && takeRoom(room, [], proof.proof.length) ? proof : undefined;
}

/** The parts of a header that say what was chosen. */
export function lanesOn(
  replica: Replica,
  parent: Parent,
  chosen: readonly LaneChoice[],
): Pick<Header, "tips" | "ranges"> {
  if (chosen.length === 0) return { tips: parent.tips, ranges: [] };
  const tips = replica.lanes.all.map((lane): LaneTip => {
    const last = chosen.find((one) => one.lane === lane.index)?.batches.at(-1);
    return last === undefined ? tipAfter(parent, lane.index) : tipOf(last);
  });
  const ranges = chosen.map(({ lane, batches, proof }): LaneRange => {
    const size = batches.reduce((sum, { batch }) => sum + batch.payload.length, 0);
    const shown = proof && { signers: proof.signers, proof: proof.proof };
    return { lane, count: batches.length, size, proof: shown };
  });
  return { tips, ranges };
}

// ---- the voter

/** V4, as far as the header and its parent tell: what can never become right, in words. */
export function tipsFault(replica: Replica, header: Header, parent: Parent): string | undefined {
  const { form, size } = header.payload;
  const { tips, ranges } = header;
  const count = replica.lanes.all.length;
  if ((form === "lanes") !== 0 < ranges.length) return "its form and its ranges of lanes do not agree";
  if (tips.length !== (ranges.length === 0 ? parent.tips.length : count)) return "its tips are not one for each lane";
  const proofsSize = ranges.reduce((sum, { proof }) => sum + (proof?.proof.length ?? 0), 0);
  if (limits.laneProofsSizeMax < proofsSize) return "its proofs of availability are too large";
  if (form === "lanes" && sizeOfLanes(ranges, limits.looseSizeMax) < size) return "it has too many loose commands";
  return tips.some((tip, lane) => !isTipAfter(tip, tipAfter(parent, lane), ranges, lane))
    ? "a tip does not follow from its parent's"
    : undefined;
}

function isTipAfter(tip: LaneTip, before: LaneTip, ranges: readonly LaneRange[], lane: number): boolean {
  const range = ranges.find((one) => one.lane === lane);
  if (range !== undefined) return tip.sequence === before.sequence + range.count;
  return tip.sequence === before.sequence && equalBytes(tip.digest, before.digest);
}

/** `undefined` when the block is good. */
export type RangesVerdict =
  | undefined
  | { readonly kind: "wait" }
  | { readonly kind: "invalid"; readonly fact: string; readonly provable: true };

const invalid = (fact: string): RangesVerdict => ({ kind: "invalid", fact, provable: true });

/** V4 and V5 for the batches themselves. What is missing is asked for from the proposer, who must hold it. */
export function judgeRanges(replica: Replica, header: Header, parent: Parent): RangesVerdict {
  let isWaiting = false;
  for (const range of header.ranges) {
    const verdict = judgeRange(replica, header, parent, range);
    if (verdict?.kind === "invalid") return verdict;
    isWaiting ||= verdict?.kind === "wait";
  }
  return isWaiting ? { kind: "wait" } : undefined;
}

function judgeRange(replica: Replica, header: Header, parent: Parent, range: LaneRange): RangesVerdict {
  const isConservative = header.parentView < header.view - 1;
  const lane = replica.lanes.all[range.lane]!;
  const tip = header.tips[range.lane]!;
  const known = rangeUpTo(lane, tip, range.count);
  if (known.kind === "false") return invalid(`it names a batch of lane ${lane.index} for a place that is not its own`);
  if (known.kind === "held") {
    const fault = rangeFault(known.batches, tipAfter(parent, lane.index), range);
    if (fault !== undefined) return invalid(`${fault}, in lane ${lane.index}`);
    if (!isConservative) return undefined;
  }
  if (range.proof !== undefined) {
    if (isProven(replica, lane, tip, range.proof)) return undefined;
    return invalid(`its proof of availability of lane ${lane.index} does not verify`);
  }
  if (isConservative) return invalid("it orders batches without a proof after a view that was given up");
  const missing = known.kind === "missing" ? known.tip : tip;
  const above = tip.sequence - range.count;
  wantBatches(replica, { lane: lane.index, tip: missing, above, peers: [header.proposer], cause: "proposal" });
  return { kind: "wait" };
}

function rangeFault(batches: readonly HeldBatch[], before: LaneTip, range: LaneRange): string | undefined {
  if (!equalBytes(batches[0]!.batch.previous, before.digest)) return "the batches do not follow from its parent's tip";
  const size = batches.reduce((sum, { batch }) => sum + batch.payload.length, 0);
  return size === range.size ? undefined : "the batches have another size than it says";
}

function isProven(replica: Replica, lane: Lane, tip: LaneTip, shown: NonNullable<LaneRange["proof"]>): boolean {
  const known = lane.proofs.get(tip.sequence);
  if (known?.verified === true && equalBytes(known.proof.digest, tip.digest)) return true;
  const { epoch } = replica.set;
  const proof: AvailabilityProof = { kind: "availability", epoch, lane: lane.index, ...tip, ...shown };
  if (!replica.scheme.verifyCertificate(replica.set, proof)) return false;
  // Kept, because a proposal that waits for something else is looked at again and again.
  if (known === undefined || equalBytes(known.proof.digest, tip.digest)) keepProof(lane, proof, true);
  else weighProofs(replica, lane, proof);
  return true;
}
