/** Writes the two files of LOBSTER from L3 events, with the levels that a naive book shows, from any event on. */
import { EventKind, type EventBatch } from "../../src/event.ts";
import { NaiveBook, type NaiveLevel } from "./naive-book.ts";
import { objectsOf } from "./sources.ts";

export interface LobsterFiles {
  readonly messages: string;
  readonly rows: string;
  /** What each row shows, best first: price in ticks (cents), size. */
  readonly shown: readonly { readonly bids: number[][]; readonly asks: number[][] }[];
}

const noLevel = 9_999_999_999;

/** Events before `from` shape the book, but no message tells of them. A modification is a deletion and an addition there. */
export function lobsterOf(batch: EventBatch, { levels, from }: { levels: number; from: number }): LobsterFiles {
  const book = new NaiveBook();
  const messages: string[] = [];
  const rows: string[] = [];
  const shown: { bids: number[][]; asks: number[][] }[] = [];
  for (const [index, event] of objectsOf(batch).entries()) {
    const order = book.orders.find(({ id }) => id === event.id);
    const size = order === undefined ? event.size : Math.min(order.size, event.size);
    const tell = (type: number, lots: number, price: number, side: number): void => {
      if (index < from) return;
      const seconds = Math.floor(event.timeNs / 1e9);
      const time = `${34_200 + seconds}.${String(event.timeNs % 1e9).padStart(9, "0")}`;
      messages.push([time, type, event.id, lots, price * 100, side].join(","));
      const [bids, asks] = [book.levels(1).slice(0, levels), book.levels(-1).slice(0, levels)];
      const cells = (level: NaiveLevel | undefined, none: number): number[] =>
        level === undefined ? [none, 0] : [level.price * 100, level.size];
      rows.push(
        Array.from({ length: levels }, (_, at) => [...cells(asks[at], noLevel), ...cells(bids[at], -noLevel)]).join(
          ",",
        ),
      );
      const plain = (side: readonly NaiveLevel[]): number[][] => side.map((level) => [level.price, level.size]);
      shown.push({ bids: plain(bids), asks: plain(asks) });
    };
    if (event.kind === EventKind.add) {
      book.apply(event);
      tell(1, event.size, event.price, event.side);
    } else if (event.kind === EventKind.trade) {
      // Every trade takes the whole best level, so that deeper ones come into view.
      for (const id of book.levels(event.side)[0]?.ids ?? []) {
        const { price, side, size: all } = book.orders.find((one) => one.id === id)!;
        event.id = id;
        book.apply({ ...event, kind: EventKind.execute, size: all });
        tell(4, all, price, side);
      }
    } else if (order !== undefined && (event.kind === EventKind.cancel || event.kind === EventKind.execute)) {
      const type = event.kind === EventKind.execute ? 4 : size === order.size ? 3 : 2;
      const { price, side } = order;
      book.apply(event);
      tell(type, size, price, side);
    }
  }
  return { messages: `${messages.join("\n")}\n`, rows: `${rows.join("\n")}\n`, shown };
}
