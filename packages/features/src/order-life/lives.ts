/**
 * The life of each order by its id (L3): when it came, how far from the touch, what became of it. Orders of a snapshot have come at a time
 * that nobody knows and are not followed; at a gap or when the book is cleared all are forgotten. Shared by the whole family.
 *
 * Order types are those of the R package obAnalytics; where it knows which order took and which was taken, a feed of orders does not say
 * so, and an order counts as a taker if it came with a price that reached the other side.
 */
import type { BookChange } from "../book/book.ts";
import { OrderTable } from "../book/order-table.ts";
import { EventFlag, EventKind, type MarketEvent } from "../event.ts";
import type { Feature, Operator } from "../graph/operator.ts";
import type { Market } from "../market.ts";
import { oneOf } from "../refusal.ts";
import type { Saveable, StateReader, StateWriter } from "../state.ts";

/** What became of an order, by how it left the book: executed to its end, cancelled without or after executions, moved to another price. */
export const Outcome = { filled: 1, cancelled: 2, cancelledInPart: 3, repriced: 4 } as const;

/**
 * `flashedLimit`: did not reach the other side and was cancelled untouched. `restingLimit`: did not reach it and was executed at least in
 * part. `market`: reached it and was executed to its end. `marketLimit`: reached it, and something of it was cancelled. `pacman`: its price was changed.
 */
export const OrderType = { flashedLimit: 1, restingLimit: 2, market: 3, marketLimit: 4, pacman: 5 } as const;

/**
 * Distance of a new order from the best price of its own side (`own-best`, obAnalytics: 0 at the best, positive inside the spread) or from
 * the middle (`mid`), in bps of that, before the atomic change in which it came.
 */
export const aggressivenessReferences = ["own-best", "mid"] as const;
/** Whether an order that is moved to another price lives on, or ends there and a new life begins. */
export const repricings = ["continues", "ends"] as const;

export interface LifeSettings {
  readonly reference?: (typeof aggressivenessReferences)[number];
  readonly repriced?: (typeof repricings)[number];
}

export const checkedLives = (feature: string, { reference, repriced }: LifeSettings): Required<LifeSettings> => ({
  reference: oneOf(`${feature}.reference`, reference ?? "own-best", aggressivenessReferences),
  repriced: oneOf(`${feature}.repriced`, repriced ?? "continues", repricings),
});

/** An order that has just left. Reused. */
export interface Life {
  order: number;
  side: number;
  /** Ticks, when it came. */
  price: number;
  /** Lots that it had at first or was given later, and of them what was executed. */
  added: number;
  filled: number;
  createdNs: number;
  /** bps; NaN where the book was not usable. */
  aggressiveness: number;
  outcome: number;
  type: number;
}

export interface LifeListener {
  onBegin?(aggressiveness: number, timeNs: number): void;
  onEnd?(life: Readonly<Life>, timeNs: number): void;
  onBreak?(): void;
}

export interface OrderLives extends Operator {
  listen(listener: LifeListener): void;
  /** Since when nothing has been missed: the first usable book after the beginning or a gap. NaN before. */
  sinceNs(): number;
}

/** Not a column. PERF: one look-up per event of an order. */
export function orderLives({ reference, repriced }: Required<LifeSettings>): Feature<OrderLives> {
  return {
    id: "order_lives_operator",
    version: 1,
    parameters: { reference, repriced },
    columns: [],
    levels: 1,
    make(context) {
      const { lives } = context.keep({ lives: new LifeTable() });
      const state = context.keep({ sinceNs: NaN });
      const listeners: LifeListener[] = [];
      const life: Life = {
        order: 0,
        side: 0,
        price: 0,
        added: 0,
        filled: 0,
        createdNs: 0,
        aggressiveness: NaN,
        outcome: 0,
        type: 0,
      };
      const begin = (event: MarketEvent, market: Market): void => {
        const { change } = market.book;
        const distance = aggressivenessOf(market, change.side, change.price, reference);
        const opposite = change.side > 0 ? market.askPrice : market.bidPrice;
        const slot = lives.begin(event, change);
        lives.note(slot, distance, market.usable && change.side * (change.price - opposite) >= 0);
        for (let at = 0; at < listeners.length; at++) listeners[at]?.onBegin?.(distance, event.timeNs);
      };
      const end = (slot: number, outcome: number, timeNs: number): void => {
        lives.end(slot, outcome, life);
        for (let at = 0; at < listeners.length; at++) listeners[at]?.onEnd?.(life, timeNs);
      };
      const forget = (): void => {
        lives.clear();
        for (let at = 0; at < listeners.length; at++) listeners[at]?.onBreak?.();
      };
      return {
        onChange(event, market) {
          const { change } = market.book;
          const { kind } = event;
          if (kind === EventKind.clear) lives.clear();
          if (kind < EventKind.add || kind > EventKind.execute || !change.known) return;
          const slot = lives.find(event.id);
          if (kind === EventKind.add) {
            if (slot !== -1) lives.drop(slot);
            if (change.sizeAfter > 0 && (event.flags & EventFlag.snapshot) === 0) begin(event, market);
          } else if (slot === -1) return;
          else if (kind === EventKind.execute) {
            lives.fill(slot, change.sizeBefore - change.sizeAfter);
            if (change.sizeAfter === 0) end(slot, Outcome.filled, event.timeNs);
          } else if (change.sizeAfter === 0) {
            end(slot, lives.filledOf(slot) > 0 ? Outcome.cancelledInPart : Outcome.cancelled, event.timeNs);
          } else if (kind === EventKind.modify && change.price !== change.priceBefore && repriced === "ends") {
            end(slot, Outcome.repriced, event.timeNs);
            begin(event, market);
          } else if (kind === EventKind.modify) {
            lives.modify(slot, change.sizeAfter - change.sizeBefore, change.price !== change.priceBefore);
          }
        },
        onBook({ usable }, timeNs) {
          if (usable && state.sinceNs !== state.sinceNs) state.sinceNs = timeNs;
        },
        onGap() {
          state.sinceNs = NaN;
          forget();
        },
        listen: (listener) => void listeners.push(listener),
        sinceNs: () => state.sinceNs,
      };
    },
  };
}

