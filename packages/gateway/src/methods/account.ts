/** Accounts: summaries, positions, trades and settlements of one's own, the transaction log, transfers and withdrawals. */
import { limits } from "@stoa/base/limits";
import { money as moneyUnit } from "@stoa/base/units";
import type { PublicKey } from "@stoa/base/signature";
import type { CommandBody } from "@stoa/protocol/command";
import type { AccountView } from "@stoa/protocol/view";
import type { KeyTier } from "../accounts/api-key.ts";
import { emptyAccount } from "../channels/user-topics.ts";
import {
  amountNumber,
  assetNamed,
  fixedNumber,
  listingNamed,
  listingOfId,
  matchesCurrency,
  matchesKind,
  moneyNumber,
  moneyOf,
  priceNumber,
  type Listing,
} from "../catalog.ts";
import { numberOf } from "../decimal.ts";
import { ApiError, invalidParameter, refusalError } from "../errors.ts";
import { findFills, findFillsOfOrder, findOrder, type TradeFilter } from "../history/query.ts";
import type { Row } from "../history/store.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import {
  boolean,
  decimal,
  defaulted,
  integer,
  natural,
  oneOf,
  optional,
  required,
  text,
  timestamp,
} from "../parameter.ts";
import { renderPortfolio, renderPosition } from "../render/account.ts";
import { numberInId, orderIdText, renderOrder, tradeIdText } from "../render/order.ts";
import { fillFactsOfRow, renderUserTrade, tradeFactsOfRow } from "../render/trade.ts";
import type { Services } from "../services.ts";
import { bankruptcyFields, settlementRange, tradeNumber } from "./market-data.ts";
import {
  accountOf,
  checkedCurrency,
  countOf,
  historyRange,
  idsOf,
  instrumentName,
  kind,
  listingsMatching,
  optionalCurrency,
  readableAccount,
  requiredCurrency,
  sorting,
} from "./shared.ts";

const viewOf = (services: Services, account: number): AccountView =>
  services.upstream.query.account(account) ?? emptyAccount;

/** Fee rates per kind of instrument, in both of the forms that clients read. */
function feesOf(services: Services, asset: number) {
  const { genesis } = services.upstream;
  return genesis.products
    .filter((product) => product.settlement === asset)
    .map((product) => {
      const maker = product.makerFeePpm / 1_000_000;
      const taker = product.takerFeePpm / 1_000_000;
      return {
        kind: product.kind === "option" ? "option" : "future",
        index_name: genesis.indexes[product.index]?.name,
        value: { default: { type: "relative", maker, taker }, block_trade: taker },
        currency: genesis.assets[product.settlement]?.name,
        instrument_type: product.kind,
        fee_type: "relative",
        maker_fee: maker,
        taker_fee: taker,
      };
    });
}

function limitsOf(services: Services, tier: KeyTier) {
  const rate = ({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }) => ({
    rate: perSecond,
    burst,
  });
  const matching = rate(services.limits.matching[tier]);
  return {
    limits_per_currency: false,
    non_matching_engine: rate(services.limits.nonMatching[tier]),
    matching_engine: {
      trading: { total: matching },
      spot: matching,
      cancel_all: matching,
      maximum_quotes: { rate: 100 * matching.rate, burst: 100 * matching.burst },
      maximum_mass_quotes: matching,
      guaranteed_mass_quotes: matching,
    },
  };
}

const openedMs = (services: Services, account: number): number =>
  Number(services.store.one("SELECT opened_ms FROM accounts WHERE account = ?", account)?.["opened_ms"] ?? 0);

function identityOf(services: Services, caller: AccountCaller, view: AccountView) {
  const { principal } = caller.grant;
  return {
    id: view.account,
    username: principal.name,
    system_name: view.subaccount === 0 ? principal.name : `${principal.name}_${view.subaccount}`,
    type: view.subaccount === 0 ? "main" : "subaccount",
    email: "",
    login_enabled: true,
    creation_timestamp: openedMs(services, view.account),
    mmp_enabled: false,
    security_keys_enabled: false,
    interuser_transfers_enabled: true,
    referrer_id: null,
    receive_notifications: false,
    self_trading_reject_mode: view.selfMatch.replace("-", "_"),
    self_trading_extended_to_subaccounts: view.selfMatchAcrossSubaccounts,
  };
}

function summaryOf(services: Services, caller: AccountCaller, view: AccountView, asset: number) {
  return {
    ...renderPortfolio(services, view, asset),
    limits: limitsOf(services, caller.grant.principal.tier),
    fees: feesOf(services, asset),
    deposit_address: null,
  };
}

