/**
 * Which nonces a key has used on an account: the highest so far and one bit for each of the `limits.nonceWindowSize` below
 * it. Nonces may arrive in any order inside the window; each is used once; what fell out of the window is too old.
 */
import { limits } from "@stoa/base/limits";

const size = limits.nonceWindowSize;
const sizeBig = BigInt(size);
const mask = sizeBig - 1n;

export interface NonceWindow {
  highest: bigint;
  /** Bit `nonce % size`; meaningful for nonces in (highest - size, highest]. */
  readonly used: Uint32Array;
}

export const createNonceWindow = (): NonceWindow => ({ highest: 0n, used: new Uint32Array(size / 32) });

/** Why a nonce may not be used, or `undefined` when it may. */
export function nonceRefusal(window: NonceWindow, nonce: bigint): "nonce-reused" | "nonce-too-old" | undefined {
  if (window.highest < nonce) return undefined;
  if (nonce + sizeBig <= window.highest) return "nonce-too-old";
  const bit = Number(nonce & mask);
  return (window.used[bit >> 5]! & (1 << (bit & 31))) === 0 ? undefined : "nonce-reused";
}

/** Marks a nonce that {@link nonceRefusal} allowed as used. PERF: O(distance to the highest), at most the window. */
export function useNonce(window: NonceWindow, nonce: bigint): void {
  const ahead = nonce - window.highest;
  if (0n < ahead) moveTo(window, nonce, ahead < sizeBig ? Number(ahead) : size);
  const bit = Number(nonce & mask);
  window.used[bit >> 5]! |= 1 << (bit & 31);
}

/** Makes `nonce` the highest: the `count` nonces up to it are not used yet. */
function moveTo(window: NonceWindow, nonce: bigint, count: number): void {
  let bit = Number(nonce & mask);
  for (let left = count; 0 < left; left--) {
    window.used[bit >> 5]! &= ~(1 << (bit & 31));
    bit = bit === 0 ? size - 1 : bit - 1;
  }
  window.highest = nonce;
}
