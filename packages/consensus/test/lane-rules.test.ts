/** The rules of lanes, one replica at a time: what it keeps, acknowledges, proposes and votes for (BFT-081 to BFT-092). */
import { describe, expect, test } from "vitest";
import { toHex } from "@stoa/base/bytes";
import { zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { DurableRecord, Effect } from "@stoa/consensus/effect";
import { encodeMessage, type Message } from "@stoa/consensus/message";
import { headerDigest, type Header, type LaneRange } from "@stoa/protocol/finality/header";
import { batchDigest, type Acknowledgement, type AvailabilityProof, type Batch } from "@stoa/protocol/finality/lane";
import { materialise, sizeOfLanes } from "@stoa/protocol/finality/lane-payload";
import { payloadDigest } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { craftAcknowledgement, craftLane, craftLanesHeader, craftProof, scheme, tipOf } from "./craft-lane.ts";
import { craftCertificate, craftHeader, craftProposal, payloadOf } from "./craft.ts";
import { genesisTimeMs } from "./network.ts";
import { Probe, sentIn, votesIn, type ProbeOptions } from "./probe.ts";

const seven = [1, 1, 1, 1, 1, 1, 1];
const probeOf = (options: ProbeOptions = {}): Probe => new Probe({ stakes: seven, ...options });
const none: Uint8Array = new Uint8Array(0);

/** A lane that is neither the replica's nor the first leader's. */
const ownerOf = (probe: Probe): number => probe.others.find((index) => index !== probe.leader)!;
const give = (probe: Probe, batches: readonly Batch[]): Effect[] =>
  batches.flatMap((batch) => probe.message(batch.lane, { kind: "batch", batch }));
const records = (effects: readonly Effect[]): DurableRecord[] =>
  effects.flatMap((effect) => (effect.kind === "persist" ? [effect.record] : []));
const held = (effects: readonly Effect[]): number[] =>
  effects.flatMap((effect) => (effect.kind === "batchHeld" ? [effect.sequence] : []));
const acknowledged = (effects: readonly Effect[]): number[] =>
  sentIn(effects, "acknowledgement").map(
    (message) => (message as { acknowledgement: Acknowledgement }).acknowledgement.sequence,
  );
const wanted = (effects: readonly Effect[]) =>
  sentIn(effects, "batchesWanted") as Extract<Message, { kind: "batchesWanted" }>[];

describe("a batch that comes", () => {
  test("is kept, written, and told to the node once (BFT-082)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const [one, two] = craftLane(probe.set, owner, ["a", "b"]);
    const effects = give(probe, [one!, two!, one!]);
    expect(held(effects)).toEqual([1, 2]);
    expect(records(effects).map(({ kind }) => kind)).toEqual(["batch", "batch"]);
    expect(probe.facts()).toEqual([]);
  });

  test("out of order waits for what is before it, and the owner is asked for that (BFT-091)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const lane = craftLane(probe.set, owner, ["a", "b", "c"]);
    expect(held(give(probe, [lane[2]!]))).toEqual([]);
    const [request] = wanted(probe.timer("fetch"));
    expect(request).toMatchObject({ lane: owner, from: 1, through: 2, digest: batchDigest(lane[1]!) });
    const batches = [lane[1]!, lane[0]!];
    const effects = probe.message(owner, { kind: "batches", request: request!.request, batches });
    expect(held(effects)).toEqual([1, 2, 3]);
  });

  test.each<[string, (probe: Probe, batch: Batch, owner: number) => readonly [number, Batch], string]>([
    ["from somebody else", (probe, batch) => [probe.leader, batch], ""],
    ["without a signature", (_, batch, owner) => [owner, { ...batch, payload: payloadOf("z") }], "not signed"],
    ["of another epoch", (_, batch, owner) => [owner, { ...batch, epoch: 1 }], ""],
    ["in place zero", (_, batch, owner) => [owner, { ...batch, sequence: 0 }], ""],
    ["of a lane of nobody", (_, batch, owner) => [owner, { ...batch, lane: 100 as ValidatorIndex }], ""],
  ])("%s is not (BFT-082)", (_, spoil, fact) => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const [from, batch] = spoil(probe, craftLane(probe.set, owner, ["a"])[0]!, owner);
    expect(held(probe.message(from, { kind: "batch", batch }))).toEqual([]);
    expect(probe.facts().join()).toContain(fact);
    expect(probe.facts().length).toBe(fact === "" ? 0 : 1);
  });

  test("for a place that is taken is reported and not kept (BFT-082)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    give(probe, craftLane(probe.set, owner, ["a"]));
    const effects = give(probe, craftLane(probe.set, owner, ["b"]));
    expect(held(effects)).toEqual([]);
    expect(probe.facts()).toEqual([
      `${owner}: validator ${owner} made two batches for place 1 of the lane of validator ${owner}`,
    ]);
    expect(probe.replica.lanes.all[owner]!.batches.size).toBe(1);
  });

  test("beyond the window of places or bytes is not kept (BFT-092)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const lane = craftLane(
      probe.set,
      owner,
      Array.from({ length: limits.laneAheadCountMax + 2 }, (_, index) => `${index}`),
    );
    expect(held(give(probe, lane)).length).toBe(limits.laneAheadCountMax);
    const other = probe.others.find((index) => index !== owner)!;
    const size = limits.batchPayloadSizeMax;
    const large = craftLane(probe.set, other, ["a", "b"]);
    const filled = Array.from({ length: 17 }, () => "x".repeat(size));
    expect(held(give(probe, craftLane(probe.set, other, filled))).length).toBe(limits.laneAheadSizeMax / size);
    expect(large.length).toBe(2);
  });
});

