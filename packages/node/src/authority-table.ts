/**
 * Who may speak for which account, as this node has executed the chain: a row of 216 bytes for each account and for each session
 * key on one, found by its name in place. It grows with the state and not with what strangers send; it makes no string and no
 * object for a question. Fed with the rows of `authority-rows.ts`; knows nothing of blocks or commands.
 */
import { assert } from "@stoa/base/assert";
import { limits } from "@stoa/base/limits";
import { rowFlags, rowPlaces, rowSize, rowWordsCount, usedWordsCount } from "./authority-rows.ts";
import { accountNameOf, accountNameSize, authorityNameSize } from "./command-head.ts";
import { createHashSecret, keyedHash } from "./keyed-hash.ts";

export interface AuthorityTable {
  /** The row of the key on the account that are named at `offset`; {@link unknownAuthority} when there is none. */
  readonly find: (bytes: Uint8Array, offset: number) => number;
  /** Whether the account named at `offset` is open. */
  readonly hasAccount: (bytes: Uint8Array, offset: number) => boolean;
  /** Whether it is the account's own key. */
  readonly isOwn: (row: number) => boolean;
  readonly scopes: (row: number) => number;
  readonly expiresAtMs: (row: number) => number;
  /** As the exchange has it in `nonce-window.ts`. The nonce comes as its two halves of 32 bits. */
  readonly nonceRefusal: (row: number, high: number, low: number) => "nonce-reused" | "nonce-too-old" | undefined;
  /** Takes rows: what they say holds from now on. */
  readonly put: (rows: Uint8Array) => void;
  readonly count: () => number;
}

/** In the place of a row. */
export const unknownAuthority = -1;

/** Rows come in pages, so that growing copies none of them. */
const pageRowsCount = 1_024;

interface Page {
  readonly names: Uint8Array;
  readonly hashes: Int32Array;
  readonly scopes: Uint8Array;
  readonly flags: Uint8Array;
  readonly expiresAtMs: Float64Array;
  /** Two words each, the lower half first. */
  readonly highest: Uint32Array;
  readonly used: Uint32Array;
}

const createPage = (): Page => ({
  names: new Uint8Array(authorityNameSize * pageRowsCount),
  hashes: new Int32Array(pageRowsCount),
  scopes: new Uint8Array(pageRowsCount),
  flags: new Uint8Array(pageRowsCount),
  expiresAtMs: new Float64Array(pageRowsCount),
  highest: new Uint32Array(2 * pageRowsCount),
  used: new Uint32Array(usedWordsCount * pageRowsCount),
});

export function createAuthorityTable(): AuthorityTable {
  const pages: Page[] = [];
  const index = createNameIndex(pages);
  /** Of the accounts that have any: the rows of their session keys. */
  const sessions = new Map<string, number[]>();
  const free: number[] = [];
  let usedCount = 0;
  /** An account's name with its own key behind it. */
  const ownName = new Uint8Array(authorityNameSize);

  const takeRow = (): number => {
    const given = free.pop();
    if (given !== undefined) return given;
    if (usedCount === pages.length * pageRowsCount) pages.push(createPage());
    return usedCount++;
  };

  const rowFor = (bytes: Uint8Array, at: number): number => {
    const known = index.find(bytes, at);
    if (known !== unknownAuthority) return known;
    const row = takeRow();
    index.add(row, bytes, at);
    if ((bytes[at + rowPlaces.flagsByte]! & rowFlags.own) !== 0) return row;
    const account = accountNameOf(bytes, at);
    const siblings = sessions.get(account);
    if (siblings === undefined) sessions.set(account, [row]);
    else siblings.push(row);
    return row;
  };

  const forgetSessions = (account: string): void => {
    for (const row of sessions.get(account) ?? []) {
      index.remove(row);
      free.push(row);
    }
    sessions.delete(account);
  };

  return {
    find: index.find,
    hasAccount(bytes, offset) {
      for (let at = 0; at < accountNameSize; at++) ownName[at] = bytes[offset + at]!;
      ownName.copyWithin(accountNameSize, 0, authorityNameSize - accountNameSize);
      return index.find(ownName, 0) !== unknownAuthority;
    },
    isOwn: (row) => (pageOf(pages, row).flags[row % pageRowsCount]! & rowFlags.own) !== 0,
    scopes: (row) => pageOf(pages, row).scopes[row % pageRowsCount]!,
    expiresAtMs: (row) => pageOf(pages, row).expiresAtMs[row % pageRowsCount]!,
    nonceRefusal: (row, high, low) => nonceRefusal(pageOf(pages, row), row % pageRowsCount, high, low),
    put(rows) {
      for (let at = 0; at < rows.length; at += rowSize) {
        if ((rows[at + rowPlaces.flagsByte]! & rowFlags.startsAccount) !== 0) forgetSessions(accountNameOf(rows, at));
        const row = rowFor(rows, at);
        fill(pageOf(pages, row), row % pageRowsCount, rows, at);
      }
    },
    count: () => usedCount - free.length,
  };
}

