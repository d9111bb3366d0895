/** Orders: placing, editing, cancelling, quoting, and reading them. An answer is given when the command is final. */
import { limits } from "@stoa/base/limits";
import { lots as lotsUnit, ticks as ticksUnit, timeMs as timeUnit } from "@stoa/base/units";
import type { CommandBody, InstrumentKind, QuoteEntry, Side, TimeInForce } from "@stoa/protocol/command";
import type { EventOf, OrderRecord } from "@stoa/protocol/event";
import type { Executed } from "../accounts/intake.ts";
import {
  amountNumber,
  assetNamed,
  kindWords,
  listingNamed,
  listingOfId,
  lotsOf,
  matchesCurrency,
  matchesKind,
  moneyNumber,
  priceNumber,
  priceText,
  sizeOf,
  ticksOf,
  type KindWord,
  type Listing,
} from "../catalog.ts";
import type { Decimal } from "../decimal.ts";
import { ApiError, invalidParameter, refusalError } from "../errors.ts";
import { findOrder, findOrders } from "../history/query.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import {
  boolean,
  decimal,
  defaulted,
  natural,
  objectList,
  oneOf,
  optional,
  required,
  readParameters,
  shortText,
  text,
  textList,
  timestamp,
  type ValuesOf,
} from "../parameter.ts";
import { numberInId, renderOrder } from "../render/order.ts";
import { fillFactsOfEvent, renderUserTrade } from "../render/trade.ts";
import { tradeUpdateOf } from "../channels/update.ts";
import type { Services } from "../services.ts";
import { trackOrders } from "../transport/disconnect.ts";
import {
  accountOf,
  checkedCurrency,
  countOf,
  idsOf,
  instrumentName,
  kind,
  listingsMatching,
  living,
  optionalCurrency,
  requiredCurrency,
} from "./shared.ts";

const timesInForce: Readonly<Record<string, TimeInForce>> = {
  good_til_cancelled: "good-til-cancelled",
  good_til_day: "good-til-time",
  immediate_or_cancel: "immediate-or-cancel",
  fill_or_kill: "fill-or-kill",
};

const orderTypeWords = [
  "limit",
  "market",
  "stop_limit",
  "take_limit",
  "stop_market",
  "take_market",
  "market_limit",
  "trailing_stop",
] as const;

const orderParameters = {
  instrument_name: instrumentName,
  amount: optional(decimal),
  contracts: optional(decimal),
  type: defaulted(oneOf(orderTypeWords), "limit"),
  label: defaulted(shortText, ""),
  price: optional(decimal),
  time_in_force: defaulted(
    oneOf(["good_til_cancelled", "good_til_day", "fill_or_kill", "immediate_or_cancel"]),
    "good_til_cancelled",
  ),
  post_only: defaulted(boolean, false),
  reject_post_only: defaulted(boolean, false),
  reduce_only: defaulted(boolean, false),
  display_amount: optional(decimal, { aliases: ["max_show"] }),
  trigger: optional(text),
  trigger_price: optional(decimal, { aliases: ["stop_price"] }),
  trigger_offset: optional(decimal),
  advanced: optional(text),
  mmp: defaulted(boolean, false),
  valid_until: optional(timestamp),
  linked_order_type: optional(text),
};

type OrderValues = ValuesOf<typeof orderParameters>;

/** What Deribit has and this exchange has not: refused by name, because ignoring it would change what the order means. */
function refuseUnsupported(values: {
  readonly type?: string;
  readonly trigger?: string | undefined;
  readonly trigger_price?: Decimal | undefined;
  readonly trigger_offset?: Decimal | undefined;
  readonly advanced?: string | undefined;
  readonly mmp: boolean;
  readonly linked_order_type?: string | undefined;
  readonly display_amount?: Decimal | undefined;
}): void {
  const refuse = (param: string, reason: string): never => {
    throw new ApiError("not_implemented", { reason, param });
  };
  if (values.type !== undefined && values.type !== "limit" && values.type !== "market")
    refuse("type", "order types here are limit and market");
  for (const param of ["trigger", "trigger_price", "trigger_offset"] as const)
    if (values[param] !== undefined) refuse(param, "orders with a trigger are not available here");
  if (values.advanced !== undefined) refuse("advanced", "options are priced in their quote currency here");
  if (values.linked_order_type !== undefined) refuse("linked_order_type", "linked orders are not available here");
  if (values.display_amount !== undefined) refuse("display_amount", "hidden sizes are not available here");
  if (values.mmp) refuse("mmp", "market maker protection is not available here");
}

