/** Verb: how an account treats a match with itself. Applies to orders that come after it. */
import type { CommandBody } from "@stoa/protocol/command";
import type { Account } from "./account.ts";
import type { Run } from "./run.ts";

export function configureAccount(
  run: Run,
  account: Account,
  { selfMatch, selfMatchAcrossSubaccounts }: Extract<CommandBody, { kind: "configureAccount" }>,
): undefined {
  account.selfMatch = selfMatch;
  account.selfMatchAcrossSubaccounts = selfMatchAcrossSubaccounts;
  run.state.touched.accounts.add(account.number);
  run.events.push({ kind: "accountConfigured", account: account.number, selfMatch, selfMatchAcrossSubaccounts });
}
