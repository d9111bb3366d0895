/**
 * Fits a micro-price to recorded events of one instrument. Every change of the best quotes is an observation of what followed the quotes
 * before it; a gap, and a book that is not usable, break the sequence.
 *
 * @example
 * const fit = new MicroPriceFit({ instrument, imbalanceBuckets: 10, spreadBuckets: 2, edges: "quantile" });
 * for await (const batch of source.batches()) fit.take(batch);
 * await writeFile("micro.json", printMicroPriceTable(fit.finish()));
 */
import { blankEvent, EventFlag, EventKind, readEvent, type EventBatch } from "../event.ts";
import type { Instrument } from "../instrument.ts";
import { Market } from "../market.ts";
import { FeatureRefusal, oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import { Ring } from "../window.ts";
import { bucketOf, checkedTable, type MicroPriceTable } from "./table.ts";
import { solveMicroPrice, Transitions } from "./transitions.ts";

export const edgeRules = ["uniform", "quantile"] as const;
/** Where buckets of imbalance meet: at equal distances, or so that each holds as many quotes (with their mirror images: edges lie symmetric about one half). */
export type EdgeRule = (typeof edgeRules)[number];

export interface MicroPriceFitSettings {
  readonly instrument: Instrument;
  /** Index of the instrument in the events. */
  readonly index?: number;
  readonly imbalanceBuckets: number;
  /** Spreads of more ticks than this are left out. */
  readonly spreadBuckets: number;
  readonly edges: EdgeRule;
  /** Moves of the mid of more ticks than this are left out. */
  readonly moveTicksMax?: number;
  /** Count each observation with its mirror image too, bid and ask exchanged. Without it a sample is refused unless it is symmetric by itself. */
  readonly symmetrise?: boolean;
}

/** Fields of a quote: imbalance (NaN for a break), spread in ticks, mid in half ticks. */
const quoteFields = 3;

export class MicroPriceFit {
  readonly #settings: Required<MicroPriceFitSettings>;
  readonly #market: Market;
  readonly #quotes = new Ring(quoteFields, 4096);
  readonly #event = blankEvent();
  /** Best quotes of the newest observation. */
  readonly #last = new Float64Array(4).fill(NaN);

  /** Refuses counts that are not positive integers, and rules that it does not know. */
  constructor(settings: MicroPriceFitSettings) {
    this.#settings = { index: 0, moveTicksMax: 1, symmetrise: true, ...settings };
    if (positiveInteger("micro.fit.imbalanceBuckets", settings.imbalanceBuckets) < 2) {
      throw new FeatureRefusal({
        argument: "micro.fit.imbalanceBuckets",
        value: settings.imbalanceBuckets,
        wanted: "at least 2",
      });
    }
    positiveInteger("micro.fit.spreadBuckets", settings.spreadBuckets);
    positiveNumber("micro.fit.moveTicksMax", this.#settings.moveTicksMax);
    oneOf("micro.fit.edges", settings.edges, edgeRules);
    this.#market = new Market(settings.instrument, { index: this.#settings.index, depth: 1, policy: "strict" });
  }

  /** Takes events in their order; those of other instruments are passed over. */
  take(batch: EventBatch): void {
    const event = this.#event;
    const market = this.#market;
    for (let row = 0; row < batch.count; row++) {
      readEvent(batch, row, event);
      if (event.instrument !== this.#settings.index) continue;
      if (market.book.apply(event)) market.unsettled = true;
      const isOver = (event.flags & EventFlag.last) !== 0 || event.kind === EventKind.gap;
      if (!isOver || !market.unsettled) continue;
      market.settle(event.timeNs);
      this.#observe(market);
    }
  }

  /** The table of what was taken so far. Refuses a sample from which none follows, and says why. */
  finish(): MicroPriceTable {
    const { instrument, imbalanceBuckets, spreadBuckets } = this.#settings;
    const imbalanceEdges = this.#edges();
    const transitions = new Transitions(imbalanceBuckets, spreadBuckets);
    const { observationsCount, droppedCount } = this.#count(imbalanceEdges, transitions);
    if (observationsCount === 0) {
      throw new FeatureRefusal({
        argument: "micro.fit",
        value: this.#quotes.count,
        wanted: `quotes with spreads of at most ${spreadBuckets} ticks, some of them in succession`,
      });
    }
    const { adjustment, spectralRadius } = solveMicroPrice(transitions);
    return checkedTable({
      instrument: instrument.name,
      imbalanceEdges,
      spreadBuckets,
      adjustments: Array.from({ length: spreadBuckets }, (_, row) => [
        ...adjustment.subarray(row * imbalanceBuckets, (row + 1) * imbalanceBuckets),
      ]),
      observationsCount,
      droppedCount,
      spectralRadius,
    });
  }

  #observe({ usable, bidPrice, bidSize, askPrice, askSize }: Market): void {
    const last = this.#last;
    if (!usable) {
      if (last[0] === last[0]) this.#quotes.push(NaN, NaN, NaN);
      last.fill(NaN);
      return;
    }
    if (last[0] === bidPrice && last[1] === bidSize && last[2] === askPrice && last[3] === askSize) return;
    last[0] = bidPrice;
    last[1] = bidSize;
    last[2] = askPrice;
    last[3] = askSize;
    this.#quotes.push(bidSize / (bidSize + askSize), askPrice - bidPrice, bidPrice + askPrice);
  }

  #edges(): number[] {
    const { imbalanceBuckets: count, edges, spreadBuckets } = this.#settings;
    const parts = Array.from({ length: count - 1 }, (_, index) => index + 1);
    if (edges === "uniform") return parts.map((part) => part / count);
    const seen: number[] = [];
    for (let age = 0; age < this.#quotes.count; age++) {
      const imbalance = this.#quotes.at(age);
      if (this.#quotes.at(age, 1) <= spreadBuckets) seen.push(imbalance, 1 - imbalance);
    }
    const sorted = Float64Array.from(seen).sort();
    const lower = (part: number): number => sorted[Math.floor((part * sorted.length) / count)] as number;
    const found = parts.map((part) => {
      if (2 * part === count) return 0.5;
      return 2 * part < count ? lower(part) : 1 - lower(count - part);
    });
    found.forEach((edge, index) => {
      if ((found[index - 1] ?? 0) < edge) return;
      throw new FeatureRefusal({
        argument: "micro.fit.imbalanceBuckets",
        value: count,
        wanted: "fewer, because many quotes have the same imbalance and quantiles fall together",
      });
    });
    return found;
  }

  #count(edges: readonly number[], transitions: Transitions): { observationsCount: number; droppedCount: number } {
    const { imbalanceBuckets, spreadBuckets, moveTicksMax, symmetrise } = this.#settings;
    const quotes = this.#quotes;
    const stateAt = (age: number): number => {
      const spread = quotes.at(age, 1);
      return spread <= spreadBuckets ? (spread - 1) * imbalanceBuckets + bucketOf(edges, quotes.at(age)) : -1;
    };
    let observationsCount = 0;
    let droppedCount = 0;
    for (let age = 1; age < quotes.count; age++) {
      const halfTicks = quotes.at(age, 2) - quotes.at(age - 1, 2);
      if (halfTicks !== halfTicks) continue;
      const state = stateAt(age - 1);
      const next = stateAt(age);
      if (state === -1 || next === -1 || Math.abs(halfTicks) > 2 * moveTicksMax) {
        droppedCount++;
        continue;
      }
      observationsCount++;
      transitions.add(state, next, halfTicks);
      if (symmetrise) transitions.add(transitions.mirror(state), transitions.mirror(next), -halfTicks);
    }
    return { observationsCount, droppedCount };
  }
}

/** Fits to the events of some batches. */
export function fitMicroPrice(batches: Iterable<EventBatch>, settings: MicroPriceFitSettings): MicroPriceTable {
  const fit = new MicroPriceFit(settings);
  for (const batch of batches) fit.take(batch);
  return fit.finish();
}
