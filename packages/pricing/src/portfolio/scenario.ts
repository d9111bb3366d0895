/**
 * Named scenarios: what becomes of the index, of volatilities and of the time to expiry. Sets of them are plain lists; the
 * builders here make grids (every price with every volatility at every time) and the two tables of a portfolio margin. The
 * arithmetic of a margin (what is done with the profits) is not here.
 */
import { exp, log } from "@stoa/base/exact";
import { finite, integer, notNegative, oneOf, positive, PricingRefusal } from "../refusal.ts";

/** Of the index: times (1 + relative), plus so much currency, or to a level. */
export type PriceShock = { readonly relative: number } | { readonly absolute: number } | { readonly level: number };

/** Shocks of short expiries are larger: the shift is multiplied by (referenceYears / years) to a power. */
export type TermScaling = {
  readonly referenceYears: number;
  /** The power below `referenceYears`, and the one from there on. */
  readonly shortPower: number;
  readonly longPower: number;
  /** Expiries nearer than this count as this far; 1 day (of 365) when absent. */
  readonly yearsMin?: number;
};

export type VolatilityShift = {
  /** "absolute" adds `shift`, "relative" multiplies by 1 + `shift`. What would be negative is zero. */
  readonly kind: "absolute" | "relative";
  readonly shift: number;
  readonly scaling?: TermScaling;
  /** The shifted volatility is at least this; 0 when absent. */
  readonly volatilityMin?: number;
};

export type Scenario = {
  readonly name: string;
  /** No move when absent. */
  readonly price?: PriceShock;
  /** No shift when absent. */
  readonly volatility?: VolatilityShift;
  /** Time that passes, 0 when absent. Options that end meanwhile are worth what exercise at the scenario's index brings. */
  readonly years?: number;
  /** What a margin multiplies the profit with; carried along and not applied here. 1 when absent. */
  readonly weight?: number;
};

/** The index after a shock; not checked. */
export function shockedPrice(price: number, shock: PriceShock | undefined): number {
  if (shock === undefined) return price;
  if ("relative" in shock) return price * (1 + shock.relative);
  return "absolute" in shock ? price + shock.absolute : shock.level;
}

/** The volatility after a shift, for an option with `years` to go today. */
export function shiftedVolatility(volatility: number, shift: VolatilityShift | undefined, years: number): number {
  if (shift === undefined) return volatility;
  const size = shift.scaling === undefined ? shift.shift : shift.shift * termScale(shift.scaling, years);
  const moved = shift.kind === "absolute" ? volatility + size : volatility * (1 + size);
  const min = shift.volatilityMin ?? 0;
  return moved < min ? min : moved;
}

/** (reference / years) ^ power. */
export function termScale(
  { referenceYears, shortPower, longPower, yearsMin = 1 / 365 }: TermScaling,
  years: number,
): number {
  const counted = years < yearsMin ? yearsMin : years;
  const power = counted < referenceYears ? shortPower : longPower;
  return power === 0 ? 1 : exp(power * log(referenceYears / counted));
}

/** Returns the scenario when every number of it is in its domain; `name` is how the caller writes it. */
export function checkedScenario(name: string, scenario: Scenario, indexPrice: number): Scenario {
  const { price, volatility, years = 0, weight = 1 } = scenario;
  positive(`${name}.price`, finite(`${name}.price`, shockedPrice(indexPrice, price)));
  notNegative(`${name}.years`, years);
  finite(`${name}.weight`, weight);
  if (volatility === undefined) return scenario;
  oneOf(`${name}.volatility.kind`, volatility.kind, ["absolute", "relative"]);
  finite(`${name}.volatility.shift`, volatility.shift);
  notNegative(`${name}.volatility.volatilityMin`, volatility.volatilityMin ?? 0);
  if (volatility.scaling === undefined) return scenario;
  positive(`${name}.volatility.scaling.referenceYears`, volatility.scaling.referenceYears);
  positive(`${name}.volatility.scaling.yearsMin`, volatility.scaling.yearsMin ?? 1);
  finite(`${name}.volatility.scaling.shortPower`, volatility.scaling.shortPower);
  finite(`${name}.volatility.scaling.longPower`, volatility.scaling.longPower);
  return scenario;
}

