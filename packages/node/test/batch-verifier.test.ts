/**
 * The batch verifier gives one answer with the reference, libsodium's form of the rule and noble, whatever the batch; and its
 * arithmetic is exact at the bounds that `field.h` argues about.
 *
 * The short form takes a few thousand random vectors. The long form:
 *
 *   STOA_SIGNATURES=1000000 STOA_PEERS_EVERY=1 npx vitest run packages/node/test/batch-verifier.test.ts
 *
 * asks libsodium's form about each of a million, and noble and the reference about one in STOA_PEERS_EVERY, for some
 * milliseconds each: hours when it is 1, minutes when it is 100. STOA_SIGNATURE_SEED chooses other vectors.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toUtf8 } from "@stoa/base/bytes";
import {
  add,
  fieldPrime,
  groupOrder,
  identityPoint,
  referenceEd25519,
  decodePoint,
  encodePoint,
  multiply,
  negate,
  basePoint,
} from "@stoa/base/ed25519";
import { probeMessage, signatureProbes } from "@stoa/base/ed25519-probes";
import { createPrng, type Prng } from "@stoa/base/prng";
import type { SecretSeed, SignedItem } from "@stoa/base/signature";
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
  torsionEncodings,
} from "../../base/test/hostile-signatures.ts";
import { createBatchVerifier, moduleLocation, type BatchVerifier } from "../src/batch-verifier/batch-verifier.ts";
import { nativeEd25519 } from "../src/native-crypto.ts";

const environment = (name: string, otherwise: string): string => process.env[name] ?? otherwise;
const vectorsCount = Number(environment("STOA_SIGNATURES", "3000"));
const peersEvery = Number(environment("STOA_PEERS_EVERY", "10"));

const verifier = createBatchVerifier();

function signedBy(prng: Prng, ownSeed: SecretSeed, messageSize = prng.below(200)): SignedItem {
  const message = prng.nextBytes(messageSize);
  return { message, signature: nativeEd25519.sign(message, ownSeed), key: nativeEd25519.publicKey(ownSeed) };
}

const newSeed = (prng: Prng): SecretSeed => prng.nextBytes(32) as SecretSeed;

/** What the rule says of each by itself. */
const singly = (items: readonly SignedItem[]): number[] =>
  items.map(({ signature, message, key }) => Number(nativeEd25519.verify(signature, message, key)));

const inBatch = (items: readonly SignedItem[], by: BatchVerifier = verifier): number[] => [...by.verify(items)];

function expectOneAnswer(items: readonly SignedItem[]): void {
  expect(inBatch(items)).toEqual(singly(items));
}

test("this machine runs the module, so that the tests below are of it", () => {
  expect(verifier.isBatching).toBe(true);
});

test("honest signatures are accepted in batches of every size, and one that is forged is found at every place", () => {
  const prng = createPrng("sizes");
  const honest = Array.from({ length: 300 }, () => signedBy(prng, newSeed(prng)));
  for (let count = 0; count <= 40; count++) {
    expect(inBatch(honest.slice(0, count))).toEqual(Array<number>(count).fill(1));
  }
  for (const count of [255, 256, 257, 300])
    expect(inBatch(honest.slice(0, count))).toEqual(Array<number>(count).fill(1));
  for (let place = 0; place < 33; place++) {
    const items = honest.slice(0, 33);
    items[place] = { ...items[place]!, message: toUtf8("another") };
    expect(inBatch(items)).toEqual(items.map((_, index) => Number(index !== place)));
  }
});

test("messages of every size around the blocks of the hash are hashed as OpenSSL and the reference do", () => {
  const prng = createPrng("messages");
  const items = Array.from({ length: 400 }, (_, size) => signedBy(prng, newSeed(prng), size));
  expect(inBatch(items)).toEqual(items.map(() => 1));
  const cut = items.slice(1).map((item) => ({ ...item, message: item.message.subarray(1) }));
  expect(inBatch(cut)).toEqual(cut.map(() => 0));
  const long = [65_536, 200_000, 262_144, 262_145, 1_000_000].map((size) => signedBy(prng, newSeed(prng), size));
  expect(inBatch([...long, ...long])).toEqual([...long, ...long].map(() => 1));
  const changed = long.map((item) => ({ ...item, message: item.message.slice().fill(1, -1) }));
  expectOneAnswer([...changed, ...long]);
});

