/**
 * The volatilities at which Black-76 gives the prices of a chain, over columns, without allocating and without throwing for a
 * row. With L the smaller of forward and strike, x = |ln(F/K)| and beta the time value over L, it solves beta(s) for the
 * deviation s = volatility sqrt(years) as `implied-deviation.ts` does, in plain doubles: a guess within a fifth, then two of
 * Householder's steps of third order, for ln(beta) below the inflection sqrt(2 x), above it for beta up to 0.1 and for
 * ln(1 - beta) beyond, each as the logarithm of a quotient near one. Sources: there.
 *
 * Error: up to 40 units in the last place of what the price determines (`docs/pricing/accuracy.md`), where `impliedVolatility`
 * has 0.6; and what one rounding of the price less its exercise value does to a price that is nearly all exercise.
 */
import { checkedCount, largestPrice, termNames, termStatus, type TermColumns } from "./columns.ts";
import { log, logRatio, scaledExp } from "./functions.ts";
import { boundedRatio, isNear, nearSlope } from "./mills-ratio.ts";

export type PriceColumns = TermColumns & { readonly price: Float64Array };

export type VolatilityColumns = {
  readonly volatility: Float64Array;
  /** By row an index of `rowStatuses`; the volatility of a row that is not 0 is NaN. */
  readonly status: Uint8Array;
};

/** Fills every row of `out` and returns how many rows have no volatility. Refuses columns of different lengths. */
export function impliedChain(options: PriceColumns, out: VolatilityColumns): number {
  const { volatility, status } = out;
  const count = checkedCount(impliedNames, [...impliedColumnsOf(options, out), status]);
  let refusedCount = 0;
  for (let row = 0; row < count; row++) {
    const terms = termStatus(options, row);
    volatility[row] = NaN;
    status[row] = terms !== 0 ? terms : fillRow(options, volatility, row);
    if (status[row] !== 0) refusedCount++;
  }
  return refusedCount;
}

/** The columns of a call in the order of {@link impliedNames}. */
export function impliedColumnsOf(options: PriceColumns, out: VolatilityColumns): readonly Float64Array[] {
  const { sign, forward, strike, years, discount, price } = options;
  return [sign, forward, strike, years, discount, price, out.volatility];
}

export const impliedNames = [...termNames, "price", "volatility", "status"] as const;

/** Writes the volatility of a row whose terms are good, or returns why there is none. */
function fillRow(options: PriceColumns, volatility: Float64Array, row: number): number {
  const [forward, strike] = [options.forward[row] as number, options.strike[row] as number];
  const [discount, price] = [options.discount[row] as number, options.price[row] as number];
  const years = options.years[row] as number;
  const isBelow = forward <= strike;
  const low = isBelow ? forward : strike;
  const high = isBelow ? strike : forward;
  const isCall = options.sign[row] === 1;
  const gain = isCall === isBelow ? 0 : high - low;
  if (!(-largestPrice <= price && price <= largestPrice)) return 7;
  if (years === 0) return 8;
  const timeValue = price - discount * gain;
  if (timeValue < 0) return 9;
  if (discount * (isCall ? forward : strike) <= price) return 10;
  const value = timeValue / discount;
  const missing = low - value;
  if (!(0 < missing)) return 10;
  const share = value / low;
  if (share < smallestShare && 0 < timeValue) return 11;
  const deviation = share === 0 ? 0 : impliedDeviation(low, high, share, missing / low);
  volatility[row] = deviation / Math.sqrt(years);
  return 0;
}

/** Below it a quotient of shares would overflow. */
const smallestShare = 1e-290;
const densityTop = 0.3989422804014327;
const inversePi = 0.3183098861837907;
const halfRootTwoPi = 1.2533141373155003;
const logOfTwo = 0.6931471805599453;

function impliedDeviation(low: number, high: number, share: number, missing: number): number {
  const x = logRatio(high, low);
  const edge = Math.sqrt(2 * x);
  const edgeRatio = boundedRatio(edge);
  if (share < (edge < 0.01 ? edge * densityTop : 0.5 - edgeRatio)) {
    const border = edge * 0.999999999;
    const guess = x < 1.5 ? guessNormal(x, share, Math.sqrt(low / high)) : guessTail(x, share, edgeRatio);
    const first = stepOfLog(x, guess < border ? guess : border, share);
    return stepOfLog(x, first < border ? first : border, share);
  }
  const border = edge * 1.000000001;
  if (share < 0.1) {
    const straddle = share + 0.5 * x;
    const discriminant = straddle * straddle - x * x * inversePi;
    const guess = (straddle + Math.sqrt(0 < discriminant ? discriminant : 0)) * halfRootTwoPi;
    const first = stepOfValue(x, border < guess ? guess : border, share);
    return stepOfValue(x, border < first ? first : border, share);
  }
  const weighted = log(missing / (1 + 2 * edgeRatio));
  const quantile = quantileOfLog(weighted < -logOfTwo ? weighted : -logOfTwo);
  const guess = quantile + Math.sqrt(quantile * quantile + 2 * x);
  const first = stepOfMissing(x, border < guess ? guess : border, missing);
  return stepOfMissing(x, border < first ? first : border, missing);
}

