/** The slow, clear book that the fast one is held against: a list of orders, sorted when somebody asks. */
import { EventKind, type MarketEvent } from "../../src/event.ts";

interface NaiveOrder {
  readonly id: number;
  readonly side: number;
  price: number;
  size: number;
}

export interface NaiveLevel {
  readonly price: number;
  readonly size: number;
  readonly orders: number;
  /** Orders in the order of their place. */
  readonly ids: readonly number[];
}

/** Orders in the order of their time; levels are added up when they are asked for. */
export class NaiveBook {
  orders: NaiveOrder[] = [];

  apply(event: MarketEvent): void {
    const known = this.orders.find(({ id }) => id === event.id);
    if (event.kind === EventKind.clear) this.orders = [];
    if (event.kind === EventKind.add) {
      this.orders = this.orders.filter((order) => order !== known);
      this.orders.push({ id: event.id, side: event.side, price: event.price, size: event.size });
    }
    if (known === undefined) return;
    if (event.kind === EventKind.cancel || event.kind === EventKind.execute) known.size -= event.size;
    if (event.kind === EventKind.modify) {
      if (event.price !== known.price || event.size > known.size) {
        this.orders = this.orders.filter((order) => order !== known);
        this.orders.push({ ...known, price: event.price, size: event.size });
      } else known.size = event.size;
    }
    this.orders = this.orders.filter(({ size }) => size > 0);
  }

  levels(side: number): NaiveLevel[] {
    const prices = [...new Set(this.orders.filter((order) => order.side === side).map(({ price }) => price))];
    return prices
      .sort((one, other) => side * (other - one))
      .map((price) => {
        const at = this.orders.filter((order) => order.side === side && order.price === price);
        return {
          price,
          size: at.reduce((sum, { size }) => sum + size, 0),
          orders: at.length,
          ids: at.map(({ id }) => id),
        };
      });
  }
}
