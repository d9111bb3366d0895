/**
 * Proposals: making one when it is this replica's turn, taking those of others, and voting for the one of the current view or
 * giving the view up. A leader proposes once per view, on disk before it is sent; what is valid is `validity.ts`'s business.
 */
import { assert } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import { payloadDigest } from "@stoa/protocol/payload";
import { looseMatches, payloadMatches, sizeOfLanes } from "@stoa/protocol/finality/lane-payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { requestPayloads } from "./finalize.ts";
import { chooseBatches, lanesOn, type LaneChoice } from "./lane-order.ts";
import { keepCarried, persistBatches, wholePayload } from "./lane-payload.ts";
import type { Proposal } from "./message.ts";
import { divergedAt } from "./divergence.ts";
import { weighProposal } from "./evidence.ts";
import { evidenceOn } from "./evidence-in-blocks.ts";
import { chooseParent, type ParentChoice } from "./parent-choice.ts";
import { requestBlock } from "./requests.ts";
import { maySign, mayVote, ownVotes } from "./safety-record.ts";
import {
  broadcast,
  chainAboveFinal,
  emit,
  misbehaviour,
  plan,
  suspicion,
  viewCertificates,
  type Parent,
  type Replica,
} from "./state.ts";
import { judgeProposal } from "./validity.ts";
import { leader, leads } from "./view.ts";
import { castVote } from "./votes.ts";

// ---- proposing

/** Asks the node for a payload when it is this replica's turn and there is reason to propose. */
export function lead(replica: Replica): void {
  const { view } = replica;
  if (!mayPropose(replica)) return;
  const before = replica.proposedBefore.get(view);
  if (before !== undefined) return proposeAgain(replica, before.header, before.payload);
  if (!replica.running) return;
  const mustAnswer = replica.idleElapsed;
  if (replica.payloadAsked !== undefined && (replica.payloadAsked.mustAnswer || !mustAnswer)) return;
  const choice = chooseParent(replica);
  const ancestors = choice && openPayloads(replica, choice);
  if (choice === undefined || ancestors === undefined) return;
  replica.payloadAsked = { mustAnswer, workSince: false };
  const batches = chooseBatches(replica, choice.parent);
  emit(replica, {
    kind: "payloadWanted",
    view,
    timeMs: timeAfter(replica, choice.parent),
    sizeMax: batches.length === 0 ? replica.parameters.payloadSizeMax : limits.looseSizeMax,
    batchesSize: sizeOfBatches(batches),
    mustAnswer,
    ancestors,
  });
}

/** The node's answer. Without work in it, and before the idle interval is over, the leader rather waits. */
export function propose(replica: Replica, input: Answer): void {
  if (input.view !== replica.view || replica.payloadAsked === undefined || !mayPropose(replica)) return;
  assert(!replica.proposedBefore.has(input.view), "no second proposal in one view");
  const { workSince } = replica.payloadAsked;
  replica.payloadAsked = undefined;
  const choice = chooseParent(replica);
  const batches = choice === undefined ? [] : batchesBeside(replica, choice.parent, input);
  if (!input.work && !replica.idleElapsed && batches.length === 0) {
    // The answer may have been made before the work came.
    if (workSince) plan(replica, { kind: "lead" });
    return;
  }
  if (choice === undefined) return;
  const header = headerOn(replica, choice, input.payload, batches);
  const payload = header.payload.form === "none" ? new Uint8Array(0) : input.payload;
  const digest = headerDigest(header);
  const proposal = proposalOf(replica, { header, digest, payload, choice });
  const block = keepCarried(replica, digest, header, payload);
  persistBatches(replica, block);
  block.durable = true;
  emit(replica, { kind: "persist", record: { kind: "proposed", view: input.view, header, payload }, barrier: true });
  broadcast(replica, { kind: "proposal", proposal });
  replica.myProposals.set(input.view, proposal);
  replica.candidates.set(input.view, { proposal, digest });
  plan(replica, { kind: "considerProposal" });
}

/** A proposal around a header that was made in an earlier life and is on disk: the same bytes are sent again. */
function proposeAgain(replica: Replica, header: Header, payload: Uint8Array): void {
  const choice = chooseParent(replica);
  if (choice === undefined || !equalBytes(choice.parent.digest, header.parentDigest)) return;
  const digest = headerDigest(header);
  const proposal = proposalOf(replica, { header, digest, payload, choice });
  keepCarried(replica, digest, header, payload).durable = true;
  replica.myProposals.set(header.view, proposal);
  replica.candidates.set(header.view, { proposal, digest });
  broadcast(replica, { kind: "proposal", proposal });
  plan(replica, { kind: "considerProposal" });
}

function mayPropose(replica: Replica): boolean {
  const { view, safety } = replica;
  if (!leads(replica, view) || !maySign(safety, view) || replica.myProposals.has(view)) return false;
  return ownVotes(safety, view).nullify === undefined;
}

