/**
 * Who made a fork. Every fork leaves two certificates of one view that exclude each other, and whoever signed both is guilty: more
 * than a third of the stake, and nobody honest. The proofs that a client holds may be of different views; then one side's blocks
 * hold a certificate of the other's view, because they notarized another block of it or gave it up. So nodes of both sides are
 * asked for the certificates around that height. The result is evidence that anyone can check offline (`stoa verify-evidence`).
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import { certificate, type Certificate } from "@stoa/protocol/finality/certificate";
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
/** How many heights below and above the fork are looked at. */
const heightsAround = 7;

/** Asks doors, of which some should be of either side, and weighs all certificates against each other. */
export async function convictFork(
  chain: TrustedChain,
  { height, proofs }: Fork,
  doors: readonly DoorConnection[],
): Promise<readonly Conviction[]> {
  const signal = AbortSignal.timeout(askTimeoutMs);
  const [from, through] = [Math.max(1, height - heightsAround), height + heightsAround];
  const shown = await Promise.allSettled(doors.map((door) => door.certificates(from, through, signal)));
  const held = shown.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  return weighCertificates(chain, [...proofs.flatMap(certificatesOf), ...held]);
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
  // Whatever a node has made up is out before pairs are made of it.
  const distinct = certificates
    .filter((one, index) => certificates.findIndex((first) => isSame(first, one)) === index)
    .filter((one) => scheme.verifyCertificate(set, one));
  for (const [index, one] of distinct.entries()) {
    for (const other of distinct.slice(index + 1)) {
      if (one.view !== other.view) continue;
      const evidence = statementsEvidence(statementOf(one), statementOf(other));
      const judgement = verifyEvidence(judge, evidence);
      if (judgement.kind === "guilty") convictions.push({ evidence, offence: judgement.offence });
    }
  }
  return convictions;
}

const isSame = (left: Certificate, right: Certificate): boolean =>
  left.view === right.view && equalBytes(encode(certificate, left), encode(certificate, right));
