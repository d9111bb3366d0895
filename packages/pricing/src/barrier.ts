/**
 * European options with one barrier that is watched continuously, under the model of Black, Scholes and Merton: the eight of
 * up and down, in and out, call and put, with a rebate. A knock-in pays its rebate at expiry if the barrier was never touched;
 * a knock-out pays it when the barrier is touched. An option whose spot is on the barrier or beyond it has been knocked.
 *
 * Derivatives are analytic: the formula is evaluated on numbers that carry them (`jet.ts`), no differences are taken.
 *
 * E. Reiner and M. Rubinstein, "Breaking down the barriers", Risk 4 (1991); terms A to F as in E. G. Haug, "The Complete Guide
 * to Option Pricing Formulas", 2nd edition (2007), section 4.17.
 */
import { exp } from "@stoa/base/exact";
import { optionTypes } from "./black76.ts";
import { blackScholes, legsOf, type BlackScholesArguments } from "./black-scholes.ts";
import { over, plus, rootOf, times, weighted, zeroJet, type Jet } from "./jet.ts";
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

/** With respect to the spot, per 1.00 of volatility, rate and yield, and per year that passes. */
export type BarrierValues = {
  readonly price: number;
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
  readonly yieldRho: number;
};

/**
 * The value of a barrier option with its first derivatives and gamma. Without time or volatility it is the value along the one
 * path that the spot then takes. A rebate of a knock-out needs (r - q - volatility^2/2)^2 + 2 r volatility^2 not negative, which
 * only a rate well below zero violates: it is refused then.
 *
 * Error: the value is a sum of up to six terms, its error some units in the last place of the largest of them, and z^2 times
 * that where the distributions are at z deviations: `docs/pricing/accuracy.md`. Its derivatives lose up to six digits more where
 * 2 (r - q) / volatility^2 is in the thousands, at volatilities of 1 % and rates of 15 %.
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
  const { standard } = legsOf(option);
  if (!(volatility <= largestVolatility && standard.deviation <= largestVolatility))
    throw new PricingRefusal(
      "volatility",
      "outside-range",
      volatility,
      "and that times sqrt(years) must be at most 1e30",
    );
  if (standard.deviation < smallestDeviation) return alongThePath(option, isIn, isDown, rebate);
  const terms = termsOf(option, isDown);
  const high = level <= option.strike;
  const value = plus(
    isIn ? knockIn(terms, type === "call", isDown, high) : knockOut(terms, type === "call", isDown, high),
    rebate === 0 ? zeroJet : isIn ? terms.rebateAtExpiry() : terms.rebateAtTouch(),
    rebate,
  );
  return valuesOf(value, spot, years, volatility);
}

/** Below this the spot has but one path, as far as doubles tell prices apart; powers of it would overflow in the formula. */
const smallestDeviation = 1e-30;
/** Powers of what is above it would overflow in the formula too. */
const largestVolatility = 1e30;

function knockIn({ a, b, c, d }: Terms, call: boolean, down: boolean, high: boolean): Jet {
  // Whether the barrier lies on the side of the strike where the payoff is nothing.
  if (call === down) {
    if (call === high) return c();
    return plus(plus(a(), b(), -1), d());
  }
  if (call === high) return a();
  return plus(plus(b(), c(), -1), d());
}

function knockOut({ a, b, c, d }: Terms, call: boolean, down: boolean, high: boolean): Jet {
  if (call === down) {
    if (call === high) return plus(a(), c(), -1);
    return plus(b(), d(), -1);
  }
  if (call === high) return zeroJet;
  return plus(plus(a(), b(), -1), plus(c(), d(), -1));
}

type Terms = {
  readonly a: () => Jet;
  readonly b: () => Jet;
  readonly c: () => Jet;
  readonly d: () => Jet;
  /** For a rebate of 1. */
  readonly rebateAtExpiry: () => Jet;
  readonly rebateAtTouch: () => Jet;
};

