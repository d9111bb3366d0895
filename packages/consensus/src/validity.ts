/**
 * Judging a proposal: rules V1 to V8 of consensus.md 3.5 for blocks whose payload lies beside the header. The payload is
 * opaque: a command that fails does so after it was ordered, the same on every node, and never makes a block invalid.
 *
 * What a voter does not have yet is no fault of the proposal: it waits, asks, and judges again until the view's time is up.
 */
import { equalBytes } from "@stoa/base/bytes";
import { zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { View } from "@stoa/base/units";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { divergedAt, noteDispute, sameRoots } from "./divergence.ts";
import { judgeRanges, tipsFault } from "./lane-order.ts";
import { evidenceFault } from "./evidence-in-blocks.ts";
import type { Proposal } from "./message.ts";
import { requestBlock, requestCertificates } from "./requests.ts";
import { firstViewNotSkipped } from "./skips.ts";
import {
  blockOf,
  genesisParent,
  keepBlock,
  parentOf,
  viewCertificates,
  viewsWithoutFinality,
  type Candidate,
  type Parent,
  type Replica,
} from "./state.ts";
import { grown } from "./timers.ts";

export type Verdict =
  | { readonly kind: "valid" }
  | { readonly kind: "wait" }
  /** `provable`: it is so by the proposal and its certified parent alone, and not by what this replica holds. */
  | { readonly kind: "invalid"; readonly fact: string; readonly provable: boolean };

const valid: Verdict = { kind: "valid" };
const wait: Verdict = { kind: "wait" };
const invalid = (fact: string): Verdict => ({ kind: "invalid", fact, provable: true });
const invalidHere = (fact: string): Verdict => ({ kind: "invalid", fact, provable: false });

export function judgeProposal(replica: Replica, { proposal }: Candidate): Verdict {
  const { header } = proposal;
  const shape = shapeFault(replica, header);
  if (shape !== undefined) return invalid(shape);
  const parent = parentIn(replica, proposal);
  if ("kind" in parent) return parent;
  const skipped = judgeSkips(replica, header);
  if (skipped !== undefined) return skipped;
  if (header.height !== parent.height + 1) return invalid("its height does not follow its parent's");
  if (replica.lastFinal.height + limits.descendantsCountMax < header.height) return wait;
  const tips = tipsFault(replica, header, parent);
  if (tips !== undefined) return invalid(tips);
  return (
    judgeTime(replica, header, parent) ??
    judgeExecuted(replica, header, parent) ??
    judgeRanges(replica, header, parent) ??
    judgeEvidence(replica, header, parent)
  );
}

/** V1, and the fields of parts of the protocol that are not in use. */
function shapeFault(replica: Replica, header: Header): string | undefined {
  if (!equalBytes(header.chainId, replica.set.chainId)) return "it is of another chain";
  if (replica.parameters.payloadSizeMax < header.payload.size) return "its payload is too large";
  if (header.nextEpoch !== undefined || header.seal !== undefined) return "it fills a field not in use";
  const rootsCount = replica.parameters.genesisRoots.moduleRoots.length;
  return header.executed.moduleRoots.length === rootsCount ? undefined : "it has another number of module roots";
}

/** V2: the certified parent. */
function parentIn(replica: Replica, proposal: Proposal): Parent | Verdict {
  const { view, parentView, parentDigest } = proposal.header;
  const { lastFinal } = replica;
  if (view <= parentView) return invalid("its parent is not of an earlier view");
  if (parentView === lastFinal.view && equalBytes(parentDigest, lastFinal.digest)) return lastFinal;
  if (parentView === 0 && lastFinal.view === 0) {
    return equalBytes(parentDigest, zeroDigest) ? genesisParent(replica.parameters) : invalid("genesis has no digest");
  }
  if (parentView <= lastFinal.view) return invalidHere("it does not extend the last final block");
  const { notarization, finalization } = viewCertificates(replica, parentView);
  const certificate = [finalization, notarization].find((held) => held && equalBytes(held.digest, parentDigest));
  if (certificate === undefined) return invalidHere("its parent is not certified");
  const known = blockOf(replica, parentDigest);
  if (known !== undefined) return parentOf(known);
  const { parentHeader } = proposal;
  if (parentHeader !== undefined && equalBytes(headerDigest(parentHeader), parentDigest)) {
    return parentOf(keepBlock(replica, parentDigest, parentHeader));
  }
  requestBlock(replica, parentDigest, certificate);
  return wait;
}

/** V3: every view between parent and block is provably skipped. A few proofs travel along; of many the rest is asked for. */
function judgeSkips(replica: Replica, header: Header): Verdict | undefined {
  const view = firstViewNotSkipped(replica, header);
  if (view === undefined) return undefined;
  if (header.view - 1 - header.parentView <= limits.skipsInlineCountMax) {
    return invalidHere(`it skips view ${view} without a nullification`);
  }
  const last = Math.min(header.view - 1, view + limits.repairItemsCountMax - 1) as View;
  requestCertificates(replica, view, last);
  return wait;
}

/** V6: later than its parent and near this replica's clock; nearer is asked for while blocks become final. */
function judgeTime(replica: Replica, header: Header, parent: Parent): Verdict | undefined {
  const { wallMs } = replica.now;
  if (header.timeMs <= parent.timeMs) return invalid("its time is not after its parent's");
  if (wallMs + limits.clockPrecisionMs < header.timeMs) return wait;
  const lateMs = grown(limits.messageDelayMs, viewsWithoutFinality(replica), 1e15);
  return wallMs - lateMs <= header.timeMs ? undefined : wait;
}

/** V7: the roots are the parent's, or those of a height executed here, too, with the same result. */
function judgeExecuted(replica: Replica, header: Header, parent: Parent): Verdict | undefined {
  const { executed, height } = header;
  if (limits.executionLagMax < height - executed.height && header.payload.form !== "none") {
    return invalid("it has a payload although execution is far behind");
  }
  if (sameRoots(executed, parent.executed)) return undefined;
  if (header.parentView < header.view - 1) return invalid("it changes the roots right after a view that was given up");
  if (executed.height <= parent.executed.height || parent.height < executed.height + limits.executionLagMin) {
    return invalid("its roots are of a height that is not due");
  }
  // This replica cannot tell any more whether they are right: others will.
  if (divergedAt(replica, executed.height)) return wait;
  const own = replica.executed.get(executed.height);
  if (own === undefined) return wait;
  if (sameRoots(own, executed)) return undefined;
  noteDispute(replica, own, header, parent.executed);
  return invalidHere(`its roots of height ${executed.height} are not those computed here`);
}

/** V8. */
function judgeEvidence(replica: Replica, header: Header, parent: Parent): Verdict {
  const fault = evidenceFault(replica, header, parent);
  return fault === undefined ? valid : invalid(fault);
}
