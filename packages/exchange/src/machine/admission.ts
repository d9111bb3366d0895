/**
 * Whether a command may speak for its account at all: the checks of the envelope, in the order of `protocol/reason.ts`. Pure:
 * a command refused here has changed nothing. What it asks for is checked later, by its verb.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { scopes, type Command } from "@stoa/protocol/command";
import type { RefusalReason } from "@stoa/protocol/reason";
import { keyOnAccount, type Account } from "./account.ts";
import type { PreparedCommand } from "./block-input.ts";
import { nonceRefusal } from "./nonce-window.ts";
import { refuse, type Refusal } from "./run.ts";
import { accountNumberOf, type ExchangeState } from "./state.ts";

/** A command of a block with the names of those it speaks of: read once, used by every check. */
export interface Arrival {
  readonly prepared: PreparedCommand;
  /** In hexadecimal; empty when there is no command. */
  readonly ownerHex: string;
  readonly keyHex: string;
}

export function arrivalOf(prepared: PreparedCommand): Arrival {
  const { command } = prepared;
  if (command === undefined) return { prepared, ownerHex: "", keyHex: "" };
  const ownerHex = toHex(command.account);
  return { prepared, ownerHex, keyHex: equalBytes(command.key, command.account) ? ownerHex : toHex(command.key) };
}

export interface Admitted {
  readonly command: Command;
  /** Absent for a validator's price message, and for a faucet command that opens its account. */
  readonly account: Account | undefined;
  readonly ownerHex: string;
  readonly keyHex: string;
}

export interface Refused {
  readonly reason: RefusalReason;
  /** 0 when no account is known. */
  readonly account: number;
}

/** What a check of the key is to believe beside the state: keys that earlier commands of the block are to authorise. */
export type KeysExpected = ReadonlySet<string>;
const noKeys: KeysExpected = new Set();

export function admit(state: ExchangeState, arrival: Arrival, expected = noKeys): Admitted | Refused {
  const { prepared, ownerHex, keyHex } = arrival;
  const { command } = prepared;
  if (command === undefined) return { reason: "command-malformed", account: 0 };
  const number = accountNumberOf(state, ownerHex, command.subaccount) ?? 0;
  const account = state.accounts.get(number);
  const refused = (reason: RefusalReason): Refused => ({ reason, account: number });
  if (!equalBytes(command.chainId, state.chainId)) return refused("chain-wrong");
  if (!prepared.signatureValid) return refused("signature-invalid");
  if (command.expiresAtMs < state.timeMs) return refused("command-expired");
  const admitted = { command, account, ownerHex, keyHex };
  if (command.body.kind === "prices") return admitted;
  if (account === undefined && !(command.body.kind === "faucet" && keyHex === ownerHex))
    return refused("account-unknown");
  if (account === undefined) return admitted;
  const reason = keyRefusal(state, account, admitted, expected) ?? nonceReason(account, keyHex, command.nonce);
  return reason === undefined ? admitted : refused(reason);
}

/**
 * Why a command that may speak for its account is not carried out: it would live too long. Asked when its nonce is used, for in
 * a few hours the same bytes would pass, and what has been refused stays refused.
 */
export function lifetimeRefusal({ timeMs }: ExchangeState, { expiresAtMs }: Command): Refusal | undefined {
  return timeMs + limits.commandLifetimeMsMax < expiresAtMs ? refuse("expiry-too-far") : undefined;
}

function keyRefusal(
  state: ExchangeState,
  account: Account,
  { command, keyHex, ownerHex }: Admitted,
  expected: KeysExpected,
): RefusalReason | undefined {
  if (keyHex === ownerHex || expected.has(keyOnAccount(account.number, keyHex))) return undefined;
  const key = account.keys.get(keyHex);
  if (key === undefined || key.revokedAtMs !== undefined) return "key-not-authorized";
  if (key.expiresAtMs < state.timeMs) return "key-expired";
  const scope = scopeOf(command);
  return scope === undefined || (key.scopes & scope) === 0 ? "scope-missing" : undefined;
}

/** A window that was never used allows everything, and is not made for a question. */
function nonceReason(account: Account, keyHex: string, nonce: bigint): RefusalReason | undefined {
  const window = account.nonces.get(keyHex);
  return window === undefined ? undefined : nonceRefusal(window, nonce);
}

/**
 * The scope that a session key needs; `undefined` when only the account's own key will do. Money that goes to another owner is
 * out of this one's reach: that is a withdrawal, whatever it is called.
 */
function scopeOf({ body, account }: Command): number | undefined {
  switch (body.kind) {
    case "transfer":
      return equalBytes(body.target, account) ? scopes.transfer : scopes.withdraw;
    case "withdraw":
      return scopes.withdraw;
    case "authorizeKey":
    case "revokeKey":
    case "prices":
      return undefined;
    default:
      return scopes.trade;
  }
}
