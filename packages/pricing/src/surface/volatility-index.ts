/**
 * The variance-swap style volatility index: for the expiries on both sides of a fixed time, 30 days when absent,
 *
 *   variance = (2/T) sum dK/K^2 Q(K) - (1/T) (F/K0 - 1)^2
 *
 * over out-of-the-money options, Q the undiscounted mid price, dK half the distance between the neighbouring strikes, K0 the
 * largest strike not above the forward F, where Q is the mean of put and call; from K0 outwards quotes without a bid are left out
 * and after two of them in a row no more are taken. Between the two expiries total variance is linear in time. The same from a
 * fitted surface is an integral without strikes.
 *
 * Cboe, "Volatility Index Methodology: Cboe Volatility Index"; K. Demeterfi, E. Derman, M. Kamal, J. Zou, "More than you ever
 * wanted to know about volatility swaps", Goldman Sachs (1999).
 */
import { exp } from "@stoa/base/exact";
import { powerOfTwo } from "@stoa/base/exact/error-free";
import { timeValue } from "../black76.ts";
import { positive } from "../refusal.ts";
import {
  checkChain,
  checkQuotes,
  quoteSettings,
  quoteState,
  type ExpiryQuotes,
  type OptionQuote,
  type QuoteSettings,
} from "./chain.ts";
import { impliedForward, paritySettings, rateErrorMax } from "./put-call-parity.ts";
import { surfaceVariance, type Surface } from "./surface.ts";

export type IndexSettings = QuoteSettings & {
  /** The time whose volatility the index is. */
  readonly targetYears: number;
  /** An expiry with fewer strikes in its sum is passed over. */
  readonly strikesMin: number;
};

export const indexSettings: IndexSettings = { ...quoteSettings, targetYears: 30 / 365, strikesMin: 4 };

export type IndexTerm = {
  readonly years: number;
  readonly forward: number;
  /** K0 */
  readonly middleStrike: number;
  readonly strikeCount: number;
  /** Per year. */
  readonly variance: number;
};

export type VolatilityIndex = {
  /** Per square-root year: 0.55 is an index of 55. */
  readonly volatility: number;
  readonly near: IndexTerm;
  readonly next: IndexTerm;
};

/** Why there is no index: no usable expiry at or before the target, none at or after it, or a sum that is not positive. */
export const indexRefusals = ["no-expiry-before", "no-expiry-after", "variance-not-positive"] as const;
export type IndexRefusal = (typeof indexRefusals)[number];

/** The index of a chain whose expiries ascend, or why there is none. */
export function volatilityIndex(
  chain: readonly ExpiryQuotes[],
  settings: Partial<IndexSettings> = {},
): VolatilityIndex | IndexRefusal {
  const all = { ...indexSettings, ...settings };
  checkChain(chain, all);
  const target = positive("settings.targetYears", all.targetYears);
  const terms = chain.flatMap((expiry) => indexTerm(expiry, all) ?? []);
  const near = terms.filter(({ years }) => years <= target).at(-1);
  const next = terms.find(({ years }) => target <= years);
  if (near === undefined) return "no-expiry-before";
  if (next === undefined) return "no-expiry-after";
  const part = near === next ? 0 : (target - near.years) / (next.years - near.years);
  const first = near.variance * near.years;
  const total = first + part * (next.variance * next.years - first);
  const variance = total / (near === next ? near.years : target);
  return 0 < variance ? { volatility: Math.sqrt(variance), near, next } : "variance-not-positive";
}

/** The sum of one expiry; undefined without a forward or with fewer strikes than asked for. */
export function indexTerm(expiry: ExpiryQuotes, settings: IndexSettings = indexSettings): IndexTerm | undefined {
  const { years, quotes } = expiry;
  positive("expiry.years", years);
  checkQuotes("expiry.quotes", quotes, settings);
  const parity = { ...paritySettings, ...settings, discount: expiry.discount, discountErrorMax: rateErrorMax * years };
  const implied = expiry.forward ?? impliedForward(quotes, parity);
  if (typeof implied === "string") return undefined;
  const forward = typeof implied === "number" ? implied : implied.forward;
  const discount = typeof implied === "number" ? (expiry.discount ?? 1) : implied.discount;
  const strip = stripOf(quotes, forward, settings);
  if (strip === undefined || strip.rows.length < settings.strikesMin) return undefined;
  const { rows, middleStrike } = strip;
  const scale = (settings.unit === "coin" ? forward : 1) / discount;
  let sum = 0;
  for (const [index, { strike, mid }] of rows.entries()) {
    const below = rows[index - 1]?.strike;
    const above = rows[index + 1]?.strike;
    const width = ((above ?? strike) - (below ?? strike)) / (below === undefined || above === undefined ? 1 : 2);
    sum += ((width / strike) * (mid * scale)) / strike;
  }
  const shift = forward / middleStrike - 1;
  return {
    years,
    forward,
    middleStrike,
    strikeCount: rows.length,
    variance: (2 * sum - shift * shift) / years,
  };
}

