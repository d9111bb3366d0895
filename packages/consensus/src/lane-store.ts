/**
 * Keeping batches and letting go of them. Linked batches are in the vote log before anything that follows from them leaves; a
 * batch that does not link yet waits in memory. When a lane becomes final up to a tip, the batches up to it stay for a while,
 * for peers that still need them, and what contradicts it is dropped.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Batch, LaneTip } from "@stoa/protocol/finality/lane";
import { heldBatch, noTip, type HeldBatch, type Lane } from "./lane-state.ts";
import { emit, type Replica } from "./state.ts";

/** Takes a batch that is not held, whose signature is right, and links what it links. */
export function holdBatch(replica: Replica, batch: Batch, digest: Digest, persisted = false): HeldBatch {
  const lane = replica.lanes.all[batch.lane]!;
  const held: HeldBatch = {
    batch,
    digest,
    sinceMs: replica.now.monotonicMs,
    persisted,
    linked: false,
    told: false,
    finalHeight: undefined,
  };
  lane.batches.set(toHex(digest), held);
  const versions = lane.places.get(batch.sequence);
  if (versions === undefined) lane.places.set(batch.sequence, [held]);
  else versions.push(held);
  lane.aheadSize += batch.payload.length;
  if (follows(lane, held)) link(replica, lane, held);
  return held;
}

function follows(lane: Lane, { batch }: HeldBatch): boolean {
  if (batch.sequence === lane.final.sequence + 1) return equalBytes(batch.previous, lane.final.digest);
  const before = heldBatch(lane, batch.previous);
  return before?.linked === true && before.batch.sequence + 1 === batch.sequence;
}

/** Links a batch and, place by place, all that now follow from it. */
function link(replica: Replica, lane: Lane, first: HeldBatch): void {
  let linked = [first];
  while (linked.length !== 0) {
    for (const held of linked) {
      held.linked = true;
      persistBatch(replica, held);
      tellOf(replica, held);
    }
    const { sequence } = linked[0]!.batch;
    lane.linkedSequence = Math.max(lane.linkedSequence, sequence);
    linked = (lane.places.get(sequence + 1) ?? []).filter((held) => !held.linked && follows(lane, held));
  }
}

/** Without a barrier: whatever relies on it is written after it, with one. */
export function persistBatch(replica: Replica, held: HeldBatch): void {
  if (held.persisted) return;
  held.persisted = true;
  emit(replica, { kind: "persist", record: { kind: "batch", batch: held.batch }, barrier: false });
}

function tellOf(replica: Replica, held: HeldBatch): void {
  if (held.told) return;
  held.told = true;
  const { lane, sequence, payload } = held.batch;
  emit(replica, { kind: "batchHeld", lane, sequence, payload });
}

/** The last final block is another: forgets what it makes useless, and links what follows it. */
export function settleLanes(replica: Replica): void {
  const { tips } = replica.lastFinal;
  for (const lane of replica.lanes.all) {
    const tip = tips[lane.index] ?? noTip;
    if (lane.final.sequence < tip.sequence) advanceFinal(replica, lane, tip);
    forgetFinal(replica, lane);
  }
}

function advanceFinal(replica: Replica, lane: Lane, tip: LaneTip): void {
  const chain = new Set<HeldBatch>();
  for (let held = heldBatch(lane, tip.digest); held !== undefined; held = heldBatch(lane, held.batch.previous)) {
    if (held.finalHeight !== undefined) break;
    chain.add(held);
  }
  lane.final = tip;
  for (const sequence of lane.proofs.keys()) if (sequence <= tip.sequence) lane.proofs.delete(sequence);
  for (const [sequence, versions] of lane.places) {
    if (tip.sequence < sequence) continue;
    for (const held of versions.filter(({ finalHeight }) => finalHeight === undefined)) {
      if (!chain.has(held)) drop(replica, lane, held);
      else {
        held.finalHeight = replica.lastFinal.height;
        lane.aheadSize -= held.batch.payload.length;
        lane.finalSize += held.batch.payload.length;
      }
    }
  }
  relink(replica, lane);
}

/** Above the final tip: what links is linked, what contradicts it is dropped, what has a gap below it stays. */
export function relink(replica: Replica, lane: Lane): void {
  const ahead = [...lane.places.keys()].filter((sequence) => lane.final.sequence < sequence).sort((a, b) => a - b);
  lane.linkedSequence = lane.final.sequence;
  for (const sequence of ahead) {
    const isDead = sequence === lane.final.sequence + 1;
    for (const held of [...(lane.places.get(sequence) ?? [])]) {
      held.linked = follows(lane, held);
      const before = heldBatch(lane, held.batch.previous);
      const orphaned = held.told && before === undefined;
      if (!held.linked && (isDead || orphaned)) drop(replica, lane, held);
      else if (held.linked) link(replica, lane, held);
    }
  }
}

function drop(replica: Replica, lane: Lane, held: HeldBatch): void {
  const { sequence, payload } = held.batch;
  lane.batches.delete(toHex(held.digest));
  const rest = (lane.places.get(sequence) ?? []).filter((one) => one !== held);
  if (rest.length === 0) lane.places.delete(sequence);
  else lane.places.set(sequence, rest);
  if (held.finalHeight !== undefined) lane.finalSize -= payload.length;
  else {
    lane.aheadSize -= payload.length;
    if (held.told) emit(replica, { kind: "batchDropped", lane: lane.index, sequence, payload });
  }
}

/** PERF: places are in order of arrival, nearly that of sequence; final ones come first. */
function forgetFinal(replica: Replica, lane: Lane): void {
  const oldest = replica.lastFinal.height - limits.laneRetentionBlocks;
  for (const versions of lane.places.values()) {
    const [held] = versions;
    if (held?.finalHeight === undefined) return;
    if (oldest <= held.finalHeight && lane.finalSize <= limits.laneRetentionSizeMax) return;
    drop(replica, lane, held);
  }
}
