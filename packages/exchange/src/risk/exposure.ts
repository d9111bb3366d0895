/**
 * What one account has at stake in one instrument: its position, carried as sums, and the totals of its open orders. Fills
 * change the sums so that over all accounts of an instrument they never drift: what a fill adds to one side it takes from
 * the other, and realising a part of a position only moves value from "open" to "realised" inside one exposure. Knows
 * nothing of books or of the ledger: what has to be paid is returned.
 *
 * Sums and their meaning (money in smallest units of the settlement asset):
 *   entryValue      settlement value of the open size at entry since it was opened
 *   sessionValue    the same since the last daily settlement, which re-marks it
 *   sessionRealized realised since then; of futures and perpetuals not yet in the balance
 *   sessionFunding  funding received (negative: paid) since then, not yet in the balance
 */
import { assert, present } from "@stoa/base/assert";
import type { Side } from "@stoa/protocol/command";
import { floorDivide, type InstrumentTerms, type PositionSums } from "../terms.ts";
import { noFigures, subtractFigures, type MarginFigures } from "./margin-figures.ts";

export interface Exposure extends PositionSums {
  readonly account: number;
  readonly instrument: number;
  readonly terms: InstrumentTerms;
  sizeLots: number;
  entryValue: bigint;
  sessionValue: bigint;
  sessionRealized: bigint;
  sessionFunding: bigint;
  totalRealized: bigint;
  /** The instrument's accrued funding up to which `sessionFunding` is complete. */
  fundingAccruedE12: bigint;
  /** Open orders: lots that may still fill, and the sum of their values at their own prices. */
  buyLots: number;
  sellLots: number;
  buyValue: bigint;
  sellValue: bigint;
  /** Cached by `evaluation.ts`; valid for one version of the quotation. */
  figures: MarginFigures;
  figuresVersion: number;
  /** The figures of this exposure that are in the account's total. */
  counted: MarginFigures | undefined;
}

export interface AccountExposures {
  readonly byInstrument: Map<number, Exposure>;
  readonly totals: Map<number, FiguresTotal>;
}

/** Sum of the counted figures of one settlement asset, complete for one version of the quotations. */
export interface FiguresTotal {
  figures: MarginFigures;
  version: number;
  /** Exposures that changed since and are not counted, each once: the few that one command has touched. */
  readonly changed: Exposure[];
}

export interface Liquidation {
  readonly account: number;
  readonly asset: number;
  /** Block time from which the next step may be taken. */
  nextStepMs: number;
}

export interface FundingBooked {
  readonly asset: number;
  sum: bigint;
}

export interface Risk {
  readonly accounts: Map<number, AccountExposures>;
  /** Accounts with an exposure, by instrument. */
  readonly holders: Map<number, Set<number>>;
  /** Funding booked in this session over all accounts, by instrument. Once all are booked it is at most zero: dust. */
  readonly fundingBooked: Map<number, FundingBooked>;
  /** Running liquidations by `liquidationKey`. */
  readonly liquidations: Map<string, Liquidation>;
  /** `positionKey`s and `liquidationKey`s whose record changed since the root was last computed. */
  readonly touched: Set<string>;
  /** Instruments in which positions changed since they were last seen to net to zero. */
  readonly moved: Set<number>;
  /** Accounts whose positions changed since they were last judged, and the quotations that all were last judged by. */
  readonly unjudged: Set<number>;
  judgedVersion: number;
}

export function createRisk(): Risk {
  return {
    accounts: new Map(),
    holders: new Map(),
    fundingBooked: new Map(),
    liquidations: new Map(),
    touched: new Set(),
    moved: new Set(),
    unjudged: new Set(),
    judgedVersion: -1,
  };
}

export const positionKey = (account: number, instrument: number): string => `p:${account}:${instrument}`;
export const liquidationKey = (account: number, asset: number): string => `l:${account}:${asset}`;
export const fundingKey = (instrument: number): string => `f:${instrument}`;

export function exposureOf(risk: Risk, account: number, instrument: number): Exposure | undefined {
  return risk.accounts.get(account)?.byInstrument.get(instrument);
}

/** The exposures of an account in ascending order of instrument. */
export function exposuresOf(risk: Risk, account: number): readonly Exposure[] {
  const exposures = [...(risk.accounts.get(account)?.byInstrument.values() ?? [])];
  return exposures.sort((left, right) => left.instrument - right.instrument);
}

