/**
 * The invariants of consensus.md section 4, held after every event by watching what honest nodes send, deliver and execute:
 *
 * - I1 no two honest nodes deliver different blocks at one height;
 * - I2 a view has at most one notarized block;
 * - I3 no view has both a nullification and a final block;
 * - I4 an honest key casts one notarize vote a view, and one of nullify and finalize, across restarts;
 * - I5 a final block is on synced disks of a third of the stake at least, all honest, when it is first delivered; at the end
 *   the shipped recovery finds it on an honest disk;
 * - I6 a height has one state;
 * - I7 no value is made or lost;
 * - I9 no honest node is accused by an honest one, nor convicted by what was said on the wire or by the chain;
 * - every view that a final block skips was nullified by a quorum;
 * - a place of a lane has at most one proven batch (`lane-checkers.ts`);
 * - a vote log comes back as it was written: nothing that was synced is gone, nothing is there that was not written.
 *
 * They know nothing of how the protocol works. I10 is in `bounds.ts`; liveness (I8, I11) is the runner's, since it needs an
 * end. Who is honest may change during a run: a node whose disk lies is not.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { SignatureScheme } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import { describeDivergence } from "@stoa/consensus/divergence";
import type { Divergence } from "@stoa/consensus/effect";
import type { Effect } from "@stoa/consensus/effect";
import type { Message } from "@stoa/consensus/message";
import type { FinalBlock } from "@stoa/protocol/block";
import { hasHonest, type Certificate, type Scheme, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import { decodeEvidence, verifyEvidence } from "@stoa/protocol/finality/evidence";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import {
  createAccountability,
  forgetBelow,
  weighCertificate,
  weighMessage,
  type Accountability,
} from "./accountability.ts";
import { createLaneCheckers, laneFaults, type LaneCheckers } from "./lane-checkers.ts";

export interface Checkers {
  readonly set: ValidatorSet;
  readonly scheme: Scheme;
  readonly failures: string[];
  /** Above a third of faulty stake: what broke, which is then allowed as long as the guilty are found. */
  readonly tolerated: string[] | undefined;
  readonly accountability: Accountability;
  /** Per validator and kind of offence: from when an honest node could prove it, and since when the chain does. */
  readonly evidence: Map<string, { readonly foundAt: number; provenAt: number | undefined }>;
  readonly isHonest: (node: number) => boolean;
  /** Per height: the digest delivered first. */
  readonly delivered: Map<number, string>;
  /** Per view: what is known to be certified. */
  readonly certified: Map<View, { notarized?: string; nullified?: boolean; final?: string }>;
  /** Per digest of a proposed block: where it stands. */
  readonly proposed: Map<string, Pick<Header, "view" | "parentView">>;
  /** Per signer, view and exclusive pair of kinds: what was signed. */
  readonly cast: Map<string, { readonly view: View; readonly signed: string }>;
  readonly states: Map<number, string>;
  /** Per height: whether the first delivery found the block on enough disks. */
  readonly stored: Set<number>;
  readonly lanes: LaneCheckers;
}

export interface CheckersOptions {
  readonly set: ValidatorSet;
  readonly scheme: Scheme;
  readonly verify: SignatureScheme["verify"];
  readonly isHonest: (node: number) => boolean;
  readonly tolerant: boolean;
}

export function createCheckers({ set, scheme, verify, isHonest, tolerant }: CheckersOptions): Checkers {
  return {
    set,
    scheme,
    failures: [],
    tolerated: tolerant ? [] : undefined,
    accountability: createAccountability(set, scheme, verify),
    evidence: new Map(),
    isHonest,
    delivered: new Map(),
    certified: new Map(),
    proposed: new Map(),
    cast: new Map(),
    states: new Map(),
    stored: new Set(),
    lanes: createLaneCheckers(),
  };
}

const failuresCountMax = 20;

/** Something that must hold does not. */
export function fail(checkers: Checkers, fact: string): void {
  const list = checkers.tolerated ?? checkers.failures;
  if (list.length < failuresCountMax) list.push(fact);
}

/** A node sends a message; of what a faulty one sends, only what verifies counts. */
export function checkSent(checkers: Checkers, sender: number, message: Message): void {
  const honest = checkers.isHonest(sender);
  if (message.kind === "vote") {
    if (honest) checkVote(checkers, sender, message.vote);
  }
  accuse(checkers, weighMessage(checkers.accountability, message));
  for (const certificate of certificatesIn(message)) {
    if (honest || checkers.scheme.verifyCertificate(checkers.set, certificate)) noteCertificate(checkers, certificate);
  }
  if (message.kind === "proposal") noteProposed(checkers, message.proposal.header);
  for (const fault of laneFaults(checkers.lanes, checkers, { index: sender, honest }, message)) fail(checkers, fault);
}

