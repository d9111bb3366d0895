/** What mirrored paths, controls, matched moments and Sobol points are for: the same value with less error. */
import { describe, expect, test } from "vitest";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import { black76 } from "@stoa/pricing/black76";
import { barrier as barrierFormula } from "@stoa/pricing/barrier";
import { controlMean } from "@stoa/pricing/monte-carlo/control";
import type { HestonModel } from "@stoa/pricing/monte-carlo/model";
import type { Method } from "@stoa/pricing/monte-carlo/method";
import type { AsianPayoff, BarrierPayoff, Payoff } from "@stoa/pricing/monte-carlo/payoff";
import { blackScholes, call, priceOf, workOf } from "./price.ts";

// The bits are those of the TypeScript form (wasm/same-bits.test.ts); the paths take a third of the time.
activeKernel();

const asian: AsianPayoff = { kind: "asian", averaging: "arithmetic", type: "call", strike: 100, years: 1, fixings: 12 };
const knockOut: BarrierPayoff = {
  kind: "barrier",
  type: "call",
  strike: 100,
  years: 1,
  direction: "down",
  knock: "out",
  barrier: 85,
  rebate: 0,
  monitoring: "continuous",
  observations: 8,
};
const forward = 100 * Math.exp(0.03);
const exact = black76({ type: "call", forward, strike: 105, years: 1, volatility: 0.3, discount: Math.exp(-0.05) });
/** Of Black-Scholes with the spot in the forward's place: forward greeks times dF/dS. */
const exactGreeks = {
  value: exact.price,
  delta: exact.delta * Math.exp(0.03),
  vega: exact.vega,
  gamma: exact.gamma * Math.exp(0.06),
};

type Changes = { readonly [K in keyof Method]?: Method[K] };

function ratio(payoff: Payoff, changes: Changes, pathCount = 32_768): number {
  const plain = priceOf(workOf(blackScholes, payoff), pathCount).value;
  const reduced = priceOf(workOf(blackScholes, payoff, changes), pathCount).value;
  // Both are right, each by its own error.
  const together = Math.hypot(plain.standardError, reduced.standardError);
  expect(Math.abs(plain.mean - reduced.mean)).toBeLessThan(3 * together);
  return reduced.standardError / plain.standardError;
}

describe("the standard error", () => {
  test.each<[string, Payoff, Changes, number]>([
    ["mirrored pairs", call, { antithetic: true }, 0.75],
    ["the spot as control", call, { control: "spot" }, 0.5],
    ["the geometric mean as control of the arithmetic one", asian, { control: "closed-form" }, 0.05],
    ["the European option as control of the barrier", knockOut, { control: "closed-form" }, 0.5],
    ["matched moments", call, { momentMatching: true }, 0.4],
    ["Sobol points", call, { points: "sobol", replicates: 16 }, 0.1],
    ["Sobol points over a bridge of 12 steps", asian, { points: "sobol", replicates: 16 }, 0.15],
    ["Sobol points and a control", asian, { points: "sobol", replicates: 16, control: "closed-form" }, 0.01],
    [
      "mirrored pairs with matched moments and a control",
      asian,
      { antithetic: true, momentMatching: true, control: "closed-form" },
      0.05,
    ],
  ])("falls with %s", (_, payoff, changes, bound) => {
    expect(ratio(payoff, changes)).toBeLessThan(bound);
  });

  test("falls faster with Sobol points than with the root of the number of paths", () => {
    const error = (changes: Changes, pathCount: number) =>
      priceOf(workOf(blackScholes, asian, changes), pathCount).value.standardError;
    const sobol = { points: "sobol", replicates: 16 } as const;
    const slope = (changes: Changes) => Math.log2(error(changes, 8_192) / error(changes, 131_072)) / 4;
    expect(slope({})).toBeGreaterThan(0.45);
    expect(slope({})).toBeLessThan(0.55);
    expect(slope(sobol)).toBeGreaterThan(0.65);
  });
});

