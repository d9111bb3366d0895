/**
 * Where an account stands in one settlement asset, and whether it can afford another order. Figures are cached per exposure
 * until its quotation moves, and summed per account.
 *
 * PERF: within a block, whose marks do not move, checking an order costs O(1). The first check of an account after marks
 * moved looks at each of its exposures and computes those whose marks did.
 *
 *   marginBalance = balance + session profit of futures and perpetuals, realised and not + session funding
 *   equity        = marginBalance + optionsValue
 *   available     = marginBalance − initial margin
 *
 * The balance is the ledger's and comes as an argument: this folder does not know the ledger.
 */
import type { Side } from "@stoa/protocol/command";
import type { InstrumentTerms, Quotations } from "../terms.ts";
import { exposureOf, type Exposure, type FiguresTotal, type Risk } from "./exposure.ts";
import { computeFigures, fillCost, initialMargin, noOrders } from "./figures.ts";
import { addFigures, noFigures, subtractFigures, type MarginFigures } from "./margin-figures.ts";

export interface Evaluation extends MarginFigures {
  readonly balance: bigint;
  readonly marginBalance: bigint;
  readonly equity: bigint;
  readonly openOrdersMargin: bigint;
  /** May be negative. */
  readonly availableFunds: bigint;
  /** What may leave the account: unpaid profit of the session does not count. Never negative. */
  readonly availableWithdrawalFunds: bigint;
}

export function evaluate(
  risk: Risk,
  quotations: Quotations,
  holding: { readonly account: number; readonly asset: number; readonly balance: bigint },
): Evaluation {
  const { balance } = holding;
  const figures = figuresOfAccount(risk, quotations, holding.account, holding.asset);
  const marginBalance = marginBalanceOf(figures, balance);
  const availableFunds = marginBalance - figures.initial;
  const withdrawable = (balance < marginBalance ? balance : marginBalance) - figures.initial;
  return {
    ...figures,
    balance,
    marginBalance,
    equity: marginBalance + figures.optionsValue,
    openOrdersMargin: figures.initial - figures.initialPosition,
    availableFunds,
    availableWithdrawalFunds: 0n < withdrawable ? withdrawable : 0n,
  };
}

const marginBalanceOf = (figures: MarginFigures, balance: bigint): bigint =>
  balance + figures.sessionUnrealized + figures.sessionRealized + figures.sessionFunding;

/** Sums of an account's figures in one settlement asset at the present quotations. */
export function figuresOfAccount(risk: Risk, quotations: Quotations, account: number, asset: number): MarginFigures {
  const exposures = risk.accounts.get(account);
  if (exposures === undefined) return noFigures;
  let total = exposures.totals.get(asset);
  if (total === undefined) {
    total = { figures: noFigures, version: -1, changed: [] };
    exposures.totals.set(asset, total);
  }
  const stale = total.version === quotations.version ? total.changed : exposures.byInstrument.values();
  for (const exposure of stale) {
    if (exposure.terms.instrument.settlement === asset) count(total, exposure, quotations);
  }
  total.changed.length = 0;
  total.version = quotations.version;
  return total.figures;
}

/** Puts the present figures of an exposure into the total in place of those that were counted. */
function count(total: FiguresTotal, exposure: Exposure, quotations: Quotations): void {
  const figures = figuresOfExposure(exposure, quotations);
  if (exposure.counted === figures) return;
  if (exposure.counted !== undefined) total.figures = subtractFigures(total.figures, exposure.counted);
  total.figures = addFigures(total.figures, figures);
  exposure.counted = figures;
}

export function figuresOfExposure(exposure: Exposure, quotations: Quotations): MarginFigures {
  const quotation = quotations.quotation(exposure.instrument);
  if (exposure.figuresVersion !== quotation.version) {
    exposure.figures = computeFigures(exposure, quotation);
    exposure.figuresVersion = quotation.version;
  }
  return exposure.figures;
}

/** A change to the open orders of an account in one instrument; lots and value are negative where an order leaves. */
export interface OpenOrderChange {
  readonly side: Side;
  readonly lots: number;
  /** Settlement value of those lots at the order's price. */
  readonly value: bigint;
}

/** What an order would do to its account in one instrument. */
export interface OrderEffect {
  /** What would fill at once, and its settlement value at the prices at which it would. */
  readonly fill?: { readonly side: Side; readonly lots: number; readonly value: bigint };
  readonly openOrders: readonly OpenOrderChange[];
}

/**
 * Initial margin the account would need in the instrument's asset after the effect, and what its fill costs at once, less the
 * margin that it needs now. Negative where a fill frees more margin than it costs.
 */
export function marginIncrease(
  risk: Risk,
  quotations: Quotations,
  terms: InstrumentTerms,
  account: number,
  { fill, openOrders }: OrderEffect,
): bigint {
  const quotation = quotations.quotation(terms.instrument.id);
  const exposure = exposureOf(risk, account, terms.instrument.id);
  let { buyLots, sellLots, buyValue, sellValue } = exposure ?? noOrders;
  for (const change of openOrders) {
    if (change.side === "buy") {
      buyLots += change.lots;
      buyValue += change.value;
    } else {
      sellLots += change.lots;
      sellValue += change.value;
    }
  }
  let sizeLots = exposure?.sizeLots ?? 0;
  let cost = 0n;
  if (fill !== undefined) {
    sizeLots += fill.side === "buy" ? fill.lots : -fill.lots;
    cost = fillCost(terms, fill, quotation);
  }
  const after = initialMargin(terms, sizeLots, { buyLots, sellLots, buyValue, sellValue }, quotation);
  return after + cost - (exposure === undefined ? 0n : figuresOfExposure(exposure, quotations).initial);
}

/**
 * Whether an account may have this effect: its funds cover the initial margin afterwards, or the effect does not raise the
 * requirement (an account short of margin may still cancel, and close at a price that frees more margin than it loses).
 */
export function affords(
  risk: Risk,
  quotations: Quotations,
  terms: InstrumentTerms,
  holding: { readonly account: number; readonly balance: bigint },
  effect: OrderEffect,
): boolean {
  const increase = marginIncrease(risk, quotations, terms, holding.account, effect);
  if (increase <= 0n) return true;
  const asset = terms.instrument.settlement;
  const figures = figuresOfAccount(risk, quotations, holding.account, asset);
  return increase <= marginBalanceOf(figures, holding.balance) - figures.initial;
}

/** Initial margin of one new order standing alone, for quoting it to clients. */
export function orderMargin(
  quotations: Quotations,
  terms: InstrumentTerms,
  order: { readonly side: Side; readonly lots: number; readonly value: bigint },
): bigint {
  const orders =
    order.side === "buy"
      ? { ...noOrders, buyLots: order.lots, buyValue: order.value }
      : { ...noOrders, sellLots: order.lots, sellValue: order.value };
  return initialMargin(terms, 0, orders, quotations.quotation(terms.instrument.id));
}
