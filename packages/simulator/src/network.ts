/**
 * The links between simulated nodes. Each message is lost, doubled or delayed by draws; delays differ per message, so
 * messages overtake each other. A link has a bandwidth, and what waits for it waits its turn; it can be cut in one direction,
 * clogged (nothing arrives for a while, then everything), or reset (what is under way is gone). The network does not look
 * into what it carries.
 */
import { limits } from "@stoa/base/limits";
import type { Prng } from "@stoa/base/prng";

/** What the weather is like; probabilities in parts per thousand, delays in microseconds. */
export interface Weather {
  readonly delayUsMin: number;
  readonly delayUsMean: number;
  readonly lossPermille: number;
  readonly doublePermille: number;
  /** Now and then a message takes ten times as long. */
  readonly slowPermille: number;
  /** Of each direction of each link; absent: no limit. */
  readonly bytesPerSecond?: number;
  /** Between two places, on top of the draws; absent: they are all in one. */
  readonly distanceUs?: (from: number, to: number) => number;
}

export interface Network {
  readonly weather: Weather;
  readonly count: number;
  readonly prng: Prng;
  /** How many faults cut a direction, by `linkOf`. */
  readonly cuts: Map<number, number>;
  /** Until when a direction is clogged. */
  readonly clogs: Map<number, number>;
  /** Until when a direction is busy with what was sent before. */
  readonly busyUntilUs: Map<number, number>;
  /** Counts the resets of a direction: what was sent before the last one never arrives. */
  readonly resets: Map<number, number>;
  /** For the report. */
  readonly tally: {
    sent: number;
    bytes: number;
    lost: number;
    doubled: number;
    cut: number;
    clogged: number;
    reset: number;
  };
}

export type Link = readonly [from: number, to: number];

export function createNetwork(count: number, prng: Prng, weather: Weather): Network {
  const tally = { sent: 0, bytes: 0, lost: 0, doubled: 0, cut: 0, clogged: 0, reset: 0 };
  const links = { cuts: new Map(), clogs: new Map(), busyUntilUs: new Map(), resets: new Map() };
  return { weather, count, prng, ...links, tally };
}

export const linkOf = (network: Network, [from, to]: Link): number => from * network.count + to;

/** After how many microseconds each copy of a message arrives: none, one, or two copies. */
export function arrivals(network: Network, nowUs: number, link: Link, size: number): number[] {
  const { prng, weather, tally } = network;
  const key = linkOf(network, link);
  tally.sent++;
  tally.bytes += size;
  if (network.cuts.has(key)) {
    tally.cut++;
    return [];
  }
  const waitUs = queueUs(network, key, nowUs, size);
  if (waitUs === undefined || prng.below(1_000) < weather.lossPermille) {
    tally.lost++;
    return [];
  }
  const clogUs = (network.clogs.get(key) ?? 0) - nowUs;
  if (0 < clogUs) tally.clogged++;
  const distanceUs = weather.distanceUs?.(...link) ?? 0;
  const oneUs = (): number => waitUs + Math.max(0, clogUs) + distanceUs + delayUs(network);
  if (weather.doublePermille <= prng.below(1_000)) return [oneUs()];
  tally.doubled++;
  return [oneUs(), oneUs()];
}

/** How long the message waits until it has left, with all that was sent before it; nothing when the queue is full. */
function queueUs(network: Network, key: number, nowUs: number, size: number): number | undefined {
  const { bytesPerSecond } = network.weather;
  if (bytesPerSecond === undefined) return 0;
  const startUs = Math.max(nowUs, network.busyUntilUs.get(key) ?? 0);
  if (((startUs - nowUs) * bytesPerSecond) / 1e6 + size > limits.peerQueueSizeMax) return undefined;
  const endUs = startUs + (1e6 * size) / bytesPerSecond;
  network.busyUntilUs.set(key, endUs);
  return endUs - nowUs;
}

function delayUs({ prng, weather }: Network): number {
  const usual = weather.delayUsMin + prng.below(2 * (weather.delayUsMean - weather.delayUsMin) + 1);
  return prng.below(1_000) < weather.slowPermille ? 10 * usual : usual;
}

