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
  if (window.highest + sizeBig <= nonce) {
    window.used.fill(0);
    window.highest = nonce;
  }
  while (window.highest < nonce) clearBit(window, ++window.highest);
  const bit = Number(nonce & mask);
  window.used[bit >> 5]! |= 1 << (bit & 31);
}

function clearBit(window: NonceWindow, nonce: bigint): void {
  const bit = Number(nonce & mask);
  window.used[bit >> 5]! &= ~(1 << (bit & 31));
}
