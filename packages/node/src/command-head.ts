/**
 * Where the parts of an encoded command lie that a node reads in place, before anyone has decoded it. Everything up to the tag
 * has a fixed width; so has the beginning of the bodies that open accounts or authorise keys.
 */
import { scopes } from "@stoa/protocol/command";

/** The encoding of `protocol/command`: chain 32, account 32, sub-account u16, key 32, nonce u64, expiry u64, tag u8. */
export const headOffsets = {
  chainId: 0,
  account: 32,
  subaccount: 64,
  key: 66,
  nonce: 98,
  expiresAtMs: 106,
  tag: 114,
  body: 115,
} as const;
export const signatureSize = 64;
/** Nothing shorter is a command. */
export const commandSizeMin = headOffsets.body + signatureSize;

export const bodyTags = {
  transfer: 16,
  withdraw: 17,
  authorizeKey: 18,
  revokeKey: 19,
  faucet: 32,
  prices: 33,
} as const;

/** The scope that a session key needs for a body; 0 when only the account's own key will do. */
export function scopeOfTag(tag: number): number {
  switch (tag) {
    case bodyTags.transfer:
      return scopes.transfer;
    case bodyTags.withdraw:
      return scopes.withdraw;
    case bodyTags.authorizeKey:
    case bodyTags.revokeKey:
    case bodyTags.prices:
      return 0;
    default:
      return scopes.trade;
  }
}

/** An account's owner and sub-account as a string with one character per byte, for maps; `account` lies at that offset. */
export const accountNameOf = (bytes: Uint8Array, offset: number = headOffsets.account): string =>
  latin1(bytes, offset, offset + 34);

/** An account and one of its keys, in the same way. */
export const authorityNameOf = (bytes: Uint8Array, offset: number = headOffsets.account): string =>
  latin1(bytes, offset, offset + 66);

/** Whether a command is signed with its account's own key. */
export function isByOwner(encoded: Uint8Array): boolean {
  for (let index = 0; index < 32; index++) {
    if (encoded[headOffsets.account + index] !== encoded[headOffsets.key + index]) return false;
  }
  return true;
}

export function latin1(bytes: Uint8Array, from: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", from, end);
}
