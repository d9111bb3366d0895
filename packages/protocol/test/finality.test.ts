/** Votes, certificates and finality: what a light client rests on, and each way in which a proof can be false. */
import { describe, expect, test } from "vitest";
import { activeBls } from "@stoa/base/active-bls";
import { activeEd25519 } from "@stoa/base/active-signature";
import { concatBytes, toHex } from "@stoa/base/bytes";
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
  type Scheme,
} from "@stoa/protocol/finality/certificate";
import { blsMultisigScheme } from "@stoa/protocol/finality/bls-multisig";
import { decodeHeader, encodeHeader, headerDigest, stateRootOf, type Header } from "@stoa/protocol/finality/header";
import {
  acknowledgementSignBytes,
  batchSignBytes,
  type Acknowledgement,
  type AvailabilityProof,
} from "@stoa/protocol/finality/lane";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import type { Bitmap, ValidatorIndex } from "@stoa/protocol/primitives";

installNativeCrypto();

const chainId = new Uint8Array(32).fill(5) as Digest;
const seeds = Array.from({ length: 10 }, (_, index) => new Uint8Array(32).fill(index + 1) as SecretSeed);
const schemes = {
  "ed25519-list": ed25519ListScheme(activeEd25519),
  "bls-multisig": blsMultisigScheme(
    activeBls,
    seeds.map((seed) => activeBls.publicKey(seed)),
  ),
} as const;
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
    ranges: [],
    executed: { height: height(0), moduleRoots: [], resultsRoot: zeroDigest },
    evidence: [],
    convicted: new Uint8Array(0),
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

const header = headerAfter(undefined);
const ballot: Ballot = { digest: headerDigest(header), view: header.view };
const bits = (...bytes: number[]): Bitmap => Uint8Array.from(bytes) as Bitmap;

/** Votes and certificates of one scheme. */
function ballots(scheme: Scheme) {
  const voteOf = (index: number, { kind = "finalize", digest, view: at, epoch = 0, chain = chainId }: Ballot): Vote => {
    const content = kind === "nullify" ? undefined : digest;
    const message = consensusSignBytes({ kind, chainId: chain, epoch, view: at, digest: content });
    const common = { epoch, view: at, signer: signer(index), signature: scheme.signVote(message, seeds[index]!) };
    return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest };
  };
  const certify = (signers: readonly number[], on: Ballot, set = four): Certificate =>
    scheme.assemble(
      set,
      signers.map((index) => voteOf(index, on)),
    );
  return { voteOf, certify };
}

/** What only the proof of one scheme can have wrong. */
const hostileProofs: {
  readonly [name in Scheme["name"]]: (good: Uint8Array) => readonly (readonly [string, Uint8Array])[];
} = {
  "ed25519-list": (proof) => [
    ["signatures exchanged", concatBytes(proof.subarray(64, 128), proof.subarray(0, 64), proof.subarray(128))],
    ["one signature twice", concatBytes(proof.subarray(0, 64), proof.subarray(0, 64), proof.subarray(128))],
    ["a signature cut off", proof.slice(0, -64)],
  ],
  "bls-multisig": (proof) => [
    ["an infinite sum", Uint8Array.from(proof, (_, index) => (index === 0 ? 0xc0 : 0))],
    ["the sum negated", Uint8Array.from(proof, (byte, index) => (index === 0 ? byte ^ 0x20 : byte))],
    ["a sum in 192 bytes", concatBytes(proof, proof)],
    ["its last byte cut off", proof.slice(0, -1)],
  ],
};

