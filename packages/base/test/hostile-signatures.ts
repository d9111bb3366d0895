/**
 * Signatures as somebody makes them who wants implementations to differ, and noble as one more implementation to ask. Used by
 * the tests of the reference and of the batch verifier.
 */
import { ed25519 as noble } from "@noble/curves/ed25519.js";
import { concatBytes } from "@stoa/base/bytes";
import {
  add,
  basePoint,
  decodePoint,
  encodePoint,
  groupOrder,
  isSmallOrder,
  multiply,
  referenceEd25519,
  type Point,
} from "@stoa/base/ed25519";
import { probeSeedByte } from "@stoa/base/ed25519-probes";
import type { Prng } from "@stoa/base/prng";
import { sha512 } from "@stoa/base/sha512";
import type { SecretSeed, SignatureScheme } from "@stoa/base/signature";

export function little(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
}

export function fromLittle(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** noble with its canonical, cofactored setting does not check A for small order; the rule does. */
export const nobleEd25519: SignatureScheme = {
  publicKey: (seed) => noble.getPublicKey(seed) as never,
  sign: (message, seed) => noble.sign(message, seed) as never,
  verify(signature, message, key) {
    const publicPoint = key.length === 32 ? decodePoint(key) : undefined;
    if (publicPoint === undefined || isSmallOrder(publicPoint)) return false;
    // `zip215: false` refuses what is not canonical, and still multiplies by the cofactor.
    return signature.length === 64 && noble.verify(signature, message, key, { zip215: false });
  },
};

/** One of each of the eight points of small order, made here from the curve. */
function torsionPoints(): Point[] {
  for (let y = 3n; ; y++) {
    const point = decodePoint(little(y));
    if (point === undefined) continue;
    const torsion = multiply(point, groupOrder);
    const half = multiply(torsion, 4n);
    if (half.X === 0n && half.Y === half.Z) continue;
    return Array.from({ length: 8 }, (_, index) => multiply(torsion, BigInt(index)));
  }
}

export const torsion = torsionPoints();
export const torsionEncodings = torsion.map(encodePoint);
export const seed = new Uint8Array(32).fill(probeSeedByte) as SecretSeed;
export const honestKey = referenceEd25519.publicKey(seed);
export const secretScalar = (fromLittle(sha512(seed).subarray(0, 32)) & ((1n << 254n) - 8n)) | (1n << 254n);
export const challengeOf = (commitment: Uint8Array, key: Uint8Array, message: Uint8Array): bigint =>
  fromLittle(sha512(concatBytes(commitment, key, message))) % groupOrder;

/** Signs as someone who chooses his key and R off the subgroup. */
export function signMixed(message: Uint8Array, keyTorsion: Point, commitmentTorsion: Point, nonce: bigint) {
  const key = encodePoint(add(decodePoint(honestKey)!, keyTorsion));
  const commitment = encodePoint(add(multiply(basePoint, nonce), commitmentTorsion));
  const response = (nonce + challengeOf(commitment, key, message) * secretScalar) % groupOrder;
  return { key, signature: concatBytes(commitment, little(response)) };
}

/** Something between an honest signature and noise: bits flipped, parts exchanged, multiples of L, torsion added. */
export function mutated(
  prng: Prng,
  signature: Uint8Array,
  key: Uint8Array,
): { signature: Uint8Array; key: Uint8Array } {
  const [changed, changedKey] = [signature.slice(), key.slice()];
  switch (prng.below(7)) {
    case 0:
      changed[prng.below(64)]! ^= 1 << prng.below(8);
      break;
    case 1:
      changedKey[prng.below(32)]! ^= 1 << prng.below(8);
      break;
    case 2:
      changed.set(torsionEncodings[prng.below(8)]!, 0);
      break;
    case 3:
      changedKey.set(torsionEncodings[prng.below(8)]!);
      break;
    case 4:
      changed.set(prng.nextBytes(32), 32 * prng.below(2));
      break;
    case 5:
      changed.set(little(BigInt(prng.below(3)) * groupOrder + BigInt(prng.below(2))), 32);
      break;
    default:
      changed.set(encodePoint(add(decodePoint(changed.subarray(0, 32))!, torsion[prng.below(8)]!)));
  }
  return { signature: changed, key: changedKey };
}
