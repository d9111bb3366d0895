/**
 * A portfolio's value, profit and greeks in every scenario: sums of the rows of a `ScenarioMatrix`. It relies on the matrix
 * for every price. Sums run over positions in their order, so the same list gives the same bits everywhere.
 *
 * Coin and currency are summed apart and joined at the index of the scenario: a profit of x coins is worth x S' dollars, and a
 * profit of y dollars y / S' coins. So a premium that was paid in coin is counted in coin. What the coins of a
 * deposit gain against the dollar is seen when they are held as a spot position.
 */
import { finite, integer, PricingRefusal } from "../refusal.ts";
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

export type ReportUnit = "currency" | "coin";

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
  sumValues(matrix, holdings, buffers);
  joinValues(matrix, buffers, unit);
  if (matrix.deltas.length === 0) return table;
  for (const [rows, name] of [
    [matrix.deltas, "delta"],
    [matrix.gammas, "gamma"],
    [matrix.vegas, "vega"],
    [matrix.thetas, "theta"],
  ] as const) {
    buffers.currency[name].fill(0);
    buffers.coin[name].fill(0);
    addRows(matrix, holdings, rows, buffers.currency[name], buffers.coin[name]);
  }
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
  currency.fill(0);
  coin.fill(0);
  addRows(matrix, holdings, matrix.values, currency, coin);
  let [currencyNow, coinNow] = [0, 0];
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

/** Adds amount times row, position by position; a row is contiguous, so the inner loop is one stream. */
function addRows(
  matrix: ScenarioMatrix,
  { instruments, amounts }: Holdings,
  rows: Float64Array,
  currency: Float64Array,
  coin: Float64Array,
): void {
  const count = matrix.scenariosCount;
  for (let index = 0; index < instruments.length; index++) {
    const instrument = instruments[index] as number;
    const amount = amounts[index] as number;
    const sum = matrix.coinSettled[instrument] === 1 ? coin : currency;
    const offset = instrument * count;
    for (let cell = 0; cell < count; cell++) {
      sum[cell] = (sum[cell] as number) + amount * (rows[offset + cell] as number);
    }
  }
}

/** Values and profits: the rows, less what futures began at, less what everything cost. */
function sumValues(matrix: ScenarioMatrix, holdings: Holdings, { currency, coin }: TableBuffers): void {
  currency.profit.fill(0);
  coin.profit.fill(0);
  addRows(matrix, holdings, matrix.values, currency.profit, coin.profit);
  let [futuresCurrency, futuresCoin, costCurrency, costCoin] = [0, 0, 0, 0];
  for (let index = 0; index < holdings.instruments.length; index++) {
    const instrument = holdings.instruments[index] as number;
    const cost = (holdings.amounts[index] as number) * (holdings.costs[index] as number);
    const future = isFuture(matrix.instruments[instrument] as Instrument) ? cost : 0;
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
