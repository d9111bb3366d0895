/**
 * Liquidation of one account in one settlement asset, decided from its figures, one step at a time; the machine carries the
 * steps out. There are no keepers: it is part of every block.
 *
 *   1. It starts when marginBalance < maintenance margin, or marginBalance < 0. All open orders of the asset are cancelled;
 *      new ones are refused while it lasts.
 *   2. While equity is above half of what its positions need net of their value, they are reduced step by step: one order per
 *      `stepIntervalMs` in the instrument with the largest maintenance margin, `stepPpm` of the position (at least a lot),
 *      immediate or cancel, at a bounded price: no worse than giving up the maintenance margin of the lots it closes. So a
 *      step in itself never makes an account bankrupt. The fee is the smaller of the rate and what equity is left.
 *   3. Below that, or when a position cannot be reduced, the insurance fund takes all positions of the asset over at their
 *      marks. What the account lost beyond all it had is covered by the fund; what the fund cannot cover is socialised at
 *      the next settlement (settlement/socialize.ts). The fund reduces what it took over in the same steps.
 *   4. It ends when marginBalance ≥ maintenance margin again, or nothing is left.
 *
 * Positions in instruments that are locked are left alone, since their marks cannot be trusted; the others are reduced or taken over
 * meanwhile. While any of them is held, no loss is covered: what the account is worth is not known.
 */
import type { Side } from "@stoa/protocol/command";
import { ceilingDivide, ceilToTick, floorDivide, floorToTick, largerOf, magnitude, ppm, smallerOf } from "../terms.ts";
import type { Quotation, Quotations } from "../terms.ts";
import { figuresOfExposure, type Evaluation } from "./evaluation.ts";
import { exposuresOf, liquidationKey, type Exposure, type Risk } from "./exposure.ts";
import { maintenanceMargin } from "./figures.ts";

export interface LiquidationRules {
  readonly stepPpm: number;
  readonly stepIntervalMs: number;
  readonly feePpm: number;
}

/** One immediate-or-cancel order into the book. */
export interface Reduction {
  readonly instrument: number;
  readonly side: Side;
  readonly lots: number;
  readonly limitTicks: number;
}

export type LiquidationDecision =
  | { readonly kind: "sound" | "start" | "wait" | "take-over" | "end" }
  | { readonly kind: "reduce"; readonly reduction: Reduction };

export interface LiquidationQuestion {
  readonly account: number;
  readonly asset: number;
  readonly timeMs: number;
  /** Where the account stands in the asset now. */
  readonly evaluation: Evaluation;
  /** Whether an instrument trades. */
  readonly isOpen: (instrument: number) => boolean;
}

/** What is to be done with an account in one settlement asset now. Pure: `startLiquidation` and others record it. */
export function decideLiquidation(
  risk: Risk,
  quotations: Quotations,
  rules: LiquidationRules,
  question: LiquidationQuestion,
): LiquidationDecision {
  const { account, asset, evaluation, timeMs, isOpen } = question;
  const { marginBalance, maintenance, equity, optionsShortValue } = evaluation;
  const running = risk.liquidations.get(liquidationKey(account, asset));
  const isShort = marginBalance < maintenance || marginBalance < 0n;
  if (running === undefined) return { kind: isShort ? "start" : "sound" };
  if (!isShort) return { kind: "end" };
  const held = heldIn(risk, account, asset);
  const open = held.filter(({ instrument }) => isOpen(instrument));
  if (open.length === 0 && 0 < held.length) return { kind: "wait" };
  if (held.length === 0 || 2n * equity < maintenance + optionsShortValue) return { kind: "take-over" };
  if (timeMs < running.nextStepMs) return { kind: "wait" };
  return { kind: "reduce", reduction: chooseReduction(quotations, rules, open) };
}

/** The next step of the insurance fund with what it took over; `undefined` when it holds nothing that trades. */
export function decideDisposal(
  risk: Risk,
  quotations: Quotations,
  rules: LiquidationRules,
  question: Omit<LiquidationQuestion, "evaluation">,
): Reduction | undefined {
  const { account, asset, timeMs, isOpen } = question;
  const held = heldIn(risk, account, asset).filter(({ instrument }) => isOpen(instrument));
  const running = risk.liquidations.get(liquidationKey(account, asset));
  if (held.length === 0 || (running !== undefined && timeMs < running.nextStepMs)) return undefined;
  return chooseReduction(quotations, rules, held);
}

