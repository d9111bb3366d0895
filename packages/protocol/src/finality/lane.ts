/**
 * Lanes: every validator streams commands to all others in batches, each of which names the one before it, and blocks order
 * batches by their tips alone. Whoever holds a lane up to a batch acknowledges it; acknowledgements of a quorum are a proof
 * of availability: more than a third of the stake is honest and holds that batch and all before it that are not final.
 *
 * A batch is named by the digest of its head, which holds the size and the digest of its payload: two heads with two
 * signatures prove that an owner made two batches for one place, whatever the batches weigh.
 */
import { blsSignatureSize } from "@stoa/base/bls";
import { byteString, encode, record, u32, u53, union, type Decoded } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { payloadDigest, type OrderedBatch } from "../payload.ts";
import { bitmap, digest, signature, validatorIndex } from "../primitives.ts";
import type { View } from "@stoa/base/units";
import { consensusSignBytes } from "./vote.ts";

/** How far a lane has come: the number of its last batch, from 1, and its digest; both zero before the first. */
export const laneTip = record({ sequence: u53, digest });
export type LaneTip = Decoded<typeof laneTip>;

const place = { epoch: u32, lane: validatorIndex, sequence: u53 } as const;

/** A batch as its owner sends it, signed over `batchSignBytes`. */
export const batch = record({
  ...place,
  previous: digest,
  payload: byteString(limits.batchPayloadSizeMax),
  signature,
});
export type Batch = Decoded<typeof batch>;

const batchHead = record({ ...place, previous: digest, payload: record({ size: u32, digest }) });

export function batchDigest({ epoch, lane, sequence, previous, payload }: OrderedBatch): Digest {
  const named = { size: payload.length, digest: payloadDigest(payload) };
  return taggedHash("STOA1/batch", encode(batchHead, { epoch, lane, sequence, previous, payload: named }));
}

interface Chain {
  readonly chainId: Digest;
  readonly epoch: number;
}

/** What the owner of a batch signs. */
export const batchSignBytes = ({ chainId, epoch }: Chain, sequence: number, digest: Digest): Uint8Array =>
  consensusSignBytes({ kind: "batch", chainId, epoch, view: sequence as View, digest });

/** What every validator signs that acknowledges a batch: the same bytes, so that signatures add up. */
export function acknowledgementSignBytes(
  { chainId, epoch }: Chain,
  { lane, sequence, digest }: { readonly lane: number; readonly sequence: number; readonly digest: Digest },
): Uint8Array {
  const named = new Uint8Array(2 + digest.length);
  new DataView(named.buffer).setUint16(0, lane, true);
  named.set(digest, 2);
  return consensusSignBytes({ kind: "acknowledge", chainId, epoch, view: sequence as View, digest: named });
}

/** The signer holds, on disk, this batch and all of its lane between it and what is final. */
export const acknowledgement = union({
  acknowledge: {
    tag: 1,
    fields: { ...place, digest, signer: validatorIndex, signature: byteString(blsSignatureSize) },
  },
});
export type Acknowledgement = Decoded<typeof acknowledgement>;

const proven = { signers: bitmap, proof: byteString(limits.validatorsCountMax * 64) } as const;
/** By which signers a tip is proven to be available, and what the chain's scheme made of their signatures. */
export const laneProof = record(proven);
export type LaneProof = Decoded<typeof laneProof>;

/** Acknowledgements of one batch by a quorum. */
export const availabilityProof = union({
  availability: { tag: 1, fields: { ...place, digest, ...proven } },
});
export type AvailabilityProof = Decoded<typeof availabilityProof>;
