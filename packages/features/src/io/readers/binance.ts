/**
 * Binance, spot and futures: depth differences with the snapshot that they continue, best quotes, trades, mark prices (forced liquidations are left out and counted: they are trades too).
 * A snapshot (an answer to `/depth?symbol=...`) with `lastUpdateId` is continued by the first difference that spans it; after it
 * each names the one before (`pu` of futures; `U` one above of spot). Until a snapshot fits, and after a break, the book is not to be
 * believed (a gap), and the differences since then are kept to be applied on the next snapshot.
 * Method: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/How-to-manage-a-local-order-book-correctly
 */
import { EventFlag, EventKind, ValueField } from "../../event.ts";
import type { EventWriter } from "./event-writer.ts";
import { stepFrom } from "./scale-text.ts";
import {
  VenueDecoderBase,
  type Captured,
  type Level,
  type Listed,
  type Survey,
  type Venue,
  type VenueContext,
} from "./venue.ts";

export const binance: Venue = {
  name: "binance",
  survey,
  decoder: (context) => new BinanceDecoder(context),
};

interface Data extends Readonly<Record<string, unknown>> {
  readonly e?: string;
  readonly s?: string;
  /** Of a difference: first and last update that it holds, and last one of the difference before (futures). */
  readonly U?: number;
  readonly u?: number;
  readonly pu?: number;
  readonly b?: unknown;
  readonly a?: unknown;
}

interface Snapshot {
  readonly lastUpdateId: number;
  readonly T?: number;
  readonly E?: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

interface SymbolData {
  readonly symbol: string;
  readonly contractType?: string;
  readonly filters: readonly { readonly filterType: string; readonly tickSize?: string; readonly stepSize?: string }[];
}

const dataOf = (body: unknown): Data => ((body as { readonly data?: Data }).data ?? body) as Data;
const snapshotSymbol = (url: string): string | undefined => /\/depth\?.*\bsymbol=(\w+)/.exec(url)?.[1];
/** A best quote of the spot market does not say what it is. */
const kindOf = (data: Data): string => data.e ?? (data.B !== undefined && data.A !== undefined ? "bookTicker" : "");

function survey({ body, url }: Captured, found: Survey): void {
  const list = (body as { readonly symbols?: readonly SymbolData[] }).symbols;
  if (Array.isArray(list)) {
    for (const one of list as SymbolData[]) found.listed.set(one.symbol, listedOf(one));
    return;
  }
  const symbol = snapshotSymbol(url);
  if (symbol !== undefined) {
    const { bids, asks } = body as Snapshot;
    showLevels(found, symbol, [...bids, ...asks]);
    return;
  }
  const data = dataOf(body);
  const kind = kindOf(data);
  if (typeof data.s !== "string") return;
  if (typeof data["E"] === "number") found.time(data["E"]);
  if (kind === "depthUpdate") {
    showLevels(found, data.s, [...(data.b as Level[]), ...(data.a as Level[])]);
    found.instrument(data.s).hasBook = true;
  } else if (kind === "bookTicker")
    showLevels(found, data.s, [
      [data.b, data["B"]],
      [data.a, data["A"]],
    ]);
  else if (kind === "aggTrade" || kind === "trade") found.instrument(data.s).sizes.show(Number(data["q"]));
  else if (kind === "markPriceUpdate") found.instrument(data.s);
}

function showLevels(found: Survey, symbol: string, levels: readonly Level[]): void {
  const seen = found.instrument(symbol);
  for (const [price, size] of levels) {
    seen.prices.show(Number(price));
    seen.sizes.show(Number(size));
  }
}

function listedOf({ contractType, filters }: SymbolData): Listed {
  const tick = stepFrom(filters.find(({ filterType }) => filterType === "PRICE_FILTER")?.tickSize);
  const lot = stepFrom(filters.find(({ filterType }) => filterType === "LOT_SIZE")?.stepSize);
  const kind = contractType === undefined ? "spot" : contractType === "PERPETUAL" ? "perpetual" : "future";
  return { kind, ...(tick === undefined ? {} : { tick }), ...(lot === undefined ? {} : { lot }) };
}

/** A difference that waits for its snapshot. */
interface Waiting {
  readonly data: Data;
  readonly receivedNs: number;
}

/** Where a book is in the chain of differences. */
interface Chain {
  /** Last update that the book holds; NaN while it is not to be believed. */
  last: number;
  /** The snapshot has not been continued yet. */
  fresh: boolean;
  waiting: Waiting[];
}

/** More differences than this are not kept for a snapshot: an older one would be of no use. */
const waitingMax = 10_000;

class BinanceDecoder extends VenueDecoderBase {
  readonly #chains: readonly Chain[];

  constructor(context: VenueContext) {
    super(context);
    this.#chains = context.instruments.map(() => ({ last: NaN, fresh: false, waiting: [] }));
  }

