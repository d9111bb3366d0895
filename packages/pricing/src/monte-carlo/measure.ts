/**
 * What a payoff sees of a path and what it is worth then: one object per payoff that is told of each date and gives discounted values
 * at the end, for a block of paths. European, Asian and basket options are functions of a mean; barriers watch; American options
 * follow the rule of `american.ts`. It knows no models beyond the numbers in {@link Market}, and no random numbers.
 */
import { exp, log } from "../kernel/functions.ts";
import { exerciseRule, type Regression } from "./american.ts";
import type { Evolution } from "./evolution.ts";
import type { Method } from "./method.ts";
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
  /** Derivatives of the discounted value beside the path, where it has any; after {@link values}. */
  readonly partials?: ((out: PartialSlopes) => void) | undefined;
}

/** Per path: the value by the spot of each asset, by the volatility of each where the model has one, and what a score turns into gamma. */
export type PathwiseSlopes = {
  readonly deltas: readonly Float64Array[];
  readonly vegas: readonly Float64Array[];
  /** Of one asset only (see `greeks.ts`). */
  readonly scale: Float64Array | undefined;
};

/** Per path: derivatives of the value where it depends on spot and volatility beside the path. */
export type PartialSlopes = {
  readonly bySpot: Float64Array;
  readonly bySpotTwice: Float64Array;
  readonly byVolatility: Float64Array;
};

