/** In which unit a feature tells a price: as a count of ticks, or as the number that the venue writes. */
import type { Column } from "../graph/operator.ts";
import { scaled, type Instrument, type Scale } from "../instrument.ts";
import { oneOf } from "../refusal.ts";

export const priceUnits = ["ticks", "price"] as const;
/** `ticks`, or `price`: the currency of quotation. */
export type PriceUnit = (typeof priceUnits)[number];

export const priceUnit = (argument: string, unit: PriceUnit): PriceUnit => oneOf(argument, unit, priceUnits);

/** Ticks (whole or not) in the unit that was asked for. */
export const inUnit = (instrument: Instrument, unit: PriceUnit, ticks: number): number =>
  unit === "ticks" ? ticks : scaled(instrument.tick, ticks);

/** A column of prices: the price itself has the plain name, the count of ticks says so. */
export const priceColumn = (name: string, unit: PriceUnit, formula: string): Column => ({
  name: unit === "ticks" ? `${name}_ticks` : name,
  unit,
  formula,
});

/** What ticks are multiplied with and divided by to be in the unit: for rows, which are written without a call. */
export const scaleOf = (instrument: Instrument, unit: PriceUnit): Scale =>
  unit === "ticks" ? { multiply: 1, divide: 1 } : instrument.tick;
