/**
 * The order book of one instrument: best price first, then oldest first. It keeps what rests and in which order it would be
 * hit; it does not match, does not know accounts, and takes every number it is given as checked. `naive-book.ts` is the
 * simple form of the same interface and the oracle of this one.
 *
 * Orders and levels are rows of typed arrays, linked by row number: a level is a queue of orders. Each side keeps its level
 * keys in one sorted array with the best last, so that the levels that trade are at the end, where inserting and removing
 * moves almost nothing. That holds for a dense ladder (a perpetual) and for a sparse one (an option) alike.
 *
 * PERF: add O(log levels + levels better than the new one), remove and reduce O(1) inside a level, fill O(1); nothing is
 * allocated but when the book grows past its largest size so far, and rows of removed orders are used again.
 */
import { assert } from "@stoa/base/assert";

/** 0 buys, 1 sells: an index into the two ladders. */
export type BookSide = 0 | 1;
export const buySide: BookSide = 0;
export const sellSide: BookSide = 1;

/** Names a resting order inside its book for as long as it rests there. */
export type Handle = number;

/** Called per level, best first; returning `false` stops. */
export type LevelVisitor = (priceTicks: number, lots: number, ordersCount: number) => boolean;
/** Called per order, in the order in which they would be hit; returning `false` stops. */
export type OrderVisitor = (order: number, priceTicks: number, lots: number) => boolean;

export interface Book {
  readonly ordersCount: number;
  levelsCount(side: BookSide): number;
  /** Puts an order of `lots` > 0 behind all others of its price. */
  add(side: BookSide, priceTicks: number, order: number, lots: number): Handle;
  /** Takes a resting order out. */
  remove(handle: Handle): void;
  /** Sets the open size of a resting order to `lots`, positive and not above what it has; it keeps its place. */
  reduce(handle: Handle, lots: number): void;
  lotsOf(handle: Handle): number;
  /** The best price of a side, or `undefined` when nothing rests there. */
  bestPrice(side: BookSide): number | undefined;
  /** All lots that rest at one price; 0 when none do. */
  levelLots(side: BookSide, priceTicks: number): number;
  /** The order that would be hit first; the side must not be empty. */
  frontOrder(side: BookSide): number;
  /** What is open of {@link frontOrder}. */
  frontLots(side: BookSide): number;
  /** Fills the front order by `lots`, at most what it has; at zero it leaves the book. */
  fillFront(side: BookSide, lots: number): void;
  forEachLevel(side: BookSide, visit: LevelVisitor): void;
  forEachOrder(side: BookSide, visit: OrderVisitor): void;
}

/** An empty book. */
export const createBook = (): Book => new TypedBook();

const none = -1;

/** The levels of one side. Keys ascend, the best is last: the price for buys, its negative for sells. */
interface Ladder {
  keys: Float64Array;
  levels: Int32Array;
  count: number;
}

const emptyLadder = (): Ladder => ({ keys: new Float64Array(64), levels: new Int32Array(64), count: 0 });

class TypedBook implements Book {
  ordersCount = 0;
  readonly #ladders: readonly [Ladder, Ladder] = [emptyLadder(), emptyLadder()];

  // One row per order. `#next` also links the free rows.
  #order = new Float64Array(64);
  #lots = new Float64Array(64);
  #level = new Int32Array(64);
  #next = new Int32Array(64);
  #previous = new Int32Array(64);
  #rowsUsed = 0;
  #freeRow = none;

  // One row per level. `#head` also links the free rows.
  #levelSide = new Uint8Array(32);
  #levelPrice = new Float64Array(32);
  #levelTotal = new Float64Array(32);
  #levelCount = new Int32Array(32);
  #head = new Int32Array(32);
  #tail = new Int32Array(32);
  #levelsUsed = 0;
  #freeLevel = none;

  levelsCount(side: BookSide): number {
    return this.#ladders[side].count;
  }

  add(side: BookSide, priceTicks: number, order: number, lots: number): Handle {
    assert(0 < lots, "a resting order has lots");
    const level = this.#levelFor(side, priceTicks);
    const row = this.#takeRow();
    const tail = this.#tail[level]!;
    this.#order[row] = order;
    this.#lots[row] = lots;
    this.#level[row] = level;
    this.#next[row] = none;
    this.#previous[row] = tail;
    if (tail === none) this.#head[level] = row;
    else this.#next[tail] = row;
    this.#tail[level] = row;
    this.#levelTotal[level]! += lots;
    this.#levelCount[level]!++;
    this.ordersCount++;
    return row;
  }