describe("hostile signatures", () => {
  const message = toUtf8(probeMessage);
  const probes = signatureProbes.map(({ key, signature, valid }) => ({
    valid,
    item: { signature: fromHex(signature)!, message, key: fromHex(key)! },
  }));
  const honest = { signature: referenceEd25519.sign(message, seed), message, key: honestKey };

  test("the table on which implementations differ is answered by the rule, in every company", () => {
    for (const { item, valid } of probes) {
      expect(inBatch([item, item])).toEqual([Number(valid), Number(valid)]);
      expect(inBatch([honest, item, honest])).toEqual([1, Number(valid), 1]);
      for (const other of probes)
        expect(inBatch([item, other.item, honest])).toEqual([Number(valid), Number(other.valid), 1]);
    }
    for (let turn = 0; turn < probes.length; turn++) {
      const turned = [...probes.slice(turn), ...probes.slice(0, turn)];
      expect(inBatch(turned.map(({ item }) => item))).toEqual(turned.map(({ valid }) => Number(valid)));
    }
  });

  test("any torsion in the key and in R is accepted, and refused for another message", () => {
    const items = torsion.flatMap((keyTorsion) =>
      torsion.map((commitmentTorsion) => ({ ...signMixed(message, keyTorsion, commitmentTorsion, 5n), message })),
    );
    for (let start = 0; start < items.length; start += 3)
      expect(inBatch(items.slice(start, start + 3))).toEqual(items.slice(start, start + 3).map(() => 1));
    for (let round = 0; round < 20; round++) expect(inBatch(items)).toEqual(items.map(() => 1));
    const wrong = items.map((item) => ({ ...item, message: toUtf8("other") }));
    expect(inBatch(wrong)).toEqual(wrong.map(() => 0));
    const half = items.map((item, index) => (index % 2 === 0 ? item : wrong[index]!));
    expect(inBatch(half)).toEqual(half.map((_, index) => Number(index % 2 === 0)));
  });

  test("R of small order follows the equation, and small-order keys are refused whatever is signed", () => {
    const smallCommitments = torsion.map((point) => ({ ...signMixed(message, identityPoint, point, 0n), message }));
    expect(inBatch(smallCommitments)).toEqual(smallCommitments.map(() => 1));
    const smallKeys = torsionEncodings.flatMap((key) =>
      torsionEncodings.map((commitment) => ({ key, message, signature: concatBytes(commitment, little(0n)) })),
    );
    expect(inBatch(smallKeys)).toEqual(smallKeys.map(() => 0));
    expectOneAnswer([...smallKeys, ...smallCommitments]);
  });

  test("what is not canonical is refused in A, in R and in S, though the equation held", () => {
    const items: SignedItem[] = [];
    const encodings = [little(1n | (1n << 255n)), little((fieldPrime - 1n) | (1n << 255n))];
    for (let excess = 0n; excess < 19n; excess++)
      encodings.push(little(fieldPrime + excess), little((fieldPrime + excess) | (1n << 255n)));
    for (const encoding of encodings) {
      const response = (challengeOf(encoding, honestKey, message) * secretScalar) % groupOrder;
      items.push({ ...honest, key: encoding });
      items.push({ ...honest, signature: concatBytes(encoding, little(response)) });
    }
    const response = fromLittle(honest.signature.subarray(32));
    for (let raised = response + groupOrder; raised < 1n << 256n; raised += groupOrder)
      items.push({ ...honest, signature: concatBytes(honest.signature.subarray(0, 32), little(raised)) });
    expect(inBatch(items)).toEqual(items.map(() => 0));
    expect(inBatch([...items, honest, honest])).toEqual([...items.map(() => 0), 1, 1]);
  });

  test("S of zero is decided like any other", () => {
    const commitment = encodePoint(negate(multiply(decodePoint(honestKey)!, 3n)));
    expectOneAnswer([honest, { ...honest, signature: concatBytes(commitment, little(0n)) }]);
    // S = 1 and R = B would hold under a key that is the identity.
    expectOneAnswer([honest, { ...honest, signature: concatBytes(encodePoint(basePoint), little(1n)) }]);
  });

  test("wrong sizes are refused and do not disturb their neighbours", () => {
    const items: SignedItem[] = [
      { ...honest, signature: honest.signature.subarray(1) },
      honest,
      { ...honest, signature: concatBytes(honest.signature, honest.signature) },
      { ...honest, key: honestKey.subarray(1) },
      { ...honest, key: concatBytes(honestKey, honestKey) },
      honest,
      { signature: new Uint8Array(0), message, key: new Uint8Array(0) },
    ];
    expect(inBatch(items)).toEqual([0, 1, 0, 0, 0, 1, 0]);
  });
});

