/**
 * Bitstamp, every order: the table of events as obAnalytics has it (id, timestamp, exchange.timestamp, price, volume, action, direction),
 * or the log of the feed it was made from (`<milliseconds> order_created {...}`). Sizes are in 0.00000001 coins, prices in cents.
 *
 * The feed says how much is left of an order. What an order lost to a change, or had when it was deleted with nothing left, was executed;
 * what a deletion still had was cancelled. An order that is changed before it was ever created was there before the recording began: it enters flagged
 * `snapshot`. Both orders of a trade are told one after the other, so the book is crossed for moments. The pair makes the trade:
 * equal size, opposite sides, within five seconds; the younger order is the aggressor and the older one's price is the trade's. In the log
 * the venue's own message of a trade takes the place of the pair, which then only says the side.
 *
 * Messages overtake each other: a creation that comes behind the deletion or a change of its order is left out. Deletions are also lost. An
 * order that is older than an aggressor, and better than the order that was hit, would have been hit first: if nothing is heard of it within ten seconds it is gone, and leaves flagged `snapshot`. Such places count as gaps.
 */
import { EventFlag, EventKind, type Side } from "../../event.ts";
import { parseScale } from "../../instrument.ts";
import type { EventSource } from "../source.ts";
import type { ByteInput } from "./bytes.ts";
import { decimalSteps } from "./decimal-text.ts";
import type { EventWriter } from "./event-writer.ts";
import { midnightBefore } from "./file-source.ts";
import { linesOf, lineSource, type LineDecoder } from "./lines.ts";
import { excerpt, ReadRefusal } from "./read-refusal.ts";
import { instrumentOf, termsOf, type TermsByName } from "./terms.ts";

export interface BitstampSettings {
  readonly symbol?: string;
  readonly terms?: TermsByName;
}

const header = "id,timestamp,exchange.timestamp,price,volume,action,direction";
const pricePlaces = 2;
const pairWithinNs = 5e9;
const lostAfterNs = 10e9;
const goneMax = 65_536;

/** Reads either form: the table if the first line is its header. */
export async function readBitstamp(
  input: ByteInput,
  { symbol = "BTC-USD", terms }: BitstampSettings = {},
): Promise<EventSource> {
  const first: string[] = [];
  for await (const lines of linesOf(input)) {
    first.push(...lines.slice(0, 2));
    if (first.length >= 2) break;
  }
  const isTable = first[0] === header;
  const startMs = Number(isTable ? first[1]?.split(",")[1] : first[0]?.split(" ")[0]);
  if (!(startMs > 0)) {
    throw new ReadRefusal({
      file: input.name,
      place: "line 1",
      found: excerpt(first[0] ?? ""),
      wanted: `the header ${header}, or <milliseconds> <event> <json>`,
    });
  }
  const originNs = midnightBefore(BigInt(startMs) * 1_000_000n);
  const originMs = Number(originNs / 1_000_000n);
  const found = { name: symbol, tick: parseScale("0.01"), lot: parseScale("0.00000001"), kind: "spot" } as const;
  return lineSource({
    input,
    instruments: [instrumentOf(termsOf(terms, symbol), found)],
    originNs,
    decode: () => (isTable ? new TableDecoder(input.name, originMs) : new LogDecoder(input.name, originMs)),
  });
}

/** An execution whose other side has not come. */
interface Lone {
  readonly id: number;
  readonly side: Side;
  readonly price: number;
  readonly size: number;
  readonly timeNs: number;
}

/** What is left of an order, where, and until when something must be heard of it. */
interface Resting {
  left: number;
  readonly id: number;
  readonly side: Side;
  price: number;
  lostNs: number;
}

/** What both forms share: how much is left of every order, and which executions belong together. */
abstract class OrdersDecoder implements LineDecoder {
  gapsCount = 0;
  skippedCount = 0;
  protected number = 0;
  readonly #file: string;
  protected readonly originMs: number;
  readonly #resting = new Map<number, Resting>();
  /** Orders that were deleted before they were created. */
  readonly #gone = new Set<number>();
  #nextLostNs = Infinity;
  #lone: Lone[] = [];

  constructor(file: string, originMs: number) {
    this.#file = file;
    this.originMs = originMs;
  }

