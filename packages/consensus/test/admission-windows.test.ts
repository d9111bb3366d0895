/** What a flood by one validator costs a replica, and what it leaves (BFT-025, NET-022): counted in signature checks. */
import { describe, expect, test } from "vitest";
import { sha256 } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Height, View } from "@stoa/base/units";
import type { Scheme } from "@stoa/protocol/finality/certificate";
import type { VoteKind } from "@stoa/protocol/finality/vote";
import { craftCertificate, craftHeader, craftProposal, craftVote, leaderIn, payloadOf } from "./craft.ts";
import { Probe } from "./probe.ts";

const kinds: readonly VoteKind[] = ["notarize", "nullify", "finalize"];
const forged = new Uint8Array(64);
const digestOf = (number: number) => sha256(payloadOf(String(number)));
const hostile = (probe: Probe): number => probe.others.find((index) => index !== leaderIn(probe.set, 401))!;

/** A replica in view 401 whose last final block is of view 400, and how often it has checked a signature. */
function setUp(): { readonly probe: Probe; readonly checksCount: () => number } {
  const probe = new Probe();
  probe.certificate(craftCertificate(probe.set, "nullify", 400, probe.others));
  probe.replica.lastFinal = { ...probe.replica.lastFinal, view: 400 as View, height: 300 as Height };
  let count = 0;
  const { scheme, verify } = probe.replica;
  const counting: Scheme = {
    ...scheme,
    verifyVote: (set, vote) => (count++, scheme.verifyVote(set, vote)),
    verifyCertificate: (set, certificate) => (count++, scheme.verifyCertificate(set, certificate)),
    findForged: (set, votes) => ((count += votes.length), scheme.findForged(set, votes)),
  };
  Object.assign(probe.replica, {
    scheme: counting,
    verify: (...parts: Parameters<typeof verify>) => (count++, verify(...parts)),
  });
  probe.effects.length = 0;
  return { probe, checksCount: () => count };
}

describe("votes", () => {
  test("far ahead and far below cost no check, leave nothing and are no fault", () => {
    const { probe, checksCount } = setUp();
    const talliesCount = probe.replica.tallies.size;
    for (let number = 0; number < 2_000; number++)
      for (const view of [403 + number, 1_000_000 + number, 1 + (number % 143)])
        for (const kind of kinds) {
          const vote = craftVote(probe.set, kind, view, hostile(probe), digestOf(number));
          probe.vote(number % 2 === 0 ? vote : { ...vote, signature: forged });
        }
    expect(400 - limits.voteRetentionViews).toBe(144);
    expect(checksCount()).toBe(0);
    expect(probe.replica.tallies.size).toBe(talliesCount);
    expect(probe.effects).toEqual([]);
  });

  test("of every view of the window one of a kind is kept, unchecked, whatever else comes", () => {
    const { probe, checksCount } = setUp();
    const signer = hostile(probe);
    for (let view = 144; view <= 402; view++)
      for (const kind of kinds) probe.vote(craftVote(probe.set, kind, view, signer, digestOf(1)));
    const before = checksCount();
    // To nullify and to vote final is what convicts; each kind of offence is looked at once.
    expect(before).toBeLessThan(200);
    for (let round = 0; round < 20; round++)
      for (let view = 144; view <= 402; view++)
        for (const kind of kinds) probe.vote(craftVote(probe.set, kind, view, signer, digestOf(round)));
    expect(checksCount() - before).toBeLessThan(10);
    for (const tally of probe.replica.tallies.values())
      for (const kind of kinds) expect(tally[kind].size).toBeLessThanOrEqual(1);
    expect(probe.replica.tallies.size).toBeLessThanOrEqual(limits.voteRetentionViews + 3);
  });

  test("a forged vote that contradicts another is told of with the first check: the node then stops to listen", () => {
    const { probe, checksCount } = setUp();
    const signer = hostile(probe);
    probe.vote(craftVote(probe.set, "notarize", 401, signer, digestOf(0)));
    const before = checksCount();
    for (let number = 1; number <= 50; number++)
      probe.vote({ ...craftVote(probe.set, "notarize", 401, signer, digestOf(number)), signature: forged });
    expect(checksCount() - before).toBe(50);
    const told = probe.effects.filter((effect) => effect.kind === "misbehaviour");
    expect(told).toHaveLength(50);
    expect(told.every(({ peer, provable }) => peer === signer && provable)).toBe(true);
  });
});

test("certificates that are old or known cost no check; each that does not hold is told of", () => {
  const { probe, checksCount } = setUp();
  const known = craftCertificate(probe.set, "nullify", 401, probe.others);
  probe.certificate(known);
  const before = checksCount();
  for (let count = 0; count < 100; count++) {
    probe.certificate(known);
    probe.certificate(craftCertificate(probe.set, "nullify", 1 + count, probe.others));
  }
  expect(checksCount()).toBe(before);
  probe.effects.length = 0;
  for (let count = 0; count < 20; count++) probe.certificate({ ...known, view: (500 + count) as View }, hostile(probe));
  expect(checksCount() - before).toBe(20);
  expect(probe.effects.filter((effect) => effect.kind === "misbehaviour" && effect.provable)).toHaveLength(20);
});

describe("proposals for later views", () => {
  const payload = payloadOf("orders");
  const proposalOf = (probe: Probe, view: number) =>
    craftProposal(probe.set, craftHeader(probe.set, view, payload), payload);

  test("cost nothing when they do not show what leads into their view, however many a leader signs", () => {
    const { probe, checksCount } = setUp();
    for (let view = 403; view < 2_000; view++) probe.proposal(proposalOf(probe, view), leaderIn(probe.set, view));
    expect(checksCount()).toBe(0);
    expect(probe.replica.candidates.size).toBe(0);
    expect(probe.effects).toEqual([]);
  });

  test("bring along who is behind when they do", () => {
    const { probe } = setUp();
    const view = [450, 451, 452, 453].find((one) => leaderIn(probe.set, one) !== probe.self)!;
    const skips = [craftCertificate(probe.set, "nullify", view - 1, probe.others)];
    probe.proposal({ ...proposalOf(probe, view), skips }, leaderIn(probe.set, view));
    expect(probe.replica.view).toBe(view);
    expect(probe.replica.candidates.has(view as View)).toBe(true);
  });
});
