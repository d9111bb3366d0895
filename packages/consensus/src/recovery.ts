/**
 * Building a replica: from nothing, or from what it wrote before it stopped. The records are taken in the order of the file.
 * Only the own votes matter for safety; they are restored whole, and a log in which they contradict each other, or that is
 * not this validator's, is refused in words: a validator that does not know what it voted must not vote.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Height, View } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import { headerDigest, type ExecutedRoots } from "@stoa/protocol/finality/header";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import type { Vote } from "@stoa/protocol/finality/vote";
import { payloadMatches } from "@stoa/protocol/finality/lane-payload";
import { keepCertificate } from "./certificates.ts";
import { compareClaim } from "./divergence.ts";
import type { DurableRecord } from "./effect.ts";
import { emptyEvidenceBook } from "./evidence-book.ts";
import { restorePending } from "./evidence.ts";
import { restoreConvicted } from "./evidence-in-blocks.ts";
import { leaderSchedule } from "./leader.ts";
import { carriedMatches, keepCarried } from "./lane-payload.ts";
import { restoreAcknowledged, restoreBatch, restoreFinalTips } from "./lane-recovery.ts";
import { emptyLanes } from "./lane-state.ts";
import { settleLanes } from "./lane-store.ts";
import { emptySafetyRecord, restoreVote } from "./safety-record.ts";
import { genesisParent, keepBlock, parentOf, viewCertificates, type Replica, type ReplicaOptions } from "./state.ts";

export interface History {
  /** Of the vote log, in the order of the file. */
  readonly records: readonly DurableRecord[];
  /** The last block of the block log. */
  readonly tip: FinalBlock | undefined;
  /** What the exchange is known to have been after recent heights, ascending; the last is what it is now. */
  readonly executed: readonly ExecutedRoots[];
}

export type Recovered =
  | { readonly kind: "recovered"; readonly replica: Replica }
  /** `about`: what the fault is in. Without its votes a validator can go on in quarantine, without its chain it cannot. */
  | { readonly kind: "refused"; readonly about: "votes" | "chain"; readonly fact: string };

/** The replica as it was when its last record was written, ready for `start`; or why it must not run. */
export function recover(options: ReplicaOptions, history: History): Recovered {
  const replica = newReplica(options);
  const fact = restoreTip(replica, history.tip) ?? restoreExecuted(replica, history.executed);
  if (fact !== undefined) return { kind: "refused", about: "chain", fact };
  restoreConvicted(replica, replica.lastFinal.convicted);
  let votedView = 0;
  for (const record of history.records) {
    const fault = restoreRecord(replica, record);
    if (fault !== undefined) return { kind: "refused", about: "votes", fact: fault };
    if (record.kind !== "voted" || record.vote.kind === "finalize") continue;
    if (record.vote.view < votedView) {
      return { kind: "refused", about: "votes", fact: "the vote log is not in the order of views" };
    }
    votedView = record.vote.view;
  }
  replica.view = currentView(replica);
  replica.entry = entryOf(replica);
  replica.activeViews.fill(replica.view);
  if (history.tip !== undefined) compareClaim(replica, history.tip.header);
  const halted = replica.effects.find((effect) => effect.kind === "halt");
  return halted === undefined ? { kind: "recovered", replica } : { kind: "refused", about: "chain", fact: halted.fact };
}

function newReplica(options: ReplicaOptions): Replica {
  const { parameters, set } = options;
  return {
    ...options,
    schedule: leaderSchedule(set),
    safety: emptySafetyRecord(),
    evidence: emptyEvidenceBook(),
    view: 1 as View,
    entry: undefined,
    enteredAtMs: 0,
    running: false,
    clockStartedMs: 0,
    idleElapsed: false,
    workPending: false,
    payloadAsked: undefined,
    certificates: new Map(),
    tallies: new Map(),
    candidates: new Map(),
    myProposals: new Map(),
    proposedBefore: new Map(),
    blocks: new Map(),
    openViews: new Set(),
    activeViews: set.validators.map(() => 0),
    lastFinal: genesisParent(parameters),
    forgottenView: 0 as View,
    highestFinalization: undefined,
    executed: new Map([[0 as Height, parameters.genesisRoots]]),
    executedHeight: 0 as Height,
    claims: new Map(),
    sameThrough: 0 as Height,
    divergence: undefined,
    disputed: undefined,
    lanes: emptyLanes(set.validators.length),
    peers: set.validators.map(() => ({ connected: false, status: undefined })),
    viewsProven: new Map(),
    requests: new Map(),
    overdue: new Map(),
    // An answer to a request of an earlier start must not be taken for one of this.
    nextRequest: (parameters.session % 0x1_0000) * 0x1_0000 + 1,
    halted: false,
    now: { monotonicMs: 0, wallMs: parameters.genesisTimeMs },
    effects: [],
    agenda: [],
  };
}

