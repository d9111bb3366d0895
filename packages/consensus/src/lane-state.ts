/**
 * What a replica holds of every lane: the batches above what is final, linked into a chain by digests, and for a while those
 * that are final. An owner that is faulty may make several batches for one place; the first that came is what this replica
 * goes by, and others are kept only when a block names them. A batch is *linked* when it and all before it down to the final
 * tip are held. How this changes is in `lane-store.ts`.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { Height } from "@stoa/base/units";
import type { Acknowledgement, AvailabilityProof, Batch, LaneTip } from "@stoa/protocol/finality/lane";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

export interface HeldBatch {
  readonly batch: Batch;
  readonly digest: Digest;
  readonly sinceMs: number;
  /** In the vote log, or about to be in this turn. */
  persisted: boolean;
  linked: boolean;
  /** The node knows of it. */
  told: boolean;
  /** The height at which it was seen to be final. */
  finalHeight: Height | undefined;
}

export interface Lane {
  readonly index: ValidatorIndex;
  readonly batches: Map<string, HeldBatch>;
  /** The same by place; the first is the one that came first. */
  readonly places: Map<number, HeldBatch[]>;
  /** Bytes of payloads above what is final, and of those that are kept although they are. */
  aheadSize: number;
  finalSize: number;
  /** Up to where the lane is final here. */
  final: LaneTip;
  /** The highest batch that is linked. */
  linkedSequence: number;
  /** The last batch that this replica acknowledged: nothing at or below it is acknowledged again. */
  acknowledged: LaneTip;
  /** When that was sent last. */
  acknowledgedMs: number;
  /** By place; of the owner's own connection, and checked when one is needed. */
  readonly proofs: Map<number, { readonly proof: AvailabilityProof; verified: boolean }>;
  /** Through this height only proven batches of this owner are proposed. */
  blamedThrough: Height;
}

/** What is missing, and who may have it. */
export interface WantedBatches {
  readonly lane: ValidatorIndex;
  readonly digest: Digest;
  readonly from: number;
  readonly through: number;
  readonly peers: readonly ValidatorIndex[];
  readonly cause: "certified" | "proposal" | "gap";
  /** The owner is to blame when this has to be fetched: a vote waited for it. */
  readonly blames: boolean;
  readonly sinceMs: number;
  readonly neededMs: number;
}

export interface Lanes {
  readonly all: readonly Lane[];
  readonly wanted: Map<string, WantedBatches>;
  acknowledgeScheduled: boolean;
  fetchScheduled: boolean;
  /** The last batch of the own lane. */
  ownTip: LaneTip;
  /** Through this place what is final of the own lane was seen to be own. */
  ownFinal: number;
  /** After a start: how far lanes are final by the vote log, which the block log may have fallen behind. */
  readonly finalBefore: LaneTip[];
  /** Acknowledgements of own batches above the last proof, by place and signer. */
  readonly acknowledgements: Map<number, Map<ValidatorIndex, Acknowledgement>>;
  /** The highest own batch that each peer is known to hold. */
  readonly reached: number[];
  /** Payloads that wait for room in the own lane. */
  readonly backlog: Uint8Array[];
  /** Room that the node was told of. */
  roomSaid: number;
}

export const noTip: LaneTip = { sequence: 0, digest: zeroDigest };

export function emptyLanes(count: number): Lanes {
  return {
    all: Array.from({ length: count }, (_, index): Lane => {
      return {
        index: index as ValidatorIndex,
        batches: new Map(),
        places: new Map(),
        aheadSize: 0,
        finalSize: 0,
        final: noTip,
        linkedSequence: 0,
        acknowledged: noTip,
        acknowledgedMs: -Infinity,
        proofs: new Map(),
        blamedThrough: 0 as Height,
      };
    }),
    wanted: new Map(),
    acknowledgeScheduled: false,
    fetchScheduled: false,
    ownTip: noTip,
    ownFinal: 0,
    finalBefore: [],
    acknowledgements: new Map(),
    reached: Array.from({ length: count }, () => 0),
    backlog: [],
    roomSaid: 0,
  };
}

/** How far the lane is ordered on top of `parent`. */
export const tipAfter = ({ tips }: { readonly tips: readonly LaneTip[] }, lane: number): LaneTip => tips[lane] ?? noTip;

export const heldBatch = ({ batches }: Lane, digest: Digest): HeldBatch | undefined => batches.get(toHex(digest));

/** The batch that follows `tip` in what this replica goes by, when all down to what is final is held. */
export function linkedAfter(lane: Lane, tip: LaneTip): HeldBatch | undefined {
  const versions = lane.places.get(tip.sequence + 1);
  return versions?.find(({ batch, linked }) => linked && equalBytes(batch.previous, tip.digest));
}

/** Linked batches after `tip`, oldest first, at most `countMax`. */
export function linkedFrom(lane: Lane, tip: LaneTip, countMax: number): HeldBatch[] {
  const chain: HeldBatch[] = [];
  let next = linkedAfter(lane, tip);
  while (next !== undefined && chain.length < countMax) {
    chain.push(next);
    next = linkedAfter(lane, tipOf(next));
  }
  return chain;
}

export const tipOf = ({ batch, digest }: HeldBatch): LaneTip => ({ sequence: batch.sequence, digest });

export type Range =
  | { readonly kind: "held"; readonly batches: readonly HeldBatch[] }
  /** The highest batch that is missing: those above it are held. */
  | { readonly kind: "missing"; readonly tip: LaneTip }
  /** A digest names its place, too: whoever put it into another one lied. */
  | { readonly kind: "false" };

/** The last `count` batches up to `tip`, oldest first. */
export function rangeUpTo(lane: Lane, tip: LaneTip, count: number): Range {
  const batches: HeldBatch[] = [];
  let { sequence, digest } = tip;
  for (; batches.length < count; sequence--) {
    const held = heldBatch(lane, digest);
    if (held === undefined) return { kind: "missing", tip: { sequence, digest } };
    if (held.batch.sequence !== sequence) return { kind: "false" };
    batches.push(held);
    digest = held.batch.previous;
  }
  return { kind: "held", batches: batches.reverse() };
}

/** Whether batches wait that the last final block does not order. */
export const batchesWait = (lanes: Lanes): boolean =>
  lanes.all.some(({ linkedSequence, final }) => final.sequence < linkedSequence);
