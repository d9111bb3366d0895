/** Evidence: what convicts whom, and the many things that look like it and convict nobody (BFT-100 to BFT-104). */
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { activeBls } from "@stoa/base/active-bls";
import { activeEd25519 } from "@stoa/base/active-signature";
import { sha256, type Digest } from "@stoa/base/hash";
import type { SecretSeed, Signature } from "@stoa/base/signature";
import { view } from "@stoa/base/units";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { blsMultisigScheme } from "@stoa/protocol/finality/bls-multisig";
import { ed25519ListScheme, validatorSetOf, type Certificate } from "@stoa/protocol/finality/certificate";
import {
  decodeEvidence,
  encodeEvidence,
  offenceCodes,
  offenceKinds,
  offenceWords,
  proposalsEvidence,
  proposalSignBytes,
  statementOf,
  statementsEvidence,
  verifyEvidence,
  withOffence,
  convictionsIn,
  batchesEvidence,
  type Evidence,
  type Judge,
  type Offence,
  type OffenceKind,
  type SignedDigest,
  type Statement,
} from "@stoa/protocol/finality/evidence";
import {
  acknowledgementSignBytes,
  batchSignBytes,
  type Acknowledgement,
  type AvailabilityProof,
} from "@stoa/protocol/finality/lane";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

installNativeCrypto();

const seeds = Array.from({ length: 7 }, (_, index) => new Uint8Array(32).fill(index + 1) as SecretSeed);
const chainId = new Uint8Array(32).fill(5) as Digest;
const validators = seeds.map((seed) => ({ key: activeEd25519.publicKey(seed), stake: 1 }));
const blsKeys = seeds.map((seed) => activeBls.publicKey(seed));
const judges: readonly (readonly [string, Judge])[] = [
  [
    "ed25519-list",
    {
      set: validatorSetOf(chainId, 3, validators),
      scheme: ed25519ListScheme(activeEd25519),
      verify: activeEd25519.verify,
    },
  ],
  [
    "bls-multisig",
    {
      set: validatorSetOf(chainId, 3, validators),
      scheme: blsMultisigScheme(activeBls, blsKeys),
      verify: activeEd25519.verify,
    },
  ],
];
const [, judge] = judges[0]!;
const [one, two] = [sha256(Uint8Array.of(1)), sha256(Uint8Array.of(2))];

interface Ballot {
  readonly kind: VoteKind;
  readonly signer: number;
  readonly digest?: Digest | undefined;
  readonly view?: number;
  readonly epoch?: number;
  readonly chain?: Digest;
  /** Whose key signs; the signer's own unless a test forges. */
  readonly key?: number;
}

function voteBy({ scheme }: Judge, ballot: Ballot): Vote {
  const { kind, signer, epoch = 3, chain = chainId } = ballot;
  const digest = kind === "nullify" ? undefined : (ballot.digest ?? one);
  const where = { epoch, view: view(ballot.view ?? 9) };
  const bytes = consensusSignBytes({ kind, chainId: chain, ...where, digest });
  const common = {
    ...where,
    signer: signer as ValidatorIndex,
    signature: scheme.signVote(bytes, seeds[ballot.key ?? signer]!),
  };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest: digest! };
}

const voted = (by: Judge, ballot: Ballot): Statement => statementOf(voteBy(by, ballot));

function certificateBy(by: Judge, kind: VoteKind, signers: readonly number[], digest?: Digest, at = 9): Certificate {
  return by.scheme.assemble(
    by.set,
    signers.map((signer) => voteBy(by, { kind, signer, digest, view: at })),
  );
}
const certified = (by: Judge, kind: VoteKind, signers: readonly number[], digest?: Digest, at = 9): Statement =>
  statementOf(certificateBy(by, kind, signers, digest, at));

function proposed(by: Judge, signer: number, digest: Digest, at = 9, key = signer): SignedDigest {
  return { digest, signature: activeEd25519.sign(proposalSignBytes(by.set, view(at), digest), seeds[key]!) };
}
const proposals = (_by: Judge, first: SignedDigest, second: SignedDigest, signer = 2): Evidence =>
  proposalsEvidence({ epoch: 3, view: view(9), signer: signer as ValidatorIndex }, first, second);