function proposalOf(
  replica: Replica,
  made: { header: Header; digest: Digest; payload: Uint8Array; choice: ParentChoice },
): Proposal {
  const { header, digest, payload, choice } = made;
  return {
    header,
    parentCertificate: choice.certificate,
    skips: choice.skips.slice(-limits.skipsInlineCountMax),
    parentHeader: choice.header,
    payload,
    signature: replica.sign(proposalBytes(replica, header.view, digest)),
  };
}

interface Answer {
  readonly view: View;
  readonly payload: Uint8Array;
  readonly work: boolean;
  readonly batchesSizeMax?: number;
}

/** Batches for a block with these loose commands: none beside more of them than go along with batches. */
function batchesBeside(replica: Replica, parent: Parent, { payload, batchesSizeMax }: Answer): LaneChoice[] {
  const executed = executedAfter(replica, parent);
  const isFarBehind = limits.executionLagMax < parent.height + 1 - executed.height;
  return isFarBehind || limits.looseSizeMax < payload.length ? [] : chooseBatches(replica, parent, batchesSizeMax);
}

const sizeOfBatches = (chosen: readonly LaneChoice[]): number =>
  chosen.reduce((sum, { batches }) => sum + batches.reduce((size, { batch }) => size + batch.payload.length, 0), 0);

function headerOn(
  replica: Replica,
  { parent }: ParentChoice,
  payload: Uint8Array,
  batches: readonly LaneChoice[],
): Header {
  assert(payload.length <= replica.parameters.payloadSizeMax, "a payload of legal size");
  const executed = executedAfter(replica, parent);
  const height = (parent.height + 1) as Height;
  const empty = limits.executionLagMax < height - executed.height;
  const lanes = lanesOn(replica, parent, batches);
  return {
    chainId: replica.set.chainId,
    epoch: replica.set.epoch,
    view: replica.view,
    height,
    parentView: parent.view,
    parentDigest: parent.digest,
    proposer: replica.self,
    timeMs: timeAfter(replica, parent),
    payload: payloadNamed(empty ? new Uint8Array(0) : payload, lanes.ranges),
    ...lanes,
    executed,
    ...evidenceOn(replica, parent),
    nextEpoch: undefined,
    seal: undefined,
  };
}

function payloadNamed(carried: Uint8Array, ranges: Header["ranges"]): Header["payload"] {
  if (0 < ranges.length) {
    return { form: "lanes", size: sizeOfLanes(ranges, carried.length), digest: payloadDigest(carried) };
  }
  if (carried.length === 0) return { form: "none", size: 0, digest: zeroDigest };
  return { form: "inline", size: carried.length, digest: payloadDigest(carried) };
}

const timeAfter = (replica: Replica, parent: Parent): TimeMs =>
  Math.max(parent.timeMs + 1, replica.now.wallMs) as TimeMs;

/** Voters may execute a little later than this leader; roots that they do not have yet would only make them wait. */
const executionSlackHeights = 2;

/**
 * The newest roots that the block may carry; the parent's when the view before was given up, so that voters need no state. A
 * checkpoint is not passed over: there must be a header with its roots, or no snapshot of it could be proven.
 */
function executedAfter(replica: Replica, parent: Parent): ExecutedRoots {
  const slack = replica.executedHeight - executionSlackHeights;
  const newest = Math.min(slack, parent.height - limits.executionLagMin, checkpointAfter(parent.executed.height));
  if (parent.view < replica.view - 1 || newest <= parent.executed.height) return parent.executed;
  if (divergedAt(replica, newest as Height)) return parent.executed;
  return replica.executed.get(newest as Height) ?? parent.executed;
}

const checkpointAfter = (height: Height): number =>
  limits.checkpointBlocks * (Math.floor(height / limits.checkpointBlocks) + 1);

/** What is ordered and not final. A leader that lacks any of it would order the same commands again, so it fetches it first. */
function openPayloads(
  replica: Replica,
  { parent, certificate }: ParentChoice,
): { height: Height; payload: Uint8Array }[] | undefined {
  const chain = chainAboveFinal(replica, parent.digest);
  if (chain.kind === "fork" || (chain.kind === "missing" && certificate === undefined)) return undefined;
  if (chain.kind === "missing") {
    requestBlock(replica, chain.digest, certificate!);
    return undefined;
  }
  const bare = chain.blocks.filter((block) => wholePayload(replica, block) === undefined);
  if (0 < bare.length) {
    requestPayloads(replica, bare, certificate!);
    return undefined;
  }
  return chain.blocks.map(({ header, payload }) => ({ height: header.height, payload: payload! }));
}

function proposalBytes(replica: Replica, view: View, digest: Digest): Uint8Array {
  const { chainId, epoch } = replica.set;
  return consensusSignBytes({ kind: "proposal", chainId, epoch, view, digest });
}

// ---- receiving

