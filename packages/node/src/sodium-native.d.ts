/** The part of sodium-native that `native-crypto.ts` uses; the package ships no types. All sizes are asserted by it. */
declare module "sodium-native" {
  interface Sodium {
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
    /** `undefined` when an argument is a view of a SharedArrayBuffer. */
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean | undefined;
    /** The three below throw when a point is on no curve, or the result is the identity where that is an error. */
    crypto_core_ed25519_add(sum: Uint8Array, left: Uint8Array, right: Uint8Array): void;
    crypto_scalarmult_ed25519_noclamp(product: Uint8Array, scalar: Uint8Array, point: Uint8Array): void;
    crypto_scalarmult_ed25519_base_noclamp(product: Uint8Array, scalar: Uint8Array): void;
    /** 64 bytes, little-endian, modulo the order of the group. */
    crypto_core_ed25519_scalar_reduce(scalar: Uint8Array, wide: Uint8Array): void;
  }
  const sodium: Sodium;
  export default sodium;
}
