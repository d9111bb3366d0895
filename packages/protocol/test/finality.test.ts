/** Votes, certificates and finality: what a light client rests on, and each way in which a proof can be false. */
import { beforeAll, describe, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { toHex } from "@stoa/base/bytes";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import { height, timeMs, view } from "@stoa/base/units";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import {
  bitmapOf,
  ed25519ListScheme,
  hasHonest,
  isQuorum,
  signersOf,
  validatorSetOf,
  verifyFinalHeader,
  type Certificate,
  type Finalization,
  type ValidatorSet,
} from "@stoa/protocol/finality/certificate";
import { decodeHeader, encodeHeader, headerDigest, stateRootOf, type Header } from "@stoa/protocol/finality/header";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import type { Bitmap, ValidatorIndex } from "@stoa/protocol/primitives";

beforeAll(installNativeCrypto);

const chainId = new Uint8Array(32).fill(5) as Digest;
const seeds = Array.from({ length: 10 }, (_, index) => new Uint8Array(32).fill(index + 1) as SecretSeed);
const scheme = ed25519ListScheme(activeEd25519);
const signer = (index: number): ValidatorIndex => index as ValidatorIndex;

function setOf(stakes: readonly number[], epoch = 0): ValidatorSet {
  const validators = stakes.map((stake, index) => ({ key: activeEd25519.publicKey(seeds[index]!), stake }));
  return validatorSetOf(chainId, epoch, validators);
}

const four = setOf([1, 1, 1, 1]);

function headerAfter(parent: Header | undefined, changes: Partial<Header> = {}): Header {
  return {
    chainId,
    epoch: 0,
    view: view((parent?.view ?? 0) + 1),
    height: height((parent?.height ?? 0) + 1),
    parentView: view(parent?.view ?? 0),
    parentDigest: parent === undefined ? zeroDigest : headerDigest(parent),
    proposer: signer(0),
    timeMs: timeMs(1_000 + (parent?.height ?? 0)),
    payload: { form: "none", size: 0, digest: zeroDigest },
    tips: [],
    availability: [],
    executed: { height: height(0), moduleRoots: [], resultsRoot: zeroDigest },
    evidence: [],
    nextEpoch: undefined,
    seal: undefined,
    ...changes,
  };
}

interface Ballot {
  readonly kind?: VoteKind;
  readonly digest: Digest;
  readonly view: Header["view"];
  readonly epoch?: number;
  readonly chain?: Digest;
}

function voteOf(index: number, { kind = "finalize", digest, view: at, epoch = 0, chain = chainId }: Ballot): Vote {
  const content = kind === "nullify" ? undefined : digest;
  const message = consensusSignBytes({ kind, chainId: chain, epoch, view: at, digest: content });
  const common = { epoch, view: at, signer: signer(index), signature: activeEd25519.sign(message, seeds[index]!) };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest };
}

function certify(signers: readonly number[], ballot: Ballot, set = four): Certificate {
  return scheme.assemble(
    set,
    signers.map((index) => voteOf(index, ballot)),
  );
}

const header = headerAfter(undefined);
const ballot: Ballot = { digest: headerDigest(header), view: header.view };

describe("a vote", () => {
  test("counts for its signer, kind, chain, epoch, view and digest, and for nothing else", () => {
    for (const kind of ["notarize", "nullify", "finalize"] as const) {
      const vote = voteOf(1, { ...ballot, kind });
      expect(scheme.verifyVote(four, vote)).toBe(true);
      expect(scheme.verifyVote(four, { ...vote, signer: signer(2) })).toBe(false);
      expect(scheme.verifyVote(four, { ...vote, signer: signer(4) })).toBe(false);
      expect(scheme.verifyVote(four, { ...vote, view: view(vote.view + 1) })).toBe(false);
      expect(scheme.verifyVote(four, { ...vote, epoch: 1 })).toBe(false);
      expect(scheme.verifyVote(setOf([1, 1, 1, 1], 1), { ...vote, epoch: 1 })).toBe(false);
      expect(scheme.verifyVote({ ...four, chainId: zeroDigest }, vote)).toBe(false);
      if (vote.kind !== "nullify") expect(scheme.verifyVote(four, { ...vote, digest: zeroDigest })).toBe(false);
    }
    const notarize = voteOf(1, { ...ballot, kind: "notarize" });
    expect(scheme.verifyVote(four, { ...notarize, kind: "finalize" } as Vote)).toBe(false);
  });

  test("of one kind has bytes that are no other kind's, and the same for every signer", () => {
    const bytes = (["notarize", "nullify", "finalize", "proposal", "status"] as const).map((kind) =>
      toHex(consensusSignBytes({ kind, chainId, epoch: 0, view: view(1), digest: zeroDigest })),
    );
    expect(new Set(bytes).size).toBe(5);
  });
});

