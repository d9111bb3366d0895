/**
 * Certificates: proof that a quorum by stake (more than two thirds) cast the same vote. The bitmap names the signers; the
 * proof is what the chain's scheme makes of their signatures. `ed25519-list` concatenates them in the order of the bitmap.
 * Verification here is all that consensus, a gateway or a light client needs to trust a block.
 */
import { assert } from "@stoa/base/assert";
import { concatBytes } from "@stoa/base/bytes";
import { byteString, u32, union, type Decoded } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import {
  signatureSize,
  type PublicKey,
  type SecretSeed,
  type SignatureScheme,
  type SignedItem,
} from "@stoa/base/signature";
import { bitmap, digest, viewNumber, type Bitmap, type ValidatorIndex } from "../primitives.ts";
import { acknowledgementSignBytes, type Acknowledgement, type AvailabilityProof } from "./lane.ts";
import { consensusSignBytes, type Vote } from "./vote.ts";
import type { Header } from "./header.ts";
import { headerDigest } from "./header.ts";

const certified = {
  epoch: u32,
  view: viewNumber,
  signers: bitmap,
  proof: byteString(limits.validatorsCountMax * 64),
} as const;

export const certificate = union({
  notarization: { tag: 1, fields: { ...certified, digest } },
  nullification: { tag: 2, fields: certified },
  finalization: { tag: 3, fields: { ...certified, digest } },
});
export type Certificate = Decoded<typeof certificate>;
export type Notarization = Extract<Certificate, { kind: "notarization" }>;
export type Nullification = Extract<Certificate, { kind: "nullification" }>;
export type Finalization = Extract<Certificate, { kind: "finalization" }>;

export const voteKindOf = { notarization: "notarize", nullification: "nullify", finalization: "finalize" } as const;
export const certificateKindOf = {
  notarize: "notarization",
  nullify: "nullification",
  finalize: "finalization",
} as const;

/** The validators of one epoch, in their order, with what every check needs. */
export interface ValidatorSet {
  readonly chainId: Digest;
  readonly epoch: number;
  readonly validators: readonly { readonly key: PublicKey; readonly stake: number }[];
  readonly totalStake: number;
}

export function validatorSetOf(
  chainId: Digest,
  epoch: number,
  validators: readonly { readonly key: PublicKey; readonly stake: number }[],
): ValidatorSet {
  const totalStake = validators.reduce((sum, { stake }) => sum + stake, 0);
  assert(0 < validators.length && validators.length <= limits.validatorsCountMax, "a validator set of legal size");
  assert(
    Number.isSafeInteger(3 * totalStake) && validators.every(({ stake }) => 0 < stake),
    "stakes are positive and small",
  );
  return { chainId, epoch, validators, totalStake };
}

/** More than two thirds of the stake, in integers (consensus.md 3.1). */
export const isQuorum = (set: ValidatorSet, stake: number): boolean => 3 * stake > 2 * set.totalStake;
/** At least one third: such a group has an honest member when fewer than a third are not. */
export const hasHonest = (set: ValidatorSet, stake: number): boolean => 3 * stake >= set.totalStake;

export function stakeOf(set: ValidatorSet, signers: readonly ValidatorIndex[]): number {
  return signers.reduce((sum, signer) => sum + set.validators[signer]!.stake, 0);
}

export function bitmapOf(set: ValidatorSet, signers: readonly ValidatorIndex[]): Bitmap {
  const bits = new Uint8Array(Math.ceil(set.validators.length / 8));
  for (const signer of signers) bits[signer >> 3]! |= 1 << (signer & 7);
  return bits as Bitmap;
}

/** The signers of a bitmap in ascending order; `undefined` when it has the wrong size or names nobody's index. */
export function signersOf(set: ValidatorSet, bits: Bitmap): readonly ValidatorIndex[] | undefined {
  if (bits.length !== Math.ceil(set.validators.length / 8)) return undefined;
  const signers: ValidatorIndex[] = [];
  for (let index = 0; index < 8 * bits.length; index++) {
    if ((bits[index >> 3]! & (1 << (index & 7))) === 0) continue;
    if (set.validators.length <= index) return undefined;
    signers.push(index as ValidatorIndex);
  }
  return signers;
}

/** What is signed by many to be proven by a quorum, and such a proof. */
export type Attestation = Vote | Acknowledgement;
export type QuorumProof = Certificate | AvailabilityProof;
export type ProofOf<A extends Attestation> = A extends Vote ? Certificate : AvailabilityProof;

/** How votes are signed and become a certificate. `ed25519-list` is below, `bls-multisig` in a file of its own. */
export interface Scheme {
  readonly name: "ed25519-list" | "bls-multisig";
  /** The signature of a vote by the validator of this seed; the same bytes give the same signature. */
  readonly signVote: (message: Uint8Array, seed: SecretSeed) => Uint8Array;
  readonly verifyVote: (set: ValidatorSet, vote: Attestation) => boolean;
  /**
   * The votes that are forged among some of one subject, by different signers. Together with others that passed here, what
   * remains makes a certificate that holds.
   */
  readonly findForged: <A extends Attestation>(set: ValidatorSet, votes: readonly A[]) => readonly A[];
  /** All votes are of one subject, by different signers, and have been verified. */
  readonly assemble: <A extends Attestation>(set: ValidatorSet, votes: readonly A[]) => ProofOf<A>;
  /** Quorum, bitmap and every signature. */
  readonly verifyCertificate: (set: ValidatorSet, certificate: QuorumProof) => boolean;
}