describe("an acknowledgement", () => {
  const laneFor = (probe: Probe, count: number): Batch[] =>
    craftLane(
      probe.set,
      ownerOf(probe),
      Array.from({ length: count }, (_, index) => `${index}`),
    );

  test("goes to the owner, with its record before it and a barrier (BFT-088)", () => {
    const probe = probeOf();
    const lane = laneFor(probe, 1);
    give(probe, lane);
    const effects = probe.timer("acknowledge");
    const persist = effects.findIndex((effect) => effect.kind === "persist" && effect.record.kind === "acknowledged");
    const send = effects.findIndex((effect) => effect.kind === "send");
    expect(effects[persist]).toMatchObject({ barrier: true, record: { lane: lane[0]!.lane, ...tipOf(lane[0]!) } });
    expect(persist).toBeLessThan(send);
    const said = effects[send] as Extract<Effect, { kind: "send" }>;
    expect(said.to).toBe(lane[0]!.lane);
    expect(scheme.verifyVote(probe.set, (said.message as { acknowledgement: Acknowledgement }).acknowledgement)).toBe(
      true,
    );
  });

  test("is of batches that all pick while the lane flows, and of the last one when it rests (BFT-088)", () => {
    const probe = probeOf();
    const lane = laneFor(probe, 21);
    give(probe, lane.slice(0, 3));
    probe.nowMs += 49;
    give(probe, lane.slice(3));
    probe.nowMs -= 49;
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([8, 16]);
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([21]);
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([]);
  });

  test("is of every large batch, so that a proven range fits into a block (BFT-088)", () => {
    const { laneAcknowledgeEvery, laneAcknowledgeSize, batchPayloadSizeMax } = limits;
    const between = (laneAcknowledgeEvery - 1) * (laneAcknowledgeSize - 1) + batchPayloadSizeMax;
    expect(between + limits.looseSizeMax + 1_024).toBeLessThan(limits.payloadSizeMax);
    const probe = probeOf();
    const sizes = [1, laneAcknowledgeSize, laneAcknowledgeSize - 1, laneAcknowledgeSize, 1, 1];
    give(
      probe,
      craftLane(
        probe.set,
        ownerOf(probe),
        sizes.map((size) => "x".repeat(size)),
      ),
    );
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([2, 4, 6]);
  });

  test("is not given while a batch before it is missing (BFT-088)", () => {
    const probe = probeOf();
    const lane = laneFor(probe, 3);
    give(probe, [lane[0]!, lane[2]!]);
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([1]);
    give(probe, [lane[1]!]);
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([3]);
  });

  test("is never given to a second batch in one place, nor to what follows it (BFT-088)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    give(probe, craftLane(probe.set, owner, ["a"]));
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([1]);
    const other = craftLane(probe.set, owner, ["b", "c"]);
    const header = craftLanesHeader(probe.set, 1, { ranges: [other] });
    probe.proposal(craftProposal(probe.set, header, none));
    const [request] = wanted(probe.timer("fetch"));
    const answer = { kind: "batches", request: request!.request, batches: [other[1]!, other[0]!] } as const;
    expect(held(probe.message(probe.leader, answer))).toEqual([1, 2]);
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([]);
  });

  test("is remembered over a restart, and given to nothing at or below it (BFT-088)", () => {
    const first = probeOf();
    const owner = ownerOf(first);
    const lane = craftLane(first.set, owner, ["a", "b"]);
    give(first, lane);
    first.timer("acknowledge");
    const kept = records(first.effects);
    expect(kept.map(({ kind }) => kind)).toEqual(["batch", "batch", "acknowledged"]);
    // The batches of the log are lost, the acknowledgement is not: another lane would be acknowledged otherwise.
    const probe = probeOf({ history: { records: kept.filter(({ kind }) => kind === "acknowledged") } });
    give(probe, craftLane(probe.set, owner, ["x", "y"]));
    expect(acknowledged(probe.timer("acknowledge"))).toEqual([]);
  });

  test("is not given by a validator that lost its log, which makes no batch either (BFT-088)", () => {
    const lost: DurableRecord[] = [{ kind: "logLost", fact: "gone", keyFloor: 0 as View }];
    const probe = probeOf({ history: { records: lost } });
    give(probe, laneFor(probe, 8));
    expect(probe.effects.some((effect) => effect.kind === "schedule" && effect.timer === "acknowledge")).toBe(false);
    expect(probe.effects.filter(({ kind }) => kind === "laneRoom")).toEqual([]);
    expect(() => probe.give({ kind: "batch", payload: payloadOf("a") })).toThrow("room");
  });
});

describe("a log with faults in its lanes", () => {
  const first = probeOf();
  const refused =
    (kept: readonly DurableRecord[]): (() => Probe) =>
    () =>
      probeOf({ history: { records: kept } });
  const own = (text: string): DurableRecord => ({
    kind: "batch",
    batch: craftLane(first.set, first.self, [text])[0]!,
  });
  const acknowledgedAt = (sequence: number, lane = 0, digest = zeroDigest): DurableRecord => ({
    kind: "acknowledged",
    lane: lane as ValidatorIndex,
    sequence,
    digest,
  });

  test("is refused in words (BFT-053, BFT-090)", () => {
    expect(refused([own("a"), own("b")])).toThrow("two own batches for place 1");
    const other = payloadDigest(payloadOf("a"));
    expect(refused([acknowledgedAt(3), acknowledgedAt(3, 0, other)])).toThrow("two batches in place 3 of lane 0");
    expect(refused([acknowledgedAt(3, 9)])).toThrow("a lane of nobody");
    const batch = craftLane(first.set, 0, ["a"])[0]!;
    expect(refused([{ kind: "batch", batch: { ...batch, epoch: 4 } }])).toThrow("another chain or epoch");
    expect(refused([own("a"), own("a"), acknowledgedAt(4), acknowledgedAt(3)])).not.toThrow();
  });
});

