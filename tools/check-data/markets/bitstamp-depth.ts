/**
 * Bitstamp's orders beside what the R package obAnalytics computed from them: best prices and lots in 20 bands of 25 basis points from each
 * best, at every time at which its row is the last one (rows of one millisecond have no order of their own). What it computes is not the whole
 * book but the book by three rules of its own, which are followed here: orders that it types `market` or `pacman`, or takes for lost, are left out;
 * a level at or through the other side's best is ignored; bands are equal parts of the prices in cents. Its `best.bid.vol` is stale
 * after a new higher bid, a known defect, so it is not compared.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Book } from "@stoa/features/book/book";
import { blankEvent, EventKind, readEvent } from "@stoa/features/event";
import { openSource } from "@stoa/features/io/readers/open";
import type { EventSource } from "@stoa/features/io/source";
import type { Agreement } from "./agreement.ts";
import { readTable, type Table } from "./table.ts";

const bandBps = 25;
const bandsCount = 20;

export async function checkBitstamp(folder: string): Promise<Agreement[]> {
  const place = join(folder, "bitstamp-l3");
  if (!existsSync(join(place, "orders.csv.gz"))) return [];
  const source = await openSource(join(place, "orders.csv.gz"));
  const summary = readTable(join(place, "oracle", "depth_summary.csv.gz"));
  const events = readTable(join(place, "oracle", "events.csv.gz"));
  const types = events.texts("type");
  const counted = new Set(events.numbers("id").filter((_, row) => types[row] !== "market" && types[row] !== "pacman"));
  return [
    ...(await checkDepth(source, summary, counted)),
    ...(await checkTrades(source, readTable(join(place, "oracle", "trades.csv")))),
  ];
}

async function checkDepth(source: EventSource, summary: Table, counted: ReadonlySet<number>): Promise<Agreement[]> {
  const originMs = Number(source.originNs / 1_000_000n);
  const times = summary.numbers("timestamp_ms");
  const bands = (side: string): number[][] =>
    Array.from({ length: bandsCount }, (_, band) => summary.numbers(`${side}.vol${(band + 1) * bandBps}bps`));
  const theirs = [
    { best: summary.numbers("best.bid.price"), bands: bands("bid") },
    { best: summary.numbers("best.ask.price"), bands: bands("ask") },
  ] as const;
  const askSize = summary.numbers("best.ask.vol");
  const agreed = { best: [0, 0], bands: [0, 0], askSize: 0, compared: 0 };
  const ours = [new RuledSide(1), new RuledSide(-1)] as const;
  const compare = (row: number): void => {
    agreed.compared++;
    for (const side of [0, 1] as const) {
      if (ours[side].best === Math.round(theirs[side].best[row]! * 100)) agreed.best[side]!++;
      const bands = ours[side].bands();
      for (let band = 0; band < bandsCount; band++)
        if (isEqual(bands[band]!, theirs[side].bands[band]![row]!)) agreed.bands[side]!++;
    }
    if (ours[1].levels.get(ours[1].best) === askSize[row]) agreed.askSize++;
  };
  const book = new Book();
  const event = blankEvent();
  let row = 0;
  for await (const batch of source.batches()) {
    for (let at = 0; at < batch.count; at++) {
      readEvent(batch, at, event);
      const nowMs = originMs + event.timeNs / 1e6;
      for (; row < times.length && times[row]! < nowMs; row++) if (times[row + 1] !== times[row]) compare(row);
      if (!counted.has(event.id) || !book.apply(event) || !book.change.known) continue;
      const { side, price, priceBefore } = book.change;
      const [own, other] = side === 1 ? ours : [ours[1], ours[0]];
      for (const changed of new Set([priceBefore, price])) {
        const place = book.side(side).find(changed);
        if (!Number.isNaN(changed)) own.set(changed, place < 0 ? 0 : book.side(side).size[place]!, other.best);
      }
    }
  }
  const share = (what: string, count: number, total: number): Agreement => ({
    what: `Bitstamp, obAnalytics: ${what}`,
    agreed: count,
    total,
    required: 0.99,
  });
  const { compared } = agreed;
  return [
    share("best bid", agreed.best[0]!, compared),
    share("best ask", agreed.best[1]!, compared),
    share("size of the best ask", agreed.askSize, compared),
    share("lots in 20 bands of 25 bps of bids", agreed.bands[0]!, compared * bandsCount),
    share("lots in 20 bands of 25 bps of asks", agreed.bands[1]!, compared * bandsCount),
  ];
}

/** One side by the package's rules: prices in cents. */
class RuledSide {
  readonly levels = new Map<number, number>();
  best: number;
  readonly #sign: 1 | -1;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
    this.best = -sign * Infinity;
  }

  set(price: number, lots: number, otherBest: number): void {
    if (this.#sign * price >= this.#sign * otherBest) return;
    if (lots > 0) this.levels.set(price, lots);
    else this.levels.delete(price);
    if (lots > 0 && this.#sign * price > this.#sign * this.best) this.best = price;
    if (lots > 0 || price !== this.best) return;
    this.best = -this.#sign * Infinity;
    for (const one of this.levels.keys()) if (this.#sign * one > this.#sign * this.best) this.best = one;
  }

  /** Lots in bands: equal parts, rounded up, of the prices in cents from the best to 500 basis points away. */
  bands(): Float64Array {
    const bands = new Float64Array(bandsCount);
    const end = Math.round((1 - this.#sign * bandBps * bandsCount * 1e-4) * this.best);
    const prices = Math.abs(end - this.best) + 1;
    for (const [price, lots] of this.levels) {
      const place = Math.abs(price - this.best);
      let band = 0;
      while (band < bandsCount && place >= Math.ceil(((band + 1) * prices) / bandsCount)) band++;
      if (band < bandsCount) bands[band]! += lots;
    }
    return bands;
  }
}

/** Its sums were written with ten digits. */
const isEqual = (ours: number, theirs: number): boolean => Math.abs(ours - theirs) <= 1e-9 * Math.abs(theirs);

/** Trades by price, size and side of the aggressor; each of ours is used once. */
async function checkTrades(source: EventSource, theirs: Table): Promise<Agreement[]> {
  const ours = new Map<string, number>();
  const event = blankEvent();
  for await (const batch of source.batches()) {
    for (let at = 0; at < batch.count; at++) {
      readEvent(batch, at, event);
      if (event.kind !== EventKind.trade) continue;
      const key = `${event.price} ${event.size} ${event.side}`;
      ours.set(key, (ours.get(key) ?? 0) + 1);
    }
  }
  const price = theirs.numbers("price");
  const volume = theirs.numbers("volume");
  const directions = theirs.texts("direction");
  let agreed = 0;
  for (let row = 0; row < theirs.count; row++) {
    const key = `${Math.round(price[row]! * 100)} ${volume[row]} ${directions[row] === "buy" ? 1 : -1}`;
    const left = ours.get(key) ?? 0;
    if (left === 0) continue;
    ours.set(key, left - 1);
    agreed++;
  }
  return [
    {
      what: "Bitstamp, obAnalytics: trades by price, size and side of the aggressor",
      agreed,
      total: theirs.count,
      required: 0.98,
    },
  ];
}