const signedAs = { notarize: "notarize", nullify: "nullify", finalize: "finalize", ...voteKindOf } as const;

/** What the signers of a vote or of a certificate have signed. */
export function signBytesOf(set: ValidatorSet, one: Attestation | QuorumProof): Uint8Array {
  if (one.kind === "acknowledge" || one.kind === "availability") {
    return acknowledgementSignBytes({ chainId: set.chainId, epoch: one.epoch }, one);
  }
  return consensusSignBytes({
    kind: signedAs[one.kind],
    chainId: set.chainId,
    epoch: one.epoch,
    view: one.view,
    digest: "digest" in one ? one.digest : undefined,
  });
}

/** The signers of a certificate of this set and epoch, ascending, when they are a quorum. */
export function quorumOf(set: ValidatorSet, one: QuorumProof): readonly ValidatorIndex[] | undefined {
  const signers = one.epoch === set.epoch ? signersOf(set, one.signers) : undefined;
  return signers !== undefined && isQuorum(set, stakeOf(set, signers)) ? signers : undefined;
}

/** The certificate of these votes, whose proof is made of them in the order of the bitmap. */
export function certificateOf<A extends Attestation>(
  set: ValidatorSet,
  votes: readonly A[],
  prove: (votes: readonly A[]) => Uint8Array,
): ProofOf<A> {
  const sorted = [...votes].sort((left, right) => left.signer - right.signer);
  const first: Attestation = sorted[0]!;
  const signers = bitmapOf(
    set,
    sorted.map((one) => one.signer),
  );
  const proof = prove(sorted);
  return proofOf(first, { epoch: first.epoch, signers, proof }) as ProofOf<A>;
}

function proofOf(one: Attestation, by: Pick<QuorumProof, "epoch" | "signers" | "proof">): QuorumProof {
  if (one.kind === "acknowledge") {
    return { kind: "availability", lane: one.lane, sequence: one.sequence, digest: one.digest, ...by };
  }
  if (one.kind === "nullify") return { kind: "nullification", view: one.view, ...by };
  return { kind: certificateKindOf[one.kind], view: one.view, digest: one.digest, ...by };
}

export function ed25519ListScheme(ed25519: SignatureScheme): Scheme {
  const itemOf = (set: ValidatorSet, vote: Attestation): SignedItem | undefined => {
    const signer = set.validators[vote.signer];
    if (signer === undefined || vote.epoch !== set.epoch) return undefined;
    return { signature: vote.signature, message: signBytesOf(set, vote), key: signer.key };
  };
  const verifyVote: Scheme["verifyVote"] = (set, vote) => {
    const item = itemOf(set, vote);
    return item !== undefined && ed25519.verify(item.signature, item.message, item.key);
  };
  /** PERF: two at once cost two thirds of one after another, three half (bench/signatures.ts). */
  const verifyEach = (items: readonly SignedItem[]): Uint8Array =>
    ed25519.verifyEach?.(items) ??
    Uint8Array.from(items, ({ signature, message, key }) => (ed25519.verify(signature, message, key) ? 1 : 0));
  return {
    name: "ed25519-list",
    signVote: ed25519.sign,
    verifyVote,
    findForged(set, votes) {
      const items = votes.map((vote) => itemOf(set, vote));
      const answers = verifyEach(items.filter((item) => item !== undefined));
      let checked = 0;
      return votes.filter((_, index) => items[index] === undefined || answers[checked++] !== 1);
    },
    assemble: (set, votes) =>
      certificateOf(set, votes, (sorted) => concatBytes(...sorted.map(({ signature }) => signature))),
    verifyCertificate(set, one) {
      const signers = quorumOf(set, one);
      if (signers === undefined || one.proof.length !== signatureSize * signers.length) return false;
      const message = signBytesOf(set, one);
      const items = signers.map((signer, index) => ({
        signature: one.proof.subarray(signatureSize * index, signatureSize * (index + 1)),
        message,
        key: set.validators[signer]!.key,
      }));
      return verifyEach(items).every((answer) => answer === 1);
    },
  };
}

/** A header with the certificate that made it final: all that a client needs to trust the block. */
export interface FinalHeader {
  readonly header: Header;
  readonly finalization: Finalization;
}

/** True when the certificate is valid and is for exactly this header. */
export function verifyFinalHeader(scheme: Scheme, set: ValidatorSet, final: FinalHeader): boolean {
  const { header, finalization } = final;
  if (header.epoch !== finalization.epoch || header.view !== finalization.view) return false;
  const expected = headerDigest(header);
  if (!expected.every((byte, index) => byte === finalization.digest[index])) return false;
  return scheme.verifyCertificate(set, finalization);
}
