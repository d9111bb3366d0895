/**
 * What a portfolio can hold, as this folder sees it: today's price of one instrument and what it becomes at another price of
 * the underlying. All instruments of a portfolio have the same underlying, whose price now and in scenarios is the index.
 * It relies on checks of arguments alone, and knows nothing of calendars, symbols, contract sizes or fees.
 *
 * Settlement says what a profit is paid in: "currency" (dollars, the currency of the strike) or "coin" (the underlying).
 * One unit of an instrument is
 * - an option on one coin, or one coin itself;
 * - settled in currency: a future on one coin, whose profit is the change of its price F;
 * - settled in coin: a future on one unit of currency, whose profit in coin is the change of -1/F.
 */
import type { OptionType } from "../black76.ts";
import { notNegative, oneOf, positive, PricingRefusal } from "../refusal.ts";

export const settlements = ["currency", "coin"] as const;
export type Settlement = (typeof settlements)[number];

/** One coin, bought with currency. */
export type SpotInstrument = { readonly kind: "spot" };

export type FutureInstrument = {
  readonly kind: "future";
  readonly settlement: Settlement;
  /** Its price today, in currency. */
  readonly forward: number;
  readonly years: number;
};

/** Its price keeps its ratio to the index; funding is not simulated. */
export type PerpetualInstrument = {
  readonly kind: "perpetual";
  readonly settlement: Settlement;
  readonly forward: number;
};

export type OptionInstrument = {
  readonly kind: "option";
  readonly settlement: Settlement;
  readonly type: OptionType;
  readonly strike: number;
  /** Today's price of the future of the same expiry. */
  readonly forward: number;
  readonly years: number;
  /** Today's, at this strike; per square-root year. */
  readonly volatility: number;
  /** exp(-rate years); 1 when absent. */
  readonly discount?: number;
};

export type Instrument = SpotInstrument | FutureInstrument | PerpetualInstrument | OptionInstrument;

/** So many units of an instrument, bought (positive) or sold (negative). */
export type Position = {
  /** Its index in the list of instruments. */
  readonly instrument: number;
  readonly amount: number;
  /**
   * What one unit cost, as such instruments are quoted: in coin for an option settled in coin, else in currency. Today's price
   * when absent, so that profits are counted from now.
   */
  readonly entryPrice?: number;
};

/** Returns the instrument when every number of it is in its domain; `name` is how the caller writes it. */
export function checkedInstrument(name: string, instrument: Instrument): Instrument {
  oneOf(`${name}.kind`, instrument.kind, ["spot", "future", "perpetual", "option"]);
  if (instrument.kind === "spot") return instrument;
  oneOf(`${name}.settlement`, instrument.settlement, settlements);
  positive(`${name}.forward`, instrument.forward);
  if (instrument.kind === "perpetual") return instrument;
  notNegative(`${name}.years`, instrument.years);
  if (instrument.kind === "future") return instrument;
  oneOf(`${name}.type`, instrument.type, ["call", "put"]);
  positive(`${name}.strike`, instrument.strike);
  notNegative(`${name}.volatility`, instrument.volatility);
  positive(`${name}.discount`, instrument.discount ?? 1);
  return instrument;
}

/** Returns the instruments, at least one, each checked. */
export function checkedInstruments(instruments: readonly Instrument[]): readonly Instrument[] {
  if (instruments.length === 0) throw new PricingRefusal("instruments", "empty", "[]");
  return instruments.map((instrument, index) => checkedInstrument(`instruments[${index}]`, instrument));
}

export const isCoinSettled = (instrument: Instrument): boolean =>
  instrument.kind !== "spot" && instrument.settlement === "coin";

/** A future's profit begins at zero; an option or a coin is worth its price. */
export const isFuture = (instrument: Instrument): boolean =>
  instrument.kind === "future" || instrument.kind === "perpetual";
