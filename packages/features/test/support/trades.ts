/** Trades for the naive second implementations: tapes with every kind of trade, and their signs by rules that look at the whole past. */
import { EventFlag, EventKind, type EventBatch } from "../../src/event.ts";
import { every } from "../../src/graph/clock.ts";
import { features } from "../../src/graph/graph.ts";
import type { Feature, Table } from "../../src/graph/operator.ts";
import type { TradeSignSettings } from "../../src/trades/trade-sign.ts";
import type { Moment } from "./history.ts";
import { makeRandom, originNs, randomOrders, testInstrument } from "./random-market.ts";

/** A market with hidden trades and trades without a flag, with stamps in steps of `stepNs`, so that many are equal. */
export function randomTape(
  seed: number,
  count: number,
  { stepNs = 5e7, hostile = true }: { readonly stepNs?: number; readonly hostile?: boolean } = {},
): EventBatch {
  const batch = randomOrders(seed, count, { hostile });
  const random = makeRandom(seed + 1);
  for (let row = 0; row < count; row++) {
    batch.timeNs[row] = Math.floor(batch.timeNs[row]! / stepNs) * stepNs;
    if (batch.kind[row] !== EventKind.trade) continue;
    if (random() < 0.2) batch.side[row] = 0;
    if (random() < 0.1) batch.flags[row]! |= EventFlag.hidden;
  }
  return batch;
}

export interface NaiveTrade {
  /** Index of its moment. */
  readonly index: number;
  readonly timeNs: number;
  readonly price: number;
  readonly size: number;
  readonly flag: number;
  readonly hidden: boolean;
  readonly bid: number;
  readonly ask: number;
  readonly sign: number;
}

/** The state of the book after a moment that settled it, or NaN where it is not usable. */
export const quoteOf = (moment: Moment | undefined): { bid: number; ask: number } =>
  moment?.usable === true ? { bid: moment.bids[0]!.price, ask: moment.asks[0]!.price } : { bid: NaN, ask: NaN };

/** Best bid plus best ask at the last settled moment before `timeNs`. */
export function twiceMidBefore(moments: readonly Moment[], timeNs: number): number {
  const { bid, ask } = quoteOf(moments.findLast((moment) => moment.settled && moment.timeNs < timeNs));
  return bid + ask;
}

/** Every trade that counts, with its sign. */
export function naiveTrades(
  moments: readonly Moment[],
  { rule = "aggressor", flag = "prefer", lag = 0, earlier = "time", hidden = "leave-out" }: TradeSignSettings = {},
): NaiveTrade[] {
  const trades: NaiveTrade[] = [];
  for (const [index, { event, timeNs }] of moments.entries()) {
    if (event.kind !== EventKind.trade) continue;
    const isHidden = (event.flags & EventFlag.hidden) !== 0;
    if (isHidden && hidden === "leave-out") continue;
    const { price } = event;
    if (rule === "aggressor") {
      const [bid, ask, sign] = [NaN, NaN, event.side];
      trades.push({ index, timeNs, price, size: event.size, flag: sign, hidden: isHidden, bid, ask, sign });
      continue;
    }
    const end = timeNs - lag;
    const { bid, ask } = quoteOf(
      moments
        .slice(0, index)
        .findLast((moment) => moment.settled && (earlier === "time" ? moment.timeNs < end : moment.timeNs <= end)),
    );
    const since = moments.slice(0, index).findLastIndex((moment) => moment.event.kind === EventKind.gap);
    const other = trades.findLast((trade) => trade.index > since && trade.price !== price);
    const moved = trades.findLast((trade, at) => {
      const before = trades[at - 1];
      return before !== undefined && before.index > since && before.price !== trade.price;
    });
    const lastPrice = trades.findLast((trade) => trade.index > since)?.price;
    const tick =
      lastPrice !== undefined && lastPrice !== price
        ? Math.sign(price - lastPrice)
        : other === undefined || moved === undefined
          ? 0
          : Math.sign(moved.price - trades[trades.indexOf(moved) - 1]!.price);
    const middle = Number.isNaN(bid) ? 0 : Math.sign(price - (bid + ask) / 2);
    const near = 0.3 * (ask - bid) + 1e-9;
    const byRule = {
      tick,
      quote: middle,
      "lee-ready": middle === 0 ? tick : middle,
      emo: price === ask ? 1 : price === bid ? -1 : tick,
      clnv: price <= ask && price >= ask - near ? 1 : price >= bid && price <= bid + near ? -1 : tick,
    }[rule];
    const sign = flag === "prefer" && event.side !== 0 ? event.side : byRule;
    trades.push({ index, timeNs, price, size: event.size, flag: event.side, hidden: isHidden, bid, ask, sign });
  }
  return trades;
}

export interface TableRow {
  readonly timeNs: number;
  readonly values: readonly number[];
  /** When it was emitted. */
  readonly emittedNs: number;
}

/** All rows of a table over a batch. */
export function tableRows(table: Table, batch: EventBatch): TableRow[] {
  const rows: TableRow[] = [];
  let now = (): number => NaN;
  const stream = features({ instruments: [testInstrument()], originNs, clock: every.trade() })
    .table("table", table)
    .stream({ onTableRow: (_, timeNs, values) => void rows.push({ timeNs, values: [...values], emittedNs: now() }) });
  now = () => stream.timeNs;
  stream.pushBatch(batch);
  return rows;
}

/** The values of a feature after each event of a kind, however it is clocked: for examples that are worked out by hand. */
export function valuesAfter(feature: Feature, batch: EventBatch, clock = every.event()): number[][] {
  const graph = features({ instruments: [testInstrument()], originNs, clock }).add(feature);
  const rows: number[][] = [];
  graph.batch([batch], { onRow: (row) => void rows.push([...row.subarray(2)]) });
  return rows;
}

export interface NaiveInterval {
  readonly endNs: number;
  readonly whole: boolean;
  readonly trades: readonly NaiveTrade[];
  readonly twiceMidBefore: number;
  readonly twiceMid: number;
}

/** The intervals that are over at `timeNs`, with the trades since the last gap inside; `step` divides a second or is a multiple of it. */
export function naiveIntervals(
  moments: readonly Moment[],
  timeNs: number,
  { step, ...signs }: { readonly step: number } & TradeSignSettings,
): NaiveInterval[] {
  const gaps = moments.filter(({ event }) => event.kind === EventKind.gap);
  const begun = moments.find(({ event, settled }) => settled || event.kind === EventKind.trade);
  if (begun === undefined) return [];
  const first = (Math.floor(begun.timeNs / step) + 1) * step;
  const trades = naiveTrades(moments, signs);
  const result: NaiveInterval[] = [];
  for (let endNs = first; endNs <= timeNs; endNs += step) {
    const isInside = (at: number): boolean => at >= endNs - step && at < endNs;
    const gap = moments.indexOf(gaps.findLast((moment) => isInside(moment.timeNs))!);
    result.push({
      endNs,
      whole: endNs > first && gap === -1,
      trades: trades.filter((trade) => isInside(trade.timeNs) && trade.index > gap),
      twiceMidBefore: twiceMidBefore(moments, endNs - step),
      twiceMid: twiceMidBefore(moments, endNs),
    });
  }
  return result;
}

/** Time of the last gap, before which nothing counts. */
export const lastGapNs = (moments: readonly Moment[]): number =>
  moments.findLast(({ event }) => event.kind === EventKind.gap)?.timeNs ?? -Infinity;