  abstract line(text: string, number: number, writer: EventWriter): void;

  /** `event` has id, side, price, size (what is left) and times. `matched` is told of a trade when its second execution comes. */
  protected order(
    action: string,
    writer: EventWriter,
    matched: (side: Side, price: number, size: number) => void,
  ): void {
    const { event } = writer;
    if (event.timeNs >= this.#nextLostNs) this.#loseLost(writer);
    const first = writer.batch.count;
    const { id, size: left, price } = event;
    const known = this.#resting.get(id);
    event.flags = 0;
    if (action === "created" && (known !== undefined || this.#gone.delete(id))) this.skippedCount++;
    else if (action === "created" || (known === undefined && action === "changed")) {
      event.kind = EventKind.add;
      if (action === "changed") event.flags = EventFlag.snapshot;
      this.#resting.set(id, { left, id, side: event.side, price, lostNs: Infinity });
      writer.write();
    } else if (action !== "changed" && action !== "deleted") {
      throw this.refusal(`an action ${excerpt(action)}`, "created, changed or deleted");
    } else if (known === undefined) {
      this.skippedCount++;
      if (this.#gone.size === goneMax) this.#gone.clear();
      this.#gone.add(id);
    } else {
      this.#lose(known.left, action === "deleted", writer, matched);
      event.size = left;
      if (action === "changed" && (known.left <= left || known.price !== price)) {
        event.kind = EventKind.modify;
        writer.write();
      }
      Object.assign(known, { left, price, lostNs: Infinity });
      if (action === "deleted") this.#resting.delete(id);
    }
    event.price = price;
    writer.close(first);
  }

  #lose(
    before: number,
    deleted: boolean,
    writer: EventWriter,
    matched: (side: Side, price: number, size: number) => void,
  ): void {
    const { event } = writer;
    const left = event.size;
    const executed = before - left;
    if (executed > 0) {
      const pair = this.#pair({
        id: event.id,
        side: event.side,
        price: event.price,
        size: executed,
        timeNs: event.timeNs,
      });
      const { id, side, price } = event;
      if (pair !== undefined) {
        const older = pair.id > id ? side : pair.side;
        const tradePrice = pair.id > id ? price : pair.price;
        this.#suspect(older, tradePrice, Math.max(id, pair.id), event.timeNs);
        matched(older === 1 ? -1 : 1, tradePrice, executed);
      }
      Object.assign(event, { kind: EventKind.execute, flags: 0, id, side, price, size: executed });
      writer.write();
    }
    if (!deleted || left <= 0) return;
    event.kind = EventKind.cancel;
    event.size = left;
    writer.write();
  }

  /** Orders that a trade should have met first. PERF: O(resting orders), once a trade. */
  #suspect(side: Side, price: number, youngest: number, timeNs: number): void {
    for (const order of this.#resting.values()) {
      if (order.side !== side || order.id >= youngest || side * order.price <= side * price) continue;
      if (order.lostNs === Infinity) order.lostNs = timeNs + lostAfterNs;
      if (order.lostNs < this.#nextLostNs) this.#nextLostNs = order.lostNs;
    }
  }

  #loseLost(writer: EventWriter): void {
    const { event } = writer;
    const kept = { ...event };
    this.#nextLostNs = Infinity;
    for (const { lostNs, id, side, price, left } of this.#resting.values()) {
      if (lostNs > kept.timeNs) {
        if (lostNs < this.#nextLostNs) this.#nextLostNs = lostNs;
        continue;
      }
      this.#resting.delete(id);
      this.gapsCount++;
      Object.assign(event, { kind: EventKind.cancel, flags: EventFlag.snapshot | EventFlag.last, id, side, price });
      event.size = left;
      writer.write();
    }
    Object.assign(event, kept);
  }

  /** The other side of an execution, if it came before; else this one waits for it. */
  #pair(one: Lone): Lone | undefined {
    this.#lone = this.#lone.filter(({ timeNs }) => timeNs >= one.timeNs - pairWithinNs);
    const index = this.#lone.findIndex(({ side, size }) => side !== one.side && size === one.size);
    if (index === -1) this.#lone.push(one);
    return index === -1 ? undefined : this.#lone.splice(index, 1)[0];
  }

