/** What a voter accepts: one proposal for view 1 or 2, sound or spoiled in one place (BFT-005 to BFT-013). */
import { describe, expect, test } from "vitest";
import { equalBytes } from "@stoa/base/bytes";
import { sha256, zeroDigest, type Digest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { Proposal } from "@stoa/consensus/message";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { craftCertificate, craftHeader, craftProposal, leaderIn, payloadOf } from "./craft.ts";
import { decoded, genesisRoots, genesisTimeMs, Network } from "./network.ts";
import { Probe, sentIn, votesIn } from "./probe.ts";

const payload = payloadOf("aa");

/** A proposal of view 2 on a notarized block of view 1; `changes` and `around` spoil it. */
function second(probe: Probe, changes: Partial<Header> = {}, around: Partial<Proposal> = {}): Proposal {
  const parent = craftHeader(probe.set, 1, payload);
  const parentDigest = headerDigest(parent);
  const header = craftHeader(probe.set, 2, payload, {
    height: 2 as Height,
    parentView: 1 as View,
    parentDigest,
    timeMs: (parent.timeMs + 1) as TimeMs,
    ...changes,
  });
  const parentCertificate = craftCertificate(probe.set, "notarize", 1, probe.others, parentDigest);
  return craftProposal(probe.set, header, payload, { parentCertificate, parentHeader: parent, ...around });
}

/** A replica that leads none of the first views, so that it only votes. */
const voter = (): Probe => new Probe({ stakes: [1, 1, 1, 1, 1, 1, 1] });

function outcome(make: (probe: Probe) => Proposal): {
  readonly votes: readonly string[];
  readonly facts: readonly string[];
} {
  const probe = voter();
  const proposal = make(probe);
  const effects = probe.proposal(proposal, leaderIn(probe.set, proposal.header.view));
  return { votes: votesIn(effects), facts: probe.facts() };
}

test("validators lead in proportion to stake, evenly spread (BFT-001)", () => {
  const { set } = new Network({ stakes: [4, 2, 1, 1] });
  const leaders = Array.from({ length: 80 }, (_, index) => leaderIn(set, index + 1));
  const counts = [0, 1, 2, 3].map((validator) => leaders.filter((one) => one === validator).length);
  expect(counts).toEqual([40, 20, 10, 10]);
  expect(leaders.slice(0, 8)).toEqual(leaders.slice(8, 16));
  leaders.forEach((leader, view) => expect([leader, leaders[view + 1]]).not.toEqual([1, 1]));
});

test("the schedule depends on the set alone, however large the stakes (BFT-001)", () => {
  const large = 2 ** 50;
  const stakes = [large, large / 2 + 1, 7];
  const [one, same] = [new Network({ stakes }).set, new Network({ stakes }).set];
  const leaders = Array.from({ length: 4_000 }, (_, index) => leaderIn(one, index + 1));
  expect(leaders).toEqual(Array.from({ length: 4_000 }, (_, index) => leaderIn(same, index + 1)));
  const share = leaders.filter((leader) => leader === 0).length / leaders.length;
  expect(share).toBeGreaterThan(0.65);
  expect(share).toBeLessThan(0.68);
  expect(leaders).toContain(2);
});

describe("a sound proposal is voted for", () => {
  test("on genesis", () => {
    expect(outcome((probe) => craftProposal(probe.set, craftHeader(probe.set, 1, payload), payload))).toEqual({
      votes: ["notarize 1"],
      facts: [],
    });
  });
  test("on a certified parent that the voter never saw: the certificate moves it on (BFT-006, BFT-030)", () => {
    expect(outcome((probe) => second(probe)).votes).toEqual(["notarize 2"]);
  });
  test("without a payload", () => {
    const form = { form: "none", size: 0, digest: zeroDigest } as const;
    const empty = new Uint8Array(0);
    const made = outcome((probe) =>
      craftProposal(probe.set, craftHeader(probe.set, 1, empty, { payload: form }), empty),
    );
    expect(made.votes).toEqual(["notarize 1"]);
  });
  test("after a skipped view, with its nullification (BFT-007)", () => {
    const made = outcome((probe) => {
      const skips = [craftCertificate(probe.set, "nullify", 1, probe.others)];
      return craftProposal(probe.set, craftHeader(probe.set, 2, payload), payload, { skips } as Partial<Proposal>);
    });
    expect(made.votes).toEqual(["notarize 2"]);
  });
});

describe("a proposal that can never become valid is answered with nullify (BFT-013)", () => {
  const other = sha256(payload) as Digest;
  const cases: readonly (readonly [string, string, (probe: Probe) => Proposal])[] = [
    ["another height (BFT-008)", "height", (probe) => second(probe, { height: 3 as Height })],
    [
      "a time not after its parent's (BFT-009)",
      "time",
      (probe) => second(probe, { timeMs: (genesisTimeMs + 1_000) as TimeMs }),
    ],
    ["another chain", "chain", (probe) => second(probe, { chainId: other })],
    ["a parent of the same view (BFT-006)", "earlier view", (probe) => second(probe, { parentView: 2 as View })],
    ["a parent that is not certified (BFT-006)", "not certified", (probe) => second(probe, { parentDigest: other })],
    [
      "genesis under another name (BFT-006)",
      "genesis",
      (probe) => craftProposal(probe.set, craftHeader(probe.set, 1, payload, { parentDigest: other }), payload),
    ],
    [
      "roots of another count (BFT-010)",
      "module roots",
      (probe) => second(probe, { executed: { ...genesisRoots, moduleRoots: [] } }),
    ],
    [
      "roots that are not due (BFT-010)",
      "not due",
      (probe) => second(probe, { executed: { ...genesisRoots, height: 1 as Height } }),
    ],
    ["evidence that is none (BFT-108)", "cannot be read", (probe) => second(probe, { evidence: [payload] })],
    [
      "lane tips out of nowhere (BFT-081)",
      "not one for each lane",
      (probe) => second(probe, { tips: [{ sequence: 1, digest: other }] }),
    ],
    [
      "a range of a lane in another form (BFT-081)",
      "its form and its ranges",
      (probe) => second(probe, { ranges: [{ lane: 0 as ValidatorIndex, count: 1, size: 1, proof: undefined }] }),
    ],
    [
      "a next epoch (BFT-011)",
      "not in use",
      (probe) => second(probe, { nextEpoch: { validatorsRoot: other, readiness: payload } }),
    ],
    ["a seal (BFT-011)", "not in use", (probe) => second(probe, { seal: other })],
  ];
  test.for(cases)("%s", ([, fact, make]) => {
    const made = outcome(make);
    expect(made.votes).toContain(made.votes.includes("nullify 1") ? "nullify 1" : "nullify 2");
    expect(made.votes.some((vote) => vote.startsWith("notarize"))).toBe(false);
    expect(made.facts.join()).toContain(fact);
  });

  test("a view skipped without a nullification (BFT-007)", () => {
    const probe = voter();
    const parent = craftHeader(probe.set, 1, payload);
    const digest = headerDigest(parent);
    probe.certificate(craftCertificate(probe.set, "notarize", 1, probe.others, digest));
    const onParent = craftHeader(probe.set, 2, payload, {
      height: 2 as Height,
      parentView: 1 as View,
      parentDigest: digest,
      timeMs: (parent.timeMs + 1) as TimeMs,
    });
    probe.certificate(craftCertificate(probe.set, "notarize", 2, probe.others, headerDigest(onParent)));
    const header = { ...onParent, view: 3 as View, proposer: leaderIn(probe.set, 3) };
    const parentCertificate = craftCertificate(probe.set, "notarize", 1, probe.others, digest);
    const proposal = craftProposal(probe.set, header, payload, { parentCertificate, parentHeader: parent });
    const votes = votesIn(probe.proposal(proposal, header.proposer));
    expect(votes).toEqual(["nullify 3"]);
    expect(probe.facts().join()).toContain("skips view 2 without a nullification");
  });

  test("roots changed right after a nullified view (BFT-010)", () => {
    const probe = voter();
    const skips = [craftCertificate(probe.set, "nullify", 1, probe.others)];
    const executed = { ...genesisRoots, resultsRoot: sha256(payload) };
    const header = craftHeader(probe.set, 2, payload, { executed });
    const proposal = craftProposal(probe.set, header, payload, { skips } as Partial<Proposal>);
    expect(votesIn(probe.proposal(proposal, header.proposer))).toEqual(["nullify 2"]);
    expect(probe.facts().join()).toContain("right after a view that was given up");
  });

  test("own roots that differ: no vote for it, and nobody stops (BFT-071)", () => {
    const network = new Network({ delayMs: 5 }).start();
    network.run(4_500);
    const { replica } = network.nodes[0]!;
    const view = replica.view;
    const leader = leaderIn(network.set, view);
    const voterIndex = [0, 1, 2, 3].find((index) => index !== leader)!;
    const parent = network.nodes[voterIndex]!.blocks.at(-1)!;
    const lie = { ...network.nodes[voterIndex]!.executed[1]!, resultsRoot: sha256(payload) };
    const header = craftHeader(network.set, view, payload, {
      height: (parent.header.height + 1) as Height,
      parentView: parent.header.view,
      parentDigest: headerDigest(parent.header),
      timeMs: (parent.header.timeMs + 1) as TimeMs,
      executed: lie,
    });
    const proposal = craftProposal(network.set, header, payload, { parentCertificate: parent.certificates[0] });
    network.crash(leader);
    network.nodes[leader]!.running = true;
    network.transmit(leader, voterIndex, { kind: "proposal", proposal });
    network.nodes[leader]!.running = false;
    network.run(20);
    const { facts, halted } = network.nodes[voterIndex]!;
    expect(facts.join()).toContain("are not those computed here");
    expect(halted).toEqual([]);
    const votes = decoded(network.nodes[voterIndex]!).filter(
      (record) => record.kind === "voted" && record.vote.view === view,
    );
    expect(votes.map((record) => record.kind === "voted" && record.vote.kind)).toEqual(["nullify"]);
  });
});

describe("a proposal that is not what its leader made says nothing (BFT-005)", () => {
  const sound = (probe: Probe): Proposal => craftProposal(probe.set, craftHeader(probe.set, 1, payload), payload);
  const nothing = (make: (probe: Probe) => Proposal, from?: (probe: Probe) => number): string => {
    const probe = voter();
    const effects = probe.proposal(make(probe), from?.(probe) ?? probe.leader);
    expect(votesIn(effects)).toEqual([]);
    return probe.facts().join();
  };
  test("a wrong signature", () => {
    const facts = nothing((probe) => ({ ...sound(probe), signature: new Uint8Array(64) as Signature }));
    expect(facts).toContain("not signed");
  });
  test("from another validator", () => {
    expect(nothing(sound, (probe) => probe.others.find((index) => index !== probe.leader)!)).toContain(
      "another validator leads",
    );
  });
  test("by another proposer", () => {
    const facts = nothing((probe) => {
      const proposer = probe.others.find((index) => index !== probe.leader)!;
      return craftProposal(probe.set, craftHeader(probe.set, 1, payload, { proposer }), payload);
    });
    expect(facts).toContain("another validator leads");
  });
  test("with another payload", () => {
    expect(nothing((probe) => ({ ...sound(probe), payload: payloadOf("ab") }))).toContain("not the one it names");
    expect(nothing((probe) => ({ ...sound(probe), payload: payloadOf("aab") }))).toContain("not the one it names");
  });
  test("a second one for the same view is reported, the first is kept (BFT-004)", () => {
    const probe = voter();
    probe.proposal(sound(probe));
    const other = payloadOf("bb");
    const effects = probe.proposal(craftProposal(probe.set, craftHeader(probe.set, 1, other), other));
    expect(votesIn(effects)).toEqual([]);
    expect(probe.facts().join()).toContain("proposed two blocks for view 1");
  });
  test("lanes are not in use (BFT-011)", () => {
    const facts = nothing((probe) => {
      const lanes = { form: "lanes", size: 0, digest: zeroDigest } as const;
      return craftProposal(probe.set, craftHeader(probe.set, 1, payload, { payload: lanes }), new Uint8Array(0));
    });
    expect(facts).toContain("not the one it names");
  });
});

describe("what the voter lacks makes it wait (BFT-012)", () => {
  test("a time ahead of its clock, until the clock is there (BFT-009)", () => {
    const probe = voter();
    const header = craftHeader(probe.set, 1, payload, { timeMs: (genesisTimeMs + 1_000 + 251) as TimeMs });
    expect(votesIn(probe.proposal(craftProposal(probe.set, header, payload)))).toEqual([]);
    probe.give({ kind: "workPending", pending: true });
    probe.nowMs = 1;
    expect(votesIn(probe.give({ kind: "timer", timer: "retry", view: 1 as View }))).toEqual(["notarize 1"]);
  });
  test("a time long past is not voted for (BFT-009)", () => {
    const probe = voter();
    probe.nowMs = 3_001;
    expect(votesIn(probe.proposal(craftProposal(probe.set, craftHeader(probe.set, 1, payload), payload)))).toEqual([]);
    expect(probe.facts()).toEqual([]);
  });
  test.each([
    ["at once", 0],
    ["late, when the next peer has been asked (BFT-067)", 3],
  ])("the header of the parent is asked for, and when it comes %s, it votes", (_when, repairs) => {
    const probe = voter();
    const proposal = second(probe, {}, { parentHeader: undefined });
    const effects = probe.proposal(proposal, proposal.header.proposer);
    expect(votesIn(effects)).toEqual([]);
    const [wanted] = sentIn(effects, "blockWanted");
    if (wanted?.kind !== "blockWanted") throw new Error("a block is asked for");
    const asked = effects.find((effect) => effect.kind === "send" && effect.message === wanted);
    if (asked?.kind !== "send") throw new Error("somebody is asked");
    const header = craftHeader(probe.set, 1, payload);
    expect(equalBytes(wanted.digest, headerDigest(header))).toBe(true);
    for (let count = 0; count < repairs; count++) probe.timer("repair");
    const answer = { kind: "block", request: wanted.request, header, payload } as const;
    expect(votesIn(probe.message(asked.to, answer))).toContain("notarize 2");
  });
  test("roots of a height not executed yet, until it is (BFT-010)", () => {
    const network = new Network({ delayMs: 5 }).start();
    network.run(4_500);
    const node = network.nodes[0]!;
    const votesCount = (): number =>
      decoded(node).filter((record) => record.kind === "voted" && record.vote.kind === "notarize").length;
    node.withheld = [];
    network.run(3_000);
    const before = votesCount();
    network.run(4_500);
    expect(votesCount() - before).toBeLessThanOrEqual(1);
    for (const roots of node.withheld) network.input(0, { kind: "executed", roots });
    node.withheld = undefined;
    network.run(4_500);
    expect(votesCount() - before).toBeGreaterThanOrEqual(4);
  });
});

test("a leader proposes once, writes it before it sends it, and sends the same again after a restart (BFT-004, BFT-022)", () => {
  const probe = new Probe({ leads: true });
  probe.give({ kind: "workPending", pending: true });
  const effects = probe.give({ kind: "payload", view: 1 as View, payload, work: true });
  const kinds = effects.map((effect) => (effect.kind === "persist" ? effect.record.kind : effect.kind));
  expect(kinds.indexOf("proposed")).toBeLessThan(kinds.indexOf("broadcast"));
  const [first] = sentIn(effects, "proposal");
  expect(
    sentIn(probe.give({ kind: "payload", view: 1 as View, payload: payloadOf("zz"), work: true }), "proposal"),
  ).toEqual([]);
  const records = probe.effects.flatMap((effect) => (effect.kind === "persist" ? [effect.record] : []));
  const again = new Probe({ leads: true, history: { records } });
  expect(sentIn(again.effects, "proposal")[0]).toEqual(first);
  again.give({ kind: "workPending", pending: true });
  expect(again.effects.some((effect) => effect.kind === "payloadWanted")).toBe(false);
  again.give({ kind: "payload", view: 1 as View, payload: payloadOf("zz"), work: true });
  expect(
    sentIn(again.effects, "proposal").every(
      (message) =>
        message.kind === "proposal" &&
        equalBytes(headerDigest(message.proposal.header), headerDigest((first as typeof message).proposal.header)),
    ),
  ).toBe(true);
});

test("a leader without work waits for the idle interval, and one with work does not (BFT-003)", () => {
  const probe = new Probe({ leads: true });
  expect(probe.effects.some((effect) => effect.kind === "payloadWanted")).toBe(false);
  const asked = probe.give({ kind: "workPending", pending: true }).find((effect) => effect.kind === "payloadWanted");
  expect(asked).toMatchObject({ mustAnswer: false, ancestors: [] });
  const nothing = probe.give({ kind: "payload", view: 1 as View, payload: new Uint8Array(0), work: false });
  expect(sentIn(nothing, "proposal")).toEqual([]);
  const must = probe.timer("idle").find((effect) => effect.kind === "payloadWanted");
  expect(must).toMatchObject({ mustAnswer: true });
  const effects = probe.give({ kind: "payload", view: 1 as View, payload: new Uint8Array(0), work: false });
  const [message] = sentIn(effects, "proposal");
  expect(message).toMatchObject({ proposal: { header: { payload: { form: "none", size: 0 } } } });
});

test("a leader that knows of no work proposes before those who do give its view up (BFT-003, BFT-031)", () => {
  const probe = new Probe({ leads: true });
  probe.give({ kind: "workPending", pending: true });
  probe.give({ kind: "payload", view: 1 as View, payload: new Uint8Array(0), work: false });
  const must = probe.timer("idle").find((effect) => effect.kind === "payloadWanted");
  expect(must).toMatchObject({ mustAnswer: true });
  expect(probe.nowMs).toBe(150);
});
