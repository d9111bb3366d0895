/**
 * Certificates: checked once, kept per view, and acted upon. A certificate proves itself, so one from any future view is
 * taken, and it moves the replica there at once.
 *
 * Two certificates that exclude each other prove that a third of the stake is faulty. Nothing sensible can follow, so the
 * replica stops.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { View } from "@stoa/base/units";
import { signersOf, type Certificate } from "@stoa/protocol/finality/certificate";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { announce } from "./announce.ts";
import { weighCertificate } from "./evidence.ts";
import { forgottenVote } from "./quarantine.ts";
import { blockOf, emit, halt, misbehaviour, oldestView, plan, viewCertificates, type Replica } from "./state.ts";
import { enterView, leader } from "./view.ts";
import { noteActivity } from "./votes.ts";

/** Takes a certificate: `from` is the peer who sent it, absent when this replica assembled it. */
export function admitCertificate(replica: Replica, certificate: Certificate, from: ValidatorIndex | undefined): void {
  const { view } = certificate;
  if (certificate.epoch !== replica.set.epoch || view < oldestView(replica)) return;
  if (isHeld(replica, certificate)) return;
  if (from !== undefined && !replica.scheme.verifyCertificate(replica.set, certificate)) {
    return misbehaviour(replica, from, `a ${certificate.kind} of view ${view} that does not verify`);
  }
  if (!keepVerified(replica, certificate)) return;
  emit(replica, { kind: "persist", record: { kind: "certificate", certificate }, barrier: false });
  if (from === undefined) announce(replica, certificate);
  reportProgress(replica, certificate);
  if (replica.view <= view) enterView(replica, (view + 1) as View, certificate);
  if (certificate.kind !== "nullification") plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

/** Keeps a certificate that has been verified, or stops the replica when it excludes one that is held. */
export function keepVerified(replica: Replica, certificate: Certificate): boolean {
  weighCertificate(replica, certificate);
  const conflict = conflictWith(replica, certificate) ?? forgottenVote(replica, certificate);
  if (conflict === undefined) keepCertificate(replica, certificate);
  else halt(replica, conflict);
  return conflict === undefined;
}

/** A replica is never in a view that is known to have a final block: after blocks came by height, it joins what is live. */
export function enterAboveFinal(replica: Replica): void {
  const highest = replica.highestFinalization;
  if (highest === undefined || highest.view < replica.view) return;
  enterView(replica, (highest.view + 1) as View, highest);
}

/** Enters a verified certificate into the replica's memory, without acting on it. */
export function keepCertificate(replica: Replica, certificate: Certificate): void {
  const { view } = certificate;
  const held = replica.certificates.get(view) ?? { announced: new Set() };
  replica.certificates.set(view, held);
  // Those that come with a final block may be of any view.
  replica.forgottenView = Math.min(replica.forgottenView, view) as View;
  if (certificate.kind === "notarization") held.notarization = certificate;
  else if (certificate.kind === "nullification") held.nullification = certificate;
  else held.finalization = certificate;
  for (const signer of signersOf(replica.set, certificate.signers) ?? []) noteActivity(replica, signer, view);
  if (certificate.kind === "notarization" && replica.lastFinal.view < view) replica.openViews.add(view);
  const highest = replica.highestFinalization?.view ?? 0;
  if (certificate.kind === "finalization" && highest < view) replica.highestFinalization = certificate;
}

export function isHeld(replica: Replica, certificate: Certificate): boolean {
  const held = viewCertificates(replica, certificate.view)[certificate.kind];
  if (held === undefined) return false;
  return certificate.kind === "nullification" || equalBytes(certificate.digest, (held as typeof certificate).digest);
}

/** What makes a valid certificate incompatible with those held, in words; nothing when it is compatible. */
function conflictWith(replica: Replica, certificate: Certificate): string | undefined {
  const { notarization, nullification, finalization } = viewCertificates(replica, certificate.view);
  const view = `view ${certificate.view}`;
  if (certificate.kind === "nullification") {
    return (
      finalization &&
      `${view} is nullified and has the final block ${toHex(finalization.digest)}: over a third is faulty`
    );
  }
  if (certificate.kind === "finalization" && nullification !== undefined) {
    return `${view} is nullified and has the final block ${toHex(certificate.digest)}: over a third is faulty`;
  }
  const other = [notarization, finalization].find((held) => held && !equalBytes(held.digest, certificate.digest));
  if (other === undefined) return undefined;
  return `${view} has two certified blocks, ${toHex(other.digest)} and ${toHex(certificate.digest)}: over a third is faulty`;
}

function reportProgress(replica: Replica, certificate: Certificate): void {
  const { view } = certificate;
  if (certificate.kind === "finalization") return;
  const height = "digest" in certificate ? blockOf(replica, certificate.digest)?.header.height : undefined;
  const event = certificate.kind === "notarization" ? "notarized" : "nullified";
  emit(replica, {
    kind: "progress",
    view,
    leader: leader(replica, view),
    event,
    height: height ?? replica.lastFinal.height,
  });
}