describe("an owner", () => {
  test("writes a batch with a barrier and then sends it to all, each after the one before (BFT-090)", () => {
    const probe = probeOf();
    const made = ["a", "b"].map((text) => {
      const effects = probe.give({ kind: "batch", payload: payloadOf(text) });
      const persist = effects.findIndex((effect) => effect.kind === "persist" && effect.barrier);
      const send = effects.findIndex((effect) => effect.kind === "broadcast" && effect.message.kind === "batch");
      expect(persist).toBeGreaterThanOrEqual(0);
      expect(persist).toBeLessThan(send);
      const { message } = effects[send] as Extract<Effect, { kind: "broadcast" }>;
      expect(records(effects)).toEqual([{ kind: "batch", batch: (message as { batch: Batch }).batch }]);
      return (message as { batch: Batch }).batch;
    });
    expect(made).toEqual(craftLane(probe.set, probe.self, ["a", "b"]));
    const again = probeOf({ history: { records: records(probe.effects) } });
    expect(held(again.effects)).toEqual([1, 2]);
    const [next] = sentIn(again.give({ kind: "batch", payload: payloadOf("c") }), "batch");
    expect(next).toEqual({ kind: "batch", batch: craftLane(probe.set, probe.self, ["a", "b", "c"])[2] });
  });

  test("proves its batch when a quorum with itself has acknowledged it, and not with forged ones (BFT-089)", () => {
    const probe = probeOf();
    probe.give({ kind: "batch", payload: payloadOf("a") });
    const [batch] = craftLane(probe.set, probe.self, ["a"]);
    const say = (signer: number, change: Partial<Acknowledgement> = {}): Effect[] =>
      probe.message(signer, {
        kind: "acknowledgement",
        acknowledgement: { ...craftAcknowledgement(probe.set, batch!, signer), ...change },
      });
    const [one, two, three, four, five] = probe.others as readonly number[];
    say(one!);
    say(two!, { digest: zeroDigest });
    say(three!);
    expect(sentIn(say(two!, { signature: new Uint8Array(64) }), "availability")).toEqual([]);
    const effects = say(four!);
    expect(sentIn(effects, "availability")).toEqual([]);
    expect(probe.facts()).toEqual([`${two}: an acknowledgement that is not signed`]);
    const [said] = sentIn(say(five!), "availability") as Extract<Message, { kind: "availability" }>[];
    expect(scheme.verifyCertificate(probe.set, said!.proof)).toBe(true);
    expect(said!.proof).toEqual(craftProof(probe.set, batch!, [probe.self, one!, three!, four!, five!]));
  });

  test("that is shown acknowledgements of two batches in one place has evidence against their signer (BFT-088)", () => {
    const probe = probeOf();
    probe.give({ kind: "batch", payload: payloadOf("a") });
    const signer = probe.others[2]!;
    const effects = ["a", "b"].flatMap((text) => {
      const [batch] = craftLane(probe.set, probe.self, [text]);
      const acknowledgement = craftAcknowledgement(probe.set, batch!, signer);
      return probe.message(signer, { kind: "acknowledgement", acknowledgement });
    });
    expect(sentIn(effects, "evidence").length).toBe(1);
    expect(probe.facts().join()).toContain(`${signer}: validator ${signer} acknowledged two batches`);
  });

  test("that proves two batches in one place gives evidence against all who are in both proofs (BFT-089)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const [one, two] = ["a", "b"].map((text) => craftLane(probe.set, owner, [text])[0]!);
    const say = (proof: AvailabilityProof): Effect[] => probe.message(owner, { kind: "availability", proof });
    say(craftProof(probe.set, one!, [0, 1, 2, 3, 4]));
    expect(sentIn(say(craftProof(probe.set, one!, [2, 3, 4, 5, 6])), "evidence")).toEqual([]);
    const effects = say(craftProof(probe.set, two!, [2, 3, 4, 5, 6]));
    expect(sentIn(effects, "evidence").length).toBe(1);
    expect(probe.facts().map((fact) => fact.slice(0, 1))).toEqual(["2", "3", "4"]);
  });

  test("is sent its own batches by nobody: an acknowledgement by another signer or of another lane says nothing", () => {
    const probe = probeOf();
    probe.give({ kind: "batch", payload: payloadOf("a") });
    const [batch] = craftLane(probe.set, probe.self, ["a"]);
    for (const signer of probe.others) {
      const acknowledgement = craftAcknowledgement(probe.set, batch!, signer);
      const effects = probe.message(probe.others[0]!, { kind: "acknowledgement", acknowledgement });
      expect(sentIn(effects, "availability")).toEqual([]);
    }
  });
});

describe("a request for batches", () => {
  const ask = (probe: Probe, batch: Batch, from: number, through = batch.sequence): Effect[] =>
    probe.message(probe.leader, {
      kind: "batchesWanted",
      request: 5,
      lane: batch.lane,
      from,
      through,
      digest: batchDigest(batch),
    });

  test("is answered from the wanted one downwards, or refused (BFT-091, BFT-061)", () => {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["a", "b", "c", "d"]);
    give(probe, lane.slice(0, 3));
    const [answer] = sentIn(ask(probe, lane[2]!, 2), "batches");
    expect(answer).toEqual({ kind: "batches", request: 5, batches: [lane[2], lane[1]] });
    expect(sentIn(ask(probe, lane[3]!, 1), "unavailable")).toMatchObject([{ request: 5, reason: "not-found" }]);
    expect(sentIn(ask(probe, lane[2]!, 1, 65), "unavailable")).toMatchObject([{ request: 5, reason: "too-large" }]);
    expect(sentIn(ask(probe, lane[2]!, 4), "unavailable")).toMatchObject([{ request: 5, reason: "too-large" }]);
    const foreign = { ...lane[0]!, lane: 90 as ValidatorIndex };
    expect(sentIn(ask(probe, foreign, 1), "unavailable")).toMatchObject([{ request: 5, reason: "not-found" }]);
  });

  test("of more bytes than an answer holds is answered in part (BFT-091)", () => {
    const probe = probeOf();
    const size = limits.batchPayloadSizeMax;
    const lane = craftLane(
      probe.set,
      ownerOf(probe),
      Array.from({ length: 6 }, () => "x".repeat(size)),
    );
    give(probe, lane);
    const [answer] = sentIn(ask(probe, lane[5]!, 1), "batches") as Extract<Message, { kind: "batches" }>[];
    expect(answer!.batches.length).toBe(limits.repairAnswerSizeMax / size);
  });

  test("that is answered late, when the next peer has been asked, is answered (BFT-067)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const lane = craftLane(probe.set, owner, ["a", "b", "c"]);
    give(probe, [lane[2]!]);
    const [request] = wanted(probe.timer("fetch"));
    probe.timer("repair");
    expect(probe.replica.requests.size).toBe(0);
    const answer = { kind: "batches", request: request!.request, batches: [lane[1]!, lane[0]!] } as const;
    expect(held(probe.message(probe.leader, answer))).toEqual([]);
    expect(held(probe.message(owner, answer))).toEqual([1, 2, 3]);
    expect(held(probe.message(owner, answer))).toEqual([]);
    expect(probe.facts()).toEqual([]);
  });

  test("that is answered with others, or by another peer, gives nothing (BFT-091)", () => {
    const other = (probe: Probe, owner: number): Batch => craftLane(probe.set, owner, ["y", "z"])[1]!;
    for (const [spoil, facts] of [
      [(probe: Probe, owner: number) => [other(probe, owner)], 1],
      [(probe: Probe, owner: number) => [craftLane(probe.set, owner, ["a", "b"])[0]!], 1],
    ] as const) {
      const probe = probeOf();
      const owner = ownerOf(probe);
      const lane = craftLane(probe.set, owner, ["a", "b", "c"]);
      give(probe, [lane[2]!]);
      const [request] = wanted(probe.timer("fetch"));
      const answer = { kind: "batches", request: request!.request, batches: spoil(probe, owner) } as const;
      expect(held(probe.message(probe.leader, answer))).toEqual([]);
      expect(probe.facts()).toEqual([]);
      expect(held(probe.message(owner, answer))).toEqual([]);
      expect(probe.facts().length).toBe(facts);
    }
  });
});

/** A proposal of view 1 by its leader that orders the first batches of a lane. */
function proposalOf(probe: Probe, changes: (header: Header, lane: readonly Batch[]) => Partial<Header> = () => ({})) {
  const lane = craftLane(probe.set, ownerOf(probe), ["aa", "bb", "cc"]);
  const sound = craftLanesHeader(probe.set, 1, { ranges: [lane] });
  const header = { ...sound, ...changes(sound, lane) };
  return { lane, header, digest: headerDigest(header), proposal: craftProposal(probe.set, header, none) };
}