function batched(by: Judge, lane: number, digest: Digest, sequence = 4, key = lane): SignedDigest {
  return { digest, signature: activeEd25519.sign(batchSignBytes(by.set, sequence, digest), seeds[key]!) };
}
const batches = (first: SignedDigest, second: SignedDigest, lane = 2): Evidence =>
  batchesEvidence({ epoch: 3, lane: lane as ValidatorIndex, sequence: 4 }, first, second);

function acknowledged({ set, scheme }: Judge, signer: number, digest: Digest, sequence = 4, lane = 1): Acknowledgement {
  const where = { lane: lane as ValidatorIndex, sequence, digest };
  const signature = scheme.signVote(acknowledgementSignBytes(set, where), seeds[signer]!);
  return { kind: "acknowledge", epoch: 3, ...where, signer: signer as ValidatorIndex, signature };
}
const available = (by: Judge, signers: readonly number[], digest: Digest): AvailabilityProof =>
  by.scheme.assemble(
    by.set,
    signers.map((signer) => acknowledged(by, signer, digest)),
  );

/** The offence with its guilty, such as `double-notarize 9: 2`, or the fact of a refusal. */
function verdict(by: Judge, item: Evidence): string {
  const judgement = verifyEvidence(by, item);
  if (judgement.kind === "refused") return judgement.fact;
  const { kind, at, guilty } = judgement.offence;
  return `${kind} ${"view" in at ? at.view : `${at.lane}/${at.sequence}`}: ${guilty.join(" ")}`;
}

describe.each(judges)("with %s", (_name, by) => {
  const offences: readonly (readonly [string, string, Evidence])[] = [
    [
      "two notarize votes (E1)",
      "double-notarize 9: 2",
      statementsEvidence(
        voted(by, { kind: "notarize", signer: 2 }),
        voted(by, { kind: "notarize", signer: 2, digest: two }),
      ),
    ],
    [
      "two finalize votes (E2)",
      "double-finalize 9: 2",
      statementsEvidence(
        voted(by, { kind: "finalize", signer: 2 }),
        voted(by, { kind: "finalize", signer: 2, digest: two }),
      ),
    ],
    [
      "nullify and finalize (E3)",
      "nullify-finalize 9: 2",
      statementsEvidence(voted(by, { kind: "finalize", signer: 2 }), voted(by, { kind: "nullify", signer: 2 })),
    ],
    ["two proposals (E4)", "double-proposal 9: 2", proposals(by, proposed(by, 2, one), proposed(by, 2, two))],
    ["two batches (E5)", "double-batch 2/4: 2", batches(batched(by, 2, one), batched(by, 2, two))],
    [
      "two acknowledgements (E6)",
      "double-acknowledgement 1/4: 2",
      statementsEvidence(statementOf(acknowledged(by, 2, one)), statementOf(acknowledged(by, 2, two))),
    ],
    [
      "two proofs of availability (E6)",
      "double-acknowledgement 1/4: 2 3 4",
      statementsEvidence(
        statementOf(available(by, [0, 1, 2, 3, 4], one)),
        statementOf(available(by, [2, 3, 4, 5, 6], two)),
      ),
    ],
    [
      "two notarizations (E7)",
      "conflicting-certificates 9: 2 3 4",
      statementsEvidence(
        certified(by, "notarize", [0, 1, 2, 3, 4], one),
        certified(by, "notarize", [2, 3, 4, 5, 6], two),
      ),
    ],
    [
      "two finalizations (E7)",
      "conflicting-certificates 9: 2 3 4",
      statementsEvidence(
        certified(by, "finalize", [0, 1, 2, 3, 4], one),
        certified(by, "finalize", [2, 3, 4, 5, 6], two),
      ),
    ],
    [
      "a nullification and a finalization (E7)",
      "conflicting-certificates 9: 1 3 5",
      statementsEvidence(certified(by, "nullify", [0, 1, 2, 3, 5]), certified(by, "finalize", [1, 3, 4, 5, 6], two)),
    ],
    [
      "a vote against a certificate (E1)",
      "double-notarize 9: 4",
      statementsEvidence(
        certified(by, "notarize", [0, 1, 2, 3, 4], one),
        voted(by, { kind: "notarize", signer: 4, digest: two }),
      ),
    ],
    [
      "a vote against a certificate (E3)",
      "nullify-finalize 9: 4",
      statementsEvidence(certified(by, "nullify", [0, 1, 2, 3, 4]), voted(by, { kind: "finalize", signer: 4 })),
    ],
  ];
  test.for(offences)("%s are %s (BFT-100)", ([, expected, item]) => {
    expect(verdict(by, item)).toBe(expected);
    expect(decodeEvidence(encodeEvidence(item))).toEqual(item);
  });

  const legal: readonly (readonly [string, Evidence])[] = [
    [
      "notarize and nullify",
      statementsEvidence(voted(by, { kind: "notarize", signer: 2 }), voted(by, { kind: "nullify", signer: 2 })),
    ],
    [
      "finalize after notarize of another block",
      statementsEvidence(
        voted(by, { kind: "notarize", signer: 2 }),
        voted(by, { kind: "finalize", signer: 2, digest: two }),
      ),
    ],
    [
      "a notarization and a nullification",
      statementsEvidence(certified(by, "notarize", [0, 1, 2, 3, 4], one), certified(by, "nullify", [0, 1, 2, 3, 4])),
    ],
    [
      "a notarization and a finalization of another block",
      statementsEvidence(
        certified(by, "notarize", [0, 1, 2, 3, 4], one),
        certified(by, "finalize", [0, 1, 2, 3, 4], two),
      ),
    ],
  ];
  test.for(legal)("%s of one view are legal (BFT-101)", ([, item]) => {
    expect(verdict(by, item)).toContain("do not exclude each other");
  });
});

