/**
 * What a replica knows of evidence: what is proven and in no final block yet, and the first proposal of each view. The rules
 * are in `evidence.ts` and `evidence-in-blocks.ts`.
 */
import type { View } from "@stoa/base/units";
import type { Offence, SignedDigest } from "@stoa/protocol/finality/evidence";

export interface PendingEvidence {
  readonly offence: Offence;
  readonly encoded: Uint8Array;
}

export interface EvidenceBook {
  /** In the order in which it was found; at most one for each kind of offence and validator. */
  pending: readonly PendingEvidence[];
  /** All offences that are proven here, in final blocks or pending, as `withOffence` enters them. */
  proven: Uint8Array;
  /** The first signed proposal that was seen of each view's leader. */
  readonly proposals: Map<View, SignedDigest>;
}

export const emptyEvidenceBook = (): EvidenceBook => ({
  pending: [],
  proven: new Uint8Array(0),
  proposals: new Map(),
});
