/**
 * A hash for tables whose keys strangers choose: HalfSipHash-1-3 (Aumasson and Bernstein, "SipHash", 2012, in its form for 32-bit
 * words) under a secret of this process. Whoever does not know the secret cannot find keys that fall together, so a table
 * stays fast whatever it is fed. Not for what nodes must agree on: every process hashes differently, and 32 bits name nothing.
 */

/** 64 bits that nobody else knows. */
export interface HashSecret {
  readonly left: number;
  readonly right: number;
}

export function createHashSecret(): HashSecret {
  const [left, right] = crypto.getRandomValues(new Int32Array(2));
  return { left: left!, right: right! };
}

/** Rounds after the last word. */
const closingRoundsCount = 3;

/** The hash of the `size` bytes at `offset`, as a signed 32-bit integer. */
export function keyedHash(secret: HashSecret, bytes: Uint8Array, offset: number, size: number): number {
  const wholeCount = size >>> 2;
  let v0 = secret.left | 0;
  let v1 = secret.right | 0;
  let v2 = secret.left ^ 0x6c796765;
  let v3 = secret.right ^ 0x74656462;
  for (let index = 0, at = offset; index <= wholeCount + closingRoundsCount; index++, at += 4) {
    let word = 0;
    if (index < wholeCount) {
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    } else if (index === wholeCount) {
      word = lastWord(bytes, at, size);
    } else if (index === wholeCount + 1) {
      v2 ^= 0xff;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}

/** The bytes that fill no word, with the size on top. */
function lastWord(bytes: Uint8Array, at: number, size: number): number {
  let word = size << 24;
  for (let index = 0; index < (size & 3); index++) word |= bytes[at + index]! << (8 * index);
  return word;
}