function aggressivenessOf(
  market: Market,
  side: number,
  price: number,
  reference: Required<LifeSettings>["reference"],
): number {
  if (!market.usable) return NaN;
  const best = reference === "mid" ? market.mid : side > 0 ? market.bidPrice : market.askPrice;
  return (1e4 * side * (price - best)) / best;
}

/** Living orders by id: the look-up of the book's own table, with columns of ours beside it. */
class LifeTable implements Saveable {
  readonly #orders = new OrderTable();
  #filled: Float64Array = new Float64Array(0);
  #aggressiveness: Float64Array = new Float64Array(0);
  /** Bits: 1 its price reached the other side, 2 it was repriced. */
  #marks = new Uint8Array(0);

  find(id: number): number {
    return this.#orders.find(id);
  }

  begin(event: MarketEvent, change: BookChange): number {
    const orders = this.#orders;
    const slot = orders.insert(event.id);
    if (this.#filled.length < orders.id.length) this.#widen(orders.id.length);
    orders.side[slot] = change.side;
    orders.price[slot] = change.price;
    orders.size[slot] = change.sizeAfter;
    orders.createdNs[slot] = event.timeNs;
    this.#filled[slot] = 0;
    return slot;
  }

  note(slot: number, aggressiveness: number, reaches: boolean): void {
    this.#aggressiveness[slot] = aggressiveness;
    this.#marks[slot] = reaches ? 1 : 0;
  }

  filledOf(slot: number): number {
    return this.#filled[slot] as number;
  }

  fill(slot: number, lots: number): void {
    this.#filled[slot] = (this.#filled[slot] as number) + lots;
  }

  modify(slot: number, lots: number, isRepriced: boolean): void {
    const { size } = this.#orders;
    if (lots > 0) size[slot] = (size[slot] as number) + lots;
    if (isRepriced) this.#marks[slot] = (this.#marks[slot] as number) | 2;
  }

  end(slot: number, outcome: number, life: Life): void {
    const orders = this.#orders;
    life.order = orders.id[slot] as number;
    life.side = orders.side[slot] as number;
    life.price = orders.price[slot] as number;
    life.added = orders.size[slot] as number;
    life.filled = this.#filled[slot] as number;
    life.createdNs = orders.createdNs[slot] as number;
    life.aggressiveness = this.#aggressiveness[slot] as number;
    life.outcome = outcome;
    life.type = typeOf(life, this.#marks[slot] as number);
    orders.remove(slot);
  }

  drop(slot: number): void {
    this.#orders.remove(slot);
  }

  clear(): void {
    this.#orders.clear();
  }

  save(writer: StateWriter): void {
    this.#orders.save(writer);
    writer.numbers(this.#filled);
    writer.numbers(this.#aggressiveness);
    writer.integers(this.#marks);
  }

  load(reader: StateReader): void {
    this.#orders.load(reader);
    this.#filled = reader.numbers();
    this.#aggressiveness = reader.numbers();
    this.#marks = Uint8Array.from(reader.integers());
  }

  #widen(length: number): void {
    const [filled, aggressiveness, marks] = [this.#filled, this.#aggressiveness, this.#marks];
    this.#filled = new Float64Array(length);
    this.#filled.set(filled);
    this.#aggressiveness = new Float64Array(length);
    this.#aggressiveness.set(aggressiveness);
    this.#marks = new Uint8Array(length);
    this.#marks.set(marks);
  }
}

function typeOf({ outcome, filled }: Life, marks: number): number {
  if ((marks & 2) !== 0) return OrderType.pacman;
  if ((marks & 1) !== 0) return outcome === Outcome.filled ? OrderType.market : OrderType.marketLimit;
  return filled > 0 ? OrderType.restingLimit : OrderType.flashedLimit;
}
