/**
 * A run of a graph: takes events, keeps the books, tells the operators, writes rows. One event costs what its operators do and
 * nothing else: after the beginning nothing is made but the number that is its time. Times never run backwards: an event that is stamped earlier than one before it counts as of then.
 */
import { assert } from "@stoa/base/assert";
import { blankEvent, copyEvent, EventFlag, EventKind, readEvent, type EventBatch, type MarketEvent } from "../event.ts";
import { Market } from "../market.ts";
import { FeatureRefusal } from "../refusal.ts";
import { loadMemory, saveMemory, StateReader, StateWriter, type Memory } from "../state.ts";
import type { ColumnNormaliser } from "./normaliser.ts";
import { loopedCalls, type PlacedWriter } from "./calls.ts";
import type { GraphPlan } from "./plan.ts";
import { definitionKey, type Alarm, type Context, type Feature, type Operator, type TableContext } from "./operator.ts";

export interface StreamHandlers {
  /** A row is ready. The array is reused for the next: copy what is to stay. */
  onRow?(row: Float64Array, stream: FeatureStream): void;
  /** A row of a table is ready; `table` is its index in the graph. The array is reused. */
  onTableRow?(table: number, timeNs: number, values: Float64Array): void;
}

/** The operators that want to hear of one instrument, by what they want to hear, in the order in which they are told. */
interface Listeners {
  readonly trade: Required<Pick<Operator, "onTrade">>[];
  readonly change: Required<Pick<Operator, "onChange">>[];
  readonly book: Required<Pick<Operator, "onBook">>[];
  readonly value: Required<Pick<Operator, "onValue">>[];
  readonly gap: Required<Pick<Operator, "onGap">>[];
}

interface NormalisedColumn {
  readonly column: ColumnNormaliser;
  readonly from: number;
  readonly to: number;
}

interface PendingAlarm {
  atNs: number;
  readonly ring: (timeNs: number) => void;
}

const never = Infinity;
/**
 * What a field holds first that is to keep its numbers as objects: V8 then hands the time of an event to all operators as the one object
 * that was made when it came, instead of making one for every call.
 */
const unboxed = undefined as unknown as number;

export class FeatureStream {
  /** The last row. */
  readonly row: Float64Array;
  readonly markets: readonly Market[];
  /** Of the row that is being written, or of the last event: nanoseconds since the origin. */
  timeNs: number = unboxed;
  eventsCount = 0;
  rowsCount = 0;
  /** Events stamped earlier than one before them. */
  lateCount = 0;
  /** Of the last block of a chain; NaN without one. */
  height = NaN;
  /** Whether every feature has seen its lookback: once they all have, until the next gap. */
  warm = false;
  readonly #graph: GraphPlan;
  readonly #handlers: StreamHandlers;
  readonly #listeners: Listeners[];
  readonly #shared = new Map<string, Operator>();
  readonly #writers: PlacedWriter[] = [];
  readonly #write: (row: Float64Array, timeNs: number) => void;
  /** By instrument: tells all who listen to its book. */
  readonly #tellBook: ((market: Market, timeNs: number) => void)[];
  readonly #tellChange: ((event: MarketEvent, market: Market) => void)[];
  readonly #normalisers: NormalisedColumn[] = [];
  readonly #warmers: Required<Pick<Operator, "isWarm">>[] = [];
  readonly #blockListeners: Required<Pick<Operator, "onBlock">>[] = [];
  readonly #rowListeners: Required<Pick<Operator, "onRow">>[] = [];
  readonly #memories: Memory[] = [];
  readonly #alarms: PendingAlarm[] = [];
  #nextAlarmNs = never;
  readonly #event: MarketEvent = blankEvent();
  readonly #clock: { tradedLots: number; traded: boolean; shallowest: number };
  readonly #rowAlarm: PendingAlarm | undefined;
  /** What the clock's kind asks for, taken apart for the inner loop. */
  readonly #rowAfterBook: number;
  readonly #rowAfterEvent: boolean;
  readonly #rowAfterTrade: boolean;
  readonly #rowLots: number;

