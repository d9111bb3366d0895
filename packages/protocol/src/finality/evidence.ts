/**
 * Evidence: two signed messages of one validator that no honest validator signs both of (consensus.md 3.11). It proves itself
 * to whoever knows the validators of the epoch; nothing of a chain's state is needed.
 *
 * Simplex remembers nothing from view to view, so every offence of voters and leaders lies within one view, and the rules are
 * few: one notarize vote a view, one finalize vote a view, never nullify and finalize of one view, one proposal a view. Of
 * lanes: one batch for each place, one acknowledged batch for each place. Legal, and therefore never evidence: notarize and
 * nullify of one view, and finalize of one block after notarize of another, since a certificate may show a validator that it
 * had notarized the wrong one of a leader's two.
 *
 * A vote is proven by its signature or by a certificate that names its signer. So the intersection of two certificates that
 * exclude each other is guilty, and one vote against a certificate convicts the voter that is in both. Acknowledgements and
 * proofs of availability are weighed alike.
 *
 * The two halves stand in one order, so that a pair has one encoding. The chain proves each kind of offence once for each
 * validator in an epoch: more would not make anyone guiltier, and a faulty validator could fill blocks with its own offences.
 */
import { compareBytes, equalBytes, toHex } from "@stoa/base/bytes";
import { byteString, decode, encode, record, u32, u53, union, type Decoded } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { SignatureScheme } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import { digest, signature, validatorIndex, viewNumber, type ValidatorIndex } from "../primitives.ts";
import {
  certificate,
  signersOf,
  voteKindOf,
  type Attestation,
  type QuorumProof,
  type Scheme,
  type ValidatorSet,
} from "./certificate.ts";
import { acknowledgement, availabilityProof, batchSignBytes } from "./lane.ts";
import { consensusSignBytes, vote, type VoteKind } from "./vote.ts";

/** What a validator is known to have signed: its own vote or acknowledgement, or a proof with it among the signers. */
export const statement = union({
  vote: { tag: 1, fields: { vote } },
  certificate: { tag: 2, fields: { certificate } },
  acknowledgement: { tag: 3, fields: { acknowledgement } },
  availability: { tag: 4, fields: { proof: availabilityProof } },
});
export type Statement = Decoded<typeof statement>;

/** A signed thing reduced to what the signature covers. */
const signedDigest = record({ digest, signature });
export type SignedDigest = Decoded<typeof signedDigest>;

export const evidence = union({
  /** E1, E2, E3, E6 and E7: two statements about one view, or about one place of a lane. */
  statements: { tag: 1, fields: { first: statement, second: statement } },
  /** E4: two proposals for one view, by the digests of their headers. */
  proposals: {
    tag: 2,
    fields: { epoch: u32, view: viewNumber, signer: validatorIndex, first: signedDigest, second: signedDigest },
  },
  /** E5: two batches for one place of their owner's lane, by their digests. */
  batches: {
    tag: 3,
    fields: { epoch: u32, lane: validatorIndex, sequence: u53, first: signedDigest, second: signedDigest },
  },
});
export type Evidence = Decoded<typeof evidence>;
type Half = Statement | SignedDigest;

/** Evidence as it travels in headers and messages. */
export const evidenceBytes = byteString(limits.evidenceSizeMax);

export const encodeEvidence = (item: Evidence): Uint8Array => encode(evidence, item);
export const decodeEvidence = (bytes: Uint8Array): Evidence | undefined =>
  bytes.length <= limits.evidenceSizeMax ? decode(evidence, bytes) : undefined;

/** Each offence with the number that consensus.md gives it. */
export const offenceCodes = {
  "double-notarize": "E1",
  "double-finalize": "E2",
  "nullify-finalize": "E3",
  "double-proposal": "E4",
  "double-batch": "E5",
  "double-acknowledgement": "E6",
  "conflicting-certificates": "E7",
} as const;
export type OffenceKind = keyof typeof offenceCodes;
export const offenceKinds = Object.keys(offenceCodes) as readonly OffenceKind[];

