/**
 * SHA-256, the one hash of the system. This is the slow reference form, written from FIPS 180-4; a process that has a
 * native one installs it at start, and it is accepted only if it agrees with the reference on probes.
 */
import { assert } from "./assert.ts";
import { equalBytes, toUtf8 } from "./bytes.ts";
import { fractionalRoots } from "./sha2-constants.ts";
import type { Branded } from "./units.ts";

/** 32 bytes: the SHA-256 of something. */
export type Digest = Branded<Uint8Array, "Digest">;
export type Hash = (bytes: Uint8Array) => Uint8Array;

export const digestSize = 32;
export const zeroDigest = new Uint8Array(digestSize) as Digest;

let active: Hash = referenceSha256;

export function sha256(bytes: Uint8Array): Digest {
  return active(bytes) as Digest;
}

/** Replaces the reference form by a faster one that gives the same digests. */
export function installSha256(native: Hash): void {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 1000]) {
    const probe = new Uint8Array(size).fill(size & 0xff);
    assert(equalBytes(native(probe), referenceSha256(probe)), () => `the native SHA-256 agrees on ${size} bytes`);
  }
  active = native;
}

const roundConstants = Uint32Array.from(fractionalRoots(64, 3n, 32n), Number);
const initialState = Uint32Array.from(fractionalRoots(8, 2n, 32n), Number);
const schedule = new Uint32Array(64);

export function referenceSha256(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x2000_0000), false);
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0, false);
  const state = Uint32Array.from(initialState);
  for (let offset = 0; offset < padded.length; offset += 64) compress(state, view, offset);
  const digest = new Uint8Array(digestSize);
  const output = new DataView(digest.buffer);
  for (let word = 0; word < 8; word++) output.setUint32(4 * word, state[word]!, false);
  return digest;
}

function compress(state: Uint32Array, block: DataView, offset: number): void {
  for (let t = 0; t < 16; t++) schedule[t] = block.getUint32(offset + 4 * t, false);
  for (let t = 16; t < 64; t++) {
    const x = schedule[t - 15]!;
    const y = schedule[t - 2]!;
    const small0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const small1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    schedule[t] = (schedule[t - 16]! + small0 + schedule[t - 7]! + small1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const big1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + big1 + choice + roundConstants[t]! + schedule[t]!) | 0;
    const big0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + big0 + majority) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] = (state[index]! + word) | 0));
}

function rotate(word: number, count: number): number {
  return (word >>> count) | (word << (32 - count));
}

/** Tag and bytes are put together here when they are small: a fresh buffer for each hash would cost as much as the hash. */
const joined = new Uint8Array(16 * 1024);

/** SHA-256 of `domain` as text, a zero byte, then the bytes: one hash never stands for two kinds of thing. */
export function taggedHash(domain: string, bytes: Uint8Array): Digest {
  const tag = hashTag(domain);
  const size = tag.length + bytes.length;
  const whole = size <= joined.length ? joined.subarray(0, size) : new Uint8Array(size);
  whole.set(tag);
  whole.set(bytes, tag.length);
  return sha256(whole);
}

const tags = new Map<string, Uint8Array>();

/** What {@link taggedHash} puts before the bytes, for those who assemble them in a buffer of their own. Do not write to it. */
export function hashTag(domain: string): Uint8Array {
  let tag = tags.get(domain);
  if (tag === undefined) {
    tag = toUtf8(`${domain}\0`);
    tags.set(domain, tag);
  }
  return tag;
}
