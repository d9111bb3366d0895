/**
 * BLS signatures by `@noble/curves`, for where there is no native form: browsers. The library is not imported but given, so that
 * only who follows a chain with `bls-multisig` certificates loads it; it is accepted only if it answers the probes of
 * `active-bls.ts`. A check takes about 30 ms. Not constant-time: for checking, not for a validator's key.
 *
 * @example
 * import { bls12_381 } from "@noble/curves/bls12-381.js";
 * installBls(() => blsOfNoble(bls12_381));
 */
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

interface NoblePoint<P> {
  add(other: P): P;
  negate(): P;
  multiply(scalar: bigint): P;
  is0(): boolean;
  isTorsionFree(): boolean;
  toBytes(): Uint8Array;
}

interface NobleGroup<P> {
  readonly Point: { readonly BASE: P; readonly ZERO: P; fromBytes(bytes: Uint8Array): P };
}

/** The part of noble's `bls12_381` that is used. */
export interface NobleBls<P1, P2, E> {
  readonly G1: NobleGroup<P1>;
  readonly G2: NobleGroup<P2> & { hashToCurve(message: Uint8Array, options: { DST: string }): P2 };
  readonly fields: {
    readonly Fr: { readonly ORDER: bigint };
    readonly Fp12: { readonly ONE: E; eql(left: E, right: E): boolean };
  };
  pairingBatch(pairs: { g1: P1; g2: P2 }[]): E;
}

export function blsOfNoble<P1 extends NoblePoint<P1>, P2 extends NoblePoint<P2>, E>(
  noble: NobleBls<P1, P2, E>,
): BlsScheme {
  const { G1, G2, fields } = noble;
  const hashed = (message: Uint8Array): P2 => G2.hashToCurve(message, { DST: blsDomainTag });
  const signaturePoint = (bytes: Uint8Array): P2 | undefined =>
    bytes.length === blsSignatureSize ? pointOf(() => G2.Point.fromBytes(bytes)) : undefined;
  /** PERF: decoding a key costs a millisecond, and the keys of a chain's validators are the same arrays for ever. */
  const decoded = new WeakMap<Uint8Array, P1>();
  const keyPoint = (bytes: Uint8Array): P1 | undefined => {
    const known = decoded.get(bytes);
    if (known !== undefined) return known;
    const point = bytes.length === blsPublicKeySize ? pointOf(() => G1.Point.fromBytes(bytes)) : undefined;
    if (point?.isTorsionFree() !== true) return undefined;
    decoded.set(bytes, point);
    return point;
  };
  return {
    publicKey: (seed) => G1.Point.BASE.multiply(secretOf(seed, fields.Fr.ORDER)).toBytes() as BlsPublicKey,
    sign: (message, seed) => hashed(message).multiply(secretOf(seed, fields.Fr.ORDER)).toBytes() as BlsSignature,
    aggregate(signatures) {
      const points = allOf(signatures.map(signaturePoint));
      return points?.reduce((sum, point) => sum.add(point), G2.Point.ZERO).toBytes() as BlsSignature | undefined;
    },
    verifyAggregate(signature, message, keys) {
      const point = signaturePoint(signature);
      const under = allOf(keys.map(keyPoint));
      if (point === undefined || under === undefined || !point.isTorsionFree()) return false;
      const sum = under.reduce((total, key) => total.add(key), G1.Point.ZERO);
      // Infinity pairs to one with everything, and the signature is not infinity.
      if (sum.is0()) return false;
      const product = noble.pairingBatch([
        { g1: G1.Point.BASE.negate(), g2: point },
        { g1: sum, g2: hashed(message) },
      ]);
      return fields.Fp12.eql(product, fields.Fp12.ONE);
    },
  };
}

/** A point other than infinity; noble throws over bytes that are none. */
function pointOf<P extends NoblePoint<P>>(decode: () => P): P | undefined {
  try {
    const point = decode();
    return point.is0() ? undefined : point;
  } catch {
    return undefined;
  }
}

/** All of one or more; `undefined` when one is missing. */
function allOf<P>(points: readonly (P | undefined)[]): readonly P[] | undefined {
  const present = points.filter((point) => point !== undefined);
  return 0 < points.length && present.length === points.length ? present : undefined;
}

/** KeyGen of draft-irtf-cfrg-bls-signature, section 2.3, with no key info. */
function secretOf(seed: Parameters<BlsScheme["publicKey"]>[0], order: bigint): bigint {
  let salt: Uint8Array = toUtf8("BLS-SIG-KEYGEN-SALT-");
  const material = concatBytes(blsKeyMaterial(seed), Uint8Array.of(0));
  for (;;) {
    salt = sha256(salt);
    const secret = numberOf(hkdf48(salt, material)) % order;
    if (secret !== 0n) return secret;
  }
}

const numberOf = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** 48 bytes of HKDF-SHA-256 (RFC 5869) for the info that KeyGen has: the length as two bytes. */
function hkdf48(salt: Uint8Array, material: Uint8Array): Uint8Array {
  const key = hmac(salt, material);
  const info = Uint8Array.of(0, 48);
  const first = hmac(key, concatBytes(info, Uint8Array.of(1)));
  const second = hmac(key, concatBytes(first, info, Uint8Array.of(2)));
  return concatBytes(first, second).subarray(0, 48);
}

const hashBlockSize = 64;

/** HMAC-SHA-256 (RFC 2104) under a key of at most 64 bytes. */
function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(hashBlockSize);
  padded.set(key);
  const inner = sha256(
    concatBytes(
      padded.map((byte) => byte ^ 0x36),
      message,
    ),
  );
  return sha256(
    concatBytes(
      padded.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
}