/** Positions of an account in an asset, ascending by instrument. */
export function heldIn(risk: Risk, account: number, asset: number): readonly Exposure[] {
  return exposuresOf(risk, account).filter(
    ({ sizeLots, terms }) => sizeLots !== 0 && terms.instrument.settlement === asset,
  );
}

/** Notes the time of the next step: after a start at once, after a step when the interval is over. */
export function scheduleLiquidation(risk: Risk, account: number, asset: number, nextStepMs: number): void {
  const key = liquidationKey(account, asset);
  const running = risk.liquidations.get(key);
  if (running === undefined) risk.liquidations.set(key, { account, asset, nextStepMs });
  else running.nextStepMs = nextStepMs;
  risk.touched.add(key);
}

export function endLiquidation(risk: Risk, account: number, asset: number): void {
  const key = liquidationKey(account, asset);
  if (risk.liquidations.delete(key)) risk.touched.add(key);
}

/** The liquidation fee that is really charged: never more than what is left to the account. */
export function cappedLiquidationFee(fee: bigint, equity: bigint): bigint {
  return smallerOf(fee, largerOf(0n, equity));
}

/** Largest maintenance margin first, then largest value, then lowest number. */
function chooseReduction(quotations: Quotations, rules: LiquidationRules, held: readonly Exposure[]): Reduction {
  let worst = held[0]!;
  for (const candidate of held) if (outranks(quotations, candidate, worst)) worst = candidate;
  const size = Math.abs(worst.sizeLots);
  const lots = Number(ceilingDivide(BigInt(size) * BigInt(rules.stepPpm), ppm));
  const quotation = quotations.quotation(worst.instrument);
  const side: Side = 0 < worst.sizeLots ? "sell" : "buy";
  const limitTicks = reductionLimitTicks(quotation, side);
  return { instrument: worst.instrument, side, lots: Math.max(1, Math.min(lots, size)), limitTicks };
}

function outranks(quotations: Quotations, left: Exposure, right: Exposure): boolean {
  const one = figuresOfExposure(left, quotations);
  const other = figuresOfExposure(right, quotations);
  if (one.maintenance !== other.maintenance) return other.maintenance < one.maintenance;
  return magnitude(other.optionsValue) < magnitude(one.optionsValue);
}

/**
 * The worst price of a step: futures and perpetuals, the mark less (buying: plus) the base rate of the maintenance margin;
 * options bought back, the maintenance margin of a coin; options sold, half the mark. On the grid, at least one tick.
 */
export function reductionLimitTicks(quotation: Quotation, side: Side): number {
  const { terms, markPrice } = quotation;
  const { instrument } = terms;
  const mark = BigInt(markPrice);
  const tick = BigInt(instrument.tick);
  if (terms.isOption && side === "sell") {
    return ceilToTick(instrument, Math.max(1, Number(ceilingDivide(mark, 2n * tick))));
  }
  if (terms.isOption) return floorToTick(instrument, Math.max(1, Number(optionBuyLimit(quotation) / tick)));
  const rate = BigInt(terms.product.futureMargin.maintenanceBasePpm);
  return side === "sell"
    ? ceilToTick(instrument, Math.max(1, Number(ceilingDivide(mark * (ppm - rate), ppm * tick))))
    : floorToTick(instrument, Number(floorDivide(mark * (ppm + rate), ppm * tick)));
}

/** Maintenance margin of one short coin as a price in 1e-8, rounded down. */
function optionBuyLimit(quotation: Quotation): bigint {
  const { terms } = quotation;
  // As many lots as make the rounding of the requirement negligible against a tick.
  const lots = 1_000_000;
  const margin = maintenanceMargin(terms, -lots, quotation);
  return (margin * 100_000_000n * 100_000_000n) / (BigInt(lots) * terms.lot * terms.unit);
}
