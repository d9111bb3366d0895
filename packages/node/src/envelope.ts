/**
 * The fixed-width head of an encoded command, read in place: what a mempool needs before anyone has decoded the rest. Says
 * nothing about whether the command is canonical or signed; that is the signature pool's verdict.
 */
import type { Digest } from "@stoa/base/hash";

/** Offsets in the encoding of `protocol/command`: chain 32, account 32, sub-account u16, key 32, nonce u64, expiry u64, tag u8. */
const offsets = { chainId: 0, account: 32, subaccount: 64, key: 66, nonce: 98, expiresAtMs: 106, tag: 114, body: 115 };
const pricesTag = 33;
const signatureSize = 64;

export interface Envelope {
  readonly chainId: Uint8Array;
  /** Names as strings of bytes, for maps. */
  readonly account: string;
  /** Who must have signed: the account's own key, or another that claims to act for it. */
  readonly key: string;
  /** Account, sub-account, key and nonce: two commands with the same one cannot both be carried out. */
  readonly slot: string;
  readonly expiresAtMs: number;
  readonly isPrices: boolean;
}

/** `undefined` when the bytes are too short to be a command. */
export function readEnvelope(encoded: Uint8Array): Envelope | undefined {
  if (encoded.length < offsets.body + signatureSize) return undefined;
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length);
  return {
    chainId: encoded.subarray(offsets.chainId, offsets.account),
    account: bytes.toString("latin1", offsets.account, offsets.subaccount),
    key: bytes.toString("latin1", offsets.key, offsets.nonce),
    slot: bytes.toString("latin1", offsets.account, offsets.expiresAtMs),
    expiresAtMs: Number(bytes.readBigUInt64LE(offsets.expiresAtMs)),
    isPrices: encoded[offsets.tag] === pricesTag,
  };
}

/** The key that must have signed: for the check of a signature without decoding. */
export const keyOfEncoded = (encoded: Uint8Array): Uint8Array => encoded.subarray(offsets.key, offsets.nonce);

/** A digest as a string of 32 characters, one per byte: a cheap key for maps. */
export function nameOf(digest: Digest): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString("latin1");
}