/** Nothing passes these directions until `mend` is called with them. */
export function cut(network: Network, links: readonly Link[]): void {
  for (const link of links) {
    const key = linkOf(network, link);
    network.cuts.set(key, (network.cuts.get(key) ?? 0) + 1);
  }
}

export function mend(network: Network, links: readonly Link[]): void {
  for (const link of links) {
    const key = linkOf(network, link);
    const left = (network.cuts.get(key) ?? 0) - 1;
    if (0 < left) network.cuts.set(key, left);
    else network.cuts.delete(key);
  }
}

export function clog(network: Network, links: readonly Link[], untilUs: number): void {
  for (const link of links) {
    const key = linkOf(network, link);
    network.clogs.set(key, Math.max(untilUs, network.clogs.get(key) ?? 0));
  }
}

export function reset(network: Network, [one, other]: Link): void {
  network.tally.reset++;
  for (const link of [
    [one, other],
    [other, one],
  ] as const) {
    const key = linkOf(network, link);
    network.resets.set(key, (network.resets.get(key) ?? 0) + 1);
    network.busyUntilUs.delete(key);
  }
}

export const resetsOf = (network: Network, link: Link): number => network.resets.get(linkOf(network, link)) ?? 0;

// ---- shapes of partitions

export const partitionShapes = ["split", "isolate", "minority", "ring", "bridge", "oneWay"] as const;
export type PartitionShape = (typeof partitionShapes)[number];

/** Which directions a partition of this shape cuts; `words` tells it. */
export function partition(
  prng: Prng,
  shape: PartitionShape,
  stakes: readonly number[],
): { readonly links: readonly Link[]; readonly words: string } {
  const order = shuffled(
    prng,
    stakes.map((_, index) => index),
  );
  const half = (nodes: readonly number[]): [number[], number[]] => {
    const size = nodes.length < 2 ? nodes.length : 1 + prng.below(nodes.length - 1);
    return [nodes.slice(0, size).sort(), nodes.slice(size).sort()];
  };
  switch (shape) {
    case "split": {
      const [left, right] = half(order);
      return { links: between(left, right), words: `${left.join(" ")} | ${right.join(" ")}` };
    }
    case "isolate":
      return { links: between(order.slice(0, 1), order.slice(1)), words: `${order[0]} is alone` };
    case "minority": {
      const left = minorityOf(order, stakes);
      const right = order.filter((index) => !left.includes(index)).sort();
      return { links: between(left, right), words: `minority ${left.join(" ")} | majority ${right.join(" ")}` };
    }
    case "ring":
      return { links: allButRing(order), words: `a ring of ${order.join(" ")}` };
    case "bridge": {
      const [bridge, ...rest] = order;
      const [left, right] = half(rest);
      return { links: between(left, right), words: `${left.join(" ")} | ${right.join(" ")}, ${bridge} hears both` };
    }
    case "oneWay": {
      const [left, right] = half(order);
      const links = right.flatMap((from) => left.map((to): Link => [from, to]));
      return { links, words: `${left.join(" ")} do not hear ${right.join(" ")}` };
    }
  }
}

function between(left: readonly number[], right: readonly number[]): Link[] {
  return left.flatMap((one) =>
    right.flatMap((other): Link[] => [
      [one, other],
      [other, one],
    ]),
  );
}

/** Nodes with at most a third of the stake: the rest can go on without them. */
function minorityOf(order: readonly number[], stakes: readonly number[]): number[] {
  const total = stakes.reduce((sum, stake) => sum + stake, 0);
  const left: number[] = [];
  let stake = 0;
  for (const index of order) {
    if (total <= 3 * (stake + stakes[index]!)) continue;
    stake += stakes[index]!;
    left.push(index);
  }
  return left.sort();
}

function allButRing(order: readonly number[]): Link[] {
  const count = order.length;
  return order.flatMap((from, place) =>
    order.flatMap((to, other): Link[] => {
      const distance = (other - place + count) % count;
      return distance <= 1 || distance === count - 1 ? [] : [[from, to]];
    }),
  );
}

export function shuffled<T>(prng: Prng, values: readonly T[]): T[] {
  const result = [...values];
  for (let index = result.length - 1; 0 < index; index--) {
    const other = prng.below(index + 1);
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}
