/**
 * Rules that no other test here holds by itself. Each of these was asked for by a mutant that all tests had let pass
 * (`tools/mutants`).
 */
import { expect, test } from "vitest";
import { sha256, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Signature } from "@stoa/base/signature";
import type { Height, TimeMs, View } from "@stoa/base/units";
import { describeDivergence } from "@stoa/consensus/divergence";
import { emptySafetyRecord, mayVote, ownVotes, rememberVote, restoreVote } from "@stoa/consensus/safety-record";
import type { FinalBlock } from "@stoa/protocol/block";
import { headerDigest } from "@stoa/protocol/finality/header";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { craftCertificate, craftHeader, craftProposal, craftVote, leaderIn, payloadOf } from "./craft.ts";
import { Network } from "./network.ts";
import { Probe, sentIn, votesIn } from "./probe.ts";

const payload = payloadOf("aa");
const forged = new Uint8Array(64) as Signature;
const seven = (): Probe => new Probe({ stakes: [1, 1, 1, 1, 1, 1, 1] });

test.for([
  ["cast", rememberVote],
  ["read back", restoreVote],
] as const)("votes of one view that are %s stand beside each other (BFT-020)", ([, enter]) => {
  const { set } = new Network();
  const record = emptySafetyRecord();
  const votes = (["notarize", "finalize"] as const).map((kind) => craftVote(set, kind, 5, 0, sha256(payload)));
  for (const vote of votes) enter(record, vote);
  expect(ownVotes(record, 5 as View)).toEqual({ notarize: votes[0], finalize: votes[1] });
  for (const kind of ["notarize", "nullify", "finalize"] as const) {
    expect(mayVote(record, kind, 5 as View), kind).toBe(false);
  }
});

test("a proposal waits for the disk (BFT-004)", () => {
  const probe = new Probe({ leads: true });
  probe.give({ kind: "workPending", pending: true });
  const effects = probe.give({ kind: "payload", view: 1 as View, payload, work: true });
  const written = effects.find((effect) => effect.kind === "persist" && effect.record.kind === "proposed");
  expect(written).toMatchObject({ barrier: true });
});

test("every signature of a certificate counts: one forged of three spoils it (BFT-024, BFT-030)", () => {
  const probe = new Probe();
  const certificate = craftCertificate(probe.set, "nullify", 1, probe.others);
  const proof = new Uint8Array(certificate.proof);
  proof.set(forged, 64);
  probe.certificate({ ...certificate, proof });
  expect(probe.replica.view).toBe(1);
  probe.certificate(certificate);
  expect(probe.replica.view).toBe(2);
});

test("votes for different blocks do not add up (BFT-024)", () => {
  const probe = new Probe();
  const header = craftHeader(probe.set, 1, payload);
  probe.proposal(craftProposal(probe.set, header, payload));
  const [first, second] = probe.others;
  probe.vote(craftVote(probe.set, "notarize", 1, first!, headerDigest(header)));
  const effects = probe.vote(craftVote(probe.set, "notarize", 1, second!, sha256(payload)));
  expect(sentIn(effects, "certificate")).toEqual([]);
  expect(probe.replica.view).toBe(1);
});

test("a forged word of the leader ends nothing (BFT-032)", () => {
  const probe = new Probe();
  const vote = craftVote(probe.set, "nullify", 1, probe.leader);
  expect(votesIn(probe.vote({ ...vote, signature: forged }))).toEqual([]);
  expect(probe.facts().join()).toContain("not signed");
  expect(votesIn(probe.vote(vote))).toEqual(["nullify 1"]);
});

test("votes far below the last final view are not kept (BFT-025)", () => {
  const { set, self, others } = new Probe();
  const view = 1_000;
  const header = craftHeader(set, view, payload);
  const certificates = [craftCertificate(set, "finalize", view, others, headerDigest(header))];
  const tip: FinalBlock = { header, descendants: [], certificates, payload };
  const probe = new Probe({ history: { tip } });
  expect(probe.self).toBe(self);
  const oldest = view - limits.voteRetentionViews;
  for (const stale of [1, oldest - 1]) probe.vote(craftVote(set, "nullify", stale, others[0]!));
  expect([...probe.replica.tallies.keys()]).toEqual([]);
  probe.vote(craftVote(set, "nullify", oldest, others[0]!));
  expect([...probe.replica.tallies.keys()]).toEqual([oldest]);
});

