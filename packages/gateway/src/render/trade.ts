/** Trades as the public and as one party reads them, from events and from rows of the history alike. */
import type { EventOf } from "@stoa/protocol/event";
import { amountNumber, contractsNumber, fixedNumber, moneyNumber, priceNumber, type Listing } from "../catalog.ts";
import type { Row } from "../history/store.ts";
import { orderIdText, tradeIdText } from "./order.ts";

export interface TradeFacts {
  readonly trade: number;
  readonly sequence: number;
  readonly timeMs: number;
  readonly priceTicks: number;
  readonly sizeLots: number;
  readonly takerSide: "buy" | "sell";
  readonly indexPrice: number;
  readonly markPrice: number;
  readonly volatilityPpm: number;
  readonly tickDirection: number;
  readonly liquidation: string;
}

export interface FillFacts {
  readonly role: "maker" | "taker";
  readonly account: number;
  readonly order: number;
  readonly label: string;
  readonly orderType: string;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly fee: bigint;
  readonly realized: bigint;
}

export function tradeFactsOfRow(row: Row): TradeFacts {
  return {
    trade: Number(row["trade"]),
    sequence: Number(row["sequence"]),
    timeMs: Number(row["time_ms"]),
    priceTicks: Number(row["price_ticks"]),
    sizeLots: Number(row["size_lots"]),
    takerSide: row["taker_side"] === "buy" ? "buy" : "sell",
    indexPrice: Number(row["index_price"]),
    markPrice: Number(row["mark_price"]),
    volatilityPpm: Number(row["volatility_ppm"]),
    tickDirection: Number(row["tick_direction"]),
    liquidation: String(row["liquidation"]),
  };
}

export function fillFactsOfRow(row: Row): FillFacts {
  return {
    role: row["role"] === "maker" ? "maker" : "taker",
    account: Number(row["account"]),
    order: Number(row["order_id"]),
    label: String(row["label"]),
    orderType: String(row["order_type"]),
    postOnly: row["post_only"] === 1,
    reduceOnly: row["reduce_only"] === 1,
    fee: BigInt(String(row["fee"])),
    realized: BigInt(String(row["realized"])),
  };
}

export function fillFactsOfEvent(event: EventOf<"trade">, role: "maker" | "taker"): FillFacts {
  const side = event[role];
  return {
    role,
    account: side.account,
    order: side.order,
    label: side.label,
    orderType: side.orderType,
    postOnly: side.postOnly !== "off",
    reduceOnly: side.reduceOnly,
    fee: side.fee,
    realized: side.realized,
  };
}

export function renderTrade(listing: Listing, trade: TradeFacts): Record<string, unknown> {
  return {
    trade_id: tradeIdText(listing, trade.trade),
    trade_seq: trade.sequence,
    instrument_name: listing.name,
    timestamp: trade.timeMs,
    direction: trade.takerSide,
    price: priceNumber(listing, trade.priceTicks),
    amount: amountNumber(listing, trade.sizeLots),
    contracts: contractsNumber(listing, trade.sizeLots),
    index_price: fixedNumber(trade.indexPrice),
    mark_price: fixedNumber(trade.markPrice),
    tick_direction: trade.tickDirection,
    ...(listing.kind === "option" ? { iv: trade.volatilityPpm / 10_000 } : {}),
    ...(trade.liquidation === "" ? {} : { liquidation: trade.liquidation }),
  };
}

/** `state` is the state of the party's order after the fill. */
export function renderUserTrade(
  listing: Listing,
  trade: TradeFacts,
  fill: FillFacts,
  state: string,
): Record<string, unknown> {
  const direction = fill.role === "taker" ? trade.takerSide : trade.takerSide === "buy" ? "sell" : "buy";
  return {
    ...renderTrade(listing, trade),
    direction,
    order_id: orderIdText(listing, fill.order),
    order_type: fill.orderType,
    liquidity: fill.role === "maker" ? "M" : "T",
    fee: moneyNumber(listing, fill.fee),
    fee_currency: listing.settlementCurrency,
    state,
    label: fill.label,
    self_trade: false,
    post_only: fill.postOnly,
    reduce_only: fill.reduceOnly,
    profit_loss: moneyNumber(listing, fill.realized),
    matching_id: null,
    api: true,
    mmp: false,
    risk_reducing: fill.reduceOnly,
    user_id: fill.account,
  };
}
