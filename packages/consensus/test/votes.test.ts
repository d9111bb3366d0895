/** Counting votes, entering views, and what certificates do (BFT-020 to BFT-042). */
import { describe, expect, test } from "vitest";
import { sha256, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Signature } from "@stoa/base/signature";
import type { Height, TimeMs, View } from "@stoa/base/units";
import { keepCertificate } from "@stoa/consensus/certificates";
import { parametersOf } from "@stoa/consensus/parameters";
import { emptySafetyRecord, mayVote, rememberVote } from "@stoa/consensus/safety-record";
import { timeoutMs } from "@stoa/consensus/timers";
import { headerDigest } from "@stoa/protocol/finality/header";
import type { VoteKind } from "@stoa/protocol/finality/vote";
import { craftCertificate, craftHeader, craftProposal, craftVote, leaderIn, payloadOf } from "./craft.ts";
import { genesisRoots, genesisTimeMs, Network } from "./network.ts";
import { Probe, sentIn, votesIn } from "./probe.ts";

const payload = payloadOf("aa");
const digestOf = (probe: Probe): Digest => headerDigest(craftHeader(probe.set, 1, payload));
const propose = (probe: Probe) => probe.proposal(craftProposal(probe.set, craftHeader(probe.set, 1, payload), payload));
const forged = new Uint8Array(64) as Signature;

describe("own votes", () => {
  const { set } = new Network();
  const cases: readonly (readonly [VoteKind, readonly VoteKind[]])[] = [
    ["notarize", ["nullify", "finalize"]],
    ["nullify", []],
    ["finalize", ["notarize"]],
  ];
  test.for(cases)("after %s only %s may follow in its view (BFT-020, BFT-021)", ([first, then]) => {
    const record = emptySafetyRecord();
    rememberVote(record, craftVote(set, first, 5, 0, sha256(payload)));
    const allowed = (["notarize", "nullify", "finalize"] as const).filter((kind) => mayVote(record, kind, 5 as View));
    expect(allowed).toEqual(then);
    expect(mayVote(record, "notarize", 6 as View)).toBe(true);
    for (const kind of (["notarize", "nullify", "finalize"] as const).filter((one) => !then.includes(one))) {
      expect(() => rememberVote(record, craftVote(set, kind, 5, 0, sha256(payload)))).toThrow("contradicts");
    }
  });
  test("nothing is signed at or below the floor (BFT-052)", () => {
    const record = emptySafetyRecord();
    record.floor = 7 as View;
    for (const kind of ["notarize", "nullify", "finalize"] as const) {
      expect([6, 7, 8].map((view) => mayVote(record, kind, view as View))).toEqual([false, false, true]);
    }
  });
  test("each is written with a barrier in the step that sends it, and before it (BFT-022)", () => {
    const probe = new Probe();
    const effects = propose(probe);
    const at = (kind: string) => effects.findIndex((effect) => effect.kind === kind);
    expect(effects[at("persist")]).toMatchObject({
      barrier: true,
      record: { kind: "voted", vote: { kind: "notarize" } },
    });
    expect(at("persist")).toBeLessThan(at("broadcast"));
  });
  test("a view that was nullified is not finalized, whatever is notarized later (BFT-021)", () => {
    const probe = new Probe();
    propose(probe);
    probe.give({ kind: "workPending", pending: true });
    expect(votesIn(probe.timer("view"))).toEqual(["nullify 1"]);
    const effects = probe.certificate(craftCertificate(probe.set, "notarize", 1, probe.others, digestOf(probe)));
    expect(probe.replica.view).toBe(2);
    expect(votesIn(effects)).toEqual([]);
  });
});

