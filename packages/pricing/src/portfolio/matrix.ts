/**
 * Each instrument priced once in each scenario: rows of doubles, one row per instrument. Accounts are then sums of rows
 * (`table.ts`), however many there are. The prices are Black-76 on the forward of the scenario, by a kernel over typed
 * arrays; what an account does with them, and what a margin does, is not known here.
 *
 * In a scenario the index is S'. A forward F with basis b = F / S and T years to go becomes S' b^((T - t) / T) when t years
 * pass: the rate of carry is held, and without time passing the ratio. Volatility is held at the strike and shifted by the
 * scenario, unless a `VolatilityRule` says otherwise. A discount factor D becomes D^((T - t) / T).
 *
 * PERF: instruments x scenarios option values once, then one multiplication and addition per position and scenario; no
 * allocation per cell.
 */
import { exp, log } from "@stoa/base/exact";
import { positive, PricingRefusal } from "../refusal.ts";
import { settleInCoin } from "../kernel/coin.ts";
import { rowStatuses, type BlackColumns, type GreekColumns } from "../kernel/columns.ts";
import { typescriptKernel, type Kernel } from "../kernel/kernel.ts";
import { checkedInstruments, isCoinSettled, isFuture, type Instrument, type OptionInstrument } from "./instrument.ts";
import { checkedScenario, shiftedVolatility, shockedPrice, type Scenario } from "./scenario.ts";

/**
 * The volatility of an option in a scenario, in the place of the scenario's own shift: to move a smile with the price, or
 * to tilt it. `forward` is that of the scenario, `years` what is left then. Called once per option and scenario.
 */
export type VolatilityRule = (
  option: OptionInstrument,
  at: { readonly scenario: Scenario; readonly forward: number; readonly years: number },
) => number;

export type MatrixSettings = {
  /** Without greeks (false) their rows are empty. True when absent. */
  readonly greeks?: boolean;
  readonly volatility?: VolatilityRule;
  /** Which form computes; all give the same bits, `activeKernel()` of `wasm/active-kernel` soonest. TypeScript when absent. */
  readonly kernel?: Kernel;
};

/**
 * Row i holds the instrument i, `scenariosCount` cells of it, in the instrument's own settlement: currency, or coin. Derivatives
 * are with respect to the index: per 1 of it (delta), per 1 squared (gamma), per 1.00 of volatility (vega); theta is
 * per year that passes with forward and volatility held.
 */
export type ScenarioMatrix = {
  readonly instruments: readonly Instrument[];
  readonly scenarios: readonly Scenario[];
  readonly scenariosCount: number;
  /** The index now. */
  readonly indexPrice: number;
  /** The index in each scenario. */
  readonly indexPrices: Float64Array;
  /** 1 where the instrument is settled in coin. */
  readonly coinSettled: Uint8Array;
  /** 1 where it is a future or a perpetual, whose profit begins at zero. */
  readonly futures: Uint8Array;
  /** Each instrument now, like a cell of its row: for a future settled in coin -1/F. */
  readonly present: Float64Array;
  readonly values: Float64Array;
  readonly deltas: Float64Array;
  readonly gammas: Float64Array;
  readonly vegas: Float64Array;
  readonly thetas: Float64Array;
};

/**
 * Prices every instrument in every scenario. Refuses what is outside its domain by name, such as
 * `instruments[3].strike` or `scenarios[7].price` where a shock leaves no positive index.
 *
 * @example scenarioMatrix(instruments, 90_000, scenarioGrid({ prices: [{ relative: -0.1 }, { relative: 0.1 }] }))
 */
