/**
 * What validators say to each other (consensus.md 3.3). All of it has canonical bytes; nothing is trusted before `step` has
 * checked it. Every request has an answer.
 */
import {
  bool,
  byteString,
  decode,
  encode,
  list,
  oneOf,
  optional,
  record,
  u16,
  u32,
  u53,
  union,
  type Decoded,
} from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { finalBlock } from "@stoa/protocol/block";
import { certificate } from "@stoa/protocol/finality/certificate";
import { acknowledgement, availabilityProof, batch } from "@stoa/protocol/finality/lane";
import { evidenceBytes } from "@stoa/protocol/finality/evidence";
import { header } from "@stoa/protocol/finality/header";
import { vote } from "@stoa/protocol/finality/vote";
import { blockHeight, digest, signature, validatorIndex, viewNumber } from "@stoa/protocol/primitives";

/** A proposal carries everything a voter needs: the parent's certificate, the nullifications of skipped views, the payload. */
export const proposal = record({
  header,
  /** Notarization or finalization of the parent; absent when the parent is genesis. */
  parentCertificate: optional(certificate),
  skips: list(certificate, limits.skipsInlineCountMax),
  parentHeader: optional(header),
  /** The whole payload, or of a block with batches the loose commands. */
  payload: byteString(limits.payloadSizeMax),
  /** By the proposer over the digest of the header. */
  signature,
});
export type Proposal = Decoded<typeof proposal>;

export const status = record({
  epoch: u32,
  view: viewNumber,
  /** What moved the sender into its view; absent in view 1. */
  entryCertificate: optional(certificate),
  finalHeight: blockHeight,
  finalView: viewNumber,
  session: u53,
  /** What the receiver asked with, when this is an answer to `statusWanted`; zeros otherwise. */
  nonce: digest,
  /** The sender lost its log and is not above its floor: what it says of its view counts for nobody's recovery. */
  quarantined: bool,
  /** By the sender over all of the above. */
  signature,
});
export type Status = Decoded<typeof status>;

export const message = union({
  proposal: { tag: 1, fields: { proposal } },
  vote: { tag: 2, fields: { vote } },
  certificate: { tag: 3, fields: { certificate } },
  status: { tag: 4, fields: { status } },
  /** All certificates held for views in [from, to], at most `repairItemsCountMax` views. */
  certificatesWanted: { tag: 5, fields: { request: u32, from: viewNumber, to: viewNumber } },
  certificates: { tag: 6, fields: { request: u32, certificates: list(certificate, 3 * limits.repairItemsCountMax) } },
  /** A header and its payload by header digest; of a block with batches perhaps the loose commands only. */
  blockWanted: { tag: 7, fields: { request: u32, digest } },
  block: { tag: 8, fields: { request: u32, header, payload: byteString(limits.payloadSizeMax) } },
  /** Final blocks by height, at most `repairItemsCountMax`; the answer may hold fewer, at least one. */
  finalBlocksWanted: { tag: 9, fields: { request: u32, from: blockHeight, to: blockHeight } },
  finalBlocks: { tag: 10, fields: { request: u32, blocks: list(finalBlock, limits.repairItemsCountMax) } },
  unavailable: {
    tag: 11,
    fields: { request: u32, reason: oneOf(["not-found", "too-large", "busy"] as const), retryMs: u32, limit: u16 },
  },
  /** From the owner of the lane. */
  batch: { tag: 12, fields: { batch } },
  /** To the owner of the lane. */
  acknowledgement: { tag: 13, fields: { acknowledgement } },
  /** From the owner of the lane. */
  availability: { tag: 14, fields: { proof: availabilityProof } },
  /** The batch of this digest and those before it, down to `from`: at most `repairItemsCountMax`. */
  batchesWanted: { tag: 15, fields: { request: u32, lane: validatorIndex, from: u53, through: u53, digest } },
  /** From the one with that digest downwards; the answer may hold fewer, at least one. */
  batches: { tag: 16, fields: { request: u32, batches: list(batch, limits.repairItemsCountMax) } },
  /** Two signed messages of one validator that exclude each other (`protocol/finality/evidence.ts`). */
  evidence: { tag: 20, fields: { evidence: evidenceBytes } },
  /** What the leader of a view signed, for a validator that voted for another block of that view. */
  proposalSeen: { tag: 21, fields: { epoch: u32, view: viewNumber, digest, signature } },
  /** A status that repeats this nonce, so that it cannot be one of earlier. One in quarantine is unavailable. */
  statusWanted: { tag: 22, fields: { request: u32, nonce: digest } },
});
export type Message = Decoded<typeof message>;

export const encodeMessage = (value: Message): Uint8Array => encode(message, value);
export const decodeMessage = (bytes: Uint8Array): Message | undefined => decode(message, bytes);
