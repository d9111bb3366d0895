/** The memory of a key (BFT-057): which votes it refuses beside which. */
import { expect, test } from "vitest";
import { sha256 } from "@stoa/base/hash";
import type { View } from "@stoa/base/units";
import {
  emptySigningTable,
  enterSigned,
  raiseSigningFloor,
  signedVotes,
  signingConflict,
  type VoteSubject,
} from "@stoa/consensus/signing-table";

const one = sha256(Uint8Array.of(1));
const other = sha256(Uint8Array.of(2));
const vote = (kind: VoteSubject["kind"], digest = one, view = 5, epoch = 0): VoteSubject => ({
  kind,
  epoch,
  view: view as View,
  digest: kind === "nullify" ? undefined : digest,
});

const cases: readonly (readonly [string, VoteSubject, VoteSubject, boolean])[] = [
  ["notarize of two blocks", vote("notarize"), vote("notarize", other), false],
  ["nullify after finalize", vote("finalize"), vote("nullify"), false],
  ["finalize after nullify", vote("nullify"), vote("finalize"), false],
  ["finalize of two blocks", vote("finalize"), vote("finalize", other), false],
  ["nullify after notarize", vote("notarize"), vote("nullify"), true],
  ["finalize after notarize", vote("notarize"), vote("finalize"), true],
  ["the same notarize vote again", vote("notarize"), vote("notarize"), true],
  ["the same nullify vote again", vote("nullify"), vote("nullify"), true],
  ["another view", vote("nullify"), vote("finalize", one, 6), true],
  ["a later epoch", vote("nullify"), vote("finalize", one, 5, 1), true],
];
test.for(cases)("%s: allowed %s (BFT-057)", ([, before, after, allowed]) => {
  const table = emptySigningTable(0);
  expect(signingConflict(table, before)).toBeUndefined();
  enterSigned(table, before);
  expect(signingConflict(table, after) === undefined).toBe(allowed);
});

test("nothing is signed at or below the floor, nor of an epoch that is over (BFT-057)", () => {
  const table = emptySigningTable(0);
  enterSigned(table, vote("notarize", one, 4));
  enterSigned(table, vote("notarize", one, 6));
  raiseSigningFloor(table, 5 as View);
  expect(signingConflict(table, vote("notarize", one, 4))).toContain("at or below view 5");
  expect(signingConflict(table, vote("nullify", one, 5))).toContain("at or below view 5");
  expect(signingConflict(table, vote("nullify", one, 6))).toBeUndefined();
  raiseSigningFloor(table, 3 as View);
  expect(table.floor).toBe(5);
  expect(signedVotes(table).map(({ view }) => view)).toEqual([6]);
  enterSigned(table, vote("notarize", one, 1, 1));
  expect(signingConflict(table, vote("nullify", one, 9, 0))).toContain("epoch 0 is over");
  expect(signedVotes(table)).toHaveLength(1);
});