export function scenarioMatrix(
  instruments: readonly Instrument[],
  indexPrice: number,
  scenarios: readonly Scenario[],
  { greeks = true, volatility, kernel = typescriptKernel }: MatrixSettings = {},
): ScenarioMatrix {
  checkedInstruments(instruments);
  positive("indexPrice", indexPrice);
  if (scenarios.length === 0) throw new PricingRefusal("scenarios", "empty", "[]");
  const cells = instruments.length * scenarios.length;
  const greekCells = greeks ? cells : 0;
  const matrix: ScenarioMatrix = {
    instruments,
    scenarios,
    scenariosCount: scenarios.length,
    indexPrice,
    indexPrices: Float64Array.from(scenarios, (scenario, index) =>
      shockedPrice(indexPrice, checkedScenario(`scenarios[${index}]`, scenario, indexPrice).price),
    ),
    coinSettled: Uint8Array.from(instruments, (instrument) => (isCoinSettled(instrument) ? 1 : 0)),
    futures: Uint8Array.from(instruments, (instrument) => (isFuture(instrument) ? 1 : 0)),
    present: new Float64Array(instruments.length),
    values: new Float64Array(cells),
    deltas: new Float64Array(greekCells),
    gammas: new Float64Array(greekCells),
    vegas: new Float64Array(greekCells),
    thetas: new Float64Array(greekCells),
  };
  const present = newScratch(1, false);
  const row = newScratch(scenarios.length, greeks);
  const now = [{ name: "now" }];
  const indexNow = new Float64Array([indexPrice]);
  for (let index = 0; index < instruments.length; index++) {
    const instrument = instruments[index] as Instrument;
    const shared = { name: `instruments[${index}]`, indexPrice, kernel };
    fillRow(instrument, { ...shared, indexPrices: indexNow, scenarios: now, volatility: undefined }, present);
    matrix.present[index] = present.values[0] as number;
    fillRow(instrument, { ...shared, indexPrices: matrix.indexPrices, scenarios, volatility }, row);
    copyRow(row, matrix, index * scenarios.length);
  }
  return matrix;
}

/** A row while it is made: what the kernel reads and writes, and the row itself, which is what the kernel writes. */
type Scratch = {
  readonly terms: BlackColumns;
  readonly out: GreekColumns;
  readonly values: Float64Array;
  readonly deltas: Float64Array;
  readonly gammas: Float64Array;
  readonly vegas: Float64Array;
  readonly thetas: Float64Array;
};

function newScratch(count: number, greeks: boolean): Scratch {
  const column = (): Float64Array => new Float64Array(count);
  const terms = {
    sign: column(),
    forward: column(),
    strike: column(),
    years: column(),
    discount: column(),
    volatility: column(),
  };
  const greekColumns = { delta: column(), gamma: column(), vega: column(), theta: column() };
  const out = { price: column(), ...greekColumns, rho: column(), vanna: column(), status: new Uint8Array(count) };
  const none = new Float64Array(0);
  return {
    terms,
    out,
    values: out.price,
    deltas: greeks ? out.delta : none,
    gammas: greeks ? out.gamma : none,
    vegas: greeks ? out.vega : none,
    thetas: greeks ? out.theta : none,
  };
}

function copyRow(row: Scratch, matrix: ScenarioMatrix, offset: number): void {
  matrix.values.set(row.values, offset);
  if (row.deltas.length === 0) return;
  matrix.deltas.set(row.deltas, offset);
  matrix.gammas.set(row.gammas, offset);
  matrix.vegas.set(row.vegas, offset);
  matrix.thetas.set(row.thetas, offset);
}

type Row = {
  /** As the caller writes the instrument. */
  readonly name: string;
  readonly indexPrice: number;
  readonly indexPrices: Float64Array;
  readonly scenarios: readonly Scenario[];
  readonly volatility: VolatilityRule | undefined;
  readonly kernel: Kernel;
};

function fillRow(instrument: Instrument, row: Row, scratch: Scratch): void {
  fillForwards(instrument, row, scratch);
  if (instrument.kind === "option") {
    fillVolatilities(instrument, row, scratch);
    scratch.terms.sign.fill(instrument.type === "call" ? 1 : -1);
    scratch.terms.strike.fill(instrument.strike);
    // In currency, derivatives with respect to the forward.
    const chain = scratch.deltas.length === 0 ? row.kernel.priceChain : row.kernel.blackChain;
    if (0 < chain(scratch.terms, scratch.out)) refuseCell(row, scratch);
    if (instrument.settlement === "coin") convertToCoin(scratch);
  } else {
    fillFutureValues(instrument.kind !== "spot" && instrument.settlement === "coin", scratch);
  }
  scaleToIndex(row.indexPrices, scratch);
}

