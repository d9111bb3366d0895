/**
 * Mark prices (exchange.md 2.7). A future or perpetual is marked at its base price (the forward of its expiry, the index)
 * plus the smoothed difference of its book to that base; an option by Black-76 at the agreed forward and smile. In the
 * averaging window before an expiry the forward is mixed with what is already fixed, and what is fixed no longer moves: marks
 * run into the delivery. This file is the one place where a floating-point price becomes an integer.
 */
import { black76Price } from "@stoa/pricing/black76";
import { volatilityAt } from "@stoa/pricing/smile";
import { floorDivide, ppm, type InstrumentTerms } from "../terms.ts";

/** The difference of a book to its base price is smoothed with this time constant and clamped to this part of the base. */
const premiumTimeMs = 30_000n;
const premiumPpmMax = 5_000n;
/** 365 days. */
export const yearMs = 31_536_000_000;

export interface BestPrices {
  readonly bidTicks: number;
  readonly askTicks: number;
}

/**
 * The smoothed premium after an interval: an exponential mean of the mid price less the base, each sample clamped. A book
 * with an empty side samples zero: the mark returns to its base. In 1e-11.
 */
export function premiumAfter(
  premiumE11: bigint,
  sample: {
    readonly terms: InstrumentTerms;
    readonly basePrice: number;
    readonly best: BestPrices | undefined;
    readonly durationMs: number;
  },
): bigint {
  const { terms, basePrice, best, durationMs } = sample;
  const base = BigInt(basePrice);
  const limitE11 = (base * premiumPpmMax * 1000n) / ppm;
  let sampleE11 = 0n;
  if (best !== undefined) {
    const doubledMid = BigInt(best.bidTicks + best.askTicks) * BigInt(terms.instrument.tick);
    sampleE11 = (doubledMid - 2n * base) * 500n;
    if (sampleE11 < -limitE11) sampleE11 = -limitE11;
    if (limitE11 < sampleE11) sampleE11 = limitE11;
  }
  const duration = BigInt(durationMs);
  return premiumE11 + ((sampleE11 - premiumE11) * duration) / (premiumTimeMs + duration);
}

/** Mark of a future or perpetual in 1e-8, rounded down to a tenth of its tick; never below that. */
export function futureMark(terms: InstrumentTerms, basePrice: number, premiumE11: bigint): number {
  const grain = BigInt(Math.max(1, Math.floor(terms.instrument.tick / 10)));
  const mark = floorDivide(BigInt(basePrice) * 1000n + premiumE11, 1000n * grain) * grain;
  return Number(mark < grain ? grain : mark);
}

export interface OptionMark {
  readonly markPrice: number;
  readonly volatilityPpm: number;
}

/** What an option is marked with. Prices in 1e-8. */
export interface OptionInputs {
  /** The forward; inside the averaging window with what is already fixed in it. */
  readonly forward: number;
  readonly volatilitiesPpm: readonly number[];
  /** Time to expiry. */
  readonly remainingMs: number;
  /** How much of the averaging window is still to come, 1 before it: only that part can still move. */
  readonly unsettledPart: number;
}

/** Mark of an option: its premium in 1e-8 of its quote unit (inverse: coin) and the volatility read from the smile. */
export function optionMark(terms: InstrumentTerms, inputs: OptionInputs): OptionMark {
  const { instrument } = terms;
  const forward = inputs.forward / 1e8;
  const strike = instrument.strike! / 1e8;
  const years = Math.max(0, inputs.remainingMs) / yearMs;
  const nodes = inputs.volatilitiesPpm.map((one) => one / 1e6);
  const smile = volatilityAt(nodes, forward, strike, years);
  const volatility = smile * inputs.unsettledPart;
  const dollars = black76Price({ type: instrument.optionType!, forward, strike, years, volatility });
  return {
    markPrice: roundedPremium(terms, instrument.inverse ? dollars / forward : dollars),
    volatilityPpm: Math.round(smile * 1e6),
  };
}

/**
 * Where doubles become integers: to the nearest hundredth of a tick, and at least that, since a mark of zero means unknown.
 * Marks are no requirement and no payout, so nearest is the fair rounding.
 */
function roundedPremium(terms: InstrumentTerms, premium: number): number {
  const grain = Math.max(1, Math.floor(terms.instrument.tick / 100));
  return Math.max(grain, Math.round((premium * 1e8) / grain) * grain);
}
