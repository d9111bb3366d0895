/**
 * Comparing what this replica's exchange computed with what certified headers say it is (consensus.md 3.10). A header that a
 * quorum notarized was compared by honest replicas; one that computed something else must not go on, and says what both are.
 * A mere proposal proves nothing: a faulty leader could write anything into it.
 */
import { assert } from "@stoa/base/assert";
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import { halt, plan, type Replica } from "./state.ts";

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
  if (own !== undefined && !sameRoots(own, claimed)) return halt(replica, divergenceFact(own, claimed));
  if (replica.executedHeight < claimed.height) replica.claimedRoots.set(claimed.height, claimed);
}

/** The exchange has executed the next height. */
export function recordExecuted(replica: Replica, roots: ExecutedRoots): void {
  assert(roots.height === replica.executedHeight + 1, () => `height ${replica.executedHeight + 1} is executed next`);
  replica.executed.set(roots.height, roots);
  replica.executedHeight = roots.height;
  const claimed = replica.claimedRoots.get(roots.height);
  replica.claimedRoots.delete(roots.height);
  if (claimed !== undefined && !sameRoots(roots, claimed)) return halt(replica, divergenceFact(roots, claimed));
  plan(replica, { kind: "considerProposal" });
}

function divergenceFact(own: ExecutedRoots, agreed: ExecutedRoots): string {
  const module = own.moduleRoots.findIndex((root, index) => !equalBytes(root, agreed.moduleRoots[index] ?? root));
  const where = 0 <= module ? `module ${module}` : "the results";
  return `the state diverged at height ${own.height} in ${where}: own ${describe(own)}; agreed ${describe(agreed)}`;
}

function describe(roots: ExecutedRoots): string {
  return `modules [${roots.moduleRoots.map(toHex).join(" ")}] results ${toHex(roots.resultsRoot)}`;
}
