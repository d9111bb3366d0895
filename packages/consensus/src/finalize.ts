/**
 * From notarized to final. A replica votes a block final when it is notarized, its view is over, this replica has not given
 * that view up, and every block from there down to the last final one is on its own disk: so what is final is on the disks
 * of more than a third of the honest stake, whatever loses power.
 *
 * A finalization makes the block and all its ancestors final; they are delivered in order of height, each once.
 */
import { present } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { Height, View } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import type { Certificate, Finalization } from "@stoa/protocol/finality/certificate";
import { compareClaim } from "./divergence.ts";
import { checkOwnLane, sayRoom } from "./lane-own.ts";
import { carriedOf, persistBatches, requestBatches, wholePayload } from "./lane-payload.ts";
import { settleLanes } from "./lane-store.ts";
import { settleEvidence } from "./evidence-in-blocks.ts";
import { requestBlock, requestFinalBlocks } from "./requests.ts";
import { mayVote } from "./safety-record.ts";
import {
  blockOf,
  chainAboveFinal,
  emit,
  halt,
  oldestView,
  parentOf,
  plan,
  viewCertificates,
  type Block,
  type Replica,
} from "./state.ts";
import { castVote } from "./votes.ts";
import { leader } from "./view.ts";

/** Casts every finalize vote that has become possible, however late. */
export function castFinalizeVotes(replica: Replica): void {
  for (const view of [...replica.openViews].sort((left, right) => left - right)) {
    const certificate = viewCertificates(replica, view).notarization;
    if (replica.halted) return;
    if (certificate === undefined) continue;
    const block = blockOf(replica, certificate.digest);
    if (block !== undefined) compareClaim(replica, block.header);
    if (replica.halted || replica.view <= view || !mayVote(replica.safety, "finalize", view)) continue;
    const blocks = completeChain(replica, certificate);
    if (blocks === undefined) continue;
    for (const one of blocks) makeDurable(replica, one);
    castVote(replica, "finalize", view, blocks.at(-1));
  }
}

/** Delivers up to the highest finalization, if all that it makes final is here; otherwise asks for it. */
export function advanceFinality(replica: Replica): void {
  const target = replica.highestFinalization;
  if (target === undefined || target.view <= replica.lastFinal.view) return;
  const blocks = completeChain(replica, target);
  if (blocks === undefined) return;
  blocks.forEach((block, index) => {
    deliver(replica, finalBlockOf(replica, block, blocks.slice(index + 1), target));
  });
  settle(replica);
}

/** Hands a final block that follows the last one to the exchange. Everything about it has been checked. */
export function deliver(replica: Replica, block: FinalBlock): void {
  const digest = block.descendants.length === 0 ? undefined : block.descendants[0]!.parentDigest;
  const [finalization] = block.certificates as [Finalization];
  replica.lastFinal = parentOf({ header: block.header, digest: digest ?? finalization.digest });
  compareClaim(replica, block.header);
  if (replica.halted) return;
  emit(replica, { kind: "deliver", block });
  settleEvidence(replica, block.header);
  const { view, height } = block.header;
  emit(replica, { kind: "progress", view, leader: leader(replica, view), event: "finalized", height });
}

