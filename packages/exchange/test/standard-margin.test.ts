import fc from "fast-check";
import { expect, test } from "vitest";
import { initialMargin, maintenanceMargin, noOrders, type OpenOrders } from "@stoa/exchange/risk/figures";
import { fillValue, type InstrumentTerms } from "@stoa/exchange/terms";
import { e8, linearOption, makeTerms, productOf, quote } from "./terms-fixture.ts";

/** Initial and maintenance margin of a position without orders, in whole units of the settlement asset. */
function margins(terms: InstrumentTerms, sizeLots: number, markPrice: number, indexPrice: number): [number, number] {
  const quotation = quote(terms, markPrice, indexPrice);
  const unit = Number(terms.unit);
  return [
    Number(initialMargin(terms, sizeLots, noOrders, quotation)) / unit,
    Number(maintenanceMargin(terms, sizeLots, quotation)) / unit,
  ];
}

// exchange.md 2.1: S = 1,500; marks as published with the cases, to the cent grid of 1e-8
const published = [
  {
    name: "short call at the money",
    strike: 1_500,
    type: "call",
    mark: 79.371585,
    initial: 304.371585,
    maintenance: 191.871585,
  },
  {
    name: "short call far out",
    strike: 1_900,
    type: "call",
    mark: 6.008262,
    initial: 156.008262,
    maintenance: 118.508262,
  },
  { name: "short put out", strike: 1_300, type: "put", mark: 14.322794, initial: 164.322794, maintenance: 126.822794 },
  { name: "short call at expiry", strike: 1_500, type: "call", mark: 0, initial: 225, maintenance: 112.5 },
  // In the money the maintenance of a put follows its mark: 2,999.166723 · 1.075 = 3,224.104227..., up
  {
    name: "short put deep in",
    strike: 4_500,
    type: "put",
    mark: 2_999.166723,
    initial: 3_224.166723,
    maintenance: 3_224.104228,
  },
  // and deeper it is the initial margin too: 4,000 · 1.075 against 225 + 4,000
  { name: "short put deeper in", strike: 5_500, type: "put", mark: 4_000, initial: 4_300, maintenance: 4_300 },
] as const;

test.each(published)("published margins of options: $name (MARGIN-020, MARGIN-021)", (one) => {
  const terms = linearOption(one);
  expect(margins(terms, -1, one.mark, 1_500)).toEqual([one.initial, one.maintenance]);
});

test("long options need no margin (MARGIN-022)", () => {
  expect(margins(linearOption({ strike: 1_500, type: "call" }), 3, 79.37, 1_500)).toEqual([0, 0]);
});

test("inverse options are margined in coins: fractions of a coin plus the mark (MARGIN-020, MARGIN-021)", () => {
  // BTC at 100,000, one lot is 0.1 BTC. Call 104,000: out 4 %, max(15 − 4, 10) = 11 %, mark 0.02: 0.13 BTC per coin.
  const call = makeTerms(productOf("BTC", "option"), 1, { strike: 104_000, type: "call" });
  expect(margins(call, -10, 0.02, 100_000)).toEqual([0.13, 0.095]);
  // Put 90,000: out 10 %, floor 10 %; mark 0.01. Maintenance max(0.075, 0.00075) + 0.01.
  const put = makeTerms(productOf("BTC", "option"), 1, { strike: 90_000, type: "put" });
  expect(margins(put, -10, 0.01, 100_000)).toEqual([0.11, 0.085]);
});

test("an out-of-the-money fraction that does not divide is rounded against the user (MARGIN-020)", () => {
  // K 104,000, S 99,999: out = 4,001/99,999; (0.15 · 99,999 − 4,001)/99,999 = 0.1099896...; 0.1 coin, 1e-8 units
  const call = makeTerms(productOf("BTC", "option"), 1, { strike: 104_000, type: "call" });
  const exact = 0.1 * ((0.15 * 99_999 - 4_001) / 99_999 + 0.02);
  const margin = initialMargin(call, -1, noOrders, quote(call, 0.02, 99_999));
  expect(margin).toBe(BigInt(Math.ceil(exact * 1e8)));
});

// exchange.md 2.2
test.each([
  { size: 25, price: 100_000, initial: 53_125, maintenance: 28_125 },
  { size: 350, price: 100_000, initial: 1_312_500, maintenance: 962_500 },
])("published margins of linear futures: $size BTC (MARGIN-010)", ({ size, price, initial, maintenance }) => {
  const terms = makeTerms(productOf("BTC_USDC", "perpetual"));
  expect(margins(terms, size * 1_000, price, price)).toEqual([initial, maintenance]);
  expect(margins(terms, -size * 1_000, price, price)).toEqual([initial, maintenance]);
});

