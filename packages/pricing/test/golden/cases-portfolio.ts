/** Golden cases of portfolios: tables of scenarios, profits and payoffs. */
import type { Prng } from "@stoa/base/prng";
import { checkedInstrument, isCoinSettled, isFuture, type Instrument } from "@stoa/pricing/portfolio/instrument";
import { scenarioMatrix } from "@stoa/pricing/portfolio/matrix";
import { breakevens, firstExpiry, payoff } from "@stoa/pricing/portfolio/payoff";
import { marginScenarios, scenarioGrid, shiftedVolatility, shockedPrice, termScale } from "@stoa/pricing/portfolio/scenario";
import { fillScenarioTable, holdingsOf, newTableBuffers, scenarioTable, sumProfits } from "@stoa/pricing/portfolio/table";
import { between, many, pick, type GoldenCase } from "./golden-case.ts";

function instruments(random: Prng): Instrument[] {
  const settlement = (): "currency" | "coin" => pick(random, ["currency", "coin"]);
  const options = many(6, (): Instrument => ({
    kind: "option",
    settlement: settlement(),
    type: pick(random, ["call", "put"]),
    strike: between(random, 60, 160),
    forward: between(random, 95, 108),
    years: pick(random, [0.01, 0.1, 0.5]),
    volatility: between(random, 0.3, 1.2),
    discount: pick(random, [1, 0.99]),
  }));
  return [
    ...options,
    { kind: "future", settlement: settlement(), forward: 103, years: 0.3 },
    { kind: "perpetual", settlement: settlement(), forward: 100.5 },
    { kind: "spot" },
  ];
}

const scaling = { referenceYears: 30 / 365, shortPower: 0.3, longPower: 0.5 };
const moves = [-0.4, -0.1, 0, 0.1, 0.5].map((relative) => ({ relative }));
const shifts = [undefined, { kind: "relative", shift: 0.3, scaling }, { kind: "absolute", shift: -0.2 }] as const;
const grid = scenarioGrid({ prices: moves, volatilities: [...shifts], times: [0, 0.05] });

function tableOf(random: Prng) {
  const list = instruments(random);
  const matrix = scenarioMatrix(list, 100, grid, { greeks: true });
  const positions = list.map((_, instrument) => ({ instrument, amount: between(random, -3, 3) }));
  return { list, matrix, positions, holdings: holdingsOf(matrix, positions) };
}

export const portfolioCases: readonly GoldenCase[] = [
  {
    name: "portfolio/table#scenarioTable",
    covers: [
      ...["table#fillScenarioTable", "table#holdingsOf", "table#newTableBuffers", "table#sumProfits"],
      ...["matrix#scenarioMatrix", "scenario#checkedScenario", "scenario#shiftedVolatility", "scenario#shockedPrice"],
      ...["instrument#checkedInstrument", "instrument#checkedInstruments"],
    ].map((name) => `portfolio/${name}`),
    run: (random) => {
      const { matrix, holdings } = tableOf(random);
      const [currency, coin] = [new Float64Array(grid.length), new Float64Array(grid.length)];
      sumProfits(matrix, holdings, currency, coin);
      const buffers = newTableBuffers(matrix);
      const filled = structuredCloneOf(fillScenarioTable(matrix, holdings, "coin", buffers));
      return [scenarioTable(matrix, holdings, "currency"), filled, currency, coin];
    },
  },
  {
    name: "portfolio/payoff#payoff",
    covers: ["portfolio/payoff#breakevens", "portfolio/payoff#firstExpiry"],
    run: (random) => {
      const { list, positions } = tableOf(random);
      const portfolio = { instruments: list, positions, indexPrice: 100 };
      const prices = many(20, () => between(random, 20, 250)).sort((a, b) => a - b);
      return [
        firstExpiry(portfolio),
        ...(["currency", "coin"] as const).map((unit) => [
          payoff(portfolio, prices, { unit }),
          breakevens(portfolio, { unit, low: 10, high: 400 }),
        ]),
      ];
    },
  },
  {
    name: "portfolio/scenario#marginScenarios",
    covers: ["portfolio/scenario#scenarioGrid"],
    run: () => [grid, marginScenarios({ priceRange: 0.16, stepsCount: 4, volatilityUp: 0.5, volatilityDown: 0.25, scaling })],
  },
  {
    name: "portfolio/scenario#termScale",
    run: (random) =>
      many(24, () => {
        const years = between(random, 0, 2);
        return [termScale(scaling, years), shiftedVolatility(0.6, shifts[1], years), shockedPrice(100, { absolute: -5 })];
      }),
  },
  {
    name: "portfolio/instrument#isCoinSettled",
    covers: ["portfolio/instrument#isFuture"],
    run: (random) => instruments(random).map((one) => [isCoinSettled(one), isFuture(checkedInstrument("one", one))]),
  },
];

const structuredCloneOf = (columns: Readonly<Record<string, Float64Array>>): unknown =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice()]));