describe("a proposal with batches", () => {
  test("is voted for when they are held, with their records before the vote (BFT-084)", () => {
    const probe = probeOf();
    const { lane, proposal } = proposalOf(probe);
    give(probe, lane);
    expect(votesIn(probe.proposal(proposal))).toEqual(["notarize 1"]);
    expect(records(probe.effects).map(({ kind }) => kind)).toEqual(["batch", "batch", "batch", "voted"]);
    const voted = records(probe.effects).at(-1) as Extract<DurableRecord, { kind: "voted" }>;
    expect(voted.payload).toEqual(none);
  });

  test("waits for those that are not, asks the proposer for them, and is voted for when they come (BFT-084)", () => {
    const probe = probeOf();
    const { lane, proposal } = proposalOf(probe);
    give(probe, [lane[0]!, lane[2]!]);
    expect(votesIn(probe.proposal(proposal))).toEqual([]);
    const asked = probe.timer("fetch");
    const [request] = wanted(asked);
    expect(asked.find((effect) => effect.kind === "send")).toMatchObject({ to: probe.leader });
    expect(request).toMatchObject({ through: 2, digest: batchDigest(lane[1]!) });
    const effects = probe.message(probe.leader, { kind: "batches", request: request!.request, batches: [lane[1]!] });
    expect(votesIn(effects)).toEqual(["notarize 1"]);
    expect(probe.replica.lanes.all[lane[0]!.lane]!.blamedThrough).toBe(limits.laneBlameBlocks);
  });

  test("is not asked for, and nobody blamed, when they come by themselves soon after (BFT-084)", () => {
    const probe = probeOf();
    const { lane, proposal } = proposalOf(probe);
    probe.proposal(proposal);
    probe.nowMs += 10;
    expect(votesIn(give(probe, lane))).toEqual(["notarize 1"]);
    probe.nowMs -= 10;
    expect(wanted(probe.timer("fetch"))).toEqual([]);
    expect(probe.replica.lanes.all[lane[0]!.lane]!.blamedThrough).toBe(0);
  });

  test("is voted for without them when a quorum has proved them (BFT-084, BFT-089)", () => {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["aa", "bb"]);
    const proof = craftProof(probe.set, lane[1]!, probe.others.slice(0, 5));
    const header = craftLanesHeader(probe.set, 1, { ranges: [lane], proofs: [proof] });
    expect(votesIn(probe.proposal(craftProposal(probe.set, header, none)))).toEqual(["notarize 1"]);
  });

  test("carries its loose commands and no others (BFT-005, BFT-085)", () => {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["aa"]);
    const loose = payloadOf("ff");
    const header = craftLanesHeader(probe.set, 1, { ranges: [lane], loose });
    give(probe, lane);
    probe.proposal(craftProposal(probe.set, header, payloadOf("fe")));
    probe.proposal(craftProposal(probe.set, header, none));
    expect(probe.facts().every((fact) => fact.includes("whose payload is not the one it names"))).toBe(true);
    expect(probe.facts().length).toBe(2);
    expect(votesIn(probe.proposal(craftProposal(probe.set, header, loose)))).toEqual(["notarize 1"]);
  });

  /** Said of what cannot be, whatever its parent: it is not even kept. */
  const unkept = "whose payload is not the one it names";
  const range = (header: Header, change: Partial<LaneRange>): Partial<Header> => ({
    ranges: header.ranges.map((one) => ({ ...one, ...change })),
  });
  const sized = (header: Header, change: Partial<LaneRange>, added: number): Partial<Header> => ({
    ...range(header, change),
    payload: { ...header.payload, size: header.payload.size + added },
  });

  test.each<[string, string, (header: Header, lane: readonly Batch[]) => Partial<Header>]>([
    ["another size", "another size", (header) => sized(header, { size: 7 }, 1)],
    ["fewer batches than there are", "does not follow", (header) => sized(header, { count: 2 }, -50)],
    ["no batches", unkept, (header) => sized(header, { count: 0, size: 0 }, -156)],
    [
      "too many batches",
      unkept,
      (header, lane) => ({
        ...sized(header, { count: 65 }, 50 * 62),
        tips: header.tips.map((tip, index) => (index === lane[0]!.lane ? { ...tip, sequence: 65 } : tip)),
      }),
    ],
    ["tips of some lanes only", "not one for each lane", (header) => ({ tips: header.tips.slice(0, 6) })],
    [
      "a tip of another lane that moves without a range",
      "does not follow",
      (header, lane) => ({
        tips: header.tips.map((tip, index) => (index === (lane[0]!.lane + 1) % 7 ? { ...tip, sequence: 1 } : tip)),
      }),
    ],
    [
      "a tip of another lane under another name",
      "does not follow",
      (header, lane) => ({
        tips: header.tips.map((tip, index) =>
          index === (lane[0]!.lane + 1) % 7 ? { ...tip, digest: batchDigest(lane[0]!) } : tip,
        ),
      }),
    ],
    [
      "one lane twice",
      unkept,
      (header) => ({
        ranges: [...header.ranges, ...header.ranges],
        payload: { ...header.payload, size: header.payload.size + 156 },
      }),
    ],
    [
      "a lane of nobody",
      unkept,
      (header) => ({
        ranges: [...header.ranges, { ...header.ranges[0]!, lane: 9 as ValidatorIndex }],
        payload: { ...header.payload, size: header.payload.size + 156 },
      }),
    ],
  ])("with %s is refused (BFT-081)", (_, fact, change) => {
    const probe = probeOf();
    const { lane, proposal } = proposalOf(probe, change);
    give(probe, lane);
    const effects = probe.proposal(proposal);
    expect(probe.facts().join()).toContain(fact);
    expect(votesIn(effects)).toEqual(fact === unkept ? [] : ["nullify 1"]);
  });

  test("that do not follow from its parent's tip is refused (BFT-081)", () => {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["aa"], {
      sequence: 0,
      digest: payloadDigest(payloadOf("elsewhere")),
    });
    give(probe, lane);
    const header = craftLanesHeader(probe.set, 1, { ranges: [lane] });
    expect(votesIn(probe.proposal(craftProposal(probe.set, header, none)))).toEqual(["nullify 1"]);
    expect(probe.facts().join()).toContain("do not follow from its parent's tip");
  });

  test("with proofs that are too large together is refused (BFT-081)", () => {
    const probe = new Probe({ stakes: Array.from({ length: 12 }, () => 1) });
    const proof = { signers: none as never, proof: new Uint8Array(8_192) };
    const lanes = Array.from({ length: 9 }, (_, lane) => craftLane(probe.set, lane, ["aa"]));
    const header = craftLanesHeader(probe.set, 1, { ranges: lanes, proofs: lanes.map(() => proof as never) });
    expect(votesIn(probe.proposal(craftProposal(probe.set, header, none)))).toEqual(["nullify 1"]);
    expect(probe.facts().join()).toContain("too large");
  });

  test("with too many loose commands is refused (BFT-085)", () => {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["aa"]);
    const loose = new Uint8Array(limits.looseSizeMax + 1);
    give(probe, lane);
    probe.proposal(craftProposal(probe.set, craftLanesHeader(probe.set, 1, { ranges: [lane], loose }), loose));
    expect(probe.facts().join()).toContain("too many loose commands");
  });

  test("without the data and with a proof that does not hold is refused (BFT-089)", () => {
    const lane = (probe: Probe): Batch[] => craftLane(probe.set, ownerOf(probe), ["aa"]);
    for (const spoil of [
      (probe: Probe) => craftProof(probe.set, lane(probe)[0]!, probe.others.slice(0, 4)),
      (probe: Probe) => craftProof(probe.set, craftLane(probe.set, ownerOf(probe), ["zz"])[0]!, probe.others),
    ]) {
      const probe = probeOf();
      const header = craftLanesHeader(probe.set, 1, { ranges: [lane(probe)], proofs: [spoil(probe)] });
      expect(votesIn(probe.proposal(craftProposal(probe.set, header, none)))).toEqual(["nullify 1"]);
      expect(probe.facts().join()).toContain("does not verify");
    }
  });
});

