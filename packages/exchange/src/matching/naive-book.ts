/**
 * The book in its simplest form: one list per side, in priority order, searched from the front. It is the oracle of
 * `book.ts`: both run the same tests and must hold the same orders in the same sequence after any operations. Slow by intent.
 */
import { assert, present } from "@stoa/base/assert";
import { buySide, type Book, type BookSide, type Handle, type LevelVisitor, type OrderVisitor } from "./book.ts";

interface Resting {
  readonly handle: Handle;
  readonly side: BookSide;
  readonly order: number;
  readonly priceTicks: number;
  lots: number;
}

/** An empty book. */
export const createNaiveBook = (): Book => new NaiveBook();

class NaiveBook implements Book {
  readonly #sides: readonly [Resting[], Resting[]] = [[], []];
  #handles = 0;

  get ordersCount(): number {
    return this.#sides[0].length + this.#sides[1].length;
  }

  levelsCount(side: BookSide): number {
    return new Set(this.#sides[side].map((resting) => resting.priceTicks)).size;
  }

  add(side: BookSide, priceTicks: number, order: number, lots: number): Handle {
    assert(0 < lots, "a resting order has lots");
    const queue = this.#sides[side];
    const worse = (resting: Resting) =>
      side === buySide ? resting.priceTicks < priceTicks : priceTicks < resting.priceTicks;
    const index = queue.findIndex(worse);
    const handle = this.#handles++;
    queue.splice(index < 0 ? queue.length : index, 0, { handle, side, order, priceTicks, lots });
    return handle;
  }

  remove(handle: Handle): void {
    const queue = this.#sides[this.#find(handle).side];
    queue.splice(
      queue.findIndex((resting) => resting.handle === handle),
      1,
    );
  }

  reduce(handle: Handle, lots: number): void {
    const resting = this.#find(handle);
    assert(0 < lots && lots <= resting.lots, "an order is reduced to less, not to nothing");
    resting.lots = lots;
  }

  lotsOf(handle: Handle): number {
    return this.#find(handle).lots;
  }

  bestPrice(side: BookSide): number | undefined {
    return this.#sides[side][0]?.priceTicks;
  }

  levelLots(side: BookSide, priceTicks: number): number {
    return this.#sides[side].reduce((sum, one) => sum + (one.priceTicks === priceTicks ? one.lots : 0), 0);
  }

  frontOrder(side: BookSide): number {
    return this.#front(side).order;
  }

  frontLots(side: BookSide): number {
    return this.#front(side).lots;
  }

  fillFront(side: BookSide, lots: number): void {
    const front = this.#front(side);
    assert(0 < lots && lots <= front.lots, "a fill takes no more than the order has");
    front.lots -= lots;
    if (front.lots === 0) this.#sides[side].shift();
  }

  forEachLevel(side: BookSide, visit: LevelVisitor): void {
    const prices = [...new Set(this.#sides[side].map((resting) => resting.priceTicks))];
    for (const price of prices) {
      const count = this.#sides[side].filter((resting) => resting.priceTicks === price).length;
      if (!visit(price, this.levelLots(side, price), count)) return;
    }
  }

  forEachOrder(side: BookSide, visit: OrderVisitor): void {
    for (const { order, priceTicks, lots } of [...this.#sides[side]]) if (!visit(order, priceTicks, lots)) return;
  }

  #front(side: BookSide): Resting {
    return present(this.#sides[side][0], "the side has a front order");
  }

  #find(handle: Handle): Resting {
    const resting = this.#sides.flat().find((one) => one.handle === handle);
    return present(resting, "the handle names a resting order");
  }
}
