/**
 * BitMEX's tables: `orderBookL2` (levels named by ids that an insertion or the first image gives a price), `quote` where there is no book, `trade`,
 * `instrument` (mark, index, funding, open interest). The feed has no sequence numbers: a change of an id that nobody knows is a gap, as is a
 * new connection. Before the first image (`partial`) rows are left out, as its documentation says. In captures of before 2022 rows of
 * the book carry no time; then everything happens when it was received, so that books and trades keep their order.
 * Method: https://www.bitmex.com/app/wsAPI
 */
import { EventFlag, EventKind, ValueField } from "../../event.ts";
import type { EventWriter } from "./event-writer.ts";
import { stepFrom } from "./scale-text.ts";
import { VenueDecoderBase, type Captured, type Survey, type Venue, type VenueContext } from "./venue.ts";

export const bitmex: Venue = {
  name: "bitmex",
  survey,
  decoder: (context) => new BitmexDecoder(context),
};

interface Row extends Readonly<Record<string, unknown>> {
  readonly symbol: string;
  readonly timestamp?: string;
}

interface TableMessage {
  readonly table?: string;
  readonly action?: "partial" | "insert" | "update" | "delete";
  readonly data?: readonly Row[];
  /** Of an image: whose it is, also when it is empty. */
  readonly filter?: { readonly symbol?: string };
}

const isBookTable = (table: string): boolean => table.startsWith("orderBookL2");
const kinds: Readonly<Record<string, "perpetual" | "future" | "spot">> = {
  FFWCSX: "perpetual",
  FFCCSX: "future",
  IFXXXP: "spot",
};

function survey({ body }: Captured, found: Survey): void {
  if (Array.isArray(body)) {
    for (const row of body as Row[]) if (typeof row === "object" && row?.symbol !== undefined) list(row, found);
    return;
  }
  const { table, data } = body as TableMessage;
  if (table === undefined || data === undefined) return;
  const isBook = isBookTable(table);
  for (const row of data) {
    if (table === "instrument" && row["tickSize"] !== undefined) list(row, found);
    if (!isBook && table !== "trade" && table !== "quote" && table !== "instrument") continue;
    const seen = found.instrument(row.symbol);
    seen.hasBook ||= isBook;
    if (typeof row.timestamp === "string") found.time(Date.parse(row.timestamp));
    if (isBook && row.timestamp !== undefined) found.hasBookTimes = true;
    if (isBook && row["price"] !== undefined) seen.prices.show(Number(row["price"]));
    if (row["size"] !== undefined) seen.sizes.show(Number(row["size"]));
    for (const side of table === "quote" ? ["bid", "ask"] : []) {
      seen.prices.show(Number(row[`${side}Price`] ?? NaN));
      seen.sizes.show(Number(row[`${side}Size`] ?? NaN));
    }
  }
}

function list(row: Row, found: Survey): void {
  const tick = stepFrom(row["tickSize"] as number | undefined);
  const lot = stepFrom(row["lotSize"] as number | undefined);
  const kind = kinds[String(row["typ"])] ?? "other";
  found.listed.set(row.symbol, {
    kind,
    ...(tick === undefined ? {} : { tick }),
    ...(lot === undefined ? {} : { lot }),
  });
}

class BitmexDecoder extends VenueDecoderBase {
  /** Price in ticks of every level, by id; absent before the first image. */
  readonly #levels: (Map<number, number> | undefined)[];

  constructor(context: VenueContext) {
    super(context);
    this.#levels = context.instruments.map(() => undefined);
  }

  override reconnected(timeNs: number, writer: EventWriter): void {
    this.#levels.fill(undefined);
    super.reconnected(timeNs, writer);
  }

