/** Coming back: from own records (BFT-050 to BFT-053), and from behind (BFT-060 to BFT-062). */
import { describe, expect, test } from "vitest";
import { sha256, zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Signature } from "@stoa/base/signature";
import type { Height, View } from "@stoa/base/units";
import { decodeDurableRecord, encodeDurableRecord } from "@stoa/consensus/durable-record";
import type { DurableRecord } from "@stoa/consensus/effect";
import type { Message } from "@stoa/consensus/message";
import { recover, type History } from "@stoa/consensus/recovery";
import { ask } from "@stoa/consensus/requests";
import { headerDigest } from "@stoa/protocol/finality/header";
import { craftCertificate, craftHeader, craftProposal, craftVote, payloadOf } from "./craft.ts";
import { decoded, genesisRoots, Network } from "./network.ts";
import { Probe, sentIn, votesIn } from "./probe.ts";

const payload = payloadOf("aa");
const recordsOf = (probe: Probe): DurableRecord[] =>
  probe.effects.flatMap((effect) => (effect.kind === "persist" ? [effect.record] : []));

describe("what a replica wrote makes it the same again (BFT-050)", () => {
  test("every record survives its encoding", () => {
    const network = new Network({ delayMs: 5 }).start();
    network.run(3_000);
    for (const bytes of network.nodes[1]!.records)
      expect(encodeDurableRecord(decodeDurableRecord(bytes)!)).toEqual(bytes);
    const [first] = network.nodes[1]!.records;
    expect(decodeDurableRecord(first!.subarray(1))).toBeUndefined();
  });
  test("a vote is repeated, and no other is cast in its place (BFT-020)", () => {
    const probe = new Probe();
    const [vote] = sentIn(
      probe.proposal(craftProposal(probe.set, craftHeader(probe.set, 1, payload), payload)),
      "vote",
    );
    const again = new Probe({ history: { records: recordsOf(probe) } });
    expect(sentIn(again.effects, "vote")[0]).toEqual(vote);
    const other = payloadOf("bb");
    again.proposal(craftProposal(again.set, craftHeader(again.set, 1, other), other));
    expect(votesIn(again.effects)).toEqual(["notarize 1"]);
  });
  test("a view that was nullified is not finalized after the restart (BFT-021)", () => {
    const probe = new Probe();
    probe.proposal(craftProposal(probe.set, craftHeader(probe.set, 1, payload), payload));
    probe.give({ kind: "workPending", pending: true });
    probe.timer("view");
    const again = new Probe({ history: { records: recordsOf(probe) } });
    const digest = headerDigest(craftHeader(probe.set, 1, payload));
    again.certificate(craftCertificate(again.set, "notarize", 1, again.others, digest));
    expect(votesIn(again.effects).filter((vote) => vote === "finalize 1")).toEqual([]);
  });
  test("it is in the view that its votes and certificates show", () => {
    const { set, others } = new Probe();
    const self = new Probe().self;
    const at = (records: DurableRecord[]): number => new Probe({ history: { records } }).replica.view;
    expect(at([{ kind: "certificate", certificate: craftCertificate(set, "nullify", 4, others) }])).toBe(5);
    const voted = (vote: ReturnType<typeof craftVote>): DurableRecord => ({
      kind: "voted",
      vote,
      header: undefined,
      payload: undefined,
    });
    expect(at([voted(craftVote(set, "nullify", 6, self))])).toBe(6);
    expect(at([voted(craftVote(set, "finalize", 6, self, sha256(payload)))])).toBe(7);
    expect(at([{ kind: "finalized", height: 3 as Height, view: 8 as View, digest: sha256(payload), tips: [] }])).toBe(
      9,
    );
  });
  test("nothing is signed in a view whose votes may have been dropped (BFT-052)", () => {
    const records: DurableRecord[] = [
      { kind: "finalized", height: 3 as Height, view: 8 as View, digest: sha256(payload), tips: [] },
    ];
    const probe = new Probe({ history: { records } });
    const digest = sha256(sha256(payload));
    probe.certificate(craftCertificate(probe.set, "notarize", 8, probe.others, digest));
    expect(votesIn(probe.effects)).toEqual([]);
    expect(probe.replica.safety.floor).toBe(8);
  });
  test("nor in the view of the floor itself, though all that a vote needs is there (BFT-052)", () => {
    const { set } = new Probe();
    const header = craftHeader(set, 1, payload);
    const votes = (floor: number): string[] => {
      const final = {
        kind: "finalized",
        height: 1 as Height,
        view: floor as View,
        digest: sha256(payload),
        tips: [],
      } as const;
      const probe = new Probe({ history: { records: [{ kind: "block", header, payload }, final] } });
      probe.certificate(craftCertificate(set, "notarize", 1, probe.others, headerDigest(header)));
      return votesIn(probe.effects);
    };
    expect(votes(0)).toEqual(["finalize 1"]);
    expect(votes(1)).toEqual([]);
  });
});