/** After one or more deliveries: writes how far the log may be shortened, and forgets what no rule reads any more. */
export function settle(replica: Replica): void {
  const { height, view, digest, tips } = replica.lastFinal;
  emit(replica, { kind: "persist", record: { kind: "finalized", height, view, digest, tips }, barrier: false });
  // Nothing is signed at or below a final view, so the votes there may be forgotten.
  replica.safety.floor = Math.max(replica.safety.floor, view) as View;
  for (const known of replica.openViews) if (known <= view) replica.openViews.delete(known);
  forgetViews(replica);
  forgetBlocks(replica);
  for (const known of replica.executed.keys()) {
    if (known < replica.lastFinal.executed.height) replica.executed.delete(known);
  }
  settleLanes(replica);
  checkOwnLane(replica);
  sayRoom(replica);
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

/** Forgets views in which votes are no longer taken. */
function forgetViews(replica: Replica): void {
  const { certificates, tallies, safety, evidence, forgottenView } = replica;
  const oldest = oldestView(replica) as View;
  if (oldest <= forgottenView) return;
  replica.forgottenView = oldest;
  for (const table of [certificates, tallies, safety.votes, evidence.proposals]) forget(table, forgottenView, oldest);
}

/**
 * Forgets views below `oldest` in a table that holds none below `forgotten`. PERF: as a rule that is one view of hundreds, which
 * need not all be looked at for each block.
 */
function forget(table: Map<View, unknown>, forgotten: View, oldest: View): void {
  if (oldest - forgotten < table.size) for (let view = forgotten; view < oldest; view++) table.delete(view as View);
  else for (const view of table.keys()) if (view < oldest) table.delete(view);
}

/** A few final blocks stay for peers that are just behind; of the rest, those that were never certified are gone. */
function forgetBlocks(replica: Replica): void {
  const { height, view } = replica.lastFinal;
  for (const [key, { header }] of replica.blocks) {
    const recent = height < header.height + limits.recentBlocksCountMax;
    if (!recent || (header.height <= height && view < header.view)) replica.blocks.delete(key);
  }
}

/** The blocks that a certificate vouches for, oldest first, with all payloads; `undefined` when one is missing and asked for. */
function completeChain(
  replica: Replica,
  certificate: Certificate & { digest: Uint8Array },
): readonly Block[] | undefined {
  const chain = chainAboveFinal(replica, certificate.digest as Finalization["digest"]);
  if (chain.kind === "fork") {
    halt(
      replica,
      `view ${certificate.view} certifies a block beside the final one at height ${chain.block.header.height}`,
    );
    return undefined;
  }
  if (chain.kind === "missing") {
    requestGap(replica, chain.digest, certificate);
    return undefined;
  }
  const bare = chain.blocks.filter((block) => wholePayload(replica, block) === undefined);
  if (bare.length === 0) return chain.blocks;
  requestPayloads(replica, bare, certificate);
  return undefined;
}

/** One missing block is asked for by digest; a longer gap below a known height by a range of heights. */
function requestGap(replica: Replica, digest: Finalization["digest"], certificate: Certificate): void {
  let heightAbove = 0;
  for (const { header } of replica.blocks.values()) {
    if (equalBytes(header.parentDigest, digest)) heightAbove = header.height;
  }
  const finalElsewhere = Math.max(...replica.peers.map(({ status }) => status?.finalHeight ?? 0));
  const reachable = Math.min(heightAbove === 0 ? finalElsewhere : heightAbove - 1, finalElsewhere) as Height;
  if (replica.lastFinal.height + 1 < reachable) requestFinalBlocks(replica, reachable);
  else requestBlock(replica, digest, certificate);
}

/** Where only the batches of a block are missing, those are asked for; the whole block when they do not come. */
export function requestPayloads(replica: Replica, bare: readonly Block[], certificate: Certificate): void {
  const unknown = bare.filter(
    (block) => block.loose === undefined || replica.parameters.repairMs <= requestBatches(replica, block, certificate),
  );
  if (unknown.length !== 0) requestBlock(replica, unknown[0]!.digest, certificate);
}

function makeDurable(replica: Replica, block: Block): void {
  persistBatches(replica, block);
  if (block.durable) return;
  block.durable = true;
  const payload = present(carriedOf(block), "a block that is made durable is complete");
  emit(replica, { kind: "persist", record: { kind: "block", header: block.header, payload }, barrier: true });
}

/** A block with what proves it final, and what would convict those who made another block final beside it. */
function finalBlockOf(replica: Replica, block: Block, after: readonly Block[], target: Finalization): FinalBlock {
  const { header, digest, payload } = block;
  const { notarization, finalization } = viewCertificates(replica, header.view);
  const own = finalization !== undefined && equalBytes(finalization.digest, digest) ? finalization : undefined;
  const extra: Certificate[] =
    notarization !== undefined && equalBytes(notarization.digest, digest) ? [notarization] : [];
  for (let view = (header.parentView + 1) as View; view < header.view; view++) {
    const skip = viewCertificates(replica, view).nullification;
    if (skip !== undefined && extra.length <= limits.skipsInlineCountMax) extra.push(skip);
  }
  return {
    header,
    descendants: own === undefined ? after.map((one) => one.header) : [],
    certificates: [own ?? target, ...extra],
    payload: payload!,
  };
}
