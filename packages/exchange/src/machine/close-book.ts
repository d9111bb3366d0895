/** The end of a book: when an instrument is delivered, its orders are cancelled and nothing of its trading is kept. */
import type { CancelReason } from "@stoa/protocol/event";
import { cancelResting } from "./resting.ts";
import type { Run } from "./run.ts";
import { buySide, sellSide } from "../matching/book.ts";
import { sayLevels } from "./levels.ts";
import type { ExchangeState } from "./state.ts";
import type { Order } from "./order.ts";

/** Cancels all orders of an instrument, in order of id. */
export function cancelOrdersOf(run: Run, instrument: number, reason: CancelReason): void {
  const orders = ordersOf(run.state, instrument).sort((left, right) => left.id - right.id);
  for (const order of orders) cancelResting(run, order, reason);
}

/** Cancels all orders of an instrument, says that its levels are gone, and forgets its book. */
export function closeBook(run: Run, instrument: number): void {
  cancelOrdersOf(run, instrument, "expiry");
  sayLevels(run, instrument);
  run.state.books.delete(instrument);
  run.state.touched.books.add(instrument);
}

function ordersOf({ books, orders }: ExchangeState, instrument: number): Order[] {
  const found: Order[] = [];
  const collect = (id: number): boolean => {
    found.push(orders.get(id)!);
    return true;
  };
  books.get(instrument)?.book.forEachOrder(buySide, collect);
  books.get(instrument)?.book.forEachOrder(sellSide, collect);
  return found;
}