function restoreTip(replica: Replica, tip: FinalBlock | undefined): string | undefined {
  if (tip === undefined) return undefined;
  const { header, descendants, certificates, payload } = tip;
  if (!payloadMatches(header, payload) || !verifyFinality(replica.scheme, replica.set, tip)) {
    return `the last block of the block log, ${header.height}, is not proven final`;
  }
  const digest = headerDigest(header);
  replica.lastFinal = parentOf({ header, digest });
  replica.safety.floor = header.view;
  keepBlock(replica, digest, header, payload).durable = true;
  settleLanes(replica);
  for (const one of descendants) keepBlock(replica, headerDigest(one), one);
  for (const one of certificates) {
    if (one === certificates[0] || replica.scheme.verifyCertificate(replica.set, one)) keepCertificate(replica, one);
  }
  return undefined;
}

function restoreExecuted(replica: Replica, executed: readonly ExecutedRoots[]): string | undefined {
  for (const roots of executed) {
    if (replica.lastFinal.height < roots.height) {
      return `the exchange has executed height ${roots.height}, which is not in the block log`;
    }
    replica.executed.set(roots.height, roots);
    replica.executedHeight = roots.height;
  }
  return undefined;
}

function restoreRecord(replica: Replica, record: DurableRecord): string | undefined {
  switch (record.kind) {
    case "proposed": {
      const { view, header, payload } = record;
      if (header.view !== view || !carriedMatches(header, payload)) return `the proposal of view ${view} is damaged`;
      const earlier = replica.proposedBefore.get(view);
      if (earlier !== undefined && !equalBytes(headerDigest(earlier.header), headerDigest(header))) {
        return `the vote log holds two proposals for view ${view}`;
      }
      replica.proposedBefore.set(view, { header, payload });
      return restoreBlock(replica, header, payload);
    }
    case "voted": {
      const { vote, header, payload } = record;
      const fault = foreignVote(replica, vote) ?? restoreVote(replica.safety, vote);
      if (fault !== undefined || header === undefined || payload === undefined) return fault;
      if (vote.kind === "nullify" || !equalBytes(headerDigest(header), vote.digest)) {
        return `the block beside the ${vote.kind} vote of view ${vote.view} is another one`;
      }
      return restoreBlock(replica, header, payload);
    }
    case "block":
      return restoreBlock(replica, record.header, record.payload);
    case "batch":
      return restoreBatch(replica, record.batch);
    case "acknowledged":
      return restoreAcknowledged(replica, record);
    case "certificate":
      if (replica.lastFinal.view <= record.certificate.view) keepCertificate(replica, record.certificate);
      return undefined;
    case "finalized":
      // Votes at or below this view may have been dropped from the log, so none is ever cast there again.
      replica.safety.floor = Math.max(replica.safety.floor, record.view) as View;
      restoreFinalTips(replica, record.tips);
      return undefined;
    case "evidence":
      restorePending(replica, record.evidence);
      return undefined;
    case "logLost":
      // Each segment of a log repeats it.
      replica.safety.lostLog ??= { fact: record.fact, keyFloor: record.keyFloor, floor: undefined };
      return undefined;
    case "floor":
      if (replica.safety.lostLog === undefined) return "the vote log holds a floor without a loss";
      replica.safety.lostLog.floor = record.view;
      return undefined;
  }
}

function restoreBlock(replica: Replica, header: DurableBlock["header"], payload: Uint8Array): string | undefined {
  if (!carriedMatches(header, payload)) return `the payload of the block of view ${header.view} is damaged`;
  if (replica.lastFinal.height < header.height)
    keepCarried(replica, headerDigest(header), header, payload).durable = true;
  return undefined;
}
type DurableBlock = Extract<DurableRecord, { kind: "block" }>;

/** A vote above the last final block must be this validator's own, and signed. Older ones are not checked again. */
function foreignVote(replica: Replica, vote: Vote): string | undefined {
  const own = vote.signer === replica.self && vote.epoch === replica.set.epoch;
  if (own && vote.view <= replica.lastFinal.view) return undefined;
  if (own && replica.scheme.verifyVote(replica.set, vote)) return undefined;
  return `the vote log holds a vote in view ${vote.view} that this validator did not sign on this chain`;
}

/** The view that certificates and own votes show this replica to have been in. */
function currentView(replica: Replica): View {
  let view = Math.max(1, replica.lastFinal.view + 1, replica.safety.floor + 1);
  for (const certified of replica.certificates.keys()) view = Math.max(view, certified + 1);
  for (const [voted, { finalize }] of replica.safety.votes) {
    view = Math.max(view, finalize === undefined ? voted : voted + 1);
  }
  for (const proposed of replica.proposedBefore.keys()) view = Math.max(view, proposed);
  return view as View;
}

function entryOf(replica: Replica): Replica["entry"] {
  const { notarization, nullification, finalization } = viewCertificates(replica, (replica.view - 1) as View);
  return finalization ?? notarization ?? nullification;
}
