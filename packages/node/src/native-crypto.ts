/**
 * Gives this process (or worker thread) native SHA-256 and ed25519: OpenSSL's hash through `node:crypto`, libsodium's
 * signatures through `sodium-native`; and BLS where a chain asks for it (`native-bls.ts`). Relies on `base` to refuse each
 * if it disagrees with the probes.
 *
 * libsodium's check is not the pinned rule of `base/signature.ts`, but everything it accepts the rule accepts: it refuses
 * S >= L, a non-canonical A and a small-order A, computes R' = S·B - k·A, and compares the encoding of R' with the bytes of
 * R. Equal bytes mean that R is canonical (an encoder writes nothing else) and that the equation holds without the cofactor,
 * so it holds multiplied by eight too. What libsodium refuses may still satisfy the rule (R of small or mixed order, A of
 * mixed order), so a refusal is decided again, exactly: first by the bytes alone, then by the cofactored equation in
 * libsodium's group operations. An honest signature costs one native check, a hostile one about two.
 */
import { hash } from "node:crypto";
import sodium from "sodium-native";
import { installBls } from "@stoa/base/active-bls";
import { installEd25519 } from "@stoa/base/active-signature";
import { equalBytes } from "@stoa/base/bytes";
import { referenceEd25519 } from "@stoa/base/ed25519";
import { digestSize, installSha256 } from "@stoa/base/hash";
import {
  publicKeySize,
  secretSeedSize,
  signatureSize,
  type PublicKey,
  type SecretSeed,
  type Signature,
  type SignatureScheme,
} from "@stoa/base/signature";
import { loadNativeBls } from "./native-bls.ts";

let installed = false;

/** Installs them, once per thread; later calls do nothing. Throws when a native form disagrees with the reference. */
export function installNativeCrypto(): void {
  if (installed) return;
  installSha256(nativeSha256);
  installEd25519(nativeEd25519);
  installBls(loadNativeBls);
  installed = true;
}

/**
 * PERF: OpenSSL's answer is taken as a string of bytes and copied. A Buffer would come with memory outside the heap, which
 * costs four times as much to make, and the collector more later.
 */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  const text = hash("sha256", bytes, "binary");
  const digest = new Uint8Array(digestSize);
  for (let index = 0; index < digestSize; index++) digest[index] = text.charCodeAt(index);
  return digest;
}

export const nativeEd25519: SignatureScheme = {
  publicKey(seed) {
    return secretKeyOf(seed).slice(secretSeedSize) as PublicKey;
  },
  sign(message, seed) {
    const signature = new Uint8Array(signatureSize);
    sodium.crypto_sign_detached(signature, unshared(message), secretKeyOf(seed));
    return signature as Signature;
  },
  verify(signature, message, key) {
    if (signature.length !== signatureSize || key.length !== publicKeySize) return false;
    const parts = [unshared(signature), unshared(message), unshared(key)] as const;
    return sodium.crypto_sign_verify_detached(...parts) === true || satisfiesRule(...parts);
  },
};

/** libsodium wants seed ‖ key, and making the key costs as much as signing; kept for as long as the seed is. */
const secretKeys = new WeakMap<SecretSeed, Uint8Array>();

function secretKeyOf(seed: SecretSeed): Uint8Array {
  const known = secretKeys.get(seed);
  if (known !== undefined && equalBytes(known.subarray(0, secretSeedSize), seed)) return known;
  const secretKey = new Uint8Array(secretSeedSize + publicKeySize);
  sodium.crypto_sign_seed_keypair(new Uint8Array(publicKeySize), secretKey, unshared(seed));
  secretKeys.set(seed, secretKey);
  return secretKey;
}

/** sodium-native answers `undefined` on views of shared memory, which another thread could change under it anyway. */
function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes;
}

/** The pinned rule, for signatures that libsodium refused. */
function satisfiesRule(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  const commitment = signature.subarray(0, 32);
  const response = signature.subarray(32);
  if (!isBelow(response, groupOrderBytes) || !isCanonical(key) || !isCanonical(commitment)) return false;
  if (smallOrderKeys.some((small) => equalBytes(small, key))) return false;
  const eightKeys = timesEight(key);
  const eightCommitments = timesEight(commitment);
  if (eightKeys === undefined || eightCommitments === undefined) return false;
  const wide = new Uint8Array(hash("sha512", Buffer.concat([commitment, key, message]), "buffer"));
  const challenge = new Uint8Array(32);
  sodium.crypto_core_ed25519_scalar_reduce(challenge, wide);
  // libsodium multiplies by no zero, so the reference does; neither zero can be had by chance.
  if (isZero(response) || isZero(challenge)) return referenceEd25519.verify(signature, message, key);
  const left = new Uint8Array(32);
  sodium.crypto_scalarmult_ed25519_base_noclamp(left, response);
  const right = new Uint8Array(32);
  // Eight times a key is in the subgroup of prime order, where alone libsodium multiplies, and is not the identity.
  sodium.crypto_scalarmult_ed25519_noclamp(right, challenge, eightKeys);
  sodium.crypto_core_ed25519_add(right, right, eightCommitments);
  return equalBytes(timesEight(left)!, right);
}

/** Eight times a point; `undefined` when the bytes are on no curve, which is all that libsodium refuses here. */
function timesEight(point: Uint8Array): Uint8Array | undefined {
  // Not `slice`: that of a Buffer is a view, and the caller's bytes would change.
  const sum = new Uint8Array(point);
  try {
    for (let doubling = 0; doubling < 3; doubling++) sodium.crypto_core_ed25519_add(sum, sum.slice(), sum.slice());
  } catch {
    return undefined;
  }
  return sum;
}

function fromHexadecimal(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** 2^255 - 19 and L, little-endian. */
const fieldPrimeBytes = fromHexadecimal("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
const groupOrderBytes = fromHexadecimal("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** The canonical encodings of the eight points whose order divides eight. */
const smallOrderKeys: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(fromHexadecimal);

/** The two encodings of x = 0 with x marked negative, by y = 1 and y = -1. */
const negativeZeros: readonly Uint8Array[] = [
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
].map(fromHexadecimal);

function isCanonical(point: Uint8Array): boolean {
  if (negativeZeros.some((zero) => equalBytes(zero, point))) return false;
  const y = new Uint8Array(point);
  y[31]! &= 0x7f;
  return isBelow(y, fieldPrimeBytes);
}

/** Compares 32 little-endian bytes. */
function isBelow(value: Uint8Array, bound: Uint8Array): boolean {
  for (let index = 31; 0 <= index; index--) {
    if (value[index]! !== bound[index]!) return value[index]! < bound[index]!;
  }
  return false;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