  constructor(graph: GraphPlan, handlers: StreamHandlers) {
    const { instruments, clock, gaps: policy = "strict" } = graph.settings;
    this.timeNs = -Infinity;
    this.#graph = graph;
    this.#handlers = handlers;
    this.row = new Float64Array(graph.columns.length).fill(NaN);
    const depth = Math.max(1, clock.kind === "book" && clock.levels < never ? clock.levels : 1, ...deepest(graph));
    this.markets = instruments.map((instrument, index) => new Market(instrument, { index, depth, policy }));
    this.#listeners = instruments.map(() => ({ trade: [], change: [], book: [], value: [], gap: [] }));
    this.#clock = this.#keep({ tradedLots: 0, traded: false, shallowest: never });
    for (const { feature, instrument, offset } of graph.placed) {
      const operator = this.#use(feature, instrument);
      if (operator.write !== undefined) this.#writers.push({ operator: operator as Required<Operator>, offset });
    }
    for (const [index, { table, instrument }] of graph.tables.entries()) {
      const context: TableContext = {
        ...this.#context(instrument, table.scope === "all"),
        emit: (timeNs, values) => this.#handlers.onTableRow?.(index, timeNs, values),
      };
      this.#enlist(table.make(context), table.scope === "all" ? -1 : instrument);
    }
    for (const { normaliser, from, to } of graph.normalisers) {
      this.#normalisers.push({ column: normaliser.make((memory) => this.#keep(memory)), from, to });
    }
    const { calls = loopedCalls } = graph.settings;
    this.#write = calls.write(this.#writers);
    this.#tellBook = this.#listeners.map(({ book }) => calls.book(book));
    this.#tellChange = this.#listeners.map(({ change }) => calls.change(change));
    this.#rowAfterBook = clock.kind === "book" ? clock.levels : 0;
    this.#rowAfterEvent = clock.kind === "event";
    this.#rowAfterTrade = clock.kind === "trade";
    this.#rowLots = clock.kind === "volume" ? clock.lots : never;
    if (clock.kind === "time") {
      const originNs = Number(graph.settings.originNs % BigInt(clock.ns));
      this.#rowAlarm = { atNs: never, ring: (timeNs) => this.#tick(timeNs, clock.ns, originNs) };
      this.#alarms.push(this.#rowAlarm);
    }
  }