function accuse(checkers: Checkers, convicted: readonly ValidatorIndex[]): void {
  for (const one of convicted) {
    if (!checkers.isHonest(one)) continue;
    checkers.failures.push(`I9: honest node ${one} is convicted: ${checkers.accountability.guilty.get(one)}`);
  }
}

export function checkDelivered(
  checkers: Checkers,
  node: number,
  block: FinalBlock,
  before: { readonly height: number; readonly digest: Uint8Array },
): void {
  const { header } = block;
  const digest = headerDigest(header);
  const text = toHex(digest);
  const known = checkers.delivered.get(header.height) ?? text;
  checkers.delivered.set(header.height, known);
  if (known !== text) fail(checkers, `I1: node ${node} delivers ${text} at height ${header.height}, another ${known}`);
  if (header.height !== before.height + 1 || !equalBytes(header.parentDigest, before.digest)) {
    fail(checkers, `I1: node ${node} delivers height ${header.height} after ${before.height}`);
  }
  if (!verifyFinality(checkers.scheme, checkers.set, block)) {
    fail(checkers, `node ${node} delivers height ${header.height} without proof`);
  }
  for (const certificate of block.certificates) noteCertificate(checkers, certificate);
  checkSkips(checkers, header);
}

function noteProposed(checkers: Checkers, header: Header): void {
  checkers.proposed.set(toHex(headerDigest(header)), header);
}

/** A certified block skips only views that a quorum gave up. */
function checkSkips(checkers: Checkers, { view, parentView }: Pick<Header, "view" | "parentView">): void {
  for (let skipped = (parentView + 1) as View; skipped < view; skipped++) {
    if (checkers.certified.get(skipped)?.nullified === true) continue;
    fail(checkers, `the block of view ${view} skips view ${skipped}, which nobody nullified`);
  }
}

/** `holders` are the honest nodes on whose synced disk the block is. */
export function checkStored(checkers: Checkers, block: FinalBlock, holders: readonly number[]): void {
  const { height } = block.header;
  if (checkers.stored.has(height)) return;
  checkers.stored.add(height);
  const stake = holders.reduce((sum, index) => sum + checkers.set.validators[index]!.stake, 0);
  if (!hasHonest(checkers.set, stake))
    fail(checkers, `I5: height ${height} is final and on the disks of ${holders.join(", ")}`);
}

export function checkExecuted(
  checkers: Checkers,
  node: number,
  roots: ExecutedRoots,
  imbalance: string | undefined,
): void {
  const text = [...roots.moduleRoots, roots.resultsRoot].map(toHex).join(" ");
  const known = checkers.states.get(roots.height) ?? text;
  checkers.states.set(roots.height, known);
  if (known !== text) fail(checkers, `I6: node ${node} computes ${text} at height ${roots.height}, another ${known}`);
  if (imbalance !== undefined) fail(checkers, `I7: node ${node} at height ${roots.height}: ${imbalance}`);
}

/** `node` says that `accused` misbehaved. After a fork such a word proves nothing: the states differ; a conviction does. */
export function checkAccusation(checkers: Checkers, node: number, accused: number, fact: string): void {
  if (!checkers.isHonest(node) || !checkers.isHonest(accused)) return;
  fail(checkers, `I9: node ${node} accuses ${accused}, which is honest: ${fact}`);
}

/** `node` says that its state is not the agreed one, or not the one that others propose. */
export function checkDivergence(checkers: Checkers, node: number, divergence: Divergence): void {
  if (checkers.isHonest(node)) fail(checkers, `I6: node ${node} says: ${describeDivergence(divergence, [])}`);
}

/**
 * What an honest node says it can prove, or knows in the chain: the shipped judge must say the same, and nobody honest may be in
 * it. `height` is how far the chain is.
 */
