/**
 * BLS signatures: blst, which validators run, gives noble's answers on honest, random and hostile signatures; both keep the
 * table of probes; and a form that fails a probe is refused.
 */
import { afterAll, describe, expect, test } from "vitest";
import { activeBls, hasBls, installBls } from "@stoa/base/active-bls";
import { blsProbes, probeBlsMessage } from "@stoa/base/bls-probes";
import type { BlsScheme } from "@stoa/base/bls";
import { concatBytes, equalBytes, fromHex, toHex, toUtf8 } from "@stoa/base/bytes";
import { createPrng } from "@stoa/base/prng";
import type { SecretSeed } from "@stoa/base/signature";
import { loadNativeBls } from "@stoa/node/native-bls";
import { blsCases, blsSeeds, probeSeedBytes } from "./hostile-bls.ts";
import { nobleBls } from "./noble-bls.ts";

const native = loadNativeBls();
const message = toUtf8(probeBlsMessage);

afterAll(() => installBls(loadNativeBls));

describe("blst and noble", () => {
  test("derive the same keys from seeds, sign the same bytes, and add up alike", () => {
    const prng = createPrng(5);
    for (let round = 0; round < 8; round++) {
      const random = prng.nextBytes(prng.below(200));
      const seed = prng.nextBytes(32) as SecretSeed;
      expect(toHex(native.publicKey(seed))).toBe(toHex(nobleBls.publicKey(seed)));
      expect(toHex(native.sign(random, seed))).toBe(toHex(nobleBls.sign(random, seed)));
    }
    const signatures = blsSeeds.map((seed) => native.sign(message, seed));
    expect(toHex(native.aggregate(signatures)!)).toBe(toHex(nobleBls.aggregate(signatures)!));
  });

  test.each(blsCases(message).map((one) => [one.name, one] as const))("agree on %s", (_, one) => {
    expect(native.verifyAggregate(one.signature, message, one.keys)).toBe(one.valid);
    expect(nobleBls.verifyAggregate(one.signature, message, one.keys)).toBe(one.valid);
  });

  test("agree on random changes of a signature and of a key", () => {
    const prng = createPrng(6);
    const [key, signature] = [native.publicKey(blsSeeds[0]!), native.sign(message, blsSeeds[0]!)];
    for (let round = 0; round < 40; round++) {
      const [first, second] = round % 2 === 0 ? [changed(signature), key] : [signature, changed(key)];
      const answer = native.verifyAggregate(first, message, [second]);
      expect(answer, `${toHex(first)} ${toHex(second)}`).toBe(nobleBls.verifyAggregate(first, message, [second]));
      expect(answer).toBe(false);
    }
    function changed(bytes: Uint8Array): Uint8Array {
      const at = prng.below(bytes.length);
      return bytes.map((byte, index) => (index === at ? byte ^ (1 << prng.below(8)) : byte));
    }
  });

  test("add up nothing that is not a point, is infinity, or is nothing", () => {
    const good = native.sign(message, blsSeeds[0]!);
    const infinity = Uint8Array.from({ length: 96 }, (_, index) => (index === 0 ? 0xc0 : 0));
    for (const bad of [infinity, good.subarray(1), concatBytes(good, good), new Uint8Array(96), new Uint8Array(0)]) {
      expect(native.aggregate([good, bad])).toBeUndefined();
      expect(nobleBls.aggregate([good, bad])).toBeUndefined();
    }
    expect(native.aggregate([])).toBeUndefined();
    expect(nobleBls.aggregate([])).toBeUndefined();
  });
});

test("the probes are what noble says of the hostile cases", () => {
  expect(blsProbes.seedBytes).toEqual(probeSeedBytes);
  expect(blsProbes.keys).toEqual(blsSeeds.map((seed) => toHex(nobleBls.publicKey(seed))));
  expect(blsProbes.signatures).toEqual(blsSeeds.map((seed) => toHex(nobleBls.sign(message, seed))));
  const named = new Map(blsCases(message).map((one) => [one.name, one]));
  for (const { name, signature, keys, valid } of blsProbes.cases) {
    const made = named.get(name)!;
    expect([signature, keys, valid]).toEqual([toHex(made.signature), made.keys.map(toHex), made.valid]);
  }
});

describe("a form of BLS", () => {
  const key = native.publicKey(blsSeeds[0]!);
  const signature = native.sign(message, blsSeeds[0]!);

  test("is loaded when first used, and is the one installed last", () => {
    let loadedCount = 0;
    installBls(() => (loadedCount++, native));
    expect([hasBls(), loadedCount]).toEqual([true, 0]);
    expect(activeBls.verifyAggregate(signature, message, [key])).toBe(true);
    expect(equalBytes(activeBls.publicKey(blsSeeds[0]!), key)).toBe(true);
    expect(loadedCount).toBe(1);
  });

  test("that answers all probes is taken, noble's too, as a browser may have it", () => {
    installBls(() => nobleBls);
    expect(activeBls.verifyAggregate(signature, message, [key])).toBe(true);
    expect(activeBls.verifyAggregate(signature, toUtf8("something else"), [key])).toBe(false);
  });

  const infinite = fromHex(`c0${"00".repeat(95)}`)!;
  const wrong: readonly (readonly [string, Partial<BlsScheme>])[] = [
    ["believes everything", { verifyAggregate: () => true }],
    ["believes nothing", { verifyAggregate: () => false }],
    ["signs otherwise", { sign: (bytes, seed) => native.sign(concatBytes(bytes, bytes), seed) }],
    ["has other keys", { publicKey: () => native.publicKey(blsSeeds[2]!) }],
    ["cannot add", { aggregate: () => undefined }],
    [
      "takes infinity",
      { verifyAggregate: (one, ...rest) => equalBytes(one, infinite) || native.verifyAggregate(one, ...rest) },
    ],
  ];
  test.each(wrong)("that %s is refused at its first use", (_, change) => {
    installBls(() => ({ ...native, ...change }));
    expect(() => activeBls.sign(message, blsSeeds[0]!)).toThrow("the BLS form");
  });
});
