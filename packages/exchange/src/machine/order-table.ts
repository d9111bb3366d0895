/**
 * Open orders by id: open addressing with linear probing over one array, which doubles when half of it is filled and never
 * shrinks, so it is as large as the most orders that were open at once ask for.
 *
 * PERF: not a `Map`. Orders come and go by the million; a `Map` makes a new table every few of them, each old one points to the
 * next, and once a table has reached the old generation every later one is promoted with all orders in it. Execution of orders that
 * are placed and cancelled promoted 9 KB per command of twenty of them.
 */
import type { Order } from "./order.ts";

export class OrderTable {
  #places: (Order | undefined)[] = emptyPlaces(8);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get(id: number): Order | undefined {
    return this.#places[this.#placeOf(id)];
  }

  /** An order whose id is not here yet. */
  add(order: Order): void {
    if (this.#places.length < 2 * (this.#count + 1)) this.#grow();
    this.#places[this.#placeOf(order.id)] = order;
    this.#count++;
  }

  delete(id: number): void {
    const places = this.#places;
    const mask = places.length - 1;
    let hole = this.#placeOf(id);
    if (places[hole] === undefined) return;
    places[hole] = undefined;
    this.#count--;
    // Whoever was pushed past the hole moves into it, so that no search ends too early.
    for (let place = (hole + 1) & mask; places[place] !== undefined; place = (place + 1) & mask) {
      const home = homeOf(places[place]!.id, mask);
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      places[hole] = places[place];
      places[place] = undefined;
      hole = place;
    }
  }

  /** All orders in ascending order of id. */
  inOrder(): readonly Order[] {
    const orders = this.#places.filter((order) => order !== undefined);
    return orders.sort((left, right) => left.id - right.id);
  }

  /** Where the order of that id stands, or the empty place where it belongs. */
  #placeOf(id: number): number {
    const places = this.#places;
    const mask = places.length - 1;
    for (let place = homeOf(id, mask); ; place = (place + 1) & mask) {
      const order = places[place];
      if (order === undefined || order.id === id) return place;
    }
  }

  #grow(): void {
    const before = this.#places;
    this.#places = emptyPlaces(2 * before.length);
    for (const order of before) if (order !== undefined) this.#places[this.#placeOf(order.id)] = order;
  }
}

/**
 * Multiplied by 2^32 over the golden ratio, ids in sequence come to lie far apart: side by side they would make one long run, through
 * which every search for an id that is not there would go.
 */
const homeOf = (id: number, mask: number): number => Math.imul(id, 0x9e37_79b1) >>> Math.clz32(mask);

const emptyPlaces = (count: number): (Order | undefined)[] => new Array<Order | undefined>(count).fill(undefined);
