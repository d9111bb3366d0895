/**
 * A validator whose vote log is lost or damaged (consensus.md 3.9). It does not know what it signed, so it signs nothing but
 * statuses until it is above everything that it can have signed:
 *
 * 1. It asks all others where they are, with a nonce that no earlier start used, and waits for a quorum by stake of them. Its
 *    own stake does not count; nor does a status of a validator that is in quarantine itself, nor one without a valid
 *    certificate of the view before the one that it claims.
 * 2. V is the highest of these views, the floor V + 1. The floor is on disk before it is used, and no crash moves it back.
 * 3. Nothing is signed at or below the floor. The quarantine ends when a certificate moves this validator above it.
 *
 * Why that is enough: when it was in view u before the loss, a quorum had signed in view u - 1. That quorum and the one that
 * answers share an honest validator that is not in quarantine, whose votes are on its disk: it is at least in view u - 1. So V
 * is at least u - 1 and the floor at least u, and nothing was signed above u. With the floor one lower, or with answers of
 * validators in quarantine, chains fork: the search over all states finds it.
 *
 * Without a quorum of others it stays silent, for the rest of the epoch if need be: then it counts among the third that may
 * be faulty.
 */
import { present } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import { taggedHash, zeroDigest, type Digest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import { isQuorum, signersOf, stakeOf, voteKindOf, type Certificate } from "@stoa/protocol/finality/certificate";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { status as statusCodec, type Message, type Status } from "./message.ts";
import { ownVotes } from "./safety-record.ts";
import { emit, plan, send, type Replica } from "./state.ts";

/** Whether this replica lost its log and is not above everything that it may have signed. */
export function isQuarantined({ safety: { lostLog }, view }: Replica): boolean {
  return lostLog !== undefined && (lostLog.floor === undefined || view <= lostLog.floor);
}

/** What an operator must know of a quarantine. */
export interface Quarantine {
  /** How the log was lost. */
  readonly fact: string;
  /** Silent through this view; `undefined` until a quorum of others has said where they are. */
  readonly floor: View | undefined;
  /** Those whose answers count so far, and those that are still waited for. */
  readonly heard: readonly ValidatorIndex[];
  readonly awaited: readonly ValidatorIndex[];
  /** The others together are no quorum: it can only stay silent. */
  readonly hopeless: boolean;
}

export function quarantineOf(replica: Replica): Quarantine | undefined {
  const { set, safety, viewsProven } = replica;
  if (safety.lostLog === undefined || !isQuarantined(replica)) return undefined;
  const { fact, floor } = safety.lostLog;
  const others = othersOf(replica);
  return {
    fact,
    floor,
    heard: others.filter((peer) => viewsProven.has(peer)),
    awaited: others.filter((peer) => !viewsProven.has(peer)),
    hopeless: !isQuorum(set, stakeOf(set, others)),
  };
}

// ---- statuses

/** Where this replica stands, signed; with the nonce of the one who asks. */
export function ownStatus(replica: Replica, nonce: Digest = zeroDigest): Status {
  const claims = {
    epoch: replica.set.epoch,
    view: replica.view,
    entryCertificate: replica.entry,
    finalHeight: replica.lastFinal.height,
    finalView: replica.lastFinal.view,
    session: replica.parameters.session,
    nonce,
    quarantined: isQuarantined(replica),
  };
  return { ...claims, signature: replica.sign(statusBytes(replica, claims)) };
}

const unsigned = new Uint8Array(64) as Signature;

/** What the signature of a status is over. */
export function statusBytes({ set }: Pick<Replica, "set">, claims: Omit<Status, "signature">): Uint8Array {
  const digest = taggedHash("status", encode(statusCodec, { ...claims, signature: unsigned }));
  return consensusSignBytes({ kind: "status", chainId: set.chainId, epoch: claims.epoch, view: claims.view, digest });
}

// ---- the one who asks

/** Asks everyone whose view is not proven yet, while the floor is not known. */
export function askForStatuses(replica: Replica): void {
  if (!asks(replica)) return;
  for (const peer of othersOf(replica)) askForStatus(replica, peer);
}

export function askForStatus(replica: Replica, peer: ValidatorIndex): void {
  if (!asks(replica) || replica.viewsProven.has(peer) || !replica.peers[peer]!.connected) return;
  const request = replica.nextRequest;
  replica.nextRequest = (request + 1) % 0x1_0000_0000;
  send(replica, peer, { kind: "statusWanted", request, nonce: nonceOf(replica) });
}

const asks = ({ safety: { lostLog } }: Replica): boolean => lostLog !== undefined && lostLog.floor === undefined;

const nonceOf = (replica: Replica): Digest => present(replica.nonce, "a validator that lost its log has a nonce");

const othersOf = (replica: Replica): ValidatorIndex[] =>
  replica.set.validators.map((_, index) => index as ValidatorIndex).filter((index) => index !== replica.self);

/** Counts an answer, and takes the floor when a quorum of others has answered. */
export function countStatus(replica: Replica, from: ValidatorIndex, status: Status): void {
  if (!asks(replica) || !provesView(replica, from, status)) return;
  replica.viewsProven.set(from, Math.max(status.view, replica.viewsProven.get(from) ?? 0) as View);
  const answering = [...replica.viewsProven.keys()].filter((peer) => peer !== replica.self);
  if (!isQuorum(replica.set, stakeOf(replica.set, answering))) return;
  const lostLog = present(replica.safety.lostLog, "only a validator that lost its log asks");
  const highest = Math.max(...replica.viewsProven.values());
  lostLog.floor = Math.max(highest + 1, lostLog.keyFloor) as View;
  emit(replica, { kind: "persist", record: { kind: "floor", view: lostLog.floor }, barrier: true });
  // Certificates may have moved it above its floor while it asked.
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

/** An answer to this start, by a validator that knows what it signed, with a certificate that puts it into its view. */
function provesView(replica: Replica, from: ValidatorIndex, status: Status): boolean {
  const { set, scheme } = replica;
  if (status.quarantined || !equalBytes(status.nonce, nonceOf(replica))) return false;
  const { entryCertificate } = status;
  if (entryCertificate === undefined ? status.view !== 1 : entryCertificate.view + 1 !== status.view) return false;
  if (!replica.verify(status.signature, statusBytes(replica, status), set.validators[from]!.key)) return false;
  return entryCertificate === undefined || scheme.verifyCertificate(set, entryCertificate);
}

// ---- the one who is asked

/** In quarantine itself it has nothing to say: its view may be lower than it was. */
export function answerStatus(
  replica: Replica,
  from: ValidatorIndex,
  { request, nonce }: Extract<Message, { kind: "statusWanted" }>,
): void {
  if (!isQuarantined(replica)) return send(replica, from, { kind: "status", status: ownStatus(replica, nonce) });
  const retryMs = replica.parameters.statusMs;
  send(replica, from, { kind: "unavailable", request, reason: "busy", retryMs, limit: 1 });
}

// ---- votes that are not remembered

/**
 * What a certificate shows when this key signed it and this replica does not know of that vote: somebody else uses the key, or
 * the log is an older copy of itself. Either way it must not go on. Votes at or below the floors may have been dropped.
 */
export function forgottenVote(replica: Replica, certificate: Certificate): string | undefined {
  const { safety, set, self } = replica;
  const { view, kind } = certificate;
  const floor = Math.max(safety.floor, safety.lostLog === undefined ? 0 : (safety.lostLog.floor ?? Infinity));
  if (view <= floor || signersOf(set, certificate.signers)?.includes(self) !== true) return undefined;
  const vote = ownVotes(safety, view)[voteKindOf[kind]];
  const isKnown =
    vote !== undefined &&
    (vote.kind === "nullify" || (kind !== "nullification" && equalBytes(vote.digest, certificate.digest)));
  if (isKnown) return undefined;
  return (
    `the ${kind} of view ${view} holds a vote of this validator that its vote log does not know of: another process votes with ` +
    `this key, or the vote log is an old copy`
  );
}