/** The exposures in an instrument in ascending order of account. */
export function holdersOf(risk: Risk, instrument: number): readonly Exposure[] {
  const accounts = [...(risk.holders.get(instrument) ?? [])].sort((left, right) => left - right);
  return accounts.map((account) => present(exposureOf(risk, account, instrument), "a holder has an exposure"));
}

/** Total of long positions in an instrument, in lots. PERF: O(holders). */
export function openInterestOf(risk: Risk, instrument: number): number {
  let lots = 0;
  for (const account of risk.holders.get(instrument) ?? []) {
    const { sizeLots } = present(exposureOf(risk, account, instrument), "a holder has an exposure");
    if (0 < sizeLots) lots += sizeLots;
  }
  return lots;
}

function openExposure(risk: Risk, account: number, terms: InstrumentTerms, fundingAccruedE12: bigint): Exposure {
  const instrument = terms.instrument.id;
  const existing = exposureOf(risk, account, instrument);
  if (existing !== undefined) return existing;
  const exposure: Exposure = {
    account,
    instrument,
    terms,
    sizeLots: 0,
    entryValue: 0n,
    sessionValue: 0n,
    sessionRealized: 0n,
    sessionFunding: 0n,
    totalRealized: 0n,
    fundingAccruedE12,
    buyLots: 0,
    sellLots: 0,
    buyValue: 0n,
    sellValue: 0n,
    figures: noFigures,
    figuresVersion: -1,
    counted: undefined,
  };
  let exposures = risk.accounts.get(account);
  if (exposures === undefined) {
    exposures = { byInstrument: new Map(), totals: new Map() };
    risk.accounts.set(account, exposures);
  }
  exposures.byInstrument.set(instrument, exposure);
  const holders = risk.holders.get(instrument);
  if (holders === undefined) risk.holders.set(instrument, new Set([account]));
  else holders.add(account);
  return exposure;
}

/** Puts a position back as its record describes it. */
export function restoreExposure(
  risk: Risk,
  terms: InstrumentTerms,
  sums: PositionSums,
  fundingAccruedE12: bigint,
): void {
  const exposure = openExposure(risk, sums.account, terms, fundingAccruedE12);
  exposure.sizeLots = sums.sizeLots;
  exposure.entryValue = sums.entryValue;
  exposure.sessionValue = sums.sessionValue;
  exposure.sessionRealized = sums.sessionRealized;
  exposure.sessionFunding = sums.sessionFunding;
  exposure.totalRealized = sums.totalRealized;
}

/** The cached figures of an exposure no longer hold: they are taken out of the sum, which needs no other change. */
function invalidate(exposures: AccountExposures, exposure: Exposure): void {
  exposure.figuresVersion = -1;
  const total = exposures.totals.get(exposure.terms.instrument.settlement);
  if (total === undefined) return;
  if (exposure.counted !== undefined) total.figures = subtractFigures(total.figures, exposure.counted);
  exposure.counted = undefined;
  if (!total.changed.includes(exposure)) total.changed.push(exposure);
}

/** Ends every change of an exposure: caches are stale, and an exposure in which nothing is left is forgotten. */
function closeChange(risk: Risk, exposure: Exposure): void {
  const exposures = present(risk.accounts.get(exposure.account), "an exposure belongs to an account");
  invalidate(exposures, exposure);
  // Without a position there is no record, so nothing may be remembered that a restored state would not know.
  if (!hasPosition(exposure)) exposure.totalRealized = 0n;
  if (!isEmpty(exposure)) return;
  const changed = exposures.totals.get(exposure.terms.instrument.settlement)?.changed ?? [];
  if (changed.includes(exposure)) changed.splice(changed.indexOf(exposure), 1);
  exposures.byInstrument.delete(exposure.instrument);
  risk.holders.get(exposure.instrument)?.delete(exposure.account);
  if (exposures.byInstrument.size === 0) risk.accounts.delete(exposure.account);
}

/** Whether a position record exists: something is open, or this session still has to be paid out. */
export function hasPosition(exposure: PositionSums): boolean {
  return exposure.sizeLots !== 0 || exposure.sessionRealized !== 0n || exposure.sessionFunding !== 0n;
}

