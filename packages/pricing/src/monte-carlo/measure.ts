/**
 * What a payoff sees of a path and what it is worth then: one object per payoff that is told of each date and gives discounted values
 * at the end, for a block of paths. European, Asian and basket options are functions of a mean; barriers watch; American options
 * follow the rule of `american.ts`. It knows no models beyond the numbers in {@link Market}, and no random numbers.
 */
import { exp, log } from "../kernel/functions.ts";
import { exerciseRule, type Regression } from "./american.ts";
import type { PathKernels } from "./path-kernels.ts";
import type { AmericanPayoff, AsianPayoff, BarrierPayoff, Payoff } from "./payoff.ts";

export interface Measure {
  readonly start: () => void;
  /** Sees the assets at date `index`, their spots and the logarithms of them. */
  readonly observe: (index: number, spots: readonly Float64Array[], logs: readonly Float64Array[]) => void;
  /** The discounted value of each path. */
  readonly values: (out: Float64Array) => void;
  /** Derivatives of the discounted value along the path, where the payoff has them; after {@link values}. */
  readonly slopes?: (out: PathwiseSlopes) => void;
}

/** Per path: value with respect to spot and to volatility, and the factor that a score turns into gamma (see `greeks.ts`). */
export type PathwiseSlopes = {
  readonly delta: Float64Array;
  readonly vega: Float64Array | undefined;
  readonly scale: Float64Array;
};

/** What a payoff must know beside the path. */
export type Market = {
  readonly kernels: PathKernels;
  readonly spot: number;
  readonly rate: number;
  readonly dividendYield: number;
  /** Of Black-Scholes; 0 for the others. */
  readonly volatility: number;
  /** Whether {@link Measure.slopes} will be asked for. */
  readonly pathwise: boolean;
  readonly blockSize: number;
  readonly states: readonly Float64Array[];
};

export function createMeasure(payoff: Payoff, market: Market, regression: Regression | undefined): Measure {
  switch (payoff.kind) {
    case "european":
      return meanMeasure(payoff, { ...market, dateCount: 1, geometric: false, weights: [1] });
    case "basket":
      return meanMeasure(payoff, { ...market, dateCount: 1, geometric: false, weights: payoff.weights });
    case "asian": {
      const geometric = payoff.averaging === "geometric";
      return meanMeasure(payoff, { ...market, dateCount: payoff.fixings, geometric, weights: [1] });
    }
    case "barrier":
      return barrierMeasure(payoff, market);
    case "american":
      return americanMeasure(payoff, market, regression!);
    default:
      return payoff satisfies never;
  }
}

type Terms = Pick<AsianPayoff, "type" | "strike" | "years">;
type MeanSettings = Market & {
  readonly dateCount: number;
  readonly geometric: boolean;
  readonly weights: readonly number[];
};

/**
 * f(A) = max(A - K, 0) or max(K - A, 0) of the mean A of the weighted spot over the dates. Pathwise (Broadie and Glasserman 1996):
 * dA/dS0 = A/S0, and dS_t/dsigma = S_t (W_t - sigma t) in Black-Scholes; f'(A) A - f(A) = K or -K in the money, which is what
 * the mixed gamma takes. Both are zero out of the money.
 */
function meanMeasure(terms: Terms, settings: MeanSettings): Measure {
  const { kernels, blockSize, dateCount, geometric, weights, spot, rate, volatility, pathwise } = settings;
  const { strike, years } = terms;
  const sign = terms.type === "call" ? 1 : -1;
  const discount = exp(-rate * years);
  const sums = new Float64Array(blockSize);
  const means = kernels.allocate(blockSize);
  const slopes = new Float64Array(blockSize);
  // PERF: of one spot on one date the mean is that spot.
  const single = dateCount === 1 && !geometric && weights.length === 1 && weights[0] === 1;
  return {
    start() {
      if (!single) sums.fill(0);
      if (pathwise) slopes.fill(0);
    },
    observe(index, spots, logs) {
      if (single) means.set(spots[0]!);
      for (let asset = 0; !single && asset < weights.length; asset++) {
        addWeighted(sums, weights[asset]!, (geometric ? logs : spots)[asset]!);
      }
      const time = (years * (index + 1)) / dateCount;
      if (pathwise && volatility !== 0) addSlopes(slopes, settings, time, geometric ? undefined : spots[0]!, logs[0]!);
    },
    values(out) {
      if (!single) fillMeans(means, sums, dateCount, geometric);
      kernels.gains(out, means, blockSize, strike, sign, discount);
    },
    slopes({ delta, vega, scale }) {
      for (let path = 0; path < blockSize; path++) {
        const mean = means[path]!;
        const weight = 0 < sign * (mean - strike) ? sign * discount : 0;
        delta[path] = (weight * mean) / spot;
        scale[path] = (weight * strike) / (spot * spot);
        if (vega !== undefined) vega[path] = (weight * (geometric ? mean : 1) * slopes[path]!) / dateCount;
      }
    },
  };
}