describe("records that cannot be are refused in words (BFT-053)", () => {
  const probe = new Probe();
  const { set, self, others } = probe;
  const header = craftHeader(set, 1, payload);
  const other = craftHeader(set, 1, payloadOf("bb"));
  const digest = headerDigest(header);
  const voted = (vote: ReturnType<typeof craftVote>, block: Partial<Extract<DurableRecord, { kind: "voted" }>> = {}) =>
    ({ kind: "voted", vote, header: undefined, payload: undefined, ...block }) as DurableRecord;
  const cases: readonly (readonly [string, string, Partial<History>])[] = [
    [
      "two notarize votes of one view",
      "contradicts",
      {
        records: [
          voted(craftVote(set, "notarize", 1, self, digest)),
          voted(craftVote(set, "notarize", 1, self, headerDigest(other))),
        ],
      },
    ],
    [
      "nullify and finalize of one view",
      "contradicts",
      { records: [voted(craftVote(set, "nullify", 1, self)), voted(craftVote(set, "finalize", 1, self, digest))] },
    ],
    [
      "notarize after nullify of one view",
      "contradicts",
      { records: [voted(craftVote(set, "nullify", 1, self)), voted(craftVote(set, "notarize", 1, self, digest))] },
    ],
    ["another validator's vote", "did not sign", { records: [voted(craftVote(set, "nullify", 1, others[0]!))] }],
    [
      "a vote with a wrong signature",
      "did not sign",
      { records: [voted({ ...craftVote(set, "nullify", 1, self), view: 2 as View })] },
    ],
    [
      "votes out of the order of views",
      "order of views",
      { records: [voted(craftVote(set, "nullify", 3, self)), voted(craftVote(set, "nullify", 2, self))] },
    ],
    [
      "a vote beside another block",
      "another one",
      { records: [voted(craftVote(set, "notarize", 1, self, digest), { header: other, payload: payloadOf("bb") })] },
    ],
    [
      "a vote beside a damaged payload",
      "damaged",
      { records: [voted(craftVote(set, "notarize", 1, self, digest), { header, payload: payloadOf("ab") })] },
    ],
    [
      "a damaged proposal",
      "damaged",
      { records: [{ kind: "proposed", view: 1 as View, header, payload: payloadOf("ab") }] },
    ],
    [
      "two proposals of one view",
      "two proposals",
      {
        records: [
          { kind: "proposed", view: 1 as View, header, payload },
          { kind: "proposed", view: 1 as View, header: other, payload: payloadOf("bb") },
        ],
      },
    ],
    ["a damaged block", "damaged", { records: [{ kind: "block", header, payload: payloadOf("ab") }] }],
    [
      "an exchange ahead of the block log",
      "not in the block log",
      { executed: [{ ...genesisRoots, height: 1 as Height }] },
    ],
    [
      "a last block that is not proven final (BFT-040)",
      "not proven final",
      {
        tip: { header, descendants: [], certificates: [craftCertificate(set, "notarize", 1, others, digest)], payload },
      },
    ],
  ];
  test.for(cases)("%s", ([, fact, history]) => {
    const recovered = recover(probe.network.optionsOf(self), { records: [], tip: undefined, executed: [], ...history });
    expect(recovered).toMatchObject({ kind: "refused", fact: expect.stringContaining(fact) });
  });
  test("a restart after the exchange diverged says so again, and goes on (BFT-070)", () => {
    const network = new Network({ delayMs: 5 }).start();
    network.run(6_500);
    const node = network.nodes[0]!;
    const executed = node.executed.map((roots) =>
      roots.height === 3 ? { ...roots, resultsRoot: sha256(payload) } : roots,
    );
    network.crash(0);
    node.executed = executed;
    expect(network.restart(0)).toBeUndefined();
    expect(node.divergences).toMatchObject([{ own: { height: 3 }, agreed: { height: 3 }, certified: true }]);
    const height = node.blocks.length;
    network.run(5_000);
    expect(node.blocks.length).toBeGreaterThan(height);
  });
});

