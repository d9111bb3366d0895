// A book of options and a future: profit by price and volatility, breakevens, and the greeks now.
import type { Instrument, Position } from "@stoa/pricing/portfolio/instrument";
import { scenarioMatrix } from "@stoa/pricing/portfolio/matrix";
import { breakevens } from "@stoa/pricing/portfolio/payoff";
import { scenarioGrid } from "@stoa/pricing/portfolio/scenario";
import { holdingsOf, scenarioTable } from "@stoa/pricing/portfolio/table";

const common = { kind: "option", settlement: "currency", forward: 100_000, years: 30 / 365 } as const;
const instruments: Instrument[] = [
  { ...common, type: "call", strike: 110_000, volatility: 0.58 },
  { ...common, type: "put", strike: 90_000, volatility: 0.64 },
  { kind: "perpetual", settlement: "currency", forward: 100_000 },
];
// A strangle is sold at today's prices, and half a coin is bought against it.
const positions: Position[] = [
  { instrument: 0, amount: -1 },
  { instrument: 1, amount: -1 },
  { instrument: 2, amount: 0.5 },
];

const moves = [-0.2, -0.1, 0, 0.1, 0.2];
const shifts = [-0.1, 0, 0.1];
const scenarios = scenarioGrid({
  prices: moves.map((relative) => ({ relative })),
  volatilities: shifts.map((shift) => ({ kind: "absolute", shift })),
});
const matrix = scenarioMatrix(instruments, 100_000, scenarios);
const table = scenarioTable(matrix, holdingsOf(matrix, positions), "currency");

console.log(`price      ${moves.map((move) => `${(100 * move).toFixed(0)} %`.padStart(9)).join("")}`);
for (const [row, shift] of shifts.entries()) {
  const cells = moves.map((_, column) => table.profit[row * moves.length + column]!.toFixed(0).padStart(9));
  console.log(`vol ${`${(100 * shift).toFixed(0)} %`.padStart(6)} ${cells.join("")}`);
}

const now = 1 * moves.length + 2; // no shift, no move
console.log(`now: delta ${table.delta[now]!.toFixed(4)}, vega ${(table.vega[now]! / 100).toFixed(2)} USD per 1 %`);
const zeros = breakevens(
  { instruments, positions, indexPrice: 100_000 },
  { unit: "currency", low: 50_000, high: 200_000 },
);
console.log(`breakevens at expiry: ${zeros.map((price) => price.toFixed(0)).join(" and ")}`);