  message({ body, url, receivedNs }: Captured, writer: EventWriter): void {
    const symbol = snapshotSymbol(url);
    const data = dataOf(body);
    const index = this.context.index(symbol ?? data.s);
    const kind = kindOf(data);
    if (index === -1) this.skippedCount++;
    else if (symbol !== undefined) this.#snapshot(body as Snapshot, index, receivedNs, writer);
    else if (kind === "depthUpdate") this.#difference({ data, receivedNs }, index, writer);
    else if (kind === "bookTicker") this.#quote(data, index, receivedNs, writer);
    else if (kind === "aggTrade" || kind === "trade") this.#trade(data, index, receivedNs, writer);
    else if (kind === "markPriceUpdate") this.#mark(data, index, receivedNs, writer);
    else this.skippedCount++;
  }

  override reconnected(timeNs: number, writer: EventWriter): void {
    for (const chain of this.#chains) Object.assign(chain, { last: NaN, waiting: [] });
    super.reconnected(timeNs, writer);
  }

  #difference(difference: Waiting, index: number, writer: EventWriter): void {
    const chain = this.#chains[index] as Chain;
    const { data, receivedNs } = difference;
    if (!Number.isNaN(chain.last) && !continues(chain, data)) {
      if ((data.u as number) <= chain.last) {
        this.skippedCount++;
        return;
      }
      chain.last = NaN;
      chain.waiting = [];
      this.gap(index, this.#time(data, receivedNs), receivedNs, writer);
    } else if (Number.isNaN(chain.last) && !this.broken.has(index)) {
      // The stream begins before its snapshot: nothing was missed, but there is no book yet.
      this.gap(index, this.#time(data, receivedNs), receivedNs, writer);
      this.gapsCount--;
    }
    if (Number.isNaN(chain.last)) {
      if (chain.waiting.length === waitingMax) chain.waiting.shift();
      chain.waiting.push(difference);
    } else Object.assign(chain, { last: data.u, fresh: false });
    this.#apply(difference, index, writer);
  }

  #snapshot(snapshot: Snapshot, index: number, receivedNs: number, writer: EventWriter): void {
    const chain = this.#chains[index] as Chain;
    const { lastUpdateId } = snapshot;
    const behind = chain.waiting.filter(({ data }) => (data.u as number) > lastUpdateId);
    const attempt: Chain = { last: lastUpdateId, fresh: true, waiting: [] };
    for (const { data } of behind) {
      if (!continues(attempt, data)) {
        // Older than what is kept: of no use.
        this.skippedCount++;
        return;
      }
      Object.assign(attempt, { last: data.u, fresh: false });
    }
    Object.assign(chain, attempt);
    this.broken.delete(index);
    const stamp = snapshot.T ?? snapshot.E;
    const timeNs = stamp === undefined ? receivedNs : this.context.timeNs(stamp);
    const first = writer.batch.count;
    this.clear(writer, index, timeNs, receivedNs);
    this.#levels(snapshot.bids, 1, index, writer);
    this.#levels(snapshot.asks, -1, index, writer);
    writer.close(first);
    for (const difference of behind) this.#apply(difference, index, writer);
  }

  #apply({ data, receivedNs }: Waiting, index: number, writer: EventWriter): void {
    const first = writer.batch.count;
    this.begin(writer, EventKind.level, index, this.#time(data, receivedNs), receivedNs);
    this.#levels(data.b as Level[], 1, index, writer);
    this.#levels(data.a as Level[], -1, index, writer);
    writer.close(first);
  }

  #levels(levels: readonly Level[], side: 1 | -1, index: number, writer: EventWriter): void {
    for (const [price, size] of levels)
      this.level(writer, side, this.context.ticks(index, price), this.context.lots(index, size));
  }

  #quote(data: Data, index: number, receivedNs: number, writer: EventWriter): void {
    if (this.context.survey.instrument(data.s as string).hasBook) {
      this.skippedCount++;
      return;
    }
    const times = { timeNs: this.#time(data, receivedNs), receivedNs };
    this.image(writer, index, times, { bids: [[data.b, data["B"]]], asks: [[data.a, data["A"]]] });
  }

  #trade(data: Data, index: number, receivedNs: number, writer: EventWriter): void {
    this.begin(writer, EventKind.trade, index, this.#time(data, receivedNs), receivedNs);
    const { event } = writer;
    // `m`: the buyer was the maker.
    event.side = data["m"] === true ? -1 : 1;
    event.price = this.context.tradeTicks(index, data["p"]);
    event.size = this.context.lots(index, data["q"]);
    event.flags = EventFlag.last;
    writer.write();
  }

  #mark(data: Data, index: number, receivedNs: number, writer: EventWriter): void {
    const first = writer.batch.count;
    this.begin(writer, EventKind.value, index, this.context.timeNs(data["E"]), receivedNs);
    this.value(writer, ValueField.markPrice, data["p"]);
    this.value(writer, ValueField.indexPrice, data["i"]);
    this.value(writer, ValueField.funding, data["r"]);
    writer.close(first);
  }

  #time(data: Data, receivedNs: number): number {
    const stamp = data["T"] ?? data["E"];
    return stamp === undefined ? receivedNs : this.context.timeNs(stamp);
  }
}

/** Whether a difference is the next one of a book. */
function continues({ last, fresh }: Chain, data: Data): boolean {
  const [first, end, before] = [data.U as number, data.u as number, data.pu];
  if (fresh) return first <= last + 1 && last <= end;
  return before === undefined ? first === last + 1 : before === last;
}
