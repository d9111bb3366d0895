/**
 * BLS signatures by blst (`@chainsafe/blst`, compiled, run on threads of its own as it sees fit). Loaded by the first thread
 * that uses it and nowhere else: a chain with ed25519 certificates never pays for it. Relies on `base` to refuse it if it
 * disagrees with the probes.
 *
 * blst decodes canonical compressed points only, which `fromBytes` with a length check makes it do; it is told to check the
 * group of each key once, when the key is first seen, and that of a signature whenever one is verified.
 */
import { createRequire } from "node:module";
import type { PublicKey, SecretKey, Signature } from "@chainsafe/blst";
import {
  blsKeyMaterial,
  blsPublicKeySize,
  blsSignatureSize,
  type BlsPublicKey,
  type BlsScheme,
  type BlsSignature,
} from "@stoa/base/bls";
import { equalBytes } from "@stoa/base/bytes";
import type { SecretSeed } from "@stoa/base/signature";

type Blst = typeof import("@chainsafe/blst");

/** Loads blst. */
export function loadNativeBls(): BlsScheme {
  const blst = createRequire(import.meta.url)("@chainsafe/blst") as Blst;
  const secrets = new WeakMap<SecretSeed, { readonly seed: Uint8Array; readonly secret: SecretKey }>();
  const points = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly point: PublicKey }>();

  const secretOf = (seed: SecretSeed): SecretKey => {
    const known = secrets.get(seed);
    if (known !== undefined && equalBytes(known.seed, seed)) return known.secret;
    const secret = blst.SecretKey.fromKeygen(blsKeyMaterial(seed));
    secrets.set(seed, { seed: Uint8Array.from(seed), secret });
    return secret;
  };

  /** PERF: decoding a key and checking its group costs a tenth of a verification, and keys stay the same for an epoch. */
  const pointOf = (bytes: Uint8Array): PublicKey | undefined => {
    const known = points.get(bytes);
    if (known !== undefined && equalBytes(known.bytes, bytes)) return known.point;
    if (bytes.length !== blsPublicKeySize) return undefined;
    const point = attempt(() => blst.PublicKey.fromBytes(bytes, true));
    if (point !== undefined) points.set(bytes, { bytes: Uint8Array.from(bytes), point });
    return point;
  };

  const signatureOf = (bytes: Uint8Array): Signature | undefined => {
    if (bytes.length !== blsSignatureSize || (bytes[0]! & infinityBit) !== 0) return undefined;
    return attempt(() => blst.Signature.fromBytes(bytes));
  };

  return {
    publicKey: (seed) => secretOf(seed).toPublicKey().toBytes() as BlsPublicKey,
    sign: (message, seed) => secretOf(seed).sign(message).toBytes() as BlsSignature,
    aggregate(signatures) {
      const parts = allOf(signatures, signatureOf);
      if (parts === undefined) return undefined;
      return blst.aggregateSignatures(parts).toBytes() as BlsSignature;
    },
    verifyAggregate(signature, message, keys) {
      const point = signatureOf(signature);
      const under = allOf(keys, pointOf);
      if (point === undefined || under === undefined) return false;
      return attempt(() => blst.fastAggregateVerify(message, under, point, true)) ?? false;
    },
  };
}

/** Set in the first byte of the encoding of infinity, and of no other point. */
const infinityBit = 0x40;

/** All decoded; `undefined` when there is nothing, or when one is refused. */
function allOf<T>(list: readonly Uint8Array[], decode: (bytes: Uint8Array) => T | undefined): T[] | undefined {
  const decoded: T[] = [];
  for (const bytes of list) {
    const one = decode(bytes);
    if (one === undefined) return undefined;
    decoded.push(one);
  }
  return decoded.length === 0 ? undefined : decoded;
}

/** blst throws at bytes that it does not like. */
function attempt<T>(verb: () => T): T | undefined {
  try {
    return verb();
  } catch {
    return undefined;
  }
}