describe("hostile variants (BFT-102)", () => {
  const notarize = voted(judge, { kind: "notarize", signer: 2 });
  const other = voted(judge, { kind: "notarize", signer: 2, digest: two });
  const forged = (statement: Statement): Statement =>
    statement.kind === "vote" ? statementOf({ ...statement.vote, signature: new Uint8Array(64) }) : statement;
  const swapped = (item: Evidence): Evidence =>
    item.kind === "statements"
      ? { ...item, first: item.second, second: item.first }
      : { ...item, first: item.second, second: item.first };
  const cases: readonly (readonly [string, string, Evidence])[] = [
    ["one vote twice", "do not exclude", { kind: "statements", first: notarize, second: notarize }],
    [
      "two nullify votes",
      "do not exclude",
      statementsEvidence(voted(judge, { kind: "nullify", signer: 2 }), voted(judge, { kind: "nullify", signer: 2 })),
    ],
    [
      "votes of two validators",
      "nobody signed both",
      statementsEvidence(notarize, voted(judge, { kind: "notarize", signer: 3, digest: two })),
    ],
    [
      "a signer renamed",
      "not signed by validator 3",
      statementsEvidence(
        voted(judge, { kind: "notarize", signer: 3 }),
        voted(judge, { kind: "notarize", signer: 3, digest: two, key: 2 }),
      ),
    ],
    [
      "a signer that does not exist",
      "nobody signed both",
      statementsEvidence(
        voted(judge, { kind: "notarize", signer: 77, key: 2 }),
        voted(judge, { kind: "notarize", signer: 77, digest: two, key: 2 }),
      ),
    ],
    [
      "votes of two views",
      "the other of view",
      statementsEvidence(notarize, voted(judge, { kind: "notarize", signer: 2, digest: two, view: 10 })),
    ],
    [
      "votes of another epoch",
      "of epoch 4",
      statementsEvidence(
        voted(judge, { kind: "notarize", signer: 2, epoch: 4 }),
        voted(judge, { kind: "notarize", signer: 2, epoch: 4, digest: two }),
      ),
    ],
    [
      "votes of another chain",
      "not signed",
      statementsEvidence(
        voted(judge, { kind: "notarize", signer: 2, chain: one }),
        voted(judge, { kind: "notarize", signer: 2, chain: one, digest: two }),
      ),
    ],
    ["a first that is not signed", "not signed by validator 2", statementsEvidence(forged(notarize), other)],
    ["a second that is not signed", "not signed by validator 2", statementsEvidence(notarize, forged(other))],
    ["halves out of order", "out of order", swapped(statementsEvidence(notarize, other))],
    [
      "proposals of one header",
      "about the same thing",
      proposals(judge, proposed(judge, 2, one), proposed(judge, 2, one)),
    ],
    [
      "a proposal of another view",
      "not signed by validator 2",
      proposals(judge, proposed(judge, 2, one), proposed(judge, 2, two, 10)),
    ],
    [
      "a proposal of another validator",
      "not signed by validator 2",
      proposals(judge, proposed(judge, 2, one), proposed(judge, 2, two, 9, 3)),
    ],
    [
      "a proposer that does not exist",
      "no validator 100",
      proposals(judge, proposed(judge, 2, one), proposed(judge, 2, two), 100),
    ],
    [
      "proposals out of order",
      "out of order",
      swapped(proposals(judge, proposed(judge, 2, one), proposed(judge, 2, two))),
    ],
    ["batches of one digest", "about the same thing", batches(batched(judge, 2, one), batched(judge, 2, one))],
    [
      "a batch for another place",
      "not signed by validator 2",
      batches(batched(judge, 2, one), batched(judge, 2, two, 5)),
    ],
    [
      "a batch of another owner",
      "not signed by validator 2",
      batches(batched(judge, 2, one), batched(judge, 2, two, 4, 3)),
    ],
    [
      "acknowledgements for two places",
      "one is of place 4 of lane 1",
      statementsEvidence(statementOf(acknowledged(judge, 2, one)), statementOf(acknowledged(judge, 2, two, 5))),
    ],
    [
      "acknowledgements of two lanes",
      "the other of place 4 of lane",
      statementsEvidence(statementOf(acknowledged(judge, 2, one)), statementOf(acknowledged(judge, 2, two, 4, 3))),
    ],
    [
      "an acknowledgement passed off as a vote",
      "one is of",
      statementsEvidence(statementOf(acknowledged(judge, 2, one)), other),
    ],
    [
      "a certificate without a quorum",
      "does not verify",
      statementsEvidence(
        certified(judge, "notarize", [0, 1, 2, 3], one),
        certified(judge, "notarize", [2, 3, 4, 5, 6], two),
      ),
    ],
    [
      "a vote passed off as a proposal",
      "not signed by validator 2",
      proposals(
        judge,
        { digest: one, signature: (notarize as { vote: Vote }).vote.signature as Signature },
        proposed(judge, 2, two),
      ),
    ],
  ];
  test.for(cases)("%s: %s", ([, fact, item]) => {
    expect(verdict(judge, item)).toContain(fact);
  });

  test("whatever is changed in genuine evidence, nobody else is convicted", () => {
    const genuine = encodeEvidence(statementsEvidence(notarize, other));
    fc.assert(
      fc.property(fc.nat(genuine.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(genuine);
        bytes[at]! ^= change;
        const item = decodeEvidence(bytes);
        expect(item === undefined ? "refused" : verifyEvidence(judge, item).kind).toBe("refused");
      }),
      { numRuns: 400 },
    );
  });
});