const postOnlyOf = (postOnly: boolean, reject: boolean) => (!postOnly ? "off" : reject ? "reject" : "reprice");

/** The end of the exchange's day: when it settles next. */
function dayEndMs(services: Services): number {
  const { dayMs, settlementOffsetMs } = services.upstream.genesis.calendar;
  const sinceOffset = services.upstream.query.timeMs() - settlementOffsetMs;
  return (Math.floor(sinceOffset / dayMs) + 1) * dayMs + settlementOffsetMs;
}

/** Sends a command and waits until what it did can be read; throws what the exchange said to its first part. */
async function execute(
  services: Services,
  caller: AccountCaller,
  body: CommandBody,
  options: { readonly validUntilMs?: number | undefined; readonly listing?: Listing } = {},
): Promise<Executed> {
  const executed = await services.intake.submit(caller.grant.principal, body, { validUntilMs: options.validUntilMs });
  await services.processed(executed.block.height);
  // The first event is the answer: a command that came twice into a block is refused the second time.
  const answer = executed.events[0];
  if (answer?.kind === "refused" && body.kind !== "massQuote") throw refusedError(answer, options.listing);
  return executed;
}

const priceReasons = new Set(["price-above-band", "price-below-band", "post-only-would-cross"]);
const sizeReasons = new Set(["size-too-large"]);

/** Limits in the client's units: prices and amounts instead of ticks and lots. */
export function refusedError(refused: EventOf<"refused">, listing: Listing | undefined): ApiError {
  const { reason, limit } = refused;
  if (limit === undefined) return refusalError(reason);
  if (priceReasons.has(reason))
    return refusalError(reason, listing === undefined ? undefined : priceText(listing, limit));
  if (sizeReasons.has(reason))
    return refusalError(reason, listing === undefined ? undefined : String(amountNumber(listing, limit)));
  return reason === "orders-too-many" ? refusalError(reason, String(limit)) : refusalError(reason);
}

const ownOrders = (executed: Executed, account: number): readonly OrderRecord[] =>
  executed.events.flatMap((event) => (event.kind === "order" && event.order.account === account ? [event.order] : []));

/** `{order, trades}` of one order; a new order is the one with the highest id that the command touched. */
function orderAnswer(services: Services, caller: AccountCaller, executed: Executed, id?: number) {
  const account = accountOf(services, caller);
  const orders = ownOrders(executed, account);
  const wanted = id ?? orders.reduce((highest, order) => Math.max(highest, order.order), 0);
  const order = orders.findLast((one) => one.order === wanted);
  if (order === undefined) throw new ApiError("internal_server_error", { reason: "the order has no final state" });
  if (order.state === "open") trackOrders(services, caller.connection, caller.grant.principal, [order.order]);
  return {
    order: renderOrder(services.catalog, order, services.disconnected),
    trades: tradesOfOrders(services, executed, new Map([[order.order, order]])),
  };
}

function tradesOfOrders(services: Services, executed: Executed, orders: ReadonlyMap<number, OrderRecord>) {
  return executed.events.flatMap((event) => {
    if (event.kind !== "trade") return [];
    const { listing, facts } = tradeUpdateOf(services, event);
    return (["maker", "taker"] as const).flatMap((role) => {
      const order = orders.get(event[role].order);
      if (order === undefined || order.account !== event[role].account) return [];
      return [renderUserTrade(listing, facts, fillFactsOfEvent(event, role), order.state)];
    });
  });
}

