/** Verb: credit the signing account from nothing, where genesis has a faucet (a devnet). Opens an account that is new. */
import { limits } from "@stoa/base/limits";
import type { Command, CommandBody } from "@stoa/protocol/command";
import { systemAccounts } from "../ledger/state.ts";
import type { Account } from "./account.ts";
import { sayOpened } from "./open-account.ts";
import { moveMoney, refuse, type Refusal, type Run } from "./run.ts";
import { openAccount, type ExchangeState } from "./state.ts";

type FaucetBody = Extract<CommandBody, { kind: "faucet" }>;

/** Why the faucet gives nothing; asked before an account is opened for it. */
export function faucetRefusal(state: ExchangeState, subaccount: number, body: FaucetBody): Refusal | undefined {
  const { faucet, assets } = state.genesis;
  if (assets[body.asset] === undefined) return refuse("asset-unknown");
  if (limits.subaccountsCountMax <= subaccount) return refuse("subaccounts-too-many", limits.subaccountsCountMax);
  if (!faucet.enabled) return refuse("faucet-disabled");
  const amountMax = faucet.amountMax.find(({ asset }) => asset === body.asset)?.amount ?? 0n;
  return amountMax < body.amount ? refuse("faucet-limit") : undefined;
}

/** Opens the account of a faucet command that is the first to name it. */
export function openByFaucet(run: Run, command: Command): Account {
  const account = openAccount(run.state, command.account, command.subaccount);
  sayOpened(run, account);
  return account;
}

export function faucet(run: Run, account: Account, body: FaucetBody): Refusal | undefined {
  const refusal = faucetRefusal(run.state, account.subaccount, body);
  if (refusal !== undefined) return refusal;
  const { asset, amount } = body;
  moveMoney(run, asset, { source: systemAccounts.external, target: account.number, amount, cause: "faucet" });
  return undefined;
}