function addWeighted(sums: Float64Array, weight: number, column: Float64Array): void {
  for (let path = 0; path < sums.length; path++) sums[path] = sums[path]! + weight * column[path]!;
}

/** Adds S_t (W_t - sigma t), or for a mean of logarithms W_t - sigma t, with W_t from ln S_t. */
function addSlopes(
  slopes: Float64Array,
  { spot, rate, dividendYield, volatility }: Market,
  time: number,
  spots: Float64Array | undefined,
  logs: Float64Array,
): void {
  const known = log(spot) + (rate - dividendYield) * time;
  for (let path = 0; path < slopes.length; path++) {
    const noise = (logs[path]! - known) / volatility - 0.5 * volatility * time;
    slopes[path] = slopes[path]! + (spots === undefined ? noise : spots[path]! * noise);
  }
}

function fillMeans(means: Float64Array, sums: Float64Array, dateCount: number, geometric: boolean): void {
  for (let path = 0; path < means.length; path++) means[path] = sums[path]! / dateCount;
  if (geometric) for (let path = 0; path < means.length; path++) means[path] = exp(means[path]!);
}

/**
 * The probability that the barrier was never reached, given what was seen of the path: 0 or 1 when it is watched on dates; with a
 * Brownian bridge between them 1 - exp(-2 (b - x)(b - x')/(sigma^2 dt)) for each step from x to x' on the safe side of b, the
 * logarithm of the barrier (Beaglehole, Dybvig and Zhou 1997), and it is watched from the start.
 */
function barrierMeasure(payoff: BarrierPayoff, market: Market): Measure {
  const { blockSize, spot, rate, volatility } = market;
  const { strike, years, barrier, rebate, observations } = payoff;
  const sign = payoff.type === "call" ? 1 : -1;
  const side = payoff.direction === "up" ? 1 : -1;
  const bridged = payoff.monitoring === "continuous";
  const discount = exp(-rate * years);
  const level = log(barrier);
  const first = side * (level - log(spot));
  const bridge = (-2 * observations) / (volatility * volatility * years);
  const survival = new Float64Array(blockSize);
  const distances = new Float64Array(blockSize);
  const terminal = new Float64Array(blockSize);
  return {
    start() {
      survival.fill(bridged && first <= 0 ? 0 : 1);
      distances.fill(first);
    },
    observe(index, spots, logs) {
      const [spotColumn, logColumn] = [spots[0]!, logs[0]!];
      for (let path = 0; path < blockSize; path++) {
        const distance = side * (level - logColumn[path]!);
        const product = distance * distances[path]!;
        if (distance <= 0) survival[path] = 0;
        else if (bridged && survival[path] !== 0) survival[path] = survival[path]! * (1 - exp(bridge * product));
        distances[path] = distance;
      }
      if (index === observations - 1) terminal.set(spotColumn);
    },
    values(out) {
      for (let path = 0; path < blockSize; path++) {
        const option = Math.max(sign * (terminal[path]! - strike), 0);
        const alive = payoff.knock === "out" ? survival[path]! : 1 - survival[path]!;
        out[path] = discount * (option * alive + rebate * (1 - alive));
      }
    },
  };
}

/** Exercised at the first date on which that brings at least what the rule expects of waiting. */
function americanMeasure(payoff: AmericanPayoff, market: Market, regression: Regression): Measure {
  const { blockSize, rate, states } = market;
  const { strike, years, exercises } = payoff;
  const sign = payoff.type === "call" ? 1 : -1;
  const cash = new Float64Array(blockSize);
  const waiting = new Uint8Array(blockSize);
  const continuation = exerciseRule(regression);
  return {
    start() {
      cash.fill(0);
      waiting.fill(1);
    },
    observe(index, spots) {
      const discount = exp((-rate * years * (index + 1)) / exercises);
      const column = spots[0]!;
      const last = index === exercises - 1;
      for (let path = 0; path < blockSize; path++) {
        if (waiting[path] === 0) continue;
        const gain = sign * (column[path]! - strike);
        if (gain <= 0) continue;
        if (!last && gain < continuation(index, column[path]!, states[0]?.[path] ?? 0)) continue;
        cash[path] = discount * gain;
        waiting[path] = 0;
      }
    },
    values: (out) => out.set(cash),
  };
}