test("a proposal is voted for with a proof of the batch that it names only (BFT-089)", () => {
  const probe = probeOf();
  const owner = ownerOf(probe);
  const [one, two, three] = ["a", "b", "c"].map((text) => craftLane(probe.set, owner, [text])[0]!);
  // Two proofs for one place are checked, and the first stays.
  for (const batch of [one!, two!]) {
    probe.message(owner, { kind: "availability", proof: craftProof(probe.set, batch, [0, 1, 2, 3, 4]) });
  }
  const proof = { ...craftProof(probe.set, three!, [0, 1, 2, 3, 4]), proof: new Uint8Array(5 * 64) };
  const header = craftLanesHeader(probe.set, 1, { ranges: [[three!]], proofs: [proof] });
  expect(votesIn(probe.proposal(craftProposal(probe.set, header, none)))).toEqual(["nullify 1"]);
});

describe("after a view that was given up", () => {
  function second(proven: boolean) {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["aa"]);
    give(probe, lane);
    const skips = [craftCertificate(probe.set, "nullify", 1, probe.others)] as never;
    const proofs = proven ? [craftProof(probe.set, lane[0]!, probe.others)] : [];
    const header = craftLanesHeader(probe.set, 2, { ranges: [lane], proofs });
    const effects = probe.proposal(craftProposal(probe.set, header, none, { skips }), header.proposer);
    return { probe, votes: votesIn(effects) };
  }

  test("a proposal may order proven batches (BFT-086)", () => {
    expect(second(true).votes).toEqual(["notarize 2"]);
  });

  test("a proposal may not order others, even when they are held (BFT-086)", () => {
    const { probe, votes } = second(false);
    expect(votes).toEqual(["nullify 2"]);
    expect(probe.facts().join()).toContain("without a proof after a view that was given up");
  });
});

describe("a leader", () => {
  const proposedIn = (effects: readonly Effect[]): Header => {
    const [message] = sentIn(effects, "proposal") as Extract<Message, { kind: "proposal" }>[];
    return message!.proposal.header;
  };
  const answer = (probe: Probe, work: boolean, payload = none, more = {}): Effect[] =>
    probe.give({ kind: "payload", view: probe.replica.view, payload, work, ...more });

  test("proposes batches although it has no loose commands, as soon as they come (BFT-080)", () => {
    const probe = probeOf({ leads: true });
    const lane = craftLane(probe.set, probe.others[0]!, ["aa"]);
    const asked = give(probe, lane).find(({ kind }) => kind === "payloadWanted");
    expect(asked).toMatchObject({ batchesSize: 2, sizeMax: limits.looseSizeMax });
    const header = proposedIn(answer(probe, false));
    expect(header.payload.form).toBe("lanes");
    expect(header.tips[lane[0]!.lane]).toEqual(tipOf(lane[0]!));
  });

  test("keeps within the bytes that the node names, and takes the first of every lane first (BFT-085)", () => {
    const probe = probeOf({ leads: true });
    const [one, two] = probe.others as readonly number[];
    give(probe, [...craftLane(probe.set, one!, ["aaaa", "bbbb"]), ...craftLane(probe.set, two!, ["cccc", "dddd"])]);
    const header = proposedIn(answer(probe, true, payloadOf("ee"), { batchesSizeMax: 11 }));
    expect(header.ranges.map(({ count }) => count)).toEqual([1, 1]);
  });

  test("keeps within the size of a payload (BFT-085)", () => {
    const probe = probeOf({ leads: true });
    const size = limits.batchPayloadSizeMax;
    for (const owner of probe.others.slice(0, 2)) {
      give(probe, craftLane(probe.set, owner, ["x".repeat(size), "y".repeat(size)]));
    }
    const header = proposedIn(answer(probe, true, payloadOf("x".repeat(limits.looseSizeMax))));
    expect(header.ranges.map(({ count }) => count)).toEqual([2, 1]);
    expect(header.payload.size).toBeLessThanOrEqual(limits.payloadSizeMax);
  });

  test("with more loose commands than go along with batches proposes only those", () => {
    const probe = probeOf({ leads: true });
    give(probe, craftLane(probe.set, probe.others[0]!, ["aa"]));
    const header = proposedIn(answer(probe, true, payloadOf("x".repeat(limits.looseSizeMax + 1))));
    expect(header.payload.form).toBe("inline");
    expect(header.tips).toEqual([]);
  });

  test.each([true, false])("after a given-up view takes only proven batches: proof %s (BFT-086)", (proven) => {
    const probe = probeOf({ parameters: { idleMs: 50 } });
    const lane = craftLane(probe.set, probe.others[0]!, ["aa", "bb"]);
    give(probe, lane);
    if (proven) {
      probe.message(lane[0]!.lane, {
        kind: "availability",
        proof: craftProof(probe.set, lane[0]!, probe.others),
      });
    }
    // The replica leads view 7.
    for (let view = 1; view <= 6; view++) {
      probe.certificate(craftCertificate(probe.set, "nullify", view, probe.others));
    }
    probe.timer("idle");
    const header = proposedIn(answer(probe, false));
    expect(header.ranges.map(({ count }) => count)).toEqual(proven ? [1] : []);
    expect(header.payload.form).toBe(proven ? "lanes" : "none");
  });

  test("does not propose with a proof that does not hold, and reports it (BFT-089)", () => {
    const probe = probeOf({ parameters: { idleMs: 50 } });
    const lane = craftLane(probe.set, probe.others[0]!, ["aa"]);
    give(probe, lane);
    const proof = { ...craftProof(probe.set, lane[0]!, probe.others), sequence: 1, signers: new Uint8Array([3]) };
    probe.message(lane[0]!.lane, { kind: "availability", proof: proof as never });
    for (let view = 1; view <= 6; view++) {
      probe.certificate(craftCertificate(probe.set, "nullify", view, probe.others));
    }
    probe.timer("idle");
    expect(proposedIn(answer(probe, false)).ranges).toEqual([]);
    expect(probe.facts().join()).toContain("does not verify");
  });
});

