/**
 * What the quotes of one expiry say about each other: how wide they are in volatility, how far calls and puts are from parity, and
 * the forward that they imply. All at the strike nearest to the forward that has what is needed.
 */
import type { Feature } from "../graph/operator.ts";
import { positiveInteger } from "../refusal.ts";
import {
  chainParameters,
  nameOfChain,
  optionChain,
  type ChainExpiry,
  type ChainOption,
  type OptionChain,
} from "./chain.ts";
import type { TenorSettings } from "./smile.ts";

/**
 * `option_iv_spread`: mean over the options of one expiry of ask less bid volatility, where both exist. Which volatility stands for
 * the options does not matter here.
 */
export function optionVolatilitySpread(settings: Omit<TenorSettings, "volatility">): Feature {
  const { tenor } = settings;
  const chosen = chainParameters("option_iv_spread", settings);
  positiveInteger("option_iv_spread.tenor", tenor);
  return {
    id: "option_iv_spread",
    version: 1,
    parameters: { tenor, prefix: chosen.prefix },
    columns: [
      {
        name: `option_iv_spread_${tenor}${nameOfChain(chosen)}`,
        unit: "1/sqrt(year)",
        formula: "mean of sigma_ask - sigma_bid",
      },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          chain.refresh();
          const expiry = chain.expiryOf(tenor, timeNs);
          row[offset] = expiry < 0 ? NaN : meanSpread(chain, expiry);
        },
      };
    },
  };
}

function meanSpread({ expiries, values }: OptionChain, expiry: number): number {
  const { first, end } = expiries[expiry] as ChainExpiry;
  let [sum, count] = [0, 0];
  for (let place = first; place < end; place++) {
    const spread = (values.askVolatility[place] as number) - (values.bidVolatility[place] as number);
    if (spread !== spread) continue;
    sum += spread;
    count++;
  }
  return sum / count;
}

/** Place of the call whose strike is nearest to the forward (the lower of two), of those with both quotes of call and put; -1 without. */
function nearestPair({ expiries, options, values, forwards }: OptionChain, expiry: number): number {
  const { first, end } = expiries[expiry] as ChainExpiry;
  let found = -1;
  let nearest = Infinity;
  for (let place = first; place + 1 < end; place++) {
    const { terms: call } = options[place] as ChainOption;
    const { terms: put } = options[place + 1] as ChainOption;
    if (call.type !== "call" || put.type !== "put" || call.strike !== put.strike || call.unit !== put.unit) continue;
    const middles = middleOf(values, place) + middleOf(values, place + 1);
    const distance = Math.abs(call.strike - (forwards[expiry] as number));
    if (middles === middles && distance < nearest) [found, nearest] = [place, distance];
  }
  return found;
}

const middleOf = ({ bid, ask }: OptionChain["values"], place: number): number =>
  ((bid[place] as number) + (ask[place] as number)) / 2;

/**
 * `option_parity`: at the strike nearest to the forward, of mid prices: the deviation from parity in units of the forward,
 * (C - P) - (1 - K/F) in coin and (C - P - F + K) / F in currency; and the implied forward K / (1 - (C - P)), in currency K + C - P.
 */
export function optionParity(settings: Omit<TenorSettings, "volatility">): Feature {
  const { tenor } = settings;
  const chosen = chainParameters("option_parity", settings);
  positiveInteger("option_parity.tenor", tenor);
  const suffix = `${tenor}${nameOfChain(chosen)}`;
  return {
    id: "option_parity",
    version: 1,
    parameters: { tenor, prefix: chosen.prefix },
    columns: [
      { name: `option_parity_${suffix}`, unit: "1", formula: "(C - P) - (1 - K/F), C and P in units of F" },
      { name: `option_forward_${suffix}`, unit: "price", formula: "K / (1 - (C - P)), in currency K + C - P" },
    ],
    source: "Stoll, Journal of Finance 24(5), 1969",
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          const expiry = chain.expiryOf(tenor, timeNs);
          const place = expiry < 0 ? -1 : nearestPair(chain, expiry);
          row[offset] = NaN;
          row[offset + 1] = NaN;
          if (place < 0) return;
          const { strike, unit } = (chain.options[place] as ChainOption).terms;
          const forward = chain.forwards[expiry] as number;
          const difference = middleOf(chain.values, place) - middleOf(chain.values, place + 1);
          row[offset] = (unit === "coin" ? difference : difference / forward) - (1 - strike / forward);
          row[offset + 1] = unit === "coin" ? strike / (1 - difference) : strike + difference;
        },
      };
    },
  };
}
