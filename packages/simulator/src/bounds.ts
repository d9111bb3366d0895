/**
 * I10: what a replica remembers has a bound that follows from where it stands, whatever its peers send. Looked at after every
 * turn; the bounds are the limits that the rules name, with what a view or two in progress may add.
 */
import { limits } from "@stoa/base/limits";
import type { Replica } from "@stoa/consensus/state";
import { offenceKinds } from "@stoa/protocol/finality/evidence";
import { fail, type Checkers } from "./checkers.ts";

const requestsCountMax = 64;
const overdueCountMax = 256;
/** A view in progress, the one before it, and the next one, of which a proposal may be early. */
const viewsInProgress = 4;

export function checkBounds(checkers: Checkers, node: number, replica: Replica): void {
  const { lastFinal, view } = replica;
  const oldest = Math.max(1, lastFinal.view - limits.voteRetentionViews);
  // Certificates prove themselves, so one of a later view than this replica's is welcome: it moves there.
  const viewsCount = Math.max(view, replica.highestFinalization?.view ?? 0) - oldest + 1 + viewsInProgress;
  const nodesCount = replica.set.validators.length;
  // A log that was read back may hold older ones, which go when the next block is final.
  const ownVotesCount = [...replica.safety.votes.keys()].filter((voted) => oldest <= voted).length;
  const sizes: readonly (readonly [name: string, size: number, max: number])[] = [
    ["views with certificates", replica.certificates.size, viewsCount],
    ["views with votes", replica.tallies.size, viewsCount],
    ["views with own votes", ownVotesCount, viewsCount],
    ["proposals", replica.candidates.size, 2],
    ["own proposals", replica.myProposals.size, 2],
    ["pieces of evidence", replica.evidence.pending.length, offenceKinds.length * nodesCount],
    ["signed proposals", replica.evidence.proposals.size, viewsCount],
    ["open requests", replica.requests.size, requestsCountMax],
    ["overdue requests", replica.overdue.size, overdueCountMax],
    ["open views", replica.openViews.size, viewsCount],
    ["blocks", replica.blocks.size, limits.recentBlocksCountMax + nodesCount + 2 * viewsCount],
    ["roots", replica.executed.size, replica.executedHeight - lastFinal.executed.height + limits.executionLagMax],
    ...laneSizes(replica, viewsCount),
    ["claimed roots", replica.claims.size, limits.descendantsCountMax + viewsCount],
  ];
  for (const [name, size, max] of sizes) {
    if (max < size) fail(checkers, `I10: node ${node} keeps ${size} ${name}, ${max} allowed in view ${view}`);
  }
}

/** Per lane: what comes unasked has a window; what proposals name is fetched too, a range for each view since the last final. */
function laneSizes({ lanes }: Replica, viewsCount: number): (readonly [name: string, size: number, max: number])[] {
  const { laneAheadCountMax, laneAheadSizeMax, laneRetentionSizeMax, laneBatchesPerBlockCountMax } = limits;
  const fetched = laneBatchesPerBlockCountMax * viewsCount;
  const most = (size: (lane: (typeof lanes.all)[number]) => number): number => Math.max(...lanes.all.map(size));
  return [
    ["batches ahead", most((lane) => aheadCount(lane)), laneAheadCountMax + fetched],
    ["bytes ahead", most((lane) => lane.aheadSize), laneAheadSizeMax + viewsCount * limits.payloadSizeMax],
    ["bytes of final batches", most((lane) => lane.finalSize), laneRetentionSizeMax + limits.payloadSizeMax],
    ["proofs", most((lane) => lane.proofs.size), laneAheadCountMax],
    ["wanted batches", lanes.wanted.size, 1_024],
    ["acknowledgements", lanes.acknowledgements.size, laneAheadCountMax],
  ];
}

const aheadCount = ({ places, final }: Replica["lanes"]["all"][number]): number =>
  [...places.keys()].filter((sequence) => final.sequence < sequence).length;
