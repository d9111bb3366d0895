/** A market of options from a seed: quotes and marks around known volatilities, trades, open interest; one-sided books, gaps. */
import { black76Price } from "@stoa/pricing/black76";
import {
  EventFlag,
  EventKind,
  ValueField,
  appendEvent,
  blankEvent,
  makeEventBatch,
  type EventBatch,
} from "../../src/event.ts";
import { every } from "../../src/graph/clock.ts";
import { features, type FeatureGraph } from "../../src/graph/graph.ts";
import type { Feature } from "../../src/graph/operator.ts";
import { parseScale, type Instrument } from "../../src/instrument.ts";
import { makeRandom, originNs } from "./random-market.ts";

export const dayNs = 86_400e9;
export const optionDays = [7, 30, 90];
export const optionStrikes = [60, 70, 80, 90, 95, 100, 105, 110, 120, 135, 150];
const tick = 1e-9;

export interface OptionWorld {
  readonly unit: "coin" | "currency";
  readonly forward: (days: number) => number;
  readonly volatility: (strike: number, days: number) => number;
}

/** A smile with a skew and a rising term structure. */
export const smiling = (unit: "coin" | "currency"): OptionWorld => ({
  unit,
  forward: (days) => 100 + days / 45,
  volatility(strike, days) {
    const moneyness = Math.log(strike / (100 + days / 45)) / Math.sqrt(days / 365);
    return 0.5 + days / 1_000 - 0.06 * moneyness + 0.05 * moneyness * moneyness;
  },
});

export function optionInstruments(unit: "coin" | "currency"): Instrument[] {
  return optionDays.flatMap((days) =>
    optionStrikes.flatMap((strike) =>
      (["put", "call"] as const).map(
        (type): Instrument => ({
          name: `X-${days}-${strike}-${type}`,
          kind: "option",
          tick: parseScale("0.000000001"),
          lot: parseScale("0.1"),
          multiplier: 1,
          option: { type, strike, expiryNs: originNs + BigInt(days * dayNs), unit },
        }),
      ),
    ),
  );
}

export interface Told {
  readonly instrument: number;
  readonly timeNs: number;
  readonly kind: number;
  readonly side?: number;
  readonly price?: number;
  readonly size: number;
  readonly id?: number;
  readonly flags?: number;
}

export function eventsOf(told: readonly Told[]): EventBatch {
  const batch = makeEventBatch(told.length);
  for (const { flags = EventFlag.last, ...fields } of told)
    appendEvent(batch, { ...blankEvent(), ...fields, flags } as ReturnType<typeof blankEvent>);
  return batch;
}

/** The price of an instrument in ticks, in its own unit, at a volatility. */
export function ticksAt(instrument: Instrument, world: OptionWorld, timeNs: number, volatility: number): number {
  const { type, strike, expiryNs, unit } = instrument.option!;
  const lifeNs = Number(expiryNs - originNs);
  const forward = world.forward(lifeNs / dayNs);
  const price = black76Price({ type, forward, strike, years: (lifeNs - timeNs) / dayNs / 365, volatility });
  return Math.round((unit === "coin" ? price / forward : price) / tick);
}

/** Forward, mark, open interest and two quotes of every option, all at `timeNs`: bid and ask `half` below and above the true volatility. */
export function wholeChain(world: OptionWorld, timeNs: number, half = 0.01): Told[] {
  return optionInstruments(world.unit).flatMap((instrument, index): Told[] => {
    const days = Number(instrument.option!.expiryNs - originNs) / dayNs;
    const truth = world.volatility(instrument.option!.strike, days);
    const value = (id: number, size: number): Told => ({ instrument: index, timeNs, kind: EventKind.value, id, size });
    const level = (side: number, volatility: number): Told => ({
      instrument: index,
      timeNs,
      kind: EventKind.level,
      side,
      price: ticksAt(instrument, world, timeNs, volatility),
      size: 10 + (index % 7),
    });
    return [
      value(ValueField.underlyingPrice, world.forward(days)),
      value(ValueField.markVolatility, truth),
      value(ValueField.openInterest, 5 + ((index * 7) % 13)),
      level(1, truth - half),
      level(-1, truth + half),
    ];
  });
}

/** A chain that moves: quotes are set and taken away, marks and forwards change, options trade, two gaps. */
export function restlessChain(seed: number, count: number, unit: "coin" | "currency"): EventBatch {
  const random = makeRandom(seed);
  const world = smiling(unit);
  const instruments = optionInstruments(unit);
  const told = wholeChain(world, 1e9);
  const prices = new Map(
    told.filter(({ side }) => side !== undefined).map((one) => [`${one.instrument} ${one.side}`, one.price!]),
  );
  let timeNs = 1e9;
  while (told.length < count) {
    timeNs += Math.floor(random() * 2e12);
    const instrument = Math.floor(random() * instruments.length);
    const side = random() < 0.5 ? 1 : -1;
    const choice = random();
    const { strike, expiryNs } = instruments[instrument]!.option!;
    const days = Number(expiryNs - originNs) / dayNs;
    const size = 1 + Math.floor(random() * 20);
    const key = `${instrument} ${side}`;
    const value = (id: number, number: number): void =>
      void told.push({ instrument, timeNs, kind: EventKind.value, id, size: number });
    if (timeNs >= 0.95 * days * dayNs) continue;
    const truth = world.volatility(strike, days) + 0.1 * (random() - 0.5);
    if (choice < 0.5) {
      const flags = random() < 0.3 ? 0 : EventFlag.last;
      const old = prices.get(key);
      if (old !== undefined)
        told.push({ instrument, timeNs, kind: EventKind.level, side, price: old, size: 0, flags: 0 });
      prices.delete(key);
      const price = ticksAt(instruments[instrument]!, world, timeNs, truth - side * 0.02);
      if (random() < 0.8) prices.set(key, price);
      told.push({ instrument, timeNs, kind: EventKind.level, side, price, size: prices.has(key) ? size : 0, flags });
    } else if (choice < 0.6) value(ValueField.underlyingPrice, world.forward(days) * (1 + 0.02 * (random() - 0.5)));
    else if (choice < 0.7) value(ValueField.markVolatility, random() < 0.05 ? NaN : truth);
    else if (choice < 0.75) value(ValueField.openInterest, size);
    else if (choice < 0.997)
      told.push({ instrument, timeNs, kind: EventKind.trade, side: random() < 0.1 ? 0 : side, price: 1e6, size });
    else told.push({ instrument, timeNs, kind: EventKind.gap, size: 0 });
  }
  return eventsOf(told);
}

export const optionGraph = (unit: "coin" | "currency", feature: Feature): FeatureGraph =>
  features({ instruments: optionInstruments(unit), originNs, clock: every.event() }).add(feature);

/** The columns of a feature after the last event; `at` a later time at which a row is asked for. */
export function lastRow(feature: Feature, unit: "coin" | "currency", batch: EventBatch): number[] {
  const graph = optionGraph(unit, feature);
  const stream = graph.batch([batch], {});
  return [...stream.row.subarray(graph.columns.length - feature.columns.length)];
}

export const rowsOf = (
  feature: Feature,
  unit: "coin" | "currency",
  batch: EventBatch,
): { eventsCount: number; timeNs: number; values: number[] }[] => {
  const graph = optionGraph(unit, feature);
  const rows: { eventsCount: number; timeNs: number; values: number[] }[] = [];
  graph.batch([batch], {
    onRow: (row, { eventsCount, timeNs }) =>
      void rows.push({ eventsCount, timeNs, values: [...row.subarray(graph.columns.length - feature.columns.length)] }),
  });
  return rows;
};
