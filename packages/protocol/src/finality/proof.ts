/**
 * That a header is final, by itself: the header, the descendants up to the one that was voted final, and its certificate. One
 * check of a certificate decides, whatever the number of descendants, and a chain of headers that ends in such a proof is final
 * as a whole. Blocks hold the same beside their payload.
 */
import { present } from "@stoa/base/assert";
import { list, optional, record, refined, type Decoded } from "@stoa/base/codec";
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import {
  certificate,
  type Certificate,
  type Finalization,
  type Notarization,
  type Scheme,
  type ValidatorSet,
  verifyFinalHeader,
} from "./certificate.ts";
import { header, headerDigest, type Header } from "./header.ts";

const finalization = refined<Certificate, Finalization>(
  certificate,
  (one) => (one.kind === "finalization" ? one : undefined),
  "a finalization",
);
const notarization = refined<Certificate, Notarization>(
  certificate,
  (one) => (one.kind === "notarization" ? one : undefined),
  "a notarization",
);

export const finalityProof = record({
  header,
  descendants: list(header, limits.descendantsCountMax),
  /** Of the last descendant, or of the header itself. */
  finalization,
  /**
   * Of the header itself, where a descendant was voted final: what its view excludes, so that two proofs of one height convict
   * whoever signed both.
   */
  notarization: optional(notarization),
});
export type FinalityProof = Decoded<typeof finalityProof>;

/** Headers of successive heights, each the parent of the next, the last of them final: so all are. */
export const headerChain = record({
  links: list(header, limits.repairItemsCountMax - 1),
  final: finalityProof,
});
export type HeaderChain = Decoded<typeof headerChain>;

/** What a final block holds of its finality. */
export interface FinalHeaderProof {
  readonly header: Header;
  readonly descendants: readonly Header[];
  /** The finalization first, then certificates kept for accountability. */
  readonly certificates: readonly Certificate[];
}

/**
 * True when the header is final: a finalization certificate for it or for the last of `descendants`, each of which names the
 * one before as its parent (consensus.md 3.6, finalizeChain).
 */
export function verifyFinality(scheme: Scheme, set: ValidatorSet, proof: FinalHeaderProof): boolean {
  const [first] = proof.certificates;
  const tip = lastOf([proof.header, ...proof.descendants]);
  if (tip === undefined || first?.kind !== "finalization") return false;
  return verifyFinalHeader(scheme, set, { header: tip, finalization: first });
}

/**
 * Of what proves a header final (`verifyFinality`), only what holds by itself: other certificates that do, and descendants as far
 * as the nearest finalization among them. Whoever hands on what others gave it answers for all of it. The same object when
 * nothing had to go.
 */
export function withoutUnproven<P extends FinalHeaderProof>(scheme: Scheme, set: ValidatorSet, proof: P): P {
  const { header: own, descendants, certificates } = proof;
  const held = certificates.filter((one, index) => index === 0 || scheme.verifyCertificate(set, one));
  const finals = held.slice(1).filter((one) => one.kind === "finalization");
  for (const [index, header] of (finals.length === 0 ? [] : [own, ...descendants.slice(0, -1)]).entries()) {
    const nearer = finals.find((finalization) => verifyFinalHeader(scheme, set, { header, finalization }));
    if (nearer === undefined) continue;
    const others = held.filter((one) => one.kind !== "finalization");
    return { ...proof, descendants: descendants.slice(0, index), certificates: [nearer, ...others] };
  }
  return held.length === certificates.length ? proof : { ...proof, certificates: held };
}

/** The same of a proof by itself, whose headers must all be of the chain, and whose notarization must hold if there is one. */
export function verifyFinalityProof(scheme: Scheme, set: ValidatorSet, proof: FinalityProof): boolean {
  const { header: own, descendants, finalization: final, notarization: kept } = proof;
  const headers = [own, ...descendants];
  if (!headers.every(({ chainId }) => equalBytes(chainId, set.chainId))) return false;
  const tip = lastOf(headers);
  if (tip === undefined || !verifyFinalHeader(scheme, set, { header: tip, finalization: final })) return false;
  if (kept === undefined) return true;
  const isOwn = kept.view === own.view && equalBytes(kept.digest, headerDigest(own));
  return isOwn && 0 < descendants.length && scheme.verifyCertificate(set, kept);
}

/** The last of headers of which each names the one before as its parent; `undefined` when one does not. */
export function lastOf(headers: readonly Header[]): Header | undefined {
  const follows = headers.every((next, index) => {
    const parent = headers[index - 1];
    if (parent === undefined) return true;
    return next.height === parent.height + 1 && equalBytes(next.parentDigest, headerDigest(parent));
  });
  return follows ? headers.at(-1) : undefined;
}

/** The proof of a final block's header, without its payload. */
export function finalityProofOf({ header: own, descendants, certificates }: FinalHeaderProof): FinalityProof {
  const final = certificates.find((one) => one.kind === "finalization");
  const digest = descendants.length === 0 ? undefined : headerDigest(own);
  const kept = certificates.find(
    (one) => digest !== undefined && one.kind === "notarization" && equalBytes(one.digest, digest),
  );
  return {
    header: own,
    descendants,
    finalization: present(final, "a final block has its finalization"),
    notarization: kept as Notarization | undefined,
  };
}
