/**
 * Ed25519 under one pinned rule, the same for single and batched checks, on every node and in every client:
 *
 *   1. A and R are canonical encodings of curve points, S < L;
 *   2. A is not of small order;
 *   3. [8](S·B − k·A − R) = 0, the cofactored equation, with k = SHA-512(R ‖ A ‖ M) mod L.
 *
 * The cofactored form is chosen because only it gives one answer for single and batched verification on hostile input.
 * A process installs native functions at start (`node` brings libsodium's); `ed25519.ts` is the slow reference.
 */
import type { Branded } from "./units.ts";

/** 32 bytes: a canonical ed25519 public key. Validators, accounts and session keys are named by one. */
export type PublicKey = Branded<Uint8Array, "PublicKey">;
/** 64 bytes: R ‖ S. */
export type Signature = Branded<Uint8Array, "Signature">;
/** 32 bytes from which a key pair is derived (RFC 8032). */
export type SecretSeed = Branded<Uint8Array, "SecretSeed">;

/** A signature, what it should sign, and the key that should have made it; of any length, from anybody. */
export interface SignedItem {
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
  readonly key: Uint8Array;
}

export interface SignatureScheme {
  readonly publicKey: (seed: SecretSeed) => PublicKey;
  readonly sign: (message: Uint8Array, seed: SecretSeed) => Signature;
  /** True exactly when the pinned rule holds. Never throws, whatever the bytes. */
  readonly verify: (signature: Uint8Array, message: Uint8Array, key: Uint8Array) => boolean;
  /** The same for each of several, one byte an item, 1 where the signature is valid; where absent, one after another. */
  readonly verifyEach?: (items: readonly SignedItem[]) => Uint8Array;
}

export const publicKeySize = 32;
export const signatureSize = 64;
export const secretSeedSize = 32;