export interface Offence {
  readonly kind: OffenceKind;
  readonly epoch: number;
  /** A view, or a place in a lane. */
  readonly at: { readonly view: View } | { readonly lane: ValidatorIndex; readonly sequence: number };
  /** In ascending order, at least one. */
  readonly guilty: readonly ValidatorIndex[];
}

export type Judgement =
  | { readonly kind: "guilty"; readonly offence: Offence }
  /** It convicts nobody; `fact` says why. */
  | { readonly kind: "refused"; readonly fact: string };

/** What the judging of evidence needs: the validators of the epoch, their votes' scheme, and signatures by their own keys. */
export interface Judge {
  readonly set: ValidatorSet;
  readonly scheme: Scheme;
  readonly verify: SignatureScheme["verify"];
}

// ---- making

/** Two statements as evidence, in canonical order. Whether they exclude each other is for {@link verifyEvidence}. */
export function statementsEvidence(one: Statement, other: Statement): Evidence {
  const [first, second] = inOrder(one, other);
  return { kind: "statements", first, second };
}

export function proposalsEvidence(
  where: { readonly epoch: number; readonly view: View; readonly signer: ValidatorIndex },
  one: SignedDigest,
  other: SignedDigest,
): Evidence {
  const [first, second] = inOrder(one, other);
  return { kind: "proposals", ...where, first, second };
}

export function batchesEvidence(
  where: { readonly epoch: number; readonly lane: ValidatorIndex; readonly sequence: number },
  one: SignedDigest,
  other: SignedDigest,
): Evidence {
  const [first, second] = inOrder(one, other);
  return { kind: "batches", ...where, first, second };
}

type Said = Attestation | QuorumProof;

export function statementOf(one: Said): Statement {
  if (one.kind === "acknowledge") return { kind: "acknowledgement", acknowledgement: one };
  if (one.kind === "availability") return { kind: "availability", proof: one };
  return "signers" in one ? { kind: "certificate", certificate: one } : { kind: "vote", vote: one };
}

function inOrder<T extends Half>(one: T, other: T): readonly [T, T] {
  return compareHalves(one, other) <= 0 ? [one, other] : [other, one];
}

function compareHalves(one: Half, other: Half): number {
  return compareBytes(halfBytes(one), halfBytes(other));
}

const halfBytes = (half: Half): Uint8Array => ("kind" in half ? encode(statement, half) : encode(signedDigest, half));

// ---- what excludes what

interface Subject {
  readonly kind: VoteKind | "acknowledge";
  readonly digest: Digest | undefined;
}

/** What was signed: of a certificate, by every one of its signers. */
export function subjectOf(one: Said): Subject {
  const digest = "digest" in one ? one.digest : undefined;
  if (one.kind === "availability") return { kind: "acknowledge", digest };
  return { kind: "signers" in one ? voteKindOf[one.kind] : one.kind, digest };
}

/** What an honest validator would break by signing both, of one view or place; `undefined` when it may. */
export function exclusionOf(one: Subject, other: Subject): OffenceKind | undefined {
  if (one.kind !== other.kind) {
    const kinds = [one.kind, other.kind];
    return kinds.includes("nullify") && kinds.includes("finalize") ? "nullify-finalize" : undefined;
  }
  if (one.digest === undefined || other.digest === undefined || equalBytes(one.digest, other.digest)) return undefined;
  if (one.kind === "acknowledge") return "double-acknowledgement";
  return one.kind === "notarize" ? "double-notarize" : "double-finalize";
}

// ---- judging

/** Who is guilty of what by this evidence, or why it convicts nobody. PERF: two signatures, or two certificates. */
export function verifyEvidence(judge: Judge, item: Evidence): Judgement {
  const offence = accusationOf(judge.set, item);
  if ("fact" in offence) return { kind: "refused", fact: offence.fact };
  const fault = compareHalves(item.first, item.second) < 0 ? proofFault(judge, item) : "its halves are out of order";
  return fault === undefined ? { kind: "guilty", offence } : { kind: "refused", fact: fault };
}