/** Adds an amount to S: the error of the equation becomes that multiple of the base point. */
function withResponseOff(item: SignedItem, amount: bigint): SignedItem {
  const response = (fromLittle(item.signature.subarray(32)) + amount + groupOrder) % groupOrder;
  return { ...item, signature: concatBytes(item.signature.subarray(0, 32), little(response)) };
}

describe("errors that would cancel if the coefficients were known", () => {
  const prng = createPrng("cancel");
  const items = Array.from({ length: 16 }, () => signedBy(prng, seed, 20));
  const pair = (at: number, factor: bigint): SignedItem[] =>
    items.map((item, index) =>
      index === at ? withResponseOff(item, factor) : index === at + 1 ? withResponseOff(item, -1n) : item,
    );

  test("are found, whatever small factors the sender guesses", () => {
    for (let at = 0; at < 15; at++)
      for (const factor of [1n, 2n, 3n, groupOrder - 1n])
        expect(inBatch(pair(at, factor))).toEqual(items.map((_, index) => Number(index !== at && index !== at + 1)));
  });

  test("do cancel inside the module when it is given equal ones: the test above would see that", () => {
    const raw = rawModule();
    expect(raw.verify(pair(3, 1n), new Uint8Array(256).fill(7))).toEqual(items.map(() => 1));
    expect(raw.verify(pair(3, 2n), new Uint8Array(256).fill(7))).not.toEqual(items.map(() => 1));
    // Coefficients of zero would let everything pass; the module puts one in their place.
    expect(raw.verify(pair(3, 2n), new Uint8Array(256))).toEqual(
      items.map((_, index) => Number(index < 3 || 4 < index)),
    );
  });
});

test("a key that is not canonical is refused by its bytes, whatever its equation says", () => {
  const raw = rawModule();
  const message = toUtf8("canonical key");
  const y = [3n, 4n, 5n, 6n, 7n, 8n].find((candidate) => decodePoint(little(candidate)) !== undefined)!;
  const point = decodePoint(little(y))!;
  const [secondKey, commitment] = [honestKey, encodePoint(multiply(basePoint, 77n))];
  // Nobody can sign for that key. With equal coefficients a second signature takes the error of the first into its R.
  for (const key of [little(y), little(fieldPrime + y)]) {
    const error = add(
      add(multiply(basePoint, 5n), negate(multiply(basePoint, 77n))),
      negate(multiply(point, challengeOf(commitment, key, message))),
    );
    const secondCommitment = encodePoint(add(error, multiply(basePoint, 9n)));
    const response = (9n + challengeOf(secondCommitment, secondKey, message) * secretScalar) % groupOrder;
    const items = [
      { message, key, signature: concatBytes(commitment, little(5n)) },
      { message, key: secondKey, signature: concatBytes(secondCommitment, little(response)) },
    ];
    const isCanonical = decodePoint(key) !== undefined;
    expect(raw.verify(items, new Uint8Array(32).fill(7))).toEqual(isCanonical ? [1, 1] : [0, 0]);
    expect(inBatch(items)).toEqual([0, 0]);
  }
});

