/**
 * How what happened in a block is tied to a later final header: the header that carries the results of its height, and the events
 * roots of the heights between. Read from the logs.
 */
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { FinalBlock } from "@stoa/protocol/block";
import { eventsRootOf, resultsRootAfter } from "@stoa/protocol/event";
import type { Commit } from "./commit.ts";

/** How many blocks after its own a header with a block's results is looked for, and how many results may lie between. */
const headersCountMax = limits.executionLagMax;

/** The first block whose header carries the roots of `height` or of a later one; `undefined` while there is none. */
export function carrierOf(commit: Commit, height: number): FinalBlock | undefined {
  for (let next = height + 1; next <= height + headersCountMax; next++) {
    const block = commit.blocks.read(next)?.block;
    if (block === undefined || height <= block.header.executed.height) return block;
  }
  return undefined;
}

/** Of the heights in [from, through]; `undefined` when one of them is not stored. */
export function eventsRoots(commit: Commit, from: number, through: number): readonly Digest[] | undefined {
  const roots: Digest[] = [];
  for (let height = from; height <= through; height++) {
    const events = commit.encodedEventsAt(height);
    if (events === undefined) return undefined;
    roots.push(eventsRootOf(events));
  }
  return roots;
}

/** The results root of the height before a stored block. */
export function resultsRootBefore(commit: Commit, { header }: FinalBlock): Digest | undefined {
  const between = eventsRoots(commit, header.executed.height + 1, header.height - 1);
  return between?.reduce(resultsRootAfter, header.executed.resultsRoot);
}
