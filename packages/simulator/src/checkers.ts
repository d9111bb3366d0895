/**
 * The invariants of consensus.md section 4, held after every event by watching what honest nodes send, deliver and execute:
 *
 * - I1 no two honest nodes deliver different blocks at one height;
 * - I2 a view has at most one notarized block;
 * - I3 no view has both a nullification and a final block;
 * - I4 an honest key casts one notarize vote a view, and one of nullify and finalize, across restarts;
 * - I5 a final block is on synced disks of more than a third of the stake, all honest;
 * - I6 a height has one state;
 * - I7 no value is made or lost;
 * - I9 no honest node is accused by an honest one;
 * - every view that a final block skips was nullified by a quorum.
 *
 * They know nothing of how the protocol works; liveness (I8) is the runner's, since it needs an end.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { View } from "@stoa/base/units";
import type { Message } from "@stoa/consensus/message";
import type { FinalBlock } from "@stoa/protocol/block";
import { hasHonest, type Certificate, type Scheme, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import type { Vote } from "@stoa/protocol/finality/vote";

export interface Checkers {
  readonly set: ValidatorSet;
  readonly scheme: Scheme;
  readonly failures: string[];
  /** Per height: the digest delivered first. */
  readonly delivered: Map<number, string>;
  /** Per view: what is known to be certified. */
  readonly certified: Map<View, { notarized?: string; nullified?: boolean; final?: string }>;
  /** Per digest of a proposed block: where it stands. */
  readonly proposed: Map<string, Pick<Header, "view" | "parentView">>;
  /** Per signer, view and exclusive pair of kinds: what was signed. */
  readonly cast: Map<string, string>;
  readonly states: Map<number, string>;
  /** Per height: whether the first delivery found the block on enough disks. */
  readonly stored: Set<number>;
}

export function createCheckers(set: ValidatorSet, scheme: Scheme): Checkers {
  return {
    set,
    scheme,
    failures: [],
    delivered: new Map(),
    certified: new Map(),
    proposed: new Map(),
    cast: new Map(),
    states: new Map(),
    stored: new Set(),
  };
}

function fail(checkers: Checkers, fact: string): void {
  if (checkers.failures.length < 20) checkers.failures.push(fact);
}

/** An honest node sends a message. */
export function checkSent(checkers: Checkers, sender: number, message: Message): void {
  if (message.kind === "vote") checkVote(checkers, sender, message.vote);
  for (const certificate of certificatesIn(message)) noteCertificate(checkers, certificate);
  if (message.kind === "proposal") noteProposed(checkers, message.proposal.header);
}

/** A faulty node sends a message: only what verifies counts. */
export function noteFromFaulty(checkers: Checkers, message: Message): void {
  for (const certificate of certificatesIn(message)) {
    if (checkers.scheme.verifyCertificate(checkers.set, certificate)) noteCertificate(checkers, certificate);
  }
  if (message.kind === "proposal") noteProposed(checkers, message.proposal.header);
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

export function checkAccusation(checkers: Checkers, node: number, accused: number, fact: string): void {
  fail(checkers, `I9: node ${node} accuses ${accused}, which is honest: ${fact}`);
}

export function checkHalt(checkers: Checkers, node: number, fact: string): void {
  fail(checkers, `node ${node} halts: ${fact}`);
}

function checkVote(checkers: Checkers, sender: number, vote: Vote): void {
  if (vote.signer !== sender) return;
  const slot = vote.kind === "notarize" ? "notarize" : "nullify or finalize";
  const key = `${sender} ${vote.view} ${slot}`;
  const signed = `${vote.kind} ${toHex(vote.signature)}`;
  const known = checkers.cast.get(key) ?? signed;
  checkers.cast.set(key, known);
  if (known !== signed) fail(checkers, `I4: node ${sender} casts ${signed} in view ${vote.view} after ${known}`);
}

function noteCertificate(checkers: Checkers, certificate: Certificate): void {
  const { view } = certificate;
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
