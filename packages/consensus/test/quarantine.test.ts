/** A validator that lost its log (BFT-054 to BFT-058): what it asks, what counts, and what it signs before and after. */
import { describe, expect, test } from "vitest";
import { sha256, zeroDigest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { Height, View } from "@stoa/base/units";
import type { DurableRecord, Effect } from "@stoa/consensus/effect";
import type { Status } from "@stoa/consensus/message";
import { isQuarantined, quarantineOf, statusBytes } from "@stoa/consensus/quarantine";
import { headerDigest } from "@stoa/protocol/finality/header";
import { craftCertificate, craftHeader, craftProposal, craftVote, payloadOf } from "./craft.ts";
import { fakeSignature, seedOf } from "./fake-scheme.ts";
import { Probe, sentIn, votesIn, type ProbeOptions } from "./probe.ts";

const payload = payloadOf("aa");
const lost = (keyFloor = 0): DurableRecord => ({ kind: "logLost", fact: "it was deleted", keyFloor: keyFloor as View });
const floorOf = (view: number): DurableRecord => ({ kind: "floor", view: view as View });
const amnesiac = (records: readonly DurableRecord[] = [lost()], options: ProbeOptions = {}): Probe =>
  new Probe({ ...options, history: { records } });

/** The answer of a validator in `view`; `lie` changes it before it is signed, `spoil` after. */
function answerOf(
  probe: Probe,
  from: number,
  view: number,
  { lie = {}, spoil = {} }: { readonly lie?: Partial<Status>; readonly spoil?: Partial<Status> } = {},
): Status {
  const claims = {
    epoch: 0,
    view: view as View,
    entryCertificate: view === 1 ? undefined : craftCertificate(probe.set, "nullify", view - 1, probe.others),
    finalHeight: 0 as Height,
    finalView: 0 as View,
    session: 1,
    nonce: probe.replica.nonce!,
    quarantined: false,
    ...lie,
  };
  const signature = fakeSignature.sign(statusBytes(probe.replica, claims), seedOf(from));
  return { ...claims, signature, ...spoil };
}
const give = (probe: Probe, from: number, status: Status): Effect[] => probe.message(from, { kind: "status", status });
const floorsIn = (effects: readonly Effect[]): (readonly [number, boolean])[] =>
  effects.flatMap((effect) =>
    effect.kind === "persist" && effect.record.kind === "floor" ? [[effect.record.view, effect.barrier] as const] : [],
  );
const proposalAt = (probe: Probe, view: number) => {
  const header = craftHeader(probe.set, view, payload);
  const skips = Array.from({ length: view - 1 }, (_, index) =>
    craftCertificate(probe.set, "nullify", index + 1, probe.others),
  );
  return craftProposal(probe.set, header, payload, { skips });
};

describe("a validator without its log", () => {
  test("asks all others, with one nonce, until they have answered (BFT-055)", () => {
    const probe = amnesiac();
    const asked = sentIn(probe.effects, "statusWanted");
    expect(asked).toHaveLength(3);
    for (const one of asked) expect(one).toMatchObject({ nonce: probe.replica.nonce });
    give(probe, probe.others[0]!, answerOf(probe, probe.others[0]!, 1));
    expect(sentIn(probe.timer("status"), "statusWanted")).toHaveLength(2);
    expect(quarantineOf(probe.replica)).toEqual({
      fact: "it was deleted",
      floor: undefined,
      heard: [probe.others[0]],
      awaited: probe.others.slice(1),
      hopeless: false,
    });
  });

  test.for([true, false])("signs nothing but statuses, as a leader (%s) neither (BFT-054)", (leads) => {
    const probe = amnesiac([lost()], { leads });
    probe.give({ kind: "workPending", pending: true });
    if (!leads) probe.proposal(proposalAt(probe, 1));
    probe.timer("view");
    const digest = headerDigest(craftHeader(probe.set, 1, payload));
    probe.certificate(craftCertificate(probe.set, "notarize", 1, probe.others, digest));
    probe.give({ kind: "payload", view: 1 as View, payload, work: true });
    expect(votesIn(probe.effects)).toEqual([]);
    expect(sentIn(probe.effects, "proposal")).toEqual([]);
    expect(sentIn(probe.effects, "status")[0]).toMatchObject({ status: { quarantined: true } });
    expect(probe.replica.view).toBe(2);
  });

  test("takes V + 1 as its floor when a quorum of others has answered, on disk first (BFT-054, BFT-056)", () => {
    const probe = amnesiac();
    const [first, second, third] = probe.others as readonly number[] as [number, number, number];
    expect(floorsIn(give(probe, first, answerOf(probe, first, 4)))).toEqual([]);
    // With its own stake these two would be a quorum.
    expect(floorsIn(give(probe, second, answerOf(probe, second, 2)))).toEqual([]);
    expect(floorsIn(give(probe, second, answerOf(probe, second, 2)))).toEqual([]);
    expect(floorsIn(give(probe, third, answerOf(probe, third, 1)))).toEqual([[5, true]]);
    expect(quarantineOf(probe.replica)?.floor).toBe(5);
    expect(sentIn(probe.timer("status"), "statusWanted")).toEqual([]);
  });

  test("takes no floor below that of its key (BFT-057)", () => {
    const probe = amnesiac([lost(30)]);
    const floors = probe.others.flatMap((from) => floorsIn(give(probe, from, answerOf(probe, from, 4))));
    expect(floors).toEqual([[30, true]]);
  });

  test("says so when the others together are no quorum", () => {
    // The heaviest leads first.
    for (const leads of [true, false]) {
      const probe = amnesiac([lost()], { stakes: [1, 1, 9, 1], leads });
      expect(probe.self === 2).toBe(leads);
      expect(quarantineOf(probe.replica)?.hopeless).toBe(leads);
    }
  });

  const refused: readonly (readonly [string, Parameters<typeof answerOf>[3], number?])[] = [
    ["an answer to an earlier start's question", { lie: { nonce: sha256(payload) } }],
    ["a status that answers nothing", { lie: { nonce: zeroDigest } }],
    ["an answer of one that is in quarantine itself", { lie: { quarantined: true } }],
    ["an answer that is not signed", { spoil: { signature: new Uint8Array(64) as Signature } }],
    ["an answer that was changed after it was signed", { spoil: { finalView: 3 as View } }],
    ["a view without a certificate", { lie: { entryCertificate: undefined } }],
    ["a view above the certificate", { lie: { view: 9 as View } }],
    ["a view below the certificate", { lie: { view: 2 as View } }],
    ["another epoch", { lie: { epoch: 1 } }],
  ];
  test.for(refused)("%s does not count (BFT-055)", ([, change]) => {
    const probe = amnesiac();
    const [first, second, third] = probe.others as readonly number[] as [number, number, number];
    give(probe, first, answerOf(probe, first, 4));
    give(probe, second, answerOf(probe, second, 4));
    expect(floorsIn(give(probe, third, answerOf(probe, third, 4, change)))).toEqual([]);
    expect(floorsIn(give(probe, third, answerOf(probe, third, 4)))).toEqual([[5, true]]);
  });

  test("a certificate that no quorum signed proves no view (BFT-055)", () => {
    const probe = amnesiac();
    const [first, second, third] = probe.others as readonly number[] as [number, number, number];
    const entryCertificate = craftCertificate(probe.set, "nullify", 3, [first, second]);
    give(probe, first, answerOf(probe, first, 4));
    give(probe, second, answerOf(probe, second, 4));
    expect(floorsIn(give(probe, third, answerOf(probe, third, 4, { lie: { entryCertificate } })))).toEqual([]);
  });
});

describe("a floor", () => {
  const after = (view: number): Probe => {
    const probe = amnesiac([lost(), floorOf(5)]);
    probe.certificate(craftCertificate(probe.set, "nullify", view - 1, probe.others));
    probe.give({ kind: "workPending", pending: true });
    probe.timer("view");
    return probe;
  };

  test("is silent through its view, and the one above it is voted in (BFT-054)", () => {
    expect(votesIn(after(5).effects)).toEqual([]);
    expect(quarantineOf(after(5).replica)).toMatchObject({ floor: 5 });
    expect(votesIn(after(6).effects)).toEqual(["nullify 6"]);
    expect(quarantineOf(after(6).replica)).toBeUndefined();
  });

  test("holds after a restart, and so does what was voted above it (BFT-056)", () => {
    const records = after(6).effects.flatMap((effect) => (effect.kind === "persist" ? [effect.record] : []));
    const again = amnesiac([lost(), floorOf(5), ...records]);
    expect(again.replica.view).toBe(6);
    const digest = headerDigest(craftHeader(again.set, 4, payload));
    again.proposal(craftProposal(again.set, craftHeader(again.set, 4, payload), payload));
    again.certificate(craftCertificate(again.set, "notarize", 4, again.others, digest));
    expect(votesIn(again.effects)).toEqual(["nullify 6"]);
    // No view is entered for a floor: that takes a certificate.
    expect(amnesiac([lost(), floorOf(5)]).replica.view).toBe(1);
    expect(isQuarantined(amnesiac([lost(), floorOf(5)]).replica)).toBe(true);
  });

  test("below it a final block does not help: its view was perhaps voted in (BFT-054)", () => {
    const probe = amnesiac([lost(), floorOf(5)]);
    const digest = sha256(payload);
    probe.certificate(craftCertificate(probe.set, "notarize", 4, probe.others, digest));
    probe.certificate(craftCertificate(probe.set, "finalize", 4, probe.others, digest));
    probe.give({ kind: "workPending", pending: true });
    probe.timer("view");
    expect(votesIn(probe.effects)).toEqual([]);
  });
});

describe("whoever is asked", () => {
  const nonce = sha256(payloadOf("question"));
  const ask = (probe: Probe) => probe.message(probe.others[0]!, { kind: "statusWanted", request: 7, nonce });

  test("answers with the nonce, its certificate and its signature (BFT-055)", () => {
    const probe = new Probe();
    probe.certificate(craftCertificate(probe.set, "nullify", 3, probe.others));
    const [answer] = ask(probe);
    if (answer?.kind !== "send" || answer.message.kind !== "status") throw new Error("no status");
    const { signature, ...claims } = answer.message.status;
    expect(claims).toMatchObject({ view: 4, nonce, quarantined: false, entryCertificate: { view: 3 } });
    const { key } = probe.set.validators[probe.self]!;
    expect(fakeSignature.verify(signature, statusBytes(probe.replica, claims), key)).toBe(true);
  });

  test("has nothing to say in quarantine, with and without a floor, and answers above it (BFT-055)", () => {
    expect(ask(amnesiac())).toMatchObject([{ message: { kind: "unavailable", request: 7, reason: "busy" } }]);
    const probe = amnesiac([lost(), floorOf(5)]);
    probe.certificate(craftCertificate(probe.set, "nullify", 4, probe.others));
    expect(ask(probe)).toMatchObject([{ message: { kind: "unavailable" } }]);
    probe.certificate(craftCertificate(probe.set, "nullify", 5, probe.others));
    expect(ask(probe)).toMatchObject([{ message: { kind: "status", status: { view: 6 } } }]);
  });
});

describe("a certificate with a vote of this key that its log does not know (BFT-058)", () => {
  const digest = sha256(payload);
  const halts = (records: readonly DurableRecord[], kind: "notarize" | "nullify" | "finalize", view: number) => {
    const probe = amnesiac(records);
    const signers = [probe.self, ...probe.others.slice(1)];
    probe.certificate(craftCertificate(probe.set, kind, view, signers, digest));
    return probe.halts();
  };
  const voted = (kind: "notarize" | "nullify", about = digest): DurableRecord => ({
    kind: "voted",
    vote: craftVote(new Probe().set, kind, 3, new Probe().self, about),
    header: undefined,
    payload: undefined,
  });

  test("stops the replica: somebody else uses the key, or the log is old", () => {
    expect(halts([], "nullify", 3)).toMatchObject([expect.stringContaining("its vote log does not know of")]);
    expect(halts([voted("notarize", sha256(digest))], "notarize", 3)).toHaveLength(1);
    expect(halts([voted("nullify")], "finalize", 3)).toHaveLength(1);
    expect(halts([lost(), floorOf(2)], "nullify", 3)).toHaveLength(1);
  });

  test("is none when the log has it, or may have forgotten it", () => {
    expect(halts([voted("nullify")], "nullify", 3)).toEqual([]);
    expect(halts([voted("notarize")], "notarize", 3)).toEqual([]);
    expect(halts([lost(), floorOf(3)], "nullify", 3)).toEqual([]);
    expect(halts([lost()], "nullify", 3)).toEqual([]);
    const final = { kind: "finalized", height: 2 as Height, view: 3 as View, digest, tips: [] } as const;
    expect(halts([final], "nullify", 3)).toEqual([]);
  });
});
