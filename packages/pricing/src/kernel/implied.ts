/**
 * The volatilities at which Black-76 gives the prices of a chain, over columns, without allocating and without throwing for a
 * row. With L the smaller of forward and strike, x = |ln(F/K)| and beta the time value over L, it solves beta(s) for the
 * deviation s = volatility sqrt(years) as `implied-deviation.ts` does, in plain doubles: a guess within a fifth, then two of
 * Householder's steps of third order, for ln(beta) below the inflection sqrt(2 x), above it for beta up to 0.1 and for
 * ln(1 - beta) beyond, each as the logarithm of a quotient near one. Sources: there.
 *
 * PERF: rows go through short loops in blocks, as in `black.ts`, those of each region through loops of their own.
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
  const count = checkedCount(impliedNames, [...impliedColumnsOf(options, out), out.status]);
  let refusedCount = 0;
  for (let first = 0; first < count; first += blockRows) {
    const end = Math.min(count, first + blockRows);
    const solvableCount = takeSolvable(options, out, first, end);
    refusedCount += refusedIn(out.status, first, end);
    divide(solvableCount);
    guessBelow();
    guessSmall();
    guessAbove();
    for (let step = 0; step < 2; step++) {
      bracketBelow();
      stepBelow();
      valueSmall();
      stepSmall();
      bracketAbove();
      stepAbove();
    }
    for (let index = 0; index < solvableCount; index++)
      out.volatility[rows[index] as number] = (deviations[index] as number) / (roots[index] as number);
  }
  return refusedCount;
}

/** The columns of a call in the order of {@link impliedNames}. */
export function impliedColumnsOf(options: PriceColumns, out: VolatilityColumns): readonly Float64Array[] {
  const { sign, forward, strike, years, discount, price } = options;
  return [sign, forward, strike, years, discount, price, out.volatility];
}

export const impliedNames = [...termNames, "price", "volatility", "status"] as const;

/** Writes the status of rows, the volatility of those that need no solving, and what the others are solved from; returns their number. */
function takeSolvable(options: PriceColumns, out: VolatilityColumns, first: number, end: number): number {
  let count = 0;
  for (let row = first; row < end; row++) {
    const terms = termStatus(options, row);
    const status = terms !== 0 ? terms : readRow(options, row, count);
    const isSolved = status === 0 && shares[count] !== 0;
    out.status[row] = status;
    if (isSolved) rows[count++] = row;
    else out.volatility[row] = status === 0 ? 0 : NaN;
  }
  return count;
}

function refusedIn(status: Uint8Array, first: number, end: number): number {
  let count = 0;
  for (let row = first; row < end; row++) if (status[row] !== 0) count++;
  return count;
}

/** Why a row whose terms are good has no volatility; else 0, and what it is solved from at `index`. */
function readRow(options: PriceColumns, row: number, index: number): number {
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
  lows[index] = low;
  highs[index] = high;
  shares[index] = share;
  missings[index] = missing / low;
  roots[index] = Math.sqrt(years);
  return 0;
}

/** Puts each row on the list of its region: below the inflection, above it with a small value, above it with a large one. */
function divide(count: number): void {
  belowCount = smallCount = aboveCount = 0;
  for (let index = 0; index < count; index++) {
    const x = logRatio(highs[index] as number, lows[index] as number);
    const edge = Math.sqrt(2 * x);
    const edgeRatio = boundedRatio(edge);
    const share = shares[index] as number;
    logarithms[index] = x;
    edges[index] = edge;
    edgeRatios[index] = edgeRatio;
    if (share < (edge < 0.01 ? edge * densityTop : 0.5 - edgeRatio)) below[belowCount++] = index;
    else if (share < 0.1) small[smallCount++] = index;
    else above[aboveCount++] = index;
  }
}

function guessBelow(): void {
  for (let turn = 0; turn < belowCount; turn++) {
    const index = below[turn] as number;
    const x = logarithms[index] as number;
    const share = shares[index] as number;
    deviations[index] =
      x < 1.5
        ? guessNormal(x, share, Math.sqrt((lows[index] as number) / (highs[index] as number)))
        : guessTail(x, share, edgeRatios[index] as number);
  }
}

function guessSmall(): void {
  for (let turn = 0; turn < smallCount; turn++) {
    const index = small[turn] as number;
    const x = logarithms[index] as number;
    const straddle = (shares[index] as number) + 0.5 * x;
    const discriminant = straddle * straddle - x * x * inversePi;
    deviations[index] = (straddle + Math.sqrt(0 < discriminant ? discriminant : 0)) * halfRootTwoPi;
  }
}

