/**
 * What a simulated market maker quotes: pure functions from public data (marks, forwards, mark volatilities) and its own
 * inventory to two-sided prices on the instrument's grid. Options are priced at the surface's volatility less and plus a width, so
 * that quotes are wide where volatility matters; futures around the mark. Inventory leans both.
 */
import { black76Price } from "@stoa/pricing/black76";
import {
  amountOnGrid,
  isInverse,
  onGrid,
  tickAt,
  toDecimal,
  type ApiInstrument,
  type ApiSummary,
} from "./instrument.ts";

export interface Quote {
  readonly bidPrice: number;
  readonly askPrice: number;
  readonly amount: number;
}

export interface MakerParameters {
  /** Half of the width of an option quote, as a part of its volatility. */
  readonly volatilityWidth: number;
  /** Half of the width of a futures quote, as a part of its price. */
  readonly priceWidth: number;
  /** Size of each option quote in coins, and of each futures quote in dollars. */
  readonly optionAmount: number;
  readonly futureAmountUsd: number;
}

const yearMs = 365 * 24 * 3600 * 1000;
/** An option this close to its end is left alone: its price is a bet on the averaging. */
const quietMs = 60_000;

/** Two sides for one instrument, or nothing when it should not be quoted now. `lean` is inventory in units of quote size. */
export function quoteFor(
  instrument: ApiInstrument,
  summary: ApiSummary,
  input: { nowMs: number; lean: number; parameters: MakerParameters },
): Quote | undefined {
  if (!(0 < summary.mark_price)) return undefined;
  return instrument.kind === "option"
    ? optionQuote(instrument, summary, input)
    : futureQuote(instrument, summary, input);
}

function futureQuote(
  instrument: ApiInstrument,
  { mark_price: mark }: ApiSummary,
  { lean, parameters }: { lean: number; parameters: MakerParameters },
): Quote {
  const half = Math.max(parameters.priceWidth * mark, tickAt(instrument, mark));
  const centre = mark - half * bounded(lean) * 0.5;
  const size = isInverse(instrument) ? parameters.futureAmountUsd : parameters.futureAmountUsd / mark;
  return twoSided(instrument, { low: centre - half, high: centre + half, amount: size });
}

function optionQuote(
  instrument: ApiInstrument,
  summary: ApiSummary,
  { nowMs, lean, parameters }: { nowMs: number; lean: number; parameters: MakerParameters },
): Quote | undefined {
  const { strike, option_type: optionType } = instrument;
  const { underlying_price: forward, mark_iv: markVolatility } = summary;
  const remainingMs = instrument.expiration_timestamp - nowMs;
  if (strike === undefined || remainingMs < quietMs || !(0 < (forward ?? 0)) || !(0 < (markVolatility ?? 0)))
    return undefined;
  const volatility = markVolatility! / 100;
  const centre = volatility * (1 - 0.5 * parameters.volatilityWidth * bounded(lean));
  const price = (at: number): number => {
    const dollars = black76Price({
      type: optionType ?? "call",
      forward: forward!,
      strike,
      years: remainingMs / yearMs,
      volatility: at,
    });
    return isInverse(instrument) ? dollars / forward! : dollars;
  };
  const width = volatility * parameters.volatilityWidth;
  return twoSided(instrument, {
    low: price(centre - width),
    high: price(centre + width),
    amount: parameters.optionAmount,
  });
}

/** Rounds outwards to the grid; a pair that would touch is set one tick apart. */
function twoSided(instrument: ApiInstrument, wish: { low: number; high: number; amount: number }): Quote {
  const bidPrice = onGrid(instrument, wish.low, "down");
  const askPrice = onGrid(instrument, Math.max(wish.high, bidPrice + tickAt(instrument, bidPrice)), "up");
  return { bidPrice, askPrice: toDecimal(askPrice), amount: amountOnGrid(instrument, wish.amount) };
}

const bounded = (lean: number): number => Math.max(-2, Math.min(2, lean));

/** True when a standing quote need not be sent again: both sides have moved by less than half their distance from the mark. */
export function isCloseEnough(standing: Quote, wanted: Quote): boolean {
  const slack = (wanted.askPrice - wanted.bidPrice) / 4;
  return (
    standing.amount === wanted.amount &&
    Math.abs(standing.bidPrice - wanted.bidPrice) <= slack &&
    Math.abs(standing.askPrice - wanted.askPrice) <= slack
  );
}
