/**
 * How what happened in a block is tied to a later final header: the header that carries the results of its height, and the events
 * roots of the heights between. Read from the logs.
 */
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { FinalBlock } from "@stoa/protocol/block";
import { eventsRootOf, resultsRootAfter } from "@stoa/protocol/event";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
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

export interface ResultsWay {
  /** The first block whose header carries the results of the height, or of a later one. */
  readonly carrier: FinalBlock;
  /** The results root of the height before, and the events roots of those after it. */
  readonly before: Digest;
  readonly after: readonly Digest[];
}

/**
 * From a height to the header that carries its results. PERF: the header before that one carries results of a lower height, and
 * headers mostly go on by one height: then no events but those of the height itself need be read.
 */
export function resultsWay(commit: Commit, height: number): ResultsWay | undefined {
  const carrier = carrierOf(commit, height);
  const executed = carrier && executedBefore(commit, carrier);
  if (carrier === undefined || executed === undefined) return undefined;
  const between = eventsRoots(commit, executed.height + 1, height - 1);
  const after = eventsRoots(commit, height + 1, carrier.header.executed.height);
  if (between === undefined || after === undefined) return undefined;
  return { carrier, before: between.reduce(resultsRootAfter, executed.resultsRoot), after };
}

function executedBefore(commit: Commit, { header }: FinalBlock): ExecutedRoots | undefined {
  return commit.blocks.read(header.height - 1)?.block.header.executed;
}
