/**
 * Who can be convicted by what was said on the wire, above a third of faulty stake too. Everything that is signed is held
 * against what its signer signed before of the same view or place of a lane, and whatever two things exclude each other by
 * the shipped rules is put to the shipped judge, as any stranger would: what it convicts is guilty. Only what verifies is kept, so
 * nobody can be framed by what others make up.
 *
 * Simplex remembers nothing from view to view, so every fork leaves two certificates of one view that exclude each other, and
 * whoever signed both is guilty: the intersection of two quorums is more than a third of the stake (consensus.md 3.11).
 */
import { toHex } from "@stoa/base/bytes";
import type { SignatureScheme } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import type { Message } from "@stoa/consensus/message";
import {
  signersOf,
  stakeOf,
  type Attestation,
  type Certificate,
  type QuorumProof,
  type Scheme,
  type ValidatorSet,
} from "@stoa/protocol/finality/certificate";
import {
  batchesEvidence,
  decodeEvidence,
  encodeEvidence,
  exclusionOf,
  offenceWords,
  proposalsEvidence,
  statementOf,
  statementsEvidence,
  subjectOf,
  verifyEvidence,
  type Evidence,
  type Judge,
  type SignedDigest,
} from "@stoa/protocol/finality/evidence";
import { headerDigest } from "@stoa/protocol/finality/header";
import { batchDigest, type Batch } from "@stoa/protocol/finality/lane";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

type Said = Attestation | QuorumProof;

interface Place {
  /** Absent for places of lanes, which are forgotten by their number. */
  readonly view: View | undefined;
  /** One of each kind, subject and, unless it is a certificate, signer. */
  readonly said: Map<string, Said>;
  /** The first proposal or batch by each signer. */
  readonly made: Map<ValidatorIndex, SignedDigest>;
}

export interface Accountability {
  readonly judge: Judge;
  readonly places: Map<string, Place>;
  /** Who is guilty, and of what first. */
  readonly guilty: Map<ValidatorIndex, string>;
  /** Who is convicted by two certificates of blocks or skips. */
  readonly intersecting: Set<ValidatorIndex>;
}

export function createAccountability(
  set: ValidatorSet,
  scheme: Scheme,
  verify: SignatureScheme["verify"],
): Accountability {
  return { judge: { set, scheme, verify }, places: new Map(), guilty: new Map(), intersecting: new Set() };
}

/** The stake of those whom two certificates convict: what a fork must find without any vote beside them. */
export const convictedStake = ({ judge, intersecting }: Accountability): number =>
  stakeOf(judge.set, [...intersecting]);

/** A certificate that was seen; returns whom it convicts that was not convicted before. */
export const weighCertificate = (seen: Accountability, certificate: Certificate): readonly ValidatorIndex[] =>
  weighStatement(seen, certificate);

/** What was signed in a message, but for certificates; returns whom it convicts that was not convicted before. */
export function weighMessage(seen: Accountability, message: Message): readonly ValidatorIndex[] {
  switch (message.kind) {
    case "vote":
      return weighStatement(seen, message.vote);
    case "acknowledgement":
      return weighStatement(seen, message.acknowledgement);
    case "availability":
      return weighStatement(seen, message.proof);
    case "proposal": {
      const { header, signature } = message.proposal;
      const { epoch, view, proposer: signer } = header;
      const made = { digest: headerDigest(header), signature };
      return weighMade(seen, placeAt(seen, `view ${view}`, view), signer, made, (first) =>
        proposalsEvidence({ epoch, view, signer }, first, made),
      );
    }
    case "batch":
      return weighBatch(seen, message.batch);
    case "batches":
      return message.batches.flatMap((batch) => weighBatch(seen, batch));
    default:
      return [];
  }
}

function weighBatch(seen: Accountability, batch: Batch): readonly ValidatorIndex[] {
  const { epoch, lane, sequence, signature } = batch;
  const made = { digest: batchDigest(batch), signature };
  return weighMade(seen, placeAt(seen, `batch ${lane} ${sequence}`, undefined), lane, made, (first) =>
    batchesEvidence({ epoch, lane, sequence }, first, made),
  );
}

/** Kept as the first of its signer at this place, or held against it. */
function weighMade(
  seen: Accountability,
  { made }: Place,
  signer: ValidatorIndex,
  one: SignedDigest,
  against: (first: SignedDigest) => Evidence,
): readonly ValidatorIndex[] {
  const first = made.get(signer);
  if (first === undefined) made.set(signer, one);
  if (first === undefined || toHex(first.digest) === toHex(one.digest)) return [];
  const convicted = convict(seen, against(first));
  // One of the two is forged; the next may be right.
  if (convicted === undefined) made.set(signer, one);
  return convicted ?? [];
}

function weighStatement(seen: Accountability, one: Said): readonly ValidatorIndex[] {
  const { set, scheme } = seen.judge;
  const where = "view" in one ? `view ${one.view}` : `place ${one.lane} ${one.sequence}`;
  const { said } = placeAt(seen, where, "view" in one ? one.view : undefined);
  const key = "signers" in one ? nameOf(one) : `${nameOf(one)} ${one.signer}`;
  if (said.has(key)) return [];
  if (!("signers" in one ? scheme.verifyCertificate(set, one) : scheme.verifyVote(set, one))) return [];
  const convicted: ValidatorIndex[] = [];
  for (const other of said.values()) {
    if (exclusionOf(subjectOf(other), subjectOf(one)) === undefined || !haveCommonSigner(set, other, one)) continue;
    convicted.push(...(convict(seen, statementsEvidence(statementOf(other), statementOf(one))) ?? []));
  }
  said.set(key, one);
  return convicted;
}

/** Puts evidence, as its bytes, to the judge; whom it convicts for the first time, or `undefined` when it convicts nobody. */
function convict(seen: Accountability, item: Evidence): readonly ValidatorIndex[] | undefined {
  const judgement = verifyEvidence(seen.judge, decodeEvidence(encodeEvidence(item))!);
  if (judgement.kind === "refused") return undefined;
  const { offence } = judgement;
  const before = seen.guilty.size;
  for (const signer of offence.guilty) {
    if (offence.kind === "conflicting-certificates") seen.intersecting.add(signer);
    const alone = { ...offence, guilty: [signer] };
    if (!seen.guilty.has(signer))
      seen.guilty.set(
        signer,
        offenceWords(alone, (one) => `node ${one}`),
      );
  }
  return [...seen.guilty.keys()].slice(before);
}

function haveCommonSigner(set: ValidatorSet, one: Said, other: Said): boolean {
  const signers = signersIn(set, other);
  return signersIn(set, one).some((signer) => signers.includes(signer));
}

const signersIn = (set: ValidatorSet, one: Said): readonly ValidatorIndex[] =>
  "signers" in one ? (signersOf(set, one.signers) ?? []) : [one.signer];

const nameOf = (one: Said | Vote): string => ("digest" in one ? `${one.kind} ${toHex(one.digest)}` : one.kind);

function placeAt(seen: Accountability, name: string, view: View | undefined): Place {
  const known = seen.places.get(name);
  if (known !== undefined) return known;
  const place: Place = { view, said: new Map(), made: new Map() };
  seen.places.set(name, place);
  if (placesCountMax < seen.places.size) seen.places.delete(seen.places.keys().next().value!);
  return place;
}
/** Places of lanes are many and have no view by which they could be forgotten: the oldest go. */
const placesCountMax = 50_000;

/** Views below `view` are not looked at again. */
export function forgetBelow(seen: Accountability, view: number): void {
  for (const [name, place] of seen.places) if ((place.view ?? view) < view) seen.places.delete(name);
}