describe.each(Object.values(schemes))("a vote under $name", (scheme) => {
  const { voteOf } = ballots(scheme);

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

  const ten = setOf([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  const honest = ten.validators.map((_, index) => voteOf(index, ballot));
  const forgeries: readonly (readonly number[])[] = [
    [],
    [0],
    [9],
    [4],
    [0, 1],
    [3, 7],
    [0, 4, 9],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  ];
  test.each(forgeries.map((forged) => [forged]))("is found among ten when it is forged: %j", (forged) => {
    // Each has signed something, only not this.
    const stray = (index: number): Vote => ({
      ...honest[index]!,
      signature: voteOf(index, { ...ballot, kind: "notarize" }).signature,
    });
    const votes = honest.map((vote, index) => (forged.includes(index) ? stray(index) : vote));
    expect(scheme.findForged(ten, votes).map((vote) => vote.signer)).toEqual(forged);
    const rest = votes.filter((_, index) => !forged.includes(index));
    if (rest.length < 7) return;
    expect(scheme.verifyCertificate(ten, scheme.assemble(ten, rest))).toBe(true);
  });

  test.each([
    ["empty", new Uint8Array(0)],
    ["of the other scheme's length", new Uint8Array(scheme.name === "ed25519-list" ? 96 : 64).fill(1)],
    ["of zeros", new Uint8Array(scheme.name === "ed25519-list" ? 64 : 96)],
    ["of another signer", honest[1]!.signature],
  ])("with a signature that is %s does not count, alone or among others", (_, signature) => {
    const bad: Vote = { ...honest[0]!, signature };
    expect(scheme.verifyVote(ten, bad)).toBe(false);
    expect(scheme.findForged(ten, [...honest.slice(1), bad])).toEqual([bad]);
  });

  test("of another epoch or of nobody is forged", () => {
    const elsewhere: Vote[] = [
      { ...honest[3]!, epoch: 1 },
      { ...honest[4]!, signer: signer(10) },
    ];
    for (const bad of elsewhere) expect(scheme.findForged(ten, [...honest.slice(0, 3), bad])).toEqual([bad]);
  });
});

describe("a vote", () => {
  test("of one kind has bytes that are no other kind's, and the same for every signer", () => {
    const bytes = (["notarize", "nullify", "finalize", "proposal", "status"] as const).map((kind) =>
      toHex(consensusSignBytes({ kind, chainId, epoch: 0, view: view(1), digest: zeroDigest })),
    );
    expect(new Set(bytes).size).toBe(5);
  });
});

test("a sum of signatures hides nobody: two who help each other sign together, and are named together", () => {
  const scheme = schemes["bls-multisig"];
  const { voteOf } = ballots(scheme);
  const [zero, one, two, three] = [0, 1, 2, 3].map((index) => voteOf(index, ballot)) as [Vote, Vote, Vote, Vote];
  const exchanged = [
    { ...one, signature: two.signature },
    { ...two, signature: one.signature },
  ];
  for (const vote of exchanged) expect(scheme.verifyVote(four, vote)).toBe(false);
  expect(scheme.findForged(four, exchanged)).toEqual([]);
  const certificate = scheme.assemble(four, [zero, ...exchanged]);
  expect(signersOf(four, certificate.signers)).toEqual([0, 1, 2]);
  expect(scheme.verifyCertificate(four, certificate)).toBe(true);
  // With a vote that is bad by itself among them, it alone is dropped.
  const bad = { ...three, signature: zero.signature };
  expect(scheme.findForged(four, [...exchanged, bad])).toContainEqual(bad);
});

describe.each(Object.values(schemes))("a quorum under $name", (scheme) => {
  const { certify } = ballots(scheme);

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

describe.each(Object.values(schemes))("a certificate under $name", (scheme) => {
  const { certify } = ballots(scheme);
  const good = certify([0, 1, 3], ballot) as Finalization;

  test("of a quorum holds, in any order of its votes", () => {
    expect(scheme.verifyCertificate(four, good)).toBe(true);
    expect(certify([3, 0, 1], ballot)).toEqual(good);
    for (const kind of ["notarize", "nullify"] as const) {
      expect(scheme.verifyCertificate(four, certify([0, 1, 2], { ...ballot, kind }))).toBe(true);
    }
  });

  const hostile: readonly (readonly [string, Certificate])[] = [
    ["of two of four", certify([0, 1], ballot)],
    ["of nobody", { ...good, signers: bits(0), proof: new Uint8Array(0) }],
    ["without a proof", { ...good, proof: new Uint8Array(0) }],
    ["that names another signer", { ...good, signers: bits(0b0111) }],
    ["that names one more than have signed", { ...good, signers: bits(0b1111) }],
    ["that names one fewer than have signed", { ...certify([0, 1, 2, 3], ballot), signers: good.signers }],
    ["that names a validator that does not exist", { ...good, signers: bits(0b1_1011) }],
    ["with a bitmap too long", { ...good, signers: bits(0b1011, 0) }],
    ["with a bitmap too short", { ...good, signers: bits() }],
    ["with bytes after the proof", { ...good, proof: concatBytes(good.proof, Uint8Array.of(0)) }],
    ["with a changed bit", { ...good, proof: good.proof.map((byte, at) => (at === 70 ? byte ^ 1 : byte)) }],
    ["of another digest", { ...good, digest: zeroDigest }],
    ["of another view", { ...good, view: view(9) }],
    ["of another epoch", { ...good, epoch: 1 }],
    [
      "whose votes were notarizations",
      { ...(certify([0, 1, 3], { ...ballot, kind: "notarize" }) as never as Finalization), kind: "finalization" },
    ],
    ...hostileProofs[scheme.name](good.proof).map(([name, proof]) => [`with ${name}`, { ...good, proof }] as const),
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

test("a certificate of one scheme is none of the other", () => {
  const [list, sum] = [schemes["ed25519-list"], schemes["bls-multisig"]];
  expect(list.verifyCertificate(four, ballots(sum).certify([0, 1, 2], ballot))).toBe(false);
  expect(sum.verifyCertificate(four, ballots(list).certify([0, 1, 2], ballot))).toBe(false);
});

describe.each(Object.values(schemes))("a header under $name", (scheme) => {
  const { certify } = ballots(scheme);
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

describe.each(Object.values(schemes))("a proof of availability under $name", (scheme) => {
  const subject = { epoch: 0, lane: signer(2), sequence: 9, digest: headerDigest(header) };
  const acknowledge = (index: number): Acknowledgement => {
    const message = acknowledgementSignBytes({ chainId, epoch: 0 }, subject);
    return {
      kind: "acknowledge",
      ...subject,
      signer: signer(index),
      signature: scheme.signVote(message, seeds[index]!),
    };
  };
  const proof = scheme.assemble(four, [3, 0, 1].map(acknowledge));

  test("holds when a quorum acknowledged that batch", () => {
    expect(scheme.verifyVote(four, acknowledge(1))).toBe(true);
    expect(proof).toMatchObject({ kind: "availability", ...subject });
    expect(scheme.verifyCertificate(four, proof)).toBe(true);
    expect(scheme.verifyCertificate(four, scheme.assemble(four, [0, 1].map(acknowledge)))).toBe(false);
  });

  test.each<[string, Partial<AvailabilityProof>]>([
    ["lane", { lane: signer(1) }],
    ["number", { sequence: 8 }],
    ["digest", { digest: zeroDigest }],
    ["epoch", { epoch: 1 }],
    ["signer", { signers: bits(0b0111) }],
  ])("does not hold with another %s", (_, change) => {
    expect(scheme.verifyCertificate(four, { ...proof, ...change })).toBe(false);
  });

  test("is made of nothing that was signed as a vote or as a batch", () => {
    const named = acknowledgementSignBytes({ chainId, epoch: 0 }, subject);
    const others = [
      batchSignBytes({ chainId, epoch: 0 }, subject.sequence, subject.digest),
      ...(["notarize", "finalize"] as const).map((kind) =>
        consensusSignBytes({ kind, chainId, epoch: 0, view: view(9), digest: named.subarray(-34) }),
      ),
    ];
    for (const message of others) {
      const forged = { ...acknowledge(1), signature: scheme.signVote(message, seeds[1]!) };
      expect(scheme.verifyVote(four, forged)).toBe(false);
      expect(scheme.findForged(four, [acknowledge(0), forged])).toEqual([forged]);
    }
  });
});
