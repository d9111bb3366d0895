/**
 * The links between simulated nodes. Each message is lost, doubled or delayed by draws; delays differ per message, so
 * messages overtake each other. Cuts are one-way. The network does not look into what it carries.
 */
import type { Prng } from "@stoa/base/prng";

/** What the weather is like; probabilities in parts per thousand, delays in microseconds. */
export interface Weather {
  readonly delayUsMin: number;
  readonly delayUsMean: number;
  readonly lossPermille: number;
  readonly doublePermille: number;
  /** Now and then a message takes ten times as long. */
  readonly slowPermille: number;
}

export interface Network {
  weather: Weather;
  /** `from * count + to` of every direction that carries nothing. */
  readonly cuts: Set<number>;
  readonly count: number;
  readonly prng: Prng;
  /** For the report. */
  readonly tally: { sent: number; lost: number; doubled: number; cut: number };
}

export function createNetwork(count: number, prng: Prng, weather: Weather): Network {
  return { weather, cuts: new Set(), count, prng, tally: { sent: 0, lost: 0, doubled: 0, cut: 0 } };
}

/** After how many microseconds each copy of a message arrives: none, one, or two copies. */
export function arrivals(network: Network, from: number, to: number): number[] {
  const { prng, weather, tally } = network;
  tally.sent++;
  if (network.cuts.has(from * network.count + to)) {
    tally.cut++;
    return [];
  }
  if (prng.below(1_000) < weather.lossPermille) {
    tally.lost++;
    return [];
  }
  if (weather.doublePermille <= prng.below(1_000)) return [delayUs(network)];
  tally.doubled++;
  return [delayUs(network), delayUs(network)];
}

/** Separates two groups; with `oneWay` the second still hears the first. */
export function cut(network: Network, left: readonly number[], right: readonly number[], oneWay: boolean): void {
  for (const one of left) {
    for (const other of right) {
      network.cuts.add(other * network.count + one);
      if (!oneWay) network.cuts.add(one * network.count + other);
    }
  }
}

function delayUs({ prng, weather }: Network): number {
  const usual = weather.delayUsMin + prng.below(2 * (weather.delayUsMean - weather.delayUsMin) + 1);
  return prng.below(1_000) < weather.slowPermille ? 10 * usual : usual;
}
