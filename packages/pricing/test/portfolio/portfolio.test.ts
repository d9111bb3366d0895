/** Portfolios: each table against prices that are computed the long way, one instrument and one scenario at a time. */
import { expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { black76Price } from "@stoa/pricing/black76";
import type { Instrument, Position } from "@stoa/pricing/portfolio/instrument";
import { scenarioMatrix } from "@stoa/pricing/portfolio/matrix";
import { breakevens, firstExpiry, payoff } from "@stoa/pricing/portfolio/payoff";
import {
  marginScenarios,
  scenarioGrid,
  shiftedVolatility,
  termScale,
  type Scenario,
} from "@stoa/pricing/portfolio/scenario";
import {
  fillScenarioTable,
  holdingsOf,
  newTableBuffers,
  scenarioTable,
  sumProfits,
  type ReportUnit,
} from "@stoa/pricing/portfolio/table";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";

const index = 90_000;

const instruments: readonly Instrument[] = [
  { kind: "option", settlement: "coin", type: "call", strike: 100_000, forward: 91_000, years: 0.25, volatility: 0.6 },
  {
    kind: "option",
    settlement: "currency",
    type: "put",
    strike: 80_000,
    forward: 91_000,
    years: 0.25,
    volatility: 0.65,
    discount: 0.99,
  },
  { kind: "option", settlement: "coin", type: "put", strike: 90_000, forward: 90_200, years: 0.05, volatility: 0.5 },
  { kind: "future", settlement: "coin", forward: 91_000, years: 0.25 },
  { kind: "future", settlement: "currency", forward: 90_500, years: 0.1 },
  { kind: "perpetual", settlement: "coin", forward: 90_010 },
  { kind: "perpetual", settlement: "currency", forward: 89_990 },
  { kind: "spot" },
];

const positions: readonly Position[] = [
  { instrument: 0, amount: -3, entryPrice: 0.06 },
  { instrument: 1, amount: 2 },
  { instrument: 2, amount: 1.5, entryPrice: 0.03 },
  { instrument: 3, amount: 50_000, entryPrice: 88_000 },
  { instrument: 4, amount: -0.4 },
  { instrument: 5, amount: -20_000, entryPrice: 90_100 },
  { instrument: 6, amount: 0.7 },
  { instrument: 7, amount: 1.25, entryPrice: 60_000 },
];

const scenarios = scenarioGrid({
  prices: [-0.3, -0.1, 0, 0.1, 0.3].map((relative) => ({ relative })),
  volatilities: [{ kind: "relative", shift: -0.25 }, undefined, { kind: "absolute", shift: 0.1 }],
  times: [0, 0.05, 0.1],
});

/** The worth of one unit in its settlement, written for clarity with the functions of the language. */
function unitValue(instrument: Instrument, at: number, scenario: Scenario): number {
  if (instrument.kind === "spot") return at;
  const ratio = instrument.forward / index;
  const expiry = "years" in instrument ? instrument.years : Infinity;
  const left = Math.max(0, expiry - (scenario.years ?? 0));
  const share = expiry === Infinity ? 1 : left / expiry;
  const forward = at * Math.pow(ratio, share);
  if (instrument.kind !== "option") return instrument.settlement === "coin" ? -1 / forward : forward;
  const shift = scenario.volatility;
  const volatility =
    shift === undefined
      ? instrument.volatility
      : shift.kind === "absolute"
        ? instrument.volatility + shift.shift
        : instrument.volatility * (1 + shift.shift);
  const { type, strike } = instrument;
  const discount = Math.pow(instrument.discount ?? 1, share);
  const price = black76Price({ type, strike, forward, years: left, volatility, discount });
  return instrument.settlement === "coin" ? price / forward : price;
}

const levelNow = (instrument: Instrument): number => unitValue(instrument, index, { name: "now" });

function entryOf({ instrument: place, entryPrice }: Position): number {
  const instrument = instruments[place]!;
  if (entryPrice === undefined) return levelNow(instrument);
  const isInverse = instrument.kind !== "spot" && instrument.kind !== "option" && instrument.settlement === "coin";
  return isInverse ? -1 / entryPrice : entryPrice;
}

function expected(scenario: Scenario, at: number, unit: ReportUnit): { value: number; profit: number } {
  let [value, profit] = [0, 0];
  for (const position of positions) {
    const instrument = instruments[position.instrument]!;
    const inCoin = instrument.kind !== "spot" && instrument.settlement === "coin";
    const rate = unit === "currency" ? (inCoin ? at : 1) : inCoin ? 1 : 1 / at;
    const gain = position.amount * (unitValue(instrument, at, scenario) - entryOf(position));
    const isFuture = instrument.kind === "future" || instrument.kind === "perpetual";
    profit += gain * rate;
    value += (isFuture ? gain : position.amount * unitValue(instrument, at, scenario)) * rate;
  }
  return { value, profit };
}

test.each(["currency", "coin"] as const)(
  "value and profit of a mixed portfolio in %s are the sums of its parts (PRICE-080)",
  (unit) => {
    const matrix = scenarioMatrix(instruments, index, scenarios);
    const table = scenarioTable(matrix, holdingsOf(matrix, positions), unit);
    for (const [cell, scenario] of scenarios.entries()) {
      const { value, profit } = expected(scenario, matrix.indexPrices[cell]!, unit);
      const scale = unit === "currency" ? 1e6 : 10;
      expect(Math.abs(table.value[cell]! - value) / scale, scenario.name).toBeLessThan(1e-13);
      expect(Math.abs(table.profit[cell]! - profit) / scale, scenario.name).toBeLessThan(1e-13);
    }
    expect(scenarios[17]!.name).toBe("price 0 %, in 18.25 days".replace("0 %, ", "0 %, volatility -25 %, "));
  },
);

test.each(["currency", "coin"] as const)("greeks in %s are the derivatives of the table's own values", (unit) => {
  const base: readonly Scenario[] = [0, 0.04].flatMap((years) =>
    [70_000, 90_000, 104_000].map((level) => ({ name: "", price: { level }, years })),
  );
  const at = (change: (scenario: Scenario) => Scenario): Float64Array => {
    const moved = base.map(change);
    const matrix = scenarioMatrix(instruments, index, moved);
    return scenarioTable(matrix, holdingsOf(matrix, positions), unit).value;
  };
  const level = (scenario: Scenario): number => (scenario.price as { level: number }).level;
  const shift = (by: number) => (one: Scenario) => ({ ...one, price: { level: level(one) + by } });
  const volatile = (by: number) => (one: Scenario) =>
    ({ ...one, volatility: { kind: "absolute", shift: by } }) satisfies Scenario;
  const matrix = scenarioMatrix(instruments, index, base);
  const table = scenarioTable(matrix, holdingsOf(matrix, positions), unit);
  const [up2, up, here, down, down2] = [40, 20, 0, -20, -40].map((by) => at(shift(by)));
  const [above, below] = [at(volatile(1e-4)), at(volatile(-1e-4))];
  for (const cell of base.keys()) {
    // Fourth-order central differences in price; second-order in volatility.
    const delta = (8 * (up![cell]! - down![cell]!) - (up2![cell]! - down2![cell]!)) / 240;
    const gamma =
      (16 * (up![cell]! + down![cell]!) - (up2![cell]! + down2![cell]!) - 30 * here![cell]!) / (12 * 20 * 20);
    const vega = (above[cell]! - below[cell]!) / 2e-4;
    const scale = unit === "currency" ? 1 : 1 / index;
    expect(Math.abs(table.delta[cell]! - delta)).toBeLessThan(1e-7 * scale);
    expect(Math.abs(table.gamma[cell]! - gamma)).toBeLessThan(1e-8 * scale);
    expect(Math.abs(table.vega[cell]! - vega)).toBeLessThan(0.1 * scale);
  }
});

test("a matrix without greeks has the same values, and a second portfolio in the same buffers its own", () => {
  const matrix = scenarioMatrix(instruments, index, scenarios);
  const bare = scenarioMatrix(instruments, index, scenarios, { greeks: false });
  expect(bare.values).toEqual(matrix.values);
  expect(bare.deltas).toHaveLength(0);
  const buffers = newTableBuffers(matrix);
  const [first, second] = [holdingsOf(matrix, positions), holdingsOf(matrix, positions.slice(2))];
  const alone = scenarioTable(matrix, second, "currency");
  fillScenarioTable(matrix, first, "currency", buffers);
  expect(fillScenarioTable(matrix, second, "currency", buffers)).toEqual(alone);
});

test("the WebAssembly kernel gives the same bits", () => {
  const matrix = scenarioMatrix(instruments, index, scenarios);
  const fast = scenarioMatrix(instruments, index, scenarios, { kernel: activeKernel() });
  expect(activeKernel().form).toBe("wasm-simd");
  expect(fast).toEqual(matrix);
});

test("profits for margins count from now, apart for coin and currency", () => {
  const matrix = scenarioMatrix(instruments, index, scenarios, { greeks: false });
  const [currency, coin] = [new Float64Array(scenarios.length), new Float64Array(scenarios.length)];
  sumProfits(matrix, holdingsOf(matrix, positions), currency, coin);
  const now = positions.map(({ instrument, amount }) => ({ instrument, amount }));
  const table = scenarioTable(matrix, holdingsOf(matrix, now), "currency");
  for (const cell of scenarios.keys()) {
    const joined = currency[cell]! + coin[cell]! * matrix.indexPrices[cell]!;
    expect(Math.abs(joined - table.profit[cell]!)).toBeLessThan(1e-8);
  }
});

test("the scenarios of a portfolio margin: published vectors of a coin-settled book of futures are met", () => {
  // The venue's formula for a book of q coins of futures: a move s brings q s / (1 + s).
  const set = marginScenarios({
    priceRange: 0.16,
    stepsCount: 4,
    volatilityUp: 0.5,
    volatilityDown: 0.25,
    scaling: { referenceYears: 30 / 365, shortPower: 0.3, longPower: 0.13 },
    volatilityMin: 0.5,
    extendedMoves: [-0.66, -0.33, 0.5, 1, 2, 3, 4, 5],
  });
  expect(set).toHaveLength(9 * 3 + 8);
  const q = 0.314538364;
  const spot = 65_666.19;
  const perpetual: Instrument = { kind: "perpetual", settlement: "coin", forward: spot };
  const matrix = scenarioMatrix([perpetual], spot, set, { greeks: false });
  const [currency, coin] = [new Float64Array(set.length), new Float64Array(set.length)];
  sumProfits(matrix, holdingsOf(matrix, [{ instrument: 0, amount: q * spot }]), currency, coin);
  for (let step = -4; step <= 4; step++) {
    const move = (0.16 * step) / 4;
    for (const column of [0, 9, 18]) expect(coin[column + step + 4]).toBeCloseTo((q * move) / (1 + move), 14);
  }
  expect(set.slice(27).map(({ weight }) => weight!.toFixed(4))).toEqual(
    [0.16 / 0.66, 0.16 / 0.33, 0.32, 0.16, 0.08, 0.16 / 3, 0.04, 0.032].map((weight) => weight.toFixed(4)),
  );
});

test("volatility shifts: absolute, relative, scaled by term, with a least value, never negative", () => {
  const scaling = { referenceYears: 30 / 365, shortPower: 0.3, longPower: 0.13 };
  expect(shiftedVolatility(0.6, undefined, 1)).toBe(0.6);
  expect(shiftedVolatility(0.6, { kind: "absolute", shift: 0.05 }, 1)).toBe(0.6 + 0.05);
  expect(shiftedVolatility(0.6, { kind: "absolute", shift: -0.7 }, 1)).toBe(0);
  expect(shiftedVolatility(0.6, { kind: "relative", shift: 0.5, volatilityMin: 0.95 }, 1)).toBe(0.95);
  expect(termScale(scaling, 7 / 365)).toBeCloseTo(Math.pow(30 / 7, 0.3), 14);
  expect(termScale(scaling, 120 / 365)).toBeCloseTo(Math.pow(30 / 120, 0.13), 14);
  expect(termScale(scaling, 0)).toBe(termScale(scaling, 1 / 365));
  expect(shiftedVolatility(0.6, { kind: "relative", shift: 0.5, scaling }, 7 / 365)).toBeCloseTo(
    0.6 * (1 + 0.5 * Math.pow(30 / 7, 0.3)),
    14,
  );
});

test("a rule for volatilities takes the place of the shift", () => {
  const [option] = instruments as readonly [Extract<Instrument, { kind: "option" }>];
  const sticky = { volatility: () => 0.9 };
  const matrix = scenarioMatrix([option], index, [{ name: "", volatility: { kind: "absolute", shift: 5 } }], sticky);
  expect(matrix.values[0]).toBeCloseTo(black76Price({ ...option, volatility: 0.9 }) / option.forward, 14);
  expect(matrix.present[0]).toBeCloseTo(black76Price(option) / option.forward, 14);
});

const expiring = (type: "call" | "put", strike: number, settlement: "coin" | "currency" = "currency"): Instrument => ({
  kind: "option",
  settlement,
  type,
  strike,
  forward: 100,
  years: 0.5,
  volatility: 0.4,
});

test("payoff and breakevens of a straddle, an iron condor and a coin-settled call are those of the textbook", () => {
  const straddle = {
    instruments: [expiring("call", 100), expiring("put", 100)],
    positions: [
      { instrument: 0, amount: 1, entryPrice: 11 },
      { instrument: 1, amount: 1, entryPrice: 9 },
    ],
    indexPrice: 100,
  };
  expect(firstExpiry(straddle)).toBe(0.5);
  expect([...payoff(straddle, [60, 80, 100, 130], { unit: "currency" })]).toEqual([20, 0, -20, 10]);
  const zeros = breakevens(straddle, { unit: "currency", low: 10, high: 300 });
  expect(zeros).toHaveLength(2);
  expect(zeros[0]).toBeCloseTo(80, 10);
  expect(zeros[1]).toBeCloseTo(120, 10);

  const condor = {
    instruments: [expiring("put", 80), expiring("put", 90), expiring("call", 110), expiring("call", 120)],
    positions: [1, -1, -1, 1].map((amount, place) => ({ instrument: place, amount, entryPrice: [1, 3, 3, 1][place]! })),
    indexPrice: 100,
  };
  const edges = breakevens(condor, { unit: "currency", low: 50, high: 150 });
  expect(edges).toHaveLength(2);
  expect(edges[0]).toBeCloseTo(86, 10);
  expect(edges[1]).toBeCloseTo(114, 10);

  // In coin a call pays 1 - K / S, so a premium of p coin comes back at K / (1 - p).
  const call = {
    instruments: [expiring("call", 100, "coin")],
    positions: [{ instrument: 0, amount: 1, entryPrice: 0.1 }],
    indexPrice: 100,
  };
  expect(breakevens(call, { unit: "coin", low: 20, high: 400 })[0]).toBeCloseTo(100 / 0.9, 10);
});

test("a stretch without profit or loss is given by its ends, and a portfolio that never breaks even has none", () => {
  const free = {
    instruments: [expiring("call", 110)],
    positions: [{ instrument: 0, amount: 1, entryPrice: 0 }],
    indexPrice: 100,
  };
  expect(breakevens(free, { unit: "currency", low: 50, high: 150 })).toEqual([50, 110]);
  const lost = {
    ...free,
    positions: [
      { instrument: 0, amount: 0, entryPrice: 1 },
      { instrument: 0, amount: -1, entryPrice: 0 },
    ],
  };
  expect(breakevens(lost, { unit: "currency", low: 111, high: 150 })).toEqual([]);
});

test("sums of four positions at a time have the bits of sums of one at a time, in the order of the positions", () => {
  const prng = createPrng(7);
  const matrix = scenarioMatrix(instruments, index, scenarios);
  for (let round = 0; round < 20; round++) {
    const many = Array.from({ length: 60 }, () => ({
      instrument: prng.below(instruments.length),
      amount: (prng.below(2_001) - 1_000) / 100,
    }));
    const [currency, coin] = [new Float64Array(scenarios.length), new Float64Array(scenarios.length)];
    sumProfits(matrix, holdingsOf(matrix, many), currency, coin);
    for (const [settled, sums] of [currency, coin].entries()) {
      const held = many.filter(({ instrument }) => matrix.coinSettled[instrument] === settled);
      const now = held.reduce((sum, { instrument, amount }) => sum + amount * matrix.present[instrument]!, 0);
      const naive = sums.map((_, cell) =>
        held.reduce(
          (sum, { instrument, amount }) => sum + amount * matrix.values[instrument * sums.length + cell]!,
          -0,
        ),
      );
      expect(sums).toEqual(naive.map((sum) => sum - now));
    }
  }
});

test("what ends now is worth its level at the scenario's index when time passes", () => {
  const ended: readonly Instrument[] = [
    { kind: "future", settlement: "currency", forward: 91_000, years: 0 },
    { ...expiring("call", 80_000), forward: 91_000, years: 0 } as Instrument,
  ];
  const later = scenarioMatrix(ended, index, [{ name: "", price: { level: 85_000 }, years: 0.1 }]);
  expect([...later.values]).toEqual([85_000, 5_000]);
});

test.each<[string, () => unknown]>([
  ["instruments", () => scenarioMatrix([], index, scenarios)],
  ["scenarios", () => scenarioMatrix(instruments, index, [])],
  ["indexPrice", () => scenarioMatrix(instruments, NaN, scenarios)],
  ["instruments[1].strike", () => scenarioMatrix([instruments[0]!, { ...expiring("call", 0) }], index, scenarios)],
  [
    "instruments[0].years",
    () => scenarioMatrix([{ ...expiring("call", 1), years: -1 } as Instrument], index, scenarios),
  ],
  [
    "scenarios[1].price",
    () => scenarioMatrix(instruments, index, [{ name: "" }, { name: "", price: { relative: -1 } }]),
  ],
  ["scenarios[0].years", () => scenarioMatrix(instruments, index, [{ name: "", years: -0.1 }])],
  [
    "scenarios[0].volatility.shift",
    () => scenarioMatrix(instruments, index, [{ name: "", volatility: { kind: "relative", shift: NaN } }]),
  ],
  [
    "positions[0].instrument",
    () => holdingsOf(scenarioMatrix(instruments, index, scenarios), [{ instrument: 8, amount: 1 }]),
  ],
  [
    "positions[0].amount",
    () => holdingsOf(scenarioMatrix(instruments, index, scenarios), [{ instrument: 0, amount: NaN }]),
  ],
  [
    "positions[0].entryPrice",
    () => holdingsOf(scenarioMatrix(instruments, index, scenarios), [{ instrument: 3, amount: 1, entryPrice: 0 }]),
  ],
  [
    "instruments[1].volatility",
    () => scenarioMatrix(instruments, index, scenarios, { volatility: ({ type }) => (type === "put" ? NaN : 0.5) }),
  ],
  ["instruments[0].strike", () => scenarioMatrix([expiring("call", 1e101)], index, scenarios)],
  ["prices", () => scenarioGrid({ prices: [] })],
  [
    "extendedMoves[0]",
    () => marginScenarios({ priceRange: 0.1, stepsCount: 1, volatilityUp: 0, volatilityDown: 0, extendedMoves: [0] }),
  ],
  [
    "unit",
    () => {
      const matrix = scenarioMatrix(instruments, index, scenarios);
      return scenarioTable(matrix, holdingsOf(matrix, positions), "dollars" as ReportUnit);
    },
  ],
  ["high", () => breakevens({ instruments, positions, indexPrice: index }, { unit: "coin", low: 2, high: 1 })],
])("%s outside its domain is refused by name", (argument, attempt) => {
  let refusal: unknown;
  try {
    attempt();
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(PricingRefusal);
  expect((refusal as PricingRefusal).argument).toBe(argument);
});