type StripRow = { readonly strike: number; readonly mid: number };

/** The strikes of the sum in ascending order, with the mid of the option that is out of the money; of both at K0. */
function stripOf(
  quotes: readonly OptionQuote[],
  forward: number,
  settings: QuoteSettings,
): { readonly rows: StripRow[]; readonly middleStrike: number } | undefined {
  const puts = midsOf(quotes, "put", settings);
  const calls = midsOf(quotes, "call", settings);
  const strikes = [...new Set([...puts.keys(), ...calls.keys()])].sort((one, other) => one - other);
  const middle = strikes.findLastIndex((strike) => strike <= forward && has(puts, strike) && has(calls, strike));
  if (middle < 0) return undefined;
  const middleStrike = strikes[middle] as number;
  const center = 0.5 * ((puts.get(middleStrike) as number) + (calls.get(middleStrike) as number));
  const left = outwards(strikes.slice(0, middle).reverse(), puts).reverse();
  const right = outwards(strikes.slice(middle + 1), calls);
  return { rows: [...left, { strike: middleStrike, mid: center }, ...right], middleStrike };
}

const has = (mids: ReadonlyMap<number, number | undefined>, strike: number): boolean => mids.get(strike) !== undefined;

/** Those with a bid, until two strikes in a row have none. A strike at which this option is not listed counts for nothing. */
function outwards(strikes: readonly number[], mids: ReadonlyMap<number, number | undefined>): StripRow[] {
  const rows: StripRow[] = [];
  let missing = 0;
  for (const strike of strikes) {
    if (!mids.has(strike)) continue;
    const mid = mids.get(strike);
    if (mid !== undefined) rows.push({ strike, mid });
    missing = mid === undefined ? missing + 1 : 0;
    if (missing === 2) break;
  }
  return rows;
}

/** The mid by strike; undefined where the option is quoted without a bid, crossed or stale. */
function midsOf(
  quotes: readonly OptionQuote[],
  type: OptionQuote["type"],
  settings: QuoteSettings,
): Map<number, number | undefined> {
  const mids = new Map<number, number | undefined>();
  for (const quote of quotes) {
    if (quote.type !== type) continue;
    const usable = quoteState(quote, settings) === "two-sided";
    mids.set(quote.strike, usable ? 0.5 * ((quote.bid as number) + (quote.ask as number)) : undefined);
  }
  return mids;
}

/** Intervals of Simpson's rule in each piece; pieces double in length from the forward outwards. */
const intervalsCount = 64;
const piecesCountMax = 40;

/**
 * The fair variance per year of a variance swap under a surface: (2/T) times the integral over k of e^-k q(k), q the
 * undiscounted out-of-the-money price over the forward. By Simpson's rule on pieces of each side, from one at-the-money deviation
 * outwards, until a piece adds less than 1e-13 of the whole; relative error below 1e-6 on smooth slices.
 */
export function surfaceFairVariance(surface: Surface, years: number): number {
  const unit = Math.sqrt(surfaceVariance(surface, 0, years));
  let total = 0;
  for (const sign of [1, -1]) {
    for (let piece = 0; piece < piecesCountMax; piece++) {
      const from = piece === 0 ? 0 : unit * powerOfTwo(piece - 1);
      const part = pieceOf(surface, years, sign, from, unit * powerOfTwo(piece));
      total += part;
      if (part <= 1e-13 * total) break;
    }
  }
  return (2 * total) / years;
}

function pieceOf(surface: Surface, years: number, sign: number, from: number, to: number): number {
  const step = (to - from) / intervalsCount;
  let sum = 0;
  for (let index = 0; index <= intervalsCount; index++) {
    const k = sign * (from + step * index);
    const strike = exp(k);
    if (strike === 0 || strike === Infinity) break;
    const value = timeValue(1, strike, Math.sqrt(surfaceVariance(surface, k, years))) / strike;
    sum += (index === 0 || index === intervalsCount ? 1 : index % 2 === 1 ? 4 : 2) * value;
  }
  return (sum * step) / 3;
}
