/** Channels of one account: its orders, trades, portfolio and combined changes. */
import type { OrderRecord } from "@stoa/protocol/event";
import { listingOfId, type Listing } from "../catalog.ts";
import { renderOrder } from "../render/order.ts";
import { renderPortfolio, renderPosition } from "../render/account.ts";
import { fillFactsOfEvent, renderUserTrade } from "../render/trade.ts";
import type { Services } from "../services.ts";
import type { Interval, Topic } from "./topic.ts";
import type { BlockUpdate, FillUpdate } from "./update.ts";

/** The account's number, which is known only once it has been opened. */
export type AccountNumber = () => number | undefined;
type Matches = (listing: Listing) => boolean;

function ordersIn(services: Services, update: BlockUpdate, account: AccountNumber, matches: Matches): OrderRecord[] {
  const orders = update.ordersOf.get(account() ?? 0) ?? [];
  return orders.filter((order) => matches(listingOfId(services.catalog, order.instrument)));
}

const fillsIn = (update: BlockUpdate, account: AccountNumber, matches: Matches): readonly FillUpdate[] =>
  (update.fillsOf.get(account() ?? 0) ?? []).filter((fill) => matches(fill.trade.listing));

const renderFill = ({ trade, role, orderState }: FillUpdate): Record<string, unknown> =>
  renderUserTrade(trade.listing, trade.facts, fillFactsOfEvent(trade.event, role), orderState);

/** Raw channels carry one order per message, the others a list. */
export function userOrdersTopic(
  services: Services,
  account: AccountNumber,
  matches: Matches,
  interval: Interval,
): Topic {
  let pending: unknown[] = [];
  return {
    interval,
    gather(update) {
      for (const order of ordersIn(services, update, account, matches))
        pending.push(renderOrder(services.catalog, order, services.disconnected));
      return 0 < pending.length;
    },
    flush() {
      const orders = pending;
      pending = [];
      if (orders.length === 0) return [];
      return interval === "raw" ? orders : [orders];
    },
    initial: () => [],
  };
}

export function userTradesTopic(account: AccountNumber, matches: Matches, interval: Interval): Topic {
  let pending: unknown[] = [];
  return {
    interval,
    gather(update) {
      for (const fill of fillsIn(update, account, matches)) pending.push(renderFill(fill));
      return 0 < pending.length;
    },
    flush() {
      const trades = pending;
      pending = [];
      return trades.length === 0 ? [] : [trades];
    },
    initial: () => [],
  };
}

interface Changes {
  readonly orders: unknown[];
  readonly trades: unknown[];
}

/** Orders, trades and the position they left, one message per instrument. */
export function userChangesTopic(
  services: Services,
  account: AccountNumber,
  matches: Matches,
  interval: Interval,
): Topic {
  let pending = new Map<number, Changes>();
  const changesOf = (instrument: number): Changes => {
    let changes = pending.get(instrument);
    if (changes === undefined) pending.set(instrument, (changes = { orders: [], trades: [] }));
    return changes;
  };
  return {
    interval,
    gather(update) {
      for (const order of ordersIn(services, update, account, matches))
        changesOf(order.instrument).orders.push(renderOrder(services.catalog, order, services.disconnected));
      for (const fill of fillsIn(update, account, matches))
        changesOf(fill.trade.listing.id).trades.push(renderFill(fill));
      return 0 < pending.size;
    },
    flush() {
      const changes = pending;
      pending = new Map();
      const held = services.upstream.query.positions(account() ?? 0);
      return [...changes].map(([instrument, { orders, trades }]) => {
        const listing = listingOfId(services.catalog, instrument);
        return {
          instrument_name: listing.name,
          orders,
          trades,
          positions: [renderPosition(services, listing, held)],
        };
      });
    },
    initial: () => [],
  };
}

/** One message per currency, when its figures differ from those last sent: after the account's events and every second. */
export function userPortfolioTopic(services: Services, account: AccountNumber, assets: readonly number[]): Topic {
  const sent = new Map<number, string>();
  const render = (always: boolean): readonly unknown[] => {
    const number = account();
    const view = number === undefined ? undefined : services.upstream.query.account(number);
    const shown = view ?? emptyAccount;
    const messages: unknown[] = [];
    for (const asset of assets) {
      const portfolio = renderPortfolio(services, shown, asset);
      const key = JSON.stringify(portfolio);
      if (!always && sent.get(asset) === key) continue;
      sent.set(asset, key);
      messages.push(portfolio);
    }
    return messages;
  };
  return {
    interval: "raw",
    polled: true,
    gather: (update) => update.accounts.has(account() ?? 0),
    flush: () => render(false),
    initial: () => render(true),
  };
}

/** What a key shows whose account has never been credited. */
export const emptyAccount = {
  account: 0,
  owner: new Uint8Array(32),
  subaccount: 0,
  selfMatch: "reject-taker",
  selfMatchAcrossSubaccounts: false,
  collateral: [],
  keys: [],
} as const;