describe("counting", () => {
  test("three of four make a certificate, two do not (BFT-024)", () => {
    const probe = new Probe();
    propose(probe);
    const [first, second] = probe.others;
    expect(sentIn(probe.vote(craftVote(probe.set, "notarize", 1, first!, digestOf(probe))), "certificate")).toEqual([]);
    const effects = probe.vote(craftVote(probe.set, "notarize", 1, second!, digestOf(probe)));
    expect(sentIn(effects, "certificate")).toHaveLength(1);
    expect(probe.replica.view).toBe(2);
    expect(votesIn(effects)).toEqual(["finalize 1"]);
  });
  test("exactly two thirds of the stake are not enough (BFT-024)", () => {
    const probe = new Probe({ stakes: [2, 2, 2, 2, 2, 2] });
    propose(probe);
    const digest = digestOf(probe);
    for (const signer of probe.others.slice(0, 3)) probe.vote(craftVote(probe.set, "notarize", 1, signer, digest));
    expect(probe.replica.view).toBe(1);
    probe.vote(craftVote(probe.set, "notarize", 1, probe.others[3]!, digest));
    expect(probe.replica.view).toBe(2);
  });
  test("a forged vote is thrown out, and its signer's genuine vote counts afterwards (BFT-026)", () => {
    const probe = new Probe({ stakes: [1, 1, 1, 1, 1] });
    propose(probe);
    const digest = digestOf(probe);
    const [one, two, three] = probe.others;
    probe.vote({ ...craftVote(probe.set, "notarize", 1, one!, digest), signature: forged });
    probe.vote(craftVote(probe.set, "notarize", 1, two!, digest));
    probe.vote(craftVote(probe.set, "notarize", 1, three!, digest));
    expect(probe.replica.view).toBe(1);
    expect(probe.facts().join()).toContain(`${one}: a notarize vote in view 1 that is not signed`);
    probe.vote(craftVote(probe.set, "notarize", 1, one!, digest));
    expect(probe.replica.view).toBe(2);
  });
  test("a relayed vote is checked before it is kept (BFT-026)", () => {
    const probe = new Probe();
    const [one, two] = probe.others;
    probe.vote({ ...craftVote(probe.set, "notarize", 1, one!, digestOf(probe)), signature: forged }, two!);
    expect(probe.facts().join()).toContain(`${two}: a notarize vote that is not signed`);
    expect(probe.replica.tallies.get(1 as View)?.notarize.size).toBe(0);
  });
  test("the first vote is kept, and a second that differs is reported (BFT-023)", () => {
    const probe = new Probe();
    const [one] = probe.others;
    probe.vote(craftVote(probe.set, "notarize", 1, one!, digestOf(probe)));
    probe.vote(craftVote(probe.set, "notarize", 1, one!, sha256(payload)));
    expect(probe.facts()).toEqual([`${one}: validator ${one} notarized two blocks in view 1`]);
    expect(probe.replica.tallies.get(1 as View)?.notarize.get(one!)?.vote).toMatchObject({ digest: digestOf(probe) });
  });
  test("votes of views that are far ahead are not kept (BFT-025)", () => {
    const probe = new Probe();
    for (const view of [2, 3, 1_000]) probe.vote(craftVote(probe.set, "nullify", view, probe.others[0]!));
    expect([...probe.replica.tallies.keys()]).toEqual([2]);
  });
  test("what is kept does not grow with the height of the chain (BFT-025)", () => {
    const network = new Network({ delayMs: 1 }).start();
    for (let count = 0; count < 700; count++) {
      network.submit(`c${count}`);
      network.run(2);
    }
    const { replica, blocks } = network.nodes[0]!;
    expect(blocks.length).toBeGreaterThan(600);
    expect(replica.certificates.size).toBeLessThanOrEqual(limits.voteRetentionViews + 2);
    expect(replica.tallies.size).toBeLessThanOrEqual(limits.voteRetentionViews + 2);
    expect(replica.safety.votes.size).toBeLessThanOrEqual(limits.voteRetentionViews + 2);
    expect(replica.blocks.size).toBeLessThanOrEqual(limits.recentBlocksCountMax + 4);
    expect(replica.executed.size + replica.claims.size).toBeLessThan(16);
    expect(replica.openViews.size + replica.candidates.size + replica.myProposals.size).toBeLessThan(6);
  });
  test("an old certificate that comes with a final block is forgotten with the next one (BFT-025)", () => {
    const network = new Network({ delayMs: 1 }).start();
    const grow = (count: number): void => {
      for (let index = 0; index < count; index++) {
        network.submit(`c${replica.lastFinal.height} ${index}`);
        network.run(2);
      }
    };
    const { replica } = network.nodes[0]!;
    grow(5);
    const old = [...replica.certificates.values()].flatMap(({ finalization }) => finalization ?? [])[0]!;
    const { view } = old;
    grow(limits.voteRetentionViews + 50);
    expect(replica.certificates.has(view)).toBe(false);
    keepCertificate(replica, old);
    expect(replica.certificates.has(view)).toBe(true);
    grow(5);
    expect(replica.certificates.has(view)).toBe(false);
  });
});

