/**
 * Inverse (coin-settled) European options: quoted in the currency, paid in the coin. A call pays max(S - K, 0)/S coins, so its
 * value in coins is that of Black's model divided by the forward:
 *
 *   call = D (N(d1) - K/F N(d2)),   put = D (K/F N(-d2) - N(-d1))
 *
 * with D the discount of the coin (1 where nothing pays for holding it, as venues mark). All derivatives here are those of the
 * value in coins, in coins; `quoted-greeks.ts` turns them into what venues display. Doubles, the same to the bit on every
 * engine. Conventions of units are those of black76.ts: per 1 of the forward, per 1.00 of volatility, per year that passes.
 */
import { log, logPair } from "@stoa/base/exact";
import { checkedDiscount, type Black76Arguments, type Black76Values } from "./black76.ts";
import { zeroHigherGreeks, type HigherGreeks } from "./higher-greeks.ts";
import { timeValueOfPair } from "./normalised-black.ts";
import { addPairs, lowPart, multiplyPairs } from "./pair.ts";
import { densityAt, distributionAt, scratch, standardise, type Scaled, type Standardised } from "./standardised.ts";

/** As for Black-76; `discount` is that of the coin. */
export type InverseArguments = Black76Arguments;

/** In coins; otherwise as for Black-76. */
export type InverseValues = Black76Values;

/**
 * The value in coins: that in the currency over the forward. Error: about two units in the last place.
 *
 * @example inversePrice({ type: "call", forward: 100_000, strike: 110_000, years: 0.25, volatility: 0.6 })
 */
export function inversePrice(option: InverseArguments): number {
  const discount = checkedDiscount(option);
  const { forward, strike, years, volatility } = option;
  return priceOf(option, discount, standardise(forward, strike, 0, 0, years, volatility));
}

/**
 * The value in coins with its first derivatives and gamma, all in coins. With w = 1 for a call and -1 for a put:
 *
 *   delta = w D K N(w d2) / F^2                              per 1 of the forward
 *   gamma = D K (n(d2)/s - 2 w N(w d2)) / F^3                per 1 of the forward, twice: not that of calls and puts alike
 *   vega  = D n(d1) sqrt(T)                                  per 1.00 of volatility
 *   theta = -vega volatility / (2 T) - price ln(D) / T       per year that passes
 *   rho   = -T price                                         per 1.00 of the rate in D
 *   dualDelta = -w D N(w d2) / F                             per 1 of the strike
 *
 * Without time or volatility they are those of exercise, 1 - K/F, whose curvature in the money is not zero; on the strike half
 * of it counts. Error: a few units in the last place; gamma of a call, and theta with a discount, are sums of two terms of
 * opposite sign, and their error is relative to the larger.
 */
export function inverse(option: InverseArguments): InverseValues {
  const discount = checkedDiscount(option);
  const { type, forward, strike, years, volatility } = option;
  const standard = standardise(forward, strike, 0, 0, years, volatility);
  const { d1, d1Low, d2, d2Low, root, deviation } = standard;
  const price = priceOf(option, discount, standard);
  const side = type === "call" ? 1 : -1;
  // The coins that the strike is worth where the option is exercised.
  const chance = distributionAt(side * d2, side * d2Low, lower);
  const dualDelta = -overForward(side * discount, forward, chance);
  const owed = owedOf(side * discount, strike, forward, lower);
  const interest = discount === 1 || years === 0 || price === 0 ? 0 : price * (log(discount) / years);
  const firsts = {
    price,
    delta: (owed / forward) * chance.coarse * chance.fine,
    gamma: -2 * (owed / forward / forward) * chance.coarse * chance.fine + 0,
    vega: 0,
    theta: -interest + 0, // the zero keeps -0 away
    rho: -years * price + 0,
    dualDelta,
  };
  if (deviation === 0) return firsts;
  const { value, coarse, fine } = densityAt(d1, d1Low, discount);
  firsts.gamma += (value / deviation / forward / forward) * coarse * fine;
  // Both terms may be beyond doubles, and so is their difference, on its side of zero.
  if (firsts.gamma !== firsts.gamma)
    firsts.gamma = ((value / deviation) * coarse * fine - 2 * owed * chance.coarse * chance.fine) / forward / forward;
  firsts.vega = value * root * coarse * fine;
  firsts.theta += ((-0.5 * value * volatility) / root) * coarse * fine;
  return firsts;
}