  /** Takes one event. The object is copied: the caller may reuse it. */
  push(event: Readonly<MarketEvent>): void {
    copyEvent(event, this.#event);
    this.#take();
  }

  /** Takes the rows `from` to `to` of a batch. */
  pushBatch(batch: EventBatch, from = 0, to = batch.count): void {
    const event = this.#event;
    for (let row = from; row < to; row++) {
      readEvent(batch, row, event);
      this.#take();
    }
  }

  /** Nothing has happened until `timeNs`: rings what is due. For live streams, whose clock runs while the market is silent. */
  advance(timeNs: number): void {
    if (timeNs <= this.timeNs) return;
    if (this.timeNs === -Infinity) this.#begin(timeNs);
    if (this.#nextAlarmNs <= timeNs) this.#ring(timeNs);
    this.timeNs = timeNs;
  }

  /** Everything that is remembered, as bytes. The graph's `stream` takes them back. */
  save(): Uint8Array {
    const writer = new StateWriter();
    writer.text(this.#graph.schemaHash());
    writer.text(this.#graph.settings.originNs.toString());
    for (const value of [this.timeNs, this.eventsCount, this.rowsCount, this.lateCount, this.height])
      writer.number(value);
    writer.number(this.warm ? 1 : 0);
    for (const market of this.markets) market.save(writer);
    for (const { atNs } of this.#alarms) writer.number(atNs);
    for (const memory of this.#memories) saveMemory(memory, writer);
    writer.numbers(this.row);
    return writer.finish();
  }

  /** Called by the graph: the opposite of `save`. Refuses what another graph, or a later version of a formula, has written. */
  load(checkpoint: Uint8Array): void {
    const reader = new StateReader(checkpoint);
    const hash = reader.text();
    if (hash !== this.#graph.schemaHash()) {
      throw new FeatureRefusal({
        argument: "checkpoint",
        value: hash.slice(0, 16),
        wanted: "of the same features, versions and instruments",
      });
    }
    const origin = reader.text();
    const { originNs } = this.#graph.settings;
    if (origin !== originNs.toString())
      throw new FeatureRefusal({ argument: "originNs", value: originNs, wanted: `${origin}, that of the checkpoint` });
    this.timeNs = reader.number();
    this.eventsCount = reader.number();
    this.rowsCount = reader.number();
    this.lateCount = reader.number();
    this.height = reader.number();
    this.warm = reader.number() !== 0;
    for (const market of this.markets) market.load(reader);
    for (const alarm of this.#alarms) alarm.atNs = reader.number();
    this.#nextAlarmNs = this.#earliest();
    for (const memory of this.#memories) loadMemory(memory, reader);
    this.row.set(reader.numbers());
    reader.finish();
  }

  #take(): void {
    const event = this.#event;
    if (event.timeNs > this.timeNs) {
      if (this.timeNs === -Infinity) this.#begin(event.timeNs);
      if (this.#nextAlarmNs <= event.timeNs) this.#ring(event.timeNs);
      this.timeNs = event.timeNs;
    } else if (event.timeNs < this.timeNs) {
      event.timeNs = this.timeNs;
      this.lateCount++;
    } else if (event.timeNs !== event.timeNs) {
      throw new FeatureRefusal({
        argument: "event.timeNs",
        value: event.timeNs,
        wanted: "nanoseconds since the origin",
      });
    }
    const market = this.markets[event.instrument];
    if (market === undefined) {
      throw new FeatureRefusal({
        argument: "event.instrument",
        value: event.instrument,
        wanted: `below ${this.markets.length}`,
      });
    }
    this.eventsCount++;
    const { kind } = event;
    const listeners = this.#listeners[event.instrument] as Listeners;
    if (kind === EventKind.trade) this.#trade(event, market, listeners);
    else if (kind <= EventKind.gap) this.#change(event, market, listeners);
    else if (kind === EventKind.value) this.#value(event, market, listeners);
    else if (kind === EventKind.block) this.#block(event);
    if ((event.flags & EventFlag.last) !== 0 || kind === EventKind.gap) this.#finish(market);
  }

  #trade(event: MarketEvent, market: Market, { trade }: Listeners): void {
    const clock = this.#clock;
    // What no book showed moves no clock, as it is in no feature unless asked for.
    if ((event.flags & EventFlag.hidden) === 0) {
      clock.traded = true;
      if (event.instrument === 0) clock.tradedLots += event.size;
    }
    for (let index = 0; index < trade.length; index++) (trade[index] as Required<Operator>).onTrade(event, market);
    market.noteTrade(event);
  }

  #change(event: MarketEvent, market: Market, { gap }: Listeners): void {
    market.book.apply(event);
    market.unsettled = true;
    (this.#tellChange[market.index] as (event: MarketEvent, market: Market) => void)(event, market);
    if (event.kind !== EventKind.gap) return;
    this.warm = false;
    for (let index = 0; index < gap.length; index++) (gap[index] as Required<Operator>).onGap(market, event.timeNs);
  }

  #value(event: MarketEvent, market: Market, { value }: Listeners): void {
    market.values[event.id] = event.size;
    for (let index = 0; index < value.length; index++) (value[index] as Required<Operator>).onValue(event, market);
  }

  #block(event: MarketEvent): void {
    this.height = event.id;
    for (const listener of this.#blockListeners) listener.onBlock(event.id, event.timeNs);
    if (this.#graph.settings.clock.kind === "block") this.#writeRow(event.timeNs);
  }

  /** The atomic change is over. */
  #finish(market: Market): void {
    const clock = this.#clock;
    const { timeNs } = this;
    const changed = market.unsettled;
    if (changed) {
      market.settle(timeNs);
      (this.#tellBook[market.index] as (market: Market, timeNs: number) => void)(market, timeNs);
    }
    const { traded } = clock;
    clock.traded = false;
    if (
      (changed && (this.#rowAfterBook === never || market.touchedDepth < this.#rowAfterBook)) ||
      (this.#rowAfterEvent && (changed || traded)) ||
      (this.#rowAfterTrade && traded)
    ) {
      this.#writeRow(timeNs);
    } else if (clock.tradedLots >= this.#rowLots) {
      clock.tradedLots %= this.#rowLots;
      this.#writeRow(timeNs);
    }
  }

  #writeRow(timeNs: number): void {
    const { row } = this;
    if (!this.warm) this.warm = this.#isWarm(timeNs);
    row[0] = this.eventsCount;
    row[1] = this.warm ? 1 : 0;
    this.#write(row, timeNs);
    for (let index = 0; index < this.#normalisers.length; index++) {
      const { column, from, to } = this.#normalisers[index] as NormalisedColumn;
      column.apply(row, from, to, timeNs);
    }
    const listeners = this.#rowListeners;
    for (let index = 0; index < listeners.length; index++)
      (listeners[index] as Required<Operator>).onRow(row, this.rowsCount, timeNs);
    this.rowsCount++;
    this.#handlers.onRow?.(row, this);
  }

  #isWarm(timeNs: number): boolean {
    for (let index = 0; index < this.#warmers.length; index++) {
      if (!(this.#warmers[index] as Required<Operator>).isWarm(timeNs)) return false;
    }
    return true;
  }

  /** The first time is known: a time clock begins at its next multiple. */
  #begin(timeNs: number): void {
    const { clock, originNs } = this.#graph.settings;
    if (clock.kind !== "time" || this.#rowAlarm === undefined) return;
    const phase = Number(originNs % BigInt(clock.ns));
    this.#rowAlarm.atNs = (Math.floor((timeNs + phase) / clock.ns) + 1) * clock.ns - phase;
    this.#nextAlarmNs = this.#earliest();
  }

  #tick(timeNs: number, stepNs: number, phaseNs: number): void {
    const alarm = this.#rowAlarm as PendingAlarm;
    alarm.atNs = (Math.round((timeNs + phaseNs) / stepNs) + 1) * stepNs - phaseNs;
    this.#writeRow(timeNs);
  }

  /** Rings every alarm that is due by `untilNs`, earliest first, of equal ones the one registered first; a time clock's row comes last. */
  #ring(untilNs: number): void {
    while (this.#nextAlarmNs <= untilNs) {
      const dueNs = this.#nextAlarmNs;
      const alarm = this.#alarms.find(({ atNs }) => atNs === dueNs);
      assert(alarm !== undefined, "the next alarm is one of the alarms");
      alarm.atNs = never;
      this.timeNs = Math.max(this.timeNs, dueNs);
      alarm.ring(dueNs);
      this.#nextAlarmNs = this.#earliest();
    }
  }

  #earliest(): number {
    let earliest = never;
    for (let index = 0; index < this.#alarms.length; index++) {
      const { atNs } = this.#alarms[index] as PendingAlarm;
      if (atNs < earliest) earliest = atNs;
    }
    return earliest;
  }

  #keep<Kept extends Memory>(memory: Kept): Kept {
    this.#memories.push(memory);
    return memory;
  }

  #context(instrument: number, all: boolean): Context {
    const place = all ? -1 : instrument;
    return {
      market: this.markets[instrument] as Market,
      markets: this.markets,
      originNs: this.#graph.settings.originNs,
      keep: (memory) => this.#keep(memory),
      use: <Made extends Operator>(feature: Feature<Made>) => this.#use(feature, place === -1 ? 0 : place) as Made,
      alarm: (ring) => this.#alarm(ring),
    };
  }

  #alarm(ring: (timeNs: number) => void): Alarm {
    const pending: PendingAlarm = { atNs: never, ring };
    this.#alarms.push(pending);
    return {
      set: (timeNs) => {
        const wasNext = pending.atNs === this.#nextAlarmNs;
        pending.atNs = timeNs;
        if (timeNs < this.#nextAlarmNs) this.#nextAlarmNs = timeNs;
        else if (wasNext) this.#nextAlarmNs = this.#earliest();
      },
    };
  }

  /** The operator of a feature, made when it is first asked for: after those that it uses itself. */
  #use(feature: Feature, instrument: number): Operator {
    const all = feature.scope === "all";
    const key = `${all ? -1 : instrument} ${definitionKey(feature)}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const depth = (this.markets[0] as Market).depth;
    assert(
      (feature.levels ?? 0) <= depth,
      () => `whoever uses ${feature.id} says that it reads ${feature.levels} levels`,
    );
    const operator = feature.make(this.#context(instrument, all));
    this.#shared.set(key, operator);
    this.#enlist(operator, all ? -1 : instrument);
    return operator;
  }

  #enlist(operator: Operator, instrument: number): void {
    const made = operator as Required<Operator>;
    for (const [index, listeners] of this.#listeners.entries()) {
      if (instrument !== -1 && index !== instrument) continue;
      if (operator.onTrade !== undefined) listeners.trade.push(made);
      if (operator.onChange !== undefined) listeners.change.push(made);
      if (operator.onBook !== undefined) listeners.book.push(made);
      if (operator.onValue !== undefined) listeners.value.push(made);
      if (operator.onGap !== undefined) listeners.gap.push(made);
    }
    if (operator.onBlock !== undefined) this.#blockListeners.push(made);
    if (operator.onRow !== undefined) this.#rowListeners.push(made);
    if (operator.isWarm !== undefined) this.#warmers.push(made);
  }
}

/** How many levels the features of a graph want to see. */
function deepest(graph: GraphPlan): number[] {
  return [
    ...graph.placed.map(({ feature }) => feature.levels ?? 0),
    ...graph.tables.map(({ table }) => table.levels ?? 0),
  ];
}