/** Below the inflection and x < 1.5: beta e^(-x/2) / x is Bachelier's n(h)/h - N(-h), inverted by a series and a fit. */
function guessNormal(x: number, share: number, root: number): number {
  const ratio = (share * root) / x;
  if (0.395 < ratio) {
    const sum = ratio + 0.5;
    const square = sum * sum - inversePi;
    return (x * (sum + Math.sqrt(0 < square ? square : 0))) / (2 * densityTop);
  }
  const q = Math.sqrt(-2 * log(ratio));
  const above = 0.10318817616930848 + q * (0.4019613506594224 + q * (-0.31310755995218514 + q * 0.165260195971411));
  return (x * (1 + q * (-0.24350176307712576 + q * 0.16428506272540305))) / above;
}

/** Below the inflection and x >= 1.5: N(-a) = beta / (1 - m(b) / m(a)), twice. */
function guessTail(x: number, share: number, edgeRatio: number): number {
  const first = quantileOfLog(log(share / (1 - 2 * edgeRatio)));
  const start = 0 < first ? first : 0;
  const rest = 1 - boundedRatio(Math.sqrt(start * start + 2 * x)) / boundedRatio(start);
  const second = quantileOfLog(log(share / rest));
  const a = 0 < second ? second : 0;
  return (2 * x) / (a + Math.sqrt(a * a + 2 * x));
}

/** -N^-1(p) from ln(p) for p <= 1/2, within 4.5e-4 (Abramowitz and Stegun 26.2.23, by C. Hastings). */
function quantileOfLog(logarithm: number): number {
  const t = Math.sqrt(logarithm < 0 ? -2 * logarithm : 0);
  return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

function stepOfLog(x: number, s: number, share: number): number {
  const h = x / s;
  const a = h - 0.5 * s;
  const bracket = isNear(h, s) ? s * nearSlope(h, s) : boundedRatio(a) - boundedRatio(h + 0.5 * s);
  return s + stepForLog(x, s, log(bracket / share) - 0.5 * (a * a), densityTop / bracket);
}

function stepOfMissing(x: number, s: number, missing: number): number {
  const h = x / s;
  const a = 0.5 * s - h;
  const bracket = boundedRatio(a) + boundedRatio(h + 0.5 * s);
  return s + stepForLog(x, s, log(bracket / missing) - 0.5 * (a * a), -densityTop / bracket);
}

function stepOfValue(x: number, s: number, share: number): number {
  const h = x / s;
  const a = h - 0.5 * s;
  const density = scaledExp(-0.5 * (a * a), 0, 1);
  const value = isNear(h, s)
    ? density * (s * nearSlope(h, s))
    : 1 - density * (boundedRatio(-a) + boundedRatio(h + 0.5 * s));
  const second = bend(h, s);
  return s + householder((share - value) / (density * densityTop), second, bendOfBend(x, s, second));
}

/** The step for a logarithm that is `difference` too large and has the derivative `slope`. */
function stepForLog(x: number, s: number, difference: number, slope: number): number {
  const second = bend(x / s, s);
  const third = bendOfBend(x, s, second) - 3 * slope * second + 2 * slope * slope;
  return householder(-difference / slope, second - slope, third);
}

/** beta''/beta' = x^2/s^3 - s/4. */
function bend(h: number, s: number): number {
  return (h * h) / s - 0.25 * s;
}

/** beta'''/beta' from that. */
function bendOfBend(x: number, s: number, second: number): number {
  const steep = x / (s * s);
  return second * second - 3 * (steep * steep) - 0.25;
}

/** Householder's step of third order from Newton's step and the second and third derivative over the first. */
function householder(newton: number, second: number, third: number): number {
  return (newton * (1 + 0.5 * second * newton)) / (1 + newton * (second + (third * newton) / 6));
}
