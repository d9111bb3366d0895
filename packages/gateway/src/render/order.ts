/** Orders and their identifiers as clients read them. */
import type { CancelReason, OrderRecord } from "@stoa/protocol/event";
import {
  amountNumber,
  contractsNumber,
  fixedNumber,
  listingOfId,
  priceNumber,
  type Catalog,
  type Listing,
} from "../catalog.ts";

/** Deribit's style: plain digits where bitcoin is settled, elsewhere the currency before them. */
export const orderIdText = (listing: Listing, order: number): string =>
  listing.settlementCurrency === "BTC" ? String(order) : `${listing.settlementCurrency}-${order}`;

export const tradeIdText = orderIdText;

/** The number in an order or trade id, or `undefined` when the text is no such id. */
export function numberInId(id: string): number | undefined {
  const digits = /^(?:[A-Z0-9_]{1,16}-)?(\d{1,16})$/.exec(id)?.[1];
  const value = digits === undefined ? undefined : Number(digits);
  return value !== undefined && Number.isSafeInteger(value) && 0 < value ? value : undefined;
}

const cancelReasonWords: Readonly<Record<CancelReason, string | undefined>> = {
  none: undefined,
  "user-request": "user_request",
  "immediate-or-cancel": "immediate_or_cancel",
  "fill-or-kill": "fill_or_kill",
  "good-til-time": "settlement",
  "self-match": "self_trade",
  "reduce-only": "risk_mitigation",
  liquidation: "autoliquidation",
  expiry: "settlement",
  // What was in reach is filled, as of an order that takes what is there.
  "orders-met-max": "immediate_or_cancel",
};

export const timeInForceWords = {
  "good-til-cancelled": "good_til_cancelled",
  "good-til-time": "good_til_day",
  "immediate-or-cancel": "immediate_or_cancel",
  "fill-or-kill": "fill_or_kill",
} as const;

/** `disconnected` holds the orders that this gateway cancelled because their connection ended. */
export function renderOrder(
  catalog: Catalog,
  order: OrderRecord,
  disconnected: ReadonlySet<number>,
): Record<string, unknown> {
  const listing = listingOfId(catalog, order.instrument);
  const quote = order.quoteSet !== undefined;
  const byDisconnect = order.cancelReason === "user-request" && disconnected.has(order.order);
  const cancelReason = byDisconnect ? "cancel_on_disconnect" : cancelReasonWords[order.cancelReason];
  return {
    order_id: orderIdText(listing, order.order),
    instrument_name: listing.name,
    direction: order.side,
    order_type: order.type,
    order_state: order.state,
    price: priceNumber(listing, order.priceTicks),
    amount: amountNumber(listing, order.sizeLots),
    contracts: contractsNumber(listing, order.sizeLots),
    filled_amount: amountNumber(listing, order.filledLots),
    average_price: averagePriceOf(listing, order),
    time_in_force: timeInForceWords[order.timeInForce],
    label: order.label,
    post_only: order.postOnly !== "off",
    reject_post_only: order.postOnly === "reject",
    reduce_only: order.reduceOnly,
    api: true,
    web: false,
    mobile: false,
    replaced: order.replaced,
    mmp: false,
    risk_reducing: order.reduceOnly,
    is_liquidation: order.liquidation,
    is_rebalance: false,
    max_show: amountNumber(listing, order.sizeLots),
    user_id: order.account,
    creation_timestamp: order.createdMs,
    last_update_timestamp: order.updatedMs,
    ...(order.state === "cancelled" && cancelReason !== undefined ? { cancel_reason: cancelReason } : {}),
    ...(quote ? { quote: true, quote_set_id: order.quoteSet, quote_id: order.quoteId ?? "" } : {}),
  };
}

/** Size-weighted mean of fill prices; 0 while unfilled. */
function averagePriceOf(listing: Listing, order: OrderRecord): number {
  if (order.filledLots === 0) return 0;
  const fixed = order.filledTicksLots * BigInt(listing.instrument.tick);
  const lots = BigInt(order.filledLots);
  return fixedNumber(Number((fixed + lots / 2n) / lots));
}
