/**
 * Who made a fork. Every fork leaves two certificates of one view that exclude each other, and whoever signed both is guilty: more
 * than a third of the stake, and nobody honest. The proofs that a client holds may be of different views; what nodes show of the
 * height itself completes them. The result is evidence that anyone can check offline (`stoa verify-evidence`).
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import {
  statementOf,
  statementsEvidence,
  verifyEvidence,
  type Evidence,
  type Offence,
} from "@stoa/protocol/finality/evidence";
import type { FinalityProof } from "@stoa/protocol/finality/proof";
import type { DoorConnection } from "./connect.ts";
import type { Fork } from "./failure.ts";
import type { TrustedChain } from "./trust.ts";

/** Evidence that holds, and what it proves of whom. */
export interface Conviction {
  readonly evidence: Evidence;
  readonly offence: Offence;
}

const askTimeoutMs = 5_000;

/** Asks the doors for their own proof of the forked height, and weighs all certificates against each other. */
export async function convictFork(
  chain: TrustedChain,
  { height, proofs }: Fork,
  doors: readonly DoorConnection[],
): Promise<readonly Conviction[]> {
  const signal = AbortSignal.timeout(askTimeoutMs);
  const shown = await Promise.allSettled(doors.map((door) => door.headers(height, 1, signal)));
  const own = shown.flatMap((one) => (one.status === "fulfilled" ? [one.value.final] : []));
  return weighCertificates(chain, [...proofs, ...own].flatMap(certificatesOf));
}

const certificatesOf = ({ finalization, notarization }: FinalityProof): readonly Certificate[] =>
  notarization === undefined ? [finalization] : [finalization, notarization];

/** What pairs of these certificates prove; those that are forged, or exclude nothing, prove nothing. */
export function weighCertificates(
  { set, scheme }: TrustedChain,
  certificates: readonly Certificate[],
): readonly Conviction[] {
  const judge = { set, scheme, verify: activeEd25519.verify };
  const convictions: Conviction[] = [];
  for (const [index, one] of certificates.entries()) {
    for (const other of certificates.slice(index + 1)) {
      if (one.view !== other.view) continue;
      const evidence = statementsEvidence(statementOf(one), statementOf(other));
      const judgement = verifyEvidence(judge, evidence);
      if (judgement.kind === "guilty") convictions.push({ evidence, offence: judgement.offence });
    }
  }
  return convictions;
}