function positionsOf(services: Services, account: number, matches: (listing: Listing) => boolean) {
  const positions = services.upstream.query.positions(account);
  return positions
    .map(({ position }) => listingOfId(services.catalog, position.instrument))
    .filter(matches)
    .map((listing) => renderPosition(services, listing, positions));
}

// Trades

interface FillSearch extends TradeFilter {
  readonly count: number;
  readonly sorting: string | undefined;
}

function userTrades(services: Services, account: number, search: FillSearch) {
  // Asked for from a point in time on, trades come in the order in which they happened.
  const ascending = search.sorting === "asc";
  const { rows, hasMore } = findFills(services.store, account, search, { count: search.count, ascending });
  return { trades: rows.map((row) => renderFillRow(services, row)), has_more: hasMore };
}

function renderFillRow(services: Services, row: Row) {
  const listing = listingOfId(services.catalog, Number(row["instrument"]));
  const fill = fillFactsOfRow(row);
  const state = services.upstream.query.order(fill.order)?.state ?? findOrder(services.store, fill.order)?.state;
  return renderUserTrade(listing, tradeFactsOfRow(row), fill, state ?? "filled");
}

const userRange = { ...historyRange, subaccount_id: optional(integer) };

const userTradesByCurrency = (name: string, range: typeof userRange) =>
  privateMethod(name, {
    parameters: { currency: requiredCurrency, kind, start_id: optional(text), end_id: optional(text), ...range },
    handle: (services, values, caller) =>
      userTrades(services, readableAccount(services, caller, values.subaccount_id), {
        instruments: idsOf(listingsMatching(services, values.currency, values.kind)),
        tradeFrom: tradeNumber(values.start_id, "start_id"),
        tradeTo: tradeNumber(values.end_id, "end_id"),
        fromMs: values.start_timestamp,
        toMs: values.end_timestamp,
        count: values.count,
        sorting: values.sorting,
      }),
  });

const userTradesByInstrument = (name: string, range: typeof userRange) =>
  privateMethod(name, {
    parameters: {
      instrument_name: instrumentName,
      start_seq: optional(natural),
      end_seq: optional(natural),
      ...range,
    },
    handle: (services, values, caller) =>
      userTrades(services, readableAccount(services, caller, values.subaccount_id), {
        instruments: [listingNamed(services.catalog, values.instrument_name).id],
        sequenceFrom: values.start_seq,
        sequenceTo: values.end_seq,
        fromMs: values.start_timestamp,
        toMs: values.end_timestamp,
        count: values.count,
        sorting: values.sorting,
      }),
  });

const userRangeFrom = { ...userRange, start_timestamp: required(timestamp) };

// Settlements

interface SettlementSearch {
  readonly type: string | undefined;
  readonly count: number;
  readonly continuation: string | undefined;
  readonly search_start_timestamp: number | undefined;
}

function settlementHistory(
  services: Services,
  account: number,
  listings: readonly Listing[],
  search: SettlementSearch,
) {
  const before =
    search.continuation === undefined || search.continuation === "none" ? null : Number(search.continuation);
  if (before !== null && !Number.isSafeInteger(before)) throw invalidParameter("continuation", "wrong format");
  const rows = services.store.all(
    `SELECT * FROM settlements WHERE account = ? AND instrument IN (SELECT value FROM json_each(?))
     AND (? IS NULL OR type = ?) AND (? IS NULL OR entry < ?) AND (? IS NULL OR ? <= time_ms) ORDER BY entry DESC LIMIT ?`,
    account,
    JSON.stringify(idsOf(listings)),
    search.type ?? null,
    search.type ?? null,
    before,
    before,
    search.search_start_timestamp ?? null,
    search.search_start_timestamp ?? null,
    search.count,
  );
  const last = rows.at(-1);
  return {
    settlements: rows.map((row) => renderSettlement(services, row)),
    continuation: rows.length < search.count || last === undefined ? "none" : String(last["entry"]),
  };
}

function renderSettlement(services: Services, row: Row) {
  const listing = listingOfId(services.catalog, Number(row["instrument"]));
  const money = (column: string): number => moneyNumber(listing, BigInt(String(row[column])));
  return {
    type: row["type"],
    timestamp: Number(row["time_ms"]),
    instrument_name: listing.name,
    position: amountNumber(listing, Number(row["size_lots"])),
    mark_price: fixedNumber(Number(row["mark_price"])),
    index_price: fixedNumber(Number(row["index_price"])),
    profit_loss: money("profit"),
    session_profit_loss: money("session_profit"),
    funding: money("funding"),
    funded: 0,
    ...bankruptcyFields(listing, String(row["type"]), BigInt(String(row["session_profit"]))),
    session_tax: 0,
    session_tax_rate: 0,
    socialized: money("socialized"),
  };
}

