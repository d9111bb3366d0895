/**
 * The smile of one expiry of a chain: volatility at the money, and at the deltas of risk reversals and butterflies. Between strikes
 * volatility is linear in the call delta N(d1); beyond the outermost strikes there is no value. Of each strike the option out of the
 * money is read: the put below the forward that was told last for the expiry, the call from it on.
 */
import type { Feature } from "../graph/operator.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import {
  chainParameters,
  nameOfChain,
  optionChain,
  type ChainExpiry,
  type ChainOption,
  type ChainSettings,
  type OptionChain,
} from "./chain.ts";

/**
 * What at the money is: `delta-neutral`, where N(d1) is a half, so that a straddle has no delta (with forward deltas the same as 50
 * delta); `forward`, where the strike is the forward, volatility linear in the strike.
 */
export const moneyChoices = ["delta-neutral", "forward"] as const;
export type MoneyChoice = (typeof moneyChoices)[number];

export type TenorSettings = ChainSettings & {
  /** Which expiry: 1 the nearest that is not over, 2 the next. */
  readonly tenor: number;
};

/** Volatility where the call delta is `delta`; NaN where no two strikes with a volatility lie around it. */
export function volatilityAtDelta(chain: OptionChain, expiry: number, delta: number): number {
  const { callDelta } = chain.values;
  return interpolated(chain, expiry, (place) => -(callDelta[place] as number), -delta);
}

/** Volatility at the money. `chain.refresh` has been called. */
export function volatilityAtTheMoney(chain: OptionChain, expiry: number, money: MoneyChoice): number {
  if (money === "delta-neutral") return volatilityAtDelta(chain, expiry, 0.5);
  const { options, forwards } = chain;
  return interpolated(
    chain,
    expiry,
    (place) => (options[place] as ChainOption).terms.strike,
    forwards[expiry] as number,
  );
}

/** Linear between the first two neighbours around `at` in the order of strikes, over whatever `axis` says, which ascends there. */
function interpolated(chain: OptionChain, expiry: number, axis: (place: number) => number, at: number): number {
  const { options, values } = chain;
  const forward = chain.forwards[expiry] as number;
  const { first, end } = chain.expiries[expiry] as ChainExpiry;
  let lastAxis = NaN;
  let last = NaN;
  for (let place = first; place < end; place++) {
    const { type, strike } = (options[place] as ChainOption).terms;
    const volatility = values.volatility[place] as number;
    const outOfTheMoney = strike < forward ? type === "put" : type === "call";
    if (!outOfTheMoney || volatility !== volatility) continue;
    const here = axis(place);
    if (here === at) return volatility;
    if (lastAxis < at && at < here) return last + ((at - lastAxis) / (here - lastAxis)) * (volatility - last);
    lastAxis = here;
    last = volatility;
  }
  return NaN;
}

/** `option_atm`: the volatility at the money of one expiry, per square-root year (0.55 is 55 points). */
export function optionAtTheMoney(settings: TenorSettings & { readonly money?: MoneyChoice }): Feature {
  const { tenor, money = "delta-neutral" } = settings;
  const chosen = chainParameters("option_atm", settings);
  positiveInteger("option_atm.tenor", tenor);
  oneOf("option_atm.money", money, moneyChoices);
  const form = money === "forward" ? "_forward" : "";
  return {
    id: "option_atm",
    version: 1,
    parameters: { tenor, money, ...chosen },
    columns: [
      {
        name: `option_atm_${tenor}${form}${nameOfChain(chosen)}`,
        unit: "1/sqrt(year)",
        formula: money === "forward" ? "sigma(K = F), linear in K" : "sigma(N(d1) = 1/2), linear in N(d1)",
      },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          chain.refresh();
          const expiry = chain.expiryOf(tenor, timeNs);
          row[offset] = expiry < 0 ? NaN : volatilityAtTheMoney(chain, expiry, money);
        },
      };
    },
  };
}

/**
 * `option_skew`: risk reversal and butterfly of one expiry at `delta` hundredths: RR = sigma(call of delta D) - sigma(put of delta -D),
 * BF = (sigma(call) + sigma(put)) / 2 - sigma(at the money, delta-neutral), where the put of delta -D has the strike whose call delta
 * is 1 - D.
 */
export function optionSkew(settings: TenorSettings & { readonly delta: number }): Feature {
  const { tenor, delta } = settings;
  const chosen = chainParameters("option_skew", settings);
  positiveInteger("option_skew.tenor", tenor);
  if (!(0 < delta && delta < 50))
    throw new FeatureRefusal({
      argument: "option_skew.delta",
      value: delta,
      wanted: "between 0 and 50, in hundredths",
    });
  const suffix = `${delta}_${tenor}${nameOfChain(chosen)}`;
  return {
    id: "option_skew",
    version: 1,
    parameters: { tenor, delta, ...chosen },
    columns: [
      { name: `option_rr_${suffix}`, unit: "1/sqrt(year)", formula: "sigma(D) - sigma(1 - D), linear in N(d1)" },
      {
        name: `option_bf_${suffix}`,
        unit: "1/sqrt(year)",
        formula: "(sigma(D) + sigma(1 - D)) / 2 - sigma(1/2), linear in N(d1)",
      },
    ],
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      return {
        write(row, offset, timeNs) {
          chain.refresh();
          const expiry = chain.expiryOf(tenor, timeNs);
          const call = expiry < 0 ? NaN : volatilityAtDelta(chain, expiry, delta / 100);
          const put = expiry < 0 ? NaN : volatilityAtDelta(chain, expiry, 1 - delta / 100);
          row[offset] = call - put;
          row[offset + 1] = expiry < 0 ? NaN : (call + put) / 2 - volatilityAtDelta(chain, expiry, 0.5);
        },
      };
    },
  };
}