describe("estimates of Black-Scholes", () => {
  test.each<[string, Changes, number]>([
    ["pathwise, gamma mixed", { greeks: "pathwise" }, 3],
    ["by likelihood ratio", { greeks: "likelihood-ratio", control: "spot" }, 3],
    ["pathwise on mirrored pairs", { greeks: "pathwise", antithetic: true }, 3],
    // An error from 16 replicates makes Student's t of 15 degrees of freedom, which is beyond 3.5 as often as a normal beyond 3.
    ["pathwise on Sobol points", { greeks: "pathwise", points: "sobol", replicates: 16 }, 3.5],
    ["pathwise over four steps", { greeks: "pathwise", stepsPerObservation: 4 }, 3],
    ["by likelihood ratio over four steps", { greeks: "likelihood-ratio", stepsPerObservation: 4 }, 3],
  ])("have the analytic greeks within three standard errors: %s (PRICE-057)", (_, changes, limit) => {
    const found = priceOf(workOf(blackScholes, call, changes), 65_536);
    for (const name of ["value", "delta", "vega", "gamma"] as const) {
      const { mean, standardError } = found[name]!;
      expect(Math.abs(mean - exactGreeks[name]), name).toBeLessThan(limit * standardError);
      expect(standardError, name).toBeLessThan(0.1 * Math.abs(exactGreeks[name]));
    }
  });

  test.each<[string, Payoff]>([
    ["arithmetic Asian put", { ...asian, type: "put" }],
    ["geometric Asian call", { ...asian, averaging: "geometric" }],
  ])("have greeks that agree with differences of prices on the same paths: %s", (_, payoff) => {
    const found = priceOf(workOf(blackScholes, payoff, { greeks: "pathwise" }), 65_536);
    const value = (change: object) => priceOf(workOf({ ...blackScholes, ...change }, payoff), 65_536).value.mean;
    const [up, down] = [value({ spot: 101 }), value({ spot: 99 })];
    const [high, low] = [value({ volatility: 0.301 }), value({ volatility: 0.299 })];
    expect(Math.abs(found.delta!.mean - (up - down) / 2)).toBeLessThan(0.002);
    expect(Math.abs(found.vega!.mean - (high - low) / 0.002)).toBeLessThan(0.05);
    expect(Math.abs(found.gamma!.mean - (up - 2 * found.value.mean + down))).toBeLessThan(
      4 * found.gamma!.standardError,
    );
  });

  test("of Heston have the delta and gamma of differences of prices", () => {
    const model: HestonModel = {
      kind: "heston",
      spot: 100,
      rate: 0.02,
      dividendYield: 0,
      variance: 0.06,
      meanReversion: 2,
      longVariance: 0.05,
      volatilityOfVariance: 0.5,
      correlation: -0.6,
    };
    const price = (spot: number) =>
      priceOf(workOf({ ...model, spot }, call, { greeks: "pathwise", stepsPerObservation: 8 }), 65_536);
    const [up, found, down] = [price(102), price(100), price(98)];
    expect(found.vega).toBeUndefined();
    expect(Math.abs(found.delta!.mean - (up.value.mean - down.value.mean) / 4)).toBeLessThan(0.003);
    const gamma = (up.delta!.mean - down.delta!.mean) / 4;
    expect(Math.abs(found.gamma!.mean - gamma)).toBeLessThan(3 * found.gamma!.standardError + 0.0005);
  });
});

describe("barriers", () => {
  test.each<[BarrierPayoff["direction"], BarrierPayoff["knock"], BarrierPayoff["type"], number]>([
    ["down", "out", "call", 85],
    ["down", "in", "put", 85],
    ["up", "out", "put", 120],
    ["up", "in", "call", 120],
  ])(
    "watched continuously have the closed form at any number of steps: %s and %s %s",
    (direction, knock, type, level) => {
      const payoff: BarrierPayoff = { ...knockOut, direction, knock, type, barrier: level };
      const { spot, rate, dividendYield, volatility } = blackScholes;
      const value = barrierFormula({
        ...{ type, spot, strike: 100, years: 1, volatility, rate, dividendYield },
        knock: `${direction}-and-${knock}`,
        barrier: level,
      }).price;
      for (const observations of [1, 20]) {
        const { mean, standardError } = priceOf(workOf(blackScholes, { ...payoff, observations }), 32_768).value;
        expect(Math.abs(mean - value)).toBeLessThan(3 * standardError);
      }
    },
  );

  test("in and out make the option, with the rebate where there is none", () => {
    const value = (changes: Partial<BarrierPayoff>) =>
      priceOf(workOf(blackScholes, { ...knockOut, ...changes }), 4_096).value.mean;
    for (const monitoring of ["discrete", "continuous"] as const) {
      const option = priceOf(workOf(blackScholes, { ...call, strike: 100 }, { stepsPerObservation: 8 }), 4_096).value
        .mean;
      expect(value({ monitoring }) + value({ monitoring, knock: "in" })).toBeCloseTo(option, 9);
      const rebates = value({ monitoring, rebate: 3 }) + value({ monitoring, knock: "in", rebate: 3 });
      expect(rebates).toBeCloseTo(option + 3 * Math.exp(-0.05), 9);
    }
  });

  test("watched on dates are worth more than watched always, and less than never", () => {
    const price = (changes: Partial<BarrierPayoff>) =>
      priceOf(workOf(blackScholes, { ...knockOut, ...changes }), 16_384).value.mean;
    const always = price({});
    const dates = price({ monitoring: "discrete" });
    expect(always).toBeLessThan(dates);
    expect(dates).toBeLessThan(price({ monitoring: "discrete", barrier: 1 }));
  });
});

test("a control is expected to be worth what its own simulation gives", () => {
  const works = [
    workOf(blackScholes, { ...asian, averaging: "geometric" }),
    workOf(blackScholes, { ...call, strike: 100 }),
  ] as const;
  const controls = [
    workOf(blackScholes, asian, { control: "closed-form" }),
    workOf(blackScholes, knockOut, { control: "closed-form" }),
  ];
  for (const [index, work] of works.entries()) {
    const { mean, standardError } = priceOf(work, 262_144).value;
    expect(Math.abs(mean - controlMean(controls[index]!))).toBeLessThan(3 * standardError);
  }
});