// The transaction log

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

// Transfers, deposits, withdrawals

function ownerText(services: Services, account: number): string {
  const view = services.upstream.query.account(account);
  if (view === undefined) return String(account);
  return view.subaccount === 0 ? `account ${account}` : `account ${account} (sub-account ${view.subaccount})`;
}

function renderTransfer(services: Services, account: number, row: Row) {
  const asset = services.upstream.genesis.assets[Number(row["asset"])]!;
  const outgoing = Number(row["source"]) === account;
  const other = Number(row[outgoing ? "target" : "source"]);
  const time = Number(row["time_ms"]);
  return {
    id: Number(row["transfer"]),
    created_timestamp: time,
    updated_timestamp: time,
    type: sameOwner(services, account, other) ? "subaccount" : "user",
    currency: asset.name,
    amount: numberOf(BigInt(String(row["amount"])), asset.decimals),
    other_side: ownerText(services, other),
    state: "confirmed",
    direction: outgoing ? "payment" : "income",
  };
}

function sameOwner(services: Services, left: number, right: number): boolean {
  const owner = (account: number) => services.upstream.query.account(account)?.owner;
  const [one, other] = [owner(left), owner(right)];
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}

interface Target {
  readonly owner: Uint8Array;
  readonly subaccount: number;
}

async function transfer(services: Services, caller: AccountCaller, target: Target, asset: number, amount: bigint) {
  const body: CommandBody = {
    kind: "transfer",
    target: target.owner as PublicKey,
    targetSubaccount: target.subaccount,
    asset,
    amount: moneyUnit(amount),
  };
  const executed = await services.intake.submit(caller.grant.principal, body);
  await services.processed(executed.block.height);
  const refused = executed.events[0];
  if (refused?.kind === "refused") throw refusalError(refused.reason);
  const done = executed.block.events.filter((event) => event.kind === "transferred");
  const account = accountOf(services, caller);
  const mine = done.findLast((event) => event.source === account && event.amount === amount && event.asset === asset);
  const row =
    mine === undefined ? undefined : services.store.one("SELECT * FROM transfers WHERE transfer = ?", mine.transfer);
  if (row === undefined) throw new ApiError("internal_server_error", { reason: "the transfer left no record" });
  return renderTransfer(services, account, row);
}

/** A destination is the id of an account of the same owner. */
function destinationOf(services: Services, caller: AccountCaller, destination: number): Target {
  const { owner } = caller.grant.principal;
  const view = services.upstream.query.account(destination);
  if (view === undefined || Buffer.compare(view.owner, owner) !== 0) throw refusalError("target-invalid");
  return { owner, subaccount: view.subaccount };
}

/** Opens the next sub-account. The exchange opens one by its first credit: one smallest unit of what the caller has most of. */
async function createSubaccount(services: Services, caller: AccountCaller) {
  const { principal } = caller.grant;
  const { query } = services.upstream;
  const taken = new Set(query.subaccounts(principal.owner));
  const subaccount = Array.from({ length: limits.subaccountsCountMax }, (_, index) => index).find(
    (one) => !taken.has(one),
  );
  if (subaccount === undefined) throw refusalError("subaccounts-too-many");
  const funded = viewOf(services, accountOf(services, caller)).collateral.filter(
    (one) => 0n < one.availableWithdrawalFunds,
  );
  const richest = funded.toSorted((left, right) => (left.balance < right.balance ? 1 : -1))[0];
  if (richest === undefined) throw refusalError("balance-insufficient");
  await transfer(services, caller, { owner: principal.owner, subaccount }, richest.asset, 1n);
  const view = viewOf(services, query.accountNumber(principal.owner, subaccount) ?? 0);
  return { ...identityOf(services, caller, view), is_password: false, security_keys_assignments: [] };
}

const walletRange = { currency: requiredCurrency, count: countOf(10, 1_000), offset: defaulted(natural, 0) };

function walletPage(
  services: Services,
  sql: string,
  values: readonly (string | number)[],
  page: { readonly count: number; readonly offset: number },
) {
  const count = Number(services.store.one(`SELECT count(*) AS count FROM ${sql}`, ...values)?.["count"] ?? 0);
  const rows = services.store.all(
    `SELECT * FROM ${sql} ORDER BY 1 DESC LIMIT ? OFFSET ?`,
    ...values,
    page.count,
    page.offset,
  );
  return { count, rows };
}

