/**
 * Verb: place an order. A market order is a limit order at the worst price it may have (the client's, or the edge of the
 * price band) whose rest is cancelled.
 */
import type { OrderBody } from "@stoa/protocol/command";
import { bandOf } from "../market/band.ts";
import type { Account } from "./account.ts";
import { enterOrder, entryRefusal, isOpenForTrading, newOrder, priceRefusal, sizeRefusal } from "./enter-order.ts";
import type { Order } from "./order.ts";
import { isRefusal, refuse, type Refusal, type Run } from "./run.ts";
import { listingOf, type ExchangeState } from "./state.ts";

type PlaceFields = Extract<OrderBody, { kind: "place" }>;

export function placeOrder(run: Run, account: Account, body: PlaceFields): Refusal | undefined {
  const order = orderOf(run, account, body);
  if (isRefusal(order)) return order;
  const refusal = entryRefusal(run.state, order);
  if (refusal !== undefined) return refusal;
  enterOrder(run, order);
  return undefined;
}

function orderOf(run: Run, account: Account, body: PlaceFields): Order | Refusal {
  const { state } = run;
  if (!state.market.listings.has(body.instrument)) return refuse("instrument-unknown");
  if (!isOpenForTrading(state, body.instrument)) return refuse("instrument-not-open");
  const size = sizeRefusal(body.sizeLots);
  if (size !== undefined) return size;
  if (body.type === "limit" && body.priceTicks === undefined) return refuse("price-missing");
  if (body.priceTicks !== undefined && body.priceTicks <= 0) return refuse("price-not-positive");
  const order = newOrder(run, {
    account: account.number,
    instrument: body.instrument,
    side: body.side,
    type: body.type,
    timeInForce: body.timeInForce,
    postOnly: body.postOnly,
    reduceOnly: body.reduceOnly,
    priceTicks: body.type === "limit" ? body.priceTicks! : worstPrice(state, body),
    sizeLots: body.sizeLots,
    goodTilMs: body.goodTilMs,
    label: body.label,
  });
  const price = body.type === "limit" ? priceRefusal(state, order) : undefined;
  return price ?? termsRefusal(state, body) ?? order;
}

/** The client's bound of a market order, but never beyond the band. */
function worstPrice(state: ExchangeState, { instrument, side, priceTicks }: PlaceFields): number {
  const band = bandOf(listingOf(state, instrument));
  if (side === "buy") return Math.min(priceTicks ?? band.maxTicks, band.maxTicks);
  return Math.max(priceTicks ?? band.minTicks, band.minTicks);
}

/** Times in force and flags that contradict each other. */
function termsRefusal(state: ExchangeState, body: PlaceFields): Refusal | undefined {
  const { timeInForce, goodTilMs, postOnly, type } = body;
  if (timeInForce === "good-til-time" && goodTilMs === undefined) return refuse("good-til-time-missing");
  if (goodTilMs !== undefined && goodTilMs <= state.timeMs) return refuse("good-til-time-past");
  if (timeInForce !== "good-til-time" && goodTilMs !== undefined) return refuse("combination-unsupported");
  if (type === "market" && timeInForce === "good-til-time") return refuse("combination-unsupported");
  const immediate = type === "market" || timeInForce === "immediate-or-cancel" || timeInForce === "fill-or-kill";
  return postOnly !== "off" && immediate ? refuse("combination-unsupported") : undefined;
}