function placeHandler(side: Side) {
  return async (services: Services, values: OrderValues, caller: AccountCaller) => {
    refuseUnsupported(values);
    const { listing } = living(services, values.instrument_name);
    const sizeLots = lotsUnit(sizeOf(listing, values.amount, values.contracts));
    if (values.type === "limit" && values.price === undefined) throw invalidParameter("price", "value required");
    // Clients send a price with market orders too; only a limit order is bound by it.
    const price = values.type === "limit" ? values.price : undefined;
    const timeInForce = timesInForce[values.time_in_force]!;
    const body: CommandBody = {
      kind: "place",
      instrument: listing.id,
      side,
      type: values.type === "market" ? "market" : "limit",
      timeInForce,
      postOnly: postOnlyOf(values.post_only, values.reject_post_only),
      reduceOnly: values.reduce_only,
      priceTicks: price === undefined ? undefined : ticksUnit(ticksOf(listing, price)),
      sizeLots,
      goodTilMs: timeInForce === "good-til-time" ? timeUnit(dayEndMs(services)) : undefined,
      label: values.label,
    };
    const executed = await execute(services, caller, body, { validUntilMs: values.valid_until, listing });
    return orderAnswer(services, caller, executed);
  };
}

/** The number in an order id, and the order as far as it is known here. */
function orderNamed(services: Services, id: string): { readonly id: number; readonly order: OrderRecord | undefined } {
  const number = numberInId(id);
  if (number === undefined)
    throw new ApiError("order_not_found", {
      reason: "no such order: ids are digits, with a currency before them outside bitcoin",
      param: "order_id",
    });
  return { id: number, order: services.upstream.query.order(number) };
}

/** An open order of the caller; refuses others' orders, ended ones and ids that never were, in that order. */
function openOrderOf(services: Services, caller: AccountCaller, id: string): OrderRecord {
  const { id: number, order } = orderNamed(services, id);
  const known = order ?? findOrder(services.store, number);
  if (known === undefined) throw new ApiError("order_not_found", { reason: "no such order", param: "order_id" });
  if (known.account !== accountOf(services, caller)) throw refusalError("order-not-owned");
  if (known.state !== "open") throw refusalError("order-not-open");
  return known;
}

const editParameters = {
  amount: optional(decimal),
  contracts: optional(decimal),
  price: optional(decimal),
  post_only: optional(boolean),
  reject_post_only: optional(boolean),
  reduce_only: optional(boolean),
  advanced: optional(text),
  trigger_price: optional(decimal),
  trigger_offset: optional(decimal),
  mmp: defaulted(boolean, false),
  valid_until: optional(timestamp),
  display_amount: optional(decimal),
};

interface EditValues {
  readonly amount: Decimal | undefined;
  readonly contracts: Decimal | undefined;
  readonly price: Decimal | undefined;
  readonly post_only: boolean | undefined;
  readonly reject_post_only: boolean | undefined;
  readonly reduce_only: boolean | undefined;
  readonly advanced: string | undefined;
  readonly trigger_price: Decimal | undefined;
  readonly trigger_offset: Decimal | undefined;
  readonly mmp: boolean;
  readonly valid_until: number | undefined;
  readonly display_amount: Decimal | undefined;
}

async function edit(services: Services, caller: AccountCaller, order: OrderRecord, values: EditValues) {
  refuseUnsupported(values);
  const listing = listingOfId(services.catalog, order.instrument);
  const resized = values.amount !== undefined || values.contracts !== undefined;
  const body: CommandBody = {
    kind: "edit",
    order: order.order,
    sizeLots: lotsUnit(resized ? sizeOf(listing, values.amount, values.contracts) : order.sizeLots),
    priceTicks: values.price === undefined ? undefined : ticksUnit(ticksOf(listing, values.price)),
    postOnly:
      values.post_only === undefined ? undefined : postOnlyOf(values.post_only, values.reject_post_only ?? false),
    reduceOnly: values.reduce_only,
  };
  const executed = await execute(services, caller, body, { validUntilMs: values.valid_until, listing });
  return orderAnswer(services, caller, executed, order.order);
}