function isEmpty(exposure: Exposure): boolean {
  return !hasPosition(exposure) && exposure.buyLots === 0 && exposure.sellLots === 0;
}

/**
 * Adds to (or, with negative `lots` and `value`, takes from) the open orders of an account. `value` is the settlement value
 * of those lots at the order's own price. Called whenever an order enters the book, is reduced, filled, or leaves.
 */
export function adjustOpenOrders(
  risk: Risk,
  terms: InstrumentTerms,
  change: {
    readonly account: number;
    readonly side: Side;
    readonly lots: number;
    readonly value: bigint;
    /** Accrued funding of the instrument now (0n unless a perpetual). */
    readonly fundingAccruedE12: bigint;
  },
): void {
  const exposure = openExposure(risk, change.account, terms, change.fundingAccruedE12);
  if (change.side === "buy") {
    exposure.buyLots += change.lots;
    exposure.buyValue += change.value;
    assert(0 <= exposure.buyLots, "open buys are not negative");
    assert(exposure.buyLots !== 0 || exposure.buyValue === 0n, "no open buys have no value");
  } else {
    exposure.sellLots += change.lots;
    exposure.sellValue += change.value;
    assert(0 <= exposure.sellLots, "open sells are not negative");
    assert(exposure.sellLots !== 0 || exposure.sellValue === 0n, "no open sells have no value");
  }
  closeChange(risk, exposure);
}

export interface FillResult {
  /** Profit against entry of the part that reduced the position, before fees. */
  readonly realized: bigint;
  /** What the ledger must book for the account at once: the premium of options; 0n for futures and perpetuals. */
  readonly balanceChange: bigint;
}

/**
 * Applies one side of a fill. `lots` is positive; `value` is the settlement value of the fill as the buyer books it, the same
 * number for both sides. Funding is brought up to date first.
 */
export function applyFill(
  risk: Risk,
  terms: InstrumentTerms,
  fill: {
    readonly account: number;
    readonly side: Side;
    readonly lots: number;
    readonly value: bigint;
    readonly fundingAccruedE12: bigint;
  },
): FillResult {
  const exposure = openExposure(risk, fill.account, terms, fill.fundingAccruedE12);
  bookFunding(risk, exposure, fill.fundingAccruedE12);
  const sizeChange = fill.side === "buy" ? fill.lots : -fill.lots;
  const valueChange = fill.side === "buy" ? fill.value : -fill.value;
  const realized = applySums(exposure, sizeChange, valueChange);
  risk.moved.add(exposure.instrument);
  risk.unjudged.add(exposure.account);
  risk.touched.add(positionKey(exposure.account, exposure.instrument));
  closeChange(risk, exposure);
  return { realized, balanceChange: terms.isOption ? -valueChange : 0n };
}

/** The sums after a change of size; returns what was realised against entry. */
function applySums(exposure: Exposure, sizeChange: number, valueChange: bigint): bigint {
  const size = exposure.sizeLots;
  if (size === 0) exposure.totalRealized = 0n;
  if (size === 0 || 0 < size === 0 < sizeChange) {
    exposure.sizeLots += sizeChange;
    exposure.entryValue += valueChange;
    exposure.sessionValue += valueChange;
    return 0n;
  }
  const lots = Math.abs(sizeChange);
  const closedLots = Math.min(Math.abs(size), lots);
  const closedValue = shareOf(valueChange, closedLots, lots);
  const entryReleased = shareOf(exposure.entryValue, closedLots, Math.abs(size));
  const sessionReleased = shareOf(exposure.sessionValue, closedLots, Math.abs(size));
  const realized = -closedValue - entryReleased;
  exposure.sizeLots += sizeChange;
  exposure.sessionRealized += -closedValue - sessionReleased;
  exposure.totalRealized += realized;
  exposure.entryValue -= entryReleased;
  exposure.sessionValue -= sessionReleased;
  if (closedLots < lots) {
    // The rest of the fill opens a position on the other side: a new beginning for everything but the session.
    exposure.entryValue += valueChange - closedValue;
    exposure.sessionValue += valueChange - closedValue;
    exposure.totalRealized = 0n;
  }
  return realized;
}

/** The part of a sum that belongs to `part` of `whole` lots. What is left stays in the sum, so nothing is lost. */
function shareOf(value: bigint, part: number, whole: number): bigint {
  return part === whole ? value : floorDivide(value * BigInt(part), BigInt(whole));
}