/** A rule's volatility that is none, or numbers beyond what kernels take (1e-100 to 1e100), in the first cell that has one. */
function refuseCell({ name, scenarios }: Row, { terms, out }: Scratch): never {
  const cell = out.status.findIndex((status) => status !== 0);
  const word = rowStatuses[out.status[cell] as number] as keyof BlackColumns;
  const rule = `is outside its range in scenario ${cell} (${(scenarios[cell] as Scenario).name})`;
  throw new PricingRefusal(`${name}.${word}`, "outside-range", terms[word][cell], rule);
}

function fillForwards(instrument: Instrument, { indexPrice, indexPrices, scenarios }: Row, scratch: Scratch): void {
  const ratio = instrument.kind === "spot" ? 1 : instrument.forward / indexPrice;
  const years = instrument.kind === "future" || instrument.kind === "option" ? instrument.years : Infinity;
  const discount = instrument.kind === "option" ? (instrument.discount ?? 1) : 1;
  for (let index = 0; index < scenarios.length; index++) {
    const passing = (scenarios[index] as Scenario).years ?? 0;
    const left = passing < years ? years - passing : 0;
    // What is left of the carry and of the discount: all of it when no time passes, nothing at expiry and after it.
    const share = passing === 0 || years === Infinity ? 1 : left === 0 ? 0 : left / years;
    scratch.terms.years[index] = left;
    scratch.terms.forward[index] =
      (indexPrices[index] as number) * power(ratio, passing === 0 && years === 0 ? 0 : share);
    scratch.terms.discount[index] = power(discount, share);
  }
}

function power(base: number, exponent: number): number {
  if (exponent === 1 || base === 1) return base;
  return exponent === 0 ? 1 : exp(exponent * log(base));
}

function fillVolatilities(option: OptionInstrument, { scenarios, volatility }: Row, scratch: Scratch): void {
  for (let index = 0; index < scenarios.length; index++) {
    const scenario = scenarios[index] as Scenario;
    if (volatility === undefined) {
      scratch.terms.volatility[index] = shiftedVolatility(option.volatility, scenario.volatility, option.years);
      continue;
    }
    const at = {
      scenario,
      forward: scratch.terms.forward[index] as number,
      years: scratch.terms.years[index] as number,
    };
    scratch.terms.volatility[index] = volatility(option, at);
  }
}

function convertToCoin({ terms, out, values, deltas }: Scratch): void {
  if (0 < deltas.length) return settleInCoin(terms, out);
  for (let index = 0; index < values.length; index++) {
    values[index] = (values[index] as number) / (terms.forward[index] as number);
  }
}

function fillFutureValues(inCoin: boolean, { terms, values, deltas, gammas, vegas, thetas }: Scratch): void {
  for (let index = 0; index < values.length; index++) {
    const forward = terms.forward[index] as number;
    values[index] = inCoin ? -1 / forward : forward;
    if (deltas.length === 0) continue;
    deltas[index] = inCoin ? 1 / (forward * forward) : 1;
    gammas[index] = inCoin ? -2 / (forward * forward * forward) : 0;
    vegas[index] = 0;
    thetas[index] = 0;
  }
}

/** From derivatives by the forward to derivatives by the index, of which the forward is a fixed multiple. */
function scaleToIndex(indexPrices: Float64Array, { terms, deltas, gammas }: Scratch): void {
  for (let index = 0; index < deltas.length; index++) {
    const ratio = (terms.forward[index] as number) / (indexPrices[index] as number);
    deltas[index] = (deltas[index] as number) * ratio;
    gammas[index] = (gammas[index] as number) * (ratio * ratio);
  }
}
