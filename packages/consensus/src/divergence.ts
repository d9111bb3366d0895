/**
 * Comparing what this replica's exchange computed with what certified headers say it is (consensus.md 3.10). A header that a
 * quorum notarized was compared by honest replicas. One that computed something else says so once and goes on ordering: it votes
 * for no header that takes the roots to the height where they parted or beyond, and for every other one that is valid. So when
 * over a third of the stake parts with the rest the roots stop, after `executionLagMax` heights the payloads too, and nothing
 * forks.
 *
 * A mere proposal with other roots proves nothing, since a faulty leader could write anything into it. Only when the roots have
 * not moved for many heights is it told, as a dispute that no quorum has decided; it changes no vote.
 */
import { assert } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { Height } from "@stoa/base/units";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import type { Divergence } from "./effect.ts";
import { emit, plan, type Replica } from "./state.ts";

/** Headers may be so many heights ahead of the roots that they carry before a difference with a mere proposal is told. */
const disputeLagHeights = 16;
/** Own roots of more heights than this are not compared with anything: leaders carry the newest that they have. */
const rootsCountMax = 2 * limits.executionLagMax;

export function sameRoots(left: ExecutedRoots, right: ExecutedRoots): boolean {
  return (
    left.height === right.height &&
    left.moduleRoots.length === right.moduleRoots.length &&
    left.moduleRoots.every((root, index) => equalBytes(root, right.moduleRoots[index]!)) &&
    equalBytes(left.resultsRoot, right.resultsRoot)
  );
}

/** Holds a notarized or final header against what was executed here, now or when that height has been executed. */
export function compareClaim(replica: Replica, header: Header): void {
  const claimed = header.executed;
  const own = replica.executed.get(claimed.height);
  if (own !== undefined) compare(replica, own, header);
  else if (replica.executedHeight < claimed.height) replica.claims.set(claimed.height, header);
}

function compare(replica: Replica, own: ExecutedRoots, header: Header): void {
  if (replica.divergence !== undefined) return;
  const agreed = header.executed;
  if (sameRoots(own, agreed)) {
    replica.sameThrough = Math.max(replica.sameThrough, own.height) as Height;
    return;
  }
  replica.divergence = { own, agreed, sameThrough: replica.sameThrough, header, certified: true };
  emit(replica, { kind: "diverged", divergence: replica.divergence });
}

/** Whether this replica's own roots of a height are known not to be the agreed ones. */
export const divergedAt = ({ divergence }: Replica, height: Height): boolean =>
  divergence !== undefined && divergence.own.height <= height;

/** A proposal carries other roots than those computed here: told once per proposer while the agreed roots stand still. */
export function noteDispute(replica: Replica, own: ExecutedRoots, header: Header, before: ExecutedRoots): void {
  if (replica.divergence !== undefined || header.height - before.height <= disputeLagHeights) return;
  if (replica.disputed?.height !== before.height) replica.disputed = { height: before.height, proposers: new Set() };
  if (replica.disputed.proposers.has(header.proposer)) return;
  replica.disputed.proposers.add(header.proposer);
  const divergence = { own, agreed: header.executed, sameThrough: before.height, header, certified: false };
  emit(replica, { kind: "diverged", divergence });
}

/** The exchange has executed the next height. */
export function recordExecuted(replica: Replica, roots: ExecutedRoots): void {
  assert(roots.height === replica.executedHeight + 1, () => `height ${replica.executedHeight + 1} is executed next`);
  replica.executed.set(roots.height, roots);
  replica.executed.delete((roots.height - rootsCountMax) as Height);
  replica.executedHeight = roots.height;
  const claim = replica.claims.get(roots.height);
  replica.claims.delete(roots.height);
  if (claim !== undefined) compare(replica, roots, claim);
  plan(replica, { kind: "considerProposal" });
}

/** What an operator reads of it: where, and both sides in full. */
export function describeDivergence({ own, agreed, header, certified }: Divergence, names: readonly string[]): string {
  const differing = differingModules(own, agreed).map((index) => names[index] ?? `module ${index}`);
  if (!equalBytes(own.resultsRoot, agreed.resultsRoot)) differing.push("results");
  const others = certified ? "a quorum has agreed on" : `validator ${header.proposer} proposes`;
  return (
    `the state computed here differs at height ${own.height} in ${differing.join(", ")} from what ${others} ` +
    `in the block of view ${header.view}`
  );
}

/** The places of the modules whose roots differ. */
export const differingModules = (own: ExecutedRoots, agreed: ExecutedRoots): readonly number[] =>
  own.moduleRoots.flatMap((root, index) => (equalBytes(root, agreed.moduleRoots[index] ?? root) ? [] : [index]));