/** Funding of a size between two readings of the accrued index: rounded down, so the payer pays up to one unit more. */
export function fundingBetween(sizeLots: number, beforeE12: bigint, afterE12: bigint): bigint {
  if (sizeLots === 0 || beforeE12 === afterE12) return 0n;
  return floorDivide(-BigInt(sizeLots) * (afterE12 - beforeE12), 1_000_000_000_000n);
}

/** Books the funding of a position up to the given reading of the instrument's index. */
export function bookFunding(risk: Risk, exposure: Exposure, accruedE12: bigint): void {
  const funding = fundingBetween(exposure.sizeLots, exposure.fundingAccruedE12, accruedE12);
  if (exposure.fundingAccruedE12 === accruedE12) return;
  exposure.fundingAccruedE12 = accruedE12;
  invalidate(present(risk.accounts.get(exposure.account), "an exposure belongs to an account"), exposure);
  if (hasPosition(exposure)) risk.touched.add(positionKey(exposure.account, exposure.instrument));
  if (funding === 0n) return;
  exposure.sessionFunding += funding;
  const booked = risk.fundingBooked.get(exposure.instrument);
  if (booked !== undefined) booked.sum += funding;
  else risk.fundingBooked.set(exposure.instrument, { asset: exposure.terms.instrument.settlement, sum: funding });
  risk.touched.add(fundingKey(exposure.instrument));
}

/** After the daily settlement paid this session out: sums are re-marked and start again. */
export function startSession(risk: Risk, exposure: Exposure, sessionValue: bigint): void {
  exposure.sessionValue = sessionValue;
  exposure.sessionRealized = 0n;
  exposure.sessionFunding = 0n;
  risk.touched.add(positionKey(exposure.account, exposure.instrument));
  closeChange(risk, exposure);
}

/** After delivery: the position is gone. Open orders must have been cancelled before. */
export function closePosition(risk: Risk, exposure: Exposure): void {
  risk.moved.add(exposure.instrument);
  exposure.sizeLots = 0;
  exposure.entryValue = 0n;
  startSession(risk, exposure, 0n);
}

/** Forgets an instrument that was delivered: nobody holds it any more. */
export function forgetInstrument(risk: Risk, instrument: number): void {
  assert((risk.holders.get(instrument)?.size ?? 0) === 0, "a delivered instrument has no holders");
  risk.holders.delete(instrument);
  if (risk.fundingBooked.delete(instrument)) risk.touched.add(fundingKey(instrument));
}

/** The funding booked this session is paid out: returns minus its sum, the dust that goes to the insurance fund. */
export function takeFundingDust(risk: Risk, instrument: number): bigint {
  const booked = risk.fundingBooked.get(instrument)?.sum ?? 0n;
  assert(booked <= 0n, "funding pays out no more than it takes in");
  if (risk.fundingBooked.delete(instrument)) risk.touched.add(fundingKey(instrument));
  return -booked;
}

/**
 * What the clearing account must hold of each asset: the difference between what open sessions have realised and what they
 * stand at, over all futures and perpetuals. Checked against the ledger after every block that moved a position.
 * PERF: O(exposures).
 */
export function clearingOwed(risk: Risk, assetsCount: number): readonly bigint[] {
  const owed = Array.from({ length: assetsCount }, () => 0n);
  for (const exposures of risk.accounts.values()) {
    for (const exposure of exposures.byInstrument.values()) {
      if (exposure.terms.isOption || !hasPosition(exposure)) continue;
      const { sessionRealized, sessionFunding, sessionValue } = exposure;
      owed[exposure.terms.instrument.settlement]! += sessionRealized + sessionFunding - sessionValue;
    }
  }
  for (const booked of risk.fundingBooked.values()) owed[booked.asset]! -= booked.sum;
  return owed;
}

/** The instruments in which positions changed since the last call, each with the sum of its positions in lots: zero. */
export function takeMoved(risk: Risk): readonly { readonly instrument: number; readonly netLots: number }[] {
  const moved = [...risk.moved].map((instrument) => {
    let netLots = 0;
    for (const account of risk.holders.get(instrument) ?? []) {
      netLots += exposureOf(risk, account, instrument)?.sizeLots ?? 0;
    }
    return { instrument, netLots };
  });
  risk.moved.clear();
  return moved;
}
