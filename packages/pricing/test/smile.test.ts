import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { volatilityNodesCount } from "@stoa/protocol/command";
import { smileNodes, standardisedMoneyness, volatilityAt, volatilityAtMoneyness } from "@stoa/pricing/smile";

const smile = [0.75, 0.62, 0.55, 0.57, 0.64];
const strikeAt = (x: number, forward: number, years: number): number => forward * Math.exp(x * Math.sqrt(years));

describe("a smile of five nodes", () => {
  test("has as many nodes as a price message", () => {
    expect(smileNodes.length).toBe(volatilityNodesCount);
  });

  test("passes through its nodes, and is flat beyond them", () => {
    smileNodes.forEach((x, index) => {
      expect(volatilityAtMoneyness(smile, x)).toBe(smile[index]);
      expect(volatilityAt(smile, 100_000, strikeAt(x, 100_000, 0.04), 0.04)).toBeCloseTo(smile[index]!, 12);
    });
    expect(volatilityAt(smile, 100_000, 100_000, 0.04)).toBe(0.55);
    for (const strike of [1, 50_000, 80_000]) expect(volatilityAt(smile, 100_000, strike, 0.04)).toBe(0.75);
    for (const strike of [130_000, 1e9]) expect(volatilityAt(smile, 100_000, strike, 0.04)).toBe(0.64);
  });

  test("works in whatever unit its nodes have", () => {
    const ppm = smile.map((v) => Math.round(v * 1e6));
    expect(volatilityAt(ppm, 4_000, 4_300, 0.1)).toBeCloseTo(1e6 * volatilityAt(smile, 4_000, 4_300, 0.1), 6);
  });

  test("at expiry is its middle on the forward and its ends beside it", () => {
    expect(volatilityAt(smile, 100, 100, 0)).toBe(0.55);
    expect(volatilityAt(smile, 100, 99, 0)).toBe(0.75);
    expect(volatilityAt(smile, 100, 101, 0)).toBe(0.64);
  });

  const anyNodes = fc.array(fc.integer({ min: 1, max: 5_000_000 }), { minLength: 5, maxLength: 5 });

  test("stays between the two nodes beside a strike, so it is positive when they are", () => {
    fc.assert(
      fc.property(anyNodes, fc.double({ min: -1, max: 1, noNaN: true }), (nodes, x) => {
        // A position that rounds to a node is that node: beside it either cell is right.
        const cell = Math.min(3, Math.floor((x + 1) * 2));
        const value = volatilityAtMoneyness(nodes, x);
        expect(value).toBeGreaterThanOrEqual(Math.min(nodes[cell]!, nodes[cell + 1]!));
        expect(value).toBeLessThanOrEqual(Math.max(nodes[cell]!, nodes[cell + 1]!));
      }),
      { numRuns: 2_000 },
    );
  });

  test("has a continuous slope, at the nodes and at the ends too", () => {
    fc.assert(
      fc.property(anyNodes, fc.constantFrom(...smileNodes), (nodes, x) => {
        const h = 1e-6;
        const at = (offset: number): number => volatilityAtMoneyness(nodes, x + offset);
        const scale = Math.max(...nodes) - Math.min(...nodes) + 1;
        expect(Math.abs((at(h) - at(0)) / h - (at(0) - at(-h)) / h) / scale).toBeLessThan(1e-3);
      }),
    );
  });

  test("is a number at the last doubles before its ends", () => {
    expect(volatilityAtMoneyness(smile, 1 - 2 ** -53)).toBe(0.64);
    expect(volatilityAtMoneyness(smile, -1 + 2 ** -53)).toBe(0.75);
    expect(volatilityAtMoneyness(smile, 0.5 - 2 ** -54)).toBeCloseTo(0.57, 15);
  });

  test("rises between rising nodes", () => {
    const rising = [0.3, 0.31, 0.5, 0.9, 0.91];
    for (let x = -1; x < 1; x += 0.01) {
      expect(volatilityAtMoneyness(rising, x + 0.01)).toBeGreaterThanOrEqual(volatilityAtMoneyness(rising, x));
    }
  });

  test("measures moneyness as the protocol says: ln(K/F)/sqrt(T)", () => {
    expect(standardisedMoneyness(100, 110, 0.25)).toBeCloseTo(Math.log(1.1) / 0.5, 15);
    expect(standardisedMoneyness(100, 100, 0)).toBe(0);
    // Two prices so close that their ratio rounds to one.
    expect(standardisedMoneyness(1.9999999999999998, 2, 0)).toBe(Infinity);
    expect(volatilityAt(smile, 1.9999999999999998, 2, 1)).toBe(0.55);
  });

  test("refuses to be read without five nodes or at a price that is not positive", () => {
    expect(() => volatilityAt([1, 2, 3], 100, 100, 1)).toThrow("nodes must be five: 3");
    expect(() => volatilityAt(smile, 0, 100, 1)).toThrow("forward must be positive: 0");
    expect(() => volatilityAt(smile, 100, 100, -1)).toThrow("years must not be negative: -1");
  });
});