describe("a notarized block with batches", () => {
  /** Notarized by the others, with a proof; this replica has none of the data. */
  function notarized() {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["aa", "bb"]);
    const proof = craftProof(probe.set, lane[1]!, probe.others.slice(0, 5));
    const header = craftLanesHeader(probe.set, 1, { ranges: [lane], proofs: [proof], loose: payloadOf("ff") });
    const digest = headerDigest(header);
    probe.proposal(craftProposal(probe.set, header, payloadOf("ff")));
    const effects = probe.certificate(craftCertificate(probe.set, "notarize", 1, probe.others, digest));
    return { probe, lane, header, digest, effects };
  }

  test("gets no finalize vote before its batches are on disk, which are fetched for it (BFT-087)", () => {
    const { probe, lane, effects } = notarized();
    expect(votesIn(effects)).toEqual([]);
    const asked = probe.timer("fetch");
    const [request] = wanted(asked);
    expect(request).toMatchObject({ from: 1, through: 2, digest: batchDigest(lane[1]!) });
    const to = (asked.find((effect) => effect.kind === "send") as { to: number }).to;
    const answer = { kind: "batches", request: request!.request, batches: [lane[1]!, lane[0]!] } as const;
    const then = probe.message(to, answer);
    expect(votesIn(then)).toEqual(["finalize 1"]);
    expect(records(then).map(({ kind }) => kind)).toEqual(["batch", "batch", "voted"]);
  });

  test("is delivered whole, and gone on from after a restart (BFT-050, BFT-087)", () => {
    const { probe, lane, header, digest } = notarized();
    give(probe, lane);
    const finalization = craftCertificate(probe.set, "finalize", 1, probe.others, digest);
    const [deliver] = probe.certificate(finalization).filter(({ kind }) => kind === "deliver");
    const { block } = deliver as Extract<Effect, { kind: "deliver" }>;
    const whole = materialise(header, () => lane, payloadOf("ff"));
    expect(toHex(block.payload)).toBe(toHex(whole));
    // The block log was not synced: from the vote log alone the block is there again.
    const again = probeOf({ history: { records: records(probe.effects) } });
    const delivered = again.certificate(finalization).filter(({ kind }) => kind === "deliver");
    const all = [...again.effects, ...delivered].filter(({ kind }) => kind === "deliver");
    expect(all.length).toBeGreaterThan(0);
    expect(toHex((all[0] as Extract<Effect, { kind: "deliver" }>).block.payload)).toBe(toHex(whole));
  });

  test("that comes whole is written whole, although its loose commands were written before (BFT-087)", () => {
    const { probe, lane, header, digest } = notarized();
    probe.timer("fetch");
    // Nobody has the batches alone; after a while the block is asked for.
    probe.timer("repair");
    probe.timer("fetch");
    const asked = probe.effects.findLast((effect) => effect.kind === "send" && effect.message.kind === "blockWanted");
    const { to, message } = asked as Extract<Effect, { kind: "send" }>;
    const payload = materialise(header, () => lane, payloadOf("ff"));
    const { request } = message as Extract<Message, { kind: "blockWanted" }>;
    const then = probe.message(to, { kind: "block", request, header, payload });
    expect(votesIn(then)).toEqual(["finalize 1"]);
    const kept = records(then).find(({ kind }) => kind === "block") as Extract<DurableRecord, { kind: "block" }>;
    expect(toHex(kept.payload)).toBe(toHex(payload));
    expect(digest).toBeDefined();
    const again = probeOf({ history: { records: records(probe.effects) } });
    expect(again.halts()).toEqual([]);
  });

  test("is written when it links to nothing yet, before the block that names it is final (BFT-087)", () => {
    const probe = probeOf();
    const lane = craftLane(probe.set, ownerOf(probe), ["aa", "bb"]);
    // The first batch comes only within its block, so the second links to nothing that is held.
    expect(held(give(probe, [lane[1]!]))).toEqual([]);
    const proofs = [craftProof(probe.set, lane[0]!, probe.others)];
    const first = craftLanesHeader(probe.set, 1, { ranges: [[lane[0]!]], proofs });
    const firstDigest = headerDigest(first);
    probe.proposal(craftProposal(probe.set, first, none));
    const certified = craftCertificate(probe.set, "notarize", 1, probe.others, firstDigest);
    probe.certificate(certified);
    for (const timer of ["fetch", "repair", "fetch"] as const) probe.timer(timer);
    const asked = probe.effects.findLast((effect) => effect.kind === "send" && effect.message.kind === "blockWanted");
    const { to, message } = asked as Extract<Effect, { kind: "send" }>;
    const { request } = message as Extract<Message, { kind: "blockWanted" }>;
    const payload = materialise(first, () => [lane[0]!], none);
    expect(votesIn(probe.message(to, { kind: "block", request, header: first, payload }))).toContain("finalize 1");
    // It gives view 2 up, whose block is notarized by the others, and votes for the one after it.
    probe.give({ kind: "workPending", pending: true });
    probe.timer("view");
    const after = (parent: Header, digest: typeof firstDigest, changes: Partial<Header>): Partial<Header> => ({
      height: (parent.height + 1) as Height,
      parentView: parent.view,
      parentDigest: digest,
      timeMs: (genesisTimeMs + 1_000 + probe.nowMs + parent.height) as TimeMs,
      ...changes,
    });
    const second = craftLanesHeader(probe.set, 2, { ranges: [[lane[1]!]], changes: after(first, firstDigest, {}) });
    const secondDigest = headerDigest(second);
    probe.proposal(craftProposal(probe.set, second, none, { parentCertificate: certified }), second.proposer);
    const certificate = craftCertificate(probe.set, "notarize", 2, probe.others, secondDigest);
    probe.certificate(certificate);
    const third = craftHeader(probe.set, 3, payloadOf("ff"), after(second, secondDigest, { tips: second.tips }));
    const around = { parentCertificate: certificate, parentHeader: second };
    const voted = probe.proposal(craftProposal(probe.set, third, payloadOf("ff"), around), third.proposer);
    expect(votesIn(voted)).toEqual(["notarize 3"]);
    expect(records(probe.effects).some(({ kind }) => kind === "batch")).toBe(false);
    const then = probe.certificate(craftCertificate(probe.set, "notarize", 3, probe.others, headerDigest(third)));
    expect(votesIn(then)).toEqual(["finalize 3"]);
    const kinds = records(then).map(({ kind }) => kind);
    expect(kinds.indexOf("batch")).toBeGreaterThanOrEqual(0);
    expect(kinds.indexOf("batch")).toBeLessThan(kinds.lastIndexOf("voted"));
  });

  test("is given to a peer whole, or its loose commands when that is all there is (BFT-061)", () => {
    const { probe, lane, header, digest } = notarized();
    const wantedBy = (): Message =>
      sentIn(probe.message(probe.leader, { kind: "blockWanted", request: 3, digest }), "block")[0]!;
    expect(wantedBy()).toMatchObject({ request: 3, payload: payloadOf("ff") });
    give(probe, lane);
    expect((wantedBy() as { payload: Uint8Array }).payload.length).toBe(header.payload.size);
  });

  test("of another batch in a place than the one held makes the lane go on from what is final (BFT-082)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const first = craftLane(probe.set, owner, ["aa", "bb"]);
    const other = craftLane(probe.set, owner, ["xx", "yy"]);
    give(probe, first);
    const header = craftLanesHeader(probe.set, 1, { ranges: [[other[0]!]] });
    const digest = headerDigest(header);
    probe.proposal(craftProposal(probe.set, header, none));
    const [request] = wanted(probe.timer("fetch"));
    probe.message(probe.leader, { kind: "batches", request: request!.request, batches: [other[0]!] });
    const effects = probe.certificate(craftCertificate(probe.set, "finalize", 1, probe.others, digest));
    const dropped = effects.flatMap((effect) => (effect.kind === "batchDropped" ? [effect.sequence] : []));
    expect(dropped.sort()).toEqual([1, 2]);
    expect(held(give(probe, [other[1]!]))).toEqual([2]);
    expect(probe.facts()).toEqual([
      `${owner}: validator ${owner} made two batches for place 1 of the lane of validator ${owner}`,
    ]);
  });
});

