/**
 * Reduce-only orders: each of them is never larger than what it may reduce. At entry such an order is trimmed to the
 * position; whenever the position shrinks, those that rest are trimmed with it, and cancelled when nothing is left to
 * reduce. So none can flip a position, in whatever order they fill.
 */
import { openLots, type Order } from "./order.ts";
import { cancelResting, shrinkResting } from "./resting.ts";
import { sayOrder, type Run } from "./run.ts";
import { positionLots, type ExchangeState } from "./state.ts";

/** Lots that orders of this side may take off a position of `lots` (negative: short). */
export const reducibleLots = (lots: number, side: Order["side"]): number => Math.max(0, side === "buy" ? -lots : lots);

/** Brings the resting reduce-only orders of an account in line with its position. Called after every change of it. */
export function trimReduceOnly(run: Run, account: number, instrument: number): void {
  const orders = run.state.accounts.get(account)?.reduceOnly.get(instrument);
  if (orders === undefined) return;
  const position = positionLots(run.state, account, instrument);
  for (const order of [...orders].sort((left, right) => left.id - right.id)) trim(run, order, position);
}

function trim(run: Run, order: Order, position: number): void {
  const allowed = reducibleLots(position, order.side);
  if (allowed === 0) return cancelResting(run, order, "reduce-only");
  if (openLots(order) <= allowed) return;
  shrinkResting(run.state, order, order.filledLots + allowed);
  order.updatedMs = run.state.timeMs;
  sayOrder(run, order, "open");
}

/** Total size of an order that may only reduce, as far as the position allows; `undefined` when it would increase it. */
export function reduceOnlySize(state: ExchangeState, order: Order): number | undefined {
  const allowed = reducibleLots(positionLots(state, order.account, order.instrument), order.side);
  return allowed === 0 ? undefined : order.filledLots + Math.min(openLots(order), allowed);
}
