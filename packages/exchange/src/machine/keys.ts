/**
 * Verbs: authorise and revoke session keys. Only the account's own key reaches them (`admission.ts`). A key that was revoked
 * or has expired stays on the list, and counts, until no command that it signed can still be alive: its used nonces must be
 * remembered that long, or an old command could be replayed after the key is authorised again.
 */
import { toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { scopesAll, type CommandBody } from "@stoa/protocol/command";
import { forgettableFromMs, keyOnAccount, type Account } from "./account.ts";
import { refuse, type Refusal, type Run } from "./run.ts";

export function authorizeKey(
  run: Run,
  account: Account,
  { sessionKey, scopes, expiresAtMs }: Extract<CommandBody, { kind: "authorizeKey" }>,
): Refusal | undefined {
  const { state } = run;
  const name = toHex(sessionKey);
  forgetOldKeys(run, account);
  const countMax = limits.sessionKeysPerAccountCountMax;
  if (!account.keys.has(name) && countMax <= account.keys.size) return refuse("keys-too-many", countMax);
  const hasScopes = 0 < scopes && scopes <= scopesAll;
  if (name === account.ownerHex || !hasScopes || expiresAtMs <= state.timeMs) return refuse("key-invalid");
  account.keys.set(name, { key: sessionKey, scopes, expiresAtMs, revokedAtMs: undefined });
  state.touched.accounts.add(account.number);
  run.events.push({ kind: "keyAuthorized", account: account.number, sessionKey, scopes, expiresAtMs });
  return undefined;
}

export function revokeKey(
  run: Run,
  account: Account,
  { sessionKey }: Extract<CommandBody, { kind: "revokeKey" }>,
): Refusal | undefined {
  const name = toHex(sessionKey);
  const key = account.keys.get(name);
  if (key === undefined || key.revokedAtMs !== undefined) return refuse("key-invalid");
  account.keys.set(name, { ...key, revokedAtMs: run.state.timeMs });
  run.state.touched.accounts.add(account.number);
  run.events.push({ kind: "keyRevoked", account: account.number, sessionKey });
  return undefined;
}

function forgetOldKeys({ state }: Run, account: Account): void {
  for (const [name, key] of [...account.keys]) {
    if (state.timeMs <= forgettableFromMs(key)) continue;
    account.keys.delete(name);
    account.nonces.delete(name);
    state.touched.accounts.add(account.number);
    state.touched.nonces.add(keyOnAccount(account.number, name));
  }
}
