/**
 * The head of an encoded command as a mempool reads it, in place, before anyone has decoded the rest. Says nothing about whether
 * the command is canonical or signed; that is the signature pool's verdict. The caller has looked at the size first.
 */
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { bodyTags, commandSizeMin, headOffsets } from "./command-head.ts";

/** Whether so many bytes may be a command; all that follows reads only what is. */
export const isCommandSize = (size: number): boolean => commandSizeMin <= size && size <= limits.commandSizeMax;

/** Account, sub-account, key and nonce lie together: two commands with the same ones cannot both be carried out. */
export const slotOffset = headOffsets.account;
export const slotSize = headOffsets.expiresAtMs - headOffsets.account;

export const expiresAtMsOf = (encoded: Uint8Array): number =>
  wordAt(encoded, headOffsets.expiresAtMs) + 2 ** 32 * wordAt(encoded, headOffsets.expiresAtMs + 4);

export const isPrices = (encoded: Uint8Array): boolean => encoded[headOffsets.tag] === bodyTags.prices;

export function isOfChain(encoded: Uint8Array, chainId: Digest): boolean {
  for (let index = 0; index < chainId.length; index++) {
    if (encoded[headOffsets.chainId + index] !== chainId[index]) return false;
  }
  return true;
}

/** The key that must have signed: for the check of a signature without decoding. */
export const keyOfEncoded = (encoded: Uint8Array): Uint8Array => encoded.subarray(headOffsets.key, headOffsets.nonce);

/** A digest as a string of 32 characters, one per byte: a cheap key for maps. */
export function nameOf(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString("latin1");
}

/** Four bytes as a number, least significant first. */
export const wordAt = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;
