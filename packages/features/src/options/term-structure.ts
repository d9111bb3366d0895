/**
 * The volatility at the money over time: at constant maturities, its slope, the variance between two of them, and the variance index.
 * Between expiries total variance, volatility squared times years, is linear in time; before the first and after the last there is
 * no value.
 */
import type { ExpiryQuotes, OptionQuote } from "@stoa/pricing/surface/chain";
import { volatilityIndex } from "@stoa/pricing/surface/volatility-index";
import type { Feature } from "../graph/operator.ts";
import { FeatureRefusal, oneOf, positiveNumber } from "../refusal.ts";
import {
  chainParameters,
  nameOfChain,
  optionChain,
  yearsUntil,
  type ChainExpiry,
  type ChainOption,
  type ChainSettings,
  type OptionChain,
} from "./chain.ts";
import { moneyChoices, volatilityAtTheMoney, type MoneyChoice } from "./smile.ts";

export type TermSettings = ChainSettings & { readonly money?: MoneyChoice };

const daysPerYear = 365;

/** Total variance at the money `days` after `timeNs`; NaN outside of the expiries that have one. `chain.refresh` has been called. */
export function totalVarianceAt(chain: OptionChain, money: MoneyChoice, days: number, timeNs: number): number {
  const years = days / daysPerYear;
  let lastYears = NaN;
  let last = NaN;
  for (let expiry = 0; expiry < chain.expiries.length; expiry++) {
    const here = yearsUntil((chain.expiries[expiry] as ChainExpiry).expiryNs, timeNs);
    if (here <= 0) continue;
    const volatility = volatilityAtTheMoney(chain, expiry, money);
    if (volatility !== volatility) continue;
    const variance = volatility * volatility * here;
    if (here === years) return variance;
    if (lastYears < years && years < here) return last + ((years - lastYears) / (here - lastYears)) * (variance - last);
    lastYears = here;
    last = variance;
  }
  return NaN;
}

const moneyOf = (feature: string, { money = "delta-neutral" }: TermSettings): MoneyChoice =>
  oneOf(`${feature}.money`, money, moneyChoices);

const formOf = (money: MoneyChoice): string => (money === "forward" ? "_forward" : "");

/** `option_constant_maturity`: volatility at the money in `days` days, sqrt(w / T) with w linear in T between the expiries around. */
export function constantMaturity(settings: TermSettings & { readonly days: number }): Feature {
  const { days } = settings;
  const chosen = chainParameters("option_constant_maturity", settings);
  const money = moneyOf("option_constant_maturity", settings);
  positiveNumber("option_constant_maturity.days", days);
  return {
    id: "option_constant_maturity",
    version: 1,
    parameters: { days, money, ...chosen },
    columns: [
      {
        name: `option_cm_${days}d${formOf(money)}${nameOfChain(chosen)}`,
        unit: "1/sqrt(year)",
        formula: "sqrt(w(T) / T), w = sigma^2 T linear in T",
      },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          chain.refresh();
          row[offset] = Math.sqrt(totalVarianceAt(chain, money, days, timeNs) / (days / daysPerYear));
        },
      };
    },
  };
}

/**
 * `option_term`: between the constant maturities `near` and `far` (days): slope = sigma(far) - sigma(near); forward variance =
 * (w(far) - w(near)) / (T(far) - T(near)), per year; calendar 1 where that is negative (an arbitrage across expiries), else 0.
 */
export function optionTerm(settings: TermSettings & { readonly near: number; readonly far: number }): Feature {
  const { near, far } = settings;
  const chosen = chainParameters("option_term", settings);
  const money = moneyOf("option_term", settings);
  positiveNumber("option_term.near", near);
  positiveNumber("option_term.far", far);
  if (far <= near) throw new FeatureRefusal({ argument: "option_term.far", value: far, wanted: `above near, ${near}` });
  const suffix = `${near}d_${far}d${formOf(money)}${nameOfChain(chosen)}`;
  return {
    id: "option_term",
    version: 1,
    parameters: { near, far, money, ...chosen },
    columns: [
      { name: `option_slope_${suffix}`, unit: "1/sqrt(year)", formula: "sigma(far) - sigma(near)" },
      { name: `option_forward_variance_${suffix}`, unit: "1/year", formula: "(w_far - w_near) / (T_far - T_near)" },
      { name: `option_calendar_${suffix}`, unit: "1", formula: "1 where w_far < w_near, else 0" },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          chain.refresh();
          const first = totalVarianceAt(chain, money, near, timeNs);
          const second = totalVarianceAt(chain, money, far, timeNs);
          const rise = second - first;
          row[offset] = Math.sqrt((second * daysPerYear) / far) - Math.sqrt((first * daysPerYear) / near);
          row[offset + 1] = (rise * daysPerYear) / (far - near);
          row[offset + 2] = rise === rise ? (rise < 0 ? 1 : 0) : NaN;
        },
      };
    },
  };
}

/**
 * `option_variance_index`: the model-free volatility of the next `days` days in the way of Cboe, from mid prices: per expiry
 * (2/T) sum dK/K^2 Q(K) - (1/T) (F/K0 - 1)^2, total variance linear in T between the two expiries around, then its root per year.
 * Null where there is no expiry on one side, or fewer than four strikes in a sum. See `volatilityIndex` of the pricing library.
 */
export function varianceIndex(settings: { readonly days: number; readonly prefix?: string }): Feature {
  const { days } = settings;
  const chosen = chainParameters("option_variance_index", settings);
  positiveNumber("option_variance_index.days", days);
  return {
    id: "option_variance_index",
    version: 1,
    parameters: { days, prefix: chosen.prefix },
    columns: [
      {
        name: `option_variance_index_${days}d${nameOfChain(chosen)}`,
        unit: "1/sqrt(year)",
        formula: "sqrt of (2/T) sum dK/K^2 Q(K) - (1/T) (F/K0 - 1)^2, linear in T",
      },
    ],
    source: "Cboe, Volatility Index Methodology",
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          const quotes = chain.expiries.flatMap((_, expiry) => quotesOf(chain, expiry, timeNs));
          const index = quotes.length === 0 ? "" : volatilityIndex(quotes, { targetYears: days / daysPerYear });
          row[offset] = typeof index === "string" ? NaN : index.volatility;
        },
      };
    },
  };
}

/** The quotes of one expiry in currency; nothing for one that is over or has no forward. */
function quotesOf(
  { expiries, options, values, forwards }: OptionChain,
  expiry: number,
  timeNs: number,
): ExpiryQuotes[] {
  const { first, end, expiryNs } = expiries[expiry] as ChainExpiry;
  const forward = forwards[expiry] as number;
  const years = yearsUntil(expiryNs, timeNs);
  if (!(0 < years && 0 < forward && forward < Infinity)) return [];
  const quotes: OptionQuote[] = [];
  for (let place = first; place < end; place++) {
    const { type, strike, unit } = (options[place] as ChainOption).terms;
    const worth = unit === "coin" ? forward : 1;
    const [bid, ask] = [values.bid[place] as number, values.ask[place] as number];
    quotes.push({
      type,
      strike,
      bid: 0 < bid ? bid * worth : undefined,
      ask: 0 < ask ? ask * worth : undefined,
    });
  }
  return [{ years, forward, quotes }];
}