/** Open orders of the caller with this label in an instrument; there must be exactly one. */
function labelledOrder(services: Services, caller: AccountCaller, name: string, label: string): OrderRecord {
  const listing = listingNamed(services.catalog, name);
  const orders = services.upstream.query
    .openOrders(accountOf(services, caller))
    .filter((order) => order.instrument === listing.id && order.label === label);
  if (orders.length !== 1)
    throw new ApiError("non_unique_order_label", {
      reason: `${orders.length} open orders have this label; exactly one is needed`,
      param: "label",
    });
  return orders[0]!;
}

interface CancelFilter {
  readonly instrument?: number | undefined;
  readonly currency?: number | undefined;
  readonly instrumentKind?: InstrumentKind | undefined;
  readonly type?: "limit" | "quote" | undefined;
  readonly label?: string | undefined;
  readonly quoteSet?: string | undefined;
  /** The only candidates; a filter that the exchange does not have is resolved to a list here. */
  readonly orders?: readonly number[];
}

const cancelParameters = { detailed: defaulted(boolean, false), freeze_quotes: optional(boolean) };

async function cancelAll(services: Services, caller: AccountCaller, filter: CancelFilter, detailed: boolean) {
  const body: CommandBody = {
    kind: "cancelAll",
    instrument: filter.instrument,
    currency: filter.currency,
    instrumentKind: filter.instrumentKind,
    type: filter.type,
    label: filter.label,
    quoteSet: filter.quoteSet,
    orders: filter.orders ?? [],
  };
  const executed = await execute(services, caller, body);
  const orders = ownOrders(executed, accountOf(services, caller));
  return detailed ? groupedByInstrument(services, orders) : orders.length;
}

function groupedByInstrument(services: Services, orders: readonly OrderRecord[]) {
  return [...Map.groupBy(orders, (order) => order.instrument)].map(([instrument, group]) => {
    const listing = listingOfId(services.catalog, instrument);
    return {
      currency: listing.settlementCurrency,
      type: "limit",
      instrument_name: listing.name,
      result: group.map((order) => renderOrder(services.catalog, order, services.disconnected)),
    };
  });
}

const typeWords = ["all", "limit", "trigger_all", "stop", "take", "trailing_stop"] as const;

/** Ids of open orders of a kind and type in some currencies; kinds here are Deribit's, which are not the exchange's. */
function candidates(
  services: Services,
  caller: AccountCaller,
  filter: {
    readonly currencies: readonly string[] | undefined;
    readonly kind: KindWord | undefined;
    readonly quotesOnly?: boolean;
  },
): readonly number[] {
  return services.upstream.query
    .openOrders(accountOf(services, caller))
    .filter((order) => {
      const listing = listingOfId(services.catalog, order.instrument);
      const inCurrency =
        filter.currencies === undefined || filter.currencies.some((one) => matchesCurrency(listing, one));
      return (
        inCurrency && matchesKind(listing, filter.kind) && (filter.quotesOnly !== true || order.quoteSet !== undefined)
      );
    })
    .map((order) => order.order);
}

const nothing = (detailed: boolean) => (detailed ? [] : 0);
const isTriggerType = (type: (typeof typeWords)[number] | undefined): boolean =>
  type !== undefined && type !== "all" && type !== "limit";

async function cancelCandidates(
  services: Services,
  caller: AccountCaller,
  orders: readonly number[],
  detailed: boolean,
) {
  return orders.length === 0 ? nothing(detailed) : cancelAll(services, caller, { orders }, detailed);
}

const quoteSideParameters = { price: required(decimal), amount: required(decimal) };
const quoteEntryParameters = {
  instrument_name: instrumentName,
  quote_set_id: defaulted(shortText, ""),
  post_only: defaulted(boolean, false),
  reject_post_only: defaulted(boolean, false),
};

interface QuoteError {
  readonly instrument_name: string;
  readonly side: "bid" | "ask";
  readonly error: { readonly code: number; readonly message: string };
}

const quoteError = (name: string, side: "bid" | "ask", error: unknown): QuoteError => {
  const known = error instanceof ApiError ? error : new ApiError("bad_request");
  return { instrument_name: name, side, error: { code: known.code, message: known.message } };
};

