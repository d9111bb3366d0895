/**
 * Authorities as bytes of a fixed width, the form in which they cross from the thread that executes to the one that admits. A
 * row says all there is to say of one key on one account, so rows may be repeated and the last one holds. Between threads of
 * one process only: numbers lie in the byte order of the machine.
 */
import { concatBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { AccountAuthorities, Authority, AuthorityChanges } from "@stoa/exchange/machine/authority";
import { authorityNameSize } from "./command-head.ts";

export const usedWordsCount = limits.nonceWindowSize / 32;
/** A row begins with a name; then places of bytes, of 32-bit words (`highest` is its lower half) and of 64-bit floats. */
export const rowPlaces = {
  scopesByte: authorityNameSize,
  flagsByte: authorityNameSize + 1,
  expiresAtMsFloat: 9,
  highestWord: 20,
  usedWord: 22,
} as const;
export const rowWordsCount = rowPlaces.usedWord + usedWordsCount;
export const rowSize = 4 * rowWordsCount;

export const rowFlags = {
  /** The account's own key. */
  own: 1,
  /** All session keys of this account follow: any other is gone. */
  startsAccount: 2,
} as const;

const rowsPerChunk = 4_096;

/** Whole accounts, in chunks that a message can carry. */
export function* rowChunks(accounts: Iterable<AccountAuthorities>): Generator<Uint8Array> {
  let chunk: Uint8Array[] = [];
  let count = 0;
  for (const account of accounts) {
    chunk.push(rowsOfAccount(account));
    count += account.length;
    if (count < rowsPerChunk) continue;
    yield concatBytes(...chunk);
    chunk = [];
    count = 0;
  }
  if (0 < count) yield concatBytes(...chunk);
}

/** What a block changed. PERF: a row for each key that was used, however often. */
export const rowsOfChanges = ({ accounts, keys }: AuthorityChanges): Uint8Array =>
  accounts.length === 0 ? encodeRows(keys) : concatBytes(...accounts.map(rowsOfAccount), encodeRows(keys));

function rowsOfAccount(authorities: AccountAuthorities): Uint8Array {
  const rows = encodeRows(authorities);
  rows[rowPlaces.flagsByte]! |= rowFlags.startsAccount;
  return rows;
}

function encodeRows(authorities: readonly Authority[]): Uint8Array {
  const bytes = new Uint8Array(rowSize * authorities.length);
  const words = new Uint32Array(bytes.buffer);
  const floats = new Float64Array(bytes.buffer);
  authorities.forEach(({ owner, subaccount, key, scopes, expiresAtMs, window }, index) => {
    const at = index * rowSize;
    bytes.set(owner, at);
    bytes[at + 32] = subaccount % 256;
    bytes[at + 33] = subaccount >>> 8;
    bytes.set(key, at + 34);
    bytes[at + rowPlaces.scopesByte] = scopes;
    bytes[at + rowPlaces.flagsByte] = key === owner ? rowFlags.own : 0;
    floats[at / 8 + rowPlaces.expiresAtMsFloat] = expiresAtMs;
    if (window === undefined) return;
    words[at / 4 + rowPlaces.highestWord] = Number(window.highest & 0xffff_ffffn);
    words[at / 4 + rowPlaces.highestWord + 1] = Number(window.highest >> 32n);
    words.set(window.used, at / 4 + rowPlaces.usedWord);
  });
  return bytes;
}
