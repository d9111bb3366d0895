/** Evidence: who notices what, what leaders carry, and which blocks with evidence get no vote (BFT-105 to BFT-110). */
import { describe, expect, test } from "vitest";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { sha256, type Digest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { Height, TimeMs, View } from "@stoa/base/units";
import { recover } from "@stoa/consensus/recovery";
import type { Effect } from "@stoa/consensus/effect";
import { reportOffence } from "@stoa/consensus/evidence";
import {
  batchesEvidence,
  convictionsIn,
  decodeEvidence,
  encodeEvidence,
  proposalsEvidence,
  proposalSignBytes,
  statementOf,
  statementsEvidence,
  verifyEvidence,
  withOffence,
  type Evidence,
  type OffenceKind,
  type SignedDigest,
} from "@stoa/protocol/finality/evidence";
import type { Attestation, QuorumProof, ValidatorSet } from "@stoa/protocol/finality/certificate";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import type { VoteKind } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { craftCertificate, craftHeader, craftProposal, craftVote, leaderIn, payloadOf } from "./craft.ts";
import { fakeSignature, seedOf } from "./fake-scheme.ts";
import { Network } from "./network.ts";
import { Probe, sentIn, votesIn } from "./probe.ts";

const payload = payloadOf("aa");
const [one, two, three] = [1, 2, 3].map((value) => sha256(Uint8Array.of(value))) as [Digest, Digest, Digest];
const forged = new Uint8Array(64) as Signature;

/** Offences that were found, such as `double-notarize 2`. */
const foundIn = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) =>
    effect.kind === "evidence" && effect.event === "found" ? [`${effect.offence.kind} ${effect.offence.guilty}`] : [],
  );

const pairOf = (left: Attestation | QuorumProof, right: Attestation | QuorumProof): Evidence =>
  statementsEvidence(statementOf(left), statementOf(right));

function voteTwice(set: ValidatorSet, signer: number, kind: VoteKind = "notarize", view = 1): Evidence {
  return pairOf(craftVote(set, kind, view, signer, one), craftVote(set, kind, view, signer, two));
}

function signedProposal(set: ValidatorSet, view: number, digest: Digest, key = leaderIn(set, view)): SignedDigest {
  return { digest, signature: fakeSignature.sign(proposalSignBytes(set, view as View, digest), seedOf(key)) };
}

describe("votes that exclude each other (BFT-105)", () => {
  const cases: readonly (readonly [OffenceKind, VoteKind, Digest | undefined, VoteKind, Digest | undefined])[] = [
    ["double-notarize", "notarize", one, "notarize", two],
    ["double-finalize", "finalize", one, "finalize", two],
    ["nullify-finalize", "nullify", undefined, "finalize", one],
    ["nullify-finalize", "finalize", one, "nullify", undefined],
  ];
  test.for(cases)("%s: %s and then %s", ([offence, kind, digest, otherKind, otherDigest]) => {
    const probe = new Probe();
    const [signer, relay] = probe.others as number[] as [number, number];
    probe.vote(craftVote(probe.set, kind, 1, signer, digest));
    const effects = probe.vote(craftVote(probe.set, otherKind, 1, signer, otherDigest));
    expect(foundIn(effects)).toEqual([`${offence} ${signer}`]);
    expect(probe.facts()).toHaveLength(1);
    const [message] = sentIn(effects, "evidence");
    if (message?.kind !== "evidence") throw new Error("everyone is told");
    expect(verifyEvidence(probe.replica, decodeEvidence(message.evidence)!)).toMatchObject({
      kind: "guilty",
      offence: { kind: offence, guilty: [signer] },
    });
    const written = effects.find((effect) => effect.kind === "persist" && effect.record.kind === "evidence");
    expect(written).toMatchObject({ barrier: false, record: { evidence: message.evidence } });
    // It is told once, whatever else its author and others send.
    expect(foundIn(probe.vote(craftVote(probe.set, otherKind, 1, signer, three)))).toEqual([]);
    expect(foundIn(probe.message(relay, message))).toEqual([]);
  });
  test("notarize and nullify, and finalize of another block than was notarized, are none", () => {
    const probe = new Probe();
    const [signer] = probe.others;
    probe.vote(craftVote(probe.set, "notarize", 1, signer!, one));
    probe.vote(craftVote(probe.set, "nullify", 1, signer!));
    const other = probe.others[1]!;
    probe.vote(craftVote(probe.set, "notarize", 1, other, one));
    probe.vote(craftVote(probe.set, "finalize", 1, other, two));
    expect(foundIn(probe.effects)).toEqual([]);
  });
  test("a forged half convicts nobody, and does not shield its signer", () => {
    const probe = new Probe();
    const [signer, relay] = probe.others as number[] as [number, number];
    probe.vote({ ...craftVote(probe.set, "notarize", 1, signer, one), signature: forged });
    expect(foundIn(probe.vote(craftVote(probe.set, "notarize", 1, signer, two)))).toEqual([]);
    expect(
      foundIn(probe.vote({ ...craftVote(probe.set, "notarize", 1, signer, one), signature: forged }, relay)),
    ).toEqual([]);
    expect(probe.facts().join()).toContain(`${relay}: a notarize vote that is not signed`);
    expect(foundIn(probe.vote(craftVote(probe.set, "notarize", 1, signer, three)))).toEqual([
      `double-notarize ${signer}`,
    ]);
  });
  test("a vote and a certificate that names its voter, in either order", () => {
    for (const late of [false, true]) {
      const probe = new Probe({ stakes: [1, 1, 1, 1, 1, 1, 1] });
      const [signer] = probe.others;
      const said = [
        () => probe.vote(craftVote(probe.set, "notarize", 1, signer!, two)),
        () => probe.certificate(craftCertificate(probe.set, "notarize", 1, probe.others.slice(0, 5), one)),
      ];
      for (const say of late ? said.reverse() : said) say();
      expect(foundIn(probe.effects)).toEqual([`double-notarize ${signer}`]);
    }
  });
  test("certificates that exclude each other convict everyone in both, and then the replica stops", () => {
    const probe = new Probe({ stakes: [1, 1, 1, 1, 1, 1, 1] });
    const [a, b, c, d, e, f] = probe.others as number[];
    probe.certificate(craftCertificate(probe.set, "nullify", 3, [a!, b!, c!, d!, e!]));
    const effects = probe.certificate(craftCertificate(probe.set, "finalize", 3, [b!, c!, d!, e!, f!], one));
    expect(foundIn(effects)).toEqual([`conflicting-certificates ${[b, c, d, e].sort().join()}`]);
    expect(sentIn(effects, "evidence")).toHaveLength(1);
    expect(probe.halts()).toHaveLength(1);
  });
});

