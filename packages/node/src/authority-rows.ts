/**
 * Authorities as bytes of a fixed width, the form in which they cross from the thread that executes to the one that admits. A
 * row says all there is to say of one key on one account, so rows may be repeated and the last one holds. Between threads of
 * one process only: numbers lie in the byte order of the machine.
 */
import { concatBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import type { Authority, AuthorityReader } from "@stoa/exchange/machine/authority";
import type { Event } from "@stoa/protocol/event";
import { authorityNameOf, headOffsets } from "./command-head.ts";

/** A row begins like the part of a command's head that names account, sub-account and key. */
export const authorityNameSize = headOffsets.nonce - headOffsets.account;
export const usedWordsCount = limits.nonceWindowSize / 32;
/** Places in a row of 32-bit words (`highest` is its lower half) and of 64-bit floats. */
export const rowPlaces = { flagsByte: authorityNameSize, expiresAtMsFloat: 9, highestWord: 20, usedWord: 22 } as const;
export const rowWordsCount = rowPlaces.usedWord + usedWordsCount;
export const rowSize = 4 * rowWordsCount;
/** Beside the scopes: the account's own key comes with all its session keys in the rows that follow; others are gone. */
export const startsAccount = 0x80;

const rowsPerChunk = 4_096;

/** The authorities of the whole state, in chunks that a message can carry. */
export function* allAuthorityRows(reader: AuthorityReader): Generator<Uint8Array> {
  let chunk: Uint8Array[] = [];
  let count = 0;
  for (const account of reader.accounts()) {
    const rows = rowsOfAccount(reader.ofAccount(account));
    chunk.push(rows);
    count += rows.length / rowSize;
    if (count < rowsPerChunk) continue;
    yield concatBytes(...chunk);
    chunk = [];
    count = 0;
  }
  if (0 < count) yield concatBytes(...chunk);
}

/**
 * Every authority that an executed block may have changed: those that its commands name, and all of the accounts that it
 * opened or gave other keys. PERF: one look into the state for each authority that a block names, however often.
 */
export function authorityRowsOfBlock(
  reader: AuthorityReader,
  block: { readonly commands: readonly Uint8Array[]; readonly events: readonly Event[] },
): Uint8Array {
  const accounts = new Set<number>();
  for (const event of block.events) {
    if (event.kind === "accountOpened" || event.kind === "keyAuthorized" || event.kind === "keyRevoked")
      accounts.add(event.account);
  }
  const parts = [...accounts].map((account) => rowsOfAccount(reader.ofAccount(account)));
  const seen = new Set<string>();
  const named: Authority[] = [];
  for (const encoded of block.commands) {
    const name = authorityNameOf(encoded);
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    const authority = authorityNamedBy(reader, encoded);
    if (authority !== undefined) named.push(authority);
  }
  return concatBytes(...parts, encodeRows(named));
}

function authorityNamedBy(reader: AuthorityReader, encoded: Uint8Array): Authority | undefined {
  const owner = encoded.subarray(headOffsets.account, headOffsets.subaccount) as PublicKey;
  const key = encoded.subarray(headOffsets.key, headOffsets.nonce) as PublicKey;
  return reader.of(owner, encoded[headOffsets.subaccount]! + 256 * encoded[headOffsets.subaccount + 1]!, key);
}

function rowsOfAccount(authorities: readonly Authority[]): Uint8Array {
  const rows = encodeRows(authorities);
  rows[rowPlaces.flagsByte]! |= startsAccount;
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
    bytes[at + rowPlaces.flagsByte] = scopes;
    floats[at / 8 + rowPlaces.expiresAtMsFloat] = expiresAtMs;
    if (window === undefined) return;
    words[at / 4 + rowPlaces.highestWord] = Number(window.highest & 0xffff_ffffn);
    words[at / 4 + rowPlaces.highestWord + 1] = Number(window.highest >> 32n);
    words.set(window.used, at / 4 + rowPlaces.usedWord);
  });
  return bytes;
}
