/**
 * The derivatives of second and third order of Black-76 and Black-Scholes options, in closed form, the same to the bit on
 * every engine. Each is the vega or the gamma times a polynomial of d1 and d2; polynomials are evaluated in pairs of doubles,
 * so that their digits survive near their roots. Gamma is repeated here so that one call holds the whole second order.
 *
 * Units follow the first derivatives: per 1 of the forward or spot for each derivative in it, per 1.00 of volatility for each
 * in that, and per year that passes. They are those of calls and puts alike, but for charm.
 *
 * E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd edition (2007), chapter 2, has the formulas; there
 * colour and charm are with respect to time to expiry and so have the opposite sign.
 */
import { logPair } from "@stoa/base/exact";
import { checkedDiscount, optionTypes, type Black76Arguments, type OptionType } from "./black76.ts";
import { legsOf, type BlackScholesArguments } from "./black-scholes.ts";
import { addPairs, dividePairs, lowPart, multiplyPairs } from "./pair.ts";
import { oneOf } from "./refusal.ts";
import { densityAt, distributionAt, scratch, standardise, type Standardised } from "./standardised.ts";

export type HigherGreeks = {
  /** d2V/dF2, the slope of delta. */
  readonly gamma: number;
  /** d2V/dF dvolatility. */
  readonly vanna: number;
  /** d2V/dvolatility2, also vomma. */
  readonly volga: number;
  /** The change of delta per year that passes, also delta decay. */
  readonly charm: number;
  /** The change of vega per year that passes. */
  readonly veta: number;
  /** d3V/dF3. */
  readonly speed: number;
  /** d3V/dF2 dvolatility. */
  readonly zomma: number;
  /** The change of gamma per year that passes. */
  readonly colour: number;
  /** d3V/dvolatility3. */
  readonly ultima: number;
  /** d2V/dK2: times dK, the discounted probability of an end within dK of the strike. */
  readonly dualGamma: number;
};

/**
 * Second and third derivatives of a Black-76 option, the rate in its discount D held fixed when time passes. With
 * E = D n(d1), s = volatility sqrt(T), vega = F E sqrt(T) and gamma = E / (F s):
 *
 *   vanna = -E d2 / volatility                       volga  = vega d1 d2 / volatility
 *   speed = -gamma (d1 + s) / (F s)                  zomma  = gamma (d1 d2 - 1) / volatility
 *   charm = -ln(D)/T delta + E d2 / (2 T)            ultima = -vega (s^2 + d1 d2 (3 - d1 d2)) / volatility^2
 *   veta  = -vega (1 + d1 d2 + 2 ln D) / (2 T)       colour = gamma (1 - d1 d2 - 2 ln D) / (2 T)
 *   dualGamma = F E / (K^2 s)
 *
 * Without time or volatility all are zero but charm, which is what the rate does to delta. Error: a few units in the last
 * place (`docs/pricing/accuracy.md`); charm with a discount is a sum of two terms and its error relative to the larger.
 */
export function black76HigherGreeks(option: Black76Arguments): HigherGreeks {
  const discount = checkedDiscount(option);
  const { type, forward, strike, years, volatility } = option;
  const standard = standardise(forward, strike, 0, 0, years, volatility);
  logPair(discount, pair);
  const yieldYears = -(pair[0] as number);
  const rate = discount === 1 || years === 0 ? 0 : yieldYears / years;
  return higherGreeks(standard, {
    asset: forward,
    leg: discount * forward,
    strike,
    years,
    volatility,
    yieldDecay: decayOf(type, standard, rate * discount),
    drift: 0,
    driftLow: 0,
    yieldYears,
    yieldYearsLow: -(pair[1] as number),
  });
}

/**
 * Second and third derivatives of a Black-Scholes option. With E = exp(-q T) n(d1), s = volatility sqrt(T),
 * vega = S E sqrt(T), gamma = E / (S s) and u = 2 (r - q) T / s - d2 (which is 2 T times the change of d1 with T):
 *
 *   vanna = -E d2 / volatility                       volga  = vega d1 d2 / volatility
 *   speed = -gamma (d1 + s) / (S s)                  zomma  = gamma (d1 d2 - 1) / volatility
 *   charm = q delta - E u / (2 T)                    ultima = -vega (s^2 + d1 d2 (3 - d1 d2)) / volatility^2
 *   veta  = vega (2 q T - 1 + d1 u) / (2 T)          colour = gamma (2 q T + 1 + d1 u) / (2 T)
 *   dualGamma = S E / (K^2 s)
 *
 * Without time or volatility all are zero but charm, which is what the yield does to delta. Error: a few units in the last
 * place (`docs/pricing/accuracy.md`); charm with a yield is a sum of two terms and its error relative to the larger.
 */
