/**
 * European options with one barrier that is watched continuously, under the model of Black, Scholes and Merton: the eight of
 * up and down, in and out, call and put, with a rebate. A knock-in pays its rebate at expiry if the barrier was never touched;
 * a knock-out pays it when the barrier is touched. An option whose spot is on the barrier or beyond it has been knocked.
 *
 * `barrier-terms.ts` has the formula and its derivatives; here is which of its terms an option is made of, and what is left of an
 * option that has been knocked or whose spot has one path.
 *
 * E. Reiner and M. Rubinstein, "Breaking down the barriers", Risk 4 (1991); terms A to F as in E. G. Haug, "The Complete Guide
 * to Option Pricing Formulas", 2nd edition (2007), section 4.17.
 */
import { exp } from "@stoa/base/exact";
import { optionTypes } from "./black76.ts";
import { blackScholes, legsOf, type BlackScholesArguments } from "./black-scholes.ts";
import { barrierValues, type BarrierValues, type Composition } from "./barrier-terms.ts";
import { logMoneyness } from "./normalised-black.ts";
import { notNegative, oneOf, positive, PricingRefusal } from "./refusal.ts";

export const knocks = ["up-and-in", "up-and-out", "down-and-in", "down-and-out"] as const;
export type Knock = (typeof knocks)[number];

export type BarrierArguments = BlackScholesArguments & {
  readonly knock: Knock;
  /** Positive. */
  readonly barrier: number;
  /** Money, not negative; 0 when absent. */
  readonly rebate?: number;
};

/**
 * The value of a barrier option with its first derivatives and gamma. Without time or volatility it is the value along the one
 * path that the spot then takes. A rebate of a knock-out needs (r - q - volatility^2/2)^2 + 2 r volatility^2 not negative, which
 * only a rate well below zero violates: it is refused then.
 *
 * Error: below two units in the last place of the value, or of a thousandth of the largest of the terms that it and each
 * derivative are sums of, where more than three digits cancel between them (`docs/pricing/accuracy.md`).
 *
 * @example barrier({ type: "call", knock: "down-and-out", spot: 100, strike: 90, barrier: 95, rebate: 3, years: 0.5, volatility: 0.25, rate: 0.08, dividendYield: 0.04 })
 */
export function barrier(option: BarrierArguments): BarrierValues {
  const { type, knock, spot, years, volatility } = option;
  oneOf("type", type, optionTypes);
  oneOf("knock", knock, knocks);
  const level = positive("barrier", option.barrier);
  const rebate = notNegative("rebate", option.rebate ?? 0);
  const isIn = knock === "up-and-in" || knock === "down-and-in";
  const isDown = knock === "down-and-in" || knock === "down-and-out";
  if (isDown ? spot <= level : level <= spot) return isIn ? vanilla(option) : knockedOut(option, rebate);
  const legs = legsOf(option);
  const { standard } = legs;
  if (!(volatility <= largestVolatility && standard.deviation <= largestVolatility))
    throw new PricingRefusal(
      "volatility",
      "outside-range",
      volatility,
      "and that times sqrt(years) must be at most 1e30",
    );
  if (standard.deviation < smallestDeviation) return alongThePath(option, isIn, isDown, rebate);
  const { strike, rate = 0, dividendYield = 0 } = option;
  const isCall = type === "call";
  const inside = knockIn(isCall, isDown, level <= strike);
  const values = barrierValues(
    { spot, strike, barrier: level, years, volatility, rate, dividendYield, isCall, isDown },
    legs,
    {
      plain: isIn ? inside.plain : 1 - inside.plain,
      mirrored: isIn ? inside.mirrored : -inside.mirrored,
      between: isIn ? inside.between : -inside.between,
      rebate,
      rebateAt: isIn ? "expiry" : "touch",
    },
  );
  if (values === undefined)
    throw new PricingRefusal("rate", "outside-range", rate, "is too far below zero for a rebate at the touch");
  return values;
}

/** Below this the spot has but one path, as far as doubles tell prices apart; powers of it would overflow in the formula. */
const smallestDeviation = 1e-30;
/** Powers of what is above it would overflow in the formula too. */
const largestVolatility = 1e30;

/** What a knock-in is made of, without its rebate; a knock-out is the vanilla option less that. `low`: the barrier is below the strike or on it. */
function knockIn(isCall: boolean, isDown: boolean, low: boolean): Pick<Composition, "plain" | "mirrored" | "between"> {
  // Whether the barrier lies on the side of the strike where the payoff is nothing.
  const harmless = isCall === low;
  if (isCall === isDown)
    return harmless ? { plain: 0, mirrored: 1, between: 0 } : { plain: 1, mirrored: 0, between: 1 };
  return harmless ? { plain: 1, mirrored: 0, between: 0 } : { plain: 0, mirrored: -1, between: 1 };
}

const pair = new Float64Array(2);

/** ln(a / b), whose digits hold for neighbours too. */
function logRatio(a: number, b: number): number {
  if (a < b) logMoneyness(a, b, pair);
  else logMoneyness(b, a, pair);
  return (a < b ? -1 : 1) * (pair[0] as number);
}

function vanilla(option: BlackScholesArguments): BarrierValues {
  const { price, delta, gamma, vega, theta, rho, yieldRho } = blackScholes(option);
  return { price, delta, gamma, vega, theta, rho, yieldRho };
}

/** Only the rebate is left, paid now. */
function knockedOut(option: BlackScholesArguments, rebate: number): BarrierValues {
  legsOf(option);
  return { price: rebate, delta: 0, gamma: 0, vega: 0, theta: 0, rho: 0, yieldRho: 0 };
}

/** Without deviation the spot moves to its forward on one path: does that touch the barrier before expiry? */
function alongThePath(option: BarrierArguments, isIn: boolean, isDown: boolean, rebate: number): BarrierValues {
  const { spot, years, rate = 0, dividendYield = 0 } = option;
  const carry = rate - dividendYield;
  const away = logRatio(option.barrier, spot);
  const touches = isDown ? carry * years <= away : away <= carry * years;
  if (isIn === touches) return vanilla(option);
  if (isIn) {
    const price = rebate * exp(-rate * years);
    return { price, delta: 0, gamma: 0, vega: 0, theta: rate * price + 0, rho: -years * price + 0, yieldRho: 0 };
  }
  // The rebate at the touch: R (S/H)^(r/c), c = r - q, after ln(H/S)/c years.
  const wait = away / carry;
  const price = rebate * exp(-rate * wait);
  const power = rate / carry;
  return {
    price,
    delta: (price * power) / spot + 0,
    gamma: (price * power * (power - 1)) / spot / spot + 0,
    vega: 0,
    theta: 0,
    rho: price * wait * (power - 1) + 0,
    yieldRho: -price * wait * power + 0,
  };
}
