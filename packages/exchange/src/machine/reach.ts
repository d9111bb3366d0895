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

/** What happens to the incoming order, or to the resting one, when they belong together. */
export function selfMatchStops(state: ExchangeState, taker: Order): boolean {
  return state.accounts.get(taker.account)?.selfMatch === "reject-taker";
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
  bookOf(state, taker.instrument).book.forEachOrder(bookSideOf(oppositeOf(taker.side)), (id, priceTicks) => {
    if (!crosses(taker, priceTicks)) return false;
    meetsTooMany = metCount++ === limits.ordersMetCountMax;
    if (meetsTooMany) return false;
    const maker = state.orders.get(id)!;
    if (isSelfMatch(state, taker, maker)) {
      stoppedBySelf = selfMatchStops(state, taker);
      return !stoppedBySelf;
    }
    const filled = Math.min(wanted - lots, makerLots(state, positions, maker));
    if (0 < filled) {
      lots += filled;
      value += openOrderValue(terms, taker.side, filled, priceTicks);
      positions.set(maker.account, positionAfter(state, positions, maker, filled));
    }
    return lots < wanted;
  });
  return { lots, value, meetsTooMany, stoppedBySelf };
}

function makerLots(state: ExchangeState, positions: ReadonlyMap<number, number>, maker: Order): number {
  if (!maker.reduceOnly) return openLots(maker);
  const position = positions.get(maker.account) ?? positionLots(state, maker.account, maker.instrument);
  return Math.min(openLots(maker), reducibleLots(position, maker.side));
}

function positionAfter(
  state: ExchangeState,
  positions: ReadonlyMap<number, number>,
  maker: Order,
  filled: number,
): number {
  const position = positions.get(maker.account) ?? positionLots(state, maker.account, maker.instrument);
  return position + (maker.side === "buy" ? filled : -filled);
}
