/** The transaction log: every change of a balance, with what caused it. */
import { amountNumber, assetNamed, fixedNumber, listingOfId, priceNumber } from "../catalog.ts";
import { numberOf } from "../decimal.ts";
import type { Row } from "../history/store.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import { integer, natural, optional, required, text, timestamp } from "../parameter.ts";
import { orderIdText, tradeIdText } from "../render/order.ts";
import type { Services } from "../services.ts";
import { countOf, readableAccount, requiredCurrency } from "./shared.ts";

const logTypes: Readonly<Record<string, string>> = {
  genesis: "deposit",
  faucet: "deposit",
  "trade-fee": "trade",
  "option-premium": "trade",
  settlement: "settlement",
  delivery: "delivery",
  "transfer-in": "transfer",
  "transfer-out": "transfer",
  withdrawal: "withdrawal",
  "liquidation-fee": "liquidation",
  insurance: "correction",
  "socialized-loss": "socialized_fund",
  rounding: "correction",
};

interface LogSearch {
  readonly asset: number;
  readonly fromMs: number;
  readonly toMs: number | undefined;
  readonly query: string | undefined;
  readonly count: number;
  readonly continuation: number | undefined;
}

function transactionLog(services: Services, caller: AccountCaller, account: number, search: LogSearch) {
  const before = search.continuation ?? Number.MAX_SAFE_INTEGER;
  const words = search.query === undefined ? undefined : search.query.split(/[\s,|]+/).filter((word) => word !== "");
  const causes = Object.keys(logTypes).filter((cause) => words === undefined || words.includes(logTypes[cause]!));
  const rows = services.store.all(
    `SELECT l.*, t.price_ticks, t.size_lots, t.index_price, t.mark_price, t.taker_side, f.role, f.realized, f.order_id AS fill_order
     FROM ledger l LEFT JOIN trades t ON t.trade = l.trade
     LEFT JOIN fills f ON f.trade = l.trade AND f.account = l.account
     WHERE l.account = ? AND l.asset = ? AND ? <= l.time_ms AND l.time_ms <= ? AND l.entry < ?
     AND l.cause IN (SELECT value FROM json_each(?)) ORDER BY l.entry DESC LIMIT ?`,
    account,
    search.asset,
    search.fromMs,
    search.toMs ?? Number.MAX_SAFE_INTEGER,
    before,
    JSON.stringify(causes),
    search.count,
  );
  const last = rows.at(-1);
  return {
    logs: rows.map((row) => renderLogEntry(services, caller, row)),
    continuation: rows.length < search.count || last === undefined ? null : Number(last["entry"]),
  };
}

function renderLogEntry(services: Services, caller: AccountCaller, row: Row) {
  const asset = services.upstream.genesis.assets[Number(row["asset"])]!;
  const money = (column: string): number => numberOf(BigInt(String(row[column])), asset.decimals);
  const listing = row["instrument"] === null ? undefined : listingOfId(services.catalog, Number(row["instrument"]));
  const cause = String(row["cause"]);
  const taker = row["role"] === "taker";
  const side = taker === (row["taker_side"] === "buy") ? "buy" : "sell";
  const traded = listing !== undefined && row["price_ticks"] !== null;
  const isFee = cause === "trade-fee" || cause === "liquidation-fee";
  const order = row["order_id"] ?? row["fill_order"];
  return {
    id: Number(row["entry"]),
    user_seq: Number(row["entry"]),
    user_id: Number(row["account"]),
    username: caller.grant.principal.name,
    type: logTypes[cause] ?? cause,
    timestamp: Number(row["time_ms"]),
    currency: asset.name,
    change: money("change"),
    // A change is what flowed less the commission; each entry here is one of the two.
    cashflow: isFee ? 0 : money("change"),
    balance: money("balance"),
    commission: isFee ? 0 - money("change") : 0,
    info: { cause },
    ...(listing === undefined ? {} : { instrument_name: listing.name }),
    ...(traded
      ? {
          // What realises a profit or a loss closes a position; all else opens one, or closes it at its very entry price.
          side: `${row["realized"] === "0" ? "open" : "close"} ${side}`,
          price: priceNumber(listing, Number(row["price_ticks"])),
          price_currency: listing.quoteCurrency,
          amount: amountNumber(listing, Number(row["size_lots"])),
          mark_price: fixedNumber(Number(row["mark_price"])),
          index_price: fixedNumber(Number(row["index_price"])),
          trade_id: tradeIdText(listing, Number(row["trade"])),
          user_role: String(row["role"]),
          fee_role: String(row["role"]),
          profit_as_cashflow: false,
        }
      : {}),
    ...(listing === undefined || order === null || order === undefined
      ? {}
      : { order_id: orderIdText(listing, Number(order)) }),
  };
}

export const transactionLogMethods: readonly Method[] = [
  privateMethod("get_transaction_log", {
    parameters: {
      currency: requiredCurrency,
      start_timestamp: required(timestamp),
      end_timestamp: optional(timestamp),
      query: optional(text),
      count: countOf(100, 1_000),
      subaccount_id: optional(integer),
      continuation: optional(natural),
    },
    handle: (services, values, caller) =>
      transactionLog(services, caller, readableAccount(services, caller, values.subaccount_id), {
        asset: assetNamed(services.upstream.genesis, values.currency),
        fromMs: values.start_timestamp,
        toMs: values.end_timestamp,
        query: values.query,
        count: values.count,
        continuation: values.continuation,
      }),
  }),
];
