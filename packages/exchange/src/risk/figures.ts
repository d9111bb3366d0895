/**
 * Standard margin (exchange.md 2.1, 2.2): what one exposure requires and is worth at the marks, in exact integers. Every
 * requirement is rounded up, every value down: against the user. q is the position in lots (negative: short), B and S the
 * lots of its open buys and sells, P_B and P_S the values of those orders at their own prices, mark the mark price, S_index
 * the index price.
 *
 * Futures and perpetuals, for a size of N lots, c = N · lot in whole coins (inverse: dollars over the mark):
 *
 *   rate(N)      = base + slope · c                              (initial and maintenance have bases of their own)
 *   margin(N)    = c · rate(N)                                   (linear: times the mark)
 *   initial      = margin(max(|q + B|, |q − S|)) + loss(B) + loss(S)
 *   loss(B)      = max(0, P_B − value(B at mark))                what the buys would lose at once if they filled
 *   loss(S)      = max(0, value(S at mark) − P_S)
 *   maintenance  = margin(|q|) at the maintenance base, without orders
 *
 * Options, per coin of a short call or put (fractions of the index; the mark m in the unit of the premium):
 *
 *   out          = max(0, K − S_index) for calls, max(0, S_index − K) for puts
 *   initial      = max(initialRate · S_index − out, floorRate · S_index) + m        puts: at least the maintenance
 *   maintenance  = maintenanceRate · S_index + m                                    calls
 *                  max(maintenanceRate · S_index, maintenanceRate · m) + m          puts
 *
 * (inverse: divided by S_index, so that the fractions are of a coin). Long options need no margin: the premium is paid.
 * With M(x) the initial margin of a net size x (zero when x is not negative):
 *
 *   initial      = max(M(q), M(q + B) + P_B) + M(q − S) − M(q)
 *
 * where P_B includes the fees that those buys may cost (`openOrderValue`), since a premium may be all that an account has. Open
 * buys reserve their premium, less the margin they free by closing a short; open sells add the margin of what they
 * leave short, without counting the premium before it is received. Because M is convex, no order in which these orders may
 * fill needs more than that.
 */
import type { Side } from "@stoa/protocol/command";
import { ceilingDivide, e8, largerOf, ppm, settlementValue, type InstrumentTerms, type Quotation } from "../terms.ts";
import { fundingBetween, type Exposure } from "./exposure.ts";
import { noFigures, type MarginFigures } from "./margin-figures.ts";

/** Totals of open orders, as an exposure has them or would have them with one more order. */
export interface OpenOrders {
  readonly buyLots: number;
  readonly sellLots: number;
  readonly buyValue: bigint;
  readonly sellValue: bigint;
}

/** Everything one exposure contributes to its account. PERF: O(1), a few dozen bigint operations. */
export function computeFigures(exposure: Exposure, quotation: Quotation): MarginFigures {
  const { terms, sizeLots } = exposure;
  const initial = initialMargin(terms, sizeLots, exposure, quotation);
  const initialPosition = initialMargin(terms, sizeLots, noOrders, quotation);
  const maintenance = maintenanceMargin(terms, sizeLots, quotation);
  const value = settlementValue(terms, sizeLots, quotation.markPrice);
  if (terms.isOption) {
    const optionsShortValue = sizeLots < 0 ? value : 0n;
    return { ...noFigures, initial, initialPosition, maintenance, optionsValue: value, optionsShortValue };
  }
  const accrued = fundingBetween(sizeLots, exposure.fundingAccruedE12, quotation.fundingAccruedE12);
  return {
    initial,
    initialPosition,
    maintenance,
    sessionUnrealized: value - exposure.sessionValue,
    sessionRealized: exposure.sessionRealized,
    sessionFunding: exposure.sessionFunding + accrued,
    optionsValue: 0n,
    optionsShortValue: 0n,
  };
}

export const noOrders: OpenOrders = { buyLots: 0, sellLots: 0, buyValue: 0n, sellValue: 0n };

/** Initial margin of a position with open orders, rounded up. */
export function initialMargin(
  terms: InstrumentTerms,
  sizeLots: number,
  orders: OpenOrders,
  quotation: Quotation,
): bigint {
  if (terms.isOption) return optionInitialMargin(terms, sizeLots, orders, quotation);
  const { initialBasePpm, slopePpm } = terms.product.futureMargin;
  const worst = Math.max(Math.abs(sizeLots + orders.buyLots), Math.abs(sizeLots - orders.sellLots));
  const margin = futureMargin(terms, worst, quotation.markPrice, initialBasePpm, slopePpm);
  if (orders.buyLots === 0 && orders.sellLots === 0) return margin;
  const buyLoss = lossAtMark(terms, "buy", orders.buyLots, orders.buyValue, quotation);
  return margin + buyLoss + lossAtMark(terms, "sell", orders.sellLots, orders.sellValue, quotation);
}

/** What lots of a future lose at the mark when they fill for `value`; not below zero. */
function lossAtMark(terms: InstrumentTerms, side: Side, lots: number, value: bigint, quotation: Quotation): bigint {
  if (lots === 0 && value === 0n) return 0n;
  if (side === "buy") return largerOf(0n, value - settlementValue(terms, lots, quotation.markPrice));
  // Selling books minus the value, so the value at mark is rounded as that of a short position is.
  return largerOf(0n, -settlementValue(terms, -lots, quotation.markPrice) - value);
}

