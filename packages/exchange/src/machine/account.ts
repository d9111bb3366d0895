/**
 * An account: an ed25519 key and a sub-account number, its session keys, the nonces they have used, and how it treats a match
 * with itself. Its open orders are listed here; balances and positions are kept elsewhere under its number.
 *
 * A revoked or expired session key stays listed until no command that it signed can still be alive
 * (`limits.commandLifetimeMsMax`), because the nonces it has used must be remembered that long.
 */
import { toHex } from "@stoa/base/bytes";
import { record, u64, type Codec } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import type { Money, TimeMs } from "@stoa/base/units";
import type { SelfMatchMode } from "@stoa/protocol/command";
import type { AccountRecord } from "@stoa/protocol/state-record";
import { createNonceWindow, type NonceWindow } from "./nonce-window.ts";
import type { Order } from "./order.ts";
import { OrderTable } from "./order-table.ts";

export interface SessionKey {
  readonly key: PublicKey;
  readonly scopes: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | undefined;
}

export interface Account {
  readonly number: number;
  readonly owner: PublicKey;
  readonly ownerHex: string;
  readonly subaccount: number;
  selfMatch: SelfMatchMode;
  selfMatchAcrossSubaccounts: boolean;
  /** Trading and liquidation fees paid since the account was opened, by asset; rebates count against them. */
  readonly feesPaid: bigint[];
  /** By the key in hexadecimal. */
  readonly keys: Map<string, SessionKey>;
  /** By the key in hexadecimal; of the owner's key and of the session keys. */
  readonly nonces: Map<string, NonceWindow>;
  /** Open orders. */
  readonly orders: OrderTable;
  /** Standing quotes by {@link quoteKey}. */
  readonly quotes: Map<string, Order>;
  /** Resting reduce-only orders by instrument. */
  readonly reduceOnly: Map<number, Set<Order>>;
}

export function createAccount(
  { number, assetsCount }: { readonly number: number; readonly assetsCount: number },
  owner: PublicKey,
  subaccount: number,
): Account {
  return {
    number,
    owner,
    ownerHex: toHex(owner),
    subaccount,
    selfMatch: "reject-taker",
    selfMatchAcrossSubaccounts: false,
    feesPaid: Array.from({ length: assetsCount }, () => 0n),
    keys: new Map(),
    nonces: new Map(),
    orders: new OrderTable(),
    quotes: new Map(),
    reduceOnly: new Map(),
  };
}

/** The name of an account in maps, the ledger's own: its owner in hexadecimal and its sub-account. */
export const accountKey = (ownerHex: string, subaccount: number): string => `${ownerHex}:${subaccount}`;

/** The name of a key on an account, in sets and maps. */
export const keyOnAccount = (account: number, keyHex: string): string => `${account}/${keyHex}`;

/** What {@link keyOnAccount} has put together. */
export function accountAndKeyOfName(name: string): readonly [account: number, keyHex: string] {
  const slash = name.indexOf("/");
  return [Number(name.slice(0, slash)), name.slice(slash + 1)];
}

/** What makes a quote the successor of another. */
export const quoteKey = (instrument: number, side: string, quoteSet: string): string =>
  `${instrument}/${side}/${quoteSet}`;

/** The window of a key that may sign for the account; made on first use. */
export function nonceWindowOf(account: Account, keyHex: string): NonceWindow {
  const known = account.nonces.get(keyHex);
  if (known !== undefined) return known;
  const fresh = createNonceWindow();
  account.nonces.set(keyHex, fresh);
  return fresh;
}

/** From when on a session key can be forgotten. */
export const forgettableFromMs = (key: SessionKey): number =>
  Math.min(key.revokedAtMs ?? key.expiresAtMs, key.expiresAtMs) + limits.commandLifetimeMsMax;

/** Session keys stand in the order of their bytes. */
export function accountRecordOf(account: Account): AccountRecord {
  const names = [...account.keys.keys()].sort();
  return {
    owner: account.owner,
    subaccount: account.subaccount,
    selfMatch: account.selfMatch,
    selfMatchAcrossSubaccounts: account.selfMatchAcrossSubaccounts,
    feesPaid: account.feesPaid as readonly bigint[] as readonly Money[],
    keys: names.map((name) => {
      const { key, scopes, expiresAtMs, revokedAtMs } = account.keys.get(name)!;
      return {
        key,
        scopes,
        expiresAtMs: expiresAtMs as TimeMs,
        revokedAtMs: revokedAtMs === undefined ? undefined : (revokedAtMs as TimeMs),
      };
    }),
  };
}

const windowWordsCount = limits.nonceWindowSize / 32;
/** Bits in the order of their numbers, eight to a byte: words as little-endian bytes. */
const windowBits: Codec<Uint32Array> = {
  write(writer, used) {
    let offset = writer.reserve(4 * windowWordsCount);
    for (let index = 0; index < windowWordsCount; index++, offset += 4)
      writer.view.setUint32(offset, used[index]!, true);
  },
  read(reader) {
    const offset = reader.take(4 * windowWordsCount);
    return Uint32Array.from({ length: windowWordsCount }, (_, index) =>
      reader.view.getUint32(offset + 4 * index, true),
    );
  },
  shape: { kind: "bytes", sizeMin: 4 * windowWordsCount, sizeMax: 4 * windowWordsCount },
};

/** A nonce window is its own record. */
export const nonceRecord: Codec<NonceWindow> = record({ highest: u64, used: windowBits });