test.each([
  { size: 25, initial: 200.625, maintenance: 100.625 },
  { size: 6_000, initial: 84_000, maintenance: 60_000 },
])("a family with other constants: $size SOL at 200 dollars (MARGIN-010)", ({ size, initial, maintenance }) => {
  const futureMargin = { initialBasePpm: 40_000, maintenanceBasePpm: 20_000, slopePpm: 5 };
  const terms = makeTerms({ ...productOf("ETH_USDC", "perpetual"), futureMargin });
  expect(margins(terms, size * 100, 200, 200)).toEqual([initial, maintenance]);
});

test("inverse futures: 25 BTC of dollars at 100,000 need 0.53125 BTC (MARGIN-010)", () => {
  const terms = makeTerms(productOf("BTC", "perpetual"));
  expect(margins(terms, 250_000, 100_000, 100_000)).toEqual([0.53125, 0.28125]);
  // 10 dollars at 96,000: c = 1/9,600; 0.02 c + 0.00005 c² = 2.0838759...e-6, up
  expect(initialMargin(terms, 1, noOrders, quote(terms, 96_000, 96_000))).toBe(209n);
});

const orders = (change: Partial<OpenOrders>): OpenOrders => ({ ...noOrders, ...change });

test("open orders of a future count on their worse side (MARGIN-011, MARGIN-012)", () => {
  const terms = makeTerms(productOf("BTC_USDC", "perpetual"));
  const quotation = quote(terms, 100_000, 100_000);
  // at the mark, so that no order would lose anything
  const value = (lots: number) => fillValue(terms, lots, 200_000);
  const margin = (size: number, change: Partial<OpenOrders>) => initialMargin(terms, size, orders(change), quotation);
  const ofSize = (lots: number) => initialMargin(terms, lots, noOrders, quotation);
  expect(margin(1_000, { buyLots: 2_000, buyValue: value(2_000) })).toBe(ofSize(3_000));
  expect(margin(1_000, { sellLots: 1_500, sellValue: value(1_500) })).toBe(ofSize(1_000));
  expect(margin(1_000, { sellLots: 5_000, sellValue: value(5_000) })).toBe(ofSize(4_000));
  const both = { buyLots: 2_000, buyValue: value(2_000), sellLots: 5_000, sellValue: value(5_000) };
  expect(margin(1_000, both)).toBe(ofSize(4_000));
  expect(maintenanceMargin(terms, 1_000, quotation)).toBe(1_005_000_000n);
});

test("an order that would lose at the mark reserves that loss (MARGIN-011)", () => {
  const terms = makeTerms(productOf("BTC_USDC", "perpetual"));
  const quotation = quote(terms, 100_000, 100_000);
  const ofOne = initialMargin(terms, 1_000, noOrders, quotation);
  // one coin bought at 101,000 or sold at 99,500
  const buy = orders({ buyLots: 1_000, buyValue: fillValue(terms, 1_000, 202_000) });
  const sell = orders({ sellLots: 1_000, sellValue: fillValue(terms, 1_000, 199_000) });
  expect(initialMargin(terms, 0, buy, quotation) - ofOne).toBe(1_000_000_000n);
  expect(initialMargin(terms, 0, sell, quotation) - ofOne).toBe(500_000_000n);
  // and one that would win reserves nothing
  const low = orders({ buyLots: 1_000, buyValue: fillValue(terms, 1_000, 198_000) });
  expect(initialMargin(terms, 0, low, quotation)).toBe(ofOne);
});