/** What evidence says, believed without a look at its signatures; or what is wrong with it before they matter. */
export function accusationOf(set: ValidatorSet, item: Evidence): Offence | { readonly fact: string } {
  const epochs = item.kind === "statements" ? [said(item.first), said(item.second)] : [item];
  const foreign = epochs.find(({ epoch }) => epoch !== set.epoch);
  if (foreign !== undefined) {
    return { fact: `it is of epoch ${foreign.epoch}, and these are the validators of epoch ${set.epoch}` };
  }
  if (item.kind === "statements") return statementsAccusation(set, said(item.first), said(item.second));
  const signer = item.kind === "batches" ? item.lane : item.signer;
  if (set.validators[signer] === undefined) return { fact: `there is no validator ${signer}` };
  if (equalBytes(item.first.digest, item.second.digest)) return { fact: "both halves are about the same thing" };
  const kind = item.kind === "batches" ? "double-batch" : "double-proposal";
  return { kind, epoch: item.epoch, at: placeOf(item), guilty: [signer] };
}

function statementsAccusation(set: ValidatorSet, one: Said, other: Said): Offence | { readonly fact: string } {
  const [at, place] = [placeOf(one), placeOf(other)];
  if (placeWords(at) !== placeWords(place)) {
    return { fact: `one is of ${placeWords(at)}, the other of ${placeWords(place)}` };
  }
  const broken = exclusionOf(subjectOf(one), subjectOf(other));
  if (broken === undefined) return { fact: `${words(one)} and ${words(other)} of one view do not exclude each other` };
  const others = signersIn(set, other);
  const guilty = signersIn(set, one).filter((signer) => others.includes(signer));
  if (guilty.length === 0) return { fact: "nobody signed both" };
  const certified = "view" in at && "signers" in one && "signers" in other;
  return { kind: certified ? "conflicting-certificates" : broken, epoch: one.epoch, at, guilty };
}

function placeOf(
  one: { readonly view: View } | { readonly lane: ValidatorIndex; readonly sequence: number },
): Offence["at"] {
  return "view" in one ? { view: one.view } : { lane: one.lane, sequence: one.sequence };
}

const placeWords = (at: Offence["at"]): string =>
  "view" in at ? `view ${at.view}` : `place ${at.sequence} of lane ${at.lane}`;

/** Who did what, in one sentence; `nameOf` gives validators their names. */
export function offenceWords({ kind, at, guilty }: Offence, nameOf: (signer: ValidatorIndex) => string): string {
  const who = guilty.map(nameOf).join(", ");
  const view = "view" in at ? `view ${at.view}` : "";
  const place = "lane" in at ? `place ${at.sequence} of the lane of ${nameOf(at.lane)}` : "";
  switch (kind) {
    case "double-notarize":
      return `${who} notarized two blocks in ${view}`;
    case "double-finalize":
      return `${who} voted two blocks final in ${view}`;
    case "nullify-finalize":
      return `${who} gave ${view} up and voted a block of it final`;
    case "double-proposal":
      return `${who} proposed two blocks for ${view}`;
    case "double-batch":
      return `${who} made two batches for ${place}`;
    case "double-acknowledgement":
      return `${who} acknowledged two batches for ${place}`;
    case "conflicting-certificates":
      return `${who} signed two certificates of ${view} that exclude each other`;
  }
}

function proofFault({ set, scheme, verify }: Judge, item: Evidence): string | undefined {
  if (item.kind === "statements") {
    const isGenuine = (one: Said): boolean =>
      "signers" in one ? scheme.verifyCertificate(set, one) : scheme.verifyVote(set, one);
    const forged = [said(item.first), said(item.second)].find((one) => !isGenuine(one));
    if (forged === undefined) return undefined;
    if ("signers" in forged) return `the ${words(forged)} does not verify`;
    return `the ${words(forged)} is not signed by validator ${forged.signer}`;
  }
  const signer = item.kind === "batches" ? item.lane : item.signer;
  const bytesOf = (named: Digest): Uint8Array =>
    item.kind === "batches" ? batchSignBytes(set, item.sequence, named) : proposalSignBytes(set, item.view, named);
  const isSigned = (half: SignedDigest): boolean =>
    verify(half.signature, bytesOf(half.digest), set.validators[signer]!.key);
  if (isSigned(item.first) && isSigned(item.second)) return undefined;
  return `one half is not signed by validator ${signer}`;
}

