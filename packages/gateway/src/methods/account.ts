/** Accounts: summaries with their limits and fees, positions, sub-accounts, and the self-match mode. */
import type { CommandBody } from "@stoa/protocol/command";
import type { AccountView } from "@stoa/protocol/view";
import type { KeyTier } from "../accounts/api-key.ts";
import { assetNamed, listingNamed, listingOfId, matchesCurrency, matchesKind, type Listing } from "../catalog.ts";
import { emptyAccount } from "../channels/user-topics.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import { boolean, defaulted, integer, oneOf, optional, required } from "../parameter.ts";
import { renderPortfolio, renderPosition } from "../render/account.ts";
import { renderOrder } from "../render/order.ts";
import type { Services } from "../services.ts";
import { execute } from "./execute.ts";
import {
  accountOf,
  checkedCurrency,
  instrumentName,
  kind,
  optionalCurrency,
  readableAccount,
  requiredCurrency,
} from "./shared.ts";

export const viewOf = (services: Services, account: number): AccountView =>
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

export function identityOf(services: Services, caller: AccountCaller, view: AccountView) {
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
      await execute(services, caller, body);
      return "ok";
    },
  }),
];