describe("keys that are remembered", () => {
  const prng = createPrng("keys");

  test("are right after thousands of others have come and gone, good ones and bad", () => {
    const few = Array.from({ length: 40 }, () => signedBy(prng, newSeed(prng), 10));
    const mixed = torsion.map((point) => ({
      ...signMixed(toUtf8("m"), point, identityPoint, 9n),
      message: toUtf8("m"),
    }));
    for (let round = 0; round < 24; round++) {
      const passing = Array.from({ length: 256 }, (_, index) => ({
        ...few[index % 40]!,
        key: round % 2 === 0 ? nativeEd25519.publicKey(newSeed(prng)) : prng.nextBytes(32),
      }));
      expect(inBatch(passing)).toEqual(passing.map(() => 0));
      expect(inBatch([...few, ...mixed])).toEqual([...few, ...mixed].map(() => 1));
    }
  });

  test("are right when all of a batch fall into one set", () => {
    const raw = rawModule();
    const items = Array.from({ length: 64 }, () => signedBy(prng, newSeed(prng), 10));
    items[40] = { ...items[40]!, key: items[41]!.key };
    const doubled = [...items, ...items];
    for (let round = 0; round < 3; round++)
      expect(raw.verify(doubled, prng.nextBytes(16 * 128))).toEqual(
        doubled.map((_, index) => Number(index % 64 !== 40)),
      );
  });

  test("are not taken for each other, however little they differ", () => {
    const raw = rawModule();
    const message = toUtf8("whose key");
    const signedFor = (key: Uint8Array): SignedItem => {
      const commitment = encodePoint(multiply(basePoint, 3n));
      const response = (3n + challengeOf(commitment, key, message) * secretScalar) % groupOrder;
      return { message, key, signature: concatBytes(commitment, little(response)) };
    };
    for (let bit = 0; bit < 256; bit++) {
      const key = honestKey.slice();
      key[bit >> 3]! ^= 1 << (bit & 7);
      // Made with the secret of the honest key: it would hold if the module took that for the other one.
      const items = [signedFor(honestKey), signedFor(key), signedFor(honestKey)];
      expect(raw.verify(items, prng.nextBytes(48))).toEqual([1, 0, 1]);
    }
  });

  test("have their scalars summed: one key, many signatures, some forged", () => {
    const items = Array.from({ length: 256 }, () => signedBy(prng, seed, 10));
    for (const forged of [[], [0], [255], [3, 200], [100, 101, 102, 103]]) {
      const tried = items.map((item, index) => (forged.includes(index) ? withResponseOff(item, 1n) : item));
      expect(inBatch(tried)).toEqual(tried.map((_, index) => Number(!forged.includes(index))));
    }
  });
});

test("random and mutated signatures in random batches get the answers of libsodium's form, the reference and noble", () => {
  const prng = createPrng(environment("STOA_SIGNATURE_SEED", "batches"));
  const seeds = Array.from({ length: 50 }, () => newSeed(prng));
  expect(verifier.isBatching).toBe(true);
  let asked = 0;
  const seen = [0, 0];
  while (asked < vectorsCount) {
    const hostilePerMille = [0, 10, 100, 500, 1000][prng.below(5)]!;
    const items = Array.from({ length: 1 + prng.below(prng.below(2) === 0 ? 8 : 280) }, () => {
      const item = signedBy(prng, prng.below(2) === 0 ? newSeed(prng) : seeds[prng.below(50)]!);
      return prng.below(1000) < hostilePerMille ? { ...item, ...mutated(prng, item.signature, item.key) } : item;
    });
    const verdicts = inBatch(items);
    expect(verdicts).toEqual(singly(items));
    for (const [index, { signature, message, key }] of items.entries()) {
      seen[verdicts[index]!]!++;
      if (asked++ % peersEvery !== 0) continue;
      expect(nobleEd25519.verify(signature, message, key)).toBe(verdicts[index] === 1);
      expect(referenceEd25519.verify(signature, message, key)).toBe(verdicts[index] === 1);
    }
  }
  expect(seen[0]! + seen[1]!).toBeGreaterThanOrEqual(vectorsCount);
  expect(Math.min(...seen)).toBeGreaterThan(vectorsCount / 20);
}, 10_800_000);

describe("where the module cannot run, every signature is checked by itself", () => {
  const prng = createPrng("fallback");
  const items = Array.from({ length: 20 }, () => signedBy(prng, newSeed(prng)));
  items[7] = withResponseOff(items[7]!, 1n);
  /** A module whose one function, `fuses`, returns 0: a processor that rounds twice. */
  const unfused = Uint8Array.from(
    Buffer.from("0061736d010000000105016000017f0302010007090105667573657300000a0601040041000b", "hex"),
  );
  test.each([
    [
      "no file",
      () => {
        throw new Error("ENOENT");
      },
    ],
    ["no module that this engine knows", () => new Uint8Array(8)],
    ["a processor without fused multiply-add", () => unfused],
  ])("%s", (_, readModule) => {
    const single = createBatchVerifier(readModule);
    expect(single.isBatching).toBe(false);
    expect(inBatch(items, single)).toEqual(items.map((__, index) => Number(index !== 7)));
  });
});