  /** A size in steps of the eighth place, a price in cents; refuses what is neither. */
  protected steps(text: string, places: number, wanted: string): number {
    const value = places === 0 ? Number(text) : decimalSteps(text, places);
    if (Number.isSafeInteger(value)) return value;
    throw this.refusal(excerpt(text), wanted);
  }

  protected refusal(found: string, wanted: string): ReadRefusal {
    return new ReadRefusal({ file: this.#file, place: `line ${this.number}`, found, wanted });
  }
}

class TableDecoder extends OrdersDecoder {
  line(text: string, number: number, writer: EventWriter): void {
    this.number = number;
    if (number === 1 || text === "") return;
    const fields = text.split(",");
    if (fields.length !== 7) throw this.refusal(excerpt(text), `seven columns: ${header}`);
    const [id, time, venueTime, price, volume, action, direction] = fields as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const { event } = writer;
    event.instrument = 0;
    event.id = this.steps(id, 0, "the number of an order");
    event.receivedNs = (this.steps(time, 0, "milliseconds") - this.originMs) * 1e6;
    this.steps(venueTime, 0, "milliseconds");
    // The venue stamps an order with the second of its creation in all its events, so that only the receiver's clock says when.
    event.timeNs = event.receivedNs;
    event.price = this.steps(price, pricePlaces, "a price");
    event.size = this.steps(volume, 0, "a volume in 0.00000001 coins");
    if (direction !== "bid" && direction !== "ask")
      throw this.refusal(`a direction ${excerpt(direction)}`, "bid or ask");
    event.side = direction === "bid" ? 1 : -1;
    this.order(action, writer, (side, tradePrice, size) => {
      Object.assign(event, { kind: EventKind.trade, flags: 0, id: 0, side, price: tradePrice, size });
      writer.write();
    });
  }
}

interface LoggedOrder {
  readonly id: number;
  readonly price: string | number;
  readonly amount: string | number;
  readonly order_type?: 0 | 1;
}

class LogDecoder extends OrdersDecoder {
  /** Sides of the trades that executions told of, by size, oldest first. */
  #sides: { readonly size: number; readonly side: Side }[] = [];

  line(text: string, number: number, writer: EventWriter): void {
    this.number = number;
    const match = /^(\d+) (order_created|order_changed|order_deleted|trade) (\{.*\})$/.exec(text);
    if (match === null) {
      if (!/^\d+ \w+ /.test(text) && text !== "") throw this.refusal(excerpt(text), "<milliseconds> <event> <json>");
      this.skippedCount++;
      return;
    }
    const [, time, what, json] = match as unknown as [string, string, string, string];
    const order = this.#parse(json);
    const { event } = writer;
    event.instrument = 0;
    event.timeNs = (Number(time) - this.originMs) * 1e6;
    event.receivedNs = event.timeNs;
    event.price = Math.round(this.#number(order.price) * 100);
    event.size = Math.round(this.#number(order.amount) * 1e8);
    if (what === "trade") return this.#trade(writer);
    if (order.order_type !== 0 && order.order_type !== 1) throw this.refusal("an order without order_type", "0 or 1");
    event.side = order.order_type === 0 ? 1 : -1;
    event.id = order.id;
    this.order(what.slice("order_".length), writer, (side, _, size) => {
      if (this.#sides.length === 64) this.#sides.shift();
      this.#sides.push({ size, side });
    });
  }

  #trade(writer: EventWriter): void {
    const { event } = writer;
    const index = this.#sides.findIndex(({ size }) => size === event.size);
    event.side = index === -1 ? 0 : this.#sides.splice(index, 1)[0]!.side;
    event.kind = EventKind.trade;
    event.flags = EventFlag.last;
    event.id = 0;
    writer.write();
  }

  #parse(json: string): LoggedOrder {
    try {
      return JSON.parse(json) as LoggedOrder;
    } catch {
      throw this.refusal(excerpt(json), "JSON");
    }
  }

  #number(value: string | number): number {
    const number = Number(value);
    if (number - number === 0 && value !== "") return number;
    throw this.refusal(excerpt(String(value)), "a number");
  }
}
