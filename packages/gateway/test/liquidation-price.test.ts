/** The estimated liquidation price against the exchange's own margin: above and below it the exchange decides differently. */
import { describe, expect, test } from "vitest";
import { maintenanceMargin } from "@stoa/exchange/risk/figures";
import { settlementValue, termsOf, type InstrumentTerms } from "@stoa/exchange/terms";
import { liquidationPriceOf } from "../src/render/liquidation-price.ts";
import { createLocalUpstream, localGenesis } from "./local-upstream.ts";

const genesis = localGenesis();
const upstream = createLocalUpstream();

function termsNamed(name: string): InstrumentTerms {
  const { instrument } = upstream.query.instruments().find((view) => view.instrument.name === name)!;
  const product = genesis.products.find(
    (one) => one.kind === instrument.kind && one.base === instrument.base && one.settlement === instrument.settlement,
  )!;
  return termsOf(instrument, product, genesis.assets);
}

interface Held {
  readonly terms: InstrumentTerms;
  readonly lots: number;
  readonly markPrice: number;
  readonly marginBalance: bigint;
}

/** Whether the exchange would liquidate at a mark (MARGIN-040). */
function isLiquidatedAt({ terms, lots, markPrice, marginBalance }: Held, price: number): boolean {
  const priceE8 = Math.round(price * 1e8);
  const profit = settlementValue(terms, lots, priceE8) - settlementValue(terms, lots, Math.round(markPrice * 1e8));
  const quotation = { terms, version: 1, markPrice: priceE8, indexPrice: priceE8, fundingAccruedE12: 0n };
  return marginBalance + profit < maintenanceMargin(terms, lots, quotation);
}

function estimateOf({ terms, lots, markPrice, marginBalance }: Held): number | undefined {
  const { maintenanceBasePpm, slopePpm } = terms.product.futureMargin;
  return liquidationPriceOf({
    amount: (Math.abs(lots) * Number(terms.lot)) / 1e8,
    isLong: 0 < lots,
    isInverse: terms.instrument.inverse,
    markPrice,
    marginBalance: Number(marginBalance) / Number(terms.unit),
    maintenanceBase: maintenanceBasePpm / 1e6,
    slope: slopePpm / 1e6,
  });
}

describe.each([
  ["BTC-PERPETUAL", 60_000, 100_000_000n],
  ["ETH-PERPETUAL", 3_000, 1_000_000_000n],
  ["BTC_USDC-PERPETUAL", 60_000, 5_000_000_000n],
])("%s", (name, markPrice, marginBalance) => {
  const terms = termsNamed(name);
  /** Lots that are worth so many times the margin balance. */
  const lotsOf = (leverage: number): number => {
    const one = settlementValue(terms, 1_000, Math.round(markPrice * 1e8));
    return Math.round((leverage * Number(marginBalance) * 1_000) / Math.abs(Number(one)));
  };

  test.each([2, 10, 40])(
    "at %s times the balance the exchange liquidates beyond the estimate and not before it",
    (leverage) => {
      for (const side of [1, -1]) {
        const held = { terms, lots: side * lotsOf(leverage), markPrice, marginBalance };
        const estimate = estimateOf(held)!;
        expect(isLiquidatedAt(held, markPrice)).toBe(false);
        expect(side * (markPrice - estimate)).toBeGreaterThan(0);
        expect(isLiquidatedAt(held, estimate * (1 - side * 1e-6))).toBe(true);
        expect(isLiquidatedAt(held, estimate * (1 + side * 1e-6))).toBe(false);
      }
    },
  );

  test("what is covered at every price has none", () => {
    const covered = { terms, lots: (terms.instrument.inverse ? -1 : 1) * lotsOf(0.5), markPrice, marginBalance };
    expect(estimateOf(covered)).toBeUndefined();
    for (const price of [markPrice / 1_000, markPrice * 1_000]) expect(isLiquidatedAt(covered, price)).toBe(false);
    expect(estimateOf({ ...covered, lots: 0 })).toBeUndefined();
  });

  test("without a slope there is one as well", () => {
    const product = { ...terms.product, futureMargin: { ...terms.product.futureMargin, slopePpm: 0 } };
    const held = { terms: { ...terms, product }, lots: lotsOf(5), markPrice, marginBalance };
    const estimate = estimateOf(held)!;
    expect(isLiquidatedAt(held, estimate * (1 - 1e-6))).toBe(true);
    expect(isLiquidatedAt(held, estimate * (1 + 1e-6))).toBe(false);
  });
});
