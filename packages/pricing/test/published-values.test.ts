import { describe, expect, test } from "vitest";
import { geometricAsian } from "@stoa/pricing/asian";
import { barrier, type Knock } from "@stoa/pricing/barrier";
import { black76, type OptionType } from "@stoa/pricing/black76";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { blackScholesHigherGreeks } from "@stoa/pricing/higher-greeks";

/** Terms as the books give them: the cost of carry instead of the yield. */
function terms(...numbers: [OptionType, number, number, number, number, number, number]) {
  const [type, spot, strike, years, rate, carry, volatility] = numbers;
  return { type, spot, strike, years, rate, dividendYield: rate - carry, volatility };
}

describe("the worked examples of Haug's book, to the digits that it prints (PRICE-010)", () => {
  test.each([
    ["Black and Scholes", 2.1334, () => blackScholes(terms("call", 60, 65, 0.25, 0.08, 0.08, 0.3)).price],
    ["Merton, a put on an index", 2.4648, () => blackScholes(terms("put", 100, 95, 0.5, 0.1, 0.05, 0.2)).price],
    ["Garman and Kohlhagen", 0.0291, () => blackScholes(terms("call", 1.56, 1.6, 0.5, 0.06, -0.02, 0.12)).price],
    ["delta of a call on a future", 0.5946, () => blackScholes(terms("call", 105, 100, 0.5, 0.1, 0, 0.36)).delta],
    ["delta of the put", -0.3566, () => blackScholes(terms("put", 105, 100, 0.5, 0.1, 0, 0.36)).delta],
    ["gamma", 0.0278, () => blackScholes(terms("call", 55, 60, 0.75, 0.1, 0.1, 0.3)).gamma],
    ["vega", 18.5027, () => blackScholes(terms("call", 55, 60, 0.75, 0.105, 0.0695, 0.3)).vega],
    ["theta", -31.1924, () => blackScholes(terms("put", 430, 405, 0.0833, 0.07, 0.02, 0.2)).theta],
    ["rho", 38.7325, () => blackScholes(terms("call", 72, 75, 1, 0.09, 0.09, 0.19)).rho],
    ["volga", 92.3444, () => blackScholesHigherGreeks(terms("call", 90, 130, 0.75, 0.05, 0, 0.28)).volga],
    ["charm", 0.37, () => blackScholesHigherGreeks(terms("put", 105, 90, 0.25, 0.14, 0, 0.24)).charm],
    ["speed", -0.0291, () => blackScholesHigherGreeks(terms("call", 50, 48, 0.0833, 0.06, 0.01, 0.2)).speed],
    ["zomma", 0.0463, () => blackScholesHigherGreeks(terms("call", 100, 80, 0.25, 0.05, 0, 0.26)).zomma],
    ["cash-or-nothing", 2.671, () => cashOrNothing({ ...terms("put", 100, 80, 0.75, 0.06, 0, 0.35), cash: 10 }).price],
    ["asset-or-nothing", 20.2069, () => assetOrNothing(terms("put", 70, 65, 0.5, 0.07, 0.02, 0.27)).price],
    ["geometric average", 4.6922, () => geometricAsian(terms("put", 80, 85, 0.25, 0.05, 0.08, 0.2)).price],
  ] as const)("%s", (_, expected, value) => {
    expect(Math.abs(value() - expected)).toBeLessThan(0.5001e-4);
  });

  test("Black's model of 1976, call and put alike on the forward", () => {
    for (const type of ["call", "put"] as const) {
      const { price } = black76({
        type,
        forward: 19,
        strike: 19,
        years: 0.75,
        volatility: 0.28,
        discount: 0.927743486,
      });
      expect(Math.abs(price - 1.7011)).toBeLessThan(0.5001e-4);
    }
  });
});

test("ten fixings of a geometric average, by Clewlow and Strickland (PRICE-010)", () => {
  const option = { ...terms("call", 100, 100, 1, 0.06, 0.03, 0.2), observationsCount: 10 };
  expect(geometricAsian(option).price).toBeCloseTo(5.3425606635, 10);
});

/** Strikes 90, 100, 110 in each row, at a volatility of 25 % and of 30 %. */
const barriers: [OptionType, Knock, number, number[], number[]][] = [
  ["call", "down-and-out", 95, [9.0246, 6.7924, 4.8759], [8.8334, 7.0285, 5.4137]],
  ["call", "down-and-out", 100, [3, 3, 3], [3, 3, 3]],
  ["call", "up-and-out", 105, [2.6789, 2.358, 2.3453], [2.6341, 2.4389, 2.4315]],
  ["call", "down-and-in", 95, [7.7627, 4.0109, 2.0576], [9.0093, 5.137, 2.8517]],
  ["call", "down-and-in", 100, [13.8333, 7.8494, 3.9795], [14.8816, 9.2045, 5.3043]],
  ["call", "up-and-in", 105, [14.1112, 8.4482, 4.591], [15.2098, 9.7278, 5.835]],
  ["put", "down-and-out", 95, [2.2798, 2.2947, 2.6252], [2.417, 2.4258, 2.6246]],
  ["put", "down-and-out", 100, [3, 3, 3], [3, 3, 3]],
  ["put", "up-and-out", 105, [3.776, 5.4932, 7.5187], [4.2293, 5.8032, 7.5649]],
  ["put", "down-and-in", 95, [2.9586, 6.5677, 11.9752], [3.8769, 7.7989, 13.3078]],
  ["put", "down-and-in", 100, [2.2845, 5.9085, 11.6465], [3.3328, 7.2636, 12.9713]],
  ["put", "up-and-in", 105, [1.4653, 3.3721, 7.0846], [2.0658, 4.4226, 8.3686]],
];

test("Haug's table of standard barriers, to one of its last places (PRICE-011)", () => {
  let compared = 0;
  for (const [type, knock, level, low, high] of barriers)
    for (const [volatility, prices] of [
      [0.25, low],
      [0.3, high],
    ] as const)
      for (const [index, expected] of prices.entries()) {
        const option = { ...terms(type, 100, 90 + 10 * index, 0.5, 0.08, 0.04, volatility), rebate: 3 };
        const { price } = barrier({ ...option, knock, barrier: level });
        // The book's own distribution function is good to some seven digits: its last place may be one off.
        expect(Math.abs(price - expected), `${type} ${knock} ${level} ${option.strike} ${volatility}`).toBeLessThan(
          1e-4,
        );
        compared++;
      }
  expect(compared).toBe(72);
});
