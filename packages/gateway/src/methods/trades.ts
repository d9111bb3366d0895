/** Trades of everybody and of oneself: by instrument or by currency, within numbers and times, a page at a time. */
import { listingNamed, listingOfId } from "../catalog.ts";
import { ApiError, invalidParameter } from "../errors.ts";
import { findFills, findFillsOfOrder, findOrder, findTrades, type TradeFilter } from "../history/query.ts";
import type { Row } from "../history/store.ts";
import { privateMethod, publicMethod, type Method } from "../method.ts";
import { boolean, integer, natural, optional, required, text, timestamp, type ValuesOf } from "../parameter.ts";
import { numberInId } from "../render/order.ts";
import { fillFactsOfRow, renderTrade, renderUserTrade, tradeFactsOfRow } from "../render/trade.ts";
import type { Services } from "../services.ts";
import {
  accountOf,
  historyRange,
  idsOf,
  instrumentName,
  kind,
  listingsMatching,
  readableAccount,
  requiredCurrency,
  sorting,
} from "./shared.ts";

const ofInstrument = {
  instrument_name: instrumentName,
  start_seq: optional(natural),
  end_seq: optional(natural),
  ...historyRange,
};
const ofCurrency = {
  currency: requiredCurrency,
  kind,
  start_id: optional(text),
  end_id: optional(text),
  ...historyRange,
};
/** The methods whose names end in `_and_time` begin at a time; their end may be left out. */
const fromTime = { start_timestamp: required(timestamp) };
const ofSubaccount = { subaccount_id: optional(integer) };

const instrumentFilter = (services: Services, values: ValuesOf<typeof ofInstrument>): TradeFilter => ({
  instruments: [listingNamed(services.catalog, values.instrument_name).id],
  sequenceFrom: values.start_seq,
  sequenceTo: values.end_seq,
  fromMs: values.start_timestamp,
  toMs: values.end_timestamp,
});

const currencyFilter = (services: Services, values: ValuesOf<typeof ofCurrency>): TradeFilter => ({
  instruments: idsOf(listingsMatching(services, values.currency, values.kind)),
  tradeFrom: tradeNumber(values.start_id, "start_id"),
  tradeTo: tradeNumber(values.end_id, "end_id"),
  fromMs: values.start_timestamp,
  toMs: values.end_timestamp,
});

/** The number in a trade id, which may carry a currency before it. */
function tradeNumber(id: string | undefined, param: string): number | undefined {
  if (id === undefined) return undefined;
  const digits = /(\d{1,16})$/.exec(id)?.[1];
  if (digits === undefined) throw invalidParameter(param, "wrong format");
  return Number(digits);
}

interface Paging {
  readonly count: number;
  readonly sorting: string | undefined;
}

/** Newest first unless asked for otherwise. */
const pageOf = (values: Paging) => ({ count: values.count, ascending: values.sorting === "asc" });

function lastTrades(services: Services, filter: TradeFilter, paging: Paging) {
  const { rows, hasMore } = findTrades(services.store, filter, pageOf(paging));
  const trades = rows.map((row) =>
    renderTrade(listingOfId(services.catalog, Number(row["instrument"])), tradeFactsOfRow(row)),
  );
  return { trades, has_more: hasMore };
}

function userTrades(services: Services, account: number, filter: TradeFilter, paging: Paging) {
  const { rows, hasMore } = findFills(services.store, account, filter, pageOf(paging));
  return { trades: rows.map((row) => renderFillRow(services, row)), has_more: hasMore };
}

function renderFillRow(services: Services, row: Row) {
  const listing = listingOfId(services.catalog, Number(row["instrument"]));
  const fill = fillFactsOfRow(row);
  const state = services.upstream.query.order(fill.order)?.state ?? findOrder(services.store, fill.order)?.state;
  return renderUserTrade(listing, tradeFactsOfRow(row), fill, state ?? "filled");
}

const lastTradesByInstrument = (name: string, parameters: typeof ofInstrument) =>
  publicMethod(name, {
    parameters,
    handle: (services, values) => lastTrades(services, instrumentFilter(services, values), values),
  });

const lastTradesByCurrency = (name: string) =>
  publicMethod(name, {
    parameters: ofCurrency,
    handle: (services, values) => lastTrades(services, currencyFilter(services, values), values),
  });

const userTradesByInstrument = (name: string, parameters: typeof ofInstrument) =>
  privateMethod(name, {
    parameters: { ...parameters, ...ofSubaccount },
    handle(services, values, caller) {
      const account = readableAccount(services, caller, values.subaccount_id);
      return userTrades(services, account, instrumentFilter(services, values), values);
    },
  });

const userTradesByCurrency = (name: string, parameters: typeof ofCurrency) =>
  privateMethod(name, {
    parameters: { ...parameters, ...ofSubaccount },
    handle(services, values, caller) {
      const account = readableAccount(services, caller, values.subaccount_id);
      return userTrades(services, account, currencyFilter(services, values), values);
    },
  });

export const tradeMethods: readonly Method[] = [
  lastTradesByInstrument("get_last_trades_by_instrument", ofInstrument),
  lastTradesByInstrument("get_last_trades_by_instrument_and_time", { ...ofInstrument, ...fromTime }),
  lastTradesByCurrency("get_last_trades_by_currency"),
  lastTradesByCurrency("get_last_trades_by_currency_and_time"),
  userTradesByInstrument("get_user_trades_by_instrument", ofInstrument),
  userTradesByInstrument("get_user_trades_by_instrument_and_time", { ...ofInstrument, ...fromTime }),
  userTradesByCurrency("get_user_trades_by_currency", ofCurrency),
  userTradesByCurrency("get_user_trades_by_currency_and_time", { ...ofCurrency, ...fromTime }),
  privateMethod("get_user_trades_by_order", {
    parameters: { order_id: required(text), sorting, historical: optional(boolean) },
    handle(services, values, caller) {
      const order = numberInId(values.order_id);
      if (order === undefined) throw new ApiError("order_not_found", { reason: "no such order", param: "order_id" });
      const rows = findFillsOfOrder(services.store, accountOf(services, caller), order, values.sorting !== "desc");
      return rows.map((row) => renderFillRow(services, row));
    },
  }),
];
