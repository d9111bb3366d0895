/** Settlements, deliveries and bankruptcies: of whole instruments for everybody, of one's own positions for their holder. */
import { amountNumber, fixedNumber, listingNamed, listingOfId, moneyNumber, type Listing } from "../catalog.ts";
import { invalidParameter } from "../errors.ts";
import type { Row, SqlValue } from "../history/store.ts";
import { privateMethod, publicMethod, type Method } from "../method.ts";
import { oneOf, optional, text, timestamp, type ValuesOf } from "../parameter.ts";
import type { Services } from "../services.ts";
import { accountOf, countOf, idsOf, instrumentName, listingsMatching, requiredCurrency } from "./shared.ts";

const range = {
  type: optional(oneOf(["settlement", "delivery", "bankruptcy"])),
  count: countOf(20, 1_000),
  continuation: optional(text),
  search_start_timestamp: optional(timestamp),
};

type Search = ValuesOf<typeof range>;

/** A page of settlements, newest first: of an account when one is given, else of the instruments themselves. */
function settlements(services: Services, listings: readonly Listing[], search: Search, account?: number) {
  const conditions = ["instrument IN (SELECT value FROM json_each(?))"];
  const values: SqlValue[] = [JSON.stringify(idsOf(listings))];
  const add = (sql: string, value: SqlValue | undefined): void => {
    if (value === undefined) return;
    conditions.push(sql);
    values.push(value);
  };
  add("account = ?", account);
  add("type = ?", search.type);
  add("entry < ?", entryOf(search.continuation));
  add("? <= time_ms", search.search_start_timestamp);
  const table = account === undefined ? "instrument_settlements" : "settlements";
  const rows = services.store.all(
    `SELECT * FROM ${table} WHERE ${conditions.join(" AND ")} ORDER BY entry DESC LIMIT ?`,
    ...values,
    search.count,
  );
  const last = rows.at(-1);
  return {
    settlements: rows.map((row) => renderSettlement(services, row)),
    continuation: rows.length < search.count || last === undefined ? "none" : String(last["entry"]),
  };
}

/** The entry before which a page goes on. */
function entryOf(continuation: string | undefined): number | undefined {
  if (continuation === undefined || continuation === "none") return undefined;
  const entry = Number(continuation);
  if (!Number.isSafeInteger(entry)) throw invalidParameter("continuation", "wrong format");
  return entry;
}

/** Rows of instruments have their own words for size and price, and no money but what their session came to. */
function renderSettlement(services: Services, row: Row) {
  const listing = listingOfId(services.catalog, Number(row["instrument"]));
  const money = (column: string): number => moneyNumber(listing, BigInt(String(row[column] ?? 0)));
  const sessionProfit = money("session_profit");
  // The loss of the session of a position that was taken over; ccxt reads the misspelt name.
  const loss = row["type"] === "bankruptcy" && sessionProfit < 0 ? -sessionProfit : 0;
  return {
    type: row["type"],
    timestamp: Number(row["time_ms"]),
    instrument_name: listing.name,
    position: amountNumber(listing, Number(row["size_lots"] ?? row["open_interest_lots"])),
    mark_price: fixedNumber(Number(row["mark_price"] ?? row["price"])),
    index_price: fixedNumber(Number(row["index_price"])),
    profit_loss: money("profit"),
    session_profit_loss: sessionProfit,
    funding: money("funding"),
    funded: 0,
    session_bankruptcy: loss,
    session_bankrupcy: loss,
    session_tax: 0,
    session_tax_rate: 0,
    socialized: money("socialized"),
  };
}

export const settlementMethods: readonly Method[] = [
  publicMethod("get_last_settlements_by_currency", {
    parameters: { currency: requiredCurrency, ...range },
    handle: (services, values) => settlements(services, listingsMatching(services, values.currency, undefined), values),
  }),
  publicMethod("get_last_settlements_by_instrument", {
    parameters: { instrument_name: instrumentName, ...range },
    handle: (services, values) =>
      settlements(services, [listingNamed(services.catalog, values.instrument_name)], values),
  }),
  privateMethod("get_settlement_history_by_currency", {
    parameters: { currency: requiredCurrency, ...range },
    handle(services, values, caller) {
      const listings = listingsMatching(services, values.currency, undefined);
      return settlements(services, listings, values, accountOf(services, caller));
    },
  }),
  privateMethod("get_settlement_history_by_instrument", {
    parameters: { instrument_name: instrumentName, ...range },
    handle(services, values, caller) {
      const listings = [listingNamed(services.catalog, values.instrument_name)];
      return settlements(services, listings, values, accountOf(services, caller));
    },
  }),
];