test("the header of the parent beside a proposal is no proof that it was certified (BFT-006, BFT-013)", () => {
  const probe = seven();
  const parent = craftHeader(probe.set, 1, payload);
  const header = craftHeader(probe.set, 2, payload, {
    height: 2 as Height,
    parentView: 1 as View,
    parentDigest: headerDigest(parent),
    timeMs: (parent.timeMs + 1) as TimeMs,
  });
  probe.certificate(craftCertificate(probe.set, "nullify", 1, probe.others));
  const effects = probe.proposal(craftProposal(probe.set, header, payload, { parentHeader: parent }), header.proposer);
  expect(votesIn(effects)).toEqual(["nullify 2"]);
  expect(probe.facts().join()).toContain("not certified");
});

test("whoever does not lead proposes nothing, under its own name neither (BFT-005)", () => {
  const probe = seven();
  const proposer = probe.others.find((index) => index !== probe.leader)!;
  const proposal = craftProposal(probe.set, craftHeader(probe.set, 1, payload, { proposer }), payload);
  expect(votesIn(probe.proposal(proposal, proposer))).toEqual([]);
  expect(probe.facts().join()).toContain("which another validator leads");
});

test("a leader builds on the notarized block of the view before (BFT-034)", () => {
  const probe = new Probe();
  expect(leaderIn(probe.set, 4)).toBe(probe.self);
  const header = craftHeader(probe.set, 3, payload);
  const digest = headerDigest(header);
  const skips = [1, 2].map((view) => craftCertificate(probe.set, "nullify", view, probe.others));
  const proposal = craftProposal(probe.set, header, payload, { skips });
  expect(votesIn(probe.proposal(proposal, header.proposer))).toEqual(["notarize 3"]);
  probe.certificate(craftCertificate(probe.set, "notarize", 3, probe.others, digest));
  probe.give({ kind: "workPending", pending: true });
  const wanted = probe.effects.findLast((effect) => effect.kind === "payloadWanted");
  expect(wanted).toMatchObject({ view: 4, ancestors: [{ height: 1, payload }] });
  const effects = probe.give({ kind: "payload", view: 4 as View, payload: payloadOf("bb"), work: true });
  expect(sentIn(effects, "proposal")[0]).toMatchObject({
    proposal: { header: { parentView: 3, parentDigest: digest, height: 2 } },
  });
});

test("a validator that computed other results says so, though its modules agree (BFT-070)", () => {
  const network = new Network({ delayMs: 5 });
  const odd = network.nodes[2]!;
  const honest = odd.execute;
  odd.execute = (before, block) => ({ ...honest(before, block), resultsRoot: sha256(payload) });
  network.start();
  network.until(() => odd.divergences.length === 1, 20_000);
  expect(describeDivergence(odd.divergences[0]!, [])).toContain("differs at height 1 in results from what a quorum");
});

test("a final block whose certificate is forged is not taken (BFT-062)", () => {
  const probe = new Probe();
  const header = craftHeader(probe.set, 1, payload);
  const finalization = craftCertificate(probe.set, "finalize", 1, probe.others, headerDigest(header) as Digest);
  const proof = new Uint8Array(finalization.proof.length);
  const from = probe.others[0] as ValidatorIndex;
  const give = (certificate: typeof finalization) => {
    const block: FinalBlock = { header, descendants: [], certificates: [certificate], payload };
    probe.message(from, { kind: "finalBlocks", request: 1, blocks: [block] });
    return probe.replica.lastFinal.height;
  };
  expect(give({ ...finalization, proof })).toBe(0);
  expect(probe.facts().join()).toContain("not proven final");
  expect(give(finalization)).toBe(1);
});
