/** Money that may leave an account: what its margin does not need, without unpaid profit of the session. */
import { balanceOf } from "../ledger/post.ts";
import { evaluate } from "../risk/evaluation.ts";
import type { ExchangeState } from "./state.ts";

export function availableToLeave(state: ExchangeState, account: number, asset: number): bigint {
  const balance = balanceOf(state.ledger, account, asset);
  return evaluate(state.risk, state.market, { account, asset, balance }).availableWithdrawalFunds;
}
