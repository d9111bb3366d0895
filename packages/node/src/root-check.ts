/**
 * Comparing one's own state with what a quorum agreed on: final headers carry the module roots and the results root of an
 * earlier height. A follower that got something else must not serve anybody.
 */
import { toHex } from "@stoa/base/bytes";
import type { Height } from "@stoa/base/units";
import { describeDivergence, differingModules, sameRoots } from "@stoa/consensus/divergence";
import type { Divergence } from "@stoa/consensus/effect";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import { modules } from "@stoa/protocol/state-record";
import { NodeError } from "./failure.ts";

export interface RootCheck {
  /** Where the header carries other roots than `mine`, this node's of that height; where it remembers none, all pass. */
  readonly differenceIn: (header: Header, mine: ExecutedRoots | undefined) => Divergence | undefined;
}

/** Remembers through which height the roots were the same. */
export function createRootCheck(): RootCheck {
  let sameThrough = 0 as Height;
  return {
    differenceIn(header, mine) {
      const { executed } = header;
      if (mine === undefined) return undefined;
      if (!sameRoots(mine, executed)) return { own: mine, agreed: executed, sameThrough, header, certified: true };
      sameThrough = executed.height;
      return undefined;
    },
  };
}

/** Why a follower stops, with both roots; `more` is what was found out beyond them. */
export function divergenceError(divergence: Divergence, more = ""): NodeError {
  const { own, agreed } = divergence;
  const pairs = differingModules(own, agreed).map((index) => {
    const [here, there] = [own.moduleRoots[index]!, agreed.moduleRoots[index]!].map(toHex);
    return `the root of ${modules[index] ?? `module ${index}`} is ${here} here and ${there} there`;
  });
  if (toHex(own.resultsRoot) !== toHex(agreed.resultsRoot))
    pairs.push(`the root of the results is ${toHex(own.resultsRoot)} here and ${toHex(agreed.resultsRoot)} there`);
  return new NodeError(
    "state-divergence",
    `${describeDivergence(divergence, modules)}: ${pairs.join("; ")}.${more} This node stopped.`,
  );
}
