/** Says that an account was opened: what ties its number to its key for everyone who follows. */
import type { Account } from "./account.ts";
import type { Run } from "./run.ts";

export function sayOpened(run: Run, { number, owner, subaccount }: Account): void {
  run.events.push({ kind: "accountOpened", account: number, owner, subaccount });
}