  remove(row: Handle): void {
    const level = this.#level[row]!;
    assert(level !== none && level !== undefined, "the handle names a resting order");
    const next = this.#next[row]!;
    const previous = this.#previous[row]!;
    if (previous === none) this.#head[level] = next;
    else this.#next[previous] = next;
    if (next === none) this.#tail[level] = previous;
    else this.#previous[next] = previous;
    this.#levelTotal[level]! -= this.#lots[row]!;
    if (--this.#levelCount[level]! === 0) this.#dropLevel(level);
    this.#level[row] = none;
    this.#next[row] = this.#freeRow;
    this.#freeRow = row;
    this.ordersCount--;
  }

  reduce(row: Handle, lots: number): void {
    const before = this.#lots[row]!;
    assert(this.#level[row] !== none && 0 < lots && lots <= before, "an order is reduced to less, not to nothing");
    this.#lots[row] = lots;
    this.#levelTotal[this.#level[row]!]! -= before - lots;
  }

  lotsOf(row: Handle): number {
    assert(this.#level[row] !== none, "the handle names a resting order");
    return this.#lots[row]!;
  }

  bestPrice(side: BookSide): number | undefined {
    const ladder = this.#ladders[side];
    return ladder.count === 0 ? undefined : this.#levelPrice[ladder.levels[ladder.count - 1]!]!;
  }

  levelLots(side: BookSide, priceTicks: number): number {
    const ladder = this.#ladders[side];
    const key = keyOf(side, priceTicks);
    const index = lowerBound(ladder, key);
    return index < ladder.count && ladder.keys[index] === key ? this.#levelTotal[ladder.levels[index]!]! : 0;
  }

  frontOrder(side: BookSide): number {
    return this.#order[this.#frontRow(side)]!;
  }

  frontLots(side: BookSide): number {
    return this.#lots[this.#frontRow(side)]!;
  }

  fillFront(side: BookSide, lots: number): void {
    const row = this.#frontRow(side);
    const open = this.#lots[row]!;
    assert(0 < lots && lots <= open, "a fill takes no more than the order has");
    if (lots === open) return this.remove(row);
    this.#lots[row] = open - lots;
    this.#levelTotal[this.#level[row]!]! -= lots;
  }

  forEachLevel(side: BookSide, visit: LevelVisitor): void {
    const ladder = this.#ladders[side];
    for (let index = ladder.count - 1; 0 <= index; index--) {
      const level = ladder.levels[index]!;
      if (!visit(this.#levelPrice[level]!, this.#levelTotal[level]!, this.#levelCount[level]!)) return;
    }
  }

  forEachOrder(side: BookSide, visit: OrderVisitor): void {
    const ladder = this.#ladders[side];
    for (let index = ladder.count - 1; 0 <= index; index--) {
      const level = ladder.levels[index]!;
      const price = this.#levelPrice[level]!;
      for (let row = this.#head[level]!; row !== none; row = this.#next[row]!) {
        if (!visit(this.#order[row]!, price, this.#lots[row]!)) return;
      }
    }
  }

  #frontRow(side: BookSide): number {
    const ladder = this.#ladders[side];
    assert(0 < ladder.count, "the side has a front order");
    return this.#head[ladder.levels[ladder.count - 1]!]!;
  }

  /** The level of a price, made when there is none. */
  #levelFor(side: BookSide, priceTicks: number): number {
    const ladder = this.#ladders[side];
    const key = keyOf(side, priceTicks);
    const index = lowerBound(ladder, key);
    if (index < ladder.count && ladder.keys[index] === key) return ladder.levels[index]!;
    const level = this.#takeLevel();
    this.#levelSide[level] = side;
    this.#levelPrice[level] = priceTicks;
    this.#levelTotal[level] = 0;
    this.#levelCount[level] = 0;
    this.#head[level] = none;
    this.#tail[level] = none;
    insertAt(ladder, index, key, level);
    return level;
  }

  #dropLevel(level: number): void {
    const side = this.#levelSide[level] as BookSide;
    const ladder = this.#ladders[side];
    const index = lowerBound(ladder, keyOf(side, this.#levelPrice[level]!));
    assert(ladder.levels[index] === level, "a level stands in its ladder");
    removeAt(ladder, index);
    this.#head[level] = this.#freeLevel;
    this.#freeLevel = level;
  }

  #takeRow(): number {
    const free = this.#freeRow;
    if (free !== none) {
      this.#freeRow = this.#next[free]!;
      return free;
    }
    if (this.#rowsUsed === this.#order.length) {
      this.#order = grown(this.#order, Float64Array);
      this.#lots = grown(this.#lots, Float64Array);
      this.#level = grown(this.#level, Int32Array);
      this.#next = grown(this.#next, Int32Array);
      this.#previous = grown(this.#previous, Int32Array);
    }
    return this.#rowsUsed++;
  }

  #takeLevel(): number {
    const free = this.#freeLevel;
    if (free !== none) {
      this.#freeLevel = this.#head[free]!;
      return free;
    }
    if (this.#levelsUsed === this.#levelPrice.length) {
      this.#levelSide = grown(this.#levelSide, Uint8Array);
      this.#levelPrice = grown(this.#levelPrice, Float64Array);
      this.#levelTotal = grown(this.#levelTotal, Float64Array);
      this.#levelCount = grown(this.#levelCount, Int32Array);
      this.#head = grown(this.#head, Int32Array);
      this.#tail = grown(this.#tail, Int32Array);
    }
    return this.#levelsUsed++;
  }
}

const keyOf = (side: BookSide, priceTicks: number): number => (side === buySide ? priceTicks : -priceTicks);

/** The first index whose key is not below `key`. The end is tried first: that is where the market is. */
function lowerBound(ladder: Ladder, key: number): number {
  const keys = ladder.keys;
  let high = ladder.count;
  if (high === 0 || keys[high - 1]! < key) return high;
  if (keys[high - 1] === key) return high - 1;
  let low = 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertAt(ladder: Ladder, index: number, key: number, level: number): void {
  if (ladder.count === ladder.keys.length) {
    ladder.keys = grown(ladder.keys, Float64Array);
    ladder.levels = grown(ladder.levels, Int32Array);
  }
  ladder.keys.copyWithin(index + 1, index, ladder.count);
  ladder.levels.copyWithin(index + 1, index, ladder.count);
  ladder.keys[index] = key;
  ladder.levels[index] = level;
  ladder.count++;
}

function removeAt(ladder: Ladder, index: number): void {
  ladder.keys.copyWithin(index, index + 1, ladder.count);
  ladder.levels.copyWithin(index, index + 1, ladder.count);
  ladder.count--;
}

interface Column {
  readonly length: number;
  set(from: this): void;
}

/** The same column with room for twice as many rows. */
function grown<C extends Column>(column: C, make: new (length: number) => C): C {
  const larger = new make(2 * column.length);
  larger.set(column);
  return larger;
}
