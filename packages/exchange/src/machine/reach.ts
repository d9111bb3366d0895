/**
 * What an incoming order would meet if it were carried out now: how much of it would fill and at what value. The walk follows
 * the same rules as matching: the order's limit, matches of an owner with itself, and reduce-only makers that shrink as
 * their positions do. Pure. PERF: O(orders met), at most `limits.ordersMetCountMax`.
 */
import { limits } from "@stoa/base/limits";
import { openOrderValue } from "../terms.ts";
import { openLots, type Order } from "./order.ts";
import { reducibleLots } from "./reduce-only.ts";
import { bookOf, bookSideOf, listingOf, oppositeOf, positionLots, type ExchangeState } from "./state.ts";

export interface Reach {
  readonly lots: number;
  /** What those lots count for at the prices at which they would fill. */
  readonly value: bigint;
  /** Whether the walk ended because the order would meet more others than one order may. */
  readonly meetsTooMany: boolean;
  /** Whether the walk ended at an order of the same owner that stops the incoming one. */
  readonly stoppedBySelf: boolean;
}

export const crosses = (order: Order, priceTicks: number): boolean =>
  order.side === "buy" ? priceTicks <= order.priceTicks : order.priceTicks <= priceTicks;

/** Whether a resting order belongs to the owner of the incoming one, as that account has it. */
export function isSelfMatch(state: ExchangeState, taker: Order, maker: Order): boolean {
  if (taker.account === maker.account) return true;
  const account = state.accounts.get(taker.account);
  if (account === undefined || !account.selfMatchAcrossSubaccounts) return false;
  return state.accounts.get(maker.account)?.ownerHex === account.ownerHex;
}

/**
 * Whether the incoming order stops where it meets one of its owner, or the resting one goes. A liquidation goes on: else an
 * owner could hold it up with one lot of another sub-account.
 */
export function selfMatchStops(state: ExchangeState, taker: Order): boolean {
  return !taker.liquidation && state.accounts.get(taker.account)?.selfMatch === "reject-taker";
}

export function reachOf(state: ExchangeState, taker: Order): Reach {
  const { terms } = listingOf(state, taker.instrument);
  const positions = new Map<number, number>();
  const wanted = openLots(taker);
  let lots = 0;
  let value = 0n;
  let metCount = 0;
  let meetsTooMany = false;
  let stoppedBySelf = false;
  // Lots met at one price and not yet valued: futures are valued by level; options by fill, as their fees are.
  let levelTicks = 0;
  let levelLots = 0;
  const valueLevel = (): void => {
    if (0 < levelLots) value += openOrderValue(terms, taker.side, levelLots, levelTicks);
    levelLots = 0;
  };
  bookOf(state, taker.instrument).book.forEachOrder(bookSideOf(oppositeOf(taker.side)), (id, priceTicks) => {
    if (!crosses(taker, priceTicks)) return false;
    meetsTooMany = metCount++ === limits.ordersMetCountMax;
    if (meetsTooMany) return false;
    const maker = state.orders.get(id)!;
    if (isSelfMatch(state, taker, maker)) {
      stoppedBySelf = selfMatchStops(state, taker);
      return !stoppedBySelf;
    }
    if (priceTicks !== levelTicks || terms.isOption) valueLevel();
    const filled = Math.min(wanted - lots, makerLots(state, positions, maker));
    levelTicks = priceTicks;
    levelLots += filled;
    lots += filled;
    return lots < wanted;
  });
  valueLevel();
  return { lots, value, meetsTooMany, stoppedBySelf };
}

/** Lots that a maker would fill with when its turn comes, as far as they matter to its reduce-only orders remembered. */
function makerLots(state: ExchangeState, positions: Map<number, number>, maker: Order): number {
  const { account, instrument, side } = maker;
  const lots = openLots(maker);
  if (!state.accounts.get(account)?.reduceOnly.has(instrument)) return lots;
  const position = positions.get(account) ?? positionLots(state, account, instrument);
  const filled = maker.reduceOnly ? Math.min(lots, reducibleLots(position, side)) : lots;
  positions.set(account, position + (side === "buy" ? filled : -filled));
  return filled;
}
