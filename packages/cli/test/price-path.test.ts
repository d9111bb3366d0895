import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { curveAt, curveNodes, indexAt, pathStepMs } from "../src/market/price-path.ts";
import { loadRecording, openPriceSource } from "../src/market/price-source.ts";
import { temporaryFolder } from "./temporary.ts";

const path = { stream: 0, initialPrice: 100_000, volatility: 0.5 };
const startMs = 1_795_000_000_000;

/** Root mean square of log returns over steps of `stepMs`, per square-root year. */
function realisedVolatility(seed: number, stepMs: number): number {
  const yearMs = 365 * 24 * 3600 * 1000;
  let sum = 0;
  for (let step = 0; step < 4_000; step++) {
    const from = indexAt(seed, path, startMs + step * stepMs);
    const to = indexAt(seed, path, startMs + (step + 1) * stepMs);
    sum += Math.log(to / from) ** 2;
  }
  return Math.sqrt(sum / 4_000 / (stepMs / yearMs));
}

test("the path moves with the volatility that was asked for, over seconds, minutes and hours", () => {
  for (const seed of [1, 2, 3]) {
    for (const stepMs of [10_000, 60_000, 3_600_000]) {
      const volatility = realisedVolatility(seed, stepMs);
      expect(volatility).toBeGreaterThan(0.45);
      expect(volatility).toBeLessThan(0.55);
    }
  }
});

test("two observers within one step of time see one price, and another seed gives another path", () => {
  const stepStart = Math.ceil(startMs / pathStepMs) * pathStepMs;
  expect(indexAt(1, path, stepStart)).toBe(indexAt(1, path, stepStart + pathStepMs - 1));
  expect(indexAt(1, path, stepStart)).not.toBe(indexAt(2, path, stepStart));
});

test("the path stays within a quarter of where it began for a year", () => {
  for (let hour = 0; hour < 24 * 365; hour++) {
    const price = indexAt(7, path, startMs + hour * 3_600_000);
    expect(price).toBeGreaterThan(75_000);
    expect(price).toBeLessThan(125_000);
  }
});

test("a curve has a positive volatility at each node, higher in the wings, and a forward near the index", () => {
  const curve = curveAt(1, path, { wallMs: startMs, expiryMs: startMs + 7 * 86_400_000, index: 100_000 });
  expect(curve.volatilities).toHaveLength(curveNodes.length);
  const [low, , middle, , high] = curve.volatilities as [number, number, number, number, number];
  expect(middle).toBeGreaterThan(0.3);
  expect(low).toBeGreaterThan(middle);
  expect(high).toBeGreaterThan(middle * 0.95);
  expect(Math.abs(curve.forward / 100_000 - 1)).toBeLessThan(0.01);
});

const parameters = {
  seed: 1,
  indexes: [
    { name: "btc_usd", initialPrice: 100_000, volatility: 0.5 },
    { name: "eth_usd", initialPrice: 4_000, volatility: 0.65 },
  ],
  originMs: startMs,
};

test("a price message holds whole cents in 1e-8 and a curve for each live expiry that was asked for", () => {
  const source = openPriceSource(parameters);
  const expiries = [
    { index: 0, expiryMs: startMs + 86_400_000 },
    { index: 1, expiryMs: startMs - 1 },
  ];
  const prices = source.read(startMs, expiries);
  expect(prices?.indexes.map(({ index }) => index)).toEqual([0, 1]);
  for (const { price } of prices?.indexes ?? []) expect(price % 1_000_000).toBe(0);
  expect(prices?.curves).toHaveLength(1);
  expect(prices?.curves[0]?.volatilitiesPpm).toHaveLength(5);
});

function recordingOf(text: string): string {
  const file = join(temporaryFolder(), "index.csv");
  writeFileSync(file, text);
  return file;
}

test("--index FILE is interpolated, then runs backwards, and leaves other indexes on their seeded path", () => {
  const file = recordingOf("time,btc_usd\n1000,50000\n3000,60000\n4000,58000\n");
  const recording = loadRecording(file, parameters.indexes);
  const at = (elapsedMs: number) => recording(0, elapsedMs);
  expect([at(0), at(1_000), at(2_000), at(3_000), at(4_000), at(6_000), at(7_000)]).toEqual([
    50_000, 55_000, 60_000, 58_000, 60_000, 50_000, 55_000,
  ]);
  expect(recording(1, 0)).toBeUndefined();
  const source = openPriceSource({ ...parameters, file });
  expect(source.read(startMs + 1_000, [])?.indexes[0]?.price).toBe(55_000 * 1e8);
});

test.each([
  ["", "is empty"],
  ["price\n1\n", 'one of them "time"'],
  ["time,gold\n1,2\n2,3\n", "no column for any index"],
  ["time,btc_usd\n1,2\n", "two rows"],
  ["time,btc_usd\n1,2\nx,3\n", 'line 3: "x" is no time'],
  ["time,btc_usd\n1,2\n2,-3\n", 'line 3: "-3" is no price'],
  ["time,btc_usd\n2,2\n1,3\n", "line 3: times must ascend"],
])("a bad file of index prices is named with its line: %j", (text, message) => {
  expect(() => loadRecording(recordingOf(text), parameters.indexes)).toThrow(message);
});