const pageOf = (pages: readonly Page[], row: number): Page => pages[Math.floor(row / pageRowsCount)]!;

function fill(page: Page, place: number, rows: Uint8Array, at: number): void {
  const words = new Uint32Array(rows.buffer, rows.byteOffset + at, rowWordsCount);
  page.scopes[place] = rows[at + rowPlaces.scopesByte]!;
  page.flags[place] = rows[at + rowPlaces.flagsByte]!;
  page.expiresAtMs[place] = new Float64Array(rows.buffer, rows.byteOffset + at)[rowPlaces.expiresAtMsFloat]!;
  page.highest[2 * place] = words[rowPlaces.highestWord]!;
  page.highest[2 * place + 1] = words[rowPlaces.highestWord + 1]!;
  page.used.set(words.subarray(rowPlaces.usedWord), usedWordsCount * place);
}

function nonceRefusal({ highest, used }: Page, place: number, high: number, low: number) {
  // Exact where it matters, near zero; far from it only the sign and the size count.
  const behind = (highest[2 * place + 1]! - high) * 2 ** 32 + (highest[2 * place]! - low);
  if (behind < 0) return undefined;
  if (limits.nonceWindowSize <= behind) return "nonce-too-old";
  const bit = low % limits.nonceWindowSize;
  const word = used[usedWordsCount * place + (bit >> 5)]!;
  return (word & (1 << (bit & 31))) === 0 ? undefined : "nonce-reused";
}

interface NameIndex {
  readonly find: (bytes: Uint8Array, offset: number) => number;
  /** Of a name that is new. */
  readonly add: (row: number, bytes: Uint8Array, offset: number) => void;
  readonly remove: (row: number) => void;
}

const bucketsCountMin = 1_024;

/** Rows by name: open addressing with linear probing, at most half filled, under a hash that strangers cannot foresee. */
function createNameIndex(pages: readonly Page[]): NameIndex {
  const secret = createHashSecret();
  /** Of each bucket the row in it plus 1; 0 when it is empty. */
  let buckets = new Int32Array(bucketsCountMin);
  let count = 0;

  const hashOf = (row: number): number => pageOf(pages, row).hashes[row % pageRowsCount]!;
  const hasName = (row: number, bytes: Uint8Array, offset: number): boolean => {
    const { names } = pageOf(pages, row);
    const start = authorityNameSize * (row % pageRowsCount);
    for (let at = 0; at < authorityNameSize; at++) if (names[start + at] !== bytes[offset + at]) return false;
    return true;
  };
  const next = (bucket: number): number => (bucket + 1) & (buckets.length - 1);
  const put = (row: number): void => {
    let bucket = hashOf(row) & (buckets.length - 1);
    while (buckets[bucket] !== 0) bucket = next(bucket);
    buckets[bucket] = row + 1;
  };
  const grow = (): void => {
    const before = buckets;
    buckets = new Int32Array(2 * before.length);
    for (const entry of before) if (entry !== 0) put(entry - 1);
  };

  return {
    find(bytes, offset) {
      const hash = keyedHash(secret, bytes, offset, authorityNameSize);
      for (let bucket = hash & (buckets.length - 1); ; bucket = next(bucket)) {
        const row = buckets[bucket]! - 1;
        if (row < 0 || (hashOf(row) === hash && hasName(row, bytes, offset))) return row;
      }
    },
    add(row, bytes, offset) {
      const { names, hashes } = pageOf(pages, row);
      const place = row % pageRowsCount;
      for (let at = 0; at < authorityNameSize; at++) names[authorityNameSize * place + at] = bytes[offset + at]!;
      hashes[place] = keyedHash(secret, bytes, offset, authorityNameSize);
      if (buckets.length <= 2 * count++) grow();
      put(row);
    },
    remove(row) {
      let hole = hashOf(row) & (buckets.length - 1);
      while (buckets[hole] !== row + 1) {
        assert(buckets[hole] !== 0, "only a row in use is removed");
        hole = next(hole);
      }
      buckets[hole] = 0;
      count--;
      // Whoever was pushed past the hole is put in again, so that no search ends too early.
      for (let bucket = next(hole); buckets[bucket] !== 0; bucket = next(bucket)) {
        const moved = buckets[bucket]! - 1;
        buckets[bucket] = 0;
        put(moved);
      }
    },
  };
}
