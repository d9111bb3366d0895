/**
 * An open order as the machine holds it, and its record. Only open orders are state; a closed one leaves as an event and is
 * forgotten. The order of the queue is `priority`: an order that keeps its place keeps its number.
 */
import { lots, money, ticks, timeMs, type Lots, type Money, type Ticks, type TimeMs } from "@stoa/base/units";
import type { OrderType, PostOnlyMode, Side, TimeInForce } from "@stoa/protocol/command";
import type { CancelReason, OrderRecord, OrderState } from "@stoa/protocol/event";
import type { OpenOrderRecord } from "@stoa/protocol/state-record";
import type { Handle } from "../matching/book.ts";
import type { Deadline } from "./deadlines.ts";

/** `handle` of an order that is not in a book. */
export const notResting: Handle = -1;

export interface Order extends Deadline {
  readonly id: number;
  readonly account: number;
  readonly instrument: number;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  postOnly: PostOnlyMode;
  reduceOnly: boolean;
  priceTicks: number;
  sizeLots: number;
  filledLots: number;
  filledTicksLots: bigint;
  feePaid: bigint;
  readonly label: string;
  readonly quoteSet: string | undefined;
  quoteId: string | undefined;
  readonly liquidation: boolean;
  replaced: boolean;
  readonly createdMs: number;
  updatedMs: number;
  readonly goodTilMs: number | undefined;
  priority: number;
  handle: Handle;
}

/** What is not yet filled. */
export const openLots = (order: Order): number => order.sizeLots - order.filledLots;

/** The order as the world sees it, with how it stands now. */
export function orderRecordOf(order: Order, state: OrderState, cancelReason: CancelReason): OrderRecord {
  return {
    order: order.id,
    account: order.account,
    instrument: order.instrument,
    side: order.side,
    type: order.type,
    timeInForce: order.timeInForce,
    postOnly: order.postOnly,
    reduceOnly: order.reduceOnly,
    priceTicks: order.priceTicks as Ticks,
    sizeLots: order.sizeLots as Lots,
    filledLots: order.filledLots as Lots,
    filledTicksLots: order.filledTicksLots as Money,
    feePaid: order.feePaid as Money,
    state,
    cancelReason,
    label: order.label,
    quoteSet: order.quoteSet,
    quoteId: order.quoteId,
    liquidation: order.liquidation,
    replaced: order.replaced,
    createdMs: order.createdMs as TimeMs,
    updatedMs: order.updatedMs as TimeMs,
  };
}

/** An open order under the orders root and in a snapshot. */
export function openOrderRecordOf(order: Order): OpenOrderRecord {
  return {
    order: orderRecordOf(order, "open", "none"),
    goodTilMs: order.goodTilMs === undefined ? undefined : timeMs(order.goodTilMs),
    priority: order.priority,
  };
}

/** The open order that a record describes; not yet in a book. */
export function orderOfRecord({ order, goodTilMs, priority }: OpenOrderRecord): Order {
  return {
    id: order.order,
    account: order.account,
    instrument: order.instrument,
    side: order.side,
    type: order.type,
    timeInForce: order.timeInForce,
    postOnly: order.postOnly,
    reduceOnly: order.reduceOnly,
    priceTicks: ticks(order.priceTicks),
    sizeLots: lots(order.sizeLots),
    filledLots: lots(order.filledLots),
    filledTicksLots: money(order.filledTicksLots),
    feePaid: money(order.feePaid),
    label: order.label,
    quoteSet: order.quoteSet,
    quoteId: order.quoteId,
    liquidation: order.liquidation,
    replaced: order.replaced,
    createdMs: order.createdMs,
    updatedMs: order.updatedMs,
    goodTilMs,
    priority,
    handle: notResting,
    deadlineIndex: -1,
  };
}
