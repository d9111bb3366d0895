/**
 * What a key has signed, as the guard at the key remembers it (consensus.md 3.8): a second memory beside the vote log, which
 * knows nothing of views, proposals or why anything is signed. Per view one notarize vote, and one of nullify and finalize;
 * never two that exclude each other, never anything at or below the floor, never anything of an epoch that is over. The same
 * vote again is no conflict: its signature is the same.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { View } from "@stoa/base/units";
import type { VoteKind } from "@stoa/protocol/finality/vote";

/** A vote without who signs it. */
export interface VoteSubject {
  readonly kind: VoteKind;
  readonly epoch: number;
  readonly view: View;
  /** What the vote is about; nullify votes are about a view alone. */
  readonly digest: Digest | undefined;
}

export interface SigningTable {
  epoch: number;
  floor: View;
  readonly notarized: Map<View, VoteSubject>;
  /** Nullify or finalize: whoever signed one of them must never sign the other. */
  readonly ended: Map<View, VoteSubject>;
}

export const emptySigningTable = (epoch: number): SigningTable => ({
  epoch,
  floor: 0 as View,
  notarized: new Map(),
  ended: new Map(),
});

/** Why the key must not sign this, in words; `undefined` when it may. */
export function signingConflict(table: SigningTable, subject: VoteSubject): string | undefined {
  const { kind, epoch, view } = subject;
  if (table.epoch < epoch) return undefined;
  if (epoch < table.epoch) return `epoch ${epoch} is over, it is ${table.epoch}`;
  if (view <= table.floor) return `nothing is signed at or below view ${table.floor}`;
  const before = slotOf(table, kind).get(view);
  if (before === undefined || isSame(before, subject)) return undefined;
  return `it has signed a ${before.kind} vote in view ${view}${before.kind === kind ? " for another block" : ""}`;
}

/** Whether exactly this vote is in the table. */
export function isSigned(table: SigningTable, subject: VoteSubject): boolean {
  const before = slotOf(table, subject.kind).get(subject.view);
  return before !== undefined && subject.epoch === table.epoch && isSame(before, subject);
}

/** Enters a vote that does not conflict; the first of a later epoch ends the one before. */
export function enterSigned(table: SigningTable, subject: VoteSubject): void {
  if (table.epoch < subject.epoch) {
    table.epoch = subject.epoch;
    table.floor = 0 as View;
    table.notarized.clear();
    table.ended.clear();
  }
  slotOf(table, subject.kind).set(subject.view, subject);
}

/** From now on nothing is signed at or below `view`, so what was need not be remembered. */
export function raiseSigningFloor(table: SigningTable, view: View): void {
  table.floor = Math.max(table.floor, view) as View;
  for (const slot of [table.notarized, table.ended]) {
    for (const signed of slot.keys()) if (signed <= table.floor) slot.delete(signed);
  }
}

/** All that is remembered, in the order of views. */
export const signedVotes = ({ notarized, ended }: SigningTable): VoteSubject[] =>
  [...notarized.values(), ...ended.values()].sort((left, right) => left.view - right.view);

const slotOf = (table: SigningTable, kind: VoteKind): Map<View, VoteSubject> =>
  kind === "notarize" ? table.notarized : table.ended;

function isSame(one: VoteSubject, other: VoteSubject): boolean {
  if (one.kind !== other.kind) return false;
  return one.digest === undefined || (other.digest !== undefined && equalBytes(one.digest, other.digest));
}
