/**
 * SHA-512 from FIPS 180-4, on 32-bit halves. Ed25519 is built on it and nothing else here uses it: digests of the system
 * are SHA-256 (`hash.ts`). Only the reference form of ed25519 calls this; native signature code brings its own.
 */
import { fractionalRoots } from "./sha2-constants.ts";

const blockSize = 128;
const roundsCount = 80;
const carryUnit = 4294967296;

/** Words as halves, high before low. */
function halves(words: readonly bigint[]): Int32Array {
  return Int32Array.from(words.flatMap((word) => [Number(word >> 32n) | 0, Number(word & 0xffff_ffffn) | 0]));
}

const roundConstants = halves(fractionalRoots(roundsCount, 3n, 64n));
const initialState = halves(fractionalRoots(8, 2n, 64n));
const schedule = new Int32Array(2 * roundsCount);

/** The 64 bytes of SHA-512. */
export function sha512(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array((Math.floor((bytes.length + 16) / blockSize) + 1) * blockSize);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x2000_0000), false);
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0, false);
  const state = Int32Array.from(initialState);
  for (let offset = 0; offset < padded.length; offset += blockSize) compress(state, view, offset);
  const digest = new Uint8Array(64);
  const output = new DataView(digest.buffer);
  for (let half = 0; half < 16; half++) output.setInt32(4 * half, state[half]!, false);
  return digest;
}

function expandSchedule(block: DataView, offset: number): void {
  for (let half = 0; half < 32; half++) schedule[half] = block.getInt32(offset + 4 * half, false);
  for (let t = 32; t < 2 * roundsCount; t += 2) {
    const [xh, xl] = [schedule[t - 30]!, schedule[t - 29]!];
    const [yh, yl] = [schedule[t - 4]!, schedule[t - 3]!];
    const xHigh = rotateHigh(xh, xl, 1) ^ rotateHigh(xh, xl, 8) ^ (xh >>> 7);
    const xLow = rotateLow(xh, xl, 1) ^ rotateLow(xh, xl, 8) ^ ((xl >>> 7) | (xh << 25));
    const yHigh = rotateHigh(yh, yl, 19) ^ rotateLow(yh, yl, 29) ^ (yh >>> 6);
    const yLow = rotateLow(yh, yl, 19) ^ rotateHigh(yh, yl, 29) ^ ((yl >>> 6) | (yh << 26));
    const low = (schedule[t - 31]! >>> 0) + (xLow >>> 0) + (schedule[t - 13]! >>> 0) + (yLow >>> 0);
    schedule[t] = schedule[t - 32]! + xHigh + schedule[t - 14]! + yHigh + Math.floor(low / carryUnit);
    schedule[t + 1] = low | 0;
  }
}

/** The eight working words stay where they are and change roles: word `role` of round t is at (role - t) mod 8. */
function compress(state: Int32Array, block: DataView, offset: number): void {
  expandSchedule(block, offset);
  const work = Int32Array.from(state);
  for (let t = 0; t < roundsCount; t++) {
    const at = (role: number): number => ((role - t) & 7) << 1;
    const [a, b, c, d, e, f, g, h] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
    const [ah, al, eh, el] = [work[a]!, work[a + 1]!, work[e]!, work[e + 1]!];
    const choiceHigh = (eh & work[f]!) ^ (~eh & work[g]!);
    const choiceLow = (el & work[f + 1]!) ^ (~el & work[g + 1]!);
    const majorityHigh = (ah & work[b]!) ^ (ah & work[c]!) ^ (work[b]! & work[c]!);
    const majorityLow = (al & work[b + 1]!) ^ (al & work[c + 1]!) ^ (work[b + 1]! & work[c + 1]!);
    const eHigh = rotateHigh(eh, el, 14) ^ rotateHigh(eh, el, 18) ^ rotateLow(eh, el, 9);
    const eLow = rotateLow(eh, el, 14) ^ rotateLow(eh, el, 18) ^ rotateHigh(eh, el, 9);
    const aHigh = rotateHigh(ah, al, 28) ^ rotateLow(ah, al, 2) ^ rotateLow(ah, al, 7);
    const aLow = rotateLow(ah, al, 28) ^ rotateHigh(ah, al, 2) ^ rotateHigh(ah, al, 7);
    const first =
      (work[h + 1]! >>> 0) +
      (eLow >>> 0) +
      (choiceLow >>> 0) +
      (roundConstants[2 * t + 1]! >>> 0) +
      (schedule[2 * t + 1]! >>> 0);
    const firstHigh =
      (work[h]! + eHigh + choiceHigh + roundConstants[2 * t]! + schedule[2 * t]! + Math.floor(first / carryUnit)) | 0;
    const moved = (work[d + 1]! >>> 0) + ((first | 0) >>> 0);
    work[d] = work[d]! + firstHigh + Math.floor(moved / carryUnit);
    work[d + 1] = moved | 0;
    const second = ((first | 0) >>> 0) + (aLow >>> 0) + (majorityLow >>> 0);
    work[h] = firstHigh + aHigh + majorityHigh + Math.floor(second / carryUnit);
    work[h + 1] = second | 0;
  }
  for (let half = 0; half < 16; half += 2) {
    const low = (state[half + 1]! >>> 0) + (work[half + 1]! >>> 0);
    state[half] = state[half]! + work[half]! + Math.floor(low / carryUnit);
    state[half + 1] = low | 0;
  }
}

/** High half of a 64-bit rotation to the right by less than 32; a rotation by 32 + n is the one by n with halves swapped. */
function rotateHigh(high: number, low: number, count: number): number {
  return (high >>> count) | (low << (32 - count));
}

function rotateLow(high: number, low: number, count: number): number {
  return (low >>> count) | (high << (32 - count));
}