/** leg / F times a chance, whichever of them brings the other back into the range of doubles. */
function overForward(leg: number, forward: number, { value, coarse, fine }: Readonly<Scaled>): number {
  const part = leg / forward;
  return part - part === 0 ? part * value * coarse * fine : ((leg * value * coarse) / forward) * fine;
}

/** leg K / F times a chance, whose `coarse` and `fine` still stand before it: they are taken in where K / F alone is no double. */
function owedOf(leg: number, strike: number, forward: number, chance: Scaled): number {
  const part = (leg * strike) / forward;
  if (part - part === 0) return part * chance.value;
  const whole = leg * (((strike * chance.value * chance.coarse) / forward) * chance.fine);
  chance.coarse = chance.fine = 1;
  return whole;
}

/** The value over the forward, its time value taken of min(1, K/F) so that it is right down to the subnormals. */
function priceOf(option: InverseArguments, discount: number, standard: Readonly<Standardised>): number {
  const { type, forward, strike } = option;
  const { distance, distanceLow, deviation, deviationLow } = standard;
  const below = forward <= strike;
  const side = below ? -1 : 1;
  const low = below ? discount : (discount * strike) / forward;
  const value = timeValueOfPair(low, side * distance, side * distanceLow, deviation, deviationLow);
  if (below === (type === "call") || forward === strike) return value;
  const gain = below ? strike - forward : forward - strike;
  return discount * (gain / forward) + value;
}

/**
 * The derivatives of second and third order of the value in coins. With v = D n(d1), s = volatility sqrt(T), r = -ln(D)/T and
 * w as above; K n(d2) = F n(d1) is used throughout:
 *
 *   gamma  = (v/s - 2 w D K/F N(w d2)) / F^2          vanna  = -v d1 / (F volatility)
 *   volga  = v sqrt(T) d1 d2 / volatility             charm  = r delta + v d1 / (2 T F)
 *   veta   = v sqrt(T) (2 r T - 1 - d1 d2) / (2 T)    speed  = (6 w D K/F N(w d2) - v (5/s + d2/s^2)) / F^3
 *   zomma  = v (d1 d2 - 1 + 2 d1 s) / (volatility F^2 s)
 *   colour = r gamma + v (1 - d1 d2 - 2 d1 s) / (2 T F^2 s)
 *   ultima = -v sqrt(T) (s^2 + d1 d2 (3 - d1 d2)) / volatility^2
 *   dualGamma = v / (K^2 s)
 *
 * Without time or volatility what is left is exercise: gamma, speed, and what the rate does to delta and gamma. Error: a few
 * units in the last place; gamma, speed, and with a discount charm and colour, are sums whose error is relative to the
 * largest term.
 */
