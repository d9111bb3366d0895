/** The closed forms beside QuantLib's: what an independent implementation says about prices, greeks and volatilities. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { geometricAsian } from "@stoa/pricing/asian";
import { bachelierPrice } from "@stoa/pricing/bachelier";
import { barrier, type Knock } from "@stoa/pricing/barrier";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { normalImpliedVolatility } from "@stoa/pricing/normal-implied-volatility";

type Values = Readonly<Record<string, number | string | null>>;
type Table = { readonly columns: readonly string[]; readonly rows: readonly (readonly (number | string | null)[])[] };
const file = JSON.parse(readFileSync(new URL("fixtures/quantlib.json", import.meta.url), "utf8")) as Record<
  string,
  Table
>;

function rowsOf(name: string): Values[] {
  const { columns, rows } = file[name]!;
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]!])));
}

function spotTerms(row: Values) {
  const { type, spot, strike, days, volatility, rate, dividendYield } = row as Record<string, number>;
  const terms = { spot: spot!, strike: strike!, years: days! / 365, volatility: volatility! };
  return { type: type as unknown as "call" | "put", ...terms, rate: rate!, dividendYield: dividendYield! };
}

/** Every row's greeks within `tolerance` of what each can amount to. */
function compareGreeks(
  rows: readonly Values[],
  valuesOf: (row: Values) => Readonly<Record<string, number>>,
  scale: number,
) {
  expect(rows.length).toBe(150);
  for (const row of rows) {
    const { spot, years, volatility } = spotTerms(row);
    const root = volatility * Math.sqrt(years);
    const scales = {
      ...{ price: scale, delta: scale / spot / root, gamma: scale / (spot * root) ** 2 },
      ...{ vega: scale / volatility, theta: scale / years, rho: scale * years, yieldRho: scale * years },
    };
    const ours = valuesOf(row);
    for (const [name, size] of Object.entries(scales)) {
      const off = Math.abs(ours[name]! - (row[name] as number)) / size;
      if (!(off < 2e-12)) expect.fail(`${name} ${ours[name]} ${row[name]} ${JSON.stringify(row)}`);
    }
  }
}

describe("QuantLib gives the same (PRICE-015)", () => {
  test("prices and greeks of Black and Scholes", () => {
    compareGreeks(rowsOf("blackScholes"), (row) => blackScholes(spotTerms(row)), 100);
  });

  test("prices and greeks of cash or nothing", () => {
    compareGreeks(rowsOf("cashOrNothing"), (row) => cashOrNothing({ ...spotTerms(row), cash: 10 }), 10);
  });

  test("prices and greeks of asset or nothing", () => {
    compareGreeks(rowsOf("assetOrNothing"), (row) => assetOrNothing(spotTerms(row)), 100);
  });

  test("Bachelier's prices, and the volatility back from them", () => {
    const rows = rowsOf("bachelier") as unknown as Record<string, number>[];
    expect(rows.length).toBe(150);
    for (const row of rows) {
      const { forward, strike, days, volatility, discount, price } = row as Record<string, number>;
      const terms = { type: row["type"] as unknown as "call" | "put", forward: forward!, strike: strike! };
      const option = { ...terms, years: days! / 365, discount: discount! };
      const deviation = volatility! * Math.sqrt(option.years);
      expect(Math.abs(bachelierPrice({ ...option, volatility: volatility! }) - price!)).toBeLessThan(
        1e-13 * (100 + deviation),
      );
      const distance = Math.abs(forward! - strike!) / deviation;
      if (4 < distance) continue; // its price has not the digits
      expect(normalImpliedVolatility({ ...option, price: price! })).toBeCloseTo(volatility!, 6);
    }
  });

  test("prices of barrier options, all eight kinds, with rebates", () => {
    const rows = rowsOf("barrier");
    expect(rows.length).toBe(300);
    for (const row of rows) {
      const {
        knock,
        barrier: level,
        rebate,
        price,
      } = row as { knock: Knock; barrier: number; rebate: number; price: number };
      const ours = barrier({ ...spotTerms(row), knock, barrier: level, rebate }).price;
      if (!(Math.abs(ours - price) < 1e-11)) expect.fail(`${ours} ${price} ${JSON.stringify(row)}`);
    }
  });

  test("prices of geometric Asian options, continuous and discrete", () => {
    const rows = rowsOf("asian");
    expect(rows.length).toBe(100);
    for (const row of rows) {
      const { observationsCount, price } = row as { observationsCount: number | null; price: number };
      const option = spotTerms(row);
      const ours = geometricAsian(observationsCount === null ? option : { ...option, observationsCount }).price;
      if (!(Math.abs(ours - price) < 1e-11)) expect.fail(`${ours} ${price} ${JSON.stringify(row)}`);
    }
  });
});