describe("the arithmetic inside", () => {
  const raw = rawModule();
  const workspace = raw.bytesAt("workspace");
  const view = new DataView(workspace.buffer, workspace.byteOffset, 3 * 5 * 16);
  /** Limb k of an element of the workspace, in lane 0 or 1. */
  const offsetOf = (element: number, limb: number, lane: number): number => 16 * (5 * element + limb) + 8 * lane;
  const valueOf = (limbs: readonly bigint[]): bigint => {
    const value = limbs.reduceRight((sum, limb) => (sum << 51n) + limb, 0n) % fieldPrime;
    return value < 0n ? value + fieldPrime : value;
  };
  const write = (element: number, lanes: readonly (readonly bigint[])[]): void =>
    lanes.forEach((limbs, lane) =>
      limbs.forEach((limb, k) => view.setFloat64(offsetOf(element, k, lane), Number(limb), true)),
    );
  const read = (element: number, lane: number): bigint[] =>
    Array.from({ length: 5 }, (_, k) => BigInt(view.getFloat64(offsetOf(element, k, lane), true)));

  /** The bounds that field.h names. */
  const carriedMax = (1n << 50n) + (1n << 14n);
  const sumMax = 2n * carriedMax;
  const prng = createPrng("limbs");
  /** Limbs at the bound, a step inside it, at zero, or anywhere. */
  const limbsWithin = (bound: bigint): bigint[] =>
    Array.from({ length: 5 }, () => {
      const magnitude = [bound, bound, bound - 1n, 0n, BigInt(prng.below(2 ** 32)) * (bound >> 32n)][prng.below(5)]!;
      return prng.below(2) === 0 ? magnitude : -magnitude;
    });
  const expectCarried = (limbs: readonly bigint[], value: bigint): void => {
    expect(valueOf(limbs)).toBe(value);
    for (const limb of limbs) expect(limb < 0n ? -limb : limb).toBeLessThanOrEqual(carriedMax);
  };

  test("products of a carried element and a sum of two are exact, with all limbs at the bounds too", () => {
    for (let round = 0; round < 4000; round++) {
      const sign = (bit: number): bigint => ((round >> bit) & 1 ? -1n : 1n);
      const extreme = round < 1024;
      const left = [0, 1].map(() =>
        extreme ? [0, 1, 2, 3, 4].map((k) => sign(k) * carriedMax) : limbsWithin(carriedMax),
      );
      const right = [0, 1].map(() => (extreme ? [5, 6, 7, 8, 9].map((k) => sign(k) * sumMax) : limbsWithin(sumMax)));
      write(1, left);
      write(2, right);
      raw.call("test_multiply");
      for (const lane of [0, 1])
        expectCarried(read(0, lane), (valueOf(left[lane]!) * valueOf(right[lane]!)) % fieldPrime);
    }
  });

  test("squares of carried elements are exact", () => {
    for (let round = 0; round < 2000; round++) {
      const operands = [0, 1].map(() => limbsWithin(carriedMax));
      write(1, operands);
      raw.call("test_square");
      for (const lane of [0, 1]) expectCarried(read(0, lane), valueOf(operands[lane]!) ** 2n % fieldPrime);
    }
  });

  test("sums are settled into carried elements, up to 2^53", () => {
    for (let round = 0; round < 2000; round++) {
      const operands = [0, 1].map(() => limbsWithin(round < 1000 ? 1n << 53n : sumMax));
      write(1, operands);
      raw.call("test_settle");
      for (const lane of [0, 1]) expectCarried(read(0, lane), valueOf(operands[lane]!));
    }
  });

  test("columns are carried up to 2^60", () => {
    for (let round = 0; round < 2000; round++) {
      const operands = [0, 1].map(() => limbsWithin(1n << 60n));
      operands.forEach((limbs, lane) => limbs.forEach((limb, k) => view.setBigInt64(offsetOf(1, k, lane), limb, true)));
      raw.call("test_carry");
      for (const lane of [0, 1]) expectCarried(read(0, lane), valueOf(operands[lane]!));
    }
  });

  test("the canonical form is the one below the prime, of values around it too", () => {
    const words = raw.bytesAt("words");
    const limbsOf = (value: bigint): bigint[] =>
      [0, 1, 2, 3, 4].map((k) => BigInt.asUintN(51, value >> BigInt(51 * k)));
    const near = [-20n, -19n, -1n, 0n, 1n, 18n].map((distance) => limbsOf(fieldPrime + distance));
    const cases = [...near, limbsOf(0n), limbsOf((1n << 255n) - 1n)];
    for (let above = 0n; above < 200n; above++) {
      const [lowest, ...others] = limbsOf(fieldPrime);
      cases.push([lowest! + above, ...others], [lowest! - above, ...others], [above, 0n, 0n, 0n, 1n << 51n]);
    }
    for (let round = 0; round < 2000; round++) cases.push(limbsWithin(round % 2 === 0 ? 1n << 52n : carriedMax));
    for (const [index, limbs] of cases.entries()) {
      const lane = index % 2;
      write(1, [limbs, limbs]);
      raw.call("test_canonical", lane);
      const digits = new BigUint64Array(words.slice(0, 40).buffer);
      expect(digits.every((digit) => digit < 1n << 51n)).toBe(true);
      expect(digits.reduceRight((sum, digit) => (sum << 51n) + digit, 0n)).toBe(valueOf(limbs));
    }
  });

  test("encodings are decoded into negatives as the reference does, on the curve and off it", () => {
    const encodings = [...torsionEncodings, honestKey, encodePoint(basePoint)];
    for (let y = 2n; y < 40n; y++) encodings.push(little(y), little(y | (1n << 255n)), little(fieldPrime - y));
    for (let round = 0; round < 400; round++) {
      const encoding = prng.nextBytes(32);
      encodings.push(encoding, little(fromLittle(encoding) ^ (1n << 255n)));
    }
    const negativeZeros = [1n, fieldPrime - 1n].map((y) => little(y | (1n << 255n)));
    const canonical = [...negativeZeros, ...encodings].filter(
      (encoding) => (fromLittle(encoding) & ((1n << 255n) - 1n)) < fieldPrime,
    );
    expect(canonical.length).toBeGreaterThan(800);
    for (let index = 0; index + 1 < canonical.length; index++) {
      const pair = canonical.slice(index, index + 2);
      raw.bytesAt("keys").set(concatBytes(...pair));
      const found = raw.call("test_decode");
      for (const [position, encoding] of pair.entries()) {
        const point = decodePoint(encoding);
        expect((found >> position) & 1).toBe(point === undefined ? 0 : 1);
        if (point === undefined) continue;
        expect(valueOf(read(position, 0))).toBe(negate(point).X);
        expect(valueOf(read(position, 1))).toBe(point.Y);
      }
    }
  });

  test("scalars of up to 512 bits are reduced modulo the order of the group, multiples of it and their neighbours too", () => {
    const words = raw.bytesAt("words");
    const top = 1n << 512n;
    const values = [0n, 1n, groupOrder, groupOrder - 1n, top - 1n, 1n << 511n, (1n << 256n) - 1n, 1n << 256n];
    for (let round = 0; round < 3000; round++) {
      const multiple = BigInt(prng.below(2 ** 32)) << BigInt(prng.below(226));
      values.push(groupOrder * multiple + BigInt(prng.below(3)) - 1n, fromLittle(prng.nextBytes(64)));
      values.push((1n << BigInt(253 + prng.below(259))) - BigInt(prng.below(3)));
    }
    for (const value of values.filter((candidate) => 0n <= candidate && candidate < top)) {
      words.set(little(value & ((1n << 256n) - 1n)));
      words.set(little(value >> 256n), 32);
      raw.call("test_reduce", 16);
      expect(fromLittle(words.subarray(0, 32))).toBe(value % groupOrder);
    }
  });
});

/** The module without `batch-verifier.ts`: with coefficients of the test's choice, and keys that all fall into one set. */
function rawModule() {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(moduleLocation)));
  const { memory } = exports as unknown as { memory: WebAssembly.Memory };
  const call = (name: string, argument = 0): number => (exports[name] as (argument: number) => number)(argument);
  const bytesAt = (name: string): Uint8Array =>
    new Uint8Array(memory.buffer, (exports[name] as WebAssembly.Global).value);
  return {
    call,
    bytesAt,
    verify(items: readonly SignedItem[], coefficients: Uint8Array): number[] {
      const ends = new DataView(memory.buffer, (exports["message_ends"] as WebAssembly.Global).value);
      let end = 0;
      for (const [index, { signature, message, key }] of items.entries()) {
        bytesAt("keys").set(key, 32 * index);
        bytesAt("signatures").set(signature, 64 * index);
        bytesAt("messages").set(message, end);
        ends.setUint32(4 * index, (end += message.length), true);
      }
      bytesAt("coefficients").set(coefficients);
      call("verify", items.length);
      return [...bytesAt("verdicts").subarray(0, items.length)];
    },
  };
}
