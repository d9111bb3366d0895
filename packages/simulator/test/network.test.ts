import { expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import {
  arrivals,
  clog,
  createNetwork,
  cut,
  linkOf,
  mend,
  partition,
  type Link,
  type PartitionShape,
  type Weather,
} from "@stoa/simulator/network";
import "@stoa/simulator/run";

const fair: Weather = { delayUsMin: 1_000, delayUsMean: 1_000, lossPermille: 0, doublePermille: 0, slowPermille: 0 };
const networkOf = (count: number, weather: Weather) => createNetwork(count, createPrng(1), weather);

/** Which nodes hear which, through others too. */
function heardBy(count: number, links: readonly Link[]): { readonly direct: boolean[][]; readonly reach: boolean[][] } {
  const direct = Array.from({ length: count }, (_, from) =>
    Array.from({ length: count }, (_, to) => !links.some(([one, other]) => one === from && other === to)),
  );
  const reach = direct.map((row) => [...row]);
  for (let over = 0; over < count; over++) {
    for (let from = 0; from < count; from++) {
      for (let to = 0; to < count; to++) if (reach[from]![over]! && reach[over]![to]!) reach[from]![to] = true;
    }
  }
  return { direct, reach };
}

const stakes = [1, 1, 1, 1, 1, 1, 1];
const draw = (shape: PartitionShape, seed: number) => heardBy(7, partition(createPrng(seed), shape, stakes).links);
const seeds = Array.from({ length: 30 }, (_, seed) => seed);

test("a split, an isolation and a minority cut all between two groups, in both directions", () => {
  for (const shape of ["split", "isolate", "minority"] as const) {
    for (const seed of seeds) {
      const { direct, reach } = draw(shape, seed);
      expect(reach).toEqual(direct);
      expect(direct.flat()).toContain(false);
      direct.forEach((row, from) => row.forEach((hears, to) => expect(hears).toBe(direct[to]![from]!)));
      const groupSize = direct[0]!.filter(Boolean).length;
      const smaller = Math.min(groupSize, 7 - groupSize);
      if (shape === "isolate") expect(smaller).toBe(1);
      if (shape === "minority") expect(smaller).toBe(2);
    }
  }
});

test("a ring leaves each node two neighbours, and everybody reachable through them", () => {
  for (const seed of seeds) {
    const { direct, reach } = draw("ring", seed);
    for (const row of direct) expect(row.filter(Boolean).length).toBe(3);
    expect(reach.flat()).not.toContain(false);
  }
});

test("a bridge hears both sides, which do not hear each other", () => {
  for (const seed of seeds) {
    const { direct } = draw("bridge", seed);
    expect(direct.filter((row) => row.every(Boolean)).length).toBeGreaterThanOrEqual(1);
    expect(direct.flat()).toContain(false);
  }
});

test("a one-way cut is silent in one direction only", () => {
  for (const seed of seeds) {
    const { direct } = draw("oneWay", seed);
    const asymmetric = direct.some((row, from) => row.some((hears, to) => hears !== direct[to]![from]!));
    expect(asymmetric).toBe(true);
  }
});

test("a direction that two partitions cut is open again when both are over", () => {
  const network = networkOf(2, fair);
  cut(network, [[0, 1]]);
  cut(network, [[0, 1]]);
  mend(network, [[0, 1]]);
  expect(arrivals(network, 0, [0, 1], 10)).toEqual([]);
  expect(arrivals(network, 0, [1, 0], 10)).toEqual([1_000]);
  mend(network, [[0, 1]]);
  expect(arrivals(network, 0, [0, 1], 10)).toEqual([1_000]);
});

test("what is sent waits for what was sent before it on the same link, and a queue has an end", () => {
  const network = networkOf(2, { ...fair, bytesPerSecond: 1_000_000 });
  expect(arrivals(network, 0, [0, 1], 500_000)).toEqual([501_000]);
  expect(arrivals(network, 0, [0, 1], 500_000)).toEqual([1_001_000]);
  expect(arrivals(network, 0, [1, 0], 500_000)).toEqual([501_000]);
  for (let count = 0; count < 40; count++) arrivals(network, 0, [0, 1], 500_000);
  expect(arrivals(network, 0, [0, 1], 500_000)).toEqual([]);
});

test("a clogged direction gives nothing and then everything", () => {
  const network = networkOf(2, fair);
  clog(network, [[0, 1]], 10_000);
  expect(arrivals(network, 2_000, [0, 1], 10)).toEqual([9_000]);
  expect(arrivals(network, 11_000, [0, 1], 10)).toEqual([1_000]);
  expect(linkOf(network, [0, 1])).not.toBe(linkOf(network, [1, 0]));
});