/** Reads quotes one by one: a quote that is wrong is an error of its own, the others go through. */
function quoteEntries(services: Services, quotes: readonly Readonly<Record<string, unknown>>[]) {
  const errors: QuoteError[] = [];
  const entries: QuoteEntry[] = [];
  for (const quote of quotes) {
    const name = String(quote["instrument_name"] ?? "");
    const sideOf = (side: "bid" | "ask", listing: Listing): QuoteEntry["bid"] => {
      const raw = quote[side];
      if (raw === undefined || raw === null) return undefined;
      try {
        const values = readParameters(quoteSideParameters, raw as Readonly<Record<string, unknown>>);
        const removal = values.amount.unscaled === 0n;
        return {
          priceTicks: ticksUnit(ticksOf(listing, values.price)),
          sizeLots: lotsUnit(removal ? 0 : lotsOf(listing, values.amount)),
        };
      } catch (error) {
        errors.push(quoteError(name, side, error));
        return undefined;
      }
    };
    try {
      const values = readParameters(quoteEntryParameters, quote);
      const { listing } = living(services, values.instrument_name);
      const entry: QuoteEntry = {
        instrument: listing.id,
        quoteSet: values.quote_set_id,
        bid: sideOf("bid", listing),
        ask: sideOf("ask", listing),
        postOnly: postOnlyOf(values.post_only, values.reject_post_only),
      };
      if (entry.bid !== undefined || entry.ask !== undefined) entries.push(entry);
    } catch (error) {
      for (const side of ["bid", "ask"] as const)
        if (quote[side] !== undefined) errors.push(quoteError(name, side, error));
    }
  }
  return { entries, errors };
}

interface MassQuoteValues {
  readonly quote_id: string;
  readonly quotes: readonly Readonly<Record<string, unknown>>[];
  readonly detailed: boolean;
  readonly valid_until: number | undefined;
}

async function massQuote(services: Services, values: MassQuoteValues, caller: AccountCaller) {
  const protectedByDisconnect =
    caller.connection?.cancelOnDisconnect === true ||
    services.cancelOnDisconnect.has(caller.grant.principal.accountName);
  if (!protectedByDisconnect)
    throw new ApiError("cod_not_enabled", {
      reason: "call private/enable_cancel_on_disconnect on this connection first",
      param: "cancel_on_disconnect",
    });
  if (quotesCountMax < values.quotes.length) throw invalidParameter("quotes", `at most ${quotesCountMax}`);
  const { entries, errors } = quoteEntries(services, values.quotes);
  if (entries.length === 0) return massQuoteAnswer(services, values.detailed, [], [], errors);
  const body: CommandBody = { kind: "massQuote", quoteId: values.quote_id, entries };
  const executed = await execute(services, caller, body, { validUntilMs: values.valid_until });
  const whole = executed.events.find((event) => event.kind === "refused");
  const quoted = executed.events.some((event) => event.kind === "quotes");
  if (whole?.kind === "refused" && !quoted) throw refusedError(whole, undefined);
  for (const event of executed.events) {
    if (event.kind !== "refused" || event.reason === "nonce-reused") continue;
    // Parts are numbered 2 · entry for bids and 2 · entry + 1 for asks.
    const listing = listingOfId(services.catalog, entries[event.part >> 1]!.instrument);
    errors.push(quoteError(listing.name, event.part % 2 === 0 ? "bid" : "ask", refusedError(event, listing)));
  }
  const last = quotedOrders(executed, accountOf(services, caller));
  const open = [...last.values()].filter((order) => order.state === "open").map((order) => order.order);
  trackOrders(services, caller.connection, caller.grant.principal, open);
  const orders = [...last.values()].map((order) => renderOrder(services.catalog, order, services.disconnected));
  return massQuoteAnswer(services, values.detailed, orders, tradesOfOrders(services, executed, last), errors);
}
const quotesCountMax = 100;