describe("a quorum", () => {
  test("is more than two thirds of the stake, in integers", () => {
    expect([2, 3, 4].map((stake) => isQuorum(four, stake))).toEqual([false, true, true]);
    expect([1, 2, 3].map((stake) => isQuorum(setOf([1, 1, 1]), stake))).toEqual([false, false, true]);
    const large = setOf([1_000_000_000_000, 1_000_000_000_000, 1_000_000_000_000]);
    expect([2_000_000_000_000, 2_000_000_000_001].map((stake) => isQuorum(large, stake))).toEqual([false, true]);
    expect([1, 2].map((stake) => hasHonest(four, stake))).toEqual([false, true]);
  });

  test("weighs stake and does not count heads", () => {
    const uneven = setOf([7, 1, 1, 1]);
    expect(scheme.verifyCertificate(uneven, certify([0], ballot, uneven))).toBe(true);
    expect(scheme.verifyCertificate(uneven, certify([1, 2, 3], ballot, uneven))).toBe(false);
  });

  test("of no stake, of fractions, or of too many validators makes no set", () => {
    expect(() => setOf([])).toThrow();
    expect(() => setOf([1, 0])).toThrow();
    expect(() => setOf([2 ** 53 - 1])).toThrow();
  });
});

describe("a certificate", () => {
  const good = certify([0, 1, 3], ballot) as Finalization;

  test("of a quorum holds, in any order of its votes", () => {
    expect(scheme.verifyCertificate(four, good)).toBe(true);
    expect(certify([3, 0, 1], ballot)).toEqual(good);
    for (const kind of ["notarize", "nullify"] as const) {
      expect(scheme.verifyCertificate(four, certify([0, 1, 2], { ...ballot, kind }))).toBe(true);
    }
  });

  const bits = (...bytes: number[]): Bitmap => Uint8Array.from(bytes) as Bitmap;
  const swapped = new Uint8Array([
    ...good.proof.subarray(64, 128),
    ...good.proof.subarray(0, 64),
    ...good.proof.subarray(128),
  ]);
  const twice = new Uint8Array([
    ...good.proof.subarray(0, 64),
    ...good.proof.subarray(0, 64),
    ...good.proof.subarray(128),
  ]);
  const hostile: readonly (readonly [string, Certificate])[] = [
    ["of two of four", certify([0, 1], ballot)],
    ["of nobody", { ...good, signers: bits(0), proof: new Uint8Array(0) }],
    ["that names another signer", { ...good, signers: bits(0b0111) }],
    ["that names one more than it has signatures of", { ...good, signers: bits(0b1111) }],
    ["that names a validator that does not exist", { ...good, signers: bits(0b1_1011) }],
    ["with a bitmap too long", { ...good, signers: bits(0b1011, 0) }],
    ["with a bitmap too short", { ...good, signers: bits() }],
    ["with signatures exchanged", { ...good, proof: swapped }],
    ["with one signature twice", { ...good, proof: twice }],
    ["with bytes after the signatures", { ...good, proof: new Uint8Array([...good.proof, 0]) }],
    ["with a signature cut off", { ...good, proof: good.proof.slice(0, -64) }],
    ["with a changed bit", { ...good, proof: good.proof.map((byte, at) => (at === 70 ? byte ^ 1 : byte)) }],
    ["of another digest", { ...good, digest: zeroDigest }],
    ["of another view", { ...good, view: view(9) }],
    ["of another epoch", { ...good, epoch: 1 }],
    [
      "whose votes were notarizations",
      { ...(certify([0, 1, 3], { ...ballot, kind: "notarize" }) as never as Finalization), kind: "finalization" },
    ],
  ];
  test.each(hostile)("%s does not hold", (_, certificate) => {
    expect(scheme.verifyCertificate(four, certificate)).toBe(false);
  });

  test("names its signers by a bitmap of the set's size, lowest first", () => {
    const ten = setOf([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    const signers = [0, 3, 8, 9].map(signer);
    expect([...bitmapOf(ten, signers)]).toEqual([0b1001, 0b11]);
    expect(signersOf(ten, bitmapOf(ten, signers))).toEqual(signers);
    expect(signersOf(ten, bits(0, 0b100))).toBeUndefined();
  });
});

describe("a header", () => {
  const certificates = [certify([0, 1, 2], ballot)];
  const child = headerAfter(header);
  const grandchild = headerAfter(child);
  const finalBy = (one: Header): Certificate[] => [certify([0, 1, 2], { digest: headerDigest(one), view: one.view })];

  test("is final by a finalization of itself, or of one that descends from it", () => {
    expect(verifyFinality(scheme, four, { header, descendants: [], certificates })).toBe(true);
    expect(verifyFinality(scheme, four, { header, descendants: [child], certificates: finalBy(child) })).toBe(true);
    const proof = { header, descendants: [child, grandchild], certificates: finalBy(grandchild) };
    expect(verifyFinality(scheme, four, proof)).toBe(true);
    expect(verifyFinalHeader(scheme, four, { header, finalization: certificates[0] as Finalization })).toBe(true);
  });

  const stranger = headerAfter(undefined, { height: height(2), view: view(2) });
  const skipping = headerAfter(header, { height: height(3) });
  const otherView = certify([0, 1, 2], { ...ballot, view: view(7) });
  const notarized = certify([0, 1, 2], { ...ballot, kind: "notarize" });
  const hostile: readonly (readonly [string, Parameters<typeof verifyFinality>[2]])[] = [
    ["with no certificate", { header, descendants: [], certificates: [] }],
    ["that is only notarized", { header, descendants: [], certificates: [notarized] }],
    ["with the finalization in second place", { header, descendants: [], certificates: [notarized, ...certificates] }],
    ["with a finalization of its digest in another view", { header, descendants: [], certificates: [otherView] }],
    [
      "by a final header that names another parent",
      { header, descendants: [stranger], certificates: finalBy(stranger) },
    ],
    [
      "by a final header that leaves a height out",
      { header, descendants: [skipping], certificates: finalBy(skipping) },
    ],
    ["by a grandchild without the child", { header, descendants: [grandchild], certificates: finalBy(grandchild) }],
    ["by its parent", { header: child, descendants: [header], certificates }],
    ["of which one field was changed", { header: { ...header, proposer: signer(1) }, descendants: [], certificates }],
  ];
  test.each(hostile)("is not final %s", (_, proof) => {
    expect(verifyFinality(scheme, four, proof)).toBe(false);
  });

  test("has one encoding, and every field is in its digest", () => {
    expect(decodeHeader(encodeHeader(header))).toEqual(header);
    const changed: Partial<Header>[] = [
      { chainId: zeroDigest },
      { epoch: 1 },
      { view: view(8) },
      { height: height(8) },
      { parentView: view(8) },
      { parentDigest: chainId },
      { proposer: signer(3) },
      { timeMs: timeMs(8) },
      { payload: { form: "inline", size: 1, digest: chainId } },
      { executed: { height: height(1), moduleRoots: [chainId], resultsRoot: zeroDigest } },
      { seal: chainId },
    ];
    const digests = changed.map((change) => toHex(headerDigest({ ...header, ...change })));
    expect(new Set([...digests, toHex(headerDigest(header))]).size).toBe(changed.length + 1);
  });

  test("commits to the order of its module roots", () => {
    const roots = { height: height(1), resultsRoot: zeroDigest };
    const forward = stateRootOf({ ...roots, moduleRoots: [chainId, zeroDigest] });
    expect(toHex(stateRootOf({ ...roots, moduleRoots: [zeroDigest, chainId] }))).not.toBe(toHex(forward));
  });
});