describe("views", () => {
  test.for(["notarize", "nullify", "finalize"] as const)(
    "a valid %s certificate of a later view moves there (BFT-030)",
    (kind) => {
      const probe = new Probe();
      const digest = sha256(payload);
      probe.certificate(craftCertificate(probe.set, kind, 41, probe.others, digest));
      expect(probe.replica.view).toBe(42);
      expect(sentIn(probe.effects, "certificate")).toHaveLength(1);
      probe.certificate(craftCertificate(probe.set, "nullify", 17, probe.others));
      expect(probe.replica.view).toBe(42);
    },
  );
  test("a certificate that does not verify moves nobody (BFT-024, BFT-030)", () => {
    const probe = new Probe();
    const sound = craftCertificate(probe.set, "nullify", 41, probe.others);
    probe.certificate({ ...sound, proof: new Uint8Array(sound.proof.length) });
    probe.certificate(craftCertificate(probe.set, "nullify", 41, probe.others.slice(1)));
    probe.certificate({ ...sound, epoch: 1 });
    expect(probe.replica.view).toBe(1);
    expect(probe.facts()).toHaveLength(2);
  });
  test("the leader's own nullify ends the waiting (BFT-032)", () => {
    const probe = new Probe();
    expect(votesIn(probe.vote(craftVote(probe.set, "nullify", 1, probe.leader)))).toEqual(["nullify 1"]);
    const other = new Probe();
    const notLeader = other.others.find((index) => index !== other.leader)!;
    expect(votesIn(other.vote(craftVote(other.set, "nullify", 1, notLeader)))).toEqual([]);
    const forger = new Probe();
    expect(votesIn(forger.vote({ ...craftVote(forger.set, "nullify", 1, forger.leader), signature: forged }))).toEqual(
      [],
    );
  });
  test("patience grows by half per view beyond the third without finality (BFT-031)", () => {
    const parameters = parametersOf({ genesisTimeMs, genesisRoots, session: 1 });
    expect([1, 3, 4, 5, 6].map((views) => timeoutMs(parameters, views))).toEqual([150, 150, 225, 337.5, 506.25]);
    expect(timeoutMs(parameters, 1_000_000)).toBe(10_000);
  });
  test("the clock stands still while there is no work, and stops when the work is gone (BFT-003)", () => {
    const probe = new Probe();
    expect(probe.effects.some((effect) => effect.kind === "schedule" && effect.timer === "view")).toBe(false);
    probe.give({ kind: "workPending", pending: true });
    probe.give({ kind: "workPending", pending: false });
    expect(votesIn(probe.timer("propose"))).toEqual([]);
    const other = new Probe();
    other.give({ kind: "workPending", pending: true });
    expect(votesIn(other.timer("propose"))).toEqual(["nullify 1"]);
  });
  test("a leader that gave its view up before it began is not waited for (BFT-032)", () => {
    const probe = new Probe();
    const next = leaderIn(probe.set, 2);
    probe.vote(craftVote(probe.set, "nullify", 2, next));
    expect(votesIn(probe.certificate(craftCertificate(probe.set, "nullify", 1, probe.others)))).toEqual(["nullify 2"]);
  });
  test("votes of the view are repeated byte for byte to all, whoever has voted (BFT-035)", () => {
    const probe = new Probe();
    probe.give({ kind: "workPending", pending: true });
    const [first] = sentIn(propose(probe), "vote");
    probe.vote(craftVote(probe.set, "notarize", 1, probe.others[0]!, digestOf(probe)));
    expect(sentIn(probe.timer("retry"), "vote")).toEqual([first]);
  });
  test("whoever repeats a vote of a view that has ended is told how it ended (BFT-035)", () => {
    const probe = new Probe();
    const [one] = probe.others;
    const vote = craftVote(probe.set, "nullify", 1, one!);
    probe.certificate(craftCertificate(probe.set, "notarize", 1, probe.others, digestOf(probe)));
    expect(sentIn(probe.vote(vote), "certificate")).toEqual([]);
    expect(sentIn(probe.vote(vote), "certificate")).toMatchObject([{ certificate: { kind: "notarization", view: 1 } }]);
  });
  test("a proposal is repeated to those that have not voted on it (BFT-035)", () => {
    const probe = new Probe({ leads: true });
    probe.give({ kind: "workPending", pending: true });
    const effects = probe.give({ kind: "payload", view: 1 as View, payload, work: true });
    const [proposal] = sentIn(effects, "proposal");
    if (proposal?.kind !== "proposal") throw new Error("it proposes");
    const [voted, ...silent] = probe.others;
    probe.vote(craftVote(probe.set, "notarize", 1, voted!, headerDigest(proposal.proposal.header)));
    const again = probe.timer("retry").filter((effect) => effect.kind === "send" && effect.message.kind === "proposal");
    expect(again).toEqual(silent.map((to) => ({ kind: "send", to, message: proposal })));
  });
});

