/**
 * Does the simulator see anything? Each mutant breaks one rule of the protocol on purpose, by replacing the module that holds
 * it, and some seed must notice. The unbroken rules pass the same seeds in `seeds.test.ts`.
 */
import { afterEach, expect, test, vi } from "vitest";
import type { Effect } from "@stoa/consensus/effect";
import type { OwnVotes, SafetyRecord } from "@stoa/consensus/safety-record";
import type { Vote, VoteKind } from "@stoa/protocol/finality/vote";
import type { View } from "@stoa/base/units";
import type { SignatureScheme } from "@stoa/base/signature";
import type { SimulateOptions } from "@stoa/simulator/run";
import type { Certificate, Scheme, ValidatorSet } from "@stoa/protocol/finality/certificate";

afterEach(() => {
  vi.doUnmock("@stoa/consensus/safety-record");
  vi.doUnmock("@stoa/consensus/replica");
  vi.doUnmock("@stoa/consensus/skips");
  vi.doUnmock("@stoa/protocol/finality/certificate");
  vi.resetModules();
});

/** What the first failing seed says, with the modules as they are mocked now. */
async function firstFailure(seedsCount: number, options: Partial<SimulateOptions> = {}) {
  vi.resetModules();
  const { simulate } = await import("@stoa/simulator/run");
  for (let seed = 1; seed <= seedsCount; seed++) {
    const { failures } = simulate({ seed, ...options });
    if (0 < failures.length) return failures[0]!;
  }
  return "no seed noticed";
}

/** A safety record in which `allowed` decides, and nothing is asserted. */
function mockSafety(allowed: (kind: VoteKind, own: Readonly<OwnVotes>) => boolean, more: object = {}): void {
  vi.doMock("@stoa/consensus/safety-record", async (original) => {
    const sound = await original<typeof import("@stoa/consensus/safety-record")>();
    return {
      ...sound,
      mayVote: (record: SafetyRecord, kind: VoteKind, view: View) =>
        record.floor < view && allowed(kind, sound.ownVotes(record, view)),
      rememberVote: (record: SafetyRecord, vote: Vote) =>
        record.votes.set(vote.view, { ...sound.ownVotes(record, vote.view), [vote.kind]: vote }),
      ...more,
    };
  });
}

/** A replica whose effects are changed on their way to the driver. */
function mockEffects(change: (effect: Effect) => Effect): void {
  vi.doMock("@stoa/consensus/replica", async (original) => {
    const sound = await original<typeof import("@stoa/consensus/replica")>();
    return { ...sound, step: (...input: Parameters<typeof sound.step>) => sound.step(...input).map(change) };
  });
}

test("finalizing a view that one has nullified is noticed (BFT-021)", async () => {
  mockSafety((kind, own) =>
    kind === "notarize" ? own.notarize === undefined && own.nullify === undefined : own[kind] === undefined,
  );
  expect(await firstFailure(60)).toMatch(/^I[34]/);
}, 60_000);

test("notarizing again after a restart is noticed (BFT-020)", async () => {
  const sound = (kind: VoteKind, own: Readonly<OwnVotes>) =>
    kind === "notarize"
      ? own.notarize === undefined && own.nullify === undefined
      : own.nullify === undefined && own.finalize === undefined;
  mockSafety(sound, { restoreVote: () => undefined });
  expect(await firstFailure(60)).toMatch(/^I4/);
}, 60_000);

test("voting before the vote is on disk is noticed (BFT-022)", async () => {
  mockEffects((effect) => (effect.kind === "persist" ? { ...effect, barrier: false } : effect));
  expect(await firstFailure(60)).toMatch(/^I[45]/);
}, 60_000);

test("finalizing without the block on disk is noticed (BFT-027)", async () => {
  mockEffects((effect) =>
    effect.kind === "persist" && effect.record.kind === "voted"
      ? { ...effect, record: { ...effect.record, header: undefined, payload: undefined } }
      : effect,
  );
  expect(await firstFailure(60)).toMatch(/^I5/);
}, 60_000);

test("taking a block that skips a view without a nullification is noticed (BFT-007)", async () => {
  vi.doMock("@stoa/consensus/skips", () => ({ firstViewNotSkipped: () => undefined }));
  expect(await firstFailure(60, { nodesCount: 4, faulty: [{ node: 1, misbehaviour: "skipper" }] })).toMatch(
    /skips view|^I8/,
  );
}, 60_000);

test("a quorum that is too small is noticed (BFT-024)", async () => {
  const enough = (set: ValidatorSet, stake: number): boolean => 2 * set.totalStake <= 4 * stake;
  vi.doMock("@stoa/protocol/finality/certificate", async (original) => ({
    ...(await original<typeof import("@stoa/protocol/finality/certificate")>()),
    isQuorum: enough,
  }));
  vi.resetModules();
  const { ed25519ListScheme, signersOf, stakeOf } = await import("@stoa/protocol/finality/certificate");
  const lax = (signatures: SignatureScheme): Scheme => ({
    ...ed25519ListScheme(signatures),
    verifyCertificate: (set: ValidatorSet, one: Certificate) => enough(set, stakeOf(set, signersOf(set, one.signers)!)),
  });
  expect(await firstFailure(60, { scheme: lax })).toMatch(/^I[1-5]/);
}, 60_000);
