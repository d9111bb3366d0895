/** Votes and certificates whose signatures are checked as one batch: the answers are those of single checks. */
import { describe, expect, test } from "vitest";
import { activeEd25519, installEd25519Each } from "@stoa/base/active-signature";
import { sha256, type Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import { ed25519ListScheme, validatorSetOf, type Attestation } from "@stoa/protocol/finality/certificate";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { installBatchingCrypto } from "../src/batching-crypto.ts";
import { createBatchVerifier } from "../src/batch-verifier/batch-verifier.ts";
import { installNativeCrypto, nativeEd25519 } from "../src/native-crypto.ts";

installNativeCrypto();
installBatchingCrypto();

const chainId = sha256(Uint8Array.of(1));
const seeds = Array.from({ length: 7 }, (_, index) => new Uint8Array(32).fill(index + 1) as SecretSeed);
const set = validatorSetOf(
  chainId,
  0,
  seeds.map((seed) => ({ key: nativeEd25519.publicKey(seed), stake: 1 })),
);
const view = 9 as View;
const digest: Digest = sha256(Uint8Array.of(2));
const voteOf = (index: number, about = digest, epoch = 0): Attestation => {
  const signature = nativeEd25519.sign(
    consensusSignBytes({ kind: "notarize", chainId, epoch, view, digest: about }),
    seeds[index]!,
  );
  return { kind: "notarize", epoch, view, digest, signer: index as ValidatorIndex, signature };
};
const batching = ed25519ListScheme(activeEd25519);
const { verifyEach: _, ...one } = nativeEd25519;
const singly = ed25519ListScheme(one);

describe("signatures of votes in batches", () => {
  test("find the same forged votes as single checks, also among votes of nobody and of another epoch", () => {
    const stranger = { ...voteOf(3), signer: 9 as ValidatorIndex };
    const votes = [
      voteOf(0),
      voteOf(1, chainId),
      voteOf(2),
      stranger,
      voteOf(4, digest, 1),
      voteOf(5),
      voteOf(6, chainId),
    ];
    for (const some of [votes, votes.slice(0, 2), votes.slice(1, 3), votes.slice(0, 1), [stranger], []]) {
      expect(batching.findForged(set, some)).toEqual(singly.findForged(set, some));
    }
    expect(batching.findForged(set, votes)).toEqual([votes[1], votes[3], votes[4], votes[6]]);
  });

  test("hold a certificate for what single checks do, whichever signature is wrong", () => {
    const good = batching.assemble(
      set,
      [0, 1, 2, 3, 4].map((index) => voteOf(index)),
    );
    expect(batching.verifyCertificate(set, good)).toBe(true);
    for (let wrong = 0; wrong < good.proof.length; wrong += 31) {
      const proof = Uint8Array.from(good.proof, (byte, index) => (index === wrong ? byte ^ 4 : byte));
      expect(batching.verifyCertificate(set, { ...good, proof }), `byte ${wrong}`).toBe(false);
      expect(singly.verifyCertificate(set, { ...good, proof }), `byte ${wrong}`).toBe(false);
    }
  });

  test("are not taken from what answers differently", () => {
    const { verify } = createBatchVerifier();
    expect(() => installEd25519Each((items) => verify(items).fill(1))).toThrow("several signatures at once");
  });
});