describe("proposals of one view (BFT-106)", () => {
  const propose = (probe: Probe, changes: Partial<Header>) => {
    const header = craftHeader(probe.set, 1, payload, changes);
    return probe.proposal(craftProposal(probe.set, header, payload));
  };
  const later = { timeMs: (1_700_000_000_000 + 1_001) as TimeMs };
  test("a second one convicts the leader", () => {
    const probe = new Probe();
    propose(probe, {});
    expect(foundIn(propose(probe, {}))).toEqual([]);
    expect(foundIn(propose(probe, later))).toEqual([`double-proposal ${probe.leader}`]);
  });
  test("also when the view is over", () => {
    const probe = new Probe();
    propose(probe, {});
    probe.certificate(craftCertificate(probe.set, "nullify", 1, probe.others));
    expect(foundIn(propose(probe, later))).toEqual([`double-proposal ${probe.leader}`]);
  });
  test("whoever voted for another one is shown this one, and finds out", () => {
    const [left, right] = [new Probe(), new Probe()];
    const voter = left.others.find((index) => index !== left.leader)!;
    propose(left, {});
    propose(right, later);
    const effects = left.vote(craftVote(left.set, "notarize", 1, voter, one));
    const [seen] = sentIn(effects, "proposalSeen");
    expect(effects).toContainEqual({ kind: "send", to: voter, message: seen });
    expect(foundIn(right.message(left.self === voter ? left.others[0]! : voter, seen!))).toEqual([
      `double-proposal ${left.leader}`,
    ]);
    // Also when the vote came first.
    const early = new Probe();
    early.vote(craftVote(early.set, "notarize", 1, voter, one));
    expect(sentIn(propose(early, {}), "proposalSeen")).toEqual([seen]);
  });
  test("one that the leader did not sign blames the messenger", () => {
    const probe = new Probe();
    propose(probe, {});
    const [messenger] = probe.others;
    const seen = { kind: "proposalSeen", epoch: 0, view: 1 as View, digest: one, signature: forged } as const;
    expect(foundIn(probe.message(messenger!, seen))).toEqual([]);
    expect(probe.facts()).toEqual([`${messenger}: a proposal of view 1 that its leader did not sign`]);
  });
});

