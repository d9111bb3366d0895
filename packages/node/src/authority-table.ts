/**
 * Who may speak for which account, as this node has executed the chain: a row for each account and for each session key on
 * one, 149 bytes in arrays and a name in a map. It grows with the state and not with what strangers send. Fed with the rows of
 * `authority-rows.ts`; knows nothing of blocks or commands.
 */
import { limits } from "@stoa/base/limits";
import { accountNameOf, authorityNameOf } from "./command-head.ts";
import { rowPlaces, rowSize, rowWordsCount, startsAccount, usedWordsCount } from "./authority-rows.ts";

export interface AuthorityTable {
  /** The row of an account's own key; {@link unknownAuthority} when it is not open. */
  readonly account: (name: string) => number;
  /** The row of a session key, revoked and expired ones included. */
  readonly session: (name: string) => number;
  readonly scopes: (row: number) => number;
  readonly expiresAtMs: (row: number) => number;
  /** As the exchange has it in `nonce-window.ts`. The nonce comes as its two halves of 32 bits. */
  readonly nonceRefusal: (row: number, high: number, low: number) => "nonce-reused" | "nonce-too-old" | undefined;
  /** Takes rows, whole: what they say holds from now on. */
  readonly put: (rows: Uint8Array) => void;
  readonly count: () => number;
}

/** In the place of a row. */
export const unknownAuthority = -1;

/** Rows come in pages, so that growing copies nothing. */
const pageRowsCount = 1_024;

interface Page {
  readonly expiresAtMs: Float64Array;
  /** Two words each, the lower half first. */
  readonly highest: Uint32Array;
  readonly used: Uint32Array;
  readonly scopes: Uint8Array;
}

const createPage = (): Page => ({
  expiresAtMs: new Float64Array(pageRowsCount),
  highest: new Uint32Array(2 * pageRowsCount),
  used: new Uint32Array(usedWordsCount * pageRowsCount),
  scopes: new Uint8Array(pageRowsCount),
});

export function createAuthorityTable(): AuthorityTable {
  const pages: Page[] = [];
  const accounts = new Map<string, number>();
  const sessions = new Map<string, number>();
  /** Of the accounts that have any: the names of their session keys. */
  const sessionsOfAccount = new Map<string, Set<string>>();
  const free: number[] = [];
  let count = 0;

  const pageOf = (row: number): Page => pages[Math.floor(row / pageRowsCount)]!;
  const placeOf = (row: number): number => row % pageRowsCount;

  const takeRow = (): number => {
    const given = free.pop();
    if (given !== undefined) return given;
    if (count === pages.length * pageRowsCount) pages.push(createPage());
    return count++;
  };

  const rowOfAccount = (name: string): number => {
    const known = accounts.get(name);
    if (known !== undefined) return known;
    const row = takeRow();
    accounts.set(name, row);
    return row;
  };

  const rowOfSession = (accountName: string, name: string): number => {
    const known = sessions.get(name);
    if (known !== undefined) return known;
    const row = takeRow();
    sessions.set(name, row);
    const siblings = sessionsOfAccount.get(accountName);
    if (siblings === undefined) sessionsOfAccount.set(accountName, new Set([name]));
    else siblings.add(name);
    return row;
  };

  const forgetSessions = (accountName: string): void => {
    for (const name of sessionsOfAccount.get(accountName) ?? []) {
      free.push(sessions.get(name)!);
      sessions.delete(name);
    }
    sessionsOfAccount.delete(accountName);
  };

  return {
    account: (name) => accounts.get(name) ?? unknownAuthority,
    session: (name) => sessions.get(name) ?? unknownAuthority,
    scopes: (row) => pageOf(row).scopes[placeOf(row)]!,
    expiresAtMs: (row) => pageOf(row).expiresAtMs[placeOf(row)]!,
    nonceRefusal(row, high, low) {
      const { highest, used } = pageOf(row);
      const place = placeOf(row);
      // Exact where it matters: near zero. Far from it only the sign and the size count.
      const behind = (highest[2 * place + 1]! - high) * 2 ** 32 + (highest[2 * place]! - low);
      if (behind < 0) return undefined;
      if (limits.nonceWindowSize <= behind) return "nonce-too-old";
      const bit = low % limits.nonceWindowSize;
      const word = used[usedWordsCount * place + (bit >> 5)]!;
      return (word & (1 << (bit & 31))) === 0 ? undefined : "nonce-reused";
    },
    put(bytes) {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      const floats = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
      for (let at = 0; at < bytes.length; at += rowSize) {
        const accountName = accountNameOf(bytes, at);
        const flags = bytes[at + rowPlaces.flagsByte]!;
        if (0 < (flags & startsAccount)) forgetSessions(accountName);
        const isOwn = sameBytes(bytes, at, at + 34);
        const row = isOwn ? rowOfAccount(accountName) : rowOfSession(accountName, authorityNameOf(bytes, at));
        const { expiresAtMs, highest, used, scopes } = pageOf(row);
        const place = placeOf(row);
        const wordAt = (at / rowSize) * rowWordsCount;
        scopes[place] = flags & ~startsAccount;
        expiresAtMs[place] = floats[at / 8 + rowPlaces.expiresAtMsFloat]!;
        highest[2 * place] = words[wordAt + rowPlaces.highestWord]!;
        highest[2 * place + 1] = words[wordAt + rowPlaces.highestWord + 1]!;
        const usedAt = wordAt + rowPlaces.usedWord;
        used.set(words.subarray(usedAt, usedAt + usedWordsCount), usedWordsCount * place);
      }
    },
    count: () => count - free.length,
  };
}

/** Whether the 32 bytes at two places are the same: an account's owner and the key of its own row. */
function sameBytes(bytes: Uint8Array, left: number, right: number): boolean {
  for (let index = 0; index < 32; index++) if (bytes[left + index] !== bytes[right + index]) return false;
  return true;
}
