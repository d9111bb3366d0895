/**
 * A portfolio's value, profit and greeks in every scenario: sums of the rows of a `ScenarioMatrix`. It relies on the matrix
 * for every price. Sums run over positions in their order, so the same list gives the same bits everywhere.
 *
 * Coin and currency are summed apart and joined at the index of the scenario: a profit of x coins is worth x S' dollars, and a
 * profit of y dollars y / S' coins. So a premium that was paid in coin is counted in coin. What the coins of a
 * deposit gain against the dollar is seen when they are held as a spot position.
 */
import { finite, integer, oneOf, PricingRefusal } from "../refusal.ts";
import { isFuture, type Instrument, type Position } from "./instrument.ts";
import type { ScenarioMatrix } from "./matrix.ts";

/** Positions as columns, ready to be summed. Amounts may be changed in place between two sums. */
export type Holdings = {
  readonly instruments: Int32Array;
  readonly amounts: Float64Array;
  /** What one unit cost, on the scale of the matrix's rows: for a future settled in coin -1/entry. */
  readonly costs: Float64Array;
};

/** Of every scenario, in the unit that was asked for; greeks by the index, as the matrix has them, in that unit. */
export type ScenarioTable = {
  /** What the portfolio is worth: options and coins at their price, futures at their profit. */
  readonly value: Float64Array;
  /** Against what the positions cost. */
  readonly profit: Float64Array;
  readonly delta: Float64Array;
  readonly gamma: Float64Array;
  readonly vega: Float64Array;
  readonly theta: Float64Array;
};

export const reportUnits = ["currency", "coin"] as const;
export type ReportUnit = (typeof reportUnits)[number];

/** Refuses by name: an instrument that the matrix has not, an amount that is no number, an entry price that is not positive. */
export function holdingsOf(matrix: ScenarioMatrix, positions: readonly Position[]): Holdings {
  const count = positions.length;
  const holdings = {
    instruments: new Int32Array(count),
    amounts: new Float64Array(count),
    costs: new Float64Array(count),
  };
  for (const [index, { instrument, amount, entryPrice }] of positions.entries()) {
    const name = `positions[${index}]`;
    holdings.instruments[index] = integer(`${name}.instrument`, instrument, 0, matrix.instruments.length - 1);
    holdings.amounts[index] = finite(`${name}.amount`, amount);
    const present = matrix.present[instrument] as number;
    const known = matrix.instruments[instrument] as Instrument;
    holdings.costs[index] = entryPrice === undefined ? present : entryLevel(`${name}.entryPrice`, known, entryPrice);
  }
  return holdings;
}

/** An entry price on the scale of the matrix's rows. */
function entryLevel(name: string, instrument: Instrument, entryPrice: number): number {
  finite(name, entryPrice);
  if (entryPrice < 0) throw new PricingRefusal(name, "negative", entryPrice);
  if (!isFuture(instrument)) return entryPrice;
  if (entryPrice === 0) throw new PricingRefusal(name, "not-positive", entryPrice);
  return "settlement" in instrument && instrument.settlement === "coin" ? -1 / entryPrice : entryPrice;
}

/**
 * The table of a portfolio.
 *
 * @example scenarioTable(matrix, holdingsOf(matrix, [{ instrument: 0, amount: -2 }]), "currency").profit
 */
export function scenarioTable(matrix: ScenarioMatrix, holdings: Holdings, unit: ReportUnit): ScenarioTable {
  return fillScenarioTable(matrix, holdings, unit, newTableBuffers(matrix));
}

/** Where tables of one matrix are summed, for many portfolios one after the other. */
export type TableBuffers = {
  readonly table: ScenarioTable;
  readonly currency: ScenarioTable;
  readonly coin: ScenarioTable;
};

export function newTableBuffers({ scenariosCount }: ScenarioMatrix): TableBuffers {
  const column = (): Float64Array => new Float64Array(scenariosCount);
  const table = (): ScenarioTable => ({
    value: column(),
    profit: column(),
    delta: column(),
    gamma: column(),
    vega: column(),
    theta: column(),
  });
  return { table: table(), currency: table(), coin: table() };
}