/** The rules told once more, as sets: what each signer is known to have cast. */
function guiltyByHand(
  statements: readonly { readonly kind: VoteKind; readonly digest: number; readonly signers: readonly number[] }[],
): number[] {
  const guilty: number[] = [];
  for (let signer = 0; signer < 7; signer++) {
    const cast = statements.filter(({ signers }) => signers.includes(signer));
    const blocks = (kind: VoteKind) =>
      new Set(cast.filter((each) => each.kind === kind).map(({ digest }) => digest)).size;
    const both = 0 < blocks("nullify") && 0 < blocks("finalize");
    if (1 < blocks("notarize") || 1 < blocks("finalize") || both) guilty.push(signer);
  }
  return guilty;
}

test("any two votes or certificates convict exactly whom the rules convict (BFT-100, BFT-101)", () => {
  const kinds = fc.constantFrom<VoteKind>("notarize", "nullify", "finalize");
  const quorum = fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 5 });
  const anyone = fc.nat(6).map((signer) => [signer]);
  const statement = fc.record({ kind: kinds, digest: fc.nat(1), signers: fc.oneof(anyone, quorum) });
  let convictions = 0;
  fc.assert(
    fc.property(statement, statement, (left, right) => {
      const [first, second] = [left, right].map(({ kind, digest, signers }) => {
        const named = kind === "nullify" ? undefined : [one, two][digest];
        return signers.length === 1
          ? voted(judge, { kind, signer: signers[0]!, digest: named })
          : certified(judge, kind, signers, named);
      });
      const judgement = verifyEvidence(judge, statementsEvidence(first!, second!));
      const guilty = judgement.kind === "guilty" ? [...judgement.offence.guilty] : [];
      expect(guilty).toEqual(guiltyByHand([left, right]));
      convictions += guilty.length === 0 ? 0 : 1;
    }),
    { numRuns: 400 },
  );
  expect(convictions).toBeGreaterThan(20);
});

