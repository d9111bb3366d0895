/** A final header on the wire: the header, the descendants up to the one that was voted final, and its certificate. */
import { list, record, type Decoded } from "@stoa/base/codec";
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { certificate, type Scheme, type ValidatorSet, verifyFinalHeader } from "./certificate.ts";
import { header, headerDigest } from "./header.ts";

export const finalHeaderCodec = record({
  header,
  descendants: list(header, limits.descendantsCountMax),
  certificates: list(certificate, 2 + limits.skipsInlineCountMax),
});
export type FinalHeaderProof = Decoded<typeof finalHeaderCodec>;

/**
 * True when the header is final: a finalization certificate for it or for the last of `descendants`, each of which names the
 * one before as its parent (consensus.md 3.6, finalizeChain).
 */
export function verifyFinality(scheme: Scheme, set: ValidatorSet, proof: FinalHeaderProof): boolean {
  let tip = proof.header;
  for (const next of proof.descendants) {
    if (next.height !== tip.height + 1 || !equalBytes(next.parentDigest, headerDigest(tip))) return false;
    tip = next;
  }
  const [finalization] = proof.certificates;
  if (finalization?.kind !== "finalization") return false;
  return verifyFinalHeader(scheme, set, { header: tip, finalization });
}
