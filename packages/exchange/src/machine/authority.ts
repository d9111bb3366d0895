/**
 * Who may speak for which account, as of the last block: what a node needs to know to turn a command away at its door with the
 * word that `admission.ts` would have for it in a block. Read-only.
 */
import type { PublicKey } from "@stoa/base/signature";
import { scopesAll } from "@stoa/protocol/command";
import { eventsOfKinds } from "@stoa/protocol/event";
import { accountAndKeyOfName, type Account } from "./account.ts";
import type { ExecutionResult } from "./block-input.ts";
import type { NonceWindow } from "./nonce-window.ts";
import { accountOf, type ExchangeState } from "./state.ts";

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

/** All keys of an account, its own first. */
export type AccountAuthorities = readonly Authority[];

/** What a block changed: accounts whole, when they were opened or their keys changed, and single keys that were used. */
export interface AuthorityChanges {
  readonly accounts: readonly AccountAuthorities[];
  readonly keys: readonly Authority[];
}

/** The authorities of all open accounts. */
export function* allAuthorities(state: ExchangeState): Generator<AccountAuthorities> {
  for (const account of state.accounts.values()) yield authoritiesOf(account);
}

/** Of the last block, whose result is given. */
export function authoritiesChanged(
  state: ExchangeState,
  { encodedEvents, keysUsed }: Pick<ExecutionResult, "encodedEvents" | "keysUsed">,
): AuthorityChanges {
  const changes = eventsOfKinds(encodedEvents, "accountOpened", "keyAuthorized", "keyRevoked");
  const accounts = new Set(changes.map(({ account }) => account));
  const keys: Authority[] = [];
  for (const name of keysUsed) {
    const [number, keyHex] = accountAndKeyOfName(name);
    const authority = authorityOf(accountOf(state, number), keyHex);
    if (authority !== undefined) keys.push(authority);
    // A key that has left the list is said by saying the list.
    else accounts.add(number);
  }
  return { accounts: [...accounts].map((number) => authoritiesOf(accountOf(state, number))), keys };
}

const authoritiesOf = (account: Account): AccountAuthorities =>
  [account.ownerHex, ...account.keys.keys()].map((keyHex) => authorityOf(account, keyHex)!);

/** `undefined` when the key is not on the account's list. */
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