/** The same without allocating: returns the table of `buffers`, overwritten. */
export function fillScenarioTable(
  matrix: ScenarioMatrix,
  holdings: Holdings,
  unit: ReportUnit,
  buffers: TableBuffers,
): ScenarioTable {
  const { table } = buffers;
  oneOf("unit", unit, reportUnits);
  sumValues(matrix, holdings, buffers);
  joinValues(matrix, buffers, unit);
  if (matrix.deltas.length === 0) return table;
  const { currency, coin } = buffers;
  sumRows(matrix, holdings, matrix.deltas, currency.delta, coin.delta);
  sumRows(matrix, holdings, matrix.gammas, currency.gamma, coin.gamma);
  sumRows(matrix, holdings, matrix.vegas, currency.vega, coin.vega);
  sumRows(matrix, holdings, matrix.thetas, currency.theta, coin.theta);
  joinGreeks(matrix, buffers, unit);
  return table;
}

/**
 * The profits alone, from now on, apart for what is settled in currency and in coin: the sparse product of one account's
 * amounts with the matrix, for margins of many accounts. Both arrays hold a cell per scenario and are overwritten.
 */
export function sumProfits(
  matrix: ScenarioMatrix,
  holdings: Holdings,
  currency: Float64Array,
  coin: Float64Array,
): void {
  sumRows(matrix, holdings, matrix.values, currency, coin);
  let currencyNow = 0;
  let coinNow = 0;
  for (let index = 0; index < holdings.instruments.length; index++) {
    const instrument = holdings.instruments[index] as number;
    const present = (holdings.amounts[index] as number) * (matrix.present[instrument] as number);
    if (matrix.coinSettled[instrument] === 1) coinNow += present;
    else currencyNow += present;
  }
  for (let index = 0; index < matrix.scenariosCount; index++) {
    currency[index] = (currency[index] as number) - currencyNow;
    coin[index] = (coin[index] as number) - coinNow;
  }
}

/** Sums amount times row, in the order of the positions, apart by the position's settlement. */
function sumRows(
  matrix: ScenarioMatrix,
  holdings: Holdings,
  rows: Float64Array,
  currency: Float64Array,
  coin: Float64Array,
): void {
  currency.fill(0);
  coin.fill(0);
  addSettled(matrix, holdings, rows, currency, 0);
  addSettled(matrix, holdings, rows, coin, 1);
}

/** Where the rows of up to four positions begin, and their amounts. */
const starts = new Int32Array(4);
const weights = new Float64Array(4);

/**
 * PERF: four positions at a time, so that a sum is read and written once for four; added one after the other, so the bits are those
 * of one at a time.
 */
function addSettled(
  { scenariosCount, coinSettled }: ScenarioMatrix,
  { instruments, amounts }: Holdings,
  rows: Float64Array,
  sum: Float64Array,
  settled: 0 | 1,
): void {
  let pending = 0;
  for (let index = 0; index < instruments.length; index++) {
    const instrument = instruments[index] as number;
    if (coinSettled[instrument] !== settled) continue;
    starts[pending] = instrument * scenariosCount;
    weights[pending] = amounts[index] as number;
    if (++pending < 4) continue;
    addFour(rows, sum, scenariosCount);
    pending = 0;
  }
  for (let index = 0; index < pending; index++) {
    const start = starts[index] as number;
    const weight = weights[index] as number;
    for (let cell = 0; cell < scenariosCount; cell++) {
      sum[cell] = (sum[cell] as number) + weight * (rows[start + cell] as number);
    }
  }
}

