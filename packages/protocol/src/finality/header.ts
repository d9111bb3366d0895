/**
 * The header of a block: what validators vote on. It holds the digest of its payload, never the payload, so that an inline
 * payload and lane tips are two forms of one header. Fields that belong to parts of the protocol not yet in use (lanes,
 * evidence, epochs) are in the format and must be empty.
 */
import { byteString, decode, encode, list, oneOf, optional, record, u32, u53, type Decoded } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { blockHeight, digest, time, validatorIndex, viewNumber } from "../primitives.ts";

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
  payload: record({ form: oneOf(payloadForms), size: u32, digest }),
  /** Lanes: cumulative tip per validator. Empty in the inline form. */
  tips: list(record({ sequence: u53, digest }), limits.validatorsCountMax),
  /** Lanes: proofs of availability. Empty in the inline form. */
  availability: list(byteString(512), limits.validatorsCountMax),
  executed: executedRoots,
  evidence: list(byteString(limits.evidenceSizeMax), limits.evidenceCountMax),
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