/** What a payoff must know beside the path. */
export type Market = {
  readonly kernels: PathKernels;
  /** Of each asset, now. */
  readonly spots: readonly number[];
  readonly rate: number;
  /** Of Black-Scholes; 0 for the others. */
  readonly volatility: number;
  /** Which of {@link Measure.slopes} and {@link Measure.partials} will be asked for. */
  readonly greeks: Method["greeks"];
  readonly blockSize: number;
  readonly states: readonly Float64Array[];
  readonly logVegas: Evolution["logVegas"];
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
 * dA/dS0 = A/S0 of one asset, w S/S0 of one of several, and dS/dsigma = S dln S/dsigma; f'(A) A - f(A) = K or -K in the money, which
 * is what the mixed gamma takes. All are zero out of the money.
 */
function meanMeasure(terms: Terms, settings: MeanSettings): Measure {
  const { kernels, blockSize, dateCount, geometric, weights, rate, logVegas } = settings;
  const { strike, years } = terms;
  const sign = terms.type === "call" ? 1 : -1;
  const discount = exp(-rate * years);
  const means = kernels.allocate(blockSize);
  const pathwise = settings.greeks === "pathwise";
  const column = (): Float64Array => new Float64Array(blockSize);
  const turns = pathwise && logVegas !== undefined ? weights.map(column) : [];
  const noise = new Float64Array(0 < turns.length ? blockSize : 0);
  // What each asset adds to the mean; of one asset it is the mean.
  const shares = pathwise && 1 < weights.length ? weights.map(column) : [means];
  // PERF: of one spot on one date the mean is that spot.
  const single = dateCount === 1 && !geometric && weights.length === 1 && weights[0] === 1;
  const sums = single ? means : kernels.allocate(blockSize);
  return {
    start() {
      if (!single) sums.fill(0);
      for (const turn of turns) turn.fill(0);
    },
    observe(index, spots, logs) {
      if (single) means.set(spots[0]!);
      for (let asset = 0; !single && asset < weights.length; asset++) {
        addWeighted(sums, weights[asset]!, (geometric ? logs : spots)[asset]!);
        if (1 < shares.length) fillWeighted(shares[asset]!, weights[asset]!, spots[asset]!);
      }
      for (const [asset, turn] of turns.entries()) {
        logVegas!(noise, asset, (years * (index + 1)) / dateCount);
        addTurns(turn, weights[asset]!, noise, geometric ? undefined : spots[asset]!);
      }
    },
    values(out) {
      if (!single) fillMeans(means, sums, dateCount, geometric);
      kernels.gains(out, means, blockSize, strike, sign, discount);
    },
    slopes({ deltas, vegas, scale }) {
      for (let path = 0; path < blockSize; path++) {
        const mean = means[path]!;
        const weight = 0 < sign * (mean - strike) ? sign * discount : 0;
        for (let asset = 0; asset < deltas.length; asset++) {
          const spot = settings.spots[asset]!;
          deltas[asset]![path] = (weight * shares[asset]![path]!) / spot;
          if (scale !== undefined) scale[path] = (weight * strike) / (spot * spot);
        }
        for (let asset = 0; asset < vegas.length; asset++)
          vegas[asset]![path] = (weight * (geometric ? mean : 1) * turns[asset]![path]!) / dateCount;
      }
    },
  };
}

function fillWeighted(out: Float64Array, weight: number, column: Float64Array): void {
  for (let path = 0; path < out.length; path++) out[path] = weight * column[path]!;
}

function addWeighted(sums: Float64Array, weight: number, column: Float64Array): void {
  for (let path = 0; path < sums.length; path++) sums[path] = sums[path]! + weight * column[path]!;
}

/** Adds w dS/dsigma, or w dln S/dsigma for a mean of logarithms. */
function addTurns(turns: Float64Array, weight: number, noise: Float64Array, spots: Float64Array | undefined): void {
  for (let path = 0; path < turns.length; path++) {
    const moved = spots === undefined ? noise[path]! : spots[path]! * noise[path]!;
    turns[path] = turns[path]! + weight * moved;
  }
}

function fillMeans(means: Float64Array, sums: Float64Array, dateCount: number, geometric: boolean): void {
  for (let path = 0; path < means.length; path++) means[path] = sums[path]! / dateCount;
  if (geometric) for (let path = 0; path < means.length; path++) means[path] = exp(means[path]!);
}

/**
 * The probability that the barrier was never reached, given what was seen of the path: 0 or 1 when it is watched on dates; with a
 * Brownian bridge between them the product of p = 1 - e, e = exp(-2 (b - x)(b - x')/(sigma^2 dt)) for each step from x to x' on the
 * safe side of b, the logarithm of the barrier (Beaglehole, Dybvig and Zhou 1997), and it is watched from the start. That product
 * depends on the spot by the first x, and on the volatility in every step, beside the path: dp/dS0 = e c/S0 and d2p/dS0^2 =
 * -e c (c + 1)/S0^2 with c = -2 (b - x')/(sigma^2 dt), turned by the side, and dp/dsigma = 2 e ln(e)/sigma.
 */
function barrierMeasure(payoff: BarrierPayoff, market: Market): Measure {
  const { blockSize, rate, volatility, spots: starts } = market;
  const { strike, years, barrier, rebate, observations } = payoff;
  const sign = payoff.type === "call" ? 1 : -1;
  const side = payoff.direction === "up" ? 1 : -1;
  const bridged = payoff.monitoring === "continuous";
  const discount = exp(-rate * years);
  const level = log(barrier);
  const first = side * (level - log(starts[0]!));
  const bridge = (-2 * observations) / (volatility * volatility * years);
  const survival = new Float64Array(blockSize);
  const distances = new Float64Array(blockSize);
  const terminal = new Float64Array(blockSize);
  const turns = bridged && market.greeks === "likelihood-ratio" ? survivalSlopes(market, bridge, side) : undefined;
  return {
    start() {
      survival.fill(bridged && first <= 0 ? 0 : 1);
      distances.fill(first);
      turns?.start();
    },
    observe(index, spots, logs) {
      const [spotColumn, logColumn] = [spots[0]!, logs[0]!];
      for (let path = 0; path < blockSize; path++) {
        const distance = side * (level - logColumn[path]!);
        const product = distance * distances[path]!;
        if (distance <= 0) survival[path] = 0;
        else if (bridged && survival[path] !== 0) {
          const reached = exp(bridge * product);
          turns?.see(index, path, { before: survival[path]!, reached, exponent: bridge * product, distance });
          survival[path] = survival[path]! * (1 - reached);
        }
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
    partials:
      turns &&
      ((out) => {
        for (let path = 0; path < blockSize; path++) {
          const option = Math.max(sign * (terminal[path]! - strike), 0);
          const gained = (payoff.knock === "out" ? discount : -discount) * (option - rebate);
          // A path that died on a date has no slopes beside it either.
          const factor = survival[path] === 0 ? 0 : gained;
          out.bySpot[path] = factor * turns.bySpot[path]!;
          out.bySpotTwice[path] = factor * turns.bySpotTwice[path]!;
          out.byVolatility[path] = factor * turns.byVolatility[path]!;
        }
      }),
  };
}

/** One step of a path that is alive: survival before it, e, ln e, and the distance after it. */
type Crossing = {
  readonly before: number;
  readonly reached: number;
  readonly exponent: number;
  readonly distance: number;
};

/** Derivatives of the product of p, by the product rule from step to step. */
function survivalSlopes({ blockSize, volatility, spots }: Market, bridge: number, side: number) {
  const [bySpot, bySpotTwice, byVolatility] = [0, 1, 2].map(() => new Float64Array(blockSize)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const spot = spots[0]!;
  return {
    bySpot,
    bySpotTwice,
    byVolatility,
    start(): void {
      for (const column of [bySpot, bySpotTwice, byVolatility]) column.fill(0);
    },
    see(index: number, path: number, { before, reached, exponent, distance }: Crossing): void {
      const kept = 1 - reached;
      if (index === 0) {
        const slope = bridge * distance * side;
        bySpot[path] = (reached * slope) / spot;
        bySpotTwice[path] = (-reached * slope * (slope + 1)) / (spot * spot);
      } else {
        bySpot[path] = bySpot[path]! * kept;
        bySpotTwice[path] = bySpotTwice[path]! * kept;
      }
      byVolatility[path] = byVolatility[path]! * kept + (before * 2 * reached * exponent) / volatility;
    },
  };
}

/**
 * Exercised at the first date on which that brings at least what the rule expects of waiting. Pathwise with the rule held fixed: where
 * it is the best one, what a path gains by another date is zero to first order (V. Piterbarg, "Computing deltas of callable Libor
 * exotics in forward Libor models", J. Computational Finance 7 (2004)), so the derivatives are those at the date of exercise.
 */
function americanMeasure(payoff: AmericanPayoff, market: Market, regression: Regression): Measure {
  const { blockSize, rate, states, logVegas } = market;
  const { strike, years, exercises } = payoff;
  const sign = payoff.type === "call" ? 1 : -1;
  const cash = new Float64Array(blockSize);
  const waiting = new Uint8Array(blockSize);
  const continuation = exerciseRule(regression);
  const pathwise = market.greeks === "pathwise";
  const [exercised, turns, noise] = [0, 1, 2].map(() => new Float64Array(blockSize)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return {
    start() {
      for (const column of [cash, exercised, turns]) column.fill(0);
      waiting.fill(1);
    },
    observe(index, spots) {
      const time = (years * (index + 1)) / exercises;
      const discount = exp((-rate * years * (index + 1)) / exercises);
      const column = spots[0]!;
      const last = index === exercises - 1;
      if (pathwise) logVegas?.(noise, 0, time);
      for (let path = 0; path < blockSize; path++) {
        if (waiting[path] === 0) continue;
        const gain = sign * (column[path]! - strike);
        if (gain <= 0) continue;
        if (!last && gain < continuation(index, column[path]!, states[0]?.[path] ?? 0)) continue;
        cash[path] = discount * gain;
        exercised[path] = sign * discount;
        turns[path] = column[path]! * noise[path]!;
        waiting[path] = 0;
      }
    },
    values: (out) => out.set(cash),
    slopes({ deltas, vegas, scale }) {
      const spot = market.spots[0]!;
      for (let path = 0; path < blockSize; path++) {
        const weight = exercised[path]!;
        // Discounted: sign * S = gain + sign * K.
        deltas[0]![path] = (cash[path]! + weight * strike) / spot;
        if (scale !== undefined) scale[path] = (weight * strike) / (spot * spot);
        const vega = vegas[0];
        if (vega !== undefined) vega[path] = weight * turns[path]!;
      }
    },
  };
}
