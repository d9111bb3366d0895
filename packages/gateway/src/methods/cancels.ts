/** Cancelling: one order, or all that a filter names. What the exchange cannot filter by is resolved to a list of orders here. */
import type { CommandBody, InstrumentKind } from "@stoa/protocol/command";
import type { OrderRecord } from "@stoa/protocol/event";
import {
  assetNamed,
  kindWords,
  listingNamed,
  listingOfId,
  matchesCurrency,
  matchesKind,
  type KindWord,
} from "../catalog.ts";
import { ApiError, invalidParameter } from "../errors.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import { boolean, defaulted, oneOf, optional, required, shortText, text, textList } from "../parameter.ts";
import { renderOrder } from "../render/order.ts";
import type { Services } from "../services.ts";
import { execute } from "./execute.ts";
import { orderAnswer, orderNamed, ownOrders, matching } from "./order-answer.ts";
import { accountOf, checkedCurrency, instrumentName, kind, optionalCurrency, requiredCurrency } from "./shared.ts";

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

export const typeWords = ["all", "limit", "trigger_all", "stop", "take", "trailing_stop"] as const;

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

export const cancelMethods: readonly Method[] = [
  privateMethod("cancel", {
    ...matching,
    parameters: { order_id: required(text) },
    async handle(services, values, caller) {
      // Not refused here when unknown: an order sent just before on this connection may not be final yet.
      const { id } = orderNamed(services, values.order_id);
      const executed = await execute(services, caller, { kind: "cancel", order: id });
      return orderAnswer(services, caller, executed, id).order;
    },
  }),
  privateMethod("cancel_all", {
    ...matching,
    parameters: cancelParameters,
    handle: (services, { detailed }, caller) => cancelAll(services, caller, {}, detailed),
  }),
  privateMethod("cancel_all_by_instrument", {
    ...matching,
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
    ...matching,
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
    ...matching,
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
    ...matching,
    parameters: { label: required(shortText), currency: optionalCurrency, ...cancelParameters },
    handle(services, values, caller) {
      const name = checkedCurrency(services, values.currency);
      const currency = name === undefined ? undefined : assetNamed(services.upstream.genesis, name);
      return cancelAll(services, caller, { label: values.label, currency }, values.detailed);
    },
  }),
  privateMethod("cancel_quotes", {
    ...matching,
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
];