  message({ body, receivedNs }: Captured, writer: EventWriter): void {
    const { table, action, data, filter } = body as TableMessage;
    if (table === undefined || action === undefined || data === undefined) {
      this.skippedCount++;
      return;
    }
    for (let from = 0; from < data.length; ) {
      let to = from + 1;
      while (to < data.length && data[to]!.symbol === data[from]!.symbol) to++;
      const index = this.context.index(data[from]!.symbol);
      const rows = data.slice(from, to);
      if (index === -1) this.skippedCount++;
      else if (isBookTable(table)) this.#book(action, rows, index, receivedNs, writer);
      else if (table === "trade" && action === "insert") this.#trades(rows, index, receivedNs, writer);
      else if (table === "quote" && action === "insert") this.#quotes(rows, index, receivedNs, writer);
      else if (table === "instrument") this.#values(rows, index, receivedNs, writer);
      else this.skippedCount++;
      from = to;
    }
    const empty = this.context.index(filter?.symbol);
    if (data.length > 0) return;
    if (action === "partial" && isBookTable(table) && empty !== -1) this.#book(action, [], empty, receivedNs, writer);
    else this.skippedCount++;
  }

  #book(action: string, rows: readonly Row[], index: number, receivedNs: number, writer: EventWriter): void {
    const timeNs = rows.length === 0 ? receivedNs : this.#time(rows[0]!, receivedNs);
    let levels = this.#levels[index];
    if (action === "partial") {
      levels = this.#levels[index] = new Map();
      this.broken.delete(index);
    }
    if (levels === undefined) {
      this.skippedCount++;
      return;
    }
    if (action !== "partial" && action !== "insert" && rows.some((row) => !levels.has(row["id"] as number))) {
      this.gap(index, timeNs, receivedNs, writer);
      this.#levels[index] = undefined;
      return;
    }
    const first = writer.batch.count;
    if (action === "partial") this.clear(writer, index, timeNs, receivedNs);
    else this.begin(writer, EventKind.level, index, timeNs, receivedNs);
    for (const row of rows) {
      const id = row["id"] as number;
      if (action === "partial" || action === "insert") levels.set(id, this.context.ticks(index, row["price"]));
      const price = levels.get(id) as number;
      if (action === "delete") levels.delete(id);
      const lots = action === "delete" ? 0 : this.context.lots(index, row["size"]);
      this.level(writer, row["side"] === "Buy" ? 1 : -1, price, lots);
    }
    writer.close(first);
  }

  #trades(rows: readonly Row[], index: number, receivedNs: number, writer: EventWriter): void {
    const first = writer.batch.count;
    for (const row of rows) {
      this.begin(writer, EventKind.trade, index, this.#time(row, receivedNs), receivedNs);
      const { event } = writer;
      event.side = row["side"] === "Buy" ? 1 : row["side"] === "Sell" ? -1 : 0;
      event.price = this.context.tradeTicks(index, row["price"]);
      event.size = this.context.lots(index, row["size"]);
      if (row["trdType"] !== undefined && row["trdType"] !== "Regular") event.flags = EventFlag.hidden;
      writer.write();
    }
    writer.close(first);
  }

  #quotes(rows: readonly Row[], index: number, receivedNs: number, writer: EventWriter): void {
    if (this.context.survey.instrument(rows[0]!.symbol).hasBook) {
      this.skippedCount++;
      return;
    }
    for (const row of rows) {
      const times = { timeNs: this.#time(row, receivedNs), receivedNs };
      this.image(writer, index, times, {
        bids: row["bidPrice"] === undefined ? [] : [[row["bidPrice"], row["bidSize"]]],
        asks: row["askPrice"] === undefined ? [] : [[row["askPrice"], row["askSize"]]],
      });
    }
  }

  #values(rows: readonly Row[], index: number, receivedNs: number, writer: EventWriter): void {
    for (const row of rows) {
      const first = writer.batch.count;
      this.begin(writer, EventKind.value, index, this.#time(row, receivedNs), receivedNs);
      this.value(writer, ValueField.markPrice, row["markPrice"]);
      this.value(writer, ValueField.indexPrice, row["indicativeSettlePrice"]);
      this.value(writer, ValueField.openInterest, row["openInterest"]);
      this.value(writer, ValueField.funding, row["fundingRate"]);
      writer.close(first);
    }
  }

  #time(row: Row, receivedNs: number): number {
    const isVenues = this.context.survey.hasBookTimes || !this.#hasBooks() || Number.isNaN(receivedNs);
    return isVenues && row.timestamp !== undefined ? this.context.isoNs(row.timestamp) : receivedNs;
  }

  #hasBooks(): boolean {
    for (const { hasBook } of this.context.survey.seen.values()) if (hasBook) return true;
    return false;
  }
}