function addFour(rows: Float64Array, sum: Float64Array, count: number): void {
  const start0 = starts[0] as number;
  const start1 = starts[1] as number;
  const start2 = starts[2] as number;
  const start3 = starts[3] as number;
  const weight0 = weights[0] as number;
  const weight1 = weights[1] as number;
  const weight2 = weights[2] as number;
  const weight3 = weights[3] as number;
  for (let cell = 0; cell < count; cell++) {
    let value = sum[cell] as number;
    value += weight0 * (rows[start0 + cell] as number);
    value += weight1 * (rows[start1 + cell] as number);
    value += weight2 * (rows[start2 + cell] as number);
    value += weight3 * (rows[start3 + cell] as number);
    sum[cell] = value;
  }
}

/** Values and profits: the rows, less what futures began at, less what everything cost. */
function sumValues(matrix: ScenarioMatrix, holdings: Holdings, { currency, coin }: TableBuffers): void {
  sumRows(matrix, holdings, matrix.values, currency.profit, coin.profit);
  let futuresCurrency = 0;
  let futuresCoin = 0;
  let costCurrency = 0;
  let costCoin = 0;
  for (let index = 0; index < holdings.instruments.length; index++) {
    const instrument = holdings.instruments[index] as number;
    const cost = (holdings.amounts[index] as number) * (holdings.costs[index] as number);
    const future = matrix.futures[instrument] === 1 ? cost : 0;
    if (matrix.coinSettled[instrument] === 1) {
      costCoin += cost;
      futuresCoin += future;
    } else {
      costCurrency += cost;
      futuresCurrency += future;
    }
  }
  for (let cell = 0; cell < matrix.scenariosCount; cell++) {
    currency.value[cell] = (currency.profit[cell] as number) - futuresCurrency;
    coin.value[cell] = (coin.profit[cell] as number) - futuresCoin;
    currency.profit[cell] = (currency.profit[cell] as number) - costCurrency;
    coin.profit[cell] = (coin.profit[cell] as number) - costCoin;
  }
}

function joinValues({ indexPrices }: ScenarioMatrix, { currency, coin, table }: TableBuffers, unit: ReportUnit): void {
  for (let cell = 0; cell < indexPrices.length; cell++) {
    const index = indexPrices[cell] as number;
    const toUnit = unit === "currency" ? 1 : 1 / index;
    const coins = unit === "currency" ? index : 1;
    table.value[cell] = (currency.value[cell] as number) * toUnit + (coin.value[cell] as number) * coins;
    table.profit[cell] = (currency.profit[cell] as number) * toUnit + (coin.profit[cell] as number) * coins;
  }
}

/**
 * With U the value in currency and C that in coin, at the index S: in currency V = U + S C, so V' = U' + C + S C' and
 * V'' = U'' + 2 C' + S C''; in coin V = C + U / S, by the quotient rule.
 */
function joinGreeks({ indexPrices }: ScenarioMatrix, { currency, coin, table }: TableBuffers, unit: ReportUnit): void {
  for (let cell = 0; cell < indexPrices.length; cell++) {
    const index = indexPrices[cell] as number;
    if (unit === "currency") {
      const slope = coin.delta[cell] as number;
      table.delta[cell] = (currency.delta[cell] as number) + (coin.value[cell] as number) + index * slope;
      table.gamma[cell] = (currency.gamma[cell] as number) + 2 * slope + index * (coin.gamma[cell] as number);
      table.vega[cell] = (currency.vega[cell] as number) + index * (coin.vega[cell] as number);
      table.theta[cell] = (currency.theta[cell] as number) + index * (coin.theta[cell] as number);
      continue;
    }
    const slope = ((currency.delta[cell] as number) - (currency.value[cell] as number) / index) / index;
    table.delta[cell] = (coin.delta[cell] as number) + slope;
    table.gamma[cell] = (coin.gamma[cell] as number) + ((currency.gamma[cell] as number) - 2 * slope) / index;
    table.vega[cell] = (coin.vega[cell] as number) + (currency.vega[cell] as number) / index;
    table.theta[cell] = (coin.theta[cell] as number) + (currency.theta[cell] as number) / index;
  }
}
