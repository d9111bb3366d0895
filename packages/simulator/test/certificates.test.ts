/**
 * The simulated cluster with BLS certificates: over a stand-in for the curve on many seeds, and over blst on one. The stand-in
 * adds up as the curve does, and hides nothing.
 */
import { expect, test } from "vitest";
import type { BlsPublicKey, BlsScheme, BlsSignature } from "@stoa/base/bls";
import { equalBytes } from "@stoa/base/bytes";
import { taggedHash } from "@stoa/base/hash";
import { loadNativeBls } from "@stoa/node/native-bls";
import { blsMultisigScheme } from "@stoa/protocol/finality/bls-multisig";
import type { Scheme } from "@stoa/protocol/finality/certificate";
import { simulatedSeed } from "@stoa/simulator/fake-signature";
import { simulate, type Report } from "@stoa/simulator/run";

/** A tag over key and message; the sum of tags is their exclusive or. */
const fakeBls: BlsScheme = {
  publicKey: (seed) => wide("fake-bls-key", seed, 48) as BlsPublicKey,
  sign: (message, seed) => tag(wide("fake-bls-key", seed, 48), message),
  aggregate: (signatures) => (signatures.every(({ length }) => length === 96) ? sum(signatures) : undefined),
  verifyAggregate: (signature, message, keys) => equalBytes(signature, sum(keys.map((key) => tag(key, message)))),
};

function tag(key: Uint8Array, message: Uint8Array): BlsSignature {
  const both = new Uint8Array(key.length + message.length);
  both.set(key);
  both.set(message, key.length);
  return wide("fake-bls", both, 96) as BlsSignature;
}

/** The digest, again and again up to the size. */
function wide(domain: string, bytes: Uint8Array, size: number): Uint8Array {
  const digest = taggedHash(domain, bytes);
  return Uint8Array.from({ length: size }, (_, index) => digest[index % digest.length]!);
}

function sum(parts: readonly Uint8Array[]): BlsSignature {
  const total = new Uint8Array(96);
  for (const part of parts) part.forEach((byte, index) => (total[index]! ^= byte));
  return total as BlsSignature;
}

const nodesCountMax = 16;
const keysOf = (bls: BlsScheme) =>
  Array.from({ length: nodesCountMax }, (_, index) => bls.publicKey(simulatedSeed(index)));
const schemeOver = (bls: BlsScheme): Scheme => blsMultisigScheme(bls, keysOf(bls));

function expectSound(report: Report): void {
  expect(report.failures, `seed ${report.seed}`).toEqual([]);
  expect(report.blocksCount).toBeGreaterThan(0);
}

test.for([
  [1, 2, 3, 4, 5, 6],
  [7, 8, 9, 10, 11, 12],
])("agreement, exclusion and liveness hold with sums on seeds %s (BFT-043)", { timeout: 120_000 }, (seeds) => {
  for (const seed of seeds) expectSound(simulate({ seed, scheme: () => schemeOver(fakeBls) }));
});

test("a forger spoils batches, and only its own votes are dropped (BFT-026)", { timeout: 120_000 }, () => {
  const searched = { batches: 0, forged: 0 };
  const counting = (): Scheme => {
    const scheme = schemeOver(fakeBls);
    return {
      ...scheme,
      findForged(set, votes) {
        const forged = scheme.findForged(set, votes);
        searched.batches++;
        searched.forged += forged.length;
        expect(forged.every(({ signer }) => signer === 2)).toBe(true);
        return forged;
      },
    };
  };
  for (const seed of [31, 32, 33]) {
    const faulty = [{ node: 2, misbehaviour: "forger" as const }];
    expectSound(simulate({ seed, nodesCount: 7, faulty, scheme: counting }));
  }
  expect(searched.batches).toBeGreaterThan(100);
  expect(searched.forged).toBeGreaterThan(0);
});

test("a short run over blst itself ends as it does over the stand-in (BFT-043)", { timeout: 120_000 }, () => {
  const run = (bls: BlsScheme) => simulate({ seed: 5, nodesCount: 4, faultsMs: 1_000, scheme: () => schemeOver(bls) });
  const [real, fake] = [run(loadNativeBls()), run(fakeBls)];
  expectSound(real);
  expect([real.blocksCount, real.viewsCount, real.tally]).toEqual([fake.blocksCount, fake.viewsCount, fake.tally]);
});
