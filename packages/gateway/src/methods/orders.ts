/** Placing and editing orders, and closing positions. An answer is given when the command is final. */
import { lots as lotsUnit, ticks as ticksUnit, timeMs as timeUnit } from "@stoa/base/units";
import type { CommandBody, Side, TimeInForce } from "@stoa/protocol/command";
import type { OrderRecord } from "@stoa/protocol/event";
import { listingNamed, listingOfId, sizeOf, ticksOf } from "../catalog.ts";
import type { Decimal } from "../decimal.ts";
import { ApiError, invalidParameter, refusalError } from "../errors.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import {
  boolean,
  decimal,
  defaulted,
  oneOf,
  optional,
  required,
  shortText,
  text,
  timestamp,
  type ValuesOf,
} from "../parameter.ts";
import type { Services } from "../services.ts";
import { execute } from "./execute.ts";
import { knownOrderOf, orderAnswer, postOnlyOf, matching } from "./order-answer.ts";
import { accountOf, instrumentName, living } from "./shared.ts";

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

/** The end of the exchange's day: when it settles next. */
function dayEndMs(services: Services): number {
  const { dayMs, settlementOffsetMs } = services.upstream.genesis.calendar;
  const sinceOffset = services.upstream.query.timeMs() - settlementOffsetMs;
  return (Math.floor(sinceOffset / dayMs) + 1) * dayMs + settlementOffsetMs;
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

/** An open order of the caller; refuses ids that never were, others' orders, and ended ones, in that order. */
function openOrderOf(services: Services, caller: AccountCaller, id: string): OrderRecord {
  const known = knownOrderOf(services, caller, id);
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

export const orderMethods: readonly Method[] = [
  privateMethod("buy", { ...matching, parameters: orderParameters, handle: placeHandler("buy") }),
  privateMethod("sell", { ...matching, parameters: orderParameters, handle: placeHandler("sell") }),
  privateMethod("edit", {
    ...matching,
    parameters: { order_id: required(text), ...editParameters },
    handle: (services, values, caller) =>
      edit(services, caller, openOrderOf(services, caller, values.order_id), values),
  }),
  privateMethod("edit_by_label", {
    ...matching,
    parameters: { instrument_name: instrumentName, label: required(shortText), ...editParameters },
    handle: (services, values, caller) =>
      edit(services, caller, labelledOrder(services, caller, values.instrument_name, values.label), values),
  }),
  privateMethod("close_position", {
    ...matching,
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
];
