/** A fast stand-in for ed25519 with the same face: a tag over key and message. It binds, and hides nothing. */
import { createHash } from "node:crypto";
import { concatBytes, equalBytes } from "@stoa/base/bytes";
import { installSha256, sha256 } from "@stoa/base/hash";
import type { PublicKey, SecretSeed, Signature, SignatureScheme } from "@stoa/base/signature";

installSha256((bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()));

const tag = (key: Uint8Array, message: Uint8Array): Signature => {
  const half = sha256(concatBytes(key, message));
  return concatBytes(half, half) as Signature;
};

export const fakeSignature: SignatureScheme = {
  publicKey: (seed) => sha256(seed) as Uint8Array as PublicKey,
  sign: (message, seed) => tag(sha256(seed), message),
  verify: (signature, message, key) => equalBytes(signature, tag(key, message)),
};

export const seedOf = (index: number): SecretSeed => new Uint8Array(32).fill(index + 1) as SecretSeed;