function guessAbove(): void {
  for (let turn = 0; turn < aboveCount; turn++) {
    const index = above[turn] as number;
    const weighted = log((missings[index] as number) / (1 + 2 * (edgeRatios[index] as number)));
    const quantile = quantileOfLog(weighted < -logOfTwo ? weighted : -logOfTwo);
    deviations[index] = quantile + Math.sqrt(quantile * quantile + 2 * (logarithms[index] as number));
  }
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

/** Keeps the deviations under the inflection, and writes R(h - s/2) - R(h + s/2). */
function bracketBelow(): void {
  for (let turn = 0; turn < belowCount; turn++) {
    const index = below[turn] as number;
    const border = (edges[index] as number) * 0.999999999;
    const deviation = deviations[index] as number;
    const s = deviation < border ? deviation : border;
    const h = (logarithms[index] as number) / s;
    deviations[index] = s;
    brackets[index] = isNear(h, s) ? s * nearSlope(h, s) : boundedRatio(h - 0.5 * s) - boundedRatio(h + 0.5 * s);
  }
}

function stepBelow(): void {
  for (let turn = 0; turn < belowCount; turn++) {
    const index = below[turn] as number;
    const x = logarithms[index] as number;
    const s = deviations[index] as number;
    const bracket = brackets[index] as number;
    const a = x / s - 0.5 * s;
    const excess = log(bracket / (shares[index] as number)) - 0.5 * (a * a);
    deviations[index] = s + stepForLog(x, s, excess, densityTop / bracket);
  }
}

/** Keeps the deviations over the inflection, and writes the value that they give. */
function valueSmall(): void {
  for (let turn = 0; turn < smallCount; turn++) {
    const index = small[turn] as number;
    const border = (edges[index] as number) * 1.000000001;
    const deviation = deviations[index] as number;
    const s = border < deviation ? deviation : border;
    const h = (logarithms[index] as number) / s;
    const a = h - 0.5 * s;
    const density = scaledExp(-0.5 * (a * a), 0, 1);
    deviations[index] = s;
    densities[index] = density;
    brackets[index] = isNear(h, s)
      ? density * (s * nearSlope(h, s))
      : 1 - density * (boundedRatio(-a) + boundedRatio(h + 0.5 * s));
  }
}

function stepSmall(): void {
  for (let turn = 0; turn < smallCount; turn++) {
    const index = small[turn] as number;
    const x = logarithms[index] as number;
    const s = deviations[index] as number;
    const lacking = (shares[index] as number) - (brackets[index] as number);
    const second = bend(x / s, s);
    const newton = lacking / ((densities[index] as number) * densityTop);
    deviations[index] = s + householder(newton, second, bendOfBend(x, s, second));
  }
}

/** Keeps the deviations over the inflection, and writes R(s/2 - h) + R(s/2 + h). */
function bracketAbove(): void {
  for (let turn = 0; turn < aboveCount; turn++) {
    const index = above[turn] as number;
    const border = (edges[index] as number) * 1.000000001;
    const deviation = deviations[index] as number;
    const s = border < deviation ? deviation : border;
    const h = (logarithms[index] as number) / s;
    deviations[index] = s;
    brackets[index] = boundedRatio(0.5 * s - h) + boundedRatio(h + 0.5 * s);
  }
}

function stepAbove(): void {
  for (let turn = 0; turn < aboveCount; turn++) {
    const index = above[turn] as number;
    const x = logarithms[index] as number;
    const s = deviations[index] as number;
    const bracket = brackets[index] as number;
    const a = 0.5 * s - x / s;
    const excess = log(bracket / (missings[index] as number)) - 0.5 * (a * a);
    deviations[index] = s + stepForLog(x, s, excess, -densityTop / bracket);
  }
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

/** Below it a quotient of shares would overflow. */
const smallestShare = 1e-290;
const densityTop = 0.3989422804014327;
const inversePi = 0.3183098861837907;
const halfRootTwoPi = 1.2533141373155003;
const logOfTwo = 0.6931471805599453;

/** What the loops hand on, by the turn of a solvable row in its block. */
const blockRows = 128;
const rows = new Int32Array(blockRows);
const lows = new Float64Array(blockRows);
const highs = new Float64Array(blockRows);
const shares = new Float64Array(blockRows);
const missings = new Float64Array(blockRows);
const roots = new Float64Array(blockRows);
const logarithms = new Float64Array(blockRows);
const edges = new Float64Array(blockRows);
const edgeRatios = new Float64Array(blockRows);
const deviations = new Float64Array(blockRows);
const brackets = new Float64Array(blockRows);
const densities = new Float64Array(blockRows);
/** Which of them are in a region, and how many. */
const below = new Int32Array(blockRows);
const small = new Int32Array(blockRows);
const above = new Int32Array(blockRows);
let belowCount = 0;
let smallCount = 0;
let aboveCount = 0;