export type ScenarioGrid = {
  readonly prices: readonly PriceShock[];
  readonly volatilities?: readonly (VolatilityShift | undefined)[];
  /** Years that pass. */
  readonly times?: readonly number[];
};

/**
 * Every price with every volatility at every time: the scenario of price p, volatility v and time t stands at index
 * (t * volatilities + v) * prices + p.
 *
 * @example scenarioGrid({ prices: [-0.1, 0, 0.1].map((relative) => ({ relative })), times: [0, 7 / 365] })
 */
export function scenarioGrid({ prices, volatilities = [undefined], times = [0] }: ScenarioGrid): readonly Scenario[] {
  for (const [name, list] of [
    ["prices", prices],
    ["volatilities", volatilities],
    ["times", times],
  ] as const) {
    if (list.length === 0) throw new PricingRefusal(name, "empty", "[]");
  }
  return times.flatMap((years) =>
    volatilities.flatMap((volatility) =>
      prices.map((price) => ({
        name: [nameOfPrice(price), nameOfVolatility(volatility), nameOfTime(years)]
          .filter((word) => word !== "")
          .join(", "),
        price,
        ...(volatility === undefined ? {} : { volatility }),
        years,
      })),
    ),
  );
}

export type MarginScenarios = {
  /** The largest move of the table, 0.16 for 16 % either way. */
  readonly priceRange: number;
  /** Price steps on each side of none; 4 makes nine prices. */
  readonly stepsCount: number;
  /** Relative shifts of volatility, 0.5 and 0.25 for +50 % and -25 %. */
  readonly volatilityUp: number;
  readonly volatilityDown: number;
  readonly scaling?: TermScaling;
  /** The least volatility after the shift upwards. */
  readonly volatilityMin?: number;
  /** Moves beyond the table, with volatility up alone: -0.66 and 5 for -66 % and +500 %. */
  readonly extendedMoves?: readonly number[];
};

/**
 * The scenarios of a portfolio margin: 2 * stepsCount + 1 prices from -priceRange to +priceRange for volatility down, held and
 * up, in this order, then the extended moves with volatility up, whose weight is priceRange / |move|.
 */
export function marginScenarios(settings: MarginScenarios): readonly Scenario[] {
  const { priceRange, stepsCount, volatilityUp, volatilityDown, scaling, volatilityMin, extendedMoves = [] } = settings;
  positive("priceRange", priceRange);
  integer("stepsCount", stepsCount, 1, 1_000);
  const shared = { kind: "relative", ...(scaling === undefined ? {} : { scaling }) } as const;
  const up: VolatilityShift = {
    ...shared,
    shift: notNegative("volatilityUp", volatilityUp),
    ...(volatilityMin === undefined ? {} : { volatilityMin }),
  };
  const down: VolatilityShift = { ...shared, shift: -notNegative("volatilityDown", volatilityDown) };
  const prices = Array.from({ length: 2 * stepsCount + 1 }, (_, index) => ({
    relative: (priceRange * (index - stepsCount)) / stepsCount,
  }));
  const extended = extendedMoves.map((move, index) => ({
    name: `extended ${nameOfPrice({ relative: move })}, volatility up`,
    price: { relative: move },
    volatility: up,
    weight: priceRange / positive(`extendedMoves[${index}]`, move < 0 ? -move : move),
  }));
  return [...scenarioGrid({ prices, volatilities: [down, undefined, up] }), ...extended];
}

function nameOfPrice(shock: PriceShock): string {
  if ("relative" in shock) return `price ${signed(percent(shock.relative))} %`;
  return "absolute" in shock ? `price ${signed(shock.absolute)}` : `price at ${shock.level}`;
}

function nameOfVolatility(shift: VolatilityShift | undefined): string {
  if (shift === undefined) return "";
  const scaled = shift.scaling === undefined ? "" : " by term";
  return `volatility ${signed(percent(shift.shift))} ${shift.kind === "absolute" ? "points" : "%"}${scaled}`;
}

const nameOfTime = (years: number): string => (years === 0 ? "" : `in ${Math.round(36_500 * years) / 100} days`);

const percent = (fraction: number): number => Math.round(1e6 * fraction) / 1e4;
const signed = (value: number): string => (0 < value ? `+${value}` : `${value}`);