test("open option orders: premium for buys, margin for sells, by hand (MARGIN-023)", () => {
  // Call 104,000 at index 100,000 and mark 0.02: a short coin needs 0.13 BTC; ten lots are a coin.
  const terms = makeTerms(productOf("BTC", "option"), 1, { strike: 104_000, type: "call" });
  const quotation = quote(terms, 0.02, 100_000);
  const margin = (size: number, change: Partial<OpenOrders>) => initialMargin(terms, size, orders(change), quotation);
  const premium = (lots: number) => fillValue(terms, lots, 200);
  expect(margin(0, { buyLots: 10, buyValue: premium(10) })).toBe(2_000_000n);
  expect(margin(0, { sellLots: 10, sellValue: premium(10) })).toBe(13_000_000n);
  // both: 0.02 + 0.13
  expect(margin(0, { buyLots: 10, buyValue: premium(10), sellLots: 10, sellValue: premium(10) })).toBe(15_000_000n);
  // selling what is held needs nothing
  expect(margin(10, { sellLots: 10, sellValue: premium(10) })).toBe(0n);
  expect(margin(10, { sellLots: 30, sellValue: premium(30) })).toBe(26_000_000n);
  // buying back a short coin frees 0.13 and costs 0.02: it needs no more than the short does
  expect(margin(-10, { buyLots: 10, buyValue: premium(10) })).toBe(13_000_000n);
  // buying back one and 9 more: 10 premiums beyond what the first frees: max(0.13, 0 + 0.2)
  expect(margin(-10, { buyLots: 100, buyValue: premium(100) })).toBe(20_000_000n);
});

test("no way in which open option orders may fill needs more than they reserve (MARGIN-024)", () => {
  const terms = makeTerms(productOf("BTC", "option"), 1, { strike: 104_000, type: "put" });
  const size = fc.integer({ min: -50, max: 50 });
  const lots = fc.integer({ min: 0, max: 50 });
  const ticks = fc.integer({ min: 1, max: 40 }).map((steps) => steps * 10);
  const property = fc.property(
    size,
    lots,
    lots,
    ticks,
    ticks,
    fc.double({ min: 0, max: 1, noNaN: true }),
    (q, b, s, pb, ps, part) => {
      const quotation = quote(terms, 0.06, 100_000);
      const change = { buyLots: b, buyValue: fillValue(terms, b, pb), sellLots: s, sellValue: fillValue(terms, s, ps) };
      const reserved = initialMargin(terms, q, change, quotation);
      const bought = Math.round(b * part);
      const sold = Math.round(s * (1 - part));
      for (const [buys, sells] of [
        [0, s],
        [b, 0],
        [b, s],
        [bought, sold],
        [bought, 0],
      ] as const) {
        const needed = initialMargin(terms, q + buys - sells, noOrders, quotation);
        const paid = fillValue(terms, buys, pb) - fillValue(terms, sells, ps);
        // Rounding each of three margins up may differ from rounding one by a unit each.
        expect(needed + paid).toBeLessThanOrEqual(reserved + 2n);
      }
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test("no way in which open orders of a future may fill loses more than they reserve (MARGIN-011)", () => {
  const terms = makeTerms(productOf("BTC", "perpetual"));
  const lots = fc.integer({ min: 0, max: 5_000 });
  const ticks = fc.integer({ min: 190_000, max: 210_000 });
  const property = fc.property(fc.integer({ min: -5_000, max: 5_000 }), lots, lots, ticks, ticks, (q, b, s, pb, ps) => {
    const quotation = quote(terms, 100_000, 100_000);
    const change = { buyLots: b, buyValue: fillValue(terms, b, pb), sellLots: s, sellValue: fillValue(terms, s, ps) };
    const reserved = initialMargin(terms, q, change, quotation);
    for (const [buys, sells] of [
      [0, s],
      [b, 0],
      [b, s],
    ] as const) {
      const needed = initialMargin(terms, q + buys - sells, noOrders, quotation);
      const gain = (count: number, at: number) => fillValue(terms, count, 200_000) - fillValue(terms, count, at);
      const lost = -gain(buys, pb) + gain(sells, ps);
      expect(needed + lost).toBeLessThanOrEqual(reserved + 2n);
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test("margins are never below the exact requirement, and above it by less than a unit (MARGIN-010)", () => {
  const terms = makeTerms(productOf("BTC", "perpetual"));
  const property = fc.property(
    fc.integer({ min: 1, max: 10_000_000 }),
    fc.integer({ min: 1_000, max: 500_000 }),
    (lots, dollars) => {
      const price = BigInt(dollars) * 100_000_000n;
      const amount = BigInt(lots) * terms.lot;
      const margin = initialMargin(terms, -lots, noOrders, quote(terms, dollars, dollars));
      // margin · 1e6 · price² ≥ amount · (base · price + slope · amount) · unit, and one unit less is not
      const exact = amount * (20_000n * price + 50n * amount) * terms.unit;
      const scale = 1_000_000n * price * price;
      expect(exact <= margin * scale && (margin - 1n) * scale < exact).toBe(true);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("prices in 1e-8 keep their last digit", () => {
  expect(e8(2_999.166723)).toBe(299_916_672_300);
});
