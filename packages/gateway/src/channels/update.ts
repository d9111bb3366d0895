/** One block, sorted by who wants to hear of it: what channels look at instead of the event list. */
import { present } from "@stoa/base/assert";
import type { Event, EventOf, OrderRecord } from "@stoa/protocol/event";
import { listingOfId, type Listing } from "../catalog.ts";
import type { LevelChange } from "../market/market.ts";
import { tradeFactsOfRow, type TradeFacts } from "../render/trade.ts";
import type { Services } from "../services.ts";
import type { ExecutedBlock } from "../upstream.ts";

export interface TradeUpdate {
  readonly listing: Listing;
  readonly event: EventOf<"trade">;
  readonly facts: TradeFacts;
}

export interface FillUpdate {
  readonly trade: TradeUpdate;
  readonly role: "maker" | "taker";
  /** State of the party's order at the block's end. */
  readonly orderState: string;
}

export interface BlockUpdate {
  readonly height: number;
  readonly timeMs: number;
  readonly levels: ReadonlyMap<number, readonly LevelChange[]>;
  readonly trades: readonly TradeUpdate[];
  readonly tradesOf: ReadonlyMap<number, readonly TradeUpdate[]>;
  readonly ordersOf: ReadonlyMap<number, readonly OrderRecord[]>;
  readonly fillsOf: ReadonlyMap<number, readonly FillUpdate[]>;
  readonly accounts: ReadonlySet<number>;
  /** Instruments with a new mark, funding rate or state. */
  readonly marks: ReadonlySet<number>;
  readonly indexes: ReadonlyMap<number, number>;
  readonly listed: readonly Listing[];
  readonly states: readonly EventOf<"instrumentState">[];
}

/** A block update while it is being filled. */
interface Draft {
  readonly trades: TradeUpdate[];
  readonly orderStates: Map<number, string>;
  readonly ordersOf: Map<number, OrderRecord[]>;
  readonly accounts: Set<number>;
  readonly marks: Set<number>;
  readonly indexes: Map<number, number>;
  readonly listed: Listing[];
  readonly states: EventOf<"instrumentState">[];
}

export function updateOf(
  services: Services,
  block: ExecutedBlock,
  levels: ReadonlyMap<number, readonly LevelChange[]>,
): BlockUpdate {
  const draft: Draft = {
    trades: [],
    orderStates: new Map(),
    ordersOf: new Map(),
    accounts: new Set(),
    marks: new Set(),
    indexes: new Map(),
    listed: [],
    states: [],
  };
  for (const event of block.events) draftEvent(services, draft, event);
  const { orderStates, ...drafted } = draft;
  const tradesOf = new Map<number, TradeUpdate[]>();
  const fillsOf = new Map<number, FillUpdate[]>();
  for (const trade of draft.trades) {
    append(tradesOf, trade.listing.id, trade);
    for (const role of ["maker", "taker"] as const) {
      const side = trade.event[role];
      append(fillsOf, side.account, { trade, role, orderState: orderStates.get(side.order) ?? "open" });
    }
  }
  return { height: block.height, timeMs: block.timeMs, levels, tradesOf, fillsOf, ...drafted };
}

function draftEvent(services: Services, draft: Draft, event: Event): void {
  switch (event.kind) {
    case "order":
      append(draft.ordersOf, event.order.account, event.order);
      draft.orderStates.set(event.order.order, event.order.state);
      draft.accounts.add(event.order.account);
      break;
    case "trade":
      draft.trades.push(tradeUpdateOf(services, event));
      draft.accounts.add(event.maker.account).add(event.taker.account);
      break;
    case "balance":
    case "settled":
      draft.accounts.add(event.account);
      break;
    case "position":
      draft.accounts.add(event.position.account);
      break;
    case "mark":
    case "funding":
      draft.marks.add(event.instrument);
      break;
    case "instrumentState":
      draft.marks.add(event.instrument);
      draft.states.push(event);
      break;
    case "index":
      draft.indexes.set(event.index, event.price);
      break;
    case "instrumentListed":
      draft.listed.push(listingOfId(services.catalog, event.instrument.id));
      break;
    default:
      break;
  }
}

/** The history already holds the trade, and with it the direction of its tick. */
export function tradeUpdateOf(services: Services, event: EventOf<"trade">): TradeUpdate {
  const row = present(
    services.store.one("SELECT * FROM trades WHERE trade = ?", event.trade),
    "an executed trade is in the history before channels hear of it",
  );
  return { listing: listingOfId(services.catalog, event.instrument), event, facts: tradeFactsOfRow(row) };
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