/** A proposal from a peer: checks who made it, then lets its certificates speak before it is judged. */
export function receiveProposal(replica: Replica, from: ValidatorIndex, proposal: Proposal): void {
  const { header } = proposal;
  if (header.epoch !== replica.set.epoch || header.view < 1) return;
  const digest = headerDigest(header);
  const signed = { digest, signature: proposal.signature };
  if (header.view < replica.view) {
    if (from === leader(replica, header.view)) weighProposal(replica, header.view, signed, false);
    return keepIfCertified(replica, digest, proposal);
  }
  if (from !== leader(replica, header.view) || header.proposer !== from) {
    return misbehaviour(replica, from, `a proposal for view ${header.view}, which another validator leads`);
  }
  if (isOutOfReach(replica, proposal)) return;
  const earlier = replica.candidates.get(header.view);
  if (earlier !== undefined && equalBytes(earlier.digest, digest)) return;
  const bytes = proposalBytes(replica, header.view, digest);
  if (!replica.verify(proposal.signature, bytes, replica.set.validators[from]!.key)) {
    return misbehaviour(replica, from, `a proposal for view ${header.view} that is not signed`);
  }
  weighProposal(replica, header.view, signed, true);
  if (earlier !== undefined) return;
  if (!isCarried(header, proposal.payload)) {
    return misbehaviour(replica, from, `a proposal for view ${header.view} whose payload is not the one it names`);
  }
  const { parentCertificate, skips } = proposal;
  for (const certificate of parentCertificate === undefined ? skips : [parentCertificate, ...skips]) {
    plan(replica, { kind: "certificate", certificate, from });
  }
  plan(replica, { kind: "proposal", from, proposal });
}

/** A proposal carries the loose commands of a block with batches, and of others the whole payload. */
const isCarried = (header: Header, payload: Uint8Array): boolean =>
  header.payload.form === "lanes" ? looseMatches(header, payload) : payloadMatches(header, payload);

/**
 * A leader shows what moved it into its view, so that whoever is behind can follow it there. Without that a proposal for a later
 * view could not be held, and nothing of it is checked: a leader may sign as many as it likes, and they are large.
 */
function isOutOfReach(replica: Replica, { header, parentCertificate, skips }: Proposal): boolean {
  const isOfViewBefore = (certificate: Certificate): boolean => certificate.view + 1 === header.view;
  if (header.view <= replica.view + 1 || skips.some(isOfViewBefore)) return false;
  return parentCertificate === undefined || !isOfViewBefore(parentCertificate);
}

/** Its certificates have been admitted, which may have moved this replica to its view. */
export function holdProposal(replica: Replica, proposal: Proposal): void {
  const { header } = proposal;
  const digest = headerDigest(header);
  if (header.view < replica.view) return keepIfCertified(replica, digest, proposal);
  if (replica.view + 1 < header.view || replica.candidates.has(header.view)) return;
  if (isFarAhead(replica, header)) return;
  replica.candidates.set(header.view, { proposal, digest });
  keepCarried(replica, digest, header, proposal.payload);
  plan(replica, { kind: "considerProposal" });
}

/** A late proposal is still the block that a certificate may be about. */
function keepIfCertified(replica: Replica, digest: Digest, { header, payload }: Proposal): void {
  const { notarization, finalization } = viewCertificates(replica, header.view);
  const certificate = finalization ?? notarization;
  if (certificate === undefined || !equalBytes(certificate.digest, digest)) return;
  if (!isCarried(header, payload) || isFarAhead(replica, header)) return;
  keepCarried(replica, digest, header, payload);
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "lead" });
}

/** A replica that is behind keeps no blocks far above its own last one: it will fetch them in order. */
function isFarAhead(replica: Replica, header: Header): boolean {
  const behind = replica.lastFinal.view < (replica.highestFinalization?.view ?? 0);
  return behind && replica.lastFinal.height + limits.catchUpBlocksCountMax < header.height;
}

// ---- voting

/** Votes for the proposal of the current view when it is valid, gives the view up when it never will be. */
export function considerProposal(replica: Replica): void {
  const { view } = replica;
  const candidate = replica.candidates.get(view);
  if (candidate === undefined || !mayVote(replica.safety, "notarize", view)) return;
  const verdict = judgeProposal(replica, candidate);
  if (verdict.kind === "wait") return;
  if (verdict.kind === "invalid") {
    const report = verdict.provable ? misbehaviour : suspicion;
    report(replica, leader(replica, view), `the proposal of view ${view} is invalid: ${verdict.fact}`);
    plan(replica, { kind: "nullify" });
    return;
  }
  const { header, payload } = candidate.proposal;
  const block = keepCarried(replica, candidate.digest, header, payload);
  persistBatches(replica, block);
  emit(replica, { kind: "progress", view, leader: header.proposer, event: "proposed", height: header.height });
  castVote(replica, "notarize", view, block);
}

/** Gives the current view up, unless this replica already voted it final or nullified it. */
export function nullify(replica: Replica): void {
  if (mayVote(replica.safety, "nullify", replica.view)) castVote(replica, "nullify", replica.view, undefined);
}
