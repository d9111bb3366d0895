/** Votes that are right only in a sum: under `bls-multisig` they end a view, and prove nothing about their signers. */
import { expect, test } from "vitest";
import { taggedHash } from "@stoa/base/hash";
import { toUtf8 } from "@stoa/base/bytes";
import type { BlsSignature } from "@stoa/base/bls";
import type { Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import { blsMultisigScheme } from "@stoa/protocol/finality/bls-multisig";
import { consensusSignBytes, type Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { Probe } from "../../consensus/test/probe.ts";
import { loadNativeBls } from "../src/native-bls.ts";

const bls = loadNativeBls();
const seedOf = (index: number): SecretSeed => new Uint8Array(32).fill(index + 1) as SecretSeed;
const view = 1 as View;

test("two forgers whose signatures are right in the sum make no honest validator accuse anybody (BFT-100)", () => {
  const probe = new Probe({ stakes: [1, 1, 1, 1, 1, 1, 1] });
  const keys = probe.set.validators.map((_, index) => bls.publicKey(seedOf(index)));
  Object.assign(probe.replica, {
    scheme: blsMultisigScheme(bls, keys),
    signVote: (bytes: Uint8Array) => bls.sign(bytes, seedOf(probe.self)),
  });
  const { chainId, epoch } = probe.set;
  const digestOf = (name: string): Digest => taggedHash("STOA1/test", toUtf8(name));
  const signed = (signer: number, digest: Digest): BlsSignature =>
    bls.sign(consensusSignBytes({ kind: "notarize", chainId, epoch, view, digest }), seedOf(signer));
  const voteOf = (signer: number, digest: Digest, signature: Uint8Array): Vote => {
    return { kind: "notarize", epoch, view, signer: signer as ValidatorIndex, digest, signature };
  };
  const [one, other, ...honest] = probe.others as number[];
  const [block, second] = [digestOf("block"), digestOf("second")];
  const added = signed(one!, digestOf("anything"));
  const subtracted = Uint8Array.from(added) as BlsSignature;
  // The sign of a compressed point.
  subtracted[0]! ^= 0x20;
  probe.vote(voteOf(one!, block, bls.aggregate([signed(one!, block), added])!));
  probe.vote(voteOf(other!, block, bls.aggregate([signed(other!, block), subtracted])!));
  for (const signer of honest.slice(0, 3)) probe.vote(voteOf(signer, block, signed(signer, block)));
  expect(probe.replica.view).toBe(2);
  const effects = probe.vote(voteOf(one!, second, signed(one!, second)));
  expect(effects.filter((effect) => effect.kind === "broadcast" && effect.message.kind === "evidence")).toEqual([]);
  expect(probe.replica.evidence.pending).toEqual([]);
});