test.each([
  ["and this one made none", []],
  ["and this one made another in the place", ["bb"]],
])("own batches that are final and were not made here stop the replica, %s (BFT-090)", (_, made) => {
  const probe = probeOf();
  for (const text of made) probe.give({ kind: "batch", payload: payloadOf(text) });
  const lane = craftLane(probe.set, probe.self, ["aa"]);
  const proof = craftProof(probe.set, lane[0]!, probe.others);
  const header = craftLanesHeader(probe.set, 1, { ranges: [lane], proofs: [proof] });
  const digest = headerDigest(header);
  probe.proposal(craftProposal(probe.set, header, none));
  const finalization = craftCertificate(probe.set, "finalize", 1, probe.others, digest);
  const payload = materialise(header, () => lane, none);
  const block = { header, descendants: [], certificates: [finalization], payload };
  probe.message(probe.leader, { kind: "finalBlocks", request: 1, blocks: [block] });
  expect(probe.halts().join()).toContain("another process has its key");
});

test("an inline block repeats its parent's tips (BFT-081)", () => {
  const probe = probeOf();
  const lane = craftLane(probe.set, ownerOf(probe), ["aa"]);
  give(probe, lane);
  const parent = craftLanesHeader(probe.set, 1, { ranges: [lane] });
  const parentDigest = headerDigest(parent);
  const after = (tips: Header["tips"]): Header =>
    craftHeader(probe.set, 2, payloadOf("ff"), {
      height: 2 as Height,
      parentView: 1 as View,
      parentDigest,
      timeMs: (parent.timeMs + 1) as TimeMs,
      tips,
      payload: { form: "inline", size: 2, digest: payloadDigest(payloadOf("ff")) },
    });
  const around = {
    parentHeader: parent,
    parentCertificate: craftCertificate(probe.set, "notarize", 1, probe.others, parentDigest),
  };
  const bad = after([]);
  const spoiled = probe.proposal(craftProposal(probe.set, bad, payloadOf("ff"), around), bad.proposer);
  expect(votesIn(spoiled)).toContain("nullify 2");
  const voter = probeOf();
  const good = after(parent.tips);
  const effects = voter.proposal(craftProposal(voter.set, good, payloadOf("ff"), around), good.proposer);
  expect(votesIn(effects)).toEqual(["notarize 2"]);
});

test.each([
  ["of nobody", 100, []],
  ["that has no tip", 0, []],
])("a proposal that names a lane %s costs nothing, also when its block is asked for (BFT-081)", (_, lane, tips) => {
  const probe = probeOf();
  const ranges: LaneRange[] = [{ lane: lane as ValidatorIndex, count: 1, size: 0, proof: undefined }];
  const payload = { form: "lanes", size: sizeOfLanes(ranges, 0), digest: payloadDigest(none) } as const;
  const header = craftHeader(probe.set, 1, none, { payload, tips, ranges });
  probe.proposal(craftProposal(probe.set, header, none));
  expect(probe.facts().join()).toContain("whose payload is not the one it names");
  const answer = probe.message(probe.leader, { kind: "blockWanted", request: 1, digest: headerDigest(header) });
  expect(answer.flatMap((effect) => (effect.kind === "send" ? [effect.message.kind] : []))).toHaveLength(1);
  expect(probe.halts()).toEqual([]);
});

test("whose block log was moved away a replica goes on above the final tips of its vote log (BFT-088, BFT-090)", () => {
  const first = probeOf();
  const own = craftLane(first.set, first.self, ["aa"]);
  const proof = craftProof(first.set, own[0]!, first.others);
  const header = craftLanesHeader(first.set, 1, { ranges: [own], proofs: [proof] });
  const digest = headerDigest(header);
  const tips = header.tips.map((tip, lane) => (lane === ownerOf(first) ? { sequence: 7, digest } : tip));
  const record: DurableRecord = { kind: "finalized", height: 1 as Height, view: 1 as View, digest, tips };
  const probe = probeOf({ history: { records: [record] } });
  const [next] = sentIn(probe.give({ kind: "batch", payload: payloadOf("bb") }), "batch");
  expect(next).toEqual({ kind: "batch", batch: craftLane(probe.set, probe.self, ["bb"], tipOf(own[0]!))[0] });
  expect(probe.replica.lanes.all[ownerOf(probe)]!.acknowledged.sequence).toBe(7);
  const finalization = craftCertificate(probe.set, "finalize", 1, probe.others, digest);
  const block = {
    header,
    descendants: [],
    certificates: [finalization],
    payload: materialise(header, () => own, none),
  };
  probe.certificate(finalization);
  const [asked] = sentIn(probe.effects, "blockWanted") as Extract<Message, { kind: "blockWanted" }>[];
  probe.effects.length = 0;
  for (const peer of probe.others) {
    probe.message(peer, { kind: "block", request: asked!.request, header, payload: block.payload });
  }
  expect(probe.replica.lastFinal.height).toBe(1);
  expect(probe.halts()).toEqual([]);
});