test("one pair has one encoding, whichever half came first (BFT-103)", () => {
  const [first, second] = [one, two].map((digest) => voted(judge, { kind: "notarize", signer: 2, digest }));
  expect(encodeEvidence(statementsEvidence(first!, second!))).toEqual(
    encodeEvidence(statementsEvidence(second!, first!)),
  );
  const [left, right] = [one, two].map((digest) => proposed(judge, 2, digest));
  expect(encodeEvidence(proposals(judge, left!, right!))).toEqual(encodeEvidence(proposals(judge, right!, left!)));
});

test("a validator is convicted of each kind of offence once (BFT-104)", () => {
  const offence = (kind: OffenceKind, ...guilty: number[]): Offence => {
    return { kind, epoch: 3, at: { view: view(9) }, guilty: guilty as ValidatorIndex[] };
  };
  const none = new Uint8Array(0);
  const once = withOffence(judge.set, none, offence("double-notarize", 2));
  expect([...once]).toEqual([0, 0, 1, 0, 0, 0, 0]);
  expect(withOffence(judge.set, once, { ...offence("double-notarize", 2), at: { view: view(10) } })).toBe(once);
  const twice = withOffence(judge.set, once, offence("conflicting-certificates", 2, 4));
  expect([...twice]).toEqual([0, 0, 65, 0, 64, 0, 0]);
  expect(withOffence(judge.set, twice, offence("conflicting-certificates", 4))).toBe(twice);
  expect(withOffence(judge.set, twice, offence("conflicting-certificates", 4, 5))).not.toBe(twice);
  expect(convictionsIn(twice)).toEqual([
    { validator: 2, kinds: ["double-notarize", "conflicting-certificates"] },
    { validator: 4, kinds: ["conflicting-certificates"] },
  ]);
  expect(convictionsIn(none)).toEqual([]);
  expect(offenceKinds.map((kind) => offenceCodes[kind])).toEqual(["E1", "E2", "E3", "E4", "E5", "E6", "E7"]);
});

test("an offence is told in words", () => {
  const judgement = verifyEvidence(judge, proposals(judge, proposed(judge, 2, one), proposed(judge, 2, two)));
  if (judgement.kind !== "guilty") throw new Error(judgement.fact);
  expect(offenceWords(judgement.offence, (signer) => `validator-${signer}`)).toBe(
    "validator-2 proposed two blocks for view 9",
  );
});

test("the largest there is fits (BFT-103)", () => {
  const many = Array.from({ length: 128 }, (_, index) => index as ValidatorIndex);
  const bits = new Uint8Array(16).fill(255) as Certificate["signers"];
  const proof = new Uint8Array(64 * many.length);
  const certificateOn = (digest: Digest): Statement =>
    statementOf({ kind: "notarization", epoch: 0, view: view(1), signers: bits, proof, digest });
  const bytes = encodeEvidence(statementsEvidence(certificateOn(one), certificateOn(two)));
  expect(bytes.length).toBeLessThan(20_000);
  expect(decodeEvidence(bytes)).toBeDefined();
  expect(decodeEvidence(new Uint8Array(64 * 1024 + 1))).toBeUndefined();
});
