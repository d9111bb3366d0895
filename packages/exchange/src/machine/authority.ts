/**
 * Who may speak for which account, as of the last block: what a node needs to know to turn a command away at its door with the
 * word that `admission.ts` would have for it in a block. Read-only; the state is asked again whenever it has changed.
 */
import { toHex } from "@stoa/base/bytes";
import type { PublicKey } from "@stoa/base/signature";
import { scopesAll } from "@stoa/protocol/command";
import type { Account } from "./account.ts";
import type { NonceWindow } from "./nonce-window.ts";
import { accountNumberOf, accountOf, type ExchangeState } from "./state.ts";

/** A key on an account: the account's own, or a session key that is on its list. */
export interface Authority {
  readonly owner: PublicKey;
  readonly subaccount: number;
  readonly key: PublicKey;
  /** Bits of `scopes`; none for a session key that was revoked. The account's own key may do everything besides. */
  readonly scopes: number;
  /** In block time, inclusive; infinite for the account's own key. */
  readonly expiresAtMs: number;
  /** Absent before the first use: then every nonce is allowed. */
  readonly window: NonceWindow | undefined;
}

export interface AuthorityReader {
  /** `undefined` when the account is not open or the key not on its list. */
  readonly of: (owner: PublicKey, subaccount: number, key: PublicKey) => Authority | undefined;
  /** All keys of an open account, its own first. */
  readonly ofAccount: (account: number) => readonly Authority[];
  /** The numbers of all open accounts. */
  readonly accounts: () => Iterable<number>;
}

export function createAuthorityReader(state: ExchangeState): AuthorityReader {
  return {
    of(owner, subaccount, key) {
      const ownerHex = toHex(owner);
      const account = state.accounts.get(accountNumberOf(state, ownerHex, subaccount) ?? 0);
      return account === undefined ? undefined : authorityOf(account, toHex(key));
    },
    ofAccount(number) {
      const account = accountOf(state, number);
      return [account.ownerHex, ...account.keys.keys()].map((keyHex) => authorityOf(account, keyHex)!);
    },
    accounts: () => state.accounts.keys(),
  };
}

function authorityOf(account: Account, keyHex: string): Authority | undefined {
  const { owner, subaccount } = account;
  const window = account.nonces.get(keyHex);
  if (keyHex === account.ownerHex) {
    return { owner, subaccount, key: owner, scopes: scopesAll, expiresAtMs: Number.POSITIVE_INFINITY, window };
  }
  const session = account.keys.get(keyHex);
  if (session === undefined) return undefined;
  const { key, expiresAtMs, revokedAtMs } = session;
  return { owner, subaccount, key, scopes: revokedAtMs === undefined ? session.scopes : 0, expiresAtMs, window };
}
