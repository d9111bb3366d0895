/**
 * Final headers without their blocks: a chain of headers of which the last is final under the validators of this chain, so all
 * are. One check of a certificate, and a hash per header. Pure.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { verifyFinalityProof, type FinalityProof, type HeaderChain } from "@stoa/protocol/finality/proof";
import type { TrustedChain } from "./trust.ts";
import { disbelief, type Disbelief } from "./verify.ts";

/** A header with its digest. */
export interface NamedHeader {
  readonly header: Header;
  readonly digest: Digest;
}

/** The headers in order of height, each the parent of the next; whether the last is final is not asked. */
export function linkHeaders({ links, final }: HeaderChain): readonly NamedHeader[] | Disbelief {
  const named = [...links, final.header].map((header) => ({ header, digest: headerDigest(header) }));
  for (const [index, { header }] of named.entries()) {
    const parent = named[index - 1];
    if (parent === undefined) continue;
    if (header.height !== parent.header.height + 1 || !equalBytes(header.parentDigest, parent.digest))
      return disbelief(`header ${header.height} does not follow header ${parent.header.height}`);
  }
  return named;
}

/** That the header of the proof is final, of this chain. */
export function finalityFault({ scheme, set }: TrustedChain, proof: FinalityProof): string | undefined {
  return verifyFinalityProof(scheme, set, proof)
    ? undefined
    : `header ${proof.header.height} is not final under the validators of this chain`;
}
