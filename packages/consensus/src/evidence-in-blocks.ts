/**
 * Evidence in blocks (consensus.md 3.11, rule V8): leaders carry what is pending, and voters refuse a block with evidence that
 * convicts nobody or says nothing new. A header holds all convictions of the epoch, so both need only the parent's header:
 * nothing is remembered for it, and a validator that was restarted, or began with a snapshot, judges like any other.
 */
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { accusationOf, convictionsAfter, decodeEvidence, withOffence } from "@stoa/protocol/finality/evidence";
import type { Header } from "@stoa/protocol/finality/header";
import { emit, type Parent, type Replica } from "./state.ts";

/** What a leader puts into its block on `parent`: all that is pending and new there, in the order in which it was found. */
export function evidenceOn(
  { set, evidence: book }: Replica,
  parent: Parent,
): { readonly evidence: readonly Uint8Array[]; readonly convicted: Uint8Array } {
  const evidence: Uint8Array[] = [];
  let { convicted } = parent;
  let size = 0;
  for (const { offence, encoded } of book.pending) {
    const more = withOffence(set, convicted, offence);
    const fits = evidence.length < limits.evidenceCountMax && size + encoded.length <= limits.evidenceSizeMax;
    if (more === convicted || !fits) continue;
    evidence.push(encoded);
    size += encoded.length;
    convicted = more;
  }
  return { evidence, convicted };
}

/**
 * V8: each piece of evidence in a block proves what its parent and the pieces before it do not, and the header's convictions are
 * the parent's and these. Says what is wrong. PERF: what this replica holds itself, which is nearly all, is not verified again.
 */
export function evidenceFault(replica: Replica, header: Header, parent: Parent): string | undefined {
  const size = header.evidence.reduce((sum, { length }) => sum + length, 0);
  if (limits.evidenceSizeMax < size) return "its evidence is too large";
  const isPending = (encoded: Uint8Array): boolean =>
    replica.evidence.pending.some((held) => equalBytes(held.encoded, encoded));
  const after = convictionsAfter(replica, parent.convicted, header.evidence, isPending);
  if ("fact" in after) return after.fact;
  return equalBytes(after.convicted, header.convicted) ? undefined : "its convictions are not those that are proven";
}

/** A block is final: what its evidence proves is in the chain. */
export function settleEvidence(replica: Replica, { evidence, convicted, height }: Header): void {
  for (const encoded of evidence) {
    const item = decodeEvidence(encoded);
    const offence = item && accusationOf(replica.set, item);
    if (offence === undefined || "fact" in offence) continue;
    emit(replica, { kind: "evidence", event: "final", offence, evidence: encoded, height });
  }
  if (0 < evidence.length) restoreConvicted(replica, convicted);
}

/** What a final header says is proven need not be proven again. */
export function restoreConvicted({ set, evidence: book }: Replica, convicted: Uint8Array): void {
  book.pending = book.pending.filter(({ offence }) => withOffence(set, convicted, offence) !== convicted);
  book.proven = Uint8Array.from(set.validators, (_, index) => (book.proven[index] ?? 0) | (convicted[index] ?? 0));
}
