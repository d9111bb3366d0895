/** Instruments of the standard products for tests that need terms without a market. */
import { present } from "@stoa/base/assert";
import { priceE8, timeMs, type PriceE8 } from "@stoa/base/units";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import { termsOf, type InstrumentTerms, type Quotation, type Quotations } from "@stoa/exchange/terms";
import type { Asset } from "@stoa/protocol/asset";
import type { Product } from "@stoa/protocol/genesis";

export const assets: readonly Asset[] = [
  { name: "BTC", longName: "Bitcoin", decimals: 8 },
  { name: "ETH", longName: "Ether", decimals: 8 },
  { name: "USDC", longName: "USD Coin", decimals: 6 },
];

/** A price or amount in 1e-8. */
export const e8 = (value: number): PriceE8 => priceE8(Math.round(value * 1e8));

export function productOf(prefix: string, kind: Product["kind"]): Product {
  const product = standardProducts().find((one) => one.prefix === prefix && one.kind === kind);
  return present(product, `there is a ${kind} ${prefix}`);
}

interface Option {
  readonly strike: number;
  readonly type: "call" | "put";
}

/** Terms of one instrument of a product; `change` overrides the product. */
export function makeTerms(product: Product, id = 1, option?: Option): InstrumentTerms {
  const { kind, base, settlement, inverse, index, tick, tickSteps, lot, contract, makerFeePpm, takerFeePpm } = product;
  const instrument = {
    id,
    name: `${product.prefix}-${kind}-${id}`,
    kind,
    base,
    settlement,
    inverse,
    index,
    createdMs: timeMs(0),
    expiryMs: kind === "perpetual" ? undefined : timeMs(86_400_000),
    strike: option === undefined ? undefined : e8(option.strike),
    optionType: option?.type,
    tick,
    tickSteps,
    lot,
    contract,
    makerFeePpm,
    takerFeePpm,
  };
  return termsOf(instrument, product, assets);
}

/** A linear option on a coin settled in dollars of `decimals`, priced to the cent, one coin a lot: exchange.md 2.1. */
export function linearOption(option: Option, id = 1): InstrumentTerms {
  const product: Product = {
    ...productOf("ETH", "option"),
    prefix: "ETH_USDC",
    settlement: 2,
    inverse: false,
    tick: e8(0.01),
    tickSteps: [],
  };
  return makeTerms(product, id, option);
}

export function quote(terms: InstrumentTerms, markPrice: number, indexPrice: number): Quotation {
  return { terms, version: 0, markPrice: e8(markPrice), indexPrice: e8(indexPrice), fundingAccruedE12: 0n };
}

/** Quotations whose prices a test may move. */
export class Quotes implements Quotations {
  version = 0;
  readonly byInstrument = new Map<number, Quotation>();
  readonly quotation = (instrument: number): Quotation =>
    present(this.byInstrument.get(instrument), `instrument ${instrument} is quoted`);

  set(terms: InstrumentTerms, markPrice: number, indexPrice: number, fundingAccruedE12 = 0n): void {
    this.version += 1;
    const one = { ...quote(terms, markPrice, indexPrice), version: this.version, fundingAccruedE12 };
    this.byInstrument.set(terms.instrument.id, one);
  }
}
