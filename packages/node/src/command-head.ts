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

/** Owner and sub-account, and with the key behind them: what lies together in a head and names an account, or a key on one. */
export const accountNameSize = headOffsets.key - headOffsets.account;
export const authorityNameSize = headOffsets.nonce - headOffsets.account;

/** The scope that a session key needs; 0 when only the account's own key will do. As the exchange has it in `admission.ts`. */
export function scopeNeededBy(encoded: Uint8Array): number {
  switch (encoded[headOffsets.tag]) {
    case bodyTags.transfer:
      return sameBytes(encoded, headOffsets.body, headOffsets.account) ? scopes.transfer : scopes.withdraw;
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

/** An account's owner and sub-account as a string with one character per byte, for maps; they lie at that offset. */
export const accountNameOf = (bytes: Uint8Array, offset: number = headOffsets.account): string =>
  latin1(bytes, offset, offset + accountNameSize);

/** An account and one of its keys, in the same way. */
export const authorityNameOf = (bytes: Uint8Array, offset: number = headOffsets.account): string =>
  latin1(bytes, offset, offset + authorityNameSize);

/** Whether a command is signed with its account's own key. */
export const isByOwner = (encoded: Uint8Array): boolean => sameBytes(encoded, headOffsets.account, headOffsets.key);

export const subaccountOf = (encoded: Uint8Array): number =>
  encoded[headOffsets.subaccount]! + 256 * encoded[headOffsets.subaccount + 1]!;

/** Whether two keys in a command are the same. */
export function sameBytes(bytes: Uint8Array, left: number, right: number): boolean {
  for (let index = 0; index < 32; index++) if (bytes[left + index] !== bytes[right + index]) return false;
  return true;
}

export function latin1(bytes: Uint8Array, from: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", from, end);
}
