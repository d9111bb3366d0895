/**
 * What the open interest of a chain means: the ratio of puts to calls, the price at which the holders of one expiry are paid least,
 * and the gamma that somebody is assumed to hold against it. Open interest is what the venue tells, in its unit of size.
 */
import { log, normalDensity } from "@stoa/base/exact";
import type { Feature } from "../graph/operator.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
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

/** `option_oi_put_call`: open interest of puts over that of calls, of all expiries that are not over; null without calls. */
export function putCallInterest(settings: { readonly prefix?: string } = {}): Feature {
  const chosen = chainParameters("option_oi_put_call", settings);
  return {
    id: "option_oi_put_call",
    version: 1,
    parameters: { prefix: chosen.prefix },
    columns: [
      {
        name: `option_oi_put_call${nameOfChain(chosen)}`,
        unit: "1",
        formula: "sum of OI of puts / sum of OI of calls",
      },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          let [puts, calls] = [0, 0];
          for (const [place, { terms, expiryNs, instrument }] of chain.options.entries()) {
            const interest = (chain.values.openInterest[place] as number) * instrument.multiplier;
            if (expiryNs <= timeNs || interest !== interest) continue;
            if (terms.type === "put") puts += interest;
            else calls += interest;
          }
          row[offset] = calls > 0 ? puts / calls : NaN;
        },
      };
    },
  };
}

/**
 * `option_max_pain`: of the strikes of one expiry the one K at which sum of OI_i max(w_i (K - K_i), 0) is least, w 1 for calls and -1
 * for puts: the settlement that pays the holders least in currency. The lowest of several; null where nothing is open.
 */
export function maxPain(settings: { readonly tenor: number; readonly prefix?: string }): Feature {
  const { tenor } = settings;
  const chosen = chainParameters("option_max_pain", settings);
  positiveInteger("option_max_pain.tenor", tenor);
  return {
    id: "option_max_pain",
    version: 1,
    parameters: { tenor, prefix: chosen.prefix },
    columns: [
      {
        name: `option_max_pain_${tenor}${nameOfChain(chosen)}`,
        unit: "price",
        formula: "argmin over strikes K of sum of OI_i max(w_i (K - K_i), 0)",
      },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          const expiry = chain.expiryOf(tenor, timeNs);
          row[offset] = expiry < 0 ? NaN : leastPaid(chain, expiry);
        },
      };
    },
  };
}

function leastPaid({ options, expiries, values }: OptionChain, expiry: number): number {
  const { first, end } = expiries[expiry] as ChainExpiry;
  let found = NaN;
  let least = Infinity;
  for (let at = first; at < end; at++) {
    const settlement = (options[at] as ChainOption).terms.strike;
    let [paid, open] = [0, 0];
    for (let place = first; place < end; place++) {
      const { terms, instrument } = options[place] as ChainOption;
      const interest = (values.openInterest[place] as number) * instrument.multiplier;
      if (!(0 < interest)) continue;
      open += interest;
      const gain = terms.type === "call" ? settlement - terms.strike : terms.strike - settlement;
      if (gain > 0) paid += interest * gain;
    }
    if (open > 0 && paid < least) [found, least] = [settlement, paid];
  }
  return found;
}

/**
 * Who is assumed to hold what: nothing in the data says it. `calls-long-puts-short`: the dealer bought the calls and sold the puts;
 * `short`: sold all options; `long`: bought all.
 */
export const dealerChoices = ["calls-long-puts-short", "short", "long"] as const;
export type DealerChoice = (typeof dealerChoices)[number];

const signOf = (dealer: DealerChoice, type: "call" | "put"): number =>
  dealer === "long" ? 1 : dealer === "short" ? -1 : type === "call" ? 1 : -1;