describe("a leader that makes things up", () => {
  test("makes nobody blame the owner of a batch that does not exist (BFT-084)", () => {
    const probe = probeOf();
    const { lane, proposal } = proposalOf(probe);
    probe.proposal(proposal);
    expect(wanted(probe.timer("fetch"))).toHaveLength(1);
    expect(probe.replica.lanes.all[lane[0]!.lane]!.blamedThrough).toBe(0);
  });

  test("fills no memory with ever new batches of its own lane (BFT-092)", () => {
    const probe = probeOf();
    const texts = Array.from({ length: 40 }, (_, index) => String(10 + index).repeat(120_000));
    const lane = craftLane(probe.set, probe.leader, texts);
    const ranges: LaneRange[] = [{ lane: probe.leader, count: lane.length, size: 40, proof: undefined }];
    const payload = { form: "lanes", size: sizeOfLanes(ranges, 0), digest: payloadDigest(none) } as const;
    const header = craftLanesHeader(probe.set, 1, { ranges: [lane], changes: { ranges, payload } });
    probe.proposal(craftProposal(probe.set, header, none));
    const [request] = wanted(probe.timer("fetch"));
    const batches = [...lane.slice(1)].reverse();
    probe.message(probe.leader, { kind: "batches", request: request!.request, batches });
    const { aheadSize } = probe.replica.lanes.all[probe.leader]!;
    expect(aheadSize).toBeGreaterThan(limits.laneVersionsSizeMax - 300_000);
    expect(aheadSize).toBeLessThanOrEqual(limits.laneVersionsSizeMax);
  });

  test("has each proof that it shows checked once, however often its proposal is looked at (BFT-089)", () => {
    const probe = probeOf();
    const owner = ownerOf(probe);
    const proven = craftLane(probe.set, owner, ["aa"]);
    const missing = craftLane(probe.set, probe.leader, ["bb"]);
    const ranges = [proven, missing].sort(([left], [right]) => left!.lane - right!.lane);
    const proofs = ranges.map((range) =>
      range === proven ? craftProof(probe.set, proven[0]!, probe.others) : undefined,
    );
    const header = craftLanesHeader(probe.set, 1, { ranges, proofs });
    expect(votesIn(probe.proposal(craftProposal(probe.set, header, none)))).toEqual([]);
    expect(probe.replica.lanes.all[owner]!.proofs.get(1)).toMatchObject({ verified: true });
  });
});

test("an acknowledgement that may be lost is said again when the owner repeats its batch or comes back (BFT-088)", () => {
  const probe = probeOf();
  const owner = ownerOf(probe);
  const [batch] = craftLane(probe.set, owner, ["a"]);
  give(probe, [batch!]);
  probe.nowMs += probe.replica.parameters.acknowledgeMs;
  const first = sentIn(probe.timer("acknowledge"), "acknowledgement");
  expect(first).toHaveLength(1);
  expect(acknowledged(give(probe, [batch!, batch!]))).toEqual([]);
  probe.nowMs += probe.replica.parameters.statusMs;
  expect(sentIn(give(probe, [batch!, batch!]), "acknowledgement")).toEqual(first);
  probe.nowMs += probe.replica.parameters.statusMs;
  const peer = owner as ValidatorIndex;
  probe.give({ kind: "peer", peer, connected: false });
  expect(sentIn(probe.give({ kind: "peer", peer, connected: true }), "acknowledgement")).toEqual(first);
});

test("a leader that names a batch for another place makes nobody blame who answers, and is found out (BFT-091)", () => {
  const probe = probeOf();
  const lane = craftLane(probe.set, probe.leader, ["a"]);
  const sound = craftLanesHeader(probe.set, 1, { ranges: [[lane[0]!, lane[0]!]] });
  const tips = sound.tips.map((tip) => (tip.sequence === 0 ? tip : { ...tip, sequence: 2 }));
  const proposal = craftProposal(probe.set, { ...sound, tips }, none);
  probe.proposal(proposal);
  probe.give({ kind: "peer", peer: probe.leader, connected: false });
  const [request] = wanted(probe.timer("fetch"));
  const asked = probe.effects.findLast((effect) => effect.kind === "send" && effect.message.kind === "batchesWanted");
  const { to } = asked as Extract<Effect, { kind: "send" }>;
  probe.message(to, { kind: "batches", request: request!.request, batches: lane });
  expect(probe.facts()).toEqual([]);
  const other = probeOf();
  give(other, lane);
  const answer = other.message(other.others[0]!, { ...request!, request: 9 });
  expect(answer).toMatchObject([{ kind: "send", message: { kind: "unavailable", request: 9, reason: "not-found" } }]);
  expect(votesIn(other.proposal(proposal))).toEqual(["nullify 1"]);
  expect(other.facts().join()).toContain("for a place that is not its own");
});

test("a proposal that names a lane twice is not even kept (BFT-081)", () => {
  const probe = probeOf();
  const lane = craftLane(probe.set, probe.leader, ["a", "b"]);
  give(probe, lane);
  const ranges = [2, 1].map((count): LaneRange => ({ lane: probe.leader, count, size: 0, proof: undefined }));
  const payload = { form: "lanes", size: sizeOfLanes(ranges, 0), digest: payloadDigest(none) } as const;
  const header = craftLanesHeader(probe.set, 1, { ranges: [lane], changes: { ranges, payload } });
  probe.proposal(craftProposal(probe.set, header, none));
  expect(probe.facts().join()).toContain("whose payload is not the one it names");
  const answer = probe.message(probe.leader, { kind: "blockWanted", request: 1, digest: headerDigest(header) });
  expect(answer).toMatchObject([{ kind: "send", message: { kind: "unavailable" } }]);
});

test("an answer with final blocks is bounded by what headers weigh, too (BFT-061)", () => {
  const probe = probeOf();
  const proof = { signers: none as never, proof: new Uint8Array(8_192) };
  const ranges = seven.map((_, lane): LaneRange => ({ lane: lane as ValidatorIndex, count: 1, size: 0, proof }));
  const header = craftHeader(probe.set, 1, none, { ranges });
  const blocks = Array.from({ length: 60 }, () => ({ header, descendants: [], certificates: [], payload: none }));
  const [answer] = sentIn(probe.give({ kind: "blocksRead", to: probe.leader, request: 1, blocks }), "finalBlocks");
  const size = encodeMessage(answer!).length;
  expect(size).toBeGreaterThan(limits.repairAnswerSizeMax - 70_000);
  expect(size).toBeLessThanOrEqual(limits.repairAnswerSizeMax + 100);
});
