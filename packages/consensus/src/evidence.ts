/**
 * Finding evidence (consensus.md 3.11): whoever sees two signed messages that exclude each other keeps the pair and sends it to
 * all, so that whichever honest validator leads next can put it into its block (`evidence-in-blocks.ts`).
 *
 * Two halves of an offence often reach two validators. Votes that a certificate names are known to all, since the certificate
 * is; and whoever sees a vote for another block than the proposal that it holds shows that proposal to the voter.
 *
 * Nothing is checked twice: signatures are looked at only when two messages exclude each other, and only as long as their
 * signer has not been convicted of that kind of offence.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { View } from "@stoa/base/units";
import { signersOf, type Certificate } from "@stoa/protocol/finality/certificate";
import {
  accusationOf,
  decodeEvidence,
  encodeEvidence,
  exclusionOf,
  offenceWords,
  proposalsEvidence,
  proposalSignBytes,
  statementOf,
  statementsEvidence,
  subjectOf,
  verifyEvidence,
  withOffence,
  type Evidence,
  type Offence,
  type SignedDigest,
} from "@stoa/protocol/finality/evidence";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import {
  broadcast,
  emit,
  misbehaviour,
  oldestView,
  send,
  viewCertificates,
  type CountedVote,
  type Replica,
} from "./state.ts";
import { leader } from "./view.ts";

/** Keeps evidence whose signatures this replica has verified, and tells everyone. What is known already is not told again. */
export function reportOffence(replica: Replica, item: Evidence): void {
  const offence = accusationOf(replica.set, item);
  const evidence = encodeEvidence(item);
  if ("fact" in offence || !keepPending(replica, offence, evidence)) return;
  const words = offenceWords(offence, (signer) => `validator ${signer}`);
  for (const signer of offence.guilty) misbehaviour(replica, signer, words);
  broadcast(replica, { kind: "evidence", evidence });
}

/** Evidence from a peer, who has told everyone: it is kept, not told again. */
export function receiveEvidence(replica: Replica, from: ValidatorIndex, evidence: Uint8Array): void {
  const item = decodeEvidence(evidence);
  if (item === undefined) return misbehaviour(replica, from, "evidence that cannot be read");
  if (!("fact" in accusationOf(replica.set, item)) && !isNews(replica, item)) return;
  const judgement = verifyEvidence(replica, item);
  if (judgement.kind === "guilty") return void keepPending(replica, judgement.offence, evidence);
  misbehaviour(replica, from, `evidence that convicts nobody: ${judgement.fact}`);
}

// ---- votes and certificates

/**
 * Holds a vote against what else is known of its signer in this view: its other votes, and certificates that name it. Says
 * whether the vote is genuine; `undefined` when there was no reason to look.
 */
export function weighVote(replica: Replica, vote: Vote): boolean | undefined {
  const held = contradictionOf(replica, vote);
  if (held === undefined) return undefined;
  const other = "signers" in held ? held : held.vote;
  const item = statementsEvidence(statementOf(vote), statementOf(other));
  if (!isNews(replica, item)) return undefined;
  if (!replica.scheme.verifyVote(replica.set, vote)) return false;
  if ("signers" in held || proveHeld(replica, held)) reportOffence(replica, item);
  return true;
}

/** Holds a verified certificate against the certificates and the votes of its view. PERF: O(signers), and no signature. */
export function weighCertificate(replica: Replica, certificate: Certificate): void {
  const said = statementOf(certificate);
  const { notarization, nullification, finalization } = viewCertificates(replica, certificate.view);
  for (const other of [notarization, nullification, finalization]) {
    if (other !== undefined && excludes(other, certificate)) {
      reportOffence(replica, statementsEvidence(statementOf(other), said));
    }
  }
  const tally = replica.tallies.get(certificate.view);
  if (tally === undefined) return;
  const signers = signersOf(replica.set, certificate.signers) ?? [];
  for (const votes of [tally.notarize, tally.nullify, tally.finalize]) {
    for (const signer of signers) {
      const held = votes.get(signer);
      if (held === undefined || !excludes(held.vote, certificate)) continue;
      const item = statementsEvidence(statementOf(held.vote), said);
      if (isNews(replica, item) && proveHeld(replica, held)) reportOffence(replica, item);
    }
  }
}

/** What is held here of the signer of `vote` that it may not have cast beside it. */
function contradictionOf(replica: Replica, vote: Vote): CountedVote | Certificate | undefined {
  const tally = replica.tallies.get(vote.view);
  for (const votes of tally === undefined ? [] : [tally.notarize, tally.nullify, tally.finalize]) {
    const held = votes.get(vote.signer);
    if (held !== undefined && excludes(held.vote, vote)) return held;
  }
  const { notarization, nullification, finalization } = viewCertificates(replica, vote.view);
  return [notarization, nullification, finalization].find(
    (held) => held && excludes(held, vote) && (signersOf(replica.set, held.signers) ?? []).includes(vote.signer),
  );
}

