import { describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { timeValue } from "@stoa/pricing/black76";
import { logMoneyness, outOfTheMoneyValue, timeValueOfPair } from "@stoa/pricing/normalised-black";
import { functions } from "../../../tools/accuracy/black.ts";

// Against 50-digit values it stands in accuracy.test.ts; here is what holds between its own values.
const points = functions
  .find(({ name }) => name === "outOfTheMoneyValue")!
  .inputs("properties", 3_000) as readonly (readonly [number, number, number])[];

describe("the value of an out-of-the-money option", () => {
  test("is that of the put when forward and strike are exchanged, to the bit", () => {
    for (const [low, high, deviation] of points)
      expect(timeValue(high, low, deviation)).toBe(timeValue(low, high, deviation));
  });

  test("scales with both prices: a power of two changes the exponent alone", () => {
    let compared = 0;
    for (const [low, high, deviation] of points) {
      const value = outOfTheMoneyValue(low, high, deviation);
      if (!(1e-290 < value && high < 1e290 && 1e-290 < low)) continue;
      expect(outOfTheMoneyValue(low * 1024, high * 1024, deviation)).toBe(value * 1024);
      expect(outOfTheMoneyValue(low / 1024, high / 1024, deviation)).toBe(value / 1024);
      compared++;
    }
    expect(compared).toBeGreaterThan(1_000);
  });

  test("lies within 0 and the lower price, and is those at the ends of the deviation", () => {
    for (const [low, high, deviation] of points) {
      const value = outOfTheMoneyValue(low, high, deviation);
      expect(0 <= value && value <= low).toBe(true);
      expect(outOfTheMoneyValue(low, high, 0)).toBe(0);
      expect(outOfTheMoneyValue(low, high, Infinity)).toBe(low);
      expect(outOfTheMoneyValue(low, high, 1e5)).toBe(low);
    }
  });

  test("never falls when the deviation or the nearness grows by a millionth of a millionth", () => {
    const prng = createPrng("rising values");
    for (let index = 0; index < 20_000; index++) {
      const deviation = 0.001 + 3 * prng.nextFloat() * prng.nextFloat();
      const high = 100 * (1 + 4 * deviation * prng.nextFloat());
      const value = outOfTheMoneyValue(100, high, deviation);
      expect(outOfTheMoneyValue(100, high, deviation * (1 + 1e-12))).toBeGreaterThanOrEqual(value);
      expect(outOfTheMoneyValue(100, high * (1 + 1e-12), deviation)).toBeLessThanOrEqual(value);
    }
  });

  test("uses the rest of a deviation that is known to more than a double", () => {
    const rest = 1e-16;
    const steep = outOfTheMoneyValue(100, 105, 0.002);
    const withRest = outOfTheMoneyValue(100, 105, 0.002, rest);
    // d ln(value) / ds is about x^2 / s^3: some 3e5 here, so the rest moves the value by a part in 3e10.
    expect(withRest / steep - 1).toBeGreaterThan(2e-11);
    expect(withRest / steep - 1).toBeLessThan(4e-11);
  });
});

test("a distance between neighbouring prices keeps its digits", () => {
  const pair = new Float64Array(2);
  logMoneyness(1, 1 + 2 ** -52, pair);
  // ln(1 + z) = z - z^2 / 2 + z^3 / 3
  expect((pair[0]! - 2 ** -52 + pair[1]!) / -(2 ** -105)).toBeCloseTo(1, 14);
  logMoneyness(7, 7, pair);
  expect([...pair]).toEqual([0, 0]);
  logMoneyness(5e-324, Number.MAX_VALUE, pair);
  expect(pair[0]).toBe(1454.2227848147652);
  logMoneyness(3, 4, pair);
  expect(timeValueOfPair(3, pair[0]!, pair[1]!, 0.5, 0)).toBe(outOfTheMoneyValue(3, 4, 0.5));
});
