/**
 * Option chains made from a known surface under a seed: bids and asks around Black-76 prices on a grid of ticks, with noise, and
 * with the faults of real chains on request. Relies on the pricing functions that have their own tests.
 */
import { createPrng } from "@stoa/base/prng";
import { black76Price, type OptionType } from "@stoa/pricing/black76";
import type { ExpiryQuotes, OptionQuote } from "@stoa/pricing/surface/chain";
import { ssviSlice, type Ssvi } from "@stoa/pricing/surface/ssvi";
import { sviVariance, type SviSlice } from "@stoa/pricing/svi";

/** A uniform number in [0, 1). */
export type Uniform = () => number;

export function uniformOf(seed: number | string): Uniform {
  return createPrng(seed).nextFloat;
}

export const between = (uniform: Uniform, low: number, high: number): number => low + (high - low) * uniform();

/** Twelve uniforms less six: near enough to a normal number for noise. */
export const normalOf = (uniform: Uniform): number =>
  Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);

export interface World {
  readonly years: readonly number[];
  readonly slices: readonly SviSlice[];
  readonly forwards: readonly number[];
}

/** A surface free of arbitrage: SSVI with the power law inside its conditions, with a term structure. */
export function makeWorld(seed: number | string, count = 8): World {
  const uniform = uniformOf(`world ${seed}`);
  const rho = between(uniform, -0.7, 0.4);
  const ssvi: Ssvi = {
    rho,
    phi: {
      kind: "power-law",
      eta: between(uniform, 0.3, 1.8 / (1 + Math.abs(rho))),
      gamma: between(uniform, 0.2, 0.5),
    },
  };
  const years: number[] = [];
  const thetas: number[] = [];
  let time = 0.002;
  let theta = 0;
  for (let index = 0; index < count; index++) {
    const volatility = between(uniform, 0.25, 0.9);
    theta += volatility * volatility * (time - (years.at(-1) ?? 0));
    years.push(time);
    thetas.push(theta);
    time *= between(uniform, 1.4, 2.4);
  }
  const forwards = years.map((length) => 60_000 * Math.exp(0.05 * length));
  return { years, slices: thetas.map((value) => ssviSlice(ssvi, value)), forwards };
}

export interface Faults {
  /** Standard deviation of the mid, in half-spreads. */
  readonly noise?: number;
  /** Half-spread in volatility. */
  readonly half?: number;
  /** The share of quotes with: */
  readonly crossed?: number;
  readonly bidOnly?: number;
  readonly askOnly?: number;
  /** an age of an hour and the price of a market that was 20 % more volatile; */
  readonly stale?: number;
  /** a price of 60 % more volatility and nothing that says so. */
  readonly wrong?: number;
  /** Strikes per expiry. */
  readonly strikes?: number;
  readonly unit?: "coin" | "currency";
}

/** Quotes of a world's options, at strikes over some four standard deviations. */
export function quoteWorld(world: World, seed: number | string, faults: Faults = {}): ExpiryQuotes[] {
  const uniform = uniformOf(`quotes ${seed}`);
  return world.years.map((years, index) => {
    const slice = world.slices[index]!;
    const forward = world.forwards[index]!;
    const deviation = Math.sqrt(sviVariance(slice, 0).variance);
    const count = faults.strikes ?? 25;
    const quotes: OptionQuote[] = [];
    for (let place = 0; place < count; place++) {
      const strike = Math.round(forward * Math.exp(deviation * (-3 + (6 * place) / Math.max(1, count - 1))));
      for (const type of ["call", "put"] as const) {
        const volatility = Math.sqrt(sviVariance(slice, Math.log(strike / forward)).variance / years);
        quotes.push(quoteOf({ type, strike, years, forward, volatility }, faults, uniform));
      }
    }
    return { years, forward, quotes };
  });
}

interface Option {
  readonly type: OptionType;
  readonly strike: number;
  readonly years: number;
  readonly forward: number;
  readonly volatility: number;
}

function quoteOf(option: Option, faults: Faults, uniform: Uniform): OptionQuote {
  const { noise = 0, half = 0.005, crossed = 0, bidOnly = 0, askOnly = 0, stale = 0, wrong = 0 } = faults;
  const { type, strike } = option;
  const fate = uniform();
  const limits = [crossed, bidOnly, askOnly, stale, wrong].map(
    (
      (sum) => (share: number) =>
        (sum += share)
    )(0),
  ) as [number, number, number, number, number];
  const isStale = limits[2] <= fate && fate < limits[3];
  const isWrong = limits[3] <= fate && fate < limits[4];
  const shift = noise * half * normalOf(uniform);
  const middle = (option.volatility + shift) * (isStale ? 1.2 : isWrong ? 1.6 : 1);
  const scale = faults.unit === "coin" ? 1 / option.forward : 1;
  const price = (volatility: number): number =>
    scale * black76Price({ ...option, volatility: Math.max(0.001, volatility) });
  const bid = price(middle - half);
  const ask = price(middle + half);
  if (fate < limits[0]) return { type, strike, bid: ask, ask: bid };
  if (fate < limits[1]) return { type, strike, bid };
  if (fate < limits[2]) return { type, strike, ask };
  return isStale ? { type, strike, bid, ask, ageSeconds: 3_600 } : { type, strike, bid, ask };
}