describe("evidence from peers (BFT-107)", () => {
  test("is kept when it convicts, and blames its sender when it does not", () => {
    const probe = new Probe();
    const [from, signer, honest] = probe.others as number[] as [number, number, number];
    const legal = pairOf(craftVote(probe.set, "notarize", 1, honest, one), craftVote(probe.set, "nullify", 1, honest));
    const item = voteTwice(probe.set, honest);
    if (item.kind !== "statements" || item.first.kind !== "vote") throw new Error("two votes");
    const unsigned: Evidence = { ...item, first: statementOf({ ...item.first.vote, signature: forged }) };
    for (const bad of [encodeEvidence(legal), encodeEvidence(unsigned), Uint8Array.of(1, 2, 3)]) {
      probe.message(from, { kind: "evidence", evidence: bad });
    }
    expect(foundIn(probe.effects)).toEqual([]);
    expect(probe.facts().map((fact) => fact.split(":")[0])).toEqual([String(from), String(from), String(from)]);
    const effects = probe.message(from, { kind: "evidence", evidence: encodeEvidence(voteTwice(probe.set, signer)) });
    expect(foundIn(effects)).toEqual([`double-notarize ${signer}`]);
    expect(sentIn(effects, "evidence")).toEqual([]);
  });
  test("and what lanes report, is kept once for each kind and validator", () => {
    const probe = new Probe();
    const [lane] = probe.others;
    const report = (sequence: number) => {
      probe.replica.effects = [];
      reportOffence(
        probe.replica,
        batchesEvidence(
          { epoch: 0, lane: lane!, sequence },
          { digest: one, signature: forged },
          { digest: two, signature: forged },
        ),
      );
      return foundIn(probe.replica.effects);
    };
    expect(report(4)).toEqual([`double-batch ${lane}`]);
    expect(report(5)).toEqual([]);
    expect(probe.replica.evidence.pending).toHaveLength(1);
  });
});

describe("a block with evidence (BFT-108)", () => {
  const convictedOf = (set: ValidatorSet, items: readonly Evidence[], before = new Uint8Array(0)): Uint8Array =>
    items.reduce<Uint8Array>((convicted, item) => {
      const judgement = verifyEvidence({ set, scheme: new Probe().replica.scheme, verify: fakeSignature.verify }, item);
      return judgement.kind === "guilty" ? withOffence(set, convicted, judgement.offence) : convicted;
    }, before);
  const judged = (probe: Probe, items: readonly Evidence[], convicted = convictedOf(probe.set, items)): string => {
    const changes = { evidence: items.map(encodeEvidence), convicted };
    const header = craftHeader(probe.set, 1, payload, changes);
    const effects = probe.proposal(craftProposal(probe.set, header, payload));
    return votesIn(effects).includes("notarize 1") ? "voted for" : (probe.facts().at(-1) ?? "nothing");
  };
  test("that convicts gets a vote, also when a voter had not heard of it", () => {
    const probe = new Probe();
    const items = [voteTwice(probe.set, 0), voteTwice(probe.set, 0, "finalize"), voteTwice(probe.set, 1)];
    expect(judged(probe, items)).toBe("voted for");
  });
  test("that does not, gets none", () => {
    const sound = new Probe();
    const item = voteTwice(sound.set, 0) as Extract<Evidence, { kind: "statements" }>;
    const legal = pairOf(craftVote(sound.set, "notarize", 1, 0, one), craftVote(sound.set, "nullify", 1, 0));
    expect(judged(new Probe(), [item, voteTwice(sound.set, 0, "notarize", 7)])).toContain("proven already");
    expect(judged(new Probe(), [item, item])).toContain("proven already");
    expect(judged(new Probe(), [legal])).toContain("convicts nobody");
    expect(judged(new Probe(), [{ ...item, first: item.second, second: item.first }])).toContain("out of order");
    expect(judged(new Probe(), [item], new Uint8Array(0))).toContain("convictions are not those that are proven");
    expect(judged(new Probe(), [], Uint8Array.of(1, 0, 0, 0))).toContain("convictions are not those that are proven");
    expect(judged(new Probe(), [item], Uint8Array.of(3, 0, 0, 0))).toContain(
      "convictions are not those that are proven",
    );
    const probe = new Probe();
    const header = craftHeader(probe.set, 1, payload, { evidence: [Uint8Array.of(9)] });
    probe.proposal(craftProposal(probe.set, header, payload));
    expect(probe.facts().join()).toContain("cannot be read");
  });
  test("repeats nothing that its ancestors prove, and keeps all of it", () => {
    const probe = new Probe();
    const items = [voteTwice(probe.set, 0)];
    const convicted = convictedOf(probe.set, items);
    const parent = craftHeader(probe.set, 1, payload, { evidence: items.map(encodeEvidence), convicted });
    const parentDigest = headerDigest(parent);
    const parentCertificate = craftCertificate(probe.set, "notarize", 1, probe.others, parentDigest);
    const child = (changes: Partial<Header>): string[] => {
      const voter = new Probe();
      const header = craftHeader(voter.set, 2, payload, {
        height: 2 as Height,
        parentView: 1 as View,
        parentDigest,
        timeMs: (parent.timeMs + 1) as TimeMs,
        ...changes,
      });
      return votesIn(
        voter.proposal(
          craftProposal(voter.set, header, payload, { parentCertificate, parentHeader: parent }),
          header.proposer,
        ),
      );
    };
    expect(child({ convicted })).toContain("notarize 2");
    expect(child({})).not.toContain("notarize 2");
    expect(child({ convicted, evidence: parent.evidence })).not.toContain("notarize 2");
    const more = voteTwice(probe.set, 3, "finalize");
    expect(
      child({
        convicted: convictedOf(probe.set, [more], Uint8Array.from(convicted)),
        evidence: [encodeEvidence(more)],
      }),
    ).toContain("notarize 2");
  });
});