/** The final states of the orders that a mass quote touched, in the order of its quotes: the exchange runs retreats first. */
function quotedOrders(executed: Executed, account: number): ReadonlyMap<number, OrderRecord> {
  const touched = executed.events.flatMap((event) =>
    event.kind === "order" && event.order.account === account ? [event] : [],
  );
  return new Map(
    touched.toSorted((left, right) => left.part - right.part).map(({ order }) => [order.order, order] as const),
  );
}

function massQuoteAnswer(
  _services: Services,
  detailed: boolean,
  orders: readonly unknown[],
  trades: readonly unknown[],
  errors: readonly QuoteError[],
) {
  if (detailed) return { orders, trades, errors, errors_count: errors.length, pending_requests_count: 0 };
  return {
    orders_count: orders.length,
    trades_count: trades.length,
    errors_count: errors.length,
    pending_requests_count: 0,
    errors,
  };
}

// Reading

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

const trade = { scope: "trade", cost: "matching" } as const;

export const tradingMethods: readonly Method[] = [
  privateMethod("buy", { ...trade, parameters: orderParameters, handle: placeHandler("buy") }),
  privateMethod("sell", { ...trade, parameters: orderParameters, handle: placeHandler("sell") }),
  privateMethod("edit", {
    ...trade,
    parameters: { order_id: required(text), ...editParameters },
    handle: (services, values, caller) =>
      edit(services, caller, openOrderOf(services, caller, values.order_id), values),
  }),
  privateMethod("edit_by_label", {
    ...trade,
    parameters: { instrument_name: instrumentName, label: required(shortText), ...editParameters },
    handle: (services, values, caller) =>
      edit(services, caller, labelledOrder(services, caller, values.instrument_name, values.label), values),
  }),
  privateMethod("cancel", {
    ...trade,
    parameters: { order_id: required(text) },
    async handle(services, values, caller) {
      // Not refused here when unknown: an order sent just before on this connection may not be final yet.
      const { id } = orderNamed(services, values.order_id);
      const executed = await execute(services, caller, { kind: "cancel", order: id });
      return orderAnswer(services, caller, executed, id).order;
    },
  }),
  privateMethod("cancel_all", {
    ...trade,
    parameters: cancelParameters,
    handle: (services, { detailed }, caller) => cancelAll(services, caller, {}, detailed),
  }),
  privateMethod("cancel_all_by_instrument", {
    ...trade,
    parameters: {
      instrument_name: instrumentName,
      type: optional(oneOf(typeWords)),
      include_combos: optional(boolean),
      ...cancelParameters,
    },
    handle(services, { instrument_name, type, detailed }, caller) {
      const listing = listingNamed(services.catalog, instrument_name);
      return isTriggerType(type)
        ? nothing(detailed)
        : cancelAll(services, caller, { instrument: listing.id }, detailed);
    },
  }),
  privateMethod("cancel_all_by_currency", {
    ...trade,
    parameters: { currency: requiredCurrency, kind, type: optional(oneOf(typeWords)), ...cancelParameters },
    handle(services, values, caller) {
      const name = checkedCurrency(services, values.currency);
      if (isTriggerType(values.type)) return nothing(values.detailed);
      const currencies = name === undefined ? undefined : [name];
      return cancelCandidates(
        services,
        caller,
        candidates(services, caller, { currencies, kind: values.kind }),
        values.detailed,
      );
    },
  }),
  privateMethod("cancel_all_by_kind_or_type", {
    ...trade,
    parameters: { currency: required(textList), kind, type: optional(oneOf(typeWords)), ...cancelParameters },
    handle(services, values, caller) {
      const names = values.currency.map((name) => checkedCurrency(services, name.toUpperCase()));
      if (isTriggerType(values.type)) return nothing(values.detailed);
      const currencies = names.includes(undefined) ? undefined : names.filter((name) => name !== undefined);
      return cancelCandidates(
        services,
        caller,
        candidates(services, caller, { currencies, kind: values.kind }),
        values.detailed,
      );
    },
  }),
  privateMethod("cancel_by_label", {
    ...trade,
    parameters: { label: required(shortText), currency: optionalCurrency, ...cancelParameters },
    handle(services, values, caller) {
      const name = checkedCurrency(services, values.currency);
      const currency = name === undefined ? undefined : assetNamed(services.upstream.genesis, name);
      return cancelAll(services, caller, { label: values.label, currency }, values.detailed);
    },
  }),
  privateMethod("cancel_quotes", {
    ...trade,
    parameters: {
      cancel_type: required(
        oneOf(["delta", "quote_set_id", "instrument", "instrument_kind", "currency", "currency_pair", "all"]),
      ),
      quote_set_id: optional(shortText),
      instrument_name: optional(text),
      kind: optional(oneOf(kindWords)),
      currency: optionalCurrency,
      ...cancelParameters,
    },
    handle(services, values, caller) {
      const { detailed } = values;
      const needed = <T>(value: T | undefined, param: string): T => {
        if (value === undefined) throw invalidParameter(param, "value required");
        return value;
      };
      switch (values.cancel_type) {
        case "all":
          return cancelAll(services, caller, { type: "quote" }, detailed);
        case "quote_set_id":
          return cancelAll(
            services,
            caller,
            { type: "quote", quoteSet: needed(values.quote_set_id, "quote_set_id") },
            detailed,
          );
        case "instrument": {
          const listing = listingNamed(services.catalog, needed(values.instrument_name, "instrument_name"));
          return cancelAll(services, caller, { type: "quote", instrument: listing.id }, detailed);
        }
        case "instrument_kind":
        case "currency": {
          const name = checkedCurrency(services, needed(values.currency, "currency"));
          const currencies = name === undefined ? undefined : [name];
          const orders = candidates(services, caller, { currencies, kind: values.kind, quotesOnly: true });
          return cancelCandidates(services, caller, orders, detailed);
        }
        default:
          throw new ApiError("not_implemented", {
            reason: "quotes cannot be selected by delta or currency pair here",
            param: "cancel_type",
          });
      }
    },
  }),
  privateMethod("close_position", {
    ...trade,
    parameters: {
      instrument_name: instrumentName,
      type: required(oneOf(["limit", "market"])),
      price: optional(decimal),
    },
    async handle(services, values, caller) {
      const { listing } = living(services, values.instrument_name);
      const held = services.upstream.query
        .positions(accountOf(services, caller))
        .find((one) => one.position.instrument === listing.id);
      const size = held?.position.sizeLots ?? 0;
      if (size === 0)
        throw new ApiError("already_closed", {
          reason: "there is no open position in this instrument",
          param: "instrument_name",
        });
      if (values.type === "limit" && values.price === undefined) throw invalidParameter("price", "value required");
      const body: CommandBody = {
        kind: "place",
        instrument: listing.id,
        side: size < 0 ? "buy" : "sell",
        type: values.type,
        timeInForce: "good-til-cancelled",
        postOnly: "off",
        reduceOnly: true,
        priceTicks: values.type === "limit" ? ticksUnit(ticksOf(listing, values.price!)) : undefined,
        sizeLots: lotsUnit(Math.abs(size)),
        goodTilMs: undefined,
        label: "",
      };
      return orderAnswer(services, caller, await execute(services, caller, body, { listing }));
    },
  }),
  privateMethod("mass_quote", {
    ...trade,
    webSocketOnly: true,
    parameters: {
      quote_id: required(shortText),
      mmp_group: required(text),
      quotes: required(objectList),
      wait_for_response: optional(boolean),
      detailed: defaulted(boolean, false),
      valid_until: optional(timestamp),
    },
    handle: massQuote,
  }),
  privateMethod("get_order_state", {
    parameters: { order_id: required(text) },
    handle(services, values, caller) {
      const { id, order } = orderNamed(services, values.order_id);
      const known = order ?? findOrder(services.store, id);
      if (known === undefined) throw new ApiError("order_not_found", { reason: "no such order", param: "order_id" });
      if (known.account !== accountOf(services, caller)) throw refusalError("order-not-owned");
      return renderOrder(services.catalog, known, services.disconnected);
    },
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