/** What a proposer signs. */
export function proposalSignBytes({ chainId, epoch }: ValidatorSet, view: View, named: Digest): Uint8Array {
  return consensusSignBytes({ kind: "proposal", chainId, epoch, view, digest: named });
}

function said(half: Statement): Said {
  switch (half.kind) {
    case "vote":
      return half.vote;
    case "certificate":
      return half.certificate;
    case "acknowledgement":
      return half.acknowledgement;
    case "availability":
      return half.proof;
  }
}

function signersIn(set: ValidatorSet, one: Said): readonly ValidatorIndex[] {
  if ("signers" in one) return signersOf(set, one.signers) ?? [];
  return set.validators[one.signer] === undefined ? [] : [one.signer];
}

function words(one: Said): string {
  const named = "digest" in one ? ` of ${toHex(one.digest).slice(0, 8)}` : "";
  if (one.kind === "acknowledge") return `acknowledgement${named}`;
  if (one.kind === "availability") return `proof of availability${named}`;
  return "signers" in one ? `${one.kind}${named}` : `${one.kind} vote${named}`;
}

// ---- what the chain has proven

/**
 * Convictions with one more offence entered: a byte per validator, whose bits are the kinds of `offenceKinds` in their order. The
 * same object when it says nothing new, which is when every guilty validator has been convicted of that kind.
 */
export function withOffence(
  set: { readonly validators: { readonly length: number } },
  convicted: Uint8Array,
  { kind, guilty }: Offence,
): Uint8Array {
  const bit = 1 << offenceKinds.indexOf(kind);
  if (guilty.every((signer) => ((convicted[signer] ?? 0) & bit) !== 0)) return convicted;
  const more = new Uint8Array(set.validators.length);
  more.set(convicted);
  for (const signer of guilty) more[signer]! |= bit;
  return more;
}

/**
 * The convictions of a header with this evidence, when those of its parent are `before`: each piece proves what they and the
 * pieces before it do not. Or what is wrong. What `isVerified` says was verified elsewhere is not verified again.
 */
export function convictionsAfter(
  judge: Judge,
  before: Uint8Array,
  evidence: readonly Uint8Array[],
  isVerified: (encoded: Uint8Array) => boolean = () => false,
): { readonly convicted: Uint8Array } | { readonly fact: string } {
  let convicted = before;
  for (const encoded of evidence) {
    const item = decodeEvidence(encoded);
    if (item === undefined) return { fact: "it holds evidence that cannot be read" };
    const offence = accusationOf(judge.set, item);
    if ("fact" in offence) return { fact: `it holds evidence that convicts nobody: ${offence.fact}` };
    const more = withOffence(judge.set, convicted, offence);
    if (more === convicted) return { fact: "it holds evidence of what the chain has proven already" };
    convicted = more;
    if (isVerified(encoded)) continue;
    const judgement = verifyEvidence(judge, item);
    if (judgement.kind === "refused") return { fact: `it holds evidence that convicts nobody: ${judgement.fact}` };
  }
  return { convicted };
}

/** Everyone who was convicted, in the order of the validators, and of what. */
export function convictionsIn(
  convicted: Uint8Array,
): readonly { readonly validator: ValidatorIndex; readonly kinds: readonly OffenceKind[] }[] {
  return [...convicted.entries()].flatMap(([validator, bits]) => {
    const kinds = offenceKinds.filter((_, index) => (bits & (1 << index)) !== 0);
    return kinds.length === 0 ? [] : [{ validator: validator as ValidatorIndex, kinds }];
  });
}