describe("catching up", () => {
  test("every request has an answer, and 64 items are the limit on both sides (BFT-061)", () => {
    const probe = new Probe();
    const [peer] = probe.others;
    const answers = (message: Message) =>
      probe.message(peer!, message).flatMap((effect) => (effect.kind === "send" ? [effect.message] : []));
    const none = { kind: "unavailable", request: 9, reason: "not-found", limit: 64 };
    const tooLarge = { ...none, reason: "too-large" };
    const views = (from: number, to: number): Message => ({
      kind: "certificatesWanted",
      request: 9,
      from: from as View,
      to: to as View,
    });
    const heights = (from: number, to: number): Message => ({
      kind: "finalBlocksWanted",
      request: 9,
      from: from as Height,
      to: to as Height,
    });
    expect(answers(views(1, 64))).toMatchObject([none]);
    expect(answers(views(1, 65))).toMatchObject([tooLarge]);
    expect(answers(views(2, 1))).toMatchObject([tooLarge]);
    expect(answers(heights(1, 64))).toMatchObject([none]);
    expect(answers(heights(1, 65))).toMatchObject([tooLarge]);
    expect(answers({ kind: "blockWanted", request: 9, digest: sha256(payload) })).toMatchObject([none]);
    expect(probe.give({ kind: "blocksRead", to: peer!, request: 9, blocks: [] })).toMatchObject([{ message: none }]);
    probe.certificate(craftCertificate(probe.set, "nullify", 1, probe.others));
    expect(answers(views(1, 64))).toMatchObject([{ kind: "certificates", request: 9, certificates: [{ view: 1 }] }]);
  });
  test("an asker never asks for more than it may get (BFT-061)", () => {
    const network = new Network({ delayMs: 5 });
    network.start([0, 1, 2]);
    for (let count = 0; count < 400; count++) {
      network.submit(`c${count}`);
      network.run(20);
    }
    network.start([3]);
    network.until(() => network.nodes[0]!.blocks.length <= network.nodes[3]!.blocks.length + 1, 5_000);
    const asked = network.sent.flatMap(({ message }) => (message.kind === "finalBlocksWanted" ? [message] : []));
    expect(asked.length).toBeGreaterThan(2);
    for (const { from, to } of asked) expect(to - from + 1).toBeLessThanOrEqual(limits.repairItemsCountMax);
    expect(network.sent.some(({ message }) => message.kind === "unavailable" && message.reason === "too-large")).toBe(
      false,
    );
  });
  test("a leader with a hole in its views asks for the certificates and then proposes (BFT-060, BFT-061)", () => {
    const probe = new Probe();
    const views = Array.from({ length: 12 }, (_, index) => index + 1);
    const own = views.find((view) => 4 < view && probe.self === leaderAt(probe, view))!;
    probe.certificate(craftCertificate(probe.set, "nullify", own - 1, probe.others));
    const wanted = probe
      .give({ kind: "workPending", pending: true })
      .find((effect) => effect.kind === "send" && effect.message.kind === "certificatesWanted");
    if (wanted?.kind !== "send" || wanted.message.kind !== "certificatesWanted")
      throw new Error("certificates are asked for");
    const { request, from, to } = wanted.message;
    expect([from, to]).toEqual([1, own - 2]);
    const certificates = views
      .filter((view) => view < own - 1)
      .map((view) => craftCertificate(probe.set, "nullify", view, probe.others));
    probe.message(wanted.to, { kind: "certificates", request, certificates });
    const effects = probe.give({ kind: "payload", view: own as View, payload, work: true });
    expect(sentIn(effects, "proposal")[0]).toMatchObject({ proposal: { skips: { length: own - 1 } } });
  });
  test("a false answer is reported, and the next peer is asked when the time is up (BFT-062)", () => {
    const network = new Network({ delayMs: 5 });
    network.start([0, 1, 2]);
    network.run(8_000);
    const spoil = (message: Message): Message =>
      message.kind !== "finalBlocks"
        ? message
        : { ...message, blocks: message.blocks.map((block) => ({ ...block, payload: payloadOf("zz") })) };
    // Validator 0 answers falsely, and 1 not at all; 2 is honest.
    network.change = (from, message) => (from === 0 ? spoil(message) : message);
    network.lose = (from, to, message) => from === 1 && to === 3 && message.kind === "finalBlocks";
    network.start([3]);
    network.until(() => 7 <= network.nodes[3]!.blocks.length, 20_000);
    expect(network.nodes[3]!.halted).toEqual([]);
    const asked = new Set(
      network.sent.flatMap(({ to, message }) => (message.kind === "finalBlocksWanted" ? [to] : [])),
    );
    expect(asked.size).toBeGreaterThan(1);
  });
  test("what was not answered in time is remembered for a while only, and of it not more than so much (BFT-067)", () => {
    const probe = new Probe();
    const { requests, overdue } = probe.replica;
    const digestOf = (round: number, index: number) => sha256(Uint8Array.of(round, index));
    for (let round = 0; round < 29; round++) {
      for (let index = 0; index < 64; index++)
        ask(probe.replica, { kind: "block", digest: digestOf(round, index) }, probe.others);
      expect(requests.size).toBe(64);
      probe.nowMs += 1_000;
      probe.give({ kind: "timer", timer: "repair", view: probe.replica.view });
      expect(requests.size).toBe(0);
      expect(overdue.size).toBe(Math.min(256, 64 * (round + 1)));
    }
    probe.nowMs += 30_000;
    probe.give({ kind: "timer", timer: "repair", view: probe.replica.view });
    expect(overdue.size).toBe(0);
  });
  test("a peer that announces a height it does not have is harmless (BFT-062)", () => {
    const probe = new Probe();
    const [liar] = probe.others;
    const status = {
      epoch: 0,
      view: 1 as View,
      entryCertificate: undefined,
      finalHeight: 900 as Height,
      finalView: 900 as View,
      session: 1,
      nonce: zeroDigest,
      quarantined: false,
      signature: new Uint8Array(64) as Signature,
    };
    const [wanted] = sentIn(probe.message(liar!, { kind: "status", status }), "finalBlocksWanted");
    expect(wanted).toMatchObject({ from: 1, to: 64 });
    const { request } = wanted as Extract<Message, { kind: "finalBlocksWanted" }>;
    probe.message(liar!, { kind: "unavailable", request, reason: "not-found", retryMs: 0, limit: 64 });
    expect(sentIn(probe.message(liar!, { kind: "status", status }), "finalBlocksWanted")).toEqual([]);
    probe.timer("repair");
    expect(probe.replica.requests.size).toBe(0);
  });
  test("final blocks alone bring it above their views, where nothing was signed (BFT-052, BFT-060)", () => {
    const network = new Network({ delayMs: 5 }).start();
    network.run(1_500);
    network.crash(3);
    for (let count = 0; count < 160; count++) {
      network.submit(`c${count}`);
      network.run(15);
    }
    // Nothing but statuses without certificates and final blocks reaches it.
    network.lose = (_, to, message) => to === 3 && message.kind !== "status" && message.kind !== "finalBlocks";
    network.change = (_, message) =>
      message.kind === "status"
        ? { kind: "status", status: { ...message.status, entryCertificate: undefined } }
        : message;
    expect(network.restart(3)).toBeUndefined();
    const { replica } = network.nodes[3]!;
    const before = replica.view;
    network.until(() => before + 20 < replica.lastFinal.view, 10_000);
    expect(replica.view).toBeGreaterThan(replica.lastFinal.view);
    expect(replica.safety.floor).toBe(replica.lastFinal.view);
  });
  test("the blocks that came while it was away are delivered once and in order (BFT-040, BFT-060)", () => {
    const network = new Network({ delayMs: 5 }).start();
    network.run(3_500);
    network.crash(2);
    network.run(10_000);
    expect(network.restart(2)).toBeUndefined();
    network.run(3_000);
    const heights = network.nodes[2]!.blocks.map(({ header }) => header.height);
    expect(heights).toEqual(heights.map((_, index) => index + 1));
    expect(heights.length).toBeGreaterThanOrEqual(network.nodes[0]!.blocks.length - 1);
    expect(decoded(network.nodes[2]!).some(({ kind }) => kind === "finalized")).toBe(true);
  });
});

function leaderAt(probe: Probe, view: number): number {
  return craftHeader(probe.set, view, payload).proposer;
}