export const accountMethods: readonly Method[] = [
  privateMethod("get_account_summary", {
    parameters: { currency: requiredCurrency, subaccount_id: optional(integer), extended: defaulted(boolean, false) },
    handle(services, values, caller) {
      const view = viewOf(services, readableAccount(services, caller, values.subaccount_id));
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const summary = summaryOf(services, caller, view, asset);
      return values.extended ? { ...summary, ...identityOf(services, caller, view) } : summary;
    },
  }),
  privateMethod("get_account_summaries", {
    parameters: { subaccount_id: optional(integer), extended: defaulted(boolean, false) },
    handle(services, values, caller) {
      const view = viewOf(services, readableAccount(services, caller, values.subaccount_id));
      const summaries = services.upstream.genesis.assets.map((_, asset) => summaryOf(services, caller, view, asset));
      return { ...identityOf(services, caller, view), summaries };
    },
  }),
  privateMethod("get_position", {
    parameters: { instrument_name: instrumentName },
    handle(services, values, caller) {
      const listing = listingNamed(services.catalog, values.instrument_name);
      return renderPosition(services, listing, services.upstream.query.positions(accountOf(services, caller)));
    },
  }),
  privateMethod("get_positions", {
    parameters: { currency: optionalCurrency, kind, subaccount_id: optional(integer) },
    handle(services, values, caller) {
      const name = checkedCurrency(services, values.currency);
      const account = readableAccount(services, caller, values.subaccount_id);
      return positionsOf(
        services,
        account,
        (listing) => matchesCurrency(listing, name) && matchesKind(listing, values.kind),
      );
    },
  }),
  privateMethod("get_subaccounts", {
    parameters: { with_portfolio: defaulted(boolean, false) },
    handle(services, values, caller) {
      const { owner } = caller.grant.principal;
      const { query, genesis } = services.upstream;
      return query.subaccounts(owner).flatMap((subaccount) => {
        const view = query.account(query.accountNumber(owner, subaccount) ?? 0);
        if (view === undefined) return [];
        const portfolio = genesis.assets.map(
          (asset, index) => [asset.name.toLowerCase(), renderPortfolio(services, view, index)] as const,
        );
        return [
          {
            ...identityOf(services, caller, view),
            is_password: false,
            receive_notifications: false,
            security_keys_assignments: [],
            margin_model: "segregated_sm",
            ...(values.with_portfolio ? { portfolio: Object.fromEntries(portfolio) } : {}),
          },
        ];
      });
    },
  }),
  privateMethod("get_subaccounts_details", {
    parameters: { currency: requiredCurrency, with_open_orders: defaulted(boolean, false) },
    handle(services, values, caller) {
      const name = checkedCurrency(services, values.currency);
      const { owner } = caller.grant.principal;
      const { query } = services.upstream;
      return query.subaccounts(owner).map((subaccount) => {
        const account = query.accountNumber(owner, subaccount) ?? 0;
        const matches = (listing: Listing): boolean => matchesCurrency(listing, name);
        const orders = query
          .openOrders(account)
          .filter((order) => matches(listingOfId(services.catalog, order.instrument)))
          .map((order) => renderOrder(services.catalog, order, services.disconnected));
        return {
          uid: account,
          positions: positionsOf(services, account, matches),
          ...(values.with_open_orders ? { open_orders: orders } : {}),
        };
      });
    },
  }),
  userTradesByCurrency("get_user_trades_by_currency", userRange),
  userTradesByCurrency("get_user_trades_by_currency_and_time", userRangeFrom as typeof userRange),
  userTradesByInstrument("get_user_trades_by_instrument", userRange),
  userTradesByInstrument("get_user_trades_by_instrument_and_time", userRangeFrom as typeof userRange),
  privateMethod("get_user_trades_by_order", {
    parameters: { order_id: required(text), sorting, historical: optional(boolean) },
    handle(services, values, caller) {
      const order = numberInId(values.order_id);
      if (order === undefined) throw new ApiError("order_not_found", { reason: "no such order", param: "order_id" });
      const rows = findFillsOfOrder(services.store, accountOf(services, caller), order, values.sorting !== "desc");
      return rows.map((row) => renderFillRow(services, row));
    },
  }),
  privateMethod("get_settlement_history_by_currency", {
    parameters: { currency: requiredCurrency, ...settlementRange },
    handle: (services, values, caller) =>
      settlementHistory(
        services,
        accountOf(services, caller),
        listingsMatching(services, values.currency, undefined),
        values,
      ),
  }),
  privateMethod("get_settlement_history_by_instrument", {
    parameters: { instrument_name: instrumentName, ...settlementRange },
    handle: (services, values, caller) =>
      settlementHistory(
        services,
        accountOf(services, caller),
        [listingNamed(services.catalog, values.instrument_name)],
        values,
      ),
  }),
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
  privateMethod("get_transfers", {
    parameters: walletRange,
    handle(services, values, caller) {
      const account = accountOf(services, caller);
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const sql = "transfers WHERE (source = ? OR target = ?) AND asset = ?";
      const { count, rows } = walletPage(services, sql, [account, account, asset], values);
      return { count, data: rows.map((row) => renderTransfer(services, account, row)) };
    },
  }),
  privateMethod("get_deposits", {
    parameters: walletRange,
    handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const sql = "ledger WHERE account = ? AND asset = ? AND cause IN ('genesis', 'faucet')";
      const { count, rows } = walletPage(services, sql, [accountOf(services, caller), asset], values);
      const { name, decimals } = services.upstream.genesis.assets[asset]!;
      const data = rows.map((row) => ({
        currency: name,
        amount: numberOf(BigInt(String(row["change"])), decimals),
        address: String(row["cause"]),
        transaction_id: String(row["entry"]),
        state: "completed",
        received_timestamp: Number(row["time_ms"]),
        updated_timestamp: Number(row["time_ms"]),
      }));
      return { count, data };
    },
  }),
  privateMethod("get_withdrawals", {
    parameters: walletRange,
    handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const sql = "withdrawals WHERE account = ? AND asset = ?";
      const { count, rows } = walletPage(services, sql, [accountOf(services, caller), asset], values);
      return { count, data: rows.map((row) => renderWithdrawal(services, row)) };
    },
  }),
  privateMethod("submit_transfer_to_subaccount", {
    scope: "transfer",
    parameters: { currency: requiredCurrency, amount: required(decimal), destination: required(natural) },
    handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const amount = moneyOf(services.upstream.genesis, asset, values.amount);
      return transfer(services, caller, destinationOf(services, caller, values.destination), asset, amount);
    },
  }),
  privateMethod("create_subaccount", {
    scope: "transfer",
    handle: (services, _values, caller) => createSubaccount(services, caller),
  }),
  privateMethod("withdraw", {
    scope: "withdraw",
    parameters: {
      currency: requiredCurrency,
      address: required(text),
      amount: required(decimal),
      priority: optional(text),
    },
    async handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const amount = moneyOf(services.upstream.genesis, asset, values.amount);
      if (limits.addressSizeMax < Buffer.byteLength(values.address) || !values.address.isWellFormed())
        throw refusalError("address-invalid");
      const body: CommandBody = { kind: "withdraw", asset, amount: moneyUnit(amount), address: values.address };
      const executed = await services.intake.submit(caller.grant.principal, body);
      await services.processed(executed.block.height);
      const refused = executed.events[0];
      if (refused?.kind === "refused") throw refusalError(refused.reason);
      const account = accountOf(services, caller);
      const requested = executed.block.events.findLast(
        (event) => event.kind === "withdrawalRequested" && event.account === account && event.amount === amount,
      );
      const number = requested?.kind === "withdrawalRequested" ? requested.withdrawal : 0;
      const row = services.store.one("SELECT * FROM withdrawals WHERE withdrawal = ?", number);
      if (row === undefined) throw new ApiError("internal_server_error", { reason: "the withdrawal left no record" });
      return renderWithdrawal(services, row);
    },
  }),
  privateMethod("set_self_trading_config", {
    scope: "trade",
    cost: "matching",
    parameters: {
      mode: required(oneOf(["reject_taker", "cancel_maker"])),
      extended_to_subaccounts: defaulted(boolean, false),
    },
    async handle(services, values, caller) {
      const body: CommandBody = {
        kind: "configureAccount",
        selfMatch: values.mode === "reject_taker" ? "reject-taker" : "cancel-maker",
        selfMatchAcrossSubaccounts: values.extended_to_subaccounts,
      };
      const executed = await services.intake.submit(caller.grant.principal, body);
      await services.processed(executed.block.height);
      const refused = executed.events[0];
      if (refused?.kind === "refused") throw refusalError(refused.reason);
      return "ok";
    },
  }),
];

function renderWithdrawal(services: Services, row: Row) {
  const { name, decimals } = services.upstream.genesis.assets[Number(row["asset"])]!;
  const time = Number(row["time_ms"]);
  return {
    id: Number(row["withdrawal"]),
    currency: name,
    amount: numberOf(BigInt(String(row["amount"])), decimals),
    address: String(row["address"]),
    fee: 0,
    priority: 0,
    state: "confirmed",
    transaction_id: null,
    created_timestamp: time,
    updated_timestamp: time,
    confirmed_timestamp: time,
  };
}