export function inverseHigherGreeks(option: InverseArguments): HigherGreeks {
  const discount = checkedDiscount(option);
  const { type, forward, strike, years, volatility } = option;
  const { d1, d1Low, d2, d2Low, deviation, deviationLow, root } = standardise(forward, strike, 0, 0, years, volatility);
  const side = type === "call" ? 1 : -1;
  // The coins that the strike is worth where the option is exercised, over the forward.
  const chance = distributionAt(side * d2, side * d2Low, lower);
  const coins = owedOf(side * discount, strike, forward, lower);
  const owed = coins / forward;
  logPair(discount, pair);
  const rateYears = -(pair[0] as number);
  const rate = discount === 1 || years === 0 ? 0 : rateYears / years;
  const density = densityAt(d1, d1Low, discount);
  const { value, coarse, fine } = density;
  const exercised = -2 * (owed / forward) * chance.coarse * chance.fine;
  if (deviation === 0 || value === 0)
    return {
      ...zeroHigherGreeks,
      gamma: exercised + 0,
      charm: interestOn(owed, rate) * chance.coarse * chance.fine,
      speed: ((6 * owed) / forward / forward) * chance.coarse * chance.fine + 0,
      colour: interestOn(exercised, rate),
    };

  const product = multiplyPairs(d1, d1Low, d2, d2Low);
  const productLow = lowPart();
  const fromThree = addPairs(-product, -productLow, 3, 0);
  const quadratic = multiplyPairs(product, productLow, fromThree, lowPart());
  const quadraticLow = lowPart();
  const square = multiplyPairs(deviation, deviationLow, deviation, deviationLow);
  const third = addPairs(quadratic, quadraticLow, square, lowPart());
  // d1 d2 - 1 + 2 d1 s, which stands in zomma and, negated, in colour.
  const twice = multiplyPairs(2 * d1, 2 * d1Low, deviation, deviationLow);
  const lean = addPairs(product, productLow, twice, lowPart());
  const curvature = addPairs(lean, lowPart(), -1, 0);
  const passing = addPairs(product, productLow, -2 * rateYears, 2 * (pair[1] as number));
  const veta = addPairs(passing, lowPart(), 1, 0);
  const five = multiplyPairs(deviation, deviationLow, 5, 0);
  const fiveDeviations = addPairs(five, lowPart(), d2, d2Low);

  const slope = value / deviation / forward / forward;
  const vega = value * root;
  const twiceYears = 2 * years;
  const gamma = exercised + slope * coarse * fine;
  const greeks = {
    gamma,
    vanna: ((-value * d1) / volatility / forward) * coarse * fine + 0,
    volga: ((vega * product) / volatility) * coarse * fine + 0,
    charm: interestOn(owed, rate) * chance.coarse * chance.fine + ((value * d1) / twiceYears / forward) * coarse * fine,
    veta: ((-vega * veta) / twiceYears) * coarse * fine + 0,
    speed:
      ((6 * owed) / forward / forward) * chance.coarse * chance.fine -
      ((slope * fiveDeviations) / deviation / forward) * coarse * fine,
    zomma: ((slope * curvature) / volatility) * coarse * fine + 0,
    colour: interestOn(gamma, rate) - ((slope * curvature) / twiceYears) * coarse * fine + 0,
    ultima: ((-vega * third) / volatility / volatility) * coarse * fine + 0,
    dualGamma: (value / strike / deviation / strike) * coarse * fine,
  };
  const { charm, speed, colour } = greeks;
  if (gamma === gamma && charm === charm && speed === speed && colour === colour) return greeks;
  const kept = coins * chance.coarse * chance.fine;
  const bend = (value / deviation) * coarse * fine;
  const moved = 0.5 * value * d1 * coarse * fine;
  const interest = discount === 1 ? 0 : rateYears;
  const parts = { kept, bend, moved, interest, curvature, fiveDeviations, deviation };
  return { ...greeks, ...differencesFirst(option, parts) };
}

type Parts = {
  readonly [name in "kept" | "bend" | "moved" | "interest" | "curvature" | "fiveDeviations" | "deviation"]: number;
};

/** The sums of two terms where both are beyond doubles: their difference, and then what brings it there. */
function differencesFirst({ forward, years }: InverseArguments, parts: Parts) {
  const { kept, bend, moved, interest, curvature, fiveDeviations, deviation } = parts;
  return {
    gamma: (bend - 2 * kept) / forward / forward,
    charm: (interest * kept + moved) / years / forward,
    speed: (6 * kept - (bend * fiveDeviations) / deviation) / forward / forward / forward,
    colour: (interest * (bend - 2 * kept) - 0.5 * bend * curvature) / years / forward / forward,
  };
}

/** Of nothing there is none, at any rate: that may be Infinity a moment before expiry. */
function interestOn(amount: number, rate: number): number {
  return amount === 0 || rate === 0 ? 0 : rate * amount;
}

const pair = new Float64Array(2);
const lower = scratch();