describe("certificates that exclude each other stop the replica (BFT-042)", () => {
  const [one, two] = [sha256(payload), sha256(sha256(payload))];
  const cases: readonly (readonly [string, VoteKind, Digest | undefined, VoteKind, Digest | undefined])[] = [
    ["two notarized blocks", "notarize", one, "notarize", two],
    ["two final blocks", "finalize", one, "finalize", two],
    ["a final block in a nullified view", "nullify", undefined, "finalize", one],
    ["a nullification of a view with a final block", "finalize", one, "nullify", undefined],
    ["a final block beside the notarized one", "notarize", one, "finalize", two],
  ];
  test.for(cases)("%s", ([, kind, digest, otherKind, otherDigest]) => {
    const probe = new Probe();
    probe.certificate(craftCertificate(probe.set, kind, 3, probe.others, digest));
    probe.certificate(craftCertificate(probe.set, otherKind, 3, probe.others, otherDigest));
    expect(probe.halts().join()).toContain("over a third is faulty");
    expect(probe.give({ kind: "timer", timer: "status", view: 4 as View })).toEqual([]);
  });
  test("a notarization and a nullification of one view do not", () => {
    const probe = new Probe();
    probe.certificate(craftCertificate(probe.set, "notarize", 3, probe.others, one));
    probe.certificate(craftCertificate(probe.set, "nullify", 3, probe.others));
    expect(probe.halts()).toEqual([]);
  });
});

test("a block is voted final only with all its ancestors on disk (BFT-027)", () => {
  const probe = new Probe({ stakes: [1, 1, 1, 1, 1, 1, 1] });
  const parent = craftHeader(probe.set, 1, payload);
  const parentDigest = headerDigest(parent);
  const header = craftHeader(probe.set, 2, payload, {
    height: 2 as Height,
    parentView: 1 as View,
    parentDigest,
    timeMs: (parent.timeMs + 1) as TimeMs,
  });
  const parentCertificate = craftCertificate(probe.set, "notarize", 1, probe.others, parentDigest);
  const proposal = craftProposal(probe.set, header, payload, { parentCertificate, parentHeader: parent });
  expect(votesIn(probe.proposal(proposal, header.proposer))).toEqual(["notarize 2"]);
  const effects = probe.certificate(craftCertificate(probe.set, "notarize", 2, probe.others, headerDigest(header)));
  expect(votesIn(effects)).toEqual([]);
  const asked = probe.effects.findLast((effect) => effect.kind === "send" && effect.message.kind === "blockWanted");
  if (asked?.kind !== "send" || asked.message.kind !== "blockWanted") throw new Error("the parent is asked for");
  const { request } = asked.message;
  const answered = probe.message(asked.to, { kind: "block", request, header: parent, payload });
  expect(votesIn(answered)).toEqual(["finalize 1", "finalize 2"]);
  const written = answered.findIndex((effect) => effect.kind === "persist" && effect.record.kind === "block");
  const cast = answered.findIndex((effect) => effect.kind === "broadcast");
  expect(written).toBeGreaterThanOrEqual(0);
  expect(written).toBeLessThan(cast);
});
