/** The parts of the public API's objects that the simulated market reads, and prices and amounts on their grids. */

export interface ApiInstrument {
  readonly instrument_name: string;
  readonly kind: "option" | "future";
  readonly base_currency: string;
  readonly counter_currency: string;
  readonly settlement_currency: string;
  readonly settlement_period: string;
  readonly tick_size: number;
  readonly tick_size_steps: readonly { readonly above_price: number; readonly tick_size: number }[];
  readonly min_trade_amount: number;
  readonly expiration_timestamp: number;
  readonly strike?: number;
  readonly option_type?: "call" | "put";
}

export interface ApiSummary {
  readonly instrument_name: string;
  readonly mark_price: number;
  readonly bid_price: number | null;
  readonly ask_price: number | null;
  /** Options only: percent, and the forward in dollars. */
  readonly mark_iv?: number;
  readonly underlying_price?: number;
}

export interface ApiPosition {
  readonly instrument_name: string;
  /** Signed; dollars for inverse futures, the quote value for linear ones, coins for options. */
  readonly size: number;
  readonly size_currency?: number;
  readonly mark_price: number;
}

/** Inverse instruments settle in the coin itself. */
export const isInverse = (instrument: ApiInstrument): boolean =>
  instrument.settlement_currency === instrument.base_currency;

export function tickAt(instrument: ApiInstrument, price: number): number {
  let tick = instrument.tick_size;
  for (const step of instrument.tick_size_steps) if (step.above_price < price) tick = step.tick_size;
  return tick;
}

/** The highest price on the grid at or below `price` (down), or the lowest at or above it (up); never below one tick. */
export function onGrid(instrument: ApiInstrument, price: number, direction: "down" | "up"): number {
  const tick = tickAt(instrument, price);
  const count = price / tick;
  const whole = direction === "down" ? Math.floor(count + 1e-9) : Math.ceil(count - 1e-9);
  return toDecimal(Math.max(whole, 1) * tick);
}

/** The largest multiple of the minimum amount that is not above `amount`, but at least one of them. */
export function amountOnGrid(instrument: ApiInstrument, amount: number): number {
  const lots = Math.max(1, Math.floor(amount / instrument.min_trade_amount + 1e-9));
  return toDecimal(lots * instrument.min_trade_amount);
}

/** Takes away the noise of binary fractions: eight decimals are all that the exchange knows. */
export const toDecimal = (value: number): number => Number(value.toFixed(8));
