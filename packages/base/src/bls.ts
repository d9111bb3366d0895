/**
 * BLS signatures on the curve BLS12-381, keys in G1 (48 bytes) and signatures in G2 (96 bytes), as the IETF draft
 * draft-irtf-cfrg-bls-signature has them: many signatures of one message add up to one, which is checked against the sum of
 * the keys. That is sound only when every key's holder has proved that he has its secret; otherwise one could choose a key
 * that cancels another's. One rule, on every node:
 *
 *   1. a key is the canonical compressed encoding of a point of the group other than infinity;
 *   2. a signature is the canonical compressed encoding of a point of the group other than infinity;
 *   3. e(G1, signature) = e(sum of the keys, H(message)), H hashing to G2 under the tag below.
 *
 * There is no form of this curve here: a process that needs one installs it (`active-bls.ts`).
 */
import { concatBytes, toUtf8 } from "./bytes.ts";
import { taggedHash } from "./hash.ts";
import type { SecretSeed } from "./signature.ts";
import type { Branded } from "./units.ts";

/** 48 bytes: a compressed point of G1. */
export type BlsPublicKey = Branded<Uint8Array, "BlsPublicKey">;
/** 96 bytes: a compressed point of G2. */
export type BlsSignature = Branded<Uint8Array, "BlsSignature">;

export const blsPublicKeySize = 48;
export const blsSignatureSize = 96;

/**
 * The ciphersuite of the draft whose keys come with proofs of possession. All that is signed is hashed under this tag, the
 * proofs too, because blst for JavaScript knows no other; {@link possessionBytes} keeps them apart from everything else.
 */
export const blsDomainTag = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

export interface BlsScheme {
  readonly publicKey: (seed: SecretSeed) => BlsPublicKey;
  readonly sign: (message: Uint8Array, seed: SecretSeed) => BlsSignature;
  /** The sum of one signature or more; `undefined` when one is no point of the curve, or is infinity. Says nothing of groups. */
  readonly aggregate: (signatures: readonly Uint8Array[]) => BlsSignature | undefined;
  /** True exactly when the rule above holds for one key or more. Never throws, whatever the bytes. */
  readonly verifyAggregate: (signature: Uint8Array, message: Uint8Array, keys: readonly Uint8Array[]) => boolean;
}

/**
 * What the draft's KeyGen makes the secret scalar of: a hash of the validator's seed, so that its key file stays the only
 * secret there is, and nothing that one curve gives away touches the other.
 */
export function blsKeyMaterial(seed: SecretSeed): Uint8Array {
  return taggedHash("STOA1/bls-vote-key", seed);
}

/**
 * What a proof of possession signs. It names the validator by its identity, so that nobody can register another's key with
 * another's proof; and no vote begins like it, as after `STOA1` a vote has a number below six.
 */
export function possessionBytes(key: Uint8Array, identity: Uint8Array): Uint8Array {
  return concatBytes(toUtf8("STOA1/possession\0"), key, identity);
}
