/** BLS signatures by `@noble/curves`: slow, of other hands than blst, and so what blst is held against. */
import { hkdfSync } from "node:crypto";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import {
  blsDomainTag,
  blsKeyMaterial,
  blsPublicKeySize,
  blsSignatureSize,
  type BlsPublicKey,
  type BlsScheme,
  type BlsSignature,
} from "@stoa/base/bls";
import { concatBytes, toUtf8 } from "@stoa/base/bytes";
import { sha256 } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";

const { G1, G2 } = bls12_381;
export const groupOrder: bigint = bls12_381.fields.Fr.ORDER;
export const fieldPrime: bigint = bls12_381.fields.Fp.ORDER;

/** KeyGen of draft-irtf-cfrg-bls-signature, section 2.3, with no key info. */
export function secretOf(seed: SecretSeed): bigint {
  let salt: Uint8Array = toUtf8("BLS-SIG-KEYGEN-SALT-");
  const material = concatBytes(blsKeyMaterial(seed), Uint8Array.of(0));
  for (;;) {
    salt = sha256(salt);
    const wide = new Uint8Array(hkdfSync("sha256", material, salt, Uint8Array.of(0, 48), 48));
    const secret = numberOf(wide) % groupOrder;
    if (secret !== 0n) return secret;
  }
}

export const numberOf = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
export const pointOfMessage = (message: Uint8Array) => G2.hashToCurve(message, { DST: blsDomainTag });

export const nobleBls: BlsScheme = {
  publicKey: (seed) => G1.Point.BASE.multiply(secretOf(seed)).toBytes() as BlsPublicKey,
  sign: (message, seed) => pointOfMessage(message).multiply(secretOf(seed)).toBytes() as BlsSignature,
  aggregate(signatures) {
    const points = signatures.map(signaturePoint);
    if (points.length === 0 || points.some((point) => point === undefined)) return undefined;
    return points.reduce((sum, point) => sum!.add(point!), G2.Point.ZERO)!.toBytes() as BlsSignature;
  },
  verifyAggregate(signature, message, keys) {
    const point = signaturePoint(signature);
    const under = keys.map(keyPoint);
    if (point === undefined || !point.isTorsionFree()) return false;
    if (under.length === 0 || under.some((key) => key === undefined)) return false;
    const sum = under.reduce((total, key) => total!.add(key!), G1.Point.ZERO)!;
    // Infinity pairs to one with everything, and the signature is not infinity.
    if (sum.is0()) return false;
    const { Fp12 } = bls12_381.fields;
    const product = bls12_381.pairingBatch([
      { g1: G1.Point.BASE.negate(), g2: point },
      { g1: sum, g2: pointOfMessage(message) },
    ]);
    return Fp12.eql(product, Fp12.ONE);
  },
};

function signaturePoint(bytes: Uint8Array) {
  if (bytes.length !== blsSignatureSize) return undefined;
  try {
    const point = G2.Point.fromBytes(bytes);
    return point.is0() ? undefined : point;
  } catch {
    return undefined;
  }
}

function keyPoint(bytes: Uint8Array) {
  if (bytes.length !== blsPublicKeySize) return undefined;
  try {
    const point = G1.Point.fromBytes(bytes);
    return point.is0() || !point.isTorsionFree() ? undefined : point;
  } catch {
    return undefined;
  }
}