describe("in a network", () => {
  test("evidence that one validator has is in a final block soon, once, whoever leads (BFT-109)", () => {
    const network = new Network().start();
    network.run(100);
    const { set } = network;
    network.input(2, {
      kind: "message",
      from: 1 as ValidatorIndex,
      message: { kind: "vote", vote: craftVote(set, "notarize", network.nodes[2]!.replica.view, 0, one) },
    });
    network.input(2, {
      kind: "message",
      from: 1 as ValidatorIndex,
      message: { kind: "vote", vote: craftVote(set, "notarize", network.nodes[2]!.replica.view, 0, two) },
    });
    for (let count = 0; count < 12; count++) {
      network.submit(`c${count}`);
      network.run(200);
    }
    for (const { blocks, replica } of network.nodes) {
      const holding = blocks.filter(({ header }) => header.evidence.length !== 0);
      expect(holding).toHaveLength(1);
      expect(holding[0]!.header.height).toBeLessThan(10);
      expect(blocks.at(-1)!.header.height).toBeGreaterThan(holding[0]!.header.height + 4);
      expect(convictionsIn(blocks.at(-1)!.header.convicted)).toEqual([{ validator: 0, kinds: ["double-notarize"] }]);
      expect(replica.evidence.pending).toEqual([]);
    }
  });
  test("what is pending survives a restart; what is in the chain is not pending again (BFT-110)", () => {
    const probe = new Probe();
    const [signer, other] = probe.others;
    const records = [voteTwice(probe.set, signer!), voteTwice(probe.set, other!)].map((item) => {
      return { kind: "evidence", evidence: encodeEvidence(item) } as const;
    });
    const back = recover(probe.network.optionsOf(probe.self), { records, tip: undefined, executed: [] });
    if (back.kind === "refused") throw new Error(back.fact);
    expect(back.replica.evidence.pending.map(({ encoded }) => toHex(encoded))).toEqual(
      records.map(({ evidence }) => toHex(evidence)),
    );
    const header = craftHeader(probe.set, 1, payload, {
      evidence: [records[0]!.evidence],
      convicted: Uint8Array.from(probe.set.validators, (_, index) => (index === signer ? 1 : 0)),
    });
    const certificates = [craftCertificate(probe.set, "finalize", 1, probe.others, headerDigest(header))];
    const tip = { header, descendants: [], certificates, payload };
    const later = recover(probe.network.optionsOf(probe.self), { records, tip, executed: [] });
    if (later.kind === "refused") throw new Error(later.fact);
    expect(later.replica.evidence.pending.map(({ encoded }) => equalBytes(encoded, records[1]!.evidence))).toEqual([
      true,
    ]);
  });
  test("two proposals that two halves of the validators saw are found out (BFT-106)", () => {
    const network = new Network().start();
    const equivocator = leaderIn(network.set, 1);
    const { set } = network;
    const halves = new Map<number, Digest>();
    for (const { index } of network.nodes) {
      if (index === equivocator) continue;
      const header = craftHeader(set, 1, payload, { timeMs: (1_700_000_000_000 + 1_000 + (index % 2)) as TimeMs });
      halves.set(index, headerDigest(header));
      network.input(index, {
        kind: "message",
        from: equivocator,
        message: { kind: "proposal", proposal: craftProposal(set, header, payload) },
      });
    }
    network.run(200);
    const found = network.nodes.filter(
      ({ index, replica }) => index !== equivocator && replica.evidence.proven[equivocator] === 8,
    );
    expect(new Set([...halves.values()].map(toHex)).size).toBe(2);
    expect(found).toHaveLength(3);
  });
});

test("proposals are evidence by their digests alone", () => {
  const probe = new Probe();
  const [first, second] = [one, two].map((digest) => signedProposal(probe.set, 5, digest));
  const signer = leaderIn(probe.set, 5);
  const item = proposalsEvidence({ epoch: 0, view: 5 as View, signer }, first!, second!);
  expect(encodeEvidence(item).length).toBeLessThan(220);
  expect(verifyEvidence(probe.replica, item).kind).toBe("guilty");
});
