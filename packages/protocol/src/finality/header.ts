/**
 * The header of a block: what validators vote on. It holds the digest of its payload, never the payload, so that an inline
 * payload and lane tips are two forms of one header. Fields that belong to parts of the protocol not yet in use (epochs) are in
 * the format and must be empty.
 */
import { byteString, decode, encode, list, oneOf, optional, record, u16, u32, type Decoded } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { blockHeight, digest, time, validatorIndex, viewNumber } from "../primitives.ts";
import { laneProof, laneTip } from "./lane.ts";

export const payloadForms = ["none", "inline", "lanes"] as const;
export type PayloadForm = (typeof payloadForms)[number];

/**
 * What the exchange was after executing `height`: a root per module in declared order, and the results root, which covers the
 * events of that block and of all before it (`resultsRootAfter` in event.ts).
 */
export const executedRoots = record({
  height: blockHeight,
  moduleRoots: list(digest, limits.moduleRootsCountMax),
  resultsRoot: digest,
});
export type ExecutedRoots = Decoded<typeof executedRoots>;

/**
 * What a block takes from one lane: the last `count` batches up to the lane's tip, with payloads of `size` bytes together.
 * Voters that hold them check both numbers; others rely on the proof, behind which there is honest stake enough to refuse a
 * block with false numbers. Therefore nothing here is about several lanes at once: nobody may hold all of them.
 */
export const laneRange = record({ lane: validatorIndex, count: u16, size: u32, proof: optional(laneProof) });
export type LaneRange = Decoded<typeof laneRange>;

export const header = record({
  chainId: digest,
  epoch: u32,
  view: viewNumber,
  height: blockHeight,
  /** View and digest of the parent; both zero-valued for the first block, whose parent is genesis. */
  parentView: viewNumber,
  parentDigest: digest,
  proposer: validatorIndex,
  timeMs: time,
  /** Of the form `lanes` the digest is of the loose commands alone: tips name the batches. The size is of the whole payload. */
  payload: record({ form: oneOf(payloadForms), size: u32, digest }),
  /** Up to where each validator's lane is ordered after this block; empty until the first batch of the chain is ordered. */
  tips: list(laneTip, limits.validatorsCountMax),
  /** The lanes from which this block orders batches, ascending; empty in the other forms. */
  ranges: list(laneRange, limits.validatorsCountMax),
  executed: executedRoots,
  /** Offences that this block proves, each an encoding of `evidence.ts`. */
  evidence: list(byteString(limits.evidenceSizeMax), limits.evidenceCountMax),
  /**
   * What the chain has proven in this epoch, up to and with this block: for each validator a byte with a bit per kind of offence
   * (`withOffence` in evidence.ts); empty until the first.
   */
  convicted: byteString(limits.validatorsCountMax),
  /** Only in the last block of an epoch. */
  nextEpoch: optional(record({ validatorsRoot: digest, readiness: byteString(4096) })),
  /** Only in blocks that follow the last block of an epoch. */
  seal: optional(digest),
});
export type Header = Decoded<typeof header>;

export const encodeHeader = (value: Header): Uint8Array => encode(header, value);
export const decodeHeader = (bytes: Uint8Array): Header | undefined => decode(header, bytes);
export const headerDigest = (value: Header): Digest => taggedHash("STOA1/header", encodeHeader(value));

/** One digest for all module roots: what a light client compares first. */
export function stateRootOf(roots: ExecutedRoots): Digest {
  return taggedHash("STOA1/state-root", encode(list(digest, limits.moduleRootsCountMax), roots.moduleRoots));
}
