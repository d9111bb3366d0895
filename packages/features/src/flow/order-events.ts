/**
 * What came to the book and how it left, order by order (L3): entered, cancelled in whole or in part, executed; by side and by how far
 * from the best it was. Snapshots, orders that nobody knows, and what comes between a gap and its snapshot are not arrivals and do not count.
 */
import { EventFlag, EventKind, type MarketEvent } from "../event.ts";
import type { Column, Feature, Operator } from "../graph/operator.ts";
import type { Market } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import type { Saveable, StateReader, StateWriter } from "../state.ts";
import { Ring } from "../window.ts";
import { coverage } from "./coverage.ts";

/**
 * An order that is changed and keeps its place (same price, less size) is a partial cancel; one that loses its place is cancelled and
 * added anew.
 */
export const orderEventTypes = ["add", "cancel", "partial", "execution"] as const;
export type OrderEventType = (typeof orderEventTypes)[number];
const [add, cancel, partial, execution] = [0, 1, 2, 3];

/** Which orders are meant: by distance from the best of their own side as it was before the atomic change. */
export interface OrderBand {
  /** `levels`: by the number of populated levels that are not worse, 1 at the best or better. `ticks`: by ticks from the best, 0 at it or better. */
  readonly unit: "levels" | "ticks";
  /** Both inclusive. */
  readonly from: number;
  readonly to: number;
}

function bandParameters(argument: string, { unit, from, to }: OrderBand): Record<string, string | number> {
  oneOf(`${argument}.unit`, unit, ["levels", "ticks"]);
  const least = unit === "levels" ? 1 : 0;
  if (!Number.isSafeInteger(from) || from < least) {
    throw new FeatureRefusal({ argument: `${argument}.from`, value: from, wanted: `an integer from ${least} on` });
  }
  if (!Number.isSafeInteger(to) || to < from) {
    throw new FeatureRefusal({ argument: `${argument}.to`, value: to, wanted: `an integer from ${from} on` });
  }
  return { unit, from, to };
}

/** Counts and lots by type and side over a window. Lots are exact up to 2^53. */
class EventTally implements Saveable {
  /** By `2 * type + (1 for asks)`. */
  readonly counts = new Float64Array(8);
  readonly lots = new Float64Array(8);
  readonly #windowNs: number;
  readonly #entries = new Ring(3);

  constructor(windowNs: number) {
    this.#windowNs = windowNs;
  }

  push(timeNs: number, cell: number, lots: number): void {
    this.#entries.push(timeNs, cell, lots);
    this.counts[cell] = (this.counts[cell] as number) + 1;
    this.lots[cell] = (this.lots[cell] as number) + lots;
    this.expire(timeNs);
  }

  expire(timeNs: number): void {
    const entries = this.#entries;
    const oldest = timeNs - this.#windowNs;
    while (entries.count > 0 && entries.at(0) <= oldest) {
      const cell = entries.at(0, 1);
      this.counts[cell] = (this.counts[cell] as number) - 1;
      this.lots[cell] = (this.lots[cell] as number) - entries.at(0, 2);
      entries.shift();
    }
  }

  clear(): void {
    this.#entries.clear();
    this.counts.fill(0);
    this.lots.fill(0);
  }

  save(writer: StateWriter): void {
    this.#entries.save(writer);
    writer.numbers(this.counts);
    writer.numbers(this.lots);
  }

  load(reader: StateReader): void {
    this.#entries.load(reader);
    this.counts.set(reader.numbers());
    this.lots.set(reader.numbers());
  }
}

type OrderEventSums = Operator & { readonly tally: EventTally; readonly isWarm: (timeNs: number) => boolean };