/**
 * The terms of Reiner and Rubinstein. With s = volatility sqrt(T), m = (r - q) T - s^2/2, w = 1 for a call and -1 for a put,
 * v = 1 for a down barrier and -1 for an up barrier, X the strike, H the barrier and h = ln(S/H):
 *
 *   A = vanilla(ln(S/X)),  B = vanilla(h)         vanilla(l) = w (S e^-qT N(w (l + m + s^2)/s) - X e^-rT N(w (l + m)/s))
 *   C = mirror(ln(S/X)),   D = mirror(h)          mirror(l)  = the same of l - 2h with v in the distributions, its first part
 *                                                 times (H/S)^(2m/s^2 + 2) and its second times (H/S)^(2m/s^2)
 */
function termsOf(option: BarrierArguments, isDown: boolean): Terms {
  const { type, spot, strike, years, volatility, rate = 0, dividendYield = 0 } = option;
  const w = type === "call" ? 1 : -1;
  const v = isDown ? 1 : -1;
  const root = Math.sqrt(years);
  const s: Jet = { ...zeroJet, value: volatility * root, volatility: root, years: (0.5 * volatility) / root };
  const carry: Jet = {
    ...zeroJet,
    value: (rate - dividendYield) * years,
    years: rate - dividendYield,
    rate: years,
    dividendYield: -years,
  };
  const variance = times(s, s);
  const m = plus(carry, variance, -0.5);
  const h: Jet = { ...zeroJet, value: logRatio(spot, option.barrier), slope: 1 };
  const moneyness: Jet = { ...zeroJet, value: logRatio(spot, strike), slope: 1 };
  const interest: Jet = { ...zeroJet, value: -rate * years, years: -rate, rate: -years };
  // Of the spot leg, S taken out: the slope stays.
  const holding: Jet = {
    ...zeroJet,
    value: -dividendYield * years,
    slope: 1,
    years: -dividendYield,
    dividendYield: -years,
  };
  const power = over(times(plus(zeroJet, h, -2), m), variance);

  const leg = (l: Jet, side: number, mirrored: boolean): Jet => {
    const u = over(plus(l, m), s);
    const upper = plus(zeroJet, plus(u, s), side);
    const lower = plus(zeroJet, u, side);
    const first = mirrored ? plus(plus(holding, power), h, -2) : holding;
    const second = mirrored ? plus(interest, power) : interest;
    return plus(plus(zeroJet, weighted(first, upper), w * spot), weighted(second, lower), -w * strike);
  };
  return {
    a: () => leg(moneyness, w, false),
    b: () => leg(h, w, false),
    c: () => leg(plus(moneyness, h, -2), v, true),
    d: () => leg(plus(h, h, -2), v, true),
    rebateAtExpiry: () => {
      const stays = weighted(interest, plus(zeroJet, over(plus(h, m), s), v));
      const touches = weighted(plus(interest, power), plus(zeroJet, over(plus(plus(zeroJet, h, -1), m), s), v));
      return plus(stays, touches, -1);
    },
    rebateAtTouch: () => {
      const square = plus(times(m, m), times(plus(zeroJet, interest, -2), variance));
      if (square.value < 0)
        throw new PricingRefusal("rate", "outside-range", rate, "is too far below zero for a rebate at the touch");
      const spread = rootOf(square);
      const side = (sign: number): Jet =>
        weighted(
          over(times(plus(zeroJet, h, -1), plus(m, spread, sign)), variance),
          plus(zeroJet, over(plus(plus(zeroJet, h, -1), spread, sign), s), v),
        );
      return plus(side(1), side(-1));
    },
  };
}

const pair = new Float64Array(2);

/** ln(a / b), whose digits hold for neighbours too. */
function logRatio(a: number, b: number): number {
  if (a < b) logMoneyness(a, b, pair);
  else logMoneyness(b, a, pair);
  return (a < b ? -1 : 1) * (pair[0] as number);
}

function valuesOf(value: Jet, spot: number, years: number, volatility: number): BarrierValues {
  return {
    price: 0 < value.value ? value.value : 0,
    delta: value.slope / spot + 0,
    gamma: (value.bend - value.slope) / spot / spot + 0,
    vega: volatility === 0 ? 0 : value.volatility + 0,
    theta: years === 0 ? 0 : -value.years + 0,
    rho: value.rate + 0,
    yieldRho: value.dividendYield + 0,
  };
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
