/** Mass quotes: many two-sided quotes in one command. A quote that is wrong is an error of its own; the others go through. */
import { lots as lotsUnit, ticks as ticksUnit } from "@stoa/base/units";
import type { CommandBody, QuoteEntry } from "@stoa/protocol/command";
import type { OrderRecord } from "@stoa/protocol/event";
import type { Executed } from "../accounts/intake.ts";
import { listingOfId, lotsOf, ticksOf, type Listing } from "../catalog.ts";
import { ApiError, invalidParameter } from "../errors.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import {
  boolean,
  decimal,
  defaulted,
  objectList,
  optional,
  readParameters,
  required,
  shortText,
  text,
  timestamp,
} from "../parameter.ts";
import { renderOrder } from "../render/order.ts";
import type { Services } from "../services.ts";
import { trackOrders } from "../transport/disconnect.ts";
import { execute, refusedError } from "./execute.ts";
import { postOnlyOf, matching, tradesOfOrders } from "./order-answer.ts";
import { accountOf, instrumentName, living } from "./shared.ts";

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
  if (entries.length === 0) return massQuoteAnswer(values.detailed, [], [], errors);
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
  return massQuoteAnswer(values.detailed, orders, tradesOfOrders(services, executed, last), errors);
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

export const massQuoteMethods: readonly Method[] = [
  privateMethod("mass_quote", {
    ...matching,
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
];