/** The tally of one band over one window, shared. Not a column. PERF: O(`to`) per event for bands of levels, O(1) for ticks. */
function orderEventSums({ window, ...band }: { readonly window: number } & OrderBand): Feature<OrderEventSums> {
  return {
    id: "order_event_sums",
    version: 1,
    parameters: { window, ...bandParameters("order_event_sums", band) },
    columns: [],
    levels: band.unit === "levels" ? band.to : 1,
    make(context) {
      const seen = context.use(coverage);
      const tally = new EventTally(window);
      context.keep({ tally });
      const count = (event: MarketEvent, market: Market, type: number, price: number, lots: number): void => {
        const { side } = market.book.change;
        const distance = distanceOf(market, side, price, band);
        if (distance >= band.from && distance <= band.to) tally.push(event.timeNs, 2 * type + (side < 0 ? 1 : 0), lots);
      };
      return {
        tally,
        isWarm: (timeNs) => seen.covers(timeNs, window),
        onChange(event, market) {
          const { kind } = event;
          const { known, sizeBefore, sizeAfter, price, priceBefore } = market.book.change;
          if (kind < EventKind.add || kind > EventKind.execute || !known) return;
          if ((event.flags & EventFlag.snapshot) !== 0 || market.book.gap) return;
          if (kind === EventKind.add) count(event, market, add, price, sizeAfter);
          else if (kind === EventKind.execute) count(event, market, execution, price, sizeBefore - sizeAfter);
          else if (kind === EventKind.cancel || sizeAfter === 0) {
            count(event, market, sizeAfter > 0 ? partial : cancel, priceBefore, sizeBefore - sizeAfter);
          } else if (price === priceBefore && sizeAfter <= sizeBefore) {
            if (sizeAfter < sizeBefore) count(event, market, partial, price, sizeBefore - sizeAfter);
          } else {
            count(event, market, cancel, priceBefore, sizeBefore);
            count(event, market, add, price, sizeAfter);
          }
        },
        onGap: () => tally.clear(),
      };
    },
  };
}

/** From the best of the side as it was settled: see `OrderBand.unit`. */
function distanceOf({ levels }: Market, side: number, price: number, { unit, to }: OrderBand): number {
  const prices = side > 0 ? levels.bidPrice : levels.askPrice;
  if (unit === "ticks") {
    const ticks = side * ((prices[0] as number) - price);
    return ticks > 0 ? ticks : 0;
  }
  let level = 1;
  while (level <= to && side * ((prices[level - 1] as number) - price) > 0) level++;
  return level;
}

/**
 * `order_events`: how many orders were added, cancelled, cancelled in part and executed over the last `window` nanoseconds, or how many
 * lots, for each side, in one band; of lots also the net: added less cancelled, in whole or in part, less executed.
 */
export function orderEvents(
  settings: { readonly window: number; readonly measure?: "count" | "volume" } & OrderBand,
): Feature {
  const { window, measure = "volume", unit, from, to } = settings;
  positiveInteger("order_events.window", window);
  oneOf("order_events.measure", measure, ["count", "volume"]);
  const band = { unit, from, to };
  return {
    id: "order_events",
    version: 1,
    parameters: { window, measure, ...bandParameters("order_events", band) },
    columns: orderEventColumns(settings, measure),
    lookback: nameOfWindow(window),
    levels: unit === "levels" ? to : 1,
    make(context) {
      const { tally } = context.use(orderEventSums({ window, ...band }));
      const cells = measure === "count" ? tally.counts : tally.lots;
      const perSide = measure === "count" ? 4 : 5;
      return {
        write(row, offset, timeNs) {
          tally.expire(timeNs);
          for (let side = 0; side < 2; side++) {
            const at = offset + side * perSide;
            for (let type = 0; type < 4; type++) row[at + type] = cells[2 * type + side] as number;
            if (perSide === 4) continue;
            const left = (row[at + cancel] as number) + (row[at + partial] as number) + (row[at + execution] as number);
            row[at + 4] = (row[at + add] as number) - left;
          }
        },
      };
    },
  };
}

function orderEventColumns(
  { window, unit, from, to }: { readonly window: number } & OrderBand,
  measure: "count" | "volume",
): Column[] {
  const band = `${unit === "levels" ? "l" : "t"}${from}_${to}_${nameOfWindow(window)}`;
  const where = `${unit} ${from} to ${to} over the window`;
  const types = measure === "count" ? orderEventTypes : [...orderEventTypes, "net"];
  return ["bid", "ask"].flatMap((side) =>
    types.map((type) => ({
      name: `${side}_${type}_${measure}_${band}`,
      unit: measure === "count" ? "orders" : "lots",
      formula: type === "net" ? `added - cancelled - executed, ${side}, ${where}` : `${type}, ${side}, ${where}`,
    })),
  );
}
