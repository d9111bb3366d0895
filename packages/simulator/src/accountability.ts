/**
 * Who can be convicted by what was said on the wire, above a third of faulty stake too. Simplex remembers nothing from view to
 * view, so every fork leaves two certificates of one view that exclude each other, and whoever signed both is guilty: the
 * intersection of two quorums is more than a third of the stake (consensus.md 3.11, E7). Two votes of one key that exclude
 * each other convict it alone (E1 to E3). Only what verifies is looked at, so nobody can be framed by what others make up.
 */
import { toHex } from "@stoa/base/bytes";
import type { View } from "@stoa/base/units";
import {
  signersOf,
  stakeOf,
  type Certificate,
  type Scheme,
  type ValidatorSet,
} from "@stoa/protocol/finality/certificate";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

export interface Accountability {
  readonly set: ValidatorSet;
  readonly scheme: Scheme;
  /** Per view: one certificate of each kind and block. */
  readonly certificates: Map<View, Map<string, Certificate>>;
  /** Per view and signer: what was signed of each kind. */
  readonly votes: Map<View, Map<string, string>>;
  /** Who is guilty, and of what first. */
  readonly guilty: Map<ValidatorIndex, string>;
  /** Who is convicted by certificates alone. */
  readonly intersecting: Set<ValidatorIndex>;
}

export function createAccountability(set: ValidatorSet, scheme: Scheme): Accountability {
  return { set, scheme, certificates: new Map(), votes: new Map(), guilty: new Map(), intersecting: new Set() };
}

/** The stake of those whom two certificates convict: what a fork must find without any vote beside them. */
export const convictedStake = ({ set, intersecting }: Accountability): number => stakeOf(set, [...intersecting]);

/** A certificate that was seen; returns whom it convicts that was not convicted before. */
export function weighCertificate(seen: Accountability, certificate: Certificate): readonly ValidatorIndex[] {
  const { view } = certificate;
  const held = seen.certificates.get(view) ?? new Map<string, Certificate>();
  const name = nameOf(certificate);
  if (held.has(name) || !seen.scheme.verifyCertificate(seen.set, certificate)) return [];
  seen.certificates.set(view, held);
  const before = seen.guilty.size;
  for (const other of held.values()) {
    if (!excludes(other, certificate)) continue;
    const signers = new Set(signersOf(seen.set, other.signers));
    for (const signer of signersOf(seen.set, certificate.signers)!) {
      if (!signers.has(signer)) continue;
      seen.intersecting.add(signer);
      convict(seen, signer, `signed ${nameOf(other)} and ${name} in view ${view}`);
    }
  }
  held.set(name, certificate);
  return [...seen.guilty.keys()].slice(before);
}

/** A vote that was seen; returns whom it convicts that was not convicted before. */
export function weighVote(seen: Accountability, vote: Vote): readonly ValidatorIndex[] {
  const { view, signer } = vote;
  const name = vote.kind === "nullify" ? vote.kind : `${vote.kind} ${toHex(vote.digest)}`;
  const held = seen.votes.get(view) ?? new Map<string, string>();
  const key = `${signer} ${name}`;
  if (held.has(key) || !seen.scheme.verifyVote(seen.set, vote)) return [];
  seen.votes.set(view, held);
  const before = seen.guilty.size;
  // One notarize vote a view, and one of nullify and finalize: two of a slot exclude each other.
  const slot = `${signer} ${vote.kind === "notarize" ? "notarize" : "end"}`;
  const earlier = held.get(slot);
  if (earlier !== undefined && earlier !== name) convict(seen, signer, `cast ${earlier} and ${name} in view ${view}`);
  held.set(slot, earlier ?? name);
  held.set(key, name);
  return [...seen.guilty.keys()].slice(before);
}

function excludes(left: Certificate, right: Certificate): boolean {
  const kinds = [left.kind, right.kind];
  if (kinds.includes("nullification")) return kinds.includes("finalization");
  return "digest" in left && "digest" in right && toHex(left.digest) !== toHex(right.digest);
}

const nameOf = (certificate: Certificate): string =>
  certificate.kind === "nullification" ? "nullification" : `${certificate.kind} ${toHex(certificate.digest)}`;

function convict(seen: Accountability, signer: ValidatorIndex, fact: string): void {
  if (!seen.guilty.has(signer)) seen.guilty.set(signer, fact);
}

/** Views below `view` are not looked at again. */
export function forgetBelow(seen: Accountability, view: number): void {
  for (const known of seen.certificates.keys()) if (known < view) seen.certificates.delete(known);
  for (const known of seen.votes.keys()) if (known < view) seen.votes.delete(known);
}