/**
 * `option_gamma_exposure`: GEX = 0.01 sum of s_i OI_i gamma_i F_i^2, time to expiry as of the row, over all expiries that are not over: the change of the dealer's
 * delta, in currency, for a move of one percent, under the signs `dealer` that are an assumption and have no default. Flip: the
 * level L nearest to 1 such that with all forwards at L F_i and volatilities as they are GEX is zero, as a percentage of the forward
 * away from here, searched in steps of `step` percent up to `range` percent on both sides and linear within a step; null if there is none.
 */
export function gammaExposure(
  settings: ChainSettings & { readonly dealer: DealerChoice; readonly range?: number; readonly step?: number },
): Feature {
  const { dealer, range = 20, step = 1 } = settings;
  const chosen = chainParameters("option_gamma_exposure", settings);
  oneOf("option_gamma_exposure.dealer", dealer, dealerChoices);
  const argument = "option_gamma_exposure.range";
  if (!(0 < range && range < 100))
    throw new FeatureRefusal({ argument, value: range, wanted: "between 0 and 100, in percent" });
  if (!(0 < step && step <= range && Number.isSafeInteger(range / step)))
    throw new FeatureRefusal({
      argument: "option_gamma_exposure.step",
      value: step,
      wanted: "a whole part of the range",
    });
  const suffix = `${dealer.replaceAll("-", "_")}${nameOfChain(chosen)}`;
  return {
    id: "option_gamma_exposure",
    version: 1,
    parameters: { dealer, range, step, ...chosen },
    columns: [
      { name: `option_gex_${suffix}`, unit: "currency per percent", formula: "0.01 sum of s_i OI_i gamma_i F_i^2" },
      { name: `option_gamma_flip_${suffix}`, unit: "percent", formula: "100 (L - 1) where GEX at L F_i is 0" },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          chain.refresh();
          const here = exposureAt(chain, dealer, 1, timeNs);
          row[offset] = here;
          row[offset + 1] = here === here ? flipOf(chain, { dealer, range, step }, here, timeNs) : NaN;
        },
      };
    },
  };
}

interface FlipSearch {
  readonly dealer: DealerChoice;
  readonly range: number;
  readonly step: number;
}

/** Steps outwards on both sides by turns, so that the nearest change of sign is found first; below before above. */
function flipOf(chain: OptionChain, { dealer, range, step }: FlipSearch, here: number, timeNs: number): number {
  if (here === 0) return NaN;
  let [below, above] = [here, here];
  for (let index = 1; index * step <= range; index++) {
    const far = index * step;
    const down = exposureAt(chain, dealer, 1 - far / 100, timeNs);
    const up = exposureAt(chain, dealer, 1 + far / 100, timeNs);
    const low = down * below <= 0 ? far - step + (step * below) / (below - down) : Infinity;
    const high = up * above <= 0 ? far - step + (step * above) / (above - up) : Infinity;
    if (low !== Infinity || high !== Infinity) return low <= high ? -low : high;
    below = down;
    above = up;
  }
  return NaN;
}

/** GEX with every forward at `level` times itself; NaN where no option has both gamma and open interest. */
function exposureAt({ options, values }: OptionChain, dealer: DealerChoice, level: number, timeNs: number): number {
  let sum = NaN;
  for (let place = 0; place < options.length; place++) {
    const { terms, expiryNs, instrument } = options[place] as ChainOption;
    const years = yearsUntil(expiryNs, timeNs);
    const deviation = (values.volatility[place] as number) * Math.sqrt(years);
    const interest = (values.openInterest[place] as number) * instrument.multiplier;
    if (!(0 < years && 0 < deviation) || interest !== interest) continue;
    const forward = (values.forward[place] as number) * level;
    const d1 = log(forward / terms.strike) / deviation + deviation / 2;
    // gamma F^2 = F n(d1) / deviation.
    const part = (signOf(dealer, terms.type) * interest * forward * normalDensity(d1)) / deviation;
    sum = (sum === sum ? sum : 0) + part / 100;
  }
  return sum;
}