/**
 * What a fill takes from the funds of an account at once: the loss at the mark of a future, the premium of an option that is
 * bought. A profit at the mark, and a premium that comes in, are not counted before they are there.
 */
export function fillCost(
  terms: InstrumentTerms,
  fill: { readonly side: Side; readonly lots: number; readonly value: bigint },
  quotation: Quotation,
): bigint {
  if (terms.isOption) return fill.side === "buy" ? fill.value : 0n;
  return lossAtMark(terms, fill.side, fill.lots, fill.value, quotation);
}

/** Maintenance margin of a position, rounded up. */
export function maintenanceMargin(terms: InstrumentTerms, sizeLots: number, quotation: Quotation): bigint {
  if (terms.isOption) return optionShortMargin(terms, sizeLots, quotation, "maintenance");
  const { maintenanceBasePpm, slopePpm } = terms.product.futureMargin;
  return futureMargin(terms, Math.abs(sizeLots), quotation.markPrice, maintenanceBasePpm, slopePpm);
}

/** c · (base + slope · c) of a size without sign; see the head of this file. */
export function futureMargin(
  terms: InstrumentTerms,
  lots: number,
  markPrice: number,
  basePpm: number,
  slopePpm: number,
): bigint {
  if (lots === 0) return 0n;
  const amount = BigInt(lots) * terms.lot;
  const price = BigInt(markPrice);
  const base = BigInt(basePpm);
  const slope = BigInt(slopePpm);
  if (terms.instrument.inverse) {
    // c = amount / price coins
    return ceilingDivide(amount * (base * price + slope * amount) * terms.unit, ppm * price * price);
  }
  // c = amount / 1e8 coins, the mark = price / 1e8
  return ceilingDivide(amount * price * (base * e8 + slope * amount) * terms.unit, ppm * e8 * e8 * e8);
}

function optionInitialMargin(
  terms: InstrumentTerms,
  sizeLots: number,
  orders: OpenOrders,
  quotation: Quotation,
): bigint {
  const margin = (size: number): bigint => optionShortMargin(terms, size, quotation, "initial");
  const held = margin(sizeLots);
  if (orders.buyLots === 0 && orders.sellLots === 0) return held;
  const bought = orders.buyLots === 0 ? held : margin(sizeLots + orders.buyLots) + orders.buyValue;
  const sold = orders.sellLots === 0 ? held : margin(sizeLots - orders.sellLots);
  return largerOf(held, bought) + sold - held;
}

/** Margin of a net size of options: zero when it is not short. */
function optionShortMargin(
  terms: InstrumentTerms,
  sizeLots: number,
  quotation: Quotation,
  level: "initial" | "maintenance",
): bigint {
  if (0 <= sizeLots) return 0n;
  const { instrument } = terms;
  const amount = BigInt(-sizeLots) * terms.lot;
  const index = BigInt(quotation.indexPrice);
  const perCoin = level === "initial" ? initialPerCoin(terms, quotation) : maintenancePerCoin(terms, quotation);
  // perCoin is in 1e-8 quote units times ppm; inverse: times the index as well, which is divided out here.
  const numerator = amount * perCoin * terms.unit;
  return ceilingDivide(numerator, instrument.inverse ? e8 * e8 * ppm * index : e8 * e8 * ppm);
}

/**
 * Requirement per coin in 1e-8 of the premium's unit, times 1e6 (rates are in ppm); of inverse options times the index, so
 * that everything stays an integer: a fraction of a coin is 1e8 · x / index in 1e-8.
 */
function initialPerCoin(terms: InstrumentTerms, quotation: Quotation): bigint {
  const { initialPpm, initialFloorPpm } = terms.product.optionMargin;
  const index = BigInt(quotation.indexPrice);
  const out = largerOf(0n, distanceOut(terms, index));
  const atRisk = largerOf(BigInt(initialPpm) * index - ppm * out, BigInt(initialFloorPpm) * index);
  const required = inPremiumUnit(terms, atRisk) + markPerCoin(terms, quotation);
  return terms.instrument.optionType === "call" ? required : largerOf(required, maintenancePerCoin(terms, quotation));
}

function maintenancePerCoin(terms: InstrumentTerms, quotation: Quotation): bigint {
  const rate = BigInt(terms.product.optionMargin.maintenancePpm);
  const mark = markPerCoin(terms, quotation);
  const atRisk = inPremiumUnit(terms, rate * BigInt(quotation.indexPrice));
  if (terms.instrument.optionType === "call") return atRisk + mark;
  // The part that follows the mark is rounded up: rates need not divide.
  return largerOf(atRisk, ceilingDivide(rate * mark, ppm)) + mark;
}

/** An amount of dollars (1e-8, times ppm) in the unit of the premium, inverse: times the index. */
function inPremiumUnit(terms: InstrumentTerms, dollars: bigint): bigint {
  return terms.instrument.inverse ? dollars * e8 : dollars;
}

function markPerCoin(terms: InstrumentTerms, quotation: Quotation): bigint {
  const mark = BigInt(quotation.markPrice) * ppm;
  return terms.instrument.inverse ? mark * BigInt(quotation.indexPrice) : mark;
}

function distanceOut(terms: InstrumentTerms, index: bigint): bigint {
  const strike = BigInt(terms.instrument.strike!);
  return terms.instrument.optionType === "call" ? strike - index : index - strike;
}