const excludes = (one: Vote | Certificate, other: Vote | Certificate): boolean =>
  exclusionOf(subjectOf(one), subjectOf(other)) !== undefined;

/**
 * Checks a vote by itself, since others will. One that was believed because of the connection over which it came goes when it is
 * forged; one that passed with others stays, because the certificate that they make may need it.
 */
function proveHeld(replica: Replica, held: CountedVote): boolean {
  held.proven ??= replica.scheme.verifyVote(replica.set, held.vote);
  const { kind, view, signer } = held.vote;
  if (!held.proven && !held.verified) replica.tallies.get(view)?.[kind].delete(signer);
  return held.proven;
}

// ---- proposals

/**
 * A proposal by the leader of its view, reduced to what is signed: the first is kept, and another one convicts. Says whether the
 * signature is genuine; `undefined` when there was no reason to look.
 */
export function weighProposal(
  replica: Replica,
  view: View,
  proposal: SignedDigest,
  isSigned: boolean,
): boolean | undefined {
  if (view < oldestView(replica) || replica.view + 1 < view) return undefined;
  const { proposals } = replica.evidence;
  const known = proposals.get(view);
  if (known !== undefined && equalBytes(known.digest, proposal.digest)) return undefined;
  const { epoch, validators } = replica.set;
  const signer = leader(replica, view);
  const where = { epoch, view, signer };
  if (known !== undefined && !isNews(replica, proposalsEvidence(where, known, proposal))) return undefined;
  const bytes = proposalSignBytes(replica.set, view, proposal.digest);
  if (!isSigned && !replica.verify(proposal.signature, bytes, validators[signer]!.key)) return false;
  if (known !== undefined) {
    reportOffence(replica, proposalsEvidence(where, known, proposal));
    return true;
  }
  proposals.set(view, proposal);
  for (const { vote } of replica.tallies.get(view)?.notarize.values() ?? []) showProposal(replica, vote);
  return true;
}

/** Shows the proposal that this replica holds to a peer that voted for another block: whichever has both tells everyone. */
export function showProposal(replica: Replica, vote: Vote): void {
  if (vote.kind !== "notarize" || vote.signer === replica.self) return;
  const known = replica.evidence.proposals.get(vote.view);
  if (known === undefined || equalBytes(known.digest, vote.digest)) return;
  send(replica, vote.signer, { kind: "proposalSeen", epoch: vote.epoch, view: vote.view, ...known });
}

export function receiveProposalSeen(
  replica: Replica,
  from: ValidatorIndex,
  seen: SignedDigest & { readonly epoch: number; readonly view: View; readonly digest: Digest },
): void {
  const { epoch, view, digest, signature } = seen;
  if (epoch !== replica.set.epoch) return;
  if (weighProposal(replica, view, { digest, signature }, false) !== false) return;
  misbehaviour(replica, from, `a proposal of view ${view} that its leader did not sign`);
}

// ---- keeping

/** Keeps what says something new; whether it did. */
function keepPending(replica: Replica, offence: Offence, evidence: Uint8Array): boolean {
  if (!enterPending(replica, offence, evidence)) return false;
  emit(replica, { kind: "persist", record: { kind: "evidence", evidence }, barrier: false });
  emit(replica, { kind: "evidence", event: "found", offence, evidence, height: undefined });
  return true;
}

function enterPending({ set, evidence: book }: Replica, offence: Offence, encoded: Uint8Array): boolean {
  const proven = withOffence(set, book.proven, offence);
  if (proven === book.proven) return false;
  book.proven = proven;
  book.pending = [...book.pending, { offence, encoded }];
  return true;
}

/** Whether a conviction would be a new one: a validator is convicted of one kind of offence once in an epoch. */
function isNews({ set, evidence: book }: Replica, item: Evidence): boolean {
  const accusation = accusationOf(set, item);
  return !("fact" in accusation) && withOffence(set, book.proven, accusation) !== book.proven;
}

/** Evidence that this replica kept before it was restarted. What is in the chain by now, or damaged, is left out. */
export function restorePending(replica: Replica, encoded: Uint8Array): void {
  const item = decodeEvidence(encoded);
  if (item === undefined || !isNews(replica, item)) return;
  const judgement = verifyEvidence(replica, item);
  if (judgement.kind === "guilty") enterPending(replica, judgement.offence, encoded);
}
