/**
 * Comparing one's own state with what a quorum agreed on: headers carry the module roots and the results root of an earlier
 * height. A follower that got something else must not serve anybody.
 */
import { toHex } from "@stoa/base/bytes";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import { NodeError } from "./failure.ts";

/** Throws when the header carries other roots than `mine`, this node's of that height; where it remembers none, all pass. */
export function checkRoots(header: Header, mine: ExecutedRoots | undefined): void {
  const { executed } = header;
  if (mine === undefined) return;
  const names = executed.moduleRoots.map((_, index) => `module ${index}`);
  compare(header, "results", mine.resultsRoot, executed.resultsRoot);
  names.forEach((name, index) => compare(header, name, mine.moduleRoots[index], executed.moduleRoots[index]));
}

function compare(header: Header, name: string, mine: Uint8Array | undefined, theirs: Uint8Array | undefined): void {
  const [here, there] = [mine, theirs].map((root) => (root === undefined ? "none" : toHex(root)));
  if (here === there) return;
  throw new NodeError(
    "state-divergence",
    `the state differs at height ${header.executed.height}: the root of ${name} is ${here} here and ${there} in the final block ` +
      `${header.height}. This node stopped.`,
  );
}
