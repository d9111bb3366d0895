/** Reading orders, open and ended, and the margin that one would need. */
import { limits } from "@stoa/base/limits";
import type { OrderRecord } from "@stoa/protocol/event";
import {
  amountNumber,
  listingNamed,
  listingOfId,
  lotsOf,
  matchesCurrency,
  matchesKind,
  moneyNumber,
  priceNumber,
  ticksOf,
  type Listing,
} from "../catalog.ts";
import { ApiError, invalidParameter, refusalError } from "../errors.ts";
import { findOrders } from "../history/query.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import { boolean, decimal, defaulted, natural, oneOf, optional, required, shortText, text } from "../parameter.ts";
import { renderOrder } from "../render/order.ts";
import type { Services } from "../services.ts";
import { typeWords } from "./cancels.ts";
import { knownOrderOf } from "./order-answer.ts";
import {
  accountOf,
  checkedCurrency,
  countOf,
  idsOf,
  instrumentName,
  kind,
  listingsMatching,
  living,
  requiredCurrency,
} from "./shared.ts";

const openOrderTypes = [
  ...typeWords,
  "trigger_all",
  "stop_all",
  "stop_limit",
  "stop_market",
  "take_all",
  "take_limit",
  "take_market",
  "trailing_all",
] as const;

const openType = optional(oneOf(openOrderTypes));

function openOrders(
  services: Services,
  caller: AccountCaller,
  type: string | undefined,
  matches: (listing: Listing, order: OrderRecord) => boolean,
) {
  if (type !== undefined && type !== "all" && type !== "limit") return [];
  return services.upstream.query
    .openOrders(accountOf(services, caller))
    .filter((order) => matches(listingOfId(services.catalog, order.instrument), order))
    .map((order) => renderOrder(services.catalog, order, services.disconnected));
}

const orderHistoryParameters = {
  kind,
  count: countOf(20, 1_000),
  offset: defaulted(natural, 0),
  include_old: optional(boolean),
  include_unfilled: defaulted(boolean, false),
  with_continuation: defaulted(boolean, false),
  continuation: optional(text),
  historical: optional(boolean),
};

interface OrderHistoryValues {
  readonly count: number;
  readonly offset: number;
  readonly include_unfilled: boolean;
  readonly with_continuation: boolean;
  readonly continuation: string | undefined;
}

function orderHistory(
  services: Services,
  caller: AccountCaller,
  listings: readonly Listing[],
  values: OrderHistoryValues,
) {
  const offset = values.continuation === undefined ? values.offset : Number(values.continuation);
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalidParameter("continuation", "wrong format");
  const orders = findOrders(services.store, {
    account: accountOf(services, caller),
    instruments: idsOf(listings),
    includeUnfilled: values.include_unfilled,
    count: values.count,
    offset,
  }).map((order) => renderOrder(services.catalog, order, services.disconnected));
  if (!values.with_continuation) return orders;
  return { orders, continuation: orders.length < values.count ? null : String(offset + orders.length) };
}

export const orderQueryMethods: readonly Method[] = [
  privateMethod("get_order_state", {
    parameters: { order_id: required(text) },
    handle: (services, values, caller) =>
      renderOrder(services.catalog, knownOrderOf(services, caller, values.order_id), services.disconnected),
  }),
  privateMethod("get_order_state_by_label", {
    parameters: { currency: requiredCurrency, label: required(shortText) },
    handle(services, values, caller) {
      const listings = listingsMatching(services, values.currency, undefined);
      const matching = new Set(idsOf(listings));
      const account = accountOf(services, caller);
      const open = services.upstream.query
        .openOrders(account)
        .filter((order) => order.label === values.label && matching.has(order.instrument));
      const ended = findOrders(services.store, {
        account,
        instruments: idsOf(listings),
        includeUnfilled: true,
        label: values.label,
        count: 100,
        offset: 0,
      });
      return [...open, ...ended].map((order) => renderOrder(services.catalog, order, services.disconnected));
    },
  }),
  privateMethod("get_open_orders", {
    parameters: { kind, type: openType },
    handle: (services, values, caller) =>
      openOrders(services, caller, values.type, (listing) => matchesKind(listing, values.kind)),
  }),
  privateMethod("get_open_orders_by_currency", {
    parameters: { currency: requiredCurrency, kind, type: openType },
    handle(services, values, caller) {
      const name = checkedCurrency(services, values.currency);
      return openOrders(
        services,
        caller,
        values.type,
        (listing) => matchesCurrency(listing, name) && matchesKind(listing, values.kind),
      );
    },
  }),
  privateMethod("get_open_orders_by_instrument", {
    parameters: { instrument_name: instrumentName, type: openType },
    handle(services, values, caller) {
      const wanted = listingNamed(services.catalog, values.instrument_name);
      return openOrders(services, caller, values.type, (listing) => listing.id === wanted.id);
    },
  }),
  privateMethod("get_open_orders_by_label", {
    parameters: { currency: requiredCurrency, label: required(shortText) },
    handle(services, values, caller) {
      const name = checkedCurrency(services, values.currency);
      return openOrders(
        services,
        caller,
        undefined,
        (listing, order) => matchesCurrency(listing, name) && order.label === values.label,
      );
    },
  }),
  privateMethod("get_order_history_by_currency", {
    parameters: { currency: requiredCurrency, ...orderHistoryParameters },
    handle: (services, values, caller) =>
      orderHistory(services, caller, listingsMatching(services, values.currency, values.kind), values),
  }),
  privateMethod("get_order_history_by_instrument", {
    parameters: { instrument_name: instrumentName, ...orderHistoryParameters },
    handle: (services, values, caller) =>
      orderHistory(services, caller, [listingNamed(services.catalog, values.instrument_name)], values),
  }),
  privateMethod("get_margins", {
    parameters: { instrument_name: instrumentName, amount: required(decimal), price: required(decimal) },
    handle(services, values) {
      const { listing, view } = living(services, values.instrument_name);
      const priceTicks = ticksOf(listing, values.price);
      const sizeLots = lotsOf(listing, values.amount);
      if (limits.orderLotsMax < sizeLots)
        throw refusalError("size-too-large", String(amountNumber(listing, limits.orderLotsMax)));
      if (!Number.isSafeInteger(priceTicks * listing.instrument.tick))
        throw new ApiError("invalid_price", { reason: "higher than prices are counted", param: "price" });
      const [buy, sell] = services.upstream.query.orderMargin(listing.id, priceTicks, sizeLots);
      return {
        buy: moneyNumber(listing, buy),
        sell: moneyNumber(listing, sell),
        min_price: priceNumber(listing, view.priceTicksMin),
        max_price: priceNumber(listing, view.priceTicksMax),
      };
    },
  }),
];