export function checkEvidence(
  checkers: Checkers,
  node: number,
  said: Extract<Effect, { kind: "evidence" }>,
  height: number,
): void {
  if (!checkers.isHonest(node)) return;
  const judgement = verifyEvidence(checkers.accountability.judge, decodeEvidence(said.evidence)!);
  if (judgement.kind === "refused") {
    checkers.failures.push(`I9: what node ${node} calls evidence convicts nobody: ${judgement.fact}`);
    return;
  }
  const { kind, guilty } = judgement.offence;
  for (const one of guilty) {
    if (checkers.isHonest(one)) checkers.failures.push(`I9: honest node ${one} is in evidence of ${kind}`);
    const key = `${one} ${kind}`;
    const known = checkers.evidence.get(key) ?? { foundAt: height, provenAt: undefined };
    if (said.event === "final") known.provenAt ??= said.height;
    checkers.evidence.set(key, known);
  }
}

export function checkHalt(checkers: Checkers, node: number, fact: string): void {
  if (checkers.isHonest(node)) fail(checkers, `node ${node} halts: ${fact}`);
}

/** What a vote log is opened with, against what was in it: by name, so that old parts may have been dropped meanwhile. */
export function checkRecovered(
  checkers: Checkers,
  node: number,
  log: {
    readonly opened: readonly string[];
    readonly written: ReadonlySet<string>;
    readonly synced: ReadonlySet<string>;
  },
): void {
  const opened = new Set(log.opened);
  const invented = log.opened.filter((one) => !log.written.has(one)).length;
  if (0 < invented) fail(checkers, `log: node ${node} reads ${invented} records that it never wrote`);
  const forgotten = [...log.synced].filter((one) => !opened.has(one)).length;
  if (0 < forgotten && checkers.isHonest(node)) fail(checkers, `log: node ${node} lost ${forgotten} synced records`);
}

/** At the end: every block that was delivered is found on an honest disk. */
export function checkRetrievable(checkers: Checkers, found: ReadonlySet<string>): void {
  for (const [height, digest] of checkers.delivered) {
    if (!found.has(digest)) fail(checkers, `I5: the final block of height ${height} is on no honest disk`);
  }
}

/** What lies below is not asked for again: all honest nodes have delivered `height`, whose block is of `view`. */
export function forgetChecked(checkers: Checkers, height: number, view: number): void {
  const heights = [checkers.delivered, checkers.states] as const;
  for (const map of heights) for (const known of map.keys()) if (known < height) map.delete(known);
  for (const known of checkers.stored) if (known < height) checkers.stored.delete(known);
  for (const known of checkers.certified.keys()) if (known < view) checkers.certified.delete(known);
  for (const [digest, known] of checkers.proposed) if (known.view < view) checkers.proposed.delete(digest);
  for (const [key, known] of checkers.cast) if (known.view < view) checkers.cast.delete(key);
  forgetBelow(checkers.accountability, view);
}

function checkVote(checkers: Checkers, sender: number, vote: Vote): void {
  if (vote.signer !== sender) return;
  const slot = vote.kind === "notarize" ? "notarize" : "nullify or finalize";
  const key = `${sender} ${vote.view} ${slot}`;
  const signed = `${vote.kind} ${toHex(vote.signature)}`;
  const known = checkers.cast.get(key) ?? { view: vote.view, signed };
  checkers.cast.set(key, known);
  if (known.signed === signed) return;
  fail(checkers, `I4: node ${sender} casts ${signed} in view ${vote.view} after ${known.signed}`);
}

function noteCertificate(checkers: Checkers, certificate: Certificate): void {
  const { view } = certificate;
  accuse(checkers, weighCertificate(checkers.accountability, certificate));
  const known = checkers.certified.get(view) ?? {};
  checkers.certified.set(view, known);
  if (certificate.kind === "nullification") known.nullified = true;
  else {
    const digest = toHex(certificate.digest);
    const other = known.notarized ?? known.final ?? digest;
    if (other !== digest) fail(checkers, `I2: view ${view} certifies ${digest} and ${other}`);
    if (certificate.kind === "notarization") known.notarized = digest;
    else known.final = digest;
    const header = checkers.proposed.get(digest);
    if (header !== undefined) checkSkips(checkers, header);
  }
  if (known.nullified === true && known.final !== undefined) {
    fail(checkers, `I3: view ${view} is nullified and has the final block ${known.final}`);
  }
}

function certificatesIn(message: Message): readonly Certificate[] {
  switch (message.kind) {
    case "certificate":
      return [message.certificate];
    case "certificates":
      return message.certificates;
    case "proposal": {
      const { parentCertificate, skips } = message.proposal;
      return parentCertificate === undefined ? skips : [parentCertificate, ...skips];
    }
    case "status":
      return message.status.entryCertificate === undefined ? [] : [message.status.entryCertificate];
    default:
      return [];
  }
}