export function blackScholesHigherGreeks(option: BlackScholesArguments): HigherGreeks {
  const { type, spot, strike, years, volatility, dividendYield = 0 } = option;
  oneOf("type", type, optionTypes);
  const { asset, assetDiscount, standard, drift, driftLow } = legsOf(option);
  const yieldYears = dividendYield === 0 ? 0 : multiplyPairs(dividendYield, 0, years, 0);
  const yieldYearsLow = dividendYield === 0 ? 0 : lowPart();
  return higherGreeks(standard, {
    asset: spot,
    leg: asset,
    strike,
    years,
    volatility,
    yieldDecay: decayOf(type, standard, dividendYield * assetDiscount),
    drift,
    driftLow,
    yieldYears,
    yieldYearsLow,
  });
}

/** What a yield adds to delta per year that passes: the yield times the discounted distribution. */
function decayOf(type: OptionType, { d1, d1Low }: Readonly<Standardised>, leg: number): number {
  if (leg === 0) return 0;
  const side = type === "call" ? 1 : -1;
  const { value, coarse, fine } = distributionAt(side * d1, side * d1Low, upper);
  if (value === 0) return 0;
  return side * leg * value * coarse * fine;
}

const upper = scratch();

type Polynomials = {
  readonly asset: number;
  /** The asset, discounted by its yield. */
  readonly leg: number;
  readonly strike: number;
  readonly years: number;
  readonly volatility: number;
  /** What the yield adds to delta per year that passes. */
  readonly yieldDecay: number;
  /** (r - q) T. */
  readonly drift: number;
  readonly driftLow: number;
  /** q T. */
  readonly yieldYears: number;
  readonly yieldYearsLow: number;
};

const pair = new Float64Array(2);

function higherGreeks(standard: Readonly<Standardised>, terms: Polynomials): HigherGreeks {
  const { d1, d1Low, d2, d2Low, deviation, deviationLow, root } = standard;
  const { asset, leg, strike, years, volatility, yieldDecay } = terms;
  if (deviation === 0) return { ...zeroHigherGreeks, charm: yieldDecay + 0 };
  const { value, coarse, fine } = densityAt(d1, d1Low, leg);
  if (value === 0) return { ...zeroHigherGreeks, charm: yieldDecay + 0 };
  const vega = value * root;
  const slope = value / asset;
  const gamma = slope / (asset * deviation);
  const twiceYears = 2 * years;

  const product = multiplyPairs(d1, d1Low, d2, d2Low);
  const productLow = lowPart();
  const lessOne = addPairs(product, productLow, -1, 0);
  const aboveDeviation = addPairs(d1, d1Low, deviation, deviationLow);

  const fromThree = addPairs(-product, -productLow, 3, 0);
  const quadratic = multiplyPairs(product, productLow, fromThree, lowPart());
  const quadraticLow = lowPart();
  const square = multiplyPairs(deviation, deviationLow, deviation, deviationLow);
  const third = addPairs(quadratic, quadraticLow, square, lowPart());

  // u, the change of d1 with time to expiry times 2 T; then d1 u + 2 q T.
  let u = -d2;
  let uLow = -d2Low;
  if (terms.drift !== 0) {
    const carry = dividePairs(2 * terms.drift, 2 * terms.driftLow, deviation, deviationLow);
    u = addPairs(carry, lowPart(), -d2, -d2Low);
    uLow = lowPart();
  }
  const turn = multiplyPairs(d1, d1Low, u, uLow);
  const passing = addPairs(turn, lowPart(), 2 * terms.yieldYears, 2 * terms.yieldYearsLow);
  const passingLow = lowPart();
  return {
    gamma: gamma * coarse * fine,
    vanna: ((-slope * d2) / volatility) * coarse * fine,
    volga: ((vega * product) / volatility) * coarse * fine,
    charm: yieldDecay - ((slope * u) / twiceYears) * coarse * fine,
    veta: ((vega * addPairs(passing, passingLow, -1, 0)) / twiceYears) * coarse * fine,
    speed: ((-gamma * aboveDeviation) / (asset * deviation)) * coarse * fine,
    zomma: ((gamma * lessOne) / volatility) * coarse * fine,
    colour: ((gamma * addPairs(passing, passingLow, 1, 0)) / twiceYears) * coarse * fine,
    ultima: ((-vega * third) / volatility / volatility) * coarse * fine,
    dualGamma: (value / (strike * deviation) / strike) * coarse * fine,
  };
}

/** What is left without time or volatility. */
export const zeroHigherGreeks: HigherGreeks = {
  gamma: 0,
  vanna: 0,
  volga: 0,
  charm: 0,
  veta: 0,
  speed: 0,
  zomma: 0,
  colour: 0,
  ultima: 0,
  dualGamma: 0,
};
