/** A market without manners, from a seed: every kind of event, crossed and one-sided books, gaps, snapshots, unknown orders. For properties, not for research. */
import { Book } from "../../src/book/book.ts";
import type { OrderTable } from "../../src/book/order-table.ts";
import {
  EventFlag,
  EventKind,
  appendEvent,
  blankEvent,
  makeEventBatch,
  type EventBatch,
  type MarketEvent,
  type Side,
} from "../../src/event.ts";
import { parseScale, type Instrument } from "../../src/instrument.ts";

export const originNs = 1_700_006_400_000_000_000n;

export function testInstrument(name = "TEST"): Instrument {
  return { name, kind: "future", tick: parseScale("0.25"), lot: parseScale("1"), multiplier: 50 };
}

/** A small generator: 32 bits, xorshift. */
export function makeRandom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4_294_967_296;
  };
}

/** `count` L3 events of `instrumentsCount` instruments, in atomic changes of one to three. A crossed book does not last. */
export function randomOrders(seed: number, count: number, { instrumentsCount = 1, hostile = true } = {}): EventBatch {
  const random = makeRandom(seed);
  const batch = makeEventBatch(count);
  const event = blankEvent();
  const books = Array.from({ length: instrumentsCount }, () => new Book());
  const state: Draw = { random, hostile, nextId: 1, middle: 1000 };
  let timeNs = 1e9;
  let open = false;
  while (batch.count < count) {
    if (!open) {
      timeNs += Math.floor(random() * 2e7);
      event.instrument = Math.floor(random() * instrumentsCount);
    }
    open = batch.count < count - 1 && random() < 0.3;
    event.timeNs = timeNs;
    event.flags = open ? 0 : EventFlag.last;
    const book = books[event.instrument]!;
    drawEvent(event, book, state);
    book.apply(event);
    appendEvent(batch, event);
  }
  return batch;
}

interface Draw {
  readonly random: () => number;
  readonly hostile: boolean;
  nextId: number;
  middle: number;
}

function drawEvent(event: MarketEvent, book: Book, state: Draw): void {
  const { random, hostile } = state;
  const { bids, asks, orders } = book;
  if (random() < 0.05) state.middle += random() < 0.5 ? -1 : 1;
  const side: Side = random() < 0.5 ? 1 : -1;
  const choice = random();
  event.side = side;
  event.size = 1 + Math.floor(random() * 20);
  event.price = priceOf(side, book, state);
  event.id = someOrder(orders, random);
  if (hostile && choice < 0.0007) event.kind = EventKind.gap;
  else if (hostile && choice < (book.gap ? 0.05 : 0.002)) event.kind = EventKind.clear;
  else if (bids.bestPrice >= asks.bestPrice && choice < 0.6) {
    event.kind = EventKind.cancel;
    event.id = orders.id[bids.head[bids.count - 1] as number] as number;
    event.size = 1e9;
  } else if (choice < 0.1) event.kind = EventKind.trade;
  else if (choice < 0.5 || orders.count < 20) {
    event.kind = EventKind.add;
    event.id = state.nextId++;
  } else if (choice < 0.65) {
    event.kind = EventKind.modify;
    event.side = (orders.side[orders.find(event.id)] as Side | undefined) ?? side;
    event.price = priceOf(event.side, book, state);
  } else event.kind = choice < 0.92 ? EventKind.cancel : EventKind.execute;
  if (hostile && random() < 0.02) event.id = 1e9;
}

/** Mostly near the touch, seldom through it. */
function priceOf(side: Side, { bids, asks }: Book, { random, hostile, middle }: Draw): number {
  const price = middle - side * (1 + Math.floor(random() * random() * 30));
  if (hostile && random() < 0.005) return middle + side * 2;
  if (side === 1) return price >= asks.bestPrice ? asks.bestPrice - 1 : price;
  return price <= bids.bestPrice ? bids.bestPrice + 1 : price;
}

function someOrder(orders: OrderTable, random: () => number): number {
  if (orders.count === 0) return 0;
  const at = Math.floor(random() * orders.id.length);
  for (let step = 0; step < orders.id.length; step++) {
    const slot = (at + step) % orders.id.length;
    const id = orders.id[slot] as number;
    if (id > 0 && orders.find(id) === slot) return id;
  }
  return 0;
}
