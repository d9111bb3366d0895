/** One rule, three implementations: the reference, libsodium's and noble's must answer alike, hostile input included. */
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex, toUtf8 } from "@stoa/base/bytes";
import {
  add,
  basePoint,
  decodePoint,
  encodePoint,
  fieldPrime,
  groupOrder,
  identityPoint,
  isSmallOrder,
  multiply,
  negate,
  referenceEd25519,
} from "@stoa/base/ed25519";
import { activeEd25519, installEd25519 } from "@stoa/base/active-signature";
import { probeMessage, signatureProbes } from "@stoa/base/ed25519-probes";
import { createPrng } from "@stoa/base/prng";
import type { SecretSeed, SignatureScheme } from "@stoa/base/signature";
import { nativeEd25519 } from "@stoa/node/native-crypto";
import {
  challengeOf,
  fromLittle,
  honestKey,
  little,
  mutated,
  nobleEd25519,
  secretScalar,
  seed,
  signMixed,
  torsion,
} from "./hostile-signatures.ts";

const bytesOf = (text: string): Uint8Array => fromHex(text)!;

const schemes = { reference: referenceEd25519, native: nativeEd25519, noble: nobleEd25519 } as const;

function answersOf(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean[] {
  return [referenceEd25519, nativeEd25519].map((scheme) => scheme.verify(signature, message, key));
}

describe("RFC 8032, 7.1", () => {
  const vectors = [
    {
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message: "",
      signature:
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    },
    {
      seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      message: "72",
      signature:
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    },
    {
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      message: "af82",
      signature:
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    },
    {
      seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      key: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      message:
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      signature:
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    },
  ];

  for (const [name, scheme] of Object.entries(schemes)) {
    test(`keys, signatures and checks are those of the standard (${name})`, () => {
      for (const { seed, key, message, signature } of vectors) {
        expect(toHex(scheme.publicKey(bytesOf(seed) as SecretSeed))).toBe(key);
        expect(toHex(scheme.sign(bytesOf(message), bytesOf(seed) as SecretSeed))).toBe(signature);
        expect(scheme.verify(bytesOf(signature), bytesOf(message), bytesOf(key))).toBe(true);
      }
    });
  }
});

describe("the table of hostile signatures", () => {
  for (const [name, scheme] of Object.entries(schemes)) {
    test(`gets the answers of the pinned rule (${name})`, () => {
      const answers = signatureProbes.map((probe) => [
        probe.name,
        scheme.verify(bytesOf(probe.signature), toUtf8(probeMessage), bytesOf(probe.key)),
      ]);
      expect(answers).toEqual(signatureProbes.map((probe) => [probe.name, probe.valid]));
    });
  }

  test("keeps out a scheme without the cofactor, one that takes small-order keys, and one that takes S + L", () => {
    const accepting = (...names: string[]): SignatureScheme => ({
      ...referenceEd25519,
      verify: (signature, message, key) =>
        signatureProbes.some(
          (probe) => probe.signature === toHex(signature) && names.some((n) => probe.name.includes(n)),
        ) || referenceEd25519.verify(signature, message, key),
    });
    expect(() => installEd25519(accepting("anyone can sign"))).toThrow("refuses the identity as key");
    expect(() => installEd25519(accepting("S + L"))).toThrow("refuses the same with S + L");
    const cofactorless: SignatureScheme = {
      ...referenceEd25519,
      verify: (signature, message, key) =>
        !toHex(signature).startsWith("58666666") && referenceEd25519.verify(signature, message, key),
    };
    expect(() => installEd25519(cofactorless)).toThrow("accepts a key of mixed order");
    expect(
      activeEd25519.verify(
        bytesOf(signatureProbes[0]!.signature),
        toUtf8(probeMessage),
        bytesOf(signatureProbes[0]!.key),
      ),
    ).toBe(true);
  });
});

describe("points off the subgroup", () => {
  test("there are eight of small order, none of which is a key", () => {
    const encodings = new Set(torsion.map((point) => toHex(encodePoint(point))));
    expect(encodings.size).toBe(8);
    for (const point of torsion) {
      expect(isSmallOrder(point)).toBe(true);
      const key = encodePoint(point);
      for (let nonce = 1n; nonce < 9n; nonce++) {
        // With S = r and R = r·B + t anyone passes an unguarded check under such a key for some t.
        for (const other of torsion.slice(0, 2)) {
          const commitment = encodePoint(add(multiply(basePoint, nonce), other));
          expect(answersOf(concatBytes(commitment, little(nonce)), toUtf8("pay"), key)).toEqual([false, false]);
        }
      }
    }
  });

  test("signatures with any torsion in the key and in R are accepted by all or by none", () => {
    const message = toUtf8("mixed");
    for (const keyTorsion of torsion) {
      for (const commitmentTorsion of torsion) {
        const { key, signature } = signMixed(message, keyTorsion, commitmentTorsion, 5n);
        expect(answersOf(signature, message, key)).toEqual([true, true]);
        expect(nobleEd25519.verify(signature, message, key)).toBe(true);
        expect(answersOf(signature, toUtf8("other"), key)).toEqual([false, false]);
      }
    }
  });

  test("R of small order, with nothing of the subgroup in it, follows the equation", () => {
    const message = toUtf8("small R");
    for (const commitmentTorsion of torsion) {
      const { key, signature } = signMixed(message, identityPoint, commitmentTorsion, 0n);
      expect(answersOf(signature, message, key)).toEqual([true, true]);
      const wrong = signature.slice();
      wrong[32]! ^= 1;
      expect(answersOf(wrong, message, key)).toEqual([false, false]);
    }
  });

  test("S of zero is decided like any other", () => {
    const message = toUtf8("zero");
    const commitment = encodePoint(negate(multiply(decodePoint(honestKey)!, 3n)));
    expect(answersOf(concatBytes(commitment, new Uint8Array(32)), message, honestKey)).toEqual([false, false]);
  });
});

describe("encodings that are not canonical", () => {
  const message = toUtf8("canonical");
  const honest = referenceEd25519.sign(message, seed);

  test("y at or above the prime, and x = 0 marked negative, are refused in A and in R", () => {
    const encodings: Uint8Array[] = [];
    for (let excess = 0n; excess < 19n; excess++) {
      encodings.push(little(fieldPrime + excess), little((fieldPrime + excess) | (1n << 255n)));
    }
    encodings.push(little(1n | (1n << 255n)), little((fieldPrime - 1n) | (1n << 255n)));
    for (const encoding of encodings) {
      expect(decodePoint(encoding)).toBeUndefined();
      expect(answersOf(honest, message, encoding)).toEqual([false, false]);
      const response = (challengeOf(encoding, honestKey, message) * secretScalar) % groupOrder;
      expect(answersOf(concatBytes(encoding, little(response)), message, honestKey)).toEqual([false, false]);
    }
  });

  test("S + L, S + 2L and so on up to 2^256 are refused", () => {
    const response = fromLittle(honest.subarray(32));
    for (let raised = response + groupOrder; raised < 1n << 256n; raised += groupOrder) {
      const signature = concatBytes(honest.subarray(0, 32), little(raised));
      expect(answersOf(signature, message, honestKey)).toEqual([false, false]);
    }
  });

  test("wrong sizes are refused and do not throw", () => {
    for (const [signature, key] of [
      [honest.subarray(1), honestKey],
      [concatBytes(honest, honest), honestKey],
      [honest, honestKey.subarray(1)],
      [honest, concatBytes(honestKey, honestKey)],
      [new Uint8Array(0), new Uint8Array(0)],
    ] as const) {
      expect(answersOf(signature, message, key)).toEqual([false, false]);
    }
  });
});

test("the reference and libsodium's form give one answer on random and mutated signatures", () => {
  const prng = createPrng("cross");
  for (let round = 0; round < 150; round++) {
    const ownSeed = prng.nextBytes(32) as SecretSeed;
    const message = prng.nextBytes(prng.below(200));
    const key = nativeEd25519.publicKey(ownSeed);
    const signature = nativeEd25519.sign(message, ownSeed);
    expect(referenceEd25519.publicKey(ownSeed)).toEqual(key);
    expect(referenceEd25519.sign(message, ownSeed)).toEqual(signature);
    for (let change = 0; change < 8; change++) {
      const hostile = mutated(prng, signature, key);
      const [reference, native] = answersOf(hostile.signature, message, hostile.key);
      expect(native, `${toHex(hostile.signature)} under ${toHex(hostile.key)}`).toBe(reference);
    }
  }
});

test("libsodium's form and noble give one answer on thousands of random and mutated signatures", () => {
  const prng = createPrng("noble");
  for (let round = 0; round < 250; round++) {
    const ownSeed = prng.nextBytes(32) as SecretSeed;
    const message = prng.nextBytes(32);
    const key = nativeEd25519.publicKey(ownSeed);
    const signature = nativeEd25519.sign(message, ownSeed);
    expect(nobleEd25519.verify(signature, message, key)).toBe(true);
    for (let change = 0; change < 10; change++) {
      const hostile = mutated(prng, signature, key);
      const native = nativeEd25519.verify(hostile.signature, message, hostile.key);
      const other = nobleEd25519.verify(hostile.signature, message, hostile.key);
      expect(native, `${toHex(hostile.signature)} under ${toHex(hostile.key)}`).toBe(other);
    }
  }
});

test("views of shared memory and of larger buffers are checked like any bytes", () => {
  const message = toUtf8("shared");
  const signature = nativeEd25519.sign(message, seed);
  const shared = new Uint8Array(new SharedArrayBuffer(200)).subarray(3, 67);
  shared.set(signature);
  expect(nativeEd25519.verify(shared, message, honestKey)).toBe(true);
  shared[0]! ^= 1;
  expect(nativeEd25519.verify(shared, message, honestKey)).toBe(false);
  const copy = seed.slice() as SecretSeed;
  nativeEd25519.sign(message, copy);
  copy.fill(9);
  expect(nativeEd25519.publicKey(copy)).toEqual(referenceEd25519.publicKey(new Uint8Array(32).fill(9) as SecretSeed));
});

test("a check changes none of the bytes that it is given, Buffers included, whose slices are views", () => {
  const message = toUtf8("buffers");
  for (const torsionPoint of torsion) {
    const { key, signature } = signMixed(message, torsionPoint, torsion[3]!, 11n);
    for (const flipped of [31, 40]) {
      const parts = [Buffer.from(signature), Buffer.from(message), Buffer.from(key)] as const;
      parts[0][flipped]! ^= 128;
      const before = parts.map(toHex);
      const answer = nativeEd25519.verify(...parts);
      expect(parts.map(toHex)).toEqual(before);
      expect(nativeEd25519.verify(...parts)).toBe(answer);
      expect(nativeEd25519.verify(Buffer.from(signature), parts[1], parts[2])).toBe(true);
      expect(parts.map(toHex)).toEqual(before);
    }
  }
});
